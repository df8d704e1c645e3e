//! The shop declares a transaction: stored once, its orphans adopted, in one transaction.

use std::collections::BTreeSet;

use super::database::Batch;
use super::facts::{self, StoredFact};
use super::matching::{Component, Holder, components};
use super::references::{self, Realm};
use super::transactions::{self, Refolded, Transaction};
use super::{StoreError, orphans};
use crate::domain::event::{Ownership, Provider, Reference, ReferenceKind};
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
        let mut sharing = Vec::new();
        if let Some(own) = &own {
            sharing = self.transactions_of_order(realm, own)?;
            if sharing.is_empty() {
                orphans.extend(self.orphans_of_order(realm, own)?);
            }
        }

        let id = transactions::next_id(self.connection)?;
        transactions::insert(self.connection, id, new, now)?;
        for orphan in &orphans {
            self.adopt(realm, *orphan, id, now)?;
        }
        for part in &parts {
            for log_id in &part.component.logs {
                let from = Holder::Transaction(part.transaction_id);
                self.transfer(realm, *log_id, &part.stored, from, Holder::Transaction(id))?;
            }
            self.refold(part.transaction_id, None, now)?;
        }
        references::learn(self.connection, realm, &new.reference, id)?;
        if let Some(own) = &own {
            references::learn(self.connection, realm, own, id)?;
        }
        if let [only] = *sharing {
            self.part_with_what_is_ambiguous(realm, only, now)?;
        }
        if !orphans.is_empty() || !parts.is_empty() {
            self.refold(id, None, now)?;
        }
        Ok(Registered::Created(self.transaction(id)?))
    }

    /// Registered transactions with this order id.
    fn transactions_of_order(&self, realm: Realm, own: &Reference) -> Result<Vec<i64>, StoreError> {
        let mut having = Vec::new();
        for payment in references::find(self.connection, realm, own)? {
            if transactions::exists(self.connection, payment)? {
                having.push(payment);
            }
        }
        Ok(having)
    }

    /// The orphans whose events carry this order id, but for those of another shop, whose order ids
    /// mean other orders.
    fn orphans_of_order(&self, realm: Realm, own: &Reference) -> Result<Vec<i64>, StoreError> {
        let mut orphans = Vec::new();
        for payment in references::find(self.connection, realm, own)? {
            let stored = facts::of(self.connection, payment)?;
            let ownership = stored.iter().map(|stored| stored.ownership).max();
            if ownership != Some(Ownership::Foreign) {
                orphans.push(payment);
            }
        }
        Ok(orphans)
    }

    /// A second transaction has the order id of this one, so that it leads to neither any more: what
    /// came to this one by nothing else becomes an orphan, as it would have been had the shop
    /// registered both before. What a person attached stays.
    fn part_with_what_is_ambiguous(
        &self,
        realm: Realm,
        transaction_id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let transaction = self.transaction(transaction_id)?;
        let stored = facts::of(self.connection, transaction_id)?;
        let attached = orphans::attached_by_person(self.connection, transaction_id)?;
        let mut parted = false;
        for component in components(&stored)? {
            let stays = component.carries(&transaction.reference)
                || attached.iter().any(|id| component.carries(id));
            if !stays {
                self.set_aside(realm, &component, &stored, transaction_id, now)?;
                parted = true;
            }
        }
        if parted {
            self.refold(transaction_id, None, now)?;
        }
        Ok(())
    }

    pub(super) fn transaction(&self, id: i64) -> Result<Transaction, StoreError> {
        let missing = || StoreError::Corrupt { what: "transaction id", value: id.to_string() };
        transactions::get(self.connection, id)?.ok_or_else(missing)
    }

    pub(super) fn refold(
        &self,
        id: i64,
        cause: Option<i64>,
        now: Timestamp,
    ) -> Result<Refolded, StoreError> {
        transactions::refold(self.connection, &self.transaction(id)?, cause, now)
    }

    /// The events of a transaction that are tied to `reference` but not to the transaction's own
    /// reference; `None` if one leads to the other, or if there are none.
    fn part_of(
        &self,
        transaction_id: i64,
        reference: &Reference,
    ) -> Result<Option<Part>, StoreError> {
        let transaction = self.transaction(transaction_id)?;
        let stored = facts::of(self.connection, transaction_id)?;
        let tied = components(&stored)?.into_iter().find(|one| one.ids.contains(&reference.value));
        let apart = tied.filter(|component| !component.ids.contains(&*transaction.reference));
        Ok(apart.map(|component| Part { transaction_id, component, stored }))
    }
}

/// Events that are to leave a transaction.
struct Part {
    transaction_id: i64,
    component: Component,
    /// All the facts of that transaction.
    stored: Vec<StoredFact>,
}

fn same_json(one: &str, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || (parsed(one).is_some() && parsed(one) == parsed(other))
}
