//! `to_read_again`: stored events that an earlier version read by other rules.

use rusqlite::named_params;

use super::replay;
use crate::domain::records::{ReadAgain, RereadResult};
use crate::domain::time::Timestamp;
use crate::providers::rules::Rules;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::change_feed;
use crate::store::tables::rows::{all, first};

/// Some of the events that are to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToReadAgain {
    /// Row ids of those that have their bodies, oldest first.
    pub(crate) ids: Vec<i64>,
    /// The row id up to which these are all.
    pub(crate) read_to: i64,
    /// Whether more follow.
    pub(crate) more: bool,
}

impl Batch<'_> {
    /// The next events that are to be read again, `at_once` at most; `None` when all are.
    pub(crate) fn to_read_again(&self, at_once: usize) -> Result<Option<ToReadAgain>, StoreError> {
        let range: Option<(i64, i64)> =
            first(self.connection, "SELECT read_to, until FROM to_read_again", [])?;
        let Some((read_to, until)) = range else { return Ok(None) };
        let limit = i64::try_from(at_once).unwrap_or(i64::MAX);
        let sql = "SELECT id FROM webhook_logs
                 WHERE id > :read_to AND id <= :until AND payload IS NOT NULL
                 ORDER BY id LIMIT :at_once";
        let parameters = named_params! { ":read_to": read_to, ":until": until, ":at_once": limit };
        let ids: Vec<i64> = all(self.connection, sql, parameters)?;
        let more = ids.len() == at_once;
        let read_to = ids.last().copied().filter(|_| more).unwrap_or(until);
        Ok(Some(ToReadAgain { ids, read_to, more }))
    }

    /// Notes that these were read again.
    pub(crate) fn were_read_again(&self, read: &ToReadAgain) -> Result<(), StoreError> {
        match read.more {
            true => self.connection.execute(
                "UPDATE to_read_again SET read_to = :read_to",
                named_params! { ":read_to": read.read_to },
            )?,
            false => self.connection.execute("DELETE FROM to_read_again", [])?,
        };
        Ok(())
    }
}

/// Reads the next ones again: see [`ReplayOutdated`](crate::store::ReplayOutdated).
pub(crate) fn step(
    batch: &Batch<'_>,
    at_once: usize,
    rules: &Rules,
    now: Timestamp,
) -> Result<Option<ReadAgain>, StoreError> {
    let Some(some) = batch.to_read_again(at_once)? else { return Ok(None) };
    let before = change_feed::last_change(batch.connection)?;
    let read = replay::read_all(batch, &some.ids, rules, now)?;
    let changed = read.iter().filter(|one| matches!(one.result, RereadResult::Changed(_))).count();
    batch.were_read_again(&some)?;
    let transactions = change_feed::changed_after(batch.connection, before)?;
    Ok(Some(ReadAgain { events: some.ids.len(), changed, transactions, more: some.more }))
}

/// What all steps would change: see [`PreviewOutdated`](crate::store::PreviewOutdated).
pub(crate) fn preview(
    batch: &Batch<'_>,
    most: usize,
    rules: &Rules,
    now: Timestamp,
) -> Result<Option<ReadAgain>, StoreError> {
    match batch.to_read_again(most)? {
        Some(some) if some.more => Ok(Some(ReadAgain { more: true, ..ReadAgain::default() })),
        _ => batch.dry_run(|batch| step(batch, most, rules, now)),
    }
}
