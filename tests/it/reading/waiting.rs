//! Waiting for changes, and following all of them.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::admin::{App, TRANSACTIONS, problem};
use crate::support::daemon::{Options, wait_until};
use crate::support::provider::{StripeSample, stripe_event};
use crate::support::shop::register;
use crate::support::wire::Connection;

const ONE: &str = "/api/v1/transactions/1";

#[test]
fn a_webhook_ends_the_wait_of_everybody_who_waits_for_its_transaction() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999), ("2".to_owned(), 4999)]);
    let daemon = options.start();
    let app = App::of(&daemon);
    let by_reference = format!("{TRANSACTIONS}/by-reference/stripe/pi_1?wait=60&version=1");
    let mut waiting: Vec<Connection> = (0..100)
        .map(|number| match number % 2 {
            0 => app.begin(&format!("{ONE}?wait=60&version=1")),
            _ => app.begin(&by_reference),
        })
        .collect();
    let mut other = app.begin(&format!("{TRANSACTIONS}/2?wait=60&version=1"));
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    for one in &mut waiting {
        let answer = one.answer();
        assert_eq!(answer.status, 200);
        let transaction = answer.json();
        assert_eq!(
            (&transaction["status"], &transaction["version"]),
            (&json!("succeeded"), &json!(2))
        );
        assert_eq!(transaction["history"].as_array().map(Vec::len), Some(2));
    }
    assert!(other.is_silent());
    // Whoever knows an older version has his answer at once.
    assert_eq!(app.json(&format!("{ONE}?wait=60&version=1"))["version"], 2);
    assert_eq!(app.json(&format!("{ONE}?version=1"))["version"], 2);
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2")).status, 200);
    assert_eq!(other.answer().json()["id"], 2);
}

#[test]
fn without_a_version_the_next_change_is_waited_for() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    let mut waiting = App::of(&daemon).begin(&format!("{ONE}?wait=60"));
    // Nobody can see when the wait has begun, so changes are made until one ends it.
    let mut changes = 0;
    wait_until("a change has ended the wait", || {
        changes += 1;
        let event = StripeSample::new("payment_intent.succeeded", "1").amount(changes);
        let event = event.id(&format!("evt_{changes}"));
        assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
        !waiting.is_silent()
    });
    let answer = waiting.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.json()["version"].as_i64() > Some(1));
}

#[test]
fn a_wait_in_vain_ends_without_a_body() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    let app = App::of(&daemon);
    for path in
        [&format!("{ONE}?wait=1"), &format!("{ONE}?wait=1&version=1"), &format!("{ONE}?version=1")]
    {
        let answer = app.get(path);
        assert_eq!((answer.status, answer.text()), (204, ""), "{path}");
    }
    problem(&app.get(&format!("{TRANSACTIONS}/9?wait=60")), 404);
    let nothing = app.json("/api/v1/changes?after=1&wait=1");
    assert_eq!(nothing, json!({ "data": [], "next_cursor": "1" }));
}

#[test]
fn changes_that_the_command_line_makes_end_waits_too() {
    let options = Options::stripe();
    let daemon = options.start();
    let app = App::of(&daemon);
    let order = json!({ "provider": "stripe", "reference": "cs_1", "order_id": "A-1" });
    assert_eq!(app.register(&order).status, 201);
    let paid = StripeSample::new("payment_intent.succeeded", "2").order("A-1");
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    assert_eq!(app.json(ONE)["version"], 2);

    let mut one = app.begin(&format!("{ONE}?wait=60&version=2"));
    let mut all = app.begin("/api/v1/changes?after=2&wait=60");
    // What was taken for a payment of the order is said to be a transaction of its own.
    options.done(&["transactions", "add", "--provider", "stripe", "--reference", "pi_2"]);
    let transaction = one.answer().json();
    assert_eq!((&transaction["version"], &transaction["status"]), (&json!(3), &json!("pending")));
    let changes = all.answer().json();
    assert!(!changes["data"].as_array().expect("changes").is_empty());
}

#[test]
fn a_daemon_that_stops_lets_nobody_wait() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    let app = App::of(&daemon);
    let token = std::fs::read_to_string(options.folder().join("api-token")).expect("a token");
    let head = format!("host: x\r\nauthorization: Bearer {}\r\n\r\n", token.trim_end());
    let waiting = |path: &str| {
        // A request that is answered goes before, so that the one that waits has arrived with it.
        let mut connection = Connection::open(daemon.admin);
        connection.send(format!("GET {ONE} HTTP/1.1\r\n{head}GET {path} HTTP/1.1\r\n{head}"));
        assert_eq!(connection.answer().status, 200);
        connection
    };
    let mut ones: Vec<_> = (0..20).map(|_| waiting(&format!("{ONE}?wait=60&version=1"))).collect();
    let mut all = waiting("/api/v1/changes?after=1&wait=60");
    assert_eq!(app.get(&format!("{ONE}?version=1")).status, 204);
    let ended = daemon.terminate();
    assert!(ended.status.success(), "{ended:?}");
    assert!(!ended.log.contains("cut off"), "{}", ended.log);
    for one in &mut ones {
        assert_eq!(one.answer().status, 204);
    }
    assert_eq!(all.answer().json(), json!({ "data": [], "next_cursor": "1" }));
}

#[test]
fn those_who_wait_and_go_away_leave_room() {
    let options = Options::stripe().variable("PAYHOOKD_MAX_CONNECTIONS", 16);
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    let app = App::of(&daemon);
    for _ in 0..10 {
        let gone: Vec<_> =
            (0..16).map(|_| app.begin(&format!("{ONE}?wait=60&version=1"))).collect();
        drop(gone);
    }
    let mut waiting = app.begin(&format!("{ONE}?wait=60&version=1"));
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    assert_eq!(waiting.answer().json()["version"], 2);
}

#[test]
fn only_so_many_may_wait() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    let app = App::of(&daemon);
    let begin = |number: usize| match number % 2 {
        0 => app.begin(&format!("{ONE}?wait=60&version=1")),
        _ => app.begin("/api/v1/changes?after=1&wait=60"),
    };
    let mut waiting: Vec<Connection> = (0..1_100).map(begin).collect();
    let mut turned_away = 0;
    wait_until("76 are turned away", || {
        waiting.retain_mut(|one| {
            let silent = one.is_silent();
            if !silent {
                let answer = one.answer();
                problem(&answer, 503);
                assert_eq!(answer.header("retry-after"), Some("5"));
                turned_away += 1;
            }
            silent
        });
        turned_away == 76
    });
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    for one in &mut waiting {
        assert_eq!(one.answer().status, 200);
    }
    assert_eq!(app.get("/api/v1/changes?after=2&wait=1").status, 200);
}

#[test]
fn the_feed_leaves_nothing_out_and_repeats_nothing_over_restarts() {
    let options = Options::stripe();
    let mut followed: Vec<Value> = Vec::new();
    let mut cursor = "0".to_owned();
    for phase in 0..4 {
        let daemon = options.start();
        let app = App::of(&daemon);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..4)
                .map(|sender| {
                    let (app, daemon) = (&app, &daemon);
                    scope.spawn(move || {
                        let mut connection = daemon.connect();
                        for number in 0..25 {
                            let name = format!("{phase}_{sender}_{number}");
                            let reference = format!("pi_{name}");
                            let new = json!({ "provider": "stripe", "reference": reference });
                            assert_eq!(app.register(&new).status, 201);
                            let body = stripe_event("payment_intent.succeeded", &name);
                            let signature =
                                crate::support::provider::stripe_signature(body.as_bytes());
                            let headers = [("stripe-signature", &*signature)];
                            let path = crate::support::provider::STRIPE;
                            let answer = connection.request("POST", path, &headers, &body);
                            assert_eq!(answer.status, 200);
                        }
                    })
                })
                .collect();
            let follower = scope.spawn(|| {
                loop {
                    // What is read after the senders are done is all there is.
                    let last = done.load(Ordering::Acquire);
                    let wait = if last { "" } else { "&wait=1" };
                    let page = app.json(&format!("/api/v1/changes?after={cursor}&limit=7{wait}"));
                    let data = page["data"].as_array().expect("changes").clone();
                    cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
                    if data.is_empty() && last {
                        break;
                    }
                    followed.extend(data);
                }
            });
            for sender in senders {
                sender.join().expect("sent");
            }
            done.store(true, Ordering::Release);
            follower.join().expect("followed");
        });
        if phase % 2 == 0 {
            daemon.kill();
        } else {
            daemon.terminate();
        }
    }
    assert_eq!(followed.len(), 4 * 4 * 25 * 2);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let seen: Vec<String> = followed
        .iter()
        .map(|one| {
            let transaction = &one["transaction"];
            let values = [
                &one["id"],
                &transaction["id"],
                &transaction["version"],
                &one["change"],
                &transaction["status"],
                &transaction["amount_received"],
                &transaction["amount_check"],
            ];
            values.map(text).join("|")
        })
        .collect();
    let committed = options.database().rows(
        "SELECT id, transaction_id, version, change, status, amount_received, amount_check
         FROM transaction_changes ORDER BY id",
    );
    assert_eq!(seen, committed);
    let event = &followed.iter().find(|one| one["change"] == "transaction.succeeded");
    let event = event.expect("a payment");
    assert_eq!(event["event_type"], "payment_intent.succeeded");
    assert_eq!(event["transaction"]["received_currency"], "EUR");
}

#[test]
fn the_feed_begins_where_it_is_told_to() {
    let options = Options::stripe();
    register(&options, (0..5).map(|number| (number.to_string(), 4999)));
    let daemon = options.start();
    let app = App::of(&daemon);
    let ids = |query: &str| {
        let page = app.json(&format!("/api/v1/changes{query}"));
        let data = page["data"].as_array().expect("changes").iter();
        let ids: Vec<_> =
            data.map(|one| one["cursor"].as_str().expect("a cursor").to_owned()).collect();
        (ids.join(","), page["next_cursor"].as_str().expect("a cursor").to_owned())
    };
    let said = |ids: &str, next: &str| (ids.to_owned(), next.to_owned());
    assert_eq!(ids(""), said("1,2,3,4,5", "5"));
    assert_eq!(ids("?limit=2"), said("1,2", "2"));
    assert_eq!(ids("?after=2&limit=2"), said("3,4", "4"));
    assert_eq!(ids("?after=5"), said("", "5"));
    assert_eq!(ids("?after=latest"), said("", "5"));
    // A cursor that this database never gave would wait for ever.
    let ahead = problem(&app.get("/api/v1/changes?after=6&wait=60"), 409);
    assert_eq!(ahead["type"], "urn:payhookd:problem:unknown-cursor");

    let mut waiting = app.begin("/api/v1/changes?after=5&wait=60");
    let new = json!({ "provider": "stripe", "reference": "pi_new" });
    assert_eq!(app.register(&new).status, 201);
    let page = waiting.answer().json();
    assert_eq!(page["data"][0]["transaction"]["reference"], "pi_new");
    assert_eq!(page["data"][0]["event_id"], Value::Null);
    assert_eq!(page["next_cursor"], "6");
}
