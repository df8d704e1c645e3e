//! `webhook_log_chain`: each event, and each later change of one, bound to all before it.

use rusqlite::Connection;

use crate::domain::records::{Head, LinkKind, Numbers, Webhook};
use crate::domain::time::Timestamp;
use crate::store::engine::{Batch, Database};
use crate::store::error::StoreError;
use crate::store::read::reader::Reader;
use crate::store::tables::chain::{Link, append, head};
use crate::store::tables::watched;

impl Batch<'_> {
    /// Adds the link of an event that came.
    pub(crate) fn link_received(&self, log_id: i64, webhook: &Webhook) -> Result<(), StoreError> {
        self.link(&Link::of(log_id, LinkKind::Received, watched::of_webhook(webhook, log_id)))
    }

    /// Adds a link that says that an event was changed, and to what: it stands there already.
    pub(crate) fn link_changed(
        &self,
        log_id: i64,
        kind: LinkKind,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let watched = watched::of(self.connection, log_id)?;
        let made_at = now.to_string();
        self.link(&Link { made_at: Some(&made_at), detail, ..Link::of(log_id, kind, watched) })
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

/// Adds a link that says that the bodies and headers of these events were removed.
pub(crate) fn link_pruned(
    connection: &Connection,
    events: &Numbers,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (made_at, detail) = (now.to_string(), events.to_json().to_string());
    let before = head(connection)?;
    append(connection, before, &Link::of_none(LinkKind::Pruned, &made_at, &detail))?;
    Ok(())
}

impl Database {
    pub(crate) fn log_head(&self) -> Result<Head, StoreError> {
        Ok(head(self.connection())?)
    }
}

impl Reader {
    /// The end of the chain through the log of events, to be kept elsewhere. Costs next to nothing.
    pub fn log_head(&self) -> Result<Head, StoreError> {
        Ok(head(&self.connection)?)
    }
}
