use serde_json::{Value, json};

use super::super::super::rules::OrderIdSource;
use super::super::super::{Proof, vectors};
use super::*;
use crate::domain::event::Part;
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::{Reference, ReferenceKind};

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
                    assert!(parts.len() == 1 && !references.is_empty(), "{}", vector.name);
                    // Orders, v1 payments and cases move no money; their amount is for people.
                    let may_lack = matches!(
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
    for vector in acted_on() {
        let of_resource: &[&str] = match vector.event_type() {
            "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => &[],
            order if order.starts_with("CHECKOUT.ORDER.") => &["resource.id"],
            "PAYMENTS.PAYMENT.CREATED" => &["resource.id"],
            dispute if dispute.starts_with("CUSTOMER.DISPUTE.") => &["resource.dispute_id"],
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
        (json!(null), FactState::RefundPending),
        (json!("melted"), FactState::RefundPending),
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

/// What an event says of each payment: the ids and the facts.
fn parts(event_type: &str, resource: Value) -> Vec<Part> {
    match content(event_type, resource) {
        Content::Payments(parts) => parts,
        other => panic!("{event_type}: {other:?}"),
    }
}

fn euros(value: &str) -> Value {
    json!({ "value": value, "currency_code": "EUR" })
}

/// Object, state and what was taken.
fn said(part: &Part) -> Vec<(&str, FactState, Option<i64>)> {
    part.facts.iter().map(|fact| (&*fact.object_id, fact.state, fact.captured)).collect()
}

#[test]
fn what_type_and_status_of_a_refund_say_together() {
    use FactState::{Conflict, RefundCanceled, RefundFailed, RefundPending, RefundSucceeded};
    for (event_type, status, state) in [
        ("PAYMENT.CAPTURE.REFUNDED", json!(null), RefundPending),
        ("PAYMENT.SALE.REFUNDED", json!(null), RefundPending),
        ("PAYMENT.CAPTURE.REVERSED", json!(null), RefundSucceeded),
        ("PAYMENT.CAPTURE.REVERSED", json!("PENDING"), RefundPending),
        ("PAYMENT.CAPTURE.REVERSED", json!("FAILED"), Conflict),
        ("PAYMENT.CAPTURE.REVERSED", json!("MELTED"), RefundPending),
        ("PAYMENT.REFUND.PENDING", json!(null), RefundPending),
        ("PAYMENT.REFUND.PENDING", json!("COMPLETED"), RefundPending),
        ("PAYMENT.REFUND.COMPLETED", json!(null), RefundSucceeded),
        ("PAYMENT.REFUND.COMPLETED", json!("PENDING"), RefundPending),
        ("PAYMENT.REFUND.FAILED", json!(null), RefundFailed),
        ("PAYMENT.REFUND.FAILED", json!("COMPLETED"), Conflict),
        ("PAYMENT.REFUND.FAILED", json!("MELTED"), RefundFailed),
        ("PAYMENT.REFUND.CANCELLED", json!(null), RefundCanceled),
        ("PAYMENT.REFUND.CANCELLED", json!("FAILED"), RefundCanceled),
        ("PAYMENT.REFUND.RETRIEVED", json!(null), RefundPending),
    ] {
        let resource = json!({ "id": "REF1", "amount": euros("1.00"), "status": status });
        let (_, fact) = payment(event_type, resource);
        assert_eq!(fact.state, state, "{event_type}, {status}");
        let reason = event_type.ends_with("REVERSED").then_some("reversal");
        assert_eq!(fact.reason.as_deref(), reason, "{event_type}");
    }
}

#[test]
fn a_refund_names_its_capture_wherever_it_stands() {
    let link = |rel: &str, path: &str| json!([{ "rel": rel, "href": format!("https://x{path}") }]);
    for extra in [
        json!({ "capture_id": "CAP1" }),
        json!({ "supplementary_data": { "related_ids": { "capture_id": "CAP1" } } }),
        json!({ "links": link("up", "/v2/payments/captures/CAP1") }),
        json!({ "links": link("capture", "/v1/payments/capture/CAP1") }),
    ] {
        let mut resource = json!({ "id": "REF1", "amount": euros("1.00") });
        for (name, value) in extra.as_object().expect("an object") {
            resource[name] = value.clone();
        }
        let (references, fact) = payment("PAYMENT.CAPTURE.REFUNDED", resource);
        assert_eq!(fact.parent_id.as_deref(), Some("CAP1"), "{extra}");
        assert_eq!(references[1..], [Reference::new(ReferenceKind::Capture, "CAP1")], "{extra}");
    }
}

#[test]
fn a_total_in_another_currency_is_no_total_of_this_one() {
    let refund = |breakdown: Value, total: Value| {
        let (_, fact) = payment(
            "PAYMENT.CAPTURE.REFUNDED",
            json!({
                "id": "REF1", "status": "COMPLETED", "amount": euros("10.00"),
                "seller_payable_breakdown": { "total_refunded_amount": breakdown },
                "total_refunded_amount": total,
            }),
        );
        fact.refunded
    };
    let yen = json!({ "value": "1500", "currency_code": "JPY" });
    assert_eq!(refund(yen.clone(), json!(null)), None);
    assert_eq!(refund(yen.clone(), euros("15.00")), Some(1500));
    assert_eq!(refund(euros("12.00"), yen), Some(1200));
}

#[test]
fn a_hold_is_one_only_if_it_is_said_to_be() {
    for (event_type, status, state) in [
        ("PAYMENT.AUTHORIZATION.CREATED", json!(null), FactState::Authorized),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("CREATED"), FactState::Authorized),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("PARTIALLY_CAPTURED"), FactState::Authorized),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("PENDING"), FactState::Processing),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("DENIED"), FactState::AttemptFailed),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("CAPTURED"), FactState::Succeeded),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("MELTED"), FactState::Conflict),
        ("PAYMENT.AUTHORIZATION.VOIDED", json!(null), FactState::Canceled),
        ("PAYMENT.AUTHORIZATION.RETRIEVED", json!("CAPTURED"), FactState::Succeeded),
    ] {
        let (_, fact) = payment(
            event_type,
            json!({
                "id": "AUTH1", "status": status, "amount": euros("42.50"),
                "status_details": { "reason": "PENDING_REVIEW" },
            }),
        );
        let reason = fact.reason.as_deref();
        assert_eq!((fact.state, fact.captured), (state, None), "{event_type}, {status}");
        assert_eq!(reason, Some("PENDING_REVIEW"), "{event_type}, {status}");
    }
}

/// The type says completed; a word that nobody understands does not.
#[test]
fn a_capture_without_a_status_is_what_its_type_says() {
    for (status, state, captured) in [
        (json!(null), FactState::Succeeded, Some(1000)),
        (json!("MELTED"), FactState::Conflict, None),
    ] {
        for event_type in ["PAYMENT.CAPTURE.COMPLETED", "PAYMENT.SALE.COMPLETED"] {
            let resource = json!({ "id": "1", "status": status, "amount": euros("10.00") });
            let (_, fact) = payment(event_type, resource);
            assert_eq!((fact.state, fact.captured), (state, captured), "{event_type}, {status}");
        }
    }
}

#[test]
fn an_order_is_evidence_of_what_is_inside_it() {
    let payments = json!({
        "captures": [
            { "id": "CAP1", "status": "PARTIALLY_REFUNDED", "amount": euros("30.00"),
              "update_time": "2026-01-10T09:00:04Z" },
            { "id": "CAP2", "status": "COMPLETED", "amount": euros("1.001") },
            { "id": "CAP3", "status": "PENDING", "amount": euros("5.00"),
              "status_details": { "reason": "ECHECK" } },
            { "id": "CAP4", "status": "DECLINED", "amount": euros("5.00") },
            { "id": "CAP5", "amount": euros("5.00") },
        ],
        "authorizations": [{ "id": "AUTH1", "status": "CREATED", "amount": euros("30.00") }],
        "refunds": [{
            "id": "REF1", "status": "COMPLETED", "amount": euros("10.00"),
            "links": [{ "rel": "up", "href": "https://x/v2/payments/captures/CAP1" }],
        }],
    });
    for event_type in ["CHECKOUT.ORDER.COMPLETED", "CHECKOUT.ORDER.RETRIEVED"] {
        let parts = parts(
            event_type,
            json!({
                "id": "ORDER1", "status": "COMPLETED",
                "purchase_units": [{ "amount": euros("40.00"), "payments": payments.clone() }],
            }),
        );
        let [part] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!(
            said(part),
            [
                ("ORDER1", FactState::OrderCompleted, None),
                ("CAP1", FactState::Succeeded, Some(3000)),
                ("CAP2", FactState::Succeeded, None),
                ("CAP3", FactState::Processing, None),
                ("CAP4", FactState::AttemptFailed, None),
                ("AUTH1", FactState::Authorized, None),
                ("REF1", FactState::RefundSucceeded, None),
            ]
        );
        assert_eq!(part.facts[1].object_at, Timestamp::parse("2026-01-10T09:00:04Z").ok());
        assert_eq!(part.facts[3].reason.as_deref(), Some("ECHECK"));
        assert_eq!(part.facts[6].parent_id.as_deref(), Some("CAP1"));
        let ids: Vec<&str> = part.references.iter().map(|one| &*one.value).collect();
        assert_eq!(ids, ["ORDER1", "CAP1", "CAP2", "CAP3", "CAP4", "CAP5", "AUTH1", "REF1"]);
    }
}

#[test]
fn a_refund_inside_is_of_the_only_capture() {
    let refund = json!({ "id": "REF1", "amount": euros("10.00") });
    let one = json!([{ "id": "CAP1" }]);
    let two = json!([{ "id": "CAP1" }, { "id": "CAP2" }]);
    for (captures, parent) in [(one, Some("CAP1")), (two, None)] {
        let unit = json!({ "payments": { "captures": captures, "refunds": [refund] } });
        let parts =
            parts("CHECKOUT.ORDER.COMPLETED", json!({ "id": "ORDER1", "purchase_units": [unit] }));
        let [_, fact] = parts[0].facts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((fact.state, fact.parent_id.as_deref()), (FactState::RefundPending, parent));
    }
}

#[test]
fn each_shop_order_has_its_part_of_an_order() {
    let unit = |custom: &str, invoice: &str, capture: &str| {
        json!({
            "amount": euros("10.00"), "custom_id": custom, "invoice_id": invoice,
            "payments": {
                "captures": [{ "id": capture, "status": "COMPLETED", "amount": euros("10.00") }],
            },
        })
    };
    let read = |units: Value| {
        let order = json!({ "id": "ORDER1", "status": "COMPLETED", "purchase_units": units });
        parts("CHECKOUT.ORDER.COMPLETED", order)
    };
    let ids = |part: &Part| {
        let values = part.references.iter().map(|one| one.value.to_string());
        values.collect::<Vec<String>>().join(" ")
    };
    let all = |parts: &[Part]| parts.iter().map(ids).collect::<Vec<String>>();

    let apart = read(json!([unit("A", "1", "CAP1"), unit("B", "2", "CAP2")]));
    assert_eq!(all(&apart), ["ORDER1 CAP1 A 1", "ORDER1 CAP2 B 2"]);
    for part in &apart {
        assert_eq!(part.facts.len(), 2);
        assert_eq!(part.facts[0].amount.map(|amount| amount.minor), Some(1000));
    }
    let shared = read(json!([unit("A", "1", "CAP1"), unit("A", "2", "CAP2")]));
    assert_eq!(all(&shared), ["ORDER1 CAP1 A 1 CAP2 2"]);
    assert_eq!(shared[0].facts[0].amount.map(|amount| amount.minor), Some(2000));
    let unnamed = read(json!([unit("A", "1", "CAP1"), unit("", "", "CAP2")]));
    assert_eq!(all(&unnamed), ["ORDER1 CAP1 A 1 CAP2"]);
}

#[test]
fn each_transaction_of_an_old_payment_tells_of_its_sale() {
    let transaction = |number: &str, sale: &str| {
        json!({
            "amount": { "total": "7.00", "currency": "EUR" }, "invoice_number": number,
            "related_resources": [{
                "sale": { "id": sale, "state": "completed",
                          "amount": { "total": "7.00", "currency": "EUR" } },
            }],
        })
    };
    let payment = json!({
        "id": "PAY-1", "state": "approved",
        "transactions": [transaction("1", "SALE1"), transaction("2", "SALE2")],
    });
    let parts = parts("PAYMENTS.PAYMENT.CREATED", payment);
    let all: Vec<_> = parts.iter().map(said).collect();
    let of =
        |sale| vec![("PAY-1", FactState::Approved, None), (sale, FactState::Succeeded, Some(700))];
    assert_eq!(all, [of("SALE1"), of("SALE2")]);
}

#[test]
fn an_old_payment_is_approved_unless_it_says_less() {
    for (said, state) in [
        (json!(null), FactState::Approved),
        (json!("approved"), FactState::Approved),
        (json!("created"), FactState::Created),
        (json!("failed"), FactState::AttemptFailed),
        (json!("melted"), FactState::Created),
    ] {
        let (_, fact) =
            payment("PAYMENTS.PAYMENT.CREATED", json!({ "id": "PAY-1", "state": said }));
        assert_eq!(fact.state, state, "{said}");
    }
}

#[test]
fn an_order_of_a_rare_type_is_what_it_says() {
    for event_type in ["CHECKOUT.ORDER.SAVED", "CHECKOUT.ORDER.PROCESSED"] {
        let (_, fact) = payment(event_type, json!({ "id": "ORDER1", "status": "SAVED" }));
        assert_eq!(fact.state, FactState::Created);
        let unsaid = content(event_type, json!({ "id": "ORDER1" }));
        assert!(matches!(unsaid, Content::Ignored(_)), "{unsaid:?}");
    }
}

#[test]
fn a_case_is_what_type_status_and_outcome_say() {
    for (event_type, status, outcome, state) in [
        ("CUSTOMER.DISPUTE.CREATED", json!(null), json!(null), FactState::DisputeOpen),
        ("CUSTOMER.DISPUTE.UPDATED", json!("MELTED"), json!(null), FactState::Conflict),
        ("CUSTOMER.DISPUTE.UPDATED", json!("RESOLVED"), json!(null), FactState::DisputeClosed),
        ("CUSTOMER.DISPUTE.UPDATED", json!("RESOLVED"), json!("ACCEPTED"), FactState::DisputeLost),
        ("CUSTOMER.DISPUTE.RESOLVED", json!("RESOLVED"), json!("DENIED"), FactState::DisputeWon),
        ("CUSTOMER.DISPUTE.RESOLVED", json!("RESOLVED"), json!("NONE"), FactState::DisputeClosed),
        ("CUSTOMER.DISPUTE.RESOLVED", json!(null), json!(null), FactState::DisputeClosed),
        ("CUSTOMER.DISPUTE.RESOLVED", json!(null), json!("ACCEPTED"), FactState::DisputeLost),
        ("CUSTOMER.DISPUTE.RESOLVED", json!("UNDER_REVIEW"), json!(null), FactState::DisputeOpen),
        ("RISK.DISPUTE.CREATED", json!("OPEN"), json!(null), FactState::DisputeOpen),
        ("CUSTOMER.DISPUTE.RETRIEVED", json!("OTHER"), json!(null), FactState::DisputeOpen),
    ] {
        let (references, fact) = payment(
            event_type,
            json!({
                "dispute_id": "PP-D-1", "status": status,
                "dispute_outcome": { "outcome_code": outcome },
            }),
        );
        assert_eq!(references, [Reference::new(ReferenceKind::Dispute, "PP-D-1")]);
        assert_eq!((fact.state, fact.amount, fact.parent_id), (state, None, None), "{event_type}");
    }
    let unsaid = content("CUSTOMER.DISPUTE.RETRIEVED", json!({ "dispute_id": "PP-D-1" }));
    assert!(matches!(unsaid, Content::Failed(_)), "{unsaid:?}");
}

#[test]
fn a_case_tells_each_payment_that_it_is_about() {
    let one = json!({ "seller_transaction_id": "CAP1", "invoice_number": "1" });
    let other = json!({ "seller_transaction_id": "CAP2", "custom": "2" });
    let parts = parts(
        "CUSTOMER.DISPUTE.CREATED",
        json!({
            "dispute_id": "PP-D-1", "status": "OPEN", "dispute_amount": euros("10.00"),
            "disputed_transactions": [one.clone(), other, one],
        }),
    );
    assert_eq!(parts.len(), 2);
    for (part, (capture, order_id)) in parts.iter().zip([("CAP1", "1"), ("CAP2", "2")]) {
        assert_eq!(
            part.references,
            [
                Reference::new(ReferenceKind::Dispute, "PP-D-1"),
                Reference::new(ReferenceKind::Capture, capture),
                Reference::new(ReferenceKind::OrderId, order_id),
            ]
        );
        let [fact] = part.facts.as_slice() else { panic!("{part:?}") };
        assert_eq!(fact.parent_id.as_deref(), Some(capture));
        assert_eq!(fact.amount.map(|amount| amount.minor), Some(1000));
    }
}

#[test]
fn numbers_are_money_too() {
    for (value, code, minor) in [
        (json!(42.5), "EUR", 4250),
        (json!(100), "EUR", 10000),
        (json!(0.07), "EUR", 7),
        (json!(1500.0), "JPY", 1500),
    ] {
        let resource = json!({ "id": "1", "amount": { "value": value, "currency_code": code } });
        let (_, fact) = payment("PAYMENT.CAPTURE.COMPLETED", resource);
        assert_eq!(fact.captured, Some(minor), "{value} {code}");
        let resource = json!({ "id": "1", "amount": { "total": value, "currency": code } });
        let (_, fact) = payment("PAYMENT.SALE.COMPLETED", resource);
        assert_eq!(fact.captured, Some(minor), "{value} {code}");
    }
    for (value, code) in [(json!(42.505), "EUR"), (json!(1.5), "JPY"), (json!(1e18), "EUR")] {
        let resource = json!({ "id": "1", "amount": { "value": value, "currency_code": code } });
        let failed = content("PAYMENT.CAPTURE.COMPLETED", resource);
        assert!(matches!(failed, Content::Failed(_)), "{value} {code}: {failed:?}");
    }
}

#[test]
fn order_ids_stand_in_the_fields_that_the_shop_names() {
    let own = |take: &[OrderIdSource], event_type: &str, resource: &Value| {
        let rules = Rules { order_id_from: take.to_vec(), ..Rules::default() };
        let event = json!({
            "id": "WH-1", "create_time": "2026-01-10T09:00:05Z", "event_type": event_type,
            "resource": resource,
        });
        let payload = event.to_string();
        let proof = Proof::PaypalPostback(1);
        let event = read(&Verified { payload: payload.as_bytes(), proof }, false, &rules);
        let parts = event.expect("an event").content.parts().to_vec();
        let ids = parts.into_iter().flat_map(|part| part.references);
        let own = ids.filter(|reference| reference.kind == ReferenceKind::OrderId);
        own.map(|reference| reference.value.to_string()).collect::<Vec<String>>().join(" ")
    };
    let v1 = json!({ "custom": "C", "invoice_number": "I" });
    let v2 = json!({ "custom_id": "C", "invoice_id": "I" });
    for (event_type, resource) in [
        (
            "PAYMENT.CAPTURE.COMPLETED",
            json!({ "id": "1", "amount": euros("1"), "custom_id": "C", "invoice_id": "I" }),
        ),
        (
            "PAYMENT.SALE.COMPLETED",
            json!({ "id": "1", "amount": euros("1"), "custom": "C", "invoice_number": "I" }),
        ),
        ("CHECKOUT.ORDER.APPROVED", json!({ "id": "1", "purchase_units": [v2] })),
        ("PAYMENTS.PAYMENT.CREATED", json!({ "id": "1", "transactions": [v1.clone()] })),
        ("CUSTOMER.DISPUTE.CREATED", json!({ "dispute_id": "1", "disputed_transactions": [v1] })),
    ] {
        for (take, ids) in [
            (OrderIdSource::ALL, "C I"),
            (&[OrderIdSource::CustomId], "C"),
            (&[OrderIdSource::InvoiceId], "I"),
            (&[OrderIdSource::Metadata], ""),
        ] {
            assert_eq!(own(take, event_type, &resource), ids, "{event_type}, {take:?}");
        }
    }
}
