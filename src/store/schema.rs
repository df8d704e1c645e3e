//! The database file: how it is opened, which schema it has, and how it is migrated.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use crate::domain::time::Timestamp;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long a writer waits for another process (an import, a backup) before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema version that this binary needs.
pub(super) fn binary_version() -> i32 {
    let migrations = embedded::migrations::runner();
    migrations.get_migrations().iter().map(|migration| migration.version()).max().unwrap_or(0)
}

/// Opens the writing connection to a database whose schema is exactly this binary's; creates and
/// migrates a file that does not exist or is empty.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let (mut connection, version) = open(path)?;
    match version {
        None => apply(&mut connection)?,
        Some(version) if version < binary_version() => {
            return Err(StoreError::OldSchema {
                path: path.to_owned(),
                version,
                needed: binary_version(),
            });
        }
        Some(_) => {}
    }
    Ok(connection)
}

/// Opens a connection that can only read, under the same rules about the schema; a file that does
/// not exist is an error.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::NoDatabase { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match version(&connection, path)? {
        Some(version) if version == binary_version() => Ok(connection),
        Some(version) if version > binary_version() => {
            refuse_newer(version, path).map(|()| connection)
        }
        version => Err(StoreError::OldSchema {
            path: path.to_owned(),
            version: version.unwrap_or(0),
            needed: binary_version(),
        }),
    }
}

/// What [`migrate`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct Migration {
    /// The names of the migrations that were applied, in order.
    pub applied: Vec<String>,
    /// The copy of the database as it was before; `None` if nothing was there to copy.
    pub backup: Option<PathBuf>,
}

/// Applies pending migrations to the database at `path`, after copying it beside itself.
///
/// A database that does not exist is created; one that is up to date is left alone, without a
/// copy; one that is newer than this binary is refused.
pub fn migrate(path: &Path, now: Timestamp) -> Result<Migration, StoreError> {
    let (mut connection, version) = open(path)?;
    let backup = match version {
        None => None,
        Some(version) if version < binary_version() => Some(copy(&connection, path, version, now)?),
        Some(_) => return Ok(Migration { applied: Vec::new(), backup: None }),
    };
    let report = embedded::migrations::runner()
        .run(&mut connection)
        .map_err(|error| StoreError::Migration(error.to_string()))?;
    let applied = report.applied_migrations().iter().map(ToString::to_string).collect();
    Ok(Migration { applied, backup })
}

fn apply(connection: &mut Connection) -> Result<(), StoreError> {
    embedded::migrations::runner()
        .run(connection)
        .map(|_| ())
        .map_err(|error| StoreError::Migration(error.to_string()))
}

fn refuse_newer(version: i32, path: &Path) -> Result<(), StoreError> {
    match version {
        version if version > binary_version() => {
            Err(StoreError::NewSchema { path: path.to_owned(), version, known: binary_version() })
        }
        _ => Ok(()),
    }
}

/// Opens a connection that writes, and says which schema version the file has. One that is not
/// payhookd's or newer than this binary is refused before anything is set, because even the journal
/// mode is written into it.
fn open(path: &Path) -> Result<(Connection, Option<i32>), StoreError> {
    // Payloads name people: a new file is its owner's alone, and SQLite gives its log and index
    // the same mode. Whatever prevents this prevents opening too, and is reported there.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let version = version(&connection, path)?;
    if let Some(version) = version {
        refuse_newer(version, path)?;
    }
    configure(&connection)?;
    Ok((connection, version))
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    // Takes effect on a new file only. Two events fit a page, and checkpoints stay short.
    connection.pragma_update(None, "page_size", 8192)?;
    // Readers never wait for the writer, and a commit is one append.
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A commit is on the disk before anybody is told of it.
    connection.pragma_update(None, "synchronous", "full")?;
    // Often and little: the copying of a long log into the file is what delays answers.
    connection.pragma_update(None, "wal_autocheckpoint", 500)?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    // SQLite leaves them off unless asked; the cost on insert is worth it.
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The schema version of the file; `None` for an empty one.
fn version(connection: &Connection, path: &Path) -> Result<Option<i32>, StoreError> {
    let tables = tables(connection).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            StoreError::NotADatabase { path: path.to_owned() }
        }
        _ => error.into(),
    })?;
    if tables.is_empty() {
        return Ok(None);
    }
    if !tables.iter().any(|name| name == "refinery_schema_history") {
        return Err(StoreError::ForeignDatabase { path: path.to_owned() });
    }
    let version = "SELECT max(version) AS version FROM refinery_schema_history";
    Ok(connection.query_row(version, [], |row| row.get("version"))?)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?
        .query_map([], |row| row.get("name"))?
        .collect()
}

/// A consistent copy, also while others write.
fn copy(
    connection: &Connection,
    path: &Path,
    version: i32,
    now: Timestamp,
) -> Result<PathBuf, StoreError> {
    let stamp = now.to_string().replace([':', '-', '.'], "");
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".v{version}-{stamp}.bak"));
    let copy = path.with_file_name(name);
    connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    Ok(copy)
}
