//! All that is known of one event, for whoever wants to understand what became of it.

use rusqlite::named_params;

use super::facts::{self, StoredFact};
use super::matching::components;
use super::orphans::{self, Orphan};
use super::read::{Reader, collect};
use super::references::{self, Realm};
use super::transactions::{self, Transaction};
use super::webhook_logs::WebhookLog;
use super::{Columns, StoreError};
use crate::domain::event::{Ownership, Reference, ReferenceKind};
use crate::domain::fact::Fact;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{DisputeStatus, Status};

/// What an event said, where it went and why, and what that changed.
#[derive(Clone, Debug)]
pub struct EventStory {
    /// What it was read as; empty if it speaks of no payment.
    pub facts: Vec<Fact>,
    /// Every id that it carries.
    pub references: Vec<Reference>,
    /// Whose the payment is, by the shop's rule.
    pub ownership: Ownership,
    /// The transaction that it was applied to, and how it was found.
    pub matched: Option<(Transaction, Matched)>,
    /// The orphan that it belongs to.
    pub orphan: Option<Orphan>,
    /// Of an orphan: what each id would lead to.
    pub leads: Vec<Lead>,
    /// The changes of the transaction that it caused.
    pub changes: Vec<CausedChange>,
    /// When personal fields were last removed from it, UTC.
    pub redacted_at: Option<Timestamp>,
}

/// By what an event was found to belong to its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// It carries the id that the shop registered.
    Registered(Reference),
    /// It carries an id that another event, this one, tied to the transaction.
    Learned(Reference, String),
    /// It carries the shop's order id, which no other transaction has.
    OrderId(Reference),
    /// A person said so.
    Person,
    /// The ids that led here are not there any more.
    Untold,
}

/// What one id of an orphan's event leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The id.
    pub reference: Reference,
    /// The transactions that have it: none, or, of an order id, several.
    pub transactions: Vec<i64>,
    /// The transactions of the other mode that have it.
    pub other_mode: Vec<i64>,
}

/// One change of a transaction: the state after it, and before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CausedChange {
    /// `transaction.succeeded` and the like.
    pub change: String,
    /// Before and after; before the first there was nothing.
    pub status: (Option<Status>, Status),
    /// Minor units received, before and after.
    pub received: (i64, i64),
    /// Minor units refunded, before and after.
    pub refunded: (i64, i64),
    /// Before and after.
    pub dispute_status: (DisputeStatus, DisputeStatus),
}

impl Reader {
    /// The story of this event.
    pub fn story(&self, log: &WebhookLog) -> Result<EventStory, StoreError> {
        let orphan = match log.transaction_id {
            Some(_) => None,
            None => orphans::holding(&self.connection, log)?,
        };
        let stored = match log.transaction_id.or(orphan) {
            Some(payment) => facts::of(&self.connection, payment)?,
            None => Vec::new(),
        };
        let of_event: Vec<&StoredFact> = stored.iter().filter(|one| one.log_id == log.id).collect();
        let references = of_event.first().map(|first| first.references()).transpose()?;
        let references = references.unwrap_or_default();
        let transaction = match log.transaction_id {
            Some(id) => transactions::get(&self.connection, id)?,
            None => None,
        };
        let matched = match transaction {
            Some(transaction) => {
                let how = self.how(log.id, &transaction, &references, &stored)?;
                Some((transaction, how))
            }
            None => None,
        };
        Ok(EventStory {
            facts: of_event.iter().map(|stored| stored.fact.clone()).collect(),
            ownership: of_event.first().map_or(Ownership::Unsaid, |first| first.ownership),
            orphan: match orphan {
                Some(id) => orphans::get(&self.connection, id)?,
                None => None,
            },
            leads: match orphan {
                Some(_) => self.leads(log, &references)?,
                None => Vec::new(),
            },
            changes: match log.transaction_id {
                Some(transaction_id) => self.caused(log.id, transaction_id)?,
                None => Vec::new(),
            },
            redacted_at: self.redacted_at(log.id)?,
            matched,
            references,
        })
    }

    /// The same whatever order things came in: it follows from what is known now.
    fn how(
        &self,
        log_id: i64,
        transaction: &Transaction,
        references: &[Reference],
        stored: &[StoredFact],
    ) -> Result<Matched, StoreError> {
        let registered = |one: &&Reference| *one.value == *transaction.reference;
        if let Some(reference) = references.iter().find(registered) {
            return Ok(Matched::Registered(reference.clone()));
        }
        let component = components(stored)?.into_iter().find(|one| one.logs.contains(&log_id));
        let Some(component) = component else { return Ok(Matched::Untold) };
        let attached = orphans::attached_by_person(&self.connection, transaction.id)?;
        if attached.iter().any(|id| component.carries(id)) {
            return Ok(Matched::Person);
        }
        let tied = component.carries(&transaction.reference);
        let of_order = |one: &&Reference| {
            one.kind == ReferenceKind::OrderId
                && Some(&*one.value) == transaction.order_id.as_deref()
        };
        if let Some(reference) = references.iter().find(of_order).filter(|_| !tied) {
            return Ok(Matched::OrderId(reference.clone()));
        }
        for reference in references.iter().filter(|one| one.kind.identifies_payment()) {
            for other in stored.iter().filter(|one| one.log_id != log_id) {
                if other.references()?.iter().any(|one| one.value == reference.value) {
                    let event_id = other.fact.event_id.clone().into_string();
                    return Ok(Matched::Learned(reference.clone(), event_id));
                }
            }
        }
        Ok(Matched::Untold)
    }

    fn leads(&self, log: &WebhookLog, references: &[Reference]) -> Result<Vec<Lead>, StoreError> {
        let having = |livemode: bool, reference: &Reference| -> Result<Vec<i64>, StoreError> {
            let realm = Realm { provider: log.provider, livemode };
            let mut having = Vec::new();
            for payment in references::find(&self.connection, realm, reference)? {
                if transactions::exists(&self.connection, payment)? {
                    having.push(payment);
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
        let mut statement = self.connection.prepare_cached(
            "SELECT c.change, p.status, c.status, ifnull(p.amount_received, 0), c.amount_received,
                    ifnull(p.amount_refunded, 0), c.amount_refunded,
                    ifnull(p.dispute_status, 'none'), c.dispute_status
             FROM transaction_changes c LEFT JOIN transaction_changes p
                  ON p.transaction_id = c.transaction_id AND p.version = c.version - 1
             WHERE c.transaction_id = :transaction_id AND c.log_id = :log_id
             ORDER BY c.version",
        )?;
        let parameters = named_params! { ":transaction_id": transaction_id, ":log_id": log_id };
        collect(statement.query(parameters)?, |row| {
            let mut columns = Columns::of(row);
            Ok(CausedChange {
                change: columns.value()?,
                status: (
                    columns.optional("status", Status::parse)?,
                    columns.parsed("status", Status::parse)?,
                ),
                received: (columns.value()?, columns.value()?),
                refunded: (columns.value()?, columns.value()?),
                dispute_status: (
                    columns.parsed("dispute status", DisputeStatus::parse)?,
                    columns.parsed("dispute status", DisputeStatus::parse)?,
                ),
            })
        })
    }
}
