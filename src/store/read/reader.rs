//! Reading for people and programs, on connections that cannot write.

use std::path::Path;

use rusqlite::{Connection, named_params};

use crate::domain::orphan::Policy;
use crate::domain::provider::Provider;
use crate::store::error::StoreError;
use crate::store::file::schema;
use crate::store::tables::daemon;
use crate::store::tables::rows::{Record, all, one};

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
