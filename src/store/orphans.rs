//! `orphan_transactions`: payments that no transaction is registered for.

use rusqlite::{Connection, Row, named_params};

use super::ingest::Webhook;
use super::references::Realm;
use super::{Columns, StoreError, facts};
use crate::domain::event::{Provider, Reference, ReferenceKind};
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{Expected, Status, fold};

/// One row of `orphan_transactions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Row id.
    pub id: i64,
    /// At whom the payment was made.
    pub provider: Provider,
    /// The provider's id that names the payment best.
    pub reference: String,
    /// The shop's own id, if the events carry one.
    pub order_id: Option<String>,
    /// The event that was received last.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// The status that a transaction would have.
    pub status: Status,
    /// Minor units received or, before that, asked for.
    pub amount: Option<i64>,
    /// The currency of `amount`.
    pub currency: Option<String>,
    /// Real money.
    pub livemode: bool,
    /// When its first event was received, UTC.
    pub first_seen_at: Timestamp,
    /// When its last event was received, UTC.
    pub last_seen_at: Timestamp,
    /// When it was matched or dismissed, UTC.
    pub resolved_at: Option<Timestamp>,
    /// `matched` or `dismissed`.
    pub resolution: Option<String>,
    /// The transaction that it was matched with.
    pub transaction_id: Option<i64>,
}

/// Every column that [`Orphan`] is made of, in its order.
macro_rules! orphan_columns {
    () => {
        "id, provider, reference, order_id, event_id, event_type, status, amount, currency, \
         livemode, first_seen_at, last_seen_at, resolved_at, resolution, transaction_id"
    };
}
pub(super) use orphan_columns;

impl Orphan {
    pub(super) fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::of(row);
        Ok(Self {
            id: columns.value()?,
            provider: columns.parsed("provider", Provider::parse)?,
            reference: columns.value()?,
            order_id: columns.value()?,
            event_id: columns.value()?,
            event_type: columns.value()?,
            status: columns.parsed("status", Status::parse)?,
            amount: columns.value()?,
            currency: columns.value()?,
            livemode: columns.value()?,
            first_seen_at: columns.instant()?,
            last_seen_at: columns.instant()?,
            resolved_at: columns.optional_instant()?,
            resolution: columns.value()?,
            transaction_id: columns.value()?,
        })
    }
}

/// Makes or updates the row of an orphan from all its facts. It names the latest event of the
/// payment, whichever came first.
pub(super) fn refresh(
    connection: &Connection,
    id: i64,
    realm: Realm,
    webhook: &Webhook,
) -> Result<Status, StoreError> {
    let facts = facts::of(connection, id)?;
    let state = fold(realm.provider, Expected::default(), facts.iter().map(|stored| &stored.fact));
    let mut references = Vec::new();
    for stored in &facts {
        references.extend(stored.references()?);
    }
    let order_id = references.iter().find(|known| known.kind == ReferenceKind::OrderId);
    let asked = facts.iter().rev().find_map(|stored| stored.fact.amount);
    let amount = if state.amount_received > 0 {
        Some(state.amount_received)
    } else {
        asked.map(|amount| amount.minor)
    };
    let currency = state.currency.or_else(|| asked.map(|amount| amount.currency));
    connection
        .prepare_cached(
            "INSERT INTO orphan_transactions
                 (id, provider, reference, order_id, event_id, event_type, status, amount,
                  currency, livemode, first_seen_at, last_seen_at)
             VALUES
                 (:id, :provider, :reference, :order_id, :event_id, :event_type, :status, :amount,
                  :currency, :livemode, :now, :now)
             ON CONFLICT (id) DO UPDATE SET
                 reference = excluded.reference, order_id = excluded.order_id,
                 event_id = excluded.event_id, event_type = excluded.event_type,
                 status = excluded.status, amount = excluded.amount,
                 currency = excluded.currency, last_seen_at = excluded.last_seen_at",
        )?
        .execute(named_params! {
            ":id": id,
            ":provider": realm.provider.as_str(),
            ":reference": best(&references).map_or("", |reference| &*reference.value),
            ":order_id": order_id.map(|reference| &*reference.value),
            ":event_id": &*webhook.event.id,
            ":event_type": &*webhook.event.event_type,
            ":status": state.status.as_str(),
            ":amount": amount,
            ":currency": currency.as_ref().map(Currency::as_str),
            ":livemode": realm.livemode,
            ":now": webhook.received_at.to_string(),
        })?;
    Ok(state.status)
}

/// Notes that an orphan turned out to belong to a transaction.
pub(super) fn matched(
    connection: &Connection,
    id: i64,
    transaction_id: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE orphan_transactions
             SET resolved_at = :now, resolution = 'matched', transaction_id = :transaction_id
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id,
            ":transaction_id": transaction_id,
            ":now": now.to_string(),
        })?;
    Ok(())
}

/// Removes the row of an orphan whose facts went to an older orphan: they are one payment.
pub(super) fn merged(connection: &Connection, id: i64, into: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE orphan_transactions
             SET first_seen_at = min(first_seen_at,
                                     (SELECT first_seen_at FROM orphan_transactions WHERE id = :id))
             WHERE id = :into",
        )?
        .execute(named_params! { ":id": id, ":into": into })?;
    connection
        .prepare_cached("DELETE FROM orphan_transactions WHERE id = :id")?
        .execute(named_params! { ":id": id })?;
    Ok(())
}

/// The id by which a person would look the payment up at the provider.
fn best(references: &[Reference]) -> Option<&Reference> {
    use ReferenceKind::{
        Capture, Charge, CheckoutSession, Dispute, Invoice, Order, Payment, PaymentIntent, Refund,
        Sale,
    };
    [
        PaymentIntent,
        Order,
        Payment,
        CheckoutSession,
        Charge,
        Capture,
        Sale,
        Invoice,
        Refund,
        Dispute,
    ]
    .iter()
    .find_map(|kind| references.iter().find(|reference| reference.kind == *kind))
    .or_else(|| references.first())
}
