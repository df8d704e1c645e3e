//! Reading for people and programs, on connections that cannot write.

use std::path::Path;

use rusqlite::{Connection, Row, Rows, named_params};

use super::orphans::{Orphan, orphan_columns};
use super::register::NewTransaction;
use super::transactions::{self, Change, Transaction, change_columns, transaction_columns};
use super::webhook_logs::{WebhookLog, webhook_log_columns};
use super::{StoreError, daemon, schema};

/// A connection that can only read. It never makes the writer wait.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the database at `path`; one that does not exist is an error.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open_reader(path)? })
    }

    pub(super) fn connection(&self) -> &Connection {
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

    /// The newest `limit` transactions, newest first.
    pub fn transactions(&self, limit: u32) -> Result<Vec<Transaction>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            transaction_columns!(),
            " FROM transactions ORDER BY id DESC LIMIT :limit"
        ))?;
        collect(statement.query(named_params! { ":limit": limit })?, Transaction::from_row)
    }

    /// The transactions that `id` may mean: a transaction's own id, or any reference that is known
    /// for it, the shop's order id among them. Oldest first.
    pub fn find_transactions(&self, id: &str) -> Result<Vec<Transaction>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            transaction_columns!(),
            " FROM transactions WHERE id = :row_id OR id IN
                 (SELECT transaction_id FROM transaction_references
                  WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1) AND value = :id)
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

    /// The newest `limit` events, newest first, without their payloads.
    pub fn events(&self, limit: u32) -> Result<Vec<WebhookLog>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            webhook_log_columns!(),
            ", NULL FROM webhook_logs ORDER BY id DESC LIMIT :limit"
        ))?;
        collect(statement.query(named_params! { ":limit": limit })?, WebhookLog::from_row)
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

    /// Orphans, newest first, at most `limit`: the open ones, or with `resolved` all of them.
    pub fn orphans(&self, resolved: Resolved, limit: u32) -> Result<Vec<Orphan>, StoreError> {
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            orphan_columns!(),
            " FROM orphan_transactions WHERE resolved_at IS NULL OR :resolved
             ORDER BY id DESC LIMIT :limit"
        ))?;
        collect(
            statement.query(named_params! {
                ":resolved": resolved == Resolved::Include,
                ":limit": limit,
            })?,
            Orphan::from_row,
        )
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

pub(super) fn collect<T>(
    mut rows: Rows<'_>,
    from_row: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut collected = Vec::new();
    while let Some(row) = rows.next()? {
        collected.push(from_row(row)?);
    }
    Ok(collected)
}

/// Whether orphans that are matched or dismissed are wanted too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Only open ones.
    Exclude,
    /// All.
    Include,
}
