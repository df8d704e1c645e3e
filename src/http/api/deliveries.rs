//! What the shop's app is told of changes.

use std::sync::Arc;

use serde_json::Value;
use warp::reply::Response;

use super::problem::Problem;
use super::query::positive;
use super::{Api, Call, found, listed};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::records::{Delivery, DeliveryFilter, Retried, StoredAttempt};
use crate::json::rows;
use crate::store::{Reader, RetryDelivery, StoreError};

/// A page of deliveries.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = DeliveryFilter {
        status: query.word("status", DeliveryStatus::ALL, DeliveryStatus::parse)?,
        transaction_id: query.row_id("transaction_id")?,
    };
    listed(api, filter, query.page()?, rows::delivery).await
}

/// One delivery with every attempt that is kept.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let Some(id) = positive(call.path(0)) else { return Err(missing(call.path(0))) };
    let text = api.read(move |reader| text(reader, id)).await?;
    found(text, || missing_text(call.path(0)))
}

/// Tells the app again: at once, or after an earlier message of the same transaction.
pub(super) async fn retry(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let Some(id) = positive(call.path(0)) else { return Err(missing(call.path(0))) };
    match api.write(RetryDelivery { id }).await? {
        Retried::Unknown => Err(missing(call.path(0))),
        Retried::Due | Retried::After(_) => {
            let text = api.read(move |reader| text(reader, id)).await?;
            found(text, || missing_text(call.path(0)))
        }
    }
}

fn text(reader: &Reader, id: i64) -> Result<Option<String>, StoreError> {
    let Some(delivery) = reader.find::<Delivery>(&id.to_string())?.pop() else { return Ok(None) };
    let mut shown = rows::delivery(&delivery);
    shown["attempts_made"] =
        reader.of::<StoredAttempt>(delivery.id)?.iter().map(rows::attempt).collect::<Value>();
    Ok(Some(shown.to_string()))
}

fn missing(id: &str) -> Problem {
    Problem::not_found(missing_text(id))
}

fn missing_text(id: &str) -> String {
    format!("there is no delivery {id}")
}
