//! `paypal_transmissions`: each genuine transmission, and what body it carried.

use rusqlite::{Connection, named_params};

use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::rows::{execute, first, insert, record};

/// What is known of a transmission.
pub(crate) struct KnownTransmission {
    /// The hash of its body.
    pub(crate) payload_sha256: [u8; 32],
    /// The event that it carried; `None` if its body was refused.
    pub(crate) log_id: Option<i64>,
}

/// What is known of this transmission, if it came before.
pub(crate) fn known(
    connection: &Connection,
    id: &str,
) -> Result<Option<KnownTransmission>, StoreError> {
    let sql = "SELECT payload_sha256, log_id FROM paypal_transmissions WHERE transmission_id = :id";
    first(connection, sql, named_params! { ":id": id })
}

record! { KnownTransmission { payload_sha256, log_id } }

/// Remembers what body this transmission carried, and which event that was, unless that is known.
pub(crate) fn remember(
    connection: &Connection,
    id: &str,
    payload_sha256: [u8; 32],
    log_id: Option<i64>,
    received_at: Timestamp,
) -> rusqlite::Result<()> {
    insert! {
        connection, "paypal_transmissions", " ON CONFLICT (transmission_id) DO NOTHING";
        transmission_id: id,
        payload_sha256: payload_sha256,
        log_id: log_id,
        received_at: received_at.to_string(),
    }?;
    Ok(())
}

/// Forgets those that carried this event: with another body than PayPal says.
pub(crate) fn forget_of(connection: &Connection, log_id: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM paypal_transmissions WHERE log_id = :log_id";
    execute(connection, sql, named_params! { ":log_id": log_id })?;
    Ok(())
}

/// Removes some of those that came before; the others are removed the next time.
pub(crate) fn remove_old(connection: &Connection, before: Timestamp) -> rusqlite::Result<()> {
    let sql = "DELETE FROM paypal_transmissions WHERE transmission_id IN
                 (SELECT transmission_id FROM paypal_transmissions WHERE received_at < :before
                  ORDER BY received_at LIMIT :limit)";
    execute(
        connection,
        sql,
        named_params! { ":before": before.to_string(), ":limit": REMOVED_AT_ONCE },
    )?;
    Ok(())
}

/// A few milliseconds of work.
const REMOVED_AT_ONCE: i64 = 1_000;

impl Batch<'_> {
    /// Remembers what body a genuine transmission of PayPal's carried that was refused.
    pub(crate) fn remember_refused(
        &self,
        transmission_id: &str,
        payload_sha256: [u8; 32],
        received_at: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(remember(self.connection, transmission_id, payload_sha256, None, received_at)?)
    }
}
