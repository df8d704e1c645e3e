//! Reading from async code: a few connections on threads that may block.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reader::Reader;
use super::statistics::Statistics;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

/// Reads at once. More would not be faster: the shop's box has few cores, and the writer needs one.
const AT_ONCE: usize = 3;
/// How long a read waits for its turn.
const LONGEST_TURN: Duration = Duration::from_secs(5);

/// Connections that can only read, shared by those who ask. Clones share them.
#[derive(Clone, Debug)]
pub struct Readers {
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Reader>>,
    statistics: Mutex<Statistics>,
}

impl Readers {
    /// For the database at `path`, which must be one that a [`Reader`] opens.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let first = Reader::open(path)?;
        let (idle, statistics) = (Mutex::new(vec![first]), Mutex::default());
        let shared = Shared { path: path.to_owned(), idle, statistics };
        Ok(Self { shared: Arc::new(shared), turns: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Runs `work` on a connection, on a thread that may block; what it reads is of one moment.
    /// [`StoreError::Busy`] if so many
    /// read that its turn does not come.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = tokio::time::timeout(LONGEST_TURN, Arc::clone(&self.turns).acquire_owned());
        let turn = turn.await.map_err(|_| StoreError::Busy)?.map_err(|_| StoreError::Stopped)?;
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || shared.run(work, turn));
        done.await.map_err(|_| StoreError::Fault)?
    }

    /// Runs `work` on a connection as [`Readers::read`] does, with statistics of the same moment. All
    /// that was committed since they were last asked for is counted first, a part at a time.
    pub async fn with_statistics<T: Send + 'static>(
        &self,
        now: Timestamp,
        work: impl FnOnce(&Reader, &Statistics) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut work = Some(work);
        loop {
            let shared = Arc::clone(&self.shared);
            let asked = work.take().ok_or(StoreError::Fault)?;
            let done = self.read(move |reader| {
                let mut statistics =
                    shared.statistics.lock().unwrap_or_else(PoisonError::into_inner);
                match statistics.catch_up(reader, now)? {
                    true => asked(reader, &statistics).map(Ok),
                    false => Ok(Err(asked)),
                }
            });
            match done.await? {
                Ok(done) => return Ok(done),
                Err(not_yet) => work = Some(not_yet),
            }
        }
    }
}

impl Shared {
    /// The turn ends with the work, also if whoever asked has gone.
    fn run<T>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError>,
        _turn: OwnedSemaphorePermit,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => Reader::open(&self.path)?,
        };
        // All that one piece of work reads is of one moment.
        let moment = reader.connection.unchecked_transaction()?;
        let done = work(&reader);
        drop(moment);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        done
    }
}
