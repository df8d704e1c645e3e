//! Rows as records.

use rusqlite::{Connection, Params, Row, Rows};

use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

/// What `sql` selects.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    from_row: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    collect(connection.prepare_cached(sql)?.query(parameters)?, from_row)
}

/// The one instant that `sql` selects.
pub(crate) fn instant(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Option<Timestamp>, StoreError> {
    let from_row = |row: &Row<'_>| Columns::of(row).optional_instant();
    Ok(all(connection, sql, parameters, from_row)?.pop().flatten())
}

pub(crate) fn collect<T>(
    mut rows: Rows<'_>,
    from_row: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut collected = Vec::new();
    while let Some(row) = rows.next()? {
        collected.push(from_row(row)?);
    }
    Ok(collected)
}

/// The columns of a row, read in the order in which its query lists them: that list stands beside
/// the function that reads it. (By name each costs a search through all of them.)
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// A column that holds a value as it is.
    pub(crate) fn value<T: rusqlite::types::FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// A column that holds one of our words or text forms, here of `what`.
    pub(crate) fn parsed<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let parsed = self.optional(what, parse)?;
        parsed.ok_or_else(|| StoreError::Corrupt { what, value: "NULL".to_owned() })
    }

    /// The same for a column that may be NULL.
    pub(crate) fn optional<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.next += 1;
        let value = self.row.get_ref(self.next - 1)?;
        let text = value.as_str_or_null();
        let text = text.map_err(|error| StoreError::Other(format!("{what}: {error}")))?;
        let Some(text) = text else { return Ok(None) };
        let corrupt = || StoreError::Corrupt { what, value: text.to_owned() };
        parse(text).ok_or_else(corrupt).map(Some)
    }

    /// An instant.
    pub(crate) fn instant(&mut self) -> Result<Timestamp, StoreError> {
        self.parsed("time", |text| Timestamp::parse(text).ok())
    }

    /// An instant or NULL.
    pub(crate) fn optional_instant(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.optional("time", |text| Timestamp::parse(text).ok())
    }
}
