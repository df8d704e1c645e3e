//! `payhookd events read_again`: stored events read again by today's code and rules.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use super::table::visible;
use super::{CommandError, printed, rules, said};
use crate::config::options::{DatabaseOption, SinceOption};
use crate::domain::records::{EventFilter, Outcome, Page, Reread, RereadResult, WebhookLog};
use crate::domain::time::Timestamp;
use crate::store::{self, Database, DryRun, Reader};
use crate::telemetry::clock::Clock;

/// `events read_again`
#[derive(Args, Debug)]
#[group(id = "which", required = true, multiple = true, args = ["id", "status", "since"])]
pub struct Replay {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, or the provider's id of it: evt_…, WH-….
    #[arg(conflicts_with_all = ["status", "since"])]
    id: Option<String>,
    /// All that ended so: failed, ignored, orphan or processed.
    #[arg(long)]
    status: Option<Outcome>,
    /// All that were received since then: 2026-11-23, 2026-11-23T11:52:03Z, or 72h, 3d ago.
    #[arg(long, value_name = "TIME")]
    since: Option<SinceOption>,
    /// Change nothing; say what would change.
    #[arg(long)]
    dry_run: bool,
}

/// How many are read again in one commit: few enough that a running daemon never waits long.
const AT_ONCE: usize = 100;

/// How many are listed at once.
const LISTED_AT_ONCE: u32 = 1_000;
/// What instants are told apart by.
const TICK: Duration = Duration::from_millis(1);

/// What became of them.
#[derive(Default)]
struct Tally {
    changed: u64,
    same: u64,
    left: u64,
}

impl Replay {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        let path = self.database.path();
        let reader = Reader::open(&path)?;
        let now = Clock::SYSTEM.now();
        let ids = self.ids(&reader, now)?;
        let rules = rules(&reader)?;
        let mut database = Database::open(&path)?;
        let mut output = io::stdout().lock();
        let mut tally = Tally::default();
        for some in ids.chunks(AT_ONCE) {
            let replay = store::Replay { ids: some.to_vec(), rules: rules.clone() };
            let done = match self.dry_run {
                true => database.run(&DryRun(replay), now)?,
                false => database.run(&replay, now)?,
            };
            for reread in &done {
                tally.count(&reread.result);
                // Of those that stay as they are only the one that was asked for is named.
                if reread.result != RereadResult::Same || self.id.is_some() {
                    printed(writeln!(output, "{}", visible(&line(reread))))?;
                }
            }
        }
        let Tally { changed, same, left } = tally;
        let changes = if self.dry_run { "would change" } else { "changed" };
        printed(writeln!(
            output,
            "{} read again: {changed} {changes}, {same} as before, {left} left as they were",
            ids.len()
        ))
    }

    fn ids(&self, reader: &Reader, now: Timestamp) -> Result<Vec<i64>, CommandError> {
        let Some(id) = &self.id else {
            let filter = EventFilter {
                statuses: self.status.into_iter().collect(),
                // What was received just then is meant, too.
                received_after: self.since.map(|since| since.at(now).minus(TICK)),
                ..EventFilter::default()
            };
            let (mut ids, mut page) = (Vec::new(), Page { before: None, limit: LISTED_AT_ONCE });
            loop {
                let listed = reader.list(&filter, page)?;
                ids.extend(listed.rows.iter().map(|event| event.id));
                page.before = ids.last().copied();
                if !listed.more {
                    ids.reverse();
                    return Ok(ids);
                }
            }
        };
        let found = reader.find::<WebhookLog>(id)?;
        if found.is_empty() {
            return Err(said(format!(
                "no event has the number or id {id:?}: see `payhookd events list`"
            )));
        }
        Ok(found.iter().map(|event| event.id).collect())
    }
}

impl Tally {
    fn count(&mut self, result: &RereadResult) {
        match result {
            RereadResult::Changed(_) => self.changed += 1,
            RereadResult::Same => self.same += 1,
            RereadResult::Left(_) => self.left += 1,
        }
    }
}

fn line(reread: &Reread) -> String {
    let Reread { id, event_id, event_type, before, result } = reread;
    let name = format!("{id} {event_type} {event_id}");
    match (result, result.after()) {
        (RereadResult::Changed(_), Some(after)) => format!("{name}: {before} → {after}"),
        (RereadResult::Left(_), Some(why)) => format!("{name}: {before}, left as it was: {why}"),
        _ => format!("{name}: {before}, as before"),
    }
}
