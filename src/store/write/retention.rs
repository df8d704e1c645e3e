//! Bodies and headers of settled events are removed when they are old; the row, its ids and its facts
//! stay, and so does the hash of what was removed. Refused requests go, and issues that are long over.

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, named_params, params_from_iter};
use sha2::{Digest, Sha256};

use super::{chain, issue_retention, transmissions};
use crate::domain::records::{Hash, Numbers, Outcome, Pruned};
use crate::domain::retention::{Cutoff, is_settled};
use crate::domain::time::Timestamp;
use crate::store::engine::Database;
use crate::store::error::StoreError;
use crate::store::read::reader::Reader;
use crate::store::tables::rows::{Columns, Record, all, execute, first, instant, one, select};

/// How far one round of pruning has come: first the refused requests, then the issues that are over,
/// then the events that were not settled the last time, then the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Round {
    /// Nothing was done yet.
    #[default]
    Begun,
    /// The refused requests were removed.
    Issues,
    /// Unsettled events up to this one were looked at again.
    Unsettled(i64),
    /// They all were.
    Newer,
    /// There is nothing more to do.
    Done,
}

/// Events in one step: as many as can be written within a few milliseconds.
const EVENTS_AT_ONCE: usize = 32;
/// Bytes that are removed in one step, unless one event alone has more.
const BYTES_AT_ONCE: u64 = 256 * 1024;

/// An event that is looked at.
struct Candidate {
    id: i64,
    status: Outcome,
    transaction_id: Option<i64>,
    received_at: Timestamp,
    bytes: u64,
}

impl Database {
    /// Does the next small step of `round`, in a transaction of its own; what it did, and how far the
    /// round has come then. A cut-off that is far after the latest event is [held
    /// back](Cutoff::held_back).
    pub fn prune(&mut self, cutoff: &Cutoff, round: Round) -> Result<(Pruned, Round), StoreError> {
        step(self.tidying()?, cutoff, round)
    }
}

impl Reader {
    /// When the latest event came, UTC.
    pub fn latest_event(&self) -> Result<Option<Timestamp>, StoreError> {
        latest_event(&self.connection)
    }

    /// What a round of pruning would remove now.
    pub fn would_prune(&self, cutoff: &Cutoff) -> Result<Pruned, StoreError> {
        let connection = &self.connection;
        let cutoff = cutoff.held_back(latest_event(connection)?);
        let mut pruned = Pruned::default();
        if let Some(before) = cutoff.rejected {
            let count = "SELECT count(*) FROM rejected_requests WHERE received_at < :before";
            let parameters = named_params! { ":before": before.to_string() };
            let rejected: i64 = one(connection, count, parameters)?;
            pruned.rejected = rejected.unsigned_abs();
        }
        if let Some(before) = cutoff.issues {
            pruned.issues = issue_retention::count_over(connection, before)?;
        }
        let Some(before) = cutoff.payloads else { return Ok(pruned) };
        let mut round = Round::Unsettled(i64::MIN);
        let mut after = pruned_to(connection)?;
        while round != Round::Done {
            let found = Found::next(connection, round, after, before, cutoff.now)?;
            after = after.max(found.last.unwrap_or(after));
            pruned = pruned.and(found.pruned());
            round = found.round;
        }
        Ok(pruned)
    }
}

fn step(
    connection: &mut Connection,
    cutoff: &Cutoff,
    round: Round,
) -> Result<(Pruned, Round), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let cutoff = cutoff.held_back(latest_event(&transaction)?);
    let mut pruned = Pruned::default();
    let next = match (round, cutoff.payloads) {
        (Round::Begun, _) => {
            if let Some(before) = cutoff.rejected {
                pruned.rejected = remove_rejected(&transaction, before)?;
            }
            if let Some(before) = cutoff.transmissions {
                transmissions::remove_old(&transaction, before)?;
            }
            Round::Issues
        }
        (Round::Issues, _) => {
            if let Some(before) = cutoff.issues {
                pruned.issues = issue_retention::remove_over(&transaction, before)?;
            }
            match pruned.issues {
                0 => Round::Unsettled(i64::MIN),
                _ => Round::Issues,
            }
        }
        (Round::Done, _) | (_, None) => Round::Done,
        (Round::Unsettled(_) | Round::Newer, Some(before)) => {
            let after = pruned_to(&transaction)?;
            let found = Found::next(&transaction, round, after, before, cutoff.now)?;
            remove_bodies(&transaction, &found.settled)?;
            let mut without_body = Numbers::default();
            found.removed().for_each(|one| without_body.insert(one.id));
            if !without_body.is_empty() {
                chain::link_pruned(&transaction, &without_body, cutoff.now)?;
            }
            note(&transaction, &found)?;
            pruned = found.pruned();
            found.round
        }
    };
    transaction.commit()?;
    Ok((pruned, next))
}

/// Of webhooks, if there are any: their signatures keep most of them out while the clock is wrong. The newest
/// by their numbers are looked at.
fn latest_event(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    instant(
        connection,
        "SELECT ifnull((SELECT max(received_at) FROM
                            (SELECT received_at FROM webhook_logs WHERE source = 'webhook'
                             ORDER BY id DESC LIMIT 50)),
                       (SELECT max(received_at) FROM
                            (SELECT received_at FROM webhook_logs ORDER BY id DESC LIMIT 50)))",
        [],
    )
}

/// What the next step is about.
struct Found {
    settled: Vec<Candidate>,
    unsettled: Vec<i64>,
    /// The last one that was looked at, of [`Round::Newer`].
    last: Option<i64>,
    round: Round,
}

impl Found {
    fn next(
        connection: &Connection,
        round: Round,
        after: i64,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let is_newer = round == Round::Newer;
        let looked_at = match round {
            Round::Unsettled(after) => unsettled(connection, after)?,
            _ => newer(connection, after)?,
        };
        let mut found = Self { settled: Vec::new(), unsettled: Vec::new(), last: None, round };
        let mut bytes = 0;
        // What only a wrong clock can have received is in nobody's way.
        let is_old = |one: &Candidate| one.received_at < before;
        let is_wrong = |one: &Candidate| one.received_at > now;
        let is_last_piece = looked_at.len() < EVENTS_AT_ONCE;
        let mut is_end = is_last_piece;
        let held = held_by_orphans(connection, &looked_at)?;
        for candidate in looked_at {
            if is_newer && !is_old(&candidate) && !is_wrong(&candidate) {
                is_end = true;
                break;
            }
            if bytes > 0 && bytes + candidate.bytes > BYTES_AT_ONCE {
                is_end = false;
                break;
            }
            let id = candidate.id;
            found.last = Some(id);
            if is_old(&candidate) && !is_open(connection, &candidate, &held)? {
                bytes += candidate.bytes;
                found.settled.push(candidate);
            } else {
                found.unsettled.push(id);
            }
        }
        found.round = match (round, is_end) {
            (Round::Unsettled(_), true) => Round::Newer,
            (Round::Unsettled(after), false) => Round::Unsettled(found.last.unwrap_or(after)),
            (_, true) => Round::Done,
            (_, false) => Round::Newer,
        };
        found.last = found.last.filter(|_| is_newer);
        Ok(found)
    }

    /// Those that have something to remove.
    fn removed(&self) -> impl Iterator<Item = &Candidate> {
        self.settled.iter().filter(|one| one.bytes > 0)
    }

    fn pruned(&self) -> Pruned {
        Pruned {
            events: self.removed().count() as u64,
            bytes: self.removed().map(|one| one.bytes).sum(),
            unsettled: self.unsettled.len() as u64,
            ..Pruned::default()
        }
    }
}

/// Whether something about an event is open, so that it is kept whole.
fn is_open(
    connection: &Connection,
    candidate: &Candidate,
    held: &[i64],
) -> Result<bool, StoreError> {
    if candidate.status == Outcome::Failed || held.contains(&candidate.id) {
        return Ok(true);
    }
    let Some(transaction_id) = candidate.transaction_id else { return Ok(false) };
    let sql = "SELECT status, dispute_status,
                EXISTS (SELECT 1 FROM orphan_transactions
                        WHERE transaction_id = transactions.id AND resolved_at IS NULL)
         FROM transactions WHERE id = :id";
    let Some((status, dispute, has_late_money)) =
        first::<(_, _, bool)>(connection, sql, named_params! { ":id": transaction_id })?
    else {
        return Ok(true);
    };
    Ok(has_late_money || !is_settled(status, dispute))
}

/// Those of the events whose payment is an open orphan that concerns this shop.
fn held_by_orphans(
    connection: &Connection,
    looked_at: &[Candidate],
) -> Result<Vec<i64>, StoreError> {
    let mut orphans =
        looked_at.iter().filter(|one| one.status == Outcome::Orphan).map(|one| one.id);
    let Some(first) = orphans.next() else { return Ok(Vec::new()) };
    let sql = "SELECT e.log_id FROM orphan_transactions o JOIN transaction_events e
             ON e.transaction_id = o.id AND e.superseded IN (0, 1) AND e.log_id BETWEEN :first AND :last
         WHERE o.resolved_at IS NULL AND o.alert_at IS NOT NULL";
    let parameters =
        named_params! { ":first": first, ":last": orphans.next_back().unwrap_or(first) };
    all(connection, sql, parameters)
}

/// The next events that were never looked at, whether or not they are old.
fn newer(connection: &Connection, after: i64) -> Result<Vec<Candidate>, StoreError> {
    let sql = "SELECT id, status, transaction_id, received_at,
                ifnull(octet_length(payload), 0) + ifnull(octet_length(headers), 0) AS bytes
         FROM webhook_logs WHERE id > :after ORDER BY id LIMIT :limit";
    let parameters = named_params! { ":after": after, ":limit": EVENTS_AT_ONCE as i64 };
    all(connection, sql, parameters)
}

/// The next of those that were not settled.
fn unsettled(connection: &Connection, after: i64) -> Result<Vec<Candidate>, StoreError> {
    let sql = "SELECT id, status, transaction_id, received_at,
                ifnull(octet_length(payload), 0) + ifnull(octet_length(headers), 0) AS bytes
         FROM unsettled_events JOIN webhook_logs ON id = log_id
         WHERE log_id > :after ORDER BY log_id LIMIT :limit";
    let parameters = named_params! { ":after": after, ":limit": EVENTS_AT_ONCE as i64 };
    all(connection, sql, parameters)
}

impl Record for Candidate {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            status: columns.next()?,
            transaction_id: columns.next()?,
            received_at: columns.next()?,
            bytes: columns.next::<i64>()?.unsigned_abs(),
        })
    }
}

/// Every column that stays as it is.
macro_rules! lasting_columns {
    () => {
        "id, provider, event_id, event_type, api_version, livemode, occurred_at, received_at, \
         last_received_at, delivery_count, status, error, processing_us, transaction_id, proof, \
         payload_sha256, redacted_sha256, source, account"
    };
}

/// Writes the rows anew without body and headers.
///
/// SQLite joins pages that have become empty only when rows are deleted: an update that makes rows
/// smaller leaves every page in use, and the file as large as it was. So they are deleted and
/// inserted, on a connection that does not look for what refers to them in between.
fn remove_bodies(connection: &Connection, settled: &[Candidate]) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(select!(
        lasting_columns,
        ", headers, headers_sha256 FROM webhook_logs WHERE id = :id"
    ))?;
    let mut rows = Vec::with_capacity(settled.len());
    for candidate in settled.iter().filter(|one| one.bytes > 0) {
        rows.push(select.query_row(named_params! { ":id": candidate.id }, |row| {
            let lasting = row.as_ref().column_count() - 2;
            let mut values: Vec<Value> =
                (0..lasting).map(|column| row.get(column)).collect::<Result<_, _>>()?;
            let headers = row.get_ref("headers")?.as_str_or_null()?;
            values.push(match headers {
                Some(headers) => Value::Blob(Hash::from(Sha256::digest(headers)).to_vec()),
                None => row.get("headers_sha256")?,
            });
            Ok(values)
        })?);
    }
    let mut delete = connection.prepare_cached("DELETE FROM webhook_logs WHERE id = ?1")?;
    for row in &rows {
        delete.execute([&row[0]])?;
    }
    let mut insert = connection.prepare_cached(concat!(
        "INSERT INTO webhook_logs (",
        lasting_columns!(),
        ", headers_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))?;
    for row in rows {
        insert.execute(params_from_iter(row))?;
    }
    Ok(())
}

fn note(connection: &Connection, found: &Found) -> Result<(), StoreError> {
    let mut settle =
        connection.prepare_cached("DELETE FROM unsettled_events WHERE log_id = :log_id")?;
    for candidate in &found.settled {
        settle.execute(named_params! { ":log_id": candidate.id })?;
    }
    let mut keep = connection.prepare_cached(
        "INSERT INTO unsettled_events (log_id) VALUES (:log_id) ON CONFLICT DO NOTHING",
    )?;
    for log_id in &found.unsettled {
        keep.execute(named_params! { ":log_id": log_id })?;
    }
    if let Some(last) = found.last {
        let sql = "UPDATE retention SET pruned_to = :last WHERE id = 1";
        execute(connection, sql, named_params! { ":last": last })?;
    }
    Ok(())
}

fn pruned_to(connection: &Connection) -> Result<i64, StoreError> {
    one(connection, "SELECT pruned_to FROM retention WHERE id = 1", [])
}

/// The table is bounded, so this is one step.
fn remove_rejected(connection: &Connection, before: Timestamp) -> rusqlite::Result<u64> {
    let sql = "DELETE FROM rejected_requests WHERE received_at < :before";
    let removed = execute(connection, sql, named_params! { ":before": before.to_string() })?;
    Ok(removed as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_written_anew_loses_nothing_but_body_and_headers() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::open(&folder.path().join("payhookd.db")).expect("a database");
        let columns = "SELECT name FROM pragma_table_info('webhook_logs') ORDER BY cid";
        let mut statement = database.connection().prepare(columns).expect("SQL");
        let columns = statement.query_map([], |row| row.get(0)).expect("columns");
        let mut columns: Vec<String> = columns.collect::<Result<_, _>>().expect("columns");
        columns
            .retain(|column| !["headers", "payload", "headers_sha256"].contains(&column.as_str()));
        assert_eq!(columns.join(", "), lasting_columns!());
    }
}
