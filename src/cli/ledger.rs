//! The shop's books: transactions, refunds, disputes and orphans of a period as flat entries,
//! which are worth nothing unless their sums are those of the tables that they come from.

use crate::domain::money::{Currency, Money, Total};
use crate::domain::provider::Provider;
use crate::domain::records::{DisputeRaised, Orphan, RefundMade, Span, Sum, Sums, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::Expected;
use crate::store::{Reader, StoreError};

string_enum! {
    /// What is entered.
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

/// Why there are no books.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sums differ.
    #[error("the {0} do not balance: {1}; nothing was exported: see `payhookd doctor --full`")]
    Unbalanced(Book, String),
}

impl Book {
    /// Gives every entry of the span to `each`, and what they come to, per provider and currency. An
    /// error if that is not what the tables say; then what `each` was given is not to be used.
    ///
    /// All of it is of one moment if the reader's [moment](Reader::at_one_moment) is.
    pub fn read<E: From<BooksError> + From<StoreError>>(
        self,
        reader: &Reader,
        span: &Span,
        mut each: impl FnMut(&Entry) -> Result<(), E>,
    ) -> Result<Sums, E> {
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
                        each(&of_transaction(&part))?;
                    }
                    Ok::<_, E>(())
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
                    each(&of_refund(refund))
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
                each(&of_dispute(dispute))
            })?,
            Self::Orphans => {
                reader.each(span, |orphan: &Orphan| {
                    let amount = orphan.amount.unwrap_or(0).into();
                    let sum = Sum { rows: 1, amount, ..Sum::default() };
                    let currency =
                        orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok());
                    add(&mut sums, orphan.provider, currency, sum);
                    each(&of_orphan(orphan, currency))
                })?;
                self.agree(&sums, &reader.sums::<Orphan>(span)?)?;
            }
        }
        Ok(sums)
    }

    /// The names of its entries, also where there is none.
    pub fn headings(self) -> &'static [&'static str] {
        match self {
            Self::Transactions => TRANSACTION,
            Self::Refunds => REFUND,
            Self::Disputes => DISPUTE,
            Self::Orphans => ORPHAN,
        }
    }

    /// Whether every transaction says what its last change says.
    fn is_in_step(self, reader: &Reader, span: &Span) -> Result<(), BooksError> {
        let out_of_step = reader.out_of_step(span.livemode)?;
        if out_of_step.is_empty() {
            return Ok(());
        }
        let numbers: Vec<String> = out_of_step.iter().map(i64::to_string).collect();
        let what = format!(
            "transactions do not say what their last change says: number {}",
            numbers.join(", ")
        );
        Err(BooksError::Unbalanced(self, what))
    }

    fn agree(self, entries: &Sums, tables: &Sums) -> Result<(), BooksError> {
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
        let told: Vec<String> = told.into_iter().collect();
        Err(BooksError::Unbalanced(self, told.join("; ")))
    }
}

fn add(sums: &mut Sums, provider: Provider, currency: Option<Currency>, more: Sum) {
    let sum = sums.entry((provider, currency)).or_default();
    sum.rows += more.rows;
    sum.amount = sum.amount.and(more.amount);
    sum.refunded = sum.refunded.and(more.refunded);
}

const TRANSACTION: &[&str] = &[
    "id",
    "provider",
    "reference",
    "order_id",
    "livemode",
    "status",
    "dispute_status",
    "amount_check",
    "amount",
    "amount_decimal",
    "currency",
    "amount_received",
    "amount_received_decimal",
    "amount_refunded",
    "amount_refunded_decimal",
    "net",
    "net_decimal",
    "received_currency",
    "created_at",
    "status_changed_at",
    "updated_at",
    "closed_at",
];

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

fn of_transaction(transaction: &Transaction) -> Entry {
    let Transaction { provider, expected, state, .. } = transaction;
    let received = state.currency.or(expected.currency);
    let decimal = |minor, currency| decimal(*provider, minor, currency);
    let net = state.amount_received.saturating_sub(state.amount_refunded);
    entry(
        TRANSACTION,
        [
            Cell::Whole(transaction.id),
            text(provider.as_str()),
            text(&transaction.reference),
            optional(transaction.order_id.as_deref()),
            Cell::Whole(transaction.livemode.into()),
            text(state.status.as_str()),
            text(state.dispute_status.as_str()),
            text(state.amount_check.as_str()),
            expected.amount.map_or(Cell::Nothing, Cell::Whole),
            decimal(expected.amount, expected.currency),
            currency(expected.currency),
            Cell::Whole(state.amount_received),
            decimal(Some(state.amount_received), received),
            Cell::Whole(state.amount_refunded),
            decimal(Some(state.amount_refunded), received),
            Cell::Whole(net),
            decimal(Some(net), received),
            currency(state.currency),
            time(Some(transaction.created_at)),
            time(state.status_changed_at),
            time(Some(transaction.updated_at)),
            time(transaction.closed_at),
        ],
    )
}

const REFUND: &[&str] = &[
    "id",
    "occurred_at",
    "transaction_id",
    "provider",
    "reference",
    "order_id",
    "refund_id",
    "amount",
    "amount_decimal",
    "currency",
    "reason",
    "event_id",
];

fn of_refund(refund: &RefundMade) -> Entry {
    entry(
        REFUND,
        [
            Cell::Whole(refund.change_id),
            time(Some(refund.occurred_at)),
            Cell::Whole(refund.transaction_id),
            text(refund.provider.as_str()),
            text(&refund.reference),
            optional(refund.order_id.as_deref()),
            optional(refund.refund_id.as_deref()),
            Cell::Whole(refund.amount),
            decimal(refund.provider, Some(refund.amount), refund.currency),
            currency(refund.currency),
            optional(refund.reason.as_deref()),
            optional(refund.event_id.as_deref()),
        ],
    )
}

const DISPUTE: &[&str] = &[
    "dispute_id",
    "opened_at",
    "transaction_id",
    "provider",
    "reference",
    "order_id",
    "dispute_status",
    "amount",
    "amount_decimal",
    "currency",
    "reason",
    "occurred_at",
    "event_id",
];

fn of_dispute(dispute: &DisputeRaised) -> Entry {
    let DisputeRaised { transaction, opened_at, fact } = dispute;
    let money = fact.amount;
    entry(
        DISPUTE,
        [
            text(&fact.object_id),
            time(Some(*opened_at)),
            Cell::Whole(transaction.id),
            text(transaction.provider.as_str()),
            text(&transaction.reference),
            optional(transaction.order_id.as_deref()),
            text(dispute.status().as_str()),
            money.map_or(Cell::Nothing, |money| Cell::Whole(money.minor)),
            decimal(
                transaction.provider,
                money.map(|money| money.minor),
                money.map(|money| money.currency),
            ),
            currency(money.map(|money| money.currency)),
            optional(fact.reason.as_deref()),
            time(Some(fact.occurred_at)),
            text(&fact.event_id),
        ],
    )
}

const ORPHAN: &[&str] = &[
    "id",
    "kind",
    "provider",
    "reference",
    "order_id",
    "livemode",
    "status",
    "amount",
    "amount_decimal",
    "currency",
    "first_seen_at",
    "last_seen_at",
    "event_id",
    "event_type",
    "resolved_at",
    "resolution",
    "transaction_id",
    "note",
];

fn of_orphan(orphan: &Orphan, of_amount: Option<Currency>) -> Entry {
    entry(
        ORPHAN,
        [
            Cell::Whole(orphan.id),
            text(orphan.kind.as_str()),
            text(orphan.provider.as_str()),
            text(&orphan.reference),
            optional(orphan.order_id.as_deref()),
            Cell::Whole(orphan.livemode.into()),
            optional(orphan.status.map(|status| status.as_str())),
            orphan.amount.map_or(Cell::Nothing, Cell::Whole),
            decimal(orphan.provider, orphan.amount, of_amount),
            currency(of_amount),
            time(Some(orphan.first_seen_at)),
            time(Some(orphan.last_seen_at)),
            text(&orphan.event_id),
            text(&orphan.event_type),
            time(orphan.resolved_at),
            optional(orphan.resolution.map(|resolution| resolution.as_str())),
            orphan.transaction_id.map_or(Cell::Nothing, Cell::Whole),
            optional(orphan.note.as_deref()),
        ],
    )
}

fn entry<const N: usize>(names: &[&'static str], cells: [Cell; N]) -> Entry {
    debug_assert_eq!(names.len(), N, "a name for each cell");
    names.iter().copied().zip(cells).collect()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn optional(text: Option<&str>) -> Cell {
    text.map_or(Cell::Nothing, |text| Cell::Text(text.to_owned()))
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
