//! A connection that writes, and what can be done within one of its transactions.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;
use super::file::open_file::OpenFile;
use super::file::schema;
use super::tables::{certificates, daemon, rejected_requests};
use crate::domain::orphan::Policy;
use crate::domain::records::{Head, RejectedRequest, StoredCertificate};
use crate::domain::time::Timestamp;
use crate::store::file::checkpoint::into_file;
use crate::store::file::integrity;

/// A connection that writes. One thing after another; the daemon's is owned by the thread of
/// [`Store`](crate::store::Store), a command line's by the command.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    policy: Policy,
    /// For what removes old things; opened when it is first needed.
    tidying: Option<Connection>,
    /// What is looked at after every commit; `None`: nobody does.
    watched: Option<Arc<OpenFile>>,
}

impl Database {
    /// Opens the database at `path`; creates it if it does not exist. One with migrations pending
    /// or from a newer payhookd is refused and left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = schema::open_writer(path)?;
        let policy = daemon::last_start(&connection)?.map(|(policy, _)| policy).unwrap_or_default();
        Ok(Self { connection, policy, tidying: None, watched: None })
    }

    /// Notes that the daemon starts, and what it is told: whoever opens the database later does as
    /// the daemon does. `rules` is the JSON of how events are read.
    pub fn started(
        &mut self,
        policy: Policy,
        rules: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.policy = policy;
        self.batch(|batch| Ok(daemon::started(batch.connection, policy, rules, now)?))
    }

    /// From now on looks after every commit whether the file is still the one at `path`. `mark` is any
    /// number that this database was not marked with before.
    pub fn watch(&mut self, path: &Path, mark: i32) -> Result<(), StoreError> {
        self.watched = Some(Arc::new(OpenFile::of(&self.connection, path, mark)?));
        Ok(())
    }

    /// Runs `work` in one transaction: all of it is committed, with an fsync, or nothing. Of a database
    /// that is watched it may be committed, and be in a file that is lost: [`StoreError::Lost`].
    pub(crate) fn batch<T>(
        &mut self,
        work: impl FnOnce(&Batch<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let policy = self.policy;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let batch = Batch { connection: &transaction, policy, head: Cell::new(None) };
        // A panic in here is a fault of ours; the transaction is rolled back when it is dropped.
        let done =
            catch_unwind(AssertUnwindSafe(|| work(&batch))).map_err(|_| StoreError::Fault)??;
        transaction.commit()?;
        match &self.watched {
            Some(file) => file.check().map(|()| done),
            None => Ok(done),
        }
    }

    /// Does a job in a transaction of its own. `now`: UTC. Of a database that is watched it may be committed, and
    /// be in a file that is lost: [`StoreError::Lost`].
    pub fn run<J: Job>(&mut self, job: &J, now: Timestamp) -> Result<J::Done, StoreError> {
        self.batch(|batch| job.execute(batch, now))
    }

    /// Copies the log into the file and empties it: the last thing before a stop. `false`: somebody who reads
    /// for long is in the way, and some of it or all is there still.
    pub fn checkpoint(&self) -> Result<bool, StoreError> {
        into_file(&self.connection)
    }

    /// What SQLite finds wrong with the structure of the database, if anything. All of the file is read once,
    /// as fast as that goes; `tell` is called again and again while it lasts.
    pub fn check(
        &mut self,
        every: Duration,
        tell: impl FnMut() + Send + 'static,
    ) -> Result<Option<String>, StoreError> {
        integrity::check(&mut self.connection, every, tell)
    }

    /// The connection alone, for what is to be done last with it.
    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    /// A second connection, for work that must not be mixed with the first one's: see
    /// [`schema::open_tidying`].
    pub(crate) fn tidying(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = match self.tidying.take() {
            Some(connection) => connection,
            None => schema::open_tidying(Path::new(self.connection.path().unwrap_or_default()))?,
        };
        Ok(self.tidying.insert(connection))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn watched(&self) -> Option<&Arc<OpenFile>> {
        self.watched.as_ref()
    }
}

/// What can be done within one transaction.
#[derive(Debug)]
pub struct Batch<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) policy: Policy,
    /// Where the chain of the log ends; `None` while it was not looked up in this transaction.
    pub(crate) head: Cell<Option<Head>>,
}

impl Batch<'_> {
    /// Runs `work` to see what it would come to, and takes all of it back.
    pub(crate) fn dry_run<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.connection.execute_batch("SAVEPOINT dry_run")?;
        let done = work(self);
        self.connection.execute_batch("ROLLBACK TO dry_run; RELEASE dry_run")?;
        self.head.set(None);
        done
    }

    /// Runs `work`, and takes all of it back if it gives an error of its own.
    pub(crate) fn attempt<T, E>(
        &self,
        work: impl FnOnce(&Self) -> Result<Result<T, E>, StoreError>,
    ) -> Result<Result<T, E>, StoreError> {
        self.connection.execute_batch("SAVEPOINT attempt")?;
        let done = work(self)?;
        self.connection.execute_batch(match done {
            Ok(_) => "RELEASE attempt",
            Err(_) => "ROLLBACK TO attempt; RELEASE attempt",
        })?;
        self.head.set(None);
        Ok(done)
    }

    /// Keeps a refused request among the latest.
    pub(crate) fn reject(&self, request: &RejectedRequest) -> Result<(), StoreError> {
        Ok(rejected_requests::insert(self.connection, request)?)
    }

    /// Keeps a certificate, in place of an older one of the same URL.
    pub(crate) fn save_certificate(
        &self,
        certificate: &StoredCertificate,
    ) -> Result<(), StoreError> {
        Ok(certificates::save(self.connection, certificate)?)
    }

    /// Writes without changing anything but the mark of the file, to see whether that is possible.
    pub(crate) fn touch(&self) -> Result<(), StoreError> {
        let mark: i32 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        Ok(self.connection.pragma_update(None, "user_version", mark.wrapping_add(1))?)
    }
}

/// Something to do in one transaction.
pub trait Job {
    /// What comes of it.
    type Done;

    /// Does it. May be done a second time, if the first was rolled back.
    fn execute(&self, batch: &Batch<'_>, now: Timestamp) -> Result<Self::Done, StoreError>;
}

/// Does a job to see what it would come to, and takes all of it back.
#[derive(Debug)]
pub struct DryRun<J>(pub J);

impl<J: Job> Job for DryRun<J> {
    type Done = J::Done;

    fn execute(&self, batch: &Batch<'_>, now: Timestamp) -> Result<J::Done, StoreError> {
        batch.dry_run(|batch| self.0.execute(batch, now))
    }
}
