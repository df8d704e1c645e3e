//! The issues that are raised and closed in the same commit as what they are about.

mod words;

use rusqlite::{Connection, named_params};

use super::issues;
use crate::domain::event::Provider;
use crate::domain::issue::{IssueKind, Occasion, Raise, Severity};
use crate::domain::language::Spoken;
use crate::domain::merchant_action::MerchantAction;
use crate::domain::money::Currency;
use crate::domain::orphan::OrphanKind;
use crate::domain::records::{Orphan, Transaction, Verdict};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, State};
use crate::store::error::StoreError;
use crate::store::read::attention;

/// An orphan for which the shop had its time, or money that came too late.
pub(in crate::store) fn orphan(
    connection: &Connection,
    orphan: &Orphan,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_late = orphan.kind == OrphanKind::LateMoney;
    let raise = Raise {
        kind: if is_late { IssueKind::LateMoney } else { IssueKind::Orphan },
        subject: orphan.id.to_string(),
        severity: Severity::Warning,
        occasion: Occasion::Happened,
        texts: words::orphan(orphan, is_late),
    };
    issues::raise(connection, &raise, now)
}

/// An orphan is matched, dismissed, part of another, or nobody's here.
pub(in crate::store) fn orphan_ended(
    connection: &Connection,
    id: i64,
    how: &Spoken<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = id.to_string();
    issues::close(connection, IssueKind::Orphan, &subject, Some(how), now)?;
    issues::close(connection, IssueKind::LateMoney, &subject, Some(how), now)
}

/// Raises and closes what a change of a transaction's state says. `before` is how it stood, and costs
/// nothing where nothing is wrong.
pub(in crate::store) fn transaction(
    connection: &Connection,
    before: &Transaction,
    state: &State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let was = &before.state;
    let is_other = amounts(state) != amounts(was) || state.other_money != was.other_money;
    if state.amount_check.is_wrong() && is_other {
        let occasion = match was.amount_check.is_wrong() {
            true => Occasion::Lasts,
            false => Occasion::Happened,
        };
        issues::raise(connection, &amount_mismatch(before, state, occasion), now)?;
    } else if was.amount_check.is_wrong() && !state.amount_check.is_wrong() {
        let subject = before.id.to_string();
        issues::close(connection, IssueKind::AmountMismatch, &subject, None, now)?;
    }
    if state.dispute_status == was.dispute_status {
        return Ok(());
    }
    let subject = before.id.to_string();
    match (is_undecided(was.dispute_status), is_undecided(state.dispute_status)) {
        (_, true) => {
            let due = attention::answer_due(connection, before.id)?;
            issues::raise(connection, &dispute(before, state, due), now)
        }
        (true, false) => {
            let how = words::how_it_ended(state.dispute_status);
            issues::close(connection, IssueKind::Dispute, &subject, Some(&how), now)
        }
        (false, false) => Ok(()),
    }
}

/// What the issue tells of the money.
fn amounts(state: &State) -> (AmountCheck, i64, Option<Currency>) {
    (state.amount_check, state.amount_received, state.currency)
}

fn amount_mismatch(transaction: &Transaction, state: &State, occasion: Occasion) -> Raise {
    Raise {
        kind: IssueKind::AmountMismatch,
        subject: transaction.id.to_string(),
        severity: Severity::Warning,
        occasion,
        texts: words::amount_mismatch(transaction, state),
    }
}

fn dispute(transaction: &Transaction, state: &State, due: Option<Timestamp>) -> Raise {
    Raise {
        kind: IssueKind::Dispute,
        subject: transaction.id.to_string(),
        // It gets critical when time runs out.
        severity: Severity::Warning,
        occasion: Occasion::Happened,
        texts: words::dispute(transaction, state, due),
    }
}

/// Whether somebody can still answer.
fn is_undecided(status: DisputeStatus) -> bool {
    matches!(status, DisputeStatus::Inquiry | DisputeStatus::Open)
}

/// Raises and closes that the provider holds a payment until the shop does something about it.
pub(in crate::store) fn merchant_action(
    connection: &Connection,
    transaction: &Transaction,
    needed: Option<MerchantAction>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (kind, subject) = (IssueKind::MerchantAction, transaction.id.to_string());
    let Some(action) = needed else { return issues::close(connection, kind, &subject, None, now) };
    let raise = Raise {
        kind,
        subject,
        severity: Severity::Warning,
        occasion: Occasion::Lasts,
        texts: words::merchant_action(transaction, action),
    };
    issues::raise(connection, &raise, now)
}

/// A genuine event could not be understood.
pub(in crate::store) fn failed_event(
    connection: &Connection,
    (provider, event_type): (Provider, &str),
    event_id: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let raise = Raise {
        kind: IssueKind::FailedEvent,
        subject: failed_subject(provider, event_type),
        severity: Severity::Warning,
        occasion: Occasion::Happened,
        texts: words::failed_event((provider, event_type), event_id, why),
    };
    issues::raise(connection, &raise, now)
}

/// An event that had failed is understood now; the issue ends with the last of its type.
pub(in crate::store) fn failed_event_understood(
    connection: &Connection,
    provider: Provider,
    event_type: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let more = connection
        .prepare_cached(
            "SELECT 1 FROM webhook_logs
             WHERE status = 'failed' AND provider = :provider AND event_type = :event_type",
        )?
        .exists(named_params! { ":provider": provider.as_str(), ":event_type": event_type })?;
    let subject = failed_subject(provider, event_type);
    match more {
        true => Ok(()),
        false => issues::close(connection, IssueKind::FailedEvent, &subject, None, now),
    }
}

/// What is known of two bodies that came for one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Doubt {
    /// What came first is applied.
    Seen,
    /// What came first was refused, and so is what came now.
    Refused,
    /// PayPal says that it has no such event.
    Unknown,
    /// PayPal says otherwise than what had come first, and that is applied now.
    Replaced,
}

/// Two bodies came for an event, under a genuine signature.
pub(in crate::store) fn doubtful_event(
    connection: &Connection,
    (subject, event_id): (&str, &str),
    transactions: &[Transaction],
    doubt: Doubt,
    now: Timestamp,
) -> Result<(), StoreError> {
    let raise = Raise {
        kind: IssueKind::DoubtfulEvent,
        subject: words::shortened(subject),
        severity: Severity::Critical,
        occasion: Occasion::Happened,
        texts: words::doubtful_event(event_id, transactions, doubt),
    };
    issues::raise(connection, &raise, now)
}

/// What was kept of a doubtful event stands, by the word of PayPal or of a person.
pub(in crate::store) fn doubt_is_over(
    connection: &Connection,
    event_id: &str,
    verdict: Verdict,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = words::shortened(event_id);
    let how = words::doubt_is_over(verdict);
    issues::close(connection, IssueKind::DoubtfulEvent, &subject, Some(&how), now)
}

fn failed_subject(provider: Provider, event_type: &str) -> String {
    format!("{provider} {}", words::shortened(event_type))
}

/// A notification to the shop's app was given up.
pub(in crate::store) fn dead_letter(
    connection: &Connection,
    delivery_id: i64,
    failure: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let dead = "SELECT count(*) FROM deliveries WHERE status = 'dead'";
    let dead: i64 = connection.prepare_cached(dead)?.query_row([], |row| row.get(0))?;
    let raise = Raise {
        kind: IssueKind::DeadLetter,
        subject: APP.to_owned(),
        severity: Severity::Critical,
        occasion: Occasion::Happened,
        texts: words::dead_letter(dead, delivery_id, failure),
    };
    issues::raise(connection, &raise, now)
}

/// A notification is not given up any more; the issue ends with the last one.
pub(in crate::store) fn dead_letter_ended(
    connection: &Connection,
    now: Timestamp,
) -> Result<(), StoreError> {
    let more = "SELECT 1 FROM deliveries WHERE status = 'dead'";
    match connection.prepare_cached(more)?.exists([])? {
        true => Ok(()),
        false => issues::close(connection, IssueKind::DeadLetter, APP, None, now),
    }
}

const APP: &str = "app";
