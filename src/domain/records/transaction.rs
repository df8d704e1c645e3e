//! A transaction: as it is registered, as it is kept, its changes.

use std::time::Duration;

use super::{Delivery, Listed, OfSubscription, Orphan, WebhookLog};
use crate::domain::fact::Fact;
use crate::domain::money::Money;
use crate::domain::provider::Provider;
use crate::domain::reference::Reference;
use crate::domain::subscription::Period;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Expected, OtherMoney, State, Status};

/// One row of `transactions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Row id; grows in the order of registration.
    pub id: i64,
    /// At whom the payment is made.
    pub provider: Provider,
    /// The provider's id that the shop registered.
    pub reference: String,
    /// The shop's own id.
    pub order_id: Option<String>,
    /// What the shop expects.
    pub expected: Expected,
    /// Real money.
    pub livemode: bool,
    /// What is true of it. `currency` is that of the amounts received, `None` before any money;
    /// `latest_event_id` is not read.
    pub state: State,
    /// When it was registered, UTC.
    pub created_at: Timestamp,
    /// When anything of it last changed, UTC.
    pub updated_at: Timestamp,
    /// Grows by one with every change, from 1.
    pub version: i64,
    /// The `webhook_logs` row with the provider's newest object.
    pub latest_log_id: Option<i64>,
    /// The shop's own JSON object.
    pub metadata: String,
    /// When the shop said that it expects no money any more, UTC.
    pub closed_at: Option<Timestamp>,
    /// The subscription that it is a payment of, if the shop registered that.
    pub subscription: Option<OfSubscription>,
    /// Payhookd made it for a payment of the subscription; else the shop registered it.
    pub made: bool,
    /// The transaction of the shop's own that this payment turned out to be.
    pub merged_into: Option<i64>,
    /// What is paid for, as far as the provider says.
    pub period: Option<Period>,
    /// Its money came after the subscription had ended.
    pub after_end: bool,
}

impl Transaction {
    /// The shop's own id: of the payment or else of its subscription.
    pub fn own_id(&self) -> Option<&str> {
        let subscription = self.subscription.as_ref();
        self.order_id.as_deref().or_else(|| subscription?.own_id.as_deref())
    }
}

/// One row of `transaction_changes` with the event that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The version that it made.
    pub version: i64,
    /// `transaction.succeeded` and the like.
    pub change: String,
    /// The status since then.
    pub status: Status,
    /// Minor units received by then.
    pub amount_received: i64,
    /// Minor units refunded by then.
    pub amount_refunded: i64,
    /// The dispute status since then.
    pub dispute_status: DisputeStatus,
    /// Whether the amount was what the shop expects, since then.
    pub amount_check: AmountCheck,
    /// Money in other currencies by then.
    pub other_money: Vec<OtherMoney>,
    /// Whether an event of it was doubtful by then.
    pub doubtful: bool,
    /// When it was committed, UTC.
    pub changed_at: Timestamp,
    /// The event's id and type; `None` where the shop caused it.
    pub event: Option<(String, String)>,
}

/// What a shop says of a payment that it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransaction {
    /// At whom the payment is made.
    pub provider: Provider,
    /// The provider's id for it.
    pub reference: Reference,
    /// The shop's own id for it.
    pub order_id: Option<String>,
    /// What is to be paid.
    pub expected: Expected,
    /// Real money.
    pub livemode: bool,
    /// A JSON object of the shop's own.
    pub metadata: String,
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It is new; this is its state after its orphans were adopted.
    Created(Transaction),
    /// It was registered before with the same facts.
    Existing(Transaction),
    /// The same reference was registered before with other facts: this. Nothing was changed.
    Conflict(Transaction),
    /// The reference is that of a subscription, whose payments become transactions by themselves: its
    /// number. Nothing was changed.
    Subscribed(i64),
}

/// What became of a wish to close a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is as it was wished; again is the same.
    Done(Box<Transaction>),
    /// It holds money, and it was not said that this is known. Nothing was changed.
    IsPaid(Box<Transaction>),
    /// There is no such transaction.
    NoTransaction,
}

/// What became of the resolution of an orphan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is resolved; what is true of the transaction that it was attached to, if it was.
    Done(Option<Box<Transaction>>),
    /// There is no such orphan.
    NoOrphan,
    /// There is no such transaction.
    NoTransaction,
    /// It was resolved before: this is how. Nothing was changed.
    Already(Box<Orphan>),
    /// The orphan's money is of another provider, or test money for a live transaction or the
    /// reverse. Nothing was changed.
    OfAnotherKind,
    /// Its money is late, so that it has a transaction of this shop. Nothing was changed.
    HasTransaction,
}

/// A refund that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckRefund {
    /// Of what it is a refund.
    pub transaction: Transaction,
    /// The provider's id of the refund.
    pub refund_id: String,
    /// How much, if that is known.
    pub money: Option<Money>,
    /// Since when it is under way, by the provider's clock, UTC.
    pub since: Timestamp,
}

/// A payment that is authorized and not captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LapsingAuthorization {
    /// The payment's transaction.
    pub transaction: Transaction,
    /// When it was authorized, by the provider's clock, UTC.
    pub authorized_at: Timestamp,
    /// Until when it holds, if its newest event says so, UTC.
    pub said: Option<Timestamp>,
}

impl LapsingAuthorization {
    /// When it lapses next, if that is within a day of `now`, and whether for good; `None` also once it has for a
    /// day. Stripe holds money for
    /// seven days or as long as the charge says; PayPal honours an authorization for three days, and takes a
    /// capture for twenty-nine.
    ///
    /// <https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>,
    /// <https://developer.paypal.com/docs/checkout/standard/customize/authorization/>.
    pub fn lapses(&self, now: Timestamp) -> Option<(Timestamp, bool)> {
        let days = |days: u64| self.authorized_at.plus(Duration::from_secs(days * 86_400));
        let day = Duration::from_secs(86_400);
        let is_near = |at: Timestamp| at.minus(day) <= now;
        let is_over = |at: Timestamp| at.plus(day) <= now;
        match self.transaction.provider {
            Provider::Stripe => {
                let ends = self.said.unwrap_or_else(|| days(7));
                (is_near(ends) && !is_over(ends)).then_some((ends, true))
            }
            Provider::Paypal => {
                let (honoured, ends) = (days(3), self.said.unwrap_or_else(|| days(29)));
                if is_near(ends) {
                    return (!is_over(ends)).then_some((ends, true));
                }
                is_near(honoured).then_some((honoured, false))
            }
        }
    }
}

/// A transaction and all that led to its state.
#[derive(Clone, Debug)]
pub struct TransactionDetail {
    /// The transaction.
    pub transaction: Transaction,
    /// Every version of it, oldest first.
    pub changes: Vec<Change>,
    /// What its events said, in the order of their receipt: the event's row id and the fact.
    pub facts: Vec<(i64, Fact)>,
    /// Every id that its events carry, each once.
    pub references: Vec<Reference>,
    /// Its events, newest first, without their payloads.
    pub events: Listed<WebhookLog>,
    /// What the app was told of it, newest first.
    pub deliveries: Listed<Delivery>,
    /// The event with the provider's newest object, with its payload.
    pub latest: Option<WebhookLog>,
}

impl TransactionDetail {
    /// Events and deliveries in it, of each.
    pub const MOST: u32 = 20;
}

/// A transaction that changed, and its newest change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedTransaction {
    /// Its number.
    pub id: i64,
    /// The reference that it was registered with.
    pub reference: String,
    /// `transaction.succeeded` and the like.
    pub change: String,
}
