//! Attempts that came to nothing. Somebody who tries stolen cards makes thousands of them on one payment;
//! of these only the last tells anything, so that no event costs more than the first ones did.

use super::unpaid::intent_key;
use super::{changed_at, settledness};
use crate::domain::fact::{Fact, FactState};
use crate::domain::matching::Claim;
use crate::domain::reference::{Reference, ReferenceKind};

/// How many later attempts each one is held against: of one payment nearly always the last is enough.
const HELD_AGAINST: usize = 8;

/// Whether these facts tell of attempts that came to nothing so far, and of nothing else.
pub fn are_attempts(facts: &[&Fact]) -> bool {
    facts.iter().all(|fact| is_attempt(fact))
}

/// For each claim of one payment whether a later one makes it needless: [`fold`](super::fold) and
/// [`takings`](super::takings) of the others give the same, and go on to give the same when more claims
/// of which [`are_attempts`] is true come to them. What else comes has to be read with all that there
/// was.
pub fn superseded(claims: &[Claim<'_>]) -> Vec<bool> {
    let told_of: Vec<&str> = claims
        .iter()
        .flat_map(|claim| &claim.facts)
        .filter(|fact| !is_attempt(fact))
        .flat_map(|fact| {
            let others =
                [&fact.parent_id, &fact.payment_id].into_iter().filter_map(Option::as_deref);
            others.chain([&*fact.object_id])
        })
        .collect();
    let may_go = |claim: &Claim<'_>| {
        are_attempts(&claim.facts)
            && !claim
                .references
                .iter()
                .any(|one| is_of_attempt(one) && told_of.contains(&&*one.value))
    };
    let mut attempts: Vec<usize> =
        (0..claims.len()).filter(|place| may_go(&claims[*place])).collect();
    attempts.sort_by_key(|place| std::cmp::Reverse(claims[*place].facts.iter().max()));
    let mut superseded = vec![false; claims.len()];
    let mut last: Vec<usize> = Vec::new();
    for place in attempts {
        superseded[place] = last.iter().any(|later| supersedes(&claims[*later], &claims[place]));
        if !superseded[place] && last.len() < HELD_AGAINST {
            last.push(place);
        }
    }
    superseded
}

/// Whether an id that an attempt carries is of this attempt alone, as each has a charge, a capture or a sale
/// of its own.
pub fn is_of_attempt(reference: &Reference) -> bool {
    use ReferenceKind::{Capture, Charge, Sale};
    matches!(reference.kind, Charge | Capture | Sale)
}

/// A step of a PaymentIntent or of a charge of it on the way, or a capture or a sale that failed.
fn is_attempt(fact: &Fact) -> bool {
    use FactState::{AttemptFailed, Created, Processing, RequiresAction};
    let took_nothing = fact.captured.is_none_or(|minor| minor == 0)
        && fact.refunded.is_none_or(|minor| minor == 0)
        && fact.refunded_all != Some(true)
        && fact.shop_money.is_none();
    let is_on_the_way =
        || matches!(fact.state, Created | RequiresAction | Processing | AttemptFailed);
    took_nothing
        && match fact.object {
            ReferenceKind::PaymentIntent => is_on_the_way(),
            ReferenceKind::Charge => fact.parent_id.is_some() && is_on_the_way(),
            ReferenceKind::Capture | ReferenceKind::Sale => fact.state == AttemptFailed,
            _ => false,
        }
}

fn supersedes(later: &Claim<'_>, earlier: &Claim<'_>) -> bool {
    let names = |reference: &Reference| later.references.contains(reference);
    // Another id by which a person finds the payment.
    let is_named = later.references.iter().any(|reference| {
        use ReferenceKind::{Order, Payment, PaymentIntent};
        matches!(reference.kind, PaymentIntent | Order | Payment)
    });
    is_named
        && later.ownership == earlier.ownership
        && later.attached == earlier.attached
        && earlier.references.iter().all(|reference| names(reference) || is_of_attempt(reference))
        && earlier.facts.iter().all(|fact| later.facts.iter().any(|other| outdoes(other, fact)))
}

/// Whether an attempt tells all that an earlier one does, in every comparison of the fold.
fn outdoes(later: &Fact, earlier: &Fact) -> bool {
    let told = |fact: &Fact| (fact.occurred_at, settledness(fact.state), fact.event_id.clone());
    let is_same_payment = match (intent(later), intent(earlier)) {
        (None, None) => changed_at(later) >= changed_at(earlier),
        (one, other) => one == other && intent_key(later) > intent_key(earlier),
    };
    let has_amount = earlier
        .amount
        .is_none_or(|amount| later.amount.is_some_and(|other| other.currency == amount.currency));
    is_same_payment && has_amount && later > earlier && told(later) > told(earlier)
}

/// The PaymentIntent that an attempt was of.
fn intent(attempt: &Fact) -> Option<&str> {
    match attempt.object {
        ReferenceKind::PaymentIntent => Some(&attempt.object_id),
        ReferenceKind::Charge => attempt.parent_id.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::domain::event::Ownership;
    use crate::domain::money::{Currency, Money};
    use crate::domain::provider::Provider;
    use crate::domain::time::Timestamp;
    use crate::domain::transaction::{Expected, fold, takings};

    fn objects(provider: Provider) -> Vec<ReferenceKind> {
        use ReferenceKind::{
            Authorization, Capture, Charge, CheckoutSession, Dispute, Invoice, Order,
            PaymentIntent, Refund, Sale,
        };
        match provider {
            Provider::Stripe => {
                vec![
                    PaymentIntent,
                    PaymentIntent,
                    Charge,
                    Charge,
                    Refund,
                    Dispute,
                    CheckoutSession,
                    Invoice,
                ]
            }
            Provider::Paypal => vec![Capture, Capture, Sale, Order, Authorization, Refund, Dispute],
        }
    }

    /// From pools so small that ids, instants and events meet; most of them attempts.
    fn any_fact(provider: Provider) -> impl Strategy<Value = Fact> {
        let id = || select(vec!["a", "b", "c"]);
        let states = prop_oneof![
            3 => Just(FactState::AttemptFailed),
            1 => select(FactState::ALL),
        ];
        let money = (0..4_i64, select(vec!["USD", "USD", "EUR"]));
        (
            (0..4_i64, id(), select(objects(provider)), id(), states),
            (proptest::option::weighted(0.8, money), proptest::option::weighted(0.2, 0..3_i64)),
            (proptest::option::weighted(0.1, 0..3_i64), proptest::option::weighted(0.7, id())),
            (proptest::option::weighted(0.3, id()), proptest::option::weighted(0.3, 0..4_i64)),
        )
            .prop_map(
                |(what, (money, captured), (refunded, parent), (payment, changed))| {
                    let (at, event, object, id, state) = what;
                    let second =
                        |second| Timestamp::from_unix_millis(second * 1_000).expect("a time");
                    Fact {
                        amount: money.map(|(minor, code)| Money {
                            minor,
                            currency: Currency::parse(code).expect("a code"),
                        }),
                        captured,
                        refunded,
                        parent_id: parent.map(Into::into),
                        payment_id: payment.map(Into::into),
                        object_at: changed.map(second),
                        ..Fact::new(second(at), event, object, id, state)
                    }
                },
            )
    }

    fn any_history() -> impl Strategy<Value = (Provider, Vec<Fact>)> {
        select(Provider::ALL).prop_flat_map(|provider| {
            (Just(provider), proptest::collection::vec(any_fact(provider), 0..12))
        })
    }

    /// Those that are left of these.
    fn counting<'f>(facts: &[&'f Fact]) -> Vec<&'f Fact> {
        let named = |fact: &Fact| {
            [
                Reference::new(ReferenceKind::Order, "order"),
                Reference::new(fact.object, fact.object_id.clone()),
            ]
        };
        let references: Vec<[Reference; 2]> = facts.iter().map(|fact| named(fact)).collect();
        let claims: Vec<Claim<'_>> = facts
            .iter()
            .zip(&references)
            .map(|(fact, references)| Claim {
                references,
                facts: vec![*fact],
                ownership: Ownership::Unsaid,
                attached: None,
            })
            .collect();
        let left = facts.iter().zip(superseded(&claims)).filter(|(_, superseded)| !superseded);
        left.map(|(fact, _)| *fact).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn what_is_superseded_changes_nothing((provider, facts) in any_history()) {
            let mut all: Vec<&Fact> = Vec::new();
            let mut left: Vec<&Fact> = Vec::new();
            for fact in &facts {
                all.push(fact);
                left = match is_attempt(fact) {
                    true => counting(&left.iter().copied().chain([fact]).collect::<Vec<_>>()),
                    false => counting(&all),
                };
                let expected = Expected::default();
                prop_assert_eq!(
                    fold(provider, expected, left.iter().copied()),
                    fold(provider, expected, all.iter().copied()),
                    "{:#?}", left
                );
                prop_assert_eq!(
                    takings(provider, left.iter().copied()),
                    takings(provider, all.iter().copied())
                );
            }
        }
    }

    #[test]
    fn of_thousands_the_last_is_left() {
        let attempt = |number: i64| {
            let at = Timestamp::from_unix_millis(number / 5 * 1_000).expect("a time");
            let state = FactState::AttemptFailed;
            let event = format!("evt_{number}");
            let charge = format!("ch_{number}");
            let mut fact = Fact::new(at, event, ReferenceKind::Charge, charge, state);
            fact.parent_id = Some("pi_1".into());
            fact
        };
        let facts: Vec<Fact> = (0..1_000).map(attempt).collect();
        let references = [Reference::new(ReferenceKind::PaymentIntent, "pi_1")];
        let claims: Vec<Claim<'_>> = facts
            .iter()
            .map(|fact| Claim {
                references: &references,
                facts: vec![fact],
                ownership: Ownership::Unsaid,
                attached: None,
            })
            .collect();
        assert_eq!(superseded(&claims).iter().filter(|superseded| !**superseded).count(), 1);
    }
}
