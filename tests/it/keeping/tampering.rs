//! Somebody who can write the database file, and knows how payhookd makes links, changes what was: each
//! way is found by whoever noted the head of the log, or by the comparison of the transactions.

use std::fs;

use rusqlite::types::ValueRef;
use rusqlite::{Connection as Sqlite, params};
use sha2::{Digest, Sha256};

use crate::support::daemon::{Options, wait_until};
use crate::support::provider::{StripeSample, at, stripe_event};
use crate::support::shop::register;
use payhookd::domain::records::Head;
use payhookd::store::{Database, ForgetEvents};

/// Five paid transactions, of one event each, and one event that could not be understood; with the
/// head of the log that a person noted.
fn shop() -> (Options, Head) {
    let options = Options::stripe();
    let daemon = options.start();
    register(&options, (1..=5).map(|number| (number.to_string(), 4999)));
    for number in 1..=5 {
        let event = stripe_event("payment_intent.succeeded", &number.to_string());
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    let event = stripe_event("payment_intent.succeeded", "6").replace("4999", "\"much\"");
    assert_eq!(daemon.deliver_stripe(event).status, 200);
    let log = daemon.terminate().log;
    let stopped = log.lines().find(|line| line.contains("msg=stopped")).expect("a last line");
    let head = stopped.split(' ').find_map(|word| word.strip_prefix("log_head="));
    (options, head.expect("the head of the log").parse().expect("a head"))
}

/// Another shop with the same database.
fn copied(options: &Options) -> Options {
    let copy = Options::stripe();
    for suffix in ["", ".head"] {
        let name = format!("payhookd.db{suffix}");
        fs::copy(options.folder().join(&name), copy.folder().join(&name)).expect("copied");
    }
    copy
}

/// Values one after another, as they are hashed.
#[derive(Default)]
pub(crate) struct Text(Vec<u8>);

impl Text {
    pub(crate) fn of(name: &str) -> Self {
        Self::default().and(Some(name.as_bytes()))
    }

    pub(crate) fn and(mut self, value: Option<&[u8]>) -> Self {
        let Some(value) = value else {
            self.0.push(0);
            return self;
        };
        self.0.push(1);
        self.0.extend((value.len() as u64).to_be_bytes());
        self.0.extend(value);
        self
    }

    pub(crate) fn value(self, value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => self.and(None),
            ValueRef::Integer(number) => self.and(Some(&number.to_be_bytes())),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => self.and(Some(bytes)),
            ValueRef::Real(_) => panic!("no such column"),
        }
    }

    pub(crate) fn hash(self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// Whoever has the file.
pub(crate) struct Somebody(Sqlite);

impl Somebody {
    pub(crate) fn with(options: &Options) -> Self {
        let sqlite = Sqlite::open(options.db()).expect("a database");
        for constraints in ["foreign_keys", "ignore_check_constraints"] {
            let is_off = constraints != "foreign_keys";
            sqlite.pragma_update(None, constraints, is_off).expect("no constraints");
        }
        Self(sqlite)
    }

    pub(crate) fn does(&self, sql: &str) {
        self.0.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Makes all links from this one on follow from those before.
    fn chains_anew(&self, from: i64) {
        let chain = |id: i64| -> Vec<u8> {
            let row = "SELECT chain FROM webhook_log_chain WHERE id = ?1";
            self.0.query_row(row, [id], |row| row.get(0)).expect("a link")
        };
        let last: i64 = self
            .0
            .query_row("SELECT max(id) FROM webhook_log_chain", [], |row| row.get(0))
            .expect("links");
        for id in from..=last {
            let before = chain(id - 1);
            let columns = "SELECT id, log_id, kind, made_at, detail, origin, reading, says, body
                           FROM webhook_log_chain WHERE id = ?1";
            let hash = self.0.query_row(columns, [id], |row| {
                let text = Text::of("payhookd webhook_log_chain 2").and(Some(&before));
                (0..9).try_fold(text, |text, column| Ok(text.value(row.get_ref(column)?)))
            });
            let update = "UPDATE webhook_log_chain SET chain = ?2 WHERE id = ?1";
            self.0.execute(update, params![id, hash.expect("a link").hash()]).expect("chained");
        }
    }

    /// What never changes of an event, as it stands now.
    fn origin(&self, id: i64) -> [u8; 32] {
        let columns = "SELECT id, provider, event_id, received_at, api_version, livemode, proof,
                              source, payload_sha256, headers FROM webhook_logs WHERE id = ?1";
        let text = self.0.query_row(columns, [id], |row| {
            let text = Text::of("payhookd webhook_logs 2");
            let text = (0..9).try_fold(text, |text, column| {
                Ok::<_, rusqlite::Error>(text.value(row.get_ref(column)?))
            })?;
            let headers: String = row.get(9)?;
            Ok(text.and(Some(&Sha256::digest(headers))))
        });
        text.expect("an event").hash()
    }

    /// Puts another body in the place of an event's, with the hash of it.
    fn rewrites(&self, id: i64) {
        let body = "SELECT replace(payload, '4999', '9999') FROM webhook_logs WHERE id = ?1";
        let body: String = self.0.query_row(body, [id], |row| row.get(0)).expect("a body");
        let update = "UPDATE webhook_logs SET payload = ?2, payload_sha256 = ?3 WHERE id = ?1";
        let hash: [u8; 32] = Sha256::digest(&body).into();
        self.0.execute(update, params![id, body, hash]).expect("rewritten");
    }

    /// Appends a link of an event as it stands now, or with what its first link says.
    fn links(&self, id: i64, kind: &str, detail: Option<&str>, origin: Option<[u8; 32]>) {
        let made_at = (kind != "received").then_some("2026-11-23T00:00:00.000Z");
        let insert = "INSERT INTO webhook_log_chain
                          (id, log_id, kind, made_at, detail, origin, reading, says, body, chain)
                      SELECT (SELECT max(id) + 1 FROM webhook_log_chain), ?1, ?2, ?3, ?4,
                             ifnull(?5, origin), reading, says, body, zeroblob(32)
                      FROM webhook_log_chain WHERE log_id = ?1 ORDER BY id LIMIT 1";
        self.0.execute(insert, params![id, kind, made_at, detail, origin]).expect("a link");
        let last: i64 = self
            .0
            .query_row("SELECT max(id) FROM webhook_log_chain", [], |row| row.get(0))
            .expect("links");
        self.chains_anew(last);
    }
}

/// What the doctor, asked so, finds wrong.
fn found(options: &Options, how: &[&str]) -> String {
    let output = options.run(&[&["doctor"], how].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

type Tampering = (&'static str, fn(&Options, &Somebody), &'static str);

#[test]
fn whatever_is_done_to_the_log_is_found_by_who_noted_its_head() {
    let (shop, noted) = shop();
    let noted = noted.to_string();
    let verify = ["--verify-log", "--expect-head", &noted];
    assert!(shop.done(&[&["doctor"], &verify[..]].concat()).starts_with("ok"));
    let tamperings: &[Tampering] = &[
        (
            "another body",
            |_, one| one.does("UPDATE webhook_logs SET payload = '{}' WHERE id = 3"),
            "the body of event 3 was changed",
        ),
        (
            "no body",
            |_, one| one.does("UPDATE webhook_logs SET payload = NULL WHERE id = 3"),
            "the body of event 3 was removed",
        ),
        (
            "another body, its hash, and a link that calls it redacted",
            |options, one| {
                one.rewrites(3);
                let mut database = Database::open(options.db()).expect("a database");
                let now = at("2026-11-23T00:00:00Z");
                let forget = ForgetEvents { ids: vec![3], of_shop: None };
                assert_eq!(database.run(&forget, now).expect("a link").len(), 1);
            },
            "of event 3, was made by something else",
        ),
        (
            "another body and a link that calls it another rendering",
            |_, one| {
                let arrival = r#"{"api_version":null,"livemode":true,"proof":"","source":"webhook",
                    "payload_sha256":"0000000000000000000000000000000000000000000000000000000000000000"}"#;
                one.rewrites(3);
                one.links(3, "replaced", Some(arrival), Some(one.origin(3)));
            },
            "of event 3, was made by something else",
        ),
        (
            "another event in the place of one that led to nothing",
            |_, one| {
                one.does("UPDATE webhook_logs SET event_id = 'evt_other' WHERE id = 6");
                one.links(6, "replaced", Some("{}"), Some(one.origin(6)));
            },
            "of event 6, was made by something else",
        ),
        (
            "a second first link",
            |_, one| {
                one.rewrites(3);
                one.links(3, "received", None, Some(one.origin(3)));
            },
            "of event 3, was made by something else",
        ),
        (
            "an event less",
            |_, one| one.does("DELETE FROM webhook_logs WHERE id = 3"),
            "event 3 was removed",
        ),
        (
            "an event less and no trace of it, chained anew",
            |_, one| {
                one.does(
                    "DELETE FROM webhook_logs WHERE id = 3;
                     DELETE FROM webhook_log_chain WHERE log_id = 3;
                     UPDATE webhook_log_chain SET id = id - 1 WHERE log_id > 3;",
                );
                one.chains_anew(5);
            },
            "when its head was noted",
        ),
        (
            "an event more",
            |_, one| {
                one.does(
                    "CREATE TEMP TABLE event AS SELECT * FROM webhook_logs WHERE id = 3;
                     UPDATE event SET id = 7, event_id = 'evt_7';
                     INSERT INTO webhook_logs SELECT * FROM event;",
                );
            },
            "event 7 was added",
        ),
        (
            "two events that change places",
            |_, one| {
                one.does(
                    "UPDATE webhook_logs SET id = 99 WHERE id = 2;
                     UPDATE webhook_logs SET id = 2 WHERE id = 3;
                     UPDATE webhook_logs SET id = 3 WHERE id = 99;",
                );
            },
            "event 2 was changed",
        ),
        (
            "all links made anew from some event on",
            |_, one| {
                one.rewrites(3);
                let update = "UPDATE webhook_log_chain SET origin = ?1 WHERE log_id = 3";
                one.0.execute(update, [one.origin(3)]).expect("a link");
                one.chains_anew(5);
            },
            "the chain had another link 8",
        ),
        (
            "the end cut off",
            |_, one| {
                one.does(
                    "DELETE FROM webhook_log_chain WHERE log_id > 4;
                     DELETE FROM webhook_logs WHERE id > 4;
                     DELETE FROM transaction_events WHERE log_id > 4;",
                );
            },
            "the newest events were removed",
        ),
        (
            "other money in what an event says",
            |_, one| one.does("UPDATE transaction_events SET captured = 9999 WHERE log_id = 3"),
            "event 3 was changed",
        ),
        (
            "other money in what an event says, and a link that calls it redacted",
            |options, one| {
                one.does("UPDATE transaction_events SET captured = 9999 WHERE log_id = 3");
                let mut database = Database::open(options.db()).expect("a database");
                let now = at("2026-11-23T00:00:00Z");
                let forget = ForgetEvents { ids: vec![3], of_shop: None };
                assert_eq!(database.run(&forget, now).expect("a link").len(), 1);
            },
            "of event 3, was made by something else",
        ),
        (
            "something that an event did not say",
            |_, one| {
                one.does(
                    "CREATE TEMP TABLE fact AS SELECT * FROM transaction_events WHERE log_id = 3;
                     UPDATE fact SET transaction_id = 4, captured = 1;
                     INSERT INTO transaction_events SELECT * FROM fact;",
                );
            },
            "event 3 was changed",
        ),
        (
            "the beginning of the chain",
            |_, one| {
                one.does("UPDATE webhook_log_chain SET made_at = '2030-01-01T00:00:00.000Z' WHERE id = 1")
            },
            "what the chain says of events from before link 2 was changed",
        ),
        (
            "links of the earlier form after the seal",
            |_, one| {
                one.does(
                    "UPDATE webhook_log_chain SET facts = zeroblob(32), origin = NULL WHERE id = 5",
                )
            },
            "the chain is broken at link 5",
        ),
    ];
    for (what, tampers, finding) in tamperings {
        let options = copied(&shop);
        tampers(&options, &Somebody::with(&options));
        let said = found(&options, &verify);
        assert!(said.contains(finding), "{what}: {said}");
    }
}

#[test]
fn a_transaction_that_is_not_what_its_events_say_is_found_whatever_was_changed_of_it() {
    let (shop, _) = shop();
    let said = shop.run(&["doctor", "--full"]);
    let said = String::from_utf8(said.stdout).expect("text");
    assert!(said.contains("ok    transactions   5 are what their events say\n"), "{said}");
    for (column, value, differ) in [
        ("status", "'refunded'", "status"),
        ("amount_received", "5000", "amount_received"),
        ("amount_refunded", "4999", "amount_refunded"),
        ("received_currency", "'USD'", "received_currency"),
        ("dispute_status", "'won'", "dispute_status"),
        ("amount_check", "'overpaid'", "amount_check"),
        ("amount", "9999", "amount_check"),
        ("currency", "'USD'", "amount_check"),
        ("other_money", "'[{\"currency\":\"USD\",\"received\":1,\"refunded\":0}]'", "other_money"),
        ("status_changed_at", "'2026-01-01T00:00:00.000Z'", "status_changed_at"),
        ("created_at", "'2026-01-01T00:00:00.000Z'", "created_at"),
        ("updated_at", "'2026-01-01T00:00:00.000Z'", "updated_at"),
        ("closed_at", "'2026-01-01T00:00:00.000Z'", "closed_at"),
        ("version", "7", "version"),
        ("latest_log_id", "1", "latest_log_id"),
        ("reference", "'pi_other'", "reference"),
        ("order_id", "'A-other'", "order_id"),
        ("livemode", "0", "reference"),
        ("status", "'paid'", "status"),
    ] {
        let options = copied(&shop);
        let one = Somebody::with(&options);
        one.does(&format!("UPDATE transactions SET {column} = {value} WHERE id = 2"));
        let before = options.database().snapshot();
        let said = found(&options, &["--full"]);
        let line = said.lines().find(|line| line.contains("transaction 2:"));
        let line = line.unwrap_or_else(|| panic!("{column} = {value}: {said}"));
        assert!(line.starts_with("fail  transactions "), "{line}");
        assert!(line.contains(differ), "{column} = {value}: {line}");
        assert_eq!(options.database().snapshot(), before, "nothing is changed");
    }
    // Both the row and what tells of it.
    let options = copied(&shop);
    Somebody::with(&options).does(
        "UPDATE transactions SET amount_received = 9999 WHERE id = 2;
         UPDATE transaction_changes SET amount_received = 9999 WHERE transaction_id = 2;",
    );
    let said = found(&options, &["--full"]);
    assert!(said.contains("transaction 2: amount_received differ from"), "{said}");
}

#[test]
fn a_log_that_was_begun_anew_raises_an_alarm_until_a_person_says_that_he_did_it() {
    let (options, noted) = shop();
    let one = Somebody::with(&options);
    // As if it had never had a chain: the next start makes one of what is there.
    one.rewrites(3);
    one.does(
        "DELETE FROM webhook_log_chain WHERE id > 2;
         UPDATE webhook_log_chain SET origin = NULL, detail = NULL, chain = zeroblob(32) WHERE id = 2;",
    );
    let daemon = options.clone().arg("--unsafe-test-lookout=20").start();
    let issue = daemon.wait_for_line(" kind=event_log ");
    assert!(issue.contains(" status=open severity=critical "), "{issue}");
    let shown = options.done(&["issues", "list", "--json"]);
    assert!(shown.contains("The log of events was tampered with"), "{shown}");
    let broken = format!("its chain ended with {noted} when the daemon last saw it");
    assert!(found(&options, &[]).contains(&broken));
    assert!(found(&options, &["--verify-log"]).contains(&broken));

    // It stays, also when the daemon was stopped, until that file is gone.
    drop(daemon);
    let daemon = options.clone().arg("--unsafe-test-lookout=20").start();
    assert!(found(&options, &["--verify-log"]).contains(&broken));
    fs::remove_file(options.db().with_extension("db.head")).expect("removed");
    let closed = daemon.wait_for_line(" kind=event_log subject=database status=closed ");
    assert!(closed.contains(" severity=critical "), "{closed}");
    wait_until("its head is known", || options.db().with_extension("db.head").exists());
    let said = options.done(&["doctor", "--verify-log"]);
    assert!(said.contains("; 6 were there before; "), "{said}");
}

#[test]
fn going_back_to_a_copy_is_no_tampering() {
    let (options, _) = shop();
    let copy = options.folder().join("copy.db");
    options.done(&["backup", copy.to_str().expect("a name")]);
    let daemon = options.start();
    let event = StripeSample::new("payment_intent.succeeded", "7");
    assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
    drop(daemon.terminate());
    options.done(&["restore", copy.to_str().expect("a name")]);
    let daemon = options.clone().arg("--unsafe-test-lookout=20").start();
    wait_until("its head is known", || options.db().with_extension("db.head").exists());
    assert!(!daemon.log().contains("kind=event_log"), "{}", daemon.log());
    assert!(options.done(&["doctor", "--verify-log"]).starts_with("ok    log  6 events"));
    // Nor is it where the database was lost.
    let event = StripeSample::new("payment_intent.succeeded", "8");
    assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
    drop(daemon.terminate());
    fs::remove_file(options.db()).expect("lost");
    options.done(&["restore", copy.to_str().expect("a name")]);
    assert!(options.done(&["doctor", "--verify-log"]).starts_with("ok    log  6 events"));
}

#[test]
fn a_chain_of_the_earlier_form_is_carried_over_and_says_what_that_proves() {
    let (options, _) = shop();
    let one = Somebody::with(&options);
    let noted = has_the_earlier_form(&options, &one);
    // Event 2 was changed before; its link did not.
    one.does("UPDATE webhook_logs SET livemode = 0 WHERE id = 2");
    let said = options.done(&["--migrate"]);
    assert!(
        said.contains("6 events were carried over into the chain of the log as they stand"),
        "{said}"
    );
    let again = options.done(&["--migrate"]);
    assert!(again.ends_with("is up to date\n"), "{again}");
    let said = found(&options, &["--verify-log", "--expect-head", &noted]);
    let wrong: Vec<&str> = said.lines().filter(|line| line.starts_with("fail")).collect();
    let before = "event 2 was changed before it was carried over into this form of the chain";
    assert_eq!(wrong, [format!("fail  log  {before}")]);

    let (options, _) = shop();
    let one = Somebody::with(&options);
    let noted = has_the_earlier_form(&options, &one);
    options.done(&["--migrate"]);
    let check = ["doctor", "--verify-log", "--expect-head", &noted];
    let said = options.done(&check);
    assert!(said.contains("; 6 were carried over at 20"), "{said}");
    // It goes on, and finds what it would not have found before.
    let daemon = options.start();
    let event = StripeSample::new("payment_intent.succeeded", "7");
    assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
    drop(daemon.terminate());
    assert!(options.done(&check).starts_with("ok    log  7 events"));
    for (tampering, finding) in [
        ("UPDATE transaction_events SET captured = 9999 WHERE log_id = 3", "event 3 was changed"),
        ("UPDATE webhook_logs SET payload = NULL WHERE id = 4", "the body of event 4 was removed"),
        (
            "UPDATE webhook_log_chain SET says = 0 WHERE log_id = 5",
            "what the chain says of events from before link 8 was changed",
        ),
        (
            "UPDATE webhook_log_chain SET facts = zeroblob(32) WHERE log_id = 5",
            "the chain is broken at link 6, of event 5",
        ),
    ] {
        let options = copied(&options);
        Somebody::with(&options).does(tampering);
        let said = found(&options, &check[1..]);
        assert!(said.contains(finding), "{tampering}: {said}");
    }
}

/// Takes back what V21 and V22 added.
fn lacks_what_is_newer(one: &Somebody) {
    one.does(
        "DROP INDEX transaction_events_refund_pending; DROP INDEX orphan_transactions_inbox;
         ALTER TABLE orphan_transactions DROP COLUMN about;
         CREATE INDEX orphan_transactions_inbox ON orphan_transactions (id);",
    );
    let details = include_str!("../../../migrations/V14__details.sql");
    let end = details.find("-- Disputes whose outcome").expect("what follows the view");
    one.does(&details[..end]);
    one.does(
        "DROP INDEX transactions_of_subscription; DROP INDEX transactions_merged;
         DROP INDEX orphan_transactions_subscription;
         ALTER TABLE orphan_transactions DROP COLUMN subscription;",
    );
    for column in ["subscription_id", "made", "merged_into", "after_end"] {
        one.does(&format!("ALTER TABLE transactions DROP COLUMN {column}"));
    }
    for table in ["transactions", "transaction_events"] {
        for column in ["period_start", "period_end"] {
            one.does(&format!("ALTER TABLE {table} DROP COLUMN {column}"));
        }
    }
    one.does("DROP TABLE subscriptions");
}

/// Gives the log a chain as the version before V18 would have made it; its head.
fn has_the_earlier_form(options: &Options, one: &Somebody) -> String {
    let care = include_str!("../../../migrations/V6__care.sql");
    let begin = care.find("CREATE TABLE webhook_log_chain").expect("the table");
    let end = care.find("-- Of headers that were removed").expect("what follows");
    one.does(
        "DROP TABLE webhook_log_chain; DELETE FROM refinery_schema_history WHERE version >= 18;
         ALTER TABLE issues DROP COLUMN data; ALTER TABLE issues DROP COLUMN ending;",
    );
    lacks_what_is_newer(one);
    one.does(&care[begin..end]);
    let mut before = [0; 32];
    for id in 1..=6_i64 {
        let columns = "SELECT id, provider, event_id, event_type, api_version, livemode, occurred_at,
                              received_at, proof, payload_sha256, headers FROM webhook_logs WHERE id = ?1";
        let facts = one.0.query_row(columns, [id], |row| {
            let mut text = Text::of("payhookd webhook_logs 1");
            for column in 0..10 {
                text = match (column, row.get_ref(column)?) {
                    (5, ValueRef::Integer(livemode)) => text.and(Some(&[u8::from(livemode == 1)])),
                    (_, value) => text.value(value),
                };
            }
            let headers: String = row.get(10)?;
            Ok(text.and(Some(&Sha256::digest(headers))).and(None).hash())
        });
        let facts = facts.expect("an event");
        let link = id + 1;
        before = Text::of("payhookd webhook_log_chain 1")
            .and(Some(&before))
            .and(Some(&link.to_be_bytes()))
            .and(Some(&id.to_be_bytes()))
            .and(Some(b"received"))
            .and(None)
            .and(None)
            .and(Some(&facts))
            .hash();
        let insert = "INSERT INTO webhook_log_chain (id, log_id, kind, facts, chain)
                      VALUES (?1, ?2, 'received', ?3, ?4)";
        one.0.execute(insert, params![link, id, facts, before]).expect("a link");
    }
    fs::remove_file(options.db().with_extension("db.head")).expect("of a later version");
    Head { link: 7, chain: before }.to_string()
}
