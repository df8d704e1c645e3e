//! What only the shop can do about a payment that the provider holds.

use std::collections::BTreeMap;

use super::fact::{Fact, FactState};
use super::reference::ReferenceKind;

string_enum! {
    /// What is to be done at the provider, so that money arrives.
    MerchantAction {
        /// Accept or refuse the payment by hand.
        Accept = "accept",
        /// Confirm the e-mail address that was paid to, or add it to an account.
        ConfirmEmail = "confirm_email",
        /// Accept a payment from abroad, or set up how such money leaves the account.
        AcceptFromAbroad = "accept_from_abroad",
        /// Verify the account.
        VerifyAccount = "verify_account",
        /// Accept the currency, or open a balance in it.
        AcceptCurrency = "accept_currency",
        /// Accept a payment whose address nobody confirmed.
        AcceptAddress = "accept_address",
    }
}

/// What has to be done about a payment of which these are all facts, by the provider's reasons: the newest
/// word of each capture or sale counts, and what was given back needs nothing any more.
pub fn needed<'f>(
    facts: impl Iterator<Item = &'f Fact> + Clone,
    action: impl Fn(&str) -> Option<MerchantAction>,
) -> Option<MerchantAction> {
    let mut newest: BTreeMap<&str, &Fact> = BTreeMap::new();
    for fact in facts.clone().filter(|fact| takes_money(fact.object)) {
        let known = newest.entry(&fact.object_id).or_insert(fact);
        if when(fact) > when(known) {
            *known = fact;
        }
    }
    let waiting = newest.into_values().filter(|fact| fact.state == FactState::Processing);
    let went_back = |fact: &Fact| {
        facts.clone().any(|refund| {
            refund.state == FactState::RefundSucceeded
                && refund.parent_id.as_ref() == Some(&fact.object_id)
        })
    };
    let actions = waiting.filter_map(|fact| {
        let action = action(fact.reason.as_deref()?)?;
        (!went_back(fact)).then_some(action)
    });
    actions.min()
}

fn takes_money(object: ReferenceKind) -> bool {
    matches!(object, ReferenceKind::Capture | ReferenceKind::Sale)
}

/// An object's own time is finer than its event's. At one instant what is decided counts.
fn when(fact: &Fact) -> impl Ord + '_ {
    let is_decided = fact.state != FactState::Processing;
    (fact.object_at.unwrap_or(fact.occurred_at), is_decided, fact.occurred_at, &fact.event_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn fact(at: &str, id: &str, state: FactState, reason: Option<&str>) -> Fact {
        let at = Timestamp::parse(&format!("2026-11-23T{at}:00Z")).expect("a time");
        let reason = reason.map(Into::into);
        Fact { reason, ..Fact::new(at, format!("WH-{at}"), ReferenceKind::Capture, id, state) }
    }

    fn accept(reason: &str) -> Option<MerchantAction> {
        (reason == "HAND").then_some(MerchantAction::Accept)
    }

    #[test]
    fn the_newest_word_of_each_capture_counts_in_any_order() {
        use FactState::{AttemptFailed, Processing, RefundSucceeded, Succeeded};
        let refund = Fact {
            object: ReferenceKind::Refund,
            parent_id: Some("C1".into()),
            ..fact("11:00", "R1", RefundSucceeded, None)
        };
        let waits = fact("10:00", "C1", Processing, Some("HAND"));
        for (facts, expected) in [
            (vec![], None),
            (vec![waits.clone()], Some(MerchantAction::Accept)),
            (vec![fact("10:00", "C1", Processing, Some("ECHECK"))], None),
            (vec![fact("10:00", "C1", Processing, None)], None),
            (vec![waits.clone(), fact("11:00", "C1", Processing, Some("ECHECK"))], None),
            (vec![waits.clone(), fact("11:00", "C1", Succeeded, None)], None),
            (vec![waits.clone(), fact("10:00", "C1", AttemptFailed, None)], None),
            (vec![waits.clone(), refund], None),
            (vec![waits, fact("11:00", "C2", Succeeded, None)], Some(MerchantAction::Accept)),
        ] {
            assert_eq!(needed(facts.iter(), accept), expected, "{facts:?}");
            assert_eq!(needed(facts.iter().rev(), accept), expected, "{facts:?}");
        }
    }
}
