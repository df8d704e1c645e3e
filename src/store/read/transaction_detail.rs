//! All that is known of one transaction, for whoever wants to understand how it came to stand so.

use super::families::Detailed;
use super::reader::Reader;
use crate::domain::records::{DeliveryFilter, EventFilter, Page, Transaction, TransactionDetail};
use crate::store::error::StoreError;
use crate::store::tables::{facts, webhook_logs};

impl Detailed for Transaction {
    type Detail = TransactionDetail;

    fn detail(&self, reader: &Reader) -> Result<TransactionDetail, StoreError> {
        let stored = facts::of(&reader.connection, self.id)?;
        let page = Page { before: None, limit: TransactionDetail::MOST };
        let of_it = EventFilter { transaction_id: Some(self.id), ..EventFilter::default() };
        let told = DeliveryFilter { transaction_id: Some(self.id), ..DeliveryFilter::default() };
        Ok(TransactionDetail {
            changes: reader.of(self.id)?,
            references: facts::references(&stored)?,
            facts: stored.into_iter().map(|stored| (stored.log_id, stored.fact)).collect(),
            events: reader.list(&of_it, page)?,
            deliveries: reader.list(&told, page)?,
            latest: match self.latest_log_id {
                Some(log_id) => webhook_logs::get(&reader.connection, log_id)?,
                None => None,
            },
            transaction: self.clone(),
        })
    }
}
