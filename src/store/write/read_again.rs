//! `to_read_again`: stored events that an earlier version read by other rules.

use rusqlite::{OptionalExtension, named_params};

use crate::store::engine::Batch;
use crate::store::error::StoreError;

/// Some of the events that are to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToReadAgain {
    /// Row ids of those that have their bodies, oldest first.
    pub ids: Vec<i64>,
    /// The row id up to which these are all.
    pub read_to: i64,
    /// Whether more follow.
    pub more: bool,
}

impl Batch<'_> {
    /// The next events that are to be read again, `at_once` at most; `None` when all are.
    pub fn to_read_again(&self, at_once: usize) -> Result<Option<ToReadAgain>, StoreError> {
        let range: Option<(i64, i64)> = self
            .connection
            .prepare_cached("SELECT read_to, until FROM to_read_again")?
            .query_row([], |row| Ok((row.get("read_to")?, row.get("until")?)))
            .optional()?;
        let Some((read_to, until)) = range else { return Ok(None) };
        let limit = i64::try_from(at_once).unwrap_or(i64::MAX);
        let ids: Vec<i64> = self
            .connection
            .prepare_cached(
                "SELECT id FROM webhook_logs
                 WHERE id > :read_to AND id <= :until AND payload IS NOT NULL
                 ORDER BY id LIMIT :at_once",
            )?
            .query_map(
                named_params! { ":read_to": read_to, ":until": until, ":at_once": limit },
                |row| row.get("id"),
            )?
            .collect::<Result<_, _>>()?;
        let more = ids.len() == at_once;
        let read_to = ids.last().copied().filter(|_| more).unwrap_or(until);
        Ok(Some(ToReadAgain { ids, read_to, more }))
    }

    /// Notes that these were read again.
    pub fn were_read_again(&self, read: &ToReadAgain) -> Result<(), StoreError> {
        match read.more {
            true => self.connection.execute(
                "UPDATE to_read_again SET read_to = :read_to",
                named_params! { ":read_to": read.read_to },
            )?,
            false => self.connection.execute("DELETE FROM to_read_again", [])?,
        };
        Ok(())
    }

    /// Row id of the newest change of a transaction; 0 before the first.
    pub fn newest_change(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT ifnull(max(id), 0) AS id FROM transaction_changes")?
            .query_row([], |row| row.get("id"))?)
    }

    /// What changed since the change with this row id: of each transaction its id, its reference and the
    /// newest change, in the order of their ids.
    pub fn changed_since(&self, change: i64) -> Result<Vec<(i64, String, String)>, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT t.id, t.reference, c.change FROM transaction_changes c
                 JOIN transactions t ON t.id = c.transaction_id
                 WHERE c.id > :change AND c.version = t.version ORDER BY t.id",
            )?
            .query_map(named_params! { ":change": change }, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?)
    }
}
