//! What is personal about one payment is taken out of its events; that it was is part of the log.

use serde_json::json;

use crate::domain::records::WebhookLog;
use crate::domain::time::Timestamp;
use crate::providers::redact::{Extent, Impersonal, emptied, impersonal};
use crate::store::{Batch, StoreError};

/// What was taken out of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Row id of the event.
    pub id: i64,
    /// The provider's id of it.
    pub event_id: String,
    /// The provider's name of what happened.
    pub event_type: String,
    /// The paths of the values that were taken out of its body.
    pub paths: Vec<String>,
    /// Whether its headers were removed.
    pub headers: bool,
    /// Whether its body had been removed before.
    pub had_no_body: bool,
}

/// Takes what is personal out of the stored event with this row id; nothing, the second time. `None`:
/// there is no such event.
pub fn forget_event(
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
pub fn forget_metadata(batch: &Batch<'_>, transaction_id: i64) -> Result<Vec<String>, StoreError> {
    let Some(transaction) = batch.find_transaction(transaction_id)? else { return Ok(Vec::new()) };
    let Impersonal { payload, paths } = emptied(&transaction.metadata);
    if !paths.is_empty() {
        batch.set_metadata(transaction_id, &payload)?;
    }
    Ok(paths)
}
