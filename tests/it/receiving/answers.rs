//! What a provider is answered, and what is kept of what it sent.

use std::io::Write;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use payhookd::domain::refusal::Refusal;
use serde_json::Value;

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::provider::{PAYPAL, STRIPE, StripeSample, stripe_event, stripe_signature};
use crate::support::wire::{Answer, Connection};

const RECEIVED: &str = r#"{"received":true}"#;
const DUPLICATE: &str = r#"{"received":true,"duplicate":true}"#;

fn assert_says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.text()), (status, body));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

/// Status and error of the newest event.
fn newest(daemon: &Daemon) -> String {
    let query = "SELECT status, event_type, error FROM webhook_logs ORDER BY id DESC LIMIT 1";
    daemon.database().rows(query).remove(0)
}

#[test]
fn an_event_is_kept_once_and_its_deliveries_are_counted() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    assert_says(&daemon.deliver_stripe(&body), 200, RECEIVED);
    assert_says(&daemon.deliver_stripe(&body), 200, DUPLICATE);
    assert_says(&daemon.deliver_stripe(&body), 200, DUPLICATE);
    // Stripe renders one event in the version of each endpoint.
    let other_version = body.replace("\"api_version\": \"", "\"api_version\": \"2020-08-27 or ");
    assert_ne!(body, other_version);
    assert_says(&daemon.deliver_stripe(&other_version), 200, DUPLICATE);
    let database = daemon.database();
    assert_eq!(database.count("webhook_logs"), 1);
    let counted = "SELECT delivery_count, last_received_at > received_at, payload = ?
                   FROM webhook_logs"
        .replace('?', &format!("'{}'", body.replace('\'', "''")));
    assert_eq!(database.rows(&counted), ["4|1|1"]);
    assert_eq!(database.count("orphan_transactions"), 1);
}

#[test]
fn ten_deliveries_at_once_are_one_event() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let together = Barrier::new(10);
    let mut said: Vec<String> = std::thread::scope(|scope| {
        let deliveries: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    daemon.deliver_stripe(&body).text().to_owned()
                })
            })
            .collect();
        deliveries.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    said.sort_unstable();
    assert_eq!(said[..9], [DUPLICATE; 9]);
    assert_eq!(said[9], RECEIVED);
    let database = daemon.database();
    assert_eq!(database.rows("SELECT delivery_count FROM webhook_logs"), ["10"]);
    assert_eq!(database.count("orphan_transactions"), 1);
    assert_eq!(database.count("transaction_events"), 1);
}

#[test]
fn a_type_that_nobody_acts_on_is_kept_as_ignored() {
    let daemon = Options::stripe().start();
    assert_says(&daemon.deliver_stripe(stripe_event("customer.updated", "1")), 200, RECEIVED);
    let kept = newest(&daemon);
    assert!(kept.starts_with("ignored|customer.updated|"), "{kept}");
    assert_says(&daemon.deliver_stripe(r#"{"id":"evt_2","type":"v9.new"}"#), 200, RECEIVED);
    let kept = newest(&daemon);
    assert!(kept.starts_with("ignored|v9.new|"), "{kept}");
    assert_eq!(daemon.database().count("transaction_events"), 0);
    assert_eq!(daemon.database().count("orphan_transactions"), 0);
}

#[test]
fn an_event_that_cannot_be_understood_is_kept_as_failed() {
    let daemon = Options::stripe().start();
    let whole = stripe_event("payment_intent.succeeded", "1");
    for (number, (spoilt, why)) in [
        (whole.replace("\"id\": \"pi_1\"", "\"id\": 7"), "id"),
        (whole.replace("\"currency\": \"eur\"", "\"currency\": 978"), "currency"),
        (whole.replace("\"created\": 1", "\"created\": \"once\", \"was\": 1"), "created"),
        (whole.replace("\"data\": {", "\"data\": 1, \"was\": {"), "data"),
    ]
    .into_iter()
    .enumerate()
    {
        let spoilt = spoilt.replace("evt_1_", &format!("evt_{number}_"));
        assert_says(&daemon.deliver_stripe(&spoilt), 200, RECEIVED);
        let kept = newest(&daemon);
        let error = kept.strip_prefix("failed|payment_intent.succeeded|");
        assert!(error.is_some_and(|error| error.contains(why)), "{why}: {kept}");
    }
    assert_eq!(daemon.database().count("transaction_events"), 0);
    daemon.wait_for_line("outcome=failed");
    // And it is known when it comes again.
    let again = whole.replace("\"id\": \"pi_1\"", "\"id\": 7").replace("evt_1_", "evt_0_");
    assert_says(&daemon.deliver_stripe(again), 200, DUPLICATE);
}

#[test]
fn what_is_genuine_but_no_event_is_refused_and_remembered() {
    let daemon = Options::stripe().start();
    for (body, reason) in [
        ("{}", Refusal::NotAnEvent),
        ("[]", Refusal::NotAnEvent),
        ("[{\"id\":\"evt_1\"}]", Refusal::NotAnEvent),
        ("3", Refusal::NotAnEvent),
        ("\"evt_1\"", Refusal::NotAnEvent),
        ("null", Refusal::NotAnEvent),
        ("{\"id\":\"\"}", Refusal::NotAnEvent),
        ("{\"id\":1}", Refusal::NotAnEvent),
        ("{\"id\":\"evt_1\"", Refusal::InvalidJson),
        ("{\"id\":\"evt_1\"}}", Refusal::InvalidJson),
        ("payment", Refusal::InvalidJson),
        (" ", Refusal::InvalidJson),
    ] {
        let signature = stripe_signature(body.as_bytes());
        let headers = [("stripe-signature", &*signature), ("user-agent", "Nobody/1.0")];
        let answer = daemon.post(STRIPE, &headers, body);
        let said = format!(r#"{{"error":"refused","reason":"{reason}"}}"#);
        assert_says(&answer, 400, &said);
        let newest = "SELECT provider, reason, payload_bytes, user_agent
                      FROM rejected_requests ORDER BY id DESC LIMIT 1";
        let kept = format!("stripe|{reason}|{}|Nobody/1.0", body.len());
        wait_until("the refusal is kept", || daemon.database().rows(newest).first() == Some(&kept));
    }
    assert_eq!(daemon.database().count("webhook_logs"), 0);
}

#[test]
fn json_nested_without_end_is_refused_and_nothing_breaks() {
    let daemon = Options::stripe().start();
    for body in [
        format!("{{\"id\":\"evt_1\",\"x\":{}", "[".repeat(500_000)),
        format!("{{\"id\":\"evt_1\",\"x\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000)),
        format!(
            "{{\"id\":\"evt_1\",\"data\":{}1{}",
            "{\"object\":".repeat(9_000),
            "}".repeat(9_001)
        ),
    ] {
        let answer = daemon.deliver_stripe(&body);
        assert!([200, 400].contains(&answer.status), "{}", answer.text());
    }
    assert_says(
        &daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")),
        200,
        RECEIVED,
    );
}

#[test]
fn the_final_slash_is_optional_and_everything_else_is_not_found() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let signature = stripe_signature(body.as_bytes());
    let headers = [("stripe-signature", &*signature)];
    assert_says(&daemon.post("/accounts/webhooks/stripe", &headers, &body), 200, RECEIVED);
    assert_says(&daemon.post("/accounts/webhooks/stripe/", &headers, &body), 200, DUPLICATE);
    assert_says(&daemon.post("/accounts/webhooks/stripe/?a=b", &headers, &body), 200, DUPLICATE);
    for path in [
        "/",
        "/accounts/webhooks",
        "/accounts/webhooks/",
        "/accounts/webhooks/stripe/more",
        "/accounts/webhooks/Stripe/",
        "/accounts/webhooks/klarna/",
        "/accounts/webhooks/stripe%2f",
        "/webhooks/stripe/",
        "/healthz/more",
        "/readyz",
        "/metrics",
        "/api/v1/transactions",
    ] {
        assert_says(&daemon.post(path, &headers, &body), 404, r#"{"error":"not found"}"#);
        assert_says(&daemon.get(path), 404, r#"{"error":"not found"}"#);
    }
}

#[test]
fn another_method_is_told_which_is_allowed() {
    let daemon = Options::stripe().start();
    let said = r#"{"error":"method not allowed"}"#;
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for path in [STRIPE, PAYPAL, "/accounts/webhooks/stripe"] {
            let answer = daemon.request(method, path, &[], "");
            assert_says(&answer, 405, said);
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
        }
    }
    let answer = daemon.post("/healthz", &[], "");
    assert_says(&answer, 405, said);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
}

#[test]
fn health_is_told_to_everybody_and_readiness_on_the_box() {
    let daemon = Options::stripe().start();
    assert_says(&daemon.get("/healthz"), 200, r#"{"status":"ok"}"#);
    let mut connection = daemon.connect();
    connection.send("HEAD /healthz HTTP/1.1\r\nhost: payhookd\r\nconnection: close\r\n\r\n");
    assert!(connection.rest().starts_with("HTTP/1.1 200 "));
    assert_says(&daemon.get_admin("/readyz"), 200, READY);
    let body = stripe_event("payment_intent.succeeded", "1");
    let signature = stripe_signature(body.as_bytes());
    let headers = [("stripe-signature", &*signature)];
    let answer = Connection::open(daemon.admin).request("POST", STRIPE, &headers, &body);
    assert_eq!(answer.status, 401);
    assert_eq!(Connection::open(daemon.admin).request("POST", "/readyz", &[], "").status, 405);
}

#[test]
fn a_provider_that_is_not_configured_comes_again_later() {
    let daemon = Options::stripe().start();
    for _ in 0..3 {
        let answer = daemon.post(PAYPAL, &[], "{}");
        assert_says(&answer, 503, r#"{"error":"paypal is not configured"}"#);
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(daemon.database().count("rejected_requests"), 0);
    let log = daemon.terminate().log;
    assert_eq!(log.matches("not configured").count(), 1, "{log}");

    let daemon =
        Options::new().variable("PAYPAL_WEBHOOK_ID", crate::support::provider::WEBHOOK_ID).start();
    let answer = daemon.deliver_stripe("{}");
    assert_says(&answer, 503, r#"{"error":"stripe is not configured"}"#);
}

/// A genuine event of exactly this many bytes.
fn event_of(bytes: usize) -> String {
    let event = stripe_event("payment_intent.succeeded", "1");
    let room = bytes.checked_sub(event.len()).expect("room for an event");
    format!("{event}{}", " ".repeat(room))
}

/// The request in which `body` comes in pieces.
fn chunked(body: &str, piece: usize) -> Vec<u8> {
    let signature = stripe_signature(body.as_bytes());
    let mut request = format!(
        "POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\ntransfer-encoding: chunked\r\n\
         stripe-signature: {signature}\r\n\r\n"
    )
    .into_bytes();
    for piece in body.as_bytes().chunks(piece) {
        write!(request, "{:x}\r\n", piece.len()).expect("written to memory");
        request.extend(piece);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

#[test]
fn a_body_may_be_as_large_as_allowed_and_not_a_byte_larger() {
    const MIB: usize = 1024 * 1024;
    let said = r#"{"error":"the body is too large"}"#;
    for (options, largest) in [
        (Options::stripe(), MIB),
        (Options::stripe().arg("--max-body=8192"), 8_192),
        (Options::stripe().variable("PAYHOOKD_MAX_BODY", 2 * MIB), 2 * MIB),
    ] {
        let daemon = options.start();
        assert_says(&daemon.deliver_stripe(event_of(largest + 1)), 413, said);
        assert_eq!(daemon.database().count("webhook_logs"), 0);
        assert_says(&daemon.deliver_stripe(event_of(largest)), 200, RECEIVED);

        let mut connection = daemon.connect();
        connection.send(chunked(&event_of(largest), 5_000));
        assert_says(&connection.answer(), 200, DUPLICATE);
        // The rest is not read: it would be taken for the next request.
        let refused = connection.try_send(chunked(&event_of(largest + 1), 5_000));
        if refused.is_ok() {
            let answer = connection.answer();
            assert_says(&answer, 413, said);
            assert_eq!(answer.header("connection"), Some("close"));
        }
        assert_eq!(daemon.get("/healthz").status, 200);
        let length = daemon.database().one::<i64>("SELECT length(payload) FROM webhook_logs");
        assert_eq!(usize::try_from(length), Ok(largest));
    }
}

#[test]
fn a_body_may_come_in_pieces_of_any_size() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let mut connection = daemon.connect();
    connection.send(chunked(&body, body.len()));
    assert_says(&connection.answer(), 200, RECEIVED);
    connection.send(chunked(&body, 1));
    assert_says(&connection.answer(), 200, DUPLICATE);
    let request = chunked(&body, 100);
    for piece in request.chunks(37) {
        connection.send(piece);
    }
    assert_says(&connection.answer(), 200, DUPLICATE);
    assert_eq!(daemon.database().one::<String>("SELECT payload FROM webhook_logs"), body);
}

#[test]
fn a_sender_may_ask_before_it_sends_the_body() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let signature = stripe_signature(body.as_bytes());
    let mut connection = daemon.connect();
    connection.send(format!(
        "POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\nexpect: 100-continue\r\n\
         content-length: {}\r\nstripe-signature: {signature}\r\n\r\n",
        body.len()
    ));
    assert_eq!(connection.answer().status, 100);
    connection.send(&body);
    assert_says(&connection.answer(), 200, RECEIVED);
}

#[test]
fn one_connection_carries_many_requests_whatever_they_are_answered() {
    let daemon = Options::stripe().start();
    let mut connection = daemon.connect();
    for number in 0..5 {
        let body = stripe_event("payment_intent.processing", &number.to_string());
        let signature = stripe_signature(body.as_bytes());
        let genuine = [("stripe-signature", &*signature)];
        assert_says(&connection.request("POST", STRIPE, &genuine, &body), 200, RECEIVED);
        assert_says(&connection.request("POST", STRIPE, &genuine, &body), 200, DUPLICATE);
        assert_eq!(connection.request("POST", STRIPE, &genuine, "{}").status, 400);
        assert_eq!(connection.request("POST", STRIPE, &[], &body).status, 400);
        assert_eq!(connection.request("POST", "/elsewhere", &[], &body).status, 404);
        assert_eq!(connection.request("PUT", STRIPE, &[], &body).status, 405);
        assert_eq!(connection.request("POST", PAYPAL, &[], &body).status, 503);
        assert_eq!(connection.request("GET", "/healthz", &[], "").status, 200);
    }
    // Two at once are answered in their order.
    let bodies = ["1", "9"].map(|name| stripe_event("payment_intent.succeeded", name));
    for body in &bodies {
        let signature = stripe_signature(body.as_bytes());
        connection.send_request("POST", STRIPE, &[("stripe-signature", &signature)], body);
    }
    connection.send_request("GET", "/healthz", &[], "");
    assert_says(&connection.answer(), 200, RECEIVED);
    assert_says(&connection.answer(), 200, RECEIVED);
    assert_says(&connection.answer(), 200, r#"{"status":"ok"}"#);
    assert_eq!(daemon.database().count("webhook_logs"), 7);
}

#[test]
fn headers_without_end_are_cut_off() {
    let daemon = Options::stripe().start();
    let long = "x".repeat(20 * 1024);
    let mut connection = daemon.connect();
    connection.send_request("POST", STRIPE, &[("stripe-signature", &long)], "{}");
    let answer = connection.answer_or_end();
    assert!(answer.is_none_or(|answer| answer.status == 431));

    let mut connection = daemon.connect();
    let mut request = format!("POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\n");
    for number in 0..1_000 {
        request.push_str(&format!("x-{number}: {number}\r\n"));
    }
    let _ = connection.try_send(request);
    let answer = connection.answer_or_end();
    assert!(answer.is_none_or(|answer| answer.status == 431));
    assert_eq!(daemon.get("/healthz").status, 200);
}

#[test]
fn who_sends_too_slowly_is_cut_off_and_delays_nobody() {
    let daemon = Arc::new(Options::stripe().start());
    let body = stripe_event("payment_intent.succeeded", "1");
    let signature = stripe_signature(body.as_bytes());
    let began = Instant::now();
    let head = format!(
        "POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\nstripe-signature: {signature}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let beginnings = [
        format!("{head}{}", &body[..body.len() - 1]),
        head.clone(),
        head[..head.len() - 2].to_owned(),
        "P".to_owned(),
        String::new(),
        format!("POST {STRIPE} HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{{"),
    ];
    let slow: Vec<_> = beginnings
        .into_iter()
        .map(|beginning| {
            let daemon = Arc::clone(&daemon);
            std::thread::spawn(move || {
                let mut connection = daemon.connect();
                connection.send(&beginning);
                let answer = connection.answer_or_end();
                assert!(answer.is_none_or(|answer| answer.status == 408), "{beginning}");
            })
        })
        .collect();
    assert_says(&daemon.deliver_stripe(&body), 200, RECEIVED);
    assert!(began.elapsed().as_secs() < 8, "the slow ones delayed the others");
    for one in slow {
        one.join().expect("cut off");
    }
    assert!(began.elapsed().as_secs() >= 9, "cut off too early: {:?}", began.elapsed());
    assert_says(&daemon.deliver_stripe(&body), 200, DUPLICATE);
}

#[test]
fn a_body_that_breaks_off_is_not_an_event() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let signature = stripe_signature(body.as_bytes());
    let mut connection = daemon.connect();
    connection.send(format!(
        "POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\nstripe-signature: {signature}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len() + 1
    ));
    connection.finish();
    let answer = connection.answer_or_end();
    assert!(answer.is_none_or(|answer| answer.status == 400));
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    assert_says(&daemon.deliver_stripe(&body), 200, RECEIVED);
}

#[test]
fn what_cannot_be_written_comes_again_and_is_kept_then() {
    let options = Options::stripe();
    let fault = options.file("fault", "");
    let daemon = options.clone().arg("--unsafe-test-faults").arg(fault.display()).start();
    let body = |name: &str| stripe_event("payment_intent.succeeded", name);
    for kind in ["read-only", "full"] {
        options.file("fault", kind);
        // A full disk is met with the first page that is new.
        let refused = (0..).map(|number| format!("{kind}-{number}")).find(|name| {
            let answer = daemon.deliver_stripe(body(name));
            if answer.status == 200 {
                let kept =
                    format!("SELECT count(*) FROM webhook_logs WHERE event_id LIKE 'evt_{name}_%'");
                assert_eq!(daemon.database().one::<i64>(&kept), 1);
                return false;
            }
            assert_says(&answer, 503, r#"{"error":"the event can't be kept now"}"#);
            assert!(answer.header("retry-after").is_some());
            true
        });
        let refused = refused.expect("there is always another");
        assert_eq!(daemon.get("/healthz").status, 200);
        let before = daemon.database().snapshot();
        assert_eq!(daemon.deliver_stripe(body(&refused)).status, 503);
        assert_eq!(daemon.database().snapshot(), before);
        options.file("fault", "");
        assert_says(&daemon.deliver_stripe(body(&refused)), 200, RECEIVED);
        // What was found a moment ago may still be said.
        wait_until("it is ready", || daemon.get_admin("/readyz").status == 200);
    }
    options.file("fault", "read-only");
    wait_until("it is not ready", || daemon.get_admin("/readyz").status == 503);
    assert_eq!(daemon.get("/healthz").status, 200);
    daemon.database().assert_proved();
}

#[test]
fn however_often_readiness_is_asked_for_it_costs_a_commit_a_second() {
    let daemon = Options::stripe().start();
    // Each commit is at least one more page in the log.
    let mut log = daemon.options().db().as_os_str().to_owned();
    log.push("-wal");
    let pages = || std::fs::metadata(&log).expect("a log").len() / 8192;
    let (before, began) = (pages(), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert_says(&daemon.get_admin("/readyz"), 200, READY);
                }
                // Whoever goes away at once asks no more for it.
                for _ in 0..100 {
                    Connection::open(daemon.admin).send_request("GET", "/readyz", &[], "");
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs();
    // What else is written at the start is few pages.
    let written = pages() - before;
    assert!(written <= 40 + seconds * 2, "{written} pages in {seconds} s");
}

#[test]
fn while_another_process_holds_the_database_the_sender_is_told_to_come_again() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let holder = rusqlite::Connection::open(daemon.options().db()).expect("a database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    let answer = daemon.deliver_stripe(&body);
    assert_says(&answer, 503, r#"{"error":"the event can't be kept now"}"#);
    holder.execute_batch("ROLLBACK").expect("it was begun");
    assert_says(&daemon.deliver_stripe(&body), 200, RECEIVED);
}

#[test]
fn every_refusal_is_counted_though_not_every_one_is_written_down() {
    let daemon = Options::stripe().start();
    let mut connection = daemon.connect();
    for _ in 0..400 {
        let answer = connection.request("POST", STRIPE, &[("stripe-signature", "t=1,v1=00")], "{}");
        assert_eq!(answer.reason().as_deref(), Some("bad_signature"));
    }
    let told = || -> u64 {
        let log = daemon.log();
        let lines = log.lines().filter(|line| line.contains(" msg=refused "));
        let of_line = |line: &str| {
            let left_out = line.split_once(" left_out=").expect("a count").1;
            let left_out: u64 =
                left_out.split(' ').next().unwrap_or_default().parse().expect("one");
            u64::from(line.contains(" outcome=")) + left_out
        };
        lines.map(of_line).sum()
    };
    wait_until("all are told", || told() == 400);
    let lines = daemon.log().lines().filter(|line| line.contains("outcome=bad_signature")).count();
    let kept = daemon.database().count("rejected_requests");
    assert_eq!(usize::try_from(kept), Ok(lines));
}

#[test]
fn the_columns_of_an_event_say_what_the_event_says() {
    let daemon = Options::stripe().clock("2024-11-23T12:00:00.500Z").start();
    let body = StripeSample::new("payment_intent.succeeded", "1").order("A-1001").body();
    let signed_at = crate::support::provider::at("2024-11-23T12:00:00Z");
    let signature = payhookd::providers::stripe::signature::sign(
        body.as_bytes(),
        crate::support::provider::SECRET,
        signed_at,
    );
    assert_says(&daemon.post(STRIPE, &[("stripe-signature", &signature)], &body), 200, RECEIVED);
    let version: Value = serde_json::from_str(&body).expect("JSON");
    let version = version["api_version"].as_str().expect("a version");
    let columns = "SELECT provider, event_id, event_type, api_version, livemode, occurred_at,
                          received_at, last_received_at, delivery_count, status, error,
                          transaction_id, proof, processing_us > 0 FROM webhook_logs";
    let received = "2024-11-23T12:00:00.500Z";
    assert_eq!(
        daemon.database().rows(columns),
        [format!(
            "stripe|evt_1_payment_intent.succeeded|payment_intent.succeeded|{version}|1|\
         2024-11-23T11:52:03.000Z|{received}|{received}|1|orphan|-|-|secret 1|1"
        )]
    );
    let columns = "SELECT provider, reference, order_id, event_id, event_type, status, amount,
                          currency, livemode, first_seen_at, last_seen_at, resolution
                   FROM orphan_transactions";
    assert_eq!(
        daemon.database().rows(columns),
        [format!(
            "stripe|pi_1|A-1001|evt_1_payment_intent.succeeded|payment_intent.succeeded|succeeded|\
         4999|EUR|1|{received}|{received}|-"
        )]
    );
}

const READY: &str =
    r#"{"ready":true,"reason":"commits work, the disk has room, and nothing that is due waits"}"#;
