//! `payhookd events`: the genuine events that were received.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::replay::Replay;
use super::table::{Table, visible};
use super::{CommandError, Listing, print_json, printed};
use crate::config::Mode;
use crate::config::options::{DatabaseOption, SinceOption};
use crate::domain::event::Source;
use crate::domain::language::Language;
use crate::domain::provider::Provider;
use crate::domain::records::{EventFilter, Outcome, WebhookLog};
use crate::i18n::explain;
use crate::json::rows;
use crate::store::Reader;
use crate::telemetry::clock::Clock;

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// The newest events.
    #[command(after_help = "Example:\n  payhookd events list --status failed,orphan --since 2d")]
    List(List),
    /// One event in sentences: what proved it, what it said, which transaction it belongs to and
    /// why, what it changed. Then its payload.
    Show(Show),
    /// Read stored events again with this version and the daemon's rules.
    ///
    /// What an event said before is taken back, and what it says now goes the way of a webhook, so
    /// that nothing counts twice. An event that is read as before changes nothing.
    #[command(after_help = "Examples:\n  payhookd events replay --status failed --dry-run\n  \
        payhookd events replay evt_3SW1aK")]
    Replay(Replay),
}

/// `events list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    /// Only those that ended so: processed, orphan, ignored or failed.
    #[arg(long, value_delimiter = ',')]
    status: Vec<Outcome>,
    /// Only this provider's: stripe or paypal.
    #[arg(long)]
    provider: Option<Provider>,
    /// Only those of this type: payment_intent.succeeded, PAYMENT.CAPTURE.COMPLETED.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only live or test money.
    #[arg(long)]
    mode: Option<Mode>,
    /// Only those received since then: 2026-11-23, 2026-11-23T11:52:03Z, or 3d ago.
    #[arg(long, value_name = "TIME")]
    since: Option<SinceOption>,
    /// Only those received before.
    #[arg(long, value_name = "TIME")]
    until: Option<SinceOption>,
    /// Only those that came so: webhook, catch-up for those that were missed, or object for what the
    /// provider's API was asked for.
    #[arg(long)]
    source: Option<Source>,
    /// Only those that were applied to the transaction with this number.
    #[arg(long, value_name = "NUMBER")]
    transaction: Option<i64>,
}

/// `events show`
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, or the provider's id of it: evt_…, WH-….
    id: String,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(command: &Events) -> Result<(), CommandError> {
    match command {
        Events::List(list) => list.run(),
        Events::Show(show) => show.run(),
        Events::Replay(replay) => replay.run(),
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let listing = &self.listing;
        let now = Clock::SYSTEM.now();
        let filter = EventFilter {
            provider: self.provider,
            statuses: self.status.clone(),
            event_type: self.event_type.clone(),
            livemode: self.mode.map(|mode| mode == Mode::Live),
            received_after: self.since.map(|since| since.at(now)),
            received_before: self.until.map(|until| until.at(now)),
            transaction_id: self.transaction,
            source: self.source,
        };
        let is_filtered = filter != EventFilter::default();
        let events = listing.rows(&filter)?;
        if listing.json {
            return print_json(events.iter().map(rows::event));
        }
        let mut table = Table::new(&[
            ">id",
            "received",
            "provider",
            "type",
            "event",
            "mode",
            "source",
            "outcome",
            ">transaction",
            ">deliveries",
            "why",
        ]);
        for event in &events {
            table.row(vec![
                event.id.to_string(),
                event.received_at.to_string(),
                event.provider.to_string(),
                event.event_type.clone(),
                event.event_id.clone(),
                if event.livemode { "live" } else { "test" }.to_owned(),
                event.source.to_string(),
                event.status.to_string(),
                event.transaction_id.map(|id| id.to_string()).unwrap_or_default(),
                event.delivery_count.to_string(),
                event.error.clone().unwrap_or_default(),
            ]);
        }
        let nothing = match is_filtered {
            true => "no such events",
            false => {
                "no events yet: send one with `payhookd send`, or from the provider's dashboard"
            }
        };
        printed(table.print(&mut io::stdout().lock(), nothing))
    }
}

impl Show {
    fn run(&self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.path())?;
        let found = reader.find::<WebhookLog>(&self.id)?;
        if found.is_empty() {
            return Err(CommandError::Said(format!(
                "no event has the number or id {:?}: see `payhookd events list`",
                self.id
            )));
        }
        let mut output = io::stdout().lock();
        for event in &found {
            let story = reader.detail(event)?;
            let sentences = explain::event(Language::English, event, &story);
            printed(if self.json {
                let mut shown = rows::event(event);
                shown["explanation"] = sentences.into();
                shown["transaction_ids"] = story.transactions.into();
                writeln!(output, "{shown}")
            } else {
                show(&mut output, event, &sentences)
            })?;
        }
        Ok(())
    }
}

fn show(output: &mut impl Write, event: &WebhookLog, sentences: &[String]) -> io::Result<()> {
    for sentence in sentences {
        writeln!(output, "{}", visible(sentence))?;
    }
    writeln!(output)?;
    let mut line = |name: &str, value: &str| match value {
        "" => Ok(()),
        value => writeln!(output, "{name:<13} {}", visible(value)),
    };
    line("id", &event.id.to_string())?;
    line("provider", event.provider.as_str())?;
    line("event", &event.event_id)?;
    line("type", &event.event_type)?;
    line("api version", event.api_version.as_deref().unwrap_or_default())?;
    line("mode", if event.livemode { "live" } else { "test" })?;
    line("occurred", &event.occurred_at.map(|at| at.to_string()).unwrap_or_default())?;
    line("received", &event.received_at.to_string())?;
    line("last received", &event.last_received_at.to_string())?;
    line("deliveries", &event.delivery_count.to_string())?;
    line("proved by", &event.proof)?;
    line("source", event.source.as_str())?;
    line("outcome", event.status.as_str())?;
    line("why", event.error.as_deref().unwrap_or_default())?;
    line("transaction", &event.transaction_id.map(|id| id.to_string()).unwrap_or_default())?;
    line("headers", event.headers.as_deref().unwrap_or_default())?;
    let payload = event.payload.as_deref().map(pretty);
    writeln!(output, "payload\n{}", payload.as_deref().unwrap_or("(removed)"))
}

/// Indented and sorted by key; control characters stay escaped as JSON has them.
fn pretty(payload: &str) -> String {
    let parsed: Result<Value, _> = serde_json::from_str(payload);
    let text = parsed.and_then(|value| serde_json::to_string_pretty(&value));
    let text = text.unwrap_or_else(|_| payload.to_owned());
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}
