//! `transaction_changes`: one row for each version of each transaction.

use rusqlite::Connection;

use super::other_money;
use super::rows::insert;
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;
use crate::domain::transaction::State;

/// Notes that a transaction now stands at `version`, and what caused it: an event, or the shop. If
/// an app is to be told, so is this.
pub(crate) fn insert(
    connection: &Connection,
    transaction_id: i64,
    version: i64,
    change: &str,
    state: &State,
    log_id: Option<i64>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let received_currency = state.currency.filter(|_| state.amount_received > 0);
    insert! {
        connection, "transaction_changes";
        transaction_id: transaction_id,
        version: version,
        change: change,
        status: state.status.as_str(),
        amount_received: state.amount_received,
        amount_refunded: state.amount_refunded,
        dispute_status: state.dispute_status.as_str(),
        amount_check: state.amount_check.as_str(),
        other_money: other_money::text(&state.other_money),
        doubtful: state.doubtful,
        received_currency: received_currency.as_ref().map(Currency::as_str),
        status_changed_at: state.status_changed_at.map(|at| at.to_string()),
        log_id: log_id,
        changed_at: now.to_string(),
    }?;
    super::outbox::owe(connection, connection.last_insert_rowid(), transaction_id, now)
}
