//! All that is known of one transaction, for whoever wants to understand how it came to stand so.

use super::listing::{DeliveryFilter, EventFilter, Listed, Page};
use super::reader::Reader;
use crate::domain::event::Reference;
use crate::domain::fact::Fact;
use crate::store::StoreError;
use crate::store::tables::facts;
use crate::store::tables::transactions;
use crate::store::tables::transactions::{Change, Transaction};
use crate::store::tables::webhook_logs;
use crate::store::tables::webhook_logs::WebhookLog;
use crate::store::write::deliveries::Delivery;

/// A transaction and all that led to its state.
#[derive(Clone, Debug)]
pub struct Dossier {
    /// The transaction.
    pub transaction: Transaction,
    /// Every version of it, oldest first.
    pub changes: Vec<Change>,
    /// What its events said, in the order of their receipt: the event's row id and the fact.
    pub facts: Vec<(i64, Fact)>,
    /// Every id that its events carry, each once.
    pub references: Vec<Reference>,
    /// Its events, newest first, without their payloads.
    pub events: Listed<WebhookLog>,
    /// What the app was told of it, newest first.
    pub deliveries: Listed<Delivery>,
    /// The event with the provider's newest object, with its payload.
    pub latest: Option<WebhookLog>,
}

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
