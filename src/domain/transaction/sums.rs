//! What was taken and what went back: added up over payments, each currency by itself.
//!
//! A payment is a PaymentIntent with its charges, or a charge without one; a capture or a sale. Several
//! objects tell of the same money, so of one payment the best evidence counts.

use std::collections::BTreeMap;

use super::bills::Bills;
use super::payments::{Ids, Payments, Sum};
use super::refunds::Refunds;
use crate::domain::fact::Fact;
use crate::domain::money::{Currency, add};
use crate::domain::provider::Provider;

/// The money of every currency that any came in. `disputes` is the register of each dispute; `facts` may
/// contain contradictions.
pub(super) fn of<'f>(
    provider: Provider,
    facts: &[&'f Fact],
    disputes: &[&'f Fact],
) -> BTreeMap<Currency, Sum> {
    let ids = Ids::of(provider, facts);
    let bills = Bills::of(&ids, facts);
    let payments = Payments::of(&ids, facts, bills.words_of_payments(), bills.put());
    let mut sums: BTreeMap<Currency, Sum> = BTreeMap::new();
    let mut receive = |currency: Currency, minor: i64| {
        let sum = sums.entry(currency).or_default();
        add(&mut sum.received, minor);
    };
    for ((_, currency), payment) in &payments.all {
        receive(*currency, payment.part());
    }
    for (currency, minor) in bills.beside(&payments) {
        receive(currency, minor);
    }
    sums.retain(|_, sum| sum.received > 0);
    if sums.is_empty() {
        sums = bills.words_alone();
    }
    for (currency, (refunded, at)) in Refunds::of(&ids, facts, disputes, &payments).sums() {
        if let Some(sum) = sums.get_mut(&currency) {
            sum.refunded = refunded.min(sum.received);
            sum.refunded_at = at;
        }
    }
    sums
}
