//! `deliveries`: the notifications that are owed to the shop's app, in the same commit as the change
//! that each tells of.
//!
//! Of each transaction only the earliest pending one has the *turn*: a time for its next attempt.
//! The others wait until it is delivered or given up, so they are told in order, and what is due is
//! found without looking at any of them.

use rusqlite::named_params;

use super::{app_outage, raise};
use crate::domain::delivery::{DeliveryStatus, Next};
use crate::domain::records::{
    Attempt, Change, Delivery, DueMessage, Many, Retried, StoredAttempt, Transaction,
};
use crate::domain::time::Timestamp;
use crate::domain::transaction::State;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::families::{Due, Find, Of};
use crate::store::read::reader::Reader;
use crate::store::tables::outbox::{earliest_pending, give_turn, select_deliveries};
use crate::store::tables::rows::{all, execute, first, instant, one, record, select};
use crate::store::tables::transactions::{self, change_columns};
use crate::store::tables::{daemon, delivery_attempts};

impl Find for Delivery {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = concat!(
            select_deliveries!(),
            "WHERE d.id = :row_id OR d.message_id = :id ORDER BY d.id"
        );
        reader.meant(sql, id)
    }
}

impl Of for StoredAttempt {
    fn of(reader: &Reader, delivery: i64) -> Result<Vec<Self>, StoreError> {
        delivery_attempts::of(&reader.connection, delivery)
    }
}

/// The messages to the shop's app. No two of them are about the same transaction.
/// A delivery that is due, before it is told what of.
struct Owed {
    id: i64,
    message_id: String,
    attempts: u32,
    attempts_before: u32,
    transaction_id: i64,
    change_id: i64,
}

record! { Owed { id, message_id, attempts, attempts_before, transaction_id, change_id } }

impl Due for DueMessage {
    type Whose<'w> = ();

    fn due(
        reader: &Reader,
        (): (),
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let now = now.to_string();
        let sql = "SELECT id, message_id, attempts, attempts_before, transaction_id, change_id
             FROM deliveries WHERE next_attempt_at <= :now
             ORDER BY next_attempt_at, id LIMIT :limit";
        let parameters = named_params! { ":now": now, ":limit": limit };
        let owed: Vec<Owed> = all(&reader.connection, sql, parameters)?;
        let due = owed.into_iter().map(|owed| {
            let (transaction, change) = reader.version(owed.transaction_id, owed.change_id)?;
            Ok(Self {
                delivery_id: owed.id,
                message_id: owed.message_id,
                attempts: owed.attempts,
                attempts_of_schedule: owed.attempts.saturating_sub(owed.attempts_before),
                transaction,
                change,
            })
        });
        let due = due.collect::<Result<_, StoreError>>()?;
        let next = instant(
            &reader.connection,
            "SELECT min(next_attempt_at) FROM deliveries WHERE next_attempt_at > :now",
            named_params! { ":now": now },
        )?;
        Ok((due, next))
    }
}

impl Reader {
    /// How many deliveries were given up then or later, counted up to `most`.
    pub fn count_dead(&self, since: Option<Timestamp>, most: i64) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM
                 (SELECT 1 FROM deliveries
                  WHERE status = 'dead' AND finished_at >= :since LIMIT :most)";
        let since = since.map_or_else(String::new, |since| since.to_string());
        one(&self.connection, sql, named_params! { ":since": since, ":most": most })
    }

    /// A transaction as it stood after one of its changes. What the shop itself said of it is as it
    /// stands now.
    fn version(
        &self,
        transaction_id: i64,
        change_id: i64,
    ) -> Result<(Transaction, Change), StoreError> {
        let missing = || StoreError::Corrupt { what: "change", value: change_id.to_string() };
        let now = transactions::get(&self.connection, transaction_id)?.ok_or_else(missing)?;
        let sql = select!(
            change_columns,
            ", received_currency, status_changed_at
             FROM transaction_changes LEFT JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE transaction_changes.id = :id"
        );
        let version = first(&self.connection, sql, named_params! { ":id": change_id })?;
        let (change, currency, status_changed_at): (Change, _, Option<_>) =
            version.ok_or_else(missing)?;
        let state = State {
            status: change.status,
            amount_received: change.amount_received,
            amount_refunded: change.amount_refunded,
            currency,
            dispute_status: change.dispute_status,
            amount_check: change.amount_check,
            status_changed_at: status_changed_at.or(Some(now.created_at)),
            latest_event_id: None,
            other_money: change.other_money.clone(),
            doubtful: change.doubtful,
        };
        let (version, updated_at) = (change.version, change.changed_at);
        Ok((Transaction { state, version, updated_at, ..now }, change))
    }
}

impl Batch<'_> {
    /// Notes whether an app is to be told of what changes from now on, whoever commits it; `true` if
    /// it was otherwise before.
    pub(crate) fn set_notifies(&self, notifies: bool, now: Timestamp) -> Result<bool, StoreError> {
        if !notifies {
            app_outage::ended(self.connection, now)?;
        }
        Ok(daemon::set_notifies(self.connection, notifies)?)
    }

    /// Keeps what became of an attempt, and gives the turn to the next message of its transaction
    /// if this one is done. A delivery that is gone is left alone.
    pub(crate) fn record_attempt(&self, attempt: &Attempt) -> Result<(), StoreError> {
        let (status, next_attempt_at) = match attempt.next {
            Next::Delivered => (DeliveryStatus::Delivered, None),
            Next::Again(at) => (DeliveryStatus::Pending, Some(at.to_string())),
            Next::Dead => (DeliveryStatus::Dead, None),
        };
        let finished_at = (status != DeliveryStatus::Pending).then(|| attempt.ended_at.to_string());
        let sql = "UPDATE deliveries
                 SET status = :status, attempts = attempts + 1, next_attempt_at = :next_attempt_at,
                     last_error = :last_error, finished_at = :finished_at
                 WHERE id = :id RETURNING attempts, transaction_id";
        let parameters = named_params! {
            ":status": status.as_str(),
            ":next_attempt_at": next_attempt_at,
            ":last_error": attempt.failure,
            ":finished_at": finished_at,
            ":id": attempt.delivery_id,
        };
        let recorded: Option<(i64, i64)> = first(self.connection, sql, parameters)?;
        let Some((number, transaction_id)) = recorded else { return Ok(()) };
        delivery_attempts::insert(self.connection, attempt, number)?;
        match attempt.failure {
            None => app_outage::ended(self.connection, attempt.ended_at)?,
            Some(_) => app_outage::failed(self.connection, attempt.ended_at)?,
        }
        if status == DeliveryStatus::Dead {
            let failure = attempt.failure.as_deref();
            raise::dead_letter(self.connection, attempt.delivery_id, failure, attempt.ended_at)?;
        }
        give_turn(self.connection, transaction_id, attempt.ended_at)
    }

    /// Has a delivery tried again, whatever became of it, by the whole schedule.
    pub(crate) fn retry_delivery(&self, id: i64, now: Timestamp) -> Result<Retried, StoreError> {
        let sql = "UPDATE deliveries
                 SET status = 'pending', attempts_before = attempts, finished_at = NULL
                 WHERE id = :id RETURNING transaction_id";
        let transaction_id: Option<i64> = first(self.connection, sql, named_params! { ":id": id })?;
        let Some(transaction_id) = transaction_id else { return Ok(Retried::Unknown) };
        let sql = "UPDATE deliveries SET next_attempt_at = NULL
                 WHERE transaction_id = :transaction_id AND status = 'pending'";
        execute(self.connection, sql, named_params! { ":transaction_id": transaction_id })?;
        give_turn(self.connection, transaction_id, now)?;
        raise::dead_letter_ended(self.connection, now)?;
        Ok(match earliest_pending(self.connection, transaction_id)? {
            Some(earliest) if earliest < id => Retried::After(earliest),
            _ => Retried::Due,
        })
    }

    /// The same for at most `limit` of many, those with ids above `after`; their ids, in order.
    pub(crate) fn retry_deliveries(
        &self,
        which: Many,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        let since = match which {
            Many::Pending | Many::Dead { since: None } => String::new(),
            Many::Dead { since: Some(since) } => since.to_string(),
        };
        let sql = match which {
            Many::Pending => {
                "SELECT id FROM deliveries
                 WHERE next_attempt_at > :since AND +id > :after ORDER BY +id LIMIT :limit"
            }
            Many::Dead { .. } => {
                "SELECT id FROM deliveries
                 WHERE status = 'dead' AND finished_at >= :since AND id > :after
                 ORDER BY id LIMIT :limit"
            }
        };
        let parameters = named_params! { ":since": since, ":after": after, ":limit": limit };
        let ids: Vec<i64> = all(self.connection, sql, parameters)?;
        for id in &ids {
            self.retry_delivery(*id, now)?;
        }
        Ok(ids)
    }
}
