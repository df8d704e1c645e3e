//! The shop's app is told of every change: what, how often, and in which order.

use std::sync::atomic::{AtomicUsize, Ordering};

use payhookd::domain::time::Timestamp;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::app::{App, SECRET, Told, add, wait_until_all};
use crate::support::daemon::{Options, wait_until};
use crate::support::fake::Reply;
use crate::support::provider::{StripeSample, stripe_event};

const OTHER_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

#[test]
fn every_change_is_told_as_it_was_with_a_signature() {
    let app = App::start();
    let daemon = app.options().start();
    add(daemon.options(), &["1"]);
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let dispute = StripeSample::new("charge.dispute.created", "1").parent("ch_1");
    assert_eq!(daemon.deliver_stripe(dispute.body()).status, 200);
    wait_until("three are told", || app.told().len() == 3);
    wait_until_all(daemon.options(), "delivered");

    let told = app.told();
    let kinds: Vec<_> = told.iter().map(|told| (told.kind(), told.version())).collect();
    assert_eq!(
        kinds,
        [("transaction.registered", 1), ("transaction.succeeded", 2), ("transaction.disputed", 3)]
    );
    let succeeded = &told[1].body["data"];
    for (key, expected) in [
        ("status", Value::from("succeeded")),
        ("amount_received", 4999.into()),
        ("amount_refunded", 0.into()),
        ("received_currency", "EUR".into()),
        ("amount_check", "ok".into()),
        ("order_id", "order 1".into()),
        ("change", "transaction.succeeded".into()),
    ] {
        assert_eq!(succeeded[key], expected, "{key}");
    }
    assert_eq!(succeeded["metadata"]["cart"], 7);
    assert_eq!(succeeded["event"]["event_id"], "evt_1_payment_intent.succeeded");
    assert_eq!(succeeded["event"]["event_type"], "payment_intent.succeeded");
    assert_eq!(told[0].body["data"]["event"], Value::Null);
    assert_eq!(told[0].body["data"]["received_currency"], Value::Null);
    assert!(Timestamp::parse(told[1].body["timestamp"].as_str().expect("a time")).is_ok());
    assert!(told.iter().all(|told| told.message_id.starts_with("msg_")));

    // The newest is what the command line shows.
    let shown = daemon.options().done(&["transactions", "show", "pi_1", "--json"]);
    let mut shown: Value = serde_json::from_str(&shown).expect("JSON");
    let mut newest = told[2].body["data"].clone();
    shown.as_object_mut().expect("an object").remove("history");
    for key in ["change", "event"] {
        newest.as_object_mut().expect("an object").remove(key);
    }
    assert_eq!(newest, shown);

    let asked = &app.fake.asked()[0];
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert!(asked.header("user-agent").is_some_and(|agent| agent.starts_with("payhookd/")));
    let line = daemon.wait_for_line("type=transaction.disputed");
    assert!(line.contains("msg=notified ") && line.contains("status=200"), "{line}");
    assert!(line.contains("outcome=delivered") && line.contains("attempt=1 "), "{line}");
    assert!(!daemon.log().contains(&SECRET[6..]));
    let attempts = "SELECT delivery_id, attempt, status_code, error, answer FROM delivery_attempts";
    assert_eq!(
        daemon.database().rows(attempts),
        ["1|1|200|-|taken", "2|1|200|-|taken", "3|1|200|-|taken"]
    );
    daemon.database().assert_proved();
}

#[test]
fn what_the_app_does_not_take_comes_again_the_same() {
    let app = App::start();
    let failures = AtomicUsize::new(0);
    app.says(move |_| {
        let elsewhere = Some(("location", "/elsewhere".to_owned()));
        match failures.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::Answer(500, None, "x".repeat(5_000)),
            1 => Reply::Close,
            2 => Reply::Answer(302, elsewhere, String::new()),
            3 => Reply::Answer(307, elsewhere, String::new()),
            4 => Reply::Answer(404, None, String::new()),
            5 => Reply::Hang,
            6 => {
                Reply::Answer(429, Some(("retry-after", "soon".to_owned())), "\0\u{1b}".to_owned())
            }
            _ => Reply::Answer(204, None, String::new()),
        }
    });
    let daemon = app.options().arg("--unsafe-test-notify-limit=2000").start();
    add(daemon.options(), &["1"]);
    wait_until_all(daemon.options(), "delivered");
    let told = app.told();
    assert_eq!(told.len(), 8);
    assert!(told.iter().all(|other| *other == told[0]));
    let database = daemon.database();
    assert_eq!(
        database.rows("SELECT attempt, status_code, error FROM delivery_attempts ORDER BY id"),
        [
            "1|500|-",
            "2|-|closed",
            "3|302|-",
            "4|307|-",
            "5|404|-",
            "6|-|timeout",
            "7|429|-",
            "8|204|-"
        ]
    );
    assert_eq!(database.one::<i64>("SELECT max(length(answer)) FROM delivery_attempts"), 1024);
    assert_eq!(
        database.rows("SELECT status, attempts, last_error FROM deliveries"),
        ["delivered|8|-"]
    );
    let line = daemon.wait_for_line("outcome=again status=404");
    assert!(line.contains("level=warn") && line.contains("the app answered 404"), "{line}");
}

#[test]
fn an_app_that_nobody_reaches_is_given_up_at_last() {
    // Nobody has this port.
    let options = App::start().options().variable("PAYHOOKD_NOTIFY_URL", "http://127.0.0.1:1/");
    let daemon = options.start();
    add(&options, &["1"]);
    let line = daemon.wait_for_line("outcome=again");
    assert!(line.contains("no answer from the app"), "{line}");
    wait_until_all(&options, "dead");
    let errors = "SELECT error, count(*) FROM delivery_attempts GROUP BY error";
    assert_eq!(options.database().rows(errors), ["connect|10"]);
}

#[test]
fn gone_ends_one_message_and_the_next_one_follows() {
    let app = App::start();
    app.says(|told| match told.version() {
        1 => Reply::Answer(410, None, "unsubscribed".to_owned()),
        _ => Reply::ok(""),
    });
    let daemon = app.options().start();
    add(daemon.options(), &["1"]);
    daemon.wait_for_line("outcome=dead");
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    daemon.wait_for_line("outcome=delivered");
    assert_eq!(app.versions("pi_1"), [1, 2]);
    let deliveries = "SELECT status, attempts, last_error FROM deliveries ORDER BY id";
    assert_eq!(
        daemon.database().rows(deliveries),
        ["dead|1|the app answered 410", "delivered|1|-"]
    );
}

#[test]
fn an_app_that_asks_for_time_is_left_alone() {
    let app = App::start();
    app.says(|told| {
        let (status, wait) = match told.reference() {
            "pi_seconds" => (429, "3600"),
            "pi_date" => (503, "Fri, 01 Jan 2100 00:00:00 GMT"),
            // Says nothing elsewhere.
            _ => (500, "3600"),
        };
        Reply::Answer(status, Some(("retry-after", wait.to_owned())), String::new())
    });
    let daemon = app.options().start();
    let options = daemon.options();
    add(options, &["seconds", "date", "other"]);
    let database = daemon.database();
    wait_until("each was tried", || {
        let tried = "SELECT count(DISTINCT delivery_id) FROM delivery_attempts";
        database.one::<i64>(tried) == 3
    });
    wait_until_dead(options, "pi_other");
    let waits = |reference: &str| -> i64 {
        database.one(&format!(
            "SELECT CAST(round((julianday(next_attempt_at) - julianday(attempted_at)) * 86400) AS INTEGER)
             FROM deliveries d JOIN transactions t ON t.id = d.transaction_id
                 JOIN delivery_attempts a ON a.delivery_id = d.id
             WHERE reference = '{reference}'"
        ))
    };
    assert!((3600..3700).contains(&waits("pi_seconds")), "{}", waits("pi_seconds"));
    // However far away: a day at most.
    assert!((86_400..86_500).contains(&waits("pi_date")), "{}", waits("pi_date"));

    // A person need not wait.
    app.recovers();
    let pending = options.done(&["deliveries", "retry", "--pending"]);
    assert_eq!(pending, "2 deliveries are due again\n");
    assert_eq!(options.done(&["deliveries", "retry", "--dead"]), "1 delivery is due again\n");
    wait_until_all(options, "delivered");
}

fn wait_until_dead(options: &Options, reference: &str) {
    let database = options.database();
    let dead = format!(
        "SELECT count(*) FROM deliveries d JOIN transactions t ON t.id = d.transaction_id
         WHERE d.status = 'dead' AND reference = '{reference}'"
    );
    wait_until("it is dead", || database.one::<i64>(&dead) == 1);
}

#[test]
fn changes_of_one_transaction_are_told_in_their_order() {
    let app = App::start();
    let failures = AtomicUsize::new(0);
    // Every message is taken at its third attempt.
    app.says(move |_| match failures.fetch_add(1, Ordering::Relaxed) % 3 {
        2 => Reply::ok(""),
        _ => Reply::Answer(500, None, String::new()),
    });
    let daemon = app.options().start();
    let deliver = |event: StripeSample| assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
    // It came before the transaction was registered, so there are two changes in one commit.
    deliver(StripeSample::new("payment_intent.processing", "1"));
    add(daemon.options(), &["1"]);
    deliver(StripeSample::new("payment_intent.succeeded", "1"));
    deliver(StripeSample::new("charge.dispute.created", "1").parent("ch_1"));
    wait_until_all(daemon.options(), "delivered");
    assert_eq!(app.versions("pi_1"), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    // Whatever happened in between, a message stays what it was.
    for same in app.told().chunks(3) {
        assert!(same.iter().all(|told| *told == same[0]), "{same:?}");
    }
    let statuses: Vec<_> =
        app.told().iter().map(|told| told.body["data"]["status"].clone()).collect();
    assert_eq!(
        statuses[2..].iter().step_by(3).collect::<Vec<_>>(),
        ["pending", "processing", "succeeded", "disputed"]
    );
}

#[test]
fn one_that_hangs_holds_up_nobody_and_is_told_after_the_next_start() {
    let app = App::start();
    app.says(|told| match told.reference() {
        "pi_dead" => Reply::Hang,
        _ => Reply::ok(""),
    });
    let daemon = app.options().start();
    let options = daemon.options().clone();
    add(&options, &["dead"]);
    wait_until("it hangs", || app.told().len() == 1);
    let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
    add(&options, &names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        assert_eq!(
            daemon.deliver_stripe(stripe_event("payment_intent.succeeded", name)).status,
            200
        );
    }
    wait_until("all others are told", || {
        let delivered = "SELECT count(*) FROM deliveries WHERE status = 'delivered'";
        options.database().one::<i64>(delivered) == 40
    });
    for name in &names {
        assert_eq!(app.versions(&format!("pi_{name}")), [1, 2]);
    }
    assert_eq!(app.versions("pi_dead"), [1]);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().status.code(), Some(0));

    app.recovers();
    let _daemon = options.start();
    wait_until_all(&options, "delivered");
    assert_eq!(app.versions("pi_dead"), [1, 1]);
}

#[test]
fn an_app_that_never_answers_delays_no_webhook() {
    let app = App::start();
    app.fake.hold();
    let daemon = app.options().start();
    let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
    add(daemon.options(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    wait_until("eight are under way", || app.fake.asked().len() == 8);
    for name in &names {
        let event = stripe_event("payment_intent.succeeded", name);
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    assert_eq!(daemon.get_admin("/readyz").status, 200);
    assert_eq!(app.fake.asked().len(), 8);
    app.fake.release();
    wait_until_all(daemon.options(), "delivered");
    for name in &names {
        assert_eq!(app.versions(&format!("pi_{name}")), [1, 2]);
    }
}

#[test]
fn while_a_secret_is_rolled_a_message_is_signed_with_both() {
    let app = App::start();
    let both = format!("{OTHER_SECRET},{SECRET}");
    let daemon = app.options().variable("PAYHOOKD_NOTIFY_SECRET", both).start();
    add(daemon.options(), &["1"]);
    wait_until_all(daemon.options(), "delivered");
    let asked = &app.fake.asked()[0];
    for secret in [SECRET, OTHER_SECRET] {
        Told::verified(asked, secret).expect("a signature with each");
    }
    assert_eq!(asked.header("webhook-signature").map(|all| all.split(' ').count()), Some(2));
}

#[test]
fn money_that_is_not_what_it_should_be_is_not_told_as_success() {
    let app = App::start();
    let daemon = app.options().start();
    add(daemon.options(), &["1", "2"]);
    let paid = |name: &str, event: &str, amount: i64| {
        StripeSample::new("payment_intent.succeeded", name).id(event).amount(amount).body()
    };
    let dollars = paid("2", "evt_dollars", 4999).replace("\"eur\"", "\"usd\"");
    for event in [paid("1", "evt_some", 1999), paid("1", "evt_all", 4999), dollars] {
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    wait_until("five are told", || app.told().len() == 5);
    let told = |number: i64| -> Vec<(String, Value, Value, Value)> {
        let of_it = |told: &Told| told.body["data"]["id"] == number;
        let shown = |told: &Told| {
            let data = &told.body["data"];
            (
                told.kind().to_owned(),
                data["status"].clone(),
                data["paid"].clone(),
                data["amount_check"].clone(),
            )
        };
        app.told().iter().filter(|told| of_it(told)).map(shown).collect()
    };
    let expected = |name: &str, status: &str, paid: bool, check: &str| {
        (name.to_owned(), Value::from(status), Value::from(paid), Value::from(check))
    };
    assert_eq!(
        told(1),
        [
            expected("transaction.registered", "pending", false, "unknown"),
            expected("transaction.underpaid", "succeeded", false, "underpaid"),
            expected("transaction.succeeded", "succeeded", true, "ok"),
        ]
    );
    assert_eq!(
        told(2),
        [
            expected("transaction.registered", "pending", false, "unknown"),
            expected("transaction.wrong_currency", "succeeded", false, "wrong_currency"),
        ]
    );
    assert_eq!(app.told()[0].body["data"]["other_money"], Value::Array(Vec::new()));
    daemon.database().assert_proved();
}
