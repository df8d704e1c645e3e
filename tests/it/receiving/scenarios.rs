//! Whole stories of payments, through the daemon: whatever the order of their events, and whether the
//! shop registers before or after them, they end the same.

use serde_json::Value;

use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::SECRET;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Register {
    First,
    Last,
}

#[test]
fn stories_that_come_as_they_happened_end_as_they_must() {
    all_end_as_they_must(Register::First, |events| events);
}

#[test]
fn stories_that_come_backwards_end_as_they_must() {
    all_end_as_they_must(Register::First, |mut events| {
        events.reverse();
        events
    });
}

#[test]
fn stories_of_orphans_end_as_they_must_when_they_are_adopted() {
    all_end_as_they_must(Register::Last, |events| events);
}

#[test]
fn stories_of_orphans_that_come_backwards_end_as_they_must_too() {
    all_end_as_they_must(Register::Last, |mut events| {
        events.reverse();
        events
    });
}

/// All stories on one database, every event twice.
fn all_end_as_they_must(register: Register, order: impl Fn(Vec<Value>) -> Vec<Value>) {
    let certificates = Certificates::of_sandbox();
    let options =
        Options::paypal(certificates.fake.address).variable("STRIPE_WEBHOOK_SECRET", SECRET);
    let daemon = options.start();
    let stories = stories();
    assert!(stories.len() >= 15, "only {} stories", stories.len());
    for story in &stories {
        if register == Register::First {
            add(&options, story);
        }
        let events = story["events"].as_array().expect("events").clone();
        for event in order(events) {
            deliver(&daemon, &certificates, story, &event);
            deliver(&daemon, &certificates, story, &event);
        }
        if register == Register::Last {
            add(&options, story);
        }
    }
    for story in &stories {
        let expect = &story["expect"];
        let expected = ["status", "captured_minor", "refunded_minor", "dispute"]
            .map(|field| expect[field].to_string().replace('"', ""))
            .join("|");
        let sql = format!(
            "SELECT status, amount_received, amount_refunded, dispute_status
             FROM transactions WHERE reference = '{}'",
            reference(story)
        );
        assert_eq!(daemon.database().rows(&sql), [expected], "{}", story["name"]);
    }
    let open = "SELECT reference FROM orphan_transactions WHERE resolved_at IS NULL";
    assert_eq!(daemon.database().rows(open), [""; 0], "an orphan is left");
    let left = "SELECT event_type FROM webhook_logs WHERE status <> 'processed'";
    assert_eq!(daemon.database().rows(left), [""; 0], "an event was not applied");
    daemon.database().assert_proved();
}

fn stories() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors/scenarios");
    let files = std::fs::read_dir(folder).expect("a folder of stories");
    let stories = files.map(|file| {
        let text = std::fs::read(file.expect("a file").path()).expect("a story");
        serde_json::from_slice(&text).expect("JSON")
    });
    stories.collect()
}

fn add(options: &Options, story: &Value) {
    let provider = story["provider"].as_str().expect("a provider");
    let reference = reference(story);
    options.done(&["transactions", "add", "--provider", provider, "--reference", &reference]);
}

fn deliver(daemon: &Daemon, certificates: &Certificates, story: &Value, event: &Value) {
    let body = event.to_string();
    let answer = match story["provider"].as_str() {
        Some("stripe") => daemon.deliver_stripe(&body),
        _ => daemon.deliver_paypal(&body, &certificates.url("CERT-1")),
    };
    assert_eq!(answer.status, 200, "{}: {}", story["name"], answer.text());
}

/// What a shop would have kept when it created the payment: the PaymentIntent, the order, or the v1
/// payment.
fn reference(story: &Value) -> String {
    let text = story["events"].to_string();
    let word = |from: usize| -> String {
        let rest = text[from..].chars();
        rest.take_while(|one| one.is_ascii_alphanumeric() || "_-".contains(*one)).collect()
    };
    let found = |marker: &str, skip: usize| text.find(marker).map(|at| word(at + skip));
    // A client secret begins with its PaymentIntent's id.
    let intent =
        found("\"pi_", 1).map(|id| id.split("_secret").next().unwrap_or_default().to_owned());
    intent
        .or_else(|| found("/checkout/orders/", "/checkout/orders/".len()))
        .or_else(|| found("\"PAYID-", 1))
        .expect("an id that a shop keeps")
}
