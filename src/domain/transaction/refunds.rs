//! What went back: each refund once, by its own id, wherever it hangs.

use std::collections::{BTreeMap, BTreeSet};

use super::registers;
use super::sums::{Money, Payments, add, at_least};
use crate::domain::event::{Provider, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;

/// What the reader of PayPal's events writes as the reason of money that PayPal took back.
pub const REVERSAL: &str = "reversal";

/// What went back of each currency, and when the newest of it did.
pub(super) fn of(
    provider: Provider,
    all: &[&Fact],
    payments: &Payments<'_>,
    disputes: &[&Fact],
) -> BTreeMap<Currency, (i64, Option<Timestamp>)> {
    let mut by_payment: BTreeMap<&str, Refunds<'_>> = BTreeMap::new();
    collect_refunds(provider, all, payments, &mut by_payment);
    collect_totals(provider, all, payments, &mut by_payment);
    let is_only = payments.taken.len() <= 1;
    for dispute in disputes {
        let about = dispute.payment_id.as_deref().or(dispute.parent_id.as_deref());
        let about = about.map(|id| payments.root(id));
        for (payment, refunds) in &mut by_payment {
            if dispute.state == FactState::DisputeWon && (is_only || about == Some(*payment)) {
                refunds.is_won = true;
            }
        }
        if let (FactState::DisputePrevented, Some(minor), Some(amount)) =
            (dispute.state, dispute.refunded, dispute.amount)
        {
            let refunds = by_payment.entry(about.unwrap_or_default()).or_default();
            add(&mut refunds.prevented, amount.currency, minor);
            refunds.at(amount.currency, dispute.occurred_at);
        }
    }
    let mut sums: BTreeMap<Currency, (i64, Option<Timestamp>)> = BTreeMap::new();
    for (payment, refunds) in by_payment {
        for (currency, minor) in refunds.sum(provider, payment, payments) {
            let sum = sums.entry(currency).or_default();
            sum.0 = sum.0.saturating_add(minor);
            sum.1 = sum.1.max(refunds.newest.get(&currency).copied());
        }
    }
    sums
}

/// What is known of the refunds of one payment.
#[derive(Default)]
struct Refunds<'f> {
    /// The register of each refund.
    refunds: Vec<&'f Fact>,
    /// When each that failed or was cancelled was first said to have.
    undone_at: BTreeMap<&'f str, Timestamp>,
    /// Ids of refunds that were money taken back by PayPal.
    reversals: BTreeSet<&'f str>,
    /// What each charge, or capture, says of it.
    parents: BTreeMap<&'f str, Parent<'f>>,
    /// Refunds that are known to be the release of a hold.
    releases: Money,
    /// What was given back so that no dispute came of it.
    prevented: Money,
    newest: BTreeMap<Currency, Timestamp>,
    /// Whether a dispute about it was won.
    is_won: bool,
}

/// What the facts of one charge, or refunds of one capture, say of it as a whole.
#[derive(Default)]
struct Parent<'f> {
    facts: Vec<&'f Fact>,
}

fn collect_refunds<'f>(
    provider: Provider,
    all: &[&'f Fact],
    payments: &Payments<'f>,
    by_payment: &mut BTreeMap<&'f str, Refunds<'f>>,
) {
    let told = || all.iter().copied().filter(|fact| fact.object == ReferenceKind::Refund);
    let mut homes: BTreeMap<&str, &str> = BTreeMap::new();
    for fact in told() {
        let named = match provider {
            Provider::Stripe => fact.payment_id.as_deref().or(fact.parent_id.as_deref()),
            Provider::Paypal => fact.parent_id.as_deref(),
        };
        if let Some(named) = named {
            let home = homes.entry(&fact.object_id).or_insert_with(|| payments.root(named));
            *home = (*home).max(payments.root(named));
        }
    }
    let home = |id: &str| homes.get(id).copied().unwrap_or_default();
    for fact in told() {
        let refunds = by_payment.entry(home(&fact.object_id)).or_default();
        match fact.state {
            FactState::Conflict => {
                if let Some(amount) = fact.amount {
                    at_least(&mut refunds.releases, amount.currency, amount.minor);
                }
                continue;
            }
            FactState::RefundFailed | FactState::RefundCanceled => {
                let at = refunds.undone_at.entry(&fact.object_id).or_insert(fact.occurred_at);
                *at = (*at).min(fact.occurred_at);
            }
            _ => {
                if let Some(amount) = fact.amount {
                    refunds.at(amount.currency, fact.occurred_at);
                }
            }
        }
        if fact.reason.as_deref() == Some(REVERSAL) {
            refunds.reversals.insert(&fact.object_id);
        }
    }
    let known = told().filter(|fact| fact.state != FactState::Conflict);
    for refund in registers(known, |fact| (rank(fact.state), fact)).into_values() {
        by_payment.entry(home(&refund.object_id)).or_default().refunds.push(refund);
    }
}

fn collect_totals<'f>(
    provider: Provider,
    all: &[&'f Fact],
    payments: &Payments<'f>,
    by_payment: &mut BTreeMap<&'f str, Refunds<'f>>,
) {
    for fact in all.iter().copied().filter(|fact| fact.state != FactState::Conflict) {
        let parent = match (provider, fact.object) {
            (Provider::Stripe, ReferenceKind::Charge) if fact.captured.is_some() => {
                &*fact.object_id
            }
            (Provider::Paypal, ReferenceKind::Refund)
                if fact.state == FactState::RefundSucceeded && fact.refunded.is_some() =>
            {
                fact.parent_id.as_deref().unwrap_or_default()
            }
            _ => continue,
        };
        let refunds = by_payment.entry(payments.root(parent)).or_default();
        refunds.parents.entry(parent).or_default().facts.push(fact);
        if let (FactState::RefundSnapshot, Some(amount)) = (fact.state, fact.amount) {
            refunds.at(amount.currency, fact.occurred_at);
        }
    }
}

impl Refunds<'_> {
    fn at(&mut self, currency: Currency, at: Timestamp) {
        let newest = self.newest.entry(currency).or_insert(at);
        *newest = (*newest).max(at);
    }

    fn sum(&self, provider: Provider, payment: &str, payments: &Payments<'_>) -> Money {
        let released = self.released(provider);
        let singles = self.singles(&released);
        let mut total = Money::new();
        for parent in self.parents.values() {
            let said = match provider {
                Provider::Stripe => parent.newest_total(self),
                Provider::Paypal => parent.greatest_total(self),
            };
            if let Some((currency, minor)) = said {
                add(&mut total, currency, minor);
            }
        }
        let mut sum = Money::new();
        let currencies: BTreeSet<Currency> =
            singles.keys().chain(total.keys()).chain(self.prevented.keys()).copied().collect();
        for currency in currencies {
            let of = |money: &Money| money.get(&currency).copied().unwrap_or_default();
            let back = of(&singles).max(of(&total)).max(of(&self.prevented));
            let part = payments.part(payment).get(&currency).copied();
            let taken = payments.taken.get(payment).and_then(|taken| taken.get(&currency));
            let minor = match (payments.is_shared(payment, currency), part, taken) {
                // All of it went back, and so did our part; of less nobody says whose it was, unless
                // a refund is here by itself.
                (true, Some(part), Some(taken)) if back >= *taken => part,
                (true, Some(part), _) => of(&singles).min(part),
                _ => back,
            };
            add(&mut sum, currency, minor);
        }
        sum
    }

    /// The release of what was held and not captured, of each charge whose running total contains it.
    fn released(&self, provider: Provider) -> Vec<(Currency, i64)> {
        if provider != Provider::Stripe {
            return Vec::new();
        }
        self.parents.values().filter_map(Parent::released).collect()
    }

    /// The refunds that were made or are under way, but for releases and what a won dispute brought
    /// back.
    fn singles(&self, released: &[(Currency, i64)]) -> Money {
        let mut made: Vec<&Fact> = self
            .refunds
            .iter()
            .copied()
            .filter(|one| {
                matches!(one.state, FactState::RefundPending | FactState::RefundSucceeded)
            })
            .filter(|one| !(self.is_won && self.reversals.contains(&*one.object_id)))
            .collect();
        for (currency, minor) in released {
            if self.releases.get(currency) == Some(minor) {
                continue;
            }
            let is_it = |fact: &&Fact| {
                fact.amount.is_some_and(|one| (one.currency, one.minor) == (*currency, *minor))
            };
            let first = made.iter().copied().filter(|fact| is_it(fact)).min();
            made.retain(|fact| Some(*fact) != first);
        }
        let mut sum = Money::new();
        for amount in made.into_iter().filter_map(|fact| fact.amount) {
            add(&mut sum, amount.currency, amount.minor);
        }
        sum
    }

    /// What of a running total is no refund any more: it failed, or a won dispute brought it back.
    fn undone(&self, currency: Currency, is_later: impl Fn(&Fact) -> bool) -> i64 {
        let is_undone = |fact: &&&Fact| match fact.state {
            FactState::RefundFailed | FactState::RefundCanceled => is_later(fact),
            _ => self.is_won && self.reversals.contains(&*fact.object_id),
        };
        let undone = self.refunds.iter().filter(is_undone).filter_map(|fact| fact.amount);
        let undone = undone.filter(|amount| amount.currency == currency);
        undone.fold(0, |sum: i64, amount| sum.saturating_add(amount.minor))
    }
}

impl Parent<'_> {
    fn currency(fact: &Fact) -> Option<Currency> {
        fact.amount.map(|amount| amount.currency)
    }

    /// How much of a charge's running totals is the release of what was never captured. API versions
    /// before 2025-03-31 count it, later ones do not, and which one it was only the data tells.
    fn released(&self) -> Option<(Currency, i64)> {
        let captured = self.facts.iter().filter_map(|fact| fact.captured).max()?;
        let amounts = self.facts.iter().filter_map(|fact| fact.amount);
        let charged = amounts.max_by_key(|amount| (amount.minor, amount.currency))?;
        let rest = charged.minor.saturating_sub(captured);
        if rest <= 0 || captured <= 0 {
            return None;
        }
        let totals = || {
            let all = self.facts.iter().filter(|fact| fact.captured == Some(captured));
            all.filter_map(|fact| Some((fact.refunded?, fact.refunded_all)))
        };
        let is_more = totals().any(|(total, _)| total > captured);
        let speaks_against =
            totals().any(|(total, all)| total < rest || (all == Some(true) && total == captured));
        let fits = totals().any(|(total, _)| total == rest);
        (is_more || (fits && !speaks_against)).then_some((charged.currency, rest))
    }

    /// The newest running total of a charge, without a release. It counts refunds that failed later, but
    /// leaves out those that failed by the very second in which it was said.
    fn newest_total(&self, refunds: &Refunds<'_>) -> Option<(Currency, i64)> {
        let totals = self.facts.iter().filter(|fact| fact.refunded.is_some());
        let newest = totals.max_by_key(|fact| (fact.occurred_at, fact.refunded, **fact))?;
        let currency = Self::currency(newest)?;
        let released = self.released().map_or(0, |(_, minor)| minor);
        let undone = refunds.undone(currency, |fact| {
            let undone_at = refunds.undone_at.get(&*fact.object_id);
            undone_at.is_some_and(|at| *at > newest.occurred_at)
        });
        let total = newest.refunded?.saturating_sub(released).saturating_sub(undone);
        Some((currency, total))
    }

    /// PayPal's running total counts completed refunds only and never falls.
    fn greatest_total(&self, refunds: &Refunds<'_>) -> Option<(Currency, i64)> {
        let greatest = self.facts.iter().max_by_key(|fact| (fact.refunded, **fact))?;
        let currency = Self::currency(greatest)?;
        let undone = refunds.undone(currency, |_| true);
        Some((currency, greatest.refunded?.saturating_sub(undone)))
    }
}

/// A refund that failed or was cancelled is final, also after it had succeeded.
fn rank(state: FactState) -> u8 {
    match state {
        FactState::RefundFailed | FactState::RefundCanceled => 3,
        FactState::RefundSucceeded => 2,
        _ => 0,
    }
}
