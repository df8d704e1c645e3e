//! The same load again and again, each time beside another kind of care of the data: whoever sends
//! webhooks must not notice it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::client::{self, Load};
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
    let sent = STORED..STORED + RATE * seconds;
    store::register(&stored, &template, sent.clone());
    println!(
        "\n{RATE} events a second for {seconds} s, {STORED} old ones stored, on {} cores. Latencies in\n\
         milliseconds; runs: how often it was done meanwhile; WAL: its largest size in MiB.\n",
        thread::available_parallelism()?,
    );
    println!(
        "{:<20} {:>8} {:>7} {:>7} {:>7} {:>7} {:>9} {:>6}  answers",
        "beside the load", "events/s", "p50", "p99", "p99.9", "max", "runs", "WAL"
    );
    for care in ALL {
        let beside = Beside::measure(folder, &stored, care, &template, sent.clone())?;
        println!("{:<20} {beside}", care.name());
    }
    Ok(())
}

/// One row of the table.
struct Beside {
    load: Load,
    runs: String,
    wal: u64,
}

impl Beside {
    fn measure(
        folder: &Path,
        stored: &Path,
        care: Care,
        template: &Template,
        sent: std::ops::Range<u64>,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir_in(folder)?;
        let db = folder.path().join("payhookd.db");
        fs::copy(stored, &db)?;
        let mut command = daemon(&db);
        let keep = if care == Care::Pruning { "90d" } else { "forever" };
        command.env("PAYHOOKD_KEEP_PAYLOADS", keep);
        let server = Server::start(command, &folder.path().join("daemon.log"))?;
        let done = AtomicBool::new(false);
        let (load, runs, wal) = thread::scope(|scope| {
            let runs = scope.spawn(|| repeat(care, &db, folder.path(), &done));
            let wal = scope.spawn(|| largest(&db, &done));
            let load = client::run(server.address, CONNECTIONS, template, sent, Some(RATE as f64));
            done.store(true, Ordering::Relaxed);
            let joined = |_| io::Error::other("a thread panicked");
            Ok::<_, io::Error>((load?, runs.join().map_err(joined)??, wal.join().map_err(joined)?))
        })?;
        succeeded(server.stop()?)?;
        let runs = match care {
            Care::Nothing => "-".to_owned(),
            Care::Pruning | Care::Prune => format!("{} events", pruned(&db)?),
            _ => runs.to_string(),
        };
        Ok(Self { load, runs, wal })
    }
}

impl std::fmt::Display for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let latency = |part| self.load.latency(part).as_secs_f64() * 1e3;
        write!(
            f,
            "{:>8.0} {:>7.2} {:>7.2} {:>7.2} {:>7.2} {:>9} {:>6.1}  {}",
            self.load.rate(),
            latency(0.5),
            latency(0.99),
            latency(0.999),
            latency(1.0),
            self.runs,
            // Far less than 2^53 bytes.
            self.wal as f64 / 1024.0 / 1024.0,
            self.load.answers(),
        )
    }
}

/// Does it until the load is done; how often it was completed.
fn repeat(care: Care, db: &Path, folder: &Path, done: &AtomicBool) -> io::Result<u64> {
    let mut runs = 0;
    while !done.load(Ordering::Relaxed) {
        let target = folder.join(format!("target-{runs}"));
        let Some(mut command) = care.command(db, &target) else { return Ok(0) };
        match wait(command.spawn()?, done)? {
            true => runs += 1,
            false => return Ok(runs),
        }
        remove(&target)?;
    }
    Ok(runs)
}

/// Whether it ended by itself, and well, before the load was done.
fn wait(mut child: Child, done: &AtomicBool) -> io::Result<bool> {
    loop {
        match child.try_wait()? {
            Some(status) => return succeeded(status).map(|()| true),
            None if done.load(Ordering::Relaxed) => {
                child.kill()?;
                child.wait()?;
                return Ok(false);
            }
            None => thread::sleep(POLL),
        }
    }
}

fn remove(target: &Path) -> io::Result<()> {
    match (target.is_dir(), target.exists()) {
        (true, _) => fs::remove_dir_all(target),
        (false, true) => fs::remove_file(target),
        (false, false) => Ok(()),
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
const POLL: Duration = Duration::from_millis(5);
