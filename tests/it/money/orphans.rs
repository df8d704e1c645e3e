//! Payments without a transaction: why they are orphans, who hears of them, and how they end.

use serde_json::{Value, json};

use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::{PaypalSample, StripeSample};

fn register(options: &Options, reference: &str, more: &[&str]) -> Value {
    let mut args = vec!["transactions", "add", "--provider", "stripe", "--reference", reference];
    args.extend(["--amount", "4999", "--currency", "EUR", "--json"]);
    args.extend(more);
    serde_json::from_str(&options.done(&args)).expect("JSON")
}

fn deliver(daemon: &Daemon, events: &[StripeSample]) {
    for event in events {
        assert_eq!(daemon.deliver_stripe(event.body()).text(), r#"{"received":true}"#);
    }
}

/// Every orphan: kind, reference, status, whether a person is to know, resolution.
fn orphans(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows(
        "SELECT kind, reference, status, alert_at IS NOT NULL, resolution
         FROM orphan_transactions ORDER BY id",
    )
}

/// The numbers in the inbox.
fn inbox(options: &Options, more: &[&str]) -> Vec<i64> {
    let mut args = vec!["orphans", "list", "--json"];
    args.extend(more);
    let lines = options.done(&args);
    let id = |line| serde_json::from_str::<Value>(line).expect("JSON")["id"].as_i64();
    lines.lines().map(|line| id(line).expect("a number")).collect()
}

/// A body with this in its object's metadata.
fn with_metadata(sample: &StripeSample, metadata: Value) -> String {
    let mut event: Value = serde_json::from_str(&sample.body()).expect("JSON");
    event["data"]["object"]["metadata"] = metadata;
    event.to_string()
}

#[test]
fn each_orphan_says_why_it_is_one() {
    let daemon = Options::stripe().start();
    let dispute = StripeSample::new("charge.dispute.created", "2").parent("ch_2").body();
    let of_charge = dispute.replace("\"payment_intent\": \"pi_2\"", "\"payment_intent\": null");
    assert_ne!(dispute, of_charge);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    assert_eq!(daemon.deliver_stripe(of_charge).status, 200);
    let bare = json!({
        "id": "evt_bare", "object": "event", "type": "charge.succeeded", "livemode": true,
        "created": 1_732_362_723,
        "data": { "object": {
            "id": "ch_bare", "object": "charge", "amount": 700, "amount_captured": 700,
            "captured": true, "currency": "eur", "status": "succeeded", "payment_intent": null,
        }},
    });
    assert_eq!(daemon.deliver_stripe(bare.to_string()).status, 200);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "4").test_money()]);
    assert_eq!(
        orphans(&daemon),
        [
            "early|pi_1|succeeded|1|-",
            "late_link|ch_2|-|1|-",
            "unlinkable|ch_bare|succeeded|1|-",
            "wrong_environment|pi_4|succeeded|0|-",
        ]
    );
    assert_eq!(inbox(daemon.options(), &[]), [3, 2, 1]);
    assert_eq!(inbox(daemon.options(), &["--all"]), [4, 3, 2, 1]);
    assert_eq!(inbox(daemon.options(), &["--kind", "wrong_environment"]), [4]);
    let wrong = daemon.options().run(&["orphans", "list", "--kind", "strange"]);
    assert_eq!(wrong.status.code(), Some(2));
    // The event that ties the dispute to its payment comes after all.
    let charge = StripeSample::new("payment_intent.succeeded", "2");
    deliver(&daemon, &[charge]);
    assert_eq!(orphans(&daemon)[1], "early|pi_2|disputed|1|-");
    let shown = daemon.options().done(&["orphans", "show", "pi_2"]);
    for words in ["early: no transaction is registered", "charge.dispute.created", "alerts from"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
}

#[test]
fn live_money_at_a_daemon_for_test_money_is_no_secret() {
    let daemon = Options::stripe().arg("--mode").arg("test").start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    assert_eq!(orphans(&daemon), ["wrong_environment|pi_1|succeeded|1|-"]);
    let line = daemon.wait_for_line("msg=issue ");
    assert!(line.contains("level=warn") && line.contains("It is a test payment"), "{line}");
}

#[test]
fn a_person_is_told_of_an_orphan_once_and_only_after_its_grace() {
    let options = Options::stripe();
    let alerted = "SELECT reference, alerted_at IS NOT NULL FROM orphan_transactions ORDER BY id";
    let daemon = options.clone().arg("--orphan-grace").arg("1h").start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    let received = daemon.wait_for_line("msg=webhook ");
    assert!(received.contains("level=info") && received.contains("orphan=early"), "{received}");
    let grace = "SELECT (julianday(alert_at) - julianday(first_seen_at)) * 24
                 FROM orphan_transactions";
    assert!((daemon.database().one::<f64>(grace) - 1.0).abs() < 1e-6);
    assert!(!daemon.terminate().log.contains("msg=issue "), "too early");

    let daemon = options.clone().arg("--orphan-grace").arg("1").start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "2")]);
    let told = daemon.wait_for_line("msg=issue ");
    for words in
        ["level=warn", "kind=orphan", "49.99 EUR, Stripe pi_2", "No transaction is registered"]
    {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert_eq!(daemon.database().rows(alerted), ["pi_1|0", "pi_2|1"]);
    drop(daemon);
    // Another that is due is told of; this one not again.
    let daemon = options.arg("--orphan-grace").arg("0").start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "3")]);
    daemon.wait_for_line("Stripe pi_3");
    let log = daemon.terminate().log;
    assert!(!log.contains("Stripe pi_2"), "{log}");
    assert!(log.contains("issues are open") && log.contains("count=1"), "{log}");
}

#[test]
fn an_adopted_orphan_alarms_nobody() {
    let options = Options::stripe().arg("--orphan-grace").arg("2");
    let daemon = options.start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    register(daemon.options(), "pi_1", &[]);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "2")]);
    daemon.wait_for_line("Stripe pi_2");
    assert!(!daemon.terminate().log.contains("Stripe pi_1"));
}

#[test]
fn payments_without_the_shops_mark_are_anothers() {
    let options = Options::stripe().arg("--own-metadata").arg("site=shop");
    let daemon = options.start();
    register(daemon.options(), "cs_1", &["--order-id", "1001"]);
    let of = |name: &str| StripeSample::new("payment_intent.succeeded", name);
    let send = |sample: &StripeSample, metadata: Value| {
        assert_eq!(daemon.deliver_stripe(with_metadata(sample, metadata)).status, 200);
    };
    // Another shop's order has the same number.
    send(&of("1"), json!({"order_id": "1001", "site": "other"}));
    send(&of("2"), json!({"order_id": "1001"}));
    send(&of("3"), json!({"order_id": "1003", "site": "shop"}));
    assert_eq!(
        orphans(&daemon),
        ["foreign|pi_1|succeeded|0|-", "foreign|pi_2|succeeded|0|-", "early|pi_3|succeeded|1|-",]
    );
    assert_eq!(inbox(daemon.options(), &[]), [4]);
    assert_eq!(inbox(daemon.options(), &["--kind", "foreign"]), [3, 2]);
    // A refund or a dispute of theirs does not make it ours.
    deliver(&daemon, &[StripeSample::new("charge.dispute.created", "1").parent("ch_1")]);
    assert_eq!(orphans(&daemon)[0], "foreign|pi_1|disputed|0|-");
    // An event of the same payment that bears the mark does, and then its order id counts.
    let later = of("2").id("evt_later");
    send(&later, json!({"site": "shop"}));
    assert_eq!(orphans(&daemon)[1], "foreign|pi_2|succeeded|0|matched");
    let one = "SELECT status, amount_received FROM transactions WHERE reference = 'cs_1'";
    assert_eq!(daemon.database().rows(one), ["succeeded|4999"]);
    // What the shop registers is its own, whatever the rule says; its order id leads to no other's.
    register(daemon.options(), "pi_9", &["--order-id", "1003"]);
    let resolved = "SELECT resolution, resolved_by FROM orphan_transactions WHERE id = 4";
    assert_eq!(daemon.database().rows(resolved), ["matched|payhookd"]);
    daemon.database().assert_proved();
}

#[test]
fn paypal_payments_are_told_apart_by_their_invoice_ids() {
    let certificates = Certificates::of_sandbox();
    let url = certificates.url("CERT-1");
    let daemon = Options::paypal(certificates.fake.address)
        .variable("PAYHOOKD_OWN_INVOICE_PREFIX", "SHOP-,KIOSK-")
        .start();
    let capture = |name: &str, invoice: Option<&str>| {
        let body = PaypalSample::new("PAYMENT.CAPTURE.COMPLETED", name).body();
        let mut event: Value = serde_json::from_str(&body).expect("JSON");
        event["resource"]["invoice_id"] = invoice.into();
        event.to_string()
    };
    for body in [
        capture("1", Some("SHOP-1001")),
        capture("2", Some("OTHER-1001")),
        capture("3", None),
        capture("4", Some("KIOSK-7")),
    ] {
        assert_eq!(daemon.deliver_paypal(&body, &url).status, 200);
    }
    assert_eq!(
        orphans(&daemon),
        [
            "early|ORDER-1|succeeded|1|-",
            "foreign|ORDER-2|succeeded|0|-",
            "foreign|ORDER-3|succeeded|0|-",
            "early|ORDER-4|succeeded|1|-",
        ]
    );
}

#[test]
fn the_shops_order_id_may_stand_under_another_key() {
    let daemon = Options::stripe().arg("--order-id-key").arg("cart").start();
    register(daemon.options(), "cs_1", &["--order-id", "C-1"]);
    let of = |name: &str| StripeSample::new("payment_intent.succeeded", name);
    let by_default = with_metadata(&of("1"), json!({"order_id": "C-1"}));
    let by_key = with_metadata(&of("2"), json!({"order_id": "x", "cart": "C-1"}));
    for body in [by_default, by_key] {
        assert_eq!(daemon.deliver_stripe(body).status, 200);
    }
    let went = "SELECT status, transaction_id FROM webhook_logs ORDER BY id";
    assert_eq!(daemon.database().rows(went), ["orphan|-", "processed|1"]);
}

#[test]
fn money_for_a_closed_transaction_is_applied_and_told() {
    let daemon = Options::stripe().start();
    let options = daemon.options();
    register(options, "pi_1", &["--order-id", "A-1001"]);
    assert_eq!(
        options.done(&["transactions", "close", "A-1001"]),
        "transaction 1 is closed: pending\n"
    );
    assert_eq!(
        options.done(&["transactions", "close", "pi_1"]),
        "transaction 1 is closed: pending\n"
    );
    let none: [&str; 0] = [];
    assert_eq!(orphans(&daemon), none);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    let line = daemon.wait_for_line("event_type=payment_intent.succeeded");
    for words in ["level=warn", "outcome=processed", "late_money=true", "status=succeeded"] {
        assert!(line.contains(words), "{words} in {line}");
    }
    daemon.wait_for_line("kind=late_money");
    assert_eq!(orphans(&daemon), ["late_money|pi_1|succeeded|1|-"]);
    let one = "SELECT status, amount_received, closed_at IS NOT NULL, version FROM transactions";
    assert_eq!(daemon.database().rows(one), ["succeeded|4999|1|3"]);
    // It stays one, whatever else comes.
    deliver(
        &daemon,
        &[StripeSample::new("charge.dispute.created", "1").at("2024-11-24T00:00:00Z")],
    );
    assert_eq!(orphans(&daemon), ["late_money|pi_1|disputed|1|-"]);
    options.done(&["transactions", "reopen", "1"]);
    assert_eq!(orphans(&daemon), ["late_money|pi_1|disputed|1|matched"]);
    let history = options.done(&["transactions", "history", "1", "--json"]);
    let changes: Vec<Value> =
        history.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names: Vec<_> = changes.iter().map(|change| change["change"].as_str()).collect();
    assert_eq!(
        names,
        [
            Some("transaction.registered"),
            Some("transaction.closed"),
            Some("transaction.succeeded"),
            Some("transaction.disputed"),
            Some("transaction.reopened"),
        ]
    );
    assert_eq!(changes[0]["before"], Value::Null);
    assert_eq!(changes[3]["before"]["status"], "succeeded");
    assert_eq!(changes[3]["status"], "disputed");
    assert_eq!(changes[3]["event_id"], "evt_1_charge.dispute.created");
    daemon.database().assert_proved();
}

#[test]
fn late_money_that_goes_back_is_nobodys_business_any_more() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "pi_1", &[]);
    daemon.options().done(&["transactions", "close", "pi_1"]);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    assert_eq!(orphans(&daemon), ["late_money|pi_1|succeeded|1|-"]);
    let refund = json!({
        "id": "evt_refund", "object": "event", "type": "refund.created", "livemode": true,
        "created": 1_732_449_123,
        "data": { "object": {
            "id": "re_1", "object": "refund", "amount": 4999, "currency": "eur",
            "charge": "ch_1", "payment_intent": "pi_1", "status": "succeeded",
        }},
    });
    assert_eq!(daemon.deliver_stripe(refund.to_string()).status, 200);
    assert_eq!(orphans(&daemon), ["late_money|pi_1|succeeded|1|dismissed"]);
    let by = "SELECT resolved_by, note FROM orphan_transactions";
    assert_eq!(daemon.database().rows(by), ["payhookd|the money went back"]);
}

#[test]
fn what_was_paid_before_the_close_is_not_late_and_its_close_asks_back() {
    let daemon = Options::stripe().start();
    let options = daemon.options();
    register(options, "pi_1", &[]);
    let succeeded = StripeSample::new("payment_intent.succeeded", "1");
    assert_eq!(daemon.deliver_stripe(succeeded.body()).status, 200);
    let refused = options.run(&["transactions", "close", "pi_1"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("is paid, and stays open") && said.contains("--even-if-paid"), "{said}");
    let closed = options.done(&["transactions", "close", "pi_1", "--even-if-paid"]);
    assert_eq!(closed, "transaction 1 is closed: succeeded\n");
    // What comes for the same money afterwards changes nothing.
    assert_eq!(daemon.deliver_stripe(succeeded.id("evt_again").body()).status, 200);
    let none: [&str; 0] = [];
    assert_eq!(orphans(&daemon), none);
}

#[test]
fn a_person_attaches_or_dismisses_an_orphan() {
    let daemon = Options::stripe().start();
    let options = daemon.options();
    let of = |name: &str| StripeSample::new("payment_intent.succeeded", name);
    deliver(&daemon, &[of("1"), of("2"), of("3").test_money()]);
    register(options, "cs_9", &["--order-id", "A-1009"]);
    let resolve = |more: &[&str]| {
        let mut args = vec!["orphans", "resolve"];
        args.extend(more);
        options.run(&args)
    };
    let said = |output: std::process::Output, code| {
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8_lossy(if code == 0 { &output.stdout } else { &output.stderr })
            .into_owned()
    };
    let note = ["1", "--transaction", "A-1009", "--note", "paid by the link in the mail"];
    let attached = said(resolve(&note), 0);
    assert_eq!(attached, "orphan 1 is part of transaction 4 now, which is succeeded\n");
    assert!(said(resolve(&note), 1).contains("resolved before: matched with 4"));
    assert!(
        said(resolve(&["3", "--transaction", "4"]), 1).contains("live and the other of test mode")
    );
    assert!(said(resolve(&["77", "--dismiss", "x"]), 1).contains("no orphan has the number 77"));
    assert!(said(resolve(&["2", "--transaction", "nothing"]), 1).contains("no transaction has"));
    said(resolve(&["2"]), 2);
    said(resolve(&["2", "--dismiss", "a trial of our own"]), 0);
    assert_eq!(
        orphans(&daemon),
        [
            "early|pi_1|succeeded|1|matched",
            "early|pi_2|succeeded|1|dismissed",
            "wrong_environment|pi_3|succeeded|0|-",
        ]
    );
    // Whatever comes with its ids goes the same way.
    deliver(
        &daemon,
        &[StripeSample::new("charge.dispute.created", "1").at("2024-11-24T00:00:00Z")],
    );
    let one = "SELECT status, amount_received FROM transactions";
    assert_eq!(daemon.database().rows(one), ["disputed|4999"]);
    // And stays, also when the order id leads nowhere any more.
    register(options, "cs_10", &["--order-id", "A-1009"]);
    assert_eq!(daemon.database().rows(one), ["disputed|4999", "pending|0"]);
    let why = options.done(&["events", "show", "evt_1_payment_intent.succeeded"]);
    assert!(why.contains("because a person attached its payment"), "{why}");
    // A dismissed one is adopted all the same.
    register(options, "pi_2", &[]);
    assert_eq!(orphans(&daemon)[1], "early|pi_2|succeeded|1|matched");
    daemon.database().assert_proved();
}

#[test]
fn what_a_person_says_is_anothers_stays_so_until_it_is_registered() {
    let options = Options::stripe().variable("PAYHOOKD_ORPHAN_GRACE", "0s");
    let daemon = options.start();
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.processing", "1"),
            StripeSample::new("payment_intent.processing", "2"),
        ],
    );
    let resolve = |args: &[&str]| options.run(&[&["orphans", "resolve"], args].concat());
    assert_eq!(resolve(&["1", "--foreign", "--dismiss", "x"]).status.code(), Some(2));
    assert!(resolve(&["1", "--foreign", "--note", "the other shop"]).status.success());
    assert_eq!(resolve(&["1", "--foreign"]).status.code(), Some(1), "it was resolved before");
    // What comes for it later changes neither that nor anything else.
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    assert_eq!(
        orphans(&daemon),
        ["foreign|pi_1|succeeded|0|dismissed", "early|pi_2|processing|1|-"]
    );
    assert_eq!(daemon.database().count("issues WHERE subject = '1' AND closed_at IS NULL"), 0);
    assert_eq!(inbox(&options, &["--kind", "foreign"]), [0; 0]);
    assert_eq!(inbox(&options, &["--all", "--kind", "foreign"]), [1]);
    assert!(options.done(&["orphans", "show", "1"]).contains("the other shop"));
    // The person was wrong.
    let transaction = register(&options, "pi_1", &[]);
    assert_eq!(transaction["status"], "succeeded");
    assert_eq!(orphans(&daemon)[0], "foreign|pi_1|succeeded|0|matched");
}

#[test]
fn an_order_id_that_becomes_ambiguous_lets_go_of_what_it_alone_led_to() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "pi_1", &["--order-id", "A-1001"]);
    let of = |name: &str| StripeSample::new("payment_intent.succeeded", name).order("A-1001");
    deliver(&daemon, &[of("1"), of("3")]);
    let one = "SELECT reference, status, amount_received, amount_check FROM transactions";
    assert_eq!(daemon.database().rows(one), ["pi_1|succeeded|9998|overpaid"]);
    register(daemon.options(), "pi_2", &["--order-id", "A-1001"]);
    assert_eq!(daemon.database().rows(one), ["pi_1|succeeded|4999|ok", "pi_2|pending|0|unknown"]);
    assert_eq!(orphans(&daemon), ["ambiguous|pi_3|succeeded|1|-"]);
    let went = "SELECT status, transaction_id FROM webhook_logs ORDER BY id";
    assert_eq!(daemon.database().rows(went), ["processed|1", "orphan|-"]);
    let why = daemon.options().done(&["events", "show", "evt_3_payment_intent.succeeded"]);
    assert!(why.contains("Transactions 1, 2 all have order A-1001"), "{why}");
    daemon.database().assert_proved();
}

#[test]
fn an_amount_that_was_not_ordered_is_a_warning() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "pi_1", &[]);
    register(daemon.options(), "pi_2", &[]);
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.succeeded", "1").amount(1999),
            StripeSample::new("payment_intent.succeeded", "2"),
        ],
    );
    let line = daemon.wait_for_line("event_id=evt_1_payment_intent.succeeded");
    assert!(line.contains("level=warn") && line.contains("amount_check=underpaid"), "{line}");
    let line = daemon.wait_for_line("event_id=evt_2_payment_intent.succeeded");
    assert!(line.contains("level=info") && !line.contains("amount_check"), "{line}");
    let one = "SELECT status, amount_check FROM transactions ORDER BY id";
    assert_eq!(daemon.database().rows(one), ["succeeded|underpaid", "succeeded|ok"]);
}

#[test]
fn a_command_does_as_the_daemon_was_told() {
    let options = Options::stripe().arg("--orphan-grace").arg("3h");
    let daemon = options.start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "3").order("A-1")]);
    register(daemon.options(), "pi_1", &["--order-id", "A-1"]);
    register(daemon.options(), "pi_2", &["--order-id", "A-1"]);
    let grace = "SELECT round((julianday(alert_at) - julianday(first_seen_at)) * 24, 6)
                 FROM orphan_transactions WHERE resolved_at IS NULL";
    assert_eq!(daemon.database().rows(grace), ["3"]);
}

#[test]
fn rules_that_can_not_be_meant_are_refused() {
    let refused = |flag: &str, value: &str| {
        let output = Options::stripe().arg(flag).arg(value).start_refused();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused("--own-metadata", "site").contains("give KEY=VALUE"));
    assert!(refused("--own-metadata", "=shop").contains("give KEY=VALUE"));
    assert!(refused("--order-id-key", "").contains("at least one character"));
    assert!(
        refused("--order-id-from", "email").contains("give one of metadata, client_reference_id")
    );
    assert!(refused("--own-account", "pi_1").contains("begins with acct_"));
    assert!(refused("--orphan-grace", "soon").contains("90s, 2m, 1h"));
    assert!(refused("--orphan-grace", "1.5h").contains("90s, 2m, 1h"));
}
