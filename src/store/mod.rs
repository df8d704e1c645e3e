//! What is kept, and the only place that knows how.
//!
//! Nothing outside this module sees SQL or SQLite. [`Database`] is one connection and does one
//! thing after another; [`Store`] is the daemon's handle on a writer thread that owns one.

mod file;
mod read;
mod tables;
mod write;

use std::path::PathBuf;

use crate::domain::time::Timestamp;

pub use crate::domain::records::Committed;
pub use crate::domain::records::Continuation;
pub use crate::domain::records::Dossier;
pub use crate::domain::records::DueReport;
pub use crate::domain::records::FoundEvents;
pub use crate::domain::records::Numbers;
pub use crate::domain::records::Pruned;
pub use crate::domain::records::Replayed;
pub use crate::domain::records::Settled;
pub use crate::domain::records::StoredCertificate;
pub use crate::domain::records::Verdict;
pub use crate::domain::records::WebhookLog;
pub use crate::domain::records::{Applied, Ingested, Outcome, Webhook};
pub use crate::domain::records::{AskSubject, Asked, DueAsk};
pub use crate::domain::records::{Attempt, StoredAttempt};
pub use crate::domain::records::{By, Orphan, Resolution};
pub use crate::domain::records::{Candidate, Searched};
pub use crate::domain::records::{Cause, Found};
pub use crate::domain::records::{CausedChange, EventStory, Lead, Matched};
pub use crate::domain::records::{Change, Transaction};
pub use crate::domain::records::{Delays, OwedAlerts, Sight};
pub use crate::domain::records::{Delivery, DueMessage, Many, Retried};
pub use crate::domain::records::{DeliveryFigures, Figures, Histogram, MoneyFigures};
pub use crate::domain::records::{
    DeliveryFilter, EventFilter, IssueFilter, Listed, OrphanFilter, Page, TransactionFilter,
};
pub use crate::domain::records::{Differing, Refolding};
pub use crate::domain::records::{Dismissed, Issue};
pub use crate::domain::records::{DisputeRaised, RefundMade, Span, Sum, Sums};
pub use crate::domain::records::{DueAlert, Sent};
pub use crate::domain::records::{Head, LinkKind};
pub use crate::domain::records::{LogChange, LogFault, LogProof};
pub use crate::domain::records::{NewTransaction, Registered};
pub use crate::domain::records::{OpenOrphans, OrphanFigures};
pub use crate::domain::records::{RejectedRequest, USER_AGENT_CHARS};
pub use file::backup::{Backup, backup, remove_abandoned, remove_copy};
pub use file::integrity::problems;
pub use file::lock::DaemonLock;
pub use file::open_file::Loss;
pub use file::paced_file::SteadyFile;
pub use file::rescue::Rescued;
pub use file::restore::{Restored, restore};
pub use file::schema::{Migration, migrate};
pub use file::wal::{LongWal, WalWatch};
pub use read::health::disk_free;
pub use read::reader::Reader;
pub use read::readers::Readers;
pub use read::statistics::Statistics;
pub use write::batch::{Batch, Database};
pub use write::known_head::known_head_file;
pub use write::read_again::ToReadAgain;
pub use write::retention::Round;
pub use write::writer::{Bell, Receipt, Store, Writer, WriterReport};

/// Why something could not be kept or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk, or the size that the database is allowed, is full.
    #[error("the database or its disk is full")]
    Full,
    /// The database cannot be written.
    #[error("the database is read-only")]
    ReadOnly,
    /// Another process held the database for too long.
    #[error("the database is held by another process")]
    Busy,
    /// Another daemon runs on it.
    #[error(
        "the database {path} is in use by another payhookd ({holder}): stop that one, or name \
         another database with --db"
    )]
    HeldByDaemon {
        /// The file.
        path: PathBuf,
        /// Who it is, and since when.
        holder: String,
    },
    /// The disk did not do what it was told.
    #[error("the disk failed: {0}")]
    Disk(String),
    /// The file is not the one that was opened any more. What was committed may be in a file that nobody
    /// finds again.
    #[error("{}", .0.said())]
    Lost(Loss),
    /// More webhooks wait to be written than the queue holds.
    #[error("the queue to the database is full")]
    QueueFull,
    /// The writer has stopped.
    #[error("the writer has stopped")]
    Stopped,
    /// There is no such file.
    #[error("there is no database at {path}: start the daemon once, or name another with --db")]
    NoDatabase {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Nor is there the folder for it, which the daemon does not make.
    #[error(
        "there is no folder for the database {path}: make it, for the user that payhookd runs as, or \
         name another file with --db"
    )]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder is not this user's to look into.
    #[error(
        "the database {path} can't be reached ({problem}): ask as root, with sudo, or name another \
         with --db"
    )]
    Unreachable {
        /// The file.
        path: PathBuf,
        /// Why, in the system's words.
        problem: String,
    },
    /// The file is no database.
    #[error("{path} is not a database: name another file with --db")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error("{path} is a database, but not one of payhookd: name another file with --db")]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
    },
    /// Migrations are pending; nothing was touched.
    #[error(
        "the database {path} has schema version {version}, this payhookd needs {needed}: run \
         `payhookd --migrate`, which copies it first"
    )]
    OldSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        version: i32,
        /// The version that this binary needs.
        needed: i32,
    },
    /// The database was migrated by a newer payhookd; nothing was touched.
    #[error(
        "the database {path} has schema version {version}, this payhookd knows up to {known}: \
         install the newer payhookd again"
    )]
    NewSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        version: i32,
        /// The newest version that this binary knows.
        known: i32,
    },
    /// A file is there already that would be written over.
    #[error("{path} exists already: name a new file")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A copy of the database is not what it should be.
    #[error("the copy is not sound, and was removed: {problem}")]
    Unsound {
        /// What SQLite says.
        problem: String,
    },
    /// A file that is to be used as a database is damaged; nothing was changed.
    #[error("{path} is damaged: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        problem: String,
    },
    /// What SQLite reads makes no sense.
    #[error("the database is damaged ({0}): go back to a copy with `payhookd restore`")]
    Malformed(String),
    /// A migration could not be applied.
    #[error("migration failed: {0}")]
    Migration(String),
    /// A row holds what no version of payhookd writes.
    #[error("the database holds an unknown {what}: {value:?}")]
    Corrupt {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// Any other failure of the database.
    #[error("database: {0}")]
    Other(String),
    /// A fault of ours; the request was not applied.
    #[error("internal fault while writing")]
    Fault,
}

impl StoreError {
    /// Whether it would have happened to any webhook: there is no room, no right, no turn, no disk or
    /// no file to write.
    pub fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Full | Self::ReadOnly | Self::Busy | Self::Disk(_) | Self::Lost(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&rusqlite::Error> for StoreError {
    fn from(error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure,
        };
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::Full,
            Some(ReadOnly) => Self::ReadOnly,
            Some(DatabaseBusy | DatabaseLocked) => Self::Busy,
            Some(DatabaseCorrupt) => Self::Malformed(error.to_string()),
            Some(SystemIoFailure) => Self::Disk(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// The columns of a row, read in the order in which its query lists them: that list stands beside
/// the function that reads it. (By name each costs a search through all of them.)
struct Columns<'r> {
    row: &'r rusqlite::Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    fn of(row: &'r rusqlite::Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// A column that holds a value as it is.
    fn value<T: rusqlite::types::FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// A column that holds one of our words or text forms, here of `what`.
    fn parsed<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let parsed = self.optional(what, parse)?;
        parsed.ok_or_else(|| StoreError::Corrupt { what, value: "NULL".to_owned() })
    }

    /// The same for a column that may be NULL.
    fn optional<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.next += 1;
        let value = self.row.get_ref(self.next - 1)?;
        let text = value.as_str_or_null();
        let text = text.map_err(|error| StoreError::Other(format!("{what}: {error}")))?;
        let Some(text) = text else { return Ok(None) };
        let corrupt = || StoreError::Corrupt { what, value: text.to_owned() };
        parse(text).ok_or_else(corrupt).map(Some)
    }

    /// An instant.
    fn instant(&mut self) -> Result<Timestamp, StoreError> {
        self.parsed("time", |text| Timestamp::parse(text).ok())
    }

    /// An instant or NULL.
    fn optional_instant(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.optional("time", |text| Timestamp::parse(text).ok())
    }
}
