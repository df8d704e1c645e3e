//! Which payment an event belongs to, and how events move between payments.
//!
//! A payment is a set of events that ids of the provider tie together. It has a transaction, or it is
//! an orphan. Both have the same tables of ids and facts, so that nothing is lost by a move.

use std::collections::BTreeSet;

use super::database::Batch;
use super::facts::{self, StoredFact};
use super::references::{self, Realm};
use super::transactions::{self, Transaction};
use super::{StoreError, orphans, webhook_logs};
use crate::domain::event::{Ownership, Reference};
use crate::domain::time::Timestamp;

/// What an event's references are known to mean.
#[derive(Default)]
pub(super) struct Holders {
    pub(super) transaction: Option<Transaction>,
    /// Payments without a transaction, oldest first, each once.
    pub(super) orphans: Vec<i64>,
    /// For each reference, whether it already stands for a payment that it identifies.
    pub(super) known: Vec<bool>,
}

/// Where events are: with a transaction, or with an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Transaction(i64),
    Orphan(i64),
}

impl Holder {
    pub(super) fn id(self) -> i64 {
        match self {
            Self::Transaction(id) | Self::Orphan(id) => id,
        }
    }

    /// Whether this id of an event becomes one of the payment's. An order id that an event carries
    /// does not become the order id of a transaction whose shop registered another or none.
    pub(super) fn takes(self, reference: &Reference) -> bool {
        matches!(self, Self::Orphan(_)) || reference.kind.identifies_payment()
    }
}

/// Events of one payment that ids of the provider tie together.
pub(super) struct Component {
    pub(super) logs: BTreeSet<i64>,
    /// The ids that tie them.
    pub(super) ids: BTreeSet<Box<str>>,
    /// Ids that others may share: order ids, subscriptions.
    pub(super) shared: BTreeSet<Box<str>>,
}

impl Component {
    pub(super) fn carries(&self, value: &str) -> bool {
        self.ids.contains(value) || self.shared.contains(value)
    }
}

impl Batch<'_> {
    /// Finds what the references mean: ids that identify a payment first, then, only if exactly
    /// one transaction has it, the shop's order id or a subscription. Another shop's order ids mean
    /// other orders.
    pub(super) fn holders(
        &self,
        realm: Realm,
        references: &[Reference],
        ownership: Ownership,
    ) -> Result<Holders, StoreError> {
        let mut holders = Holders::default();
        let mut sharing = Vec::new();
        for reference in references {
            let found = references::find(self.connection, realm, reference)?;
            if reference.kind.identifies_payment() {
                holders.known.push(!found.is_empty());
                for payment in found {
                    // Should the event's ids lead to two transactions, its own object counts.
                    let is_found =
                        holders.transaction.as_ref().is_some_and(|one| one.id == payment);
                    if is_found || holders.orphans.contains(&payment) {
                        continue;
                    }
                    match transactions::get(self.connection, payment)? {
                        None => holders.orphans.push(payment),
                        Some(transaction) if holders.transaction.is_none() => {
                            holders.transaction = Some(transaction);
                        }
                        Some(_) => {}
                    }
                }
            } else {
                holders.known.push(false);
                sharing.push(found);
            }
        }
        holders.orphans.sort_unstable();
        if holders.transaction.is_none() && ownership != Ownership::Unsaid {
            match self.with_orphans(realm, references, ownership, &holders.orphans)? {
                Some(all) => sharing = all,
                None => sharing.clear(),
            }
        }
        for found in sharing {
            if holders.transaction.is_some() {
                break;
            }
            holders.transaction = self.only_transaction(&found)?;
        }
        Ok(holders)
    }

    /// Where the shop has a rule, one event may tell whose the order ids of the others are: what all
    /// shared ids of the payment lead to, or nothing if it is another's.
    fn with_orphans(
        &self,
        realm: Realm,
        references: &[Reference],
        mut ownership: Ownership,
        orphans: &[i64],
    ) -> Result<Option<Vec<Vec<i64>>>, StoreError> {
        let mut shared: Vec<Reference> = Vec::new();
        let mut add = |references: &[Reference]| {
            let others = references.iter().filter(|one| !one.kind.identifies_payment());
            shared.extend(others.cloned());
        };
        add(references);
        for orphan in orphans {
            for stored in facts::of(self.connection, *orphan)? {
                ownership = ownership.max(stored.ownership);
                add(&stored.references()?);
            }
        }
        if ownership == Ownership::Foreign {
            return Ok(None);
        }
        let found = shared.iter().map(|one| references::find(self.connection, realm, one));
        Ok(Some(found.collect::<Result<_, _>>()?))
    }

    fn only_transaction(&self, payments: &[i64]) -> Result<Option<Transaction>, StoreError> {
        let mut only = None;
        for payment in payments {
            let Some(transaction) = transactions::get(self.connection, *payment)? else { continue };
            if only.replace(transaction).is_some() {
                return Ok(None);
            }
        }
        Ok(only)
    }

    /// Moves all that an orphan has to the payment that it turned out to be part of.
    pub(super) fn absorb(&self, realm: Realm, orphan: i64, to: Holder) -> Result<(), StoreError> {
        let stored = facts::of(self.connection, orphan)?;
        let logs: BTreeSet<i64> = stored.iter().map(|fact| fact.log_id).collect();
        for log_id in logs {
            self.transfer(realm, log_id, &stored, Holder::Orphan(orphan), to)?;
        }
        Ok(())
    }

    /// Makes an orphan part of a transaction that turned out to be its.
    pub(super) fn adopt(
        &self,
        realm: Realm,
        orphan: i64,
        transaction_id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.absorb(realm, orphan, Holder::Transaction(transaction_id))?;
        orphans::matched(self.connection, orphan, transaction_id, orphans::By::Payhookd, now)?;
        Ok(())
    }

    /// Makes an orphan part of an older one.
    pub(super) fn merge(
        &self,
        realm: Realm,
        orphan: i64,
        into: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.absorb(realm, orphan, Holder::Orphan(into))?;
        orphans::merged(self.connection, orphan, into, now)
    }

    /// Moves one event, with its facts and ids, from one payment to another.
    pub(super) fn transfer(
        &self,
        realm: Realm,
        log_id: i64,
        stored: &[StoredFact],
        from: Holder,
        to: Holder,
    ) -> Result<(), StoreError> {
        facts::transfer(self.connection, log_id, from.id(), to.id())?;
        let of_event = stored.iter().filter(|fact| fact.log_id == log_id);
        for stored in of_event {
            for reference in stored.references()? {
                // A transaction has the shared ids that its shop registered, and no others.
                if from.takes(&reference) {
                    references::forget(self.connection, realm, &reference, from.id())?;
                }
                if to.takes(&reference) {
                    references::learn(self.connection, realm, &reference, to.id())?;
                }
            }
        }
        let transaction_id = match to {
            Holder::Transaction(id) => Some(id),
            Holder::Orphan(_) => None,
        };
        webhook_logs::assign(self.connection, log_id, transaction_id)?;
        Ok(())
    }

    /// Takes events away from a transaction and makes an orphan of them.
    pub(super) fn set_aside(
        &self,
        realm: Realm,
        component: &Component,
        stored: &[StoredFact],
        transaction_id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let orphan = transactions::next_id(self.connection)?;
        let (from, to) = (Holder::Transaction(transaction_id), Holder::Orphan(orphan));
        for log_id in &component.logs {
            self.transfer(realm, *log_id, stored, from, to)?;
        }
        orphans::refresh(self.connection, orphan, realm, self.policy, now)?;
        Ok(())
    }
}

/// The events of a payment, parted into those that ids of the provider tie to each other.
pub(super) fn components(stored: &[StoredFact]) -> Result<Vec<Component>, StoreError> {
    let mut parts: Vec<Component> = Vec::new();
    for fact in stored {
        let mut part = Component {
            logs: BTreeSet::from([fact.log_id]),
            ids: BTreeSet::new(),
            shared: BTreeSet::new(),
        };
        for reference in fact.references()? {
            let identifies = reference.kind.identifies_payment();
            let set = if identifies { &mut part.ids } else { &mut part.shared };
            set.insert(reference.value);
        }
        // Facts beyond an event's first carry no ids, but belong to it.
        let touches = |known: &Component| {
            !known.ids.is_disjoint(&part.ids) || !known.logs.is_disjoint(&part.logs)
        };
        let (near, far): (Vec<_>, Vec<_>) = parts.into_iter().partition(touches);
        for known in near {
            part.logs.extend(known.logs);
            part.ids.extend(known.ids);
            part.shared.extend(known.shared);
        }
        parts = far;
        parts.push(part);
    }
    Ok(parts)
}
