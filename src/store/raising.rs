//! The issues that are raised and closed in the same commit as what they are about, in words for a
//! person.

use rusqlite::{Connection, named_params};

use super::orphans::Orphan;
use super::transactions::Transaction;
use super::{StoreError, attention, issues};
use crate::domain::event::Provider;
use crate::domain::issue::{IssueKind, Occasion, Raise, Severity};
use crate::domain::money::{Currency, Money};
use crate::domain::orphan::OrphanKind;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, State};

/// An orphan for which the shop had its time, or money that came too late.
pub(super) fn orphan(
    connection: &Connection,
    orphan: &Orphan,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = orphan.id;
    let currency = orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok());
    let payment = Payment {
        provider: orphan.provider,
        money: orphan.amount.zip(currency),
        order_id: orphan.order_id.as_deref(),
        reference: &orphan.reference,
    };
    let is_late = orphan.kind == OrphanKind::LateMoney;
    let (kind, what) = match is_late {
        true => (IssueKind::LateMoney, "Money for a closed transaction"),
        false => (IssueKind::Orphan, "Payment without a transaction"),
    };
    let remedy = match (is_late, orphan.transaction_id) {
        (true, Some(transaction)) => format!(
            "refund it at {}, or `payhookd transactions reopen {transaction}`",
            orphan.provider.name()
        ),
        _ => format!(
            "register its transaction, or `payhookd orphans resolve {id} --transaction …`; \
             `payhookd orphans show {id}` tells more"
        ),
    };
    let raise = Raise {
        kind,
        subject: id.to_string(),
        severity: Severity::Warning,
        occasion: Occasion::Happened,
        title: format!("{what}: {}", payment.text()),
        detail: capitalised(orphan.kind.meaning()),
        remedy,
    };
    issues::raise(connection, &raise, now)
}

/// An orphan is matched, dismissed, part of another, or nobody's here.
pub(super) fn orphan_ended(
    connection: &Connection,
    id: i64,
    how: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = id.to_string();
    issues::close(connection, IssueKind::Orphan, &subject, how, now)?;
    issues::close(connection, IssueKind::LateMoney, &subject, how, now)
}

/// Raises and closes what a change of a transaction's state says. `before` is how it stood, and costs
/// nothing where nothing is wrong.
pub(super) fn transaction(
    connection: &Connection,
    before: &Transaction,
    state: &State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let was = &before.state;
    let amounts = |state: &State| (state.amount_check, state.amount_received, state.currency);
    if state.amount_check.is_wrong() && amounts(state) != amounts(was) {
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
            let how = how_it_ended(state.dispute_status);
            issues::close(connection, IssueKind::Dispute, &subject, Some(how), now)
        }
        (false, false) => Ok(()),
    }
}

fn amount_mismatch(transaction: &Transaction, state: &State, occasion: Occasion) -> Raise {
    let provider = transaction.provider;
    let expected = transaction.expected.amount.zip(transaction.expected.currency);
    let money = |(minor, currency)| money(provider, minor, currency);
    let received = state.currency.map(|currency| money((state.amount_received, currency)));
    let what = match state.amount_check {
        AmountCheck::Overpaid => "Too much was paid",
        AmountCheck::WrongCurrency => "Paid in another currency",
        _ => "Too little was paid",
    };
    let id = transaction.id;
    Raise {
        kind: IssueKind::AmountMismatch,
        subject: id.to_string(),
        severity: Severity::Warning,
        occasion,
        title: format!("{what}: {}", Payment::of(transaction, None).text()),
        detail: format!(
            "Expected {}, received {}.",
            expected.map(money).unwrap_or_default(),
            received.unwrap_or_default()
        ),
        remedy: format!(
            "refund or ask for the difference before the goods leave; \
             `payhookd transactions show {id}`, then `payhookd issues dismiss` once it is settled"
        ),
    }
}

fn dispute(transaction: &Transaction, state: &State, due: Option<Timestamp>) -> Raise {
    let (what, detail) = match state.dispute_status {
        DisputeStatus::Inquiry => {
            ("A bank asks about a payment", "No money was taken yet; an answer may prevent that.")
        }
        _ => ("Dispute", "The money is withheld until it is decided."),
    };
    let until = due.map(|due| {
        let due = due.to_string();
        format!(" It can be answered until {} UTC.", due[..16].replace('T', " "))
    });
    let money = state.currency.map(|currency| (state.amount_received, currency));
    let provider = transaction.provider.name();
    Raise {
        kind: IssueKind::Dispute,
        subject: transaction.id.to_string(),
        // It gets critical when time runs out.
        severity: Severity::Warning,
        occasion: Occasion::Happened,
        title: format!("{what}: {}", Payment::of(transaction, money).text()),
        detail: format!("{detail}{}", until.unwrap_or_default()),
        remedy: format!(
            "answer it in {provider}'s dashboard, with evidence; \
             `payhookd transactions show {}` has the history",
            transaction.id
        ),
    }
}

/// Whether somebody can still answer.
fn is_undecided(status: DisputeStatus) -> bool {
    matches!(status, DisputeStatus::Inquiry | DisputeStatus::Open)
}

fn how_it_ended(status: DisputeStatus) -> &'static str {
    match status {
        DisputeStatus::Won => "It was won.",
        DisputeStatus::Lost => "It was lost: the money is gone.",
        DisputeStatus::Prevented => "It was resolved before it became a chargeback.",
        DisputeStatus::InquiryClosed => "The question ended without a chargeback.",
        _ => "It is closed; the provider does not say how.",
    }
}

/// A genuine event could not be understood.
pub(super) fn failed_event(
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
        title: format!("Not understood: {} event {}", provider.name(), shortened(event_type)),
        detail: format!("Event {}: {}.", shortened(event_id), shortened(why)),
        remedy: format!(
            "`payhookd events show {}`; after an upgrade `payhookd events replay --status failed`",
            shortened(event_id)
        ),
    };
    issues::raise(connection, &raise, now)
}

/// An event that had failed is understood now; the issue ends with the last of its type.
pub(super) fn failed_event_understood(
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

fn failed_subject(provider: Provider, event_type: &str) -> String {
    format!("{provider} {}", shortened(event_type))
}

/// A notification to the shop's app was given up.
pub(super) fn dead_letter(
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
        title: "The shop's app does not know of changes".to_owned(),
        detail: format!(
            "Notifications given up: {dead}. The last is delivery {delivery_id}: {}.",
            shortened(failure.unwrap_or("no answer"))
        ),
        remedy: "mend the app, then `payhookd deliveries retry --dead`; \
                 `payhookd deliveries list --status dead` lists them"
            .to_owned(),
    };
    issues::raise(connection, &raise, now)
}

/// A notification is not given up any more; the issue ends with the last one.
pub(super) fn dead_letter_ended(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let more = "SELECT 1 FROM deliveries WHERE status = 'dead'";
    match connection.prepare_cached(more)?.exists([])? {
        true => Ok(()),
        false => issues::close(connection, IssueKind::DeadLetter, APP, None, now),
    }
}

const APP: &str = "app";

/// What a person knows a payment by.
struct Payment<'p> {
    provider: Provider,
    money: Option<(i64, Currency)>,
    order_id: Option<&'p str>,
    reference: &'p str,
}

impl<'p> Payment<'p> {
    fn of(transaction: &'p Transaction, money: Option<(i64, Currency)>) -> Self {
        let expected = transaction.expected.amount.zip(transaction.expected.currency);
        Self {
            provider: transaction.provider,
            money: money.or(expected),
            order_id: transaction.order_id.as_deref(),
            reference: &transaction.reference,
        }
    }

    fn text(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.money.map(|(minor, currency)| money(self.provider, minor, currency)));
        parts.extend(self.order_id.map(|order_id| format!("order {}", shortened(order_id))));
        parts.push(format!("{} {}", self.provider.name(), shortened(self.reference)));
        parts.join(", ")
    }
}

fn money(provider: Provider, minor: i64, currency: Currency) -> String {
    format!("{} {currency}", Money { minor, currency }.to_decimal(provider))
}

/// A sender's text, no longer than a line of a message bears.
fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut beginning: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        beginning.push('…');
    }
    beginning
}

const LONGEST: usize = 100;

/// A phrase as a sentence.
fn capitalised(phrase: &str) -> String {
    let mut characters = phrase.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}
