use serde_json::{Value, json};

use super::super::super::rules::OrderIdSource;
use super::super::super::{Proof, vectors};
use super::*;
use crate::domain::event::Part;
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::{Reference, ReferenceKind};

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

/// Of a type and a status that contradict each other the less final counts; only what is said to have
/// been received already is money.
#[test]
fn a_payment_intent_has_taken_what_it_says_whatever_its_type() {
    for (event_type, status, state, captured) in [
        ("payment_intent.succeeded", "succeeded", FactState::Succeeded, Some(70)),
        ("payment_intent.succeeded", "processing", FactState::Conflict, None),
        ("payment_intent.succeeded", "canceled", FactState::Conflict, None),
        ("payment_intent.canceled", "canceled", FactState::Canceled, Some(70)),
        ("payment_intent.canceled", "processing", FactState::Conflict, None),
        ("payment_intent.canceled", "succeeded", FactState::Conflict, None),
        ("payment_intent.processing", "succeeded", FactState::Processing, Some(70)),
        ("payment_intent.payment_failed", "succeeded", FactState::AttemptFailed, Some(70)),
        ("payment_intent.requires_action", "succeeded", FactState::RequiresAction, Some(70)),
        (
            "payment_intent.amount_capturable_updated",
            "requires_capture",
            FactState::Authorized,
            Some(70),
        ),
    ] {
        let (_, fact) = payment(
            event_type,
            json!({
                "id": "pi_1",
                "status": status,
                "amount": 100,
                "amount_received": 70,
                "amount_capturable": 30,
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
        ("warning_something_new", FactState::DisputeInquiry),
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
        assert_eq!(fact.payment_id.as_deref(), Some("pi_1"));
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
fn a_dispute_without_a_known_status_is_at_most_what_its_type_says() {
    for (event_type, status, state) in [
        ("charge.dispute.created", json!(null), FactState::DisputeOpen),
        ("charge.dispute.updated", json!("something_new"), FactState::DisputeOpen),
        ("charge.dispute.funds_withdrawn", json!(null), FactState::DisputeOpen),
        ("charge.dispute.funds_reinstated", json!(null), FactState::DisputeOpen),
        ("charge.dispute.closed", json!(null), FactState::DisputeClosed),
        ("charge.dispute.closed", json!("something_new"), FactState::DisputeClosed),
        ("charge.dispute.closed", json!("lost"), FactState::DisputeLost),
    ] {
        let dispute = json!({
            "id": "dp_1", "status": status, "amount": 100, "currency": "usd", "charge": "ch_1",
        });
        let (_, fact) = payment(event_type, dispute);
        assert_eq!((fact.state, fact.refunded), (state, None), "{event_type}, {status}");
    }
}

#[test]
fn a_dispute_prevented_by_refunding_the_buyer_is_money_gone() {
    let moved = |amounts: &[(i64, &str)]| {
        let each = amounts.iter().map(|(amount, currency)| {
            json!({ "id": "txn_1", "amount": amount, "currency": currency, "fee": 1500 })
        });
        Value::Array(each.collect())
    };
    for (event_type, status, movements, gone) in [
        ("charge.dispute.closed", "prevented", moved(&[(-100, "usd")]), Some(100)),
        ("charge.dispute.closed", "prevented", moved(&[(-100, "usd"), (40, "usd")]), Some(60)),
        ("charge.dispute.closed", "prevented", moved(&[(-100, "usd"), (100, "usd")]), None),
        // The balance is in another currency: the dispute's amount is what went.
        ("charge.dispute.closed", "prevented", moved(&[(-91, "eur")]), Some(100)),
        ("charge.dispute.closed", "prevented", moved(&[]), None),
        ("charge.dispute.funds_withdrawn", "prevented", moved(&[]), Some(100)),
        ("charge.dispute.funds_withdrawn", "needs_response", moved(&[(-100, "usd")]), None),
        ("charge.dispute.closed", "lost", moved(&[(-100, "usd")]), None),
    ] {
        let dispute = json!({
            "id": "dp_1", "status": status, "amount": 100, "currency": "usd",
            "payment_intent": "pi_1", "balance_transactions": movements,
        });
        let (_, fact) = payment(event_type, dispute);
        assert_eq!(fact.refunded, gone, "{event_type}, {status}, {movements}");
        assert_eq!(fact.parent_id.as_deref(), Some("pi_1"));
    }
}

#[test]
fn a_charge_says_what_was_authorised_taken_and_given_back_as_it_stands() {
    use FactState::{AttemptFailed, Authorized, Canceled, Conflict, Processing, RefundSnapshot};
    let succeeded = FactState::Succeeded;
    for (event_type, said, state, captured, refunded) in [
        ("charge.succeeded", json!({ "captured": false }), Authorized, None, None),
        ("charge.succeeded", json!({ "captured": null }), Authorized, None, None),
        ("charge.succeeded", json!({ "captured": true }), succeeded, Some(100), None),
        (
            "charge.updated",
            json!({ "captured": true, "amount_captured": 70, "amount_refunded": 0 }),
            succeeded,
            Some(70),
            Some(0),
        ),
        // With or without the release of the rest: the object does not tell.
        (
            "charge.captured",
            json!({ "captured": true, "amount_captured": 60, "amount_refunded": 40 }),
            succeeded,
            Some(60),
            Some(40),
        ),
        (
            "charge.refunded",
            json!({ "captured": true, "amount_captured": 70, "amount_refunded": 20 }),
            RefundSnapshot,
            Some(70),
            Some(20),
        ),
        (
            "charge.refunded",
            json!({ "amount_captured": 70, "amount_refunded": 20 }),
            RefundSnapshot,
            Some(70),
            Some(20),
        ),
        (
            "charge.refunded",
            json!({ "captured": false, "amount_refunded": 100 }),
            Canceled,
            None,
            None,
        ),
        (
            "charge.refunded",
            json!({ "captured": true, "amount_captured": 0, "amount_refunded": 100 }),
            Canceled,
            None,
            None,
        ),
        ("charge.refunded", json!({ "amount_refunded": 100 }), Conflict, None, None),
        ("charge.expired", json!({ "captured": false }), Canceled, None, None),
        // The rest of a hold of which a part was captured.
        (
            "charge.expired",
            json!({ "captured": true, "amount_captured": 70 }),
            succeeded,
            Some(70),
            None,
        ),
        // A debit that is under way calls itself captured.
        (
            "charge.pending",
            json!({ "captured": true, "status": "pending" }),
            Processing,
            None,
            None,
        ),
        ("charge.updated", json!({ "captured": true, "status": null }), Conflict, None, None),
        ("charge.updated", json!({ "captured": true, "status": "new" }), Conflict, None, None),
        (
            "charge.failed",
            json!({ "captured": false, "status": "failed" }),
            AttemptFailed,
            None,
            None,
        ),
    ] {
        let mut charge = json!({
            "id": "ch_1", "amount": 100, "currency": "usd", "payment_intent": "pi_1",
            "status": "succeeded", "refunded": false,
        });
        for (name, value) in said.as_object().expect("fields") {
            charge[name] = value.clone();
        }
        let (_, fact) = payment(event_type, charge);
        let read = (fact.state, fact.captured, fact.refunded);
        assert_eq!(read, (state, captured, refunded), "{event_type}, {said}");
        assert_eq!(fact.amount.map(|amount| amount.minor), Some(100), "{event_type}, {said}");
        assert_eq!(fact.refunded_all, captured.map(|_| false), "{event_type}, {said}");
        assert_eq!(fact.parent_id.as_deref(), Some("pi_1"));
    }
}

#[test]
fn a_refund_names_what_it_hangs_under_and_is_pending_unless_it_says_more() {
    for (event_type, said, state) in [
        ("refund.created", json!({}), FactState::RefundPending),
        ("refund.updated", json!({ "status": "something_new" }), FactState::RefundPending),
        ("refund.updated", json!({ "status": "requires_action" }), FactState::RefundPending),
        ("refund.failed", json!({}), FactState::RefundFailed),
        ("refund.failed", json!({ "status": "succeeded" }), FactState::RefundSucceeded),
        (
            "refund.created",
            json!({ "status": "succeeded", "reason": "expired_uncaptured_charge" }),
            FactState::Conflict,
        ),
    ] {
        let mut refund = said.clone();
        refund["id"] = json!("re_1");
        refund["amount"] = json!(100);
        refund["currency"] = json!("usd");
        refund["payment_intent"] = json!("pi_1");
        let (_, fact) = payment(event_type, refund.clone());
        assert_eq!(fact.state, state, "{event_type}, {said}");
        assert_eq!(fact.parent_id.as_deref(), Some("pi_1"));
        refund["charge"] = json!({ "id": "ch_1" });
        let (_, fact) = payment(event_type, refund);
        assert_eq!(fact.parent_id.as_deref(), Some("ch_1"));
        assert_eq!(fact.payment_id.as_deref(), Some("pi_1"));
    }
}

#[test]
fn an_invoice_says_what_was_paid_of_it_whatever_its_type() {
    use FactState::{Canceled, Conflict, InvoiceAttemptFailed, InvoicePaid};
    for (event_type, status, paid, state, captured) in [
        ("invoice.paid", Some("paid"), 100, InvoicePaid, Some(100)),
        ("invoice.paid", None, 100, InvoicePaid, Some(100)),
        ("invoice.paid", Some("open"), 100, Conflict, None),
        ("invoice.payment_failed", Some("open"), 0, InvoiceAttemptFailed, None),
        ("invoice.payment_failed", Some("open"), 40, InvoiceAttemptFailed, Some(40)),
        ("invoice.voided", Some("void"), 0, Canceled, None),
        ("invoice.voided", Some("open"), 0, Conflict, None),
        ("invoice.marked_uncollectible", Some("uncollectible"), 40, InvoiceAttemptFailed, Some(40)),
    ] {
        let invoice = json!({
            "id": "in_1", "status": status, "amount_due": 100, "amount_paid": paid,
            "currency": "usd", "charge": "ch_1",
        });
        let (_, fact) = payment(event_type, invoice);
        assert_eq!((fact.state, fact.captured), (state, captured), "{event_type}, {status:?}");
        assert_eq!(fact.payment_id.as_deref(), Some("ch_1"));
        let reason = (event_type == "invoice.marked_uncollectible").then_some("uncollectible");
        assert_eq!(fact.reason.as_deref(), reason);
    }
}

#[test]
fn an_invoice_payment_takes_money_only_where_it_is_paid() {
    for (status, state, captured) in [
        (json!("paid"), FactState::InvoicePaymentPaid, Some(60)),
        (json!(null), FactState::InvoicePaymentPaid, Some(60)),
        (json!("open"), FactState::Created, None),
        (json!("canceled"), FactState::Created, None),
        (json!("something_new"), FactState::Created, None),
    ] {
        for (payment_id, with) in [
            (Some("pi_1"), json!({ "type": "payment_intent", "payment_intent": { "id": "pi_1" } })),
            (Some("ch_1"), json!({ "type": "charge", "charge": "ch_1" })),
            (None, json!({ "type": "payment_record", "payment_record": "pr_1" })),
        ] {
            let object = json!({
                "id": "inpay_1", "status": status, "amount_paid": 60, "amount_requested": 60,
                "currency": "usd", "invoice": { "id": "in_1" }, "payment": with,
            });
            let (references, fact) = payment("invoice_payment.paid", object);
            assert_eq!((fact.state, fact.captured), (state, captured), "{status}");
            assert_eq!(fact.parent_id.as_deref(), Some("in_1"));
            assert_eq!(fact.payment_id.as_deref(), payment_id);
            let ids: Vec<&str> = references.iter().map(|one| &*one.value).collect();
            let known = ["inpay_1", "in_1"].into_iter().chain(payment_id);
            assert_eq!(ids, known.collect::<Vec<_>>());
        }
    }
}

#[test]
fn an_invoice_with_its_payments_speaks_of_each_beside_itself() {
    let invoice = json!({
        "id": "in_1", "status": "paid", "amount_due": 100, "amount_paid": 100, "currency": "usd",
        "payments": { "object": "list", "data": [
            { "id": "inpay_1", "invoice": "in_1", "status": "paid", "amount_paid": 60,
              "currency": "usd", "payment": { "payment_intent": "pi_1" } },
            { "id": "inpay_2", "invoice": "in_1", "status": "open", "amount_paid": null,
              "currency": "usd", "payment": { "payment_intent": "pi_2" } },
        ] },
    });
    let content = content("invoice.paid", invoice);
    let first: Vec<&str> = content.parts().iter().map(|part| &*part.references[0].value).collect();
    assert_eq!(first, ["in_1", "inpay_1", "inpay_2"]);
    assert_eq!(content.parts()[0].references.len(), 1, "no payment's id is the invoice's");
    let taken: Vec<Option<i64>> = content.facts().map(|fact| fact.captured).collect();
    assert_eq!(taken, [Some(100), Some(60), None]);
}

#[test]
fn a_session_names_its_payment_its_forerunner_and_the_shops_own_money() {
    let session = json!({
        "id": "cs_2", "amount_total": 5423, "currency": "usd", "payment_status": "paid",
        "payment_intent": "pi_1", "recovered_from": "cs_1", "client_reference_id": "57",
        "currency_conversion": { "amount_total": 4999, "source_currency": "eur" },
    });
    let (references, fact) = payment("checkout.session.completed", session.clone());
    assert_eq!(
        references,
        [
            Reference::new(ReferenceKind::CheckoutSession, "cs_2"),
            Reference::new(ReferenceKind::CheckoutSession, "cs_1"),
            Reference::new(ReferenceKind::PaymentIntent, "pi_1"),
            Reference::new(ReferenceKind::ClientReference, "57"),
        ]
    );
    assert_eq!(fact.payment_id.as_deref(), Some("pi_1"));
    let shop_money = fact.shop_money.expect("a conversion");
    assert_eq!((shop_money.minor, shop_money.currency.as_str()), (4999, "EUR"));
    for status in [json!(null), json!("unpaid"), json!("something_new")] {
        let mut session = session.clone();
        session["payment_status"] = status;
        let (_, fact) = payment("checkout.session.completed", session);
        assert_eq!((fact.state, fact.captured), (FactState::Processing, None));
    }
}

#[test]
fn only_the_fields_that_the_shop_names_hold_its_order_id() {
    use OrderIdSource::{ClientReferenceId, CustomId, Metadata};
    let session = json!({
        "id": "cs_1", "amount_total": 1, "currency": "usd", "client_reference_id": "57",
        "metadata": { "order_id": "1001" },
    });
    for (order_id_from, expected) in [
        (vec![Metadata, ClientReferenceId], vec!["57", "1001"]),
        (vec![Metadata], vec!["1001"]),
        (vec![ClientReferenceId], vec!["57"]),
        (vec![CustomId], vec![]),
    ] {
        let rules = Rules { order_id_from, ..Rules::default() };
        let event = read_by(&rules, "checkout.session.completed", None, &session);
        let references = event.content.parts()[0].references[1..].iter();
        let ids: Vec<&str> = references.map(|one| &*one.value).collect();
        assert_eq!(ids, expected);
    }
}

fn read_by(rules: &Rules, event_type: &str, account: Option<&str>, object: &Value) -> Event {
    let event = json!({
        "id": "evt_1", "created": 1_767_225_600, "type": event_type, "account": account,
        "data": { "object": object },
    });
    let payload = event.to_string();
    let verified = Verified { payload: payload.as_bytes(), proof: Proof::StripeSecret(1) };
    read(&verified, rules).expect("an event")
}

#[test]
fn another_accounts_payment_is_anothers_unless_the_shop_names_the_account() {
    let intent = json!({
        "id": "pi_1", "amount": 1, "amount_received": 1, "currency": "usd", "status": "succeeded",
        "metadata": { "site": "shop" },
    });
    let rules = Rules {
        own_metadata: vec![("site".to_owned(), "shop".to_owned())],
        own_accounts: vec!["acct_1".to_owned()],
        ..Rules::default()
    };
    for (account, ownership) in [
        (None, Ownership::Own),
        (Some("acct_1"), Ownership::Own),
        (Some("acct_2"), Ownership::Foreign),
    ] {
        let event = read_by(&rules, "payment_intent.succeeded", account, &intent);
        // An account of the shop's own is where its other payments are.
        let apart = account.filter(|_| ownership == Ownership::Foreign);
        assert_eq!((event.ownership, event.account.as_deref()), (ownership, apart));
    }
}

/// Built by Stripe's API reference, "The Cash Balance Transaction object".
#[test]
fn a_buyers_money_that_lies_at_stripe_moves_no_payments_money() {
    for (said, state, ids) in [
        (json!({ "type": "funded", "net_amount": 5000 }), FactState::CashFunded, vec![]),
        (
            json!({ "type": "applied_to_payment", "net_amount": -5000,
                "applied_to_payment": { "payment_intent": "pi_1" } }),
            FactState::CashApplied,
            vec!["pi_1"],
        ),
        (
            json!({ "type": "unapplied_from_payment", "net_amount": 5000,
                "unapplied_from_payment": { "payment_intent": "pi_1" } }),
            FactState::CashFunded,
            vec!["pi_1"],
        ),
        (
            json!({ "type": "refunded_from_payment", "net_amount": 5000,
                "refunded_from_payment": { "refund": "re_1" } }),
            FactState::CashFunded,
            vec!["re_1"],
        ),
    ] {
        let mut object = said.clone();
        object["id"] = json!("ccsbtxn_1");
        object["currency"] = json!("eur");
        let (references, fact) = payment("customer_cash_balance_transaction.created", object);
        assert_eq!((fact.object, fact.state), (ReferenceKind::CashBalance, state), "{said}");
        assert_eq!((fact.amount.map(|amount| amount.minor), fact.captured), (Some(5000), None));
        let known: Vec<&str> = references[1..].iter().map(|one| &*one.value).collect();
        assert_eq!(known, ids, "{said}");
    }
    let overdraft = json!({ "id": "ccsbtxn_1", "type": "adjusted_for_overdraft", "net_amount": 1 });
    let content = content("customer_cash_balance_transaction.created", overdraft);
    assert!(matches!(content, Content::Ignored(_)));
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
