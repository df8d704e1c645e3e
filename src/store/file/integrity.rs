//! Whether a database file is what it should be.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{paced_file, schema};
use crate::store::error::StoreError;

/// What SQLite finds wrong with the database at `path`; empty if it is sound. Writers are not held
/// up, and it is done at a pace. A file that is no database of payhookd's is an error, another schema version is not.
///
/// `full` compares every index with its table and looks for rows without their parent, which reads
/// all of the file several times; otherwise only its structure is checked, which reads it once.
pub fn problems(path: &Path, full: bool) -> Result<Vec<String>, StoreError> {
    let mut connection = schema::open_as_it_is(path)?;
    paced_file::slow_down(&mut connection)?;
    problems_of(&connection, full)
}

/// What SQLite finds wrong with the structure of the database, if anything. All of the file is read once,
/// as fast as that goes; `tell` is called again and again while it lasts.
pub(crate) fn check(
    connection: &mut Connection,
    every: Duration,
    mut tell: impl FnMut() + Send + 'static,
) -> Result<Option<String>, StoreError> {
    let mut told = Instant::now();
    let told_again = move || {
        if told.elapsed() >= every {
            told = Instant::now();
            tell();
        }
        false
    };
    connection.progress_handler(INSTRUCTIONS, Some(told_again))?;
    let found = problems_of(connection, false);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(problems) => Ok(problems.into_iter().next()),
        // What is so damaged that it can't be checked.
        Err(StoreError::Malformed(problem)) => Ok(Some(problem)),
        Err(error) => Err(error),
    }
}

/// Of SQLite's instructions, between two looks at the time.
const INSTRUCTIONS: i32 = 10_000;

/// The same on a connection.
pub(crate) fn problems_of(connection: &Connection, full: bool) -> Result<Vec<String>, StoreError> {
    let check = if full { "PRAGMA integrity_check(3)" } else { "PRAGMA quick_check(3)" };
    let mut said: Vec<String> =
        connection.prepare(check)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    said.retain(|said| said != "ok");
    if full {
        let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
        let table: Option<String> =
            statement.query([])?.next()?.map(|row| row.get(0)).transpose()?;
        said.extend(table.map(|table| format!("a row of {table} is without its parent")));
    }
    Ok(said)
}
