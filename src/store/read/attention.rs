//! What the lookout asks for: rows that say by themselves that something is wrong.

use std::collections::BTreeMap;

use rusqlite::{Connection, named_params};

use super::reader::Reader;
use crate::domain::fact::FactState;
use crate::domain::provider::Provider;
use crate::domain::records::Transaction;
use crate::domain::silence::hour_of;
use crate::domain::time::Timestamp;
use crate::providers::deadline;
use crate::store::error::StoreError;
use crate::store::tables::rows::{Record, all, select};
use crate::store::tables::transactions::transaction_columns;

impl Reader {
    /// How many events of a provider and mode were received in each hour since then that had some, by
    /// the number of the hour since 1970.
    pub fn events_by_hour(
        &self,
        provider: Provider,
        livemode: bool,
        since: Timestamp,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        let sql = "SELECT substr(received_at, 1, 13) || ':00:00Z', count(*)
             FROM webhook_logs INDEXED BY webhook_logs_listing
             WHERE provider = :provider AND livemode = :livemode AND received_at >= :since
             GROUP BY 1";
        let parameters = named_params! {
            ":provider": provider.as_str(),
            ":livemode": livemode,
            ":since": since.to_string(),
        };
        let mut hours = BTreeMap::new();
        for (hour, events) in all::<(Timestamp, i64)>(&self.connection, sql, parameters)? {
            *hours.entry(hour_of(hour)).or_insert(0) += events.unsigned_abs();
        }
        Ok(hours.into_iter().collect())
    }

    /// PayPal's orders that were approved between two instants and wait to be captured, oldest first.
    pub fn approved_orders(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Transaction>, StoreError> {
        let sql = select!(
            transaction_columns,
            " FROM transactions
              WHERE provider = 'paypal' AND status = 'requires_action'
                AND status_changed_at BETWEEN :from AND :until AND closed_at IS NULL
                AND EXISTS (SELECT 1 FROM transaction_events
                            WHERE transaction_id = transactions.id AND fact = :approved)
              ORDER BY status_changed_at LIMIT 100"
        );
        let parameters = named_params! {
            ":from": from.to_string(),
            ":until": until.to_string(),
            ":approved": FactState::Approved.as_str(),
        };
        all(&self.connection, sql, parameters)
    }

    /// Until when the dispute about a transaction can be answered, if its newest event that says so is
    /// still whole.
    pub fn answer_due(&self, transaction_id: i64) -> Result<Option<Timestamp>, StoreError> {
        answer_due(&self.connection, transaction_id)
    }
}

pub(crate) fn answer_due(
    connection: &Connection,
    transaction_id: i64,
) -> Result<Option<Timestamp>, StoreError> {
    newest_said(connection, transaction_id, Some("dispute"), deadline::answer_due)
}

/// What the newest event of a transaction says that says it, about objects of a kind or about any: one that says
/// less than those before it takes nothing back.
pub(crate) fn newest_said(
    connection: &Connection,
    transaction_id: i64,
    object: Option<&str>,
    said: fn(Provider, &str) -> Option<Timestamp>,
) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT provider, payload FROM webhook_logs
         WHERE id IN (SELECT log_id FROM transaction_events
                      WHERE transaction_id = :id AND (:object IS NULL OR object = :object))
           AND payload IS NOT NULL
         ORDER BY id DESC",
    )?;
    let mut rows = statement.query(named_params! { ":id": transaction_id, ":object": object })?;
    while let Some(row) = rows.next()? {
        let (provider, payload): (_, String) = Record::of(row)?;
        if let Some(due) = said(provider, &payload) {
            return Ok(Some(due));
        }
    }
    Ok(None)
}
