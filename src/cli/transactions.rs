//! `payhookd transactions`: what the shop expects, and what became of it.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::closing::{Closing, Reopening};
use super::import::Import;
use super::table::Table;
use super::{CommandError, Listing, print_json, printed};
use crate::cli::import::{conflict, livemode};
use crate::config::Mode;
use crate::config::options::{DatabaseOption, SinceOption, parse_mode};
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::records::{Change, NewTransaction, Registered, Transaction, TransactionFilter};
use crate::domain::reference::Reference;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Expected, Status};
use crate::json::{registration, rows};
use crate::providers::reference_kind;
use crate::store::{Database, Reader, Register};
use crate::telemetry::clock::Clock;

/// What can be done with transactions.
#[derive(Debug, Subcommand)]
pub enum Transactions {
    /// Register a transaction, so that events about it are applied to it.
    #[command(after_help = "Example:\n  payhookd transactions add --provider stripe --reference \
        pi_3S8q2eL --order-id A-1001 --amount 4999 --currency EUR")]
    Add(Add),
    /// Register many, from JSON lines with the keys of `add`, or CSV with them as heading.
    ///
    /// All of them or none: every line is checked before anything is written, and up to 20,000 are
    /// one commit. Lines that are registered already are left as they are, so an import that was
    /// broken off can be run again.
    #[command(after_help = "Example line:\n  {\"provider\":\"stripe\",\"reference\":\
        \"pi_3S8q2eL\",\"order_id\":\"A-1001\",\"amount\":4999,\"currency\":\"EUR\"}\nor\n  \
        provider,reference,order_id,amount,currency\n  stripe,pi_3S8q2eL,A-1001,4999,EUR")]
    Import(Import),
    /// The newest transactions.
    #[command(
        after_help = "Examples:\n  payhookd transactions list --status failed,requires_action \
        --updated-after 2d\n  payhookd transactions list --amount-check underpaid --json"
    )]
    List(List),
    /// One transaction with its history.
    Show(Show),
    /// Only the history of one transaction: every change with its time and its cause.
    History(Show),
    /// Say that the shop expects no money for it any more.
    ///
    /// Should some come after all, a person is told (`payhookd orphans list --kind late_money`). Its
    /// status stays the truth about the money.
    Close(Closing),
    /// Take a close back.
    Reopen(Reopening),
}

/// `transactions add`
#[derive(Args, Debug)]
pub struct Add {
    #[command(flatten)]
    database: DatabaseOption,
    /// stripe or paypal.
    #[arg(long, value_parser = registration::provider)]
    provider: Provider,
    /// The provider's id for the payment: pi_…, cs_…, an order id, PAY-….
    #[arg(long, value_parser = registration::reference)]
    reference: String,
    /// The shop's own id for it.
    #[arg(long, value_parser = registration::id)]
    order_id: Option<String>,
    /// What is to be paid, in minor units as the provider counts them: 4999 for 49.99 EUR.
    #[arg(long, requires = "currency", value_parser = registration::amount)]
    amount: Option<i64>,
    /// Three-letter code.
    #[arg(long, value_parser = registration::currency)]
    currency: Option<Currency>,
    /// The shop takes deposits: payments that are found by the order id alone and are less than the
    /// amount add up.
    #[arg(long)]
    partial: bool,
    /// Which money it is: live or test [default: the daemon's].
    #[arg(long, value_parser = parse_mode, env = "PAYHOOKD_MODE")]
    mode: Option<Mode>,
    /// A JSON object of the shop's own.
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = registration::metadata)]
    metadata: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `transactions list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    /// Only those with one of these statuses.
    #[arg(long, value_delimiter = ',')]
    status: Vec<Status>,
    /// Only those at this provider: stripe or paypal.
    #[arg(long)]
    provider: Option<Provider>,
    /// Only those with this order id of the shop's.
    #[arg(long, value_parser = registration::id)]
    order_id: Option<String>,
    /// Only live or test money.
    #[arg(long)]
    mode: Option<Mode>,
    /// Only those registered later than this: 2026-11-23, 2026-11-23T11:52:03Z, or 3d ago.
    #[arg(long, value_name = "TIME")]
    created_after: Option<SinceOption>,
    /// Only those registered earlier.
    #[arg(long, value_name = "TIME")]
    created_before: Option<SinceOption>,
    /// Only those last changed later.
    #[arg(long, value_name = "TIME")]
    updated_after: Option<SinceOption>,
    /// Only those last changed earlier.
    #[arg(long, value_name = "TIME")]
    updated_before: Option<SinceOption>,
    /// Only those whose money is so, compared with what was expected.
    #[arg(long, value_name = "CHECK")]
    amount_check: Option<AmountCheck>,
    /// Only those whose disputes stand so.
    #[arg(long, value_name = "STATUS")]
    dispute_status: Option<DisputeStatus>,
}

/// `transactions show`
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, any id of the provider's that is known for it, or the shop's order id.
    id: String,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(command: &Transactions) -> Result<(), CommandError> {
    match command {
        Transactions::Add(add) => add.run(),
        Transactions::Import(import) => import.run(),
        Transactions::List(list) => list.run(),
        Transactions::Show(show) => show.run(),
        Transactions::History(show) => show.history(),
        Transactions::Close(closing) => closing.close(),
        Transactions::Reopen(reopening) => reopening.reopen(),
    }
}

impl Add {
    fn run(&self) -> Result<(), CommandError> {
        let path = self.database.path();
        let new = NewTransaction {
            provider: self.provider,
            reference: Reference::new(
                reference_kind(self.provider, &self.reference),
                &*self.reference,
            ),
            order_id: self.order_id.clone(),
            expected: Expected {
                amount: self.amount,
                currency: self.currency,
                partial: self.partial,
            },
            livemode: livemode(self.mode, &path)?,
            metadata: self.metadata.clone(),
        };
        let mut database = Database::open(&path)?;
        let registered = database.run(&Register { new }, Clock::SYSTEM.now())?;
        let (transaction, what) = match &registered {
            Registered::Created(transaction) => (transaction, "registered"),
            Registered::Existing(transaction) => (transaction, "already registered"),
            Registered::Conflict(transaction) => {
                return Err(CommandError::Said(conflict(&self.reference, transaction)));
            }
        };
        let mut output = io::stdout().lock();
        printed(if self.json {
            writeln!(output, "{}", rows::registered(transaction))
        } else {
            if let Some(warning) = transaction.expected.warning() {
                eprintln!("warning: {warning}");
            }
            writeln!(output, "transaction {} {what}: {}", transaction.id, transaction.state.status)
        })
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let listing = &self.listing;
        let now = Clock::SYSTEM.now();
        let instant = |since: Option<SinceOption>| since.map(|since| since.at(now));
        let filter = TransactionFilter {
            statuses: self.status.clone(),
            provider: self.provider,
            order_id: self.order_id.clone(),
            livemode: self.mode.map(|mode| mode == Mode::Live),
            created_after: instant(self.created_after),
            created_before: instant(self.created_before),
            updated_after: instant(self.updated_after),
            updated_before: instant(self.updated_before),
            amount_check: self.amount_check,
            dispute_status: self.dispute_status,
        };
        let is_filtered = filter != TransactionFilter::default();
        let transactions = listing.rows(&filter)?;
        if listing.json {
            return print_json(transactions.iter().map(rows::transaction));
        }
        let nothing = match is_filtered {
            true => "no such transactions",
            false => "no transactions yet: register one with `payhookd transactions add`",
        };
        printed(table(&transactions).print(&mut io::stdout().lock(), nothing))
    }
}

impl Show {
    fn found(&self, reader: &Reader) -> Result<Vec<Transaction>, CommandError> {
        let found = reader.find::<Transaction>(&self.id)?;
        if found.is_empty() {
            return Err(CommandError::Said(format!(
                "no transaction has the number, id or order id {:?}: see `payhookd transactions \
                 list` and `payhookd orphans list`",
                self.id
            )));
        }
        Ok(found)
    }

    fn history(&self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.path())?;
        let mut output = io::stdout().lock();
        for transaction in &self.found(&reader)? {
            let changes = reader.of::<Change>(transaction.id)?;
            printed(if self.json {
                let mut all = rows::history(&changes).into_iter();
                all.try_for_each(|change| writeln!(output, "{change}"))
            } else {
                history(&mut output, transaction, &changes)
            })?;
        }
        Ok(())
    }

    fn run(&self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.path())?;
        let found = self.found(&reader)?;
        let mut output = io::stdout().lock();
        for transaction in &found {
            let changes = reader.of::<Change>(transaction.id)?;
            printed(if self.json {
                let shown = rows::transaction_with_history(transaction, &changes);
                writeln!(output, "{shown}")
            } else {
                show(&mut output, transaction, &changes)
            })?;
        }
        Ok(())
    }
}

fn show(output: &mut impl Write, transaction: &Transaction, changes: &[Change]) -> io::Result<()> {
    table(std::slice::from_ref(transaction)).print(output, "")?;
    writeln!(output)?;
    let notes = notes(transaction);
    for note in &notes {
        writeln!(output, "{note}")?;
    }
    if !notes.is_empty() {
        writeln!(output)?;
    }
    history(output, transaction, changes)
}

/// What the columns have no room for.
fn notes(transaction: &Transaction) -> Vec<String> {
    let Transaction { expected, state, .. } = transaction;
    let mut notes = Vec::new();
    if expected.amount.is_none() {
        notes.push("amount not checked: none was registered".to_owned());
    } else if state.is_paid(expected) {
        notes.push("paid: all that is expected was received and kept".to_owned());
    }
    if expected.partial {
        notes.push("partial payments add up: the shop takes deposits".to_owned());
    }
    if state.doubtful {
        notes.push(
            "doubtful: two bodies came for one of its events; see `payhookd issues list`"
                .to_owned(),
        );
    }
    for other in &state.other_money {
        let money = |minor| amount_text(transaction, Some(minor), Some(other.currency));
        let (received, refunded) = (money(other.received), money(other.refunded));
        notes.push(format!("in another currency: {received} received, {refunded} refunded"));
    }
    notes
}

fn history(
    output: &mut impl Write,
    transaction: &Transaction,
    changes: &[Change],
) -> io::Result<()> {
    let mut history = Table::new(&[
        "changed",
        "change",
        "before",
        "status",
        ">received",
        ">refunded",
        "dispute",
        "amount",
        "cause",
    ]);
    let mut before = None;
    for change in changes {
        let money = |minor| amount_text(transaction, Some(minor), transaction.state.currency);
        let event = change.event.as_ref().map(|(id, kind)| format!("{kind} {id}"));
        history.row(vec![
            change.changed_at.to_string(),
            change.change.clone(),
            before.replace(change.status).map(|status| status.to_string()).unwrap_or_default(),
            change.status.to_string(),
            money(change.amount_received),
            money(change.amount_refunded),
            change.dispute_status.to_string(),
            change.amount_check.to_string(),
            event.unwrap_or_else(|| "the shop".to_owned()),
        ]);
    }
    history.print(output, "")
}

fn table(transactions: &[Transaction]) -> Table {
    let mut table = Table::new(&[
        ">id",
        "provider",
        "reference",
        "order id",
        "status",
        ">expected",
        ">received",
        ">refunded",
        "dispute",
        "amount",
        "mode",
        "updated",
    ]);
    for one in transactions {
        let state = &one.state;
        table.row(vec![
            one.id.to_string(),
            one.provider.to_string(),
            one.reference.clone(),
            one.order_id.clone().unwrap_or_default(),
            state.status.to_string(),
            amount_text(one, one.expected.amount, one.expected.currency),
            amount_text(one, Some(state.amount_received), state.currency),
            amount_text(one, Some(state.amount_refunded), state.currency),
            state.dispute_status.to_string(),
            state.amount_check.to_string(),
            if one.livemode { "live" } else { "test" }.to_owned(),
            one.updated_at.to_string(),
        ]);
    }
    table
}

fn amount_text(
    transaction: &Transaction,
    minor: Option<i64>,
    currency: Option<Currency>,
) -> String {
    match (minor, currency) {
        (Some(minor), Some(currency)) => {
            let money = Money { minor, currency };
            format!("{} {currency}", money.to_decimal(transaction.provider))
        }
        _ => String::new(),
    }
}
