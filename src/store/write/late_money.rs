//! Money for a transaction that the shop had closed: a row of `orphan_transactions` beside the
//! transaction that has the money, so that a person sees it.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{orphans, raise};
use crate::domain::money::Currency;
use crate::domain::records::{By, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::Status;
use crate::store::error::StoreError;
use crate::store::tables::{self, transactions};

/// Keeps the row that says that money came for a closed transaction: open while the shop has some of
/// it. Returns whether it is new.
pub(crate) fn sync(
    connection: &Connection,
    transaction: &Transaction,
    cause: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let state = &transaction.state;
    let kept = |received: i64, refunded: i64| received > refunded;
    let holds = (kept(state.amount_received, state.amount_refunded)
        || state.other_money.iter().any(|one| kept(one.received, one.refunded)))
        && matches!(state.status, Status::Succeeded | Status::PartiallyRefunded | Status::Disputed);
    let is_late = transaction.closed_at.is_some() && holds;
    let open: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM orphan_transactions
             WHERE transaction_id = :id AND kind = 'late_money' AND resolved_at IS NULL",
        )?
        .query_row(named_params! { ":id": transaction.id }, |row| row.get("id"))
        .optional()?;
    match (open, is_late) {
        (None, false) => Ok(false),
        (Some(open), false) if transaction.closed_at.is_none() => {
            orphans::matched(connection, open, transaction.id, By::Person, now)?;
            Ok(false)
        }
        (Some(open), false) => {
            orphans::dismissed(connection, open, "the money went back", By::Payhookd, now)?;
            Ok(false)
        }
        (Some(open), true) => {
            connection
                .prepare_cached(
                    "UPDATE orphan_transactions
                     SET status = :status, amount = :amount, last_seen_at = :now WHERE id = :id",
                )?
                .execute(named_params! {
                    ":id": open,
                    ":status": state.status.as_str(),
                    ":amount": state.amount_received,
                    ":now": now.to_string(),
                })?;
            Ok(false)
        }
        (None, true) => add_late_money(connection, transaction, cause, now),
    }
}

/// Not again for money that a person knows of already.
fn add_late_money(
    connection: &Connection,
    transaction: &Transaction,
    cause: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let state = &transaction.state;
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
            ":status": state.status.as_str(),
            ":amount": state.amount_received,
            ":currency": state.currency.as_ref().map(Currency::as_str),
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
