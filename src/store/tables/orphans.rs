//! `orphan_transactions`: its columns and rows.

use rusqlite::{Connection, named_params};

use super::rows::{Columns, Record, first, record, select};
use crate::domain::records::{Orphan, Outcome, WebhookLog};
use crate::store::error::StoreError;
use crate::store::tables::facts;

record! { Orphan, orphan_columns {
    id, provider, account, kind, about, candidates, reference, order_id, subscription, event_id, event_type,
    status, amount, currency, livemode, first_seen_at, last_seen_at, alert_at, resolved_at, resolution, resolved_by,
    transaction_id, note
} }

/// The transactions that an orphan may belong to.
impl Record for Vec<i64> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let candidates = columns.parsed("candidates", |text| serde_json::from_str(text).ok())?;
        Ok(candidates.unwrap_or_default())
    }
}

/// The orphan with this id.
pub(crate) fn get(connection: &Connection, id: i64) -> Result<Option<Orphan>, StoreError> {
    let sql = select!(orphan_columns, " FROM orphan_transactions WHERE id = :id");
    first(connection, sql, named_params! { ":id": id })
}

/// Whether a person said that an orphan is another's: that holds whatever its events say.
pub(crate) fn is_disowned(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM orphan_transactions
             WHERE id = :id AND kind = 'foreign' AND resolution = 'dismissed'
               AND resolved_by = 'person'",
        )?
        .exists(named_params! { ":id": id })
}

/// The orphan that holds this event, if one does. Of an event whose outcome is another none does.
pub(crate) fn holding(
    connection: &Connection,
    log: &WebhookLog,
) -> Result<Option<i64>, StoreError> {
    if log.status != Outcome::Orphan {
        return Ok(None);
    }
    Ok(facts::holders(connection, log.id)?.first().copied())
}
