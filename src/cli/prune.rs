//! `payhookd prune`: what the daemon removes by itself, removed now.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::Args;

use super::{CommandError, printed};
use crate::config::options::{DatabaseOption, KeepOptions};
use crate::domain::records::Pruned;
use crate::domain::retention::{Cutoff, Keep};
use crate::store::{Database, Reader, Round};
use crate::telemetry::clock::Clock;

/// `prune`
#[derive(Args, Debug)]
pub struct Pruning {
    #[command(flatten)]
    database: DatabaseOption,
    #[command(flatten)]
    keep: KeepOptions,
    /// Change nothing; say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

impl Pruning {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.path())?;
        let cutoff = Keep::from(self.keep).cutoff(Clock::SYSTEM.now());
        let cutoff = cutoff.held_back(reader.latest_event()?);
        let (pruned, removed) = match self.dry_run {
            true => (reader.would_prune(&cutoff)?, "would be removed"),
            false => (self.prune(&cutoff)?, "removed"),
        };
        let Pruned { events, bytes, unsettled, rejected, issues } = pruned;
        let mut output = io::stdout().lock();
        let before = |what: &str, cutoff: Option<_>| match cutoff {
            Some(before) => format!("{what} before {before}"),
            None => "none, because they are kept forever".to_owned(),
        };
        printed(writeln!(
            output,
            "{removed}: bodies and headers of {events} settled events ({bytes} bytes; {}), {rejected} \
             refused requests ({}), {issues} closed issues ({})",
            before("received", cutoff.payloads),
            before("received", cutoff.rejected),
            before("closed", cutoff.issues),
        ))?;
        printed(match unsettled {
            0 => Ok(()),
            _ => writeln!(output, "kept whole, because something about them is open: {unsettled}"),
        })
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
