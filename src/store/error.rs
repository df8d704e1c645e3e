//! What can go wrong with the database.

use std::path::PathBuf;

use crate::domain::records::Loss;

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
