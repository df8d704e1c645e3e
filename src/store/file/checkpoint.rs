//! A moment at which all of a database is in its file, and none of it in the log beside.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::schema;
use super::wal::Log;
use crate::store::error::StoreError;

/// How long one is tried to be had.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// How often what is committed meanwhile is copied.
const PASSES: u32 = 4;

/// As long as it lives, the file stays as it was at that moment: what is committed later is in the log, and
/// remains there.
pub(crate) struct Moment<'c> {
    /// Of all pages.
    pub(crate) bytes: u64,
    reading: &'c Connection,
}

impl<'c> Moment<'c> {
    /// A moment of the database at `db`, of which `reading` is a connection that does nothing else. Nobody
    /// waits for it. `None` if there is none to be had: others read without an end, or the database may not
    /// be written.
    pub(crate) fn find(db: &Path, reading: &'c Connection) -> Result<Option<Self>, StoreError> {
        let copying = schema::open_to_copy(db)?;
        let began = Instant::now();
        while began.elapsed() < LONGEST_WAIT {
            match Self::now(reading, &copying) {
                Ok(Some(moment)) => return Ok(Some(moment)),
                Ok(None) => thread::sleep(PAUSE),
                Err(StoreError::ReadOnly) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// `None` if something was committed just now, or somebody who reads of an earlier one is in the way.
    fn now(reading: &'c Connection, copying: &Connection) -> Result<Option<Self>, StoreError> {
        reading.execute_batch("BEGIN")?;
        let mut moment = Self { bytes: 0, reading };
        // This reads, and only so it becomes the moment.
        let pages: i64 = reading.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let page: i64 = reading.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        moment.bytes = (pages * page).unsigned_abs();
        // From now on nothing later than the moment gets into the file: if all that is in the log does,
        // the log ends with it.
        let pages = Log::of(copying)?.pages;
        Log::copy(copying)?;
        Ok((Log::of(copying)?.copied == pages).then_some(moment))
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // Nothing was written. If it fails, the connection is closed soon, which ends it too.
        let _ = self.reading.execute_batch("ROLLBACK");
    }
}

/// What whoever read of one moment for long owes the others: the log could not be emptied meanwhile, and of
/// the writer's next commits one would have to wait until all of it is in the file.
pub(crate) struct Debt(Connection);

impl Debt {
    /// Of the database at `db`, before its moment ends. `None` if it may not be written.
    pub(crate) fn of(db: &Path) -> Option<Self> {
        let copying = schema::open_to_copy(db).ok()?;
        // From then on the connection is ready, and faster than the writer.
        Log::of(&copying).ok()?;
        Some(Self(copying))
    }

    /// Copies it, as soon as the moment has ended. What is committed meanwhile is copied too, because only
    /// who copies all there is waits for the disk.
    pub(crate) fn pay(self) {
        for _ in 0..PASSES {
            // If it fails, it is the writer's after all.
            let paid = Log::copy(&self.0).and_then(|()| Log::of(&self.0));
            if paid.is_ok_and(|log| log.copied == log.pages) {
                return;
            }
        }
    }
}

/// Copies the log into the file and empties it. `false`: somebody who reads for long is in the way, and some
/// of it or all is there still.
pub(crate) fn into_file(connection: &Connection) -> Result<bool, StoreError> {
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    Ok(connection.query_row(checkpoint, [], |row| row.get::<_, i64>("busy"))? == 0)
}
