//! What a provider says, once it is proved and read.

use super::fact::Fact;
use super::time::Timestamp;

string_enum! {
    /// Who sends the events.
    Provider {
        /// Stripe.
        Stripe = "stripe",
        /// PayPal.
        Paypal = "paypal",
    }
}

impl Provider {
    /// Its name, for a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stripe => "Stripe",
            Self::Paypal => "PayPal",
        }
    }
}

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
    /// What an id names. The words are the `kind` column of `transaction_references`.
    ReferenceKind {
        /// Stripe PaymentIntent, `pi_…`.
        PaymentIntent = "payment_intent",
        /// Stripe Charge, `ch_…` or `py_…`.
        Charge = "charge",
        /// Stripe Checkout Session, `cs_…`.
        CheckoutSession = "checkout_session",
        /// Stripe Invoice, `in_…`.
        Invoice = "invoice",
        /// Stripe InvoicePayment, `inpay_…`.
        InvoicePayment = "invoice_payment",
        /// Stripe's change of a customer's cash balance, `ccsbtxn_…`.
        CashBalance = "cash_balance_transaction",
        /// PayPal v2 order.
        Order = "order",
        /// PayPal authorization.
        Authorization = "authorization",
        /// PayPal v2 capture.
        Capture = "capture",
        /// PayPal v1 sale.
        Sale = "sale",
        /// PayPal v1 payment, `PAY-…` or `PAYID-…`.
        Payment = "payment",
        /// A refund of either provider.
        Refund = "refund",
        /// A dispute of either provider.
        Dispute = "dispute",
        /// Stripe early fraud warning, `issfr_…`.
        FraudWarning = "early_fraud_warning",
        /// Stripe review, `prv_…`.
        Review = "review",
        /// A subscription (`sub_…`, `I-…`, `B-…`): one id, many payments.
        Subscription = "subscription",
        /// The shop's own order id, where the shop said it: `metadata`, `invoice_id`, `custom_id`.
        OrderId = "order_id",
        /// Stripe's `client_reference_id`: a customer, a cart or an order, so that it counts as an order
        /// id only where no event of the payment carries one.
        ClientReference = "client_reference_id",
        /// A provider's id that the shop registered and whose form does not tell what it names.
        Other = "other",
    }
}

impl ReferenceKind {
    /// Whether two events that carry this same id speak of one payment.
    ///
    /// The shop's order id and a subscription do not: an order may be tried twice, a subscription
    /// is paid every month. They lead from an event to a registered transaction and nowhere else.
    /// Nor does a dispute, which may be about several payments.
    pub fn identifies_payment(self) -> bool {
        !matches!(self, Self::OrderId | Self::ClientReference | Self::Subscription | Self::Dispute)
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

/// An id by which a payment can be recognised.
///
/// Ids that [identify a payment](ReferenceKind::identifies_payment) are compared by value alone,
/// because a provider never gives one value to two objects, and PayPal's disputes do not say
/// whether the id they name is a sale or a capture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// What `value` names.
    pub kind: ReferenceKind,
    /// The id, exactly as the provider or the shop writes it.
    pub value: Box<str>,
}

impl Reference {
    /// An id of the given kind.
    pub fn new(kind: ReferenceKind, value: impl Into<Box<str>>) -> Self {
        Self { kind, value: value.into() }
    }
}

/// No id has more characters: the providers' are far shorter, and a shop's own should be.
pub const LONGEST_ID: usize = 255;

/// Whether a text can be an id, of a provider's or of the shop's.
pub fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.chars().take(LONGEST_ID + 1).count())
        && !text.contains(char::is_control)
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
