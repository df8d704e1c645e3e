//! How events find their transaction, in whatever order the two come.

use serde_json::{Value, json};

use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::{PaypalSample, SECRET, StripeSample, stripe_event};

/// Registers a transaction of 49.99 EUR, and returns what is said of it.
fn register(options: &Options, provider: &str, reference: &str, more: &[&str]) -> Value {
    let mut args = vec!["transactions", "add", "--provider", provider, "--reference", reference];
    args.extend(["--amount", "4999", "--currency", "EUR", "--json"]);
    args.extend(more);
    serde_json::from_str(&options.done(&args)).expect("JSON")
}

/// Delivers events of Stripe, each of which is new.
fn deliver(daemon: &Daemon, events: &[StripeSample]) {
    for event in events {
        assert_eq!(daemon.deliver_stripe(event.body()).text(), r#"{"received":true}"#);
    }
}

/// Each transaction's id, status, received, refunded and dispute status.
fn transactions(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows(
        "SELECT id, status, amount_received, amount_refunded, dispute_status
         FROM transactions ORDER BY id",
    )
}

/// Each event's outcome and transaction, in the order of their first delivery.
fn outcomes(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows("SELECT status, transaction_id FROM webhook_logs ORDER BY id")
}

/// Each orphan's reference, status and resolution.
fn orphans(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows(
        "SELECT reference, status, resolution, transaction_id FROM orphan_transactions ORDER BY id",
    )
}

const NONE: [&str; 0] = [];

#[test]
fn an_event_is_applied_to_the_transaction_that_is_registered() {
    let daemon = Options::stripe().start();
    let registered = register(daemon.options(), "stripe", "pi_1", &["--order-id", "A-1001"]);
    assert_eq!(registered["status"], "pending");
    assert_eq!(registered["livemode"], true);
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.processing", "1"),
            StripeSample::new("payment_intent.succeeded", "1").at("2024-11-23T11:52:04Z"),
        ],
    );
    assert_eq!(outcomes(&daemon), ["processed|1", "processed|1"]);
    assert_eq!(transactions(&daemon), ["1|succeeded|4999|0|none"]);
    assert_eq!(orphans(&daemon), NONE);
    let row = "SELECT provider, reference, order_id, amount, currency, received_currency,
                      amount_check, livemode, status_changed_at, version, latest_log_id
               FROM transactions";
    assert_eq!(
        daemon.database().rows(row),
        ["stripe|pi_1|A-1001|4999|EUR|EUR|ok|1|2024-11-23T11:52:04.000Z|3|2"]
    );
    let changes = "SELECT version, change, status, amount_received, log_id
                   FROM transaction_changes ORDER BY id";
    assert_eq!(
        daemon.database().rows(changes),
        [
            "1|transaction.registered|pending|0|-",
            "2|transaction.processing|processing|0|1",
            "3|transaction.succeeded|succeeded|4999|2",
        ]
    );
    let response = "SELECT json_extract(provider_response, '$.status') FROM transaction_details";
    assert_eq!(daemon.database().rows(response), ["succeeded"]);
}

#[test]
fn an_amount_that_is_not_the_expected_one_is_flagged() {
    let daemon = Options::stripe().start();
    for (name, paid, check) in
        [("1", 4999, "ok"), ("2", 4998, "underpaid"), ("3", 5000, "overpaid")]
    {
        register(daemon.options(), "stripe", &format!("pi_{name}"), &[]);
        let event = StripeSample::new("payment_intent.succeeded", name).amount(paid);
        deliver(&daemon, &[event]);
        let row = "SELECT status, amount_received, amount_check
                   FROM transactions ORDER BY id DESC LIMIT 1";
        assert_eq!(daemon.database().rows(row), [format!("succeeded|{paid}|{check}")]);
    }
    register(daemon.options(), "stripe", "pi_4", &[]);
    let dollars = stripe_event("payment_intent.succeeded", "4").replace("\"eur\"", "\"usd\"");
    assert_eq!(daemon.deliver_stripe(dollars).status, 200);
    let row = "SELECT status, received_currency, amount_check FROM transactions WHERE id = 4";
    assert_eq!(daemon.database().rows(row), ["succeeded|USD|wrong_currency"]);
}

#[test]
fn a_payment_that_came_first_waits_for_its_transaction() {
    let daemon = Options::stripe().start();
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.succeeded", "1"),
            StripeSample::new("charge.dispute.created", "1").at("2024-11-24T00:00:00Z"),
            StripeSample::new("payment_intent.processing", "2"),
        ],
    );
    assert_eq!(outcomes(&daemon), ["orphan|-", "orphan|-", "orphan|-"]);
    assert_eq!(orphans(&daemon), ["pi_1|disputed|-|-", "pi_2|processing|-|-"]);
    let registered = register(daemon.options(), "stripe", "pi_1", &[]);
    assert_eq!(registered["status"], "disputed");
    assert_eq!(registered["amount_received"], 4999);
    assert_eq!(outcomes(&daemon), ["processed|3", "processed|3", "orphan|-"]);
    assert_eq!(orphans(&daemon), ["pi_1|disputed|matched|3", "pi_2|processing|-|-"]);
    assert_eq!(transactions(&daemon), ["3|disputed|4999|0|open"]);
    // One that comes now goes straight to it.
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1").id("evt_more")]);
    assert_eq!(outcomes(&daemon)[3], "processed|3");
    daemon.database().assert_proved();
}

#[test]
fn a_payment_is_found_by_the_shops_own_order_id() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "stripe", "cs_1", &["--order-id", "A-1001"]);
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.succeeded", "1").order("A-1001"),
            StripeSample::new("payment_intent.succeeded", "2").order("A-1002"),
            StripeSample::new("payment_intent.succeeded", "3"),
            // Without the order id, but of the payment that it led to.
            StripeSample::new("charge.dispute.created", "1").at("2024-11-24T00:00:00Z"),
        ],
    );
    assert_eq!(outcomes(&daemon), ["processed|1", "orphan|-", "orphan|-", "processed|1"]);
    assert_eq!(transactions(&daemon), ["1|disputed|4999|0|open"]);

    // And the other way round.
    register(daemon.options(), "stripe", "cs_2", &["--order-id", "A-1002"]);
    assert_eq!(transactions(&daemon)[1], "4|succeeded|4999|0|none");
    assert_eq!(orphans(&daemon)[1], "pi_3|succeeded|-|-");
}

#[test]
fn ids_that_events_teach_lead_to_the_transaction() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "stripe", "pi_1", &[]);
    let dispute = |name: &str, charge: &str| {
        let sample = StripeSample::new("charge.dispute.created", name).parent(charge);
        let body = sample.at("2024-11-24T00:00:00Z").body();
        let of_charge =
            body.replace(&format!("\"payment_intent\": \"pi_{name}\""), "\"payment_intent\": null");
        assert_ne!(body, of_charge);
        of_charge
    };
    // Nobody knows that charge yet.
    assert_eq!(daemon.deliver_stripe(dispute("7", "ch_1")).status, 200);
    assert_eq!(orphans(&daemon), ["ch_1|-|-|-"]);
    // This event does, and the dispute comes home.
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    assert_eq!(orphans(&daemon), ["ch_1|-|matched|1"]);
    assert_eq!(transactions(&daemon), ["1|disputed|4999|0|open"]);
    // From now on the charge alone is enough.
    assert_eq!(daemon.deliver_stripe(dispute("8", "ch_1")).status, 200);
    assert_eq!(outcomes(&daemon), ["processed|1", "processed|1", "processed|1"]);
    let shown = daemon.options().done(&["transactions", "show", "ch_1", "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["reference"], "pi_1");
}

#[test]
fn orphans_that_turn_out_to_be_one_payment_become_one() {
    let daemon = Options::stripe().start();
    let body = StripeSample::new("charge.dispute.created", "7").parent("ch_1").body();
    let of_charge = body.replace("\"payment_intent\": \"pi_7\"", "\"payment_intent\": null");
    assert_eq!(daemon.deliver_stripe(of_charge).status, 200);
    deliver(&daemon, &[StripeSample::new("payment_intent.requires_action", "1")]);
    assert_eq!(orphans(&daemon), ["ch_1|-|-|-", "pi_1|requires_action|-|-"]);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    assert_eq!(orphans(&daemon), ["pi_1|disputed|-|-"]);
    let registered = register(daemon.options(), "stripe", "pi_1", &[]);
    assert_eq!(registered["status"], "disputed");
    assert_eq!(outcomes(&daemon), vec![format!("processed|{}", registered["id"]); 3]);
    daemon.database().assert_proved();
}

#[test]
fn test_money_never_meets_a_live_transaction() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "stripe", "pi_1", &["--order-id", "A-1001"]);
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.succeeded", "1").order("A-1001").test_money(),
            StripeSample::new("payment_intent.succeeded", "2").order("A-1001").test_money(),
            StripeSample::new("charge.dispute.created", "1").test_money(),
        ],
    );
    assert_eq!(transactions(&daemon), ["1|pending|0|0|none"]);
    assert_eq!(outcomes(&daemon), ["orphan|-", "orphan|-", "orphan|-"]);

    // The same ids once more, of test money.
    let order = ["--order-id", "A-1001", "--mode", "test"];
    let registered = register(daemon.options(), "stripe", "pi_1", &order);
    assert_eq!(
        (&registered["status"], &registered["livemode"]),
        (&json!("disputed"), &json!(false))
    );
    assert_eq!(transactions(&daemon)[0], "1|pending|0|0|none");
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1").id("evt_live")]);
    assert_eq!(transactions(&daemon)[0], "1|succeeded|4999|0|none");
    let modes = "SELECT DISTINCT l.livemode, t.livemode FROM webhook_logs l
                 JOIN transactions t ON t.id = l.transaction_id ORDER BY 1";
    assert_eq!(daemon.database().rows(modes), ["0|0", "1|1"]);
}

#[test]
fn an_order_id_that_two_transactions_have_leads_to_neither() {
    let daemon = Options::stripe().start();
    for reference in ["pi_1", "pi_2"] {
        register(daemon.options(), "stripe", reference, &["--order-id", "A-1001"]);
    }
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.succeeded", "3").order("A-1001"),
            StripeSample::new("payment_intent.payment_failed", "1").order("A-1001"),
            StripeSample::new("payment_intent.succeeded", "2").order("A-1001"),
        ],
    );
    assert_eq!(outcomes(&daemon), ["orphan|-", "processed|1", "processed|2"]);
    assert_eq!(transactions(&daemon), ["1|failed|0|0|none", "2|succeeded|4999|0|none"]);
    assert_eq!(orphans(&daemon), ["pi_3|succeeded|-|-"]);
}

#[test]
fn a_second_try_of_an_order_gets_its_events_when_it_is_registered() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "stripe", "pi_1", &["--order-id", "A-1001"]);
    deliver(
        &daemon,
        &[
            StripeSample::new("payment_intent.payment_failed", "1").order("A-1001"),
            // Not registered yet; only the order id leads anywhere.
            StripeSample::new("payment_intent.succeeded", "2")
                .order("A-1001")
                .at("2024-11-23T11:55:00Z"),
            StripeSample::new("charge.dispute.created", "2").at("2024-11-24T00:00:00Z"),
        ],
    );
    assert_eq!(outcomes(&daemon), vec!["processed|1"; 3]);
    assert_eq!(transactions(&daemon), ["1|disputed|4999|0|open"]);

    let registered = register(daemon.options(), "stripe", "pi_2", &["--order-id", "A-1001"]);
    assert_eq!(registered["status"], "disputed");
    assert_eq!(transactions(&daemon), ["1|failed|0|0|none", "2|disputed|4999|0|open"]);
    assert_eq!(outcomes(&daemon), ["processed|1", "processed|2", "processed|2"]);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "2").id("evt_more")]);
    assert_eq!(outcomes(&daemon)[3], "processed|2");
    daemon.database().assert_proved();
}

#[test]
fn a_refund_that_comes_before_its_sale_is_not_lost() {
    let certificates = Certificates::of_sandbox();
    let url = certificates.url("CERT-1");
    let sale = |name: &str| {
        PaypalSample::new("PAYMENT.SALE.COMPLETED", name).object(&format!("SALE-{name}")).body()
    };
    let refund = |name: &str| {
        PaypalSample::new("PAYMENT.SALE.REFUNDED", name)
            .parent(&format!("SALE-{name}"))
            .amount(1_999)
            .at("2024-11-25T09:00:00Z")
            .body()
    };
    let daemon = Options::paypal(certificates.fake.address).start();
    let mode = ["--mode", "test"];
    register(daemon.options(), "paypal", "PAY-1", &mode);
    for body in [refund("1"), sale("1"), sale("2"), refund("2"), refund("3"), sale("3")] {
        assert_eq!(daemon.deliver_paypal(&body, &url).text(), r#"{"received":true}"#);
    }
    for name in ["PAY-2", "PAY-3"] {
        register(daemon.options(), "paypal", name, &mode);
    }
    let rows = transactions(&daemon);
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert!(row.ends_with("|partially_refunded|4999|1999|none"), "{row}");
    }
    assert!(outcomes(&daemon).iter().all(|outcome| outcome.starts_with("processed|")));
}

#[test]
fn a_paypal_payment_is_found_by_its_order_and_by_the_shops_order_id() {
    let certificates = Certificates::of_sandbox();
    let url = certificates.url("CERT-1");
    let daemon = Options::paypal(certificates.fake.address).start();
    let mode = ["--mode", "test"];
    register(daemon.options(), "paypal", "ORDER-1", &mode);
    register(daemon.options(), "paypal", "SESSION-9", &["--mode", "test", "--order-id", "A-1002"]);
    let captured = |name: &str| PaypalSample::new("PAYMENT.CAPTURE.COMPLETED", name);
    let denied = PaypalSample::new("PAYMENT.CAPTURE.DENIED", "3").order("A-1003");
    for body in [captured("1").body(), captured("2").order("A-1002").body(), denied.body()] {
        assert_eq!(daemon.deliver_paypal(&body, &url).text(), r#"{"received":true}"#);
    }
    assert_eq!(outcomes(&daemon), ["processed|1", "processed|2", "orphan|-"]);
    assert_eq!(transactions(&daemon), ["1|succeeded|4999|0|none", "2|succeeded|4999|0|none"]);
}

#[test]
fn an_invoice_is_found_by_its_own_id_and_by_its_subscription() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "stripe", "in_1", &[]);
    register(daemon.options(), "stripe", "sub_2", &[]);
    let paid = |name: &str| {
        StripeSample::new("invoice.payment_succeeded", name)
            .object(&format!("in_{name}"))
            .reference(&format!("sub_{name}"))
    };
    deliver(&daemon, &[paid("1"), paid("2"), paid("3")]);
    assert_eq!(outcomes(&daemon), ["processed|1", "processed|2", "orphan|-"]);
    assert_eq!(transactions(&daemon), ["1|succeeded|4999|0|none", "2|succeeded|4999|0|none"]);
}

#[test]
fn the_same_id_at_the_other_provider_is_another_payment() {
    let daemon = Options::stripe().start();
    register(daemon.options(), "paypal", "pi_1", &["--order-id", "A-1001"]);
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1").order("A-1001")]);
    assert_eq!(outcomes(&daemon), ["orphan|-"]);
    assert_eq!(transactions(&daemon), ["1|pending|0|0|none"]);
}

/// Five events of one payment, told apart by seconds.
fn story(name: &str) -> Vec<StripeSample> {
    let at = |event_type, second: u32| {
        let charge = format!("ch_{name}");
        let sample =
            StripeSample::new(event_type, name).at(&format!("2024-11-23T11:52:{second:02}Z"));
        if event_type == "charge.dispute.created" { sample.parent(&charge) } else { sample }
    };
    vec![
        at("payment_intent.payment_failed", 1),
        at("payment_intent.requires_action", 2),
        at("payment_intent.processing", 3),
        at("payment_intent.succeeded", 4),
        at("charge.dispute.created", 5),
    ]
}

/// Every order of the numbers below `count`.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let with_last = |order: &Vec<usize>| {
        (0..count)
            .map(|place| {
                let mut order = order.clone();
                order.insert(place, count - 1);
                order
            })
            .collect::<Vec<_>>()
    };
    shorter.iter().flat_map(with_last).collect()
}

#[test]
fn every_order_of_events_ends_in_the_same_row() {
    let daemon = Options::stripe().start();
    let orders = permutations(5);
    assert_eq!(orders.len(), 120);
    let line = |number: usize| {
        let reference = format!("pi_{number}");
        let line = json!({ "provider": "stripe", "reference": reference, "amount": 4999, "currency": "EUR" });
        format!("{line}\n")
    };
    // The shop registers some before anything happens, and the others when all has happened.
    let import = |numbers: Vec<usize>| {
        let lines: String = numbers.into_iter().map(line).collect();
        let imported = daemon.options().run_with_input(&["transactions", "import", "-"], &lines);
        assert!(imported.status.success(), "{imported:?}");
    };
    let (before, after) = (0..orders.len()).partition(|number| number % 2 == 0);
    import(before);
    std::thread::scope(|scope| {
        for some in orders.iter().enumerate().collect::<Vec<_>>().chunks(30) {
            let (daemon, some) = (&daemon, some.to_vec());
            scope.spawn(move || {
                for (number, order) in some {
                    let story: Vec<_> =
                        story(&number.to_string()).iter().map(StripeSample::body).collect();
                    for (place, event) in order.iter().enumerate() {
                        assert_eq!(daemon.deliver_stripe(&story[*event]).status, 200);
                        // And one of them twice.
                        if number % 5 == place {
                            assert_eq!(daemon.deliver_stripe(&story[order[0]]).status, 200);
                        }
                    }
                }
            });
        }
    });
    import(after);
    let rows = "SELECT status, amount_received, amount_refunded, received_currency, dispute_status,
                       amount_check, status_changed_at, latest_event_type, count(*)
                FROM transaction_details GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";
    assert_eq!(
        daemon.database().rows(rows),
        ["disputed|4999|0|EUR|open|ok|2024-11-23T11:52:05.000Z|charge.dispute.created|120"]
    );
    assert_eq!(daemon.database().rows("SELECT DISTINCT status FROM webhook_logs"), ["processed"]);
    assert_eq!(daemon.database().count("webhook_logs"), 600);
    daemon.database().assert_proved();
}

#[test]
fn a_transaction_has_the_daemons_mode_unless_another_is_said() {
    let options = Options::new()
        .variable("STRIPE_WEBHOOK_SECRET", SECRET)
        .variable("STRIPE_SECRET_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc");
    options.start().terminate();
    let added = |arguments: &[&str]| -> Value {
        let mut all = vec!["transactions", "add", "--json", "--provider", "stripe", "--reference"];
        all.extend(arguments);
        serde_json::from_str(&options.done(&all)).expect("JSON")
    };
    assert_eq!(added(&["pi_daemons"])["livemode"], false);
    assert_eq!(added(&["pi_said", "--mode", "live"])["livemode"], true);
}
