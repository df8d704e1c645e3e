//! The shop declares a transaction: stored once, its orphans adopted, in one transaction.

use super::matching::Begin;
use super::refold::Refolded;
use crate::domain::matching::Standing;
use crate::domain::records::{NewTransaction, Registered, Transaction};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::references::{self, Realm};
use crate::store::tables::{subscriptions, transactions};
use crate::store::write::refold;

impl NewTransaction {
    /// Whether the same was said of a transaction with this reference.
    pub fn is(&self, existing: &Transaction) -> bool {
        existing.order_id == self.order_id
            && existing.expected == self.expected
            && same_json(&existing.metadata, &self.metadata)
    }
}

impl Batch<'_> {
    /// Registers a transaction; the same again is the same.
    pub(crate) fn register(
        &self,
        new: &NewTransaction,
        now: Timestamp,
    ) -> Result<Registered, StoreError> {
        let (provider, livemode, reference) = (new.provider, new.livemode, &*new.reference.value);
        if let Some(id) = transactions::registered(self.connection, provider, livemode, reference)?
        {
            let existing = self.transaction(id)?;
            if existing.made {
                return self.claim(&existing, new, now);
            }
            return Ok(if new.is(&existing) {
                Registered::Existing(existing)
            } else {
                Registered::Conflict(existing)
            });
        }
        let realm = Realm::own(provider, livemode);
        if new.reference.kind == ReferenceKind::Subscription
            && let Some(id) = subscriptions::find(self.connection, realm, reference)?
        {
            return Ok(Registered::Subscribed(id));
        }
        let own = new.order_id.as_ref().map(|id| Reference::new(ReferenceKind::OrderId, &**id));
        let id = transactions::next_id(self.connection)?;
        transactions::insert(self.connection, id, new, None, now)?;
        let mut begin = Begin::default();
        for reference in std::iter::once(&new.reference).chain(&own) {
            self.learn_registered(realm, reference, id, &mut begin)?;
        }
        begin.payments.push(id);
        self.settle(realm, begin, now)?;
        Ok(Registered::Created(self.transaction(id)?))
    }

    fn learn_registered(
        &self,
        realm: Realm<'_>,
        reference: &Reference,
        id: i64,
        begin: &mut Begin,
    ) -> Result<(), StoreError> {
        if reference.kind.identifies_payment() {
            begin.ids.push((true, reference.value.clone()));
        } else {
            // Whatever carries it leads here too now, wherever it led before.
            let having = references::find(self.connection, realm, &reference.value, false)?;
            begin.payments.extend(having.into_iter().map(|one| one.payment));
        }
        Ok(references::learn(self.connection, realm, reference, id, Standing::Registered)?)
    }

    /// The shop registers the invoice or sale itself for which payhookd had made a transaction: that is the
    /// shop's own from now on.
    fn claim(
        &self,
        made: &Transaction,
        new: &NewTransaction,
        now: Timestamp,
    ) -> Result<Registered, StoreError> {
        let realm = Realm::own(new.provider, new.livemode);
        transactions::claim(self.connection, made.id, new)?;
        if made.merged_into.is_some() {
            refold::close(self.connection, &self.transaction(made.id)?, None, now)?;
        }
        let mut begin = Begin { payments: vec![made.id], ..Begin::default() };
        references::unregister(self.connection, realm, &made.reference, made.id)?;
        self.learn_registered(realm, &new.reference, made.id, &mut begin)?;
        if let Some(order_id) = &new.order_id {
            let own = Reference::new(ReferenceKind::OrderId, &**order_id);
            self.learn_registered(realm, &own, made.id, &mut begin)?;
        }
        self.settle(realm, begin, now)?;
        self.refold(made.id, None, now)?;
        Ok(Registered::Created(self.transaction(made.id)?))
    }

    pub(crate) fn transaction(&self, id: i64) -> Result<Transaction, StoreError> {
        let missing = || StoreError::Corrupt { what: "transaction id", value: id.to_string() };
        transactions::get(self.connection, id)?.ok_or_else(missing)
    }

    pub(crate) fn refold(
        &self,
        id: i64,
        cause: Option<i64>,
        now: Timestamp,
    ) -> Result<Refolded, StoreError> {
        refold::refold(self.connection, &self.transaction(id)?, cause, now)
    }

    /// Registers many; if `whole`, nothing is kept as soon as one conflicts.
    pub(crate) fn register_all(
        &self,
        new: &[NewTransaction],
        whole: bool,
        now: Timestamp,
    ) -> Result<Vec<Registered>, StoreError> {
        let all = || new.iter().map(|one| self.register(one, now)).collect::<Result<Vec<_>, _>>();
        if !whole {
            return all();
        }
        let conflicts =
            |one: &Registered| matches!(one, Registered::Conflict(_) | Registered::Subscribed(_));
        let done = self.attempt(|_| {
            let done = all()?;
            Ok(if done.iter().any(conflicts) { Err(done) } else { Ok(done) })
        })?;
        Ok(done.unwrap_or_else(|conflicting| conflicting))
    }
}

fn same_json(one: &str, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || (parsed(one).is_some() && parsed(one) == parsed(other))
}
