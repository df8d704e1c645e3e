//! The check of the database at a start.

use std::path::Path;
use std::time::{Duration, Instant};

use super::systemd;
use crate::store::{Database, StoreError};
use crate::telemetry::line::Line;

/// Has SQLite check the structure of the database, before anything is acknowledged into it: whatever was
/// kept in a damaged one may not be found again, and who can't connect meanwhile comes again. It reads
/// the file once; that it takes a while is said.
pub(super) fn check(database: &mut Database, path: &Path) -> Result<(), StoreError> {
    let began = Instant::now();
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    Line::info(
        "checking the database: the last end was not in order, or the file was changed since",
    )
    .with("db", path.display())
    .with("bytes", bytes)
    .emit();
    let problem = database.check(SAID_EVERY, move || {
        Line::info("still checking the database")
            .with("dur_ms", began.elapsed().as_millis())
            .emit();
        systemd::still_starting(SAID_EVERY * 6, "checking the database");
    })?;
    if let Some(problem) = problem {
        return Err(StoreError::Malformed(problem));
    }
    Line::info("the database is sound").with("dur_ms", began.elapsed().as_millis()).emit();
    Ok(())
}

const SAID_EVERY: Duration = Duration::from_secs(10);
