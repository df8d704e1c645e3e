//! Subscriptions: a shop registers one, and each payment of it becomes a transaction by itself.
//!
//! A payment of a subscription is known by what it pays: of Stripe's by its invoice, of PayPal's by its
//! sale. A transaction is made under that id, as if the shop had registered it, unless the payment belongs to
//! one that the shop did register. So in which order the events came does not matter.

use std::collections::BTreeMap;

use super::matching::{Claim, Decision, Registry, Verdict, is_about_a_payment};
use super::reference::{Reference, ReferenceKind};
use super::time::Timestamp;

/// What a payment of a subscription is for, from when until when, by the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// Its first instant.
    pub start: Timestamp,
    /// The instant after its last.
    pub end: Timestamp,
}

/// The payments of registered subscriptions among these claims that belong to no transaction of the shop's
/// own: the id of what each pays, and the subscription's number. `decisions` is what [`decide`] came to
/// when no transaction that was made for a subscription was known.
///
/// An invoice over nothing, as that of a trial, is no payment.
///
/// [`decide`]: super::matching::decide
pub fn unregistered_payments(
    claims: &[Claim<'_>],
    decisions: &[Decision],
    registry: &Registry,
) -> BTreeMap<Reference, i64> {
    let mut found = BTreeMap::new();
    for (claim, subscription) in of_subscriptions(claims, registry) {
        for paid in claim.references.iter().filter(|one| is_paid_once(one.kind)) {
            found.insert(paid.clone(), subscription);
        }
    }
    found.retain(|paid, _| {
        takes_money(claims, paid) && holder(claims, decisions, &paid.value).is_none()
    });
    found
}

/// The claims that name a registered subscription, and its number.
fn of_subscriptions<'c>(
    claims: &'c [Claim<'c>],
    registry: &Registry,
) -> impl Iterator<Item = (&'c Claim<'c>, i64)> {
    claims.iter().filter_map(|claim| {
        if claim.references.first().is_some_and(|first| is_about_a_payment(first.kind)) {
            return None;
        }
        Some((claim, subscription_of(claim.references, &registry.subscriptions)?))
    })
}

/// The number of the registered subscription that is among these ids.
pub fn subscription_of(
    references: &[Reference],
    registered: &BTreeMap<Box<str>, i64>,
) -> Option<i64> {
    let mut named = references.iter().filter(|one| one.kind == ReferenceKind::Subscription);
    named.find_map(|one| registered.get(&one.value).copied())
}

/// What a subscription has one of for each payment.
fn is_paid_once(kind: ReferenceKind) -> bool {
    matches!(kind, ReferenceKind::Invoice | ReferenceKind::Sale)
}

/// Whether anything is to be paid, by what names it.
fn takes_money(claims: &[Claim<'_>], paid: &Reference) -> bool {
    let naming = claims.iter().filter(|claim| claim.references.contains(paid));
    naming.flat_map(|claim| &claim.facts).any(|fact| {
        fact.amount.is_some_and(|amount| amount.minor > 0)
            || fact.captured.is_some_and(|minor| minor > 0)
    })
}

/// The transaction to which the object with this id belongs: by what is said of it itself or, where
/// nothing is, by what else names it.
pub fn holder(claims: &[Claim<'_>], decisions: &[Decision], id: &str) -> Option<i64> {
    let both = || claims.iter().zip(decisions);
    let is_own = |claim: &Claim<'_>| claim.references.first().is_some_and(|one| &*one.value == id);
    let names = |claim: &Claim<'_>| claim.references.iter().any(|one| &*one.value == id);
    let has_own = both().any(|(claim, _)| is_own(claim));
    let mut holders = both()
        .filter(|(claim, _)| if has_own { is_own(claim) } else { names(claim) })
        .filter_map(|(_, decision)| match &decision.verdict {
            Verdict::Belongs(to) => to.keys().next().copied(),
            Verdict::Orphan { .. } => None,
        });
    holders.next()
}

#[cfg(test)]
mod tests;
