//! All that is known of one event, for whoever wants to understand what became of it.

use rusqlite::named_params;

use super::families::Detailed;
use super::reader::Reader;
use crate::domain::event::Ownership;
use crate::domain::matching::{MatchedBy, Standing};
use crate::domain::records::{CausedChange, EventDetail, Lead, Matched, Transaction, WebhookLog};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, StoredFact};
use crate::store::tables::references::{self, Realm};
use crate::store::tables::rows::{all, record};
use crate::store::tables::{self, transactions};

impl Detailed for WebhookLog {
    type Detail = EventDetail;

    fn detail(&self, reader: &Reader) -> Result<EventDetail, StoreError> {
        let log = self;
        let orphan = match log.transaction_id {
            Some(_) => None,
            None => tables::orphans::holding(&reader.connection, log)?,
        };
        let stored = match log.transaction_id.or(orphan) {
            Some(payment) => facts::of(&reader.connection, payment)?,
            None => Vec::new(),
        };
        let of_event: Vec<&StoredFact> = stored.iter().filter(|one| one.log_id == log.id).collect();
        let references = of_event.first().map(|first| first.references()).transpose()?;
        let references = references.unwrap_or_default();
        let transaction = match log.transaction_id {
            Some(id) => transactions::get(&reader.connection, id)?,
            None => None,
        };
        let matched = match transaction {
            Some(transaction) => {
                let how = reader.how(&transaction, &of_event, &references, &stored)?;
                Some((transaction, how))
            }
            None => None,
        };
        Ok(EventDetail {
            facts: of_event.iter().map(|stored| stored.fact.clone()).collect(),
            ownership: of_event.first().map_or(Ownership::Unsaid, |first| first.ownership),
            orphan: match orphan {
                Some(id) => tables::orphans::get(&reader.connection, id)?,
                None => None,
            },
            transactions: reader.transactions_of(log.id)?,
            leads: match orphan {
                Some(_) => reader.leads(log, &references)?,
                None => Vec::new(),
            },
            changes: match log.transaction_id {
                Some(transaction_id) => reader.caused(log.id, transaction_id)?,
                None => Vec::new(),
            },
            redacted_at: reader.redacted_at(log.id)?,
            matched,
            references,
        })
    }
}

impl Reader {
    fn transactions_of(&self, log_id: i64) -> Result<Vec<i64>, StoreError> {
        let mut transactions = facts::holders(&self.connection, log_id)?;
        let mut kept = Vec::with_capacity(transactions.len());
        for id in transactions.drain(..) {
            if transactions::exists(&self.connection, id)? {
                kept.push(id);
            }
        }
        Ok(kept)
    }

    /// As it was decided and kept.
    fn how(
        &self,
        transaction: &Transaction,
        of_event: &[&StoredFact],
        references: &[Reference],
        stored: &[StoredFact],
    ) -> Result<Matched, StoreError> {
        let by = of_event.iter().find_map(|one| one.matched_by.as_deref());
        let named = |id: &str| {
            let found = references.iter().find(|one| *one.value == *id).cloned();
            found.unwrap_or_else(|| Reference::new(ReferenceKind::Other, id))
        };
        Ok(match by.and_then(MatchedBy::parse) {
            Some(MatchedBy::Person) => Matched::Person,
            Some(MatchedBy::Registered(id)) => Matched::Registered(named(&id)),
            Some(MatchedBy::OrderId(id) | MatchedBy::Subscription(id)) => {
                Matched::OrderId(named(&id))
            }
            Some(MatchedBy::Tied(id)) => {
                let log_id = of_event.first().map(|first| first.log_id);
                for reference in references.iter().filter(|one| one.kind.identifies_payment()) {
                    for other in stored.iter().filter(|one| Some(one.log_id) != log_id) {
                        if other.references()?.iter().any(|one| one.value == reference.value) {
                            let event_id = other.fact.event_id.clone().into_string();
                            return Ok(Matched::Learned(reference.clone(), event_id));
                        }
                    }
                }
                Matched::Registered(named(&id))
            }
            None => self.untold(transaction, references),
        })
    }

    /// Of an event that was matched by a version that did not keep by what.
    fn untold(&self, transaction: &Transaction, references: &[Reference]) -> Matched {
        let registered = references.iter().find(|one| *one.value == *transaction.reference);
        registered.map_or(Matched::Untold, |one| Matched::Registered(one.clone()))
    }

    fn leads(&self, log: &WebhookLog, references: &[Reference]) -> Result<Vec<Lead>, StoreError> {
        let having = |livemode: bool, reference: &Reference| -> Result<Vec<i64>, StoreError> {
            let realm = Realm::own(log.provider, livemode);
            let identifies = reference.kind.identifies_payment();
            let mut having = Vec::new();
            for one in references::find(&self.connection, realm, &reference.value, identifies)? {
                let leads = identifies || one.standing == Standing::Registered;
                if leads && transactions::exists(&self.connection, one.payment)? {
                    having.push(one.payment);
                }
            }
            Ok(having)
        };
        let leads = references.iter().map(|reference| {
            Ok(Lead {
                reference: reference.clone(),
                transactions: having(log.livemode, reference)?,
                other_mode: having(!log.livemode, reference)?,
            })
        });
        leads.collect()
    }

    fn caused(&self, log_id: i64, transaction_id: i64) -> Result<Vec<CausedChange>, StoreError> {
        let sql =
            "SELECT c.change, p.status, c.status, ifnull(p.amount_received, 0), c.amount_received,
                    ifnull(p.amount_refunded, 0), c.amount_refunded,
                    ifnull(p.dispute_status, 'none'), c.dispute_status
             FROM transaction_changes c LEFT JOIN transaction_changes p
                  ON p.transaction_id = c.transaction_id AND p.version = c.version - 1
             WHERE c.transaction_id = :transaction_id AND c.log_id = :log_id
             ORDER BY c.version";
        let parameters = named_params! { ":transaction_id": transaction_id, ":log_id": log_id };
        all(&self.connection, sql, parameters)
    }
}

record! { CausedChange { change, status, received, refunded, dispute_status } }
