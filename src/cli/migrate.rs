//! `payhookd --migrate`: bring the database to this binary's schema.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{CommandError, printed, room, rules, said};
use crate::config::database_path;
use crate::config::options::DatabaseOption;
use crate::domain::records::ChangedTransaction;
use crate::domain::time::Timestamp;
use crate::store::{self, Database, Migration, PreviewOutdated, Reader, ReplayOutdated};
use crate::telemetry::clock::Clock;

/// Applies what is pending and says what it did.
pub fn run(options: &DatabaseOption) -> Result<(), CommandError> {
    let path = options.path();
    let now = Clock::SYSTEM.now();
    migrate(&path, now).map_err(|error| match error {
        CommandError::Store(error) => match room::explained(&error, &path) {
            Some(explained) => said(explained),
            None => error.into(),
        },
        other => other,
    })
}

fn migrate(path: &Path, now: Timestamp) -> Result<(), CommandError> {
    let migration = store::migrate(path, now)?;
    let mut output = io::stdout().lock();
    printed(tell(&mut output, path, &migration))?;
    read_again(&mut output, path, now)
}

/// How many are read again in one commit.
const AT_ONCE: usize = 100;
/// Of more it is not said before what would change: all of it would have to be done, and taken back.
const TOLD_BEFORE: usize = 20_000;

/// Reads again what an earlier version read by other rules, and says what changed by that. Broken off,
/// it is gone on with the next time.
fn read_again(output: &mut impl Write, path: &Path, now: Timestamp) -> Result<(), CommandError> {
    let rules = rules(&Reader::open(path)?)?;
    let mut database = Database::open(path)?;
    let preview = PreviewOutdated { most: TOLD_BEFORE, rules: rules.clone() };
    let Some(all) = database.run(&preview, now)? else { return Ok(()) };
    printed(writeln!(output, "reading stored events again by the rules of this version"))?;
    match all.more {
        true => printed(writeln!(output, "there are too many to say before what will change"))?,
        false => tell_transactions(output, "would become", &all.transactions)?,
    }
    let (mut read, mut changed, mut transactions) = (0, 0, BTreeMap::new());
    let step = ReplayOutdated { at_once: AT_ONCE, rules };
    while let Some(some) = database.run(&step, now)? {
        read += some.events;
        changed += some.changed;
        transactions.extend(some.transactions.into_iter().map(|one| (one.id, one)));
    }
    tell_transactions(output, "is now", transactions.values())?;
    printed(writeln!(
        output,
        "events read again: {read}, read differently: {changed}, transactions changed: {}",
        transactions.len()
    ))
}

fn tell_transactions<'t>(
    output: &mut impl Write,
    how: &str,
    transactions: impl IntoIterator<Item = &'t ChangedTransaction>,
) -> Result<(), CommandError> {
    for ChangedTransaction { id, reference, change } in transactions {
        let what = change.strip_prefix("transaction.").unwrap_or(change);
        printed(writeln!(output, "transaction {id} ({reference}) {how} {what}"))?;
    }
    Ok(())
}

fn tell(output: &mut impl Write, path: &Path, migration: &Migration) -> io::Result<()> {
    if let Some(backup) = &migration.backup {
        writeln!(output, "copied {} to {}", path.display(), backup.display())?;
    }
    for applied in &migration.applied {
        writeln!(output, "applied {applied}")?;
    }
    if migration.carried_over > 0 {
        writeln!(
            output,
            "{} events were carried over into the chain of the log as they stand; what was done to \
             them before is proved no better than by an earlier version",
            migration.carried_over
        )?;
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
