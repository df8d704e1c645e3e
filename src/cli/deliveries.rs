//! `payhookd deliveries`: how the shop's app is notified of changes.

use std::io::{self, Write};

use clap::{ArgGroup, Args, Subcommand};

use super::arguments::{Listing, Noun, Show, only};
use super::table::{Column, Shown, maybe, write};
use super::{CommandError, said, say};
use crate::config::options::{DatabaseOption, SinceOption};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::records::{Delivery, DeliveryFilter, Many, Retried, StoredAttempt};
use crate::json::rows;
use crate::store::{RetryDeliveries, RetryDelivery};
use crate::telemetry::clock::Clock;

/// Commands about deliveries.
#[derive(Debug, Subcommand)]
pub enum Deliveries {
    /// The newest deliveries.
    #[command(after_help = "Example, which failed:\n  payhookd deliveries list --status dead")]
    List(List),
    /// One delivery with the attempts at it.
    #[command(
        after_help = "Example:\n  payhookd deliveries show 17",
        mut_arg("id", |id| id.help("Its number, or the message's id: msg_…"))
    )]
    Show(Show),
    /// Try again now, by the whole schedule: one delivery, whatever became of it, or many.
    ///
    /// The app is notified in the order of the changes of each transaction: what stands before a
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
    /// All that failed.
    #[arg(long)]
    dead: bool,
    /// Only those that failed since then: 90m, 12h, 2d, a date, or a time.
    #[arg(long, value_name = "WHEN", requires = "dead", conflicts_with_all = ["id", "pending"])]
    since: Option<SinceOption>,
}

impl Deliveries {
    /// Does what was said.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => {
                show.each::<Delivery>(Noun::DELIVERY, |reader, delivery, output| {
                    let attempts = reader.of::<StoredAttempt>(delivery.id)?;
                    if !show.output.json {
                        return Ok(print(output, delivery, &attempts)?);
                    }
                    let mut shown = rows::delivery(delivery);
                    shown["attempts_made"] = attempts.iter().map(rows::attempt).collect();
                    Ok(writeln!(output, "{shown}")?)
                })
            }
            Self::Retry(retry) => retry.run(),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let filter = DeliveryFilter { status: self.status, transaction_id: self.transaction };
        let nothing = match self.status {
            Some(status) => format!("no {status} deliveries"),
            None => "no deliveries: the app is notified once the daemon runs with --notify-url or \
                     --notify-command"
                .to_owned(),
        };
        self.listing.print(&filter, &DELIVERIES, &nothing)
    }
}

const DELIVERIES: Shown<Delivery> = Shown {
    columns: &[
        (">id", |one| one.id.to_string()),
        ("changed", |one| one.changed_at.to_string()),
        (">transaction", |one| one.transaction_id.to_string()),
        (">version", |one| one.version.to_string()),
        ("change", |one| one.change.clone()),
        ("status", |one| one.status.to_string()),
        (">attempts", |one| one.attempts.to_string()),
        ("next attempt", |one| maybe(one.next_attempt_at)),
        ("finished", |one| maybe(one.finished_at)),
        ("why", |one| maybe(one.last_error.as_ref())),
    ],
    json: rows::delivery,
};

const ATTEMPTS: &[Column<StoredAttempt>] = &[
    (">attempt", |one| one.attempt.to_string()),
    ("made", |one| one.attempted_at.to_string()),
    (">answer", |one| match one.status_code {
        Some(code) => code.to_string(),
        None => maybe(one.error),
    }),
    (">ms", |one| one.latency_ms.to_string()),
    ("body", |one| maybe(one.answer.lines().next())),
];

fn print(
    output: &mut dyn Write,
    delivery: &Delivery,
    attempts: &[StoredAttempt],
) -> io::Result<()> {
    write(output, DELIVERIES.columns, std::slice::from_ref(delivery), "")?;
    writeln!(output)?;
    write(output, ATTEMPTS, attempts, "no attempt is kept")
}

/// How many are retried in one commit: few enough that a running daemon never waits long.
const AT_ONCE: u32 = 500;

impl Retry {
    fn run(&self) -> Result<(), CommandError> {
        let Some(id) = &self.id else {
            return say(match self.many()? {
                1 => "1 delivery is due again".to_owned(),
                number => format!("{number} deliveries are due again"),
            });
        };
        let found = Noun::DELIVERY.find::<Delivery>(&self.database.reader()?, id)?;
        let id = only(found, id, "deliveries", |one| one.id)?.id;
        match self.database.run(&RetryDelivery { id })? {
            Retried::Due => say("1 delivery is due again"),
            Retried::After(earlier) => {
                say(format!("1 delivery is due again, after {earlier}, which is due now"))
            }
            Retried::Unknown => Err(said(format!("delivery {id} is gone"))),
        }
    }

    fn many(&self) -> Result<usize, CommandError> {
        let mut database = self.database.writer()?;
        let since = self.since.map(|since| since.at(Clock::SYSTEM.now()));
        let which = if self.pending { Many::Pending } else { Many::Dead { since } };
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
}
