//! PaymentIntents: the payment itself.

use super::super::super::reading::{Reading, References, Source};
use super::Object;
use crate::domain::event::Content;
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::reference::ReferenceKind;
use crate::providers::lenient::Expandable;

impl Object<'_> {
    /// One whose status says something else has taken nothing by this event.
    pub(in super::super) fn payment_intent_succeeded(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_received", self.received())?;
        if self.status.text().is_some_and(|status| status != "succeeded") {
            return self.payment_intent(source, FactState::Conflict, amount, None, None);
        }
        self.payment_intent(source, FactState::Succeeded, amount, Some(amount.minor), None)
    }

    /// What was taken. Where it does not say so itself, as in imitations of Stripe, the charge does
    /// that comes with it.
    fn received(&self) -> Option<i64> {
        self.amount_received.int().or_else(|| {
            let charge = self.latest_charge.whole()?;
            let is_taken = charge.is_captured() && charge.status.text() == Some("succeeded");
            is_taken.then(|| charge.amount_captured.int().or_else(|| charge.amount.int()))?
        })
    }

    /// As the API gives it, by its `status`. The charge that it names, if it comes with it, says what
    /// was taken and what went back; of an attempt that came to nothing the PaymentIntent itself says
    /// whether that still counts.
    pub(in super::super) fn payment_intent_retrieved(&self, source: &Source<'_>) -> Reading {
        let said = match self.status.text() {
            Some("succeeded") => self.payment_intent_succeeded(source),
            Some("canceled") => self.payment_intent_canceled(source),
            Some("requires_capture") => self.payment_intent_authorized(source),
            Some("processing") => self.unfinished(source, FactState::Processing, None),
            Some("requires_action" | "requires_source_action") => {
                self.unfinished(source, FactState::RequiresAction, None)
            }
            Some("requires_payment_method" | "requires_source")
                if self.last_payment_error.get().is_some() =>
            {
                self.payment_intent_failed(source)
            }
            Some("requires_payment_method" | "requires_source" | "requires_confirmation") => {
                self.unfinished(source, FactState::Created, None)
            }
            _ => Err("data.object.status is missing or unknown".to_owned()),
        }?;
        let charge = self.latest_charge.whole();
        match charge.filter(|charge| charge.is_captured()) {
            Some(charge) if charge.status.text() == Some("succeeded") => {
                let of_charge = charge.charge_retrieved(source)?;
                Ok(both(said, of_charge))
            }
            _ => Ok(said),
        }
    }

    pub(in super::super) fn payment_intent_failed(&self, source: &Source<'_>) -> Reading {
        let error = self.last_payment_error.get();
        let reason =
            error.and_then(|error| error.decline_code.text().or_else(|| error.code.text()));
        self.unfinished(source, FactState::AttemptFailed, reason)
    }

    pub(in super::super) fn payment_intent_canceled(&self, source: &Source<'_>) -> Reading {
        if self.status.text().is_some_and(|status| status != "canceled") {
            let amount = self.money("amount", self.amount.int())?;
            return self.payment_intent(source, FactState::Conflict, amount, None, None);
        }
        self.unfinished(source, FactState::Canceled, self.cancellation_reason.text())
    }

    pub(in super::super) fn payment_intent_authorized(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_capturable", self.amount_capturable.int())?;
        self.payment_intent(source, FactState::Authorized, amount, self.taken_so_far()?, None)
    }

    /// A PaymentIntent that has not taken all; its amount is what is asked for.
    pub(in super::super) fn unfinished(
        &self,
        source: &Source<'_>,
        state: FactState,
        reason: Option<&str>,
    ) -> Reading {
        let amount = self.money("amount", self.amount.int())?;
        self.payment_intent(source, state, amount, self.taken_so_far()?, reason)
    }

    /// In a capture of several parts money is taken while the status still says that it is held, and it
    /// stays taken when the rest is cancelled.
    fn taken_so_far(&self) -> Result<Option<i64>, String> {
        let received = Self::not_negative("amount_received", self.amount_received.int())?;
        Ok(received.filter(|received| *received > 0))
    }

    fn payment_intent(
        &self,
        source: &Source<'_>,
        state: FactState,
        amount: Money,
        captured: Option<i64>,
        reason: Option<&str>,
    ) -> Reading {
        let id = self.own_id()?;
        let mut references = References::new(ReferenceKind::PaymentIntent, id)
            .and(ReferenceKind::Charge, self.latest_charge_id());
        for charge in self.charges.get().into_iter().flat_map(|charges| charges.data.iter()) {
            references = references.and(ReferenceKind::Charge, charge.id.id());
        }
        let references = references
            .and(ReferenceKind::Invoice, self.invoice.id())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(amount),
            captured,
            reason: reason.map(Into::into),
            ..source.fact(ReferenceKind::PaymentIntent, id, state)
        }))
    }

    fn latest_charge_id(&self) -> Option<&str> {
        match &self.latest_charge {
            Expandable::Id(id) => Some(&**id).filter(|id| !id.is_empty()),
            Expandable::Whole(charge) => charge.id.text(),
            Expandable::Nothing => None,
        }
    }
}

/// What two objects of one answer say together of one payment.
fn both(one: Content, other: Content) -> Content {
    let Content::Payments(mut parts) = one else { return one };
    if let (Some(part), Content::Payments(others)) = (parts.first_mut(), other) {
        for other in others {
            for reference in other.references {
                if !part.references.contains(&reference) {
                    part.references.push(reference);
                }
            }
            part.facts.extend(other.facts);
        }
    }
    Content::Payments(parts)
}
