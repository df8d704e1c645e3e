//! What bills say was paid beside the payments that are known: out of band, from a balance, or by a
//! payment that was not seen yet.

use std::collections::{BTreeMap, BTreeSet};

use super::sums::{Money, Payments, add, at_least};
use crate::domain::event::ReferenceKind;
use crate::domain::fact::Fact;

/// What an InvoicePayment put to an invoice.
#[derive(Default)]
pub(super) struct InvoicePaid<'f> {
    pub(super) invoice: Option<&'f str>,
    /// What it was paid with; `None`: not by a payment at Stripe.
    pub(super) payment_id: Option<&'f str>,
    pub(super) money: Money,
}

/// The InvoicePayments by their ids.
pub(super) fn invoice_payments<'f>(facts: &[&'f Fact]) -> BTreeMap<&'f str, InvoicePaid<'f>> {
    let mut paid: BTreeMap<&str, InvoicePaid<'f>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.object == ReferenceKind::InvoicePayment) {
        let one = paid.entry(&fact.object_id).or_default();
        one.invoice = one.invoice.max(fact.parent_id.as_deref());
        one.payment_id = one.payment_id.max(fact.payment_id.as_deref());
        if let Some((minor, amount)) = fact.captured.zip(fact.amount) {
            at_least(&mut one.money, amount.currency, minor);
        }
    }
    paid
}

#[derive(Default)]
struct Bill<'f> {
    /// What it says itself.
    says: Money,
    /// What its InvoicePayments say together.
    paid: Money,
    /// What of that the payments that are known have taken.
    taken: Money,
    payments: BTreeSet<&'f str>,
}

/// What was paid beside the payments that are known.
pub(super) fn beside(facts: &[&Fact], payments: &Payments<'_>) -> Money {
    let invoices = invoices(facts, payments);
    let mut tied: BTreeSet<&str> = BTreeSet::new();
    for bill in invoices.values() {
        tied.extend(&bill.payments);
    }
    // Which invoice they pay is still to be told.
    let mut untied = Money::new();
    for payment in payments.known().into_iter().filter(|payment| !tied.contains(payment)) {
        for (currency, minor) in payments.part(payment) {
            add(&mut untied, currency, minor);
        }
    }
    let mut beside = Money::new();
    for bill in invoices.values() {
        let is_untold = bill.payments.is_empty();
        for (currency, said) in bill.most() {
            let mut rest = said - bill.taken.get(&currency).copied().unwrap_or_default();
            if let Some(untied) = untied.get_mut(&currency).filter(|_| is_untold) {
                let theirs = rest.clamp(0, *untied);
                rest -= theirs;
                *untied -= theirs;
            }
            add(&mut beside, currency, rest);
        }
    }
    let is_paid_otherwise = !payments.known().is_empty() || beside.values().any(|minor| *minor > 0);
    for (currency, minor) in sessions(facts, payments, is_paid_otherwise) {
        add(&mut beside, currency, minor);
    }
    beside
}

impl Bill<'_> {
    fn most(&self) -> Money {
        let mut most = self.says.clone();
        for (currency, minor) in &self.paid {
            at_least(&mut most, *currency, *minor);
        }
        most
    }
}

fn invoices<'f>(facts: &[&'f Fact], payments: &Payments<'f>) -> BTreeMap<&'f str, Bill<'f>> {
    let mut invoices: BTreeMap<&str, Bill<'f>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.object == ReferenceKind::Invoice) {
        let bill = invoices.entry(&fact.object_id).or_default();
        if let Some((minor, amount)) = fact.captured.zip(fact.amount) {
            at_least(&mut bill.says, amount.currency, minor);
        }
        bill.payments.extend(fact.payment_id.as_deref().map(|payment| payments.root(payment)));
    }
    // One that an earlier version read does not tell of which invoice it is.
    let any = invoices.keys().next().copied();
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (id, one) in invoice_payments(facts) {
        let invoice = one.invoice.or(any).unwrap_or(id);
        let bill = invoices.entry(invoice).or_default();
        let payment = one.payment_id.map(|payment| payments.root(payment));
        bill.payments.extend(payment);
        for (currency, minor) in one.money {
            add(&mut bill.paid, currency, minor);
            if let Some(payment) = payment.filter(|payment| payments.is_known(payment)) {
                told.insert((invoice, payment));
                add(&mut bill.taken, currency, minor);
            }
        }
    }
    // Without an InvoicePayment all that the payment took was for the invoice that names it.
    for (invoice, bill) in &mut invoices {
        for payment in bill.payments.iter().filter(|one| !told.contains(&(*invoice, **one))) {
            for (currency, minor) in payments.part(payment) {
                add(&mut bill.taken, currency, minor);
            }
        }
    }
    invoices
}

/// A session speaks only where none of its payments is known.
fn sessions(facts: &[&Fact], payments: &Payments<'_>, is_paid_otherwise: bool) -> Money {
    let mut sessions: BTreeMap<&str, (BTreeSet<&str>, Money)> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.object == ReferenceKind::CheckoutSession) {
        let (paid_by, says) = sessions.entry(&fact.object_id).or_default();
        paid_by.extend(fact.payment_id.as_deref());
        if let Some((minor, amount)) = fact.captured.zip(fact.amount) {
            at_least(says, amount.currency, minor);
        }
    }
    let mut beside = Money::new();
    for (paid_by, says) in sessions.into_values() {
        let is_known = match paid_by.is_empty() {
            true => is_paid_otherwise,
            false => paid_by.iter().any(|one| payments.is_known(one)),
        };
        if !is_known {
            for (currency, minor) in says {
                add(&mut beside, currency, minor);
            }
        }
    }
    beside
}
