//! All that is known of one transaction, for whoever wants to understand how it came to stand so.

use super::reader::Reader;
use crate::domain::event::Reference;
use crate::domain::records::{DeliveryFilter, Dossier, EventFilter, Page};
use crate::store::error::StoreError;
use crate::store::tables::{facts, transactions, webhook_logs};

impl Reader {
    /// The dossier of the transaction with this id, with at most so many events and deliveries.
    pub fn dossier(&self, id: i64, most: u32) -> Result<Option<Dossier>, StoreError> {
        let Some(transaction) = transactions::get(&self.connection, id)? else { return Ok(None) };
        let stored = facts::of(&self.connection, id)?;
        let mut references: Vec<Reference> = Vec::new();
        for stored in &stored {
            for reference in stored.references()? {
                if !references.contains(&reference) {
                    references.push(reference);
                }
            }
        }
        let page = Page { before: None, limit: most };
        let of_it = EventFilter { transaction_id: Some(id), ..EventFilter::default() };
        let told = DeliveryFilter { transaction_id: Some(id), ..DeliveryFilter::default() };
        let latest = transaction.latest_log_id;
        Ok(Some(Dossier {
            changes: self.changes(id)?,
            facts: stored.into_iter().map(|stored| (stored.log_id, stored.fact)).collect(),
            references,
            events: self.list_events(&of_it, page)?,
            deliveries: self.list_deliveries(told, page)?,
            latest: match latest {
                Some(log_id) => webhook_logs::get(&self.connection, log_id)?,
                None => None,
            },
            transaction,
        }))
    }
}
