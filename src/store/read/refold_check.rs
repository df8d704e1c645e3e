//! Whether what the transactions say is what their facts say: every state is folded again and compared.

use std::time::Instant;

use rusqlite::{Connection, Row, named_params};

use super::reader::Reader;
use crate::domain::change;
use crate::domain::records::{Differing, Refolding, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::State;
use crate::store::error::StoreError;
use crate::store::tables::rows::{Record, each, select};
use crate::store::tables::transactions::transaction_columns;
use crate::store::tables::{self, facts};

/// As many are kept as anybody would read.
const KEPT: usize = 100;
/// Transactions that are read in one piece.
const PIECE: usize = 250;

impl Reader {
    /// Derives the state of each transaction from its facts, and compares it with what the row and its
    /// newest change say. Changes nothing. It reads in pieces and pauses after each, as
    /// [`Reader::verify_log`] does.
    ///
    /// What the shop itself registered (the amount and currency expected, the metadata) stands nowhere
    /// else: a change of it is found only where it changes whether the amount is right.
    pub fn refold_all(&self) -> Result<Refolding, StoreError> {
        let mut found = Refolding::default();
        let mut after = i64::MIN;
        loop {
            let began = Instant::now();
            let moment = self.connection.unchecked_transaction()?;
            let mut select = moment.prepare_cached(select!(
                transaction_columns,
                " FROM transactions WHERE id > :after ORDER BY id LIMIT :piece"
            ))?;
            let piece = i64::try_from(PIECE).unwrap_or(i64::MAX);
            let mut rows = select.query(named_params! { ":after": after, ":piece": piece })?;
            let mut looked_at = 0;
            while let Some(row) = rows.next()? {
                after = row.get("id")?;
                looked_at += 1;
                let columns = differing(&moment, row)?;
                if !columns.is_empty() {
                    found.differing_count += 1;
                    if found.differing.len() < KEPT {
                        found.differing.push(Differing { id: after, columns });
                    }
                }
            }
            found.transactions += looked_at as u64;
            if looked_at < PIECE {
                return Ok(found);
            }
            drop(rows);
            drop(select);
            drop(moment);
            std::thread::sleep(began.elapsed());
        }
    }
}

/// What can't be read is wrong, too, and must not keep the others from being looked at.
fn differing(connection: &Connection, row: &Row<'_>) -> Result<Vec<&'static str>, StoreError> {
    match compare(connection, row) {
        Err(StoreError::Corrupt { what, .. }) => Ok(vec![what]),
        other => other,
    }
}

fn compare(connection: &Connection, row: &Row<'_>) -> Result<Vec<&'static str>, StoreError> {
    let transaction = <Transaction as Record>::of(row)?;
    let facts = facts::of(connection, transaction.id)?;
    let (folded, latest_log_id) = tables::transactions::folded(&transaction, &facts);
    let doubtful = facts::is_doubtful(connection, transaction.id)?;
    let folded = State { doubtful, ..folded };
    let status_changed_at = folded.status_changed_at.or(Some(transaction.created_at));
    let is = &transaction.state;
    let mut differ = different(is, &folded);
    let mut differs = |column, is_other| {
        if is_other && !differ.contains(&column) {
            differ.push(column);
        }
    };
    differs("received_currency", is.currency != folded.currency);
    differs("status_changed_at", is.status_changed_at != status_changed_at);
    differs("latest_log_id", transaction.latest_log_id != latest_log_id);
    let Some(history) = History::of(connection, transaction.id)? else {
        differs("version", true);
        return Ok(differ);
    };
    for column in different(is, &history.state) {
        differs(column, true);
    }
    differs("version", transaction.version != history.version);
    differs("created_at", transaction.created_at != history.registered_at);
    differs("updated_at", transaction.updated_at < history.changed_at);
    differs("closed_at", transaction.closed_at != history.closed_at);
    for (column, value) in
        [("reference", Some(&transaction.reference)), ("order_id", transaction.order_id.as_ref())]
    {
        // The id that a merged one was made under is another's by now.
        if let Some(value) = value.filter(|_| transaction.merged_into.is_none()) {
            differs(column, !is_registered(connection, &transaction, value)?);
        }
    }
    Ok(differ)
}

/// The columns of which a change tells, too.
fn different(one: &State, other: &State) -> Vec<&'static str> {
    let columns = [
        ("status", one.status != other.status),
        ("amount_received", one.amount_received != other.amount_received),
        ("amount_refunded", one.amount_refunded != other.amount_refunded),
        ("dispute_status", one.dispute_status != other.dispute_status),
        ("amount_check", one.amount_check != other.amount_check),
        ("other_money", one.other_money != other.other_money),
        ("doubtful", one.doubtful != other.doubtful),
    ];
    columns.into_iter().filter(|(_, is_other)| *is_other).map(|(column, _)| column).collect()
}

/// What the changes of a transaction say of it.
struct History {
    version: i64,
    /// As the newest says it, without what it does not say.
    state: State,
    changed_at: Timestamp,
    registered_at: Timestamp,
    closed_at: Option<Timestamp>,
}

impl History {
    fn of(connection: &Connection, id: i64) -> Result<Option<Self>, StoreError> {
        let sql =
            "SELECT version, change, changed_at, status, amount_received, amount_refunded, NULL,
                    dispute_status, amount_check, changed_at, other_money, doubtful
             FROM transaction_changes WHERE transaction_id = :id ORDER BY version";
        let mut history: Option<Self> = None;
        let parameters = named_params! { ":id": id };
        each::<(i64, String, Timestamp, State)>(connection, sql, parameters, |row| {
            let (version, change, changed_at, state) = row;
            let before = history.as_ref();
            history = Some(Self {
                version,
                state,
                changed_at,
                registered_at: before.map_or(changed_at, |before| before.registered_at),
                closed_at: match &*change {
                    change::CLOSED => Some(changed_at),
                    change::REOPENED => None,
                    _ => before.and_then(|before| before.closed_at),
                },
            });
            Ok(())
        })?;
        Ok(history)
    }
}

fn is_registered(
    connection: &Connection,
    transaction: &Transaction,
    value: &str,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM transaction_references
             WHERE provider = :provider AND livemode = :livemode AND value = :value
               AND shared IN (0, 1) AND transaction_id = :id AND standing = 'registered'",
        )?
        .exists(named_params! {
            ":provider": transaction.provider.as_str(),
            ":livemode": transaction.livemode,
            ":value": value,
            ":id": transaction.id,
        })
}
