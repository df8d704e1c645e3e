use proptest::prelude::*;
use proptest::sample::{Index, select};

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

/// A story, and what must be true at its end in whatever order it is told.
struct Example {
    story: &'static str,
    provider: Provider,
    facts: Vec<Fact>,
    status: Status,
    received: i64,
    refunded: i64,
    dispute: Dispute,
}

#[test]
fn every_order_of_a_story_ends_in_the_same_state() {
    for example in stripe_examples().into_iter().chain(paypal_examples()) {
        let state = state_of_every_order(example.provider, &example.facts);
        let told =
            (state.status, state.amount_received, state.amount_refunded, state.dispute_status);
        let expected = (example.status, example.received, example.refunded, example.dispute);
        assert_eq!(told, expected, "{}", example.story);
    }
}

fn stripe_examples() -> Vec<Example> {
    use FactState::*;
    use ReferenceKind::{CheckoutSession, Invoice, InvoicePayment};
    let session = |state, at| fact(CheckoutSession, "cs_1", state, at);
    let snapshot = |total, at| charge(RefundSnapshot, at).taking(10_000).refunded_so_far(total);
    let example = |story, facts, status, received, refunded, dispute| Example {
        story,
        provider: Provider::Stripe,
        facts,
        status,
        received,
        refunded,
        dispute,
    };
    vec![
        example(
            "a card is declined, the next one passes 3-D Secure",
            vec![
                intent(Created, 0).worth(2000),
                fact(ReferenceKind::Charge, "ch_0", AttemptFailed, 20).worth(2000).of("pi_1"),
                intent(AttemptFailed, 20).worth(2000),
                intent(RequiresAction, 40).worth(2000),
                charge(Succeeded, 60).taking(2000),
                intent(Succeeded, 61).taking(2000),
            ],
            Status::Succeeded,
            2000,
            0,
            Dispute::None,
        ),
        example(
            "everything happens in one second",
            vec![
                intent(Processing, 0).worth(1099),
                charge(Processing, 0).worth(1099),
                charge(Succeeded, 0).taking(1099),
                intent(Succeeded, 0).taking(1099),
            ],
            Status::Succeeded,
            1099,
            0,
            Dispute::None,
        ),
        example(
            "two partial refunds, each told by itself and as a running total",
            vec![
                refund("re_1", RefundPending, 100).worth(3000),
                refund("re_1", RefundSucceeded, 102).worth(3000),
                snapshot(3000, 101),
                refund("re_2", RefundSucceeded, 200).worth(2000),
                snapshot(5000, 200),
                intent(Succeeded, 0).taking(10_000),
            ],
            Status::PartiallyRefunded,
            10_000,
            5000,
            Dispute::None,
        ),
        example(
            "the bank returns a refund a week later",
            vec![
                intent(Succeeded, 0).taking(4000),
                refund("re_1", RefundSucceeded, 100).worth(4000),
                charge(RefundSnapshot, 101).taking(4000).refunded_so_far(4000),
                refund("re_1", RefundFailed, 604_900).worth(4000),
            ],
            Status::Succeeded,
            4000,
            0,
            Dispute::None,
        ),
        example(
            "a dispute is won and the money reinstated",
            vec![
                charge(Succeeded, 0).taking(5000),
                dispute(DisputeOpen, 100).worth(5000),
                dispute(DisputeOpen, 100).worth(5000),
                dispute(DisputeOpen, 200).worth(5000),
                dispute(DisputeWon, 300).worth(5000),
                dispute(DisputeWon, 300).worth(5000),
            ],
            Status::Succeeded,
            5000,
            0,
            Dispute::Won,
        ),
        example(
            "what a refund left is lost in a dispute",
            vec![
                charge(Succeeded, 0).taking(5000),
                refund("re_1", RefundSucceeded, 50).worth(1000),
                dispute(DisputeOpen, 100).worth(4000),
                dispute(DisputeLost, 300).worth(4000),
            ],
            Status::ChargedBack,
            5000,
            1000,
            Dispute::Lost,
        ),
        example(
            "the bank asks and is satisfied",
            vec![
                intent(Succeeded, 0).taking(2500),
                dispute(DisputeInquiry, 100).worth(2500),
                dispute(DisputeInquiry, 200).worth(2500),
                dispute(DisputeInquiryClosed, 300).worth(2500),
            ],
            Status::Succeeded,
            2500,
            0,
            Dispute::InquiryClosed,
        ),
        example(
            "a hold is released, which looks like a refund",
            vec![
                intent(Created, 0).worth(6000),
                intent(Authorized, 10).worth(6000),
                charge(Canceled, 100).worth(6000),
                intent(Canceled, 100).worth(6000),
            ],
            Status::Canceled,
            0,
            0,
            Dispute::None,
        ),
        example(
            "a slow method pays three days after the checkout",
            vec![
                session(Processing, 0).worth(3800),
                intent(Processing, 0).worth(3800),
                intent(Succeeded, 259_200).taking(3800),
                charge(Succeeded, 259_200).taking(3800),
                session(Succeeded, 259_201).taking(3800),
            ],
            Status::Succeeded,
            3800,
            0,
            Dispute::None,
        ),
        example(
            "an invoice tells of one payment in five ways",
            vec![
                fact(Invoice, "in_1", InvoicePaid, 0).taking(28_800),
                fact(Invoice, "in_1", InvoicePaid, 0).taking(28_800),
                fact(InvoicePayment, "inpay_1", InvoicePaymentPaid, 1).taking(28_800),
                charge(Succeeded, 0).taking(28_800),
                intent(Succeeded, 0).taking(28_800),
            ],
            Status::Succeeded,
            28_800,
            0,
            Dispute::None,
        ),
        example(
            "a refund is all that is known",
            vec![
                refund("re_1", RefundPending, 0).worth(700),
                refund("re_1", RefundSucceeded, 1).worth(700),
            ],
            Status::Pending,
            0,
            0,
            Dispute::None,
        ),
        example(
            "a dispute is all that is known",
            vec![dispute(DisputeInquiry, 0).worth(700), dispute(DisputeOpen, 9).worth(700)],
            Status::Pending,
            0,
            0,
            Dispute::Open,
        ),
    ]
}

fn paypal_examples() -> Vec<Example> {
    use FactState::*;
    use ReferenceKind::{Authorization, Order, Sale};
    let refund = |id, state, at| fact(ReferenceKind::Refund, id, state, at);
    let case = |state, at| fact(ReferenceKind::Dispute, "PP-D-1", state, at).of("CAP1");
    let example = |story, facts, status, received, refunded, dispute| Example {
        story,
        provider: Provider::Paypal,
        facts,
        status,
        received,
        refunded,
        dispute,
    };
    vec![
        example(
            "a capture of an approved order is held, then completes",
            vec![
                fact(Order, "ORDER1", Approved, 0).worth(4250),
                capture("CAP1", Processing, 10).worth(4250),
                capture("CAP1", Succeeded, 500).taking(4250),
            ],
            Status::Succeeded,
            4250,
            0,
            Dispute::None,
        ),
        example(
            "two refunds carry a running total",
            vec![
                capture("CAP1", Succeeded, 0).taking(3000),
                refund("REF1", RefundSucceeded, 10).worth(1000).of("CAP1").refunded_so_far(1000),
                refund("REF2", RefundSucceeded, 20).worth(550).of("CAP1").refunded_so_far(1550),
            ],
            Status::PartiallyRefunded,
            3000,
            1550,
            Dispute::None,
        ),
        example(
            "a sale clears after a week and is refunded",
            vec![
                fact(Sale, "SALE1", Processing, 0).worth(1747),
                fact(Sale, "SALE1", Succeeded, 604_800).taking(1747),
                refund("REF1", RefundSucceeded, 864_000).worth(1747).of("SALE1"),
            ],
            Status::Refunded,
            1747,
            1747,
            Dispute::None,
        ),
        example(
            "a lost case and the reversal tell of the same money",
            vec![
                capture("CAP1", Succeeded, 0).taking(9900),
                case(DisputeOpen, 100).worth(9900).changed_at(100),
                case(DisputeOpen, 200).worth(9900).changed_at(200),
                case(DisputeLost, 300).worth(9900).changed_at(300),
                refund("REF1", RefundSucceeded, 301).worth(9900).of("CAP1"),
            ],
            Status::ChargedBack,
            9900,
            9900,
            Dispute::Lost,
        ),
        example(
            "an appeal reopens a lost case, which is then won",
            vec![
                capture("CAP1", Succeeded, 0).taking(9900),
                // The events are dated against the order in which the case changed.
                case(DisputeLost, 300).worth(9900).changed_at(100),
                case(DisputeOpen, 200).worth(9900).changed_at(200),
                case(DisputeWon, 100).worth(9900).changed_at(300),
            ],
            Status::Succeeded,
            9900,
            0,
            Dispute::Won,
        ),
        example(
            "an appeal reopens a lost case",
            vec![
                capture("CAP1", Succeeded, 0).taking(9900),
                case(DisputeLost, 300).worth(9900).changed_at(100),
                case(DisputeOpen, 200).worth(9900).changed_at(200),
            ],
            Status::Disputed,
            9900,
            0,
            Dispute::Open,
        ),
        example(
            "a capture is declined, another one completes",
            vec![
                capture("CAP1", AttemptFailed, 0).worth(1200),
                capture("CAP2", Succeeded, 60).taking(1200),
            ],
            Status::Succeeded,
            1200,
            0,
            Dispute::None,
        ),
        example(
            "the rest of a hold is voided after a partial capture",
            vec![
                fact(Authorization, "AUTH1", Authorized, 0).worth(6000),
                capture("CAP1", Succeeded, 60).taking(2500),
                fact(Authorization, "AUTH1", Canceled, 120).worth(6000),
            ],
            Status::Succeeded,
            2500,
            0,
            Dispute::None,
        ),
    ]
}

#[test]
fn an_invoice_of_nothing_is_paid_and_compared_with_what_was_expected() {
    let paid = fact(ReferenceKind::Invoice, "in_1", FactState::InvoicePaid, 1).taking(0);
    let with = |expected| fold(Provider::Stripe, expected, [&paid]);
    let state = with(Expected::default());
    assert_eq!((state.status, state.amount_received), (Status::Succeeded, 0));
    assert_eq!(state.amount_check, AmountCheck::Unknown);
    assert_eq!(with(expecting(0, "USD")).amount_check, AmountCheck::Ok);
    assert_eq!(with(expecting(0, "EUR")).amount_check, AmountCheck::Ok);
    assert_eq!(with(expecting(4999, "USD")).amount_check, AmountCheck::Underpaid);
}

#[test]
fn a_failed_refund_that_is_told_of_again_is_not_taken_off_twice() {
    let facts = [
        charge(FactState::Succeeded, 1).taking(10_000),
        refund("re_1", FactState::RefundFailed, 2).worth(1_000),
        // Of another refund, whose own events were missed; it knows of the failure.
        charge(FactState::RefundSnapshot, 3).taking(10_000).refunded_so_far(500),
        refund("re_1", FactState::RefundFailed, 4).worth(1_000),
    ];
    let state = state_of_every_order(Provider::Stripe, &facts);
    assert_eq!((state.status, state.amount_refunded), (Status::PartiallyRefunded, 500));
}

#[test]
fn a_completed_order_waits_for_what_its_captures_say() {
    let order = |state, at| fact(ReferenceKind::Order, "O-1", state, at);
    let mut facts = vec![order(FactState::Approved, 1), order(FactState::OrderCompleted, 2)];
    assert_eq!(state_of_every_order(Provider::Paypal, &facts).status, Status::Processing);
    facts.push(capture("C-1", FactState::AttemptFailed, 3));
    assert_eq!(state_of_every_order(Provider::Paypal, &facts).status, Status::Failed);
}

#[test]
fn nothing_known_is_pending_in_the_expected_currency() {
    let state = fold(Provider::Stripe, expecting(1000, "EUR"), &[]);
    assert_eq!(
        state,
        State {
            status: Status::Pending,
            amount_received: 0,
            amount_refunded: 0,
            currency: Some(currency("EUR")),
            dispute_status: Dispute::None,
            amount_check: AmountCheck::Unknown,
            status_changed_at: None,
            latest_event_id: None,
            other_money: Vec::new(),
            doubtful: false,
        }
    );
}

/// A PaymentIntent of which nothing but these states is known, all of one second.
#[test]
fn contradictions_of_one_second_converge_on_the_later_step() {
    use FactState::{AttemptFailed, Authorized, Canceled, Created, Processing, RequiresAction};
    let steps = [
        (Created, Status::Pending),
        (RequiresAction, Status::RequiresAction),
        (Processing, Status::Processing),
        (AttemptFailed, Status::Failed),
        (Authorized, Status::Authorized),
        (Canceled, Status::Canceled),
    ];
    for (later, (_, status)) in steps.iter().enumerate() {
        let facts: Vec<Fact> =
            steps[..=later].iter().map(|(state, _)| intent(*state, 0).worth(500)).collect();
        assert_eq!(state_of_every_order(Provider::Stripe, &facts).status, *status);
    }
}

#[test]
fn a_later_second_outweighs_a_later_step() {
    let facts = [
        intent(FactState::AttemptFailed, 0),
        intent(FactState::Processing, 1),
        charge(FactState::AttemptFailed, 0),
    ];
    assert_eq!(state_of_every_order(Provider::Stripe, &facts).status, Status::Processing);
}

#[test]
fn an_attempt_of_a_charge_speaks_for_its_payment_intent() {
    for (state, status) in [
        (FactState::Processing, Status::Processing),
        (FactState::AttemptFailed, Status::Failed),
        (FactState::Authorized, Status::Authorized),
        (FactState::Canceled, Status::Canceled),
    ] {
        let facts = [intent(FactState::RequiresAction, 0), charge(state, 1).worth(500)];
        assert_eq!(state_of_every_order(Provider::Stripe, &facts).status, status);
    }
}

#[test]
fn statements_of_one_event_that_differ_converge() {
    let facts = [
        refund("re_1", FactState::RefundSucceeded, 5).worth(100),
        refund("re_1", FactState::RefundSucceeded, 5).worth(300),
        charge(FactState::Succeeded, 0).taking(1000),
        fact(ReferenceKind::CheckoutSession, "cs_1", FactState::Succeeded, 0)
            .taking(900)
            .in_currency("EUR"),
    ];
    for provider in Provider::ALL {
        state_of_every_permutation(*provider, &facts);
    }
}

#[test]
fn success_outlives_everything_that_is_not_a_refund_or_a_dispute() {
    let succeeded = intent(FactState::Succeeded, 0).taking(1000);
    for state in [
        FactState::Created,
        FactState::RequiresAction,
        FactState::Processing,
        FactState::Authorized,
        FactState::AttemptFailed,
        FactState::Canceled,
        FactState::Conflict,
    ] {
        let facts = [succeeded.clone(), intent(state, 99).worth(1000), charge(state, 99)];
        let state = state_of_every_order(Provider::Stripe, &facts);
        assert_eq!((state.status, state.amount_received), (Status::Succeeded, 1000));
        assert_eq!(state.status_changed_at, Some(second(0)));
    }
}

#[test]
fn a_cancelled_payment_intent_stays_so_unless_it_succeeded() {
    let facts = [intent(FactState::Canceled, 0), intent(FactState::AttemptFailed, 9)];
    assert_eq!(state_of_every_order(Provider::Stripe, &facts).status, Status::Canceled);
}

/// For every kind of object on which a status can rest.
#[test]
fn a_contradiction_concludes_nothing() {
    use ReferenceKind::{Capture, CheckoutSession, Invoice, Order, PaymentIntent, Sale};
    for (provider, object) in [
        (Provider::Stripe, PaymentIntent),
        (Provider::Stripe, ReferenceKind::Charge),
        (Provider::Stripe, CheckoutSession),
        (Provider::Stripe, Invoice),
        (Provider::Paypal, Capture),
        (Provider::Paypal, Sale),
        (Provider::Paypal, Order),
    ] {
        let doubtful = fact(object, "x", FactState::Conflict, 9).taking(1000).refunded_so_far(5);
        let alone = fold(provider, expecting(1000, "USD"), [&doubtful]);
        let nothing = fold(provider, expecting(1000, "USD"), &[]);
        assert_eq!(State { latest_event_id: None, ..alone }, nothing, "{object}");
        assert_eq!(
            state_of_every_order(
                provider,
                &[doubtful, fact(object, "x", FactState::Processing, 0)]
            )
            .status,
            Status::Processing,
            "{object}"
        );
    }
}

#[test]
fn what_was_received_is_compared_with_what_was_expected() {
    let paid = intent(FactState::Succeeded, 0).taking(1000);
    for (expected, check) in [
        (expecting(1000, "USD"), AmountCheck::Ok),
        (expecting(1001, "USD"), AmountCheck::Underpaid),
        (expecting(999, "USD"), AmountCheck::Overpaid),
        (expecting(1000, "EUR"), AmountCheck::WrongCurrency),
        (Expected::default(), AmountCheck::Unknown),
    ] {
        let state = fold(Provider::Stripe, expected, [&paid]);
        assert_eq!(state.amount_check, check);
        assert_eq!((state.amount_received, state.currency), (1000, Some(currency("USD"))));
    }
    let asked = intent(FactState::Processing, 0).worth(10);
    let state = fold(Provider::Stripe, expecting(1000, "USD"), [&asked]);
    assert_eq!(state.amount_check, AmountCheck::Unknown);
}

#[test]
fn of_two_currencies_the_expected_one_counts() {
    let facts = [
        fact(ReferenceKind::PaymentIntent, "pi_1", FactState::Succeeded, 0).taking(1000),
        fact(ReferenceKind::PaymentIntent, "pi_2", FactState::Succeeded, 9)
            .taking(800)
            .in_currency("EUR"),
    ];
    let state = fold(Provider::Stripe, expecting(1000, "USD"), &facts);
    assert_eq!((state.amount_received, state.amount_check), (1000, AmountCheck::Overpaid));
    assert_eq!(state.other_money, [other("EUR", 800, 0)]);
    let state = fold(Provider::Stripe, Expected::default(), &facts);
    assert_eq!((state.amount_received, state.currency), (800, Some(currency("EUR"))));
    assert_eq!(state.other_money, [other("USD", 1000, 0)]);
}

/// Conversion makes a checkout or an invoice differ from what was received.
#[test]
fn the_payment_itself_decides_the_currency_whatever_it_pays_for() {
    for bill in [ReferenceKind::CheckoutSession, ReferenceKind::Invoice] {
        let facts = [
            intent(FactState::Succeeded, 0).taking(1000),
            fact(bill, "cs_1", FactState::Succeeded, 9).taking(900).in_currency("EUR").by("pi_1"),
        ];
        let state = state_of_every_order(Provider::Stripe, &facts);
        assert_eq!((state.amount_received, state.currency), (1000, Some(currency("USD"))));
        assert_eq!(state.other_money, []);
    }
}

#[test]
fn before_any_money_the_currency_is_the_newest_named() {
    let facts = [
        intent(FactState::RequiresAction, 0).worth(1000),
        fact(ReferenceKind::CheckoutSession, "cs_1", FactState::Canceled, 9),
    ];
    let state = state_of_every_order(Provider::Stripe, &facts);
    assert_eq!(state.currency, Some(currency("USD")));
}

#[test]
fn a_refund_in_another_currency_is_not_subtracted() {
    let facts = [
        intent(FactState::Succeeded, 0).taking(1000),
        refund("re_1", FactState::RefundSucceeded, 9).worth(1000).in_currency("EUR"),
    ];
    let state = state_of_every_order(Provider::Stripe, &facts);
    assert_eq!((state.status, state.amount_refunded), (Status::Succeeded, 0));
}

#[test]
fn several_payment_intents_add_up_and_one_success_is_enough() {
    let second_intent = |state, at| fact(ReferenceKind::PaymentIntent, "pi_2", state, at);
    let paid = intent(FactState::Succeeded, 0).taking(1000);
    for (other, status, received) in [
        (second_intent(FactState::Succeeded, 9).taking(500), Status::Succeeded, 1500),
        (second_intent(FactState::AttemptFailed, 9).worth(500), Status::Succeeded, 1000),
        (second_intent(FactState::Canceled, 9).worth(500), Status::Succeeded, 1000),
    ] {
        let state = state_of_every_order(Provider::Stripe, &[paid.clone(), other]);
        assert_eq!((state.status, state.amount_received), (status, received));
    }
    let facts = [intent(FactState::RequiresAction, 0), second_intent(FactState::Canceled, 9)];
    assert_eq!(state_of_every_order(Provider::Stripe, &facts).status, Status::RequiresAction);
    let facts = [intent(FactState::Canceled, 0), second_intent(FactState::Canceled, 9)];
    assert_eq!(state_of_every_order(Provider::Stripe, &facts).status, Status::Canceled);
}

/// Each object is a register of its own: what ended one of them does not end another.
#[test]
fn of_several_tries_one_that_may_still_be_paid_counts() {
    use ReferenceKind::{Charge, CheckoutSession, Order, Payment};
    for (provider, object, open, status) in [
        (Provider::Stripe, CheckoutSession, FactState::Processing, Status::Processing),
        (Provider::Stripe, Charge, FactState::Authorized, Status::Authorized),
        (Provider::Paypal, Order, FactState::Approved, Status::RequiresAction),
        (Provider::Paypal, Payment, FactState::Approved, Status::RequiresAction),
    ] {
        let facts = [
            fact(object, "first", FactState::Canceled, 9),
            fact(object, "second", open, 0),
            fact(object, "third", FactState::Canceled, 20),
        ];
        assert_eq!(state_of_every_order(provider, &facts).status, status, "{object}");
        if object == Order {
            continue;
        }
        // Within one object the end of it counts, although it is dated earlier.
        let same = [fact(object, "first", FactState::Canceled, 0), fact(object, "first", open, 9)];
        assert_eq!(state_of_every_order(provider, &same).status, Status::Canceled, "{object}");
    }
}

#[test]
fn without_a_payment_intent_charge_then_session_then_invoice_decide() {
    let bare = fact(ReferenceKind::Charge, "ch_1", FactState::AttemptFailed, 0);
    let session = fact(ReferenceKind::CheckoutSession, "cs_1", FactState::Processing, 9);
    let invoice = fact(ReferenceKind::Invoice, "in_1", FactState::InvoiceRequiresAction, 10);
    let status = |facts: &[Fact]| state_of_every_order(Provider::Stripe, facts).status;
    let all = [bare, session, invoice];
    assert_eq!(status(&all), Status::Failed);
    assert_eq!(status(&all[1..]), Status::Processing);
    assert_eq!(status(&all[2..]), Status::RequiresAction);
}

#[test]
fn a_bill_counts_only_where_no_payment_is_known() {
    let session = fact(ReferenceKind::CheckoutSession, "cs_1", FactState::Succeeded, 0).taking(900);
    let state = stripe([&session]);
    assert_eq!((state.status, state.amount_received), (Status::Succeeded, 900));
    let paid = intent(FactState::Succeeded, 0).taking(800);
    assert_eq!(state_of_every_order(Provider::Stripe, &[session, paid]).amount_received, 800);
}

#[test]
fn nothing_due_is_success_without_money() {
    let free = fact(ReferenceKind::CheckoutSession, "cs_1", FactState::NoPayment, 0).taking(0);
    let state = stripe([&free]);
    assert_eq!((state.status, state.amount_received), (Status::Succeeded, 0));
}

#[test]
fn money_taken_decides_whatever_else_the_object_says() {
    let state = stripe([&charge(FactState::Authorized, 0).taking(100)]);
    assert_eq!((state.status, state.amount_received), (Status::Succeeded, 100));
}

#[test]
fn a_sale_and_a_capture_of_one_id_are_one_payment() {
    let facts = [
        fact(ReferenceKind::Sale, "7YX", FactState::Succeeded, 0).taking(1000),
        capture("7YX", FactState::Succeeded, 1).taking(1000),
        capture("8YX", FactState::Succeeded, 1).taking(50),
    ];
    let state = state_of_every_order(Provider::Paypal, &facts);
    assert_eq!((state.status, state.amount_received), (Status::Succeeded, 1050));
}

#[test]
fn a_paypal_payment_rests_on_what_is_furthest() {
    use FactState::{Approved, AttemptFailed, Authorized, Canceled, OrderCompleted, Processing};
    let order = |state, at| fact(ReferenceKind::Order, "ORDER1", state, at);
    let hold = |id, state, at| fact(ReferenceKind::Authorization, id, state, at);
    let all = [
        capture("CAP2", Processing, 0),
        hold("AUTH2", Authorized, 0),
        capture("CAP1", AttemptFailed, 5),
        hold("AUTH1", Canceled, 8),
        order(Approved, 4),
    ];
    let status = |facts: &[Fact]| state_of_every_order(Provider::Paypal, facts).status;
    assert_eq!(status(&all), Status::Processing);
    assert_eq!(status(&all[1..]), Status::Authorized);
    assert_eq!(status(&all[2..]), Status::Failed);
    assert_eq!(status(&all[3..]), Status::Canceled);
    assert_eq!(status(&all[4..]), Status::RequiresAction);
    // What cannot be undone counts, although it is dated earlier.
    let voided = [hold("AUTH1", Canceled, 0), hold("AUTH1", Authorized, 9)];
    assert_eq!(status(&voided), Status::Canceled);
    let declined = [capture("CAP1", AttemptFailed, 0), capture("CAP1", Processing, 9)];
    assert_eq!(status(&declined), Status::Failed);
    // The captures say what money moved.
    assert_eq!(paypal([&order(OrderCompleted, 9).worth(500)]).amount_received, 0);
}

#[test]
fn a_refund_without_a_parent_counts_once() {
    let orphaned = fact(ReferenceKind::Refund, "REF1", FactState::RefundSucceeded, 9).worth(300);
    let facts = [
        capture("CAP1", FactState::Succeeded, 0).taking(1000),
        orphaned.clone(),
        orphaned.worth(300),
        fact(ReferenceKind::Refund, "REF2", FactState::RefundSucceeded, 9).worth(200).of("CAP1"),
    ];
    let state = state_of_every_order(Provider::Paypal, &facts);
    assert_eq!((state.status, state.amount_refunded), (Status::PartiallyRefunded, 500));
}

#[test]
fn a_refund_counts_until_it_failed_or_was_taken_back() {
    use FactState::{RefundCanceled, RefundFailed, RefundPending, RefundSucceeded};
    for provider in Provider::ALL {
        let paid = match provider {
            Provider::Stripe => intent(FactState::Succeeded, 0).taking(1000),
            Provider::Paypal => capture("ch_1", FactState::Succeeded, 0).taking(1000),
        };
        for (last, refunded) in
            [(RefundPending, 400), (RefundSucceeded, 400), (RefundFailed, 0), (RefundCanceled, 0)]
        {
            // A final state wins although it is the oldest.
            let facts = [
                paid.clone(),
                refund("re_1", RefundPending, 9).worth(400),
                refund("re_1", last, 5).worth(400),
            ];
            assert_eq!(state_of_every_order(*provider, &facts).amount_refunded, refunded, "{last}");
        }
    }
}

#[test]
fn a_running_total_makes_up_for_refunds_that_were_missed() {
    let paid = intent(FactState::Succeeded, 0).taking(1000);
    let total =
        |minor, at| charge(FactState::RefundSnapshot, at).taking(1000).refunded_so_far(minor);
    let failed = |at| refund("re_1", FactState::RefundFailed, at).worth(300);
    let refunded = |facts: &[Fact]| state_of_every_order(Provider::Stripe, facts).amount_refunded;
    assert_eq!(refunded(&[paid.clone(), total(500, 9), total(200, 5)]), 500);
    // Stripe lowers the total when a refund fails, so an older failure is already in it, and so is
    // one of the very second.
    assert_eq!(refunded(&[paid.clone(), total(500, 9), failed(8)]), 500);
    assert_eq!(refunded(&[paid.clone(), total(500, 9), failed(9)]), 500);
    assert_eq!(refunded(&[paid, total(200, 9), failed(10)]), 0);
}

#[test]
fn paypals_running_total_is_read_from_completed_refunds_only() {
    let refund = |id, state, minor: i64| refund(id, state, 9).worth(minor);
    let paid = capture("ch_1", FactState::Succeeded, 0).taking(1000);
    let facts = [
        paid,
        refund("REF1", FactState::RefundSucceeded, 100).refunded_so_far(300),
        refund("REF2", FactState::RefundFailed, 50).refunded_so_far(900),
    ];
    assert_eq!(state_of_every_order(Provider::Paypal, &facts).amount_refunded, 250);
}

#[test]
fn no_more_is_refunded_than_was_received() {
    let facts = [
        charge(FactState::RefundSnapshot, 0).taking(1000).refunded_so_far(5000),
        refund("re_1", FactState::RefundSucceeded, 9).worth(7000),
    ];
    let state = state_of_every_order(Provider::Stripe, &facts);
    assert_eq!((state.status, state.amount_refunded), (Status::Refunded, 1000));
}

#[test]
fn sums_stop_at_the_end_of_the_range() {
    let facts = [
        fact(ReferenceKind::PaymentIntent, "pi_1", FactState::Succeeded, 0).taking(i64::MAX),
        fact(ReferenceKind::PaymentIntent, "pi_2", FactState::Succeeded, 0).taking(i64::MAX),
        refund("re_1", FactState::RefundSucceeded, 1).worth(i64::MAX),
        refund("re_2", FactState::RefundSucceeded, 1).worth(i64::MAX),
        fact(ReferenceKind::Refund, "re_3", FactState::RefundSucceeded, 1).worth(i64::MAX),
    ];
    let state = state_of_every_order(Provider::Stripe, &facts);
    assert_eq!((state.amount_received, state.amount_refunded), (i64::MAX, i64::MAX));
    assert_eq!(state.status, Status::Refunded);
}

#[test]
fn a_stripe_dispute_ends_once_and_an_inquiry_may_become_one() {
    use FactState::*;
    let paid = intent(Succeeded, 0).taking(1000);
    for (states, dispute_status, status) in [
        (vec![DisputeInquiry, DisputeOpen], Dispute::Open, Status::Disputed),
        (vec![DisputeInquiry, DisputeInquiryClosed], Dispute::InquiryClosed, Status::Succeeded),
        (vec![DisputeInquiryClosed, DisputeOpen], Dispute::Open, Status::Disputed),
        (vec![DisputeOpen, DisputeLost], Dispute::Lost, Status::ChargedBack),
        (vec![DisputeOpen, DisputePrevented], Dispute::Prevented, Status::Succeeded),
        // Old API versions close a dispute because the charge was refunded.
        (vec![DisputeOpen, DisputeClosed], Dispute::Closed, Status::Succeeded),
    ] {
        // Each state is dated before the one it follows, as within one second it may be.
        let states = states.iter().zip([9, 8]);
        let mut facts: Vec<Fact> =
            states.map(|(state, at)| dispute(*state, at).worth(1000)).collect();
        facts.push(paid.clone());
        let state = state_of_every_order(Provider::Stripe, &facts);
        assert_eq!((state.dispute_status, state.status), (dispute_status, status));
    }
}

#[test]
fn of_several_disputes_the_worst_is_told() {
    let facts = [
        charge(FactState::Succeeded, 0).taking(1000),
        fact(ReferenceKind::Dispute, "dp_1", FactState::DisputeWon, 9),
        fact(ReferenceKind::Dispute, "dp_2", FactState::DisputeOpen, 5),
        fact(ReferenceKind::Dispute, "dp_3", FactState::DisputeLost, 7),
    ];
    let state = state_of_every_order(Provider::Stripe, &facts);
    assert_eq!((state.dispute_status, state.status), (Dispute::Open, Status::Disputed));
    assert_eq!(state.status_changed_at, Some(second(5)));
}

#[test]
fn the_latest_event_is_the_newest_and_most_settled() {
    let facts = [
        intent(FactState::Succeeded, 5).taking(100).of_event("evt_a"),
        intent(FactState::Processing, 5).worth(100).of_event("evt_b"),
        intent(FactState::Created, 0).worth(100).of_event("evt_c"),
    ];
    for_each_order(&facts, |order| {
        let state = stripe(order.iter().copied());
        assert_eq!(state.latest_event_id.as_deref(), Some("evt_a"));
    });
}

/// Cases by which people who do this job lost money.
#[test]
fn every_order_of_a_case_from_the_field_ends_as_it_says() {
    for case in stripe_cases().into_iter().chain(paypal_cases()) {
        let state = state_of_every_order(case.example.provider, &case.example.facts);
        let example = &case.example;
        let told =
            (state.status, state.amount_received, state.amount_refunded, state.dispute_status);
        let expected = (example.status, example.received, example.refunded, example.dispute);
        assert_eq!(told, expected, "{}", example.story);
        let checked = fold(example.provider, case.expected, &example.facts);
        assert_eq!(checked.amount_check, case.check, "{}", example.story);
    }
}

/// A story, what the shop expected, and what it is told of the amount.
struct Case {
    example: Example,
    expected: Expected,
    check: AmountCheck,
}

fn stripe_cases() -> Vec<Case> {
    use FactState::*;
    use ReferenceKind::{Charge, CheckoutSession, Invoice, InvoicePayment, PaymentIntent};
    let case = |story, facts, (expected, check), (status, received, refunded)| Case {
        example: Example {
            story,
            provider: Provider::Stripe,
            facts,
            status,
            received,
            refunded,
            dispute: Dispute::None,
        },
        expected: expecting(expected, "USD"),
        check,
    };
    let put =
        |id, minor, at| fact(InvoicePayment, id, InvoicePaymentPaid, at).taking(minor).of("in_1");
    let captured_in_part = |state, at| charge(state, at).taking_of(6000, 10_000);
    let told_all = |fact: Fact, all| Fact { refunded_all: Some(all), ..fact };
    let in_dollars = |minor, fact: Fact| Fact {
        shop_money: Some(Money { minor, currency: currency("USD") }),
        ..fact
    };
    let converted = |minor| {
        let session = fact(CheckoutSession, "cs_1", Succeeded, 1).by("pi_1").taking(5423);
        vec![
            intent(Succeeded, 0).taking(5423).in_currency("EUR"),
            charge(Succeeded, 0).taking(5423).in_currency("EUR"),
            in_dollars(minor, session.in_currency("EUR")),
        ]
    };
    vec![
        case(
            "a foreign buyer pays in his currency what is asked in the shop's",
            converted(4999),
            (4999, AmountCheck::Ok),
            (Status::Succeeded, 5423, 0),
        ),
        case(
            "a foreign buyer pays less than is asked in the shop's currency",
            converted(4000),
            (4999, AmountCheck::Underpaid),
            (Status::Succeeded, 5423, 0),
        ),
        case(
            "a charge without an intent is a second payment",
            vec![
                intent(Succeeded, 0).taking(5000),
                fact(Charge, "ch_old", Succeeded, 40).taking(5000),
            ],
            (5000, AmountCheck::Overpaid),
            (Status::Succeeded, 10_000, 0),
        ),
        case(
            "of two payments one goes back",
            vec![
                intent(Succeeded, 0).taking(5000),
                fact(PaymentIntent, "pi_2", Succeeded, 30).taking(5000),
                charge(Succeeded, 0).taking(5000),
                fact(Charge, "ch_2", Succeeded, 30).taking(5000).of("pi_2"),
                refund("re_1", RefundSucceeded, 500).worth(5000).of("ch_2").by("pi_2"),
                told_all(
                    fact(Charge, "ch_2", RefundSnapshot, 500)
                        .taking(5000)
                        .of("pi_2")
                        .refunded_so_far(5000),
                    true,
                ),
            ],
            (5000, AmountCheck::Ok),
            (Status::PartiallyRefunded, 10_000, 5000),
        ),
        case(
            "part of an invoice is paid out of band",
            vec![
                intent(Succeeded, 0).taking(4000),
                put("inpay_1", 4000, 0).by("pi_1"),
                put("inpay_2", 6000, 50),
                fact(Invoice, "in_1", InvoicePaid, 50).taking(10_000),
            ],
            (10_000, AmountCheck::Ok),
            (Status::Succeeded, 10_000, 0),
        ),
        case(
            "an invoice is paid by a payment that it does not name",
            vec![
                fact(Invoice, "in_1", InvoicePaid, 0).taking(28_800),
                intent(Succeeded, 0).taking(28_800),
            ],
            (28_800, AmountCheck::Ok),
            (Status::Succeeded, 28_800, 0),
        ),
        case(
            "one payment pays this invoice and another transaction's",
            vec![
                fact(Invoice, "in_1", InvoicePaid, 0).taking(6000),
                put("inpay_1", 6000, 0).by("pi_1"),
                intent(Succeeded, 0).taking(10_000),
                charge(RefundSnapshot, 9).taking(10_000).refunded_so_far(3000),
            ],
            (6000, AmountCheck::Ok),
            (Status::Succeeded, 6000, 0),
        ),
        case(
            "all of a payment of two invoices goes back",
            vec![
                put("inpay_1", 6000, 0).by("pi_1"),
                intent(Succeeded, 0).taking(10_000),
                charge(RefundSnapshot, 9).taking(10_000).refunded_so_far(10_000),
            ],
            (6000, AmountCheck::Ok),
            (Status::Refunded, 6000, 6000),
        ),
        case(
            "an invoice is voided after a failure",
            vec![
                fact(Invoice, "in_1", InvoiceAttemptFailed, 50).worth(2900),
                fact(Invoice, "in_1", Canceled, 9).worth(2900),
            ],
            (2900, AmountCheck::Unknown),
            (Status::Canceled, 0, 0),
        ),
        case(
            "the first of several captures is told by the intent alone",
            vec![
                intent(Authorized, 0).worth(10_000),
                intent(Authorized, 100).taking_of(7000, 10_000),
            ],
            (10_000, AmountCheck::Underpaid),
            (Status::Succeeded, 7000, 0),
        ),
        case(
            "a refund is made while the rest is still held",
            vec![
                charge(Authorized, 0).worth(10_000),
                charge(Succeeded, 100).taking_of(7000, 10_000).refunded_so_far(0),
                charge(RefundSnapshot, 200).taking_of(7000, 10_000).refunded_so_far(2000),
            ],
            (10_000, AmountCheck::Underpaid),
            (Status::PartiallyRefunded, 7000, 2000),
        ),
        case(
            "the release of an uncaptured rest comes as a refund",
            vec![
                intent(Authorized, 0).worth(10_000),
                charge(Authorized, 0).worth(10_000),
                told_all(captured_in_part(Succeeded, 600).refunded_so_far(4000), false),
                refund("re_1", RefundSucceeded, 600).worth(4000).by("pi_1"),
                told_all(captured_in_part(RefundSnapshot, 600).refunded_so_far(4000), false),
                intent(Succeeded, 600).taking_of(6000, 10_000),
            ],
            (6000, AmountCheck::Ok),
            (Status::Succeeded, 6000, 0),
        ),
        case(
            "after the release of the rest all that was taken goes back",
            vec![
                captured_in_part(Succeeded, 600).refunded_so_far(4000),
                refund("re_1", RefundSucceeded, 600).worth(4000).by("pi_1"),
                refund("re_2", RefundSucceeded, 900).worth(6000).by("pi_1"),
                told_all(captured_in_part(RefundSnapshot, 900).refunded_so_far(10_000), true),
            ],
            (6000, AmountCheck::Ok),
            (Status::Refunded, 6000, 6000),
        ),
        case(
            "a payment captured in part goes back, its release is not counted",
            vec![
                captured_in_part(Succeeded, 600).refunded_so_far(0),
                intent(Succeeded, 600).taking_of(6000, 10_000),
                told_all(captured_in_part(RefundSnapshot, 9000).refunded_so_far(6000), true),
            ],
            (6000, AmountCheck::Ok),
            (Status::Refunded, 6000, 6000),
        ),
        case(
            "a hold that lapsed is released by a refund that says so",
            vec![
                intent(Succeeded, 0).taking(6000),
                refund("re_1", RefundSucceeded, 9).worth(4000).because("expired_uncaptured_charge"),
            ],
            (6000, AmountCheck::Ok),
            (Status::Succeeded, 6000, 0),
        ),
        case(
            "one refund hangs under the intent and under the charge",
            vec![
                intent(Succeeded, 0).taking(10_000),
                charge(Succeeded, 0).taking(10_000),
                refund("re_1", RefundSucceeded, 100).worth(3000).of("pi_1").by("pi_1"),
                refund("re_1", RefundSucceeded, 101).worth(3000).by("pi_1"),
                charge(RefundSnapshot, 100).taking(10_000).refunded_so_far(3000),
            ],
            (10_000, AmountCheck::Ok),
            (Status::PartiallyRefunded, 10_000, 3000),
        ),
        case(
            "an expired session is recovered",
            vec![
                fact(CheckoutSession, "cs_1", Canceled, 0).worth(5000),
                fact(CheckoutSession, "cs_2", Succeeded, 9).taking(5000).by("pi_1"),
                intent(Succeeded, 9).taking(5000),
            ],
            (5000, AmountCheck::Ok),
            (Status::Succeeded, 5000, 0),
        ),
        case(
            "a session and an invoice tell of a payment that is not known",
            vec![
                fact(CheckoutSession, "cs_1", Succeeded, 9).taking(5000).by("pi_1"),
                fact(Invoice, "in_1", InvoicePaid, 9).taking(5000),
            ],
            (5000, AmountCheck::Ok),
            (Status::Succeeded, 5000, 0),
        ),
    ]
}

fn paypal_cases() -> Vec<Case> {
    use FactState::*;
    use ReferenceKind::{Authorization, Order};
    let case = |story, facts, status, received, refunded, dispute| Case {
        example: Example {
            story,
            provider: Provider::Paypal,
            facts,
            status,
            received,
            refunded,
            dispute,
        },
        expected: expecting(9900, "USD"),
        check: if received == 9900 { AmountCheck::Ok } else { AmountCheck::Unknown },
    };
    let dispute = |state, at| fact(ReferenceKind::Dispute, "PP-1", state, at).of("CAP1");
    let taken_back = |at| {
        fact(ReferenceKind::Refund, "REV1", RefundSucceeded, at)
            .worth(9900)
            .of("CAP1")
            .refunded_so_far(9900)
            .because("reversal")
    };
    let paid = || capture("CAP1", Succeeded, 0).taking(9900);
    let order = |state, at| fact(Order, "O1", state, at).worth(9900);
    vec![
        case(
            "a hold is still under review",
            vec![order(Approved, 0), fact(Authorization, "A1", Processing, 1).worth(9900)],
            Status::Processing,
            0,
            0,
            Dispute::None,
        ),
        case(
            "a hold was denied",
            vec![order(Approved, 0), fact(Authorization, "A1", AttemptFailed, 1).worth(9900)],
            Status::Failed,
            0,
            0,
            Dispute::None,
        ),
        case(
            "after a declined capture the buyer approves again",
            vec![
                order(Approved, 0).changed_at(0),
                capture("CAP1", AttemptFailed, 10).worth(9900).changed_at(9),
                order(Approved, 20).changed_at(19),
            ],
            Status::RequiresAction,
            0,
            0,
            Dispute::None,
        ),
        case(
            "after a reversal the buyer approves again",
            vec![order(Approved, 0), order(Canceled, 10), order(Approved, 20)],
            Status::RequiresAction,
            0,
            0,
            Dispute::None,
        ),
        case(
            "an approval is reversed",
            vec![order(Approved, 0), order(Canceled, 10)],
            Status::Canceled,
            0,
            0,
            Dispute::None,
        ),
        case(
            "a lost case is told of again without its outcome",
            vec![
                paid(),
                dispute(DisputeOpen, 5),
                dispute(DisputeLost, 10),
                dispute(DisputeClosed, 20),
            ],
            Status::ChargedBack,
            9900,
            0,
            Dispute::Lost,
        ),
        case(
            "a case that was opened again closes without an outcome",
            vec![
                paid(),
                dispute(DisputeLost, 10),
                dispute(DisputeOpen, 20),
                dispute(DisputeClosed, 30),
            ],
            Status::Succeeded,
            9900,
            0,
            Dispute::Closed,
        ),
        case(
            "money was taken back for a case that is won",
            vec![paid(), dispute(DisputeOpen, 10), taken_back(20), dispute(DisputeWon, 30)],
            Status::Succeeded,
            9900,
            0,
            Dispute::Won,
        ),
        case(
            "money was taken back for a case that is lost",
            vec![paid(), dispute(DisputeOpen, 10), taken_back(20), dispute(DisputeLost, 30)],
            Status::ChargedBack,
            9900,
            9900,
            Dispute::Lost,
        ),
        case(
            "a refund that failed says no state before",
            vec![paid(), fact(ReferenceKind::Refund, "R1", RefundFailed, 9).worth(9900)],
            Status::Succeeded,
            9900,
            0,
            Dispute::None,
        ),
    ]
}

#[test]
fn a_dispute_prevented_by_giving_the_money_back_is_money_gone() {
    use FactState::{DisputePrevented, RefundSucceeded, Succeeded};
    let gone = dispute(DisputePrevented, 9).worth(5000).refunded_so_far(5000);
    let facts = [charge(Succeeded, 0).taking(5000), gone];
    let state = state_of_every_order(Provider::Stripe, &facts);
    assert_eq!((state.status, state.amount_refunded), (Status::Refunded, 5000));
    assert_eq!(state.status_changed_at, Some(second(9)));
    // The refund by which it was prevented is the same money.
    let [paid, gone] = facts;
    let facts = [paid, gone, refund("re_1", RefundSucceeded, 8).worth(5000)];
    assert_eq!(state_of_every_order(Provider::Stripe, &facts).amount_refunded, 5000);
}

#[test]
fn an_outcome_that_is_not_told_outweighs_none_that_is() {
    use FactState::{DisputeClosed, DisputeWon, Succeeded};
    let paid = charge(Succeeded, 0).taking(5000);
    let facts = [paid, dispute(DisputeWon, 5), dispute(DisputeClosed, 9)];
    assert_eq!(state_of_every_order(Provider::Stripe, &facts).dispute_status, Dispute::Won);
}

#[test]
fn money_in_another_currency_counts_until_it_goes_back() {
    use FactState::{RefundSucceeded, Succeeded};
    let besides =
        fact(ReferenceKind::PaymentIntent, "pi_2", Succeeded, 9).taking(800).in_currency("EUR");
    let facts = [intent(Succeeded, 0).taking(1000), besides];
    let check =
        |facts: &[Fact], minor| fold(Provider::Stripe, expecting(minor, "USD"), facts).amount_check;
    assert_eq!(check(&facts, 1000), AmountCheck::Overpaid);
    assert_eq!(check(&facts, 1100), AmountCheck::WrongCurrency);
    let back = fact(ReferenceKind::Refund, "re_1", RefundSucceeded, 20)
        .worth(800)
        .in_currency("EUR")
        .by("pi_2");
    let facts: Vec<Fact> = facts.into_iter().chain([back]).collect();
    assert_eq!(check(&facts, 1000), AmountCheck::Ok);
    let state = fold(Provider::Stripe, expecting(1000, "USD"), &facts);
    assert_eq!(state.other_money, [other("EUR", 800, 800)]);
    assert_eq!((state.status, state.amount_refunded), (Status::PartiallyRefunded, 0));
}

#[test]
fn takings_are_what_was_taken_and_what_is_held() {
    use FactState::{Authorized, RefundSucceeded, Succeeded};
    let facts = [
        intent(Succeeded, 0).taking(1000),
        refund("re_1", RefundSucceeded, 1).worth(1000),
        fact(ReferenceKind::PaymentIntent, "pi_2", Authorized, 2).worth(300),
    ];
    let takings = takings(Provider::Stripe, &facts);
    assert_eq!(takings.taken, BTreeMap::from([(currency("USD"), 1000)]));
    assert_eq!(takings.held, BTreeMap::from([(currency("USD"), 300)]));
    let facts = [
        fact(ReferenceKind::Authorization, "A1", Authorized, 0).worth(6000),
        capture("CAP1", Succeeded, 9).taking(2500),
    ];
    let takings = super::takings(Provider::Paypal, &facts);
    assert_eq!(takings.taken, BTreeMap::from([(currency("USD"), 2500)]));
    assert_eq!(takings.held, BTreeMap::from([(currency("USD"), 3500)]));
}

/// Any statement at all, from pools so small that ids, instants and events meet.
fn any_fact() -> impl Strategy<Value = Fact> {
    let id = || select(vec!["a", "b", "c"]);
    let minor =
        || prop_oneof![4 => 0..5_i64, 2 => Just(1000), 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let amount = (minor(), select(vec!["USD", "EUR"]));
    (
        (0..4_i64, id(), select(ReferenceKind::ALL), id(), select(FactState::ALL)),
        proptest::option::weighted(0.8, amount),
        proptest::option::of(minor()),
        proptest::option::weighted(0.3, minor()),
        proptest::option::of(id()),
        proptest::option::weighted(0.3, 0..4_i64),
        proptest::option::of(id()),
    )
        .prop_map(
            |((at, event, object, id, state), amount, captured, refunded, parent, changed, by)| {
                Fact {
                    payment_id: by.map(Into::into),
                    amount: amount.map(|(minor, code)| Money { minor, currency: currency(code) }),
                    captured,
                    refunded,
                    parent_id: parent.map(Into::into),
                    object_at: changed.map(second),
                    ..fact(object, id, state, at).of_event(event)
                }
            },
        )
}

fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    proptest::collection::vec(any_fact(), 0..10)
}

fn any_expected() -> impl Strategy<Value = Expected> {
    select(vec![Expected::default(), expecting(1000, "USD"), expecting(3, "EUR")])
}

/// Facts, and the same facts in another order with some repeated.
fn retold_facts() -> impl Strategy<Value = (Vec<Fact>, Vec<Fact>)> {
    (any_facts(), proptest::collection::vec(any::<Index>(), 0..4)).prop_flat_map(
        |(facts, repeats)| {
            let mut retold = facts.clone();
            if !facts.is_empty() {
                retold.extend(repeats.iter().map(|index| index.get(&facts).clone()));
            }
            (Just(facts), Just(retold).prop_shuffle())
        },
    )
}

/// Whether a status is one that only a payment that was made can have.
fn is_paid(status: Status) -> bool {
    use Status::{ChargedBack, Disputed, PartiallyRefunded, Refunded, Succeeded};
    matches!(status, Succeeded | PartiallyRefunded | Refunded | Disputed | ChargedBack)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn order_and_repeats_change_nothing(
        (facts, retold) in retold_facts(),
        expected in any_expected(),
        provider in select(Provider::ALL),
    ) {
        prop_assert_eq!(fold(provider, expected, &facts), fold(provider, expected, &retold));
    }

    #[test]
    fn money_once_taken_is_never_forgotten(
        mut facts in any_facts(),
        expected in any_expected(),
        provider in select(Provider::ALL),
    ) {
        facts.push(match provider {
            Provider::Stripe => intent(FactState::Succeeded, 1).taking(1000),
            Provider::Paypal => capture("a", FactState::Succeeded, 1).taking(1000),
        });
        let state = fold(provider, expected, &facts);
        prop_assert!(is_paid(state.status), "{}", state.status);
        prop_assert!(state.amount_received > 0);

        facts.retain(|fact| {
            fact.refunded.is_none()
                && !matches!(fact.object, ReferenceKind::Refund | ReferenceKind::Dispute)
        });
        prop_assert_eq!(fold(provider, expected, &facts).status, Status::Succeeded);
    }

    /// A session that names no payment is the one thing that a payment silences.
    #[test]
    fn another_payment_never_takes_money_away(
        mut facts in any_facts(),
        provider in select(Provider::ALL),
    ) {
        facts.retain(|fact| {
            fact.object != ReferenceKind::CheckoutSession || fact.payment_id.is_some()
        });
        let before = takings(provider, &facts).taken;
        facts.push(match provider {
            Provider::Stripe => {
                fact(ReferenceKind::PaymentIntent, "new", FactState::Succeeded, 1).taking(1000)
            }
            Provider::Paypal => capture("new", FactState::Succeeded, 1).taking(1000),
        });
        let after = takings(provider, &facts).taken;
        for (currency, taken) in before {
            prop_assert!(after.get(&currency).is_some_and(|now| *now >= taken), "{currency}");
        }
    }

    /// What is shown is what was taken, each currency once.
    #[test]
    fn no_money_is_dropped(
        facts in any_facts(),
        expected in any_expected(),
        provider in select(Provider::ALL),
    ) {
        let state = fold(provider, expected, &facts);
        let mut shown: BTreeMap<Currency, i64> =
            state.other_money.iter().map(|money| (money.currency, money.received)).collect();
        if let Some(currency) = state.currency.filter(|_| state.amount_received > 0) {
            prop_assert_eq!(shown.insert(currency, state.amount_received), None);
        }
        prop_assert_eq!(shown, takings(provider, &facts).taken);
    }

    #[test]
    fn amounts_and_status_agree(
        facts in any_facts(),
        expected in any_expected(),
        provider in select(Provider::ALL),
    ) {
        let state = fold(provider, expected, &facts);
        prop_assert!((0..=state.amount_received).contains(&state.amount_refunded));
        for money in &state.other_money {
            prop_assert!(money.received > 0 && Some(money.currency) != state.currency);
            prop_assert!((0..=money.received).contains(&money.refunded));
        }
        prop_assert!(state.amount_received == 0 || is_paid(state.status), "{}", state.status);
        if state.status == Status::Refunded {
            prop_assert_eq!(state.amount_refunded, state.amount_received);
        }
        if state.status != Status::Pending {
            prop_assert!(state.status_changed_at.is_some());
        }
        prop_assert_eq!(state.latest_event_id.is_some(), !facts.is_empty());
    }
}
