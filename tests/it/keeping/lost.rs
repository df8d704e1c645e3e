//! The database's files are removed, replaced or written over under the running daemon: nothing is
//! acknowledged into what nobody finds again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::daemon::{Daemon, Ended, Options};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::stripe_event;
use crate::support::shop::register;

/// The exit status of a daemon that has lost its database.
const LOST: i32 = 3;
/// That of one whose database another daemon holds.
const HELD: i32 = 4;

fn shop() -> (Options, Daemon) {
    let options = Options::stripe();
    register(&options, (0..10).map(|number| (format!("f{number}"), 4_999)));
    let daemon = options.start();
    pays(&daemon, 0);
    (options, daemon)
}

fn paid(number: u8) -> String {
    stripe_event("payment_intent.succeeded", &format!("f{number}"))
}

fn pays(daemon: &Daemon, number: u8) {
    assert_eq!(daemon.deliver_stripe(paid(number)).status, 200);
}

fn beside(options: &Options, suffix: &str) -> PathBuf {
    let mut file = options.db().as_os_str().to_owned();
    file.push(suffix);
    file.into()
}

/// The daemon takes nothing any more, says why, and ends as it is written.
fn is_lost(daemon: Daemon, why: &str) -> Ended {
    assert_eq!(daemon.deliver_stripe(paid(1)).status, 503);
    assert_eq!(daemon.deliver_stripe(paid(0)).status, 503, "known, and not acknowledged either");
    let ready = daemon.get_admin("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains(why), "{}", ready.text());
    let ended = daemon.wait();
    assert_eq!(ended.status.code(), Some(LOST), "{}", ended.log);
    assert!(ended.log.contains("level=error msg=\"the database is lost"), "{}", ended.log);
    ended
}

fn has_issue(options: &Options, said: &str) {
    let issues = options.done(&["issues", "list", "--json"]);
    assert!(issues.contains(r#""kind":"database""#), "{issues}");
    assert!(issues.contains(r#""severity":"critical""#), "{issues}");
    assert!(issues.contains(said), "{issues}");
}

/// All that was acknowledged is there after a new start, and webhooks are taken.
fn goes_on(options: &Options) {
    let daemon = options.start();
    let first = "SELECT count(*) FROM webhook_logs WHERE event_id LIKE 'evt_f0%'";
    assert_eq!(options.database().one::<i64>(first), 1);
    pays(&daemon, 1);
    pays(&daemon, 2);
    assert!(daemon.terminate().status.success());
    let database = options.database();
    database.assert_sound();
    // What came between a copy and its taking the file's place may be there too.
    let paid = "SELECT count(*) FROM transactions
                WHERE status = 'succeeded' AND reference IN ('pi_f0', 'pi_f1', 'pi_f2')";
    assert_eq!(database.one::<i64>(paid), 3);
}

#[test]
fn a_database_that_is_removed_is_put_back() {
    for suffixes in [&[""][..], &["", "-wal", "-shm"]] {
        let (options, daemon) = shop();
        for suffix in suffixes {
            fs::remove_file(beside(&options, suffix)).expect("a file");
        }
        is_lost(daemon, "removed");
        has_issue(&options, "put back");
        goes_on(&options);
    }
}

#[test]
fn that_it_is_removed_is_seen_without_a_webhook() {
    let (options, daemon) = shop();
    fs::rename(options.db(), options.folder().join("elsewhere.db")).expect("a file");
    let ended = daemon.wait();
    assert_eq!(ended.status.code(), Some(LOST), "{}", ended.log);
    goes_on(&options);
}

#[test]
fn what_the_replaced_database_held_is_kept_beside_the_new_one() {
    let (options, daemon) = shop();
    let copy = options.folder().join("copy.db");
    options.done(&["backup", &copy.display().to_string()]);
    pays(&daemon, 3);
    fs::rename(&copy, options.db()).expect("in its place");
    is_lost(daemon, "another file");
    let rescued = beside(&options, ".rescued-1");
    has_issue(&options, &rescued.display().to_string());
    // What was put there is what it was, without what the log of the other held.
    options.database().assert_sound();
    assert_eq!(options.database().count("webhook_logs"), 1);
    options.done(&["restore", &rescued.display().to_string()]);
    let events = options.database().rows("SELECT event_id FROM webhook_logs ORDER BY id");
    assert!(events[1].starts_with("evt_f3"), "{events:?}");
    options.database().assert_sound();
}

#[test]
fn a_database_that_is_written_over_is_left_as_it_was_written() {
    let (options, daemon) = shop();
    let copy = options.folder().join("copy.db");
    options.done(&["backup", &copy.display().to_string()]);
    pays(&daemon, 3);
    fs::copy(&copy, options.db()).expect("written over");
    is_lost(daemon, "written over");
    has_issue(&options, "set aside");
    assert!(beside(&options, ".lost-1-wal").exists());
    goes_on(&options);
}

#[test]
fn what_a_removed_log_held_is_written_into_the_file() {
    let (options, daemon) = shop();
    fs::remove_file(beside(&options, "-wal")).expect("a log");
    is_lost(daemon, "-wal");
    has_issue(&options, "written into the file");
    goes_on(&options);
}

/// Nothing can be kept, so whoever is told of issues is told at once.
#[test]
fn where_nothing_can_be_kept_people_are_told_at_once() {
    let target = Fake::start(|_| Reply::ok("ok"));
    let url = format!("json+http://{}/", target.address);
    let options = Options::stripe().variable("PAYHOOKD_ALERT_URL", url);
    let daemon = options.start();
    fs::write(options.db(), "no database").expect("written over");
    let ended = daemon.wait();
    assert_eq!(ended.status.code(), Some(LOST), "{}", ended.log);
    let told = target.asked();
    let told: Vec<_> = told.iter().map(|one| String::from_utf8_lossy(&one.body)).collect();
    assert!(told.iter().any(|one| one.contains("was written over while")), "{told:?}");
}

#[test]
fn a_database_that_was_not_closed_is_checked_and_a_damaged_one_refused() {
    let options = Options::stripe();
    let checked = |daemon: &Daemon| daemon.log().contains("checking the database");
    let daemon = options.start();
    assert!(!checked(&daemon), "it is new");
    pays(&daemon, 0);
    assert!(daemon.terminate().status.success());
    let daemon = options.start();
    assert!(!checked(&daemon), "it is as it was left");
    daemon.kill();
    let daemon = options.start();
    assert!(checked(&daemon));
    daemon.wait_for_line("the database is sound");
    assert!(daemon.terminate().status.success());
    let daemon = options.start();
    assert!(!checked(&daemon));
    assert!(daemon.terminate().status.success());

    damage(options.db());
    let refused = options.start_refused();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("is damaged ("), "{said}");
    assert!(said.contains("payhookd restore"), "{said}");
}

/// A page in the middle is no longer what it was.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("a file");
    let page = bytes.len() / 8_192 / 2 * 8_192;
    for page in bytes[page..].chunks_mut(8_192) {
        page[..100].fill(0xaa);
    }
    fs::write(file, bytes).expect("written");
}

#[test]
fn a_second_daemon_on_the_same_database_is_refused() {
    let options = Options::stripe();
    let daemon = options.start();
    let refused = options.start_refused();
    assert_eq!(refused.status.code(), Some(HELD));
    let said = String::from_utf8_lossy(&refused.stderr);
    let holder = format!("(process {}, since 20", daemon.pid());
    assert!(said.contains("is in use by another payhookd"), "{said}");
    assert!(said.contains(&holder), "{said}");

    // By another way to the same file, too.
    let link = options.folder().join("link.db");
    std::os::unix::fs::symlink(options.db(), &link).expect("a link");
    let refused = options.clone().variable("PAYHOOKD_DB", link.display()).start_refused();
    assert_eq!(refused.status.code(), Some(HELD));
    // Commands that write are no daemons.
    register(&options, [("while".to_owned(), 4_999)]);

    daemon.kill();
    assert!(options.start().terminate().status.success(), "who is killed holds it no longer");
}
