//! `payhookd orphans`: payments that no transaction is registered for.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::arguments::{Listing, Noun, Show, Whose, one_transaction};
use super::table::{Shown, maybe, mode, money, write_fields};
use super::{CommandError, said, say};
use crate::config::options::DatabaseOption;
use crate::domain::money::Currency;
use crate::domain::orphan::OrphanKind;
use crate::domain::records::{Decision, Orphan, OrphanFilter, Resolution, Settled, WebhookLog};
use crate::i18n::Words;
use crate::json::rows;
use crate::store::ResolveOrphan;

/// Commands about orphans.
#[derive(Debug, Subcommand)]
pub enum Orphans {
    /// The newest open orphans that concern this shop.
    ///
    /// Kinds: early (no transaction is registered: mostly the webhook was faster than the shop),
    /// late_link (a refund, dispute or invoice whose payment has not been seen), unlinkable (no id
    /// by which a shop could know it), foreign (another shop's on the same account), wrong_environment
    /// (test mode at a live daemon, or the reverse), late_money (the shop had closed the
    /// transaction).
    List(List),
    /// One orphan with its events, and what to do about it.
    #[command(mut_arg("id", |id| {
        id.help("Its number, an id of the provider's that its events carry, or the shop's order id")
    }))]
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
    #[command(flatten)]
    whose: Whose,
    /// Those that were matched or dismissed too, and those of kinds that concern nobody here.
    #[arg(long)]
    all: bool,
    /// Only those of this kind.
    #[arg(long)]
    kind: Option<OrphanKind>,
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
    /// A note to remember it by.
    #[arg(long, conflicts_with = "dismiss")]
    note: Option<String>,
}

impl Orphans {
    /// Does what was said.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.each::<Orphan>(Noun::ORPHAN, |reader, orphan, output| {
                let events = reader.of::<WebhookLog>(orphan.id)?;
                if !show.output.json {
                    return Ok(print(output, orphan, &events)?);
                }
                let mut shown = rows::orphan(orphan);
                shown["events"] =
                    events.iter().map(|event| Value::from(&*event.event_id)).collect();
                Ok(writeln!(output, "{shown}")?)
            }),
            Self::Resolve(resolve) => resolve.run(),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let filter = OrphanFilter {
            provider: self.whose.provider,
            livemode: self.whose.livemode(),
            kind: self.kind,
            resolved: (!self.all).then_some(false),
        };
        self.listing.print(&filter, &ORPHANS, "no orphans: every payment has its transaction")
    }
}

const ORPHANS: Shown<Orphan> = Shown {
    columns: &[
        (">id", |orphan| orphan.id.to_string()),
        ("about", |orphan| orphan.about.to_string()),
        ("kind", |orphan| orphan.kind.to_string()),
        ("provider", |orphan| orphan.provider.to_string()),
        ("reference", |orphan| orphan.reference.clone()),
        ("order id", |orphan| maybe(orphan.order_id.as_ref())),
        ("status", |orphan| maybe(orphan.status)),
        (">amount", amount),
        ("mode", |orphan| mode(orphan.livemode)),
        ("first seen", |orphan| orphan.first_seen_at.to_string()),
        ("last event", |orphan| orphan.event_type.clone()),
        ("resolution", resolution),
    ],
    json: rows::orphan,
};

fn print(output: &mut dyn Write, orphan: &Orphan, events: &[WebhookLog]) -> io::Result<()> {
    let mut fields = vec![
        ("id", orphan.id.to_string()),
        ("about", Words::ENGLISH.orphan_about(orphan.about).to_owned()),
        ("kind", format!("{}: {}", orphan.kind, Words::ENGLISH.orphan_meaning(orphan.kind))),
        ("provider", orphan.provider.to_string()),
        ("reference", orphan.reference.clone()),
        ("order id", maybe(orphan.order_id.as_ref())),
        ("status", orphan.status.map_or("none is claimed", |status| status.as_str()).to_owned()),
        ("amount", amount(orphan)),
        ("mode", mode(orphan.livemode)),
        ("first seen", orphan.first_seen_at.to_string()),
        ("last seen", orphan.last_seen_at.to_string()),
        ("alerts from", maybe(orphan.alert_at)),
        ("resolved", maybe(orphan.resolved_at)),
        ("resolution", resolution(orphan)),
        ("by", maybe(orphan.resolved_by)),
        ("transaction", maybe(orphan.transaction_id)),
        ("note", maybe(orphan.note.as_ref())),
    ];
    let event = |event: &WebhookLog| {
        ("event", format!("{} {} {}", event.id, event.event_type, event.event_id))
    };
    fields.extend(events.iter().map(event));
    write_fields(output, &fields)
}

impl Resolve {
    fn run(&self) -> Result<(), CommandError> {
        let note = self.note.clone();
        let decision = match &self.transaction {
            Some(id) => {
                let transaction_id = one_transaction(&self.database.reader()?, id)?.id;
                Decision::Attach { transaction_id, note }
            }
            None if self.foreign => Decision::MarkForeign { note },
            None => Decision::Dismiss(self.dismiss.clone().unwrap_or_default()),
        };
        let id = self.id;
        let wrong = match self.database.run(&ResolveOrphan { id, decision })? {
            Settled::Done(None) if self.foreign => {
                return say(format!("orphan {id} is another's"));
            }
            Settled::Done(None) => return say(format!("orphan {id} is dismissed")),
            Settled::Done(Some(transaction)) => {
                return say(format!(
                    "orphan {id} is part of transaction {} now, which is {}",
                    transaction.id, transaction.state.status
                ));
            }
            Settled::NoOrphan => {
                format!("no orphan has the number {id}: see `payhookd orphans list`")
            }
            Settled::NoTransaction => {
                "no such transaction: see `payhookd transactions list`".to_owned()
            }
            Settled::Already(orphan) => {
                format!("orphan {id} was resolved before: {}", resolution(&orphan))
            }
            Settled::OfAnotherKind => format!(
                "orphan {id} can't be part of that transaction: one is of live and the other of \
                 test mode, or they are of two providers, or its money is late and has its \
                 transaction: see `payhookd orphans show {id}`"
            ),
            Settled::HasTransaction => format!(
                "orphan {id} is late money of a transaction of this shop, not another's: see \
                 `payhookd orphans show {id}`"
            ),
        };
        Err(said(wrong))
    }
}

fn amount(orphan: &Orphan) -> String {
    let currency = orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok());
    money(orphan.provider, orphan.amount, currency)
}

fn resolution(orphan: &Orphan) -> String {
    match (orphan.resolution, orphan.transaction_id) {
        (Some(Resolution::Matched), Some(transaction)) => format!("matched with {transaction}"),
        (Some(resolution), _) => resolution.to_string(),
        (None, _) => String::new(),
    }
}
