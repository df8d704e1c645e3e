//! Sums, and what is said of the amount.

use super::*;

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
