mod laws;
mod money;
mod status;
mod stories;

use super::DisputeStatus as Dispute;
use super::*;
use crate::domain::money::Money;

/// A fact of second `at`. [`state_of_every_order`] gives it the id of an event of its own.
fn fact(object: ReferenceKind, id: &str, state: FactState, at: i64) -> Fact {
    Fact::new(second(at), "evt", object, id, state)
}

impl Fact {
    fn of_event(self, id: &str) -> Self {
        Self { event_id: id.into(), ..self }
    }

    /// About so many cents.
    fn worth(self, minor: i64) -> Self {
        Self { amount: Some(Money { minor, currency: currency("USD") }), ..self }
    }

    /// So many cents were taken.
    fn taking(self, minor: i64) -> Self {
        Self { captured: Some(minor), ..self.worth(minor) }
    }

    /// The running total of refunds.
    fn refunded_so_far(self, minor: i64) -> Self {
        Self { refunded: Some(minor), ..self }
    }

    fn in_currency(mut self, code: &str) -> Self {
        let amount = self.amount.as_mut().expect("the amount is set before its currency");
        amount.currency = currency(code);
        self
    }

    fn of(self, parent: &str) -> Self {
        Self { parent_id: Some(parent.into()), ..self }
    }

    /// What the object was paid with, or what payment a refund is of.
    fn by(self, payment: &str) -> Self {
        Self { payment_id: Some(payment.into()), ..self }
    }

    /// All that was authorised, and how much of it was taken.
    fn taking_of(self, captured: i64, held: i64) -> Self {
        Self { captured: Some(captured), ..self.worth(held) }
    }

    fn because(self, reason: &str) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// So many cents of the shop's own currency.
    fn which_is(self, minor: i64) -> Self {
        Self { shop_money: Some(Money { minor, currency: currency("USD") }), ..self }
    }

    fn refunds_all(self, all: bool) -> Self {
        Self { refunded_all: Some(all), ..self }
    }

    fn changed_at(self, at: i64) -> Self {
        Self { object_at: Some(second(at)), ..self }
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_767_225_600 + second).expect("in range")
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a code")
}

fn other(code: &str, received: i64, refunded: i64) -> OtherMoney {
    OtherMoney { currency: currency(code), received, refunded }
}

fn expecting(minor: i64, code: &str) -> Expected {
    Expected { amount: Some(minor), currency: Some(currency(code)), ..Expected::default() }
}

fn intent(state: FactState, at: i64) -> Fact {
    fact(ReferenceKind::PaymentIntent, "pi_1", state, at)
}

/// The charge of [`intent`].
fn charge(state: FactState, at: i64) -> Fact {
    fact(ReferenceKind::Charge, "ch_1", state, at).of("pi_1")
}

/// A refund of [`charge`].
fn refund(id: &str, state: FactState, at: i64) -> Fact {
    fact(ReferenceKind::Refund, id, state, at).of("ch_1")
}

fn dispute(state: FactState, at: i64) -> Fact {
    fact(ReferenceKind::Dispute, "dp_1", state, at).of("ch_1")
}

fn capture(id: &str, state: FactState, at: i64) -> Fact {
    fact(ReferenceKind::Capture, id, state, at)
}

fn stripe<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> State {
    fold(Provider::Stripe, Expected::default(), facts)
}

fn paypal<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> State {
    fold(Provider::Paypal, Expected::default(), facts)
}

/// The state that all orders of `facts` end in, each alone and with every fact repeated.
///
/// Event ids are not ordered by time, so they are numbered both ways.
fn state_of_every_order(provider: Provider, facts: &[Fact]) -> State {
    let numbered = |number: fn(usize) -> usize| -> Vec<Fact> {
        let ids = facts.iter().enumerate();
        ids.map(|(i, fact)| fact.clone().of_event(&format!("evt_{:03}", number(i)))).collect()
    };
    let [rising, falling] = [numbered(|i| i), numbered(|i| 999 - i)];
    let state = state_of_every_permutation(provider, &rising);
    let other = state_of_every_permutation(provider, &falling);
    // Which event it is differs by its very name.
    assert_eq!(State { latest_event_id: state.latest_event_id.clone(), ..other }, state);
    state
}

fn state_of_every_permutation(provider: Provider, facts: &[Fact]) -> State {
    let state = fold(provider, Expected::default(), facts);
    for_each_order(facts, |order| {
        let twice = order.iter().chain(order.iter().rev()).copied();
        assert_eq!(fold(provider, Expected::default(), order.iter().copied()), state, "{order:#?}");
        assert_eq!(fold(provider, Expected::default(), twice), state, "twice: {order:#?}");
    });
    state
}

/// All orders of up to seven facts; of more, as many as seven have.
fn for_each_order(facts: &[Fact], mut check: impl FnMut(&[&Fact])) {
    let mut order: Vec<&Fact> = facts.iter().collect();
    if order.len() <= 7 {
        permute(&mut order, facts.len(), &mut check);
        return;
    }
    let mut random: u64 = 1;
    for _ in 0..5040 {
        for last in (1..order.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            order.swap(last, (random >> 33) as usize % (last + 1));
        }
        check(&order);
    }
}

/// Heap's algorithm over the first `length` items.
fn permute<'f>(order: &mut [&'f Fact], length: usize, check: &mut impl FnMut(&[&'f Fact])) {
    if length <= 1 {
        return check(order);
    }
    for i in 0..length {
        permute(order, length - 1, check);
        let other = if length.is_multiple_of(2) { i } else { 0 };
        order.swap(other, length - 1);
    }
}
