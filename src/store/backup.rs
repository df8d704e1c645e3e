//! Consistent copies of the database, made while others write.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{StoreError, schema, soundness};

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

/// Copies the database at `db` to `target`, as it is at one moment; nobody who writes waits for it.
/// The copy is checked by SQLite's own integrity check and is on the disk when this returns. It is
/// its owner's alone, and needs no file beside it.
///
/// A target that exists is an error, and so is a copy that is not sound; neither leaves a file.
pub fn backup(db: &Path, target: &Path) -> Result<Backup, StoreError> {
    let connection = schema::open_as_it_is(db)?;
    if target.exists() {
        return Err(StoreError::Exists { path: target.to_owned() });
    }
    // Under its own name only what is whole and checked.
    let part = beside(target, ".part");
    let copied = copy(&connection, &part).and_then(|()| check(&part)).and_then(|backup| {
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

/// Copies into a new file, which is on the disk when this returns.
pub(super) fn copy(connection: &Connection, target: &Path) -> Result<(), StoreError> {
    if target.exists() {
        std::fs::remove_file(target).map_err(|error| io(&error, target))?;
    }
    // SQLite writes into a file that is there if it is empty.
    schema::create(target);
    connection.execute("VACUUM INTO ?1", [target.to_string_lossy()])?;
    sync(Some(target), target)
}

pub(super) fn check(copy: &Path) -> Result<Backup, StoreError> {
    let connection = schema::open_as_it_is(copy)?;
    if let Some(problem) = soundness::problems_of(&connection, true)?.into_iter().next() {
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

pub(super) fn io(error: &std::io::Error, path: &Path) -> StoreError {
    StoreError::Disk(format!("{}: {error}", path.display()))
}
