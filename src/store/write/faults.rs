//! Faults on demand, for tests of what must happen when the disk is full or read-only.
//!
//! SQLite itself is told to have no room or to be read-only, so what follows is what follows then.

use std::path::{Path, PathBuf};

use crate::store::engine::Database;
use crate::telemetry::line::Line;

/// A file that names the fault; read before every commit, only where a test asks for it.
#[derive(Debug)]
pub(crate) struct Faults(Option<PathBuf>);

impl Faults {
    pub(crate) fn new(file: Option<&Path>) -> Self {
        Self(file.map(Path::to_owned))
    }

    /// `full`, `read-only`, or anything else (and no file at all) for none.
    pub(crate) fn apply(&self, database: &Database) {
        let Some(file) = &self.0 else { return };
        let fault = std::fs::read_to_string(file).unwrap_or_default();
        let connection = database.connection();
        let (read_only, pages) = match fault.trim() {
            "read-only" => (true, i64::from(u32::MAX) - 1),
            // SQLite takes it up to the pages that are in use.
            "full" => (false, 1),
            _ => (false, i64::from(u32::MAX) - 1),
        };
        for set in [
            connection.pragma_update(None, "query_only", read_only),
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())),
        ] {
            if let Err(error) = set {
                Line::error("fault not applied").with("err", &error).emit();
            }
        }
    }
}
