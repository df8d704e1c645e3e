//! Events read again, by the provider's repetition or by a person, and events explained.

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Options};
use crate::support::provider::{StripeSample, at, eur};
use crate::support::random::Random;
use crate::support::shop::Together;
use payhookd::domain::event::Source;
use payhookd::domain::provider::Provider;
use payhookd::domain::records::{NewTransaction, Registered, Webhook};
use payhookd::domain::time::Timestamp;
use payhookd::providers::read_again;
use payhookd::providers::rules::Rules;
use payhookd::store::{Batch, Database, IngestAll, Job, Register};

fn register(options: &Options, reference: &str, more: &[&str]) {
    let mut args = vec!["transactions", "add", "--provider", "stripe", "--reference", reference];
    args.extend(["--amount", "4999", "--currency", "EUR"]);
    args.extend(more);
    options.done(&args);
}

fn with_object(body: &str, change: impl Fn(&mut Value)) -> String {
    let mut event: Value = serde_json::from_str(body).expect("JSON");
    change(&mut event["data"]["object"]);
    event.to_string()
}

fn went(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows("SELECT status, transaction_id, error FROM webhook_logs ORDER BY id")
}

#[test]
fn a_failed_event_that_comes_again_is_tried_again() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "pi_1", &[]);
    let good = StripeSample::new("payment_intent.succeeded", "1").body();
    let bad = with_object(&good, |object| object["currency"] = json!(7));
    assert_eq!(daemon.deliver_stripe(&bad).text(), r#"{"received":true}"#);
    assert_eq!(went(&daemon), ["failed|-|data.object.currency is missing"]);
    let again = daemon.deliver_stripe(&bad);
    assert_eq!(again.text(), r#"{"received":true,"duplicate":true}"#);
    // Another rendering of the event, which is understood.
    assert_eq!(daemon.deliver_stripe(&good).text(), r#"{"received":true}"#);
    assert_eq!(went(&daemon), ["processed|1|-"]);
    assert_eq!(daemon.deliver_stripe(&good).text(), r#"{"received":true,"duplicate":true}"#);
    let rows = "SELECT delivery_count, payload LIKE '%\"currency\": \"eur\"%' FROM webhook_logs";
    assert_eq!(daemon.database().rows(rows), ["4|1"]);
    let one = "SELECT status, amount_received, version FROM transactions";
    assert_eq!(daemon.database().rows(one), ["succeeded|4999|2"]);
    daemon.database().assert_proved();
}

#[test]
fn stored_events_are_read_again_by_new_rules_and_nothing_counts_twice() {
    let options = Options::stripe();
    let daemon = options.start();
    for name in ["1", "2"] {
        register(&options, &format!("cs_{name}"), &["--order-id", &format!("C-{name}")]);
    }
    let body = |name: &str, metadata: Value| {
        let sample = StripeSample::new("payment_intent.succeeded", name).body();
        with_object(&sample, |object| object["metadata"] = metadata.clone())
    };
    for body in [body("1", json!({"cart": "C-1"})), body("2", json!({"order_id": "C-2"}))] {
        assert_eq!(daemon.deliver_stripe(body).status, 200);
    }
    let dispute = StripeSample::new("charge.dispute.created", "1").at("2024-11-24T00:00:00Z");
    assert_eq!(daemon.deliver_stripe(dispute.body()).status, 200);
    assert_eq!(went(&daemon), ["orphan|-|-", "processed|2|-", "orphan|-|-"]);
    let nothing = options.done(&["events", "replay", "--since", "2d"]);
    assert_eq!(nothing, "3 replayed: 0 changed, 3 as before, 0 left as they were\n");
    drop(daemon);

    // The shop notices that it keeps its order ids elsewhere.
    let daemon = options.clone().arg("--order-id-key").arg("cart").start();
    let before = daemon.database().snapshot();
    let orphans = ["events", "replay", "--status", "orphan", "--dry-run"];
    let dry = options.done(&orphans);
    assert!(dry.contains("orphan → processed in transaction 1 (disputed)"), "{dry}");
    assert!(dry.ends_with("1 would change, 1 as before, 0 left as they were\n"), "{dry}");
    assert_eq!(daemon.database().snapshot(), before);

    options.done(&["events", "replay", "--status", "orphan"]);
    assert_eq!(went(&daemon), ["processed|1|-", "processed|2|-", "processed|1|-"]);
    let transactions = "SELECT status, amount_received FROM transactions ORDER BY id";
    assert_eq!(daemon.database().rows(transactions), ["disputed|4999", "succeeded|4999"]);
    let left = "SELECT count(*) FROM orphan_transactions WHERE resolved_at IS NULL";
    assert_eq!(daemon.database().rows(left), ["0"]);

    // The other key does not count any more.
    let one = options.done(&["events", "replay", "evt_2_payment_intent.succeeded"]);
    assert!(one.contains("processed in transaction 2 (succeeded) → orphan (succeeded)"), "{one}");
    assert_eq!(daemon.database().rows(transactions), ["disputed|4999", "pending|0"]);
    let again = options.done(&["events", "replay", "--status", "processed"]);
    assert!(again.contains(" 0 changed, 2 as before"), "{again}");
    daemon.database().assert_proved();
}

#[test]
fn an_id_that_an_event_carries_no_more_leads_nowhere() {
    let options = Options::stripe();
    let daemon = options.start();
    let paid = StripeSample::new("payment_intent.succeeded", "1").order("A-1001");
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    let having = "SELECT count(*) FROM transaction_references WHERE value = 'A-1001'";
    assert_eq!(daemon.database().rows(having), ["1"]);
    drop(daemon);
    let daemon = options.clone().arg("--order-id-from").arg("client_reference_id").start();
    options.done(&["events", "replay", "evt_1_payment_intent.succeeded"]);
    assert_eq!(daemon.database().rows(having), ["0"]);
    daemon.database().assert_proved();
}

#[test]
fn what_a_person_decided_outlasts_new_rules() {
    let options = Options::stripe();
    let daemon = options.start();
    register(&options, "cs_1", &[]);
    for name in ["1", "2"] {
        let sample = StripeSample::new("payment_intent.succeeded", name).body();
        let body = with_object(&sample, |object| object["metadata"] = json!({"cart": "C-9"}));
        assert_eq!(daemon.deliver_stripe(body).status, 200);
    }
    options.done(&["orphans", "resolve", "2", "--transaction", "cs_1"]);
    options.done(&["orphans", "resolve", "3", "--dismiss", "a trial of our own"]);
    drop(daemon);
    let daemon = options.clone().arg("--order-id-key").arg("cart").start();
    let again = options.done(&["events", "replay", "--since", "2d"]);
    assert!(again.contains("2 replayed: 2 changed"), "{again}");
    assert_eq!(went(&daemon), ["processed|1|-", "orphan|-|-"]);
    let transactions = "SELECT status, amount_received FROM transactions";
    assert_eq!(daemon.database().rows(transactions), ["succeeded|4999"]);
    let orphans =
        "SELECT id, order_id, resolution, resolved_by FROM orphan_transactions ORDER BY id";
    assert_eq!(daemon.database().rows(orphans), ["2|-|matched|person", "3|C-9|dismissed|person"]);
    daemon.database().assert_proved();
}

#[test]
fn what_can_not_be_read_again_is_left_as_it_is() {
    let daemon = Options::stripe().start();
    let options = daemon.options();
    register(options, "pi_1", &[]);
    let thin = r#"{"id":"evt_thin","object":"v2.core.event","type":"v1.payment_intent.succeeded"}"#;
    assert_eq!(daemon.deliver_stripe(thin).status, 200);
    let failed = options.done(&["events", "replay", "--status", "failed"]);
    assert_eq!(failed, "1 replayed: 0 changed, 1 as before, 0 left as they were\n");
    let why = options.done(&["events", "show", "evt_thin"]);
    for words in ["could not be processed", "snapshot events", "payhookd events replay 1"] {
        assert!(why.contains(words), "{words} in {why}");
    }
    let unknown = options.run(&["events", "replay", "evt_nothing"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    let nothing_said = options.run(&["events", "replay"]);
    assert_eq!(nothing_said.status.code(), Some(2), "{nothing_said:?}");
}

#[test]
fn an_event_is_explained_in_sentences() {
    let daemon = Options::stripe().start();
    let options = daemon.options();
    register(options, "pi_1", &["--order-id", "A-1001"]);
    register(options, "pi_9", &["--mode", "test", "--order-id", "A-1009"]);
    let dispute = StripeSample::new("charge.dispute.created", "1").parent("ch_1");
    let dispute = dispute.at("2024-11-24T00:00:00Z").body();
    let of_charge = dispute.replace("\"payment_intent\": \"pi_1\"", "\"payment_intent\": null");
    for body in [
        StripeSample::new("payment_intent.succeeded", "1").body(),
        of_charge,
        StripeSample::new("payment_intent.processing", "1").body(),
        StripeSample::new("payment_intent.succeeded", "2").order("A-1001").body(),
        StripeSample::new("payment_intent.succeeded", "9").order("A-1009").body(),
        StripeSample::new("customer.updated", "1").body(),
    ] {
        assert_eq!(daemon.deliver_stripe(&body).status, 200);
    }
    daemon.deliver_stripe(StripeSample::new("payment_intent.succeeded", "1").body());
    for (event, sentences) in [
        (
            "1",
            &[
                "Stripe sent this live payment_intent.succeeded at ",
                "and once more, the last time at ",
                "It was verified by secret 1 of STRIPE_WEBHOOK_SECRET.",
                "It was read as: PaymentIntent pi_1: paid, 49.99 EUR, 49.99 EUR captured so far.",
                "It belongs to transaction 1 (order A-1001), by PaymentIntent pi_1, with which the \
                 shop registered it.",
                "It changed the transaction: status pending → succeeded, received 0.00 EUR → 49.99 EUR.",
                r#"The response was 200 {"received":true}, and with "duplicate":true to each"#,
            ][..],
        ),
        (
            "2",
            &[
                "dispute dp_1: open, 49.99 EUR",
                "by charge ch_1, which event evt_1_payment_intent.succeeded linked to it.",
                "status succeeded → disputed, dispute none → dispute open.",
            ],
        ),
        (
            "3",
            &["It changed nothing: what it says was known, or something later or more final was."],
        ),
        ("4", &["by the shop's order A-1001, which no other transaction has."]),
        (
            "5",
            &[
                "It matches no transaction (orphan 3): no transaction is registered",
                "Transaction 2 in test mode has PaymentIntent pi_9, but this event is in live mode.",
                "No transaction has charge ch_9.",
            ],
        ),
        ("6", &["It was stored and ignored: not a type that is acted on."]),
    ] {
        let shown = options.done(&["events", "show", event]);
        for sentence in sentences {
            assert!(shown.contains(sentence), "{sentence:?} in {shown}");
        }
        let json = options.done(&["events", "show", event, "--json"]);
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let explained = json["explanation"].as_array().expect("sentences").len();
        assert!(explained >= 4, "{json}");
    }
}

/// What the shop or a provider does.
enum Step {
    Register(&'static str, Option<&'static str>),
    Event(StripeSample),
}

/// Two tries of one order and a stray third, a session that is found by its order, refunds and
/// disputes that know only a charge, and a payment of nobody's.
fn steps() -> Vec<Step> {
    let event = |event_type, name: &str| StripeSample::new(event_type, name);
    let dispute = |name: &str, charge: &str| {
        event("charge.dispute.created", name)
            .reference("")
            .parent(charge)
            .at("2024-11-24T00:00:00Z")
    };
    vec![
        Step::Register("pi_1", Some("A-1")),
        Step::Register("pi_2", Some("A-1")),
        Step::Register("cs_3", Some("A-3")),
        Step::Register("pi_4", None),
        Step::Event(event("payment_intent.payment_failed", "1").order("A-1")),
        Step::Event(event("payment_intent.succeeded", "1").order("A-1").at("2024-11-23T11:53:00Z")),
        Step::Event(event("payment_intent.succeeded", "2").order("A-1")),
        Step::Event(event("payment_intent.succeeded", "5").order("A-1")),
        Step::Event(event("payment_intent.processing", "5").id("evt_5b")),
        Step::Event(event("payment_intent.succeeded", "3").order("A-3")),
        Step::Event(dispute("3", "ch_3")),
        Step::Event(event("payment_intent.succeeded", "4").amount(1000)),
        Step::Event(dispute("4", "ch_4")),
        Step::Event(dispute("6", "ch_6")),
    ]
}

/// Everything that can be seen of the payments, without the numbers of rows.
fn outcome_of(order: &[usize]) -> Vec<String> {
    let options = Options::new();
    let mut database = Database::open(options.db()).expect("a database");
    let now = at("2026-11-24T08:00:00Z");
    let steps = steps();
    for step in order {
        let all = Together(|batch: &Batch<'_>| {
            match &steps[*step] {
                Step::Register(reference, order_id) => {
                    let new = NewTransaction {
                        provider: Provider::Stripe,
                        reference: payhookd::domain::reference::Reference::new(
                            payhookd::providers::reference_kind(Provider::Stripe, reference),
                            *reference,
                        ),
                        order_id: order_id.map(str::to_owned),
                        expected: payhookd::domain::transaction::Expected {
                            amount: Some(4999),
                            currency: Some(eur(0).currency),
                            partial: false,
                        },
                        livemode: true,
                        metadata: "{}".to_owned(),
                    };
                    let registered = Register { new }.execute(batch, now)?;
                    assert!(matches!(registered, Registered::Created(_)), "{registered:?}");
                }
                Step::Event(sample) => {
                    let webhooks = vec![webhook(&sample.body(), now)];
                    IngestAll { webhooks }.execute(batch, now)?;
                }
            }
            Ok(())
        });
        database.run(&all, now).expect("done");
    }
    let database = options.database();
    database.assert_sound();
    let mut seen = database.rows(
        "SELECT reference, status, amount_received, dispute_status, amount_check, status_changed_at,
                latest_event_id
         FROM transaction_details ORDER BY reference",
    );
    seen.extend(database.rows(
        "SELECT event_id, l.status, t.reference
         FROM webhook_logs l LEFT JOIN transactions t ON t.id = transaction_id ORDER BY 1",
    ));
    seen.extend(database.rows(
        "SELECT kind, reference, order_id, status, amount FROM orphan_transactions
         WHERE resolved_at IS NULL ORDER BY reference",
    ));
    seen.extend(database.rows(
        "SELECT value, r.kind, ifnull(t.reference, o.reference) FROM transaction_references r
         LEFT JOIN transactions t ON t.id = r.transaction_id
         LEFT JOIN orphan_transactions o ON o.id = r.transaction_id ORDER BY 1, 3",
    ));
    seen
}

fn webhook(body: &str, received_at: Timestamp) -> Webhook {
    let id = serde_json::from_str::<Value>(body).expect("JSON")["id"].as_str().map(str::to_owned);
    let id = id.expect("an id");
    let event = read_again(Provider::Stripe, body, true, &id, &Rules::default()).expect("an event");
    Webhook {
        event,
        payload: body.to_owned(),
        payload_sha256: [0; 32],
        headers: "{}".to_owned(),
        proof: "secret 1".to_owned(),
        transmission_id: None,
        source: Source::Webhook,
        received_at,
        arrived: std::time::Instant::now(),
    }
}

#[test]
fn whenever_the_shop_registers_and_whatever_the_order_all_ends_the_same() {
    let mut random = Random::from_clock();
    let mut order: Vec<usize> = (0..steps().len()).collect();
    let expected = outcome_of(&order);
    for transaction in ["pi_1|succeeded|4999", "pi_2|succeeded|4999", "cs_3|disputed|4999"] {
        assert!(expected.iter().any(|row| row.starts_with(transaction)), "{expected:#?}");
    }
    for _ in 0..120 {
        for last in (1..order.len()).rev() {
            order.swap(last, random.index(last + 1));
        }
        assert_eq!(outcome_of(&order), expected, "{order:?}");
    }
}
