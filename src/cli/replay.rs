//! `payhookd events replay`: stored events read again by today's code and rules.

use std::time::Duration;

use clap::Args;

use super::arguments::{DryRunOption, Noun, run_or_try};
use super::table::visible;
use super::{CommandError, rules, say};
use crate::config::options::{DatabaseOption, SinceOption};
use crate::domain::records::{EventFilter, Outcome, Page, Reread, RereadResult, WebhookLog};
use crate::domain::time::Timestamp;
use crate::store::{self, Reader};
use crate::telemetry::clock::Clock;

/// `events replay`
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
    #[command(flatten)]
    dry: DryRunOption,
}

/// How many are replayed in one commit: few enough that a running daemon never waits long.
const AT_ONCE: usize = 100;
/// How many are listed at once.
const LISTED_AT_ONCE: u32 = 1_000;
/// The smallest difference of two instants.
const TICK: Duration = Duration::from_millis(1);

impl Replay {
    /// Replays them, and says of each what changed.
    pub fn run(&self) -> Result<(), CommandError> {
        let reader = self.database.reader()?;
        let now = Clock::SYSTEM.now();
        let ids = self.ids(&reader, now)?;
        let rules = rules(&reader)?;
        let mut database = self.database.writer()?;
        let (mut changed, mut same, mut left) = (0, 0, 0);
        for some in ids.chunks(AT_ONCE) {
            let replay = store::Replay { ids: some.to_vec(), rules: rules.clone() };
            for reread in run_or_try(&mut database, replay, self.dry.dry_run, now)? {
                *match reread.result {
                    RereadResult::Changed(_) => &mut changed,
                    RereadResult::Same => &mut same,
                    RereadResult::Left(_) => &mut left,
                } += 1;
                // Of those that stay as they are only the one that was asked for is named.
                if reread.result != RereadResult::Same || self.id.is_some() {
                    say(visible(&line(&reread)))?;
                }
            }
        }
        let changes = if self.dry.dry_run { "would change" } else { "changed" };
        say(format!(
            "{} replayed: {changed} {changes}, {same} as before, {left} left as they were",
            ids.len()
        ))
    }

    fn ids(&self, reader: &Reader, now: Timestamp) -> Result<Vec<i64>, CommandError> {
        if let Some(id) = &self.id {
            let found = Noun::EVENT.find::<WebhookLog>(reader, id)?;
            return Ok(found.iter().map(|event| event.id).collect());
        }
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
