//! `transaction_events`: what each event says about its payment.

use rusqlite::{Connection, Row, named_params};

use super::{Columns, StoreError};
use crate::domain::event::{Ownership, Reference, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::{Currency, Money};

/// A fact with the event it came with.
pub(super) struct StoredFact {
    pub(super) log_id: i64,
    pub(super) fact: Fact,
    /// Whose the payment is, by the event; said on its first fact.
    pub(super) ownership: Ownership,
    /// As they are stored, because most readers need only the facts.
    references: Option<String>,
}

impl StoredFact {
    /// Every id that the event carried; only on the first fact of an event.
    pub(super) fn references(&self) -> Result<Vec<Reference>, StoreError> {
        let Some(text) = &self.references else { return Ok(Vec::new()) };
        let corrupt = || StoreError::Corrupt { what: "references", value: text.clone() };
        parse_references(text).ok_or_else(corrupt)
    }
}

/// What one event says of its payment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payment<'e> {
    pub(super) references: &'e [Reference],
    pub(super) facts: &'e [Fact],
    pub(super) ownership: Ownership,
}

/// Adds the facts of one event to a payment.
pub(super) fn insert(
    connection: &Connection,
    transaction_id: i64,
    log_id: i64,
    event: &Payment<'_>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO transaction_events
             (transaction_id, log_id, ordinal, occurred_at, event_id, object, object_id, fact,
              amount, currency, captured, refunded, refunded_all, parent_id, payment_id,
              shop_amount, shop_currency, object_at, reason, \"references\", ownership)
         VALUES
             (:transaction_id, :log_id, :ordinal, :occurred_at, :event_id, :object, :object_id,
              :fact, :amount, :currency, :captured, :refunded, :refunded_all, :parent_id,
              :payment_id, :shop_amount, :shop_currency, :object_at, :reason, :references,
              :ownership)",
    )?;
    for (ordinal, fact) in (0_i64..).zip(event.facts) {
        statement.execute(named_params! {
            ":transaction_id": transaction_id,
            ":log_id": log_id,
            ":ordinal": ordinal,
            ":occurred_at": fact.occurred_at.to_string(),
            ":event_id": &*fact.event_id,
            ":object": fact.object.as_str(),
            ":object_id": &*fact.object_id,
            ":fact": fact.state.as_str(),
            ":amount": fact.amount.map(|amount| amount.minor),
            ":currency": fact.amount.as_ref().map(|amount| amount.currency.as_str()),
            ":captured": fact.captured,
            ":refunded": fact.refunded,
            ":refunded_all": fact.refunded_all,
            ":parent_id": fact.parent_id.as_deref(),
            ":payment_id": fact.payment_id.as_deref(),
            ":shop_amount": fact.shop_money.map(|money| money.minor),
            ":shop_currency": fact.shop_money.as_ref().map(|money| money.currency.as_str()),
            ":object_at": fact.object_at.map(|at| at.to_string()),
            ":reason": fact.reason.as_deref(),
            ":references": (ordinal == 0).then(|| references_text(event.references)),
            ":ownership": Some(event.ownership)
                .filter(|said| ordinal == 0 && *said != Ownership::Unsaid)
                .map(Ownership::as_str),
        })?;
    }
    Ok(())
}

/// Every fact of a payment, in the order in which their events were first received.
pub(super) fn of(
    connection: &Connection,
    transaction_id: i64,
) -> Result<Vec<StoredFact>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT log_id, \"references\", amount, currency, occurred_at, event_id, object, object_id,
                fact, captured, refunded, refunded_all, parent_id, payment_id, shop_amount,
                shop_currency, object_at, reason, ownership
         FROM transaction_events WHERE transaction_id = :transaction_id",
    )?;
    let mut rows = statement.query(named_params! { ":transaction_id": transaction_id })?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        facts.push(from_row(row)?);
    }
    Ok(facts)
}

/// Removes the facts of one event from a payment.
pub(super) fn remove(
    connection: &Connection,
    transaction_id: i64,
    log_id: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM transaction_events
             WHERE transaction_id = :transaction_id AND log_id = :log_id",
        )?
        .execute(named_params! { ":transaction_id": transaction_id, ":log_id": log_id })?;
    Ok(())
}

/// Moves the facts of one event from one payment to another.
pub(super) fn transfer(
    connection: &Connection,
    log_id: i64,
    from: i64,
    to: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE transaction_events SET transaction_id = :to
             WHERE transaction_id = :from AND log_id = :log_id",
        )?
        .execute(named_params! { ":from": from, ":to": to, ":log_id": log_id })?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<StoredFact, StoreError> {
    let mut columns = Columns::of(row);
    let log_id = columns.value()?;
    let references = columns.value()?;
    let amount: Option<i64> = columns.value()?;
    let currency = columns.optional("currency", |code| Currency::parse(code).ok())?;
    let fact = Fact {
        occurred_at: columns.instant()?,
        event_id: columns.value()?,
        object: columns.parsed("object", ReferenceKind::parse)?,
        object_id: columns.value()?,
        state: columns.parsed("fact", FactState::parse)?,
        amount: amount.zip(currency).map(|(minor, currency)| Money { minor, currency }),
        captured: columns.value()?,
        refunded: columns.value()?,
        refunded_all: columns.value()?,
        parent_id: columns.value()?,
        payment_id: columns.value()?,
        shop_money: {
            let minor: Option<i64> = columns.value()?;
            let currency = columns.optional("currency", |code| Currency::parse(code).ok())?;
            minor.zip(currency).map(|(minor, currency)| Money { minor, currency })
        },
        object_at: columns.optional_instant()?,
        reason: columns.value()?,
    };
    let ownership = columns.optional("ownership", Ownership::parse)?;
    let ownership = ownership.unwrap_or(Ownership::Unsaid);
    Ok(StoredFact { log_id, fact, ownership, references })
}

fn references_text(references: &[Reference]) -> String {
    let pairs: Vec<(&str, &str)> =
        references.iter().map(|reference| (reference.kind.as_str(), &*reference.value)).collect();
    serde_json::to_string(&pairs).expect("pairs of text are always JSON")
}

fn parse_references(text: &str) -> Option<Vec<Reference>> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text).ok()?;
    pairs
        .into_iter()
        .map(|(kind, value)| Some(Reference::new(ReferenceKind::parse(&kind)?, value)))
        .collect()
}
