//! `payhookd deliveries`: what the shop's app is told of changes.

use std::io::{self, Write};

use clap::{ArgGroup, Args, Subcommand};

use super::table::{Table, visible};
use super::{CommandError, Listing, print_json, printed};
use crate::config::options::{DatabaseOption, SinceOption};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::records::{Delivery, DeliveryFilter, Many, Retried, StoredAttempt};
use crate::json::rows;
use crate::store::{Database, Reader, RetryDeliveries, RetryDelivery};
use crate::telemetry::clock::Clock;

/// What can be done with deliveries.
#[derive(Debug, Subcommand)]
pub enum Deliveries {
    /// The newest deliveries.
    #[command(after_help = "Example, what was given up:\n  payhookd deliveries list --status dead")]
    List(List),
    /// One delivery with the attempts at it.
    #[command(after_help = "Example:\n  payhookd deliveries show 17")]
    Show(Show),
    /// Try again now, by the whole schedule: one delivery, whatever became of it, or many.
    ///
    /// The app is told in the order of the changes of each transaction: what stands before a
    /// delivery is retried first.
    #[command(after_help = "Examples:\n  payhookd deliveries retry 17\n  \
        payhookd deliveries retry --pending\n  payhookd deliveries retry --dead --since 2d\n  \
        payhookd deliveries retry --dead --since 2026-11-23T08:00:00Z")]
    Retry(Retry),
}

/// `deliveries list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    /// Only pending, delivered or dead ones.
    #[arg(long)]
    status: Option<DeliveryStatus>,
    /// Only those about the transaction with this number.
    #[arg(long, value_name = "NUMBER")]
    transaction: Option<i64>,
}

/// `deliveries show`
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, or the message's id: msg_….
    id: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `deliveries retry`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").required(true).args(["id", "pending", "dead"])))]
pub struct Retry {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, or the message's id: msg_….
    id: Option<String>,
    /// All that wait for their next attempt, such as after the app was down.
    #[arg(long)]
    pending: bool,
    /// All that were given up.
    #[arg(long)]
    dead: bool,
    /// Only those given up since then: 90m, 12h, 2d, a date, or a time.
    #[arg(long, value_name = "WHEN", requires = "dead", conflicts_with_all = ["id", "pending"])]
    since: Option<SinceOption>,
}

/// Does it.
pub fn run(command: &Deliveries) -> Result<(), CommandError> {
    match command {
        Deliveries::List(list) => list.run(),
        Deliveries::Show(show) => show.run(),
        Deliveries::Retry(retry) => retry.run(),
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let listing = &self.listing;
        let filter = DeliveryFilter { status: self.status, transaction_id: self.transaction };
        let deliveries = listing.rows(&filter)?;
        if listing.json {
            return print_json(deliveries.iter().map(rows::delivery));
        }
        let nothing = match self.status {
            Some(status) => format!("no {status} deliveries"),
            None => "no deliveries: changes are told once the daemon runs with --notify-url or \
                     --notify-command"
                .to_owned(),
        };
        printed(table(&deliveries).print(&mut io::stdout().lock(), &nothing))
    }
}

impl Show {
    fn run(&self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.path())?;
        let delivery = found(&reader, &self.id)?;
        let attempts = reader.of::<StoredAttempt>(delivery.id)?;
        let mut output = io::stdout().lock();
        printed(if self.json {
            let mut shown = rows::delivery(&delivery);
            shown["attempts_made"] = attempts.iter().map(rows::attempt).collect();
            writeln!(output, "{shown}")
        } else {
            show(&mut output, &delivery, &attempts)
        })
    }
}

impl Retry {
    fn run(&self) -> Result<(), CommandError> {
        let path = self.database.path();
        let said = match &self.id {
            Some(id) => {
                let id = found(&Reader::open(&path)?, id)?.id;
                one(&mut Database::open(&path)?, id)?
            }
            None => {
                // A file that is not there is an error, not a new database.
                drop(Reader::open(&path)?);
                let since = self.since.map(|since| since.at(Clock::SYSTEM.now()));
                let which = if self.pending { Many::Pending } else { Many::Dead { since } };
                match many(&mut Database::open(&path)?, which)? {
                    1 => "1 delivery is due again".to_owned(),
                    number => format!("{number} deliveries are due again"),
                }
            }
        };
        printed(writeln!(io::stdout(), "{said}"))
    }
}

fn one(database: &mut Database, id: i64) -> Result<String, CommandError> {
    match database.run(&RetryDelivery { id }, Clock::SYSTEM.now())? {
        Retried::Due => Ok("1 delivery is due again".to_owned()),
        Retried::After(earlier) => {
            Ok(format!("1 delivery is due again, after {earlier}, which is due now"))
        }
        Retried::Unknown => Err(CommandError::Said(format!("delivery {id} is gone"))),
    }
}

/// How many are retried in one commit: few enough that a running daemon never waits long.
const AT_ONCE: u32 = 500;

fn many(database: &mut Database, which: Many) -> Result<usize, CommandError> {
    let (mut number, mut last) = (0, 0);
    loop {
        let job = RetryDeliveries { which, after: last, at_once: AT_ONCE };
        let retried = database.run(&job, Clock::SYSTEM.now())?;
        // Those with smaller numbers may have failed again meanwhile.
        let Some(newest) = retried.last() else { return Ok(number) };
        last = *newest;
        number += retried.len();
    }
}

fn found(reader: &Reader, id: &str) -> Result<Delivery, CommandError> {
    reader.find::<Delivery>(id)?.pop().ok_or_else(|| {
        CommandError::Said(format!(
            "no delivery has the number or id {id:?}: see `payhookd deliveries list`"
        ))
    })
}

fn show(
    output: &mut impl Write,
    delivery: &Delivery,
    attempts: &[StoredAttempt],
) -> io::Result<()> {
    table(std::slice::from_ref(delivery)).print(output, "")?;
    writeln!(output)?;
    let mut made = Table::new(&[">attempt", "made", ">answer", ">ms", "body"]);
    for one in attempts {
        let code = one.status_code.map(|code| code.to_string());
        let error = one.error.map(|error| error.to_string());
        made.row(vec![
            one.attempt.to_string(),
            one.attempted_at.to_string(),
            code.or(error).unwrap_or_default(),
            one.latency_ms.to_string(),
            one.answer.lines().next().map(visible).unwrap_or_default(),
        ]);
    }
    made.print(output, "no attempt is kept")
}

fn table(deliveries: &[Delivery]) -> Table {
    let mut table = Table::new(&[
        ">id",
        "changed",
        ">transaction",
        ">version",
        "change",
        "status",
        ">attempts",
        "next attempt",
        "finished",
        "why",
    ]);
    for one in deliveries {
        table.row(vec![
            one.id.to_string(),
            one.changed_at.to_string(),
            one.transaction_id.to_string(),
            one.version.to_string(),
            one.change.clone(),
            one.status.to_string(),
            one.attempts.to_string(),
            one.next_attempt_at.map(|at| at.to_string()).unwrap_or_default(),
            one.finished_at.map(|at| at.to_string()).unwrap_or_default(),
            one.last_error.clone().unwrap_or_default(),
        ]);
    }
    table
}
