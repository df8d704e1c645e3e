//! What is kept, and the only place that knows how.
//!
//! Nothing outside this module sees SQL or SQLite. [`Database`] is one connection and does one
//! thing after another; [`Store`] is the daemon's handle on a writer thread that owns one. What is to be done
//! is a job, by name ([`Job`]). [`Reader`] reads, and [`Readers`] does from async code; what is asked in one
//! way of several tables (one record, a page of a list, what is due) is one method for all of them.

mod engine;
mod error;
mod file;
mod jobs;
mod read;
mod tables;
mod write;

pub use engine::{Batch, Database, DryRun, Job};
pub use error::StoreError;
pub use file::backup::{Backup, backup, remove_abandoned, remove_copy};
pub use file::integrity::problems;
pub use file::known_head::known_head_file;
pub use file::lock::DaemonLock;
pub use file::paced_file::SteadyFile;
pub use file::rescue::Rescued;
pub use file::restore::{Restored, restore};
pub use file::schema::{Migration, migrate, remove_abandoned_copies};
pub use file::wal::{LongWal, WalWatch};
pub use jobs::{
    BeginRun, CloseTransaction, DismissIssue, EndRun, EndSubscription, ForgetEvents,
    ForgetMetadata, IngestAll, KeepCertificate, KeepObjects, KeepRejected, NoteFindings, NoteRun,
    OweReport, PreviewOutdated, PreviewReplay, RaiseDueOrphans, RecordAlerts, RecordAttempts,
    RecordReport, Register, RegisterAll, RememberRefused, ReopenTransaction, Replay,
    ReplayOutdated, ResolveOrphan, RetryDeliveries, RetryDelivery, SetTargets, SettleDoubtful,
    SettleLookup, Subscribe,
};
pub use read::families::{Detailed, Due, Entered, Find, Get, List, Of, Search, Summed};
pub use read::health::disk_free;
pub use read::reader::Reader;
pub use read::readers::Readers;
pub use read::statistics::Statistics;
pub use write::queue::Receipt;
pub use write::retention::Round;
pub use write::writer::{CommitSignal, Store, Writer, WriterReport};
