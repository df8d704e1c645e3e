//! Rows as records.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};

use crate::domain::delivery::{DeliveryStatus, NoAnswer};
use crate::domain::event::Source;
use crate::domain::fact::FactState;
use crate::domain::issue::{IssueKind, Severity};
use crate::domain::lookup_schedule::Reason;
use crate::domain::matching::Standing;
use crate::domain::money::{Currency, Total};
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::provider::Provider;
use crate::domain::records::{AskSubject, By, Outcome, Resolution};
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Status};
use crate::store::error::StoreError;

/// All rows that `sql` selects.
pub(crate) fn all<T: Record>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<T>, StoreError> {
    let mut records = Vec::new();
    each(connection, sql, parameters, |record| {
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}

/// The first row that `sql` selects.
pub(crate) fn first<T: Record>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(T::of).transpose()
}

/// The row of a statement that always selects one.
pub(crate) fn one<T: Record>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<T, StoreError> {
    let row = first(connection, sql, parameters)?;
    row.ok_or_else(|| StoreError::from(rusqlite::Error::QueryReturnedNoRows))
}

/// The one instant that `sql` selects.
pub(crate) fn instant(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(first(connection, sql, parameters)?.flatten())
}

/// Gives `each` the rows that `sql` selects, one after another.
pub(crate) fn each<T: Record>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut each: impl FnMut(T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        each(T::of(row)?)?;
    }
    Ok(())
}

/// Runs a statement that selects nothing; how many rows it has changed.
pub(crate) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(parameters)
}

/// What is read from columns that follow one another, in the order in which a query lists them. (By
/// name each costs a search through all of them.)
pub(crate) trait Record: Sized {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError>;

    /// The record that begins a row.
    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        Self::read(&mut Columns { row, next: 0 })
    }
}

/// The columns of a row that were not read yet.
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Columns<'_> {
    pub(crate) fn next<T: Record>(&mut self) -> Result<T, StoreError> {
        T::read(self)
    }

    /// A column that holds text of `what`, or NULL.
    pub(crate) fn parsed<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.next += 1;
        let text = self.row.get_ref(self.next - 1)?.as_str_or_null();
        let text = text.map_err(|error| StoreError::Other(format!("{what}: {error}")))?;
        let Some(text) = text else { return Ok(None) };
        let corrupt = || StoreError::Corrupt { what, value: text.to_owned() };
        parse(text).ok_or_else(corrupt).map(Some)
    }
}

/// How a record of these fields is read: each from the column of its name, or from the columns that are
/// given with it. Where a name is given for it, also a macro that lists these columns, but that of a field
/// behind a semicolon.
macro_rules! record {
    ($record:ty, $columns:ident {
        $first:ident $(= $first_columns:literal)?
        $(, $field:ident $(= $field_columns:literal)?)* $(; $unlisted:ident)?
    }) => {
        macro_rules! $columns {
            () => {
                concat!(
                    $crate::store::tables::rows::columns!($first $(= $first_columns)?)
                    $(, ", ", $crate::store::tables::rows::columns!($field $(= $field_columns)?))*
                )
            };
        }
        // The file itself has it without.
        #[allow(unused_imports)]
        pub(crate) use $columns;

        $crate::store::tables::rows::record! { $record { $first $(, $field)* $(, $unlisted)? } }
    };
    ($record:ty { $($field:ident),+ $(,)? }) => {
        impl $crate::store::tables::rows::Record for $record {
            fn read(
                columns: &mut $crate::store::tables::rows::Columns<'_>,
            ) -> Result<Self, $crate::store::error::StoreError> {
                Ok(Self { $($field: columns.next()?),+ })
            }
        }
    };
}
pub(crate) use record;

/// The columns of one field of a record.
macro_rules! columns {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident = $columns:literal) => {
        $columns
    };
}
pub(crate) use columns;

/// Adds a row of these columns to a table; behind the table's name what is to be done if it is there.
macro_rules! insert {
    ($connection:expr, $table:literal $(, $conflict:literal)?;
     $first:ident: $first_value:expr $(, $column:ident: $value:expr)* $(,)?) => {
        $connection
            .prepare_cached(concat!(
                "INSERT INTO ", $table, " (", stringify!($first) $(, ", ", stringify!($column))*,
                ") VALUES (:", stringify!($first) $(, ", :", stringify!($column))*, ")" $(, $conflict)?
            ))?
            .execute(
                &[
                    (concat!(":", stringify!($first)), &$first_value as &dyn rusqlite::ToSql)
                    $(, (concat!(":", stringify!($column)), &$value as &dyn rusqlite::ToSql))*
                ][..],
            )
    };
}
pub(crate) use insert;

/// A query of the columns that a macro of [`record`] lists.
macro_rules! select {
    ($columns:ident, $rest:literal) => {
        concat!("SELECT ", $columns!(), $rest)
    };
}
pub(crate) use select;

/// What one column holds; `None` is NULL.
pub(crate) trait Value: Sized {
    /// For whoever has to mend a row.
    const WHAT: &'static str;

    fn read(columns: &mut Columns<'_>) -> Result<Option<Self>, StoreError>;
}

impl<T: Value> Record for Option<T> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        T::read(columns)
    }
}

impl<T: Value> Record for T {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let none = || StoreError::Corrupt { what: T::WHAT, value: "NULL".to_owned() };
        <T as Value>::read(columns)?.ok_or_else(none)
    }
}

/// Values that SQLite keeps as they are.
macro_rules! plain {
    ($($value:ty),+) => {
        $(impl Value for $value {
            const WHAT: &'static str = "value";

            fn read(columns: &mut Columns<'_>) -> Result<Option<Self>, StoreError> {
                columns.plain()
            }
        })+
    };
}

plain!(bool, i32, i64, u32, String, Box<str>, [u8; 32]);

impl Columns<'_> {
    fn plain<T: FromSql>(&mut self) -> Result<Option<T>, StoreError> {
        self.next += 1;
        Ok(self.row.get(self.next - 1)?)
    }
}

/// Values that are kept in words of ours or in text forms.
macro_rules! parsed {
    ($($value:ty: $what:literal $parse:expr;)+) => {
        $(impl Value for $value {
            const WHAT: &'static str = $what;

            fn read(columns: &mut Columns<'_>) -> Result<Option<Self>, StoreError> {
                columns.parsed(Self::WHAT, $parse)
            }
        })+
    };
}

parsed! {
    AmountCheck: "amount check" Self::parse;
    AskSubject: "subject" Self::parse;
    By: "resolver" Self::parse;
    Currency: "currency" |text| Self::parse(text).ok();
    DeliveryStatus: "delivery status" Self::parse;
    DisputeStatus: "dispute status" Self::parse;
    FactState: "fact" Self::parse;
    IssueKind: "issue kind" Self::parse;
    NoAnswer: "delivery error" Self::parse;
    OrphanAbout: "orphan subject" Self::parse;
    OrphanKind: "orphan kind" Self::parse;
    Outcome: "outcome" Self::parse;
    Provider: "provider" Self::parse;
    Reason: "reason" Self::parse;
    ReferenceKind: "reference kind" Self::parse;
    Resolution: "resolution" Self::parse;
    Severity: "severity" Self::parse;
    Source: "source" Self::parse;
    Standing: "standing" Self::parse;
    Status: "status" Self::parse;
    Timestamp: "time" |text| Self::parse(text).ok();
}

impl Value for Total {
    const WHAT: &'static str = "sum";

    fn read(columns: &mut Columns<'_>) -> Result<Option<Self>, StoreError> {
        Ok(columns.plain::<i64>()?.map(Self::from))
    }
}

macro_rules! tuples {
    ($($($part:ident)+;)+) => {
        $(impl<$($part: Record),+> Record for ($($part,)+) {
            fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
                Ok(($($part::read(columns)?,)+))
            }
        })+
    };
}

tuples! {
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}
