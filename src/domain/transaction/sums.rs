//! What was taken and what went back: added up over payments, each currency by itself.
//!
//! A payment is a PaymentIntent with its charges, or a charge without one; a capture or a sale. Several
//! objects tell of the same money, so of one payment the best evidence counts.

use std::collections::{BTreeMap, BTreeSet};

use super::bills::Bills;
use super::is_payment;
use super::refunds::{Charge, Refunds};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::{Currency, add, sum};
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;

/// The money of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// Minor units that were taken.
    pub(super) received: i64,
    /// Minor units that went back, at most `received`.
    pub(super) refunded: i64,
    /// When something last went back, as far as that is told.
    pub(super) refunded_at: Option<Timestamp>,
}

/// A payment in one currency: nothing in the domain forbids facts of one payment in several.
pub(super) type Key<'f> = (&'f str, Currency);

/// The money of every currency that any came in. `disputes` is the register of each dispute; `facts` may
/// contain contradictions.
pub(super) fn of<'f>(
    provider: Provider,
    facts: &[&'f Fact],
    disputes: &[&'f Fact],
) -> BTreeMap<Currency, Sum> {
    let ids = Ids::of(provider, facts);
    let payments = Payments::of(&ids, facts);
    let mut sums: BTreeMap<Currency, Sum> = BTreeMap::new();
    let mut receive = |currency: Currency, minor: i64| {
        let sum = sums.entry(currency).or_default();
        add(&mut sum.received, minor);
    };
    for ((_, currency), payment) in &payments.all {
        receive(*currency, payment.part());
    }
    for (currency, minor) in payments.bills.beside(&payments) {
        receive(currency, minor);
    }
    sums.retain(|_, sum| sum.received > 0);
    if sums.is_empty() {
        sums = payments.bills.words_alone();
    }
    for (currency, (refunded, at)) in Refunds::of(&ids, facts, disputes, &payments).sums() {
        if let Some(sum) = sums.get_mut(&currency) {
            sum.refunded = refunded.min(sum.received);
            sum.refunded_at = at;
        }
    }
    sums
}

/// Which ids name one payment.
pub(super) struct Ids<'f> {
    pub(super) provider: Provider,
    /// The PaymentIntent of each charge, whoever tells it.
    intents: BTreeMap<&'f str, &'f str>,
}

impl<'f> Ids<'f> {
    fn of(provider: Provider, facts: &[&'f Fact]) -> Self {
        use ReferenceKind::{Charge, Dispute, Refund};
        let mut intents: BTreeMap<&str, &str> = BTreeMap::new();
        let told = facts.iter().filter(|fact| fact.state != FactState::Conflict);
        for fact in told.filter(|_| provider == Provider::Stripe) {
            let tie = match fact.object {
                Charge => fact.parent_id.as_deref().map(|intent| (&*fact.object_id, intent)),
                Refund | Dispute => fact.parent_id.as_deref().zip(fact.payment_id.as_deref()),
                _ => None,
            };
            let Some((charge, intent)) = tie.filter(|(charge, intent)| charge != intent) else {
                continue;
            };
            let known = intents.entry(charge).or_insert(intent);
            *known = (*known).min(intent);
        }
        Self { provider, intents }
    }

    /// The payment that an object with this id belongs to.
    pub(super) fn payment(&self, id: &'f str) -> &'f str {
        self.intents.get(id).copied().unwrap_or(id)
    }

    /// The payment that a refund or a dispute is about, as this fact tells.
    pub(super) fn about(&self, fact: &'f Fact) -> Option<&'f str> {
        let id = fact.payment_id.as_deref().or(fact.parent_id.as_deref())?;
        Some(self.payment(id))
    }
}

/// The evidence of one payment.
#[derive(Default)]
pub(super) struct Payment<'f> {
    /// The most that it is known to have taken by its own word.
    direct: i64,
    /// Its charges that took something.
    pub(super) charges: BTreeMap<&'f str, Charge<'f>>,
    /// What a session says of it, where nothing better is known.
    word: i64,
    /// What InvoicePayments say was put of it to the invoices of this transaction.
    put: Option<i64>,
}

impl Payment<'_> {
    /// All that it took, of whichever transaction.
    pub(super) fn whole(&self) -> i64 {
        let charged = sum(self.charges.values().map(Charge::captured));
        match self.direct.max(charged) {
            0 => self.word,
            known => known,
        }
    }

    /// What it took of this transaction: one transfer may pay the invoices of several.
    pub(super) fn part(&self) -> i64 {
        let whole = self.whole();
        self.put.map_or(whole, |put| whole.min(put))
    }

    /// Whether other transactions have a part of it too.
    pub(super) fn is_shared(&self) -> bool {
        self.part() < self.whole()
    }
}

/// All payments of a transaction, and what bills say beside them.
pub(super) struct Payments<'f> {
    pub(super) all: BTreeMap<Key<'f>, Payment<'f>>,
    /// Those that are known to have taken money.
    pub(super) known: BTreeSet<&'f str>,
    bills: Bills<'f>,
}

impl<'f> Payments<'f> {
    fn of(ids: &Ids<'f>, facts: &[&'f Fact]) -> Self {
        let mut all: BTreeMap<Key<'f>, Payment<'f>> = BTreeMap::new();
        let mut bills = Bills::default();
        // Those that tell themselves what became of them: of these no session's word counts.
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for fact in facts.iter().copied().filter(|fact| fact.state != FactState::Conflict) {
            if is_payment(ids.provider, fact.object) {
                let id = payment_of(ids, fact);
                if matches!(fact.state, FactState::Authorized | FactState::Canceled) {
                    told.insert(id);
                }
                let Some((captured, currency)) = captured(fact) else { continue };
                if captured > 0 {
                    told.insert(id);
                }
                let payment = all.entry((id, currency)).or_default();
                match fact.object {
                    ReferenceKind::Charge => {
                        payment.charges.entry(&fact.object_id).or_default().add(fact, captured);
                    }
                    _ => payment.direct = payment.direct.max(captured),
                }
            } else if ids.provider == Provider::Stripe {
                bills.add(ids, fact);
            }
        }
        for ((id, currency), minor) in bills.words_of_payments() {
            if !told.contains(id) {
                all.entry((id, currency)).or_default().word = minor;
            }
        }
        for (key, minor) in bills.put() {
            all.entry(key).or_default().put = Some(minor);
        }
        let taken = all.iter().filter(|(_, payment)| payment.whole() > 0);
        let known = taken.map(|((id, _), _)| *id).collect();
        Self { all, known, bills }
    }

    pub(super) fn part(&self, key: Key<'f>) -> i64 {
        self.all.get(&key).map_or(0, Payment::part)
    }

    /// Whether it is known to have taken money, but none in this currency.
    pub(super) fn is_in_another_currency(&self, (id, currency): Key<'f>) -> bool {
        let took = |payment: &Payment<'_>| payment.whole() > 0;
        self.known.contains(id) && !self.all.get(&(id, currency)).is_some_and(took)
    }

    /// The only payment that took money, if there is one.
    pub(super) fn only(&self) -> Option<&'f str> {
        self.known.first().copied().filter(|_| self.known.len() == 1)
    }
}

fn payment_of<'f>(ids: &Ids<'f>, fact: &'f Fact) -> &'f str {
    match fact.object {
        ReferenceKind::Charge => ids.payment(&fact.object_id),
        _ => &fact.object_id,
    }
}

/// What the object says that it has taken.
pub(super) fn captured(fact: &Fact) -> Option<(i64, Currency)> {
    Some((fact.captured?.max(0), fact.amount?.currency))
}
