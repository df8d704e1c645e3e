//! The API's lists: filters, pages, and single rows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use payhookd::domain::transaction::Status;
use serde_json::{Value, json};

use crate::support::admin::{App, TRANSACTIONS};
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::{StripeSample, stripe_event};
use crate::support::shop::register;

/// Whatever a list gives under this key, in its order.
fn all(app: &App, path: &str, key: &str) -> Vec<Value> {
    let list = app.json(path);
    list["data"].as_array().expect("a list").iter().map(|one| one[key].clone()).collect()
}

/// Transactions of both modes and providers in several states.
fn shop() -> Daemon {
    let options = Options::stripe();
    register(&options, (1..=4).map(|number| (number.to_string(), 4999)));
    let daemon = options.start();
    let app = App::of(&daemon);
    for (provider, reference, order_id, livemode) in [
        ("stripe", "pi_5", "A-5", false),
        ("paypal", "5O190127TN364715T", "A-5", true),
        ("paypal", "PAY-7/ä b", "A 7+%", true),
    ] {
        let body = json!({
            "provider": provider, "reference": reference, "order_id": order_id,
            "livemode": livemode,
        });
        assert_eq!(app.register(&body).status, 201, "{reference}");
    }
    let underpaid = StripeSample::new("payment_intent.succeeded", "2").amount(1);
    let dispute = StripeSample::new("charge.dispute.created", "1").reference("pi_1").parent("ch_1");
    for body in [
        stripe_event("payment_intent.succeeded", "1"),
        underpaid.body(),
        stripe_event("payment_intent.payment_failed", "3"),
        dispute.body(),
        stripe_event("payment_intent.succeeded", "orphan"),
        StripeSample::new("payment_intent.succeeded", "play").test_money().body(),
        stripe_event("customer.updated", "1"),
        "{\"id\":\"evt_bad\",\"type\":\"payment_intent.succeeded\",\"livemode\":true}".to_owned(),
    ] {
        assert_eq!(daemon.deliver_stripe(body).status, 200);
    }
    daemon
}

#[test]
fn transactions_are_filtered() {
    let daemon = shop();
    let app = App::of(&daemon);
    let ids = |query: &str| {
        let ids = all(&app, &format!("{TRANSACTIONS}{query}"), "id");
        ids.iter().map(|id| id.as_i64().expect("a number")).collect::<Vec<_>>()
    };
    let at = |column: &str, id: i64| -> String {
        daemon.database().one(&format!("SELECT {column} FROM transactions WHERE id = {id}"))
    };
    for (query, expected) in [
        ("", &[7, 6, 5, 4, 3, 2, 1][..]),
        ("?status=pending", &[7, 6, 5, 4]),
        ("?status=failed,disputed", &[3, 1]),
        ("?status=failed&status=succeeded", &[3, 2]),
        ("?provider=paypal", &[7, 6]),
        ("?livemode=false", &[5]),
        ("?order_id=A-5", &[6, 5]),
        ("?order_id=A-5&livemode=true", &[6]),
        ("?order_id=A+7%2B%25", &[7]),
        ("?order_id=pi_1", &[]),
        ("?amount_check=underpaid", &[2]),
        ("?dispute_status=open", &[1]),
        ("?status=pending&provider=stripe&livemode=true", &[4]),
        ("?created_before=2026-11-23T11:00:00Z", &[]),
        ("?created_before=2026-11-23T12:00:00.001%2B01:00", &[4, 3, 2, 1]),
        ("?created_after=2026-11-23T11:00:00Z", &[7, 6, 5]),
        ("?updated_after=9999-12-31T23:59:59Z", &[]),
        ("?limit=2", &[7, 6]),
        ("?limit=2&cursor=6", &[5, 4]),
        ("?cursor=1", &[]),
    ] {
        assert_eq!(ids(query), expected, "{query}");
    }
    let updated = at("updated_at", 1);
    assert!(!ids(&format!("?updated_after={updated}")).contains(&1));
    assert!(
        ids(&format!("?updated_before=9999-01-01T00:00:00Z&updated_after={updated}")).len() < 7
    );
    // Each status alone finds what has it.
    let found: usize =
        Status::ALL.iter().map(|status| ids(&format!("?status={status}")).len()).sum();
    assert_eq!(found, 7);
}

#[test]
fn a_transaction_is_found_by_every_id_of_the_provider() {
    let daemon = shop();
    let app = App::of(&daemon);
    let shown = daemon.options().done(&["transactions", "show", "pi_1", "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["history"].as_array().map(Vec::len), Some(3));
    for path in ["1", "by-reference/stripe/pi_1", "by-reference/stripe/ch_1?livemode=true"] {
        assert_eq!(app.json(&format!("{TRANSACTIONS}/{path}")), shown, "{path}");
    }
    let by_reference = |path: &str| app.get(&format!("{TRANSACTIONS}/by-reference/{path}"));
    assert_eq!(by_reference("paypal/PAY-7%2F%c3%a4%20b").json()["id"], 7);
    assert_eq!(by_reference("stripe/pi_5?livemode=false").json()["id"], 5);
    for elsewhere in [
        "stripe/pi_5",
        "paypal/pi_1",
        "stripe/pi_1?livemode=false",
        "stripe/pi_orphan",
        "stripe/A-5",
    ] {
        assert_eq!(by_reference(elsewhere).status, 404, "{elsewhere}");
    }
}

#[test]
fn events_are_filtered_and_shown_with_their_payload() {
    let daemon = shop();
    let app = App::of(&daemon);
    let of = |query: &str| all(&app, &format!("/api/v1/events{query}"), "id");
    for (query, expected) in [
        ("", json!([8, 7, 6, 5, 4, 3, 2, 1])),
        ("?status=failed", json!([8])),
        ("?status=ignored,orphan", json!([7, 6, 5])),
        ("?livemode=false", json!([6])),
        ("?event_type=charge.dispute.created", json!([4])),
        ("?transaction_id=1", json!([4, 1])),
        ("?transaction_id=1&event_type=charge.dispute.created&provider=stripe", json!([4])),
        ("?transaction_id=99", json!([])),
        ("?provider=paypal", json!([])),
        ("?received_before=2020-01-01T00:00:00Z", json!([])),
        ("?received_after=2020-01-01T00:00:00Z&limit=3", json!([8, 7, 6])),
        ("?limit=3&cursor=6", json!([5, 4, 3])),
    ] {
        assert_eq!(json!(of(query)), expected, "{query}");
    }
    let listed = app.json("/api/v1/events");
    assert!(listed["data"].as_array().expect("a list").iter().all(|one| one["payload"].is_null()));
    let shown = daemon.options().done(&["events", "show", "1", "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["payload"]["data"]["object"]["id"], "pi_1");
    for id in ["1", "evt_1_payment_intent.succeeded"] {
        assert_eq!(app.json(&format!("/api/v1/events/{id}")), shown, "{id}");
    }
}

#[test]
fn orphans_are_listed_until_they_are_resolved() {
    let daemon = shop();
    let app = App::of(&daemon);
    let of = |query: &str| all(&app, &format!("/api/v1/orphans{query}"), "reference");
    // Stray test money is no concern of a shop that is about real money.
    assert_eq!(of(""), ["pi_orphan"]);
    assert_eq!(of("?kind=wrong_environment"), ["pi_play"]);
    assert_eq!(of("?livemode=true"), ["pi_orphan"]);
    assert_eq!(of("?provider=paypal"), [""; 0]);
    assert_eq!(of("?resolved=true"), [""; 0]);
    let body = json!({ "provider": "stripe", "reference": "pi_orphan" });
    let adopted = app.register(&body).json();
    assert_eq!(adopted["status"], "succeeded");
    assert_eq!(of(""), [""; 0]);
    assert_eq!(of("?resolved=true"), ["pi_orphan"]);
    let resolved = app.json("/api/v1/orphans?resolved=true")["data"][0].clone();
    assert_eq!(resolved["transaction_id"], adopted["id"]);
    assert_eq!(app.json(&format!("/api/v1/orphans/{}", resolved["id"])), resolved);
    let all = daemon.options().done(&["orphans", "list", "--all", "--json"]);
    let all: Vec<Value> =
        all.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(all.contains(&resolved));
}

#[test]
fn pages_skip_and_repeat_nothing_while_rows_are_added() {
    let options = Options::stripe();
    register(&options, (0..200).map(|number| (format!("old_{number}"), 4999)));
    let daemon = options.start();
    let app = App::of(&daemon);
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let body = json!({ "provider": "stripe", "reference": format!("pi_new_{number}") });
                assert_eq!(app.register(&body).status, 201);
            }
        });
        let mut seen = Vec::new();
        let mut path = format!("{TRANSACTIONS}?limit=7");
        loop {
            let page = app.json(&path);
            for one in page["data"].as_array().expect("a page") {
                seen.push(one["id"].as_i64().expect("a number"));
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("{TRANSACTIONS}?limit=7&cursor={cursor}"),
                None => break,
            }
        }
        done.store(true, Ordering::Relaxed);
        seen
    });
    assert!(seen.is_sorted_by(|one, next| one > next), "{seen:?}");
    let distinct: BTreeSet<_> = seen.iter().copied().collect();
    assert!((1..=200).all(|id| distinct.contains(&id)), "{seen:?}");
}
