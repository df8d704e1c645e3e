//! What a person should know of a payment: early fraud warnings and reviews.

use super::super::super::reading::{Reading, References, Source};
use super::Object;
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::ReferenceKind;

impl Object<'_> {
    /// The issuer expects the buyer to say that it was not him: a refund now is cheaper than the
    /// dispute that would follow.
    pub(super) fn fraud_warning(&self, source: &Source<'_>) -> Reading {
        let reason = self.fraud_type.text();
        self.notice(source, ReferenceKind::FraudWarning, FactState::FraudWarning, reason)
    }

    /// By `open`, as the object says it for both types of event.
    pub(super) fn review(&self, source: &Source<'_>) -> Reading {
        let state = match self.open.bool() {
            Some(false) => FactState::ReviewClosed,
            _ => FactState::ReviewOpened,
        };
        self.notice(source, ReferenceKind::Review, state, self.reason.text())
    }

    /// What a person should know of a payment, and which changes nothing in it.
    fn notice(
        &self,
        source: &Source<'_>,
        object: ReferenceKind,
        state: FactState,
        reason: Option<&str>,
    ) -> Reading {
        let id = self.own_id()?;
        let references = References::new(object, id)
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id());
        Ok(references.with(Fact {
            parent_id: self.charge_or_intent().map(Into::into),
            payment_id: self.payment_intent.id().map(Into::into),
            reason: reason.map(Into::into),
            ..source.fact(object, id, state)
        }))
    }
}
