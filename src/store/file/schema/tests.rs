use std::os::unix::fs::PermissionsExt;

use super::*;

/// A payhookd that knows one migration more.
fn newer(sql: &str) -> Runner {
    let mut migrations = migrations().get_migrations().clone();
    let name = format!("V{}__one_more", binary_version() + 1);
    migrations.push(refinery::Migration::unapplied(&name, sql).expect("a migration's name"));
    Runner::new(&migrations).set_grouped(true)
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-23T11:52:03.250Z").expect("a time")
}

/// A database with one row, closed.
fn database(path: &Path) {
    let connection = open_writer(path).expect("a new database");
    connection
        .execute("INSERT INTO paypal_certificates VALUES ('https://…', 'PEM', 'now')", [])
        .expect("a row");
}

fn certificates(connection: &Connection) -> i64 {
    let count = "SELECT count(*) FROM paypal_certificates";
    connection.query_row(count, [], |row| row.get(0)).expect("a count")
}

#[test]
fn pending_migrations_are_applied_to_a_database_that_was_copied_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("shop.db");
    database(&path);
    let runner = newer("ALTER TABLE paypal_certificates ADD COLUMN more TEXT;");

    let migration = migrate_by(&runner, &path, now()).expect("migrated");
    assert_eq!(migration.applied.len(), 1);
    let backup = migration.backup.expect("a copy");
    let name = format!("shop.db.v{}-20261123T115203250Z.bak", binary_version());
    assert_eq!(backup, directory.path().join(name));
    let mode = std::fs::metadata(&backup).expect("the copy").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let before = open_reader(&backup).expect("the copy has this binary's schema");
    assert_eq!(certificates(&before), 1);
    assert!(matches!(open_reader(&path), Err(StoreError::NewSchema { .. })));
    let after = Connection::open(&path).expect("migrated");
    assert_eq!(version(&after, &path).expect("a version"), Some(binary_version() + 1));
    let more = "SELECT count(*) FROM paypal_certificates WHERE more IS NULL";
    assert_eq!(after.query_row(more, [], |row| row.get::<_, i64>(0)).expect("a count"), 1);

    let again = migrate_by(&runner, &path, now()).expect("nothing to do");
    assert_eq!(again, Migration { applied: Vec::new(), backup: None, carried_over: 0 });
}

#[test]
fn what_a_killed_migration_left_is_completed_and_its_copy_removed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("shop.db");
    let mut connection = open(&path).expect("a database");
    configure(&connection).and_then(|()| apply(&migrations(), &mut connection)).expect("migrated");
    // Killed after the migrations, and before what there was became part of the chain.
    let before = "INSERT INTO webhook_logs (provider, event_id, event_type, livemode, received_at,
                      last_received_at, delivery_count, status, processing_us, proof, payload_sha256,
                      source)
                  VALUES ('stripe', 'evt_1', 'ping', 1, '2026-11-23T11:52:03.250Z',
                      '2026-11-23T11:52:03.250Z', 1, 'ignored', 1, 'secret 1', zeroblob(32), 'webhook')";
    connection.execute_batch(before).expect("a row");
    drop(connection);
    let links = || {
        let connection = Connection::open(&path).expect("the database");
        let count = "SELECT count(*) FROM webhook_log_chain";
        connection.query_row(count, [], |row| row.get::<_, i64>(0)).expect("a count")
    };
    let links_before = links();
    let (half, others) = (
        directory.path().join("shop.db.v1-20261123T115203250Z.bak.part"),
        directory.path().join("another.db.part"),
    );
    std::fs::write(&half, "half").expect("a file");
    std::fs::write(&others, "half").expect("a file");

    let again = migrate_by(&migrations(), &path, now()).expect("nothing to migrate");
    assert_eq!(again, Migration { applied: Vec::new(), backup: None, carried_over: 1 });
    // The event, and that its body is not kept.
    assert_eq!(links(), links_before + 2);
    assert!(!half.exists() && others.exists());
}

#[test]
fn a_migration_that_fails_leaves_nothing_of_itself_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("shop.db");
    database(&path);
    let runner = newer("DELETE FROM paypal_certificates; INSERT INTO no_such_table VALUES (1);");

    let failed = migrate_by(&runner, &path, now()).expect_err("no such table");
    assert!(failed.to_string().contains("no_such_table"), "{failed}");
    let files = std::fs::read_dir(directory.path()).expect("the directory");
    let mut names = files.map(|file| file.expect("a file").file_name());
    assert!(names.all(|name| !name.to_string_lossy().ends_with(".bak")), "a copy is left");
    let connection = open_writer(&path).expect("the schema is what it was");
    assert_eq!(certificates(&connection), 1);
}

#[test]
fn a_refused_database_is_not_changed() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, tables) in [
        ("foreign.db", "CREATE TABLE customers (name TEXT);"),
        (
            "newer.db",
            "CREATE TABLE refinery_schema_history (version INT4);
                      INSERT INTO refinery_schema_history VALUES (1000);",
        ),
        (
            "older.db",
            "CREATE TABLE refinery_schema_history (version INT4);
                      INSERT INTO refinery_schema_history VALUES (0);",
        ),
    ] {
        let path = directory.path().join(name);
        let connection = Connection::open(&path).expect("a new file");
        connection.execute_batch(tables).expect("tables");
        drop(connection);
        let before = std::fs::read(&path).expect("a file");
        open_writer(&path).expect_err("refused");
        assert_eq!(std::fs::read(&path).expect("a file"), before, "{name}");
    }
}
