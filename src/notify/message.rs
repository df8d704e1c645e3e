//! What the shop's app is told of a change.

use serde_json::{Value, json};

use crate::domain::records::{Change, Transaction};
use crate::json::rows;

/// The body of a notification, the same at every attempt: the transaction as that change left it. An
/// app that keeps the newest `version` can drop what comes again or late.
pub fn body(transaction: &Transaction, change: &Change) -> String {
    let mut data = rows::transaction(transaction);
    data["change"] = change.change.as_str().into();
    data["event"] = change.event.as_ref().map_or(
        Value::Null,
        |(event_id, event_type)| json!({ "event_id": event_id, "event_type": event_type }),
    );
    let timestamp = change.changed_at.to_string();
    json!({ "type": change.change, "timestamp": timestamp, "data": data }).to_string()
}
