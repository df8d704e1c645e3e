//! What was taken: added up over payments by the best evidence of each, each currency by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::bills;
use super::refunds;
use crate::domain::event::{Provider, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;

/// Money of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// Minor units that were taken.
    pub(super) received: i64,
    /// Minor units that went back, at most `received`.
    pub(super) refunded: i64,
    /// When the newest of it went back.
    pub(super) refunded_at: Option<Timestamp>,
}

/// Minor units by currency.
pub(super) type Money = BTreeMap<Currency, i64>;

/// Adds to what is known of a currency.
pub(super) fn add(money: &mut Money, currency: Currency, minor: i64) {
    let sum = money.entry(currency).or_default();
    *sum = sum.saturating_add(minor.max(0));
}

/// Keeps the more of a currency.
pub(super) fn at_least(money: &mut Money, currency: Currency, minor: i64) {
    let most = money.entry(currency).or_default();
    *most = (*most).max(minor);
}

/// The money that came, by currency; none of it zero. `disputes` is where each dispute stands.
pub(super) fn of(provider: Provider, all: &[&Fact], disputes: &[&Fact]) -> BTreeMap<Currency, Sum> {
    let facts: Vec<&Fact> =
        all.iter().copied().filter(|fact| fact.state != FactState::Conflict).collect();
    let payments = Payments::of(provider, &facts);
    let mut received = Money::new();
    for payment in payments.taken.keys() {
        for (currency, minor) in payments.part(payment) {
            add(&mut received, currency, minor);
        }
    }
    if provider == Provider::Stripe {
        for (currency, minor) in bills::beside(&facts, &payments) {
            add(&mut received, currency, minor);
        }
    }
    let mut refunded = refunds::of(provider, all, &payments, disputes);
    received.retain(|_, minor| *minor > 0);
    received
        .into_iter()
        .map(|(currency, received)| {
            let (minor, at) = refunded.remove(&currency).unwrap_or_default();
            let refunded = minor.clamp(0, received);
            (currency, Sum { received, refunded, refunded_at: at.filter(|_| refunded > 0) })
        })
        .collect()
}

/// The payments of a transaction.
pub(super) struct Payments<'f> {
    /// The PaymentIntent of each charge that has one.
    intents: BTreeMap<&'f str, &'f str>,
    /// What each payment has taken.
    pub(super) taken: BTreeMap<&'f str, Money>,
    /// What InvoicePayments of this transaction say of a payment, which may pay others' invoices too.
    invoiced: BTreeMap<&'f str, Money>,
}

impl<'f> Payments<'f> {
    fn of(provider: Provider, facts: &[&'f Fact]) -> Self {
        let mut payments =
            Self { intents: BTreeMap::new(), taken: BTreeMap::new(), invoiced: BTreeMap::new() };
        if provider == Provider::Stripe {
            payments.find_intents(facts);
        }
        payments.take(provider, facts);
        payments.find_invoiced(facts);
        payments
    }

    fn find_intents(&mut self, facts: &[&'f Fact]) {
        for fact in facts {
            let tied = match fact.object {
                ReferenceKind::Charge => Some(&*fact.object_id).zip(fact.parent_id.as_deref()),
                ReferenceKind::Refund | ReferenceKind::Dispute => {
                    fact.parent_id.as_deref().zip(fact.payment_id.as_deref())
                }
                _ => None,
            };
            if let Some((charge, intent)) = tied.filter(|(charge, intent)| charge != intent) {
                self.intents.insert(charge, intent);
            }
        }
    }

    /// The payment to which an object with this id belongs.
    pub(super) fn root(&self, id: &'f str) -> &'f str {
        self.intents.get(id).copied().unwrap_or(id)
    }

    fn take(&mut self, provider: Provider, facts: &[&'f Fact]) {
        let mut objects: BTreeMap<(&str, ReferenceKind, &str), Money> = BTreeMap::new();
        for fact in facts.iter().filter(|fact| super::is_payment(provider, fact.object)) {
            let (Some(captured), Some(amount)) = (fact.captured, fact.amount) else { continue };
            let kind = match fact.object {
                // A v1 sale and a v2 capture of one payment carry one id, so they are one.
                ReferenceKind::Sale => ReferenceKind::Capture,
                kind => kind,
            };
            let key = (self.root(&fact.object_id), kind, &*fact.object_id);
            at_least(objects.entry(key).or_default(), amount.currency, captured);
        }
        // All charges of an intent together, or what it says itself.
        let mut charged: BTreeMap<&str, Money> = BTreeMap::new();
        for ((root, kind, _), money) in objects {
            for (currency, minor) in money {
                if kind == ReferenceKind::Charge {
                    add(charged.entry(root).or_default(), currency, minor);
                } else {
                    at_least(self.taken.entry(root).or_default(), currency, minor);
                }
            }
        }
        for (root, money) in charged {
            for (currency, minor) in money {
                at_least(self.taken.entry(root).or_default(), currency, minor);
            }
        }
    }

    fn find_invoiced(&mut self, facts: &[&'f Fact]) {
        for (_, paid) in bills::invoice_payments(facts) {
            let Some(payment) = paid.payment_id else { continue };
            for (currency, minor) in &paid.money {
                add(self.invoiced.entry(self.root(payment)).or_default(), *currency, *minor);
            }
        }
    }

    /// What a payment has taken for this transaction.
    pub(super) fn part(&self, payment: &str) -> Money {
        let mut taken = self.taken.get(payment).cloned().unwrap_or_default();
        if let Some(invoiced) = self.invoiced.get(payment) {
            for (currency, minor) in &mut taken {
                if let Some(part) = invoiced.get(currency).filter(|part| **part > 0) {
                    *minor = (*minor).min(*part);
                }
            }
        }
        taken
    }

    /// What a payment has taken for others.
    pub(super) fn is_shared(&self, payment: &str, currency: Currency) -> bool {
        let taken = self.taken.get(payment).and_then(|taken| taken.get(&currency));
        taken.is_some_and(|taken| self.part(payment).get(&currency) < Some(taken))
    }

    /// Whether any of its money is known.
    pub(super) fn is_known(&self, payment: &str) -> bool {
        self.taken.get(payment).is_some_and(|taken| taken.values().any(|minor| *minor > 0))
    }

    /// Those of which money is known.
    pub(super) fn known(&self) -> BTreeSet<&'f str> {
        self.taken.keys().copied().filter(|payment| self.is_known(payment)).collect()
    }
}
