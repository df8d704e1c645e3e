//! What can be kept of a database whose files were lost while it was open.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::backup::{self, beside, io};
use super::checkpoint::into_file;
use super::open_file::OpenFile;
use crate::domain::records::Loss;
use crate::store::error::StoreError;

/// Where all is that was acknowledged.
#[derive(Clone, Debug)]
pub enum Rescued {
    /// In the database's place again.
    PutBack,
    /// In the file, from the log that was still open.
    Completed,
    /// In this copy, beside what stands in the database's place now.
    Beside(PathBuf),
    /// Nowhere whole. What was not yet in the file is in these, if there are any.
    Not(StoreError, Vec<PathBuf>),
}

/// Rescues what `connection` holds, whose files `open` says are lost.
///
/// SQLite still reads what is open, so all of it is copied: into its place if that is empty, else beside. In a
/// file that was written over there is nothing to read. What was left beside the path is taken from there, so
/// that it is not applied to the file that comes in its place.
pub(crate) fn rescue(connection: Connection, open: &OpenFile, loss: Loss) -> Rescued {
    if loss == Loss::LogRemoved {
        return match into_file(&connection) {
            Ok(_) => Rescued::Completed,
            Err(error) => Rescued::Not(error, Vec::new()),
        };
    }
    // What is in the log must not get into what is now in the file, nor be removed.
    let keep = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    if let Err(error) = connection.set_db_config(keep, true) {
        return Rescued::Not(error.into(), Vec::new());
    }
    match loss {
        Loss::Overwritten => Rescued::Not(StoreError::Lost(loss), set_aside(open)),
        _ => match copy(&connection, open) {
            Ok(rescued) => rescued,
            Err(error) => Rescued::Not(error, set_aside(open)),
        },
    }
}

fn copy(connection: &Connection, open: &OpenFile) -> Result<Rescued, StoreError> {
    let path = open.path();
    let kept = unused(path, ".rescued");
    let mut draft = backup::draft(&kept)?;
    backup::copy(connection, &draft)?;
    // The copy has it all.
    for left in open.left_beside() {
        std::fs::remove_file(left).map_err(|error| io(&error, left))?;
    }
    match draft.keep_at(path) {
        Ok(()) => Ok(Rescued::PutBack),
        // Something came in its place.
        Err(_) => {
            draft.keep_at(&kept).map_err(|error| io(&error, &kept))?;
            Ok(Rescued::Beside(kept))
        }
    }
}

/// Renames what was left beside the path; the names it has now.
fn set_aside(open: &OpenFile) -> Vec<PathBuf> {
    let aside = unused(open.path(), ".lost");
    let mut names = Vec::new();
    for left in open.left_beside() {
        let suffix = left.extension().unwrap_or_default().to_string_lossy();
        let suffix = suffix.rsplit_once('-').map_or("", |(_, suffix)| suffix);
        let name = beside(&aside, &format!("-{suffix}"));
        if std::fs::rename(left, &name).is_ok() {
            names.push(name);
        }
    }
    names
}

/// The first name of this kind beside `path` that no file has.
fn unused(path: &Path, kind: &str) -> PathBuf {
    let name = |number: u32| beside(path, &format!("{kind}-{number}"));
    let is_free = |name: &PathBuf| !name.exists() && !beside(name, "-wal").exists();
    (1..).map(name).find(is_free).unwrap_or_else(|| beside(path, kind))
}
