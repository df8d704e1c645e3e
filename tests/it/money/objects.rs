//! What the providers' APIs say of an object, where events do not suffice.

use payhookd::domain::event::Source;
use serde_json::{Value, json};

use crate::support::certificates::Certificates;
use crate::support::daemon::{Options, wait_until};
use crate::support::fake::Reply;
use crate::support::paypal_api::PaypalApi;
use crate::support::provider::{StripeSample, stripe_event};
use crate::support::stripe_api::StripeApi;
use crate::telling::issues::said;

/// Long after anything that the system's clock says.
const LATER: &str = "2090-01-01T00:00:00Z";

/// Webhooks, and an API that is asked again at once.
fn options(api: &StripeApi) -> Options {
    api.options(Options::stripe())
}

fn often(options: Options) -> Options {
    options
        .variable("PAYHOOKD_RECONCILE_EVERY", "1h")
        .arg("--unsafe-test-reconcile-every")
        .arg("50")
        .arg("--unsafe-test-api-pause")
        .arg("1")
}

fn add(options: &Options, provider: &str, reference: &str) {
    options.done(&[
        "transactions",
        "add",
        "--provider",
        provider,
        "--reference",
        reference,
        "--amount",
        "4999",
        "--currency",
        "EUR",
    ]);
}

fn intent(id: &str, status: &str) -> Value {
    let charge = format!("ch{}", id.trim_start_matches("pi"));
    let taken = status == "succeeded";
    json!({
        "id": id, "object": "payment_intent", "status": status, "amount": 4999,
        "amount_received": if taken { 4999 } else { 0 }, "currency": "eur", "livemode": true,
        "metadata": {},
        "latest_charge": taken.then(|| json!({
            "id": charge, "object": "charge", "status": "succeeded", "captured": true,
            "amount": 4999, "amount_captured": 4999, "amount_refunded": 0, "currency": "eur",
            "payment_intent": id, "created": 1_732_362_723, "disputed": false,
        })),
    })
}

fn states(options: &Options) -> Vec<String> {
    let all = "SELECT status, amount_received, amount_refunded, dispute_status FROM transactions
               ORDER BY id";
    options.database().rows(all)
}

fn asked_for(api: &StripeApi, path: &str) -> usize {
    api.asked().iter().filter(|asked| asked.path.starts_with(path)).count()
}

#[test]
fn a_payment_whose_webhook_never_came_is_asked_for_by_hand() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_1");
    api.has_object("/v1/payment_intents/pi_1", intent("pi_1", "succeeded").to_string());
    let ask = ["reconcile", "--object", "pi_1", "--json"];

    let before = options.database().snapshot();
    options.done(&["reconcile", "--object", "pi_1", "--dry-run"]);
    assert_eq!(options.database().snapshot(), before);

    let told: Value = serde_json::from_str(&options.done(&ask)).expect("JSON");
    assert_eq!(told["outcome"], "processed");
    assert_eq!(told["status"], "succeeded");
    assert_eq!(states(&options), ["succeeded|4999|0|none"]);
    let event = "SELECT event_type, source, proof, status FROM webhook_logs";
    let kept = ["payment_intent.retrieved|object|the provider's API|processed"];
    assert_eq!(options.database().rows(event), kept);

    // What is known adds nothing.
    let before = options.database().snapshot();
    let told: Value = serde_json::from_str(&options.done(&ask)).expect("JSON");
    assert_eq!((&told["outcome"], &told["event_id"]), (&json!("known"), &Value::Null));
    assert_eq!(options.database().snapshot(), before);

    // What an event says later is one more fact.
    let daemon = options.start();
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    assert_eq!(states(&options), ["succeeded|4999|0|none"]);
    let id: String = options.database().one("SELECT event_id FROM webhook_logs WHERE id = 1");
    let document: Value =
        serde_json::from_str(include_str!("../../../src/http/api/openapi.json")).expect("JSON");
    let words = Source::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>();
    assert_eq!(document["components"]["schemas"]["Source"]["enum"], json!(words));
    let told = options.done(&["events", "show", &id]);
    assert!(told.contains("payhookd asked Stripe for this live object"), "{told}");
    assert!(told.contains("No webhook waited for a response."), "{told}");
    options.done(&["events", "replay", &id]);
    assert_eq!(states(&options), ["succeeded|4999|0|none"]);
    daemon.database().assert_proved();
}

#[test]
fn a_state_that_comes_back_is_a_new_fact() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_1");
    let date = |second: u32| format!("Mon, 23 Nov 2026 11:52:{second:02} GMT");
    for (second, status) in [(1, "requires_action"), (2, "processing"), (3, "requires_action")] {
        let body = intent("pi_1", status).to_string();
        api.troubles([Some(Reply::Answer(200, Some(("date", date(second))), body))]);
        options.done(&["reconcile", "--object", "pi_1"]);
        assert_eq!(states(&options), [format!("{status}|0|0|none")]);
    }
    // The API's own time.
    let times = options.database().rows("SELECT occurred_at FROM webhook_logs ORDER BY id");
    assert_eq!(times[2], "2026-11-23T11:52:03.000Z");
    assert_eq!(times.len(), 3);
}

#[test]
fn refunds_and_disputes_that_no_event_told_are_found() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_1");
    let mut paid = intent("pi_1", "succeeded");
    paid["latest_charge"]["amount_refunded"] = json!(1000);
    paid["latest_charge"]["disputed"] = json!(true);
    api.has_object("/v1/payment_intents/pi_1", paid.to_string());
    let dispute = json!({
        "id": "dp_1", "object": "dispute", "charge": "ch_1", "payment_intent": "pi_1",
        "amount": 3999, "currency": "eur", "status": "needs_response", "livemode": true,
    });
    api.has_object(
        "/v1/disputes",
        json!({ "object": "list", "data": [dispute], "has_more": false }).to_string(),
    );
    options.done(&["reconcile", "--object", "1"]);
    assert_eq!(states(&options), ["disputed|4999|1000|open"]);
    assert!(asked_for(&api, "/v1/disputes?charge=ch_1") == 1);
}

#[test]
fn a_payment_that_is_not_here_becomes_an_orphan() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_other");
    api.has_object("/v1/payment_intents/pi_1", intent("pi_1", "succeeded").to_string());
    options.done(&["reconcile", "--object", "pi_1"]);
    let orphans =
        options.database().rows("SELECT kind, reference, status FROM orphan_transactions");
    assert_eq!(orphans, ["early|pi_1|succeeded"]);
    add(&options, "stripe", "pi_1");
    assert_eq!(states(&options), ["pending|0|0|none", "succeeded|4999|0|none"]);
}

#[test]
fn what_can_not_be_asked_is_said() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_1");
    for (id, words) in [
        ("pi_1", "knows nothing at GET /v1/payment_intents/pi_1"),
        ("A-1001", "knows nothing"),
        ("pi_1/../x", "no id by which the provider could be asked"),
        ("sub_1", "no id by which the provider could be asked"),
    ] {
        let output = options.run(&["reconcile", "--object", id, "--provider", "stripe"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_said = said.contains(words) || id == "A-1001" && said.contains("no id by which");
        assert!(!output.status.success() && is_said, "{id}: {said}");
    }
    let output = options.without("STRIPE_SECRET_KEY").run(&["reconcile", "--object", "pi_1"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("STRIPE_SECRET_KEY"), "{said}");
}

#[test]
fn the_daemon_asks_about_what_has_been_open_for_long_and_not_for_ever() {
    let api = StripeApi::start();
    let options = options(&api);
    for name in ["pi_1", "pi_2", "pi_gone"] {
        add(&options, "stripe", name);
    }
    api.has_object("/v1/payment_intents/pi_1", intent("pi_1", "succeeded").to_string());
    api.has_object(
        "/v1/payment_intents/pi_2",
        intent("pi_2", "requires_payment_method").to_string(),
    );
    let daemon = often(options.clone()).clock(LATER).start();
    wait_until("the payment is known", || {
        states(&options)[0] == "succeeded|4999|0|none"
            && options.database().count("object_asks") == 3
    });
    let runs = || options.database().count("reconcile_runs");
    let before = runs();
    wait_until("some more passes", || runs() > before + 3);
    // What was due is asked about once: the next time is later than this clock will ever be, or never.
    for name in ["pi_1", "pi_gone"] {
        assert_eq!(asked_for(&api, &format!("/v1/payment_intents/{name}")), 1, "{name}");
    }
    let issues = said(&options, Some("discrepancy"));
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!(issues[0]["subject"], "3");
    assert_eq!(issues[0]["title"], "Stripe knows nothing of pi_gone");
    assert!(daemon.log().contains("object asked for"), "{}", daemon.log());
    daemon.database().assert_proved();
}

#[test]
fn an_event_that_contradicts_itself_is_settled_by_its_object() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_1");
    let daemon = options.start();
    let body = StripeSample::new("payment_intent.succeeded", "1").body();
    let mut event: Value = serde_json::from_str(&body).expect("JSON");
    event["data"]["object"]["status"] = json!("processing");
    daemon.deliver_stripe(event.to_string());
    assert_eq!(states(&options), ["pending|0|0|none"]);
    drop(daemon);
    api.has_object("/v1/payment_intents/pi_1", intent("pi_1", "succeeded").to_string());
    let _daemon = often(options.clone()).clock(LATER).start();
    wait_until("it is settled", || states(&options) == ["succeeded|4999|0|none"]);
}

#[test]
fn a_thin_event_leads_to_its_object() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_1");
    let daemon = options.start();
    let thin = json!({
        "id": "evt_test_1", "object": "v2.core.event", "created": "2026-10-05T12:00:00.123Z",
        "livemode": true, "type": "v1.payment_intent.succeeded",
        "related_object": { "id": "pi_1", "type": "payment_intent",
            "url": "/v1/payment_intents/pi_1" },
    });
    daemon.deliver_stripe(thin.to_string());
    // One that nobody acts on is none that failed.
    let other = json!({
        "id": "evt_test_2", "object": "v2.core.event", "created": "2026-10-05T12:00:00.123Z",
        "livemode": true, "type": "v1.customer.updated",
        "related_object": { "id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1" },
    });
    daemon.deliver_stripe(other.to_string());
    let outcomes = "SELECT event_id, status FROM webhook_logs ORDER BY id";
    assert_eq!(options.database().rows(outcomes), ["evt_test_1|failed", "evt_test_2|ignored"]);
    // Nobody asks on the way of the answer.
    assert_eq!(asked_for(&api, "/v1/payment_intents"), 0);
    drop(daemon);
    api.has_object("/v1/payment_intents/pi_1", intent("pi_1", "succeeded").to_string());
    let daemon = often(options.clone()).start();
    wait_until("its object is here", || states(&options) == ["succeeded|4999|0|none"]);
    let error: String =
        options.database().one("SELECT error FROM webhook_logs WHERE event_id = 'evt_test_1'");
    assert!(error.contains("what it announces is known, see retrieved_pi_1"), "{error}");
    daemon.database().assert_proved();
}

fn thin_event(id: &str, intent: &str) -> Value {
    json!({
        "id": id, "object": "v2.core.event", "created": "2024-11-23T11:52:03.000Z", "livemode": true,
        "type": "v1.payment_intent.succeeded",
        "related_object": { "id": intent, "type": "payment_intent",
            "url": format!("/v1/payment_intents/{intent}") },
    })
}

#[test]
fn a_thin_event_is_no_issue_once_its_snapshot_comes_before_or_after_it() {
    let options = Options::stripe().arg("--unsafe-test-lookout=20").arg("--stripe-tolerance=off");
    options.file("now", "2026-11-23T12:00:00Z");
    let options = options.arg("--unsafe-test-clock-file").arg("now");
    let daemon = options.start();
    let outcomes = "SELECT status FROM webhook_logs WHERE event_type LIKE 'v1.%' ORDER BY id";
    daemon.deliver_stripe(thin_event("evt_thin_1", "pi_1").to_string());
    daemon.deliver_stripe(thin_event("evt_thin_2", "pi_2").to_string());
    assert_eq!(options.database().rows(outcomes), ["failed", "failed"]);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    assert_eq!(options.database().rows(outcomes), ["ignored", "failed"]);
    daemon.deliver_stripe(thin_event("evt_thin_3", "pi_1").to_string());
    assert_eq!(options.database().rows(outcomes), ["ignored", "failed", "ignored"]);
    // There was time for the other's.
    let failed = "SELECT subject, closed_at IS NULL FROM issues WHERE kind = 'failed_event'";
    assert_eq!(options.database().rows(failed), [""; 0]);
    options.file("now", "2026-11-23T12:16:00Z");
    let subject = "stripe v1.payment_intent.succeeded";
    wait_until("it is told", || options.database().rows(failed) == [format!("{subject}|1")]);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2"));
    assert_eq!(options.database().rows(failed), [format!("{subject}|0")]);
    // Read again it is what it was.
    options.done(&["events", "replay", "evt_thin_1"]);
    assert_eq!(options.database().rows(outcomes), ["ignored", "ignored", "ignored"]);
    assert_eq!(options.database().rows(failed), [format!("{subject}|0")]);
}

#[test]
fn an_invoice_since_basil_finds_its_payment() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "in_1");
    let invoice = json!({
        "id": "in_1", "object": "invoice", "status": "paid", "amount_paid": 4999,
        "amount_due": 4999, "currency": "eur", "livemode": true,
    });
    let payment = json!({
        "id": "inpay_1", "object": "invoice_payment", "status": "paid", "amount_paid": 4999,
        "currency": "eur", "livemode": true, "invoice": "in_1",
        "payment": { "type": "payment_intent", "payment_intent": "pi_1" },
    });
    let list = json!({ "object": "list", "data": [payment], "has_more": false });
    api.has_object("/v1/invoices/in_1", invoice.to_string());
    api.has_object("/v1/invoice_payments", list.to_string());
    api.has_object("/v1/payment_intents/pi_1", intent("pi_1", "succeeded").to_string());
    // The payment came, and nobody knew whose it was.
    let daemon = options.start();
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    assert_eq!(states(&options), ["pending|0|0|none"]);
    options.done(&["reconcile", "--object", "in_1"]);
    assert_eq!(states(&options), ["succeeded|4999|0|none"]);
    let open = "SELECT count(*) FROM orphan_transactions WHERE resolved_at IS NULL";
    assert_eq!(options.database().one::<i64>(open), 0);
    daemon.database().assert_proved();
}

#[test]
fn a_reversal_of_paypals_without_its_sale_finds_it() {
    let api = PaypalApi::start();
    let options = api.options(Options::new().variable("PAYHOOKD_MODE", "test"));
    options.done(&[
        "transactions",
        "add",
        "--provider",
        "paypal",
        "--reference",
        "PAY-1",
        "--mode",
        "test",
    ]);
    let money = |total: &str| json!({ "total": total, "currency": "EUR" });
    api.has_object(
        "/v1/payments/refund/REF1",
        json!({ "id": "REF1", "state": "completed", "amount": money("-17.47"),
                "sale_id": "SALE1", "parent_payment": "PAY-1" })
        .to_string(),
    );
    api.has_object(
        "/v1/payments/payment/PAY-1",
        json!({ "id": "PAY-1", "state": "approved", "transactions": [{
            "amount": money("17.47"),
            "related_resources": [
                { "sale": { "id": "SALE1", "state": "refunded", "amount": money("17.47"),
                            "parent_payment": "PAY-1" } },
                { "refund": { "id": "REF1", "state": "completed", "amount": money("17.47"),
                              "sale_id": "SALE1", "parent_payment": "PAY-1" } },
            ],
        }] })
        .to_string(),
    );
    options.done(&["reconcile", "--object", "PAY-1"]);
    assert_eq!(states(&options), ["refunded|1747|1747|none"]);
}

#[test]
fn the_outcome_of_a_dispute_that_no_event_tells_is_asked_for_though_the_payment_is_paid() {
    let api = PaypalApi::start();
    let certificates = Certificates::of_sandbox();
    let options = api.options(Options::paypal(certificates.fake.address));
    let (daemon, url) = (options.start(), certificates.url("CERT-1"));
    for reference in ["ORDER-1", "ORDER-2"] {
        let add = ["transactions", "add", "--provider", "paypal", "--mode", "test"];
        options.done(&[&add[..], &["--reference", reference]].concat());
    }
    let money = json!({ "currency_code": "EUR", "value": "42.50" });
    for (order, capture, dispute) in [("ORDER-1", "CAP1", "PP-D-1"), ("ORDER-2", "CAP2", "PP-D-2")]
    {
        let paid = json!({
            "id": format!("WH-{capture}"), "event_type": "PAYMENT.CAPTURE.COMPLETED",
            "resource_version": "2.0", "create_time": "2026-11-20T10:00:00Z",
            "resource": { "id": capture, "status": "COMPLETED", "amount": money,
                          "supplementary_data": { "related_ids": { "order_id": order } } },
        })
        .to_string();
        let decided = json!({
            "id": format!("WH-{dispute}"), "event_type": "CUSTOMER.DISPUTE.RESOLVED",
            "create_time": "2026-11-21T10:00:00Z", "resource": {
                "dispute_id": dispute, "status": "RESOLVED", "dispute_amount": money,
                "disputed_transactions": [{ "seller_transaction_id": capture }],
            },
        })
        .to_string();
        for event in [paid, decided] {
            assert_eq!(daemon.deliver_paypal(&event, &url).status, 200);
        }
    }
    // PayPal does not know the second dispute any more: that is no news of its payment.
    api.has_object(
        "/v1/customer/disputes/PP-D-1",
        json!({
            "dispute_id": "PP-D-1", "status": "RESOLVED", "dispute_amount": money,
            "dispute_outcome": { "outcome_code": "RESOLVED_SELLER_FAVOUR" },
            "disputed_transactions": [{ "seller_transaction_id": "CAP1" }],
        })
        .to_string(),
    );
    let closed = ["succeeded|4250|0|closed", "succeeded|4250|0|closed"];
    assert_eq!(states(&options), closed);
    daemon.terminate();

    let _daemon = often(options.clone()).clock(LATER).start();
    let told = ["succeeded|4250|0|won", "succeeded|4250|0|closed"];
    wait_until("its outcome is known", || states(&options) == told);
    let asked = "SELECT count(*) FROM object_asks WHERE subject = 'payment'";
    wait_until("both were asked for", || options.database().one::<i64>(asked) == 2);
    let objects = api.asked().into_iter().filter(|asked| !asked.path.contains("webhooks-events"));
    let objects: Vec<_> = objects.filter(|asked| asked.path.contains("/v2/")).collect();
    assert!(objects.is_empty(), "the disputes alone were asked for: {objects:?}");
    let issues = options.database().rows("SELECT kind FROM issues WHERE kind = 'discrepancy'");
    assert!(issues.is_empty(), "{issues:?}");
}

#[test]
fn a_daemon_whose_api_fails_asks_again() {
    let api = StripeApi::start();
    let options = options(&api);
    add(&options, "stripe", "pi_1");
    api.has_object("/v1/payment_intents/pi_1", intent("pi_1", "succeeded").to_string());
    api.troubles((0..9).map(|_| Some(Reply::Answer(503, None, String::new()))));
    let _daemon = often(options.clone()).clock(LATER).start();
    wait_until("the payment is known", || states(&options) == ["succeeded|4999|0|none"]);
}
