//! The shop's books: transactions, refunds, disputes and orphans of a period as flat entries,
//! which are worth nothing unless their sums are those of the tables that they come from.

use super::{CommandError, said};
use crate::domain::money::{Currency, Money, Total};
use crate::domain::provider::Provider;
use crate::domain::records::{DisputeRaised, Orphan, RefundMade, Span, Sum, Sums, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::Expected;
use crate::store::Reader;

string_enum! {
    /// The records that are entered.
    Book {
        /// Transactions by when they were registered.
        Transactions = "transactions",
        /// Refunds by when they happened.
        Refunds = "refunds",
        /// Disputes by when they began.
        Disputes = "disputes",
        /// Orphans by when their first event came.
        Orphans = "orphans",
    }
}

/// One value of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Somebody's text.
    Text(String),
    /// A number of ours, or money in minor units.
    Whole(i64),
    /// An amount as decimal text, such as `-17.47`.
    Decimal(String),
    /// Not known.
    Nothing,
}

/// Names and values; every entry of one book has the same names in the same order.
pub type Entry = Vec<(&'static str, Cell)>;

impl Book {
    /// Gives every entry of the span to `each`, and what they come to, per provider and currency. An
    /// error if that is not what the tables say; then what `each` was given is not to be used.
    ///
    /// All of it is of one moment if the reader's [moment](Reader::at_one_moment) is.
    pub fn read(
        self,
        reader: &Reader,
        span: &Span,
        mut each: impl FnMut(&Entry) -> Result<(), CommandError>,
    ) -> Result<Sums, CommandError> {
        let mut sums = Sums::new();
        match self {
            Self::Transactions => {
                self.is_in_step(reader, span)?;
                reader.each(span, |transaction: &Transaction| {
                    for part in by_currency(transaction) {
                        let state = &part.state;
                        let sum = Sum {
                            rows: 1,
                            amount: state.amount_received.into(),
                            refunded: state.amount_refunded.into(),
                        };
                        add(&mut sums, part.provider, state.currency, sum);
                        each(&entry(TRANSACTION, &part))?;
                    }
                    Ok::<_, CommandError>(())
                })?;
                self.agree(&sums, &reader.sums::<Transaction>(span)?)?;
            }
            Self::Refunds => {
                self.is_in_step(reader, span)?;
                let mut of_all_times = Sums::new();
                reader.each(span, |refund: &RefundMade| {
                    let sum = Sum { refunded: refund.amount.into(), ..Sum::default() };
                    add(&mut of_all_times, refund.provider, refund.currency, sum);
                    if !span.has(refund.occurred_at) {
                        return Ok(());
                    }
                    add(&mut sums, refund.provider, refund.currency, Sum { rows: 1, ..sum });
                    each(&entry(REFUND, refund))
                })?;
                of_all_times.retain(|_, sum| sum.refunded != Total::default());
                self.agree(&of_all_times, &reader.sums::<RefundMade>(span)?)?;
            }
            Self::Disputes => reader.each(span, |dispute: &DisputeRaised| {
                let money = dispute.fact.amount;
                let amount = money.map_or(0, |money| money.minor);
                let sum = Sum { rows: 1, amount: amount.into(), ..Sum::default() };
                let currency = money.map(|money| money.currency);
                add(&mut sums, dispute.transaction.provider, currency, sum);
                each(&entry(DISPUTE, dispute))
            })?,
            Self::Orphans => {
                reader.each(span, |orphan: &Orphan| {
                    let amount = orphan.amount.unwrap_or(0).into();
                    let sum = Sum { rows: 1, amount, ..Sum::default() };
                    add(&mut sums, orphan.provider, currency_of(orphan), sum);
                    each(&entry(ORPHAN, orphan))
                })?;
                self.agree(&sums, &reader.sums::<Orphan>(span)?)?;
            }
        }
        Ok(sums)
    }

    /// The names of its entries, also where there is none.
    pub fn headings(self) -> Vec<&'static str> {
        match self {
            Self::Transactions => names(TRANSACTION),
            Self::Refunds => names(REFUND),
            Self::Disputes => names(DISPUTE),
            Self::Orphans => names(ORPHAN),
        }
    }

    /// Whether every transaction says what its last change says.
    fn is_in_step(self, reader: &Reader, span: &Span) -> Result<(), CommandError> {
        let out_of_step = reader.out_of_step(span.livemode)?;
        if out_of_step.is_empty() {
            return Ok(());
        }
        let numbers: Vec<String> = out_of_step.iter().map(i64::to_string).collect();
        let numbers = numbers.join(", ");
        Err(self.unbalanced(&format!(
            "transactions do not say what their last change says: number {numbers}"
        )))
    }

    fn agree(self, entries: &Sums, tables: &Sums) -> Result<(), CommandError> {
        if entries == tables {
            return Ok(());
        }
        let keys = entries.keys().chain(tables.keys());
        let differing = keys.filter(|key| entries.get(key) != tables.get(key));
        let told: std::collections::BTreeSet<String> = differing
            .map(|key| {
                let (entries, tables) = (entries.get(key).copied(), tables.get(key).copied());
                let (entries, tables) = (entries.unwrap_or_default(), tables.unwrap_or_default());
                let currency = key.1.as_ref().map_or("without currency", Currency::as_str);
                format!(
                    "{} {currency}: {} rows, {} and {} refunded by the entries, {} rows, {} and {} \
                     refunded by the tables",
                    key.0,
                    entries.rows,
                    entries.amount,
                    entries.refunded,
                    tables.rows,
                    tables.amount,
                    tables.refunded
                )
            })
            .collect();
        Err(self.unbalanced(&Vec::from_iter(told).join("; ")))
    }

    fn unbalanced(self, how: &str) -> CommandError {
        said(format!(
            "the {self} do not balance: {how}; nothing was exported: see `payhookd doctor --full`"
        ))
    }
}

fn add(sums: &mut Sums, provider: Provider, currency: Option<Currency>, more: Sum) {
    let sum = sums.entry((provider, currency)).or_default();
    sum.rows += more.rows;
    sum.amount = sum.amount.and(more.amount);
    sum.refunded = sum.refunded.and(more.refunded);
}

/// A name, and the value of a record.
type Column<R> = (&'static str, fn(&R) -> Cell);

fn names<R>(columns: &[Column<R>]) -> Vec<&'static str> {
    columns.iter().map(|(name, _)| *name).collect()
}

fn entry<R>(columns: &[Column<R>], record: &R) -> Entry {
    columns.iter().map(|(name, cell)| (*name, cell(record))).collect()
}

const TRANSACTION: &[Column<Transaction>] = &[
    ("id", |one| Cell::Whole(one.id)),
    ("provider", |one| text(one.provider.as_str())),
    ("reference", |one| text(&one.reference)),
    ("order_id", |one| optional(one.order_id.as_deref())),
    ("livemode", |one| Cell::Whole(one.livemode.into())),
    ("status", |one| text(one.state.status.as_str())),
    ("dispute_status", |one| text(one.state.dispute_status.as_str())),
    ("amount_check", |one| text(one.state.amount_check.as_str())),
    ("amount", |one| whole(one.expected.amount)),
    ("amount_decimal", |one| decimal(one.provider, one.expected.amount, one.expected.currency)),
    ("currency", |one| currency(one.expected.currency)),
    ("amount_received", |one| Cell::Whole(one.state.amount_received)),
    ("amount_received_decimal", |one| received(one, one.state.amount_received)),
    ("amount_refunded", |one| Cell::Whole(one.state.amount_refunded)),
    ("amount_refunded_decimal", |one| received(one, one.state.amount_refunded)),
    ("net", |one| Cell::Whole(net(one))),
    ("net_decimal", |one| received(one, net(one))),
    ("received_currency", |one| currency(one.state.currency)),
    ("created_at", |one| time(Some(one.created_at))),
    ("status_changed_at", |one| time(one.state.status_changed_at)),
    ("updated_at", |one| time(Some(one.updated_at))),
    ("closed_at", |one| time(one.closed_at)),
];

/// In the currency that was received, else in the one that is expected.
fn received(transaction: &Transaction, minor: i64) -> Cell {
    let currency = transaction.state.currency.or(transaction.expected.currency);
    decimal(transaction.provider, Some(minor), currency)
}

fn net(transaction: &Transaction) -> i64 {
    transaction.state.amount_received.saturating_sub(transaction.state.amount_refunded)
}

/// A transaction with money in several currencies is entered once for each, so that each column adds
/// up by `received_currency`; what is expected stands in the first.
fn by_currency(transaction: &Transaction) -> Vec<Transaction> {
    let mut parts = vec![transaction.clone()];
    for other in &transaction.state.other_money {
        let mut part = transaction.clone();
        part.expected = Expected { amount: None, currency: None, ..part.expected };
        part.state.currency = Some(other.currency);
        part.state.amount_received = other.received;
        part.state.amount_refunded = other.refunded;
        parts.push(part);
    }
    parts
}

const REFUND: &[Column<RefundMade>] = &[
    ("id", |refund| Cell::Whole(refund.change_id)),
    ("occurred_at", |refund| time(Some(refund.occurred_at))),
    ("transaction_id", |refund| Cell::Whole(refund.transaction_id)),
    ("provider", |refund| text(refund.provider.as_str())),
    ("reference", |refund| text(&refund.reference)),
    ("order_id", |refund| optional(refund.order_id.as_deref())),
    ("refund_id", |refund| optional(refund.refund_id.as_deref())),
    ("amount", |refund| Cell::Whole(refund.amount)),
    ("amount_decimal", |refund| decimal(refund.provider, Some(refund.amount), refund.currency)),
    ("currency", |refund| currency(refund.currency)),
    ("reason", |refund| optional(refund.reason.as_deref())),
    ("event_id", |refund| optional(refund.event_id.as_deref())),
];

const DISPUTE: &[Column<DisputeRaised>] = &[
    ("dispute_id", |dispute| text(&dispute.fact.object_id)),
    ("opened_at", |dispute| time(Some(dispute.opened_at))),
    ("transaction_id", |dispute| Cell::Whole(dispute.transaction.id)),
    ("provider", |dispute| text(dispute.transaction.provider.as_str())),
    ("reference", |dispute| text(&dispute.transaction.reference)),
    ("order_id", |dispute| optional(dispute.transaction.order_id.as_deref())),
    ("dispute_status", |dispute| text(dispute.status().as_str())),
    ("amount", |dispute| whole(dispute.fact.amount.map(|money| money.minor))),
    ("amount_decimal", |dispute| match dispute.fact.amount {
        Some(money) => Cell::Decimal(money.to_decimal(dispute.transaction.provider)),
        None => Cell::Nothing,
    }),
    ("currency", |dispute| currency(dispute.fact.amount.map(|money| money.currency))),
    ("reason", |dispute| optional(dispute.fact.reason.as_deref())),
    ("occurred_at", |dispute| time(Some(dispute.fact.occurred_at))),
    ("event_id", |dispute| text(&dispute.fact.event_id)),
];

const ORPHAN: &[Column<Orphan>] = &[
    ("id", |orphan| Cell::Whole(orphan.id)),
    ("kind", |orphan| text(orphan.kind.as_str())),
    ("provider", |orphan| text(orphan.provider.as_str())),
    ("reference", |orphan| text(&orphan.reference)),
    ("order_id", |orphan| optional(orphan.order_id.as_deref())),
    ("livemode", |orphan| Cell::Whole(orphan.livemode.into())),
    ("status", |orphan| optional(orphan.status.map(|status| status.as_str()))),
    ("amount", |orphan| whole(orphan.amount)),
    ("amount_decimal", |orphan| decimal(orphan.provider, orphan.amount, currency_of(orphan))),
    ("currency", |orphan| currency(currency_of(orphan))),
    ("first_seen_at", |orphan| time(Some(orphan.first_seen_at))),
    ("last_seen_at", |orphan| time(Some(orphan.last_seen_at))),
    ("event_id", |orphan| text(&orphan.event_id)),
    ("event_type", |orphan| text(&orphan.event_type)),
    ("resolved_at", |orphan| time(orphan.resolved_at)),
    ("resolution", |orphan| optional(orphan.resolution.map(|resolution| resolution.as_str()))),
    ("transaction_id", |orphan| whole(orphan.transaction_id)),
    ("note", |orphan| optional(orphan.note.as_deref())),
];

fn currency_of(orphan: &Orphan) -> Option<Currency> {
    orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn optional(words: Option<&str>) -> Cell {
    words.map_or(Cell::Nothing, text)
}

fn whole(number: Option<i64>) -> Cell {
    number.map_or(Cell::Nothing, Cell::Whole)
}

fn time(at: Option<Timestamp>) -> Cell {
    at.map_or(Cell::Nothing, |at| Cell::Text(at.to_string()))
}

fn currency(currency: Option<Currency>) -> Cell {
    currency.map_or(Cell::Nothing, |currency| text(currency.as_str()))
}

fn decimal(provider: Provider, minor: Option<i64>, currency: Option<Currency>) -> Cell {
    match minor.zip(currency) {
        Some((minor, currency)) => Cell::Decimal(Money { minor, currency }.to_decimal(provider)),
        None => Cell::Nothing,
    }
}
