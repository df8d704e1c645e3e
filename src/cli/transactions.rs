//! `payhookd transactions`: the payments that the shop expects, and their outcome.

use std::io::{self, Write};
use std::slice;

use clap::{Args, Subcommand};

use super::arguments::{JsonOption, Listing, ModeOption, Noun, Show, Whose, one_transaction};
use super::import::{Import, conflict, subscribed};
use super::table::{Column, Shown, maybe, mode, money, write};
use super::{CommandError, said, say};
use crate::config::options::{DatabaseOption, SinceOption};
use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::records::{
    Change, Closed, NewTransaction, OfSubscription, Registered, Transaction, TransactionFilter,
};
use crate::domain::reference::Reference;
use crate::domain::subscription::Period;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Expected, Status};
use crate::json::{registration, rows};
use crate::providers::reference_kind;
use crate::store::{CloseTransaction, Database, Register, ReopenTransaction};
use crate::telemetry::clock::Clock;

/// Commands about transactions.
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
    #[command(
        after_help = "Example line:\n  {\"provider\":\"stripe\",\"reference\":\"pi_3S8q2eL\",\
        \"order_id\":\"A-1001\",\"amount\":4999,\"currency\":\"EUR\"}\nor\n  \
        provider,reference,order_id,amount,currency\n  stripe,pi_3S8q2eL,A-1001,4999,EUR",
        mut_arg("mode", |mode| {
            mode.help("Live or test mode of lines without \"livemode\" [default: the daemon's]")
        })
    )]
    Import(Import),
    /// The newest transactions.
    #[command(
        after_help = "Examples:\n  payhookd transactions list --status failed,requires_action \
        --updated-after 2d\n  payhookd transactions list --amount-check underpaid --json"
    )]
    List(List),
    /// One transaction with its history.
    #[command(mut_arg("id", |id| id.help(IDS)))]
    Show(Show),
    /// Only the history of one transaction: every change with its time and its cause.
    #[command(mut_arg("id", |id| id.help(IDS)))]
    History(Show),
    /// Say that the shop expects no money for it any more.
    ///
    /// Should some come after all, a person is notified (`payhookd orphans list --kind late_money`). Its
    /// status stays the truth about the money.
    Close(Closing),
    /// Take a close back.
    Reopen(Reopening),
}

const IDS: &str =
    "Its number, any id of the provider's that is known for it, or the shop's order id";

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
    /// The amount to be paid, in minor units as the provider counts them: 4999 for 49.99 EUR.
    #[arg(long, requires = "currency", value_parser = registration::amount)]
    amount: Option<i64>,
    /// Three-letter code.
    #[arg(long, value_parser = registration::currency)]
    currency: Option<Currency>,
    /// The shop takes deposits: payments that are found by the order id alone and are less than the
    /// amount add up.
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    mode: ModeOption,
    /// A JSON object of the shop's own.
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = registration::metadata)]
    metadata: String,
    #[command(flatten)]
    output: JsonOption,
}

/// `transactions list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    #[command(flatten)]
    whose: Whose,
    /// Only those with one of these statuses.
    #[arg(long, value_delimiter = ',')]
    status: Vec<Status>,
    /// Only those with this order id of the shop's.
    #[arg(long, value_parser = registration::id)]
    order_id: Option<String>,
    /// Only payments of the subscription with this number.
    #[arg(long, value_name = "NUMBER")]
    subscription: Option<i64>,
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
    /// Only those whose amount is so, compared with the expected one.
    #[arg(long, value_name = "CHECK")]
    amount_check: Option<AmountCheck>,
    /// Only those whose disputes stand so.
    #[arg(long, value_name = "STATUS")]
    dispute_status: Option<DisputeStatus>,
}

/// `transactions close`
#[derive(Args, Debug)]
pub struct Closing {
    #[command(flatten)]
    which: Reopening,
    /// Also if it is paid: the shop has nothing more to do for the payment, and expects no other.
    #[arg(long)]
    even_if_paid: bool,
}

/// `transactions reopen`
#[derive(Args, Debug)]
pub struct Reopening {
    #[command(flatten)]
    database: DatabaseOption,
    #[arg(help = IDS)]
    id: String,
}

impl Transactions {
    /// Does what was said.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run(),
            Self::Import(import) => import.run(),
            Self::List(list) => list.run(),
            Self::Show(show) => {
                show.each::<Transaction>(Noun::TRANSACTION, |reader, one, output| {
                    let changes = reader.of::<Change>(one.id)?;
                    if !show.output.json {
                        return Ok(print(output, one, &changes)?);
                    }
                    Ok(writeln!(output, "{}", rows::transaction_with_history(one, &changes))?)
                })
            }
            Self::History(show) => {
                show.each::<Transaction>(Noun::TRANSACTION, |reader, one, output| {
                    let changes = reader.of::<Change>(one.id)?;
                    if !show.output.json {
                        return Ok(print_history(output, one, &changes)?);
                    }
                    let mut lines = rows::history(&changes).into_iter();
                    Ok(lines.try_for_each(|change| writeln!(output, "{change}"))?)
                })
            }
            Self::Close(closing) => closing.close(),
            Self::Reopen(which) => which.reopen(),
        }
    }
}

impl Add {
    fn run(&self) -> Result<(), CommandError> {
        let kind = reference_kind(self.provider, &self.reference);
        let new = NewTransaction {
            provider: self.provider,
            reference: Reference::new(kind, &*self.reference),
            order_id: self.order_id.clone(),
            expected: Expected {
                amount: self.amount,
                currency: self.currency,
                partial: self.partial,
            },
            livemode: self.mode.is_live(&self.database)?,
            metadata: self.metadata.clone(),
        };
        let mut database = Database::open(&self.database.path())?;
        let (transaction, what) = match database.run(&Register { new }, Clock::SYSTEM.now())? {
            Registered::Created(transaction) => (transaction, "registered"),
            Registered::Existing(transaction) => (transaction, "already registered"),
            Registered::Conflict(transaction) => {
                return Err(said(conflict(&self.reference, &transaction)));
            }
            Registered::Subscribed(id) => {
                return Err(said(subscribed(&self.reference, id)));
            }
        };
        if self.output.json {
            return say(rows::registered(&transaction));
        }
        if let Some(warning) = transaction.expected.warning() {
            eprintln!("warning: {warning}");
        }
        say(format!("transaction {} {what}: {}", transaction.id, transaction.state.status))
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let now = Clock::SYSTEM.now();
        let instant = |since: Option<SinceOption>| since.map(|since| since.at(now));
        let filter = TransactionFilter {
            statuses: self.status.clone(),
            provider: self.whose.provider,
            order_id: self.order_id.clone(),
            subscription_id: self.subscription,
            livemode: self.whose.livemode(),
            created_after: instant(self.created_after),
            created_before: instant(self.created_before),
            updated_after: instant(self.updated_after),
            updated_before: instant(self.updated_before),
            amount_check: self.amount_check,
            dispute_status: self.dispute_status,
        };
        let nothing = match filter == TransactionFilter::default() {
            true => "no transactions yet: register one with `payhookd transactions add`",
            false => "no such transactions",
        };
        self.listing.print(&filter, &TRANSACTIONS, nothing)
    }
}

impl Closing {
    fn close(&self) -> Result<(), CommandError> {
        let id = self.which.number()?;
        let job = CloseTransaction { id, even_if_paid: self.even_if_paid };
        match self.which.database.run(&job)? {
            Closed::Done(closed) => {
                say(format!("transaction {id} is closed: {}", closed.state.status))
            }
            Closed::IsPaid(_) => Err(said(format!(
                "transaction {id} is paid, and stays open. To close it means that the shop has nothing more to \
                 do for this payment and expects no other: deliver or refund first, then add --even-if-paid"
            ))),
            Closed::NoTransaction => Err(said(format!("transaction {id} is gone"))),
        }
    }
}

impl Reopening {
    fn reopen(&self) -> Result<(), CommandError> {
        let id = self.number()?;
        let reopened = self.database.run(&ReopenTransaction { id })?;
        let reopened = reopened.ok_or_else(|| said(format!("transaction {id} is gone")))?;
        say(format!("transaction {id} is open: {}", reopened.state.status))
    }

    fn number(&self) -> Result<i64, CommandError> {
        Ok(one_transaction(&self.database.reader()?, &self.id)?.id)
    }
}

const TRANSACTIONS: Shown<Transaction> = Shown {
    columns: &[
        (">id", |one| one.id.to_string()),
        ("provider", |one| one.provider.to_string()),
        ("reference", |one| one.reference.clone()),
        ("order id", |one| maybe(one.own_id())),
        ("status", |one| one.state.status.to_string()),
        (">expected", |one| money(one.provider, one.expected.amount, one.expected.currency)),
        (">received", |one| in_its_currency(one, one.state.amount_received)),
        (">refunded", |one| in_its_currency(one, one.state.amount_refunded)),
        ("dispute", |one| one.state.dispute_status.to_string()),
        ("amount", |one| one.state.amount_check.to_string()),
        ("mode", |one| mode(one.livemode)),
        ("updated", |one| one.updated_at.to_string()),
    ],
    json: rows::transaction,
};

fn in_its_currency(transaction: &Transaction, minor: i64) -> String {
    money(transaction.provider, Some(minor), transaction.state.currency)
}

fn print(output: &mut dyn Write, one: &Transaction, changes: &[Change]) -> io::Result<()> {
    write(output, TRANSACTIONS.columns, slice::from_ref(one), "")?;
    writeln!(output)?;
    let notes = notes(one);
    for note in &notes {
        writeln!(output, "{note}")?;
    }
    if !notes.is_empty() {
        writeln!(output)?;
    }
    print_history(output, one, changes)
}

/// Notes for which the columns have no room.
fn notes(transaction: &Transaction) -> Vec<String> {
    let Transaction { provider, expected, state, .. } = transaction;
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
    notes.extend(subscription_notes(transaction));
    for other in &state.other_money {
        let money = |minor| money(*provider, Some(minor), Some(other.currency));
        let (received, refunded) = (money(other.received), money(other.refunded));
        notes.push(format!("in another currency: {received} received, {refunded} refunded"));
    }
    notes
}

/// Of which subscription it is a payment, for which period, and what it turned out to be.
fn subscription_notes(transaction: &Transaction) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(OfSubscription { id, reference, own_id, .. }) = &transaction.subscription {
        let own = own_id.as_ref().map(|own| format!(", {own}")).unwrap_or_default();
        notes.push(format!("payment of subscription {id} ({reference}{own})"));
    }
    if let Some(Period { start, end }) = transaction.period {
        notes.push(format!("for the period from {start} to {end}"));
    }
    if let Some(into) = transaction.merged_into {
        notes.push(format!("merged into transaction {into}, whose payment it is"));
    }
    if transaction.after_end {
        notes.push("its money came after the subscription had ended".to_owned());
    }
    notes
}

fn print_history(output: &mut dyn Write, one: &Transaction, changes: &[Change]) -> io::Result<()> {
    type Step<'c> = (&'c Transaction, Option<Status>, &'c Change);
    let columns: &[Column<Step<'_>>] = &[
        ("changed", |(.., change)| change.changed_at.to_string()),
        ("change", |(.., change)| change.change.clone()),
        ("before", |(_, before, _)| maybe(*before)),
        ("status", |(.., change)| change.status.to_string()),
        (">received", |(one, _, change)| in_its_currency(one, change.amount_received)),
        (">refunded", |(one, _, change)| in_its_currency(one, change.amount_refunded)),
        ("dispute", |(.., change)| change.dispute_status.to_string()),
        ("amount", |(.., change)| change.amount_check.to_string()),
        ("cause", |(.., change)| match &change.event {
            Some((id, kind)) => format!("{kind} {id}"),
            None => "the shop".to_owned(),
        }),
    ];
    let before = std::iter::once(None).chain(changes.iter().map(|change| Some(change.status)));
    let steps: Vec<Step<'_>> =
        before.zip(changes).map(|(before, change)| (one, before, change)).collect();
    write(output, columns, &steps, "")
}
