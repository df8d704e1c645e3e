//! Records by the numbers and ids that name them.

use rusqlite::named_params;

use super::families::{Find, Get, Of};
use super::reader::Reader;
use crate::domain::fact::Fact;
use crate::domain::records::{Change, Orphan, Subscription, Transaction, WebhookLog};
use crate::domain::reference::Reference;
use crate::store::error::StoreError;
use crate::store::tables::orphans::orphan_columns;
use crate::store::tables::rows::{all, select};
use crate::store::tables::subscriptions::{self, subscription_columns};
use crate::store::tables::transactions::{self, change_columns, transaction_columns};
use crate::store::tables::webhook_logs::{self, webhook_log_columns};
use crate::store::tables::{self, facts};

impl Get for Transaction {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        transactions::get(&reader.connection, number)
    }
}

impl Get for WebhookLog {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        webhook_logs::get(&reader.connection, number)
    }
}

impl Get for Orphan {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        tables::orphans::get(&reader.connection, number)
    }
}

impl Get for Subscription {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        subscriptions::get(&reader.connection, number)
    }
}

impl Find for Subscription {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            subscription_columns,
            " FROM subscriptions WHERE id = :row_id OR reference = :id OR own_id = :id ORDER BY id"
        );
        reader.meant(sql, id)
    }
}

impl Find for Transaction {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            transaction_columns,
            " FROM transactions WHERE id = :row_id OR id IN
                 (SELECT transaction_id FROM transaction_references
                  WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1) AND value = :id
                        AND (shared = 0 OR standing = 'registered'))
                OR subscription_id IN (SELECT id FROM subscriptions
                                       WHERE reference = :id OR own_id = :id)
             ORDER BY id"
        );
        reader.meant(sql, id)
    }
}

impl Find for WebhookLog {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            webhook_log_columns,
            ", payload FROM webhook_logs
              WHERE id = :row_id OR (provider IN ('stripe', 'paypal') AND event_id = :id)
              ORDER BY id"
        );
        reader.meant(sql, id)
    }
}

impl Find for Orphan {
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            orphan_columns,
            " FROM orphan_transactions
              WHERE id = :row_id OR reference = :id OR order_id = :id
                 OR id IN (SELECT transaction_id FROM transaction_references
                           WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1)
                             AND value = :id)
              ORDER BY id"
        );
        reader.meant(sql, id)
    }
}

impl Of for Change {
    fn of(reader: &Reader, transaction: i64) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            change_columns,
            " FROM transaction_changes LEFT JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE transaction_changes.transaction_id = :id ORDER BY transaction_changes.version"
        );
        all(&reader.connection, sql, named_params! { ":id": transaction })
    }
}

impl Of for WebhookLog {
    fn of(reader: &Reader, payment: i64) -> Result<Vec<Self>, StoreError> {
        let sql = select!(
            webhook_log_columns,
            ", NULL FROM webhook_logs
              WHERE id IN (SELECT log_id FROM transaction_events WHERE transaction_id = :id)
              ORDER BY id"
        );
        all(&reader.connection, sql, named_params! { ":id": payment })
    }
}

impl Of for Fact {
    fn of(reader: &Reader, payment: i64) -> Result<Vec<Self>, StoreError> {
        let facts = facts::of(&reader.connection, payment)?;
        Ok(facts.into_iter().map(|stored| stored.fact).collect())
    }
}

/// Each once.
impl Of for Reference {
    fn of(reader: &Reader, payment: i64) -> Result<Vec<Self>, StoreError> {
        facts::references(&facts::of(&reader.connection, payment)?)
    }
}
