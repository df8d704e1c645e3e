//! Where disputes stand.

use std::collections::BTreeMap;

use super::{DisputeStatus, changed_at};
use crate::domain::fact::{Fact, FactState};
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;

/// The fact that says where each dispute stands.
pub(super) fn registers<'f>(provider: Provider, facts: &[&'f Fact]) -> Vec<&'f Fact> {
    let disputes = facts.iter().copied().filter(|fact| fact.object == ReferenceKind::Dispute);
    match provider {
        Provider::Stripe => {
            let key = |fact: &'f Fact| (stripe_rank(fact.state), fact);
            super::registers(disputes, key).into_values().collect()
        }
        Provider::Paypal => {
            let mut cases: BTreeMap<&str, Case<'f>> = BTreeMap::new();
            for fact in disputes {
                cases.entry(&fact.object_id).or_default().add(fact);
            }
            cases.into_values().filter_map(Case::stands_at).collect()
        }
    }
}

/// What a shop must see first when there is more than one dispute.
pub(super) fn worst(disputes: &[&Fact]) -> DisputeStatus {
    disputes
        .iter()
        .map(|fact| match fact.state {
            FactState::DisputeOpen => (7, DisputeStatus::Open),
            FactState::DisputeLost => (6, DisputeStatus::Lost),
            FactState::DisputeInquiry => (5, DisputeStatus::Inquiry),
            FactState::DisputePrevented => (4, DisputeStatus::Prevented),
            FactState::DisputeWon => (3, DisputeStatus::Won),
            FactState::DisputeClosed => (2, DisputeStatus::Closed),
            FactState::DisputeInquiryClosed => (1, DisputeStatus::InquiryClosed),
            _ => (0, DisputeStatus::None),
        })
        .max()
        .map_or(DisputeStatus::None, |(_, status)| status)
}

/// An inquiry may escalate to a chargeback; a chargeback ends once, and an end whose outcome is not told
/// outweighs none that is.
fn stripe_rank(state: FactState) -> u8 {
    match state {
        FactState::DisputeWon | FactState::DisputeLost | FactState::DisputePrevented => 4,
        FactState::DisputeClosed => 3,
        FactState::DisputeOpen => 2,
        FactState::DisputeInquiryClosed => 1,
        _ => 0,
    }
}

/// A PayPal case may be opened again by appeal, so its own time leads; but what leaves the outcome out
/// erases none that is known.
#[derive(Default)]
struct Case<'f> {
    open: Option<&'f Fact>,
    closed: Option<&'f Fact>,
    decided: Option<&'f Fact>,
}

impl<'f> Case<'f> {
    fn add(&mut self, fact: &'f Fact) {
        let newest = match fact.state {
            FactState::DisputeWon
            | FactState::DisputeLost
            | FactState::DisputePrevented
            | FactState::DisputeInquiryClosed => &mut self.decided,
            FactState::DisputeClosed => &mut self.closed,
            _ => &mut self.open,
        };
        if newest.is_none_or(|known| case_key(fact) > case_key(known)) {
            *newest = Some(fact);
        }
    }

    fn stands_at(self) -> Option<&'f Fact> {
        let key = |fact: Option<&'f Fact>| fact.map(case_key);
        match self.decided {
            Some(decided) if key(self.open) < key(self.decided) => Some(decided),
            _ => std::cmp::max_by_key(self.open, self.closed, |fact| key(*fact)),
        }
    }
}

fn case_key(fact: &Fact) -> (Timestamp, bool, &Fact) {
    (changed_at(fact), fact.state != FactState::DisputeOpen, fact)
}
