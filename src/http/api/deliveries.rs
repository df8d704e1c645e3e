//! What the shop's app is told of changes.

use std::sync::Arc;

use serde_json::Value;
use warp::reply::Response;

use super::call::{Api, Call, listed, shown};
use super::problem::Problem;
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
    shown(api, &call, DELIVERY, delivery).await
}

/// Tells the app again: at once, or after an earlier message of the same transaction.
pub(super) async fn retry(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    match api.write(RetryDelivery { id: call.number(DELIVERY)? }).await? {
        Retried::Unknown => Err(call.missing(DELIVERY)),
        Retried::Due | Retried::After(_) => shown(api, &call, DELIVERY, delivery).await,
    }
}

fn delivery(reader: &Reader, id: i64) -> Result<Option<Value>, StoreError> {
    let Some(delivery) = reader.find::<Delivery>(&id.to_string())?.pop() else { return Ok(None) };
    let mut shown = rows::delivery(&delivery);
    shown["attempts_made"] =
        reader.of::<StoredAttempt>(delivery.id)?.iter().map(rows::attempt).collect::<Value>();
    Ok(Some(shown))
}

const DELIVERY: &str = "delivery";
