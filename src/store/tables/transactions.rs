//! `transactions`: what the shop expects, and what became of it.

use rusqlite::{Connection, named_params};

use super::changes;
use super::rows::{Columns, Record, first, insert, one, record, select};
use crate::domain::change;
use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::records::{Change, NewTransaction, OfSubscription, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{Expected, State, fold};
use crate::store::error::StoreError;
use crate::store::tables::facts::StoredFact;

record! { Transaction, transaction_columns {
    id, provider, reference, order_id, expected = "amount, currency, partial",
    state = "status, amount_received, amount_refunded, received_currency, dispute_status, \
             amount_check, status_changed_at, other_money, doubtful",
    livemode, created_at, updated_at, version, latest_log_id, metadata, closed_at,
    made, merged_into, period = "period_start, period_end", after_end,
    subscription = "subscription_id,
                    (SELECT reference FROM subscriptions AS of_it WHERE of_it.id = subscription_id),
                    (SELECT own_id FROM subscriptions AS of_it WHERE of_it.id = subscription_id),
                    (SELECT ended_at FROM subscriptions AS of_it WHERE of_it.id = subscription_id)"
} }

record! { Expected { amount, currency, partial } }

/// Of one that is none the columns are NULL.
impl Record for Option<OfSubscription> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (id, reference): (Option<_>, Option<_>) = columns.next()?;
        let (own_id, ended_at) = columns.next()?;
        let named = id.zip(reference);
        Ok(named.map(|(id, reference)| OfSubscription { id, reference, own_id, ended_at }))
    }
}

/// The id of the latest event is not kept.
impl Record for State {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            status: columns.next()?,
            amount_received: columns.next()?,
            amount_refunded: columns.next()?,
            currency: columns.next()?,
            dispute_status: columns.next()?,
            amount_check: columns.next()?,
            status_changed_at: Some(columns.next()?),
            latest_event_id: None,
            other_money: columns.next()?,
            doubtful: columns.next()?,
        })
    }
}

record! { Change, change_columns {
    version = "transaction_changes.version", change, status = "transaction_changes.status",
    amount_received = "transaction_changes.amount_received",
    amount_refunded = "transaction_changes.amount_refunded",
    dispute_status = "transaction_changes.dispute_status",
    amount_check = "transaction_changes.amount_check",
    other_money = "transaction_changes.other_money", doubtful = "transaction_changes.doubtful",
    changed_at, event = "event_id, event_type"
} }

/// The id and the type of an event, where there is one.
impl Record for Option<(String, String)> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (id, event_type): (Option<_>, Option<_>) = columns.next()?;
        Ok(id.zip(event_type))
    }
}

/// The transaction with this id.
pub(crate) fn get(connection: &Connection, id: i64) -> Result<Option<Transaction>, StoreError> {
    let sql = select!(transaction_columns, " FROM transactions WHERE id = :id");
    first(connection, sql, named_params! { ":id": id })
}

/// Whether a transaction has this id; it may be an orphan's.
pub(crate) fn exists(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM transactions WHERE id = :id")?
        .exists(named_params! { ":id": id })
}

/// The transaction that was registered with this reference.
pub(crate) fn registered(
    connection: &Connection,
    provider: Provider,
    livemode: bool,
    reference: &str,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM transactions
         WHERE provider = :provider AND livemode = :livemode AND reference = :reference";
    let parameters = named_params! {
        ":provider": provider.as_str(),
        ":livemode": livemode,
        ":reference": reference,
    };
    first(connection, sql, parameters)
}

/// An id that neither a transaction nor an orphan has.
pub(crate) fn next_id(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT max(ifnull((SELECT max(id) FROM transactions), 0),
                    ifnull((SELECT max(id) FROM orphan_transactions), 0)) + 1";
    one(connection, sql, [])
}

/// Adds a transaction in the state that follows from no facts, as version 1. `made_for`: the subscription
/// that payhookd makes it for, and the event that led to that.
pub(crate) fn insert(
    connection: &Connection,
    id: i64,
    new: &NewTransaction,
    made_for: Option<(i64, Option<i64>)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = fold(new.provider, new.expected, []);
    insert! {
        connection, "transactions";
        id: id,
        provider: new.provider.as_str(),
        reference: &*new.reference.value,
        order_id: new.order_id,
        amount: new.expected.amount,
        currency: new.expected.currency.as_ref().map(Currency::as_str),
        partial: new.expected.partial,
        status: state.status.as_str(),
        amount_received: 0,
        amount_refunded: 0,
        dispute_status: state.dispute_status.as_str(),
        amount_check: state.amount_check.as_str(),
        livemode: new.livemode,
        status_changed_at: now.to_string(),
        created_at: now.to_string(),
        updated_at: now.to_string(),
        version: 1,
        metadata: new.metadata,
        subscription_id: made_for.map(|(subscription, _)| subscription),
        made: made_for.is_some(),
    }?;
    let kind = change::kind(None, &state).unwrap_or_default();
    let cause = made_for.and_then(|(_, cause)| cause);
    changes::insert(connection, id, 1, kind, &state, cause, now)?;
    Ok(())
}

/// Lets a transaction that was made for a subscription be what the shop registers now.
pub(crate) fn claim(
    connection: &Connection,
    id: i64,
    new: &NewTransaction,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE transactions
             SET made = 0, merged_into = NULL, order_id = :order_id, amount = :amount, currency = :currency,
                 partial = :partial, metadata = :metadata
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id,
            ":order_id": new.order_id,
            ":amount": new.expected.amount,
            ":currency": new.expected.currency.as_ref().map(Currency::as_str),
            ":partial": new.expected.partial,
            ":metadata": new.metadata,
        })?;
    Ok(())
}

/// Notes which transaction a made one turned out to be, or that it is one of its own again.
pub(crate) fn merge(connection: &Connection, id: i64, into: Option<i64>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE transactions SET merged_into = :into WHERE id = :id")?
        .execute(named_params! { ":id": id, ":into": into })?;
    Ok(())
}

/// Notes of which subscription a transaction is a payment.
pub(crate) fn set_subscription(
    connection: &Connection,
    id: i64,
    subscription: Option<i64>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE transactions SET subscription_id = :subscription WHERE id = :id")?
        .execute(named_params! { ":id": id, ":subscription": subscription })?;
    Ok(())
}

/// What is to be saved of the state that follows from all facts of a transaction, and the event with the
/// provider's newest object.
pub(crate) fn folded(transaction: &Transaction, facts: &[StoredFact]) -> (State, Option<i64>) {
    let facts_alone = facts.iter().map(|stored| &stored.fact);
    let state = fold(transaction.provider, transaction.expected, facts_alone);
    let latest_log_id = facts
        .iter()
        .find(|stored| Some(&stored.fact.event_id) == state.latest_event_id.as_ref())
        .map(|stored| stored.log_id);
    let received_currency = state.currency.filter(|_| state.amount_received > 0);
    (State { currency: received_currency, ..state }, latest_log_id)
}
