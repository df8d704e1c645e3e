//! Consistent copies of the database, made while others write.
//!
//! A copy that SQLite makes is of one moment from its beginning to its end, and until that end nothing
//! later may go from the log into the file: under load the log grows by tens of megabytes a second. So the
//! file is copied first, piece by piece and at a pace, while others go on changing it; what they
//! changed meanwhile is copied once more, and then, of one moment, the little that is left.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};

use super::moment::Moment;
use super::pace::{self, Pace, SteadyFile};
use super::{StoreError, schema, soundness};

/// What is read, compared and written at once.
const PIECE: usize = 128 * 1024;
/// Bytes of a file that are given back to the disk at once, and the time before the next.
const FREED: u64 = 4 * 1024 * 1024;
const BETWEEN_FREED: Duration = Duration::from_millis(20);
/// Of the file's header: which versions of SQLite may write and read it, 2 if it has a log beside it and 1
/// if not. <https://www.sqlite.org/fileformat2.html#file_format_version_numbers>
const FORMAT_AT: u64 = 18;
const WITHOUT_LOG: [u8; 2] = [1, 1];

/// What a copy holds, as it was counted in the copy itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Bytes of the file.
    pub bytes: u64,
    /// Rows of `webhook_logs`.
    pub events: i64,
    /// Rows of `transactions`.
    pub transactions: i64,
}

/// Copies the database at `db` to `target`, as it is at one moment after the call; nobody who writes waits
/// for it. The copy is checked by SQLite's own integrity check and is on the disk when this returns. It is
/// its owner's alone, and needs no file beside it.
///
/// It takes its time, so that others have the disk, too. A target that exists is an error, and so is
/// a copy that is not sound; neither leaves a file. One that is killed leaves `target.part`, which goes when the
/// next is made for the same target, and by [`remove_abandoned`].
pub fn backup(db: &Path, target: &Path) -> Result<Backup, StoreError> {
    drop(schema::open_as_it_is(db)?);
    if target.exists() {
        return Err(StoreError::Exists { path: target.to_owned() });
    }
    // Under its own name only what is whole and checked.
    let part = beside(target, ".part");
    let copying = Copying::begin(db, &part)?;
    let copied = copying.copy(db, &part).and_then(|()| check_paced(&part)).and_then(|backup| {
        std::fs::rename(&part, target).map_err(|error| io(&error, target))?;
        sync(target.parent().filter(|folder| !folder.as_os_str().is_empty()), target)?;
        Ok(backup)
    });
    if copied.is_err() {
        // What is left of it is of no use, and may not be there.
        let _ = std::fs::remove_file(&part);
    }
    copied
}

/// Removes a copy. A disk that is told of all of it at once that it is free does little else for a while, so
/// it is told bit by bit.
pub fn remove_copy(copy: &Path) -> Result<(), StoreError> {
    // What is no longer whole must not have the name of what is.
    let part = beside(copy, ".part");
    std::fs::rename(copy, &part).map_err(|error| io(&error, copy))?;
    remove_abandoned(&part).map(|_| ())
}

/// Removes the file at `part` if a copy was to become of it that nobody makes any more: whether it was so.
pub fn remove_abandoned(part: &Path) -> Result<bool, StoreError> {
    let of_part = |error| io(&error, part);
    let file = OpenOptions::new().write(true).open(part).map_err(of_part)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    let mut left = file.metadata().map_err(of_part)?.len();
    while left > FREED {
        left -= FREED;
        file.set_len(left).map_err(of_part)?;
        std::thread::sleep(BETWEEN_FREED);
    }
    std::fs::remove_file(part).map_err(of_part)?;
    Ok(true)
}

/// A copy that is being made.
struct Copying {
    /// As long as it is open, no other file can come in the place of the database's.
    connection: Connection,
    /// Closed after every connection to the database: with a file the locks go that SQLite has on it in the
    /// same process.
    source: File,
    /// Locked against another copy of that name.
    target: File,
}

impl Copying {
    fn begin(db: &Path, part: &Path) -> Result<Self, StoreError> {
        let source = File::open(db).map_err(|error| io(&error, db))?;
        let connection = schema::open_as_it_is(db)?;
        let is_still = |now: std::fs::Metadata| Ok(now.ino() == source.metadata()?.ino());
        if !std::fs::metadata(db).and_then(is_still).map_err(|error| io(&error, db))? {
            return Err(StoreError::Busy);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let target = options.open(part).map_err(|error| io(&error, part))?;
        if flock(&target, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(StoreError::Exists { path: part.to_owned() });
        }
        Ok(Self { connection, source, target })
    }

    /// The copy is on the disk when this returns.
    fn copy(&self, db: &Path, part: &Path) -> Result<(), StoreError> {
        let of_part = |error| io(&error, part);
        // What is left of one that was killed.
        self.target.set_len(0).map_err(of_part)?;
        let mut target = SteadyFile::new(self.target.try_clone().map_err(of_part)?);
        let mut pace = Pace::of_writing();
        for _ in 0..2 {
            let paced = |bytes| {
                target.written(bytes)?;
                pace.keep();
                Ok(())
            };
            self.copy_changed(paced).map_err(of_part)?;
        }
        let Some(moment) = Moment::find(db, &self.connection)? else {
            // SQLite's way needs nothing but to read.
            self.target.set_len(0).map_err(of_part)?;
            return vacuum_into(&self.connection, part);
        };
        self.copy_changed(|_| Ok(())).map_err(of_part)?;
        self.target.set_len(moment.bytes).map_err(of_part)?;
        drop(moment);
        self.target.write_all_at(&WITHOUT_LOG, FORMAT_AT).map_err(of_part)?;
        self.target.sync_all().map_err(of_part)
    }

    /// Makes the copy what the file is, piece by piece; `written` is told of each how many bytes were
    /// written for it.
    fn copy_changed(&self, mut written: impl FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        let (mut piece, mut copied) = (vec![0; PIECE], vec![0; PIECE]);
        let mut at = 0;
        loop {
            let read = read_at(&self.source, &mut piece, at)?;
            if read == 0 {
                return Ok(());
            }
            let has = read_at(&self.target, &mut copied[..read], at)?;
            let is_same = piece[..read] == copied[..has];
            if !is_same {
                self.target.write_all_at(&piece[..read], at)?;
            }
            written(if is_same { 0 } else { read })?;
            at += read as u64;
        }
    }
}

/// Fewer bytes than there is room for only at the end of the file.
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], at + read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

/// Copies into a new file, which is on the disk when this returns.
pub(super) fn copy(connection: &Connection, target: &Path) -> Result<(), StoreError> {
    if target.exists() {
        std::fs::remove_file(target).map_err(|error| io(&error, target))?;
    }
    // SQLite writes into a file that is there if it is empty.
    schema::create(target);
    vacuum_into(connection, target)
}

/// Has SQLite copy into a file that is empty; it is on the disk when this returns.
fn vacuum_into(connection: &Connection, target: &Path) -> Result<(), StoreError> {
    connection.execute("VACUUM INTO ?1", [target.to_string_lossy()])?;
    sync(Some(target), target)
}

/// Checks a copy that was made, and counts what it holds.
pub(super) fn check(copy: &Path) -> Result<Backup, StoreError> {
    count(&schema::open_as_it_is(copy)?, copy)
}

fn check_paced(copy: &Path) -> Result<Backup, StoreError> {
    let mut connection = schema::open_as_it_is(copy)?;
    pace::slow_down(&mut connection)?;
    count(&connection, copy)
}

fn count(connection: &Connection, copy: &Path) -> Result<Backup, StoreError> {
    if let Some(problem) = soundness::problems_of(connection, true)?.into_iter().next() {
        return Err(StoreError::Unsound { problem });
    }
    let count = |table: &str| -> rusqlite::Result<i64> {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
    };
    let bytes = std::fs::metadata(copy).map_err(|error| io(&error, copy))?.len();
    Ok(Backup { bytes, events: count("webhook_logs")?, transactions: count("transactions")? })
}

pub(super) fn sync(file: Option<&Path>, named: &Path) -> Result<(), StoreError> {
    let file = File::open(file.unwrap_or_else(|| Path::new(".")));
    file.and_then(|file| file.sync_all()).map_err(|error| io(&error, named))
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

pub(super) fn io(error: &io::Error, path: &Path) -> StoreError {
    StoreError::Disk(format!("{}: {error}", path.display()))
}
