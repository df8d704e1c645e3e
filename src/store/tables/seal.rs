//! Events from before the chain had its present form are carried over into it, once.

use rusqlite::{Connection, OptionalExtension, named_params};
use serde_json::{Value, json};

use super::chain::{Link, link_columns};
use super::encoded::Encoded;
use super::watched::{self, Watched, watched_columns};
use crate::domain::records::{Hash, Head, LinkKind, Numbers};
use crate::store::error::StoreError;
use crate::store::tables;
use crate::store::tables::rows::{execute, select};

/// What stands in the detail of the link `sealed`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seal {
    /// Events that were carried over.
    pub(crate) events: u64,
    /// Of them, those whose bodies had been removed.
    pub(crate) without_body: Numbers,
    /// Of them, those that were not as the chain said.
    pub(crate) changed: Numbers,
}

impl Seal {
    fn to_json(&self) -> Value {
        json!({
            "events": self.events,
            "without_body": self.without_body.to_json(),
            "changed": self.changed.to_json(),
        })
    }

    /// What [`Seal::to_json`] made; `None` of anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        Some(Self {
            events: value["events"].as_u64()?,
            without_body: Numbers::from_json(&value["without_body"])?,
            changed: Numbers::from_json(&value["changed"])?,
        })
    }
}

/// What the seal binds of the links before it that their own chain does not.
pub(crate) struct Bound(Hash);

impl Bound {
    pub(crate) fn new() -> Self {
        Self([0; 32])
    }

    pub(crate) fn bind(&mut self, id: i64, link: &Link<'_>) {
        let mut text = Encoded::new("payhookd webhook_log_chain seal");
        text.hashed(Some(&self.0));
        text.number(Some(id));
        // That of the first link is bound by nothing else.
        text.text(link.made_at);
        text.hashed(link.origin.as_ref());
        text.hashed(link.reading.as_ref());
        text.number(link.says);
        text.hashed(link.body.as_ref());
        self.0 = text.hash();
    }

    pub(crate) fn hash(&self) -> Hash {
        self.0
    }
}

/// Completes a migration that has made the form of the chain, and no hashes: of each event as it stands
/// what is watched of it is noted at its link, and the seal binds all of that. Does nothing once that is
/// done. How many events were carried over.
///
/// What was done to them before is proved no better than it was then.
pub(crate) fn seal(connection: &mut Connection) -> Result<u64, StoreError> {
    let is_pending = "SELECT 1 FROM webhook_log_chain
                      WHERE kind = 'sealed' AND chain = zeroblob(32)
                        AND id = (SELECT max(id) FROM webhook_log_chain)";
    if !connection.prepare(is_pending)?.exists([])? {
        return Ok(0);
    }
    let transaction = connection.transaction()?;
    let (mut seal, mut bound, mut before) = (Seal::default(), Bound::new(), Head::NONE);
    let mut made_at = None;
    let mut select =
        transaction.prepare(select!(link_columns, " FROM webhook_log_chain ORDER BY id"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get("id")?;
        let mut link = Link::from_row(row)?;
        if link.kind == LinkKind::Sealed.as_str() {
            made_at = link.made_at.map(str::to_owned);
            break;
        }
        let is_first_of_event = link.made_at.is_none();
        if let Some(log_id) = link.log_id.filter(|_| is_first_of_event)
            && let Some(watched) = carry_over(&transaction, log_id, &link, &mut seal)?
        {
            note(&transaction, id, watched)?;
            link.origin = Some(watched.origin);
            link.reading = Some(watched.reading);
            link.says = Some(watched.says);
            link.body = watched.body;
        }
        bound.bind(id, &link);
        before = Head { link: id, chain: row.get("chain")? };
    }
    drop(rows);
    drop(select);
    // A chain that has no event yet is of a database that had none: those that are there were never in it.
    let is_empty = before.link <= 1;
    let made_at = made_at.unwrap_or_default();
    let detail = seal.to_json().to_string();
    let link =
        Link { origin: Some(bound.hash()), ..Link::of_none(LinkKind::Sealed, &made_at, &detail) };
    transaction.execute("DELETE FROM webhook_log_chain WHERE id > ?1", [before.link])?;
    let head = tables::chain::append(&transaction, before, &link)?;
    let taken_over = if is_empty { take_over(&transaction, head, &made_at)? } else { 0 };
    transaction.commit()?;
    Ok(seal.events + taken_over)
}

/// What is watched of an event from before, if it is still there.
fn carry_over(
    connection: &Connection,
    log_id: i64,
    link: &Link<'_>,
    seal: &mut Seal,
) -> Result<Option<Watched>, StoreError> {
    let newest: Option<Hash> = connection
        .prepare_cached(
            "SELECT facts FROM webhook_log_chain
             WHERE log_id = :log_id AND made_at IS NOT NULL ORDER BY id DESC LIMIT 1",
        )?
        .query_row(named_params! { ":log_id": log_id }, |row| row.get("facts"))
        .optional()?
        .flatten();
    let mut statement =
        connection.prepare_cached(select!(watched_columns, " FROM webhook_logs WHERE id = :id"))?;
    let mut rows = statement.query(named_params! { ":id": log_id })?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let has_its_body = watched::has_its_body(row)?;
    let is_as_before = Some(watched::of_row_before_seal(row)?) == newest.or(link.facts);
    seal.events += 1;
    if has_its_body.is_none() {
        seal.without_body.insert(log_id);
    }
    if !is_as_before || has_its_body == Some(false) {
        seal.changed.insert(log_id);
    }
    watched::of_row(connection, row).map(Some)
}

fn note(connection: &Connection, id: i64, watched: Watched) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_log_chain
             SET origin = :origin, reading = :reading, says = :says, body = :body WHERE id = :id";
    let parameters = named_params! {
        ":id": id,
        ":origin": watched.origin,
        ":reading": watched.reading,
        ":says": watched.says,
        ":body": watched.body,
    };
    execute(connection, sql, parameters)?;
    Ok(())
}

/// Gives events from before there was any chain a link each. How many they are.
fn take_over(connection: &Connection, mut head: Head, made_at: &str) -> Result<u64, StoreError> {
    let mut select =
        connection.prepare(select!(watched_columns, " FROM webhook_logs ORDER BY id"))?;
    let mut rows = select.query([])?;
    let (mut taken_over, mut without_body) = (0, Numbers::default());
    while let Some(row) = rows.next()? {
        let log_id = row.get("id")?;
        let link = Link::of(log_id, LinkKind::TakenOver, watched::of_row(connection, row)?);
        head = tables::chain::append(connection, head, &link)?;
        taken_over += 1;
        if watched::has_its_body(row)?.is_none() {
            without_body.insert(log_id);
        }
    }
    if !without_body.is_empty() {
        let detail = without_body.to_json().to_string();
        let link = Link::of_none(LinkKind::Pruned, made_at, &detail);
        tables::chain::append(connection, head, &link)?;
    }
    Ok(taken_over)
}
