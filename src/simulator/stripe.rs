//! Sample events, in the form and with the fields that Stripe would send.
//!
//! Source: recorded deliveries of API version 2025-12-15.clover. A sample is proved like any other
//! event: whoever sends it signs it with [`sign`](crate::providers::stripe::signature::sign).

use serde_json::{Value, json};

pub use super::sample::Sample;
use super::template::{Slot, fill};

/// The types that there are samples of. The last is one that payhookd does not act on.
pub const TYPES: &[&str] = &[
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "charge.dispute.created",
    "invoice.payment_succeeded",
    "customer.updated",
];

/// The sample's body; `None` if there is no sample of its type.
pub fn event(sample: &Sample<'_>) -> Option<String> {
    let object = match sample.event_type {
        "payment_intent.succeeded" => sample.payment_intent(
            "succeeded",
            &json!({
                "latest_charge": sample.object_id,
                "payment_method": PAYMENT_METHOD,
            }),
        ),
        "payment_intent.payment_failed" => sample.payment_intent(
            "requires_payment_method",
            &json!({
                "last_payment_error": {
                    "advice_code": "try_again_later",
                    "charge": sample.object_id,
                    "code": "card_declined",
                    "decline_code": "insufficient_funds",
                    "doc_url": "https://docs.stripe.com/error-codes/card-declined",
                    "message": "Your card has insufficient funds.",
                    "network_decline_code": "51",
                    "payment_method": { "id": PAYMENT_METHOD, "object": "payment_method", "type": "card" },
                    "type": "card_error",
                },
                "latest_charge": sample.object_id,
            }),
        ),
        "payment_intent.canceled" => sample.payment_intent(
            "canceled",
            &json!({
                "canceled_at": sample.occurred_at.unix_seconds(),
                "cancellation_reason": "requested_by_customer",
            }),
        ),
        "payment_intent.processing" => sample.payment_intent(
            "processing",
            &json!({
                "latest_charge": sample.object_id,
                "payment_method": PAYMENT_METHOD,
            }),
        ),
        "payment_intent.requires_action" => sample.payment_intent(
            "requires_action",
            &json!({
                "next_action": {
                    "redirect_to_url": {
                        "return_url": "https://shop.example/thank-you",
                        "url": "https://hooks.stripe.com/redirect/authenticate/src_1Sample",
                    },
                    "type": "redirect_to_url",
                },
                "payment_method": PAYMENT_METHOD,
            }),
        ),
        "charge.dispute.created" => sample.dispute(),
        "invoice.payment_succeeded" => sample.invoice(),
        "customer.updated" => sample.customer(),
        _ => return None,
    };
    let previous = match sample.event_type {
        "customer.updated" => {
            format!(
                ",\n    \"previous_attributes\": {}",
                nested(&json!({ "name": "J. Example" }), 4)
            )
        }
        _ => String::new(),
    };
    Some(fill(
        include_str!("samples/stripe/event.json").trim_end(),
        &[
            ("event_id", Slot::Text(sample.event_id)),
            ("event_type", Slot::Text(sample.event_type)),
            ("created", Slot::Json(sample.occurred_at.unix_seconds().to_string())),
            ("livemode", Slot::Json(sample.livemode.to_string())),
            ("object", Slot::Json(indented(&object, 4))),
            ("previous_attributes", Slot::Json(previous)),
        ],
    ))
}

impl Sample<'_> {
    /// `differs` holds the fields that are not always `null`.
    fn payment_intent(&self, status: &str, differs: &Value) -> String {
        let received = if status == "succeeded" { self.amount.minor } else { 0 };
        let mut slots = vec![
            ("amount_received", Slot::Json(received.to_string())),
            ("status", Slot::Text(status)),
        ];
        for name in [
            "canceled_at",
            "cancellation_reason",
            "last_payment_error",
            "latest_charge",
            "next_action",
            "payment_method",
        ] {
            slots.push((name, Slot::Json(nested(&differs[name], 2))));
        }
        self.object(include_str!("samples/stripe/payment_intent.json"), slots)
    }

    fn dispute(&self) -> String {
        let due_by = self.occurred_at.unix_seconds() + DAYS_TO_RESPOND * 86_400;
        let slots = vec![
            ("charge", Slot::Json(Value::from(self.parent_id).to_string())),
            ("due_by", Slot::Json(due_by.to_string())),
        ];
        self.object(include_str!("samples/stripe/dispute.json"), slots)
    }

    fn invoice(&self) -> String {
        let subscription = self.reference.starts_with("sub_");
        let parent = subscription.then(|| {
            json!({
                "quote_details": null,
                "subscription_details": { "metadata": {}, "subscription": self.reference },
                "type": "subscription_details",
            })
        });
        let reason = if subscription { "subscription_cycle" } else { "manual" };
        let lines = match subscription {
            true => json!([self.line()]),
            false => json!([]),
        };
        let slots = vec![
            ("billing_reason", Slot::Text(reason)),
            ("has_more", Slot::Json((!subscription).to_string())),
            ("lines", Slot::Json(nested(&lines, 4))),
            ("parent", Slot::Json(nested(&Value::from(parent), 2))),
        ];
        self.object(include_str!("samples/stripe/invoice.json"), slots)
    }

    /// The line of a subscription, for the month that begins.
    fn line(&self) -> Value {
        let start = self.occurred_at.unix_seconds() - SECONDS_TO_PAY;
        json!({
            "amount": self.amount.minor,
            "object": "line_item",
            "parent": {
                "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": null,
                    "proration": false,
                    "subscription": self.reference,
                },
                "type": "subscription_item_details",
            },
            "period": { "end": start + MONTH, "start": start },
            "quantity": 1,
        })
    }

    fn customer(&self) -> String {
        self.object(include_str!("samples/stripe/customer.json"), Vec::new())
    }

    fn object<'s>(&'s self, template: &str, mut slots: Vec<(&'static str, Slot<'s>)>) -> String {
        let metadata = match self.order_id {
            Some(order_id) => json!({ "order_id": order_id }),
            None => json!({}),
        };
        let currency = self.amount.currency.as_str().to_ascii_lowercase();
        let created = self.occurred_at.unix_seconds();
        slots.extend([
            ("amount", Slot::Json(self.amount.minor.to_string())),
            ("began", Slot::Json((created - SECONDS_TO_PAY).to_string())),
            ("created", Slot::Json(created.to_string())),
            ("currency", Slot::Json(currency)),
            ("livemode", Slot::Json(self.livemode.to_string())),
            ("metadata", Slot::Json(nested(&metadata, 2))),
            ("object_id", Slot::Text(self.object_id)),
            ("reference", Slot::Text(self.reference)),
        ]);
        fill(template.trim_end(), &slots)
    }
}

/// A value as it stands in an object that is indented by `spaces`.
fn nested(value: &Value, spaces: usize) -> String {
    indented(&format!("{value:#}"), spaces)
}

/// JSON whose lines after the first are moved to the right; inside its strings no line ends.
fn indented(json: &str, spaces: usize) -> String {
    json.replace('\n', &format!("\n{:spaces$}", ""))
}

const PAYMENT_METHOD: &str = "pm_1SampleVisaCardEnding4242";
/// The object is this much older than what happened to it.
const SECONDS_TO_PAY: i64 = 7;
const DAYS_TO_RESPOND: i64 = 9;
const MONTH: i64 = 30 * 86_400;

#[cfg(test)]
mod tests {
    use super::super::sample::tests::{first, keeps_odd_text};
    use super::*;
    use crate::domain::event::{Content, Event};
    use crate::domain::fact::FactState;
    use crate::domain::money::Money;
    use crate::domain::time::Timestamp;
    use crate::providers::rules::Rules;
    use crate::providers::stripe::{event, signature};

    fn sample(event_type: &str) -> Sample<'_> {
        Sample {
            event_id: "evt_3SSample",
            event_type,
            occurred_at: Timestamp::from_unix_seconds(1_795_434_723).expect("in range"),
            reference: "pi_3SSample",
            object_id: "ch_3SSample",
            parent_id: None,
            amount: Money::from_stripe(4999, "EUR").expect("an amount"),
            order_id: Some("A-1001"),
            livemode: false,
        }
    }

    /// Signs, proves and reads a sample.
    fn read(sample: &Sample<'_>) -> Event {
        let body = event(sample).expect("a sample of this type");
        let header = signature::sign(body.as_bytes(), "whsec_sample", sample.occurred_at);
        let verified = signature::SigningSecrets::new(["whsec_sample"])
            .verify(body.as_bytes(), Some(&header), None, sample.occurred_at)
            .expect("genuine");
        event::read(&verified, &Rules::default()).expect("an event")
    }

    #[test]
    fn every_payment_sample_says_what_was_asked_for() {
        use FactState::{AttemptFailed, Canceled, Processing, RequiresAction, Succeeded};
        let charged = "payment_intent pi_3SSample, charge ch_3SSample, order_id A-1001";
        let untried = "payment_intent pi_3SSample, order_id A-1001";
        for (event_type, state, named, reason) in [
            ("payment_intent.succeeded", Succeeded, charged, None),
            ("payment_intent.payment_failed", AttemptFailed, charged, Some("insufficient_funds")),
            ("payment_intent.canceled", Canceled, untried, Some("requested_by_customer")),
            ("payment_intent.processing", Processing, charged, None),
            ("payment_intent.requires_action", RequiresAction, untried, None),
        ] {
            let sample = sample(event_type);
            let event = read(&sample);
            assert_eq!((&*event.id, &*event.event_type), (sample.event_id, event_type));
            assert_eq!(event.api_version.as_deref(), Some("2025-12-15.clover"));
            assert_eq!((event.livemode, event.occurred_at), (false, Some(sample.occurred_at)));
            let (ids, fact) = first(event);
            assert_eq!(ids, named, "{event_type}");
            let captured = (state == Succeeded).then_some(4999);
            assert_eq!(
                (fact.state, fact.amount, fact.captured, fact.reason.as_deref()),
                (state, Some(sample.amount), captured, reason),
                "{event_type}"
            );
        }
    }

    #[test]
    fn a_dispute_names_its_payment_and_the_charge_if_told() {
        let sample = Sample {
            object_id: "dp_1SSample",
            parent_id: Some("ch_3SSample"),
            ..sample("charge.dispute.created")
        };
        let (ids, disputed) = first(read(&sample));
        assert_eq!(ids, "dispute dp_1SSample, charge ch_3SSample, payment_intent pi_3SSample");
        assert_eq!(
            (disputed.state, disputed.amount),
            (FactState::DisputeOpen, Some(sample.amount))
        );
        let (_, alone) = first(read(&Sample { parent_id: None, ..sample }));
        assert_eq!(alone.parent_id.as_deref(), Some("pi_3SSample"));
    }

    #[test]
    fn an_invoice_names_its_subscription_and_the_order() {
        let sample = Sample {
            object_id: "in_1SSample",
            reference: "sub_1SSample",
            ..sample("invoice.payment_succeeded")
        };
        let (ids, fact) = first(read(&sample));
        assert_eq!(ids, "invoice in_1SSample, subscription sub_1SSample, order_id A-1001");
        assert_eq!((fact.state, fact.captured), (FactState::InvoicePaid, Some(4999)));
        let period = fact.period.expect("a period");
        assert_eq!(period.end.unix_seconds() - period.start.unix_seconds(), MONTH);
    }

    #[test]
    fn there_is_a_sample_of_every_type_and_of_no_other() {
        for event_type in TYPES {
            let sample = Sample { livemode: true, order_id: None, ..sample(event_type) };
            let event = read(&sample);
            assert!(event.livemode);
            assert_eq!(
                matches!(event.content, Content::Ignored(_)),
                *event_type == "customer.updated",
                "{event_type}"
            );
        }
        assert_eq!(event(&sample("payment_intent.created")), None);
    }

    #[test]
    fn text_of_any_kind_keeps_its_place() {
        keeps_odd_text(TYPES, sample, read);
    }

    #[test]
    fn a_payment_has_the_size_and_the_look_of_a_real_one() {
        let body = event(&sample("payment_intent.succeeded")).expect("a sample");
        assert!((3300..3700).contains(&body.len()), "{} bytes", body.len());
        assert!(body.starts_with("{\n  \"id\": \"evt_3SSample\",\n  \"object\": \"event\","));
        assert!(
            body.contains("\n      \"metadata\": {\n        \"order_id\": \"A-1001\"\n      },")
        );
    }
}
