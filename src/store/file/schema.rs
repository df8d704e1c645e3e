//! The database file: how it is opened, which schema it has, and how it is migrated.

use std::error::Error;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use refinery::Runner;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access};

use super::backup;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::{money_sum, seal};
use crate::system::files;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long a writer waits for another process (an import, a backup) before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema version that this binary needs.
pub(crate) fn binary_version() -> i32 {
    newest(&migrations())
}

/// Every migration, and what is pending of them in one transaction: otherwise each would be
/// committed before it is noted that it was, and an end in between could never be mended.
fn migrations() -> Runner {
    embedded::migrations::runner().set_grouped(true)
}

/// Opens the writing connection to a database whose schema is exactly this binary's; creates and
/// migrates a file that does not exist or is empty.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = open(path)?;
    match version(&connection, path)? {
        None => {
            configure(&connection)?;
            apply(&migrations(), &mut connection)?;
        }
        Some(version) if version < binary_version() => {
            return Err(StoreError::OldSchema {
                path: path.to_owned(),
                version,
                needed: binary_version(),
            });
        }
        Some(version) => {
            refuse_newer(version, binary_version(), path)?;
            configure(&connection)?;
        }
    }
    // A migration that broke off between its SQL and this is completed here.
    seal::seal(&mut connection)?;
    Ok(connection)
}

/// Opens a second writing connection, for removing what is old.
pub(crate) fn open_tidying(path: &Path) -> Result<Connection, StoreError> {
    let connection = open_writer(path)?;
    // Rows are deleted and inserted again in one transaction, see `retention`: for each, SQLite would
    // read all of the tables that refer to it.
    connection.pragma_update(None, "foreign_keys", false)?;
    Ok(connection)
}

/// Opens a connection that can only read, under the same rules about the schema; a file that does
/// not exist is an error.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    must_exist(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    money_sum::register(&connection)?;
    match version(&connection, path)? {
        Some(version) if version == binary_version() => Ok(connection),
        Some(version) if version > binary_version() => {
            refuse_newer(version, binary_version(), path).map(|()| connection)
        }
        version => Err(StoreError::OldSchema {
            path: path.to_owned(),
            version: version.unwrap_or(0),
            needed: binary_version(),
        }),
    }
}

/// Opens a database of payhookd's to read all of it, whatever its schema.
pub(crate) fn open_as_it_is(path: &Path) -> Result<Connection, StoreError> {
    must_exist(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match version(&connection, path)? {
        Some(_) => Ok(connection),
        None => Err(StoreError::ForeignDatabase { path: path.to_owned() }),
    }
}

/// Opens the same to copy its log into its file, and changes nothing else of it.
pub(crate) fn open_to_copy(path: &Path) -> Result<Connection, StoreError> {
    must_exist(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Refuses a database that a newer payhookd migrated.
pub(crate) fn refuse_newer_database(
    connection: &Connection,
    path: &Path,
) -> Result<(), StoreError> {
    refuse_newer(version(connection, path)?.unwrap_or(0), binary_version(), path)
}

fn must_exist(path: &Path) -> Result<(), StoreError> {
    match path.try_exists() {
        Ok(true) => may_be_one(path),
        Ok(false) => {
            has_folder(path)?;
            Err(StoreError::NoDatabase { path: path.to_owned() })
        }
        Err(error) => Err(unreachable(path, &error)),
    }
}

fn has_folder(path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => {
            Err(StoreError::NoFolder { path: path.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Of a folder, and of a file that this user may not read, SQLite says that the disk failed. The file is
/// not opened for this: closing it would end the locks that this process has on it.
fn may_be_one(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Err(StoreError::NotADatabase { path: path.to_owned() });
    }
    access(path, Access::READ_OK).map_err(|error| unreachable(path, &error.into()))
}

fn unreachable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unreachable { path: path.to_owned(), problem: error.to_string() }
}

/// What [`migrate`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct Migration {
    /// The names of the migrations that were applied, in order.
    pub applied: Vec<String>,
    /// The copy of the database as it was before; `None` if nothing was there to copy.
    pub backup: Option<PathBuf>,
    /// Events that the chain of the log has as they stood now; nothing proves what was done to them
    /// before better than it was proved then.
    pub carried_over: u64,
}

/// Applies pending migrations to the database at `path`, after copying it beside itself.
///
/// A database that does not exist is created; one that is up to date is left alone, without a
/// copy; one that is newer than this binary is refused. If it fails, the database is as it was, and
/// there is no copy.
pub fn migrate(path: &Path, now: Timestamp) -> Result<Migration, StoreError> {
    migrate_by(&migrations(), path, now)
}

fn migrate_by(runner: &Runner, path: &Path, now: Timestamp) -> Result<Migration, StoreError> {
    let mut connection = open(path)?;
    remove_abandoned_copies(path);
    let version = version(&connection, path)?;
    let backup = match version {
        None => None,
        Some(version) if version < newest(runner) => Some(copy(&connection, path, version, now)?),
        Some(version) => {
            refuse_newer(version, newest(runner), path)?;
            let carried_over = seal::seal(&mut connection)?;
            return Ok(Migration { applied: Vec::new(), backup: None, carried_over });
        }
    };
    let applied = configure(&connection).and_then(|()| apply(runner, &mut connection));
    if let (Err(_), Some(copy)) = (&applied, &backup) {
        // All of it is one transaction, so nothing was applied. A service tries again and again, and
        // must not fill the disk with copies; that this one could not be removed matters less.
        let _ = std::fs::remove_file(copy);
    }
    let applied = applied?;
    let carried_over = seal::seal(&mut connection)?;
    Ok(Migration { applied, backup, carried_over })
}

fn newest(runner: &Runner) -> i32 {
    runner.get_migrations().iter().map(|migration| migration.version()).max().unwrap_or(0)
}

/// The names of those that were applied.
fn apply(runner: &Runner, connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    let report = runner.run(connection).map_err(|error| {
        let source = error.source().and_then(|source| source.downcast_ref::<rusqlite::Error>());
        match source.map(StoreError::from) {
            Some(error) if error.is_of_the_database() => error,
            _ => StoreError::Migration(error.to_string()),
        }
    })?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

fn refuse_newer(version: i32, known: i32, path: &Path) -> Result<(), StoreError> {
    match version {
        version if version > known => {
            Err(StoreError::NewSchema { path: path.to_owned(), version, known })
        }
        _ => Ok(()),
    }
}

/// Changes nothing in a file that exists: it may have to be refused.
fn open(path: &Path) -> Result<Connection, StoreError> {
    match path.try_exists().map_err(|error| unreachable(path, &error))? {
        true => may_be_one(path)?,
        false => has_folder(path)?,
    }
    create(path);
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    money_sum::register(&connection)?;
    Ok(connection)
}

/// Payloads name people: a new file is its owner's alone, and SQLite gives its log and index the
/// same mode. Whatever prevents this prevents writing too, and is reported there.
pub(crate) fn create(path: &Path) {
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

/// The log is copied into the file when it has so many pages.
pub(crate) const COPIED_AT: i64 = 500;

fn configure(connection: &Connection) -> Result<(), StoreError> {
    // Takes effect on a new file only. Two events fit a page, and checkpoints stay short.
    connection.pragma_update(None, "page_size", 8192)?;
    // Readers never wait for the writer, and a commit is one append.
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A commit is on the disk before anybody is told of it.
    connection.pragma_update(None, "synchronous", "full")?;
    // Often and little: the copying of a long log into the file is what delays answers.
    connection.pragma_update(None, "wal_autocheckpoint", COPIED_AT)?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    // What was removed, or moved to another page, is overwritten where that costs no more writing: a
    // person who is forgotten shall not be found in the gaps of the file.
    connection.pragma_update(None, "secure_delete", "fast")?;
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

/// Removes what killed processes have left beside the database at `path`: copies that are not whole.
pub fn remove_abandoned_copies(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned() + ".";
    let is_ours = |other: &str| other.starts_with(&name) && other.ends_with(files::PART);
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    files::remove_all_abandoned(folder, is_ours);
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
    let draft = backup::draft(&copy)?;
    backup::copy(connection, &draft)?;
    draft.keep().map_err(|error| backup::io(&error, &copy))?;
    Ok(copy)
}

#[cfg(test)]
mod tests;
