//! The last head of the chain that is known, in a file beside the database: whoever puts another database
//! in its place, or makes its chain anew, is noticed at the next start. It keeps nobody out who writes
//! to both; what was printed or sent elsewhere does.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::Connection;

use crate::domain::records::{Continuation, Head};
use crate::store::engine::Database;
use crate::store::error::StoreError;
use crate::store::file::backup::io;
use crate::store::file::known_head::{keep, known_head_file};
use crate::store::read::reader::Reader;
use crate::store::tables;

impl Reader {
    /// How the chain stands to the last head that is known of the database at `db`. With `note`, if it
    /// goes on, or nothing was known, its end is the last known head from now on.
    pub fn continuation(&self, db: &Path, note: bool) -> Result<Continuation, StoreError> {
        match note {
            true => self::note(&self.connection, db),
            false => continuation(&self.connection, db),
        }
    }
}

impl Database {
    /// As [`Reader::continuation`] does it, of this database.
    pub(crate) fn note_head(&self) -> Result<Continuation, StoreError> {
        let connection = self.connection();
        note(connection, Path::new(connection.path().unwrap_or_default()))
    }
}

fn continuation(connection: &Connection, db: &Path) -> Result<Continuation, StoreError> {
    let file = known_head_file(db);
    let text = match std::fs::read(&file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Continuation::Unknown),
        Err(error) => return Err(io(&error, &file)),
    };
    Ok(match text.parse() {
        Ok(head) if tables::chain::continues(connection, head)? => Continuation::Continues(head),
        _ => Continuation::Broken(text.chars().take(100).collect()),
    })
}

fn note(connection: &Connection, db: &Path) -> Result<Continuation, StoreError> {
    let found = continuation(connection, db)?;
    let head = tables::chain::head(connection)?;
    let is_news = match &found {
        Continuation::Unknown => head != Head::NONE,
        Continuation::Continues(known) => *known != head,
        Continuation::Broken(_) => false,
    };
    if is_news {
        keep(db, head)?;
    }
    Ok(found)
}
