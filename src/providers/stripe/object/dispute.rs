//! Disputes, from a bank's question to its decision.

use super::super::super::reading::{Reading, References, Source};
use super::Object;
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::reference::ReferenceKind;

impl Object<'_> {
    /// By `status`, because one dispute runs through several event types and may escalate. Under a
    /// status of a later API version it is what its type says, which may also say that money went.
    pub(in super::super) fn dispute(
        &self,
        source: &Source<'_>,
        unsaid: FactState,
        is_withdrawn: bool,
    ) -> Reading {
        let id = self.own_id()?;
        let amount = self.money("amount", self.amount.int())?;
        let state = match self.status.text() {
            Some("warning_needs_response" | "warning_under_review") => FactState::DisputeInquiry,
            Some("warning_closed") => FactState::DisputeInquiryClosed,
            Some("needs_response" | "under_review") => FactState::DisputeOpen,
            Some("won") => FactState::DisputeWon,
            Some("lost") => FactState::DisputeLost,
            Some("prevented") => FactState::DisputePrevented,
            Some("charge_refunded") => FactState::DisputeClosed,
            // A question that a later API version tells apart; money is not taken for one.
            Some(word) if word.starts_with("warning_") => FactState::DisputeInquiry,
            _ => unsaid,
        };
        let references = References::new(ReferenceKind::Dispute, id)
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        // Prevented by giving the buyer the money back, of which no refund tells.
        let given_back = (state == FactState::DisputePrevented)
            .then(|| self.withdrawn(amount, is_withdrawn))
            .flatten();
        Ok(references.with(Fact {
            amount: Some(amount),
            refunded: given_back,
            parent_id: self.charge_or_intent().map(Into::into),
            payment_id: self.payment_intent.id().map(Into::into),
            reason: self.reason.text().map(Into::into),
            ..source.fact(ReferenceKind::Dispute, id, state)
        }))
    }

    /// What the dispute has taken from the shop's balance in the end; in the dispute's currency, or all
    /// that is disputed where the balance is in another.
    fn withdrawn(&self, disputed: Money, is_withdrawn: bool) -> Option<i64> {
        let movements = || self.balance_transactions.iter();
        let amounts = movements().filter_map(|movement| movement.amount.int());
        let moved: i128 = amounts.map(i128::from).sum();
        let is_in_its_currency =
            movements().all(|movement| movement.currency.text() == self.currency.text());
        match (movements().next().is_some(), moved < 0) {
            (true, true) if is_in_its_currency => i64::try_from(-moved).ok(),
            (true, true) => Some(disputed.minor),
            (true, false) => None,
            (false, _) => is_withdrawn.then_some(disputed.minor),
        }
    }
}
