//! The shop declares a transaction: stored once, its orphans adopted, in one transaction.

use std::collections::BTreeSet;

use super::StoreError;
use super::facts::{self, StoredFact};
use super::ingest::Batch;
use super::references::{self, Realm};
use super::transactions::{self, Transaction};
use crate::domain::event::{Provider, Reference, ReferenceKind};
use crate::domain::time::Timestamp;
use crate::domain::transaction::Expected;

/// What a shop says of a payment that it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransaction {
    /// At whom the payment is made.
    pub provider: Provider,
    /// The provider's id for it.
    pub reference: Reference,
    /// The shop's own id for it.
    pub order_id: Option<String>,
    /// What is to be paid.
    pub expected: Expected,
    /// Real money.
    pub livemode: bool,
    /// A JSON object of the shop's own.
    pub metadata: String,
}

impl NewTransaction {
    /// Whether the same was said of a transaction with this reference.
    pub(super) fn is(&self, existing: &Transaction) -> bool {
        existing.order_id == self.order_id
            && existing.expected == self.expected
            && same_json(&existing.metadata, &self.metadata)
    }
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It is new; this is its state after its orphans were adopted.
    Created(Transaction),
    /// It was registered before with the same facts.
    Existing(Transaction),
    /// The same reference was registered before with other facts, or is known to be part of
    /// another transaction: this one. Nothing was changed.
    Conflict(Transaction),
}

impl Batch<'_> {
    /// Registers a transaction; the same again is the same.
    pub fn register(&self, new: &NewTransaction, now: Timestamp) -> Result<Registered, StoreError> {
        if let Some(id) = transactions::registered(self.connection, new)? {
            let existing = self.transaction(id)?;
            return Ok(if new.is(&existing) {
                Registered::Existing(existing)
            } else {
                Registered::Conflict(existing)
            });
        }
        let realm = Realm { provider: new.provider, livemode: new.livemode };
        let own = new.order_id.as_ref().map(|id| Reference::new(ReferenceKind::OrderId, &**id));

        let mut orphans = BTreeSet::new();
        let mut parts = Vec::new();
        for payment in references::find(self.connection, realm, &new.reference)? {
            if !transactions::exists(self.connection, payment)? {
                orphans.insert(payment);
            } else if new.reference.kind.identifies_payment() {
                // It came to that transaction by the order id alone, before the shop said that it
                // is a payment of its own; or else the two are one and the same payment.
                match self.part_of(payment, &new.reference)? {
                    Some(part) => parts.push(part),
                    None => return Ok(Registered::Conflict(self.transaction(payment)?)),
                }
            }
        }
        if let Some(own) = &own {
            orphans.extend(self.orphans_of_order(realm, own)?);
        }

        let id = transactions::next_id(self.connection)?;
        transactions::insert(self.connection, id, new, now)?;
        for orphan in &orphans {
            self.absorb(realm, *orphan, id, true, now)?;
        }
        for part in &parts {
            for log_id in &part.logs {
                self.transfer(realm, *log_id, &part.stored, (part.transaction_id, id), true)?;
            }
            self.refold(part.transaction_id, None, now)?;
        }
        references::learn(self.connection, realm, &new.reference, id)?;
        if let Some(own) = &own {
            references::learn(self.connection, realm, own, id)?;
        }
        if !orphans.is_empty() || !parts.is_empty() {
            self.refold(id, None, now)?;
        }
        Ok(Registered::Created(self.transaction(id)?))
    }

    /// The orphans whose events carry this order id, unless a transaction has it already: an order
    /// id that two have says nothing.
    fn orphans_of_order(&self, realm: Realm, own: &Reference) -> Result<Vec<i64>, StoreError> {
        let sharing = references::find(self.connection, realm, own)?;
        for payment in &sharing {
            if transactions::exists(self.connection, *payment)? {
                return Ok(Vec::new());
            }
        }
        Ok(sharing)
    }

    fn transaction(&self, id: i64) -> Result<Transaction, StoreError> {
        let missing = || StoreError::Corrupt { what: "transaction id", value: id.to_string() };
        transactions::get(self.connection, id)?.ok_or_else(missing)
    }

    /// The events of a transaction that are tied to `reference` but not to the transaction's own
    /// reference; `None` if one leads to the other.
    fn part_of(
        &self,
        transaction_id: i64,
        reference: &Reference,
    ) -> Result<Option<Part>, StoreError> {
        let transaction = self.transaction(transaction_id)?;
        let stored = facts::of(self.connection, transaction_id)?;
        let (logs, ids) = tied_to(&reference.value, &stored)?;
        if ids.contains(&*transaction.reference) || logs.is_empty() {
            return Ok(None);
        }
        Ok(Some(Part { transaction_id, logs, stored }))
    }
}

/// Events that are to leave a transaction.
struct Part {
    transaction_id: i64,
    logs: BTreeSet<i64>,
    /// All the facts of that transaction.
    stored: Vec<StoredFact>,
}

/// The events that ids tie to `value`, directly or through each other, and all of their ids.
fn tied_to(
    value: &str,
    stored: &[StoredFact],
) -> Result<(BTreeSet<i64>, BTreeSet<Box<str>>), StoreError> {
    let mut events = Vec::new();
    for fact in stored {
        let identifies = |known: &Reference| known.kind.identifies_payment();
        let references = fact.references()?.into_iter().filter(identifies);
        events.push((fact.log_id, references.map(|known| known.value).collect::<Vec<_>>()));
    }
    let mut ids = BTreeSet::from([Box::from(value)]);
    let mut logs = BTreeSet::new();
    loop {
        let before = logs.len();
        for (log_id, of_event) in &events {
            if of_event.iter().any(|id| ids.contains(id)) {
                ids.extend(of_event.iter().cloned());
                logs.insert(*log_id);
            }
        }
        if logs.len() == before {
            return Ok((logs, ids));
        }
    }
}

fn same_json(one: &str, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || (parsed(one).is_some() && parsed(one) == parsed(other))
}
