//! The file beside the database that holds the last known head of the chain.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::domain::records::Head;
use crate::store::error::StoreError;
use crate::store::file::backup::{beside, io};
use crate::system::files;

/// Where the last known head of the database at `db` is kept.
pub fn known_head_file(db: &Path) -> PathBuf {
    beside(db, SUFFIX)
}

const SUFFIX: &str = ".head";

/// On the disk when this returns.
pub(crate) fn keep(db: &Path, head: Head) -> Result<(), StoreError> {
    let file = known_head_file(db);
    files::replace(&file, format!("{head}\n").as_bytes(), 0o600).map_err(|error| io(&error, &file))
}

/// Moves what is known of the database at `db` to the one that was at `db` and is at `kept` now.
pub(crate) fn move_known_head(db: &Path, kept: &Path) -> Result<(), StoreError> {
    let file = known_head_file(db);
    match std::fs::rename(&file, known_head_file(kept)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(&error, &file)),
        _ => Ok(()),
    }
}
