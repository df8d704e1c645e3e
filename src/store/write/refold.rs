//! A transaction's state from all its facts, saved.

use rusqlite::{Connection, named_params};

use super::{late_money, raise, subscription_issues};
use crate::domain::change;
use crate::domain::fact::{Fact, FactState};
use crate::domain::merchant_action::needed;
use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::records::Transaction;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, State};
use crate::providers::paypal::pending;
use crate::store::error::StoreError;
use crate::store::tables::rows::execute;
use crate::store::tables::transactions::folded;
use crate::store::tables::{changes, facts, other_money};

/// What [`refold`] found.
#[derive(Clone, Debug)]
pub(crate) struct Refolded {
    /// The state now.
    pub(crate) state: State,
    /// Set if the amount turned out not to be what the shop expects, and was not known to.
    pub(crate) wrong_amount: Option<AmountCheck>,
    /// Money came for a transaction that the shop had closed.
    pub(crate) late_money: bool,
}

/// Derives the state of a transaction from all its facts and saves it; a difference that the shop
/// must know of makes a new version. `cause` is the event that led here.
pub(crate) fn refold(
    connection: &Connection,
    transaction: &Transaction,
    cause: Option<i64>,
    now: Timestamp,
) -> Result<Refolded, StoreError> {
    let facts = facts::counting(connection, transaction.id)?;
    let (saved, latest_log_id) = folded(transaction, &facts);
    let doubtful = facts::is_doubtful(connection, transaction.id)?;
    let saved = State { doubtful, ..saved };
    let change = change::kind(Some(&transaction.state), &saved);
    let version = transaction.version + i64::from(change.is_some());
    let period = facts.iter().map(|stored| &stored.fact).filter(|fact| fact.period.is_some()).max();
    let period = period.and_then(|fact| fact.period);
    let after_end = came_after_end(transaction, &saved, facts.iter().map(|stored| &stored.fact));
    let sql = "UPDATE transactions
             SET status = :status, amount_received = :amount_received,
                 amount_refunded = :amount_refunded, received_currency = :received_currency,
                 dispute_status = :dispute_status, amount_check = :amount_check,
                 other_money = :other_money, doubtful = :doubtful,
                 status_changed_at = ifnull(:status_changed_at, created_at),
                 updated_at = :now, version = :version, latest_log_id = :latest_log_id,
                 period_start = :period_start, period_end = :period_end, after_end = :after_end
             WHERE id = :id";
    let parameters = named_params! {
        ":id": transaction.id,
        ":status": saved.status.as_str(),
        ":amount_received": saved.amount_received,
        ":amount_refunded": saved.amount_refunded,
        ":received_currency": saved.currency.as_ref().map(Currency::as_str),
        ":dispute_status": saved.dispute_status.as_str(),
        ":amount_check": saved.amount_check.as_str(),
        ":other_money": other_money::text(&saved.other_money),
        ":doubtful": saved.doubtful,
        ":status_changed_at": saved.status_changed_at.map(|at| at.to_string()),
        ":now": now.to_string(),
        ":version": version,
        ":latest_log_id": latest_log_id,
        ":period_start": period.map(|period| period.start.to_string()),
        ":period_end": period.map(|period| period.end.to_string()),
        ":after_end": after_end,
    };
    execute(connection, sql, parameters)?;
    if let Some(subscription) = &transaction.subscription
        && (after_end || transaction.after_end)
    {
        let is_new = after_end && !transaction.after_end;
        subscription_issues::after_end(connection, subscription.id, is_new, now)?;
    }
    if let Some(change) = change {
        changes::insert(connection, transaction.id, version, change, &saved, cause, now)?;
    }
    raise::transaction(connection, transaction, &saved, now)?;
    let said = facts.iter().map(|stored| &stored.fact);
    raise::aftermath(connection, transaction, &saved, said, now)?;
    if transaction.provider == Provider::Paypal {
        let said = facts.iter().map(|stored| &stored.fact);
        raise::merchant_action(
            connection,
            transaction,
            needed(said, pending::merchant_action),
            now,
        )?;
    }
    let is_news = saved.amount_check != transaction.state.amount_check;
    let wrong_amount = Some(saved.amount_check).filter(|check| is_news && check.is_wrong());
    let late_money = match transaction.closed_at {
        None => false,
        Some(_) => {
            let now_so = Transaction { state: saved.clone(), latest_log_id, ..transaction.clone() };
            late_money::sync(connection, &now_so, cause, now)?
        }
    };
    Ok(Refolded { state: saved, wrong_amount, late_money })
}

/// Whether the money of a payment, by the provider's clock, was taken after its subscription had ended.
fn came_after_end<'f>(
    transaction: &Transaction,
    state: &State,
    facts: impl Iterator<Item = &'f Fact>,
) -> bool {
    let Some(ended_at) = transaction.subscription.as_ref().and_then(|one| one.ended_at) else {
        return false;
    };
    let takes = |fact: &&Fact| {
        fact.state != FactState::Conflict && fact.captured.is_some_and(|minor| minor > 0)
    };
    let taken_at = facts.filter(takes).map(|fact| fact.occurred_at).min();
    state.amount_received > 0 && taken_at.is_some_and(|at| at > ended_at)
}

/// Notes that the shop closed or opened a transaction, as a new version.
pub(crate) fn close(
    connection: &Connection,
    transaction: &Transaction,
    closed_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let version = transaction.version + 1;
    let sql =
        "UPDATE transactions SET closed_at = :closed_at, updated_at = :now, version = :version
             WHERE id = :id";
    let parameters = named_params! {
        ":id": transaction.id,
        ":closed_at": closed_at.map(|at| at.to_string()),
        ":now": now.to_string(),
        ":version": version,
    };
    execute(connection, sql, parameters)?;
    let change = if closed_at.is_some() { change::CLOSED } else { change::REOPENED };
    changes::insert(connection, transaction.id, version, change, &transaction.state, None, now)?;
    Ok(())
}
