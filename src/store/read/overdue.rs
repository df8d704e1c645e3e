//! What waits for the provider or the shop for longer than it should.

use rusqlite::named_params;

use super::families::Due;
use super::reader::Reader;
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::records::{LapsingAuthorization, StuckRefund, Transaction};
use crate::domain::time::Timestamp;
use crate::providers::deadline;
use crate::store::error::StoreError;
use crate::store::tables::rows::{all, first, select};
use crate::store::tables::transactions::transaction_columns;

/// Refunds of a provider that are under way since before an instant, oldest first.
impl Due for StuckRefund {
    type Whose<'w> = Provider;

    fn due(
        reader: &Reader,
        provider: Provider,
        before: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let sql = "SELECT transaction_id, object_id, amount, currency, min(occurred_at)
             FROM transaction_events AS told INDEXED BY transaction_events_refund_pending
             WHERE fact = 'refund_pending' AND occurred_at <= :before
               AND EXISTS (SELECT 1 FROM transactions
                           WHERE id = told.transaction_id AND provider = :provider)
               AND NOT EXISTS (SELECT 1 FROM transaction_events AS later
                               WHERE later.transaction_id = told.transaction_id
                                 AND later.object_id = told.object_id
                                 AND later.fact IN
                                     ('refund_succeeded', 'refund_failed', 'refund_canceled'))
             GROUP BY transaction_id, object_id ORDER BY 5 LIMIT :limit";
        let parameters = named_params! {
            ":provider": provider.as_str(),
            ":before": before.to_string(),
            ":limit": limit,
        };
        type Row = (i64, String, Option<i64>, Option<Currency>, Timestamp);
        let mut stuck = Vec::new();
        for (id, refund_id, amount, currency, since) in
            all::<Row>(&reader.connection, sql, parameters)?
        {
            let Some(transaction) = reader.get::<Transaction>(id)? else { continue };
            let money = amount.zip(currency).map(|(minor, currency)| Money { minor, currency });
            stuck.push(Self { transaction, refund_id, money, since });
        }
        Ok((stuck, None))
    }
}

/// Payments of a provider that were authorized before an instant and are not captured, oldest first.
impl Due for LapsingAuthorization {
    type Whose<'w> = (Provider, bool);

    fn due(
        reader: &Reader,
        (provider, livemode): (Provider, bool),
        before: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let sql = select!(
            transaction_columns,
            " FROM transactions
              WHERE status = 'authorized' AND status_changed_at <= :before AND provider = :provider
                AND livemode = :livemode AND closed_at IS NULL
              ORDER BY status_changed_at LIMIT :limit"
        );
        let parameters = named_params! {
            ":provider": provider.as_str(),
            ":livemode": livemode,
            ":before": before.to_string(),
            ":limit": limit,
        };
        let mut lapsing = Vec::new();
        for transaction in all::<Transaction>(&reader.connection, sql, parameters)? {
            let payload = "SELECT payload FROM webhook_logs WHERE id = :id AND payload IS NOT NULL";
            let latest = named_params! { ":id": transaction.latest_log_id };
            let payload: Option<String> = first(&reader.connection, payload, latest)?;
            let said = payload.and_then(|payload| deadline::capture_before(provider, &payload));
            let authorized_at =
                transaction.state.status_changed_at.unwrap_or(transaction.updated_at);
            lapsing.push(Self { transaction, authorized_at, said });
        }
        Ok((lapsing, None))
    }
}
