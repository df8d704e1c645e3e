//! Copies of the database, made while the daemon works.

use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use crate::daemon::{Options, wait_until};
use crate::database::Database;
use crate::provider::{StripeSample, stripe_event};

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

#[test]
fn a_copy_takes_the_place_of_a_database_that_is_lost() {
    let daemon = Options::stripe().start();
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    let options = daemon.options().clone();
    let copy = options.folder().join("copy.db");
    options.done(&["backup", &copy.display().to_string()]);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2"));
    daemon.kill();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", options.db().display());
        std::fs::remove_file(file).expect("a file");
    }
    std::fs::rename(&copy, options.db()).expect("renamed");
    let daemon = options.start();
    assert_eq!(daemon.database().count("webhook_logs"), 1);
    let again = StripeSample::new("payment_intent.succeeded", "1").body();
    assert_eq!(daemon.deliver_stripe(again).text(), r#"{"received":true,"duplicate":true}"#);
    daemon.database().assert_sound();
}

#[test]
fn what_can_not_be_a_copy_leaves_no_file() {
    let options = Options::stripe();
    let target = options.folder().join("copy.db");
    let target = target.to_str().expect("text");
    let refused = |args: &[&str]| {
        let output = options.run(args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
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
