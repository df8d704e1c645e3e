//! The status of a transaction that no money came for yet.

use std::collections::BTreeMap;

use super::{Status, changed_at, registers};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::{Currency, add};
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;

/// The PaymentIntent decides; without one the charge, else the session, else the invoice.
pub(super) fn stripe(facts: &[&Fact]) -> Option<(Status, Timestamp)> {
    let charge = || {
        let charges = of(facts, ReferenceKind::Charge);
        still_open(registers(charges, |fact| (attempt_rank(fact.state), fact)))
    };
    let session = || {
        let sessions = of(facts, ReferenceKind::CheckoutSession);
        still_open(registers(sessions, |fact| (session_rank(fact.state), fact)))
    };
    let invoices = of(facts, ReferenceKind::Invoice);
    // A void invoice stays so.
    let invoice = still_open(registers(invoices, |fact| (fact.state == FactState::Canceled, fact)));
    let tried = still_open(intents(facts)).or_else(charge).or_else(session);
    let fact = match (tried, invoice) {
        (Some(tried), Some(invoice)) if is_called_off(tried, invoice) => invoice,
        (tried, invoice) => tried.or(invoice)?,
    };
    Some((unpaid_status(fact.state)?, fact.occurred_at))
}

/// Whether the invoice was voided after an attempt that came to nothing: no other will follow.
fn is_called_off(tried: &Fact, invoice: &Fact) -> bool {
    use FactState::{AttemptFailed, Canceled, Created, RequiresAction};
    invoice.state == Canceled
        && invoice.occurred_at >= tried.occurred_at
        && matches!(tried.state, AttemptFailed | Created | RequiresAction)
}

/// The register of each PaymentIntent. A charge that has one speaks of an attempt of it.
fn intents<'f>(facts: &[&'f Fact]) -> BTreeMap<&'f str, &'f Fact> {
    let intent_of = |fact: &'f Fact| match fact.object {
        ReferenceKind::PaymentIntent => Some(&*fact.object_id),
        ReferenceKind::Charge => fact.parent_id.as_deref(),
        _ => None,
    };
    let mut intents: BTreeMap<&str, &Fact> = BTreeMap::new();
    for fact in facts.iter().copied() {
        let Some(intent) = intent_of(fact) else { continue };
        let register = intents.entry(intent).or_insert(fact);
        if intent_key(fact) > intent_key(register) {
            *register = fact;
        }
    }
    intents
}

/// What a capture or a sale under way says, else a hold, else what came to nothing, else the order.
pub(super) fn paypal(facts: &[&Fact]) -> Option<(Status, Timestamp)> {
    use FactState::{Approved, AttemptFailed, Authorized, Canceled, Processing};
    let attempts = of(facts, ReferenceKind::Capture).chain(of(facts, ReferenceKind::Sale));
    let attempts: Vec<&Fact> =
        registers(attempts, |fact| (attempt_rank(fact.state), fact)).into_values().collect();
    let holds: Vec<&Fact> = holds(facts).into_values().collect();
    let order = order(facts);
    let approved_at = order
        .filter(|fact| fact.object == ReferenceKind::Order && fact.state == Approved)
        .map(changed_at);
    let newest = |facts: &[&Fact], state: FactState| {
        facts.iter().filter(|fact| fact.state == state).map(|fact| fact.occurred_at).max()
    };
    // What came to nothing before the buyer approved again decides no more.
    let since_approval = |facts: &[&Fact], state: FactState| {
        let since = |fact: &&&Fact| approved_at.is_none_or(|at| changed_at(fact) >= at);
        let ended = facts.iter().filter(|fact| fact.state == state).filter(since);
        ended.map(|fact| fact.occurred_at).max()
    };
    let with = |status: Status| move |at: Timestamp| (status, at);
    newest(&attempts, Processing)
        .map(with(Status::Processing))
        .or_else(|| newest(&holds, Authorized).map(with(Status::Authorized)))
        // A hold under review is none yet.
        .or_else(|| newest(&holds, Processing).map(with(Status::Processing)))
        .or_else(|| since_approval(&attempts, AttemptFailed).map(with(Status::Failed)))
        .or_else(|| since_approval(&holds, AttemptFailed).map(with(Status::Failed)))
        .or_else(|| since_approval(&holds, Canceled).map(with(Status::Canceled)))
        .or_else(|| order.and_then(|fact| Some((unpaid_status(fact.state)?, fact.occurred_at))))
}

/// What is held and was not taken, by currency.
pub(super) fn held(
    provider: Provider,
    facts: &[&Fact],
    taken: &BTreeMap<Currency, i64>,
) -> BTreeMap<Currency, i64> {
    let mut holds: Vec<&Fact> = match provider {
        Provider::Stripe => {
            let alone = of(facts, ReferenceKind::Charge).filter(|fact| fact.parent_id.is_none());
            let charges = registers(alone, |fact| (attempt_rank(fact.state), fact));
            intents(facts).into_values().chain(charges.into_values()).collect()
        }
        Provider::Paypal => holds(facts).into_values().collect(),
    };
    holds.retain(|fact| fact.state == FactState::Authorized && fact.captured.unwrap_or(0) <= 0);
    let mut held: BTreeMap<Currency, i64> = BTreeMap::new();
    for amount in holds.iter().filter_map(|fact| fact.amount) {
        let sum = held.entry(amount.currency).or_default();
        add(sum, amount.minor.max(0));
    }
    if provider == Provider::Paypal {
        // A hold that was taken in part is still told as a whole.
        for (currency, sum) in &mut held {
            *sum = sum.saturating_sub(taken.get(currency).copied().unwrap_or(0));
        }
    }
    held.retain(|_, sum| *sum > 0);
    held
}

fn of<'f>(facts: &[&'f Fact], object: ReferenceKind) -> impl Iterator<Item = &'f Fact> {
    facts.iter().copied().filter(move |fact| fact.object == object)
}

fn holds<'f>(facts: &[&'f Fact]) -> BTreeMap<&'f str, &'f Fact> {
    registers(of(facts, ReferenceKind::Authorization), |fact| (hold_rank(fact.state), fact))
}

/// An order may be approved, reversed and approved again, so there time leads; of a v1 payment the API
/// says for ever that it was approved.
fn order<'f>(facts: &[&'f Fact]) -> Option<&'f Fact> {
    let orders = registers(of(facts, ReferenceKind::Order), |fact| {
        (order_rank(fact.state), changed_at(fact), fact.state == FactState::Canceled, fact)
    });
    let payments =
        registers(of(facts, ReferenceKind::Payment), |fact| (v1_payment_rank(fact.state), fact));
    let all = orders.into_values().chain(payments.into_values());
    all.max_by_key(|fact| (fact.state != FactState::Canceled, *fact))
}

/// Of several objects that could each become the payment, the newest that was not cancelled.
fn still_open<'f>(registers: BTreeMap<&'f str, &'f Fact>) -> Option<&'f Fact> {
    registers.into_values().max_by_key(|fact| (fact.state != FactState::Canceled, *fact))
}

fn unpaid_status(state: FactState) -> Option<Status> {
    match state {
        FactState::Created => Some(Status::Pending),
        FactState::RequiresAction | FactState::InvoiceRequiresAction | FactState::Approved => {
            Some(Status::RequiresAction)
        }
        // A completed order has been captured; its captures say what money moved.
        FactState::Processing | FactState::OrderCompleted => Some(Status::Processing),
        FactState::Authorized => Some(Status::Authorized),
        FactState::AttemptFailed | FactState::InvoiceAttemptFailed => Some(Status::Failed),
        FactState::Canceled => Some(Status::Canceled),
        _ => None,
    }
}

/// Success outranks a cancellation, which outranks everything else; among the rest time decides,
/// and within one second (Stripe's resolution) the step that comes later in a payment's life.
pub(super) fn intent_key(fact: &Fact) -> (u8, Timestamp, u8, &Fact) {
    let rank = match (fact.object, fact.state) {
        (ReferenceKind::PaymentIntent, FactState::Succeeded) => 2,
        (ReferenceKind::PaymentIntent, FactState::Canceled) => 1,
        _ => 0,
    };
    let step = match fact.state {
        FactState::Created => 1,
        FactState::RequiresAction => 2,
        FactState::Processing => 3,
        FactState::AttemptFailed => 4,
        FactState::Authorized => 5,
        FactState::Canceled => 6,
        FactState::Succeeded | FactState::RefundSnapshot => 7,
        // No step of a payment.
        _ => 0,
    };
    (rank, fact.occurred_at, step, fact)
}

/// A charge, capture or sale never leaves success, and failure only for success.
fn attempt_rank(state: FactState) -> u8 {
    match state {
        FactState::Succeeded | FactState::RefundSnapshot => 2,
        FactState::AttemptFailed | FactState::Canceled => 1,
        _ => 0,
    }
}

fn hold_rank(state: FactState) -> u8 {
    match state {
        FactState::Canceled => 4,
        FactState::Succeeded => 3,
        FactState::AttemptFailed => 1,
        _ => 0,
    }
}

fn order_rank(state: FactState) -> u8 {
    match state {
        FactState::OrderCompleted => 3,
        FactState::Approved | FactState::Canceled => 2,
        FactState::RequiresAction => 1,
        _ => 0,
    }
}

fn v1_payment_rank(state: FactState) -> u8 {
    match state {
        FactState::Canceled => 2,
        FactState::Approved | FactState::AttemptFailed => 1,
        _ => 0,
    }
}

fn session_rank(state: FactState) -> u8 {
    match state {
        FactState::Succeeded | FactState::NoPayment => 3,
        FactState::AttemptFailed | FactState::Canceled => 2,
        _ => 1,
    }
}
