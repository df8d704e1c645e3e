//! `webhook_logs`: every genuine event, once.

use rusqlite::{Connection, named_params};
use sha2::{Digest, Sha256};

use super::rows::{execute, first, insert, record, select};
use crate::domain::event::{Content, Event, Source};
use crate::domain::provider::Provider;
use crate::domain::records::{Hash, Outcome, Webhook, WebhookLog};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

record! { WebhookLog, webhook_log_columns {
    id, provider, account, event_id, event_type, api_version, livemode, occurred_at, received_at,
    last_received_at, delivery_count, status, error, processing_us, transaction_id, proof, source, headers;
    payload
} }

/// The event with this row id, with its payload.
pub(crate) fn get(connection: &Connection, id: i64) -> Result<Option<WebhookLog>, StoreError> {
    let sql = select!(webhook_log_columns, ", payload FROM webhook_logs WHERE id = :id");
    first(connection, sql, named_params! { ":id": id })
}

/// The hash of the text that stands in place of a body that was not all text, as one stands in place of
/// a body from which something was removed. The hash of what was received is its other one, so the check
/// of the log holds both against the row.
pub(crate) fn stands_in(webhook: &Webhook) -> Option<Hash> {
    if !webhook.payload.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let hash = Hash::from(Sha256::digest(&webhook.payload));
    (hash != webhook.payload_sha256).then_some(hash)
}

/// Adds the event, if it is not there: `Some` row id, or `None` for one that is known.
pub(crate) fn insert(
    connection: &Connection,
    webhook: &Webhook,
    outcome: Outcome,
    transaction_id: Option<i64>,
) -> rusqlite::Result<Option<i64>> {
    let event = &webhook.event;
    let received_at = webhook.received_at.to_string();
    let added = insert! {
        connection, "webhook_logs", " ON CONFLICT (provider, event_id) DO NOTHING";
        provider: event.provider.as_str(),
        account: event.account.as_deref(),
        event_id: &*event.id,
        event_type: &*event.event_type,
        api_version: event.api_version.as_deref(),
        livemode: event.livemode,
        occurred_at: event.occurred_at.map(|at| at.to_string()),
        received_at: received_at,
        last_received_at: received_at,
        delivery_count: 1,
        status: outcome.as_str(),
        error: error(&event.content),
        processing_us: i64::try_from(webhook.arrived.elapsed().as_micros()).unwrap_or(i64::MAX),
        transaction_id: transaction_id,
        proof: webhook.proof,
        payload_sha256: webhook.payload_sha256,
        redacted_sha256: stands_in(webhook),
        headers: webhook.headers,
        payload: webhook.payload,
        source: webhook.source.as_str(),
    }?;
    Ok((added == 1).then(|| connection.last_insert_rowid()))
}

/// What is needed of an event that is known.
pub(crate) struct KnownEvent {
    pub(crate) id: i64,
    /// Stripe Connect's account that it is of, where it is not the shop's own.
    pub(crate) account: Option<String>,
    pub(crate) payload_sha256: [u8; 32],
    pub(crate) status: Outcome,
    pub(crate) transaction_id: Option<i64>,
    pub(crate) source: Source,
}

record! { KnownEvent, known_columns { id, account, payload_sha256, status, transaction_id, source } }

pub(crate) fn known(
    connection: &Connection,
    provider: Provider,
    event_id: &str,
) -> Result<Option<KnownEvent>, StoreError> {
    let sql = select!(
        known_columns,
        " FROM webhook_logs WHERE provider = :provider AND event_id = :event_id"
    );
    first(connection, sql, named_params! { ":provider": provider.as_str(), ":event_id": event_id })
}

/// Puts another rendering of an event, and what became of it, in place of the one that is kept: that led to
/// nothing, or was forged.
pub(crate) fn replace(
    connection: &Connection,
    id: i64,
    webhook: &Webhook,
    outcome: Outcome,
    transaction_id: Option<i64>,
) -> rusqlite::Result<()> {
    let event = &webhook.event;
    let sql = "UPDATE webhook_logs
             SET event_type = :event_type, api_version = :api_version, livemode = :livemode,
                 occurred_at = :occurred_at, status = :status, error = :error,
                 transaction_id = :transaction_id, proof = :proof,
                 payload_sha256 = :payload_sha256, headers = :headers, headers_sha256 = NULL,
                 redacted_sha256 = :redacted_sha256, payload = :payload, source = :source
             WHERE id = :id";
    let parameters = named_params! {
        ":id": id,
        ":event_type": &*event.event_type,
        ":api_version": event.api_version.as_deref(),
        ":livemode": event.livemode,
        ":occurred_at": event.occurred_at.map(|at| at.to_string()),
        ":status": outcome.as_str(),
        ":error": error(&event.content),
        ":transaction_id": transaction_id,
        ":proof": webhook.proof,
        ":payload_sha256": webhook.payload_sha256,
        ":redacted_sha256": stands_in(webhook),
        ":headers": webhook.headers,
        ":payload": webhook.payload,
        ":source": webhook.source.as_str(),
    };
    execute(connection, sql, parameters)?;
    Ok(())
}

/// Notes what became of an event that was read again.
pub(crate) fn reread(
    connection: &Connection,
    id: i64,
    event: &Event,
    outcome: Outcome,
    transaction_id: Option<i64>,
) -> rusqlite::Result<()> {
    let sql = "UPDATE webhook_logs
             SET event_type = :event_type, occurred_at = :occurred_at, status = :status,
                 error = :error, transaction_id = :transaction_id, account = :account
             WHERE id = :id";
    let parameters = named_params! {
        ":id": id,
        ":account": event.account.as_deref(),
        ":event_type": &*event.event_type,
        ":occurred_at": event.occurred_at.map(|at| at.to_string()),
        ":status": outcome.as_str(),
        ":error": error(&event.content),
        ":transaction_id": transaction_id,
    };
    execute(connection, sql, parameters)?;
    Ok(())
}

/// Notes of an event that could not be understood why there is nothing left to do about it.
pub(crate) fn set_aside(connection: &Connection, id: i64, why: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE webhook_logs SET status = 'ignored', error = :why
             WHERE id = :id AND status = 'failed'";
    execute(connection, sql, named_params! { ":id": id, ":why": why })?;
    Ok(())
}

/// Why an event leads to nothing, in words.
fn error(content: &Content) -> Option<&str> {
    match content {
        Content::Payments(_) => None,
        Content::Ignored(reason) => Some(reason),
        Content::Failed(error) => Some(error),
    }
}

/// Counts another delivery of an event that is known.
pub(crate) fn count_delivery(
    connection: &Connection,
    id: i64,
    received_at: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "UPDATE webhook_logs
             SET delivery_count = delivery_count + 1,
                 last_received_at = max(last_received_at, :received_at)
             WHERE id = :id";
    execute(connection, sql, named_params! { ":id": id, ":received_at": received_at.to_string() })?;
    Ok(())
}

/// Notes to which transaction an event now belongs: none while its payment is an orphan.
pub(crate) fn assign(
    connection: &Connection,
    id: i64,
    transaction_id: Option<i64>,
) -> rusqlite::Result<()> {
    let status = if transaction_id.is_some() { Outcome::Processed } else { Outcome::Orphan };
    let sql = "UPDATE webhook_logs SET transaction_id = :transaction_id, status = :status
             WHERE id = :id";
    let parameters = named_params! {
        ":id": id,
        ":transaction_id": transaction_id,
        ":status": status.as_str(),
    };
    execute(connection, sql, parameters)?;
    Ok(())
}
