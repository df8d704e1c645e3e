//! `payhookd --migrate`: bring the database to this binary's schema.

use std::io::{self, Write};
use std::path::Path;

use super::{CommandError, printed};
use crate::clock::Clock;
use crate::config::database_path;
use crate::config::options::DatabaseOption;
use crate::store::{self, Migration};

/// Applies what is pending and says what it did.
pub fn run(options: &DatabaseOption) -> Result<(), CommandError> {
    let path = options.path();
    let migration = store::migrate(&path, Clock::SYSTEM.now())?;
    printed(tell(&mut io::stdout().lock(), &path, &migration))
}

fn tell(output: &mut impl Write, path: &Path, migration: &Migration) -> io::Result<()> {
    if let Some(backup) = &migration.backup {
        writeln!(output, "copied {} to {}", path.display(), backup.display())?;
    }
    for applied in &migration.applied {
        writeln!(output, "applied {applied}")?;
    }
    if migration.applied.is_empty() {
        writeln!(output, "{} is up to date", path.display())?;
    }
    Ok(())
}

impl DatabaseOption {
    /// The database that is meant.
    pub fn path(&self) -> std::path::PathBuf {
        let state_directory = std::env::var("STATE_DIRECTORY").ok();
        database_path(self.db.as_deref(), state_directory.as_deref())
    }
}
