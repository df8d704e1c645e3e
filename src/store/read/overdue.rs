//! What waits for the provider or the shop for longer than it should.

use std::time::Duration;

use rusqlite::named_params;

use super::attention;
use super::families::Due;
use super::reader::Reader;
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::records::{LapsingAuthorization, StuckRefund, Transaction};
use crate::domain::time::Timestamp;
use crate::providers::deadline;
use crate::store::error::StoreError;
use crate::store::tables::rows::{all, select};
use crate::store::tables::transactions::transaction_columns;

/// No authorization holds for longer.
const LONGEST_HELD: Duration = Duration::from_secs(32 * 86_400);
/// Of a refund that is under way for longer nobody learns any more.
const LONGEST_REFUND: Duration = Duration::from_secs(180 * 86_400);

/// Refunds of a provider that are under way since before an instant, but not for half a year more, oldest first.
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
             WHERE fact = 'refund_pending' AND occurred_at BETWEEN :oldest AND :before
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
            ":oldest": before.minus(LONGEST_REFUND).to_string(),
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

/// Payments of a provider that were authorized before an instant, but not longer ago than any can hold, and are
/// not captured, oldest first.
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
              WHERE status = 'authorized' AND status_changed_at BETWEEN :oldest AND :before AND provider = :provider
                AND livemode = :livemode AND closed_at IS NULL
              ORDER BY status_changed_at LIMIT :limit"
        );
        let parameters = named_params! {
            ":provider": provider.as_str(),
            ":livemode": livemode,
            ":oldest": before.minus(LONGEST_HELD).to_string(),
            ":before": before.to_string(),
            ":limit": limit,
        };
        let mut lapsing = Vec::new();
        for transaction in all::<Transaction>(&reader.connection, sql, parameters)? {
            let (id, before) = (transaction.id, deadline::capture_before);
            let said = attention::newest_said(&reader.connection, id, None, before)?;
            let authorized_at =
                transaction.state.status_changed_at.unwrap_or(transaction.updated_at);
            lapsing.push(Self { transaction, authorized_at, said });
        }
        Ok((lapsing, None))
    }
}
