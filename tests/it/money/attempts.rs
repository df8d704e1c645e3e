//! Somebody tries stolen cards on one payment: thousands of attempts that come to nothing.

use serde_json::json;

use crate::support::daemon::{Daemon, Options};

const ATTEMPTS: u32 = 60;
/// What may count of them: no more than are looked at before any is left out, and one event's.
const COUNTING: i64 = 33;

/// An event about `pi_1` or a charge of it.
fn event(event_type: &str, number: u32, more: serde_json::Value) -> String {
    let is_charge = event_type.starts_with("charge.");
    let id = if is_charge { format!("ch_{number}") } else { "pi_1".to_owned() };
    let mut object = json!({
        "id": id, "object": if is_charge { "charge" } else { "payment_intent" }, "amount": 4999,
        "currency": "eur", "livemode": true, "metadata": {"order_id": "A-1001"},
    });
    if is_charge {
        object["payment_intent"] = json!("pi_1");
    }
    let fields = object.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    json!({
        "id": format!("evt_{event_type}_{number}"), "object": "event", "type": event_type,
        "api_version": "2024-06-20", "livemode": true, "created": 1_732_362_720 + number / 3,
        "data": {"object": object},
    })
    .to_string()
}

/// The events of the attempts, two each.
fn attempts() -> Vec<String> {
    let failed = |number: u32| {
        let charge = json!({
            "status": "failed", "paid": false, "captured": false, "amount_captured": 0,
            "amount_refunded": 0, "refunded": false, "failure_code": "card_declined",
        });
        let intent = json!({
            "status": "requires_payment_method", "amount_received": 0,
            "latest_charge": format!("ch_{number}"),
            "last_payment_error": {"code": "card_declined"},
        });
        [
            event("charge.failed", number, charge),
            event("payment_intent.payment_failed", number, intent),
        ]
    };
    (0..ATTEMPTS).flat_map(failed).collect()
}

fn success() -> [String; 2] {
    let charge = json!({
        "status": "succeeded", "paid": true, "captured": true, "amount_captured": 4999,
        "amount_refunded": 0, "refunded": false,
    });
    let intent = json!({"status": "succeeded", "amount_received": 4999});
    [
        event("charge.succeeded", ATTEMPTS, charge),
        event("payment_intent.succeeded", ATTEMPTS, intent),
    ]
}

fn deliver(daemon: &Daemon, events: impl IntoIterator<Item = String>) {
    for event in events {
        assert_eq!(daemon.deliver_stripe(event).text(), r#"{"received":true}"#);
    }
}

fn counting(daemon: &Daemon) -> i64 {
    daemon.database().one("SELECT count(*) FROM transaction_events WHERE superseded = 0")
}

/// All that a person sees of the transaction, and of the orphan.
fn seen(daemon: &Daemon) -> Vec<String> {
    let mut rows = daemon.database().rows(
        "SELECT t.id, t.status, amount_received, amount_refunded, received_currency, dispute_status,
                amount_check, iif(t.status = 'pending', NULL, status_changed_at), l.event_id
         FROM transactions t LEFT JOIN webhook_logs l ON l.id = latest_log_id",
    );
    rows.extend(daemon.database().rows(
        "SELECT kind, reference, order_id, status, amount, currency, resolution, transaction_id
         FROM orphan_transactions",
    ));
    rows
}

/// What is seen after the attempts, and after the payment then succeeds; the attempts as they were made,
/// or the last one first.
fn history(register: &[&str], reversed: bool) -> [Vec<String>; 2] {
    let daemon = Options::stripe().start();
    if !register.is_empty() {
        let add = ["transactions", "add", "--provider", "stripe", "--amount", "4999"];
        daemon.options().done(&[&add[..], &["--currency", "EUR"], register].concat());
    }
    let mut events = attempts();
    if reversed {
        events.reverse();
    }
    deliver(&daemon, events);
    assert_eq!(daemon.database().count("transaction_events"), i64::from(2 * ATTEMPTS));
    let left = counting(&daemon);
    assert!(left <= COUNTING, "{left} of {ATTEMPTS} attempts count");
    let before = seen(&daemon);
    deliver(&daemon, success());
    let after = seen(&daemon);
    daemon.database().assert_sound();
    [before, after]
}

#[test]
fn attempts_that_came_to_nothing_cost_no_more_for_those_before_them() {
    let ways: [(&[&str], &str); 4] = [
        (&["--reference", "pi_1"], "1|failed|0|0|-|none|unknown"),
        (&["--reference", "cs_1", "--order-id", "A-1001"], "1|failed|0|0|-|none|unknown"),
        (&["--reference", "pi_other"], "1|pending|0|0|-|none|unknown|-"),
        (&[], ""),
    ];
    for (register, expected) in ways {
        let [before, after] = history(register, false);
        let first = before.first().map(String::as_str).unwrap_or_default();
        assert!(first.starts_with(expected), "{register:?}: {before:?}");
        assert_eq!(history(register, true), [before, after], "{register:?}");
    }
}

#[test]
fn attempts_of_an_orphan_go_with_it_to_the_transaction() {
    let daemon = Options::stripe().start();
    deliver(&daemon, attempts());
    assert!(counting(&daemon) <= COUNTING);
    daemon.options().done(&[
        "transactions",
        "add",
        "--provider",
        "stripe",
        "--reference",
        "ch_3",
        "--amount",
        "4999",
        "--currency",
        "EUR",
    ]);
    let places = "SELECT transaction_id, count(*) FROM transaction_events GROUP BY 1";
    assert_eq!(daemon.database().rows(places), [format!("2|{}", 2 * ATTEMPTS)]);
    deliver(&daemon, success());
    let [transaction, orphan] = &seen(&daemon)[..] else { panic!("one of each") };
    assert!(transaction.starts_with("2|succeeded|4999|0|EUR|none|ok|"), "{transaction}");
    assert!(orphan.ends_with("|matched|2"), "{orphan}");
    daemon.database().assert_sound();
}
