//! Issues that have been over for long are removed, with what people were told of them.

use rusqlite::{Connection, named_params};

use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::rows::{all, one};

/// Issues in one step of pruning: as many as can be removed within a few milliseconds.
const AT_ONCE: i64 = 64;

/// Which issues are removed, and in which order. Never the newest: its id would be given to another one.
/// Nor what somebody is still to be told.
macro_rules! over_before {
    () => {
        "FROM issues INDEXED BY issues_over
         WHERE closed_at IS NOT NULL AND closed_at < :before
           AND id <> (SELECT max(id) FROM issues)
           AND NOT EXISTS (SELECT 1 FROM alerts
                           WHERE issue_id = issues.id AND next_attempt_at IS NOT NULL)"
    };
}

/// How many issues were over before then and are not needed.
pub(crate) fn count_over(connection: &Connection, before: Timestamp) -> Result<u64, StoreError> {
    let sql = concat!("SELECT count(*) ", over_before!());
    let over: i64 = one(connection, sql, named_params! { ":before": before.to_string() })?;
    Ok(over.unsigned_abs())
}

/// Removes some of them with what was told of them; how many.
pub(crate) fn remove_over(connection: &Connection, before: Timestamp) -> Result<u64, StoreError> {
    let sql = concat!("SELECT id ", over_before!(), " ORDER BY closed_at LIMIT :limit");
    let parameters = named_params! { ":before": before.to_string(), ":limit": AT_ONCE };
    let ids: Vec<i64> = all(connection, sql, parameters)?;
    let mut alerts = connection.prepare_cached("DELETE FROM alerts WHERE issue_id = :id")?;
    let mut issue = connection.prepare_cached("DELETE FROM issues WHERE id = :id")?;
    for id in &ids {
        alerts.execute(named_params! { ":id": id })?;
        issue.execute(named_params! { ":id": id })?;
    }
    Ok(ids.len() as u64)
}
