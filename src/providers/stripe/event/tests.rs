mod references;

use serde_json::{Value, json};

use super::super::super::tests::said::{self, failure, ids, outcome, with};
use super::*;
use crate::domain::fact::Fact;
use crate::domain::reference::{Reference, ReferenceKind};

fn read_json(event: &Value) -> Event {
    said::read_json(Provider::Stripe, event)
}

/// An event of `event_type` about `object`, read by `rules`.
fn read_by(rules: &Rules, event_type: &str, account: Option<&str>, object: &Value) -> Event {
    let event = json!({
        "id": "evt_1", "object": "event", "created": 1_767_225_600, "livemode": false,
        "type": event_type, "account": account, "data": { "object": object },
    });
    said::read(Provider::Stripe, event.to_string().as_bytes(), rules).expect("an event")
}

fn content(event_type: &str, object: &Value) -> Content {
    read_by(&Rules::default(), event_type, None, object).content
}

fn payment(event_type: &str, object: &Value) -> (Vec<Reference>, Fact) {
    said::payment(content(event_type, object))
}

#[test]
fn an_envelope_that_does_not_say_is_test_money_of_no_type() {
    let event = read_json(&json!({ "id": "evt_1" }));
    assert!(!event.livemode);
    assert_eq!((event.occurred_at, event.api_version.as_deref()), (None, None));
    assert_eq!(event.content, Content::Failed("type is missing".into()));
    assert!(read_json(&json!({ "id": "evt_1", "livemode": true })).livemode);
    let nameless = said::read(Provider::Stripe, br#"{"id":""}"#, &Rules::default());
    assert_eq!(nameless, Err(Refusal::NotAnEvent));
}

#[test]
fn a_ping_is_ignored_and_any_other_thin_event_says_what_to_set() {
    for (event_type, ignored) in [
        ("v2.core.event_destination.ping", true),
        ("v1.payment_intent.succeeded", false),
        ("v1.customer.updated", true),
        ("v2.core.account.updated", true),
        // Whatever a thin event calls itself, it carries no object.
        ("payment_intent.succeeded", false),
    ] {
        let event = read_json(&json!({
            "id": "evt_test_1", "object": "v2.core.event", "type": event_type,
            "created": "2026-10-05T12:00:00.123456789Z",
        }));
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
    for (event_type, status, said) in [
        ("payment_intent.succeeded", "succeeded", "succeeded, took 70"),
        ("payment_intent.succeeded", "processing", "conflict"),
        ("payment_intent.succeeded", "canceled", "conflict"),
        ("payment_intent.canceled", "canceled", "canceled, took 70"),
        ("payment_intent.canceled", "processing", "conflict"),
        ("payment_intent.canceled", "succeeded", "conflict"),
        ("payment_intent.processing", "succeeded", "processing, took 70"),
        ("payment_intent.payment_failed", "succeeded", "attempt_failed, took 70"),
        ("payment_intent.requires_action", "succeeded", "requires_action, took 70"),
        ("payment_intent.amount_capturable_updated", "requires_capture", "authorized, took 70"),
    ] {
        let intent = json!({
            "id": "pi_1", "status": status, "amount": 100, "amount_received": 70,
            "amount_capturable": 30, "currency": "usd",
        });
        let (_, fact) = payment(event_type, &intent);
        assert_eq!(outcome(&fact), said, "{event_type}, {status}");
    }
}

#[test]
fn a_dispute_is_what_its_status_says() {
    for (status, said) in [
        ("warning_needs_response", "dispute_inquiry"),
        ("warning_under_review", "dispute_inquiry"),
        ("warning_closed", "dispute_inquiry_closed"),
        ("needs_response", "dispute_open"),
        ("under_review", "dispute_open"),
        ("won", "dispute_won"),
        ("lost", "dispute_lost"),
        ("prevented", "dispute_prevented"),
        ("charge_refunded", "dispute_closed"),
        ("something_new", "dispute_open"),
        ("warning_something_new", "dispute_inquiry"),
    ] {
        let dispute = json!({
            "id": "dp_1", "status": status, "amount": 100, "currency": "usd", "charge": "ch_1",
            "payment_intent": "pi_1", "reason": "fraudulent",
        });
        let (references, fact) = payment("charge.dispute.created", &dispute);
        assert_eq!(outcome(&fact), said, "{status}");
        assert_eq!(fact.parent_id.as_deref(), Some("ch_1"));
        assert_eq!(fact.payment_id.as_deref(), Some("pi_1"));
        assert_eq!(fact.reason.as_deref(), Some("fraudulent"));
        assert_eq!(ids(&references), "dispute dp_1, charge ch_1, payment_intent pi_1");
    }
}

#[test]
fn a_dispute_without_a_known_status_is_at_most_what_its_type_says() {
    for (event_type, status, said) in [
        ("charge.dispute.created", json!(null), "dispute_open"),
        ("charge.dispute.updated", json!("something_new"), "dispute_open"),
        ("charge.dispute.funds_withdrawn", json!(null), "dispute_open"),
        ("charge.dispute.funds_reinstated", json!(null), "dispute_open"),
        ("charge.dispute.closed", json!(null), "dispute_closed"),
        ("charge.dispute.closed", json!("something_new"), "dispute_closed"),
        ("charge.dispute.closed", json!("lost"), "dispute_lost"),
    ] {
        let dispute = json!({
            "id": "dp_1", "status": status, "amount": 100, "currency": "usd", "charge": "ch_1",
        });
        assert_eq!(outcome(&payment(event_type, &dispute).1), said, "{event_type}, {status}");
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
        let (_, fact) = payment(event_type, &dispute);
        assert_eq!(fact.refunded, gone, "{event_type}, {status}, {movements}");
        assert_eq!(fact.parent_id.as_deref(), Some("pi_1"));
    }
}

#[test]
fn a_charge_says_what_was_authorised_taken_and_given_back_as_it_stands() {
    // How much was captured and how much is back, where it says so.
    let charge = |captured: Option<i64>, refunded: Option<i64>| json!({ "captured": true, "amount_captured": captured, "amount_refunded": refunded });
    let status = |status: Value| json!({ "captured": true, "status": status });
    for (event_type, fields, said) in [
        ("charge.succeeded", json!({ "captured": false }), "authorized"),
        ("charge.succeeded", json!({ "captured": null }), "authorized"),
        ("charge.succeeded", json!({ "captured": true }), "succeeded, took 100"),
        ("charge.updated", charge(Some(70), Some(0)), "succeeded, took 70, gave back 0"),
        // With or without the release of the rest: the object does not tell.
        ("charge.captured", charge(Some(60), Some(40)), "succeeded, took 60, gave back 40"),
        ("charge.refunded", charge(Some(70), Some(20)), "refund_snapshot, took 70, gave back 20"),
        (
            "charge.refunded",
            json!({ "amount_captured": 70, "amount_refunded": 20 }),
            "refund_snapshot, took 70, gave back 20",
        ),
        ("charge.refunded", json!({ "captured": false, "amount_refunded": 100 }), "canceled"),
        ("charge.refunded", charge(Some(0), Some(100)), "canceled"),
        ("charge.refunded", json!({ "amount_refunded": 100 }), "conflict"),
        ("charge.expired", json!({ "captured": false }), "canceled"),
        // The rest of a hold of which a part was captured.
        ("charge.expired", charge(Some(70), None), "succeeded, took 70"),
        // A debit that is under way calls itself captured.
        ("charge.pending", status(json!("pending")), "processing"),
        ("charge.updated", status(json!(null)), "conflict"),
        ("charge.updated", status(json!("new")), "conflict"),
        ("charge.failed", json!({ "captured": false, "status": "failed" }), "attempt_failed"),
    ] {
        let charge = json!({
            "id": "ch_1", "amount": 100, "currency": "usd", "payment_intent": "pi_1",
            "status": "succeeded", "refunded": false,
        });
        let (_, fact) = payment(event_type, &with(charge, &fields));
        assert_eq!(outcome(&fact), said, "{event_type}, {fields}");
        assert_eq!(fact.amount.map(|amount| amount.minor), Some(100), "{event_type}, {fields}");
        let all_is_back = fact.captured.map(|_| false);
        assert_eq!(fact.refunded_all, all_is_back, "{event_type}, {fields}");
        assert_eq!(fact.parent_id.as_deref(), Some("pi_1"));
    }
}

#[test]
fn a_refund_names_what_it_hangs_under_and_is_pending_unless_it_says_more() {
    let lapsed = json!({ "status": "succeeded", "reason": "expired_uncaptured_charge" });
    for (event_type, fields, said) in [
        ("refund.created", json!({}), "refund_pending"),
        ("refund.updated", json!({ "status": "something_new" }), "refund_pending"),
        ("refund.updated", json!({ "status": "requires_action" }), "refund_pending"),
        ("refund.failed", json!({}), "refund_failed"),
        ("refund.failed", json!({ "status": "succeeded" }), "refund_succeeded"),
        ("refund.created", lapsed, "conflict"),
    ] {
        let refund =
            json!({ "id": "re_1", "amount": 100, "currency": "usd", "payment_intent": "pi_1" });
        let refund = with(refund, &fields);
        let (_, fact) = payment(event_type, &refund);
        assert_eq!(outcome(&fact), said, "{event_type}, {fields}");
        assert_eq!(fact.parent_id.as_deref(), Some("pi_1"));
        let (_, fact) = payment(event_type, &with(refund, &json!({ "charge": { "id": "ch_1" } })));
        assert_eq!(fact.parent_id.as_deref(), Some("ch_1"));
        assert_eq!(fact.payment_id.as_deref(), Some("pi_1"));
    }
}

#[test]
fn an_invoice_says_what_was_paid_of_it_whatever_its_type() {
    for (event_type, status, paid, said) in [
        ("invoice.paid", Some("paid"), 100, "invoice_paid, took 100"),
        ("invoice.paid", None, 100, "invoice_paid, took 100"),
        ("invoice.paid", Some("open"), 100, "conflict"),
        ("invoice.payment_failed", Some("open"), 0, "invoice_attempt_failed"),
        ("invoice.payment_failed", Some("open"), 40, "invoice_attempt_failed, took 40"),
        ("invoice.voided", Some("void"), 0, "canceled"),
        ("invoice.voided", Some("open"), 0, "conflict"),
        (UNCOLLECTIBLE, Some("uncollectible"), 40, "invoice_attempt_failed, took 40"),
    ] {
        let invoice = json!({
            "id": "in_1", "status": status, "amount_due": 100, "amount_paid": paid,
            "currency": "usd", "charge": "ch_1",
        });
        let (_, fact) = payment(event_type, &invoice);
        assert_eq!(outcome(&fact), said, "{event_type}, {status:?}");
        assert_eq!(fact.payment_id.as_deref(), Some("ch_1"));
        let reason = (event_type == UNCOLLECTIBLE).then_some("uncollectible");
        assert_eq!(fact.reason.as_deref(), reason);
    }
}

const UNCOLLECTIBLE: &str = "invoice.marked_uncollectible";

#[test]
fn an_invoice_payment_takes_money_only_where_it_is_paid() {
    for (status, said) in [
        (json!("paid"), "invoice_payment_paid, took 60"),
        (json!(null), "invoice_payment_paid, took 60"),
        (json!("open"), "created"),
        (json!("canceled"), "created"),
        (json!("something_new"), "created"),
    ] {
        for (payment_id, kind, by) in [
            (
                Some("pi_1"),
                ", payment_intent pi_1",
                json!({ "type": "payment_intent", "payment_intent": { "id": "pi_1" } }),
            ),
            (Some("ch_1"), ", charge ch_1", json!({ "type": "charge", "charge": "ch_1" })),
            (None, "", json!({ "type": "payment_record", "payment_record": "pr_1" })),
        ] {
            let object = json!({
                "id": "inpay_1", "status": status, "amount_paid": 60, "amount_requested": 60,
                "currency": "usd", "invoice": { "id": "in_1" }, "payment": by,
            });
            let (references, fact) = payment("invoice_payment.paid", &object);
            assert_eq!(outcome(&fact), said, "{status}");
            assert_eq!(fact.parent_id.as_deref(), Some("in_1"));
            assert_eq!(fact.payment_id.as_deref(), payment_id);
            assert_eq!(ids(&references), format!("invoice_payment inpay_1, invoice in_1{kind}"));
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
    let content = content("invoice.paid", &invoice);
    let first: Vec<&str> = content.parts().iter().map(|part| &*part.references[0].value).collect();
    assert_eq!(first, ["in_1", "inpay_1", "inpay_2"]);
    assert_eq!(content.parts()[0].references.len(), 1, "no payment's id is the invoice's");
    let taken: Vec<Option<i64>> = content.facts().map(|fact| fact.captured).collect();
    assert_eq!(taken, [Some(100), Some(60), None]);
}

/// Built by Stripe's API reference, "The Cash Balance Transaction object".
#[test]
fn a_buyers_money_that_lies_at_stripe_moves_no_payments_money() {
    let cash = |kind: &str, net_amount: i64, of: Value| {
        let mut cash = json!({ "id": "ccsbtxn_1", "currency": "eur", "type": kind });
        cash["net_amount"] = json!(net_amount);
        cash[kind] = of;
        cash
    };
    let intent = || json!({ "payment_intent": "pi_1" });
    for (object, said, named) in [
        (cash("funded", 5000, json!(null)), "cash_funded", ""),
        (cash("applied_to_payment", -5000, intent()), "cash_applied", ", payment_intent pi_1"),
        (cash("unapplied_from_payment", 5000, intent()), "cash_funded", ", payment_intent pi_1"),
        (
            cash("refunded_from_payment", 5000, json!({ "refund": "re_1" })),
            "cash_funded",
            ", refund re_1",
        ),
    ] {
        let (references, fact) = payment("customer_cash_balance_transaction.created", &object);
        assert_eq!((fact.object, &*outcome(&fact)), (ReferenceKind::CashBalance, said), "{object}");
        assert_eq!(fact.amount.map(|amount| amount.minor), Some(5000));
        let named = format!("cash_balance_transaction ccsbtxn_1{named}");
        assert_eq!(ids(&references), named, "{object}");
    }
    let overdraft = json!({ "id": "ccsbtxn_1", "type": "adjusted_for_overdraft", "net_amount": 1 });
    let content = content("customer_cash_balance_transaction.created", &overdraft);
    assert!(matches!(content, Content::Ignored(_)));
}

#[test]
fn the_reason_is_the_most_exact_code_there_is() {
    let reason = |event_type: &str, fields: Value| {
        let intent = json!({ "id": "pi_1", "amount": 1, "currency": "usd" });
        payment(event_type, &with(intent, &fields)).1.reason
    };
    for (error, code) in [
        (json!({ "code": "card_declined", "decline_code": "lost_card" }), Some("lost_card")),
        (json!({ "code": "expired_card", "decline_code": null }), Some("expired_card")),
        (json!(null), None),
    ] {
        let error = json!({ "last_payment_error": error });
        assert_eq!(reason("payment_intent.payment_failed", error).as_deref(), code);
    }
    let canceled = json!({ "cancellation_reason": "abandoned" });
    assert_eq!(reason("payment_intent.canceled", canceled).as_deref(), Some("abandoned"));
}

#[test]
fn an_amount_is_a_whole_number_that_is_not_negative() {
    for amount in [json!(-1), json!(1.5), json!("100"), json!(null)] {
        let asked = json!({ "id": "pi_1", "amount": amount, "currency": "usd" });
        let why = failure(content("payment_intent.processing", &asked));
        assert!(why.contains("data.object.amount"), "{why}");
    }
}

/// Built by Stripe's API reference, "The Early Fraud Warning object" and "The Review object".
#[test]
fn a_warning_of_fraud_and_a_review_say_nothing_of_the_money() {
    let warning = json!({
        "id": "issfr_1", "object": "radar.early_fraud_warning", "actionable": true,
        "charge": "ch_1", "fraud_type": "made_with_stolen_card", "payment_intent": "pi_1",
    });
    let (references, fact) = payment("radar.early_fraud_warning.created", &warning);
    assert_eq!(fact.object, ReferenceKind::FraudWarning);
    assert_eq!((&*outcome(&fact), fact.amount), ("fraud_warning", None));
    assert_eq!(fact.reason.as_deref(), Some("made_with_stolen_card"));
    let named = "early_fraud_warning issfr_1, charge ch_1, payment_intent pi_1";
    assert_eq!(ids(&references), named);

    for (event_type, open) in [("review.opened", true), ("review.closed", false)] {
        let review = json!({
            "id": "prv_1", "object": "review", "charge": "ch_1", "open": open, "reason": "rule",
            "payment_intent": "pi_1",
        });
        let (_, fact) = payment(event_type, &review);
        assert_eq!(outcome(&fact), event_type.replace('.', "_"));
    }
}
