//! What is shown of rows as JSON: the same on the command line and over HTTP.

use serde_json::{Value, json};

use crate::domain::delivery::NoAnswer;
use crate::domain::money::Currency;
use crate::domain::paid::is_paid;
use crate::domain::records::{
    By, Change, Committed, Delivery, Issue, OfSubscription, Orphan, Reread, Resolution,
    StoredAttempt, Subscription, Transaction, WebhookLog,
};
use crate::domain::transaction::{OtherMoney, Status};
use crate::i18n::issues::Audience;

/// A transaction as it stands.
pub fn transaction(transaction: &Transaction) -> Value {
    let state = &transaction.state;
    json!({
        "id": transaction.id,
        "provider": transaction.provider.as_str(),
        "reference": transaction.reference,
        "order_id": transaction.order_id,
        "amount": transaction.expected.amount,
        "currency": transaction.expected.currency.as_ref().map(Currency::as_str),
        "partial": transaction.expected.partial,
        "status": state.status.as_str(),
        "paid": state.is_paid(&transaction.expected),
        "amount_received": state.amount_received,
        "amount_refunded": state.amount_refunded,
        "received_currency": state.currency.as_ref().map(Currency::as_str),
        "dispute_status": state.dispute_status.as_str(),
        "amount_check": state.amount_check.as_str(),
        "other_money": other_money(&state.other_money),
        "doubtful": state.doubtful,
        "livemode": transaction.livemode,
        "closed_at": transaction.closed_at.map(|at| at.to_string()),
        "subscription": transaction.subscription.as_ref().map(of_subscription),
        "period_start": transaction.period.map(|period| period.start.to_string()),
        "period_end": transaction.period.map(|period| period.end.to_string()),
        "merged_into": transaction.merged_into,
        "status_changed_at": state.status_changed_at.map(|at| at.to_string()),
        "created_at": transaction.created_at.to_string(),
        "updated_at": transaction.updated_at.to_string(),
        "version": transaction.version,
        "metadata": serde_json::from_str::<Value>(&transaction.metadata).unwrap_or_default(),
    })
}

/// A transaction as the answer to its registration, with what the shop should mind about that.
pub fn registered(of: &Transaction) -> Value {
    let mut shown = transaction(of);
    if let Some(warning) = of.expected.warning() {
        shown["warning"] = warning.into();
    }
    shown
}

/// The subscription that a transaction is a payment of.
fn of_subscription(of: &OfSubscription) -> Value {
    json!({ "id": of.id, "reference": of.reference, "own_id": of.own_id })
}

/// A subscription that the shop registered.
pub fn subscription(subscription: &Subscription) -> Value {
    json!({
        "id": subscription.id,
        "provider": subscription.provider.as_str(),
        "reference": subscription.reference,
        "own_id": subscription.own_id,
        "amount": subscription.amount,
        "currency": subscription.currency.as_ref().map(Currency::as_str),
        "livemode": subscription.livemode,
        "created_at": subscription.created_at.to_string(),
        "ended_at": subscription.ended_at.map(|at| at.to_string()),
        "payments": subscription.payments,
    })
}

/// Money in other currencies.
fn other_money(money: &[OtherMoney]) -> Vec<Value> {
    let shown = |one: &OtherMoney| {
        json!({
            "currency": one.currency.as_str(),
            "received": one.received,
            "refunded": one.refunded,
        })
    };
    money.iter().map(shown).collect()
}

/// A transaction with every change of it, oldest first.
pub fn transaction_with_history(of: &Transaction, changes: &[Change]) -> Value {
    let mut shown = transaction(of);
    shown["history"] = history(changes).into();
    shown
}

/// Each change, oldest first, with the state before it.
pub fn history(changes: &[Change]) -> Vec<Value> {
    let mut before = Value::Null;
    let mut history = Vec::new();
    for one in changes {
        let after = change(one);
        let mut shown = after.clone();
        shown["before"] = before;
        before = json!({
            "status": after["status"],
            "amount_received": after["amount_received"],
            "amount_refunded": after["amount_refunded"],
            "dispute_status": after["dispute_status"],
            "amount_check": after["amount_check"],
            "other_money": after["other_money"],
            "doubtful": after["doubtful"],
        });
        history.push(shown);
    }
    history
}

/// One change of a transaction, beside the transaction.
fn change(change: &Change) -> Value {
    let event = change.event.as_ref();
    json!({
        "version": change.version,
        "change": change.change,
        "status": change.status.as_str(),
        "amount_received": change.amount_received,
        "amount_refunded": change.amount_refunded,
        "dispute_status": change.dispute_status.as_str(),
        "amount_check": change.amount_check.as_str(),
        "other_money": other_money(&change.other_money),
        "doubtful": change.doubtful,
        "changed_at": change.changed_at.to_string(),
        "event_id": event.map(|(id, _)| id),
        "event_type": event.map(|(_, kind)| kind),
    })
}

/// One change of any transaction, with the transaction as it stood since then.
pub fn committed(committed: &Committed) -> Value {
    let change = &committed.change;
    let event = change.event.as_ref();
    json!({
        "id": committed.id,
        "cursor": committed.id.to_string(),
        "change": change.change,
        "changed_at": change.changed_at.to_string(),
        "event_id": event.map(|(id, _)| id),
        "event_type": event.map(|(_, kind)| kind),
        "transaction": {
            "id": committed.transaction_id,
            "provider": committed.provider.as_str(),
            "reference": committed.reference,
            "order_id": committed.order_id,
            "amount": committed.expected.amount,
            "currency": committed.expected.currency.as_ref().map(Currency::as_str),
            "partial": committed.expected.partial,
            "status": change.status.as_str(),
            "paid": is_paid(
                &committed.expected,
                change.status,
                change.amount_check,
                change.amount_received,
                change.amount_refunded,
            ),
            "amount_received": change.amount_received,
            "amount_refunded": change.amount_refunded,
            "received_currency": committed.received_currency.as_ref().map(Currency::as_str),
            "dispute_status": change.dispute_status.as_str(),
            "amount_check": change.amount_check.as_str(),
            "other_money": other_money(&change.other_money),
            "doubtful": change.doubtful,
            "livemode": committed.livemode,
            "subscription": committed.subscription.as_ref().map(of_subscription),
            "period_start": committed.period.map(|period| period.start.to_string()),
            "period_end": committed.period.map(|period| period.end.to_string()),
            "merged_into": committed.merged_into,
            "version": change.version,
        },
    })
}

/// An event; headers and payload only if it was read with them.
pub fn event(event: &WebhookLog) -> Value {
    let mut shown = json!({
        "id": event.id,
        "provider": event.provider.as_str(),
        "account": event.account,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "api_version": event.api_version,
        "livemode": event.livemode,
        "occurred_at": event.occurred_at.map(|at| at.to_string()),
        "received_at": event.received_at.to_string(),
        "last_received_at": event.last_received_at.to_string(),
        "delivery_count": event.delivery_count,
        "status": event.status.as_str(),
        "error": event.error,
        "processing_us": event.processing_us,
        "transaction_id": event.transaction_id,
        "proof": event.proof,
        "source": event.source.as_str(),
    });
    if let Some(payload) = &event.payload {
        shown["headers"] = parsed(event.headers.as_deref().unwrap_or_default());
        shown["payload"] = parsed(payload);
    }
    shown
}

/// An orphan.
pub fn orphan(orphan: &Orphan) -> Value {
    json!({
        "id": orphan.id,
        "kind": orphan.kind.as_str(),
        "about": orphan.about.as_str(),
        "candidates": orphan.candidates,
        "provider": orphan.provider.as_str(),
        "account": orphan.account,
        "reference": orphan.reference,
        "order_id": orphan.order_id,
        "subscription": orphan.subscription,
        "event_id": orphan.event_id,
        "event_type": orphan.event_type,
        "status": orphan.status.map(Status::as_str),
        "amount": orphan.amount,
        "currency": orphan.currency,
        "livemode": orphan.livemode,
        "first_seen_at": orphan.first_seen_at.to_string(),
        "last_seen_at": orphan.last_seen_at.to_string(),
        "alert_at": orphan.alert_at.map(|at| at.to_string()),
        "resolved_at": orphan.resolved_at.map(|at| at.to_string()),
        "resolution": orphan.resolution.map(Resolution::as_str),
        "resolved_by": orphan.resolved_by.map(By::as_str),
        "transaction_id": orphan.transaction_id,
        "note": orphan.note,
    })
}

/// A problem that a person should know of, in English and UTC.
pub fn issue(issue: &Issue) -> Value {
    let (said, _) = issue.texts(Audience::PLAIN);
    json!({
        "id": issue.id,
        "kind": issue.kind.as_str(),
        "subject": issue.subject,
        "status": issue.status().as_str(),
        "severity": issue.severity.as_str(),
        "title": said.title,
        "detail": said.detail,
        "remedy": said.remedy,
        "opened_at": issue.opened_at.to_string(),
        "last_seen_at": issue.last_seen_at.to_string(),
        "count": issue.count,
        "dismissed_at": issue.dismissed_at.map(|at| at.to_string()),
        "closed_at": issue.closed_at.map(|at| at.to_string()),
    })
}

/// A notification that is owed to the shop's app, or was.
pub fn delivery(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "message_id": delivery.message_id,
        "transaction_id": delivery.transaction_id,
        "version": delivery.version,
        "change": delivery.change,
        "changed_at": delivery.changed_at.to_string(),
        "status": delivery.status.as_str(),
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at.map(|at| at.to_string()),
        "last_error": delivery.last_error,
        "finished_at": delivery.finished_at.map(|at| at.to_string()),
    })
}

/// One attempt to deliver it.
pub fn attempt(attempt: &StoredAttempt) -> Value {
    json!({
        "attempt": attempt.attempt,
        "attempted_at": attempt.attempted_at.to_string(),
        "status_code": attempt.status_code,
        "error": attempt.error.map(NoAnswer::as_str),
        "latency_ms": attempt.latency_ms,
        "answer": attempt.answer,
    })
}

/// What reading an event again came to, or would.
pub fn reread(reread: &Reread, dry_run: bool) -> Value {
    json!({
        "id": reread.id,
        "event_id": reread.event_id,
        "event_type": reread.event_type,
        "dry_run": dry_run,
        "result": reread.result.as_str(),
        "before": reread.before,
        "after": reread.result.after(),
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
