//! Reading for people and programs, on connections that cannot write.

use std::path::Path;

use rusqlite::{Connection, named_params};

use crate::domain::records::{Change, NewTransaction, Orphan, Outcome, Transaction, WebhookLog};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::file::schema;
use crate::store::tables::orphans::orphan_columns;
use crate::store::tables::rows::collect;
use crate::store::tables::transactions::{self, change_columns, transaction_columns};
use crate::store::tables::webhook_logs::{self, webhook_log_columns};
use crate::store::tables::{self, daemon};

/// A connection that can only read. It never makes the writer wait.
#[derive(Debug)]
pub struct Reader {
    pub(in crate::store) connection: Connection,
}

impl Reader {
    /// Opens the database at `path`; one that does not exist is an error.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open_reader(path)? })
    }

    pub(in crate::store) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// A number that differs from the one before whenever another connection, of whichever process,
    /// has committed in between.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }

    /// Which money the daemon was about when it last started, if it ever did.
    pub fn livemode(&self) -> Result<Option<bool>, StoreError> {
        Ok(daemon::livemode(&self.connection)?)
    }

    /// The transactions that `id` may mean: a transaction's own id, or any reference that is known
    /// for it, the shop's order id among them. Oldest first.
    pub fn find_transactions(&self, id: &str) -> Result<Vec<Transaction>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            transaction_columns!(),
            " FROM transactions WHERE id = :row_id OR id IN
                 (SELECT transaction_id FROM transaction_references
                  WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1) AND value = :id
                        AND (shared = 0 OR standing = 'registered'))
             ORDER BY id"
        ))?;
        let row_id: Option<i64> = id.parse().ok();
        collect(
            statement.query(named_params! { ":row_id": row_id, ":id": id })?,
            Transaction::from_row,
        )
    }

    /// The transaction that stands in the way of registering this one: registered with the same
    /// reference and other facts.
    pub fn conflict(&self, new: &NewTransaction) -> Result<Option<Transaction>, StoreError> {
        let Some(id) = transactions::registered(&self.connection, new)? else { return Ok(None) };
        let existing = transactions::get(&self.connection, id)?;
        Ok(existing.filter(|existing| !new.is(existing)))
    }

    /// Every version of a transaction, oldest first; empty if there is no such transaction.
    pub fn changes(&self, transaction_id: i64) -> Result<Vec<Change>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            change_columns!(),
            " FROM transaction_changes LEFT JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE transaction_changes.transaction_id = :id ORDER BY transaction_changes.version"
        ))?;
        collect(statement.query(named_params! { ":id": transaction_id })?, Change::from_row)
    }

    /// The events that `id` may mean: a row id or a provider's event id. With payloads.
    pub fn find_events(&self, id: &str) -> Result<Vec<WebhookLog>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            webhook_log_columns!(),
            ", payload FROM webhook_logs
              WHERE id = :row_id OR (provider IN ('stripe', 'paypal') AND event_id = :id)
              ORDER BY id"
        ))?;
        let row_id: Option<i64> = id.parse().ok();
        collect(
            statement.query(named_params! { ":row_id": row_id, ":id": id })?,
            WebhookLog::from_row,
        )
    }

    /// The event with this row id, with its payload.
    pub fn event(&self, id: i64) -> Result<Option<WebhookLog>, StoreError> {
        webhook_logs::get(&self.connection, id)
    }

    /// The orphan with this id.
    pub fn orphan(&self, id: i64) -> Result<Option<Orphan>, StoreError> {
        tables::orphans::get(&self.connection, id)
    }

    /// The orphans that `id` may mean: a row id, the reference that names it, or the order id that
    /// its events carry. Oldest first.
    pub fn find_orphans(&self, id: &str) -> Result<Vec<Orphan>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            orphan_columns!(),
            " FROM orphan_transactions
              WHERE id = :row_id OR reference = :id OR order_id = :id
                 OR id IN (SELECT transaction_id FROM transaction_references
                           WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1)
                             AND value = :id)
              ORDER BY id"
        ))?;
        let row_id: Option<i64> = id.parse().ok();
        collect(statement.query(named_params! { ":row_id": row_id, ":id": id })?, Orphan::from_row)
    }

    /// The events of a payment, a transaction's or an orphan's: row id, the provider's id, type. In
    /// the order of their receipt.
    pub fn events_of(&self, payment: i64) -> Result<Vec<(i64, String, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT id, webhook_logs.event_id, event_type FROM transaction_events
             JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE transaction_events.transaction_id = :payment ORDER BY id",
        )?;
        let parameters = named_params! { ":payment": payment };
        let rows =
            statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether there is an orphan of which a person is to know by `now` and that nobody was told of.
    pub fn has_due_orphans(&self, now: Timestamp) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM orphan_transactions
             WHERE resolved_at IS NULL AND alerted_at IS NULL AND alert_at <= :now",
        )?;
        Ok(statement.exists(named_params! { ":now": now.to_string() })?)
    }

    /// The row ids of the stored events that are to be read again, oldest first.
    pub fn to_replay(
        &self,
        status: Option<Outcome>,
        since: Option<Timestamp>,
    ) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM webhook_logs
             WHERE (:status IS NULL OR status = :status)
               AND (:since IS NULL OR received_at >= :since)
             ORDER BY id",
        )?;
        let parameters = named_params! {
            ":status": status.map(Outcome::as_str),
            ":since": since.map(|since| since.to_string()),
        };
        let ids = statement.query_map(parameters, |row| row.get("id"))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// How the daemon reads events, in JSON; `None` if it never started.
    pub fn rules(&self) -> Result<Option<String>, StoreError> {
        Ok(daemon::rules(&self.connection)?)
    }

    /// How many of the refused requests that are kept there are, by provider and reason.
    pub fn rejected(&self) -> Result<Vec<(String, String, i64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT provider, reason, count(*) FROM rejected_requests
             GROUP BY provider, reason ORDER BY provider, reason",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many events there are of each outcome, and how many deliveries they came in.
    pub fn outcomes(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT status, count(*) AS events, sum(delivery_count) AS deliveries
             FROM webhook_logs GROUP BY status ORDER BY status",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((row.get("status")?, row.get("events")?, row.get("deliveries")?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
