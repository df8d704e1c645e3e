//! `webhook_log_chain`: each event, and each later change of one, bound to all before it.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use sha2::{Digest, Sha256};

use super::database::{Batch, Database};
use super::ingest::Webhook;
use super::read::Reader;
use super::{StoreError, webhook_logs};
use crate::domain::time::Timestamp;

/// SHA-256.
pub(super) type Hash = [u8; 32];

words! {
    /// What a link of the chain stands for: the `kind` column.
    LinkKind {
        /// An event came.
        Received = "received",
        /// It was there before the chain was.
        TakenOver = "taken_over",
        /// The first link.
        Begun = "begun",
        /// It came again in another rendering, and was understood.
        Replaced = "replaced",
        /// Other facts were read from it.
        Reread = "reread",
        /// Personal fields were removed from it.
        Redacted = "redacted",
    }
}

/// The end of the chain at some time. Whoever keeps it elsewhere can tell later whether anything
/// before it was changed or removed, even by somebody who made the chain after it anew.
///
/// Its text form is the number of its link and 64 hexadecimal digits: `1742:9f86d0…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last link; links count from 1.
    pub link: i64,
    /// What binds it to all before it.
    pub chain: Hash,
}

impl Head {
    /// Before any link.
    pub(super) const NONE: Self = Self { link: 0, chain: [0; 32] };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.link)?;
        self.chain.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (link, hex) = text.trim().split_once(':')?;
            let link = link.parse().ok().filter(|link| *link >= 1)?;
            if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            let mut chain = [0; 32];
            for (byte, place) in chain.iter_mut().zip((0..64).step_by(2)) {
                *byte = u8::from_str_radix(hex.get(place..place + 2)?, 16).ok()?;
            }
            Some(Self { link, chain })
        };
        parse().ok_or_else(|| {
            "give a head as the log lines say it: the number of a link, a colon, 64 hexadecimal \
             digits"
                .to_owned()
        })
    }
}

/// What a link stands for and is bound to; its number and its chain follow from the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'l> {
    pub(super) log_id: Option<i64>,
    pub(super) kind: &'l str,
    pub(super) made_at: Option<&'l str>,
    pub(super) detail: Option<&'l str>,
    pub(super) facts: &'l [u8],
}

impl Link<'_> {
    /// The chain up to this link, as its `id`th, after what it was before.
    pub(super) fn chain(&self, before: &[u8], id: i64) -> Hash {
        let mut text = Encoded::new("payhookd webhook_log_chain 1");
        text.push(Some(before));
        text.push(Some(&id.to_be_bytes()));
        text.push(self.log_id.map(i64::to_be_bytes).as_ref().map(|id| &id[..]));
        text.push(Some(self.kind.as_bytes()));
        text.push(self.made_at.map(str::as_bytes));
        text.push(self.detail.map(str::as_bytes));
        text.push(Some(self.facts));
        text.hash()
    }
}

/// What does not change in a row of `webhook_logs`, as it stands there. What became of the event
/// (`status`, `transaction_id`, …) is not among it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'f> {
    pub(super) id: i64,
    pub(super) provider: &'f str,
    pub(super) event_id: &'f str,
    pub(super) event_type: &'f str,
    pub(super) api_version: Option<&'f str>,
    pub(super) livemode: bool,
    pub(super) occurred_at: Option<&'f str>,
    pub(super) received_at: &'f str,
    pub(super) proof: &'f str,
    pub(super) payload_sha256: &'f [u8],
    /// `None` if it is not known what they were.
    pub(super) headers_sha256: Option<&'f [u8]>,
    /// Of the body that stands there in place of the one that was received.
    pub(super) redacted_sha256: Option<&'f [u8]>,
}

/// Every column that [`Facts`] are read from, and the payload last.
macro_rules! fact_columns {
    () => {
        "id, provider, event_id, event_type, api_version, livemode, occurred_at, received_at, \
         proof, payload_sha256, headers, headers_sha256, redacted_sha256, payload"
    };
}
pub(super) use fact_columns;

impl Facts<'_> {
    pub(super) fn hash(&self) -> Hash {
        let mut text = Encoded::new("payhookd webhook_logs 1");
        text.push(Some(&self.id.to_be_bytes()));
        text.push(Some(self.provider.as_bytes()));
        text.push(Some(self.event_id.as_bytes()));
        text.push(Some(self.event_type.as_bytes()));
        text.push(self.api_version.map(str::as_bytes));
        text.push(Some(&[u8::from(self.livemode)]));
        text.push(self.occurred_at.map(str::as_bytes));
        text.push(Some(self.received_at.as_bytes()));
        text.push(Some(self.proof.as_bytes()));
        text.push(Some(self.payload_sha256));
        text.push(self.headers_sha256);
        text.push(self.redacted_sha256);
        text.hash()
    }

    fn hash_of(webhook: &Webhook, log_id: i64) -> Hash {
        let event = &webhook.event;
        let occurred_at = event.occurred_at.map(|at| at.to_string());
        let redacted_sha256 = webhook_logs::stands_in(webhook);
        Facts {
            id: log_id,
            provider: event.provider.as_str(),
            event_id: &event.id,
            event_type: &event.event_type,
            api_version: event.api_version.as_deref(),
            livemode: event.livemode,
            occurred_at: occurred_at.as_deref(),
            received_at: &webhook.received_at.to_string(),
            proof: &webhook.proof,
            payload_sha256: &webhook.payload_sha256,
            headers_sha256: Some(&Sha256::digest(&webhook.headers)),
            redacted_sha256: redacted_sha256.as_ref().map(|hash| &hash[..]),
        }
        .hash()
    }
}

/// What a row's [`fact_columns`] come to.
pub(super) fn hash_of_row(row: &Row<'_>) -> Result<Hash, StoreError> {
    let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let optional = |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    let headers = row.get_ref("headers")?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let headers: Option<Hash> = match headers {
        Some(headers) => Some(Sha256::digest(headers).into()),
        None => row.get("headers_sha256")?,
    };
    let redacted: Option<Hash> = row.get("redacted_sha256")?;
    let facts = Facts {
        id: row.get("id")?,
        provider: text("provider")?,
        event_id: text("event_id")?,
        event_type: text("event_type")?,
        api_version: optional("api_version")?,
        livemode: row.get("livemode")?,
        occurred_at: optional("occurred_at")?,
        received_at: text("received_at")?,
        proof: text("proof")?,
        payload_sha256: row.get_ref("payload_sha256")?.as_blob().map_err(rusqlite::Error::from)?,
        headers_sha256: headers.as_ref().map(|hash| &hash[..]),
        redacted_sha256: redacted.as_ref().map(|hash| &hash[..]),
    };
    Ok(facts.hash())
}

/// Values one after another, so that no two lists of values have one text: whether each is there,
/// its length, itself.
struct Encoded(Vec<u8>);

impl Encoded {
    fn new(of: &str) -> Self {
        let mut text = Self(Vec::with_capacity(512));
        text.push(Some(of.as_bytes()));
        text
    }

    fn push(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else { return self.0.push(0) };
        self.0.push(1);
        self.0.extend((value.len() as u64).to_be_bytes());
        self.0.extend(value);
    }

    fn hash(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }
}

impl Batch<'_> {
    /// Adds the link of an event that came.
    pub(super) fn link_received(&self, log_id: i64, webhook: &Webhook) -> Result<(), StoreError> {
        self.link(&Link {
            log_id: Some(log_id),
            kind: LinkKind::Received.as_str(),
            made_at: None,
            detail: None,
            facts: &Facts::hash_of(webhook, log_id),
        })
    }

    /// Adds a link that says that a row was changed, and to what.
    pub(super) fn link_changed(
        &self,
        log_id: i64,
        kind: LinkKind,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let facts = self
            .connection
            .prepare_cached(concat!(
                "SELECT ",
                fact_columns!(),
                " FROM webhook_logs WHERE id = :id"
            ))?
            .query_row(named_params! { ":id": log_id }, |row| Ok(hash_of_row(row)))??;
        self.link(&Link {
            log_id: Some(log_id),
            kind: kind.as_str(),
            made_at: Some(&now.to_string()),
            detail,
            facts: &facts,
        })
    }

    fn link(&self, link: &Link<'_>) -> Result<(), StoreError> {
        let before = match self.head.get() {
            Some(head) => head,
            None => head(self.connection)?,
        };
        self.head.set(Some(append(self.connection, before, link)?));
        Ok(())
    }
}

impl Database {
    /// The end of the chain through the log of events.
    pub fn log_head(&self) -> Result<Head, StoreError> {
        Ok(head(self.connection())?)
    }
}

impl Reader {
    /// The end of the chain through the log of events, to be kept elsewhere. Costs next to nothing.
    pub fn log_head(&self) -> Result<Head, StoreError> {
        Ok(head(&self.connection)?)
    }
}

/// Gives the events that were there before the chain a link each, if that was not done yet: how many.
/// A million take a minute, because the whole file is read.
pub(super) fn take_over(connection: &mut Connection) -> Result<u64, StoreError> {
    let mut head = head(connection)?;
    let first = "SELECT 1 FROM webhook_log_chain WHERE id = 1 AND kind = 'begun'";
    if head.link != 1 || !connection.prepare(first)?.exists([])? {
        return Ok(0);
    }
    let transaction = connection.transaction()?;
    let mut select = transaction.prepare(concat!(
        "SELECT ",
        fact_columns!(),
        " FROM webhook_logs ORDER BY id"
    ))?;
    let mut rows = select.query([])?;
    let mut taken_over = 0;
    while let Some(row) = rows.next()? {
        let link = Link {
            log_id: Some(row.get("id")?),
            kind: LinkKind::TakenOver.as_str(),
            made_at: None,
            detail: None,
            facts: &hash_of_row(row)?,
        };
        head = append(&transaction, head, &link)?;
        taken_over += 1;
    }
    drop(rows);
    drop(select);
    transaction.commit()?;
    Ok(taken_over)
}

fn append(connection: &Connection, before: Head, link: &Link<'_>) -> Result<Head, StoreError> {
    let id = before.link + 1;
    let chain = link.chain(&before.chain, id);
    connection
        .prepare_cached(
            "INSERT INTO webhook_log_chain (id, log_id, kind, made_at, detail, facts, chain)
             VALUES (:id, :log_id, :kind, :made_at, :detail, :facts, :chain)",
        )?
        .execute(named_params! {
            ":id": id,
            ":log_id": link.log_id,
            ":kind": link.kind,
            ":made_at": link.made_at,
            ":detail": link.detail,
            ":facts": link.facts,
            ":chain": chain,
        })?;
    Ok(Head { link: id, chain })
}

/// Of no link at all, which the check of the log finds fault with, too: webhooks are kept all the same.
fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let last = connection
        .prepare_cached("SELECT id, chain FROM webhook_log_chain ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { link: row.get("id")?, chain: row.get("chain")? }))
        .optional()?;
    Ok(last.unwrap_or(Head::NONE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head { link: 1742, chain: Sha256::digest("payhookd").into() };
        assert_eq!(head.to_string().parse(), Ok(head));
        let hex = "0".repeat(64);
        let signed = format!("1:+{}", "0".repeat(63));
        for text in
            ["", "1742", ":", "0:", "1:ab", &format!("0:{hex}"), &format!("1:{hex}0"), &signed]
        {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_two_lists_of_values_have_one_text(
            one in prop::collection::vec(prop::option::of(prop::collection::vec(0_u8..3, 0..12)), 0..4),
            other in prop::collection::vec(prop::option::of(prop::collection::vec(0_u8..3, 0..12)), 0..4),
        ) {
            let text = |list: &[Option<Vec<u8>>]| {
                let mut text = Encoded::new("");
                list.iter().for_each(|value| text.push(value.as_deref()));
                text.0
            };
            prop_assert_eq!(one == other, text(&one) == text(&other));
        }
    }
}
