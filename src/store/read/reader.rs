//! Reading for people and programs, on connections that cannot write.

use std::path::Path;

use rusqlite::{Connection, named_params};

use super::families::{Find, Get, Of};
use crate::domain::fact::Fact;
use crate::domain::orphan::Policy;
use crate::domain::provider::Provider;
use crate::domain::records::{Change, Orphan, Transaction, WebhookLog};
use crate::domain::reference::Reference;
use crate::store::error::StoreError;
use crate::store::file::schema;
use crate::store::tables::orphans::orphan_columns;
use crate::store::tables::rows::{Record, all, one, select};
use crate::store::tables::transactions::{self, change_columns, transaction_columns};
use crate::store::tables::webhook_logs::{self, webhook_log_columns};
use crate::store::tables::{self, daemon, facts};

/// A connection that can only read. It never makes the writer wait.
#[derive(Debug)]
pub struct Reader {
    pub(crate) connection: Connection,
}

impl Reader {
    /// Opens the database at `path`; one that does not exist is an error.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open_reader(path)? })
    }

    /// A number that differs from the one before whenever another connection, of whichever process,
    /// has committed in between.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }

    /// What the daemon was told when it last started, and how it reads events, in JSON; `None` if it
    /// never did.
    pub fn last_start(&self) -> Result<Option<(Policy, String)>, StoreError> {
        Ok(daemon::last_start(&self.connection)?)
    }

    /// The payment that an id of the provider's means, within one mode: the transaction that was
    /// registered with it, else the one that it was learned for, else the orphan.
    pub fn holder(
        &self,
        provider: Provider,
        livemode: bool,
        id: &str,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT coalesce(
                 (SELECT id FROM transactions
                  WHERE provider = :provider AND livemode = :livemode AND reference = :id),
                 (SELECT transaction_id FROM transaction_references
                  WHERE provider = :provider AND livemode = :livemode AND value = :id
                    AND shared = 0 AND account = ''
                  ORDER BY transaction_id NOT IN (SELECT id FROM transactions), transaction_id LIMIT 1))";
        let parameters = named_params! {
            ":provider": provider.as_str(),
            ":livemode": livemode,
            ":id": id,
        };
        one(&self.connection, sql, parameters)
    }

    /// What `id` may mean, where `sql` has the number as `:row_id` and any other id as `:id`.
    pub(crate) fn meant<T: Record>(&self, sql: &str, id: &str) -> Result<Vec<T>, StoreError> {
        let row_id: Option<i64> = id.parse().ok();
        let parameters = named_params! { ":row_id": row_id, ":id": id };
        all(&self.connection, sql, parameters)
    }
}

impl Get for Transaction {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        transactions::get(&reader.connection, number)
    }
}

impl Get for WebhookLog {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        webhook_logs::get(&reader.connection, number)
    }
}

impl Get for Orphan {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        tables::orphans::get(&reader.connection, number)
    }
}

impl Find for Transaction {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            transaction_columns,
            " FROM transactions WHERE id = :row_id OR id IN
                 (SELECT transaction_id FROM transaction_references
                  WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1) AND value = :id
                        AND (shared = 0 OR standing = 'registered'))
             ORDER BY id"
        );
        reader.meant(sql, id)
    }
}

impl Find for WebhookLog {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            webhook_log_columns,
            ", payload FROM webhook_logs
              WHERE id = :row_id OR (provider IN ('stripe', 'paypal') AND event_id = :id)
              ORDER BY id"
        );
        reader.meant(sql, id)
    }
}

impl Find for Orphan {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            orphan_columns,
            " FROM orphan_transactions
              WHERE id = :row_id OR reference = :id OR order_id = :id
                 OR id IN (SELECT transaction_id FROM transaction_references
                           WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1)
                             AND value = :id)
              ORDER BY id"
        );
        reader.meant(sql, id)
    }
}

impl Of for Change {
    fn of(reader: &Reader, transaction: i64) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            change_columns,
            " FROM transaction_changes LEFT JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE transaction_changes.transaction_id = :id ORDER BY transaction_changes.version"
        );
        all(&reader.connection, sql, named_params! { ":id": transaction })
    }
}

impl Of for WebhookLog {
    fn of(reader: &Reader, payment: i64) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            webhook_log_columns,
            ", NULL FROM webhook_logs
              WHERE id IN (SELECT log_id FROM transaction_events WHERE transaction_id = :id)
              ORDER BY id"
        );
        all(&reader.connection, sql, named_params! { ":id": payment })
    }
}

impl Of for Fact {
    fn of(reader: &Reader, payment: i64) -> Result<Vec<Self>, StoreError> {
        let facts = facts::of(&reader.connection, payment)?;
        Ok(facts.into_iter().map(|stored| stored.fact).collect())
    }
}

/// Each once.
impl Of for Reference {
    fn of(reader: &Reader, payment: i64) -> Result<Vec<Self>, StoreError> {
        facts::references(&facts::of(&reader.connection, payment)?)
    }
}
