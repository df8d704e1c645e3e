//! The issues that are raised and closed in the same commit as what they are about.

use rusqlite::{Connection, named_params};

use super::issues;
use super::subscription_issues::Unknown;
use crate::domain::app_outage::AppOutage;
use crate::domain::fact::Fact;
use crate::domain::issue::{
    APP, Doubt, Ending, IssueData, IssueKind, NewIssue, Payment, Severity, Trigger, failed_subject,
    shortened,
};
use crate::domain::merchant_action::MerchantAction;
use crate::domain::money::Currency;
use crate::domain::orphan::OrphanAbout;
use crate::domain::provider::Provider;
use crate::domain::records::{Orphan, Transaction, Verdict};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, State, aftermath};
use crate::providers::payouts::{Payout, PayoutState};
use crate::store::error::StoreError;
use crate::store::read::attention;
use crate::store::tables::orphans;
use crate::store::tables::rows::all;

/// An orphan for which the shop had its time, or money that came too late.
pub(crate) fn orphan(
    connection: &Connection,
    orphan: &Orphan,
    now: Timestamp,
) -> Result<(), StoreError> {
    let answer_by = match orphan.about {
        OrphanAbout::Dispute => attention::answer_due(connection, orphan.id)?,
        _ => None,
    };
    happened(connection, IssueData::orphan(orphan, answer_by), orphan.about.severity(), now)
}

fn happened(
    connection: &Connection,
    data: IssueData,
    severity: Severity,
    now: Timestamp,
) -> Result<(), StoreError> {
    issues::raise(connection, &NewIssue { data, severity, trigger: Trigger::Happened }, now)
}

/// An orphan is matched, dismissed, part of another, or nobody's here. Its row is still there.
pub(crate) fn orphan_ended(
    connection: &Connection,
    id: i64,
    how: Ending,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = id.to_string();
    issues::close(connection, IssueKind::Orphan, &subject, Some(how), now)?;
    issues::close(connection, IssueKind::LateMoney, &subject, Some(how), now)?;
    match orphans::get(connection, id)?.and_then(Unknown::whose) {
        Some(subscription) => subscription.sync(connection, Some(id), false, now),
        None => Ok(()),
    }
}

/// Raises and closes what a change of a transaction's state says. `before` is how it stood, and costs
/// nothing where nothing is wrong.
pub(crate) fn transaction(
    connection: &Connection,
    before: &Transaction,
    state: &State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let was = &before.state;
    let is_other = amounts(state) != amounts(was) || state.other_money != was.other_money;
    if state.amount_check.is_wrong() && is_other {
        let trigger = match was.amount_check.is_wrong() {
            true => Trigger::Lasts,
            false => Trigger::Happened,
        };
        let data = IssueData::amount_mismatch(before, state);
        let new = NewIssue { data, severity: Severity::Warning, trigger };
        issues::raise(connection, &new, now)?;
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
            // It gets urgent when time runs out.
            let data = IssueData::dispute(before, state, due, false);
            happened(connection, data, Severity::Warning, now)
        }
        (true, false) => {
            let how = Ending::Decided { status: state.dispute_status };
            issues::close(connection, IssueKind::Dispute, &subject, Some(how), now)
        }
        (false, false) => Ok(()),
    }
}

/// What the issue tells of the money.
fn amounts(state: &State) -> (AmountCheck, i64, Option<Currency>) {
    (state.amount_check, state.amount_received, state.currency)
}

/// Whether somebody can still answer.
fn is_undecided(status: DisputeStatus) -> bool {
    matches!(status, DisputeStatus::Inquiry | DisputeStatus::Open)
}

/// Raises and closes what went wrong with money after the sale.
pub(crate) fn aftermath<'f>(
    connection: &Connection,
    transaction: &Transaction,
    state: &State,
    facts: impl Iterator<Item = &'f Fact> + Clone,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (transaction_id, payment) = (transaction.id, || Payment::of(transaction));
    let mut last = Vec::new();
    for refund in aftermath::refunds(facts.clone()) {
        let subject = (IssueKind::Refund, shortened(refund.id));
        if refund.failed {
            let data = IssueData::Refund {
                transaction_id,
                payment: payment(),
                refund_id: refund.id.to_owned(),
                money: refund.money,
                failed: true,
                since: refund.at,
                reason: refund.reason.map(str::to_owned),
            };
            lasts(connection, data, Severity::Warning, now)?;
        }
        // That one is under way for too long is no word of a failure, nor the reverse.
        if refund.failed || refund.pending {
            last.push((subject.0, subject.1, refund.failed));
        }
    }
    if let Some(warning) = aftermath::fraud_warning(state, facts) {
        let at = warning.occurred_at;
        let data = IssueData::FraudWarning { transaction_id, payment: payment(), at };
        last.push((IssueKind::FraudWarning, data.subject(), false));
        lasts(connection, data, Severity::Warning, now)?;
    }
    // Also of what is another transaction's now.
    let open = "SELECT kind, subject, ifnull(data ->> '$.failed', 0) FROM issues
         WHERE closed_at IS NULL AND kind IN ('refund', 'fraud_warning')
           AND data ->> '$.transaction_id' = :id";
    let open: Vec<(IssueKind, String, bool)> =
        all(connection, open, named_params! { ":id": transaction.id })?;
    open.iter()
        .filter(|open| !last.contains(open))
        .try_for_each(|(kind, subject, _)| issues::close(connection, *kind, subject, None, now))
}

/// A payout ended `at` this time of the provider's. One that arrives shows that others, before it, did not fail for
/// a reason that lasts.
pub(crate) fn payout(
    connection: &Connection,
    provider: Provider,
    (payout, at): (Payout, Option<Timestamp>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let canceled = match payout.state {
        PayoutState::Failed => false,
        PayoutState::Canceled => true,
        PayoutState::Paid => {
            let open = "SELECT subject FROM issues
                 WHERE kind = 'payout' AND closed_at IS NULL AND subject <> :id
                   AND ifnull(data ->> '$.at', '') <= :at";
            let at = at.unwrap_or(now).to_string();
            let before = named_params! { ":id": shortened(&payout.id), ":at": at };
            let open: Vec<String> = all(connection, open, before)?;
            return open.iter().try_for_each(|subject| {
                issues::close(connection, IssueKind::Payout, subject, None, now)
            });
        }
    };
    let Payout { id: payout_id, money, reason, .. } = payout;
    let data = IssueData::Payout { provider, payout_id, money, canceled, reason, at };
    happened(connection, data, Severity::Warning, now)
}

/// The shop's app takes no notification.
pub(crate) fn app_outage(
    connection: &Connection,
    outage: AppOutage,
    severity: Severity,
    now: Timestamp,
) -> Result<(), StoreError> {
    lasts(connection, IssueData::of_outage(outage), severity, now)
}

fn lasts(
    connection: &Connection,
    data: IssueData,
    severity: Severity,
    now: Timestamp,
) -> Result<(), StoreError> {
    issues::raise(connection, &NewIssue { data, severity, trigger: Trigger::Lasts }, now)
}

/// Raises and closes that the provider holds a payment until the shop does something about it.
pub(crate) fn merchant_action(
    connection: &Connection,
    transaction: &Transaction,
    needed: Option<MerchantAction>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(action) = needed else {
        let subject = transaction.id.to_string();
        return issues::close(connection, IssueKind::MerchantAction, &subject, None, now);
    };
    let data = IssueData::MerchantAction {
        transaction_id: transaction.id,
        payment: Payment::of(transaction),
        action,
    };
    let new = NewIssue { data, severity: Severity::Warning, trigger: Trigger::Lasts };
    issues::raise(connection, &new, now)
}

/// A genuine event could not be understood.
pub(crate) fn failed_event(
    connection: &Connection,
    (provider, event_type): (Provider, &str),
    event_id: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let data = IssueData::FailedEvent {
        provider,
        event_type: event_type.to_owned(),
        event_id: event_id.to_owned(),
        why: why.to_owned(),
    };
    happened(connection, data, Severity::Warning, now)
}

/// An event that had failed is understood now; the issue ends with the last of its type.
pub(crate) fn failed_event_understood(
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

/// Two bodies came for an event, under a genuine signature. If nothing was kept of it, it is known by the
/// id of a transmission.
pub(crate) fn doubtful_event(
    connection: &Connection,
    event_id: &str,
    transmission_id: Option<&str>,
    transactions: &[Transaction],
    doubt: Doubt,
    now: Timestamp,
) -> Result<(), StoreError> {
    let data = IssueData::DoubtfulEvent {
        event_id: event_id.to_owned(),
        transmission_id: transmission_id.map(str::to_owned),
        doubt,
        transactions: transactions.iter().map(|one| (one.id, Payment::of(one))).collect(),
    };
    happened(connection, data, Severity::Critical, now)
}

/// What was kept of a doubtful event stands, by the word of PayPal or of a person.
pub(crate) fn doubt_is_over(
    connection: &Connection,
    event_id: &str,
    verdict: Verdict,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (subject, how) = (shortened(event_id), Ending::Believed { verdict });
    issues::close(connection, IssueKind::DoubtfulEvent, &subject, Some(how), now)
}

/// A notification to the shop's app was given up.
pub(crate) fn dead_letter(
    connection: &Connection,
    delivery_id: i64,
    failure: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let dead = "SELECT count(*) FROM deliveries WHERE status = 'dead'";
    let dead: i64 = connection.prepare_cached(dead)?.query_row([], |row| row.get(0))?;
    let data =
        IssueData::DeadLetter { number: dead, delivery_id, failure: failure.map(str::to_owned) };
    happened(connection, data, Severity::Critical, now)
}

/// A notification is not given up any more; the issue ends with the last one.
pub(crate) fn dead_letter_ended(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let more = "SELECT 1 FROM deliveries WHERE status = 'dead'";
    match connection.prepare_cached(more)?.exists([])? {
        true => Ok(()),
        false => issues::close(connection, IssueKind::DeadLetter, APP, None, now),
    }
}
