//! The genuine events that were received.

use std::sync::Arc;

use warp::http::StatusCode;
use warp::reply::Response;

use super::problem::Problem;
use super::{Api, Call, found, page};
use crate::domain::event::Provider;
use crate::http::typed;
use crate::store::{EventFilter, Outcome};
use crate::{intake, shapes};

/// A page of events, without payloads.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = EventFilter {
        provider: query.word("provider", Provider::ALL, Provider::parse)?,
        statuses: query.words("status", Outcome::ALL, Outcome::parse)?,
        event_type: query.get("event_type", intake::id)?,
        livemode: query.flag("livemode")?,
        received_after: query.instant("received_after")?,
        received_before: query.instant("received_before")?,
        transaction_id: query.row_id("transaction_id")?,
    };
    let wanted = query.page()?;
    let text = api.read(move |reader| {
        let listed = reader.list_events(&filter, wanted)?;
        Ok(page(&listed, |one| one.id, shapes::event))
    });
    Ok(typed(StatusCode::OK, "application/json", text.await?))
}

/// One event with payload and headers, by its number or the provider's id of it.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let id = call.path(0).to_owned();
    let text = api.read(move |reader| {
        // Should a provider's id be the number of another event, the number counts.
        let found = reader.find_events(&id)?;
        let numbered = found.iter().find(|event| event.id.to_string() == id);
        Ok(numbered.or_else(|| found.first()).map(|event| shapes::event(event).to_string()))
    });
    found(text.await?, || format!("no event {} was received", call.path(0)))
}
