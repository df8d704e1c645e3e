//! The schema: each migration on rows of the version before it, and what the tables refuse.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection as Sqlite, ErrorCode};

use crate::support::daemon::Options;
use crate::support::provider::StripeSample;
use crate::telling::issues::said;

#[test]
fn every_migration_takes_the_rows_of_the_versions_before_it() {
    let options = Options::stripe();
    migrate_step_by_step(&options);
    let database = options.database();
    database.assert_sound();

    // What the binary makes by itself is the same schema.
    let fresh = Options::new();
    fresh.done(&["--migrate"]);
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema
                  WHERE name NOT LIKE '%refinery%' ORDER BY type, name";
    assert_eq!(database.rows(schema), fresh.database().rows(schema));
    note_as_migrated(&options, &fresh);

    // The binary reads the old rows and goes on with them.
    for (command, rows) in [("transactions", 2), ("events", 7), ("orphans", 3)] {
        let printed = options.done(&[command, "list", "--json"]);
        assert_eq!(printed.lines().count(), rows, "{printed}");
    }
    // What an earlier version said of a problem is said as it was.
    let said = said(&options, None);
    let titles: Vec<&str> = said.iter().filter_map(|one| one["title"].as_str()).collect();
    let app = "The app was not told";
    let reconcile = "PayPal's list of events can't be fetched";
    let orphan = "Payment without a transaction: 49.99 EUR, Stripe pi_77";
    assert_eq!(titles, ["Orphan", app, app, "Nothing has come", reconcile, orphan]);
    assert_eq!(said[5]["detail"], "It belongs to transaction 1.");
    let daemon = options.start();
    let dispute = StripeSample::new("charge.dispute.created", "later")
        .reference("pi_3SW1aKExample")
        .parent("ch_3SW1aKExample")
        .at("2026-11-25T09:00:00Z");
    assert_eq!(daemon.deliver_stripe(dispute.body()).status, 200);
    let transaction = "SELECT status, dispute_status, amount_received, amount_refunded, version
                       FROM transactions WHERE id = 1";
    assert_eq!(database.rows(transaction), ["disputed|open|4999|1000|4"]);
    database.assert_sound();
}

#[test]
fn what_an_earlier_version_read_is_read_again_once_and_what_changes_is_said() {
    let options = Options::stripe();
    let add = ["transactions", "add", "--provider=stripe", "--reference=pi_1", "--amount=4999"];
    let daemon = options.start();
    options.done(&[&add[..], &["--currency=EUR"]].concat());
    let paid = StripeSample::new("payment_intent.succeeded", "1");
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    drop(daemon);
    // As if a version had read it that did not see the money.
    let as_before = "UPDATE transaction_events SET fact = 'created', captured = NULL;
         UPDATE transactions SET status = 'pending', amount_received = 0, amount_check = 'unknown',
             received_currency = NULL;
         INSERT INTO to_read_again SELECT 1, 0, max(id) FROM webhook_logs;";
    Sqlite::open(options.db())
        .and_then(|connection| connection.execute_batch(as_before))
        .expect("an older database");
    let said = options.done(&["--migrate"]);
    assert!(said.contains("transaction 1 (pi_1) would become succeeded\n"), "{said}");
    assert!(said.contains("transaction 1 (pi_1) is now succeeded\n"), "{said}");
    assert!(said.ends_with("events replayed: 1, read differently: 1, transactions changed: 1\n"));
    let state = "SELECT status, amount_received, amount_check FROM transactions";
    assert_eq!(options.database().rows(state), ["succeeded|4999|ok"]);
    options.database().assert_sound();
    let again = options.done(&["--migrate"]);
    assert!(again.ends_with("is up to date\n"), "{again}");
}

#[test]
fn rows_that_can_not_be_true_are_refused() {
    let options = Options::new();
    migrate_step_by_step(&options);
    let sqlite = writing(options.db());
    for wrong in [
        "UPDATE webhook_logs SET provider = 'adyen' WHERE id = 1",
        "UPDATE webhook_logs SET status = 'done' WHERE id = 1",
        "UPDATE webhook_logs SET livemode = 2 WHERE id = 1",
        "UPDATE webhook_logs SET delivery_count = 0 WHERE id = 1",
        "UPDATE webhook_logs SET payload_sha256 = x'00' WHERE id = 1",
        "UPDATE webhook_logs SET received_at = NULL WHERE id = 1",
        "UPDATE webhook_logs SET event_id = 'evt_3SW1aKExample0001' WHERE id = 2",
        "UPDATE transactions SET status = 'paid' WHERE id = 1",
        "UPDATE transactions SET amount = -1 WHERE id = 1",
        "UPDATE transactions SET amount = 'much' WHERE id = 1",
        "UPDATE transactions SET amount = 49.5 WHERE id = 1",
        "UPDATE transactions SET currency = 'euro' WHERE id = 1",
        "UPDATE transactions SET amount_received = -1, amount_refunded = -1 WHERE id = 1",
        "UPDATE transactions SET amount_refunded = amount_received + 1 WHERE id = 1",
        "UPDATE transactions SET amount_refunded = -1 WHERE id = 1",
        "UPDATE transactions SET received_currency = '' WHERE id = 1",
        "UPDATE transactions SET dispute_status = 'disputed' WHERE id = 1",
        "UPDATE transactions SET amount_check = 'fine' WHERE id = 1",
        "UPDATE transactions SET other_money = 'dollars' WHERE id = 1",
        "UPDATE transactions SET partial = 2 WHERE id = 1",
        "UPDATE transaction_changes SET other_money = 'dollars' WHERE id = 3",
        "UPDATE transactions SET version = 0 WHERE id = 1",
        "UPDATE transactions SET metadata = 'basket 17' WHERE id = 1",
        "UPDATE transactions SET latest_log_id = 99 WHERE id = 1",
        "UPDATE transactions SET provider = 'stripe', livemode = 1, reference = 'pi_3SW1aKExample'
         WHERE id = 2",
        // What an id means for what comes with it is one of three words.
        "INSERT INTO transaction_references
             (provider, livemode, value, shared, account, transaction_id, kind, standing)
         VALUES ('stripe', 1, 'pi_9', 0, '', 2, 'payment_intent', 'likely')",
        "INSERT INTO transaction_references
             (provider, livemode, value, shared, account, transaction_id, kind, standing)
         VALUES ('stripe', 1, 'pi_9', 2, '', 2, 'payment_intent', 'named')",
        "UPDATE transaction_events SET amount = -1 WHERE log_id = 1",
        "UPDATE transaction_events SET captured = -1 WHERE log_id = 1",
        "UPDATE transaction_events SET refunded = -1 WHERE log_id = 1",
        "UPDATE transaction_events SET currency = 'EURO' WHERE log_id = 1",
        "UPDATE transaction_events SET log_id = 99 WHERE log_id = 1",
        "UPDATE transaction_changes SET version = 2 WHERE id = 1",
        "UPDATE transaction_changes SET transaction_id = 99 WHERE id = 1",
        // Resolved without saying how, matched with nothing, dismissed with something.
        "UPDATE orphan_transactions SET resolved_at = '2026-11-24T00:00:00.000Z' WHERE id = 3",
        "UPDATE orphan_transactions SET transaction_id = NULL WHERE id = 4",
        "UPDATE orphan_transactions SET transaction_id = 1 WHERE id = 5",
        "UPDATE orphan_transactions SET resolution = 'lost' WHERE id = 5",
        "UPDATE orphan_transactions SET resolved_by = 'nobody' WHERE id = 5",
        "UPDATE orphan_transactions SET resolved_by = NULL WHERE id = 5",
        "UPDATE orphan_transactions SET kind = 'strange' WHERE id = 3",
        "UPDATE orphan_transactions SET transaction_id = NULL WHERE id = 6",
        "UPDATE transaction_events SET ownership = 'unsaid' WHERE log_id = 1",
        "UPDATE daemon SET rules = 'order_id'",
        "UPDATE daemon SET orphan_grace = -1",
        "UPDATE deliveries SET status = 'sent' WHERE id = 1",
        "UPDATE deliveries SET change_id = 4 WHERE id = 1",
        "UPDATE deliveries SET message_id = (SELECT message_id FROM deliveries WHERE id = 2)
         WHERE id = 1",
        "UPDATE deliveries SET attempts = -1, attempts_before = -1 WHERE id = 1",
        "UPDATE deliveries SET attempts_before = attempts + 1 WHERE id = 1",
        // Done and still to be tried, given up without saying when, pending and finished.
        "UPDATE deliveries SET next_attempt_at = '2026-11-24T09:05:00.000Z' WHERE id = 1",
        "UPDATE deliveries SET finished_at = NULL WHERE id = 3",
        "UPDATE deliveries SET finished_at = '2026-11-24T09:05:00.000Z' WHERE id = 2",
        "UPDATE delivery_attempts SET attempt = 0 WHERE id = 3",
        "UPDATE delivery_attempts SET status_code = 200 WHERE id = 2",
        "UPDATE delivery_attempts SET status_code = NULL WHERE id = 1",
        "UPDATE delivery_attempts SET delivery_id = 99 WHERE id = 1",
        "UPDATE daemon SET notifies = 2",
        "UPDATE transaction_changes SET received_currency = 'EURO' WHERE id = 3",
        "UPDATE issues SET severity = 'dire' WHERE id = 1",
        "UPDATE issues SET count = 0 WHERE id = 1",
        "UPDATE issues SET news = 0 WHERE id = 1",
        "UPDATE issues SET data = 'silence' WHERE id = 5",
        "UPDATE issues SET ending = 'matched' WHERE id = 6",
        // One problem, open twice.
        "UPDATE issues SET closed_at = NULL WHERE id = 2",
        "UPDATE alert_targets SET active = 2 WHERE id = 1",
        "UPDATE alert_targets SET name = 'slack-0f8fad5b' WHERE id = 2",
        "UPDATE alerts SET status = 'told' WHERE id = 3",
        "UPDATE alerts SET target_id = 99 WHERE id = 3",
        "UPDATE alerts SET issue_id = 99 WHERE id = 3",
        // Sent without saying what, pending without saying when, done and still to be tried.
        "UPDATE alerts SET news = NULL WHERE id = 1",
        "UPDATE alerts SET next_attempt_at = NULL WHERE id = 3",
        "UPDATE alerts SET next_attempt_at = '2026-11-24T09:05:00.000Z' WHERE id = 1",
        // A day told twice, or what is no day; sent without saying when, pending and finished.
        "UPDATE daily_reports SET day = '2026-11-22' WHERE id = 2",
        "UPDATE daily_reports SET day = 'today' WHERE id = 1",
        "UPDATE daily_reports SET target_id = 99 WHERE id = 1",
        "UPDATE daily_reports SET status = 'told' WHERE id = 1",
        "UPDATE daily_reports SET finished_at = NULL WHERE id = 1",
        "UPDATE daily_reports SET next_attempt_at = NULL WHERE id = 2",
        "UPDATE rejected_requests SET provider = 'adyen' WHERE id = 1",
        "UPDATE paypal_transmissions SET log_id = 99",
        "UPDATE paypal_transmissions SET payload_sha256 = x'00'",
        "UPDATE doubtful_events SET reason = 'strange'",
        // Settled without saying how, and the reverse.
        "UPDATE doubtful_events SET settled_at = NULL WHERE log_id = 71",
        "UPDATE doubtful_events SET verdict = 'confirmed' WHERE log_id = 1",
        "UPDATE transactions SET doubtful = 2 WHERE id = 1",
        "UPDATE webhook_logs SET headers_sha256 = x'00' WHERE id = 61",
        "UPDATE webhook_log_chain SET kind = 'seen'",
        "UPDATE webhook_log_chain SET log_id = 99",
        "UPDATE webhook_log_chain SET facts = x'00'",
        "UPDATE webhook_log_chain SET chain = x'00'",
        "DELETE FROM webhook_logs WHERE id = 1",
        "DELETE FROM transactions WHERE id = 1",
    ] {
        let error = sqlite.execute(wrong, []).expect_err(wrong);
        let code = error.sqlite_error_code();
        assert_eq!(code, Some(ErrorCode::ConstraintViolation), "{wrong}: {error}");
    }
    options.database().assert_sound();
}

#[test]
fn an_older_database_is_refused_by_a_sentence_that_names_migrate_and_is_left_as_it_is() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    writing(options.db())
        .execute_batch(
            "DELETE FROM refinery_schema_history
             WHERE version = (SELECT max(version) FROM refinery_schema_history);
             INSERT INTO refinery_schema_history
             SELECT 0, 'before', '2026-11-23T11:52:03Z', '0'
             WHERE NOT EXISTS (SELECT 1 FROM refinery_schema_history);",
        )
        .expect("an older version");
    is_refused_and_left(&options, "run `payhookd --migrate`, which copies it first");
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    writing(options.db())
        .execute_batch(
            "INSERT INTO refinery_schema_history
             VALUES (1000, 'later', '2036-11-23T11:52:03Z', '0')",
        )
        .expect("a newer version");
    is_refused_and_left(&options, "install the newer payhookd again");
    let before = files(options.folder());
    let migrate = options.run(&["--migrate"]);
    assert_eq!(migrate.status.code(), Some(1), "{migrate:?}");
    assert!(String::from_utf8_lossy(&migrate.stderr).contains("install the newer payhookd again"));
    assert!(files(options.folder()) == before);
}

#[test]
fn a_database_of_something_else_is_refused_and_left_as_it_is() {
    let options = Options::stripe();
    writing(options.db())
        .execute_batch("CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES ('J.')")
        .expect("a database");
    is_refused_and_left(&options, "is a database, but not one of payhookd");
    fs::write(options.db(), "not a database at all, but long enough to be taken for one".repeat(9))
        .expect("a file");
    is_refused_and_left(&options, "is not a database");
}

#[test]
fn migrate_makes_a_database_and_leaves_one_that_is_up_to_date() {
    let options = Options::stripe();
    let made = options.done(&["--migrate"]);
    assert!(made.starts_with("applied V1__receive\n"), "{made}");
    let before = files(options.folder());
    let again = options.done(&["--migrate"]);
    assert_eq!(again, format!("{} is up to date\n", options.db().display()));
    assert!(files(options.folder()) == before);
    assert_eq!(options.start().get("/healthz").status, 200);
}

fn is_refused_and_left(options: &Options, sentence: &str) {
    let before = files(options.folder());
    let output = options.start_refused();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(sentence), "{said}");
    assert!(files(options.folder()) == before, "not left as it was: {sentence}");
}

/// Every file in a folder, with its content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
    files.sort();
    files
}

/// Applies one migration after another, each to sample rows of all versions before it.
fn migrate_step_by_step(options: &Options) {
    let sqlite = writing(options.db());
    for (version, sql) in migrations() {
        let apply = format!("BEGIN; {sql} COMMIT;");
        sqlite.execute_batch(&apply).unwrap_or_else(|error| panic!("V{version}: {error}"));
        let samples = root().join(format!("tests/data/migrations/V{version}.sql"));
        let rows = fs::read_to_string(&samples);
        let rows = rows.unwrap_or_else(|error| panic!("{}: {error}", samples.display()));
        sqlite.execute_batch(&rows).unwrap_or_else(|error| panic!("rows of V{version}: {error}"));

        let database = options.database();
        let tables = "SELECT name FROM pragma_table_list
                      WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
        for table in database.rows(tables) {
            assert!(database.count(&table) > 0, "V{version}.sql has no row in {table}");
        }
        assert_eq!(database.rows(&format!("{tables} AND NOT strict")), Vec::<String>::new());
        database.assert_sound();
    }
}

/// Every migration with its number, in order.
fn migrations() -> Vec<(u32, String)> {
    let files = fs::read_dir(root().join("migrations")).expect("migrations");
    let mut migrations: Vec<(u32, String)> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let number = name.strip_prefix('V').and_then(|name| name.split_once("__"));
            let (number, _) = number.unwrap_or_else(|| panic!("{name}: V<number>__<name>.sql"));
            (number.parse().expect("a number"), fs::read_to_string(&path).expect("SQL"))
        })
        .collect();
    migrations.sort();
    let twice = migrations.windows(2).find(|pair| pair[0].0 == pair[1].0);
    assert!(twice.is_none(), "two migrations have one number: {twice:?}");
    migrations
}

/// Takes over what the binary notes about its migrations.
fn note_as_migrated(options: &Options, fresh: &Options) {
    let sqlite = writing(options.db());
    sqlite.execute("ATTACH ?1 AS fresh", [fresh.db().to_str()]).expect("attached");
    sqlite
        .execute_batch(
            "CREATE TABLE refinery_schema_history AS SELECT * FROM fresh.refinery_schema_history",
        )
        .expect("noted");
}

/// A connection of the test's own that can write.
fn writing(path: &Path) -> Sqlite {
    let sqlite = Sqlite::open(path).expect("a database");
    sqlite.pragma_update(None, "foreign_keys", true).expect("foreign keys");
    sqlite
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
