//! `orphan_transactions`: its columns and rows.

use rusqlite::{Connection, Row, named_params};

use super::rows::{Columns, all};
use crate::domain::orphan::OrphanKind;
use crate::domain::provider::Provider;
use crate::domain::records::{By, Orphan, Outcome, Resolution, WebhookLog};
use crate::domain::transaction::Status;
use crate::store::error::StoreError;
use crate::store::tables::facts;

/// Every column that [`Orphan`] is made of, in its order.
macro_rules! orphan_columns {
    () => {
        "id, provider, account, kind, candidates, reference, order_id, event_id, event_type, status, amount, currency, \
         livemode, first_seen_at, last_seen_at, alert_at, resolved_at, resolution, resolved_by, \
         transaction_id, note"
    };
}

pub(crate) use orphan_columns;

impl Orphan {
    pub(crate) fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::of(row);
        Ok(Self {
            id: columns.value()?,
            provider: columns.parsed("provider", Provider::parse)?,
            account: columns.value()?,
            kind: columns.parsed("orphan kind", OrphanKind::parse)?,
            candidates: columns
                .optional("candidates", |text| serde_json::from_str(text).ok())?
                .unwrap_or_default(),
            reference: columns.value()?,
            order_id: columns.value()?,
            event_id: columns.value()?,
            event_type: columns.value()?,
            status: columns.optional("status", Status::parse)?,
            amount: columns.value()?,
            currency: columns.value()?,
            livemode: columns.value()?,
            first_seen_at: columns.instant()?,
            last_seen_at: columns.instant()?,
            alert_at: columns.optional_instant()?,
            resolved_at: columns.optional_instant()?,
            resolution: columns.optional("resolution", Resolution::parse)?,
            resolved_by: columns.optional("resolver", By::parse)?,
            transaction_id: columns.value()?,
            note: columns.value()?,
        })
    }
}

/// The orphan with this id.
pub(crate) fn get(connection: &Connection, id: i64) -> Result<Option<Orphan>, StoreError> {
    let sql = concat!("SELECT ", orphan_columns!(), " FROM orphan_transactions WHERE id = :id");
    Ok(all(connection, sql, named_params! { ":id": id }, Orphan::from_row)?.pop())
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
pub(crate) fn holding(connection: &Connection, log: &WebhookLog) -> rusqlite::Result<Option<i64>> {
    if log.status != Outcome::Orphan {
        return Ok(None);
    }
    Ok(facts::holders(connection, log.id)?.first().copied())
}
