//! `rejected_requests`: a bounded sample of what was refused.

use rusqlite::{Connection, named_params};

use crate::domain::event::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// A request that was refused. Nothing of its content is kept: it may be anything.
#[derive(Clone, Debug)]
pub struct RejectedRequest {
    /// When it came, UTC.
    pub received_at: Timestamp,
    /// Whose endpoint it came to.
    pub provider: Provider,
    /// Why it was refused.
    pub reason: Refusal,
    /// The size of its body.
    pub payload_bytes: usize,
    /// Its `User-Agent`, at most [`USER_AGENT_CHARS`] characters.
    pub user_agent: Option<String>,
}

/// As much of a `User-Agent` as is kept.
pub const USER_AGENT_CHARS: usize = 200;

/// The table keeps the latest this many rows.
const KEPT: i64 = 1_000;

pub(in crate::store) fn insert(
    connection: &Connection,
    request: &RejectedRequest,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO rejected_requests
                 (received_at, provider, reason, payload_bytes, user_agent)
             VALUES (:received_at, :provider, :reason, :payload_bytes, :user_agent)",
        )?
        .execute(named_params! {
            ":received_at": request.received_at.to_string(),
            ":provider": request.provider.as_str(),
            ":reason": request.reason.as_str(),
            ":payload_bytes": i64::try_from(request.payload_bytes).unwrap_or(i64::MAX),
            ":user_agent": request.user_agent,
        })?;
    connection
        .prepare_cached("DELETE FROM rejected_requests WHERE id <= :last")?
        .execute(named_params! { ":last": connection.last_insert_rowid() - KEPT })?;
    Ok(())
}
