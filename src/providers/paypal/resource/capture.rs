//! Captures, and the sales that were their like in v1: money that was taken, or is to be.

use super::super::super::reading::{Reading, Source};
use super::amount::asked;
use super::{Resource, UNKNOWN_STATUS};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::reference::ReferenceKind;

impl Resource<'_> {
    /// Of a type that says that it is completed.
    pub(in super::super) fn completed_payment(
        &self,
        source: &Source<'_>,
        object: ReferenceKind,
    ) -> Reading {
        self.payment(source, object, self.completed())
    }

    /// As the API gives it.
    pub(in super::super) fn payment_taken(
        &self,
        source: &Source<'_>,
        object: ReferenceKind,
    ) -> Reading {
        self.payment(source, object, self.taken().ok_or(UNKNOWN_STATUS)?)
    }

    /// What became of it, by what it says itself, if that is understood.
    fn taken(&self) -> Option<FactState> {
        match &*self.word()? {
            "completed" | "partially_refunded" | "refunded" | "reversed" => {
                Some(FactState::Succeeded)
            }
            "pending" => Some(FactState::Processing),
            "declined" | "denied" | "failed" => Some(FactState::AttemptFailed),
            _ => None,
        }
    }

    /// The type says that it is completed. If the resource says something less final, or what nobody
    /// understands, nothing is concluded.
    fn completed(&self) -> FactState {
        match (self.word(), self.taken()) {
            (None, _) | (_, Some(FactState::Succeeded)) => FactState::Succeeded,
            _ => FactState::Conflict,
        }
    }

    pub(in super::super) fn payment(
        &self,
        source: &Source<'_>,
        object: ReferenceKind,
        state: FactState,
    ) -> Reading {
        let id = self.own_id()?;
        let amount = asked("amount", self.amount.get())?;
        let fact = self.payment_fact(source, object, id, state, Some(amount));
        Ok(self.references(source, object, id).with(fact))
    }

    /// What an order or a payment says of one that it contains; nothing where it only names it. An
    /// amount that can't be read takes no money, and does not keep the order from being read.
    pub(super) fn embedded_payment(
        &self,
        source: &Source<'_>,
        object: ReferenceKind,
    ) -> Option<Fact> {
        let id = self.id.id()?;
        self.word()?;
        let state = match object {
            ReferenceKind::Authorization => self.held(),
            _ => self.taken(),
        };
        let state = state.unwrap_or(FactState::Conflict);
        let amount = asked("amount", self.amount.get()).ok();
        Some(self.payment_fact(source, object, id, state, amount))
    }

    fn payment_fact(
        &self,
        source: &Source<'_>,
        object: ReferenceKind,
        id: &str,
        state: FactState,
        amount: Option<Money>,
    ) -> Fact {
        // Of a hold that was captured the capture says how much.
        let is_taken = state == FactState::Succeeded && object != ReferenceKind::Authorization;
        Fact {
            amount,
            captured: amount.filter(|_| is_taken).map(|amount| amount.minor),
            object_at: self.updated_at(),
            reason: self.reason_said(),
            ..source.fact(object, id, state)
        }
    }
}
