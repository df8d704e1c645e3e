mod references;

use serde_json::{Value, json};

use super::super::super::tests::said::{self, failure, ids, outcome};
use super::*;
use crate::domain::event::Part;
use crate::domain::fact::Fact;
use crate::domain::reference::{Reference, ReferenceKind};

/// An event of `event_type` about `resource`, read by `rules`.
fn read_by(rules: &Rules, event_type: &str, resource: &Value) -> Content {
    let event = json!({
        "id": "WH-1", "create_time": "2026-01-10T09:00:05Z", "event_type": event_type,
        "resource": resource,
    });
    let event = said::read(Provider::Paypal, event.to_string().as_bytes(), rules);
    event.expect("an event").content
}

fn content(event_type: &str, resource: &Value) -> Content {
    read_by(&Rules::default(), event_type, resource)
}

fn payment(event_type: &str, resource: &Value) -> (Vec<Reference>, Fact) {
    said::payment(content(event_type, resource))
}

/// What an event says of each payment: the ids and the facts.
fn parts(event_type: &str, resource: &Value) -> Vec<Part> {
    said::parts(content(event_type, resource))
}

fn amount(value: &str, code: &str) -> Value {
    json!({ "value": value, "currency_code": code })
}

fn euros(value: &str) -> Value {
    amount(value, "EUR")
}

/// A link to `path`, in the words of version 1 and 2.
fn link(rel: &str, path: &str) -> Value {
    json!({ "links": [{ "rel": rel, "href": format!("https://x{path}") }] })
}

#[test]
fn whether_the_money_is_real_is_not_in_the_event() {
    let payload = br#"{"id":"WH-1","livemode":false}"#;
    for livemode in [true, false] {
        let verified = Verified { payload, proof: Proof::PaypalPostback(1) };
        let event = read(&verified, livemode, &Rules::default());
        assert_eq!(event.map(|event| event.livemode), Ok(livemode));
    }
}

#[test]
fn an_envelope_that_does_not_say_is_version_one_of_no_type() {
    let event = said::read_json(Provider::Paypal, &json!({ "id": "WH-1" }));
    assert_eq!((event.occurred_at, event.api_version.as_deref()), (None, Some("1.0")));
    assert_eq!(event.content, Content::Failed("event_type is missing".into()));
    let nameless = said::read(Provider::Paypal, br#"{"id":3}"#, &Rules::default());
    assert_eq!(nameless, Err(Refusal::NotAnEvent));
}

/// The less final of the two counts, and never as money. Without a state the type counts; a word that
/// nobody understands does not say what the type does.
#[test]
fn a_state_that_contradicts_the_type_takes_no_money() {
    for (event_type, state, said) in [
        ("PAYMENT.SALE.COMPLETED", json!("completed"), "succeeded, took 1000"),
        ("PAYMENT.SALE.COMPLETED", json!("partially_refunded"), "succeeded, took 1000"),
        ("PAYMENT.SALE.COMPLETED", json!("refunded"), "succeeded, took 1000"),
        ("PAYMENT.SALE.COMPLETED", json!("pending"), "conflict"),
        ("PAYMENT.SALE.COMPLETED", json!("denied"), "conflict"),
        ("PAYMENT.SALE.COMPLETED", json!("MELTED"), "conflict"),
        ("PAYMENT.SALE.COMPLETED", json!(null), "succeeded, took 1000"),
        ("PAYMENT.SALE.PENDING", json!("completed"), "processing"),
        ("PAYMENT.SALE.DENIED", json!("completed"), "attempt_failed"),
        ("PAYMENT.CAPTURE.COMPLETED", json!("COMPLETED"), "succeeded, took 1000"),
        ("PAYMENT.CAPTURE.COMPLETED", json!("PARTIALLY_REFUNDED"), "succeeded, took 1000"),
        ("PAYMENT.CAPTURE.COMPLETED", json!("REFUNDED"), "succeeded, took 1000"),
        ("PAYMENT.CAPTURE.COMPLETED", json!("PENDING"), "conflict"),
        ("PAYMENT.CAPTURE.COMPLETED", json!("DECLINED"), "conflict"),
        ("PAYMENT.CAPTURE.COMPLETED", json!("MELTED"), "conflict"),
        ("PAYMENT.CAPTURE.COMPLETED", json!(null), "succeeded, took 1000"),
        ("PAYMENT.CAPTURE.DENIED", json!("COMPLETED"), "attempt_failed"),
    ] {
        // v1 says state, v2 status.
        for word in ["state", "status"] {
            let resource = json!({ "id": "1", "amount": amount("10", "USD"), word: state });
            assert_eq!(outcome(&payment(event_type, &resource).1), said, "{event_type}, {state}");
        }
    }
}

#[test]
fn a_refund_is_what_its_state_says_and_its_amount_has_no_sign() {
    for (state, said) in [
        (json!("completed"), "refund_succeeded, gave back 2000"),
        (json!("pending"), "refund_pending, gave back 2000"),
        (json!("failed"), "refund_failed, gave back 2000"),
        (json!("cancelled"), "refund_canceled, gave back 2000"),
        (json!("canceled"), "refund_canceled, gave back 2000"),
        (json!(null), "refund_pending, gave back 2000"),
        (json!("melted"), "refund_pending, gave back 2000"),
    ] {
        let refund = json!({
            "id": "REF1", "state": state, "amount": { "total": "-17.47", "currency": "EUR" },
            "total_refunded_amount": { "value": "20.00", "currency": "EUR" }, "sale_id": "SALE1",
        });
        let (_, fact) = payment("PAYMENT.SALE.REFUNDED", &refund);
        assert_eq!(outcome(&fact), said, "{state}");
        assert_eq!(fact.amount.map(|amount| amount.minor), Some(1747));
    }
}

#[test]
fn what_type_and_status_of_a_refund_say_together() {
    for (event_type, status, said) in [
        ("PAYMENT.CAPTURE.REFUNDED", json!(null), "refund_pending"),
        ("PAYMENT.SALE.REFUNDED", json!(null), "refund_pending"),
        ("PAYMENT.CAPTURE.REVERSED", json!(null), "refund_succeeded"),
        ("PAYMENT.CAPTURE.REVERSED", json!("PENDING"), "refund_pending"),
        ("PAYMENT.CAPTURE.REVERSED", json!("FAILED"), "conflict"),
        ("PAYMENT.CAPTURE.REVERSED", json!("MELTED"), "refund_pending"),
        ("PAYMENT.REFUND.PENDING", json!(null), "refund_pending"),
        ("PAYMENT.REFUND.PENDING", json!("COMPLETED"), "refund_pending"),
        ("PAYMENT.REFUND.COMPLETED", json!(null), "refund_succeeded"),
        ("PAYMENT.REFUND.COMPLETED", json!("PENDING"), "refund_pending"),
        ("PAYMENT.REFUND.FAILED", json!(null), "refund_failed"),
        ("PAYMENT.REFUND.FAILED", json!("COMPLETED"), "conflict"),
        ("PAYMENT.REFUND.FAILED", json!("MELTED"), "refund_failed"),
        ("PAYMENT.REFUND.CANCELLED", json!(null), "refund_canceled"),
        ("PAYMENT.REFUND.CANCELLED", json!("FAILED"), "refund_canceled"),
        ("PAYMENT.REFUND.RETRIEVED", json!(null), "refund_pending"),
    ] {
        let refund = json!({ "id": "REF1", "amount": euros("1.00"), "status": status });
        let (_, fact) = payment(event_type, &refund);
        assert_eq!(outcome(&fact), said, "{event_type}, {status}");
        let reason = event_type.ends_with("REVERSED").then_some("reversal");
        assert_eq!(fact.reason.as_deref(), reason, "{event_type}");
    }
}

#[test]
fn a_total_in_another_currency_is_no_total_of_this_one() {
    let yen = || amount("1500", "JPY");
    for (of_breakdown, total, refunded) in [
        (yen(), json!(null), None),
        (yen(), euros("15.00"), Some(1500)),
        (euros("12.00"), yen(), Some(1200)),
    ] {
        let refund = json!({
            "id": "REF1", "status": "COMPLETED", "amount": euros("10.00"),
            "seller_payable_breakdown": { "total_refunded_amount": of_breakdown },
            "total_refunded_amount": total,
        });
        assert_eq!(payment("PAYMENT.CAPTURE.REFUNDED", &refund).1.refunded, refunded, "{refund}");
    }
}

#[test]
fn a_hold_is_one_only_if_it_is_said_to_be() {
    for (event_type, status, said) in [
        ("PAYMENT.AUTHORIZATION.CREATED", json!(null), "authorized"),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("CREATED"), "authorized"),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("PARTIALLY_CAPTURED"), "authorized"),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("PENDING"), "processing"),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("DENIED"), "attempt_failed"),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("CAPTURED"), "succeeded"),
        ("PAYMENT.AUTHORIZATION.CREATED", json!("MELTED"), "conflict"),
        ("PAYMENT.AUTHORIZATION.VOIDED", json!(null), "canceled"),
        ("PAYMENT.AUTHORIZATION.RETRIEVED", json!("CAPTURED"), "succeeded"),
    ] {
        let hold = json!({
            "id": "AUTH1", "status": status, "amount": euros("42.50"),
            "status_details": { "reason": "PENDING_REVIEW" },
        });
        let (_, fact) = payment(event_type, &hold);
        assert_eq!(outcome(&fact), said, "{event_type}, {status}");
        assert_eq!(fact.reason.as_deref(), Some("PENDING_REVIEW"), "{event_type}, {status}");
    }
}

#[test]
fn the_reason_is_read_where_each_version_has_it() {
    let euro = euros("1");
    for (event_type, resource, reason) in [
        (
            "PAYMENT.SALE.PENDING",
            json!({ "id": "SALE1", "amount": euro, "reason_code": "ECHECK" }),
            "ECHECK",
        ),
        (
            "PAYMENT.CAPTURE.DENIED",
            json!({ "id": "CAP1", "amount": euro, "status_details": { "reason": "UNILATERAL" } }),
            "UNILATERAL",
        ),
    ] {
        assert_eq!(payment(event_type, &resource).1.reason.as_deref(), Some(reason));
    }
}

#[test]
fn an_amount_that_is_not_exact_fails() {
    for (value, code) in
        [("-1.00", "USD"), ("1.001", "USD"), ("1,00", "USD"), ("1.50", "JPY"), ("1", "XYZ")]
    {
        let capture = json!({ "id": "1", "amount": amount(value, code) });
        let why = failure(content("PAYMENT.CAPTURE.COMPLETED", &capture));
        assert!(why.contains("resource.amount"), "{value} {code}: {why}");
    }
    let bad_total = json!({
        "id": "REF1", "amount": { "total": "-1.00", "currency": "USD" },
        "total_refunded_amount": { "value": "?", "currency": "USD" },
    });
    let why = failure(content("PAYMENT.SALE.REFUNDED", &bad_total));
    assert!(why.contains("resource.total_refunded_amount"), "{why}");
}

#[test]
fn numbers_are_money_too() {
    for (value, code, minor) in [
        (json!(42.5), "EUR", 4250),
        (json!(100), "EUR", 10000),
        (json!(0.07), "EUR", 7),
        (json!(1500.0), "JPY", 1500),
    ] {
        let capture = json!({ "id": "1", "amount": { "value": value, "currency_code": code } });
        let sale = json!({ "id": "1", "amount": { "total": value, "currency": code } });
        for (event_type, resource) in
            [("PAYMENT.CAPTURE.COMPLETED", capture), ("PAYMENT.SALE.COMPLETED", sale)]
        {
            assert_eq!(payment(event_type, &resource).1.captured, Some(minor), "{value} {code}");
        }
    }
    for (value, code) in [(json!(42.505), "EUR"), (json!(1.5), "JPY"), (json!(1e18), "EUR")] {
        let capture = json!({ "id": "1", "amount": { "value": value, "currency_code": code } });
        failure(content("PAYMENT.CAPTURE.COMPLETED", &capture));
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
    let order = json!({
        "id": "ORDER1", "status": "COMPLETED",
        "purchase_units": [{ "amount": euros("40.00"), "payments": payments }],
    });
    for event_type in ["CHECKOUT.ORDER.COMPLETED", "CHECKOUT.ORDER.RETRIEVED"] {
        let parts = parts(event_type, &order);
        let [part] = parts.as_slice() else { panic!("{parts:?}") };
        let said = [
            "ORDER1 order_completed",
            "CAP1 succeeded, took 3000",
            "CAP2 succeeded",
            "CAP3 processing",
            "CAP4 attempt_failed",
            "AUTH1 authorized",
            "REF1 refund_succeeded",
        ];
        assert_eq!(outcomes(part), said);
        assert_eq!(part.facts[1].object_at, Timestamp::parse("2026-01-10T09:00:04Z").ok());
        assert_eq!(part.facts[3].reason.as_deref(), Some("ECHECK"));
        assert_eq!(part.facts[6].parent_id.as_deref(), Some("CAP1"));
        let ids: Vec<&str> = part.references.iter().map(|one| &*one.value).collect();
        assert_eq!(ids, ["ORDER1", "CAP1", "CAP2", "CAP3", "CAP4", "CAP5", "AUTH1", "REF1"]);
    }
}

/// Each object with what is said of it.
fn outcomes(part: &Part) -> Vec<String> {
    let each = part.facts.iter().map(|fact| format!("{} {}", fact.object_id, outcome(fact)));
    each.collect()
}

#[test]
fn a_refund_inside_is_of_the_only_capture() {
    let refund = json!({ "id": "REF1", "amount": euros("10.00") });
    let one = json!([{ "id": "CAP1" }]);
    let two = json!([{ "id": "CAP1" }, { "id": "CAP2" }]);
    for (captures, parent) in [(one, Some("CAP1")), (two, None)] {
        let unit = json!({ "payments": { "captures": captures, "refunds": [refund] } });
        let order = json!({ "id": "ORDER1", "purchase_units": [unit] });
        let parts = parts("CHECKOUT.ORDER.COMPLETED", &order);
        let [_, fact] = parts[0].facts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((&*outcome(fact), fact.parent_id.as_deref()), ("refund_pending", parent));
    }
}

#[test]
fn each_shop_order_has_its_part_of_an_order() {
    let unit = |custom: &str, invoice: &str, capture: &str| {
        let captures = json!([{ "id": capture, "status": "COMPLETED", "amount": euros("10.00") }]);
        json!({
            "amount": euros("10.00"), "custom_id": custom, "invoice_id": invoice,
            "payments": { "captures": captures },
        })
    };
    let read = |units: Value| {
        let order = json!({ "id": "ORDER1", "status": "COMPLETED", "purchase_units": units });
        parts("CHECKOUT.ORDER.COMPLETED", &order)
    };
    let all = |parts: &[Part]| -> Vec<String> {
        parts.iter().map(|part| ids(&part.references)).collect()
    };

    let apart = read(json!([unit("A", "1", "CAP1"), unit("B", "2", "CAP2")]));
    let first = "order ORDER1, capture CAP1, order_id A, order_id 1";
    assert_eq!(all(&apart), [first, "order ORDER1, capture CAP2, order_id B, order_id 2"]);
    for part in &apart {
        assert_eq!(part.facts.len(), 2);
        assert_eq!(part.facts[0].amount.map(|amount| amount.minor), Some(1000));
    }
    let shared = read(json!([unit("A", "1", "CAP1"), unit("A", "2", "CAP2")]));
    assert_eq!(all(&shared), [format!("{first}, capture CAP2, order_id 2")]);
    assert_eq!(shared[0].facts[0].amount.map(|amount| amount.minor), Some(2000));
    let unnamed = read(json!([unit("A", "1", "CAP1"), unit("", "", "CAP2")]));
    assert_eq!(all(&unnamed), [format!("{first}, capture CAP2")]);
}

#[test]
fn each_transaction_of_an_old_payment_tells_of_its_sale() {
    let transaction = |number: &str, sale: &str| {
        let amount = json!({ "total": "7.00", "currency": "EUR" });
        let sale = json!({ "id": sale, "state": "completed", "amount": amount });
        json!({
            "amount": amount, "invoice_number": number, "related_resources": [{ "sale": sale }],
        })
    };
    let payment = json!({
        "id": "PAY-1", "state": "approved",
        "transactions": [transaction("1", "SALE1"), transaction("2", "SALE2")],
    });
    let parts = parts("PAYMENTS.PAYMENT.CREATED", &payment);
    let of = |sale| ["PAY-1 approved".to_owned(), format!("{sale} succeeded, took 700")];
    let all: Vec<Vec<String>> = parts.iter().map(outcomes).collect();
    assert_eq!(all, [of("SALE1"), of("SALE2")]);
}

#[test]
fn an_old_payment_is_approved_unless_it_says_less() {
    for (state, said) in [
        (json!(null), "approved"),
        (json!("approved"), "approved"),
        (json!("created"), "created"),
        (json!("failed"), "attempt_failed"),
        (json!("melted"), "created"),
    ] {
        let old = json!({ "id": "PAY-1", "state": state });
        assert_eq!(outcome(&payment("PAYMENTS.PAYMENT.CREATED", &old).1), said, "{state}");
    }
}

#[test]
fn an_order_of_a_rare_type_is_what_it_says() {
    for event_type in ["CHECKOUT.ORDER.SAVED", "CHECKOUT.ORDER.PROCESSED"] {
        let (_, fact) = payment(event_type, &json!({ "id": "ORDER1", "status": "SAVED" }));
        assert_eq!(outcome(&fact), "created");
        let unsaid = content(event_type, &json!({ "id": "ORDER1" }));
        assert!(matches!(unsaid, Content::Ignored(_)), "{unsaid:?}");
    }
}

#[test]
fn a_case_is_what_type_status_and_outcome_say() {
    for (event_type, status, code, said) in [
        ("CUSTOMER.DISPUTE.CREATED", json!(null), json!(null), "dispute_open"),
        ("CUSTOMER.DISPUTE.UPDATED", json!("MELTED"), json!(null), "conflict"),
        ("CUSTOMER.DISPUTE.UPDATED", json!("RESOLVED"), json!(null), "dispute_closed"),
        ("CUSTOMER.DISPUTE.UPDATED", json!("RESOLVED"), json!("ACCEPTED"), "dispute_lost"),
        ("CUSTOMER.DISPUTE.RESOLVED", json!("RESOLVED"), json!("DENIED"), "dispute_won"),
        ("CUSTOMER.DISPUTE.RESOLVED", json!("RESOLVED"), json!("NONE"), "dispute_closed"),
        ("CUSTOMER.DISPUTE.RESOLVED", json!(null), json!(null), "dispute_closed"),
        ("CUSTOMER.DISPUTE.RESOLVED", json!(null), json!("ACCEPTED"), "dispute_lost"),
        ("CUSTOMER.DISPUTE.RESOLVED", json!("UNDER_REVIEW"), json!(null), "dispute_open"),
        ("RISK.DISPUTE.CREATED", json!("OPEN"), json!(null), "dispute_open"),
        ("CUSTOMER.DISPUTE.RETRIEVED", json!("OTHER"), json!(null), "dispute_open"),
    ] {
        let case = json!({
            "dispute_id": "PP-D-1", "status": status, "dispute_outcome": { "outcome_code": code },
        });
        let (references, fact) = payment(event_type, &case);
        assert_eq!(ids(&references), "dispute PP-D-1");
        assert_eq!(outcome(&fact), said, "{event_type}");
        assert_eq!((fact.amount, fact.parent_id), (None, None), "{event_type}");
    }
    failure(content("CUSTOMER.DISPUTE.RETRIEVED", &json!({ "dispute_id": "PP-D-1" })));
}

#[test]
fn a_case_tells_each_payment_that_it_is_about() {
    let one = json!({ "seller_transaction_id": "CAP1", "invoice_number": "1" });
    let other = json!({ "seller_transaction_id": "CAP2", "custom": "2" });
    let case = json!({
        "dispute_id": "PP-D-1", "status": "OPEN", "dispute_amount": euros("10.00"),
        "disputed_transactions": [one.clone(), other, one],
    });
    let parts = parts("CUSTOMER.DISPUTE.CREATED", &case);
    assert_eq!(parts.len(), 2);
    for (part, (capture, order_id)) in parts.iter().zip([("CAP1", "1"), ("CAP2", "2")]) {
        let named = format!("dispute PP-D-1, capture {capture}, order_id {order_id}");
        assert_eq!(ids(&part.references), named);
        let [fact] = part.facts.as_slice() else { panic!("{part:?}") };
        assert_eq!(fact.parent_id.as_deref(), Some(capture));
        assert_eq!(fact.amount.map(|amount| amount.minor), Some(1000));
    }
}
