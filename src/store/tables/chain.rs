//! `webhook_log_chain`: the links, and how one is bound to all before it.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::encoded::Encoded;
use crate::domain::records::{Hash, Head, LinkKind};
use crate::store::error::StoreError;
use crate::store::tables::watched::Watched;

/// What a link stands for and is bound to; its number and its chain follow from the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'l> {
    pub(crate) log_id: Option<i64>,
    pub(crate) kind: &'l str,
    pub(crate) made_at: Option<&'l str>,
    pub(crate) detail: Option<&'l str>,
    /// Before the seal only: what V6 watched of the event.
    pub(crate) facts: Option<Hash>,
    pub(crate) origin: Option<Hash>,
    pub(crate) reading: Option<Hash>,
    pub(crate) says: Option<i64>,
    pub(crate) body: Option<Hash>,
}

/// Every column that [`Link`] is made of, and `id` and `chain`.
macro_rules! link_columns {
    () => {
        "id, log_id, kind, made_at, detail, facts, origin, reading, says, body, chain"
    };
}

pub(crate) use link_columns;

impl<'l> Link<'l> {
    /// Of no single event.
    pub(crate) fn of_none(kind: LinkKind, made_at: &'l str, detail: &'l str) -> Self {
        Self {
            log_id: None,
            kind: kind.as_str(),
            made_at: Some(made_at),
            detail: Some(detail),
            facts: None,
            origin: None,
            reading: None,
            says: None,
            body: None,
        }
    }

    /// Of an event that is as `watched` says.
    pub(crate) fn of(log_id: i64, kind: LinkKind, watched: Watched) -> Self {
        Self {
            log_id: Some(log_id),
            kind: kind.as_str(),
            made_at: None,
            detail: None,
            facts: None,
            origin: Some(watched.origin),
            reading: Some(watched.reading),
            says: Some(watched.says),
            body: watched.body,
        }
    }

    pub(crate) fn from_row(row: &'l Row<'_>) -> rusqlite::Result<Self> {
        let text = |column| -> rusqlite::Result<Option<&'l str>> {
            Ok(row.get_ref(column)?.as_str_or_null()?)
        };
        Ok(Self {
            log_id: row.get("log_id")?,
            kind: text("kind")?.unwrap_or_default(),
            made_at: text("made_at")?,
            detail: text("detail")?,
            facts: row.get("facts")?,
            origin: row.get("origin")?,
            reading: row.get("reading")?,
            says: row.get("says")?,
            body: row.get("body")?,
        })
    }

    /// What it says of its event; `None` if it says nothing, or not all.
    pub(crate) fn watched(&self) -> Option<Watched> {
        let Self { body, .. } = *self;
        Some(Watched { origin: self.origin?, reading: self.reading?, says: self.says?, body })
    }

    /// The chain up to this link, as its `id`th, after what it was before.
    pub(crate) fn chain(&self, before: &[u8], id: i64) -> Hash {
        let mut text = Encoded::new("payhookd webhook_log_chain 2");
        text.push(Some(before));
        text.number(Some(id));
        text.number(self.log_id);
        text.text(Some(self.kind));
        text.text(self.made_at);
        text.text(self.detail);
        text.hashed(self.origin.as_ref());
        text.hashed(self.reading.as_ref());
        text.number(self.says);
        text.hashed(self.body.as_ref());
        text.hash()
    }

    /// The same by the rule of V6.
    pub(crate) fn chain_before_seal(&self, before: &[u8], id: i64) -> Hash {
        let mut text = Encoded::new("payhookd webhook_log_chain 1");
        text.push(Some(before));
        text.number(Some(id));
        text.number(self.log_id);
        text.text(Some(self.kind));
        text.text(self.made_at);
        text.text(self.detail);
        text.hashed(self.facts.as_ref());
        text.hash()
    }
}

/// Whether the chain has the link that was its end at some time. Costs next to nothing.
pub(crate) fn continues(connection: &Connection, from: Head) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM webhook_log_chain WHERE id = :id AND chain = :chain")?
        .exists(named_params! { ":id": from.link, ":chain": from.chain })
}

pub(crate) fn append(
    connection: &Connection,
    before: Head,
    link: &Link<'_>,
) -> Result<Head, StoreError> {
    let id = before.link + 1;
    let chain = link.chain(&before.chain, id);
    connection
        .prepare_cached(concat!(
            "INSERT INTO webhook_log_chain (",
            link_columns!(),
            ") VALUES (:id, :log_id, :kind, :made_at, :detail, NULL, :origin, :reading, :says, :body,
                       :chain)",
        ))?
        .execute(named_params! {
            ":id": id,
            ":log_id": link.log_id,
            ":kind": link.kind,
            ":made_at": link.made_at,
            ":detail": link.detail,
            ":origin": link.origin,
            ":reading": link.reading,
            ":says": link.says,
            ":body": link.body,
            ":chain": chain,
        })?;
    Ok(Head { link: id, chain })
}

/// Of no link at all, which the check of the log finds fault with, too: webhooks are kept all the same.
pub(crate) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let last = connection
        .prepare_cached("SELECT id, chain FROM webhook_log_chain ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { link: row.get("id")?, chain: row.get("chain")? }))
        .optional()?;
    Ok(last.unwrap_or(Head::NONE))
}
