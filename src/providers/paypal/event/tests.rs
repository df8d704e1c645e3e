use serde_json::{Value, json};

use super::super::super::{Proof, vectors};
use super::*;
use crate::domain::event::{Part, Reference, ReferenceKind};
use crate::domain::fact::{Fact, FactState};

/// The types of which something is concluded.
const ACTED_ON: &[&str] = &[
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
];

fn read_bytes(payload: &[u8]) -> Result<Event, Refusal> {
    read(&Verified { payload, proof: Proof::PaypalPostback(1) }, false, &Rules::default())
}

fn read_json(event: &Value) -> Event {
    read_bytes(event.to_string().as_bytes()).expect("an event")
}

/// What an event of `event_type` about `resource` says.
fn content(event_type: &str, resource: Value) -> Content {
    read_json(&json!({
        "id": "WH-1",
        "create_time": "2026-01-10T09:00:05Z",
        "event_type": event_type,
        "resource": resource,
    }))
    .content
}

fn payment(event_type: &str, resource: Value) -> (Vec<Reference>, Fact) {
    match content(event_type, resource) {
        Content::Payments(parts) => {
            let [Part { references, facts }] = parts.try_into().expect("one payment");
            let [fact] = facts.try_into().expect("one fact");
            (references, fact)
        }
        other => panic!("{event_type}: {other:?}"),
    }
}

fn acted_on() -> impl Iterator<Item = vectors::Vector> {
    let vectors = vectors::Vector::all(Provider::Paypal).into_iter();
    vectors.filter(|vector| ACTED_ON.contains(&vector.event_type()))
}

#[test]
fn every_recorded_event_is_read_as_expected() {
    let vectors = vectors::Vector::all(Provider::Paypal);
    assert!(vectors.len() >= 21, "only {} events", vectors.len());
    for vector in &vectors {
        let event = read_json(&vector.event);
        vector.check_envelope(&event);
        if ACTED_ON.contains(&vector.event_type()) {
            vector.check_payment(&event);
        } else {
            assert!(matches!(event.content, Content::Ignored(_)), "{}", vector.name);
        }
    }
    for event_type in ACTED_ON {
        assert!(vectors.iter().any(|vector| vector.event_type() == *event_type), "{event_type}");
    }
}

#[test]
fn an_event_with_any_field_damaged_is_read_or_names_the_field() {
    for vector in acted_on() {
        for damaged in vectors::damaged(&vector.event, 4) {
            let path = damaged.path.join(".");
            // The field of `resource` in which the damage lies.
            let field = &damaged.path[damaged.path.len().min(2) - 1];
            match read_bytes(damaged.event.to_string().as_bytes()).map(|event| event.content) {
                Err(Refusal::NotAnEvent) => assert_eq!(path, "id", "{}", vector.name),
                Err(refusal) => panic!("{}, {path}: {refusal}", vector.name),
                Ok(Content::Ignored(_)) => assert_eq!(path, "event_type", "{}", vector.name),
                Ok(Content::Failed(why)) => {
                    assert!(why.contains(&**field), "{}, {path}: {why}", vector.name);
                }
                Ok(Content::Payments(parts)) => {
                    let Part { references, facts } = &parts[0];
                    assert!(!references.is_empty() && facts.len() == 1, "{}", vector.name);
                    // Orders and v1 payments move no money; their amount is for people.
                    let may_lack =
                        matches!(facts[0].object, ReferenceKind::Order | ReferenceKind::Payment);
                    let minor = facts[0].amount.map(|amount| amount.minor);
                    assert!(minor.map_or(may_lack, |minor| minor >= 0), "{path}");
                }
            }
        }
    }
}

#[test]
fn an_event_without_what_its_type_promises_is_kept_as_failed() {
    for vector in acted_on() {
        let of_resource: &[&str] = match vector.event_type() {
            "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => &[],
            order if order.starts_with("CHECKOUT.ORDER.") => &["resource.id"],
            "PAYMENTS.PAYMENT.CREATED" => &["resource.id"],
            dispute if dispute.starts_with("CUSTOMER.DISPUTE.") => {
                &["resource.dispute_id", "resource.dispute_amount"]
            }
            _ => &["resource.id", "resource.amount"],
        };
        for path in ["create_time", "resource"].iter().chain(of_resource).copied() {
            let damaged = vectors::damaged(&vector.event, 2);
            let damaged = damaged.iter().rfind(|damaged| damaged.path.join(".") == path);
            let event = read_json(&damaged.expect("every event has the field").event);
            let Content::Failed(why) = event.content else { panic!("{}: {path}", vector.name) };
            assert!(why.contains(path), "{}, {path}: {why}", vector.name);
        }
    }
}

#[test]
fn a_truncated_event_is_no_json() {
    for vector in acted_on() {
        let payload = vector.payload();
        for length in (0..payload.len()).step_by(7) {
            let refusal = read_bytes(&payload[..length]).err();
            assert_eq!(refusal, Some(Refusal::InvalidJson), "{}, {length}", vector.name);
        }
    }
}

#[test]
fn whether_the_money_is_real_is_not_in_the_event() {
    let payload = br#"{"id":"WH-1","livemode":false}"#;
    for livemode in [true, false] {
        let verified = Verified { payload, proof: Proof::PaypalPostback(1) };
        assert_eq!(
            read(&verified, livemode, &Rules::default()).map(|event| event.livemode),
            Ok(livemode)
        );
    }
}

#[test]
fn an_envelope_that_does_not_say_is_version_one_of_no_type() {
    let event = read_json(&json!({ "id": "WH-1" }));
    assert_eq!((event.occurred_at, event.api_version.as_deref()), (None, Some("1.0")));
    assert_eq!(event.content, Content::Failed("event_type is missing".into()));
    assert_eq!(read_bytes(br#"{"id":3}"#), Err(Refusal::NotAnEvent));
}

/// The less final of the two counts, and never as money.
#[test]
fn a_state_that_contradicts_the_type_takes_no_money() {
    for (event_type, state, fact_state, captured) in [
        ("PAYMENT.SALE.COMPLETED", "completed", FactState::Succeeded, Some(1000)),
        ("PAYMENT.SALE.COMPLETED", "partially_refunded", FactState::Succeeded, Some(1000)),
        ("PAYMENT.SALE.COMPLETED", "refunded", FactState::Succeeded, Some(1000)),
        ("PAYMENT.SALE.COMPLETED", "pending", FactState::Conflict, None),
        ("PAYMENT.SALE.COMPLETED", "denied", FactState::Conflict, None),
        ("PAYMENT.SALE.PENDING", "completed", FactState::Processing, None),
        ("PAYMENT.SALE.DENIED", "completed", FactState::AttemptFailed, None),
        ("PAYMENT.CAPTURE.COMPLETED", "COMPLETED", FactState::Succeeded, Some(1000)),
        ("PAYMENT.CAPTURE.COMPLETED", "PARTIALLY_REFUNDED", FactState::Succeeded, Some(1000)),
        ("PAYMENT.CAPTURE.COMPLETED", "REFUNDED", FactState::Succeeded, Some(1000)),
        ("PAYMENT.CAPTURE.COMPLETED", "PENDING", FactState::Conflict, None),
        ("PAYMENT.CAPTURE.COMPLETED", "DECLINED", FactState::Conflict, None),
        ("PAYMENT.CAPTURE.DENIED", "COMPLETED", FactState::AttemptFailed, None),
    ] {
        // v1 says state, v2 status.
        let word = if event_type.contains("SALE") { "state" } else { "status" };
        let mut resource =
            json!({ "id": "1", "amount": { "value": "10", "currency_code": "USD" } });
        resource[word] = json!(state);
        let (_, fact) = payment(event_type, resource);
        assert_eq!((fact.state, fact.captured), (fact_state, captured), "{event_type}, {state}");
    }
}

#[test]
fn a_refund_is_what_its_state_says_and_its_amount_has_no_sign() {
    for (state, fact_state) in [
        (json!("completed"), FactState::RefundSucceeded),
        (json!("pending"), FactState::RefundPending),
        (json!("failed"), FactState::RefundFailed),
        (json!("cancelled"), FactState::RefundCanceled),
        (json!("canceled"), FactState::RefundCanceled),
        (json!(null), FactState::RefundSucceeded),
    ] {
        let (_, fact) = payment(
            "PAYMENT.SALE.REFUNDED",
            json!({
                "id": "REF1",
                "state": state,
                "amount": { "total": "-17.47", "currency": "EUR" },
                "total_refunded_amount": { "value": "20.00", "currency": "EUR" },
                "sale_id": "SALE1",
            }),
        );
        assert_eq!(fact.state, fact_state, "{state}");
        assert_eq!(fact.amount.map(|amount| amount.minor), Some(1747));
        assert_eq!((fact.captured, fact.refunded), (None, Some(2000)));
    }
}

#[test]
fn a_refund_names_its_sale_by_field_or_link_or_else_its_payment() {
    let refund = |extra: Value| {
        let mut resource = json!({ "id": "REF1", "amount": { "total": "-1", "currency": "EUR" } });
        for (name, value) in extra.as_object().expect("an object") {
            resource[name] = value.clone();
        }
        let (references, fact) = payment("PAYMENT.SALE.REFUNDED", resource);
        assert_eq!(references[0], Reference::new(ReferenceKind::Refund, "REF1"));
        (references[1..].to_vec(), fact.parent_id)
    };
    let link = |rel: &str, path: &str| json!([{ "rel": rel, "href": format!("https://x{path}") }]);
    let sale = Reference::new(ReferenceKind::Sale, "SALE1");
    let paid = Reference::new(ReferenceKind::Payment, "PAY-1");
    let up = link("sale", "/v1/payments/sale/SALE1?x=1");

    let (references, parent) = refund(json!({ "sale_id": "SALE1", "parent_payment": "PAY-1" }));
    assert_eq!((references, parent.as_deref()), (vec![paid.clone(), sale.clone()], Some("SALE1")));
    assert_eq!(refund(json!({ "links": up })), (vec![sale], Some("SALE1".into())));
    assert_eq!(refund(json!({ "parent_payment": "PAY-1" })), (vec![paid], Some("PAY-1".into())));
    assert_eq!(refund(json!({})), (vec![], None));
    for nowhere in [link("self", "/v1/payments/sale/SALE1"), link("sale", "/v1/payments/sale/")] {
        assert_eq!(refund(json!({ "links": nowhere })), (vec![], None));
    }
}

#[test]
fn a_capture_names_its_order_and_authorization_by_field_or_by_link() {
    let capture = |extra: Value| {
        let mut resource =
            json!({ "id": "CAP1", "amount": { "value": "1", "currency_code": "USD" } });
        for (name, value) in extra.as_object().expect("an object") {
            resource[name] = value.clone();
        }
        payment("PAYMENT.CAPTURE.COMPLETED", resource).0[1..].to_vec()
    };
    let up = |path: &str| json!([{ "rel": "up", "href": format!("https://x{path}") }]);
    let order = || Reference::new(ReferenceKind::Order, "ORDER1");
    let authorization = || Reference::new(ReferenceKind::Authorization, "AUTH1");
    assert_eq!(
        capture(json!({
            "supplementary_data": {
                "related_ids": { "order_id": "ORDER1", "authorization_id": "AUTH1" },
            },
            // Samples contain links to other objects.
            "links": up("/v2/checkout/orders/ORDER2"),
        })),
        [order(), authorization()]
    );
    assert_eq!(capture(json!({ "links": up("/v2/checkout/orders/ORDER1") })), [order()]);
    assert_eq!(
        capture(json!({ "links": up("/v2/payments/authorizations/AUTH1") })),
        [authorization()]
    );
}

#[test]
fn the_shops_own_ids_and_a_subscription_are_references() {
    let (references, _) = payment(
        "PAYMENT.SALE.COMPLETED",
        json!({
            "id": "SALE1",
            "amount": { "total": "1", "currency": "USD" },
            "billing_agreement_id": "I-1",
            "custom_id": "order-1",
            "invoice_id": 7,
            "custom": "order-1",
            "invoice_number": "order-2",
        }),
    );
    assert_eq!(
        references,
        [
            Reference::new(ReferenceKind::Sale, "SALE1"),
            Reference::new(ReferenceKind::Subscription, "I-1"),
            Reference::new(ReferenceKind::OrderId, "order-1"),
            Reference::new(ReferenceKind::OrderId, "7"),
            Reference::new(ReferenceKind::OrderId, "order-2"),
        ]
    );
}

#[test]
fn the_reason_is_read_where_each_version_has_it() {
    let amount = json!({ "value": "1", "currency_code": "USD" });
    let (_, fact) = payment(
        "PAYMENT.SALE.PENDING",
        json!({ "id": "SALE1", "amount": amount, "reason_code": "ECHECK" }),
    );
    assert_eq!(fact.reason.as_deref(), Some("ECHECK"));
    let (_, fact) = payment(
        "PAYMENT.CAPTURE.DENIED",
        json!({ "id": "CAP1", "amount": amount, "status_details": { "reason": "UNILATERAL" } }),
    );
    assert_eq!(fact.reason.as_deref(), Some("UNILATERAL"));
}

#[test]
fn an_amount_that_is_not_exact_fails() {
    for (value, code) in
        [("-1.00", "USD"), ("1.001", "USD"), ("1,00", "USD"), ("1.50", "JPY"), ("1", "XYZ")]
    {
        let resource = json!({ "id": "1", "amount": { "value": value, "currency_code": code } });
        match content("PAYMENT.CAPTURE.COMPLETED", resource) {
            Content::Failed(why) => assert!(why.contains("resource.amount"), "{why}"),
            other => panic!("{value} {code}: {other:?}"),
        }
    }
    let bad_total = json!({
        "id": "REF1",
        "amount": { "total": "-1.00", "currency": "USD" },
        "total_refunded_amount": { "value": "?", "currency": "USD" },
    });
    match content("PAYMENT.SALE.REFUNDED", bad_total) {
        Content::Failed(why) => assert!(why.contains("resource.total_refunded_amount"), "{why}"),
        other => panic!("{other:?}"),
    }
}
