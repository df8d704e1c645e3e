//! Copies of the database, made while the daemon works.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};

use crate::support::daemon::{Options, wait_until};
use crate::support::database::Database;
use crate::support::provider::{StripeSample, stripe_event};

/// What a command says that fails.
fn refused(options: &Options, args: &[&str]) -> String {
    let output = options.run(args);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_copy_made_under_load_is_whole_and_holds_all_that_was_acknowledged() {
    let daemon = Options::stripe().start();
    let options = daemon.options();
    options.done(&["transactions", "add", "--provider", "stripe", "--reference", "pi_0"]);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "0"));
    let copies: Vec<_> = std::thread::scope(|scope| {
        for sender in 1..4 {
            let daemon = &daemon;
            scope.spawn(move || {
                for number in 0..60 {
                    let name = format!("{sender}_{number}");
                    let body = stripe_event("payment_intent.succeeded", &name);
                    assert_eq!(daemon.deliver_stripe(body).status, 200);
                }
            });
        }
        let copy = |number: i64| {
            let before = options.database().count("webhook_logs");
            let file = options.folder().join(format!("copy-{number}.db"));
            let said = options.done(&["backup", &file.display().to_string()]);
            assert!(said.contains(" events, 1 transactions, checked"), "{said}");
            (file, before)
        };
        wait_until("some have come", || options.database().count("webhook_logs") > 3);
        (0..3).map(copy).collect()
    });
    for (file, before) in copies {
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let copy = Database::open(&file);
        assert!(copy.count("webhook_logs") >= before);
        copy.assert_sound();
    }
}

/// A database of some megabytes, in rows that nobody else is about.
fn large_database(options: &Options) -> Connection {
    options.done(&["--migrate"]);
    let sqlite = Connection::open(options.db()).expect("a database");
    sqlite
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 4000)
             INSERT INTO paypal_certificates
             SELECT format('url %05d', n), hex(zeroblob(2000)), '0' FROM n",
        )
        .expect("rows");
    sqlite
}

#[test]
fn a_copy_is_of_one_moment_though_its_first_and_last_pages_change_meanwhile() {
    let options = Options::stripe();
    let sqlite = large_database(&options);
    // Into the file again and again, while it is copied.
    sqlite.pragma_update(None, "wal_autocheckpoint", 20).expect("a pragma");
    let (committed, done) = (AtomicI64::new(0), AtomicBool::new(false));
    let change = "UPDATE paypal_certificates SET fetched_at = ?1
                  WHERE url IN ('url 00001', 'url 01500', 'url 03000', 'url 04000')";
    std::thread::scope(|scope| {
        let (committed, done) = (&committed, &done);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let next = committed.load(Ordering::Relaxed) + 1;
                sqlite.execute(change, [next.to_string()]).expect("a commit");
                committed.store(next, Ordering::Release);
            }
        });
        wait_until("something was committed", || committed.load(Ordering::Acquire) > 0);
        let copies = (0..3).map(|number| {
            let before = committed.load(Ordering::Acquire);
            let file = options.folder().join(format!("copy-{number}.db"));
            let output = options.run(&["backup", &file.display().to_string()]);
            (before, committed.load(Ordering::Acquire), file, output)
        });
        let copies: Vec<_> = copies.collect();
        done.store(true, Ordering::Relaxed);
        for (before, after, file, output) in copies {
            assert!(output.status.success(), "{output:?}");
            let copy = Database::open(&file);
            copy.assert_sound();
            let found = copy.rows(
                "SELECT DISTINCT fetched_at FROM paypal_certificates WHERE fetched_at <> '0'",
            );
            let [found] = &found[..] else { panic!("of several moments: {found:?}") };
            let found: i64 = found.parse().expect("a number");
            // The one after may be on the disk before the thread says so.
            assert!((before..=after + 1).contains(&found), "{before} {found} {after}");
            assert_eq!(copy.count("paypal_certificates"), 4000);
        }
    });
}

#[test]
fn whoever_reads_for_long_does_not_keep_a_copy_from_being_made() {
    let daemon = Options::stripe().start();
    let options = daemon.options();
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    let reader = Connection::open(options.db()).expect("a database");
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM webhook_logs")
        .expect("a moment that is held");
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2"));
    let file = options.folder().join("copy.db");
    options.done(&["backup", &file.display().to_string()]);
    let copy = Database::open(&file);
    assert_eq!(copy.count("webhook_logs"), 2);
    copy.assert_sound();
}

#[test]
fn a_copy_that_was_killed_leaves_nothing_that_the_next_one_keeps() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let part = options.file("copy.db.part", vec![0x5a; 1 << 20]);
    let file = options.folder().join("copy.db");
    options.done(&["backup", &file.display().to_string()]);
    assert!(!part.exists());
    Database::open(&file).assert_sound();

    let folder = options.folder().join("copies");
    std::fs::create_dir(&folder).expect("a folder");
    let [left, being_made] = ["20200101T000000000Z", "20210101T000000000Z"]
        .map(|stamp| folder.join(format!("payhookd-{stamp}.db.part")));
    for part in [&left, &being_made, &folder.join("other.db.part")] {
        std::fs::write(part, "").expect("a file");
    }
    let locked = File::open(&being_made).expect("a file");
    flock(&locked, FlockOperation::LockExclusive).expect("a lock");
    let said = options.done(&["backup", &folder.display().to_string()]);
    assert!(said.contains("20200101T000000000Z.db.part, which nobody completes"), "{said}");
    assert!(!left.exists() && being_made.exists());
    // Larger than what is given back to the disk at once.
    let old = folder.join("payhookd-20190101T000000000Z.db");
    std::fs::write(&old, vec![0; 9 << 20]).expect("a file");
    options.done(&["backup", &folder.display().to_string(), "--keep", "2"]);
    assert!(!old.exists() && !folder.join("payhookd-20190101T000000000Z.db.part").exists());
    assert!(folder.join("other.db.part").exists());
}

#[test]
fn two_copies_do_not_become_one_file() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let part = options.file("copy.db.part", "another's");
    let locked = File::open(&part).expect("a file");
    flock(&locked, FlockOperation::LockExclusive).expect("a lock");
    let file = options.folder().join("copy.db");
    let said = refused(&options, &["backup", &file.display().to_string()]);
    assert!(said.contains("copy.db.part exists already"), "{said}");
    assert_eq!(std::fs::read(&part).expect("a file"), b"another's");
    assert!(!file.exists());
}

#[test]
fn a_copy_takes_the_place_of_a_database_that_is_kept_or_lost() {
    let daemon = Options::stripe().start();
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    let options = daemon.options().clone();
    let copy = options.folder().join("copy.db");
    let copy = copy.to_str().expect("text");
    options.done(&["backup", copy]);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2"));
    let said = refused(&options, &["restore", copy]);
    assert!(said.contains("is in use: stop the daemon"), "{said}");
    assert_eq!(daemon.database().count("webhook_logs"), 2);

    // What was committed last is in the log beside the file.
    daemon.kill();
    let said = options.done(&["restore", copy]);
    assert!(said.contains(" 1 events, 0 transactions, checked"), "{said}");
    let kept = said.lines().find_map(|line| line.strip_prefix("the one before is kept: "));
    assert_eq!(Database::open(kept.expect("its name").as_ref()).count("webhook_logs"), 2);
    let again = StripeSample::new("payment_intent.succeeded", "1").body();
    let daemon = options.start();
    assert_eq!(daemon.database().count("webhook_logs"), 1);
    assert_eq!(daemon.deliver_stripe(again).text(), r#"{"received":true,"duplicate":true}"#);
    daemon.database().assert_sound();

    daemon.kill();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", options.db().display());
        std::fs::remove_file(file).expect("a file");
    }
    let said = options.done(&["restore", copy]);
    assert!(!said.contains("kept"), "{said}");
    let mode = std::fs::metadata(options.db()).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(options.start().database().count("webhook_logs"), 1);
}

#[test]
fn what_root_restores_belongs_to_the_daemons_user() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let copy = options.folder().join("copy.db");
    let copy = copy.to_str().expect("text");
    options.done(&["backup", copy]);
    if chown(options.db(), Some(12_345), Some(12_345)).is_err() {
        println!("skipped: only root can give a file to another user");
        return;
    }
    let owner = || std::fs::metadata(options.db()).expect("a file").uid();
    options.done(&["restore", copy]);
    assert_eq!(owner(), 12_345);
    // Nothing is left of the one before: the folder says whose it is.
    std::fs::remove_file(options.db()).expect("a file");
    chown(options.folder(), Some(12_346), Some(12_346)).expect("as before");
    options.done(&["restore", copy]);
    assert_eq!(owner(), 12_346);
}

#[test]
fn what_is_no_sound_copy_is_not_put_in_place() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let copy = options.folder().join("copy.db");
    options.done(&["backup", copy.to_str().expect("text")]);
    let before = std::fs::read(options.db()).expect("a file");
    let newer = options.folder().join("newer.db");
    std::fs::copy(&copy, &newer).expect("a copy");
    let sqlite = Connection::open(&newer).expect("a database");
    let newest = "INSERT INTO refinery_schema_history VALUES (1000, 'later', 'now', '0')";
    sqlite.execute(newest, []).expect("a row");
    drop(sqlite);
    let mut bytes = std::fs::read(&copy).expect("a file");
    for page in 2..bytes.len() / 8192 {
        bytes[page * 8192..page * 8192 + 64].fill(0x5a);
    }
    let damaged = options.file("damaged.db", bytes);
    let text = options.file("text.db", "not one");
    let missing = options.folder().join("missing.db");
    let itself = options.db();
    for (file, expected) in [
        (&*newer, "this payhookd knows up to"),
        (&damaged, "damaged"),
        (&text, "is not a database"),
        (&missing, "there is no database at"),
        (itself, "is the database itself"),
    ] {
        let said = refused(&options, &["restore", file.to_str().expect("text")]);
        assert!(said.contains(expected), "{said}");
        assert_eq!(std::fs::read(options.db()).expect("a file"), before, "{expected}");
    }
    let files = std::fs::read_dir(options.folder()).expect("a folder");
    let mut names = files.map(|file| file.expect("a file").file_name());
    assert!(names.all(|name| !name.to_string_lossy().contains(".part")));
}

#[test]
fn what_can_not_be_a_copy_leaves_no_file() {
    let options = Options::stripe();
    let target = options.folder().join("copy.db");
    let target = target.to_str().expect("text");
    let refused = |args: &[&str]| refused(&options, args);
    assert!(refused(&["backup", target]).contains("there is no database"));
    options.done(&["--migrate"]);
    assert!(refused(&["backup", target, "--keep", "2"]).contains("--keep is for a folder"));
    assert!(refused(&["backup", "/nowhere/copy.db"]).contains("/nowhere/copy.db"));
    let taken = options.file("taken.db", "mine");
    let taken = taken.to_str().expect("text");
    assert!(refused(&["backup", taken]).contains("exists already"));
    assert_eq!(std::fs::read(taken).expect("a file"), b"mine");
    // A database that is damaged is not copied as if it were none.
    let events = (0..200).map(|number| format!("('x{number}', 'p', 'now')")).collect::<Vec<_>>();
    let sqlite = Connection::open(options.db()).expect("a database");
    let insert = format!("INSERT INTO paypal_certificates VALUES {}", events.join(","));
    sqlite.execute_batch(&format!("{insert}; PRAGMA wal_checkpoint(TRUNCATE)")).expect("rows");
    drop(sqlite);
    let mut bytes = std::fs::read(options.db()).expect("a file");
    let pages = bytes.len() / 8192;
    for page in 2..pages {
        bytes[page * 8192..page * 8192 + 64].fill(0x5a);
    }
    std::fs::write(options.db(), bytes).expect("damaged");
    let said = refused(&["backup", target]);
    assert!(said.contains("malformed") || said.contains("not sound"), "{said}");
    for name in ["copy.db", "copy.db.part"] {
        assert!(!options.folder().join(name).exists(), "{name} is left");
    }
}

#[test]
fn a_folder_keeps_the_newest_copies_and_everything_else() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let folder = options.folder().join("copies");
    std::fs::create_dir(&folder).expect("a folder");
    for name in ["payhookd-20200101T000000000Z.db", "payhookd-20210101T000000000Z.db", "other.db"] {
        std::fs::write(folder.join(name), "").expect("a file");
    }
    let said = options.done(&["backup", &folder.display().to_string(), "--keep", "2"]);
    assert!(said.contains("removed ") && said.contains("20200101T000000000Z"), "{said}");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(names[..2], ["other.db", "payhookd-20210101T000000000Z.db"]);
}
