//! `money_sum`: adds up a column of money. SQLite's own `sum` fails where a sum is too large, and `total`
//! does not count exactly; so every statement of ours that adds up money uses this.

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;

use crate::domain::money::Total;

struct MoneySum;

impl Aggregate<Total, i64> for MoneySum {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    /// NULL adds nothing, as with `sum`.
    fn step(&self, context: &mut Context<'_>, sum: &mut Total) -> rusqlite::Result<()> {
        if let ValueRef::Integer(minor) = context.get_raw(0) {
            sum.add(minor);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Total>) -> rusqlite::Result<i64> {
        Ok(sum.unwrap_or_default().minor())
    }
}

/// Makes it known to a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function("money_sum", 1, flags, MoneySum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_as_sum_does_and_does_not_fail_where_sum_does() {
        let connection = Connection::open_in_memory().expect("a database");
        register(&connection).expect("registered");
        let sum = |values: &str| {
            let sql = format!("SELECT money_sum(column1) FROM (VALUES {values})");
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).expect("a sum")
        };
        assert_eq!(sum("(1), (NULL), (-3)"), -2);
        assert_eq!(sum("(NULL)"), 0);
        let most = i64::MAX;
        assert_eq!(sum(&format!("({most}), ({most}), (1)")), most);
        assert_eq!(sum(&format!("({most}), ({most}), (-{most})")), most);
        let none = "SELECT money_sum(1) WHERE 0";
        assert_eq!(connection.query_row(none, [], |row| row.get::<_, i64>(0)), Ok(0));
    }
}
