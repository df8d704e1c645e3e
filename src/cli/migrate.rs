//! `payhookd --migrate`: bring the database to this binary's schema.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    /// The database that is meant: else the service's, if there is none in the working directory.
    pub fn path(&self) -> PathBuf {
        let state_directory = std::env::var("STATE_DIRECTORY").ok();
        let path = database_path(self.db.as_deref(), state_directory.as_deref());
        let is_said = self.db.is_some() || path.is_absolute();
        // Only root can look into the service's folder, but everybody sees that it is there.
        if is_said || path.exists() || Path::new(OF_SERVICE).symlink_metadata().is_err() {
            return path;
        }
        Path::new(OF_SERVICE).join(path)
    }
}

/// Where systemd has the state of the package's service.
pub(super) const OF_SERVICE: &str = "/var/lib/payhookd";
