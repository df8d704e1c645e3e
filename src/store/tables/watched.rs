//! What the chain of the log watches of an event: what never changes, what was read from it, and the
//! body that stands in place of the one that came. What became of the event (`status`,
//! `transaction_id`, …) is not among it: that follows.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, Row, named_params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::encoded::Encoded;
use super::facts::{self, Said, SaidRow};
use super::webhook_logs;
use crate::domain::records::{Hash, Webhook, hex, unhex};
use crate::store::error::StoreError;
use crate::store::tables::rows::select;

/// How an event stands. Each link about it repeats all of this, so that it can be told what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    /// Of whose event it is, under which id, when it came, and of all that came: another body or other
    /// headers have another. Only what `replaced` an event that led to nothing brings another.
    pub(crate) origin: Hash,
    /// Of what was read from it: its type, its time, and what it says of payments.
    pub(crate) reading: Hash,
    /// How many facts of payments that is.
    pub(crate) says: i64,
    /// Of the body that stands in place of the one that came.
    pub(crate) body: Option<Hash>,
}

/// Every column that the functions here read; the payload last.
macro_rules! watched_columns {
    () => {
        "id, provider, account, event_id, event_type, api_version, livemode, occurred_at, received_at, \
         proof, source, payload_sha256, headers, headers_sha256, redacted_sha256, payload"
    };
}
pub(crate) use watched_columns;

/// What tells an event from all others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'i> {
    id: i64,
    provider: &'i str,
    event_id: &'i str,
    received_at: &'i str,
}

impl<'i> Identity<'i> {
    pub(crate) fn of_row(row: &'i Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            provider: text(row, "provider")?,
            event_id: text(row, "event_id")?,
            received_at: text(row, "received_at")?,
        })
    }
}

/// What came, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    api_version: Option<&'a str>,
    livemode: bool,
    proof: &'a str,
    source: &'a str,
    payload_sha256: Hash,
    /// `None` if it is not known what they were.
    headers_sha256: Option<Hash>,
}

impl<'a> Arrival<'a> {
    fn of_row(row: &'a Row<'_>) -> Result<Self, StoreError> {
        let headers_sha256 = match optional_text(row, "headers")? {
            Some(headers) => Some(Sha256::digest(headers).into()),
            None => row.get("headers_sha256")?,
        };
        Ok(Self {
            api_version: optional_text(row, "api_version")?,
            livemode: row.get("livemode")?,
            proof: text(row, "proof")?,
            source: text(row, "source")?,
            payload_sha256: row.get("payload_sha256")?,
            headers_sha256,
        })
    }

    /// For the detail of the link that says that something else took its place.
    fn to_json(self) -> Value {
        json!({
            "api_version": self.api_version,
            "livemode": self.livemode,
            "proof": self.proof,
            "source": self.source,
            "payload_sha256": hex(&self.payload_sha256),
            "headers_sha256": self.headers_sha256.as_ref().map(hex),
        })
    }

    /// What [`Arrival::to_json`] made; `None` of anything else.
    pub(crate) fn from_json(value: &'a Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str();
        let headers_sha256 = match text("headers_sha256") {
            Some(headers) => Some(unhex(headers)?),
            None => None,
        };
        Some(Self {
            api_version: text("api_version"),
            livemode: value["livemode"].as_bool()?,
            proof: text("proof")?,
            source: text("source")?,
            payload_sha256: unhex(text("payload_sha256")?)?,
            headers_sha256,
        })
    }
}

/// What never changes of an event, or what `arrival` says it was before something else took its place.
pub(crate) fn origin(identity: &Identity<'_>, arrival: &Arrival<'_>) -> Hash {
    let mut text = Encoded::new("payhookd webhook_logs 2");
    text.number(Some(identity.id));
    text.text(Some(identity.provider));
    text.text(Some(identity.event_id));
    text.text(Some(identity.received_at));
    text.text(arrival.api_version);
    text.number(Some(arrival.livemode.into()));
    text.text(Some(arrival.proof));
    text.text(Some(arrival.source));
    text.hashed(Some(&arrival.payload_sha256));
    text.hashed(arrival.headers_sha256.as_ref());
    text.hash()
}

/// The columns of a fact that were there before V21.
const OF_FACT: usize = 20;

/// What was read from an event.
struct Reading {
    text: Encoded,
    says: i64,
}

impl Reading {
    fn of(event_type: &str, occurred_at: Option<&str>, account: Option<&str>) -> Self {
        let mut text = Encoded::new("payhookd transaction_events 1");
        text.text(Some(event_type));
        text.text(occurred_at);
        text.text(account);
        Self { text, says: 0 }
    }

    /// What V21 added to a fact counts where it says something, so that what was read before it stays.
    fn says(&mut self, fact: &SaidRow) {
        self.says = self.says.saturating_add(1);
        let (fact, added) = fact.split_at(OF_FACT);
        let added = added.iter().filter(|value| **value != SqlValue::Null);
        for value in fact.iter().chain(added) {
            match value {
                SqlValue::Null => self.text.push(None),
                SqlValue::Integer(number) => self.text.number(Some(*number)),
                SqlValue::Real(number) => self.text.push(Some(&number.to_be_bytes())),
                SqlValue::Text(text) => self.text.text(Some(text)),
                SqlValue::Blob(bytes) => self.text.push(Some(bytes)),
            }
        }
    }
}

/// An event that is about to be kept.
pub(crate) fn of_webhook(webhook: &Webhook, log_id: i64) -> Watched {
    let event = &webhook.event;
    let received_at = webhook.received_at.to_string();
    let identity = Identity {
        id: log_id,
        provider: event.provider.as_str(),
        event_id: &event.id,
        received_at: &received_at,
    };
    let arrival = Arrival {
        api_version: event.api_version.as_deref(),
        livemode: event.livemode,
        proof: &webhook.proof,
        source: webhook.source.as_str(),
        payload_sha256: webhook.payload_sha256,
        headers_sha256: Some(Sha256::digest(&webhook.headers).into()),
    };
    let occurred_at = event.occurred_at.map(|at| at.to_string());
    let account = event.account.as_deref();
    let mut reading = Reading::of(&event.event_type, occurred_at.as_deref(), account);
    Said::of_event(event).iter().flat_map(Said::rows).for_each(|row| reading.says(&row));
    Watched {
        origin: origin(&identity, &arrival),
        reading: reading.text.hash(),
        says: reading.says,
        body: webhook_logs::stands_in(webhook),
    }
}

/// An event that is kept, as it stands.
pub(crate) fn of(connection: &Connection, log_id: i64) -> Result<Watched, StoreError> {
    let mut statement =
        connection.prepare_cached(select!(watched_columns, " FROM webhook_logs WHERE id = :id"))?;
    let mut rows = statement.query(named_params! { ":id": log_id })?;
    let row = rows.next()?.ok_or(StoreError::Fault)?;
    of_row(connection, row)
}

/// The same of a row with [`watched_columns`].
pub(crate) fn of_row(connection: &Connection, row: &Row<'_>) -> Result<Watched, StoreError> {
    let mut reading = Reading::of(
        text(row, "event_type")?,
        optional_text(row, "occurred_at")?,
        optional_text(row, "account")?,
    );
    let said = facts::said_by(connection, row.get("id")?)?;
    said.iter().for_each(|row| reading.says(row));
    Ok(Watched {
        origin: origin(&Identity::of_row(row)?, &Arrival::of_row(row)?),
        reading: reading.text.hash(),
        says: reading.says,
        body: row.get("redacted_sha256")?,
    })
}

/// How an event came that something else is to take the place of, in JSON.
pub(crate) fn arrival(connection: &Connection, log_id: i64) -> Result<String, StoreError> {
    let mut statement =
        connection.prepare_cached(select!(watched_columns, " FROM webhook_logs WHERE id = :id"))?;
    let mut rows = statement.query(named_params! { ":id": log_id })?;
    let row = rows.next()?.ok_or(StoreError::Fault)?;
    Ok(Arrival::of_row(row)?.to_json().to_string())
}

/// Whether the body, if a row with [`watched_columns`] has one, is the one that its hash is of; `None`: it
/// has none.
pub(crate) fn has_its_body(row: &Row<'_>) -> Result<Option<bool>, StoreError> {
    let Some(payload) = optional_text(row, "payload")? else { return Ok(None) };
    let hash: Hash = match row.get("redacted_sha256")? {
        Some(redacted) => redacted,
        None => row.get("payload_sha256")?,
    };
    Ok(Some(Hash::from(Sha256::digest(payload)) == hash))
}

fn text<'r>(row: &'r Row<'_>, column: &str) -> Result<&'r str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

fn optional_text<'r>(row: &'r Row<'_>, column: &str) -> Result<Option<&'r str>, StoreError> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// By the rule of V6, which watched less: what its links have as `facts`.
pub(crate) fn of_row_before_seal(row: &Row<'_>) -> Result<Hash, StoreError> {
    let (identity, arrival) = (Identity::of_row(row)?, Arrival::of_row(row)?);
    let redacted: Option<Hash> = row.get("redacted_sha256")?;
    let mut hashed = Encoded::new("payhookd webhook_logs 1");
    hashed.number(Some(identity.id));
    hashed.text(Some(identity.provider));
    hashed.text(Some(identity.event_id));
    hashed.text(Some(text(row, "event_type")?));
    hashed.text(arrival.api_version);
    hashed.push(Some(&[u8::from(arrival.livemode)]));
    hashed.text(optional_text(row, "occurred_at")?);
    hashed.text(Some(identity.received_at));
    hashed.text(Some(arrival.proof));
    hashed.hashed(Some(&arrival.payload_sha256));
    hashed.hashed(arrival.headers_sha256.as_ref());
    hashed.hashed(redacted.as_ref());
    Ok(hashed.hash())
}
