use serde_json::{Value, json};

use super::*;
use crate::domain::fact::FactState;
use crate::domain::transaction::{Expected, Status, fold};
use crate::providers::tests::said::{self, with};
use crate::providers::vectors::Vector;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_795_000_000 + seconds).expect("a time")
}

fn asking(provider: Provider, rules: &Rules, seconds: i64) -> Asking<'_> {
    Asking { provider, at: at(seconds), livemode: true, rules }
}

fn stripe(object: &Value) -> Result<RetrievedPage, NotUnderstood> {
    let rules = Rules::default();
    read("/v1/x", object.to_string().as_bytes(), asking(Provider::Stripe, &rules, 0))
}

fn paypal(path: &str, object: &Value) -> Result<RetrievedPage, NotUnderstood> {
    let rules = Rules::default();
    read(path, object.to_string().as_bytes(), asking(Provider::Paypal, &rules, 0))
}

fn facts(answer: &RetrievedPage) -> Vec<Fact> {
    let each = answer.objects.iter().enumerate().map(|(place, object)| {
        let event = object.event(&format!("e{place}"), &Rules::default());
        said::parts(event.expect("it is read again").1.content)
    });
    each.flatten().flat_map(|part| part.facts).collect()
}

/// Each object and its state.
fn states(answer: &RetrievedPage) -> Vec<String> {
    facts(answer).iter().map(|fact| format!("{} {}", fact.object, fact.state)).collect()
}

fn intent(status: &str, more: Value) -> Value {
    let intent = json!({
        "id": "pi_1", "object": "payment_intent", "status": status, "amount": 4999,
        "amount_received": if status == "succeeded" { 4999 } else { 0 },
        "amount_capturable": if status == "requires_capture" { 4999 } else { 0 },
        "currency": "eur", "livemode": true, "metadata": { "order_id": "A-1" },
    });
    with(intent, &more)
}

#[test]
fn a_payment_intent_is_what_its_status_says() {
    let declined = json!({ "last_payment_error": { "code": "card_declined" } });
    for (status, more, state) in [
        ("requires_payment_method", json!({}), "created"),
        ("requires_confirmation", json!({}), "created"),
        ("requires_payment_method", declined, "attempt_failed"),
        ("requires_action", json!({}), "requires_action"),
        ("processing", json!({}), "processing"),
        ("requires_capture", json!({}), "authorized"),
        ("succeeded", json!({}), "succeeded"),
        ("canceled", json!({}), "canceled"),
    ] {
        let answer = stripe(&intent(status, more)).expect("it is read");
        assert_eq!(states(&answer), [format!("payment_intent {state}")], "{status}");
    }
    let unknown = stripe(&intent("melted", json!({}))).expect_err("no such status");
    assert!(unknown.0.contains("status"), "{unknown}");
}

/// What the API says of an object is what the event said that brought the same object.
#[test]
fn recorded_objects_say_what_their_events_said() {
    let mut read_so_far = 0;
    for vector in Vector::all(Provider::Stripe) {
        let object = &vector.event["data"]["object"];
        let Ok(answer) = stripe(object) else { continue };
        let event = said::read_json(Provider::Stripe, &vector.event);
        let [Part { facts: said, references }] = event.content.parts() else { continue };
        // A session does not say that its payment failed; the payment does.
        if vector.event_type() == "checkout.session.async_payment_failed"
            || said[0].state == FactState::Conflict
        {
            continue;
        }
        let known: Vec<&Reference> = answer.objects[0].references().collect();
        for reference in references {
            assert!(known.contains(&reference), "{}: {reference:?}", vector.name);
        }
        let now = &facts(&answer)[0];
        assert_eq!(now.object_id, said[0].object_id, "{}", vector.name);
        if vector.event_type() == "charge.updated" {
            continue;
        }
        assert_eq!(
            (now.state, now.amount, now.captured, now.refunded),
            (said[0].state, said[0].amount, said[0].captured, said[0].refunded),
            "{}",
            vector.name
        );
        read_so_far += 1;
    }
    assert!(read_so_far > 20, "only {read_so_far}");
}

#[test]
fn the_charge_inside_tells_what_went_back() {
    let charge = json!({
        "id": "ch_1", "object": "charge", "status": "succeeded", "captured": true,
        "amount": 4999, "amount_captured": 4999, "amount_refunded": 1000, "currency": "eur",
        "payment_intent": "pi_1", "disputed": true, "created": 1_794_990_000,
    });
    let answer = stripe(&intent("succeeded", json!({ "latest_charge": charge })));
    let answer = answer.expect("it is read");
    assert_eq!(
        answer.more,
        [Question {
            kind: ReferenceKind::Dispute,
            paths: vec!["/v1/disputes?charge=ch_1&limit=100".to_owned()],
        }]
    );
    let facts = facts(&answer);
    let state = fold(Provider::Stripe, Expected::default(), &facts);
    assert_eq!(state.status, Status::PartiallyRefunded);
    assert_eq!((state.amount_received, state.amount_refunded), (4999, 1000));
}

/// By one rule, whether it comes alone or inside its PaymentIntent.
#[test]
fn a_charge_asked_for_says_what_its_webhook_said() {
    let charge = |captured: i64, refunded: i64| {
        json!({
            "id": "ch_1", "object": "charge", "status": "succeeded", "captured": true,
            "amount": 100, "amount_captured": captured, "amount_refunded": refunded,
            "refunded": refunded == captured, "currency": "eur", "payment_intent": "pi_1",
            "created": 1_794_990_000, "livemode": true,
        })
    };
    for (event_type, charge) in [
        ("charge.succeeded", charge(100, 0)),
        ("charge.captured", charge(70, 0)),
        ("charge.refunded", charge(70, 20)),
        ("charge.refunded", charge(60, 60)),
    ] {
        let event = said::read_json(
            Provider::Stripe,
            &json!({
                "id": "e0", "created": at(0).unix_seconds(), "type": event_type,
                "data": { "object": charge },
            }),
        );
        let said: Vec<Fact> = event.content.facts().cloned().collect();
        assert_eq!(facts(&stripe(&charge).expect("it is read")), said, "{event_type}");
        let inside = intent("requires_capture", json!({ "latest_charge": charge }));
        let inside = facts(&stripe(&inside).expect("it is read"));
        assert_eq!(inside[1..], said, "{event_type}");
    }
}

/// An attempt that failed long ago is none of now.
#[test]
fn a_failed_charge_asked_for_late_takes_nothing_back() {
    let failed = json!({
        "id": "ch_1", "object": "charge", "status": "failed", "captured": false, "paid": false,
        "amount": 4999, "amount_captured": 0, "amount_refunded": 0, "currency": "eur",
        "payment_intent": "pi_1", "created": 1_794_990_000, "failure_code": "card_declined",
    });
    let mut all = facts(&stripe(&failed).expect("it is read"));
    let now = stripe(&intent("requires_action", json!({ "latest_charge": failed })));
    all.extend(facts(&now.expect("it is read")));
    let state = fold(Provider::Stripe, Expected::default(), &all);
    assert_eq!(state.status, Status::RequiresAction);
}

#[test]
fn the_same_answer_has_the_same_digest_at_any_time() {
    let rules = Rules::default();
    let digest = |object: &Value, seconds: i64| {
        let body = object.to_string();
        let answer = read("/", body.as_bytes(), asking(Provider::Stripe, &rules, seconds));
        answer.expect("it is read").objects[0].digest.clone()
    };
    let one = intent("processing", json!({}));
    assert_eq!(digest(&one, 0), digest(&one, 3600));
    assert_eq!(digest(&one, 0), digest(&intent("processing", json!({ "x": 1 })), 0));
    assert_ne!(digest(&one, 0), digest(&intent("succeeded", json!({})), 0));
}

#[test]
fn an_order_tells_its_captures_and_refunds() {
    let money = |value: &str| json!({ "value": value, "currency_code": "EUR" });
    let order = json!({
        "id": "ORDER1", "status": "COMPLETED",
        "purchase_units": [{
            "amount": money("30.00"), "custom_id": "A-1",
            "payments": {
                "captures": [{
                    "id": "CAP1", "status": "PARTIALLY_REFUNDED", "amount": money("30.00"),
                }],
                "refunds": [{
                    "id": "REF1", "status": "COMPLETED", "amount": money("10.00"),
                    "links": [{ "rel": "up",
                        "href": "https://api.paypal.com/v2/payments/captures/CAP1" }],
                }],
            },
        }],
    });
    let answer = paypal("/v2/checkout/orders/ORDER1", &order).expect("it is read");
    assert_eq!(
        states(&answer),
        [
            // What the order says of itself and of what is in it ...
            "order order_completed",
            "capture succeeded",
            "refund refund_succeeded",
            // ... and what each says of itself.
            "capture succeeded",
            "refund refund_succeeded",
        ]
    );
    let state = fold(Provider::Paypal, Expected::default(), &facts(&answer));
    assert_eq!(state.status, Status::PartiallyRefunded);
    assert_eq!((state.amount_received, state.amount_refunded), (3000, 1000));
}

#[test]
fn what_is_asked_for_beside_it() {
    let money = json!({ "total": "-17.47", "currency": "EUR" });
    let reversal = json!({ "id": "REF1", "state": "completed", "amount": money,
        "sale_id": "SALE1", "parent_payment": "PAY-1" });
    let answer = paypal("/v1/payments/refund/REF1", &reversal).expect("it is read");
    assert_eq!(answer.more[0].paths, ["/v1/payments/payment/PAY-1"]);
    let capture = json!({ "id": "CAP1", "status": "REFUNDED",
        "amount": { "value": "1.00", "currency_code": "EUR" },
        "supplementary_data": { "related_ids": { "order_id": "ORDER1" } } });
    let answer = paypal("/v2/payments/captures/CAP1", &capture).expect("it is read");
    assert_eq!(answer.more[0].paths, ["/v2/checkout/orders/ORDER1"]);

    let invoice = json!({ "id": "in_1", "object": "invoice", "status": "paid",
        "amount_paid": 100, "amount_due": 100, "currency": "eur", "livemode": true });
    let answer = stripe(&invoice).expect("it is read");
    assert_eq!(answer.more[0].paths, ["/v1/invoice_payments?invoice=in_1&limit=100"]);
    let payments = json!({ "object": "list", "data": [{ "id": "inpay_1",
        "object": "invoice_payment", "status": "paid", "amount_paid": 100, "currency": "eur",
        "invoice": "in_1", "payment": { "payment_intent": "pi_1" } }] });
    let answer = stripe(&payments).expect("it is read");
    assert_eq!(states(&answer), ["invoice_payment invoice_payment_paid"]);
    assert_eq!(answer.more[0].paths, ["/v1/payment_intents/pi_1?expand[]=latest_charge"]);
}

#[test]
fn what_may_not_stand_in_a_path_is_not_asked() {
    for id in ["", "pi_1/x", "pi_1?x", "..", "pi_1 ", "pi_ä"] {
        let reference = Reference::new(ReferenceKind::PaymentIntent, id);
        assert_eq!(question(Provider::Stripe, &reference), None, "{id}");
    }
    let order = Reference::new(ReferenceKind::OrderId, "A-1");
    assert_eq!(question(Provider::Stripe, &order), None);
}

#[test]
fn what_is_no_object_is_named() {
    for answer in ["", "[]", "7", "{}", r#"{"object":"customer","id":"cus_1"}"#] {
        let rules = Rules::default();
        let read = read("/", answer.as_bytes(), asking(Provider::Stripe, &rules, 0));
        assert!(read.is_err(), "{answer}");
    }
}
