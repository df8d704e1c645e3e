//! Charges: one attempt of a payment, or the whole of one that has no PaymentIntent.

use super::super::super::reading::{Reading, References, Source};
use super::Object;
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;

impl Object<'_> {
    /// By `status` and `captured`, because the type does not tell a hold from money taken.
    pub(in super::super) fn charge(&self, source: &Source<'_>) -> Reading {
        let state = match self.status.text() {
            Some("succeeded") if self.is_captured() => FactState::Succeeded,
            // Where it is not said whether it was captured, it is held at least.
            Some("succeeded") => FactState::Authorized,
            Some("failed") => FactState::AttemptFailed,
            Some("pending") => FactState::Processing,
            _ => FactState::Conflict,
        };
        self.charge_in(source, state, self.failure_code.text())
    }

    /// A hold that lapsed, or of one that was captured in part the rest.
    pub(in super::super) fn charge_expired(&self, source: &Source<'_>) -> Reading {
        match self.is_captured() {
            true => self.charge(source),
            false => self.charge_in(source, FactState::Canceled, None),
        }
    }

    /// How much went back so far; of a charge that was never captured a released hold, which is no
    /// refund. Where neither is said, nothing is concluded.
    pub(in super::super) fn charge_refunded(&self, source: &Source<'_>) -> Reading {
        let is_released =
            self.captured.bool() == Some(false) || self.amount_captured.int() == Some(0);
        match self.status.text() {
            Some("failed" | "pending") => self.charge(source),
            _ if self.is_captured() => self.charge_in(source, FactState::RefundSnapshot, None),
            _ if is_released => self.charge_in(source, FactState::Canceled, None),
            _ => self.charge_in(source, FactState::Conflict, None),
        }
    }

    /// As the API gives it. That an attempt failed was so when it was made, whatever was tried since.
    pub(in super::super) fn charge_retrieved(&self, source: &Source<'_>) -> Reading {
        let gave_back = self.amount_refunded.int().is_some_and(|refunded| refunded > 0);
        let created = self.created.int().and_then(Timestamp::from_unix_seconds);
        match (self.status.text(), created) {
            (Some("failed"), Some(occurred_at)) => self.charge(&Source { occurred_at, ..*source }),
            _ if gave_back => self.charge_refunded(source),
            _ => self.charge(source),
        }
    }

    /// Whether money of it was taken, as far as it says.
    pub(super) fn is_captured(&self) -> bool {
        match (self.captured.bool(), self.amount_captured.int()) {
            (Some(captured), None) => captured,
            (Some(false), _) | (None, None) => false,
            (_, Some(amount)) => amount > 0,
        }
    }

    /// The amounts as they are said: all that was authorised; what was taken of it; what is called
    /// refunded, in which older API versions count the release of what was never taken.
    fn charge_in(&self, source: &Source<'_>, state: FactState, reason: Option<&str>) -> Reading {
        let id = self.own_id()?;
        let authorized = self.money("amount", self.amount.int())?;
        let amount_captured = Self::not_negative("amount_captured", self.amount_captured.int())?;
        let amount_refunded = Self::not_negative("amount_refunded", self.amount_refunded.int())?;
        if state == FactState::RefundSnapshot && amount_refunded.is_none() {
            return Err("data.object.amount_refunded is missing".to_owned());
        }
        let is_taken = matches!(state, FactState::Succeeded | FactState::RefundSnapshot);
        let mut references = References::new(ReferenceKind::Charge, id)
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::Invoice, self.invoice.id());
        for refund in self.refunds.get().into_iter().flat_map(|refunds| refunds.data.iter()) {
            references = references.and(ReferenceKind::Refund, refund.id.id());
        }
        let references = references.and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(authorized),
            captured: is_taken.then(|| amount_captured.unwrap_or(authorized.minor)),
            refunded: amount_refunded.filter(|_| is_taken),
            refunded_all: self.refunded.bool().filter(|_| is_taken),
            parent_id: self.payment_intent.id().map(Into::into),
            reason: reason.map(Into::into),
            ..source.fact(ReferenceKind::Charge, id, state)
        }))
    }
}
