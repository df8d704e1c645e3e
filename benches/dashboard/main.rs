//! How long each page of the dashboard takes, and how many bytes it is, with many events stored and
//! while webhooks are received.
//!
//! `cargo bench --bench dashboard -- [--events N] [--transactions N] [--requests N]`
//!
//! The release binary runs as a process of its own on a database that was made through the store,
//! and is kept below `target/tmp` for the next run. All goes to the loopback interface.

#![allow(clippy::disallowed_methods)]

mod client;
mod pages;
mod seed;
mod story;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use client::{Daemon, send_webhooks};
use payhookd::store::{Reader, StoreError};
use seed::Size;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ran = match Plan::parse(&arguments) {
        Ok(Some(plan)) => run(&plan),
        Ok(None) => {
            println!("nothing is measured without --bench, which `cargo bench` gives");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("dashboard: {error}\nusage: cargo bench --bench dashboard -- {USAGE}");
            return ExitCode::from(2);
        }
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dashboard: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is asked for on the command line.
struct Plan {
    size: Size,
    /// Of each page.
    requests: usize,
}

impl Plan {
    /// `None` without `--bench`: `cargo test --all-targets` runs benchmarks too, only to see that
    /// they start.
    fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut plan =
            Self { size: Size { events: 1_000_000, transactions: 200_000 }, requests: 50 };
        let mut bench = false;
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = |most: u64| {
                let number = arguments.next().and_then(|number| number.parse().ok());
                number
                    .filter(|number| (1..=most).contains(number))
                    .ok_or_else(|| format!("{argument} wants a number up to {most}"))
            };
            match argument.as_str() {
                "--bench" => bench = true,
                "--events" => plan.size.events = number(5_000_000)?,
                "--transactions" => plan.size.transactions = number(1_000_000)?,
                "--requests" => {
                    plan.requests = usize::try_from(number(10_000)?).map_err(|_| "too many")?;
                }
                other => return Err(format!("{other} is no argument of this benchmark")),
            }
        }
        Ok(bench.then_some(plan))
    }
}

fn run(plan: &Plan) -> io::Result<()> {
    let db = seeded(plan.size)?;
    let daemon = Daemon::start(&db)?;
    let stop = AtomicBool::new(false);
    let (table, sent) = thread::scope(|scope| {
        let sender = scope.spawn(|| send_webhooks(&daemon, &stop));
        let table = pages::measure(&daemon, plan.size, plan.requests);
        stop.store(true, Ordering::Relaxed);
        let sent = sender.join().map_err(|_| io::Error::other("the sender broke off"))?;
        Ok::<_, io::Error>((table?, sent?))
    })?;
    println!(
        "\n{} events and {} transactions; {} requests a page; meanwhile {sent}.\n\
         Milliseconds until the whole page is there.\n\n{table}",
        plan.size.events, plan.size.transactions, plan.requests,
    );
    daemon.stop()
}

/// The database of this size; the one from before, if its schema is today's.
fn seeded(size: Size) -> io::Result<PathBuf> {
    let name = format!("dashboard-{}-{}.db", size.events, size.transactions);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match Reader::open(&path) {
        Ok(_) => {
            eprintln!("using {}", path.display());
            return Ok(path);
        }
        Err(StoreError::NoDatabase { .. }) => {}
        Err(error) => eprintln!("{error}: making it anew"),
    }
    let unfinished = path.with_extension("new");
    for file in [&path, &unfinished] {
        for beside in ["", "-wal", "-shm"] {
            let mut file = file.clone().into_os_string();
            file.push(beside);
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    seed::make(&unfinished, size)?;
    std::fs::rename(&unfinished, &path)?;
    Ok(path)
}

const USAGE: &str = "[--events N] [--transactions N] [--requests N]";
