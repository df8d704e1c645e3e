//! `delivery_attempts`: a bounded record of what the shop's app answered.

use rusqlite::{Connection, named_params};

use super::rows::{all, execute, insert, record};
use crate::domain::delivery::NoAnswer;
use crate::domain::records::{Attempt, StoredAttempt};
use crate::store::error::StoreError;

/// The table keeps the latest this many rows, of all deliveries together; a row is about 1 KiB at most.
const KEPT: i64 = 10_000;

record! { StoredAttempt { attempt, attempted_at, status_code, error, latency_ms, answer } }

/// Keeps an attempt as the delivery's `number`th.
pub(crate) fn insert(
    connection: &Connection,
    attempt: &Attempt,
    number: i64,
) -> rusqlite::Result<()> {
    insert! {
        connection, "delivery_attempts";
        delivery_id: attempt.delivery_id,
        attempt: number,
        attempted_at: attempt.attempted_at.to_string(),
        status_code: attempt.code.ok(),
        error: attempt.code.err().map(NoAnswer::as_str),
        latency_ms: i64::try_from(attempt.latency.as_millis()).unwrap_or(i64::MAX),
        answer: attempt.answer,
    }?;
    let sql = "DELETE FROM delivery_attempts WHERE id <= :last";
    execute(connection, sql, named_params! { ":last": connection.last_insert_rowid() - KEPT })?;
    Ok(())
}

/// The attempts at a delivery that are still kept, oldest first.
pub(crate) fn of(
    connection: &Connection,
    delivery_id: i64,
) -> Result<Vec<StoredAttempt>, StoreError> {
    let sql = "SELECT attempt, attempted_at, status_code, error, latency_ms, answer
         FROM delivery_attempts WHERE delivery_id = :delivery_id ORDER BY attempt";
    all(connection, sql, named_params! { ":delivery_id": delivery_id })
}
