//! What a provider says, once it is proved and read.

use super::fact::Fact;
use super::time::Timestamp;
use crate::domain::provider::Provider;
use crate::domain::reference::Reference;

string_enum! {
    /// How an event came whose body is kept.
    Source {
        /// The provider sent it.
        Webhook = "webhook",
        /// It was missed, and found in the provider's list of events.
        CatchUp = "catch-up",
        /// The provider's API was asked for its object.
        Object = "object",
    }
}

string_enum! {
    /// Whose a payment is, by what one event says: where several shops share one account at the
    /// provider, each marks its own. Of several events of a payment the greatest counts.
    Ownership {
        /// The event does not tell, or the shop has no rule.
        Unsaid = "unsaid",
        /// It lacks the mark of this shop.
        Foreign = "foreign",
        /// It bears the mark of this shop.
        Own = "own",
    }
}

/// One event of a provider: proved genuine and read, not yet applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose event this is.
    pub provider: Provider,
    /// The provider's own id; with `provider` the key by which deliveries are counted once.
    pub id: Box<str>,
    /// The provider's own name of what happened; empty if the event does not say.
    pub event_type: Box<str>,
    /// Stripe Connect's account that the event is of; `None`: the platform's own, or PayPal's.
    pub account: Option<Box<str>>,
    /// The version in which the provider rendered the event, if it says.
    pub api_version: Option<Box<str>>,
    /// Real money (`true`) or test money. An event that does not say is test money.
    pub livemode: bool,
    /// When it happened, by the provider's clock, if it says.
    pub occurred_at: Option<Timestamp>,
    /// Whose the payment is, by the shop's rule.
    pub ownership: Ownership,
    /// What follows from it.
    pub content: Content,
}

/// What an event means for payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// It speaks of payments: mostly of one, but a dispute may be about several, and so may an order.
    Payments(Vec<Part>),
    /// Genuine, but nothing that payhookd acts on; the reason is kept for a person.
    Ignored(Box<str>),
    /// It should have spoken of a payment but could not be understood; the error names what.
    Failed(Box<str>),
}

impl Content {
    /// What it says of payments: nothing unless it is [`Content::Payments`].
    pub fn parts(&self) -> &[Part] {
        match self {
            Self::Payments(parts) => parts,
            Self::Ignored(_) | Self::Failed(_) => &[],
        }
    }

    /// All that it says, of whichever payment.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.parts().iter().flat_map(|part| &part.facts)
    }
}

/// What an event says of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Every id of the payment that the event carries, the object that it is about first.
    pub references: Vec<Reference>,
    /// What the event says about it, at least one fact.
    pub facts: Vec<Fact>,
}
