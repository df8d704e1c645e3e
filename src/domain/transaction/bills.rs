//! What invoices and sessions say was paid beside the payments that are known: from a balance, out of
//! band, or by a payment whose own events are missing.

use std::collections::{BTreeMap, BTreeSet};

use super::payments::{Ids, Key, Payments, Sum, captured};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::{Currency, add, sum};
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;

/// The bills of a transaction.
#[derive(Default)]
pub(super) struct Bills<'f> {
    invoices: BTreeMap<&'f str, Invoice<'f>>,
    /// InvoicePayments: which payment was put to which invoice.
    puts: BTreeMap<&'f str, Put<'f>>,
    sessions: BTreeMap<&'f str, Session<'f>>,
}

#[derive(Default)]
struct Invoice<'f> {
    /// The most that it is known to have been paid.
    paid: BTreeMap<Currency, i64>,
    /// What it says that it was paid with, as it did before 2025-03-31.basil.
    payments: BTreeSet<&'f str>,
}

#[derive(Default)]
struct Put<'f> {
    invoice: Option<&'f str>,
    /// `None`: out of band.
    payment: Option<&'f str>,
    paid: BTreeMap<Currency, i64>,
}

#[derive(Default)]
struct Session<'f> {
    payment: Option<&'f str>,
    paid: BTreeMap<Currency, i64>,
}

impl<'f> Bills<'f> {
    pub(super) fn of(ids: &Ids<'f>, facts: &[&'f Fact]) -> Self {
        let mut bills = Self::default();
        let said = facts.iter().filter(|fact| fact.state != FactState::Conflict);
        for fact in said.filter(|_| ids.provider == Provider::Stripe) {
            bills.add(ids, fact);
        }
        bills
    }

    fn add(&mut self, ids: &Ids<'f>, fact: &'f Fact) {
        let payment = fact.payment_id.as_deref().map(|id| ids.payment(id));
        let paid = match fact.object {
            ReferenceKind::Invoice => {
                let invoice = self.invoices.entry(&fact.object_id).or_default();
                invoice.payments.extend(payment);
                &mut invoice.paid
            }
            ReferenceKind::InvoicePayment => {
                let put = self.puts.entry(&fact.object_id).or_default();
                put.invoice = least(put.invoice, fact.parent_id.as_deref());
                put.payment = least(put.payment, payment);
                &mut put.paid
            }
            ReferenceKind::CheckoutSession => {
                let session = self.sessions.entry(&fact.object_id).or_default();
                session.payment = least(session.payment, payment);
                &mut session.paid
            }
            _ => return,
        };
        if let Some((minor, currency)) = captured(fact) {
            let most = paid.entry(currency).or_default();
            *most = (*most).max(minor);
        }
    }

    /// What sessions say of their payments: several speak of one with one voice.
    pub(super) fn words_of_payments(&self) -> BTreeMap<Key<'f>, i64> {
        let mut words: BTreeMap<Key<'f>, i64> = BTreeMap::new();
        for session in self.sessions.values() {
            let Some(payment) = session.payment else { continue };
            for (currency, minor) in &session.paid {
                let word = words.entry((payment, *currency)).or_default();
                *word = (*word).max(*minor);
            }
        }
        words
    }

    /// What was put of each payment to the invoices of this transaction.
    pub(super) fn put(&self) -> BTreeMap<Key<'f>, i64> {
        let mut parts: BTreeMap<Key<'f>, i64> = BTreeMap::new();
        for put in self.puts.values() {
            let Some(payment) = put.payment else { continue };
            for (currency, minor) in &put.paid {
                let part = parts.entry((payment, *currency)).or_default();
                add(part, *minor);
            }
        }
        parts
    }

    /// What was paid beside the payments. Each payment covers a bill once: first what was put to it by
    /// name, then what the invoice names, then whatever no payment that is known explains.
    pub(super) fn beside(&self, payments: &Payments<'f>) -> BTreeMap<Currency, i64> {
        let mut cover = Cover { payments, used: BTreeMap::new() };
        let mut beside: BTreeMap<Currency, i64> = BTreeMap::new();
        let mut explained: BTreeMap<(&str, Currency), i64> = BTreeMap::new();
        let mut tied: BTreeSet<&str> = BTreeSet::new();
        // Facts that were read when neither invoice nor payment was told: some invoice's.
        let mut unnamed: BTreeMap<Currency, i64> = BTreeMap::new();
        for put in self.puts.values() {
            tied.extend(put.payment);
            for (currency, minor) in &put.paid {
                if put.invoice.is_none() && put.payment.is_none() {
                    add(unnamed.entry(*currency).or_default(), *minor);
                    continue;
                }
                let of_invoice = (put.invoice.unwrap_or(""), *currency);
                add(explained.entry(of_invoice).or_default(), *minor);
                let rest = put.payment.map_or(*minor, |id| cover.rest((id, *currency), *minor));
                add(beside.entry(*currency).or_default(), rest);
            }
        }
        let mut unexplained: BTreeMap<Currency, i64> = BTreeMap::new();
        for (id, invoice) in &self.invoices {
            tied.extend(&invoice.payments);
            let is_known = invoice.payments.iter().any(|id| payments.known.contains(id));
            for (currency, minor) in &invoice.paid {
                let put = explained.get(&(*id, *currency)).copied().unwrap_or(0);
                let mut rest = minor.saturating_sub(put).max(0);
                for payment in &invoice.payments {
                    rest = cover.rest((payment, *currency), rest);
                }
                let sum = if is_known { &mut beside } else { &mut unexplained };
                add(sum.entry(*currency).or_default(), rest);
            }
        }
        for (currency, minor) in unnamed {
            let bills = self.invoices.values().filter_map(|invoice| invoice.paid.get(&currency));
            let told = sum(bills.copied());
            add(unexplained.entry(currency).or_default(), minor.saturating_sub(told).max(0));
        }
        for ((id, currency), payment) in &payments.all {
            if let Some(rest) = unexplained.get_mut(currency).filter(|_| !tied.contains(id)) {
                *rest = rest.saturating_sub(payment.part()).max(0);
            }
        }
        for (currency, rest) in unexplained {
            add(beside.entry(currency).or_default(), rest);
        }
        beside
    }

    /// What sessions say that do not name their payment, where nothing else is known.
    pub(super) fn words_alone(&self) -> BTreeMap<Currency, Sum> {
        let mut sums: BTreeMap<Currency, Sum> = BTreeMap::new();
        for session in self.sessions.values().filter(|session| session.payment.is_none()) {
            for (currency, minor) in &session.paid {
                add(&mut sums.entry(*currency).or_default().received, *minor);
            }
        }
        sums.retain(|_, sum| sum.received > 0);
        sums
    }
}

/// How much of each payment has explained a bill.
struct Cover<'p, 'f> {
    payments: &'p Payments<'f>,
    used: BTreeMap<Key<'f>, i64>,
}

impl<'f> Cover<'_, 'f> {
    /// What remains of a bill that this payment was put to.
    fn rest(&mut self, key: Key<'f>, bill: i64) -> i64 {
        // Converted: the payment itself says how much it is.
        if self.payments.is_in_another_currency(key) {
            return 0;
        }
        let used = self.used.entry(key).or_default();
        let share = bill.min(self.payments.part(key).saturating_sub(*used));
        add(used, share);
        bill.saturating_sub(share)
    }
}

fn least<'f>(known: Option<&'f str>, told: Option<&'f str>) -> Option<&'f str> {
    known.into_iter().chain(told).min()
}
