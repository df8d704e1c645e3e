//! Every recorded event, whole and damaged.

use super::said::{failure, read, read_json};
use crate::domain::event::{Content, Part};
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;
use crate::domain::refusal::Refusal;
use crate::providers::rules::Rules;
use crate::providers::vectors::{self, Vector};

/// The types of which something is concluded.
fn acted_on(provider: Provider) -> &'static [&'static str] {
    match provider {
        Provider::Stripe => &[
            "payment_intent.created",
            "payment_intent.requires_action",
            "payment_intent.partially_funded",
            "payment_intent.processing",
            "payment_intent.amount_capturable_updated",
            "payment_intent.payment_failed",
            "payment_intent.succeeded",
            "payment_intent.canceled",
            "charge.succeeded",
            "charge.failed",
            "charge.updated",
            "charge.refunded",
            "refund.created",
            "refund.updated",
            "refund.failed",
            "charge.refund.updated",
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.closed",
            "charge.dispute.funds_reinstated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice.payment_failed",
            "invoice_payment.paid",
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "checkout.session.expired",
        ],
        Provider::Paypal => &[
            "CHECKOUT.ORDER.APPROVED",
            "CHECKOUT.ORDER.COMPLETED",
            "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
            "PAYMENTS.PAYMENT.CREATED",
            "PAYMENT.AUTHORIZATION.CREATED",
            "PAYMENT.AUTHORIZATION.VOIDED",
            "PAYMENT.CAPTURE.PENDING",
            "PAYMENT.CAPTURE.COMPLETED",
            "PAYMENT.CAPTURE.DENIED",
            "PAYMENT.CAPTURE.DECLINED",
            "PAYMENT.CAPTURE.REFUNDED",
            "PAYMENT.CAPTURE.REVERSED",
            "PAYMENT.SALE.PENDING",
            "PAYMENT.SALE.COMPLETED",
            "PAYMENT.SALE.DENIED",
            "PAYMENT.SALE.REFUNDED",
            "PAYMENT.SALE.REVERSED",
            "CUSTOMER.DISPUTE.CREATED",
            "CUSTOMER.DISPUTE.UPDATED",
            "CUSTOMER.DISPUTE.RESOLVED",
        ],
    }
}

/// The recorded events of these types.
fn of_payments() -> impl Iterator<Item = (Provider, Vector)> {
    let all = Provider::ALL.iter().flat_map(|provider| {
        Vector::all(*provider).into_iter().map(move |vector| (*provider, vector))
    });
    all.filter(|(provider, vector)| acted_on(*provider).contains(&vector.event_type()))
}

#[test]
fn every_recorded_event_is_read_as_expected() {
    for (provider, at_least) in [(Provider::Stripe, 41), (Provider::Paypal, 21)] {
        let vectors = Vector::all(provider);
        assert!(vectors.len() >= at_least, "only {} events", vectors.len());
        for vector in &vectors {
            let event = read_json(provider, &vector.event);
            vector.check_envelope(&event);
            match vector.event_type() {
                acted if acted_on(provider).contains(&acted) => vector.check_payment(&event),
                "v1.payment_intent.succeeded" => assert!(failure(event.content).contains("thin")),
                _ => assert!(matches!(event.content, Content::Ignored(_)), "{}", vector.name),
            }
        }
        for acted in acted_on(provider) {
            assert!(vectors.iter().any(|vector| vector.event_type() == *acted), "{acted}");
        }
    }
}

#[test]
fn an_event_with_any_field_damaged_is_read_or_names_the_field() {
    for (provider, vector) in of_payments() {
        // The names that lead to a field of the object, and the name of the type.
        let (depth, event_type) = match provider {
            Provider::Stripe => (3, "type"),
            Provider::Paypal => (2, "event_type"),
        };
        for damaged in vectors::damaged(&vector.event, 4) {
            let path = damaged.path.join(".");
            let field = &damaged.path[damaged.path.len().min(depth) - 1];
            let event = read(provider, damaged.event.to_string().as_bytes(), &Rules::default());
            match event.map(|event| event.content) {
                Err(Refusal::NotAnEvent) => assert_eq!(path, "id", "{}", vector.name),
                Err(refusal) => panic!("{}, {path}: {refusal}", vector.name),
                Ok(Content::Ignored(_)) => assert_eq!(path, event_type, "{}", vector.name),
                Ok(Content::Failed(why)) => {
                    assert!(why.contains(&**field), "{}, {path}: {why}", vector.name);
                }
                Ok(Content::Payments(parts)) => {
                    let Part { references, facts } = &parts[0];
                    let is_one = match provider {
                        Provider::Stripe => facts.len() == 1,
                        Provider::Paypal => parts.len() == 1,
                    };
                    assert!(is_one && !references.is_empty(), "{}, {path}", vector.name);
                    // Orders, v1 payments and cases move no money; their amount is for people.
                    let may_lack = provider == Provider::Paypal
                        && matches!(
                            facts[0].object,
                            ReferenceKind::Order | ReferenceKind::Payment | ReferenceKind::Dispute
                        );
                    let minor = facts[0].amount.map(|amount| amount.minor);
                    assert!(minor.map_or(may_lack, |minor| minor >= 0), "{path}");
                }
            }
        }
    }
}

#[test]
fn an_event_without_what_its_type_promises_is_kept_as_failed() {
    for (provider, vector) in of_payments() {
        let of_object: &[&str] = match vector.event_type() {
            _ if provider == Provider::Stripe => &["data.object.id", "data.object.currency"],
            "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => &[],
            order if order.starts_with("CHECKOUT.ORDER.") => &["resource.id"],
            "PAYMENTS.PAYMENT.CREATED" => &["resource.id"],
            dispute if dispute.starts_with("CUSTOMER.DISPUTE.") => &["resource.dispute_id"],
            _ => &["resource.id", "resource.amount"],
        };
        let of_event: &[&str] = match provider {
            Provider::Stripe => &["created", "data", "data.object"],
            Provider::Paypal => &["create_time", "resource"],
        };
        for path in of_event.iter().chain(of_object).copied() {
            let damaged = vectors::damaged(&vector.event, 3);
            let damaged = damaged.iter().rfind(|damaged| damaged.path.join(".") == path);
            let event = read_json(provider, &damaged.expect("every event has the field").event);
            let Content::Failed(why) = event.content else { panic!("{}: {path}", vector.name) };
            let named = match (provider, path) {
                (Provider::Stripe, "data") => "object",
                (Provider::Stripe, path) => path.rsplit('.').next().expect("a name"),
                (Provider::Paypal, path) => path,
            };
            assert!(why.contains(named), "{}, {path}: {why}", vector.name);
        }
    }
}

#[test]
fn a_truncated_event_is_no_json() {
    for (provider, vector) in of_payments() {
        let payload = vector.payload();
        for length in (0..payload.len()).step_by(7) {
            let refusal = read(provider, &payload[..length], &Rules::default()).err();
            assert_eq!(refusal, Some(Refusal::InvalidJson), "{}, {length}", vector.name);
        }
    }
}
