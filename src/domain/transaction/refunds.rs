//! What went back of each payment: the larger of what single refunds add up to and what the payment's
//! running total says, because either may have been missed.

use std::collections::{BTreeMap, BTreeSet};

use super::payments::{Ids, Key, Payment, Payments};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::{Currency, Money, add, sum};
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;

/// All that is told of one refund, wherever it hangs.
#[derive(Default)]
struct Refund<'f> {
    /// The fact that decides what became of it.
    register: Option<(u8, &'f Fact)>,
    /// The one of those that tell an amount.
    money: Option<(u8, &'f Fact, Money)>,
    payment: Option<&'f str>,
    parents: BTreeSet<&'f str>,
    first_at: Option<Timestamp>,
    /// When it was last said to be under way or made.
    made_at: Option<Timestamp>,
    /// When it was first said to have failed or been cancelled: what is told of it again later is no
    /// failure of then.
    undone_at: Option<Timestamp>,
    /// The release of a hold that was never captured.
    is_release: bool,
    /// PayPal took the money back.
    is_reversal: bool,
}

impl<'f> Refund<'f> {
    fn add(&mut self, ids: &Ids<'f>, fact: &'f Fact) {
        let rank = rank(fact.state);
        self.register = self.register.max(Some((rank, fact)));
        if let Some(amount) = fact.amount {
            self.money = self.money.max(Some((rank, fact, amount)));
        }
        let about = ids.about(fact);
        self.payment = match (self.payment, about) {
            (Some(known), Some(told)) => Some(known.min(told)),
            (known, told) => known.or(told),
        };
        self.parents.extend(fact.parent_id.as_deref());
        let at = Some(fact.occurred_at);
        self.first_at = self.first_at.or(at).min(at);
        match rank {
            UNDONE => self.undone_at = self.undone_at.or(at).min(at),
            _ => self.made_at = self.made_at.max(at),
        }
        self.is_release |= fact.reason.as_deref() == Some(RELEASE);
        self.is_reversal |=
            ids.provider == Provider::Paypal && fact.reason.as_deref() == Some(REVERSAL);
    }

    fn is_made(&self) -> bool {
        use FactState::{RefundPending, RefundSucceeded};
        let state = self.register.map(|(_, fact)| fact.state);
        matches!(state, Some(RefundPending | RefundSucceeded)) && !self.is_release
    }

    fn minor(&self) -> i64 {
        self.money.map_or(0, |(_, _, money)| money.minor)
    }

    /// Whether it may be of this charge: its own id names it, or only the payment's does.
    fn may_be_of(&self, charge: &str, payment: &str) -> bool {
        self.parents.contains(charge) || self.parents.iter().all(|parent| *parent == payment)
    }
}

/// Stripe's reason of a refund that is none.
const RELEASE: &str = "expired_uncaptured_charge";
/// How a refund is marked by which PayPal took money back for a claim.
pub const REVERSAL: &str = "reversal";

/// What is known to have gone back of one payment in one currency.
#[derive(Default)]
struct Returned<'f> {
    refunds: BTreeMap<&'f str, Refund<'f>>,
    /// PayPal's running totals, which completed refunds carry.
    total: i64,
    /// When a snapshot of a running total was last taken.
    snapshot_at: Option<Timestamp>,
    /// Disputes that ended because the money was given back, the newest fact of each.
    prevented: BTreeMap<&'f str, &'f Fact>,
}

/// The refunds of a transaction.
pub(super) struct Refunds<'p, 'f> {
    provider: Provider,
    payments: &'p Payments<'f>,
    all: BTreeMap<Key<'f>, Returned<'f>>,
    /// Payments of which every dispute ended for the shop.
    won: BTreeSet<&'f str>,
}

impl<'p, 'f> Refunds<'p, 'f> {
    pub(super) fn of(
        ids: &Ids<'f>,
        facts: &[&'f Fact],
        disputes: &[&'f Fact],
        payments: &'p Payments<'f>,
    ) -> Self {
        let ends: BTreeMap<&str, FactState> =
            disputes.iter().map(|fact| (&*fact.object_id, fact.state)).collect();
        let won = won(ids, facts, &ends, payments.only());
        let mut refunds: BTreeMap<&str, Refund<'f>> = BTreeMap::new();
        let mut this = Self { provider: ids.provider, payments, all: BTreeMap::new(), won };
        for fact in facts.iter().copied() {
            let is_told = fact.state != FactState::Conflict;
            match fact.object {
                // What is released is no contradiction.
                ReferenceKind::Refund if is_told || fact.reason.as_deref() == Some(RELEASE) => {
                    refunds.entry(&fact.object_id).or_default().add(ids, fact);
                }
                ReferenceKind::Dispute if fact.state == FactState::DisputePrevented => {
                    let is_so = ends.get(&*fact.object_id) == Some(&fact.state);
                    if is_so && fact.refunded.is_some() {
                        this.add_prevented(ids, fact);
                    }
                }
                ReferenceKind::Charge if fact.state == FactState::RefundSnapshot => {
                    this.add_snapshot(ids, fact);
                }
                _ => {}
            }
        }
        if ids.provider == Provider::Paypal {
            for fact in facts.iter().copied() {
                let payment = refunds.get(&*fact.object_id).and_then(|refund| refund.payment);
                this.add_total(fact, payment);
            }
        }
        for (id, refund) in refunds {
            let Some((_, _, money)) = refund.money else { continue };
            let key = this.key(refund.payment, money.currency);
            this.all.entry(key).or_default().refunds.insert(id, refund);
        }
        for key in payments.all.keys() {
            this.all.entry(*key).or_default();
        }
        this
    }

    /// A refund that does not say of what is of the only payment there is.
    fn key(&self, payment: Option<&'f str>, currency: Currency) -> Key<'f> {
        (payment.or_else(|| self.payments.only()).unwrap_or(""), currency)
    }

    fn add_prevented(&mut self, ids: &Ids<'f>, fact: &'f Fact) {
        let Some(money) = fact.amount else { return };
        let key = self.key(ids.about(fact), money.currency);
        let known = self.all.entry(key).or_default().prevented.entry(&fact.object_id);
        let newest = known.or_insert(fact);
        *newest = (*newest).max(fact);
    }

    fn add_snapshot(&mut self, ids: &Ids<'f>, fact: &'f Fact) {
        let Some(money) = fact.amount.filter(|_| self.provider == Provider::Stripe) else { return };
        let key = (ids.payment(&fact.object_id), money.currency);
        let at = &mut self.all.entry(key).or_default().snapshot_at;
        *at = (*at).max(Some(fact.occurred_at));
    }

    fn add_total(&mut self, fact: &'f Fact, payment: Option<&'f str>) {
        let is_made =
            fact.object == ReferenceKind::Refund && fact.state == FactState::RefundSucceeded;
        let Some((total, money)) = fact.refunded.zip(fact.amount).filter(|_| is_made) else {
            return;
        };
        let key = self.key(payment, money.currency);
        if !self.payments.is_in_another_currency(key) {
            let most = &mut self.all.entry(key).or_default().total;
            *most = (*most).max(total);
        }
    }

    /// What went back in each currency, and when it last did.
    pub(super) fn sums(&self) -> BTreeMap<Currency, (i64, Option<Timestamp>)> {
        let nothing = Payment::default();
        let mut sums: BTreeMap<Currency, (i64, Option<Timestamp>)> = BTreeMap::new();
        for (key, returned) in &self.all {
            let payment = self.payments.all.get(key).unwrap_or(&nothing);
            let released = returned.released(key.0, payment);
            let counted = |(id, refund): &(&&'f str, &Refund<'f>)| {
                !released.contains(*id) && !self.is_won_back(key.0, refund)
            };
            let counts: Vec<&Refund<'f>> =
                returned.refunds.iter().filter(counted).map(|(_, refund)| refund).collect();
            let minor = self.returned(*key, returned, payment, &counts);
            let sum = sums.entry(key.1).or_default();
            add(&mut sum.0, minor);
            if minor > 0 {
                sum.1 = sum.1.max(returned.at(&counts));
            }
        }
        sums
    }

    /// Whether PayPal gave back what it had taken for a claim that the shop won.
    fn is_won_back(&self, payment: &str, refund: &Refund<'f>) -> bool {
        refund.is_reversal && self.won.contains(self.payments.only().unwrap_or(payment))
    }

    fn returned(
        &self,
        key: Key<'f>,
        returned: &Returned<'f>,
        payment: &Payment<'f>,
        counts: &[&Refund<'f>],
    ) -> i64 {
        let single = sum(counts.iter().filter(|refund| refund.is_made()).map(|one| one.minor()));
        let prevented = sum(returned.prevented.values().filter_map(|fact| fact.refunded));
        let total = match self.provider {
            Provider::Stripe => returned.stripe_total(payment),
            Provider::Paypal => {
                let all = returned.refunds.values();
                let back =
                    |refund: &&Refund<'f>| refund.undone() || self.is_won_back(key.0, refund);
                returned.total.saturating_sub(sum(all.filter(back).map(Refund::minor)))
            }
        };
        if !payment.is_shared() {
            return single.max(total).max(prevented).max(0);
        }
        // Whose part of a shared payment went back only the whole of it tells.
        let total = if total >= payment.whole() { total } else { 0 };
        single.max(total).max(prevented).clamp(0, payment.part())
    }
}

impl Refund<'_> {
    fn undone(&self) -> bool {
        self.register.is_some_and(|(rank, _)| rank == UNDONE)
    }
}

impl<'f> Returned<'f> {
    /// The refunds that are the release of a charge's uncaptured rest: one for each such charge.
    fn released(&self, id: &str, payment: &Payment<'f>) -> BTreeSet<&'f str> {
        let mut released: BTreeSet<&'f str> = BTreeSet::new();
        for (charge, evidence) in &payment.charges {
            let Some(rest) = evidence.release() else { continue };
            let may_be = |(known, refund): &(&&'f str, &Refund<'f>)| {
                !released.contains(*known) && refund.minor() == rest && refund.may_be_of(charge, id)
            };
            let first = self
                .refunds
                .iter()
                .filter(may_be)
                .min_by_key(|(known, refund)| (!refund.is_release, refund.first_at, **known));
            released.extend(first.map(|(known, _)| *known));
        }
        released
    }

    /// The running totals of its charges, without what has failed since each was told: one of the very
    /// second of a failure leaves it out already.
    fn stripe_total(&self, payment: &Payment<'f>) -> i64 {
        let totals: Vec<(&str, Timestamp, i64)> = payment
            .charges
            .iter()
            .filter_map(|(charge, told)| told.total().map(|(at, total)| (*charge, at, total)))
            .collect();
        let has_total = |refund: &Refund<'f>| {
            totals.iter().find(|(charge, _, _)| refund.parents.contains(charge))
        };
        let failed = self.refunds.values().filter(|refund| refund.undone()).filter(|refund| {
            let total = has_total(refund).or_else(|| totals.first());
            total.is_some_and(|(_, at, _)| refund.undone_at.is_some_and(|failed| failed > *at))
        });
        let total = sum(totals.iter().map(|(_, _, total)| *total));
        total.saturating_sub(sum(failed.map(Refund::minor)))
    }

    fn at(&self, counts: &[&Refund<'f>]) -> Option<Timestamp> {
        let made = counts.iter().filter(|refund| refund.is_made()).map(|refund| refund.made_at);
        let prevented = self.prevented.values().map(|fact| Some(fact.occurred_at)).max().flatten();
        made.max().flatten().max(prevented).max(self.snapshot_at)
    }
}

/// The payments about which every dispute ended for the shop.
fn won<'f>(
    ids: &Ids<'f>,
    facts: &[&'f Fact],
    ends: &BTreeMap<&str, FactState>,
    only: Option<&'f str>,
) -> BTreeSet<&'f str> {
    let mut won = BTreeSet::new();
    let mut not_won = BTreeSet::new();
    for fact in facts.iter().copied().filter(|fact| fact.object == ReferenceKind::Dispute) {
        let Some(payment) = only.or_else(|| ids.about(fact)) else { continue };
        match ends.get(&*fact.object_id) {
            Some(FactState::DisputeWon) => won.insert(payment),
            Some(FactState::DisputeInquiryClosed) | None => false,
            Some(_) => not_won.insert(payment),
        };
    }
    &won - &not_won
}

/// The rank of a refund that came to nothing.
const UNDONE: u8 = 3;

/// A refund that failed or was cancelled is final, also after it had succeeded.
fn rank(state: FactState) -> u8 {
    match state {
        FactState::RefundFailed | FactState::RefundCanceled => UNDONE,
        FactState::RefundSucceeded => 2,
        FactState::RefundPending => 1,
        _ => 0,
    }
}
