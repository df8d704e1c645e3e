//! The log of events proves itself: whatever is changed, removed or added behind payhookd's back is
//! found, and named.

use rusqlite::Connection as Sqlite;

use crate::support::daemon::Options;
use crate::support::provider::{StripeSample, stripe_event};
use payhookd::domain::records::{Head, LinkKind, LogFault, LogProof};
use payhookd::store::Reader;

/// A database with eight events, and the head of its log as it was noted after the eighth.
fn shop() -> (Options, Head) {
    let options = Options::stripe();
    let daemon = options.start();
    for number in 1..=8 {
        let name = format!("chain{number}");
        let event = stripe_event("payment_intent.succeeded", &name);
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    let log = daemon.terminate().log;
    let stopped = log.lines().find(|line| line.contains("msg=stopped")).expect("a last line");
    let head = stopped.split(' ').find_map(|word| word.strip_prefix("log_head="));
    let head = head.expect("the head of the log").parse().expect("a head");
    (options, head)
}

fn verify(options: &Options, expected: Option<Head>) -> LogProof {
    Reader::open(options.db())
        .expect("a database")
        .verify_log(expected.as_slice())
        .expect("it is read")
}

/// What was changed by payhookd, and of which events.
fn changes(proof: &LogProof) -> Vec<(LinkKind, String)> {
    proof.changes.iter().map(|change| (change.kind, change.events.to_string())).collect()
}

fn faults(options: &Options) -> Vec<LogFault> {
    verify(options, None).faults
}

/// SQL of somebody who has the file, without its constraints.
fn tamper(options: &Options, sql: &str) {
    let sqlite = Sqlite::open(options.db()).expect("a database");
    sqlite.pragma_update(None, "foreign_keys", false).expect("no foreign keys");
    sqlite.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[test]
fn a_log_that_nobody_touched_is_whole_and_its_head_is_the_one_in_the_log_lines() {
    let (options, noted) = shop();
    let proof = verify(&options, Some(noted));
    assert_eq!(proof.faults, []);
    assert_eq!((proof.events, proof.taken_over, proof.carried_over), (8, 0, None));
    assert_eq!(proof.changes, []);
    assert_eq!(proof.head, noted);
    assert_eq!(noted.link, 10, "two before them all, and one for each event");

    // It grows on from where it was: what is delivered twice is no new link, and no fault.
    let daemon = options.start();
    let started = daemon.wait_for_line("msg=started");
    assert!(started.contains(&format!("log_head={noted}")), "{started}");
    for _ in 0..2 {
        let event = stripe_event("payment_intent.succeeded", "chain9");
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    let proof = verify(&options, Some(noted));
    assert_eq!((proof.faults, proof.events, proof.head.link), (vec![], 9, 11));
}

#[test]
fn every_column_that_must_not_change_is_watched() {
    for (column, value) in [
        ("event_id", "'evt_of_somebody_else'"),
        ("event_type", "'payment_intent.canceled'"),
        ("api_version", "'2019-01-01'"),
        ("api_version", "NULL"),
        ("livemode", "0"),
        ("occurred_at", "'2026-01-01T00:00:00.000Z'"),
        ("received_at", "'2026-01-01T00:00:00.000Z'"),
        ("proof", "'secret 2'"),
        ("headers", "'{\"user-agent\":\"another\"}'"),
        ("headers", "NULL"),
        ("payload_sha256", "zeroblob(32)"),
        ("provider", "'paypal'"),
    ] {
        let (options, _) = shop();
        tamper(&options, &format!("UPDATE webhook_logs SET {column} = {value} WHERE id = 4"));
        assert_eq!(faults(&options), [LogFault::Changed(4)], "{column} = {value}");
    }
    let (options, _) = shop();
    tamper(
        &options,
        "UPDATE webhook_logs SET payload = replace(payload, '4999', '9999') WHERE id = 4",
    );
    assert_eq!(faults(&options), [LogFault::BodyChanged(4)]);
    tamper(&options, "UPDATE webhook_logs SET id = 99 WHERE id = 5");
    let found = [LogFault::BodyChanged(4), LogFault::Removed(5), LogFault::Added(99)];
    assert_eq!(faults(&options), found);
}

#[test]
fn the_doctor_says_which_event_it_is_and_ends_with_1() {
    let (options, noted) = shop();
    let noted = noted.to_string();
    let check = ["doctor", "--verify-log", "--expect-head", &noted];
    let said = options.done(&check);
    assert!(said.starts_with("ok    log  8 events are as they were written since 20"), "{said}");
    assert!(said.contains(&format!("the noted head 10 is in the chain; head {noted}\n")), "{said}");

    tamper(&options, "DELETE FROM webhook_logs WHERE id = 3");
    tamper(&options, "UPDATE webhook_logs SET livemode = 0 WHERE id = 6");
    let output = options.run(&check);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).expect("text");
    let found: Vec<&str> = said.lines().filter(|line| line.starts_with("fail")).collect();
    let expected = [
        "fail  log  event 3 was removed",
        "fail  log  event 6 was changed: it is not what was received, or does not say what it said",
    ];
    assert_eq!(found, expected);

    let output = options.run(&["doctor", "--verify-log", "--expect-head", "9"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn what_becomes_of_an_event_may_change() {
    let (options, noted) = shop();
    tamper(
        &options,
        "UPDATE webhook_logs SET status = 'ignored', error = 'why', transaction_id = 7,
             delivery_count = 3, last_received_at = '2030-01-01T00:00:00.000Z'",
    );
    assert_eq!(verify(&options, Some(noted)).faults, []);
}

#[test]
fn a_removed_event_is_missed_at_the_head_in_the_middle_and_at_the_tail() {
    for id in [1, 4, 8] {
        let (options, _) = shop();
        tamper(&options, &format!("DELETE FROM webhook_logs WHERE id = {id}"));
        assert_eq!(faults(&options), [LogFault::Removed(id)]);
    }
}

#[test]
fn a_removed_event_is_missed_though_its_link_went_with_it() {
    // Two links stand before the first event, so that the event 4 has link 6.
    for (id, link) in [(1, 3), (4, 6)] {
        let (options, _) = shop();
        tamper(
            &options,
            &format!(
                "DELETE FROM webhook_logs WHERE id = {id};
                 DELETE FROM webhook_log_chain WHERE log_id = {id};"
            ),
        );
        assert_eq!(faults(&options), [LogFault::LinksRemoved { first: link, last: link }]);
        // Closing up the gap does not help.
        tamper(&options, &format!("UPDATE webhook_log_chain SET id = id - 1 WHERE id > {link}"));
        let broken = &faults(&options)[0];
        assert_eq!(broken, &LogFault::Broken { link, log_id: Some(id + 1) });
    }
}

#[test]
fn a_tail_that_was_cut_off_is_missed_by_whoever_noted_the_head() {
    let (options, noted) = shop();
    tamper(
        &options,
        "DELETE FROM webhook_logs WHERE id > 6; DELETE FROM webhook_log_chain WHERE log_id > 6;
         DELETE FROM transaction_events WHERE log_id > 6;",
    );
    assert_eq!(verify(&options, None).faults, [], "nothing in the file tells");
    let cut_off = LogFault::CutOff { noted: 10, left: 8 };
    assert_eq!(verify(&options, Some(noted)).faults, [cut_off]);

    // Other events in their place make another chain.
    let daemon = options.start();
    for name in ["other7", "other8"] {
        let event = stripe_event("payment_intent.succeeded", name);
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    assert_eq!(verify(&options, None).faults, []);
    assert_eq!(verify(&options, Some(noted)).faults, [LogFault::OtherHead(10)]);
}

#[test]
fn an_event_that_was_not_received_is_found() {
    let (options, _) = shop();
    let columns = "provider, event_type, livemode, received_at, last_received_at, delivery_count,
                   status, processing_us, proof, payload_sha256, headers, payload";
    for (id, event_id) in [(-1, "evt_before"), (9, "evt_after")] {
        tamper(
            &options,
            &format!(
                "INSERT INTO webhook_logs (id, event_id, {columns})
                 SELECT {id}, '{event_id}', {columns} FROM webhook_logs WHERE id = 1"
            ),
        );
    }
    assert_eq!(faults(&options), [LogFault::Added(-1), LogFault::Added(9)]);
}

#[test]
fn a_link_that_was_changed_is_found_whatever_was_changed_of_it() {
    for (change, found) in [
        ("origin = zeroblob(32)", Some(4)),
        ("reading = zeroblob(32)", Some(4)),
        ("says = 2", Some(4)),
        ("body = zeroblob(32)", Some(4)),
        ("facts = zeroblob(32)", Some(4)),
        ("kind = 'taken_over'", Some(4)),
        ("kind = 'begun'", Some(4)),
        ("kind = 'sealed'", Some(4)),
        ("detail = '[]'", Some(4)),
        ("log_id = 3", Some(3)),
    ] {
        let found = LogFault::Broken { link: 6, log_id: found };
        let (options, _) = shop();
        tamper(&options, &format!("UPDATE webhook_log_chain SET {change} WHERE id = 6"));
        assert_eq!(faults(&options)[0], found, "{change}");
    }
    let (options, _) = shop();
    tamper(&options, "UPDATE webhook_log_chain SET chain = zeroblob(32) WHERE id = 6");
    let both = [(6, 4), (7, 5)].map(|(link, id)| LogFault::Broken { link, log_id: Some(id) });
    assert_eq!(faults(&options), both);
    // Without a chain at all webhooks are kept all the same, and the check says what is missing.
    tamper(&options, "DELETE FROM webhook_log_chain");
    let daemon = options.start();
    let event = stripe_event("payment_intent.succeeded", "later");
    assert_eq!(daemon.deliver_stripe(event).status, 200);
    let mut found: Vec<_> = (1..=8).map(LogFault::Added).collect();
    found.push(LogFault::Unsealed);
    assert_eq!(faults(&options), found);
}

#[test]
fn a_row_and_its_link_that_were_changed_together_break_the_chain() {
    let (options, noted) = shop();
    // Event 4 becomes a copy of event 3, link and all.
    tamper(
        &options,
        "UPDATE webhook_logs SET payload = (SELECT payload FROM webhook_logs WHERE id = 3),
             payload_sha256 = (SELECT payload_sha256 FROM webhook_logs WHERE id = 3) WHERE id = 4;
         UPDATE webhook_log_chain SET origin = (SELECT origin FROM webhook_log_chain WHERE id = 5)
             WHERE id = 6;",
    );
    let found = verify(&options, Some(noted)).faults;
    let broken = LogFault::Broken { link: 6, log_id: Some(4) };
    assert_eq!(found, [broken, LogFault::Changed(4)]);
}

#[test]
fn another_rendering_and_other_facts_are_links_of_their_own() {
    let options = Options::stripe();
    let daemon = options.start();
    // It can't be understood; then it comes again in another version, and can.
    let event = StripeSample::new("payment_intent.succeeded", "again").body();
    let mut broken: serde_json::Value = serde_json::from_str(&event).expect("JSON");
    broken["data"]["object"]["amount"] = "much".into();
    broken["data"]["object"]["amount_received"] = "much".into();
    assert_eq!(daemon.deliver_stripe(broken.to_string()).status, 200);
    assert_eq!(options.database().rows("SELECT status FROM webhook_logs"), ["failed"]);
    assert_eq!(daemon.deliver_stripe(&event).status, 200);
    assert_eq!(options.database().rows("SELECT status FROM webhook_logs"), ["orphan"]);
    let proof = verify(&options, None);
    assert_eq!((&proof.faults, proof.events), (&vec![], 1));
    assert_eq!(changes(&proof), [(LinkKind::Replaced, "1".to_owned())]);
    // What stood there before does not pass for it any more.
    tamper(&options, "UPDATE webhook_logs SET proof = 'another' WHERE id = 1");
    assert_eq!(faults(&options), [LogFault::Changed(1)]);
}

#[test]
fn what_a_newer_version_reads_from_an_event_is_a_link() {
    let options = Options::stripe();
    let daemon = options.start();
    let event = stripe_event("customer.updated", "reread");
    assert_eq!(daemon.deliver_stripe(event).status, 200);
    // As an older version may have read it.
    let older = "UPDATE webhook_logs SET status = 'failed', error = 'why', occurred_at = NULL";
    tamper(&options, older);
    options.done(&["events", "replay", "--status", "failed", "--dry-run"]);
    assert_eq!(faults(&options), [LogFault::Changed(1)]);
    options.done(&["events", "replay", "--status", "failed"]);
    let proof = verify(&options, None);
    assert_eq!(proof.faults, []);
    assert_eq!(changes(&proof), [(LinkKind::Reread, "1".to_owned())]);
}

#[test]
fn events_from_before_the_chain_are_taken_over() {
    let (options, _) = shop();
    // As a migration leaves it that broke off before the links were made.
    tamper(
        &options,
        "DELETE FROM webhook_log_chain WHERE id > 2;
         UPDATE webhook_log_chain SET origin = NULL, detail = NULL, chain = zeroblob(32) WHERE id = 2;
         UPDATE webhook_logs SET payload = NULL, headers = NULL, headers_sha256 = zeroblob(32)
             WHERE id = 3;",
    );
    std::fs::remove_file(options.db().with_extension("db.head")).expect("a head was known");
    let daemon = options.start();
    let event = stripe_event("payment_intent.succeeded", "later");
    assert_eq!(daemon.deliver_stripe(event).status, 200);
    let proof = verify(&options, None);
    assert_eq!((proof.faults, proof.events, proof.taken_over), (vec![], 9, 8));
    assert_eq!(proof.without_body, 1);
    tamper(&options, "UPDATE webhook_logs SET livemode = 0 WHERE id = 2");
    assert_eq!(faults(&options), [LogFault::Changed(2)]);
}
