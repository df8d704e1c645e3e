//! Stripe's event JSON read into an [`Event`].
//!
//! Source: Stripe API reference, "The Event object", "Types of events" and the API changelog. Few
//! fields are read, each with its fallbacks for the API versions that reach one endpoint.

use serde::Deserialize;

use super::super::Verified;
use super::super::loose::{self, List, Loose, Part};
use super::super::reading::{Reading, References, Source};
use crate::domain::event::{Content, Event, Provider, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// Reads a proved payload.
///
/// What is no event (no JSON, no `id`) is refused. An event whose type is not acted on is
/// [`Content::Ignored`], one whose object lacks what its type promises is [`Content::Failed`].
pub fn read(payload: &Verified<'_>) -> Result<Event, Refusal> {
    let envelope: Envelope<'_> = loose::parse(payload.payload())?;
    let id = envelope.id.text().ok_or(Refusal::NotAnEvent)?;
    let event_type = envelope.event_type.text().unwrap_or("");
    let occurred_at = match &envelope.created {
        Loose::Int(seconds) => Timestamp::from_unix_seconds(*seconds),
        // Thin events carry RFC 3339.
        other => other.text().and_then(|text| Timestamp::parse(text).ok()),
    };
    Ok(Event {
        provider: Provider::Stripe,
        id: id.into(),
        event_type: event_type.into(),
        api_version: envelope.api_version.text().map(Into::into),
        livemode: envelope.livemode.bool().unwrap_or(false),
        occurred_at,
        content: envelope.content(id, event_type, occurred_at),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    object: Loose<'a>,
    #[serde(borrow)]
    api_version: Loose<'a>,
    #[serde(borrow)]
    created: Loose<'a>,
    livemode: Loose<'a>,
    #[serde(borrow, rename = "type")]
    event_type: Loose<'a>,
    #[serde(borrow)]
    data: Part<Data<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    object: Part<Object<'a>>,
}

/// The union of the fields that are read of any object.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    status: Loose<'a>,
    amount: Loose<'a>,
    amount_received: Loose<'a>,
    amount_paid: Loose<'a>,
    #[serde(borrow)]
    currency: Loose<'a>,
    #[serde(borrow)]
    payment_intent: Loose<'a>,
    #[serde(borrow)]
    charge: Loose<'a>,
    #[serde(borrow)]
    latest_charge: Loose<'a>,
    #[serde(borrow)]
    charges: Part<Charges<'a>>,
    #[serde(borrow)]
    invoice: Loose<'a>,
    #[serde(borrow)]
    subscription: Loose<'a>,
    #[serde(borrow)]
    parent: Part<InvoiceParent<'a>>,
    #[serde(borrow)]
    cancellation_reason: Loose<'a>,
    #[serde(borrow)]
    reason: Loose<'a>,
    #[serde(borrow)]
    last_payment_error: Part<PaymentError<'a>>,
    #[serde(borrow)]
    metadata: Part<Metadata<'a>>,
}

/// Until 2022-11-15 a PaymentIntent carries its charges; the oldest events name them only here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Charges<'a> {
    #[serde(borrow)]
    data: List<Charge<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Charge<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
}

/// Since 2025-03-31.basil the subscription of an invoice stands here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct InvoiceParent<'a> {
    #[serde(borrow)]
    subscription_details: Part<SubscriptionDetails<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubscriptionDetails<'a> {
    #[serde(borrow)]
    subscription: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PaymentError<'a> {
    #[serde(borrow)]
    code: Loose<'a>,
    #[serde(borrow)]
    decline_code: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    order_id: Loose<'a>,
}

impl Envelope<'_> {
    fn content(&self, id: &str, event_type: &str, occurred_at: Option<Timestamp>) -> Content {
        if self.object.text() == Some("v2.core.event") {
            return match event_type {
                "v2.core.event_destination.ping" => Content::Ignored("a ping of Stripe's".into()),
                _ => Content::Failed(
                    "a thin event, which carries no payment: set this event destination to \
                     snapshot events"
                        .into(),
                ),
            };
        }
        let reading = match event_type {
            "payment_intent.succeeded" => Object::payment_intent_succeeded,
            "payment_intent.payment_failed" => Object::payment_intent_failed,
            "payment_intent.canceled" => Object::payment_intent_canceled,
            "payment_intent.processing" => Object::payment_intent_processing,
            "payment_intent.requires_action" => Object::payment_intent_requires_action,
            "charge.dispute.created" => Object::dispute,
            "invoice.payment_succeeded" => Object::invoice_paid,
            "" => return Content::Failed("type is missing".into()),
            _ => return Content::Ignored("not a type that is acted on".into()),
        };
        let Some(object) = self.data.get().and_then(|data| data.object.get()) else {
            return Content::Failed("data.object is missing".into());
        };
        let Some(occurred_at) = occurred_at else {
            return Content::Failed("created is missing or not a time".into());
        };
        match reading(object, &Source { event_id: id, occurred_at }) {
            Ok(content) => content,
            Err(error) => Content::Failed(error.into()),
        }
    }
}

impl Object<'_> {
    fn payment_intent_succeeded(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_received", self.amount_received.int())?;
        let contradicted = self.status.text().is_some_and(|status| status != "succeeded");
        let state = if contradicted { FactState::Conflict } else { FactState::Succeeded };
        let captured = (!contradicted).then_some(amount.minor);
        self.payment_intent(source, state, Some(amount), captured, None)
    }

    fn payment_intent_failed(&self, source: &Source<'_>) -> Reading {
        let error = self.last_payment_error.get();
        let reason =
            error.and_then(|error| error.decline_code.text().or_else(|| error.code.text()));
        self.attempt(source, FactState::AttemptFailed, reason)
    }

    fn payment_intent_canceled(&self, source: &Source<'_>) -> Reading {
        let contradicted = self.status.text().is_some_and(|status| status != "canceled");
        let state = if contradicted { FactState::Conflict } else { FactState::Canceled };
        self.attempt(source, state, self.cancellation_reason.text())
    }

    fn payment_intent_processing(&self, source: &Source<'_>) -> Reading {
        self.attempt(source, FactState::Processing, None)
    }

    fn payment_intent_requires_action(&self, source: &Source<'_>) -> Reading {
        self.attempt(source, FactState::RequiresAction, None)
    }

    /// A PaymentIntent that has taken nothing; its amount is what is asked for.
    fn attempt(&self, source: &Source<'_>, state: FactState, reason: Option<&str>) -> Reading {
        let amount = self.money("amount", self.amount.int())?;
        self.payment_intent(source, state, Some(amount), None, reason)
    }

    fn payment_intent(
        &self,
        source: &Source<'_>,
        state: FactState,
        amount: Option<Money>,
        captured: Option<i64>,
        reason: Option<&str>,
    ) -> Reading {
        let id = self.own_id()?;
        let mut references = References::new(ReferenceKind::PaymentIntent, id)
            .and(ReferenceKind::Charge, self.latest_charge.id());
        for charge in self.charges.get().into_iter().flat_map(|charges| charges.data.iter()) {
            references = references.and(ReferenceKind::Charge, charge.id.id());
        }
        let references = references
            .and(ReferenceKind::Invoice, self.invoice.id())
            .and(ReferenceKind::OrderId, self.order_id().as_deref());
        Ok(references.with(Fact {
            amount,
            captured,
            reason: reason.map(Into::into),
            ..source.fact(ReferenceKind::PaymentIntent, id, state)
        }))
    }

    /// By `status`, because one dispute runs through several event types and may escalate.
    fn dispute(&self, source: &Source<'_>) -> Reading {
        let id = self.own_id()?;
        let state = match self.status.text() {
            Some("warning_needs_response" | "warning_under_review") => FactState::DisputeInquiry,
            Some("warning_closed") => FactState::DisputeInquiryClosed,
            Some("won") => FactState::DisputeWon,
            Some("lost") => FactState::DisputeLost,
            Some("prevented") => FactState::DisputePrevented,
            Some("charge_refunded") => FactState::DisputeClosed,
            // A status of a later API version: the money is withheld until something else is said.
            _ => FactState::DisputeOpen,
        };
        let parent = self.charge.id().or_else(|| self.payment_intent.id());
        let references = References::new(ReferenceKind::Dispute, id)
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::OrderId, self.order_id().as_deref());
        Ok(references.with(Fact {
            amount: Some(self.money("amount", self.amount.int())?),
            parent_id: parent.map(Into::into),
            reason: self.reason.text().map(Into::into),
            ..source.fact(ReferenceKind::Dispute, id, state)
        }))
    }

    fn invoice_paid(&self, source: &Source<'_>) -> Reading {
        let id = self.own_id()?;
        let amount = self.money("amount_paid", self.amount_paid.int())?;
        let since_basil = self
            .parent
            .get()
            .and_then(|parent| parent.subscription_details.get())
            .and_then(|details| details.subscription.id());
        let references = References::new(ReferenceKind::Invoice, id)
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::Subscription, self.subscription.id().or(since_basil))
            .and(ReferenceKind::OrderId, self.order_id().as_deref());
        Ok(references.with(Fact {
            amount: Some(amount),
            captured: Some(amount.minor),
            ..source.fact(ReferenceKind::Invoice, id, FactState::InvoicePaid)
        }))
    }

    fn own_id(&self) -> Result<&str, String> {
        self.id.text().ok_or_else(|| "data.object.id is missing".to_owned())
    }

    fn order_id(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.metadata.get().and_then(|metadata| metadata.order_id.label())
    }

    fn money(&self, field: &str, minor: Option<i64>) -> Result<Money, String> {
        let minor =
            minor.ok_or_else(|| format!("data.object.{field} is missing or not an integer"))?;
        let currency =
            self.currency.text().ok_or_else(|| "data.object.currency is missing".to_owned())?;
        Money::from_stripe(minor, currency)
            .map_err(|error| format!("data.object.{field} and currency: {error}"))
    }
}

#[cfg(test)]
mod tests;
