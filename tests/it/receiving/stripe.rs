//! Which of Stripe's requests are believed.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::provider::{SECRET, STRIPE, stripe_event, stripe_signature, vectors};
use payhookd::domain::time::Timestamp;
use payhookd::providers::stripe::signature;
use payhookd::telemetry::clock::Clock;

/// Delivers a body under a signature header, or without one.
fn deliver(daemon: &Daemon, header: Option<&str>, body: &[u8]) -> Result<(), String> {
    let headers: Vec<_> = header.map(|header| ("stripe-signature", header)).into_iter().collect();
    let answer = daemon.post(STRIPE, &headers, body);
    match answer.status {
        200 => Ok(()),
        400 => Err(answer.reason().expect("a refusal gives its reason")),
        other => panic!("{other}: {}", answer.text()),
    }
}

/// What the daemon is set to in a vector, as text that vectors can be sorted by.
fn settings(vector: &Value) -> (String, i64, String) {
    let secrets = vector["secrets"].as_array().expect("secrets");
    let secrets = secrets.iter().map(|secret| match secret.as_str().expect("text") {
        // It can be guessed, so the daemon does not take it. It made none of the signatures.
        "whsec_third" => "whsec_third_and_longer",
        secret => secret,
    });
    let secrets: Vec<&str> = secrets.collect();
    let tolerance = vector["tolerance"].as_u64();
    (
        secrets.join(","),
        vector["now"].as_i64().expect("a time"),
        tolerance.map_or_else(|| "off".to_owned(), |seconds| seconds.to_string()),
    )
}

#[test]
fn every_signature_vector_is_accepted_or_refused_for_its_reason() {
    let vectors = vectors("stripe/signatures.json");
    assert!(vectors.len() >= 57);
    let mut groups: BTreeMap<_, Vec<&Value>> = BTreeMap::new();
    for vector in &vectors {
        groups.entry(settings(vector)).or_default().push(vector);
    }
    for ((secrets, now, tolerance), vectors) in groups {
        let now = Timestamp::from_unix_seconds(now).expect("in range");
        let options = Options::new()
            .variable("STRIPE_WEBHOOK_SECRET", &secrets)
            .arg("--stripe-tolerance")
            .arg(tolerance)
            .clock(now);
        if secrets.contains(' ') {
            let said = String::from_utf8(options.start_refused().stderr).expect("text");
            assert!(said.contains("STRIPE_WEBHOOK_SECRET: white space"), "{said}");
            continue;
        }
        let daemon = options.start();
        let mut refused = 0;
        for vector in vectors {
            let body = match vector["payload"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => {
                    STANDARD.decode(vector["payload_base64"].as_str().expect("text")).expect("b64")
                }
            };
            let before = daemon.database().snapshot();
            let expected = match vector["expect"].as_str() {
                Some("valid") => Ok(()),
                // It is genuine, and has an id: kept as failed, so that it is not sent for ever.
                _ if vector["id"] == "invalid-utf8-body" => Ok(()),
                _ => Err(vector["reason"].as_str().expect("a reason").to_owned()),
            };
            let decided = deliver(&daemon, vector["header"].as_str(), &body);
            assert_eq!(decided, expected, "{}", vector["id"]);
            if decided.is_err() {
                refused += 1;
                assert_eq!(daemon.database().snapshot(), before, "{}", vector["id"]);
            }
        }
        wait_until("the refusals are kept", || {
            daemon.database().count("rejected_requests") == refused
        });
    }
}

#[test]
fn a_header_that_is_junk_is_refused_and_nothing_breaks() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    for junk in [
        "I'm not even a real signature header",
        "t",
        "t,,",
        "v1,t=1",
        "t,v1=,v0",
        "t,v1=,",
        "=",
        "====",
        "t=1 2,v1=00",
        "t=0,v1=00",
        "t=0x10,v1=00",
        "t=\u{661}\u{662},v1=00",
        "\u{20ac}",
    ] {
        let decided = deliver(&daemon, Some(junk), body.as_bytes());
        assert_eq!(decided, Err("malformed_header".to_owned()), "{junk}");
    }
    let long = format!("t=1700000000{}", ",v1=00".repeat(2_000));
    assert_eq!(deliver(&daemon, Some(&long), body.as_bytes()), Err("bad_signature".to_owned()));
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    assert_eq!(daemon.deliver_stripe(&body).status, 200);
}

#[test]
fn a_signature_header_that_stands_twice_is_refused() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let signature = stripe_signature(body.as_bytes());
    for other in [&*signature, "t=1,v1=00", ""] {
        for (first, second) in [(&*signature, other), (other, &*signature)] {
            let headers = [("Stripe-Signature", first), ("stripe-signature", second)];
            let answer = daemon.post(STRIPE, &headers, &body);
            assert_eq!((answer.status, answer.reason()), (400, Some("malformed_header".into())));
        }
    }
    assert_eq!(daemon.database().count("webhook_logs"), 0);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let daemon = Options::stripe().start();
    let mut connection = daemon.connect();
    connection.send(b"POST /accounts/webhooks/stripe/ HTTP/1.1\r\nhost: payhookd\r\n");
    connection.send(b"stripe-signature: t=1700000000,v1=\xff\xfe\r\ncontent-length: 2\r\n\r\n{}");
    let answer = connection.answer();
    assert_eq!((answer.status, answer.reason()), (400, Some("malformed_header".into())));

    let answer = daemon.deliver_stripe(b"\xef\xbb\xbf{}");
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    for body in [&b"{\"id\":\"evt_\xff\xfe\"}"[..], b"{\"id\":\"\\ud800\"}"] {
        assert_eq!(daemon.deliver_stripe(body).status, 200, "{body:?}");
    }
    let kept = "SELECT count(*) FROM webhook_logs WHERE status = 'failed'";
    assert_eq!(daemon.database().one::<i64>(kept), 2);
}

#[test]
fn a_signature_is_good_for_five_minutes_unless_said_otherwise() {
    let body = stripe_event("payment_intent.succeeded", "1");
    let header = |seconds| {
        let signed_at = Timestamp::from_unix_seconds(seconds).expect("in range");
        signature::sign(body.as_bytes(), SECRET, signed_at)
    };
    let clock = |options: Options| options.clock("2023-11-14T22:13:20.001Z");
    let too_old = Err("timestamp_too_old".to_owned());

    let daemon = clock(Options::stripe()).start();
    assert_eq!(deliver(&daemon, Some(&header(1_700_000_000 - 299)), body.as_bytes()), Ok(()));
    // One millisecond too many.
    assert_eq!(deliver(&daemon, Some(&header(1_700_000_000 - 300)), body.as_bytes()), too_old);

    let daemon = clock(Options::stripe().variable("PAYHOOKD_STRIPE_TOLERANCE", 20)).start();
    assert_eq!(deliver(&daemon, Some(&header(1_700_000_000 - 15)), body.as_bytes()), Ok(()));
    assert_eq!(deliver(&daemon, Some(&header(1_700_000_000 - 25)), body.as_bytes()), too_old);

    let huge = 10_000_000_000_u64;
    let daemon = clock(Options::stripe().arg("--stripe-tolerance").arg(huge)).start();
    assert_eq!(deliver(&daemon, Some(&header(12_345)), body.as_bytes()), Ok(()));
    assert_eq!(daemon.database().count("webhook_logs"), 1);
}

#[test]
fn a_secret_can_be_rolled_without_a_gap() {
    let old = "whsec_before_it_was_rolled";
    let new = "whsec_after_it_was_rolled";
    let options = Options::new().variable("STRIPE_WEBHOOK_SECRET", format!("{old},{new}"));
    let daemon = options.start();
    for (secret, proof) in [(old, "secret 1"), (new, "secret 2")] {
        let body = stripe_event("payment_intent.succeeded", secret);
        let header = signature::sign(body.as_bytes(), secret, Clock::SYSTEM.now());
        assert_eq!(deliver(&daemon, Some(&header), body.as_bytes()), Ok(()));
        let query = "SELECT proof FROM webhook_logs ORDER BY id DESC LIMIT 1";
        assert_eq!(daemon.database().one::<String>(query), proof);
    }
}

#[test]
fn a_body_is_kept_to_the_byte_and_its_signature_is_not_kept() {
    let daemon = Options::stripe().start();
    let body =
        "{\"type\":\"a.b\" ,\n\t\"id\":\"evt_\\u20ac\",\"amount\":1.10,\"x\":\"\u{20ac}\"}\n";
    let signature = stripe_signature(body.as_bytes());
    let headers = [
        ("stripe-signature", &*signature),
        ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
        ("content-type", "application/json; charset=utf-8"),
        ("authorization", "Bearer of-no-concern"),
    ];
    assert_eq!(daemon.post(STRIPE, &headers, body).status, 200);
    let database = daemon.database();
    assert_eq!(database.one::<String>("SELECT payload FROM webhook_logs"), body);
    assert_eq!(database.one::<String>("SELECT event_id FROM webhook_logs"), "evt_\u{20ac}");
    let kept = database.one::<String>("SELECT headers FROM webhook_logs");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    assert_eq!(kept.as_object().map(serde_json::Map::len), Some(2), "{kept}");
    assert_eq!(kept["user-agent"], "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
    assert!(!database.snapshot().iter().any(|row| row.contains(&signature[20..])));
}
