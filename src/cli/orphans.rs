//! `payhookd orphans`: payments that no transaction is registered for.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::table::{Table, visible};
use super::{CommandError, Listing, one_transaction, print_json, printed, said};
use crate::config::Mode;
use crate::config::options::DatabaseOption;
use crate::domain::money::{Currency, Money};
use crate::domain::orphan::OrphanKind;
use crate::domain::provider::Provider;
use crate::domain::records::{By, Decision, Orphan, OrphanFilter, Resolution, Settled, WebhookLog};
use crate::i18n::Words;
use crate::json::rows;
use crate::store::{Database, Reader, ResolveOrphan};
use crate::telemetry::clock::Clock;

/// What can be done with orphans.
#[derive(Debug, Subcommand)]
pub enum Orphans {
    /// The newest open orphans that concern this shop.
    ///
    /// Kinds: early (no transaction is registered: mostly the webhook was faster than the shop),
    /// late_link (a refund, dispute or invoice whose payment has not been seen), unlinkable (no id
    /// by which a shop could know it), foreign (another shop's on the same account), wrong_environment
    /// (test money at a live daemon, or the reverse), late_money (the shop had closed the
    /// transaction).
    List(List),
    /// One orphan with its events, and what to do about it.
    Show(Show),
    /// Say what an orphan is: part of a transaction, or nothing to see to.
    ///
    /// Most orphans need nobody: registering their transaction adopts them.
    #[command(after_help = "Examples:\n  payhookd orphans resolve 17 --transaction A-1001\n  \
        payhookd orphans resolve 17 --dismiss 'a trial of our own'\n  \
        payhookd orphans resolve 17 --foreign")]
    Resolve(Resolve),
}

/// `orphans list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    /// Those that were matched or dismissed too, and those of kinds that concern nobody here.
    #[arg(long)]
    all: bool,
    /// Only those of this kind.
    #[arg(long)]
    kind: Option<OrphanKind>,
    /// Only those at this provider: stripe or paypal.
    #[arg(long)]
    provider: Option<Provider>,
    /// Only live or test money.
    #[arg(long)]
    mode: Option<Mode>,
}

/// `orphans show`
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, an id of the provider's that its events carry, or the shop's order id.
    id: String,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

/// `orphans resolve`
#[derive(Args, Debug)]
#[group(id = "how", required = true, multiple = false, args = ["transaction", "dismiss", "foreign"])]
pub struct Resolve {
    #[command(flatten)]
    database: DatabaseOption,
    /// The orphan's number.
    id: i64,
    /// The transaction that it is part of: its number, any id of the provider's that is known for
    /// it, or the shop's order id.
    #[arg(long, value_name = "ID")]
    transaction: Option<String>,
    /// There is nothing to do about it: why.
    #[arg(long, value_name = "WHY")]
    dismiss: Option<String>,
    /// It is another's who uses the same account at the provider.
    #[arg(long)]
    foreign: bool,
    /// What is to be remembered of it.
    #[arg(long, conflicts_with = "dismiss")]
    note: Option<String>,
}

/// Does it.
pub fn run(command: &Orphans) -> Result<(), CommandError> {
    match command {
        Orphans::List(list) => list.run(),
        Orphans::Show(show) => show.run(),
        Orphans::Resolve(resolve) => resolve.run(),
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let listing = &self.listing;
        let filter = OrphanFilter {
            provider: self.provider,
            livemode: self.mode.map(|mode| mode == Mode::Live),
            kind: self.kind,
            resolved: (!self.all).then_some(false),
        };
        let orphans = listing.rows(&filter)?;
        if listing.json {
            return print_json(orphans.iter().map(rows::orphan));
        }
        let mut table = Table::new(&[
            ">id",
            "kind",
            "provider",
            "reference",
            "order id",
            "status",
            ">amount",
            "mode",
            "first seen",
            "last event",
            "resolution",
        ]);
        for one in &orphans {
            table.row(vec![
                one.id.to_string(),
                one.kind.to_string(),
                one.provider.to_string(),
                one.reference.clone(),
                one.order_id.clone().unwrap_or_default(),
                one.status.map(|status| status.to_string()).unwrap_or_default(),
                amount(one),
                if one.livemode { "live" } else { "test" }.to_owned(),
                one.first_seen_at.to_string(),
                one.event_type.clone(),
                resolution(one),
            ]);
        }
        printed(
            table.print(&mut io::stdout().lock(), "no orphans: every payment has its transaction"),
        )
    }
}

impl Show {
    fn run(&self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.path())?;
        let found = reader.find::<Orphan>(&self.id)?;
        if found.is_empty() {
            return Err(said(format!(
                "no orphan has the number or id {:?}: see `payhookd orphans list --all`",
                self.id
            )));
        }
        let mut output = io::stdout().lock();
        for orphan in &found {
            let events = reader.of::<WebhookLog>(orphan.id)?;
            printed(if self.json {
                let mut shown = rows::orphan(orphan);
                let ids = events.iter().map(|event| Value::from(&*event.event_id));
                shown["events"] = ids.collect();
                writeln!(output, "{shown}")
            } else {
                show(&mut output, orphan, &events)
            })?;
        }
        Ok(())
    }
}

fn show(output: &mut impl Write, orphan: &Orphan, events: &[WebhookLog]) -> io::Result<()> {
    let mut line = |name: &str, value: &str| match value {
        "" => Ok(()),
        value => writeln!(output, "{name:<13} {}", visible(value)),
    };
    let time = |at: Option<crate::domain::time::Timestamp>| {
        at.map(|at| at.to_string()).unwrap_or_default()
    };
    line("id", &orphan.id.to_string())?;
    line("kind", &format!("{}: {}", orphan.kind, Words::ENGLISH.orphan_meaning(orphan.kind)))?;
    line("provider", orphan.provider.as_str())?;
    line("reference", &orphan.reference)?;
    line("order id", orphan.order_id.as_deref().unwrap_or_default())?;
    line("status", orphan.status.map_or("none is claimed", |status| status.as_str()))?;
    line("amount", &amount(orphan))?;
    line("mode", if orphan.livemode { "live" } else { "test" })?;
    line("first seen", &orphan.first_seen_at.to_string())?;
    line("last seen", &orphan.last_seen_at.to_string())?;
    line("alerts from", &time(orphan.alert_at))?;
    line("resolved", &time(orphan.resolved_at))?;
    line("resolution", &resolution(orphan))?;
    line("by", orphan.resolved_by.map_or("", By::as_str))?;
    line("transaction", &orphan.transaction_id.map(|id| id.to_string()).unwrap_or_default())?;
    line("note", orphan.note.as_deref().unwrap_or_default())?;
    for WebhookLog { id, event_id, event_type, .. } in events {
        line("event", &format!("{id} {event_type} {event_id}"))?;
    }
    Ok(())
}

impl Resolve {
    fn run(&self) -> Result<(), CommandError> {
        let path = self.database.path();
        let transaction = match &self.transaction {
            Some(id) => Some(one_transaction(&Reader::open(&path)?, id)?.id),
            None => None,
        };
        let mut database = Database::open(&path)?;
        let note = self.note.clone();
        let decision = match transaction {
            Some(transaction_id) => Decision::Attach { transaction_id, note },
            None if self.foreign => Decision::MarkForeign { note },
            None => Decision::Dismiss(self.dismiss.clone().unwrap_or_default()),
        };
        let settled =
            database.run(&ResolveOrphan { id: self.id, decision }, Clock::SYSTEM.now())?;
        let id = self.id;
        let answer = match settled {
            Settled::Done(None) if self.foreign => format!("orphan {id} is another's"),
            Settled::Done(None) => format!("orphan {id} is dismissed"),
            Settled::Done(Some(transaction)) => format!(
                "orphan {id} is part of transaction {} now, which is {}",
                transaction.id, transaction.state.status
            ),
            Settled::NoOrphan => {
                return Err(said(format!(
                    "no orphan has the number {id}: see `payhookd orphans list`"
                )));
            }
            Settled::NoTransaction => {
                return Err(said("no such transaction: see `payhookd transactions list`"));
            }
            Settled::Already(orphan) => {
                return Err(said(format!(
                    "orphan {id} was resolved before: {}",
                    resolution(&orphan)
                )));
            }
            Settled::OfAnotherKind => {
                return Err(said(format!(
                    "orphan {id} can't be part of that transaction: one is live and the other test \
                     money, or they are of two providers, or its money is late and has its \
                     transaction: see `payhookd orphans show {id}`"
                )));
            }
            Settled::HasTransaction => {
                return Err(said(format!(
                    "orphan {id} is late money of a transaction of this shop, not another's: see \
                     `payhookd orphans show {id}`"
                )));
            }
        };
        printed(writeln!(io::stdout().lock(), "{answer}"))
    }
}

fn amount(orphan: &Orphan) -> String {
    let currency = orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok());
    match (orphan.amount, currency) {
        (Some(minor), Some(currency)) => {
            let money = Money { minor, currency };
            format!("{} {currency}", money.to_decimal(orphan.provider))
        }
        _ => String::new(),
    }
}

fn resolution(orphan: &Orphan) -> String {
    match (orphan.resolution, orphan.transaction_id) {
        (Some(Resolution::Matched), Some(transaction)) => format!("matched with {transaction}"),
        (Some(resolution), _) => resolution.to_string(),
        (None, _) => String::new(),
    }
}
