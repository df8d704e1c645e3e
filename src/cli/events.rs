//! `payhookd events`: the genuine events that were received.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::CommandError;
use super::arguments::{Listing, Noun, Show, Whose};
use super::replay::Replay;
use super::table::{Shown, maybe, mode, visible, write_fields};
use crate::config::options::SinceOption;
use crate::domain::event::Source;
use crate::domain::language::Language;
use crate::domain::records::{EventFilter, Outcome, WebhookLog};
use crate::i18n::explain;
use crate::json::rows;
use crate::telemetry::clock::Clock;

/// Commands about events.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// The newest events.
    #[command(after_help = "Example:\n  payhookd events list --status failed,orphan --since 2d")]
    List(List),
    /// One event in sentences: how it was verified, what it said, which transaction it belongs to and
    /// why, what it changed. Then its payload.
    #[command(mut_arg("id", |id| id.help("Its number, or the provider's id of it: evt_…, WH-…")))]
    Show(Show),
    /// Replay stored events with this version and the daemon's rules.
    ///
    /// The facts that an event gave before are taken back, and those that it gives now go the way of a webhook, so
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
    #[command(flatten)]
    whose: Whose,
    /// Only those that ended so: processed, orphan, ignored or failed.
    #[arg(long, value_delimiter = ',')]
    status: Vec<Outcome>,
    /// Only those of this type: payment_intent.succeeded, PAYMENT.CAPTURE.COMPLETED.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
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

impl Events {
    /// Does what was said.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.each::<WebhookLog>(Noun::EVENT, |reader, event, output| {
                let detail = reader.detail(event)?;
                let sentences = explain::event(Language::English, event, &detail);
                if !show.output.json {
                    return Ok(print(output, event, &sentences)?);
                }
                let mut shown = rows::event(event);
                shown["explanation"] = sentences.into();
                shown["transaction_ids"] = detail.transactions.into();
                Ok(writeln!(output, "{shown}")?)
            }),
            Self::Replay(replay) => replay.run(),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let now = Clock::SYSTEM.now();
        let filter = EventFilter {
            provider: self.whose.provider,
            statuses: self.status.clone(),
            event_type: self.event_type.clone(),
            livemode: self.whose.livemode(),
            received_after: self.since.map(|since| since.at(now)),
            received_before: self.until.map(|until| until.at(now)),
            transaction_id: self.transaction,
            source: self.source,
        };
        let nothing = match filter == EventFilter::default() {
            true => {
                "no events yet: send one with `payhookd send`, or from the provider's dashboard"
            }
            false => "no such events",
        };
        self.listing.print(&filter, &EVENTS, nothing)
    }
}

const EVENTS: Shown<WebhookLog> = Shown {
    columns: &[
        (">id", |event| event.id.to_string()),
        ("received", |event| event.received_at.to_string()),
        ("provider", |event| event.provider.to_string()),
        ("type", |event| event.event_type.clone()),
        ("event", |event| event.event_id.clone()),
        ("mode", |event| mode(event.livemode)),
        ("source", |event| event.source.to_string()),
        ("outcome", |event| event.status.to_string()),
        (">transaction", |event| maybe(event.transaction_id)),
        (">deliveries", |event| event.delivery_count.to_string()),
        ("why", |event| maybe(event.error.as_ref())),
    ],
    json: rows::event,
};

fn print(output: &mut dyn Write, event: &WebhookLog, sentences: &[String]) -> io::Result<()> {
    for sentence in sentences {
        writeln!(output, "{}", visible(sentence))?;
    }
    writeln!(output)?;
    write_fields(
        output,
        &[
            ("id", event.id.to_string()),
            ("provider", event.provider.to_string()),
            ("event", event.event_id.clone()),
            ("type", event.event_type.clone()),
            ("api version", maybe(event.api_version.as_ref())),
            ("mode", mode(event.livemode)),
            ("occurred", maybe(event.occurred_at)),
            ("received", event.received_at.to_string()),
            ("last received", event.last_received_at.to_string()),
            ("deliveries", event.delivery_count.to_string()),
            ("verified by", event.proof.clone()),
            ("source", event.source.to_string()),
            ("outcome", event.status.to_string()),
            ("why", maybe(event.error.as_ref())),
            ("transaction", maybe(event.transaction_id)),
            ("headers", maybe(event.headers.as_ref())),
        ],
    )?;
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
