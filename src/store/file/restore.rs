//! Going back to a copy of the database.

use std::fs::{File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};

use super::backup::{self, Backup, beside, io};
use super::known_head::move_known_head;
use super::{integrity, schema};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

/// What took the place of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the database holds now.
    pub backup: Backup,
    /// Where the one before is; `None` if there was none.
    pub kept: Option<PathBuf>,
}

/// Puts what the copy at `copy` holds into the place of the database at `db`. The copy stays as it is,
/// and is checked before anything is changed: it must be sound, of payhookd, and not newer than this
/// binary. An older one is migrated when the daemon starts.
///
/// Nobody may have the database open: [`StoreError::Busy`] if somebody has, and nobody can open it
/// meanwhile. It may be missing or damaged. It is kept beside its place, with what its write-ahead log
/// holds, under a name with `now`. The new file belongs to the owner of the one before or else of the
/// folder, whoever runs this, and is that owner's alone.
pub fn restore(copy: &Path, db: &Path, now: Timestamp) -> Result<Restored, StoreError> {
    let damaged = |problem| StoreError::Damaged { path: copy.to_owned(), problem };
    let of_copy = |error| match error {
        StoreError::Other(problem) | StoreError::Malformed(problem) => damaged(problem),
        other => other,
    };
    let source = schema::open_as_it_is(copy).map_err(of_copy)?;
    schema::refuse_newer_database(&source, copy).map_err(of_copy)?;
    let problems = integrity::problems_of(&source, true).map_err(of_copy)?;
    if let Some(problem) = problems.into_iter().next() {
        return Err(damaged(problem));
    }
    // Until this is dropped nobody else can open the database.
    let before = hold(db)?;
    let draft = backup::draft(db)?;
    backup::copy(&source, &draft)?;
    let backup = backup::check(draft.path())?;
    hand_over(draft.path(), db, before.as_ref())?;
    let kept = before.as_ref().map(|_| keep(db, now)).transpose()?;
    move_known_head(db, &kept_at(db, now))?;
    draft.replace().map_err(|error| io(&error, db))?;
    Ok(Restored { backup, kept })
}

/// The database file, locked whole: every connection of SQLite's to a database with a write-ahead log
/// has a lock on it for as long as it is open.
fn hold(db: &Path) -> Result<Option<File>, StoreError> {
    let file = match OpenOptions::new().read(true).write(true).open(db) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let problem = error.to_string();
            return Err(StoreError::Unreachable { path: db.to_owned(), problem });
        }
    };
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Err(StoreError::Busy),
        Err(error) => Err(io(&error.into(), db)),
    }
}

/// Root may do this, but the file is the daemon's.
fn hand_over(part: &Path, db: &Path, before: Option<&File>) -> Result<(), StoreError> {
    let folder = db.parent().filter(|folder| !folder.as_os_str().is_empty());
    let owner = match before {
        Some(file) => file.metadata(),
        None => std::fs::metadata(folder.unwrap_or_else(|| Path::new("."))),
    };
    let owner: Metadata = owner.map_err(|error| io(&error, db))?;
    let now = std::fs::metadata(part).map_err(|error| io(&error, part))?;
    if (owner.uid(), owner.gid()) == (now.uid(), now.gid()) {
        return Ok(());
    }
    chown(part, Some(owner.uid()), Some(owner.gid())).map_err(|error| io(&error, part))
}

/// Keeps what is at `db` under another name too. Its log goes away from it, because it would be applied
/// to what comes in its place.
fn keep(db: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let kept = kept_at(db, now);
    std::fs::hard_link(db, &kept).map_err(|error| io(&error, &kept))?;
    let log = beside(db, "-wal");
    match std::fs::rename(&log, beside(&kept, "-wal")) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&error, &log)),
        _ => {}
    }
    let index = beside(db, "-shm");
    match std::fs::remove_file(&index) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(&error, &index)),
        _ => Ok(kept),
    }
}

/// Where what was at `db` is kept.
fn kept_at(db: &Path, now: Timestamp) -> PathBuf {
    let stamp = now.to_string().replace([':', '-', '.'], "");
    beside(db, &format!(".replaced-{stamp}"))
}
