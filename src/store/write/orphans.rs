//! `orphan_transactions`: payments that no transaction is registered for.

use rusqlite::{Connection, named_params};

use super::subscription_issues::Unknown;
use super::{issues, raise};
use crate::domain::event::Ownership;
use crate::domain::fact::Fact;
use crate::domain::issue::{Ending, IssueKind};
use crate::domain::matching::Doubt;
use crate::domain::money::{Currency, Money};
use crate::domain::orphan::{OrphanAbout, OrphanKind, Policy, Unmatched};
use crate::domain::records::{By, Orphan};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{Expected, State, Status, fold};
use crate::store::error::StoreError;
use crate::store::read::families::Due;
use crate::store::read::reader::Reader;
use crate::store::tables::facts;
use crate::store::tables::orphans::{get, is_disowned, orphan_columns};
use crate::store::tables::references::Realm;
use crate::store::tables::rows::{all, first, record, select};

/// Makes or updates the row of an orphan from all its events. It names the one that was received
/// last.
pub(crate) fn refresh(
    connection: &Connection,
    id: i64,
    realm: Realm<'_>,
    policy: Policy,
    doubt: Option<&Doubt>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stored = facts::counting(connection, id)?;
    let seen = EventsSpan::of(connection, id)?;
    let facts: Vec<&Fact> = stored.iter().map(|stored| &stored.fact).collect();
    let state = fold(realm.provider, Expected::default(), facts.iter().copied());
    let mut references = Vec::new();
    for stored in &stored {
        references.extend(stored.references()?);
    }
    references.sort();
    let subscription =
        references.iter().filter(|one| one.kind == ReferenceKind::Subscription).min();
    let subscription = subscription.map(|one| one.value.clone().into_string());
    let ownership = stored.iter().map(|stored| stored.ownership).max();
    let unmatched = Unmatched {
        facts: &facts,
        references: &references,
        ownership: ownership.unwrap_or(Ownership::Unsaid),
        livemode: realm.livemode,
    };
    let is_foreign = !realm.account.is_empty() || is_disowned(connection, id)?;
    let kind = match (is_foreign, unmatched.kind(policy), doubt) {
        (true, _, _) => OrphanKind::Foreign,
        (false, kind @ (OrphanKind::Foreign | OrphanKind::WrongEnvironment), _) => kind,
        (false, _, Some(Doubt::Ambiguous(_))) => OrphanKind::Ambiguous,
        (false, _, Some(Doubt::Mismatch(_))) => OrphanKind::Mismatch,
        (false, kind, None) => kind,
    };
    let about = OrphanAbout::of(&facts, &state);
    let candidates: Option<Vec<i64>> = doubt.map(|doubt| doubt.candidates().into_iter().collect());
    // A status is claimed only by what speaks of the payment itself.
    let status = state.status_changed_at.map(|_| state.status);
    let asked = facts.iter().filter(|fact| fact.amount.is_some()).max();
    let (amount, currency) = money(&state, asked.and_then(|fact| fact.amount));
    let order_id = references.iter().find(|known| known.kind == ReferenceKind::OrderId);
    let alert_at = kind.alert_at(realm.livemode, seen.first_seen_at, policy);
    let alert_at = alert_at.filter(|_| !unmatched.is_nothing_due());
    let stood_with = get(connection, id)?.as_ref().and_then(Unknown::of);
    let stands_with = Unknown::named(realm.provider, (kind, about), subscription.clone());
    connection
        .prepare_cached(
            "INSERT INTO orphan_transactions
                 (id, provider, account, kind, about, candidates, reference, order_id, event_id, event_type,
                  status, amount, currency, livemode, first_seen_at, last_seen_at, alert_at,
                  subscription)
             VALUES
                 (:id, :provider, :account, :kind, :about, :candidates, :reference, :order_id, :event_id,
                  :event_type, :status, :amount, :currency, :livemode, :first_seen_at, :last_seen_at,
                  :alert_at, :subscription)
             ON CONFLICT (id) DO UPDATE SET
                 kind = excluded.kind, about = excluded.about, candidates = excluded.candidates,
                 reference = excluded.reference, order_id = excluded.order_id, event_id = excluded.event_id,
                 event_type = excluded.event_type, status = excluded.status,
                 amount = excluded.amount, currency = excluded.currency,
                 first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
                 alert_at = excluded.alert_at, subscription = excluded.subscription,
                 alerted_at = CASE about WHEN excluded.about THEN alerted_at END",
        )?
        .execute(named_params! {
            ":id": id,
            ":provider": realm.provider.as_str(),
            ":account": Some(realm.account).filter(|account| !account.is_empty()),
            ":kind": kind.as_str(),
            ":about": about.as_str(),
            ":candidates": candidates.map(|ids| json_list(&ids)),
            ":reference": best(&references).map_or("", |reference| &*reference.value),
            ":order_id": order_id.map(|reference| &*reference.value),
            ":event_id": seen.event_id,
            ":event_type": seen.event_type,
            ":status": status.map(Status::as_str),
            ":amount": amount,
            ":currency": currency.as_ref().map(Currency::as_str),
            ":livemode": realm.livemode,
            ":first_seen_at": seen.first_seen_at.to_string(),
            ":last_seen_at": seen.last_seen_at.to_string(),
            ":alert_at": alert_at.map(|at| at.to_string()),
            ":subscription": subscription,
        })?;
    if stood_with != stands_with {
        told_otherwise(connection, id, stood_with.as_ref(), now)?;
    }
    if alert_at.is_none() {
        raise::orphan_ended(connection, id, Ending::Foreign, now)?;
    }
    Ok(())
}

/// Lets a person be told of an orphan anew that stands with the payments of another subscription, or of one
/// at all: it is another issue.
fn told_otherwise(
    connection: &Connection,
    id: i64,
    stood_with: Option<&Unknown>,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE orphan_transactions SET alerted_at = NULL WHERE id = :id")?
        .execute(named_params! { ":id": id })?;
    match stood_with {
        Some(subscription) => subscription.sync(connection, Some(id), false, now),
        None => issues::close(connection, IssueKind::Orphan, &id.to_string(), None, now),
    }
}

fn json_list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("[{}]", ids.join(","))
}

/// The doubt for which this orphan is applied to no transaction, as it is kept.
pub(crate) fn doubts(connection: &Connection, id: i64) -> Result<Option<Doubt>, StoreError> {
    let Some(orphan) = get(connection, id)? else { return Ok(None) };
    Ok(match (orphan.kind, orphan.candidates.as_slice()) {
        (_, []) => None,
        (OrphanKind::Mismatch, [only]) => Some(Doubt::Mismatch(*only)),
        (_, candidates) => Some(Doubt::Ambiguous(candidates.iter().copied().collect())),
    })
}

/// What was received or, before that, asked for.
fn money(state: &State, asked: Option<Money>) -> (Option<i64>, Option<Currency>) {
    match state.amount_received {
        0 => (asked.map(|money| money.minor), asked.map(|money| money.currency)),
        received => (Some(received), state.currency),
    }
}

/// When the events of a payment were received, and the last of them.
struct EventsSpan {
    event_id: String,
    event_type: String,
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
}

impl EventsSpan {
    fn of(connection: &Connection, id: i64) -> Result<Self, StoreError> {
        let none = || StoreError::Corrupt { what: "orphan", value: "without events".to_owned() };
        // Each by itself, so that SQLite looks only at one end of each part of the payment's rows.
        let sql = "WITH ends AS
                 (SELECT min(log_id) AS id FROM transaction_events WHERE transaction_id = ?1 AND superseded = 0
                  UNION ALL
                  SELECT min(log_id) FROM transaction_events WHERE transaction_id = ?1 AND superseded = 1
                  UNION ALL
                  SELECT max(log_id) FROM transaction_events WHERE transaction_id = ?1 AND superseded = 0
                  UNION ALL
                  SELECT max(log_id) FROM transaction_events WHERE transaction_id = ?1 AND superseded = 1)
             SELECT last.event_id, last.event_type, first.received_at, last.received_at
             FROM (SELECT min(id) AS first, max(id) AS last FROM ends) seen
             JOIN webhook_logs first ON first.id = seen.first
             JOIN webhook_logs last ON last.id = seen.last";
        first(connection, sql, [id])?.ok_or_else(none)
    }
}

record! { EventsSpan { event_id, event_type, first_seen_at, last_seen_at } }

/// Notes that an orphan belongs to a transaction.
pub(crate) fn matched(
    connection: &Connection,
    id: i64,
    transaction_id: i64,
    by: By,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE orphan_transactions
             SET resolved_at = :now, resolution = 'matched', resolved_by = :by,
                 transaction_id = :transaction_id
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id,
            ":transaction_id": transaction_id,
            ":by": by.as_str(),
            ":now": now.to_string(),
        })?;
    raise::orphan_ended(connection, id, Ending::Matched { transaction_id }, now)
}

/// Notes that there is nothing to do about an orphan, and why.
pub(crate) fn dismissed(
    connection: &Connection,
    id: i64,
    note: &str,
    by: By,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE orphan_transactions
             SET resolved_at = :now, resolution = 'dismissed', resolved_by = :by, note = :note
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id,
            ":note": note,
            ":by": by.as_str(),
            ":now": now.to_string(),
        })?;
    let how = match by {
        By::Payhookd => Ending::MoneyWentBack,
        By::Person => Ending::NothingToDo,
    };
    raise::orphan_ended(connection, id, how, now)
}

/// Notes that an orphan is another's, as a person says.
pub(crate) fn disowned(
    connection: &Connection,
    id: i64,
    note: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE orphan_transactions
             SET kind = 'foreign', alert_at = NULL, resolved_at = :now, resolution = 'dismissed',
                 resolved_by = 'person', note = :note
             WHERE id = :id",
        )?
        .execute(named_params! { ":id": id, ":note": note, ":now": now.to_string() })?;
    raise::orphan_ended(connection, id, Ending::Disowned, now)
}

/// Removes the row of an orphan whose events went to an older orphan: they are one payment, which is
/// dismissed only if both were.
pub(crate) fn merged(
    connection: &Connection,
    id: i64,
    into: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE orphan_transactions
             SET resolved_at = NULL, resolution = NULL, resolved_by = NULL, alerted_at = NULL
             WHERE id = :into AND resolved_at IS NOT NULL
               AND (SELECT resolved_at IS NULL FROM orphan_transactions WHERE id = :id)",
        )?
        .execute(named_params! { ":id": id, ":into": into })?;
    raise::orphan_ended(connection, id, Ending::Merged { orphan_id: into }, now)?;
    connection
        .prepare_cached("DELETE FROM orphan_transactions WHERE id = :id")?
        .execute(named_params! { ":id": id })?;
    Ok(())
}

/// Removes the row of an orphan that has no events any more, unless it tells what became of them.
pub(crate) fn remove_open(
    connection: &Connection,
    id: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    raise::orphan_ended(connection, id, Ending::EventsWentElsewhere, now)?;
    connection
        .prepare_cached(
            "DELETE FROM orphan_transactions WHERE id = :id AND resolution IS NOT 'matched'",
        )?
        .execute(named_params! { ":id": id })?;
    Ok(())
}

/// Keeps what a person said of an orphan.
pub(crate) fn note(connection: &Connection, id: i64, note: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE orphan_transactions SET note = :note WHERE id = :id")?
        .execute(named_params! { ":id": id, ":note": note })?;
    Ok(())
}

/// The open orphans of which a person is to know and that nobody was told of.
impl Due for Orphan {
    type Whose<'w> = ();

    fn due(
        reader: &Reader,
        (): (),
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        Ok((due(&reader.connection, now, limit)?, None))
    }
}

fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Orphan>, StoreError> {
    let sql = select!(
        orphan_columns,
        " FROM orphan_transactions
          WHERE resolved_at IS NULL AND alerted_at IS NULL AND alert_at <= :now
          ORDER BY alert_at LIMIT :limit"
    );
    let parameters = named_params! { ":now": now.to_string(), ":limit": limit };
    all(connection, sql, parameters)
}

/// Raises an issue for each of them, at most a hundred; one for all payments of a subscription.
pub(crate) fn raise_due(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut note = connection
        .prepare_cached("UPDATE orphan_transactions SET alerted_at = :now WHERE id = :id")?;
    let mut of_subscriptions: Vec<Unknown> = Vec::new();
    for orphan in due(connection, now, 100)? {
        note.execute(named_params! { ":id": orphan.id, ":now": now.to_string() })?;
        match Unknown::of(&orphan) {
            Some(one) if of_subscriptions.contains(&one) => {}
            Some(one) => of_subscriptions.push(one),
            None => raise::orphan(connection, &orphan, now)?,
        }
    }
    of_subscriptions.iter().try_for_each(|one| one.sync(connection, None, true, now))
}

/// The id by which a person would look the payment up at the provider.
fn best(references: &[Reference]) -> Option<&Reference> {
    use ReferenceKind::{
        Capture, Charge, CheckoutSession, Dispute, Invoice, Order, Payment, PaymentIntent, Refund,
        Sale,
    };
    [
        PaymentIntent,
        Order,
        Payment,
        CheckoutSession,
        Charge,
        Capture,
        Sale,
        Invoice,
        Refund,
        Dispute,
    ]
    .iter()
    .find_map(|kind| references.iter().find(|reference| reference.kind == *kind))
    .or_else(|| references.first())
}
