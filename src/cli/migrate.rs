//! `payhookd --migrate`: bring the database to this binary's schema.

use std::collections::BTreeMap;
use std::path::Path;

use super::{CommandError, room, rules, say};
use crate::config::options::DatabaseOption;
use crate::domain::records::ChangedTransaction;
use crate::domain::time::Timestamp;
use crate::store::{self, Database, Migration, PreviewOutdated, Reader, ReplayOutdated};
use crate::telemetry::clock::Clock;

/// Applies what is pending and says what it did.
pub fn run(options: &DatabaseOption) -> Result<(), CommandError> {
    let path = options.path();
    let now = Clock::SYSTEM.now();
    migrate(&path, now).map_err(|error| room::explain(error, &path))
}

fn migrate(path: &Path, now: Timestamp) -> Result<(), CommandError> {
    let Migration { backup, applied, carried_over, .. } = store::migrate(path, now)?;
    if let Some(backup) = backup {
        say(format!("copied {} to {}", path.display(), backup.display()))?;
    }
    for applied in &applied {
        say(format!("applied {applied}"))?;
    }
    if carried_over > 0 {
        say(format!(
            "{carried_over} events were carried over into the chain of the log as they stand; what was \
             done to them before is verified no better than by an earlier version"
        ))?;
    }
    if applied.is_empty() {
        say(format!("{} is up to date", path.display()))?;
    }
    replay(path, now)
}

/// How many are replayed in one commit.
const AT_ONCE: usize = 100;
/// Of more it is not said before what would change: all of it would have to be done, and taken back.
const TOLD_BEFORE: usize = 20_000;

/// Replays what an earlier version read by other rules, and says what changed by that. Broken off, it is
/// gone on with the next time.
fn replay(path: &Path, now: Timestamp) -> Result<(), CommandError> {
    let rules = rules(&Reader::open(path)?)?;
    let mut database = Database::open(path)?;
    let preview = PreviewOutdated { most: TOLD_BEFORE, rules: rules.clone() };
    let Some(all) = database.run(&preview, now)? else { return Ok(()) };
    say("replaying stored events by the rules of this version")?;
    match all.more {
        true => say("there are too many to say before what will change")?,
        false => say_changes("would become", &all.transactions)?,
    }
    let (mut read, mut changed, mut transactions) = (0, 0, BTreeMap::new());
    let step = ReplayOutdated { at_once: AT_ONCE, rules };
    while let Some(some) = database.run(&step, now)? {
        read += some.events;
        changed += some.changed;
        transactions.extend(some.transactions.into_iter().map(|one| (one.id, one)));
    }
    say_changes("is now", transactions.values())?;
    say(format!(
        "events replayed: {read}, read differently: {changed}, transactions changed: {}",
        transactions.len()
    ))
}

fn say_changes<'t>(
    how: &str,
    transactions: impl IntoIterator<Item = &'t ChangedTransaction>,
) -> Result<(), CommandError> {
    for ChangedTransaction { id, reference, change } in transactions {
        let what = change.strip_prefix("transaction.").unwrap_or(change);
        say(format!("transaction {id} ({reference}) {how} {what}"))?;
    }
    Ok(())
}
