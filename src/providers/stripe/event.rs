//! Stripe's event JSON read into an [`Event`].
//!
//! Source: Stripe API reference, "The Event object", "Types of events" and the API changelog. Few
//! fields are read, each with its fallbacks for the API versions that reach one endpoint.

use serde::Deserialize;

use super::super::Verified;
use super::super::loose::{self, Loose, Part};
use super::super::reading::Source;
use super::super::rules::Rules;
use super::object::Object;
use crate::domain::event::{Content, Event, Ownership, Provider};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// Reads a proved payload.
///
/// What is no event (no JSON, no `id`) is refused. An event whose type is not acted on is
/// [`Content::Ignored`], one whose object lacks what its type promises is [`Content::Failed`].
pub fn read(payload: &Verified<'_>, rules: &Rules) -> Result<Event, Refusal> {
    let envelope: Envelope<'_> = loose::parse(payload.payload())?;
    let id = envelope.id.text().ok_or(Refusal::NotAnEvent)?;
    let event_type = envelope.event_type.text().unwrap_or("");
    let occurred_at = match &envelope.created {
        Loose::Int(seconds) => Timestamp::from_unix_seconds(*seconds),
        // Thin events carry RFC 3339.
        other => other.text().and_then(|text| Timestamp::parse(text).ok()),
    };
    let content = envelope.content(id, event_type, occurred_at, rules);
    let object = envelope.data.get().and_then(|data| data.object.get());
    Ok(Event {
        provider: Provider::Stripe,
        id: id.into(),
        event_type: event_type.into(),
        api_version: envelope.api_version.text().map(Into::into),
        livemode: envelope.livemode.bool().unwrap_or(false),
        occurred_at,
        ownership: object.map_or(Ownership::Unsaid, |object| object.ownership(&content, rules)),
        content,
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

impl Envelope<'_> {
    fn content(
        &self,
        id: &str,
        event_type: &str,
        occurred_at: Option<Timestamp>,
        rules: &Rules,
    ) -> Content {
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
            "payment_intent.created" => Object::payment_intent_created,
            "payment_intent.requires_action" | "payment_intent.partially_funded" => {
                Object::payment_intent_requires_action
            }
            "payment_intent.processing" => Object::payment_intent_processing,
            "payment_intent.amount_capturable_updated" => Object::payment_intent_authorized,
            "payment_intent.payment_failed" => Object::payment_intent_failed,
            "payment_intent.succeeded" => Object::payment_intent_succeeded,
            "payment_intent.canceled" => Object::payment_intent_canceled,
            "charge.pending" | "charge.succeeded" | "charge.captured" | "charge.failed"
            | "charge.updated" => Object::charge,
            "charge.expired" => Object::charge_expired,
            "charge.refunded" => Object::charge_refunded,
            "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                Object::refund
            }
            "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.closed"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated" => Object::dispute,
            "invoice.paid" | "invoice.payment_succeeded" => Object::invoice_paid,
            "invoice.payment_failed" => Object::invoice_failed,
            "invoice.payment_action_required" => Object::invoice_requires_action,
            "invoice_payment.paid" => Object::invoice_payment_paid,
            "checkout.session.completed" => Object::session_completed,
            "checkout.session.async_payment_succeeded" => Object::session_paid,
            "checkout.session.async_payment_failed" => Object::session_failed,
            "checkout.session.expired" => Object::session_expired,
            "radar.early_fraud_warning.created" | "radar.early_fraud_warning.updated" => {
                Object::fraud_warning
            }
            "review.opened" | "review.closed" => Object::review,
            "" => return Content::Failed("type is missing".into()),
            _ => return Content::Ignored("not a type that is acted on".into()),
        };
        let Some(object) = self.data.get().and_then(|data| data.object.get()) else {
            return Content::Failed("data.object is missing".into());
        };
        let Some(occurred_at) = occurred_at else {
            return Content::Failed("created is missing or not a time".into());
        };
        match reading(object, &Source { rules, event_id: id, occurred_at }) {
            Ok(content) => content,
            Err(error) => Content::Failed(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
