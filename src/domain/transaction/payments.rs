//! The payments of a transaction, and what each is known to have taken.

use std::collections::{BTreeMap, BTreeSet};

use super::is_payment;
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::{Currency, sum};
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

/// Which ids name one payment.
pub(super) struct Ids<'f> {
    pub(super) provider: Provider,
    /// The PaymentIntent of each charge, whoever tells it.
    intents: BTreeMap<&'f str, &'f str>,
}

impl<'f> Ids<'f> {
    pub(super) fn of(provider: Provider, facts: &[&'f Fact]) -> Self {
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

/// All payments of a transaction.
pub(super) struct Payments<'f> {
    pub(super) all: BTreeMap<Key<'f>, Payment<'f>>,
    /// Those that are known to have taken money.
    pub(super) known: BTreeSet<&'f str>,
}

impl<'f> Payments<'f> {
    /// `words` is what sessions say of payments, `put` what was put of them to invoices.
    pub(super) fn of(
        ids: &Ids<'f>,
        facts: &[&'f Fact],
        words: impl IntoIterator<Item = (Key<'f>, i64)>,
        put: impl IntoIterator<Item = (Key<'f>, i64)>,
    ) -> Self {
        let mut all: BTreeMap<Key<'f>, Payment<'f>> = BTreeMap::new();
        // Those that tell themselves what became of them: of these no session's word counts.
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for fact in facts.iter().copied().filter(|fact| fact.state != FactState::Conflict) {
            if !is_payment(ids.provider, fact.object) {
                continue;
            }
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
        }
        for ((id, currency), minor) in words {
            if !told.contains(id) {
                all.entry((id, currency)).or_default().word = minor;
            }
        }
        for (key, minor) in put {
            all.entry(key).or_default().put = Some(minor);
        }
        let taken = all.iter().filter(|(_, payment)| payment.whole() > 0);
        let known = taken.map(|((id, _), _)| *id).collect();
        Self { all, known }
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

/// What a charge says of the money that it took.
#[derive(Default)]
pub(super) struct Charge<'f> {
    captured: i64,
    facts: Vec<&'f Fact>,
}

impl<'f> Charge<'f> {
    pub(super) fn add(&mut self, fact: &'f Fact, captured: i64) {
        self.captured = self.captured.max(captured);
        self.facts.push(fact);
    }

    pub(super) fn captured(&self) -> i64 {
        self.captured
    }

    /// The rest of the hold, where it was released as a refund and is contained in the running total.
    /// Which version of the API did the capture is not said, so that the amounts must tell.
    pub(super) fn release(&self) -> Option<i64> {
        let mut told = Vec::new();
        for fact in self.facts.iter().filter(|fact| self.is_final(fact)) {
            let rest = rest(fact).filter(|rest| *rest > 0);
            told.extend(rest.zip(fact.refunded).map(|(rest, total)| (rest, total, fact)));
        }
        let biggest = told.iter().map(|(rest, _, _)| *rest).max()?;
        let is_proven = told.iter().any(|(_, total, _)| *total > self.captured);
        let is_likely = told.iter().any(|(rest, total, _)| total == rest);
        let is_refuted = told.iter().any(|(rest, total, fact)| {
            total < rest || (fact.refunded_all == Some(true) && *total == self.captured)
        });
        (is_proven || (is_likely && !is_refuted)).then_some(biggest)
    }

    /// While more is captured part of the hold still stands, and nothing of it was released.
    fn is_final(&self, fact: &Fact) -> bool {
        fact.captured == Some(self.captured)
    }

    /// The newest running total, and when it was so.
    pub(super) fn total(&self) -> Option<(Timestamp, i64)> {
        let is_contained = self.release().is_some();
        let newest = self
            .facts
            .iter()
            .filter(|fact| fact.refunded.is_some())
            .max_by_key(|fact| (fact.occurred_at, fact.refunded, **fact))?;
        let released = rest(newest).filter(|_| is_contained && self.is_final(newest)).unwrap_or(0);
        let total = newest.refunded?.saturating_sub(released.max(0));
        Some((newest.occurred_at, total.max(0)))
    }
}

/// What was authorised and not captured.
fn rest(fact: &Fact) -> Option<i64> {
    Some(fact.amount?.minor.saturating_sub(fact.captured?))
}
