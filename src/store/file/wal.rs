//! The write-ahead log beside the file: how long it is, and whether somebody keeps it from being emptied.

use std::path::Path;

use rusqlite::Connection;

use super::schema;
use crate::store::error::StoreError;

/// How much is in the log. Of a database without one both are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// Pages in it.
    pub(crate) pages: i64,
    /// Those of them that are in the file, too.
    pub(crate) copied: i64,
}

impl Log {
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
            Ok(Self { pages: row.get("log")?, copied: row.get("checkpointed")? })
        })
    }

    /// Copies what nobody reads any more into the file. Nobody waits for it.
    pub(crate) fn copy(connection: &Connection) -> rusqlite::Result<()> {
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    }
}

/// Watches the log, with a connection of its own.
#[derive(Debug)]
pub struct WalWatch {
    connection: Connection,
    page: u64,
}

/// A log that is longer than it should be, because somebody reads of an earlier moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongWal {
    /// Up to which of its pages it could be copied: as long as one reader holds it, the same.
    pub copied: i64,
    /// How long it is.
    pub bytes: u64,
}

impl WalWatch {
    /// Of the database at `db`.
    pub fn open(db: &Path) -> Result<Self, StoreError> {
        let connection = schema::open_to_copy(db)?;
        let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        Ok(Self { connection, page: page.unsigned_abs() })
    }

    /// The log, if the writer copied it in vain: then that is tried once more first, because it may be
    /// only that nothing was written since.
    pub fn look(&self) -> Result<Option<LongWal>, StoreError> {
        let is_long = |log: Log| log.pages - log.copied > schema::COPIED_AT;
        if !is_long(Log::of(&self.connection)?) {
            return Ok(None);
        }
        Log::copy(&self.connection)?;
        let log = Log::of(&self.connection)?;
        let bytes = log.pages.unsigned_abs().saturating_mul(self.page);
        Ok(is_long(log).then_some(LongWal { copied: log.copied, bytes }))
    }
}
