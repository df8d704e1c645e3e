//! Looks into a database file with SQL, beside the daemon and not through its code.

use std::path::Path;

use payhookd::store::Reader;
use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, OpenFlags};

use crate::support::daemon::DEADLINE;

/// A database, read-only.
pub(crate) struct Database {
    connection: Connection,
}

impl Database {
    /// Opens the file, which exists.
    pub(crate) fn open(path: &Path) -> Self {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = connection.expect("a database");
        connection.busy_timeout(DEADLINE).expect("a timeout");
        Self { connection }
    }

    /// The one value that a query gives.
    pub(crate) fn one<T: FromSql>(&self, sql: &str) -> T {
        let one = self.connection.query_row(sql, [], |row| row.get(0));
        one.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// All rows of a query, the values of each as text, separated by `|`; NULL is `-`.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.connection.prepare(sql).expect("SQL");
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let values = (0..columns).map(|column| Ok(text(row.get(column)?)));
            Ok(values.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
        };
        let rows = statement.query_map([], row).expect("rows");
        rows.collect::<rusqlite::Result<_>>().expect("rows")
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &str) -> i64 {
        self.one(&format!("SELECT count(*) FROM {table}"))
    }

    /// Everything in it, to see whether anything changed. Left out are refused requests, and
    /// certificates, which are kept whatever becomes of the request that names them.
    pub(crate) fn snapshot(&self) -> Vec<String> {
        let tables = self.rows(
            "SELECT name FROM sqlite_schema
             WHERE type = 'table' AND name NOT IN ('rejected_requests', 'paypal_certificates')
             ORDER BY name",
        );
        let mut all = Vec::new();
        for table in tables {
            let rows = self.rows(&format!("SELECT * FROM {table}"));
            all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        all
    }

    /// SQLite's own check of the whole file, and that every reference in it leads somewhere.
    pub(crate) fn assert_sound(&self) {
        assert_eq!(self.rows("PRAGMA integrity_check"), ["ok"]);
        assert_eq!(self.rows("PRAGMA foreign_key_check"), Vec::<String>::new());
    }

    /// The same, and that the log proves itself and every transaction is what its events say.
    pub(crate) fn assert_proved(&self) {
        self.assert_sound();
        let reader = Reader::open(Path::new(self.connection.path().expect("a file")));
        let reader = reader.expect("a database");
        assert_eq!(reader.verify_log(&[]).expect("it is read").faults, []);
        assert_eq!(reader.refold_all().expect("it is read").differing, []);
    }
}

fn text(value: Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Integer(value) => value.to_string(),
        Value::Real(value) => value.to_string(),
        Value::Text(value) => value,
        Value::Blob(value) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
