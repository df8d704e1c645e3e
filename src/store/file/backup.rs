//! Consistent copies of the database, made while others write.
//!
//! A copy that SQLite makes is of one moment from its beginning to its end, and until that end nothing
//! later may go from the log into the file: under load the log grows by tens of megabytes a second. So the
//! file is copied first, piece by piece and at a pace, while others go on changing it; what they
//! changed meanwhile is copied once more, and then, of one moment, the little that is left.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::checkpoint::Moment;
use super::paced_file::{self, Pace, SteadyFile};
use super::{integrity, schema};
use crate::store::error::StoreError;
use crate::system::files;
use crate::system::files::Draft;

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
    let copying = Copying::begin(db, target)?;
    copying.copy(db)?;
    let backup = check_paced(copying.draft.path())?;
    copying.draft.keep().map_err(|error| io(&error, target))?;
    Ok(backup)
}

/// Removes a copy. A disk that is told of all of it at once that it is free does little else for a while, so
/// it is told bit by bit.
pub fn remove_copy(copy: &Path) -> Result<(), StoreError> {
    // What is no longer whole must not have the name of what is.
    let part = files::part_of(copy);
    std::fs::rename(copy, &part).map_err(|error| io(&error, copy))?;
    remove_abandoned(&part).map(|_| ())
}

/// Removes the file at `part` if a copy was to become of it that nobody makes any more: whether it was so.
pub fn remove_abandoned(part: &Path) -> Result<bool, StoreError> {
    let of_part = |error| io(&error, part);
    let Some(file) = files::abandoned(part).map_err(of_part)? else { return Ok(false) };
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
    draft: Draft,
}

impl Copying {
    fn begin(db: &Path, target: &Path) -> Result<Self, StoreError> {
        let source = File::open(db).map_err(|error| io(&error, db))?;
        let connection = schema::open_as_it_is(db)?;
        let is_still = |now: std::fs::Metadata| Ok(now.ino() == source.metadata()?.ino());
        if !std::fs::metadata(db).and_then(is_still).map_err(|error| io(&error, db))? {
            return Err(StoreError::Busy);
        }
        // What is left of one that was killed may be large.
        remove_abandoned(&files::part_of(target))?;
        let draft = draft(target)?;
        Ok(Self { connection, source, draft })
    }

    /// The copy is on the disk when this returns.
    fn copy(&self, db: &Path) -> Result<(), StoreError> {
        let (part, target) = (self.draft.path(), self.draft.file());
        let of_part = |error| io(&error, part);
        let mut steady = SteadyFile::new(target.try_clone().map_err(of_part)?);
        let mut pace = Pace::of_writing();
        for _ in 0..2 {
            let paced = |bytes| {
                steady.written(bytes)?;
                pace.keep();
                Ok(())
            };
            self.copy_changed(paced).map_err(of_part)?;
        }
        let Some(moment) = Moment::find(db, &self.connection)? else {
            // SQLite's way needs nothing but to read.
            target.set_len(0).map_err(of_part)?;
            return copy(&self.connection, &self.draft);
        };
        self.copy_changed(|_| Ok(())).map_err(of_part)?;
        target.set_len(moment.bytes).map_err(of_part)?;
        drop(moment);
        target.write_all_at(&WITHOUT_LOG, FORMAT_AT).map_err(of_part)?;
        target.sync_all().map_err(of_part)
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
            let has = read_at(self.draft.file(), &mut copied[..read], at)?;
            let is_same = piece[..read] == copied[..has];
            if !is_same {
                self.draft.file().write_all_at(&piece[..read], at)?;
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

/// A file that is to be `target` when it is whole.
pub(crate) fn draft(target: &Path) -> Result<Draft, StoreError> {
    Draft::create(target).map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => StoreError::Exists { path: files::part_of(target) },
        _ => io(&error, &files::part_of(target)),
    })
}

/// Has SQLite copy into a file that is empty.
pub(crate) fn copy(connection: &Connection, draft: &Draft) -> Result<(), StoreError> {
    connection.execute("VACUUM INTO ?1", [draft.path().to_string_lossy()])?;
    Ok(())
}

/// Checks a copy that was made, and counts what it holds.
pub(crate) fn check(copy: &Path) -> Result<Backup, StoreError> {
    count(&schema::open_as_it_is(copy)?, copy)
}

fn check_paced(copy: &Path) -> Result<Backup, StoreError> {
    let mut connection = schema::open_as_it_is(copy)?;
    paced_file::slow_down(&mut connection)?;
    count(&connection, copy)
}

fn count(connection: &Connection, copy: &Path) -> Result<Backup, StoreError> {
    if let Some(problem) = integrity::problems_of(connection, true)?.into_iter().next() {
        return Err(StoreError::Unsound { problem });
    }
    let count = |table: &str| -> rusqlite::Result<i64> {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
    };
    let bytes = std::fs::metadata(copy).map_err(|error| io(&error, copy))?.len();
    Ok(Backup { bytes, events: count("webhook_logs")?, transactions: count("transactions")? })
}

pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

pub(crate) fn io(error: &io::Error, path: &Path) -> StoreError {
    StoreError::Disk(format!("{}: {error}", path.display()))
}
