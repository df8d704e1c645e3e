//! What stands in the log, and what never does.

use serde_json::Value;

use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::{
    PAYPAL, SECRET, STRIPE, StripeSample, WEBHOOK_ID, paypal_event, stripe_event, stripe_signature,
    transmission,
};

/// Keys and values of a line, or a panic if it is not of that form.
fn parse(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').unwrap_or_else(|| panic!("no key in {line}"));
        assert!(!key.is_empty() && !key.contains([' ', '"']), "{key:?} in {line}");
        let (value, after) = match after.strip_prefix('"') {
            None => after
                .split_once(' ')
                .map_or_else(|| (after.to_owned(), ""), |(value, after)| (value.to_owned(), after)),
            Some(quoted) => {
                let mut escaped = false;
                let end = quoted.find(|character| {
                    let ends = character == '"' && !escaped;
                    escaped = character == '\\' && !escaped;
                    ends
                });
                let end = end.unwrap_or_else(|| panic!("no closing quote in {line}"));
                let after = &quoted[end + 1..];
                assert!(after.is_empty() || after.starts_with(' '), "{line}");
                (quoted[..end].to_owned(), after.trim_start_matches(' '))
            }
        };
        pairs.push((key.to_owned(), value));
        rest = after;
    }
    pairs
}

/// Every line, parsed; among them those of webhooks.
fn webhook_lines(daemon: Daemon) -> Vec<Vec<(String, String)>> {
    let ended = daemon.terminate();
    let lines: Vec<_> = ended.log.lines().map(parse).collect();
    for line in &lines {
        let keys: Vec<_> = line.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys[..3], ["time", "level", "msg"], "{line:?}");
        assert_eq!(keys.iter().filter(|key| **key == "msg").count(), 1, "{line:?}");
    }
    let of_webhooks = |line: &Vec<(String, String)>| line[2].1 == "webhook";
    lines.into_iter().filter(of_webhooks).collect()
}

fn value<'l>(line: &'l [(String, String)], key: &str) -> Option<&'l str> {
    line.iter().find(|(known, _)| known == key).map(|(_, value)| &**value)
}

#[test]
fn each_webhook_has_one_line_with_what_became_of_it() {
    let daemon = Options::stripe().start();
    daemon.options().done(&[
        "transactions",
        "add",
        "--provider",
        "stripe",
        "--reference",
        "pi_1",
        "--amount",
        "4999",
        "--currency",
        "EUR",
    ]);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2"));
    daemon.deliver_stripe(stripe_event("customer.updated", "1"));
    daemon.deliver_stripe(r#"{"id":"evt_3","type":"payment_intent.succeeded"}"#);
    let lines = webhook_lines(daemon);
    let common = ["time", "level", "msg", "provider", "event_id", "event_type"];
    let measured = ["signature", "verify_us", "queue_us", "commit_us", "dur_us"];
    for (line, (level, outcome, transaction, status)) in lines.iter().zip([
        ("info", "processed", Some("1"), Some("succeeded")),
        ("info", "duplicate", Some("1"), None),
        ("info", "orphan", None, Some("succeeded")),
        ("info", "ignored", None, None),
        ("warn", "failed", None, None),
    ]) {
        let mut keys = common.to_vec();
        keys.extend(transaction.map(|_| "transaction_id"));
        keys.push("outcome");
        keys.extend(status.map(|_| "status"));
        keys.extend((outcome == "orphan").then_some("orphan"));
        keys.extend(measured);
        assert_eq!(line.iter().map(|(key, _)| &**key).collect::<Vec<_>>(), keys, "{line:?}");
        assert_eq!(value(line, "level"), Some(level), "{line:?}");
        assert_eq!(value(line, "provider"), Some("stripe"), "{line:?}");
        assert_eq!(value(line, "outcome"), Some(outcome), "{line:?}");
        assert_eq!(value(line, "transaction_id"), transaction, "{line:?}");
        assert_eq!(value(line, "status"), status, "{line:?}");
        assert_eq!(value(line, "signature"), Some("ok"), "{line:?}");
        for key in ["verify_us", "queue_us", "commit_us", "dur_us"] {
            let micros = value(line, key).and_then(|micros| micros.parse::<u64>().ok());
            assert!(micros.is_some_and(|micros| micros < 60_000_000), "{key} in {line:?}");
        }
    }
    assert_eq!(lines.len(), 5);
    assert_eq!(value(&lines[0], "event_id"), Some("evt_1_payment_intent.succeeded"));
    assert_eq!(value(&lines[3], "event_type"), Some("customer.updated"));
}

#[test]
fn no_event_can_forge_a_line_or_a_key() {
    let daemon = Options::stripe().start();
    let hostile = [
        "evt\\ntime=1 level=error msg=forged",
        "evt\\r\\nmsg=forged",
        "evt\\\" outcome=processed x=\\\"",
        "evt outcome=processed",
        "evt\\\\",
        "evt\\u001b[2J\\u009b2J\\u202e",
        "evt\\u2028msg=forged\\u0085msg=forged",
        "\\u0000",
        "=",
    ];
    for text in hostile {
        let body = format!(r#"{{"id":"{text}","type":"{text}"}}"#);
        assert_eq!(daemon.deliver_stripe(body).status, 200, "{text}");
    }
    let agent = [("user-agent", "a\" msg=forged"), ("stripe-signature", "t=1,v1=\" msg=forged")];
    assert_eq!(daemon.post(STRIPE, &agent, "{}").status, 400);
    let long = format!(r#"{{"id":"{}","type":"x"}}"#, "x".repeat(100_000));
    assert_eq!(daemon.deliver_stripe(long).status, 200);
    let lines = webhook_lines(daemon);
    assert_eq!(lines.len(), hostile.len() + 1);
    for line in &lines {
        // What can be no id is kept as failed.
        assert!(matches!(value(line, "outcome"), Some("ignored" | "failed")), "{line:?}");
        for (_, value) in line {
            assert!(!value.chars().any(char::is_control), "{value:?}");
            assert!(!value.contains(['\u{202e}', '\u{2028}']), "{value:?}");
            assert!(value.chars().count() < 400, "{value:?}");
        }
    }
}

#[test]
fn no_secret_signature_or_payload_stands_in_the_log() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address)
        .variable(
            "STRIPE_WEBHOOK_SECRET",
            format!("{SECRET},whsec_another_of_the_integration_tests"),
        )
        .variable("STRIPE_SECRET_KEY", "sk_test_of_the_shop_4eC39HqLyjWDarjtT1")
        .variable("STRIPE_PUBLISHABLE_KEY", "pk_test_of_the_shop_TYooMQauvdEDq54NiT")
        .variable("PAYPAL_CLIENT_SECRET", "paypals_secret_of_the_integration_tests")
        .variable("PAYHOOKD_LOG_LEVEL", "debug");
    let daemon = options.start();
    let stripe = StripeSample::new("payment_intent.succeeded", "1").order("buyer@shop.example");
    let stripe = stripe.test_money().body();
    let signature = stripe_signature(stripe.as_bytes());
    assert_eq!(daemon.post(STRIPE, &[("stripe-signature", &signature)], &stripe).status, 200);
    let wrong = signature.replace("v1=", "v1=0");
    assert_eq!(daemon.post(STRIPE, &[("stripe-signature", &wrong)], &stripe).status, 400);
    let secret_as_signature = [("stripe-signature", SECRET)];
    assert_eq!(daemon.post(STRIPE, &secret_as_signature, &stripe).status, 400);
    let paypal = paypal_event("PAYMENT.SALE.COMPLETED", "1");
    let headers = transmission(&paypal, "1", &certificates.url("CERT-1"));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    assert_eq!(daemon.post(PAYPAL, &headers, &paypal).status, 200);
    assert_eq!(daemon.post(PAYPAL, &headers, "{}").status, 400);
    let paypal_signature = headers.iter().find(|(name, _)| name.ends_with("-sig"));
    let paypal_signature = paypal_signature.expect("a signature").1;
    let log = daemon.terminate().log;
    for never in [
        SECRET,
        "whsec_",
        "of_the_shop",
        "paypals_secret",
        &signature[signature.len() - 64..],
        &paypal_signature[..40],
        "buyer@shop.example",
        "4999",
        "49.99",
        WEBHOOK_ID,
    ] {
        assert!(!log.contains(never), "{never} stands in\n{log}");
    }
    assert!(log.contains("PAYMENT.SALE.COMPLETED"), "{log}");
}

/// What a sender would write to be believed by whoever reads the log, with a buyer's address in it.
const HOSTILE: &str =
    "x\ntime=1 level=error msg=forged \" msg=forged \u{1b}[2J\u{202e} buyer@shop.example";

/// Copies of an object, each with one more of its texts hostile, and one in which all of them are.
/// What an object is stays: otherwise nothing of it would be read.
fn with_hostile_texts(object: &Value) -> Vec<Value> {
    fn texts(value: &mut Value, visit: &mut impl FnMut(&mut Value)) {
        match value {
            Value::String(_) => visit(value),
            Value::Array(items) => items.iter_mut().for_each(|item| texts(item, visit)),
            Value::Object(fields) => {
                let of_form = |key: &str| ["object", "type", "event_type"].contains(&key);
                let fields =
                    fields.iter_mut().filter(|(key, value)| !of_form(key) || !value.is_string());
                fields.for_each(|(_, value)| texts(value, visit));
            }
            _ => {}
        }
    }
    let mut all = object.clone();
    let mut number = 0;
    texts(&mut all, &mut |text| {
        *text = Value::from(format!("{number} {HOSTILE}"));
        number += 1;
    });
    let one = |place: usize| {
        let mut copy = object.clone();
        let mut seen = 0;
        texts(&mut copy, &mut |text| {
            if seen == place {
                *text = Value::from(HOSTILE);
            }
            seen += 1;
        });
        // Each is an event of its own, unless it is the id that is hostile.
        if copy["id"] == object["id"] {
            copy["id"] =
                Value::from(format!("{}_{place}", object["id"].as_str().unwrap_or_default()));
        }
        copy
    };
    (0..number).map(one).chain([all]).collect()
}

fn vector(path: &str) -> Value {
    let path = format!("{}/tests/data/vectors/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a vector");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn nothing_that_a_sender_chooses_can_put_more_into_the_log_than_a_value() {
    let certificates = Certificates::of_sandbox();
    let app = Fake::start(|_| {
        let header = ("retry-after", "buyer@shop.example".to_owned());
        Reply::Answer(500, Some(header), HOSTILE.to_owned())
    });
    let notify_secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    let options = Options::paypal(certificates.fake.address)
        .variable("STRIPE_WEBHOOK_SECRET", SECRET)
        .variable("PAYHOOKD_NOTIFY_URL", format!("http://{}/told?key=of_the_url", app.address))
        .variable("PAYHOOKD_NOTIFY_SECRET", notify_secret)
        .variable("PAYHOOKD_API_TOKEN", "token_of_the_shops_app")
        .variable("PAYHOOKD_ORPHAN_GRACE", "1s")
        .variable("PAYHOOKD_LOG_LEVEL", "debug");
    let daemon = options.start();
    let mut signatures = Vec::new();
    // Every field of a payment, a dispute and a refund.
    for name in [
        "payment_intent.succeeded__2020-08-27",
        "charge.dispute.created__2020-08-27__inquiry",
        "charge.refunded__2025-12-15.clover",
    ] {
        for mut event in with_hostile_texts(&vector(&format!("stripe/events/{name}.json"))) {
            event["livemode"] = Value::from(false);
            let body = event.to_string();
            let signature = stripe_signature(body.as_bytes());
            let headers = [("stripe-signature", &*signature), ("user-agent", HOSTILE_HEADER)];
            let status = daemon.post(STRIPE, &headers, &body).status;
            assert!([200, 400].contains(&status), "{status}: {body}");
            signatures.push(signature[signature.len() - 64..].to_owned());
        }
    }
    let event = vector("paypal/events/CHECKOUT.ORDER.APPROVED__v2.json");
    for (number, event) in with_hostile_texts(&event).iter().enumerate() {
        let body = event.to_string();
        let headers = transmission(&body, &number.to_string(), &certificates.url("CERT-1"));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        let status = daemon.post(PAYPAL, &headers, &body).status;
        assert!([200, 400].contains(&status), "{status}: {body}");
        let signature = headers.iter().find(|(name, _)| name.ends_with("-sig"));
        signatures.push(signature.expect("a signature").1[..40].to_owned());
    }
    // Every header of both, and every path.
    for (path, names) in [
        (STRIPE, &["stripe-signature", "user-agent", "content-type", "x-forwarded-for"][..]),
        (
            PAYPAL,
            &[
                "paypal-transmission-id",
                "paypal-transmission-time",
                "paypal-transmission-sig",
                "paypal-cert-url",
                "paypal-auth-algo",
            ],
        ),
    ] {
        let body = paypal_event("PAYMENT.SALE.COMPLETED", "1");
        for hostile in names {
            let mut headers = transmission(&body, "hostile", &certificates.url("CERT-1"));
            headers.retain(|(name, _)| name != hostile);
            let mut headers: Vec<_> =
                headers.iter().map(|(name, value)| (*name, &**value)).collect();
            headers.push((hostile, HOSTILE_HEADER));
            daemon.post(path, &headers, &body);
        }
    }
    let asked = "/api/v1/buyer@shop.example?token=token_of_the_shops_app&x=msg=forged";
    assert_eq!(daemon.get_admin(asked).status, 401);
    assert_eq!(daemon.get(asked).status, 404);
    // An order id that is an address is the shop's own choice, and still nobody's to read in a log.
    options.done(&[
        "transactions",
        "add",
        "--provider",
        "stripe",
        "--reference",
        "pi_of_the_shop",
        "--order-id",
        "buyer@shop.example",
    ]);
    daemon.wait_for_line("msg=issue ");
    daemon.wait_for_line("msg=\"notification failed\"");

    let log = daemon.terminate().log;
    for line in log.lines() {
        let pairs = parse(line);
        let keys: Vec<_> = pairs.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys[..3], ["time", "level", "msg"], "{line}");
        assert_eq!(keys.iter().filter(|key| **key == "msg").count(), 1, "{line}");
        assert_ne!(pairs[2].1, "forged", "{line}");
        assert!(!line.contains(|it: char| it.is_control() || it == '\u{202e}'), "{line:?}");
    }
    for never in [
        SECRET,
        "whsec_",
        WEBHOOK_ID,
        "token_of_the_shops_app",
        "of_the_url",
        "shop.example",
        "example.com",
        "Test Buyer",
    ] {
        let line = log.lines().find(|line| line.contains(never));
        assert_eq!(line, None, "{never} stands in it");
    }
    for signature in signatures {
        assert!(!log.contains(&signature), "a signature stands in it: {signature}");
    }
}

/// The same for a header, which takes no ends of lines.
const HOSTILE_HEADER: &str = "x\" msg=forged level=error buyer@shop.example";

#[test]
fn lines_may_be_json() {
    let daemon = Options::stripe().arg("--log-format").arg("json").start();
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    daemon.deliver_stripe(r#"{"id":"evt\"} {2","type":"customer.updated"}"#);
    let ended = daemon.terminate();
    let parsed = |line| serde_json::from_str::<Value>(line).expect("JSON");
    let lines: Vec<_> = ended.log.lines().map(parsed).collect();
    let webhooks: Vec<_> = lines.iter().filter(|line| line["msg"] == "webhook").collect();
    assert_eq!(webhooks.len(), 2, "{}", ended.log);
    assert_eq!(webhooks[0]["event_id"], "evt_1_payment_intent.succeeded");
    assert_eq!(webhooks[0]["outcome"], "orphan");
    assert!(webhooks[0]["dur_us"].is_u64(), "{}", webhooks[0]);
    assert_eq!(webhooks[1]["event_id"], "evt\"} {2");
}

#[test]
fn the_journal_gets_priorities_in_place_of_times() {
    let of_journal = "export JOURNAL_STREAM=$(stat -L -c '%d:%i' /proc/$$/fd/2)";
    let daemon = Options::stripe().through_shell(of_journal).start();
    daemon.deliver_stripe(r#"{"id":"evt_1","type":"payment_intent.succeeded"}"#);
    let log = daemon.terminate().log;
    assert!(log.starts_with("<6>level=info msg="), "{log}");
    assert!(log.contains("\n<6>level=info msg=started "), "{log}");
    assert!(log.contains("\n<4>level=warn msg=webhook "), "{log}");
    assert!(!log.contains("time="), "{log}");
}

#[test]
fn the_journal_gets_what_prevents_a_start_as_an_error() {
    let of_journal = "export JOURNAL_STREAM=$(stat -L -c '%d:%i' /proc/$$/fd/2)";
    let output = Options::new().through_shell(of_journal).start_refused();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("<3>payhookd: the configuration can't be used:"), "{said}");
    assert!(said.lines().all(|line| line.starts_with("<3>")), "{said}");
}
