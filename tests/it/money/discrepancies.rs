//! What the providers and the shop believe, compared.

use serde_json::{Value, json};

use crate::support::daemon::Options;
use crate::support::fake::Reply;
use crate::support::paypal_api::{PaypalApi, fault};
use crate::support::provider::stripe_event;
use crate::support::stripe_api::StripeApi;

const CREATED: i64 = 1_732_362_723;
const PERIOD: [&str; 4] = ["--from", "2024-11-01", "--to", "2090-01-01"];

fn add(options: &Options, provider: &str, reference: &str, amount: &str) {
    options.done(&[
        "transactions",
        "add",
        "--provider",
        provider,
        "--reference",
        reference,
        "--amount",
        amount,
        "--currency",
        "EUR",
    ]);
}

fn paid(name: &str, refunded: i64) -> Value {
    json!({
        "id": format!("pi_{name}"), "object": "payment_intent", "status": "succeeded",
        "amount": 4999, "amount_received": 4999, "currency": "eur", "livemode": true,
        "created": CREATED, "metadata": {},
        "latest_charge": {
            "id": format!("ch_{name}"), "object": "charge", "status": "succeeded",
            "captured": true, "amount": 4999, "amount_captured": 4999,
            "amount_refunded": refunded, "currency": "eur", "created": CREATED,
            "payment_intent": format!("pi_{name}"), "livemode": true,
        },
    })
}

/// What was told, as `kind reference remedy`.
fn told(options: &Options, more: &[&str]) -> (Vec<String>, String, Option<i32>) {
    let output = options.run(&[&["discrepancies", "--json"], &PERIOD[..], more].concat());
    let lines = String::from_utf8(output.stdout).expect("text");
    let mut told: Vec<String> = lines
        .lines()
        .map(|line| {
            let one: Value = serde_json::from_str(line).expect("JSON");
            let word = |name: &str| one[name].as_str().expect("text").to_owned();
            [word("kind"), word("reference"), word("remedy")].join(" ")
        })
        .collect();
    told.sort();
    (told, String::from_utf8(output.stderr).expect("text"), output.status.code())
}

#[test]
fn every_difference_is_told_with_what_resolves_it() {
    let api = StripeApi::start();
    let options = api.options(Options::stripe());
    let daemon = options.start();
    // As they should be.
    for name in ["good", "refunded", "short"] {
        add(
            &options,
            "stripe",
            &format!("pi_{name}"),
            if name == "short" { "9999" } else { "4999" },
        );
        daemon.deliver_stripe(stripe_event("payment_intent.succeeded", name));
        api.lists_payment(paid(name, if name == "refunded" { 1000 } else { 0 }));
    }
    // Its webhook never came.
    add(&options, "stripe", "pi_late", "4999");
    api.lists_payment(paid("late", 0));
    // The shop knows nothing of it; its event is here, or is not.
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "stray"));
    api.lists_payment(paid("stray", 0));
    api.lists_payment(paid("missed", 0));
    // Nobody expects money of an attempt.
    let mut tried = paid("tried", 0);
    tried["status"] = json!("requires_payment_method");
    tried["amount_received"] = json!(0);
    tried["latest_charge"] = Value::Null;
    api.lists_payment(tried);
    // Stripe knows nothing of it, or has it in another period.
    add(&options, "stripe", "pi_typo", "4999");
    add(&options, "stripe", "pi_older", "4999");
    api.has_object("/v1/payment_intents/pi_older", {
        let mut open = paid("older", 0);
        open["status"] = json!("requires_payment_method");
        open["amount_received"] = json!(0);
        open["latest_charge"] = Value::Null;
        open.to_string()
    });
    api.largest_page(2);

    let before = options.database().snapshot();
    let (differences, said, code) = told(&options, &[]);
    assert_eq!(
        differences,
        [
            "amount pi_refunded payhookd reconcile --object 2",
            "expected pi_short payhookd transactions show 3",
            "missed pi_missed payhookd reconcile --provider stripe --object pi_missed",
            "status pi_late payhookd reconcile --object 4",
            "unknown pi_typo payhookd transactions close 6",
            "unregistered pi_stray payhookd transactions add --provider stripe --reference pi_stray \
             --amount 4999 --currency EUR",
        ]
    );
    assert_eq!(code, Some(1));
    assert!(said.contains("7 payments listed, 2 transactions asked for"), "{said}");
    assert!(said.contains("6 discrepancies"), "{said}");
    assert_eq!(options.database().snapshot(), before);
    let table = options.run(&[&["discrepancies"], &PERIOD[..]].concat());
    let table = String::from_utf8(table.stdout).expect("text");
    assert!(table.contains("49.99 EUR received, 10.00 EUR refunded"), "{table}");

    // Each command resolves what it says it does.
    for paid_for in ["refunded", "late", "missed"] {
        let refunded = if paid_for == "refunded" { 1000 } else { 0 };
        let path = format!("/v1/payment_intents/pi_{paid_for}");
        api.has_object(&path, paid(paid_for, refunded).to_string());
    }
    for (place, command) in [(0, "2"), (3, "4")] {
        assert!(differences[place].ends_with(command));
        options.done(&["reconcile", "--object", command]);
    }
    options.done(&["reconcile", "--provider", "stripe", "--object", "pi_missed"]);
    options.done(&["transactions", "close", "6"]);
    for name in ["pi_missed", "pi_stray"] {
        add(&options, "stripe", name, "4999");
    }
    let (differences, _, code) = told(&options, &[]);
    assert_eq!(differences, ["expected pi_short payhookd transactions show 3"]);
    assert_eq!(code, Some(1));
}

#[test]
fn no_difference_is_success() {
    let api = StripeApi::start();
    let options = api.options(Options::stripe());
    let daemon = options.start();
    add(&options, "stripe", "pi_1", "4999");
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    api.lists_payment(paid("1", 0));
    let said = options.done(&[&["discrepancies"], &PERIOD[..]].concat());
    assert!(said.contains("no discrepancies from 2024-11-01T00:00:00.000Z"), "{said}");
    let output = options.run(&["discrepancies", "--from", "2024-11-02", "--to", "2024-11-01"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not before"));
    // A comparison that breaks off is no success.
    api.troubles((0..9).map(|_| Some(Reply::Answer(401, None, "{}".to_owned()))));
    let (_, said, code) = told(&options, &[]);
    assert!(code == Some(1) && said.contains("STRIPE_SECRET_KEY"), "{said}");
}

#[test]
fn without_the_permission_of_paypals_each_transaction_is_asked_for() {
    let api = PaypalApi::start();
    let options = api.options(Options::new());
    add(&options, "paypal", "ORDER1", "4250");
    // PayPal forgets what no buyer approved.
    add(&options, "paypal", "ORDER2", "4250");
    let money = json!({ "value": "42.50", "currency_code": "EUR" });
    let order = |status: &str, captures: Value| {
        json!({ "id": "ORDER", "status": status, "purchase_units": [{
            "amount": money, "payments": { "captures": captures } }] })
        .to_string()
        .replace("\"ORDER\"", "\"ORDER1\"")
    };
    let capture = json!({ "id": "CAP1", "status": "COMPLETED", "amount": money });
    api.has_object("/v2/checkout/orders/ORDER1", order("COMPLETED", json!([capture])));
    api.refuses("/v1/reporting/transactions", fault(403, "NOT_AUTHORIZED"));
    let (differences, said, code) = told(&options, &[]);
    assert_eq!(differences, ["status ORDER1 payhookd reconcile --object 1"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("not compared: payments that PayPal has and the shop has not"), "{said}");
    assert!(said.contains("Transaction Search"), "{said}");

    // With it, what PayPal has alone is told too.
    options.done(&["reconcile", "--object", "1"]);
    options.done(&["transactions", "close", "2"]);
    let entry = |id: &str, code: &str, value: &str, related: &str| {
        json!({ "transaction_info": {
            "transaction_id": id, "transaction_event_code": code, "transaction_status": "S",
            "paypal_reference_id": related, "paypal_reference_id_type": "ODR",
            "transaction_amount": { "value": value, "currency_code": "EUR" } } })
    };
    let list = json!({ "total_pages": 1, "transaction_details": [
        entry("CAP1", "T0006", "42.50", "ORDER1"),
        entry("REF1", "T1107", "-10.00", "CAP1"),
        entry("CAP9", "T0006", "5.00", "ORDER9"),
    ] });
    api.has_object("/v1/reporting/transactions", list.to_string());
    let period = ["--from", "2026-11-01", "--to", "2026-11-20"];
    let output = options.run(&[&["discrepancies", "--json"], &period[..]].concat());
    let lines = String::from_utf8(output.stdout).expect("text");
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| {
            let one: Value = serde_json::from_str(line).expect("JSON");
            format!("{} {}", one["kind"], one["reference"]).replace('"', "")
        })
        .collect();
    assert_eq!(kinds, ["amount ORDER1", "missed CAP9"]);
}
