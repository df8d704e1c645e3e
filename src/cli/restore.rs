//! `payhookd restore`: go back to a copy of the database.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, said, say};
use crate::config::options::DatabaseOption;
use crate::store::{self, Restored, StoreError};
use crate::telemetry::clock::Clock;

/// `restore`
#[derive(Args, Debug)]
pub struct Restoring {
    #[command(flatten)]
    database: DatabaseOption,
    /// The copy, which `payhookd backup` or a migration made; it stays as it is.
    copy: PathBuf,
}

impl Restoring {
    /// Checks the copy, and puts it in the place of the database.
    pub fn run(&self) -> Result<(), CommandError> {
        let (copy, db) = (&self.copy, self.database.path());
        let is_itself =
            copy.canonicalize().ok().is_some_and(|copy| Some(copy) == db.canonicalize().ok());
        if is_itself {
            return Err(said(format!("{} is the database itself: name a copy", copy.display())));
        }
        let restored = store::restore(copy, &db, Clock::SYSTEM.now());
        let Restored { backup, kept } = restored.map_err(|error| match error {
            StoreError::Busy => said(format!(
                "{} is in use: stop the daemon, and its sockets, because a webhook would start it \
                 again: systemctl stop payhookd.socket payhookd",
                db.display()
            )),
            other => other.into(),
        })?;
        say(format!(
            "{}: {} bytes, {} events, {} transactions, checked",
            db.display(),
            backup.bytes,
            backup.events,
            backup.transactions
        ))?;
        kept.map_or(Ok(()), |kept| say(format!("the one before is kept: {}", kept.display())))
    }
}
