//! Refunds, each an object of its own.

use super::super::super::reading::{Reading, References, Source};
use super::Object;
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::ReferenceKind;

impl Object<'_> {
    /// By `status`: a refund that succeeded may still fail, when the bank returns the money. One that does
    /// not say is what its type says.
    pub(in super::super) fn refund(&self, source: &Source<'_>, unsaid: FactState) -> Reading {
        let id = self.own_id()?;
        let state = match self.status.text() {
            // A hold that was released, not money given back.
            _ if self.reason.text() == Some("expired_uncaptured_charge") => FactState::Conflict,
            Some("succeeded") => FactState::RefundSucceeded,
            Some("failed") => FactState::RefundFailed,
            Some("canceled") => FactState::RefundCanceled,
            Some("pending" | "requires_action") => FactState::RefundPending,
            _ => unsaid,
        };
        let references = References::new(ReferenceKind::Refund, id)
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(self.money("amount", self.amount.int())?),
            parent_id: self.charge_or_intent().map(Into::into),
            payment_id: self.payment_intent.id().map(Into::into),
            reason: self.failure_reason.text().map(Into::into),
            ..source.fact(ReferenceKind::Refund, id, state)
        }))
    }
}
