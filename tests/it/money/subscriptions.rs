//! Each payment of a subscription that the shop registered becomes a transaction by itself, in whatever order its
//! events come.

use serde_json::{Value, json};

use crate::support::admin::{App, problem};
use crate::support::app;
use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::provider::PaypalSample;
use crate::support::subscription::{Period, deliver, payments, sub_1, subscribe};

fn open_orphans(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows(
        "SELECT reference, alert_at IS NOT NULL FROM orphan_transactions
         WHERE resolved_at IS NULL ORDER BY id",
    )
}

const NONE: [&str; 0] = [];

/// Every order of what is at these places.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let put = |order: &Vec<usize>, place: usize| {
        let mut order = order.clone();
        order.insert(place, count - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..count).map(move |place| put(order, place))).collect()
}

#[test]
fn a_payment_of_a_registered_subscription_becomes_a_transaction_by_itself() {
    let app = app::App::start();
    let options = app.and_tells(Options::stripe());
    let daemon = options.start();
    let registered = subscribe(&daemon, &sub_1());
    assert_eq!((&registered["payments"], &registered["ended_at"]), (&json!(0), &Value::Null));
    deliver(&daemon, [Period::new("1").paid(), Period::new("2").in_month(2).paid()]);
    assert_eq!(
        payments(&daemon),
        ["in_1|succeeded|999|0|sub_1|2025-01-01", "in_2|succeeded|999|0|sub_1|2025-02-01"]
    );
    assert_eq!(open_orphans(&daemon), NONE);
    // The event's own row says so, in the same commit.
    let outcomes = "SELECT l.status, l.transaction_id, c.log_id = l.id, c.changed_at = t.created_at
                    FROM webhook_logs l JOIN transactions t ON t.id = l.transaction_id
                    JOIN transaction_changes c ON c.transaction_id = t.id AND c.version = 2
                    ORDER BY l.id";
    assert_eq!(daemon.database().rows(outcomes), ["processed|1|1|1", "processed|2|1|1"]);
    // The app is told like of any other.
    wait_until("the app is told", || app.told().len() == 4);
    let told = app.told();
    let last = told.iter().rfind(|one| one.reference() == "in_2").expect("it is told");
    assert_eq!(last.kind(), "transaction.succeeded");
    let transaction = App::of(&daemon).json("/api/v1/transactions/2");
    for shown in [&last.body["data"], &transaction] {
        let of = json!({ "id": 1, "reference": "sub_1", "own_id": "club-17" });
        assert_eq!(shown["subscription"], of, "{shown}");
        assert_eq!(shown["period_start"], "2025-02-01T00:00:00.000Z");
        assert_eq!(shown["period_end"], "2025-03-04T00:00:00.000Z");
        assert_eq!((&shown["order_id"], &shown["merged_into"]), (&Value::Null, &Value::Null));
    }
    let changes = App::of(&daemon).json("/api/v1/changes?after=0");
    assert_eq!(changes["data"][3]["transaction"]["subscription"]["own_id"], "club-17");
    let of_subscription = App::of(&daemon).json("/api/v1/transactions?subscription_id=1");
    assert_eq!(of_subscription["data"].as_array().map(Vec::len), Some(2));
    let shown = options.done(&["transactions", "show", "club-17"]);
    assert!(shown.contains("payment of subscription 1 (sub_1, club-17)"), "{shown}");
    assert!(shown.contains("for the period from 2025-01-01T00:00:00.000Z to "), "{shown}");
    daemon.database().assert_proved();
}

/// The whole of a payment, its refund and the subscription's registration, in each of their orders.
#[test]
fn every_order_of_a_periods_events_gives_one_transaction() {
    for is_older in [false, true] {
        let period = || if is_older { Period::new("1").older() } else { Period::new("1") };
        let mut events = vec![period().paid(), period().charge(), period().refund()];
        if !is_older {
            events.push(period().tie());
        }
        // The last is the registration.
        let count = events.len() + 1;
        let daemon = Options::stripe().start();
        let app = App::of(&daemon);
        for (number, order) in orders(count).into_iter().enumerate() {
            // Each time about objects of their own, so that one daemon does for all.
            let of_its_own = |text: &str| text.replace("_1", &format!("_x{number}x"));
            for place in order.clone() {
                match events.get(place) {
                    Some(event) => deliver(&daemon, [of_its_own(event)]),
                    None => {
                        let body = of_its_own(&sub_1().to_string());
                        assert_eq!(app.post("/api/v1/subscriptions", body).status, 201);
                    }
                }
            }
            // Again, and another name of the same.
            deliver(&daemon, [of_its_own(&events[0])]);
            deliver(&daemon, [of_its_own(&period().invoice("invoice.payment_succeeded"))]);
            let all = payments(&daemon);
            let one = format!("in_x{number}x|refunded|999|999|sub_x{number}x|2025-01-01");
            assert!(all.contains(&one), "{order:?}: {all:?}");
            assert_eq!(all.len(), number + 1, "{order:?}: {all:?}");
            assert_eq!(open_orphans(&daemon), NONE, "{order:?}");
        }
        daemon.database().assert_proved();
    }
}

/// The shop registered the session of its checkout, and learns of the subscription only from what follows.
#[test]
fn the_first_payment_is_the_shops_own_transaction_and_no_second_one_in_every_order() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let period = || Period::new("1");
    let events = [period().paid(), period().session(), period().tie(), period().intent()];
    for (number, order) in orders(events.len() + 2).into_iter().enumerate().step_by(7) {
        let of_its_own = |text: &str| text.replace("_1", &format!("_x{number}x"));
        for place in &order {
            match events.get(*place) {
                Some(event) => deliver(&daemon, [of_its_own(event)]),
                None if *place == events.len() => {
                    let body = of_its_own(&sub_1().to_string());
                    assert_eq!(app.post("/api/v1/subscriptions", body).status, 201);
                }
                None => {
                    let own = json!({
                        "provider": "stripe", "reference": of_its_own("cs_1"),
                        "order_id": of_its_own("A_1"), "amount": 999, "currency": "EUR",
                    });
                    assert_eq!(app.register(&own).status, 201, "{order:?}");
                }
            }
        }
        let one = format!("cs_x{number}x|succeeded|999|0|sub_x{number}x|2025-01-01");
        let of_it = payments(&daemon);
        let of_it: Vec<_> =
            of_it.iter().filter(|row| row.contains(&format!("x{number}x"))).collect();
        assert_eq!(of_it, [&one], "{order:?}");
        assert_eq!(open_orphans(&daemon), NONE, "{order:?}");
    }
    // What had been made for the payment before that was known says what it turned out to be.
    let merged = "SELECT count(*) > 0, min(m.closed_at IS NOT NULL), max(m.amount_received),
                         min(t.reference LIKE 'cs_%')
                  FROM transactions m JOIN transactions t ON t.id = m.merged_into";
    assert_eq!(daemon.database().rows(merged), ["1|1|0|1"]);
    daemon.database().assert_proved();
}

#[test]
fn the_shop_can_register_the_invoice_itself_before_or_after_its_events() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    subscribe(&daemon, &sub_1());
    let own = |name: &str| {
        json!({ "provider": "stripe", "reference": format!("in_{name}"), "order_id": "A-1",
                "amount": 1000, "currency": "EUR" })
    };
    assert_eq!(app.register(&own("1")).status, 201);
    deliver(&daemon, [Period::new("1").paid(), Period::new("2").paid()]);
    assert_eq!(app.register(&own("2")).status, 201);
    assert_eq!(app.register(&own("2")).status, 200);
    let rows = "SELECT reference, order_id, made, amount_check, subscription_id
                FROM transactions ORDER BY id";
    assert_eq!(daemon.database().rows(rows), ["in_1|A-1|0|underpaid|1", "in_2|A-1|0|underpaid|1"]);
    daemon.database().assert_proved();
}

#[test]
fn payments_that_came_before_the_registration_become_transactions_at_once() {
    let options = Options::stripe();
    let daemon = options.start();
    deliver(&daemon, [Period::new("1").paid(), Period::new("2").in_month(2).older().paid()]);
    assert_eq!(open_orphans(&daemon), ["in_1|1", "pi_2|1"]);
    let added = options.done(&[
        "subscriptions",
        "add",
        "--provider=stripe",
        "--reference=sub_1",
        "--own-id=club-17",
        "--json",
    ]);
    let added: Value = serde_json::from_str(&added).expect("JSON");
    assert_eq!(added["payments"], 2);
    assert_eq!(
        payments(&daemon),
        ["in_1|succeeded|999|0|sub_1|2025-01-01", "in_2|succeeded|999|0|sub_1|2025-02-01"]
    );
    assert_eq!(open_orphans(&daemon), NONE);
    daemon.database().assert_proved();
}

#[test]
fn an_invoice_that_fails_is_not_paid_and_one_over_nothing_is_no_payment() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = options.start();
    subscribe(&daemon, &sub_1());
    let failed = Period::new("1").invoice("invoice.payment_failed");
    deliver(&daemon, [failed, Period::new("trial").of(0).paid()]);
    assert_eq!(payments(&daemon), ["in_1|failed|0|0|sub_1|2025-01-01"]);
    // Nobody misses a payment of nothing, whether or not the subscription is known.
    let of_another = Period::new("other").of(0).paid().replace("sub_1", "sub_2");
    deliver(&daemon, [of_another]);
    assert_eq!(open_orphans(&daemon), ["in_trial|0", "in_other|0"]);
    let listed = App::of(&daemon).json("/api/v1/orphans");
    assert_eq!(listed["data"], json!([]));
    // The next attempt succeeds.
    deliver(&daemon, [Period::new("1").paid()]);
    assert_eq!(payments(&daemon), ["in_1|succeeded|999|0|sub_1|2025-01-01"]);
    assert_eq!(options.database().count("issues"), 0);
}

#[test]
fn each_sale_of_a_paypal_agreement_is_a_transaction() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address);
    let daemon = options.start();
    let url = certificates.url("CERT-1");
    let sale = |event_type: &'static str, name: &str| {
        let sample =
            PaypalSample::new(event_type, name).object(&format!("SALE{name}")).order("A-1");
        let mut event: Value = serde_json::from_str(&sample.body()).expect("JSON");
        let resource = event["resource"].as_object_mut().expect("a sale");
        resource.remove("parent_payment");
        resource.remove("links");
        resource.insert("billing_agreement_id".to_owned(), "I-1".into());
        event.to_string()
    };
    let deliver = |body: &str| assert_eq!(daemon.deliver_paypal(body, &url).status, 200);
    let add = ["subscriptions", "add", "--provider=paypal", "--reference=I-1", "--mode=test"];
    // The shop's own id is the same on every sale, and leads nowhere for it.
    let own = ["transactions", "add", "--provider=paypal", "--reference=ORDER-9", "--mode=test"];
    options.done(&[&own[..], &["--order-id=A-1"]].concat());
    deliver(&sale("PAYMENT.SALE.PENDING", "0"));
    let before = "SELECT reference, status FROM transactions";
    assert_eq!(daemon.database().rows(before), ["ORDER-9|processing"]);
    options.done(&add);
    deliver(&sale("PAYMENT.SALE.COMPLETED", "1"));
    deliver(&sale("PAYMENT.SALE.PENDING", "2"));
    deliver(&sale("PAYMENT.SALE.COMPLETED", "2"));
    deliver(&sale("PAYMENT.SALE.COMPLETED", "2"));
    let refund = PaypalSample::new("PAYMENT.SALE.REFUNDED", "2").parent("SALE2").body();
    deliver(&refund);
    assert_eq!(
        payments(&daemon),
        [
            // What it had when the subscription was registered, it keeps.
            "ORDER-9|processing|0|0|I-1|-",
            "SALE1|succeeded|4999|0|I-1|-",
            "SALE2|refunded|4999|4999|I-1|-",
        ]
    );
    deliver(&sale("PAYMENT.SALE.COMPLETED", "0"));
    let kept = "SELECT status FROM transactions WHERE reference = 'ORDER-9'";
    assert_eq!(daemon.database().rows(kept), ["succeeded"]);
    assert_eq!(open_orphans(&daemon), NONE);
    daemon.database().assert_proved();
}

#[test]
fn a_subscription_is_registered_once_and_other_data_are_refused() {
    let options = Options::stripe();
    let daemon = options.start();
    let app = App::of(&daemon);
    let post = |body: &Value| app.post("/api/v1/subscriptions", body.to_string());
    let first = post(&sub_1());
    assert_eq!(first.status, 201);
    assert_eq!(first.header("location"), Some("/api/v1/subscriptions/1"));
    let again = post(&sub_1());
    assert_eq!((again.status, &again.body), (200, &first.body));
    let mut other = sub_1();
    other["own_id"] = "club-18".into();
    let refused = problem(&post(&other), 409);
    assert_eq!(
        refused["detail"],
        "sub_1 is registered already, with other facts: see /api/v1/subscriptions/1"
    );
    let wrong = problem(&post(&json!({ "provider": "stripe", "reference": "pi_1" })), 400);
    assert_eq!(wrong["field"], "reference");
    // A transaction under its id would take all of its payments.
    let taken = app.register(&json!({ "provider": "stripe", "reference": "sub_1" }));
    let taken = problem(&taken, 409);
    assert!(taken["detail"].as_str().expect("text").contains("/api/v1/subscriptions/1"), "{taken}");
    for missing in ["/api/v1/subscriptions/7", "/api/v1/subscriptions/x"] {
        problem(&app.get(missing), 404);
    }
    problem(&app.post("/api/v1/subscriptions/7/end", ""), 404);
    let listed = app.json("/api/v1/subscriptions?id=club-17&ended=false");
    assert_eq!(listed["data"][0], app.json("/api/v1/subscriptions/1"));

    // The command line says the same.
    let add = ["subscriptions", "add", "--provider=stripe", "--reference"];
    let done = options.done(&[&add[..], &["sub_1", "--own-id=club-17"]].concat());
    assert_eq!(done, "subscription 1 already registered, 0 payments\n");
    let refused = options.run(&[&add[..], &["sub_1"]].concat());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("registered already, with other facts"), "{error}");
    let refused = options.run(&[&add[..], &["pi_1"]].concat());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("--reference: give the id of a subscription"), "{error}");
    let ended = options.done(&["subscriptions", "end", "club-17"]);
    assert_eq!(ended, "subscription 1 has ended, 0 payments\n");
    let again = post(&sub_1());
    let again: Value = serde_json::from_slice(&again.body).expect("JSON");
    assert!(again["ended_at"].is_string(), "{again}");
    let listed = options.done(&["subscriptions", "list", "--ended=true", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed, again);
    let listed = options.done(&["subscriptions", "list"]);
    assert!(listed.contains("club-17"), "{listed}");
}

/// As a shop had to do before it could register subscriptions.
#[test]
fn a_transaction_that_took_all_payments_of_a_subscription_keeps_those_that_it_has() {
    let options = Options::stripe();
    let daemon = options.start();
    options.done(&["transactions", "add", "--provider=stripe", "--reference=sub_1"]);
    deliver(&daemon, [Period::new("1").paid()]);
    subscribe(&daemon, &sub_1());
    deliver(&daemon, [Period::new("2").in_month(2).paid(), Period::new("1").tie()]);
    assert_eq!(
        payments(&daemon),
        ["in_2|succeeded|999|0|sub_1|2025-02-01", "sub_1|succeeded|999|0|sub_1|2025-01-01"]
    );
    assert_eq!(open_orphans(&daemon), NONE);
    daemon.database().assert_proved();
}
