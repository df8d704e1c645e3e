//! Which of PayPal's requests are believed, and what becomes of them while the certificate can't
//! be had.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::Reply;
use crate::support::paypal_api::PaypalApi;
use crate::support::provider::{
    PAYPAL, SECRET, WEBHOOK_ID, at, authority, paypal_event, sandbox_authority, stripe_event,
    transmission, vectors,
};
use crate::support::wire::Answer;
use payhookd::providers::paypal::Environment;
use payhookd::simulator::authority::NewTransmission;

/// Delivers a body with its transmission's headers.
fn deliver<V: AsRef<str>>(daemon: &Daemon, headers: &[(&str, V)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    daemon.post(PAYPAL, &headers, body)
}

/// A refusal's reason.
fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{}", answer.text());
    answer.reason().expect("a refusal gives its reason")
}

fn assert_come_again(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
    assert!(seconds.is_some_and(|seconds: u32| seconds > 0), "{what}: {answer:?}");
}

/// The last segment of the certificate URL of a vector.
fn certificate_name(vector: &Value) -> Option<&str> {
    let headers = vector["headers"].as_object().expect("headers");
    let url = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("paypal-cert-url"));
    url.and_then(|(_, url)| url.as_str()?.rsplit('/').next())
}

#[test]
fn every_transmission_vector_is_accepted_or_refused_for_its_reason() {
    let vectors = vectors("paypal/signatures.json");
    assert!(vectors.len() >= 44);
    let text = |vector: &Value, field: &str| vector[field].as_str().expect("text").to_owned();
    let mut groups: BTreeMap<_, Vec<&Value>> = BTreeMap::new();
    for vector in &vectors {
        // The simulator signs with the live certificate, but is for trying only.
        let mode = match (&*text(vector, "kind"), &*text(vector, "mode")) {
            ("simulator", _) | (_, "sandbox") => "test",
            _ => "live",
        };
        let settings = (mode, text(vector, "webhook_id"), text(vector, "verify_at"));
        groups.entry(settings).or_default().push(vector);
    }
    for ((mode, webhook_id, now), vectors) in groups {
        let certificates = Certificates::none();
        for vector in &vectors {
            let file = format!("/tests/data/vectors/paypal/{}", text(vector, "cert"));
            let file = format!("{}{file}", env!("CARGO_MANIFEST_DIR"));
            let pem = std::fs::read_to_string(file).expect("a certificate");
            if let Some(name) = certificate_name(vector) {
                certificates.serve(name, Reply::ok(pem));
            }
        }
        let options = Options::new()
            .variable("PAYPAL_WEBHOOK_ID", &webhook_id)
            .arg("--paypal-cert-host")
            .arg(certificates.fake.address)
            .arg("--mode")
            .arg(mode)
            .clock(&now);
        let refused_at_start = match (mode, &*webhook_id) {
            ("live", "WEBHOOK_ID") => Some("the id of PayPal's public simulator"),
            (_, id) if id.starts_with("WH-") => Some("the id of an event, not of a webhook"),
            _ => None,
        };
        if let Some(why) = refused_at_start {
            let said = String::from_utf8(options.start_refused().stderr).expect("text");
            assert!(said.contains("PAYPAL_WEBHOOK_ID: ") && said.contains(why), "{said}");
            continue;
        }
        let daemon = options.start();
        let mut fetched = Vec::new();
        for vector in vectors {
            let expected = match (&*text(vector, "id"), vector["reason"].as_str()) {
                // Published with a placeholder for the certificate's URL.
                ("real-sandbox-2017-billing-plan", _) => Some("cert_url_refused"),
                (_, Some("empty_body")) => Some("empty_payload"),
                (_, reason) => reason,
            };
            assert_eq!(text(vector, "expect") == "valid", vector["reason"].is_null());
            let headers = vector["headers"].as_object().expect("headers");
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (&**name, value.as_str().expect("text")))
                .collect();
            let before = daemon.database().snapshot();
            let answer = deliver(&daemon, &headers, &text(vector, "body"));
            match expected {
                None => assert_eq!(answer.status, 200, "{}: {}", vector["id"], answer.text()),
                Some(reason) => {
                    assert_eq!(refused(&answer), reason, "{}", vector["id"]);
                    // That two bodies came is told.
                    let is_told = reason == "replayed_transmission_id";
                    let is_same = daemon.database().snapshot() == before;
                    assert!(is_same != is_told, "{}", vector["id"]);
                }
            }
            fetched.extend(certificate_name(vector));
        }
        fetched.sort_unstable();
        fetched.dedup();
        for name in fetched {
            assert!(certificates.fetches(name) <= 1, "{name} was fetched again");
        }
        certificates.assert_asked_properly();
    }
}

/// Whatever of an event is applied.
const KEPT: &str =
    "SELECT delivery_count, status, payload, hex(transmissions.payload_sha256), fact, captured
                    FROM webhook_logs JOIN transaction_events ON transaction_events.log_id = webhook_logs.id
                    JOIN paypal_transmissions AS transmissions
                         ON transmissions.log_id = webhook_logs.id";

#[test]
fn a_forged_body_with_the_checksum_of_a_genuine_one_changes_nothing() {
    let vectors = vectors("paypal/signatures.json");
    let vector = |id: &str| vectors.iter().find(|vector| vector["id"] == id).expect("a vector");
    let genuine = vector("real-sandbox-2015-sale-a");
    let forged = vector("forged-crc32-collision");
    assert_eq!(genuine["headers"], forged["headers"]);
    let certificates = Certificates::none();
    let pem = include_str!("../../data/vectors/paypal/certs/sandbox_2015_a5cafa77.pem");
    certificates.serve(certificate_name(genuine).expect("a name"), Reply::ok(pem));
    let daemon = Options::new()
        .variable("PAYPAL_WEBHOOK_ID", genuine["webhook_id"].as_str().expect("text"))
        .variable("PAYHOOKD_MODE", "test")
        .variable("PAYHOOKD_PAYPAL_CERT_HOST", certificates.fake.address)
        .clock(genuine["verify_at"].as_str().expect("text"))
        .start();
    let headers = genuine["headers"].as_object().expect("headers");
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (&**name, value.as_str().expect("text"))).collect();
    let body = |vector: &Value| vector["body"].as_str().expect("text").to_owned();

    assert_eq!(deliver(&daemon, &headers, &body(genuine)).text(), r#"{"received":true}"#);
    let before = daemon.database().rows(KEPT);
    let answer = deliver(&daemon, &headers, &body(forged));
    assert_eq!(refused(&answer), "replayed_transmission_id");
    assert_eq!(daemon.database().rows(KEPT), before);
    let amount = daemon.database().one::<i64>("SELECT amount FROM orphan_transactions");
    assert_eq!(amount, 2_000);

    // The genuine one again is what it was.
    let again = deliver(&daemon, &headers, &body(genuine));
    assert_eq!(again.text(), r#"{"received":true,"duplicate":true}"#);
}

/// PayPal's public simulator gives one event id to samples with many bodies, signed with the live
/// certificate.
#[test]
fn the_simulators_samples_of_one_id_are_events_of_their_own() {
    let live = authority(Environment::Live);
    let certificates = Certificates::none();
    certificates.serve("CERT-LIVE", Reply::ok(live.leaf_pem()));
    let options = Options::paypal(certificates.fake.address).without("PAYPAL_ENVIRONMENT");
    let root = options.file("live.pem", live.root_pem());
    let options = options
        .variable("PAYPAL_WEBHOOK_ID", "WEBHOOK_ID")
        .variable("PAYHOOKD_MODE", "test")
        .variable("PAYHOOKD_PAYPAL_CERT_ROOTS", root.display());
    let daemon = options.start();
    let id = "WH-58D329510W468432D-8HN650336L201105X";
    let send = |body: &str, transmission_id: &str| {
        let transmission = NewTransmission {
            id: transmission_id,
            time: at("2024-11-23T11:52:04Z"),
            webhook_id: "WEBHOOK_ID",
            cert_url: &certificates.url("CERT-LIVE"),
        };
        let headers = live.sign(body.as_bytes(), &transmission);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        deliver(&daemon, &headers, body).text().to_owned()
    };
    let sample = |event_type, name: &str| {
        let body = paypal_event(event_type, name);
        let mut event: Value = serde_json::from_str(&body).expect("JSON");
        event["id"] = id.into();
        event.to_string()
    };
    let completed = sample("PAYMENT.CAPTURE.COMPLETED", "1");
    assert_eq!(send(&completed, "1"), r#"{"received":true}"#);
    assert_eq!(send(&sample("PAYMENT.CAPTURE.DENIED", "2"), "2"), r#"{"received":true}"#);
    assert_eq!(send(&completed, "3"), r#"{"received":true,"duplicate":true}"#);
    let kept = format!(
        "SELECT event_type, delivery_count, livemode FROM webhook_logs
         WHERE event_id LIKE '{id}~%' ORDER BY id"
    );
    let rows = ["PAYMENT.CAPTURE.COMPLETED|2|0", "PAYMENT.CAPTURE.DENIED|1|0"];
    assert_eq!(daemon.database().rows(&kept), rows);
    // Read again, they are still what they were.
    let again = options.done(&["events", "replay", "--since", "2020-01-01"]);
    assert!(again.contains("2 replayed: 0 changed, 2 as before"), "{again}");
}

#[test]
fn an_event_id_that_comes_with_another_body_is_refused() {
    let certificates = Certificates::of_sandbox();
    let daemon = Options::paypal(certificates.fake.address).start();
    let url = certificates.url("CERT-1");
    let body = paypal_event("PAYMENT.CAPTURE.COMPLETED", "1");
    let other = body.replace("49.99", "99.99");
    assert_ne!(body, other);
    assert_eq!(daemon.deliver_paypal(&body, &url).status, 200);
    let before = daemon.database().rows(KEPT);
    assert_eq!(refused(&daemon.deliver_paypal(&other, &url)), "reused_event_id");
    assert_eq!(daemon.database().rows(KEPT), before);

    // The same body in another transmission is the same event.
    let headers = transmission(&body, "another-transmission", &url);
    let again = deliver(&daemon, &headers, &body);
    assert_eq!(again.text(), r#"{"received":true,"duplicate":true}"#);
    assert_eq!(daemon.database().one::<i64>("SELECT delivery_count FROM webhook_logs"), 2);
    // And that transmission is known by its body now.
    let forged = transmission(&other, "another-transmission", &url);
    assert_eq!(refused(&deliver(&daemon, &forged, &other)), "replayed_transmission_id");
}

#[test]
fn a_certificate_is_believed_only_if_its_root_is() {
    let certificates = Certificates::of_sandbox();
    let body = paypal_event("PAYMENT.SALE.COMPLETED", "1");
    let trusting = Options::paypal(certificates.fake.address);
    let daemon = trusting.start();
    assert_eq!(daemon.deliver_paypal(&body, &certificates.url("CERT-1")).status, 200);
    let proof = daemon.database().one::<String>("SELECT proof FROM webhook_logs");
    assert_eq!(proof, "certificate CERT-1, webhook id 1");

    let not_trusting = Options::new()
        .variable("PAYPAL_WEBHOOK_ID", WEBHOOK_ID)
        .variable("PAYHOOKD_MODE", "test")
        .variable("PAYHOOKD_PAYPAL_CERT_HOST", certificates.fake.address);
    let daemon = not_trusting.start();
    let answer = daemon.deliver_paypal(&body, &certificates.url("CERT-1"));
    assert_eq!(refused(&answer), "cert_untrusted");
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    assert_eq!(daemon.database().count("paypal_certificates"), 0);
}

#[test]
fn a_certificate_of_the_other_environment_is_refused() {
    let certificates = Certificates::of_sandbox();
    let live = authority(Environment::Live);
    certificates.serve("CERT-LIVE", Reply::ok(live.leaf_pem()));
    let roots = format!("{}{}", sandbox_authority().root_pem(), live.root_pem());
    let options = Options::paypal(certificates.fake.address);
    let roots = options.file("roots.pem", roots);
    let options = options.variable("PAYHOOKD_PAYPAL_CERT_ROOTS", roots.display());
    let body = paypal_event("PAYMENT.SALE.COMPLETED", "1");
    let from_live = |cert_url: &str| {
        let transmission = NewTransmission {
            id: "1",
            time: at("2024-11-23T11:52:04Z"),
            webhook_id: WEBHOOK_ID,
            cert_url,
        };
        live.sign(body.as_bytes(), &transmission)
    };

    let sandbox = options.start();
    let answer = deliver(&sandbox, &from_live(&certificates.url("CERT-LIVE")), &body);
    assert_eq!(refused(&answer), "wrong_environment");
    assert_eq!(sandbox.deliver_paypal(&body, &certificates.url("CERT-1")).status, 200);

    let shop = Options::paypal(certificates.fake.address);
    let daemon = shop
        .variable("PAYHOOKD_PAYPAL_CERT_ROOTS", roots.display())
        .variable("PAYPAL_ENVIRONMENT", "live")
        .start();
    let answer = daemon.deliver_paypal(&body, &certificates.url("CERT-1"));
    assert_eq!(refused(&answer), "wrong_environment");
    // That the URL is one of the sandbox is enough; nothing is fetched.
    let url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-2";
    certificates.serve("CERT-2", Reply::ok(sandbox_authority().leaf_pem()));
    assert_eq!(refused(&daemon.deliver_paypal(&body, url)), "wrong_environment");
    assert_eq!(certificates.fetches("CERT-2"), 0);
    let answer = deliver(&daemon, &from_live(&certificates.url("CERT-LIVE")), &body);
    assert_eq!(answer.status, 200);
    assert!(daemon.database().one::<bool>("SELECT livemode FROM webhook_logs"));
}

#[test]
fn nothing_is_fetched_from_a_host_or_path_that_is_not_paypals() {
    let certificates = Certificates::of_sandbox();
    let stranger = Certificates::of_sandbox();
    let daemon = Options::paypal(certificates.fake.address).start();
    let body = paypal_event("PAYMENT.SALE.COMPLETED", "1");
    let host = certificates.fake.address;
    for url in [
        stranger.url("CERT-1"),
        format!("http://{host}@{}/v1/notifications/certs/CERT-1", stranger.fake.address),
        format!("http://{host}/v1/notifications/certs/../CERT-1"),
        format!("http://{host}/v1/notifications/certs/CERT-1?x=1"),
        format!("http://{host}/v1/notifications/certs/CERT-1#x"),
        format!("http://{host}/v1/notifications/certs/CERT%2d1"),
        format!("http://{host}/v1/notifications/certs/"),
        format!("http://{host}/CERT-1"),
        format!("ftp://{host}/v1/notifications/certs/CERT-1"),
        "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1".to_owned(),
        "https://api.sandbox.paypal.com:444/v1/notifications/certs/CERT-1".to_owned(),
        "https://api.sandbox.paypal.com.example/v1/notifications/certs/CERT-1".to_owned(),
        "file:///v1/notifications/certs/CERT-1".to_owned(),
        format!("https://api.sandbox.paypal.com/v1/notifications/certs/{}", "C".repeat(500)),
    ] {
        let answer = daemon.deliver_paypal(&body, &url);
        assert_eq!(refused(&answer), "cert_url_refused", "{url}");
    }
    assert!(certificates.fake.asked().is_empty() && stranger.fake.asked().is_empty());
    let url = "https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT-1";
    assert_eq!(daemon.deliver_paypal(&body, url).status, 200);
    certificates.assert_asked_properly();
}

#[test]
fn a_header_that_stands_twice_is_refused() {
    let certificates = Certificates::of_sandbox();
    let daemon = Options::paypal(certificates.fake.address).start();
    let body = paypal_event("PAYMENT.SALE.COMPLETED", "1");
    let headers = transmission(&body, "1", &certificates.url("CERT-1"));
    for twice in &headers {
        let mut headers = headers.clone();
        headers.push(twice.clone());
        assert_eq!(refused(&deliver(&daemon, &headers, &body)), "malformed_header", "{}", twice.0);
    }
    assert_eq!(deliver(&daemon, &headers, &body).status, 200);
}

#[test]
fn a_transmission_may_be_old_but_not_from_the_future() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address).clock("2026-11-23T12:00:00Z");
    let daemon = options.start();
    let at_time = |time: &str, body: &str| {
        let url = certificates.url("CERT-1");
        let transmission =
            NewTransmission { id: time, time: at(time), webhook_id: WEBHOOK_ID, cert_url: &url };
        deliver(&daemon, &sandbox_authority().sign(body.as_bytes(), &transmission), body)
    };
    let body = |name: &str| paypal_event("PAYMENT.SALE.COMPLETED", name);
    assert_eq!(refused(&at_time("2026-11-23T12:05:01Z", &body("1"))), "timestamp_too_new");
    assert_eq!(at_time("2026-11-23T12:05:00Z", &body("1")).status, 200);
    // PayPal tries for three days.
    assert_eq!(at_time("2026-11-20T11:59:00Z", &body("2")).status, 200);
}

/// A signature never ends, so whoever has seen one request could come with it years later.
#[test]
fn a_transmission_that_is_older_than_paypal_sends_is_believed_by_the_api_only() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address)
        .clock("2026-11-23T12:00:00Z")
        .without("PAYHOOKD_PAYPAL_MAX_AGE");
    let url = certificates.url("CERT-1");
    let send = |daemon: &Daemon, time: &str, body: &str| {
        let transmission =
            NewTransmission { id: time, time: at(time), webhook_id: WEBHOOK_ID, cert_url: &url };
        deliver(daemon, &sandbox_authority().sign(body.as_bytes(), &transmission), body)
    };
    let body = |name: &str| paypal_event("PAYMENT.SALE.COMPLETED", name);
    let (old, older) = ("2026-11-19T11:59:59Z", "2025-12-23T12:00:00Z");

    let daemon = options.start();
    assert_eq!(send(&daemon, "2026-11-19T12:00:00Z", &body("1")).status, 200);
    for time in [old, older] {
        assert_eq!(refused(&send(&daemon, time, &body("2"))), "transmission_too_old");
    }
    assert_eq!(daemon.database().count("webhook_logs"), 1);
    drop(daemon);

    let daemon = options.clone().arg("--paypal-max-age=30d").start();
    assert_eq!(send(&daemon, old, &body("2")).status, 200);
    assert_eq!(refused(&send(&daemon, older, &body("3"))), "transmission_too_old");
    drop(daemon);

    // Where PayPal can be asked, what it says is what is kept, not what came.
    let api = PaypalApi::start();
    let daemon = api.options(options).start();
    let event = |id: &str, amount: &str| {
        let mut event: Value = serde_json::from_str(&body("4")).expect("JSON");
        event["id"] = id.into();
        event["resource"]["amount"]["total"] = amount.into();
        event.to_string()
    };
    let path = |id: &str| format!("/v1/notifications/webhooks-events/{id}");
    assert_eq!(refused(&send(&daemon, older, &event("WH-4", "9999.99"))), "transmission_too_old");
    api.has_object(&path("WH-4"), event("WH-4", "49.99"));
    assert_eq!(send(&daemon, older, &event("WH-4", "9999.99")).text(), r#"{"received":true}"#);
    let kept = "SELECT source, proof, payload FROM webhook_logs WHERE event_id = 'WH-4'";
    let expected = format!("catch-up|the provider's API|{}", event("WH-4", "49.99"));
    assert_eq!(daemon.database().rows(kept), [expected]);
    api.refuses(&path("WH-5"), Reply::Answer(500, None, String::new()));
    assert_come_again(&send(&daemon, older, &event("WH-5", "1.00")), "PayPal does not say");
    api.has_object(&path("WH-5"), event("WH-4", "49.99"));
    assert_come_again(&send(&daemon, older, &event("WH-5", "1.00")), "another event");
    assert_eq!(daemon.database().count("webhook_logs"), 3);
}

#[test]
fn a_webhook_whose_certificate_cannot_be_had_is_taken_when_it_comes_again() {
    let certificates = Certificates::none();
    let pem = sandbox_authority().leaf_pem();
    let too_long = format!("{pem}{}", "#".repeat(65 * 1024));
    let elsewhere = ("location", certificates.url("ELSEWHERE"));
    certificates.serve("ELSEWHERE", Reply::ok(pem));
    let failures = [
        ("BROKEN", Reply::Answer(500, None, String::new())),
        ("OF-ANOTHER-STATUS", Reply::Answer(203, None, pem.to_owned())),
        ("PAGE", Reply::ok("<html><body>Sorry, something went wrong</body></html>")),
        ("EMPTY", Reply::ok("")),
        ("MOVED", Reply::Answer(302, Some(elsewhere), String::new())),
        ("TOO-LONG", Reply::ok(too_long)),
        ("CLOSED", Reply::Close),
        ("HANGING", Reply::Hang),
    ];
    let daemon = Options::paypal(certificates.fake.address).start();
    let body = |name: &str| paypal_event("PAYMENT.SALE.COMPLETED", name);
    for (name, reply) in &failures {
        certificates.serve(name, reply.clone());
        let began = Instant::now();
        let answer = daemon.deliver_paypal(&body(name), &certificates.url(name));
        assert_come_again(&answer, name);
        // PayPal waits for thirty seconds.
        assert!(began.elapsed().as_secs() < 20, "{name} took {:?}", began.elapsed());
        assert_eq!(certificates.fetches(name), 1, "{name}");
    }
    assert_eq!(certificates.fetches("ELSEWHERE"), 0, "a redirect was followed");
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    assert_eq!(daemon.database().count("rejected_requests"), 0);
    daemon.wait_for_line("msg=\"certificate not fetched\"");

    for (name, _) in &failures {
        certificates.serve(name, Reply::ok(pem));
    }
    for (name, _) in &failures {
        let mut answers = Vec::new();
        wait_until("the certificate is fetched again", || {
            let answer = daemon.deliver_paypal(&body(name), &certificates.url(name));
            answers.push(answer.status);
            answer.status == 200
        });
        // A failure is remembered for a while, so that the sender can't make us ask and ask.
        assert_eq!(certificates.fetches(name), 2, "{name}: {answers:?}");
    }
    assert_eq!(
        daemon.database().count("webhook_logs"),
        i64::try_from(failures.len()).expect("few")
    );
    certificates.assert_asked_properly();
}

#[test]
fn a_certificate_that_there_is_not_is_left_alone_longer_than_one_that_could_not_be_had() {
    let certificates = Certificates::none();
    certificates.serve("BROKEN", Reply::Answer(500, None, String::new()));
    let daemon = Options::paypal(certificates.fake.address).start();
    let deliver = |name: &str| {
        let body = paypal_event("PAYMENT.SALE.COMPLETED", name);
        let answer = daemon.deliver_paypal(&body, &certificates.url(name));
        assert_come_again(&answer, name);
    };
    deliver("MISSING");
    wait_until("the broken one is asked for again", || {
        deliver("BROKEN");
        certificates.fetches("BROKEN") == 2
    });
    deliver("MISSING");
    assert_eq!(certificates.fetches("MISSING"), 1);
}

#[test]
fn many_deliveries_with_an_unknown_certificate_wait_for_one_fetch() {
    let certificates = Certificates::of_sandbox();
    let daemon = Options::paypal(certificates.fake.address).start();
    certificates.fake.hold();
    let mut connections: Vec<_> = (0..10)
        .map(|number| {
            let body = paypal_event("PAYMENT.SALE.COMPLETED", &number.to_string());
            let headers = transmission(&body, &body[..30], &certificates.url("CERT-1"));
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
            let mut connection = daemon.connect();
            connection.send_request("POST", PAYPAL, &headers, body);
            connection
        })
        .collect();
    wait_until("it is fetched", || certificates.fetches("CERT-1") > 0);
    assert!(connections.iter().all(|connection| connection.is_silent()));
    certificates.fake.release();
    for connection in &mut connections {
        assert_eq!(connection.answer().status, 200);
    }
    assert_eq!(certificates.fetches("CERT-1"), 1);
    assert_eq!(daemon.database().count("webhook_logs"), 10);
}

#[test]
fn nobody_else_waits_while_the_certificate_server_hangs() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address);
    let daemon = options.variable("STRIPE_WEBHOOK_SECRET", SECRET).start();
    let known = certificates.url("CERT-1");
    let body = |name: &str| paypal_event("PAYMENT.SALE.COMPLETED", name);
    assert_eq!(daemon.deliver_paypal(&body("0"), &known).status, 200);

    certificates.fake.hold();
    let mut waiting: Vec<_> = (0..4)
        .map(|number| {
            let name = format!("HANGING-{number}");
            let headers = transmission(&body(&name), &name, &certificates.url(&name));
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
            let mut connection = daemon.connect();
            connection.send_request("POST", PAYPAL, &headers, body(&name));
            wait_until("it is fetched", || certificates.fetches(&name) > 0);
            connection
        })
        .collect();
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    assert_eq!(daemon.deliver_paypal(&body("1"), &known).status, 200);
    assert_eq!(daemon.get("/healthz").status, 200);
    // No more than a few fetches at once, whatever the senders name: one more waits for its turn.
    certificates.serve("ONE-MORE", Reply::ok(sandbox_authority().leaf_pem()));
    let headers = transmission(&body("2"), "2", &certificates.url("ONE-MORE"));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    let mut one_more = daemon.connect();
    one_more.send_request("POST", PAYPAL, &headers, body("2"));
    assert_eq!(daemon.deliver_paypal(&body("3"), &known).status, 200);
    assert_eq!(certificates.fetches("ONE-MORE"), 0);
    certificates.fake.release();
    assert_eq!(one_more.answer().status, 200);
    for connection in &mut waiting {
        assert_come_again(&connection.answer(), "hanging");
    }
}

#[test]
fn a_restart_without_the_certificate_server_still_verifies_for_a_week() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address);
    let url = certificates.url("CERT-1");
    let body = |name: &str| paypal_event("PAYMENT.SALE.COMPLETED", name);
    let on = |day: &str| options.clone().clock(format!("2026-11-{day}T12:00:00Z")).start();

    let daemon = on("01");
    assert_eq!(daemon.deliver_paypal(&body("1"), &url).status, 200);
    assert!(daemon.terminate().status.success());
    assert_eq!(
        options.database().rows("SELECT url, fetched_at FROM paypal_certificates"),
        [format!("{url}|2026-11-01T12:00:00.000Z")]
    );

    // A day later it is fetched again, once.
    let daemon = on("03");
    assert_eq!(daemon.deliver_paypal(&body("2"), &url).status, 200);
    assert_eq!(daemon.deliver_paypal(&body("3"), &url).status, 200);
    assert_eq!(certificates.fetches("CERT-1"), 2);
    let fetched_at = "SELECT fetched_at FROM paypal_certificates";
    wait_until("the newer one is kept", || {
        options.database().one::<String>(fetched_at) == "2026-11-03T12:00:00.000Z"
    });
    daemon.kill();

    drop(certificates);
    let daemon = on("03");
    assert_eq!(daemon.deliver_paypal(&body("4"), &url).status, 200);
    drop(daemon);
    let daemon = on("09");
    assert_eq!(daemon.deliver_paypal(&body("5"), &url).status, 200);
    drop(daemon);
    let daemon = on("11");
    assert_come_again(&daemon.deliver_paypal(&body("6"), &url), "eight days later");
    assert_eq!(daemon.database().count("webhook_logs"), 5);
}

#[test]
fn any_of_several_webhook_ids_is_good() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address);
    let ids = format!("1JE4291016473214C,{WEBHOOK_ID}");
    let daemon = options.variable("PAYPAL_WEBHOOK_ID", ids).start();
    let body = paypal_event("PAYMENT.SALE.COMPLETED", "1");
    assert_eq!(daemon.deliver_paypal(&body, &certificates.url("CERT-1")).status, 200);
    let proof = daemon.database().one::<String>("SELECT proof FROM webhook_logs");
    assert_eq!(proof, "certificate CERT-1, webhook id 2");
    let kept = daemon.database().one::<String>("SELECT headers FROM webhook_logs");
    assert!(kept.contains("paypal-transmission-id") && !kept.contains("-sig"), "{kept}");
}
