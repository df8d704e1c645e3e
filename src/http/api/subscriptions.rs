//! Subscriptions: registered, listed, shown, ended.

use std::sync::Arc;

use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::call::{Api, Call, answer, listed, shown};
use super::problem::Problem;
use crate::domain::provider::Provider;
use crate::domain::records::{Subscribed, SubscriptionFilter};
use crate::json::{registration, rows, subscription};
use crate::store::{EndSubscription, Subscribe};
use crate::telemetry::line::Line;

/// Registers a subscription: 201 if it is new, 200 if it is the same again, 409 if it is not.
pub(super) async fn register(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let new = subscription::parse(&call.body, api.endpoint.livemode)?;
    let reference = new.reference.clone();
    let subscribed = api.write(Subscribe { new }).await?;
    tell(&subscribed);
    match subscribed {
        Subscribed::Created(subscription) => {
            let mut response = answer(StatusCode::CREATED, &rows::subscription(&subscription));
            let location = format!("/api/v1/subscriptions/{}", subscription.id);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            Ok(response)
        }
        Subscribed::Existing(subscription) => {
            Ok(answer(StatusCode::OK, &rows::subscription(&subscription)))
        }
        Subscribed::Conflict(subscription) => Err(Problem::contradiction(format!(
            "{reference} is registered already, with other facts: see /api/v1/subscriptions/{}",
            subscription.id
        ))),
    }
}

/// The canonical line of a registration.
fn tell(subscribed: &Subscribed) {
    let (subscription, outcome) = match subscribed {
        Subscribed::Created(subscription) => (subscription, "created"),
        Subscribed::Existing(subscription) => (subscription, "existing"),
        Subscribed::Conflict(subscription) => (subscription, "conflict"),
    };
    Line::info("subscription")
        .with("provider", subscription.provider)
        .with("subscription_id", subscription.id)
        .with("outcome", outcome)
        .with("payments", subscription.payments)
        .emit();
}

/// A page of subscriptions.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = SubscriptionFilter {
        provider: query.word("provider", Provider::ALL, Provider::parse)?,
        livemode: query.flag("livemode")?,
        id: query.get("id", registration::id)?,
        ended: query.flag("ended")?,
    };
    listed(api, filter, query.page()?, rows::subscription).await
}

/// One subscription by its number.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    shown(api, &call, SUBSCRIPTION, |reader, id| {
        Ok(reader.get(id)?.as_ref().map(rows::subscription))
    })
    .await
}

/// As messages call it.
const SUBSCRIPTION: &str = "subscription";

/// No more is to be paid of it.
pub(super) async fn end(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    set_ended(api, &call, true).await
}

/// It goes on after all.
pub(super) async fn reopen(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    set_ended(api, &call, false).await
}

async fn set_ended(api: &Arc<Api>, call: &Call, ended: bool) -> Result<Response, Problem> {
    let id = call.number(SUBSCRIPTION)?;
    let subscription = api.write(EndSubscription { id, ended }).await?;
    let subscription = subscription.ok_or_else(|| call.missing(SUBSCRIPTION))?;
    Ok(answer(StatusCode::OK, &rows::subscription(&subscription)))
}
