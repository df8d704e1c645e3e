//! What one event says about one object of a payment, in the same words for both providers.

use super::money::Money;
use super::reference::ReferenceKind;
use super::subscription::Period;
use super::time::Timestamp;

string_enum! {
    /// What a fact says of its object. The words are the `fact` column of `transaction_events`.
    FactState {
        /// The object exists; nothing was tried yet.
        Created = "created",
        /// The buyer must act (3-D Secure, a bank transfer).
        RequiresAction = "requires_action",
        /// Money is under way, the outcome is open.
        Processing = "processing",
        /// Money is held, not taken.
        Authorized = "authorized",
        /// Money was taken.
        Succeeded = "succeeded",
        /// An attempt failed; another may follow.
        AttemptFailed = "attempt_failed",
        /// It will not happen, or a hold was released.
        Canceled = "canceled",
        /// The buyer approved; the shop must capture.
        Approved = "approved",
        /// The order is complete; its captures say what money moved.
        OrderCompleted = "order_completed",
        /// A refund is under way.
        RefundPending = "refund_pending",
        /// A refund was made.
        RefundSucceeded = "refund_succeeded",
        /// A refund failed, the money is with the shop.
        RefundFailed = "refund_failed",
        /// A refund was taken back before it was made.
        RefundCanceled = "refund_canceled",
        /// How much of a charge has been refunded so far.
        RefundSnapshot = "refund_snapshot",
        /// A question by the bank; no money was taken.
        DisputeInquiry = "dispute_inquiry",
        /// The question ended without a chargeback.
        DisputeInquiryClosed = "dispute_inquiry_closed",
        /// A chargeback or case is open.
        DisputeOpen = "dispute_open",
        /// Closed for the shop.
        DisputeWon = "dispute_won",
        /// Closed for the buyer.
        DisputeLost = "dispute_lost",
        /// Resolved before it became a chargeback.
        DisputePrevented = "dispute_prevented",
        /// Closed, with an outcome that the provider does not tell.
        DisputeClosed = "dispute_closed",
        /// An invoice was paid.
        InvoicePaid = "invoice_paid",
        /// An attempt to pay an invoice failed.
        InvoiceAttemptFailed = "invoice_attempt_failed",
        /// An invoice waits for the buyer.
        InvoiceRequiresAction = "invoice_requires_action",
        /// A payment was put to an invoice.
        InvoicePaymentPaid = "invoice_payment_paid",
        /// Nothing was due.
        NoPayment = "no_payment",
        /// A buyer's money lies at the provider, put to no payment.
        CashFunded = "cash_funded",
        /// A buyer's money that lay at the provider was put to a payment.
        CashApplied = "cash_applied",
        /// The issuer of the card warns of fraud.
        FraudWarning = "fraud_warning",
        /// The provider wants a person to look at the payment.
        ReviewOpened = "review_opened",
        /// A person has looked.
        ReviewClosed = "review_closed",
        /// Type and state of the event contradict each other; nothing is concluded.
        Conflict = "conflict",
    }
}

/// One statement of one event about one object.
///
/// Facts are a set: equal facts are one fact, and their order means nothing. Everything by which
/// [`fold`](super::transaction::fold) decides between them is inside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// When the provider says that it happened.
    pub occurred_at: Timestamp,
    /// The event that says so. The last tie-break, so that contradictions of one instant converge.
    pub event_id: Box<str>,
    /// What kind of object it is about.
    pub object: ReferenceKind,
    /// The object's id.
    pub object_id: Box<str>,
    /// What it says.
    pub state: FactState,
    /// The amount it is about: charged, refunded, disputed. Never negative. Of a charge, all that was
    /// authorised, however much of it was captured.
    pub amount: Option<Money>,
    /// Minor units that this object has taken so far, in the currency of `amount`.
    pub captured: Option<i64>,
    /// Minor units refunded so far of this object or, in a refund, of its parent; in the currency
    /// of `amount`. As the provider says it: of a Stripe charge it may contain the release of what was
    /// never captured.
    pub refunded: Option<i64>,
    /// Whether all of a Stripe charge was refunded, by its `refunded`.
    pub refunded_all: Option<bool>,
    /// What the object belongs to: a charge's PaymentIntent; a refund's or dispute's charge, capture or
    /// sale; an InvoicePayment's invoice.
    pub parent_id: Option<Box<str>>,
    /// The payment that the object is about, where that is another than its parent: the PaymentIntent of
    /// a refund or dispute, what an InvoicePayment, an invoice or a session was paid with.
    pub payment_id: Option<Box<str>>,
    /// The same money in the shop's own currency, where the buyer paid in another (Stripe's
    /// `currency_conversion`).
    pub shop_money: Option<Money>,
    /// When the object itself last changed, where the provider tells it beside the event's time.
    pub object_at: Option<Timestamp>,
    /// The provider's own code for why: a decline code, a pending or cancellation reason.
    pub reason: Option<Box<str>>,
    /// Of an invoice of a subscription, the period that it is for.
    pub period: Option<Period>,
}

impl Fact {
    /// That `event_id` says that this object was in this state at this time, and nothing more yet.
    pub fn new(
        occurred_at: Timestamp,
        event_id: impl Into<Box<str>>,
        object: ReferenceKind,
        object_id: impl Into<Box<str>>,
        state: FactState,
    ) -> Self {
        Self {
            occurred_at,
            event_id: event_id.into(),
            object,
            object_id: object_id.into(),
            state,
            amount: None,
            captured: None,
            refunded: None,
            refunded_all: None,
            parent_id: None,
            payment_id: None,
            shop_money: None,
            object_at: None,
            reason: None,
            period: None,
        }
    }
}
