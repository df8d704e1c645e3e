//! Subscriptions: registered, ended, and their payments made into transactions.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::named_params;

use super::matching::{Begin, Plan};
use super::{refold, subscription_issues};
use crate::domain::matching::{Claim, Decision, MatchedBy, Registry, Standing, decide};
use crate::domain::records::{
    NewSubscription, NewTransaction, Subscribed, Subscription, Transaction,
};
use crate::domain::reference::ReferenceKind;
use crate::domain::subscription::{holder, unregistered_payments};
use crate::domain::time::Timestamp;
use crate::domain::transaction::Expected;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said};
use crate::store::tables::references::{self, Realm};
use crate::store::tables::{subscriptions, transactions};

/// A transaction that is to be made for a payment of a subscription.
pub(crate) struct ToMake {
    id: i64,
    new: NewTransaction,
    subscription: i64,
    /// It was made before, and had turned out to be another's payment.
    is_there: bool,
}

/// What was decided, and which transactions that are made for subscriptions follow from it.
pub(crate) struct Decided {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) to_make: Vec<ToMake>,
    /// Those that were made and whose payment is a transaction's of the shop's own: which.
    pub(crate) merging: BTreeMap<i64, i64>,
}

impl Batch<'_> {
    /// Registers a subscription; the same again is the same. Its payments that no transaction has become
    /// transactions of their own; what the shop registered stays where it is.
    pub(crate) fn subscribe(
        &self,
        new: &NewSubscription,
        now: Timestamp,
    ) -> Result<Subscribed, StoreError> {
        let realm = Realm::own(new.provider, new.livemode);
        if let Some(id) = subscriptions::find(self.connection, realm, &new.reference)? {
            let existing = self.subscription(id)?;
            return Ok(if new.is(&existing) {
                Subscribed::Existing(existing)
            } else {
                Subscribed::Conflict(existing)
            });
        }
        let payments = references::find(self.connection, realm, &new.reference, false)?;
        let payments: BTreeSet<i64> = payments.into_iter().map(|one| one.payment).collect();
        for payment in &payments {
            if transactions::exists(self.connection, *payment)? {
                self.keep_in_place(*payment, &new.reference)?;
            }
        }
        let id = subscriptions::insert(self.connection, new, now)?;
        for payment in payments {
            // One after another: they have nothing in common but the subscription.
            self.settle(realm, Begin { payments: vec![payment], ..Begin::default() }, now)?;
        }
        Ok(Subscribed::Created(self.subscription(id)?))
    }

    /// What a transaction has of a subscription that was not registered, by an id that is the same each
    /// time, stays there as if a person had attached it.
    fn keep_in_place(&self, transaction: i64, reference: &str) -> Result<(), StoreError> {
        let stored = facts::of(self.connection, transaction)?;
        let by = stored.iter().filter(|one| one.begins_payment());
        for (said, by) in Said::of(&stored)?.iter().zip(by) {
            let by = by.matched_by.as_deref().and_then(MatchedBy::parse);
            let mut named =
                said.references.iter().filter(|one| one.kind == ReferenceKind::Subscription);
            if matches!(by, Some(MatchedBy::OrderId(_) | MatchedBy::Subscription(_)))
                && named.any(|one| &*one.value == reference)
            {
                let person = MatchedBy::Person.to_text();
                facts::match_by(self.connection, transaction, said, Some(&person))?;
            }
        }
        Ok(())
    }

    fn subscription(&self, id: i64) -> Result<Subscription, StoreError> {
        let missing = || StoreError::Corrupt { what: "subscription id", value: id.to_string() };
        subscriptions::get(self.connection, id)?.ok_or_else(missing)
    }

    /// The shop says that no more is to be paid of a subscription, or takes that back. `None`: there is no
    /// such subscription. Again is the same.
    pub(crate) fn end_subscription(
        &self,
        id: i64,
        ended: bool,
        now: Timestamp,
    ) -> Result<Option<Subscription>, StoreError> {
        let Some(found) = subscriptions::get(self.connection, id)? else { return Ok(None) };
        if found.ended_at.is_some() != ended {
            subscriptions::end(self.connection, id, ended.then_some(now))?;
            if !ended {
                self.connection
                    .prepare_cached(
                        "UPDATE transactions SET after_end = 0
                         WHERE subscription_id = :id AND after_end = 1",
                    )?
                    .execute(named_params! { ":id": id })?;
                subscription_issues::after_end(self.connection, id, false, now)?;
            }
        }
        subscriptions::get(self.connection, id)
    }

    /// Where each claim belongs, where payments of registered subscriptions that are no transaction's of
    /// the shop's own are transactions of themselves. Nothing is changed yet.
    pub(crate) fn decide(
        &self,
        realm: Realm<'_>,
        claims: &[Claim<'_>],
        mut registry: Registry,
        payments: &BTreeMap<i64, Option<Transaction>>,
    ) -> Result<Decided, StoreError> {
        let here = payments.values().flatten();
        let made: Vec<&Transaction> = here.filter(|transaction| transaction.made).collect();
        let mut decided =
            Decided { decisions: Vec::new(), to_make: Vec::new(), merging: BTreeMap::new() };
        if registry.subscriptions.is_empty() && made.is_empty() {
            decided.decisions = decide(realm.provider, claims, &registry);
            return Ok(decided);
        }
        for transaction in &made {
            if let Some(having) = registry.references.get_mut(&*transaction.reference) {
                having.remove(&transaction.id);
            }
        }
        registry.references.retain(|_, having| !having.is_empty());
        let alone = decide(realm.provider, claims, &registry);
        let unregistered = unregistered_payments(claims, &alone, &registry);
        for transaction in made {
            let to = holder(claims, &alone, &transaction.reference);
            match to.filter(|to| *to != transaction.id) {
                Some(to) => drop(decided.merging.insert(transaction.id, to)),
                None => register(&mut registry, &transaction.reference, transaction.id),
            }
        }
        let mut next = transactions::next_id(self.connection)?;
        for (paid, subscription) in unregistered {
            if registry.references.contains_key(&paid.value) {
                continue;
            }
            let expected = self.expected_of(subscription)?;
            let before = transactions::registered(
                self.connection,
                realm.provider,
                realm.livemode,
                &paid.value,
            )?;
            let id = before.unwrap_or(next);
            next += i64::from(before.is_none());
            register(&mut registry, &paid.value, id);
            registry.expected.insert(id, expected);
            let new = NewTransaction {
                provider: realm.provider,
                reference: paid,
                order_id: None,
                expected,
                livemode: realm.livemode,
                metadata: "{}".to_owned(),
            };
            decided.to_make.push(ToMake { id, new, subscription, is_there: before.is_some() });
        }
        decided.decisions = decide(realm.provider, claims, &registry);
        Ok(decided)
    }

    fn expected_of(&self, subscription: i64) -> Result<Expected, StoreError> {
        let Subscription { amount, currency, .. } = self.subscription(subscription)?;
        Ok(Expected { amount, currency, partial: false })
    }

    /// Makes the transactions of a plan that are to be, and takes from those that turned out to be others
    /// the id that they were made under. `cause` is the event that led here.
    pub(crate) fn make(
        &self,
        realm: Realm<'_>,
        plan: &mut Plan,
        cause: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for ToMake { id, new, subscription, is_there } in &plan.to_make {
            if *is_there {
                transactions::merge(self.connection, *id, None)?;
                refold::close(self.connection, &self.transaction(*id)?, None, now)?;
            } else {
                let of = Some((*subscription, cause));
                transactions::insert(self.connection, *id, new, of, now)?;
            }
            references::learn(self.connection, realm, &new.reference, *id, Standing::Registered)?;
            plan.payments.insert(*id, Some(self.transaction(*id)?));
        }
        for (id, to) in &plan.merging {
            let made = self.transaction(*id)?;
            references::unregister(self.connection, realm, &made.reference, *id)?;
            transactions::merge(self.connection, *id, Some(*to))?;
        }
        Ok(())
    }

    /// Closes those that turned out to be other transactions' payments: nothing is to come for them.
    pub(crate) fn close_merged(&self, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        for id in plan.merging.keys() {
            let merged = self.transaction(*id)?;
            if merged.closed_at.is_none() {
                refold::close(self.connection, &merged, Some(now), now)?;
            }
        }
        Ok(())
    }
}

fn register(registry: &mut Registry, reference: &str, id: i64) {
    registry.references.entry(reference.into()).or_default().insert(id);
}
