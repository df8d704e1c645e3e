//! What is old is removed, and nothing else: bodies and headers of settled events, refused requests, issues
//! that are over.

use std::time::Duration;

use rusqlite::Connection as Sqlite;

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::provider::{StripeSample, stripe_event};
use payhookd::domain::time::Timestamp;
use payhookd::telemetry::clock::Clock;

const WHOLE: &str = "SELECT event_id FROM webhook_logs WHERE payload IS NOT NULL ORDER BY id";

/// So long ago that the default has passed.
fn long_ago() -> Timestamp {
    Clock::SYSTEM.now().minus(Duration::from_secs(91 * 86_400))
}

/// Makes everything that was received until now a thing of the past. The chain notices, so that tests
/// of the chain let a clock go on instead.
fn age(options: &Options) {
    let sqlite = Sqlite::open(options.db()).expect("a database");
    let at = long_ago().to_string();
    sqlite.execute("UPDATE webhook_logs SET received_at = ?1", [&at]).expect("SQL");
    sqlite.execute("UPDATE rejected_requests SET received_at = ?1", [&at]).expect("SQL");
}

fn register(options: &Options, reference: &str, order: &str) {
    options.done(&[
        "transactions",
        "add",
        "--provider",
        "stripe",
        "--reference",
        reference,
        "--order-id",
        order,
        "--amount",
        "4999",
        "--currency",
        "EUR",
    ]);
}

fn deliver(daemon: &Daemon, event: StripeSample) {
    assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
}

/// What is old is removed, as everywhere where nothing else is set.
fn options() -> Options {
    let names = ["PAYHOOKD_KEEP_PAYLOADS", "PAYHOOKD_KEEP_REJECTED", "PAYHOOKD_KEEP_ISSUES"];
    names.into_iter().fold(Options::stripe(), Options::without)
}

/// A daemon that leaves it to the command: its own first round comes while a test is under way.
fn start(options: &Options) -> Daemon {
    let forever = |options: Options, name| options.variable(name, "forever");
    let options = forever(options.clone(), "PAYHOOKD_KEEP_PAYLOADS");
    let options = forever(options, "PAYHOOKD_KEEP_ISSUES");
    forever(options, "PAYHOOKD_KEEP_REJECTED").start()
}

/// One event of every kind that retention distinguishes, all old.
fn shop() -> (Options, Daemon) {
    let options = options();
    let daemon = start(&options);
    for name in ["paid", "disputed", "held", "late"] {
        register(&options, &format!("pi_{name}"), name);
    }
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "paid"));
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "disputed"));
    deliver(&daemon, StripeSample::new("charge.dispute.created", "disputed").parent("ch_disputed"));
    deliver(&daemon, StripeSample::new("payment_intent.processing", "held"));
    options.done(&["transactions", "close", "late"]);
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "late"));
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "orphan"));
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "dismissed"));
    let dismissed = "SELECT id FROM orphan_transactions WHERE reference = 'pi_dismissed'";
    let dismissed = options.database().one::<i64>(dismissed).to_string();
    options.done(&["orphans", "resolve", &dismissed, "--dismiss", "a trial"]);
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "play").test_money());
    deliver(&daemon, StripeSample::new("customer.updated", "ignored"));
    let failed = stripe_event("payment_intent.succeeded", "failed").replace("4999", "\"much\"");
    assert_eq!(daemon.deliver_stripe(failed).status, 200);
    let unsigned = daemon.post(crate::support::provider::STRIPE, &[], "{}");
    assert_eq!(unsigned.status, 400);
    wait_until("the refusal is kept", || options.database().count("rejected_requests") == 1);
    age(&options);
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "new"));
    (options, daemon)
}

const OPEN: [&str; 6] = [
    "evt_disputed_payment_intent.succeeded",
    "evt_disputed_charge.dispute.created",
    "evt_held_payment_intent.processing",
    "evt_late_payment_intent.succeeded",
    "evt_orphan_payment_intent.succeeded",
    "evt_failed_payment_intent.succeeded",
];
const NEW: &str = "evt_new_payment_intent.succeeded";

#[test]
fn what_is_settled_and_old_is_removed_and_all_else_stays_whole() {
    let (options, daemon) = shop();
    let facts = "SELECT * FROM transaction_events ORDER BY 1, 2, 3";
    let lasting = "SELECT id, provider, event_id, event_type, status, transaction_id, error,
                          hex(payload_sha256), delivery_count, processing_us, proof
                   FROM webhook_logs ORDER BY id";
    let before = [options.database().rows(facts), options.database().rows(lasting)];

    let all = options.database().snapshot();
    let said = options.done(&["prune", "--dry-run"]);
    assert!(
        said.starts_with("would be removed: bodies and headers of 4 settled events ("),
        "{said}"
    );
    assert!(said.contains("), 1 refused requests (received before 20"), "{said}");
    assert!(said.ends_with("kept whole, because something about them is open: 6\n"), "{said}");
    assert_eq!(options.database().snapshot(), all);

    let done = options.done(&["prune"]);
    let counted =
        |said: &str| said.split_once("bodies").expect("it").1.split(';').next().map(str::to_owned);
    assert_eq!(counted(&done), counted(&said));
    let database = options.database();
    assert_eq!(database.rows(WHOLE), [&OPEN[..], &[NEW]].concat());
    assert_eq!([database.rows(facts), database.rows(lasting)], before);
    assert_eq!(database.count("rejected_requests"), 0);
    let nothing = "SELECT count(*) FROM webhook_logs
                   WHERE (headers IS NULL) <> (payload IS NULL) OR
                         (headers IS NULL) <> (headers_sha256 IS NOT NULL)";
    assert_eq!(database.one::<i64>(nothing), 0);
    database.assert_sound();

    // Again there is nothing to do.
    let said = options.done(&["prune"]);
    assert!(
        said.starts_with("removed: bodies and headers of 0 settled events (0 bytes;"),
        "{said}"
    );

    // The daemon knows the events as before.
    let again = daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "paid"));
    assert_eq!(again.body, br#"{"received":true,"duplicate":true}"#);
}

#[test]
fn what_was_open_is_removed_when_it_is_settled() {
    let (options, daemon) = shop();
    options.done(&["prune"]);
    let won = StripeSample::new("charge.dispute.created", "disputed").parent("ch_disputed");
    let won = won.at("2025-01-01T00:00:00Z").body().replace("needs_response", "won");
    let won = won.replace("charge.dispute.created", "charge.dispute.closed");
    assert_eq!(daemon.deliver_stripe(won).status, 200);
    register(&options, "pi_orphan", "orphan");
    options.done(&["transactions", "reopen", "late"]);
    options.done(&["prune"]);
    let whole = [
        "evt_held_payment_intent.processing",
        "evt_failed_payment_intent.succeeded",
        NEW,
        "evt_disputed_charge.dispute.closed",
    ];
    assert_eq!(options.database().rows(WHOLE), whole);
    options.database().assert_sound();
}

#[test]
fn a_removed_body_is_said_to_be_removed_and_its_facts_outlast_a_replay() {
    let (options, daemon) = shop();
    options.done(&["prune"]);
    let shown = options.done(&["events", "show", "evt_paid_payment_intent.succeeded"]);
    assert!(shown.ends_with("payload\n(removed)\n"), "{shown}");
    assert!(shown.contains("Its body and headers were removed"), "{shown}");
    let facts = "SELECT * FROM transaction_events ORDER BY 1, 2, 3";
    let before = options.database().rows(facts);
    let said = options.done(&["events", "replay", "--status", "processed"]);
    assert!(said.contains("left as it was: its payload was removed"), "{said}");
    assert_eq!(options.database().rows(facts), before);
    let details =
        "SELECT status, provider_response FROM transaction_details WHERE order_id = 'paid'";
    assert_eq!(options.database().rows(details), ["succeeded|-"]);

    // What was ignored and is removed is still known when it comes again.
    let again = daemon.deliver_stripe(stripe_event("customer.updated", "ignored"));
    assert_eq!(again.body, br#"{"received":true,"duplicate":true}"#);
}

#[test]
fn the_daemon_removes_what_is_old_by_itself_and_the_log_stays_proved() {
    let options = options();
    let daemon = options.start();
    register(&options, "pi_paid", "paid");
    for number in 0..100 {
        deliver(
            &daemon,
            StripeSample::new("customer.updated", "paid").id(&format!("evt_{number}")),
        );
    }
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "orphan"));
    let ended = daemon.terminate();
    let head = ended.log.rsplit_once("log_head=").expect("a head").1;
    let head = head.split([' ', '\n']).next().expect("a head");

    let later = Clock::SYSTEM.now().plus(Duration::from_secs(91 * 86_400));
    let patient = options.clone().variable("PAYHOOKD_KEEP_PAYLOADS", "100d").clock(later);
    let patient = patient.arg("--stripe-tolerance=off").start();
    // Without an event of that time the clock would be doubted.
    deliver(&patient, StripeSample::new("customer.updated", "new"));
    assert!(!patient.log().contains("msg=pruned"));
    drop(patient);
    assert_eq!(options.database().rows(WHOLE).len(), 102);

    let daemon = options.clone().clock(later).start();
    let pruned = daemon.wait_for_line("msg=pruned");
    assert!(pruned.contains(" events=100 bytes="), "{pruned}");
    assert!(pruned.contains(" unsettled=1 rejected=0"), "{pruned}");
    let whole = ["evt_orphan_payment_intent.succeeded", "evt_new_customer.updated"];
    assert_eq!(options.database().rows(WHOLE), whole);
    let said = options.done(&["doctor", "--verify-log", "--expect-head", head]);
    assert!(said.contains("102 events are as they were written"), "{said}");
    assert!(said.contains("; 100 without their body, whose hash is kept; "), "{said}");

    // What was removed can't be replaced by something else.
    let sqlite = Sqlite::open(options.db()).expect("a database");
    sqlite
        .execute("UPDATE webhook_logs SET headers_sha256 = zeroblob(32) WHERE id = 5", [])
        .expect("SQL");
    sqlite.execute("UPDATE webhook_logs SET payload = '{}' WHERE id = 7", []).expect("SQL");
    let output = options.run(&["doctor", "--verify-log"]);
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.contains("event 5 was changed"), "{said}");
    assert!(said.contains("the body of event 7 was changed"), "{said}");
}

#[test]
fn pages_become_free_and_are_used_again() {
    let options = options();
    let daemon = start(&options);
    register(&options, "pi_paid", "paid");
    let fill = |from: usize| {
        let mut connection = daemon.connect();
        for number in from..from + 400 {
            let event =
                StripeSample::new("customer.updated", "paid").id(&format!("evt_{number:06}"));
            let body = event.body();
            let signature = crate::support::provider::stripe_signature(body.as_bytes());
            let headers = [("stripe-signature", &*signature)];
            let answer =
                connection.request("POST", crate::support::provider::STRIPE, &headers, body);
            assert_eq!(answer.status, 200);
        }
    };
    let pages = || options.database().one::<i64>("PRAGMA page_count");
    let empty = pages();
    fill(0);
    let of_events = pages() - empty;
    age(&options);
    deliver(&daemon, StripeSample::new("customer.updated", "new"));
    options.done(&["prune"]);
    let free: i64 = options.database().one("PRAGMA freelist_count");
    assert!(free * 2 > of_events, "{free} of {of_events} pages are free");
    fill(400);
    let more = pages() - empty - of_events;
    assert!(more * 3 < of_events, "{more} pages more for as many events as took {of_events}");
}

#[test]
fn issues_that_were_over_a_year_ago_are_removed_with_what_was_told_of_them() {
    let options = options();
    drop(start(&options));
    let sqlite = Sqlite::open(options.db()).expect("a database");
    let now = Clock::SYSTEM.now();
    let [old, new] = [366, 364].map(|days| now.minus(Duration::from_secs(days * 86_400)));
    // More than one step removes; then one of each that stays.
    let steps = format!(
        "INSERT INTO alert_targets (name, active) VALUES ('slack-0a1b2c3d', 0);
         WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 154)
         INSERT INTO issues (id, kind, subject, severity, title, detail, remedy, opened_at,
                             last_seen_at, count, news, closed_at)
         SELECT i, 'orphan', i, 'warning', '', '', '', '{old}', '{old}', 1, 2, '{old}' FROM numbers;
         INSERT INTO alerts (target_id, issue_id, status, news, attempts, finished_at)
         SELECT 1, id, 'sent', 2, 1, closed_at FROM issues;
         INSERT INTO alerts (target_id, issue_id, status, attempts, next_attempt_at)
         VALUES (1, 3, 'pending', 0, '{now}');
         UPDATE issues SET closed_at = '{new}' WHERE id = 151;
         UPDATE issues SET closed_at = NULL WHERE id IN (152, 153);
         UPDATE issues SET dismissed_at = '{old}' WHERE id = 153;"
    );
    sqlite.execute_batch(&steps).expect("SQL");
    let said = options.done(&["prune", "--dry-run"]);
    assert!(said.contains(" 149 closed issues (closed before 20"), "{said}");
    assert_eq!(options.database().count("issues"), 154);
    let said = options.done(&["prune", "--keep-issues", "forever"]);
    assert!(said.contains(" 0 closed issues (none, because they are kept forever)"), "{said}");
    let said = options.done(&["prune"]);
    assert!(said.contains(" 149 closed issues (closed before 20"), "{said}");
    let ids = "SELECT id FROM issues ORDER BY id";
    assert_eq!(options.database().rows(ids), ["3", "151", "152", "153", "154"]);
    assert_eq!(options.database().count("alerts"), 6);
    options.database().assert_sound();

    // No issue gets the id of another. The daemon drops what is owed to a target that is gone.
    let daemon = start(&options.clone().arg("--orphan-grace=0"));
    deliver(&daemon, StripeSample::new("payment_intent.succeeded", "orphan"));
    wait_until("an issue opens", || options.database().count("issues") == 6);
    drop(daemon);
    let daemon = options.start();
    let pruned = daemon.wait_for_line("msg=pruned");
    assert!(pruned.contains(" issues=2"), "{pruned}");
    assert_eq!(options.database().rows(ids), ["151", "152", "153", "155"]);
    options.database().assert_sound();
}

#[test]
fn a_clock_that_is_years_ahead_makes_nothing_old() {
    let options = options();
    let daemon = start(&options);
    deliver(&daemon, StripeSample::new("customer.updated", "old"));
    age(&options);
    deliver(&daemon, StripeSample::new("customer.updated", "new"));
    drop(daemon);
    let options = options.arg("--unsafe-test-lookout=20");
    let ahead = options.clone().clock("2036-11-23T12:00:00Z").start();
    let pruned = ahead.wait_for_line("msg=pruned");
    assert!(pruned.contains(" events=1 "), "{pruned}");
    assert_eq!(options.database().rows(WHOLE), ["evt_new_customer.updated"]);
    let asked = |and: &str| {
        let issues = format!(
            "SELECT count(*) FROM issues WHERE kind = 'clock' AND subject = 'machine' AND {and}"
        );
        options.database().one::<i64>(&issues) == 1
    };
    wait_until("a person is asked", || asked("closed_at IS NULL"));
    drop(ahead);
    let _right = options.start();
    wait_until("it is over", || asked("closed_at IS NOT NULL"));
}

#[test]
fn how_long_is_kept_is_a_day_or_more_or_forever() {
    let (options, _daemon) = shop();
    let said = options.done(&["prune", "--keep-payloads", "forever", "--keep-rejected", "forever"]);
    assert!(
        said.contains("of 0 settled events (0 bytes; none, because they are kept forever)"),
        "{said}"
    );
    assert_eq!(options.database().rows(WHOLE).len(), 11);
    for wrong in ["0", "12h", "never", "-1d"] {
        let argument = format!("--keep-payloads={wrong}");
        let output = options.run(&["prune", &argument]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("give a day or more, such as 90d, or forever"), "{said}");
    }
}
