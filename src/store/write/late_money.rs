//! Money for a transaction that the shop had closed: a row of `orphan_transactions` beside the
//! transaction that has the money, so that a person sees it.
//!
//! What was there when it was closed is not late: the shop knew of it. By the provider's time late money may be
//! older than the close, if its event came after it.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{orphans, raise};
use crate::domain::money::{Currency, Money};
use crate::domain::records::{By, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{Status, fold};
use crate::store::error::StoreError;
use crate::store::tables::{self, facts, transactions};

/// Keeps the row that says that money came for a closed transaction: open while the shop has some of
/// it. Returns whether it is new.
pub(crate) fn sync(
    connection: &Connection,
    transaction: &Transaction,
    cause: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let state = &transaction.state;
    let late = late(connection, transaction)?;
    let open: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM orphan_transactions
             WHERE transaction_id = :id AND kind = 'late_money' AND resolved_at IS NULL",
        )?
        .query_row(named_params! { ":id": transaction.id }, |row| row.get("id"))
        .optional()?;
    match (open, late) {
        (None, None) => Ok(false),
        (Some(open), None) if transaction.closed_at.is_none() => {
            orphans::matched(connection, open, transaction.id, By::Person, now)?;
            Ok(false)
        }
        // A version before counted also what was there at the close.
        (Some(open), None) if !state.held().is_empty() => {
            orphans::matched(connection, open, transaction.id, By::Payhookd, now)?;
            Ok(false)
        }
        (Some(open), None) => {
            orphans::dismissed(connection, open, "the money went back", By::Payhookd, now)?;
            Ok(false)
        }
        (Some(open), Some(late)) => {
            connection
                .prepare_cached(
                    "UPDATE orphan_transactions
                     SET status = :status, amount = :amount, last_seen_at = :now WHERE id = :id",
                )?
                .execute(named_params! {
                    ":id": open,
                    ":status": state.status.as_str(),
                    ":amount": late.minor,
                    ":now": now.to_string(),
                })?;
            Ok(false)
        }
        (None, Some(late)) => add_late_money(connection, transaction, late, cause, now),
    }
}

/// What a closed transaction holds beyond what it held, as far as was known, when it was closed. Of several
/// currencies that in which it is reckoned, or else the first.
fn late(connection: &Connection, transaction: &Transaction) -> Result<Option<Money>, StoreError> {
    let Some(closed_at) = transaction.closed_at else { return Ok(None) };
    let state = &transaction.state;
    if !matches!(state.status, Status::Succeeded | Status::PartiallyRefunded | Status::Disputed) {
        return Ok(None);
    }
    let held = state.held();
    if held.is_empty() {
        return Ok(None);
    }
    let known = facts::known_at(connection, transaction.id, closed_at)?;
    let known = known.iter().map(|stored| &stored.fact);
    let before = fold(transaction.provider, transaction.expected, known).held();
    let beyond =
        |currency: &Currency, minor: i64| minor - before.get(currency).copied().unwrap_or(0);
    let late = held.iter().map(|(currency, minor)| (*currency, beyond(currency, *minor)));
    let late =
        late.filter(|(_, minor)| *minor > 0).map(|(currency, minor)| Money { minor, currency });
    Ok(late.max_by_key(|money| (Some(money.currency) == state.currency, Reverse(money.currency))))
}

/// Not again for money that a person knows of already.
fn add_late_money(
    connection: &Connection,
    transaction: &Transaction,
    late: Money,
    cause: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = transactions::next_id(connection)?;
    let added = connection
        .prepare_cached(
            "INSERT INTO orphan_transactions
                 (id, provider, kind, reference, order_id, event_id, event_type, status, amount,
                  currency, livemode, first_seen_at, last_seen_at, alert_at, alerted_at,
                  transaction_id)
             SELECT :id, :provider, 'late_money', :reference, :order_id,
                    ifnull(l.event_id, ''), ifnull(l.event_type, ''), :status, :amount, :currency,
                    :livemode, :now, :now, :now, :now, :transaction_id
             FROM (SELECT 1) LEFT JOIN webhook_logs l ON l.id = ifnull(:cause, :latest)
             WHERE NOT EXISTS
                 (SELECT 1 FROM orphan_transactions
                  WHERE transaction_id = :transaction_id AND kind = 'late_money'
                    AND resolution = 'dismissed' AND resolved_by = 'person' AND amount >= :amount)",
        )?
        .execute(named_params! {
            ":id": id,
            ":provider": transaction.provider.as_str(),
            ":reference": transaction.reference,
            ":order_id": transaction.order_id,
            ":status": transaction.state.status.as_str(),
            ":amount": late.minor,
            ":currency": late.currency.as_str(),
            ":livemode": transaction.livemode,
            ":now": now.to_string(),
            ":transaction_id": transaction.id,
            ":cause": cause,
            ":latest": transaction.latest_log_id,
        })?;
    if added == 0 {
        return Ok(false);
    }
    if let Some(orphan) = tables::orphans::get(connection, id)? {
        raise::orphan(connection, &orphan, now)?;
    }
    Ok(true)
}
