//! The database can't be written: the providers are told to come again, and nothing is lost.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection as Sqlite;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::provider::stripe_event;
use crate::support::shop::register;
use payhookd::telemetry::clock::Clock;

#[test]
fn a_read_only_database_turns_webhooks_away_until_it_can_be_written_again() {
    let options = with_ten_transactions();
    let fault = options.folder().join("fault");
    let daemon = options.clone().arg("--unsafe-test-faults").arg(fault.display()).start();
    pays(&daemon, 0);
    let before = daemon.database().snapshot();

    fs::write(&fault, "read-only").expect("a fault");
    let began = Clock::SYSTEM.now();
    for _ in 0..40 {
        is_turned_away(&daemon, 1, "60");
    }
    let seconds = Clock::SYSTEM.now().since(began).as_secs();
    is_not_ready(&daemon);
    assert_eq!(daemon.database().snapshot(), before);
    daemon.wait_for_line("webhook not kept");
    let lines = not_kept(&daemon);
    assert!(lines[0].contains("level=error"), "{lines:?}");
    assert!(lines[0].contains(r#"err="the database is read-only""#), "{lines:?}");
    // Ten at once, then one in a second.
    assert!(lines.len() as u64 <= 11 + seconds, "{} lines in {seconds} s", lines.len());
    daemon.wait_for_line(r#"msg="not ready""#);
    let log = daemon.log();
    let not_ready = log.lines().filter(|line| line.contains(r#"msg="not ready""#));
    assert_eq!(not_ready.count(), 1);

    fs::remove_file(&fault).expect("no fault");
    pays(&daemon, 1);
    is_ready(&daemon);
    have_paid(daemon, 2);
}

#[test]
fn a_full_database_takes_what_has_room_and_turns_the_rest_away_whole() {
    let options = with_ten_transactions();
    let fault = options.file("fault", "");
    let daemon = options.clone().arg("--unsafe-test-faults").arg(fault.display()).start();
    pays(&daemon, 0);

    fs::write(&fault, "full").expect("a fault");
    // The pages that are in use have room for a few.
    let refused = (1..10).find(|number| daemon.deliver_stripe(paid(*number)).status != 200);
    let refused = refused.expect("it is full at last");
    let before = daemon.database().snapshot();
    is_turned_away(&daemon, refused, "60");
    assert_eq!(daemon.database().snapshot(), before);
    daemon.database().assert_proved();
    daemon.wait_for_line("webhook not kept");
    let lines = not_kept(&daemon);
    assert!(lines[0].contains(r#"err="the database or its disk is full""#), "{lines:?}");

    fs::write(&fault, "").expect("no fault");
    pays(&daemon, refused);
    is_ready(&daemon);
    have_paid(daemon, i64::from(refused) + 1);
}

/// Writing fails in the middle of a commit, as it does where a disk is full.
#[test]
fn a_log_that_can_not_grow_turns_webhooks_away_until_it_can_again() {
    let options = with_ten_transactions().through_shell("trap '' XFSZ");
    let daemon = options.start();
    pays(&daemon, 0);
    let before = daemon.database().snapshot();

    let written = fs::metadata(log_file(&options)).expect("a log").len();
    files_end_at(&daemon, Some(written + 5_000));
    is_turned_away(&daemon, 1, "60");
    is_turned_away(&daemon, 1, "60");
    is_not_ready(&daemon);
    assert_eq!(daemon.database().snapshot(), before);
    daemon.database().assert_proved();
    daemon.wait_for_line("webhook not kept");
    let lines = not_kept(&daemon);
    assert!(lines[0].contains(r#"err="the disk failed: disk I/O error""#), "{lines:?}");

    files_end_at(&daemon, None);
    pays(&daemon, 1);
    is_ready(&daemon);
    have_paid(daemon, 2);
}

#[test]
fn another_process_that_writes_for_a_moment_only_delays() {
    let options = with_ten_transactions();
    let daemon = options.start();
    let other = Sqlite::open(options.db()).expect("a database");
    for number in 0..3 {
        other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
        std::thread::scope(|scope| {
            let answer = scope.spawn(|| pays(&daemon, number));
            // Long enough to be in the way; if it is not, nothing is shown.
            std::thread::sleep(Duration::from_millis(200));
            assert!(!answer.is_finished(), "acknowledged without a commit");
            other.execute_batch("COMMIT").expect("done");
            answer.join().expect("an answer");
        });
    }
    drop(other);
    assert!(not_kept(&daemon).is_empty());
    have_paid(daemon, 3);
}

#[test]
fn another_process_that_holds_the_database_turns_webhooks_away_until_it_lets_go() {
    let options = with_ten_transactions();
    let daemon = options.start();
    pays(&daemon, 0);
    let other = Sqlite::open(options.db()).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    std::thread::scope(|scope| {
        scope.spawn(|| is_turned_away(&daemon, 1, "60"));
        scope.spawn(|| is_not_ready(&daemon));
        assert_eq!(daemon.get("/healthz").status, 200);
    });
    daemon.wait_for_line("webhook not kept");
    let lines = not_kept(&daemon);
    assert!(lines[0].contains(r#"err="the database is held by another process""#), "{lines:?}");

    other.execute_batch("ROLLBACK").expect("let go");
    drop(other);
    pays(&daemon, 1);
    is_ready(&daemon);
    have_paid(daemon, 2);
}

#[test]
fn a_start_without_room_says_where_and_what_to_do() {
    let limited = |options: &Options| options.clone().through_shell("trap '' XFSZ; ulimit -f 16");
    let new = Options::stripe();
    let used = Options::stripe();
    drop(used.start());
    for options in [&new, &used] {
        let started = limited(options).start_refused();
        let migrated = limited(options).run(&["--migrate"]);
        for output in [started, migrated] {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Of a database that is up to date nothing is to be migrated.
            if output.status.success() {
                continue;
            }
            let db = options.db().display();
            assert!(said.contains(&format!("the database {db} can't be written (")), "{said}");
            assert!(said.contains("Its disk, /"), "{said}");
            assert!(said.contains(" MiB free: see what the system says of it (`dmesg`)"), "{said}");
            assert!(said.contains("(`ulimit -f`)"), "{said}");
        }
    }
    drop(new.start());
}

fn with_ten_transactions() -> Options {
    let options = Options::stripe();
    register(&options, (0..10).map(|number| (format!("f{number}"), 4_999)));
    options
}

fn paid(number: u8) -> String {
    stripe_event("payment_intent.succeeded", &format!("f{number}"))
}

fn pays(daemon: &Daemon, number: u8) {
    let answer = daemon.deliver_stripe(paid(number));
    assert_eq!((answer.status, answer.text()), (200, r#"{"received":true}"#));
}

fn is_turned_away(daemon: &Daemon, number: u8, retry_after: &str) {
    let answer = daemon.deliver_stripe(paid(number));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some(retry_after)));
    assert_eq!(answer.text(), r#"{"error":"the event can't be kept now"}"#);
    assert_eq!(daemon.get("/healthz").status, 200);
}

fn is_not_ready(daemon: &Daemon) {
    let answer = daemon.get_admin("/readyz");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    assert_eq!(answer.json()["ready"], false);
}

/// What was found a moment ago may still be said.
fn is_ready(daemon: &Daemon) {
    wait_until("it is ready", || daemon.get_admin("/readyz").status == 200);
}

/// The lines about webhooks that could not be kept.
fn not_kept(daemon: &Daemon) -> Vec<String> {
    let log = daemon.log();
    let lines = log.lines().filter(|line| line.contains(r#"msg="webhook not kept"#));
    lines.map(str::to_owned).collect()
}

/// Exactly the first so many transactions have their money, once, also after a restart.
fn have_paid(daemon: Daemon, count: i64) {
    let options = daemon.options().clone();
    assert!(daemon.terminate().status.success());
    let daemon = options.start();
    let database = daemon.database();
    database.assert_proved();
    assert_eq!(database.count("webhook_logs"), count);
    let paid = "SELECT count(*) FROM transactions
                WHERE status = 'succeeded' AND amount_received = 4999 AND version = 2";
    assert_eq!(database.one::<i64>(paid), count);
    assert_eq!(database.count("transaction_changes"), 10 + count);
}

fn log_file(options: &Options) -> PathBuf {
    let mut file = options.db().as_os_str().to_owned();
    file.push("-wal");
    file.into()
}

/// Limits the size of every file that the daemon writes.
fn files_end_at(daemon: &Daemon, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(daemon.pid()).expect("a pid"));
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(pid, Resource::Fsize, limit).expect("a limit");
}
