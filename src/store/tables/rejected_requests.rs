//! `rejected_requests`: a bounded sample of what was refused.

use rusqlite::{Connection, named_params};

use super::rows::{execute, insert};
use crate::domain::records::RejectedRequest;

/// The table keeps the latest this many rows.
const KEPT: i64 = 1_000;

pub(crate) fn insert(connection: &Connection, request: &RejectedRequest) -> rusqlite::Result<()> {
    insert! {
        connection, "rejected_requests";
        received_at: request.received_at.to_string(),
        provider: request.provider.as_str(),
        reason: request.reason.as_str(),
        payload_bytes: i64::try_from(request.payload_bytes).unwrap_or(i64::MAX),
        user_agent: request.user_agent,
    }?;
    let sql = "DELETE FROM rejected_requests WHERE id <= :last";
    execute(connection, sql, named_params! { ":last": connection.last_insert_rowid() - KEPT })?;
    Ok(())
}
