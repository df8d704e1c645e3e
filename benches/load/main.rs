//! How many events a second payhookd commits, and how long each waits for its answer.
//!
//! `cargo bench --bench load -- [--events N] [--connections N] [--quick] [--growth]`
//! `cargo bench --bench load -- --attempts`: what one event costs of a payment that has thousands
//! `cargo bench --bench load -- --care [SECONDS]`: what it costs those who send that data is cared for
//! meanwhile.
//!
//! The release binary runs as a process of its own on a real file. Beside it stand two floors: the
//! same HTTP stack that answers 200 without doing anything, and the store without HTTP. Client and
//! server share the machine, so figures compare within one run and not between machines. Requests
//! go to the loopback interface only, in bounded number and time.

#![allow(clippy::disallowed_methods)]

mod attempts;
mod care;
mod client;
mod events;
mod process;
mod store;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Arc;

use client::Load;
use events::{Order, Template};
use process::{Memory, Server};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == [FLOOR] {
        return exit(process::serve_floor());
    }
    match Plan::parse(&arguments) {
        Ok(Some(plan)) => exit(run(&plan)),
        Ok(None) => {
            println!("nothing is measured without --bench, which `cargo bench` gives");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}\nusage: cargo bench --bench load -- {USAGE}");
            ExitCode::from(2)
        }
    }
}

fn exit(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is asked for on the command line.
struct Plan {
    /// Events per row of the table.
    events: u64,
    /// The numbers of connections to measure with.
    connections: Vec<usize>,
    /// Whether to measure with many events stored too, which takes minutes.
    growth: bool,
    /// Seconds of load beside each kind of care, in place of all else.
    care: Option<u64>,
    /// Attempts to pay one payment, in place of all else.
    attempts: bool,
}

impl Plan {
    /// `None` without `--bench`: `cargo test --all-targets` runs benchmarks too, only to see that
    /// they start.
    fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut plan = Self {
            events: 50_000,
            connections: CONNECTIONS.to_vec(),
            growth: false,
            care: None,
            attempts: false,
        };
        let mut bench = false;
        let mut arguments = arguments.iter().peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => bench = true,
                "--quick" => plan.events = 5_000,
                "--growth" => plan.growth = true,
                "--attempts" => plan.attempts = true,
                "--care" => {
                    let seconds = arguments.peek().and_then(|number| number.parse().ok());
                    if seconds.is_some() {
                        arguments.next();
                    }
                    plan.care = Some(seconds.unwrap_or(20).clamp(1, 600));
                }
                "--events" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    plan.events = number
                        .filter(|events| (1..=MOST_EVENTS).contains(events))
                        .ok_or_else(|| format!("--events wants a number up to {MOST_EVENTS}"))?;
                }
                "--connections" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    let number = number.filter(|number| (1..=1_000).contains(number));
                    plan.connections =
                        vec![number.ok_or("--connections wants a number up to 1000")?];
                }
                other => return Err(format!("{other} is no argument of this benchmark")),
            }
        }
        Ok(bench.then_some(plan))
    }
}

/// Prints what was measured, even if something fails on the way.
fn run(plan: &Plan) -> io::Result<()> {
    // Not the system's temporary folder, which may be in memory, where fsync costs nothing.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    if plan.attempts {
        attempts::run(folder.path());
        return Ok(());
    }
    if let Some(seconds) = plan.care {
        return care::run(folder.path(), seconds);
    }
    let bench = Bench { folder: folder.path().to_owned(), events: plan.events };
    let mut table = Table::default();
    let measured = bench.measure(plan, &mut table);
    println!(
        "\n{} events of {} bytes a row, on {} cores. events/s: answered 200 (or committed) a\n\
         second. start: from exec to the first connection, on the database just filled; idle:\n\
         resident memory after a start; peak: after the load. Latencies in milliseconds.\n",
        plan.events,
        Template::new(Order::Time).body().len(),
        std::thread::available_parallelism()?,
    );
    print!("{table}");
    measured
}

struct Bench {
    folder: PathBuf,
    events: u64,
}

impl Bench {
    fn measure(&self, plan: &Plan, table: &mut Table) -> io::Result<()> {
        for connections in plan.connections.iter().copied() {
            table.add(self.floor(connections)?);
            let daemon = self.fresh_daemon(connections, Order::Time)?;
            let store = self.bare_store(daemon.batch)?;
            table.compare(connections, &daemon, &store);
            table.add(daemon);
            table.add(store);
            if connections == USUAL_CONNECTIONS {
                table.add(self.fresh_daemon(connections, Order::Random)?);
            }
        }
        if plan.growth {
            self.growth(table)?;
        }
        Ok(())
    }

    fn floor(&self, connections: usize) -> io::Result<Row> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(FLOOR);
        let server = Server::start(command, &self.folder.join("floor.log"))?;
        let template = Template::new(Order::Time);
        let (start, idle) = (server.started_after, server.memory()?);
        let load = client::run(
            server.address,
            connections,
            &template,
            0..self.events,
            None,
            &Arc::default(),
        )?;
        let peak = server.memory()?.peak;
        server.stop()?;
        Ok(Row {
            start: Some(start.as_secs_f64() * 1e3),
            memory: Some(Memory { peak, ..idle }),
            ..Row::of_load("http alone", connections, Order::Time, 0, &load)
        })
    }

    /// One row on a database of its own, which is then removed.
    fn fresh_daemon(&self, connections: usize, order: Order) -> io::Result<Row> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let db = folder.path().join("payhookd.db");
        self.daemon(&db, connections, order, 0..self.events)
    }

    /// Sends the events of the range to a daemon on `db`, in which those before it are stored.
    fn daemon(
        &self,
        db: &Path,
        connections: usize,
        order: Order,
        range: Range<u64>,
    ) -> io::Result<Row> {
        let template = Template::new(order);
        store::register(db, &template, range.clone());
        let log = self.folder.join("daemon.log");
        let server = Server::start(daemon(db), &log)?;
        let stored = range.start;
        let load =
            client::run(server.address, connections, &template, range, None, &Arc::default())?;
        let peak = server.memory()?.peak;
        succeeded(server.stop()?)?;
        let batch = mean_batch(&std::fs::read_to_string(&log)?)?;
        let server = Server::start(daemon(db), &log)?;
        let (start, idle) = (server.started_after, server.memory()?);
        succeeded(server.stop()?)?;
        Ok(Row {
            start: Some(start.as_secs_f64() * 1e3),
            memory: Some(Memory { peak, ..idle }),
            batch,
            ..Row::of_load("payhookd", connections, order, stored, &load)
        })
    }

    fn bare_store(&self, batch: usize) -> io::Result<Row> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let db = folder.path().join("payhookd.db");
        let template = Template::new(Order::Time);
        store::register(&db, &template, 0..self.events);
        let rate = store::bare_loop(&db, &template, 0..self.events, batch, events::now());
        Ok(Row::of_store(batch, rate))
    }

    /// One database that grows: each row has more events stored before it.
    fn growth(&self, table: &mut Table) -> io::Result<()> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let db = folder.path().join("payhookd.db");
        let template = Template::new(Order::Time);
        let mut stored = 0;
        for size in SIZES {
            // In pieces, so that registering does not run far ahead of the events.
            while stored < size {
                let piece = stored..size.min(stored + PIECE);
                store::register(&db, &template, piece.clone());
                store::bare_loop(&db, &template, piece.clone(), PRELOAD_BATCH, events::now());
                stored = piece.end;
            }
            let range = stored..stored + self.events;
            stored = range.end;
            table.add(self.daemon(&db, USUAL_CONNECTIONS, Order::Time, range)?);
        }
        Ok(())
    }
}

/// The release binary with a test configuration and nothing of this process's environment.
fn daemon(db: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payhookd"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--db"])
        .arg(db)
        .env_clear()
        .env("STRIPE_WEBHOOK_SECRET", events::SECRET)
        .env("PAYHOOKD_MODE", "test");
    command
}

/// Events in a commit, on average, from the daemon's last line: what the store alone is given too.
fn mean_batch(log: &str) -> io::Result<usize> {
    let last = log.lines().rfind(|line| line.contains("msg=stopped")).unwrap_or_default();
    let count = |key: &str| {
        let word = last.split(' ').find_map(|word| word.strip_prefix(key));
        word.and_then(|count| count.parse::<usize>().ok())
    };
    match (count("webhooks="), count("commits=")) {
        (Some(webhooks), Some(commits @ 1..)) => Ok((webhooks / commits).max(1)),
        _ => Err(io::Error::other("the daemon did not say how many commits it made")),
    }
}

/// A daemon that is asked to end ends well.
fn succeeded(status: ExitStatus) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("payhookd: {status}"))) }
}

/// One row of the table; `-` stands where a column says nothing about it.
#[derive(Default)]
struct Row {
    what: &'static str,
    /// Connections, or events in a commit of the store alone.
    width: usize,
    /// Events in a commit of the daemon, on average.
    batch: usize,
    ids: &'static str,
    stored: Option<u64>,
    rate: f64,
    latencies: Option<[f64; 4]>,
    start: Option<f64>,
    memory: Option<Memory>,
    answers: String,
}

impl Row {
    fn of_load(
        what: &'static str,
        connections: usize,
        order: Order,
        stored: u64,
        load: &Load,
    ) -> Self {
        Self {
            what,
            width: connections,
            ids: order.name(),
            stored: Some(stored),
            rate: load.rate(),
            latencies: Some(
                [0.5, 0.99, 0.999, 1.0].map(|part| load.latency(part).as_secs_f64() * 1e3),
            ),
            answers: load.answers(),
            ..Self::default()
        }
    }

    fn of_store(batch: usize, rate: f64) -> Self {
        let (what, ids) = ("store alone", Order::Time.name());
        Self { what, width: batch, ids, stored: Some(0), rate, ..Self::default() }
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let latency = |place: usize| number(self.latencies.map(|all| all[place]), 2);
        let memory = |of: fn(&Memory) -> u64| {
            // KiB to MiB; no process here comes near 2^53 KiB.
            number(self.memory.as_ref().map(|memory| of(memory) as f64 / 1024.0), 1)
        };
        [
            self.what.to_owned(),
            self.width.to_string(),
            self.ids.to_owned(),
            self.stored.map_or_else(|| "-".to_owned(), |stored| stored.to_string()),
            number(Some(self.rate), 0),
            latency(0),
            latency(1),
            latency(2),
            latency(3),
            number(self.start, 1),
            memory(|memory| memory.resident),
            memory(|memory| memory.peak),
            self.answers.clone(),
        ]
    }
}

#[derive(Default)]
struct Table {
    rows: Vec<[String; COLUMNS.len()]>,
    comparisons: Vec<String>,
}

impl Table {
    /// Notes what HTTP, proof and waiting leave of the store's rate.
    fn compare(&mut self, connections: usize, daemon: &Row, store: &Row) {
        self.comparisons.push(format!(
            "{connections} connections: {:.0} % of the store alone in commits of {}",
            100.0 * daemon.rate / store.rate,
            store.width,
        ));
    }

    /// Keeps the row, and tells whoever waits that it is there.
    fn add(&mut self, row: Row) {
        let cells = row.cells();
        eprintln!("{} {} {}: {} events/s", cells[0], cells[1], cells[2], cells[4]);
        self.rows.push(cells);
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let heading = COLUMNS.map(str::to_owned);
        let lines = || std::iter::once(&heading).chain(&self.rows);
        let widths: Vec<usize> = (0..COLUMNS.len())
            .map(|column| lines().map(|line| line[column].len()).max().unwrap_or(0))
            .collect();
        for line in lines() {
            let mut text = String::new();
            for ((cell, width), title) in line.iter().zip(&widths).zip(COLUMNS) {
                // Words to the left, numbers to the right.
                match title {
                    "what" | "ids" | "answers" => text += &format!("{cell:<width$}  "),
                    _ => text += &format!("{cell:>width$}  "),
                }
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        writeln!(f)?;
        self.comparisons.iter().try_for_each(|comparison| writeln!(f, "{comparison}"))
    }
}

const USAGE: &str =
    "[--events N] [--connections N] [--quick] [--growth] [--attempts] [--care [SECONDS]]";
/// The argument with which this program runs itself as the server that does nothing.
const FLOOR: &str = "serve-floor";
const COLUMNS: [&str; 13] = [
    "what",
    "conns/batch",
    "ids",
    "stored",
    "events/s",
    "p50",
    "p99",
    "p99.9",
    "max",
    "start ms",
    "idle MiB",
    "peak MiB",
    "answers",
];
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Where other things than the number of connections are varied.
const USUAL_CONNECTIONS: usize = 64;
/// Events stored before a row of `--growth`.
const SIZES: [u64; 2] = [10_000, 1_000_000];
const PIECE: u64 = 50_000;
const PRELOAD_BATCH: usize = 256;
/// Ids have room for more, but a row should end within minutes.
const MOST_EVENTS: u64 = 5_000_000;
