//! `deliveries`: the notifications that are owed.

use rusqlite::{Connection, named_params};

use super::rows::{execute, one, record};
use crate::domain::records::Delivery;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

/// Every column that [`Delivery`] is made of, and its tables.
macro_rules! select_deliveries {
    () => {
        "SELECT d.id, d.message_id, d.transaction_id, c.version, c.change, c.changed_at, d.status,
                d.attempts, d.next_attempt_at, d.last_error, d.finished_at
         FROM deliveries d JOIN transaction_changes c ON c.id = d.change_id "
    };
}

pub(crate) use select_deliveries;

record! { Delivery {
    id, message_id, transaction_id, version, change, changed_at, status, attempts, next_attempt_at,
    last_error, finished_at
} }

/// Owes the app word of a change, if an app is to be told: the daemon said so in this database, so
/// what a command commits is told as well.
pub(crate) fn owe(
    connection: &Connection,
    change_id: i64,
    transaction_id: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO deliveries
                 (message_id, change_id, transaction_id, status, attempts, attempts_before,
                  next_attempt_at)
             SELECT 'msg_' || lower(hex(randomblob(16))), :change_id, :transaction_id, 'pending', 0, 0,
                    CASE WHEN EXISTS (SELECT 1 FROM deliveries
                                      WHERE transaction_id = :transaction_id AND status = 'pending')
                         THEN NULL ELSE :now END
             FROM daemon WHERE notifies";
    let parameters = named_params! {
        ":change_id": change_id,
        ":transaction_id": transaction_id,
        ":now": now.to_string(),
    };
    execute(connection, sql, parameters)?;
    Ok(())
}

/// Lets the earliest pending delivery of a transaction have the turn, and no other.
pub(crate) fn give_turn(
    connection: &Connection,
    transaction_id: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(earliest) = earliest_pending(connection, transaction_id)? else { return Ok(()) };
    let sql = "UPDATE deliveries SET next_attempt_at = NULL
             WHERE transaction_id = :transaction_id AND status = 'pending'
                 AND id <> :earliest AND next_attempt_at IS NOT NULL";
    execute(
        connection,
        sql,
        named_params! { ":transaction_id": transaction_id, ":earliest": earliest },
    )?;
    let sql = "UPDATE deliveries SET next_attempt_at = :now
             WHERE id = :earliest AND next_attempt_at IS NULL";
    execute(connection, sql, named_params! { ":earliest": earliest, ":now": now.to_string() })?;
    Ok(())
}

pub(crate) fn earliest_pending(
    connection: &Connection,
    transaction_id: i64,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT min(id) FROM deliveries
         WHERE transaction_id = :transaction_id AND status = 'pending'";
    one(connection, sql, named_params! { ":transaction_id": transaction_id })
}
