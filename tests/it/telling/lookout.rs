//! What no event tells: whether webhooks come and are believed, whether there is room, whether time
//! runs out. Each is told once, and ends by itself.

use rusqlite::Connection as Sqlite;
use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::{
    PaypalSample, SECRET, STRIPE, StripeSample, at, paypal_event, sandbox_authority, stripe_event,
};
use crate::support::shop::register;
use crate::telling::issues::last_said;
use payhookd::domain::time::Timestamp;
use payhookd::providers::paypal::Environment;
use payhookd::providers::stripe::signature;
use payhookd::simulator::authority::TestAuthority;

/// A daemon that looks all the time and tells `told`.
fn watched(options: Options, told: &Fake) -> Options {
    options
        .variable("PAYHOOKD_ALERT_URL", format!("http://{}/", told.address))
        .arg("--unsafe-test-lookout=20")
}

fn target() -> Fake {
    Fake::start(|_| Reply::ok("ok"))
}

/// Kind, subject, severity and whether it is over, of each issue.
fn issues(options: &Options) -> Vec<String> {
    let issues = "SELECT kind, subject, severity, closed_at IS NOT NULL FROM issues ORDER BY id";
    options.database().rows(issues)
}

fn wait_for(options: &Options, expected: &[&str]) {
    let said = format!("the issues are {expected:?}");
    wait_until(&said, || issues(options) == expected);
}

/// How often a target was told that an issue of this kind opened.
pub(crate) fn openings(told: &Fake, kind: &str) -> usize {
    let bodies = told
        .asked()
        .into_iter()
        .map(|asked| serde_json::from_slice::<Value>(&asked.body).expect("JSON"));
    let issues = bodies.flat_map(|body| body["issues"].as_array().cloned().unwrap_or_default());
    issues.filter(|issue| issue["kind"] == kind && issue["news"] == "opened").count()
}

/// Waits until a target was told of an issue of this kind and that is kept, so that it is not told again.
pub(crate) fn wait_until_told(options: &Options, told: &Fake, kind: &str) {
    let sent = format!(
        "SELECT count(*) FROM alerts JOIN issues ON issues.id = issue_id
         WHERE kind = '{kind}' AND status = 'sent'"
    );
    wait_until(&format!("{kind} is told"), || options.database().one::<i64>(&sent) > 0);
    assert_eq!(openings(told, kind), 1);
}

/// Waits until all that is due was told, and starts the daemon once more: that it opened was told once.
fn is_told_once(daemon: Daemon, told: &Fake, kind: &str) {
    let options = daemon.options().clone();
    wait_until_told(&options, told, kind);
    drop(daemon);
    let again = options.start();
    let due = "SELECT count(*) FROM alerts WHERE next_attempt_at IS NOT NULL AND attempts = 0
               AND next_attempt_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
    wait_until("nothing is due", || options.database().one::<i64>(due) == 0);
    drop(again);
    assert_eq!(openings(told, kind), 1);
}

/// Waits until the lookout has looked once more: it finds a disk that is full, and then is not.
fn wait_for_a_look(options: &Options) {
    let disks = |closed: bool| {
        let sql = format!(
            "SELECT count(*) FROM issues WHERE kind = 'disk' AND (closed_at IS NOT NULL) = {closed}"
        );
        options.database().one::<i64>(&sql)
    };
    let before = disks(true);
    options.file("fault", "nearly full");
    wait_until("it sees that the disk is full", || disks(false) == 1);
    options.file("fault", "");
    wait_until("it sees that it is not", || disks(true) == before + 1);
}

/// Kind, subject, severity and whether it is over, of each issue but those of the disk.
fn others(options: &Options) -> Vec<String> {
    let mut issues = issues(options);
    issues.retain(|issue| !issue.starts_with("disk|"));
    issues
}

/// A daemon whose clock and faults a test sets.
fn timed(options: Options, told: &Fake, now: &str) -> Options {
    let options = watched(options, told).arg("--unsafe-test-faults").arg("fault");
    options.file("fault", "");
    options.file("now", now);
    options.arg("--unsafe-test-clock-file").arg("now")
}

fn forge(daemon: &Daemon, event: &str, now: Timestamp) {
    let body = stripe_event("payment_intent.succeeded", event);
    let signature = signature::sign(body.as_bytes(), "whsec_other", now);
    let answer = daemon.post(STRIPE, &[("stripe-signature", &signature)], body);
    assert_eq!(answer.status, 400);
}

fn forge_some(daemon: &Daemon, number: usize, now: Timestamp) {
    (0..number).for_each(|place| forge(daemon, &format!("forged{place}"), now));
}

fn genuine(daemon: &Daemon, event: &str, signed_at: Timestamp) -> u16 {
    let body = stripe_event("payment_intent.succeeded", event);
    let signature = signature::sign(body.as_bytes(), SECRET, signed_at);
    daemon.post(STRIPE, &[("stripe-signature", &signature)], body).status
}

fn pay(daemon: &Daemon, name: &str) {
    let body = stripe_event("payment_intent.succeeded", name);
    assert_eq!(daemon.deliver_stripe(body).status, 200);
}

#[test]
fn what_a_stranger_sends_for_nothing_calls_nobody() {
    let told = target();
    let options = timed(Options::stripe(), &told, "2026-11-23T12:00:00Z");
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    // Before anything was genuine it may be a wrong secret, and is shown where one looks.
    forge_some(&daemon, 3, at("2026-11-23T12:00:00Z"));
    wait_for_a_look(&options);
    assert_eq!(others(&options), ["refused_signatures|stripe|notice|0"]);
    let title = last_said(&options, "refused_signatures", "title");
    assert!(title.contains("the secret may be wrong"), "{title}");
    assert_eq!(genuine(&daemon, "1", at("2026-11-23T12:00:00Z")), 200);
    wait_for_a_look(&options);
    let over = "refused_signatures|stripe|notice|1";
    assert_eq!(others(&options), [over]);
    // A few forged ones, and one that was caught, again and again.
    options.file("now", "2026-11-23T12:30:00Z");
    forge_some(&daemon, 5, at("2026-11-23T12:30:00Z"));
    for minute in 30..40 {
        options.file("now", format!("2026-11-23T12:{minute}:00Z"));
        assert_eq!(genuine(&daemon, "1", at("2026-11-23T12:00:00Z")), 400);
    }
    wait_for_a_look(&options);
    assert_eq!(others(&options), [over]);
    // So many are somebody's, and nobody's business.
    forge_some(&daemon, 20, at("2026-11-23T12:39:00Z"));
    wait_for_a_look(&options);
    assert_eq!(others(&options), [over, "refused_signatures|stripe|notice|0"]);
    let title = last_said(&options, "refused_signatures", "title");
    assert!(title.contains("Somebody sends forged webhooks"), "{title}");
    options.file("now", "2026-11-23T13:45:00Z");
    wait_for_a_look(&options);
    assert_eq!(others(&options), [over, over]);
    // What was caught is repeated for hours, as the provider would, and one that it never sent.
    for time in ["14:00", "14:40", "15:20", "16:00"] {
        let now = format!("2026-11-23T{time}:00Z");
        options.file("now", &now);
        assert_eq!(genuine(&daemon, "1", at("2026-11-23T12:00:00Z")), 400);
        forge(&daemon, "1", at(&now));
        let probe = r#"{"id":"probe"}"#;
        let unsigned = signature::sign(probe.as_bytes(), "whsec_other", at(&now));
        assert_eq!(daemon.post(STRIPE, &[("stripe-signature", &unsigned)], probe).status, 400);
    }
    wait_for_a_look(&options);
    assert_eq!(others(&options), [over, over]);
    drop(daemon);
    assert_eq!(openings(&told, "refused_signatures"), 0);
}

#[test]
fn what_the_provider_repeats_for_an_hour_says_that_the_secret_is_wrong() {
    let told = target();
    let options = timed(Options::stripe(), &told, "2026-11-23T12:00:00Z");
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    assert_eq!(genuine(&daemon, "1", at("2026-11-23T12:00:00Z")), 200);
    for time in ["12:10", "12:15", "12:45", "13:20"] {
        let now = format!("2026-11-23T{time}:00Z");
        options.file("now", &now);
        forge(&daemon, "repeated", at(&now));
    }
    wait_for_a_look(&options);
    assert_eq!(others(&options), ["refused_signatures|stripe|critical|0"]);
    let title = last_said(&options, "refused_signatures", "title");
    assert!(title.contains("the secret was likely rolled"), "{title}");
    let detail = last_said(&options, "refused_signatures", "detail");
    assert!(detail.contains("came 4 times from 2026-11-23 12:10 UTC"), "{detail}");
    wait_until_told(&options, &told, "refused_signatures");
    options.file("now", "2026-11-23T13:21:00Z");
    assert_eq!(genuine(&daemon, "2", at("2026-11-23T13:21:00Z")), 200);
    wait_for_a_look(&options);
    assert_eq!(others(&options), ["refused_signatures|stripe|critical|1"]);
    drop(daemon);
    assert_eq!(openings(&told, "refused_signatures"), 1);
}

#[test]
fn who_reads_of_one_moment_for_long_is_told_until_they_end() {
    let told = target();
    let options = watched(Options::stripe(), &told);
    let daemon = options.start();
    pay(&daemon, "first");
    let other = Sqlite::open(options.db()).expect("a database");
    other.execute_batch("BEGIN; SELECT count(*) FROM webhook_logs").expect("it reads");
    let held = ["held_wal|database|warning|0"];
    for number in 0.. {
        pay(&daemon, &format!("p{number}"));
        let open = "SELECT count(*) FROM issues WHERE kind = 'held_wal'";
        if options.database().one::<i64>(open) == 1 {
            break;
        }
        assert!(number < 2_000, "it is not told");
    }
    let issue = "SELECT kind, subject, severity, closed_at IS NOT NULL FROM issues
                 WHERE kind = 'held_wal'";
    assert_eq!(options.database().rows(issue), held);
    wait_until_told(&options, &told, "held_wal");
    other.execute_batch("ROLLBACK").expect("it ends");
    wait_until("it is over", || options.database().rows(issue) == ["held_wal|database|warning|1"]);
}

#[test]
fn a_clock_that_is_off_by_the_same_for_all_is_told_until_a_good_signature_comes() {
    let told = target();
    let options = timed(Options::stripe(), &told, "2026-11-23T12:00:00Z");
    let daemon = options.start();
    // Twenty minutes ahead of Stripe.
    for minute in [10, 17, 31] {
        options.file("now", format!("2026-11-23T12:{}:00Z", minute + 20));
        let signed_at = at(&format!("2026-11-23T12:{minute}:00Z"));
        assert_eq!(genuine(&daemon, &minute.to_string(), signed_at), 400);
    }
    wait_for_a_look(&options);
    assert_eq!(others(&options), ["clock|stripe|critical|0"]);
    let detail = last_said(&options, "clock", "detail");
    assert!(detail.contains("This machine is 20 minutes ahead of all of them."), "{detail}");
    wait_until_told(&options, &told, "clock");
    options.file("now", "2026-11-23T12:52:00Z");
    assert_eq!(genuine(&daemon, "good", at("2026-11-23T12:52:00Z")), 200);
    wait_for_a_look(&options);
    assert_eq!(others(&options), ["clock|stripe|critical|1"]);
}

#[test]
fn a_silence_that_is_not_this_shops_is_told_until_an_event_comes() {
    let told = target();
    let options = watched(Options::stripe(), &told).arg("--unsafe-test-faults").arg("fault");
    options.file("fault", "awake");
    let learn = |weeks: u32, until: &str| {
        let sqlite = Sqlite::open(options.db()).expect("a database");
        let events = format!(
            "WITH RECURSIVE hours (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hours WHERE n < {})
             INSERT INTO webhook_logs
                 (provider, event_id, event_type, livemode, received_at, last_received_at,
                  delivery_count, status, processing_us, proof, payload_sha256)
             SELECT 'stripe', '{until} ' || n, 'customer.updated', 1, at, at, 1, 'ignored', 1, 'secret 1',
                    zeroblob(32)
             FROM (SELECT n, strftime('%Y-%m-%dT%H:%M:%fZ', '{until}',
                                      '-' || ({} - n) || ' hours') AS at
                   FROM hours)",
            weeks * 168,
            weeks * 168,
        );
        sqlite.execute_batch(&events).expect("events");
    };
    options.done(&["--migrate"]);
    learn(1, "2026-11-20T11:30:00");
    // That the disk is seen to be full shows that it has looked.
    options.file("fault", "awake\nnearly full");
    let looked = options.clone().clock("2026-11-20T18:00:00Z").start();
    wait_for(&options, &["disk|database|critical|0"]);
    drop(looked);
    learn(4, "2026-12-20T11:30:00");
    options.file("fault", "awake");
    let soon = options.clone().clock("2026-12-20T14:00:00Z").start();
    wait_for(&options, &["disk|database|critical|1"]);
    drop(soon);
    let late = options.clone().clock("2026-12-20T23:00:00Z").start();
    let full = "disk|database|critical|1";
    wait_for(&options, &[full, "silence|stripe|warning|0"]);
    wait_until_told(&options, &told, "silence");
    drop(late);
    let later = options.clone().clock("2026-12-20T23:30:00Z").arg("--stripe-tolerance=off").start();
    pay(&later, "1");
    wait_for(&options, &[full, "silence|stripe|warning|1"]);
    drop(later);
    assert_eq!(openings(&told, "silence"), 1);
}

#[test]
fn a_disk_that_is_nearly_full_is_told_until_there_is_room() {
    let told = target();
    let options = watched(Options::stripe(), &told).arg("--unsafe-test-faults").arg("fault");
    options.file("fault", "nearly full");
    let daemon = options.start();
    wait_for(&options, &["disk|database|critical|0"]);
    wait_until_told(&options, &told, "disk");
    options.file("fault", "");
    wait_for(&options, &["disk|database|critical|1"]);
    is_told_once(daemon, &told, "disk");
}

#[test]
fn a_certificate_that_is_not_to_be_had_is_told_until_one_proves_a_webhook() {
    let told = target();
    let certificates = Certificates::none();
    certificates.serve("CERT-1", Reply::Answer(500, None, String::new()));
    let options = Options::paypal(certificates.fake.address);
    let options = timed(options, &told, "2026-11-23T12:00:00Z");
    let daemon = options.start();
    let url = certificates.url("CERT-1");
    let body = paypal_event("PAYMENT.SALE.COMPLETED", "1");
    // A stranger's, with a certificate that is none of PayPal's.
    for place in 0..5 {
        let forged = paypal_event("PAYMENT.SALE.COMPLETED", &format!("forged{place}"));
        let nowhere = certificates.url(&format!("NONE-{place}"));
        assert_ne!(daemon.deliver_paypal(&forged, &nowhere).status, 200);
    }
    wait_for_a_look(&options);
    assert_eq!(others(&options), [""; 0]);
    for time in ["12:10", "12:15", "12:45", "13:20"] {
        options.file("now", format!("2026-11-23T{time}:00Z"));
        assert_eq!(daemon.deliver_paypal(&body, &url).status, 503);
    }
    wait_for_a_look(&options);
    assert_eq!(others(&options), ["certificate|paypal|critical|0"]);
    wait_until_told(&options, &told, "certificate");
    let sandbox = sandbox_authority().leaf_pem();
    certificates.serve("CERT-1", Reply::ok(sandbox));
    options.file("now", "2026-11-23T14:00:00Z");
    wait_until("it is fetched again", || daemon.deliver_paypal(&body, &url).status == 200);
    wait_for_a_look(&options);
    assert_eq!(others(&options), ["certificate|paypal|critical|1"]);
}

#[test]
fn a_certificate_that_ends_soon_is_told() {
    let told = target();
    let (from, until) = (at("2026-01-01T00:00:00Z"), at("2026-12-01T00:00:00Z"));
    let authority = TestAuthority::make(Environment::Sandbox, from, until).expect("an authority");
    let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let options = watched(Options::paypal(nowhere), &told);
    let root = options.file("short.pem", authority.root_pem());
    let options = options.variable("PAYHOOKD_PAYPAL_CERT_ROOTS", root.display());
    options.done(&["--migrate"]);
    let sqlite = Sqlite::open(options.db()).expect("a database");
    sqlite
        .execute(
            "INSERT INTO paypal_certificates VALUES
                 ('http://127.0.0.1:1/v1/notifications/certs/CERT-1', ?1, '2026-11-01T00:00:00.000Z')",
            [authority.leaf_pem()],
        )
        .expect("a certificate");
    let early = options.clone().clock("2026-11-01T00:00:00Z").start();
    early.wait_for_line("msg=started");
    drop(early);
    let daemon = options.clone().clock("2026-11-25T00:00:00Z").start();
    wait_for(&options, &["certificate|paypal|warning|0"]);
    is_told_once(daemon, &told, "certificate");
}

#[test]
fn an_approved_order_that_is_not_captured_is_told_until_it_is() {
    let told = target();
    let certificates = Certificates::of_sandbox();
    let options = watched(Options::paypal(certificates.fake.address), &told);
    let url = certificates.url("CERT-1");
    let approved = PaypalSample::new("CHECKOUT.ORDER.APPROVED", "1").at("2026-11-23T11:00:00Z");
    let daemon = options.clone().clock("2026-11-23T11:30:00Z").start();
    let new = json!({
        "provider": "paypal", "reference": "ORDER-1", "order_id": "A-1", "amount": 4999, "currency": "EUR",
    });
    assert_eq!(App::of(&daemon).register(&new).status, 201);
    assert_eq!(daemon.deliver_paypal(&approved.body(), &url).status, 200);
    drop(daemon);
    let early = options.database().one::<i64>("SELECT count(*) FROM issues");
    assert_eq!(early, 0, "there is time");
    let daemon = options.clone().clock("2026-11-23T12:00:00Z").start();
    wait_for(&options, &["uncaptured_order|1|warning|0"]);
    wait_until_told(&options, &told, "uncaptured_order");
    assert_eq!(
        last_said(&options, "uncaptured_order", "title"),
        "Approved and not captured: 49.99 EUR, order A-1, PayPal ORDER-1"
    );
    drop(daemon);
    // It gets urgent.
    let daemon = options.clone().clock("2026-11-23T13:00:00Z").start();
    wait_for(&options, &["uncaptured_order|1|critical|0"]);
    let captured = PaypalSample::new("PAYMENT.CAPTURE.COMPLETED", "1").at("2026-11-23T13:00:00Z");
    assert_eq!(daemon.deliver_paypal(&captured.body(), &url).status, 200);
    wait_for(&options, &["uncaptured_order|1|critical|1"]);
    drop(daemon);
    assert_eq!(openings(&told, "uncaptured_order"), 1);
}

#[test]
fn a_dispute_gets_urgent_when_it_can_not_be_answered_much_longer() {
    let told = target();
    let options = watched(Options::stripe(), &told).arg("--stripe-tolerance=off");
    register(&options, [("1".to_owned(), 4999)]);
    let opened = StripeSample::new("charge.dispute.created", "1").reference("pi_1").parent("ch_1");
    let mut dispute: Value = serde_json::from_str(&opened.body()).expect("JSON");
    dispute["data"]["object"]["evidence_details"]["due_by"] =
        at("2026-12-01T12:00:00Z").unix_seconds().into();
    let daemon = options.clone().clock("2026-11-23T12:00:00Z").start();
    pay(&daemon, "1");
    assert_eq!(daemon.deliver_stripe(dispute.to_string()).status, 200);
    wait_for(&options, &["dispute|1|warning|0"]);
    let detail = last_said(&options, "dispute", "detail");
    assert!(detail.contains("It can be answered until 2026-12-01 12:00 UTC."), "{detail}");
    wait_until_told(&options, &told, "dispute");
    drop(daemon);
    let daemon = options.clone().clock("2026-11-29T12:00:00Z").start();
    wait_for(&options, &["dispute|1|critical|0"]);
    wait_until("that is told", || {
        options.database().one::<i64>("SELECT count(*) FROM alerts WHERE status = 'sent'") == 2
    });
    let body: Value = serde_json::from_slice(&told.asked()[1].body).expect("JSON");
    assert_eq!(body["issues"][0]["news"], "again");
    assert!(body["text"].as_str().is_some_and(|text| text.contains("and is lost after that")));
    is_told_once(daemon, &told, "dispute");
}
