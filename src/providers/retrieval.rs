//! Objects that a provider's API was asked for, kept as events: what an object says now is one more
//! fact about its payment, with the API's own time.

use sha2::{Digest, Sha256};

use super::rules::Rules;
use super::{Proof, Verified, paypal, stripe};
use crate::domain::event::{Content, Event, Ownership, Part};
use crate::domain::fact::Fact;
use crate::domain::provider::Provider;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;

/// What an API is to be asked: the first of these paths at which there is something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// What stands there.
    pub kind: ReferenceKind,
    /// Path and query.
    pub paths: Vec<String>,
}

/// What is known of the asking: whose API it was, when it answered, and what its keys are for.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Whose API.
    pub provider: Provider,
    /// The API's own time.
    pub at: Timestamp,
    /// Which money its keys are about.
    pub livemode: bool,
    /// How the shop marks its payments.
    pub rules: &'a Rules,
}

/// An answer, read.
#[derive(Debug, Default)]
pub struct RetrievedPage {
    /// The objects in it.
    pub objects: Vec<Retrieved>,
    /// What they say is to be asked too.
    pub more: Vec<Question>,
    /// What is wrong with those of a list that could not be understood.
    pub not_understood: Vec<NotUnderstood>,
    /// What leads to the next page of a list, if there is one.
    pub next: Option<String>,
}

/// An object that was asked for.
#[derive(Debug)]
pub struct Retrieved {
    /// The object that it is.
    pub own: Reference,
    /// The same for all answers that say the same of the payment, at whatever time.
    pub digest: String,
    /// What it says; its event's id is not chosen yet.
    content: Content,
    ownership: Ownership,
    pub(super) is_disputed: bool,
    provider: Provider,
    at: Timestamp,
    livemode: bool,
    event_type: String,
    object: String,
}

/// An answer that can't be understood; names what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(pub String);

/// What to ask about an object; `None` if there is nothing to ask, or if `reference` is no id that
/// may stand in a path.
pub fn question(provider: Provider, reference: &Reference) -> Option<Question> {
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if reference.value.is_empty() || !reference.value.bytes().all(is_id) {
        return None;
    }
    let paths = match provider {
        Provider::Stripe => stripe::retrieval::paths(reference),
        Provider::Paypal => paypal::retrieval::paths(reference),
    };
    (!paths.is_empty()).then_some(Question { kind: reference.kind, paths })
}

/// What to ask about a payment of which these ids are known: the objects from which the others can be
/// reached, if any of them is known.
pub fn questions(provider: Provider, references: &[Reference]) -> Vec<Question> {
    use ReferenceKind::{
        Authorization, Capture, Charge, CheckoutSession, Dispute, Invoice, InvoicePayment, Order,
        Other, Payment, PaymentIntent, Refund, Sale,
    };
    let tiers: &[&[ReferenceKind]] = match provider {
        Provider::Stripe => &[
            &[PaymentIntent],
            &[CheckoutSession, Invoice, InvoicePayment],
            &[Charge],
            &[Refund, Dispute],
        ],
        Provider::Paypal => {
            &[&[Order, Payment], &[Capture, Sale, Authorization, Other], &[Refund, Dispute]]
        }
    };
    let of = |kinds: &[ReferenceKind]| -> Vec<Question> {
        let chosen = references.iter().filter(|reference| kinds.contains(&reference.kind));
        chosen.filter_map(|reference| question(provider, reference)).collect()
    };
    let mut first = tiers.iter().map(|kinds| of(kinds)).find(|some| !some.is_empty());
    if provider == Provider::Paypal
        && let Some(first) = &mut first
    {
        // An order does not tell of its disputes.
        let disputes = of(&[Dispute]);
        first.extend(disputes.into_iter().filter(|one| !first.contains(one)).collect::<Vec<_>>());
    }
    first.unwrap_or_default()
}

/// The object that a thin event names; `None` if the event is none, or names none that is known.
pub fn named_by_thin_event(payload: &str) -> Option<Reference> {
    stripe::retrieval::named_by_thin_event(payload)
}

/// Where the lists of all payments begin that a provider's API gives of objects that were made in
/// `[from, until)`; none if it gives no such list.
pub fn payment_lists(provider: Provider, from: Timestamp, until: Timestamp) -> Vec<String> {
    match provider {
        Provider::Stripe => stripe::retrieval::payment_lists(from, until),
        Provider::Paypal => Vec::new(),
    }
}

/// Where the page behind the one at `path` is.
pub fn next_page(path: &str, next: &str) -> String {
    stripe::retrieval::next_page(path, next)
}

/// Reads what stood at `path`, one of a [`Question`]'s.
pub fn read(path: &str, answer: &[u8], asking: Asking<'_>) -> Result<RetrievedPage, NotUnderstood> {
    match asking.provider {
        Provider::Stripe => stripe::retrieval::read(answer, asking),
        Provider::Paypal => paypal::retrieval::read(path, answer, asking),
    }
}

impl Retrieved {
    /// Reads an object, which is JSON text, as an event of a type of ours.
    pub(super) fn new(
        asking: Asking<'_>,
        event_type: String,
        livemode: bool,
        object: &str,
    ) -> Result<Self, NotUnderstood> {
        let mut retrieved = Self {
            own: Reference::new(ReferenceKind::Other, ""),
            digest: String::new(),
            content: Content::Failed("".into()),
            ownership: Ownership::Unsaid,
            is_disputed: false,
            provider: asking.provider,
            at: asking.at,
            livemode,
            event_type,
            object: object.to_owned(),
        };
        // Before its id is chosen it has none that anybody sees.
        let (_, event) = retrieved.event("?", asking.rules)?;
        match &event.content {
            Content::Payments(parts) => {
                let first = event.content.facts().next();
                let first = first.ok_or_else(|| NotUnderstood("no fact".to_owned()))?;
                retrieved.own = Reference::new(first.object, first.object_id.clone());
                retrieved.digest = digest(parts);
            }
            Content::Ignored(why) | Content::Failed(why) => {
                return Err(NotUnderstood(format!("{}: {why}", retrieved.event_type)));
            }
        }
        retrieved.ownership = event.ownership;
        retrieved.content = event.content;
        Ok(retrieved)
    }

    /// What it says of its payment.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.content.facts()
    }

    /// Every id that it carries.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.content.parts().iter().flat_map(|part| &part.references)
    }

    /// Whose the payment is, by the shop's rule.
    pub fn ownership(&self) -> Ownership {
        self.ownership
    }

    /// Whether it says that there is a dispute, which is an object of its own.
    pub fn is_disputed(&self) -> bool {
        self.is_disputed
    }

    /// Whose it is.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Real money.
    pub fn livemode(&self) -> bool {
        self.livemode
    }

    /// How the ids of its events begin.
    pub fn id_prefix(&self) -> String {
        format!("retrieved_{}_{}_", self.own.value, self.digest)
    }

    /// The event under the id that was chosen: the payload that is kept, and what it says.
    pub fn event(&self, id: &str, rules: &Rules) -> Result<(String, Event), NotUnderstood> {
        let payload = match self.provider {
            Provider::Stripe => {
                let Self { at, livemode, event_type, object, .. } = self;
                stripe::retrieval::envelope(id, *at, *livemode, event_type, object)
            }
            Provider::Paypal => {
                paypal::retrieval::envelope(id, self.at, &self.event_type, &self.object)
            }
        };
        let verified = Verified { payload: payload.as_bytes(), proof: Proof::Api };
        let event = match self.provider {
            Provider::Stripe => stripe::event::read(&verified, rules),
            Provider::Paypal => paypal::event::read(&verified, self.livemode, rules),
        };
        let event = event.map_err(|refusal| NotUnderstood(refusal.to_string()))?;
        Ok((payload, event))
    }
}

/// What is said, without when and by which event.
fn digest(parts: &[Part]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: Option<&str>| {
        // Unlike any length: nothing is not the same as no text.
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(text.unwrap_or_default());
    };
    for reference in parts.iter().flat_map(|part| &part.references) {
        add(Some(reference.kind.as_str()));
        add(Some(&reference.value));
    }
    for fact in parts.iter().flat_map(|part| &part.facts) {
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        add(Some(fact.object.as_str()));
        add(Some(&fact.object_id));
        add(Some(fact.state.as_str()));
        add(number(fact.amount.map(|amount| amount.minor)).as_deref());
        add(fact.amount.as_ref().map(|amount| amount.currency.as_str()));
        add(number(fact.captured).as_deref());
        add(number(fact.refunded).as_deref());
        add(fact.refunded_all.map(|all| if all { "all" } else { "part" }));
        add(fact.parent_id.as_deref());
        add(fact.payment_id.as_deref());
        add(number(fact.shop_money.map(|money| money.minor)).as_deref());
        add(fact.shop_money.as_ref().map(|money| money.currency.as_str()));
        add(fact.object_at.map(|at| at.to_string()).as_deref());
        add(fact.reason.as_deref());
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
