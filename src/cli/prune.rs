//! `payhookd prune`: what the daemon removes by itself, removed now.

use std::time::{Duration, Instant};

use clap::Args;

use super::arguments::DryRunOption;
use super::{CommandError, say};
use crate::config::options::{DatabaseOption, KeepOptions};
use crate::domain::records::Pruned;
use crate::domain::retention::Cutoff;
use crate::store::{Database, Round};
use crate::telemetry::clock::Clock;

/// `prune`
#[derive(Args, Debug)]
pub struct Pruning {
    #[command(flatten)]
    database: DatabaseOption,
    #[command(flatten)]
    keep: KeepOptions,
    #[command(flatten)]
    dry: DryRunOption,
}

impl Pruning {
    /// Removes it, or says what would be removed.
    pub fn run(&self) -> Result<(), CommandError> {
        let reader = self.database.reader()?;
        let cutoff = self.keep.keep().cutoff(Clock::SYSTEM.now());
        let cutoff = cutoff.held_back(reader.latest_event()?);
        let (pruned, removed) = match self.dry.dry_run {
            true => (reader.would_prune(&cutoff)?, "would be removed"),
            false => (self.prune(&cutoff)?, "removed"),
        };
        let Pruned { events, bytes, unsettled, rejected, issues } = pruned;
        let before = |what: &str, cutoff: Option<_>| match cutoff {
            Some(before) => format!("{what} before {before}"),
            None => "none, because they are kept forever".to_owned(),
        };
        say(format!(
            "{removed}: bodies and headers of {events} settled events ({bytes} bytes; {}), {rejected} \
             refused requests ({}), {issues} closed issues ({})",
            before("received", cutoff.payloads),
            before("received", cutoff.rejected),
            before("closed", cutoff.issues),
        ))?;
        match unsettled {
            0 => Ok(()),
            _ => say(format!("kept whole, because something about them is open: {unsettled}")),
        }
    }

    /// In small steps, between which a daemon that runs takes its turns.
    fn prune(&self, cutoff: &Cutoff) -> Result<Pruned, CommandError> {
        let mut database = Database::open(&self.database.path())?;
        let (mut all, mut round) = (Pruned::default(), Round::default());
        while round != Round::Done {
            let began = Instant::now();
            let (pruned, next) = database.prune(cutoff, round)?;
            all = all.and(pruned);
            round = next;
            std::thread::sleep((began.elapsed() * 5).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
        }
        Ok(all)
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
