//! `payhookd events`: the genuine events that were received.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::table::{Table, visible};
use super::{CommandError, Listing, print_json, printed};
use crate::config::options::DatabaseOption;
use crate::shapes;
use crate::store::{Reader, WebhookLog};

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// The newest events.
    List(List),
    /// One event with its payload.
    Show(Show),
}

/// `events list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
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
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let listing = &self.listing;
        let events = listing.reader()?.events(listing.limit)?;
        if listing.json {
            return print_json(events.iter().map(shapes::event));
        }
        let mut table = Table::new(&[
            ">id",
            "received",
            "provider",
            "type",
            "event",
            "mode",
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
                event.status.to_string(),
                event.transaction_id.map(|id| id.to_string()).unwrap_or_default(),
                event.delivery_count.to_string(),
                event.error.clone().unwrap_or_default(),
            ]);
        }
        printed(table.print(
            &mut io::stdout().lock(),
            "no events yet: send one with `payhookd send`, or from the provider's dashboard",
        ))
    }
}

impl Show {
    fn run(&self) -> Result<(), CommandError> {
        let found = Reader::open(&self.database.path())?.find_events(&self.id)?;
        if found.is_empty() {
            return Err(CommandError::Said(format!(
                "no event has the number or id {:?}: see `payhookd events list`",
                self.id
            )));
        }
        let mut output = io::stdout().lock();
        let mut events = found.iter();
        printed(if self.json {
            events.try_for_each(|one| writeln!(output, "{}", shapes::event(one)))
        } else {
            events.try_for_each(|one| show(&mut output, one))
        })
    }
}

fn show(output: &mut impl Write, event: &WebhookLog) -> io::Result<()> {
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
