//! `deliveries`: the notifications that are owed to the shop's app, in the same commit as the change
//! that each tells of.
//!
//! Of each transaction only the earliest pending one has the *turn*: a time for its next attempt.
//! The others wait until it is delivered or given up, so they are told in order, and what is due is
//! found without looking at any of them.

use rusqlite::{OptionalExtension, named_params};

use super::raise;
use crate::domain::delivery::{DeliveryStatus, Next};
use crate::domain::money::Currency;
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
use crate::store::tables::rows::{Columns, all, instant};
use crate::store::tables::transactions::{self, change_columns};
use crate::store::tables::{daemon, delivery_attempts};

impl Find for Delivery {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = concat!(
            select_deliveries!(),
            "WHERE d.id = :row_id OR d.message_id = :id ORDER BY d.id"
        );
        reader.meant(sql, id, Self::from_row)
    }
}

impl Of for StoredAttempt {
    fn of(reader: &Reader, delivery: i64) -> Result<Vec<Self>, StoreError> {
        delivery_attempts::of(&reader.connection, delivery)
    }
}

/// The messages to the shop's app. No two of them are about the same transaction.
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
        let due = all(&reader.connection, sql, parameters, |row| {
            let mut columns = Columns::of(row);
            let (delivery_id, message_id) = (columns.value()?, columns.value()?);
            let (attempts, before): (u32, u32) = (columns.value()?, columns.value()?);
            let (transaction_id, change_id) = (columns.value()?, columns.value()?);
            let (transaction, change) = reader.version(transaction_id, change_id)?;
            Ok(Self {
                delivery_id,
                message_id,
                attempts,
                attempts_of_schedule: attempts.saturating_sub(before),
                transaction,
                change,
            })
        })?;
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
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM
                 (SELECT 1 FROM deliveries
                  WHERE status = 'dead' AND finished_at >= :since LIMIT :most)",
        )?;
        let since = since.map_or_else(String::new, |since| since.to_string());
        Ok(statement
            .query_row(named_params! { ":since": since, ":most": most }, |row| row.get(0))?)
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
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            change_columns!(),
            ", received_currency, status_changed_at
             FROM transaction_changes LEFT JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE transaction_changes.id = :id"
        ))?;
        let mut rows = statement.query(named_params! { ":id": change_id })?;
        let mut columns = Columns::of(rows.next()?.ok_or_else(missing)?);
        let change = Change::from_columns(&mut columns)?;
        let currency = columns.optional("currency", |text| Currency::parse(text).ok())?;
        let status_changed_at = columns.optional_instant()?.unwrap_or(now.created_at);
        let state = State {
            status: change.status,
            amount_received: change.amount_received,
            amount_refunded: change.amount_refunded,
            currency,
            dispute_status: change.dispute_status,
            amount_check: change.amount_check,
            status_changed_at: Some(status_changed_at),
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
    pub(crate) fn set_notifies(&self, notifies: bool) -> Result<bool, StoreError> {
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
        let recorded: Option<(i64, i64)> = self
            .connection
            .prepare_cached(
                "UPDATE deliveries
                 SET status = :status, attempts = attempts + 1, next_attempt_at = :next_attempt_at,
                     last_error = :last_error, finished_at = :finished_at
                 WHERE id = :id RETURNING attempts, transaction_id",
            )?
            .query_row(
                named_params! {
                    ":status": status.as_str(),
                    ":next_attempt_at": next_attempt_at,
                    ":last_error": attempt.failure,
                    ":finished_at": finished_at,
                    ":id": attempt.delivery_id,
                },
                |row| Ok((row.get("attempts")?, row.get("transaction_id")?)),
            )
            .optional()?;
        let Some((number, transaction_id)) = recorded else { return Ok(()) };
        delivery_attempts::insert(self.connection, attempt, number)?;
        if status == DeliveryStatus::Dead {
            let failure = attempt.failure.as_deref();
            raise::dead_letter(self.connection, attempt.delivery_id, failure, attempt.ended_at)?;
        }
        Ok(give_turn(self.connection, transaction_id, attempt.ended_at)?)
    }

    /// Has a delivery tried again, whatever became of it, by the whole schedule.
    pub(crate) fn retry_delivery(&self, id: i64, now: Timestamp) -> Result<Retried, StoreError> {
        let transaction_id: Option<i64> = self
            .connection
            .prepare_cached(
                "UPDATE deliveries
                 SET status = 'pending', attempts_before = attempts, finished_at = NULL
                 WHERE id = :id RETURNING transaction_id",
            )?
            .query_row(named_params! { ":id": id }, |row| row.get("transaction_id"))
            .optional()?;
        let Some(transaction_id) = transaction_id else { return Ok(Retried::Unknown) };
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET next_attempt_at = NULL
                 WHERE transaction_id = :transaction_id AND status = 'pending'",
            )?
            .execute(named_params! { ":transaction_id": transaction_id })?;
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
        let ids: Vec<i64> = self
            .connection
            .prepare_cached(match which {
                Many::Pending => {
                    "SELECT id FROM deliveries
                     WHERE next_attempt_at > :since AND +id > :after ORDER BY +id LIMIT :limit"
                }
                Many::Dead { .. } => {
                    "SELECT id FROM deliveries
                     WHERE status = 'dead' AND finished_at >= :since AND id > :after
                     ORDER BY id LIMIT :limit"
                }
            })?
            .query_map(
                named_params! { ":since": since, ":after": after, ":limit": limit },
                |row| row.get("id"),
            )?
            .collect::<Result<_, _>>()?;
        for id in &ids {
            self.retry_delivery(*id, now)?;
        }
        Ok(ids)
    }
}
