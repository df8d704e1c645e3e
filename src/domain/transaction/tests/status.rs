//! On what a status rests.

use super::*;

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
