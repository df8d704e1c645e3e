//! The same load again and again, each time beside another kind of care of the data: whoever sends
//! webhooks must not notice it. Within a run quiet slices are in turn with those in which it is done, and
//! only they are compared: what else goes on at the machine is much the same in both.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{self, Latencies, Load};
use crate::events::{self, Order, Template};
use crate::process::Server;
use crate::{daemon, store, succeeded};

/// What runs beside the load.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Nothing,
    /// The daemon's own rounds.
    Pruning,
    Prune,
    Backup,
    Export,
    VerifyLog,
}

impl Care {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Pruning => "the daemon prunes",
            Self::Prune => "payhookd prune",
            Self::Backup => "payhookd backup",
            Self::Export => "payhookd export all",
            Self::VerifyLog => "doctor --verify-log",
        }
    }

    /// The command that is run again and again; `target` is a new name each time.
    fn command(self, db: &Path, target: &Path) -> Option<Command> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payhookd"));
        command.env_clear().env("PAYHOOKD_DB", db).stdin(Stdio::null()).stdout(Stdio::null());
        match self {
            Self::Nothing | Self::Pruning => return None,
            Self::Prune => command.arg("prune"),
            Self::Backup => command.arg("backup").arg(target),
            Self::Export => command.args(["export", "all", "--output"]).arg(target),
            Self::VerifyLog => command.args(["doctor", "--verify-log"]),
        };
        Some(command)
    }
}

/// In this order: nothing stands at both ends, to show how much the machine itself varies.
const ALL: [Care; 7] = [
    Care::Nothing,
    Care::Pruning,
    Care::Prune,
    Care::Backup,
    Care::Export,
    Care::VerifyLog,
    Care::Nothing,
];

/// Prints a table of the latencies.
pub(crate) fn run(folder: &Path, seconds: u64) -> io::Result<()> {
    let stored = folder.join("stored.db");
    let template = Template::new(Order::Time);
    let long_ago = events::now().minus(Duration::from_secs(100 * 86_400));
    for first in (0..STORED).step_by(10_000) {
        let some = first..first + 10_000;
        store::register(&stored, &template, some.clone());
        store::bare_loop(&stored, &template, some, 256, long_ago);
    }
    let beside = Duration::from_secs(seconds);
    let longest = 2 * (beside + SLICE) + LONGEST + SETTLING;
    let sent = STORED..STORED + RATE * (longest.as_secs() + 1);
    store::register(&stored, &template, sent.clone());
    println!(
        "\n{RATE} events a second, {STORED} old ones stored, on {} cores: quiet slices of {} s in turn with\n\
         slices of at least as long in which it is done again and again without a pause, each time to\n\
         its end, for {seconds} s in all. Latencies in milliseconds; p50 and p99: the median of those of\n\
         the slices; times: p99 beside it to the quiet one; runs: how often it was done, and how long\n\
         the longest took; WAL: its largest size in MiB; load: the machine's load average at the end.\n",
        thread::available_parallelism()?,
        SLICE.as_secs(),
    );
    println!("{:<20} {:^23} | {:^23} |", "", "quiet", "beside it");
    println!(
        "{:<20} {:>7} {:>7} {:>7} | {:>7} {:>7} {:>7} | {:>5} {:>14} {:>6} {:>5}  answers",
        "", "p50", "p99", "max", "p50", "p99", "max", "times", "runs", "WAL", "load"
    );
    for care in ALL {
        let row = Beside::measure(folder, &stored, care, &template, sent.clone(), beside)?;
        println!("{:<20} {row}", care.name());
    }
    Ok(())
}

/// One row of the table.
struct Beside {
    load: Load,
    slices: Vec<Slice>,
    runs: String,
    wal: u64,
}

/// A stretch of time in which the care was done, or not.
struct Slice {
    is_beside: bool,
    time: Range<Instant>,
}

impl Beside {
    fn measure(
        folder: &Path,
        stored: &Path,
        care: Care,
        template: &Template,
        sent: Range<u64>,
        beside: Duration,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir_in(folder)?;
        let db = folder.path().join("payhookd.db");
        fs::copy(stored, &db)?;
        fs::File::open(&db)?.sync_all()?;
        let mut command = daemon(&db);
        let keep = if care == Care::Pruning { "90d" } else { "forever" };
        command.env("PAYHOOKD_KEEP_PAYLOADS", keep);
        let server = Server::start(command, &folder.path().join("daemon.log"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (load, (slices, runs), wal) = thread::scope(|scope| {
            let caring = scope.spawn(|| {
                let mut caring = Caring {
                    care,
                    db: &db,
                    folder: folder.path(),
                    slices: Vec::new(),
                    took: Vec::new(),
                };
                let done = caring.alternate(beside);
                stop.store(true, Ordering::Relaxed);
                done.map(|()| (caring.slices, caring.took))
            });
            let wal = scope.spawn(|| largest(&db, &stop));
            let load =
                client::run(server.address, CONNECTIONS, template, sent, Some(RATE as f64), &stop);
            let joined = |_| io::Error::other("a thread panicked");
            Ok::<_, io::Error>((
                load?,
                caring.join().map_err(joined)??,
                wal.join().map_err(joined)?,
            ))
        })?;
        succeeded(server.stop()?)?;
        let runs = match (care, runs.iter().max()) {
            (Care::Pruning | Care::Prune, _) => format!("{} events", pruned(&db)?),
            (_, Some(longest)) => format!("{}, {:.1} s", runs.len(), longest.as_secs_f64()),
            (_, None) => "-".to_owned(),
        };
        Ok(Self { load, slices, runs, wal })
    }

    /// Of the slices of one kind: p50 and p99, each the median of the slices' own, so that what a busy
    /// machine did in one of them does not count, and the longest of all.
    fn latencies(&self, is_beside: bool) -> [f64; 3] {
        let slices = self.slices.iter().filter(|slice| slice.is_beside == is_beside);
        let slices: Vec<Latencies> =
            slices.map(|slice| self.load.latencies(|due| slice.time.contains(&due))).collect();
        let of_each = |part| {
            let mut of_each: Vec<Duration> = slices.iter().map(|slice| slice.part(part)).collect();
            of_each.sort_unstable();
            of_each
        };
        let median = |of_each: Vec<Duration>| of_each.get(of_each.len() / 2).copied();
        let longest = of_each(1.0).last().copied();
        [median(of_each(0.5)), median(of_each(0.99)), longest]
            .map(|latency| latency.unwrap_or_default().as_secs_f64() * 1e3)
    }
}

impl std::fmt::Display for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (quiet, beside) = (self.latencies(false), self.latencies(true));
        for [p50, p99, longest] in [quiet, beside] {
            write!(f, "{p50:>7.2} {p99:>7.2} {longest:>7.2} | ")?;
        }
        write!(
            f,
            "{:>5.2} {:>14} {:>6.1} {:>5}  {}",
            beside[1] / quiet[1],
            self.runs,
            // Far less than 2^53 bytes.
            self.wal as f64 / 1024.0 / 1024.0,
            load_average(),
            self.load.answers(),
        )
    }
}

/// Of the last minute, as the system says it.
fn load_average() -> String {
    let said = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    said.split(' ').next().unwrap_or_default().to_owned()
}

/// What is done in turn with nothing.
struct Caring<'c> {
    care: Care,
    db: &'c Path,
    folder: &'c Path,
    slices: Vec<Slice>,
    /// How long each time took that it was done to its end.
    took: Vec<Duration>,
}

impl Caring<'_> {
    /// Quiet first and last, and so long beside it.
    fn alternate(&mut self, beside: Duration) -> io::Result<()> {
        let mut left = beside;
        thread::sleep(SETTLING);
        while !left.is_zero() {
            if self.care != Care::Pruning {
                self.quiet_slice()?;
            }
            let began = Instant::now();
            self.slice(true, |caring| {
                caring.repeat(began + SLICE)?;
                // What it leaves to the daemon is its doing, too.
                thread::sleep(SETTLING);
                Ok(())
            })?;
            left = left.saturating_sub(began.elapsed());
        }
        self.quiet_slice()
    }

    fn quiet_slice(&mut self) -> io::Result<()> {
        self.slice(false, |_| {
            thread::sleep(SLICE);
            Ok(())
        })
    }

    fn slice(
        &mut self,
        is_beside: bool,
        work: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let from = Instant::now();
        work(self)?;
        self.slices.push(Slice { is_beside, time: from..Instant::now() });
        Ok(())
    }

    /// Does it until then, and for the last time to its end.
    fn repeat(&mut self, until: Instant) -> io::Result<()> {
        while Instant::now() < until {
            let target = self.folder.join(format!("target-{}", self.took.len()));
            let Some(mut command) = self.care.command(self.db, &target) else {
                thread::sleep(until - Instant::now());
                return Ok(());
            };
            let began = Instant::now();
            // Pruning is the same from its beginning to its end, which is far away.
            let last = if self.care == Care::Prune { until } else { began + LONGEST };
            if wait(command.spawn()?, last)? {
                self.took.push(began.elapsed());
            }
            // What it wrote is left until the daemon has stopped: to remove it is not its doing.
        }
        Ok(())
    }
}

/// Whether it ended by itself, and well, before then.
fn wait(mut child: Child, last: Instant) -> io::Result<bool> {
    loop {
        match child.try_wait()? {
            Some(status) => return succeeded(status).map(|()| true),
            None if Instant::now() > last => {
                child.kill()?;
                child.wait()?;
                return Ok(false);
            }
            None => thread::sleep(POLL),
        }
    }
}

/// The largest size of the log beside the database until the load is done.
fn largest(db: &Path, done: &AtomicBool) -> u64 {
    let mut wal = PathBuf::from(db).into_os_string();
    wal.push("-wal");
    let mut largest = 0;
    while !done.load(Ordering::Relaxed) {
        largest = largest.max(fs::metadata(&wal).map_or(0, |file| file.len()));
        thread::sleep(POLL);
    }
    largest
}

/// Events without a body.
fn pruned(db: &Path) -> io::Result<i64> {
    let sqlite = rusqlite::Connection::open(db).map_err(io::Error::other)?;
    let count = "SELECT count(*) FROM webhook_logs WHERE payload IS NULL";
    sqlite.query_row(count, [], |row| row.get(0)).map_err(io::Error::other)
}

/// Events stored before: some hundreds of megabytes, so that each kind of care takes a while.
const STORED: u64 = 100_000;
/// Events a second: what a large shop has in its busiest hour, a hundred times over.
const RATE: u64 = 500;
const CONNECTIONS: usize = 32;
/// A slice: some thousand events.
const SLICE: Duration = Duration::from_secs(2);
/// In which the daemon gets over what was done before.
const SETTLING: Duration = Duration::from_millis(300);
/// Something that takes longer is not waited for.
const LONGEST: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(5);
