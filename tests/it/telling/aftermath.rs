//! What costs money after the sale and what keeps the shop from hearing of it: each is told once, and ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::admin::App as Api;
use crate::support::app::SECRET as APP_SECRET;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::{StripeSample, at, stripe_event};
use crate::support::shop::register;
use crate::telling::issues::last_said;

fn started(options: Options, told: &Fake) -> (Options, Daemon) {
    options.file("now", "2026-11-23T12:00:00Z");
    let options = options
        .variable("PAYHOOKD_ALERT_URL", format!("http://{}/", told.address))
        .arg("--unsafe-test-lookout=20")
        .arg("--stripe-tolerance=off")
        .arg("--unsafe-test-clock-file")
        .arg("now");
    let daemon = options.start();
    (options, daemon)
}

/// An app that is down until it is said to be up.
fn app() -> (Fake, Arc<AtomicBool>, Options) {
    let up = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&up);
    let fake = Fake::start(move |_| match is_up.load(Ordering::Acquire) {
        true => Reply::ok("taken"),
        false => Reply::Answer(503, None, "down for maintenance".to_owned()),
    });
    let options = Options::stripe()
        .variable("PAYHOOKD_NOTIFY_URL", format!("http://{}/", fake.address))
        .variable("PAYHOOKD_NOTIFY_SECRET", APP_SECRET);
    (fake, up, options)
}

fn target() -> Fake {
    Fake::start(|_| Reply::ok("ok"))
}

fn issues(options: &Options) -> Vec<String> {
    let issues = "SELECT kind, subject, severity, closed_at IS NOT NULL FROM issues ORDER BY id";
    options.database().rows(issues)
}

fn wait_for(options: &Options, expected: &[&str]) {
    wait_until(&format!("the issues are {expected:?}"), || issues(options) == expected);
}

fn event(id: &str, event_type: &str, created: &str, object: Value) -> String {
    json!({
        "id": id, "object": "event", "api_version": "2025-12-15.clover", "livemode": true,
        "created": at(created).unix_seconds(), "type": event_type, "data": { "object": object },
    })
    .to_string()
}

fn refund(id: &str, status: &str) -> Value {
    json!({
        "id": id, "object": "refund", "amount": 4999, "currency": "eur", "charge": "ch_1",
        "payment_intent": "pi_1", "status": status, "failure_reason": "lost_or_stolen_card",
    })
}

fn deliver(daemon: &Daemon, body: String) {
    assert_eq!(daemon.deliver_stripe(body).status, 200);
}

fn pay(daemon: &Daemon, name: &str) {
    deliver(daemon, stripe_event("payment_intent.succeeded", name));
}

#[test]
fn an_app_that_takes_nothing_is_told_until_it_takes_something() {
    let (told, (_app, up, options)) = (target(), app());
    let names = ["1", "2", "3", "4", "5", "6"];
    register(&options, names.map(|name| (name.to_owned(), 4999)));
    let (options, daemon) = started(options, &told);
    for name in &names[..4] {
        pay(&daemon, name);
    }
    let failed = "SELECT count(DISTINCT delivery_id) FROM delivery_attempts";
    wait_until("four failed", || options.database().one::<i64>(failed) == 4);
    assert_eq!(issues(&options), [""; 0]);
    pay(&daemon, names[4]);
    wait_for(&options, &["app|app|warning|0"]);
    let detail = last_said(&options, "app", "detail");
    assert!(detail.contains("503") && detail.contains("not notified: 5"), "{detail}");
    let ready = Api::of(&daemon).get("/readyz");
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)));
    assert!(ready.json()["app_outage_since"].is_string(), "{}", ready.text());
    options.file("now", "2026-11-23T13:01:00Z");
    wait_for(&options, &["app|app|critical|0"]);
    let metrics = Api::of(&daemon).get("/metrics");
    assert!(!metrics.text().contains("payhookd_app_outage_seconds 0\n"), "{}", metrics.text());
    up.store(true, Ordering::Release);
    pay(&daemon, names[5]);
    wait_for(&options, &["app|app|critical|1"]);
    assert!(Api::of(&daemon).get("/metrics").text().contains("payhookd_app_outage_seconds 0\n"));
}

#[test]
fn one_notification_that_fails_for_ten_minutes_is_an_outage_too() {
    let (told, (_app, _, options)) = (target(), app());
    register(&options, [("1".to_owned(), 4999)]);
    let (options, daemon) = started(options, &told);
    pay(&daemon, "1");
    let failed = "SELECT count(*) FROM delivery_attempts";
    wait_until("it failed", || options.database().one::<i64>(failed) > 0);
    options.file("now", "2026-11-23T12:10:00Z");
    wait_for(&options, &["app|app|warning|0"]);
    // Nobody is notified any more.
    drop(daemon);
    let without = options.clone().variable("PAYHOOKD_NOTIFY_URL", "");
    let _daemon = without.start();
    wait_for(&options, &["app|app|warning|1"]);
}

#[test]
fn a_refund_that_fails_is_told_until_another_makes_up_for_it() {
    let told = target();
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let (options, daemon) = started(options, &told);
    pay(&daemon, "1");
    let day = |day: u32| format!("2026-11-{day}T12:00:00Z");
    deliver(&daemon, event("evt_1", "refund.created", &day(23), refund("re_1", "pending")));
    assert_eq!(issues(&options), [""; 0]);
    // It is under way for longer than Stripe promises.
    options.file("now", "2026-12-08T12:00:00Z");
    wait_for(&options, &["refund|re_1|warning|0"]);
    let title = last_said(&options, "refund", "title");
    assert_eq!(title, "Refund still pending: 49.99 EUR of 49.99 EUR, Stripe pi_1");
    deliver(&daemon, event("evt_2", "refund.failed", &day(25), refund("re_1", "failed")));
    wait_until("it failed", || last_said(&options, "refund", "title").starts_with("Refund failed"));
    deliver(&daemon, event("evt_3", "refund.created", &day(26), refund("re_2", "succeeded")));
    wait_for(&options, &["refund|re_1|warning|1"]);
}

#[test]
fn a_fraud_warning_is_told_until_the_money_went_back() {
    let told = target();
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let (options, daemon) = started(options, &told);
    pay(&daemon, "1");
    let warning = json!({
        "id": "issfr_1", "object": "radar.early_fraud_warning", "actionable": true, "charge": "ch_1",
        "payment_intent": "pi_1", "fraud_type": "made_with_stolen_card", "livemode": true,
        "created": at("2026-11-23T12:00:00Z").unix_seconds(),
    });
    let created = "2026-11-23T12:00:00Z";
    deliver(&daemon, event("evt_1", "radar.early_fraud_warning.created", created, warning));
    assert_eq!(issues(&options), ["fraud_warning|1|warning|0"]);
    let title = last_said(&options, "fraud_warning", "title");
    assert_eq!(title, "Fraud warning: 49.99 EUR, Stripe pi_1");
    deliver(&daemon, event("evt_2", "refund.created", created, refund("re_1", "succeeded")));
    assert_eq!(issues(&options), ["fraud_warning|1|warning|1"]);
}

#[test]
fn a_payout_that_fails_is_told_until_one_arrives() {
    let told = target();
    let (options, daemon) = started(Options::stripe(), &told);
    let payout = |id: &str, status: &str| {
        json!({
            "id": id, "object": "payout", "amount": 120_400, "currency": "eur", "status": status,
            "failure_code": "account_closed", "failure_message": "The bank account has been closed.",
        })
    };
    let now = "2026-11-23T12:00:00Z";
    deliver(&daemon, event("evt_1", "payout.paid", now, payout("po_0", "paid")));
    deliver(&daemon, event("evt_2", "payout.failed", now, payout("po_1", "failed")));
    deliver(&daemon, event("evt_3", "payout.canceled", now, payout("po_2", "canceled")));
    assert_eq!(issues(&options), ["payout|po_1|warning|0", "payout|po_2|warning|0"]);
    // One that arrived before, and is told of late, says nothing of them.
    deliver(&daemon, event("evt_5", "payout.paid", "2026-11-23T11:00:00Z", payout("po_9", "paid")));
    assert_eq!(issues(&options), ["payout|po_1|warning|0", "payout|po_2|warning|0"]);
    let said = last_said(&options, "payout", "title");
    assert_eq!(said, "Payout canceled: 1204.00 EUR, Stripe po_2");
    deliver(&daemon, event("evt_4", "payout.paid", now, payout("po_3", "paid")));
    assert_eq!(issues(&options), ["payout|po_1|warning|1", "payout|po_2|warning|1"]);
    let outcomes = "SELECT DISTINCT status FROM webhook_logs";
    assert_eq!(options.database().rows(outcomes), ["ignored"]);
}

#[test]
fn an_authorization_is_told_a_day_before_it_lapses_until_it_is_captured() {
    let told = target();
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let (options, daemon) = started(options, &told);
    let intent = |status: &str, received: i64| {
        json!({
            "id": "pi_1", "object": "payment_intent", "amount": 4999, "currency": "eur", "status": status,
            "amount_capturable": 4999 - received, "amount_received": received, "latest_charge": "ch_1",
        })
    };
    let held = intent("requires_capture", 0);
    let of = "payment_intent.amount_capturable_updated";
    deliver(&daemon, event("evt_1", of, "2026-11-23T12:00:00Z", held));
    options.file("now", "2026-11-29T11:59:00Z");
    pay(&daemon, "seen");
    options.file("now", "2026-11-29T12:00:00Z");
    let issue = "SELECT severity, closed_at IS NOT NULL FROM issues WHERE kind = 'authorization'";
    wait_until("it is told", || options.database().rows(issue) == ["warning|0"]);
    let detail = last_said(&options, "authorization", "detail");
    assert!(detail.contains("until 2026-11-30 12:00 UTC"), "{detail}");
    let captured = intent("succeeded", 4999);
    deliver(&daemon, event("evt_2", "payment_intent.succeeded", "2026-11-29T12:00:00Z", captured));
    wait_until("it is captured", || options.database().rows(issue) == ["warning|1"]);
}

#[test]
fn an_event_that_does_not_say_until_when_money_is_held_takes_nothing_back() {
    let told = target();
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let (options, daemon) = started(options, &told);
    let now = "2026-11-23T12:00:00Z";
    let charge = json!({
        "id": "ch_1", "object": "charge", "amount": 4999, "amount_captured": 0, "captured": false,
        "currency": "eur", "status": "succeeded", "paid": true, "payment_intent": "pi_1",
        "payment_method_details": { "type": "card", "card": {
            "capture_before": at("2026-11-25T12:00:00Z").unix_seconds(),
        }},
    });
    deliver(&daemon, event("evt_1", "charge.succeeded", now, charge));
    let intent = json!({
        "id": "pi_1", "object": "payment_intent", "amount": 4999, "currency": "eur",
        "status": "requires_capture", "amount_capturable": 4999, "latest_charge": "ch_1",
    });
    deliver(&daemon, event("evt_2", "payment_intent.amount_capturable_updated", now, intent));
    options.file("now", "2026-11-24T12:00:00Z");
    wait_for(&options, &["authorization|1|warning|0"]);
    let detail = last_said(&options, "authorization", "detail");
    assert!(detail.contains("until 2026-11-25 12:00 UTC"), "{detail}");
    // It has lapsed, and the provider did not say so: nobody can do anything.
    options.file("now", "2026-11-26T12:00:00Z");
    wait_for(&options, &["authorization|1|warning|1"]);
}

#[test]
fn only_money_that_came_is_a_payment_without_a_transaction() {
    let told = target();
    let (options, daemon) = started(Options::stripe(), &told);
    let now = "2026-11-23T12:00:00Z";
    let mut of_another = refund("re_9", "succeeded");
    of_another["payment_intent"] = json!("pi_9");
    of_another["charge"] = json!("ch_9");
    deliver(&daemon, event("evt_1", "refund.created", now, of_another));
    let invoice = json!({
        "id": "in_1", "object": "invoice", "status": "open", "amount_due": 2500, "amount_paid": 0,
        "currency": "eur", "attempt_count": 1,
    });
    deliver(&daemon, event("evt_2", "invoice.payment_failed", now, invoice));
    let disputed =
        StripeSample::new("charge.dispute.created", "8").reference("pi_8").parent("ch_8");
    deliver(&daemon, disputed.body());
    pay(&daemon, "7");
    options.file("now", "2026-11-23T12:03:00Z");
    let about = "SELECT about, amount, severity FROM orphan_transactions o
                 JOIN issues ON issues.kind = 'orphan' AND subject = o.id ORDER BY o.id";
    let expected = [
        "refund|4999|notice",
        "invoice|2500|notice",
        "dispute|4999|warning",
        "payment|4999|warning",
    ];
    wait_until("each has a severity of its own", || options.database().rows(about) == expected);
    let report = options.done(&["report", "--day", "2026-11-23"]);
    assert!(report.contains("1 open: 49.99 EUR"), "{report}");
    let also = "Also without a transaction: 1 × unpaid invoice (25.00 EUR); 1 × refund (49.99 EUR); \
                1 × dispute (49.99 EUR)";
    assert!(report.contains(also), "{report}");
    // The invoice is paid: it is a payment now.
    let paid = json!({
        "id": "in_1", "object": "invoice", "status": "paid", "amount_due": 2500, "amount_paid": 2500,
        "currency": "eur", "attempt_count": 2,
    });
    deliver(&daemon, event("evt_3", "invoice.paid", "2026-11-23T12:02:00Z", paid));
    wait_until("that is told anew", || options.database().rows(about)[1] == "payment|2500|warning");
}
