//! `transactions`: what the shop expects, and what became of it.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::rows::{Columns, all};
use super::{changes, other_money};
use crate::domain::change;
use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::records::{Change, NewTransaction, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Expected, State, Status, fold};
use crate::store::error::StoreError;
use crate::store::tables::facts::StoredFact;

/// Every column that [`Transaction`] is made of, in its order.
macro_rules! transaction_columns {
    () => {
        "id, provider, reference, order_id, amount, currency, partial, status, amount_received, \
         amount_refunded, received_currency, dispute_status, amount_check, status_changed_at, \
         other_money, doubtful, livemode, created_at, updated_at, version, latest_log_id, metadata, \
         closed_at"
    };
}
pub(crate) use transaction_columns;

impl Transaction {
    pub(crate) fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let currency = |text: &str| Currency::parse(text).ok();
        let mut columns = Columns::of(row);
        Ok(Self {
            id: columns.value()?,
            provider: columns.parsed("provider", Provider::parse)?,
            reference: columns.value()?,
            order_id: columns.value()?,
            expected: Expected {
                amount: columns.value()?,
                currency: columns.optional("currency", currency)?,
                partial: columns.value()?,
            },
            state: State {
                status: columns.parsed("status", Status::parse)?,
                amount_received: columns.value()?,
                amount_refunded: columns.value()?,
                currency: columns.optional("currency", currency)?,
                dispute_status: columns.parsed("dispute status", DisputeStatus::parse)?,
                amount_check: columns.parsed("amount check", AmountCheck::parse)?,
                status_changed_at: Some(columns.instant()?),
                latest_event_id: None,
                other_money: other_money::column(&mut columns)?,
                doubtful: columns.value()?,
            },
            livemode: columns.value()?,
            created_at: columns.instant()?,
            updated_at: columns.instant()?,
            version: columns.value()?,
            latest_log_id: columns.value()?,
            metadata: columns.value()?,
            closed_at: columns.optional_instant()?,
        })
    }
}

/// Every column that [`Change`] is made of, in its order.
macro_rules! change_columns {
    () => {
        "transaction_changes.version, change, transaction_changes.status, \
         transaction_changes.amount_received, transaction_changes.amount_refunded, \
         transaction_changes.dispute_status, transaction_changes.amount_check, \
         transaction_changes.other_money, transaction_changes.doubtful, changed_at, event_id, event_type"
    };
}
pub(crate) use change_columns;

impl Change {
    pub(crate) fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Self::from_columns(&mut Columns::of(row))
    }

    /// The next columns of a row, which may have more.
    pub(crate) fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            version: columns.value()?,
            change: columns.value()?,
            status: columns.parsed("status", Status::parse)?,
            amount_received: columns.value()?,
            amount_refunded: columns.value()?,
            dispute_status: columns.parsed("dispute status", DisputeStatus::parse)?,
            amount_check: columns.parsed("amount check", AmountCheck::parse)?,
            other_money: other_money::column(columns)?,
            doubtful: columns.value()?,
            changed_at: columns.instant()?,
            event: columns.value::<Option<String>>()?.zip(columns.value()?),
        })
    }
}

/// The transaction with this id.
pub(crate) fn get(connection: &Connection, id: i64) -> Result<Option<Transaction>, StoreError> {
    let sql = concat!("SELECT ", transaction_columns!(), " FROM transactions WHERE id = :id");
    Ok(all(connection, sql, named_params! { ":id": id }, Transaction::from_row)?.pop())
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
    new: &NewTransaction,
) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM transactions
             WHERE provider = :provider AND livemode = :livemode AND reference = :reference",
        )?
        .query_row(
            named_params! {
                ":provider": new.provider.as_str(),
                ":livemode": new.livemode,
                ":reference": &*new.reference.value,
            },
            |row| row.get("id"),
        )
        .optional()?)
}

/// An id that neither a transaction nor an orphan has.
pub(crate) fn next_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT max(ifnull((SELECT max(id) FROM transactions), 0),
                        ifnull((SELECT max(id) FROM orphan_transactions), 0)) + 1 AS id",
        )?
        .query_row([], |row| row.get("id"))
}

/// Adds a transaction in the state that follows from no facts, as version 1.
pub(crate) fn insert(
    connection: &Connection,
    id: i64,
    new: &NewTransaction,
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = fold(new.provider, new.expected, []);
    connection
        .prepare_cached(
            "INSERT INTO transactions
                 (id, provider, reference, order_id, amount, currency, partial, status, amount_received,
                  amount_refunded, received_currency, dispute_status, amount_check, livemode,
                  status_changed_at, created_at, updated_at, version, latest_log_id, metadata)
             VALUES
                 (:id, :provider, :reference, :order_id, :amount, :currency, :partial, :status, 0, 0, NULL,
                  :dispute_status, :amount_check, :livemode, :now, :now, :now, 1, NULL, :metadata)",
        )?
        .execute(named_params! {
            ":id": id,
            ":provider": new.provider.as_str(),
            ":reference": &*new.reference.value,
            ":order_id": new.order_id,
            ":amount": new.expected.amount,
            ":currency": new.expected.currency.as_ref().map(Currency::as_str),
            ":partial": new.expected.partial,
            ":status": state.status.as_str(),
            ":dispute_status": state.dispute_status.as_str(),
            ":amount_check": state.amount_check.as_str(),
            ":livemode": new.livemode,
            ":now": now.to_string(),
            ":metadata": new.metadata,
        })?;
    let kind = change::kind(None, &state).unwrap_or_default();
    changes::insert(connection, id, 1, kind, &state, None, now)?;
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
