//! What goes wrong with money after the sale: refunds that do not arrive, and warnings of fraud.

use std::collections::BTreeMap;

use super::State;
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;
use crate::domain::transaction::DisputeStatus;

/// A refund, as the newest fact of it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundStands<'f> {
    /// The provider's id.
    pub id: &'f str,
    /// How much, if a fact says so.
    pub money: Option<Money>,
    /// It failed, and no other one made up for it: the buyer still waits.
    pub failed: bool,
    /// It is under way.
    pub pending: bool,
    /// The provider's time of the newest fact, UTC.
    pub at: Timestamp,
    /// The provider's code of why it failed.
    pub reason: Option<&'f str>,
}

/// Every refund that ever failed or was under way.
pub fn refunds<'f>(facts: impl Iterator<Item = &'f Fact> + Clone) -> Vec<RefundStands<'f>> {
    let of_refunds = facts.filter(|fact| fact.object == ReferenceKind::Refund);
    let mut newest: BTreeMap<&str, &Fact> = BTreeMap::new();
    let mut doubtful = Vec::new();
    for fact in of_refunds.clone() {
        let known = newest.entry(&fact.object_id).or_insert(fact);
        if (fact.occurred_at, rank(fact.state)) > (known.occurred_at, rank(known.state)) {
            *known = fact;
        }
        if matches!(fact.state, FactState::RefundFailed | FactState::RefundPending) {
            doubtful.push(&*fact.object_id);
        }
    }
    newest.retain(|id, _| doubtful.contains(id));
    let amount = |id: &str| {
        of_refunds.clone().filter(|fact| &*fact.object_id == id).find_map(|fact| fact.amount)
    };
    let made_up = |failed: &Fact| {
        let enough = |other: &Fact| match (other.amount, amount(&failed.object_id)) {
            (Some(other), Some(failed)) => {
                other.currency == failed.currency && other.minor >= failed.minor
            }
            _ => true,
        };
        of_refunds.clone().any(|other| {
            other.state == FactState::RefundSucceeded
                && other.object_id != failed.object_id
                && other.occurred_at >= failed.occurred_at
                && enough(other)
        })
    };
    let stands = newest.into_iter().map(|(id, fact)| RefundStands {
        id,
        money: amount(id),
        failed: fact.state == FactState::RefundFailed && !made_up(fact),
        pending: fact.state == FactState::RefundPending,
        at: fact.occurred_at,
        reason: fact.reason.as_deref(),
    });
    stands.collect()
}

/// Of two facts of one instant, what is settled is newer.
fn rank(state: FactState) -> u8 {
    match state {
        FactState::RefundPending => 0,
        FactState::RefundSucceeded => 1,
        _ => 2,
    }
}

/// The warning of fraud that still matters: the money is here, and nobody disputes it yet.
pub fn fraud_warning<'f>(state: &State, facts: impl Iterator<Item = &'f Fact>) -> Option<&'f Fact> {
    if state.held().is_empty() || state.dispute_status != DisputeStatus::None {
        return None;
    }
    facts.filter(|fact| fact.state == FactState::FraudWarning).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    fn fact(id: &str, state: FactState, second: i64) -> Fact {
        let at = Timestamp::from_unix_seconds(second).expect("in range");
        let currency = Currency::parse("EUR").expect("a currency");
        let event = format!("{id} {second}");
        let fact = Fact::new(at, event, ReferenceKind::Refund, id, state);
        Fact { amount: Some(Money { minor: 100, currency }), ..fact }
    }

    fn failed(facts: &[Fact]) -> Vec<&str> {
        refunds(facts.iter()).into_iter().filter(|one| one.failed).map(|one| one.id).collect()
    }

    #[test]
    fn a_refund_that_failed_matters_until_another_made_up_for_it() {
        use FactState::{RefundCanceled, RefundFailed, RefundPending, RefundSucceeded};
        let none: [&str; 0] = [];
        assert_eq!(failed(&[fact("re_1", RefundSucceeded, 1)]), none);
        assert_eq!(failed(&[fact("re_1", RefundPending, 1)]), none);
        let lost = [fact("re_1", RefundSucceeded, 1), fact("re_1", RefundFailed, 2)];
        assert_eq!(failed(&lost), ["re_1"]);
        let again = [&lost[..], &[fact("re_2", RefundSucceeded, 3)]].concat();
        assert_eq!(failed(&again), none);
        let before = [&lost[..], &[fact("re_0", RefundSucceeded, 1)]].concat();
        assert_eq!(failed(&before), ["re_1"]);
        let canceled = [&lost[..], &[fact("re_1", RefundCanceled, 3)]].concat();
        assert_eq!(failed(&canceled), none);
    }
}
