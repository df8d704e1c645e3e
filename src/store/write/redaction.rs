//! Rows from which something personal is taken out. The log says that it was, when, and what.

use rusqlite::named_params;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::domain::records::{Forgotten, Hash, LinkKind, WebhookLog};
use crate::domain::time::Timestamp;
use crate::providers::redact::{Extent, Impersonal, emptied, impersonal};
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::reader::Reader;
use crate::store::tables::rows::{execute, instant};

impl Batch<'_> {
    /// From now on what this connection removes is overwritten in the file.
    pub(crate) fn overwrite_what_is_removed(&self) -> Result<(), StoreError> {
        Ok(self.connection.pragma_update(None, "secure_delete", true)?)
    }

    /// Removes an event's headers and puts `body`, if there is one, in place of its body; the hashes of
    /// what was received stay. `detail`, JSON that says what was removed, becomes part of the chain.
    pub(crate) fn redact(
        &self,
        log_id: i64,
        body: Option<&str>,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let headers: Option<String> = self
            .connection
            .prepare_cached("SELECT headers FROM webhook_logs WHERE id = :id")?
            .query_row(named_params! { ":id": log_id }, |row| row.get("headers"))?;
        let sql = "UPDATE webhook_logs
                 SET headers = NULL, headers_sha256 = ifnull(:headers_sha256, headers_sha256),
                     payload = ifnull(:body, payload),
                     redacted_sha256 = ifnull(:redacted_sha256, redacted_sha256)
                 WHERE id = :id";
        let parameters = named_params! {
            ":id": log_id,
            ":headers_sha256": headers.map(|headers| Hash::from(Sha256::digest(headers))),
            ":body": body,
            ":redacted_sha256": body.map(|body| Hash::from(Sha256::digest(body))),
        };
        execute(self.connection, sql, parameters)?;
        self.link_changed(log_id, LinkKind::Redacted, Some(detail), now)
    }

    /// Puts other metadata in place of a transaction's. It is the shop's own, and no change of what is
    /// true of the payment.
    pub(crate) fn set_metadata(
        &self,
        transaction_id: i64,
        metadata: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE transactions SET metadata = :metadata WHERE id = :id";
        execute(
            self.connection,
            sql,
            named_params! { ":id": transaction_id, ":metadata": metadata },
        )?;
        Ok(())
    }
}

/// Takes what is personal out of the stored event with this row id; nothing, the second time. `None`:
/// there is no such event.
pub(crate) fn forget_event(
    batch: &Batch<'_>,
    id: i64,
    extent: Extent<'_>,
    now: Timestamp,
) -> Result<Option<Forgotten>, StoreError> {
    let Some(log) = batch.event(id)? else { return Ok(None) };
    let WebhookLog { event_id, event_type, payload, headers, .. } = log;
    let without = payload.as_deref().map(|payload| impersonal(log.provider, payload, extent));
    let paths = without.as_ref().map(|without| without.paths.clone()).unwrap_or_default();
    if !paths.is_empty() || headers.is_some() {
        let detail = json!({"paths": &paths, "headers": headers.is_some()}).to_string();
        let changed = without.filter(|without| !without.paths.is_empty());
        let body = changed.as_ref().map(|without| &*without.payload);
        batch.redact(id, body, &detail, now)?;
    }
    let (headers, had_no_body) = (headers.is_some(), payload.is_none());
    Ok(Some(Forgotten { id, event_id, event_type, paths, headers, had_no_body }))
}

/// Takes every value out of the metadata that the shop registered a transaction with; their paths.
pub(crate) fn forget_metadata(
    batch: &Batch<'_>,
    transaction_id: i64,
) -> Result<Vec<String>, StoreError> {
    let Some(transaction) = batch.find_transaction(transaction_id)? else { return Ok(Vec::new()) };
    let Impersonal { payload, paths } = emptied(&transaction.metadata);
    if !paths.is_empty() {
        batch.set_metadata(transaction_id, &payload)?;
    }
    Ok(paths)
}

impl Reader {
    /// When something personal was last taken out of this event, UTC; `None` if nothing ever was.
    pub(crate) fn redacted_at(&self, log_id: i64) -> Result<Option<Timestamp>, StoreError> {
        instant(
            &self.connection,
            "SELECT made_at FROM webhook_log_chain
             WHERE log_id = :log_id AND made_at IS NOT NULL AND kind = 'redacted'
             ORDER BY id DESC LIMIT 1",
            named_params! { ":log_id": log_id },
        )
    }
}
