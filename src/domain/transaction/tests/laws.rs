//! Laws that hold for any facts whatever.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

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
