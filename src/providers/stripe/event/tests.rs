use serde_json::{Value, json};

use super::super::super::{Proof, vectors};
use super::*;
use crate::domain::event::{Part, Reference, ReferenceKind};
use crate::domain::fact::{Fact, FactState};

/// The types of which something is concluded.
const ACTED_ON: &[&str] = &[
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
];

fn read_bytes(payload: &[u8]) -> Result<Event, Refusal> {
    read(&Verified { payload, proof: Proof::StripeSecret(1) }, &Rules::default())
}

fn read_json(event: &Value) -> Event {
    read_bytes(event.to_string().as_bytes()).expect("an event")
}

/// What an event of `event_type` about `object` says.
fn content(event_type: &str, object: Value) -> Content {
    read_json(&json!({
        "id": "evt_1",
        "object": "event",
        "created": 1_767_225_600,
        "livemode": false,
        "type": event_type,
        "data": { "object": object },
    }))
    .content
}

fn payment(event_type: &str, object: Value) -> (Vec<Reference>, Fact) {
    match content(event_type, object) {
        Content::Payments(parts) => {
            let [Part { references, facts }] = parts.try_into().expect("one payment");
            let [fact] = facts.try_into().expect("one fact");
            (references, fact)
        }
        other => panic!("{event_type}: {other:?}"),
    }
}

fn acted_on() -> impl Iterator<Item = vectors::Vector> {
    let vectors = vectors::Vector::all(Provider::Stripe).into_iter();
    vectors.filter(|vector| ACTED_ON.contains(&vector.event_type()))
}

#[test]
fn every_recorded_event_is_read_as_expected() {
    let vectors = vectors::Vector::all(Provider::Stripe);
    assert!(vectors.len() >= 41, "only {} events", vectors.len());
    for vector in &vectors {
        let event = read_json(&vector.event);
        vector.check_envelope(&event);
        match vector.event_type() {
            acted_on if ACTED_ON.contains(&acted_on) => vector.check_payment(&event),
            "v1.payment_intent.succeeded" => {
                assert!(matches!(&event.content, Content::Failed(why) if why.contains("thin")));
            }
            _ => assert!(matches!(event.content, Content::Ignored(_)), "{}", vector.name),
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
            // The field of `data.object` in which the damage lies.
            let field = &damaged.path[damaged.path.len().min(3) - 1];
            match read_bytes(damaged.event.to_string().as_bytes()).map(|event| event.content) {
                Err(Refusal::NotAnEvent) => assert_eq!(path, "id", "{}", vector.name),
                Err(refusal) => panic!("{}, {path}: {refusal}", vector.name),
                Ok(Content::Ignored(_)) => assert_eq!(path, "type", "{}", vector.name),
                Ok(Content::Failed(why)) => {
                    assert!(why.contains(&**field), "{}, {path}: {why}", vector.name);
                }
                Ok(Content::Payments(parts)) => {
                    let Part { references, facts } = &parts[0];
                    assert!(!references.is_empty() && facts.len() == 1, "{}", vector.name);
                    assert!(facts[0].amount.is_some_and(|amount| amount.minor >= 0), "{path}");
                }
            }
        }
    }
}

#[test]
fn an_event_without_what_its_type_promises_is_kept_as_failed() {
    for vector in acted_on() {
        for path in ["created", "data", "data.object", "data.object.id", "data.object.currency"] {
            let damaged = vectors::damaged(&vector.event, 3);
            let damaged = damaged.iter().rfind(|damaged| damaged.path.join(".") == path);
            let event = read_json(&damaged.expect("every event has the field").event);
            let field = if path == "data" { "data.object" } else { path };
            let Content::Failed(why) = event.content else { panic!("{}: {path}", vector.name) };
            let last = field.rsplit('.').next().expect("a name");
            assert!(why.contains(last), "{}, {path}: {why}", vector.name);
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
fn an_envelope_that_does_not_say_is_test_money_of_no_type() {
    let event = read_json(&json!({ "id": "evt_1" }));
    assert!(!event.livemode);
    assert_eq!((event.occurred_at, event.api_version.as_deref()), (None, None));
    assert_eq!(event.content, Content::Failed("type is missing".into()));
    assert!(read_json(&json!({ "id": "evt_1", "livemode": true })).livemode);
    assert_eq!(read_bytes(br#"{"id":""}"#), Err(Refusal::NotAnEvent));
}

#[test]
fn a_ping_is_ignored_and_any_other_thin_event_says_what_to_set() {
    for (event_type, ignored) in [
        ("v2.core.event_destination.ping", true),
        ("v1.payment_intent.succeeded", false),
        // Whatever a thin event calls itself, it carries no object.
        ("payment_intent.succeeded", false),
    ] {
        let thin = json!({
            "id": "evt_test_1",
            "object": "v2.core.event",
            "type": event_type,
            "created": "2026-10-05T12:00:00.123456789Z",
        });
        let event = read_json(&thin);
        let at = Timestamp::parse("2026-10-05T12:00:00.123Z").expect("an instant");
        assert_eq!(event.occurred_at, Some(at));
        match event.content {
            Content::Ignored(_) => assert!(ignored, "{event_type}"),
            Content::Failed(why) => assert!(!ignored && why.contains("snapshot"), "{event_type}"),
            other => panic!("{event_type}: {other:?}"),
        }
    }
}

/// The less final of the two counts, and never as money.
#[test]
fn a_status_that_contradicts_the_type_takes_no_money() {
    for (event_type, status, state, captured) in [
        ("payment_intent.succeeded", "succeeded", FactState::Succeeded, Some(70)),
        ("payment_intent.succeeded", "processing", FactState::Conflict, None),
        ("payment_intent.succeeded", "canceled", FactState::Conflict, None),
        ("payment_intent.canceled", "canceled", FactState::Canceled, None),
        ("payment_intent.canceled", "processing", FactState::Conflict, None),
        ("payment_intent.canceled", "succeeded", FactState::Conflict, None),
        ("payment_intent.processing", "succeeded", FactState::Processing, None),
        ("payment_intent.payment_failed", "succeeded", FactState::AttemptFailed, None),
        ("payment_intent.requires_action", "succeeded", FactState::RequiresAction, None),
    ] {
        let (_, fact) = payment(
            event_type,
            json!({
                "id": "pi_1",
                "status": status,
                "amount": 100,
                "amount_received": 70,
                "currency": "usd",
            }),
        );
        assert_eq!((fact.state, fact.captured), (state, captured), "{event_type}, {status}");
    }
}

#[test]
fn a_dispute_is_what_its_status_says() {
    for (status, state) in [
        ("warning_needs_response", FactState::DisputeInquiry),
        ("warning_under_review", FactState::DisputeInquiry),
        ("warning_closed", FactState::DisputeInquiryClosed),
        ("needs_response", FactState::DisputeOpen),
        ("under_review", FactState::DisputeOpen),
        ("won", FactState::DisputeWon),
        ("lost", FactState::DisputeLost),
        ("prevented", FactState::DisputePrevented),
        ("charge_refunded", FactState::DisputeClosed),
        ("something_new", FactState::DisputeOpen),
    ] {
        let dispute = json!({
            "id": "dp_1",
            "status": status,
            "amount": 100,
            "currency": "usd",
            "charge": "ch_1",
            "payment_intent": "pi_1",
            "reason": "fraudulent",
        });
        let (references, fact) = payment("charge.dispute.created", dispute);
        assert_eq!(fact.state, state, "{status}");
        assert_eq!(fact.parent_id.as_deref(), Some("ch_1"));
        assert_eq!(fact.reason.as_deref(), Some("fraudulent"));
        assert_eq!(
            references,
            [
                Reference::new(ReferenceKind::Dispute, "dp_1"),
                Reference::new(ReferenceKind::Charge, "ch_1"),
                Reference::new(ReferenceKind::PaymentIntent, "pi_1"),
            ]
        );
    }
}

#[test]
fn ids_may_be_expanded_and_an_order_id_a_number() {
    let (references, _) = payment(
        "payment_intent.succeeded",
        json!({
            "id": "pi_1",
            "amount_received": 100,
            "currency": "usd",
            "latest_charge": { "object": "charge", "id": "ch_1" },
            "invoice": { "id": "in_1" },
            "metadata": { "order_id": 6735 },
        }),
    );
    assert_eq!(
        references,
        [
            Reference::new(ReferenceKind::PaymentIntent, "pi_1"),
            Reference::new(ReferenceKind::Charge, "ch_1"),
            Reference::new(ReferenceKind::Invoice, "in_1"),
            Reference::new(ReferenceKind::OrderId, "6735"),
        ]
    );
}

/// Old versions list the charges, the oldest without naming the latest of them.
#[test]
fn a_payment_intent_names_each_of_its_charges_once() {
    for latest in [json!(null), json!("ch_2")] {
        let (references, _) = payment(
            "payment_intent.requires_action",
            json!({
                "id": "pi_1",
                "amount": 100,
                "currency": "usd",
                "latest_charge": latest,
                "charges": { "object": "list", "data": [{ "id": "ch_2" }, { "id": "ch_1" }] },
            }),
        );
        assert_eq!(
            references,
            [
                Reference::new(ReferenceKind::PaymentIntent, "pi_1"),
                Reference::new(ReferenceKind::Charge, "ch_2"),
                Reference::new(ReferenceKind::Charge, "ch_1"),
            ]
        );
    }
}

/// Before 2025-03-31.basil the links stood on the invoice itself.
#[test]
fn an_invoice_names_its_payment_and_subscription_in_old_and_new_versions() {
    let paid = |mut object: Value| {
        object["id"] = json!("in_1");
        object["amount_paid"] = json!(100);
        object["currency"] = json!("usd");
        payment("invoice.payment_succeeded", object).0
    };
    let old = paid(json!({ "payment_intent": "pi_1", "charge": "ch_1", "subscription": "sub_1" }));
    assert_eq!(
        old,
        [
            Reference::new(ReferenceKind::Invoice, "in_1"),
            Reference::new(ReferenceKind::PaymentIntent, "pi_1"),
            Reference::new(ReferenceKind::Charge, "ch_1"),
            Reference::new(ReferenceKind::Subscription, "sub_1"),
        ]
    );
    let new = paid(json!({ "parent": { "subscription_details": { "subscription": "sub_1" } } }));
    assert_eq!(
        new,
        [
            Reference::new(ReferenceKind::Invoice, "in_1"),
            Reference::new(ReferenceKind::Subscription, "sub_1"),
        ]
    );
}

#[test]
fn the_reason_is_the_most_exact_code_there_is() {
    for (error, reason) in [
        (json!({ "code": "card_declined", "decline_code": "lost_card" }), Some("lost_card")),
        (json!({ "code": "expired_card", "decline_code": null }), Some("expired_card")),
        (json!(null), None),
    ] {
        let (_, fact) = payment(
            "payment_intent.payment_failed",
            json!({ "id": "pi_1", "amount": 1, "currency": "usd", "last_payment_error": error }),
        );
        assert_eq!(fact.reason.as_deref(), reason);
    }
    let (_, fact) = payment(
        "payment_intent.canceled",
        json!({ "id": "pi_1", "amount": 1, "currency": "usd", "cancellation_reason": "abandoned" }),
    );
    assert_eq!(fact.reason.as_deref(), Some("abandoned"));
}

#[test]
fn an_amount_is_a_whole_number_that_is_not_negative() {
    for amount in [json!(-1), json!(1.5), json!("100"), json!(null)] {
        let asked = json!({ "id": "pi_1", "amount": amount, "currency": "usd" });
        match content("payment_intent.processing", asked) {
            Content::Failed(why) => assert!(why.contains("data.object.amount"), "{why}"),
            other => panic!("{amount}: {other:?}"),
        }
    }
}

/// Built by Stripe's API reference, "The Early Fraud Warning object" and "The Review object".
#[test]
fn a_warning_of_fraud_and_a_review_say_nothing_of_the_money() {
    let warning = json!({
        "id": "issfr_1", "object": "radar.early_fraud_warning", "actionable": true,
        "charge": "ch_1", "fraud_type": "made_with_stolen_card", "payment_intent": "pi_1",
    });
    let (references, fact) = payment("radar.early_fraud_warning.created", warning);
    assert_eq!(
        (fact.object, fact.state, fact.amount, fact.captured),
        (ReferenceKind::FraudWarning, FactState::FraudWarning, None, None)
    );
    assert_eq!(fact.reason.as_deref(), Some("made_with_stolen_card"));
    let ids: Vec<&str> = references.iter().map(|one| &*one.value).collect();
    assert_eq!(ids, ["issfr_1", "ch_1", "pi_1"]);

    let review = |open: bool| {
        json!({
            "id": "prv_1", "object": "review", "charge": "ch_1", "open": open, "reason": "rule",
            "payment_intent": "pi_1",
        })
    };
    assert_eq!(payment("review.opened", review(true)).1.state, FactState::ReviewOpened);
    assert_eq!(payment("review.closed", review(false)).1.state, FactState::ReviewClosed);
}

/// Whose the payment of this event is, where the shop's payments have `site=shop` in their metadata.
fn ownership(object: Value) -> Ownership {
    let event = json!({
        "id": "evt_1", "created": 1_767_225_600, "type": "charge.succeeded",
        "data": { "object": object },
    });
    let own_metadata = vec![("site".to_owned(), "shop".to_owned())];
    let rules = Rules { own_metadata, ..Rules::default() };
    let payload = event.to_string();
    let verified = Verified { payload: payload.as_bytes(), proof: Proof::StripeSecret(1) };
    read(&verified, &rules).expect("an event").ownership
}

#[test]
fn a_payment_is_the_shops_if_it_bears_its_mark() {
    let charge = |metadata: Value| {
        json!({
            "id": "ch_1", "amount": 100, "currency": "eur", "status": "succeeded",
            "captured": true, "metadata": metadata,
        })
    };
    assert_eq!(ownership(charge(json!({"site": "shop"}))), Ownership::Own);
    assert_eq!(ownership(charge(json!({"site": "other"}))), Ownership::Foreign);
    assert_eq!(ownership(charge(json!({"order_id": "1"}))), Ownership::Foreign);
    assert_eq!(ownership(charge(json!("shop"))), Ownership::Foreign);
    // An invoice of a subscription bears what the subscription does, in either place.
    let of_subscription = json!({"subscription_details": {"metadata": {"site": "shop"}}});
    let mut old = charge(json!({}));
    old["subscription_details"] = of_subscription["subscription_details"].clone();
    assert_eq!(ownership(old), Ownership::Own);
    let mut new = charge(json!({}));
    new["parent"] = of_subscription;
    assert_eq!(ownership(new), Ownership::Own);
    // Without a rule every payment may be the shop's.
    let event = read_json(&json!({"id": "evt_1", "created": 1, "type": "charge.succeeded",
        "data": {"object": charge(json!({"site": "other"}))}}));
    assert_eq!(event.ownership, Ownership::Unsaid);
}

#[test]
fn a_refund_without_the_mark_does_not_say_whose_it_is() {
    let said_by = |metadata: Value| {
        let refund = json!({
            "id": "re_1", "amount": 1, "currency": "eur", "charge": "ch_1", "metadata": metadata,
        });
        let event = json!({"id": "evt_1", "created": 1, "type": "refund.created",
            "data": {"object": refund}});
        let own_metadata = vec![("site".to_owned(), "shop".to_owned())];
        let rules = Rules { own_metadata, ..Rules::default() };
        let payload = event.to_string();
        let verified = Verified { payload: payload.as_bytes(), proof: Proof::StripeSecret(1) };
        read(&verified, &rules).expect("an event").ownership
    };
    assert_eq!(said_by(json!({})), Ownership::Unsaid);
    assert_eq!(said_by(json!({"site": "shop"})), Ownership::Own);
    assert_eq!(said_by(json!({"site": "other"})), Ownership::Foreign);
}
