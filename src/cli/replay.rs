//! `payhookd events replay`: stored events read again by today's code and rules.

use std::io::{self, Write};

use clap::Args;

use super::table::visible;
use super::{CommandError, printed, said};
use crate::clock::Clock;
use crate::config::options::{DatabaseOption, SinceOption};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::providers::read_again;
use crate::providers::rules::Rules;
use crate::store::{Applied, Batch, Database, Outcome, Reader, Replayed, StoreError, WebhookLog};

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
    /// Change nothing; say what would change.
    #[arg(long)]
    dry_run: bool,
}

/// How many are read again in one commit: few enough that a running daemon never waits long.
const AT_ONCE: usize = 100;

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
            let work = |batch: &Batch<'_>| -> Result<Vec<(String, Verdict)>, StoreError> {
                let each = some.iter().map(|id| replay(batch, &reader, *id, &rules, now));
                Ok(each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
            };
            let done =
                if self.dry_run { database.rehearse(work)? } else { database.batch(work)? };
            for (line, verdict) in done {
                match verdict {
                    Verdict::Changed => tally.changed += 1,
                    Verdict::Same => tally.same += 1,
                    Verdict::Left => tally.left += 1,
                }
                // Of those that stay as they are only the one that was asked for is named.
                if verdict != Verdict::Same || self.id.is_some() {
                    printed(writeln!(output, "{}", visible(&line)))?;
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
            let since = self.since.map(|since| since.at(now));
            return Ok(reader.to_replay(self.status, since)?);
        };
        let found = reader.find_events(id)?;
        if found.is_empty() {
            return Err(said(format!(
                "no event has the number or id {id:?}: see `payhookd events list`"
            )));
        }
        Ok(found.iter().map(|event| event.id).collect())
    }
}

/// The daemon's, or what it would use if nobody said anything.
fn rules(reader: &Reader) -> Result<Rules, CommandError> {
    match reader.rules()? {
        None => Ok(Rules::default()),
        Some(json) => Rules::from_json(&json).ok_or_else(|| {
            said("the rules that the daemon noted can't be read: start it once with this version")
        }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Changed,
    Same,
    /// Not to be read, or read as less than before.
    Left,
}

/// One event, in words; `None` if it is gone.
fn replay(
    batch: &Batch<'_>,
    reader: &Reader,
    id: i64,
    rules: &Rules,
    now: Timestamp,
) -> Result<Option<(String, Verdict)>, StoreError> {
    // As it is in this transaction: what was replayed before it may have moved it.
    let Some(log) = batch.event(id)? else { return Ok(None) };
    let name = format!("{} {} {}", log.id, log.event_type, log.event_id);
    let Some(payload) = &log.payload else {
        return Ok(Some((format!("{name}: its payload was removed"), Verdict::Left)));
    };
    let event = match read_again(log.provider, payload, log.livemode, &log.event_id, rules) {
        Ok(event) => event,
        Err(refusal) => return Ok(Some((unreadable(&name, refusal), Verdict::Left))),
    };
    let before = before(reader, &log)?;
    Ok(Some(match batch.replay(&log, &event, now)? {
        Replayed::Same => (format!("{name}: {before}, as before"), Verdict::Same),
        Replayed::LessThanBefore(why) => (
            format!("{name}: {before}, left as it was, because now it is not understood: {why}"),
            Verdict::Left,
        ),
        Replayed::Changed(applied) => {
            (format!("{name}: {before} → {}", after(&applied)), Verdict::Changed)
        }
    }))
}

fn unreadable(name: &str, refusal: Refusal) -> String {
    format!("{name}: can't be read: {refusal}")
}

fn before(reader: &Reader, log: &WebhookLog) -> Result<String, StoreError> {
    Ok(match log.transaction_id {
        Some(id) => {
            let found = reader.transaction(id)?;
            let status = found.map(|one| format!(" ({})", one.state.status)).unwrap_or_default();
            format!("{} in transaction {id}{status}", log.status)
        }
        None => log.status.to_string(),
    })
}

fn after(applied: &Applied) -> String {
    let status = applied.status.map(|status| format!(" ({status})")).unwrap_or_default();
    match applied.transaction_id {
        Some(id) => format!("{} in transaction {id}{status}", applied.outcome),
        None => format!("{}{status}", applied.outcome),
    }
}
