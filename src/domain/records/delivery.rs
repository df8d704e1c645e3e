//! Notifications to the shop's app: owed, tried, seen.

use std::time::Duration;

use super::{Change, OfSubscription, Transaction};
use crate::domain::delivery::{DeliveryStatus, Next, NoAnswer};
use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::subscription::Period;
use crate::domain::time::Timestamp;
use crate::domain::transaction::Expected;

/// One row of `deliveries` with the change that it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Row id; grows in the order of the changes.
    pub id: i64,
    /// `msg_…`, the same at every attempt.
    pub message_id: String,
    /// The transaction that changed.
    pub transaction_id: i64,
    /// The version that the change made.
    pub version: i64,
    /// `transaction.succeeded` and the like.
    pub change: String,
    /// When the change was committed, UTC.
    pub changed_at: Timestamp,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts made.
    pub attempts: i64,
    /// When it is tried next; `None` if it is done or waits for another one of its transaction.
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last attempt failed, in words; `None` if it did not.
    pub last_error: Option<String>,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
}

/// A message whose next attempt is due.
#[derive(Clone, Debug)]
pub struct DueMessage {
    /// Row id of its delivery.
    pub delivery_id: i64,
    /// `msg_…`, the same at every attempt.
    pub message_id: String,
    /// Attempts made.
    pub attempts: u32,
    /// Attempts made since the schedule began, for the first time or because a person asked.
    pub attempts_of_schedule: u32,
    /// The transaction as it stood at that version.
    pub transaction: Transaction,
    /// What is told of it.
    pub change: Change,
}

/// What asking for one more attempt led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now, and the schedule begins anew.
    Due,
    /// The schedule begins anew, after an earlier one of the same transaction, which is due now.
    After(i64),
    /// There is no such delivery.
    Unknown,
}

/// Which deliveries are to be tried again together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Many {
    /// All that wait for their next attempt.
    Pending,
    /// Those that were given up.
    Dead {
        /// Then or later.
        since: Option<Timestamp>,
    },
}

/// An attempt that was made.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Row id of its delivery.
    pub delivery_id: i64,
    /// When it began, UTC.
    pub attempted_at: Timestamp,
    /// When it was over, UTC.
    pub ended_at: Timestamp,
    /// How long it took.
    pub latency: Duration,
    /// The code that was answered.
    pub code: Result<i32, NoAnswer>,
    /// As much of the answer as is kept.
    pub answer: String,
    /// Why it failed, in words; `None` if it did not.
    pub failure: Option<String>,
    /// What follows.
    pub next: Next,
}

/// One row of `delivery_attempts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttempt {
    /// Which attempt at its delivery, from 1.
    pub attempt: i64,
    /// When it began, UTC.
    pub attempted_at: Timestamp,
    /// The HTTP status, or the exit code of the command.
    pub status_code: Option<i64>,
    /// Why there is none.
    pub error: Option<NoAnswer>,
    /// Milliseconds until the answer, or until it was given up.
    pub latency_ms: i64,
    /// The beginning of what was answered or printed.
    pub answer: String,
}

/// One change of any transaction, and the transaction as it stood since then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Row id; grows in the order of commits.
    pub id: i64,
    /// Whose change.
    pub transaction_id: i64,
    /// At whom the payment is made.
    pub provider: Provider,
    /// The provider's id that the shop registered.
    pub reference: String,
    /// The shop's own id.
    pub order_id: Option<String>,
    /// What the shop expects.
    pub expected: Expected,
    /// Of the amounts of `change`; `None` before any money.
    pub received_currency: Option<Currency>,
    /// Real money.
    pub livemode: bool,
    /// The subscription that the transaction is a payment of.
    pub subscription: Option<OfSubscription>,
    /// What is paid for, as far as the provider says.
    pub period: Option<Period>,
    /// The transaction of the shop's own that it turned out to be.
    pub merged_into: Option<i64>,
    /// The change.
    pub change: Change,
}
