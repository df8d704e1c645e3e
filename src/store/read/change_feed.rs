//! `transaction_changes` as they were committed, one after another. Only one connection writes at a
//! time, so their ids are in the order of the commits, and whoever reads one has seen all before it.

use rusqlite::{Connection, named_params};

use super::reader::Reader;
use crate::domain::records::{ChangedTransaction, Committed};
use crate::store::error::StoreError;
use crate::store::tables::rows::{all, one, record, select};
use crate::store::tables::transactions::change_columns;

record! { Committed {
    change, id, transaction_id, provider, reference, order_id, expected, received_currency, livemode,
    subscription, merged_into, period
} }

record! { ChangedTransaction { id, reference, change } }

impl Reader {
    /// The first `limit` changes after the one with this id, in the order of commits; 0 is before
    /// all of them. And the id of the last change of all, read after them; 0 if there is none.
    pub fn committed_after(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<Committed>, i64), StoreError> {
        let sql = select!(
            change_columns,
            ", transaction_changes.id, transactions.id, transactions.provider, transactions.reference,
               order_id, transactions.amount, transactions.currency, partial,
               CASE WHEN transaction_changes.amount_received > 0 THEN
                   ifnull(transaction_changes.received_currency, transactions.received_currency)
               END,
               transactions.livemode, subscription_id, subscriptions.reference, own_id, ended_at,
               merged_into, period_start, period_end
             FROM transaction_changes
             JOIN transactions ON transactions.id = transaction_changes.transaction_id
             LEFT JOIN subscriptions ON subscriptions.id = subscription_id
             LEFT JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE transaction_changes.id > :after
             ORDER BY transaction_changes.id LIMIT :limit"
        );
        let parameters = named_params! { ":after": after, ":limit": limit };
        let changes = all(&self.connection, sql, parameters)?;
        Ok((changes, last_change(&self.connection)?))
    }

    /// The changes after the one with this id, newest first, as their ids and those of their
    /// transactions; at most `limit`.
    pub fn changed_since(&self, after: i64, limit: u32) -> Result<Vec<(i64, i64)>, StoreError> {
        let sql = "SELECT id, transaction_id FROM transaction_changes
             WHERE id > :after ORDER BY id DESC LIMIT :limit";
        all(&self.connection, sql, named_params! { ":after": after, ":limit": limit })
    }
}

pub(crate) fn last_change(connection: &Connection) -> Result<i64, StoreError> {
    one(connection, "SELECT ifnull(max(id), 0) FROM transaction_changes", [])
}

pub(crate) fn changed_after(
    connection: &Connection,
    change: i64,
) -> Result<Vec<ChangedTransaction>, StoreError> {
    let sql = "SELECT t.id, t.reference, c.change FROM transaction_changes c
         JOIN transactions t ON t.id = c.transaction_id
         WHERE c.id > :change AND c.version = t.version ORDER BY t.id";
    all(connection, sql, named_params! { ":change": change })
}
