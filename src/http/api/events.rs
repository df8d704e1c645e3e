//! The genuine events that were received.

use std::sync::Arc;

use warp::http::StatusCode;
use warp::reply::Response;

use super::call::{Api, Call, answer, listed};
use super::problem::Problem;
use crate::domain::event::Source;
use crate::domain::language::Language;
use crate::domain::provider::Provider;
use crate::domain::records::{EventFilter, Outcome, WebhookLog};
use crate::i18n::explain;
use crate::json::{registration, rows};
use crate::store::{DryRun, Reader, Replay, StoreError};

/// A page of events, without payloads.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = EventFilter {
        provider: query.word("provider", Provider::ALL, Provider::parse)?,
        statuses: query.words("status", Outcome::ALL, Outcome::parse)?,
        event_type: query.get("event_type", registration::id)?,
        livemode: query.flag("livemode")?,
        received_after: query.instant("received_after")?,
        received_before: query.instant("received_before")?,
        transaction_id: query.row_id("transaction_id")?,
        source: query.word("source", Source::ALL, Source::parse)?,
    };
    listed(api, filter, query.page()?, rows::event).await
}

/// One event with payload and headers, by its number or the provider's id of it.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let id = call.path(0).to_owned();
    let shown = api.read(move |reader| {
        let Some(event) = named(reader, &id)? else { return Ok(None) };
        let mut shown = rows::event(&event);
        let story = reader.detail(&event)?;
        shown["explanation"] = explain::event(Language::English, &event, &story).into();
        shown["transaction_ids"] = story.transactions.into();
        Ok(Some(shown))
    });
    Ok(answer(StatusCode::OK, &shown.await?.ok_or_else(|| missing(&call))?))
}

/// Reads a stored event again by today's code and rules, or says what would come of it.
pub(super) async fn replay(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let dry_run = call.query.flag("dry_run")?.unwrap_or(false);
    let id = call.path(0).to_owned();
    let event = api.read(move |reader| named(reader, &id)).await?;
    let id = event.ok_or_else(|| missing(&call))?.id;
    let replay = Replay { ids: vec![id], rules: api.endpoint.rules.clone() };
    let reread = match dry_run {
        true => api.write(DryRun(replay)).await?,
        false => api.write(replay).await?,
    };
    let reread = reread.into_iter().next().ok_or_else(|| missing(&call))?;
    Ok(answer(StatusCode::OK, &rows::reread(&reread, dry_run)))
}

/// By its number or the provider's id of it. Should that be the number of another event, the number counts.
fn named(reader: &Reader, id: &str) -> Result<Option<WebhookLog>, StoreError> {
    let mut found = reader.find::<WebhookLog>(id)?;
    let numbered = found.iter().position(|event| event.id.to_string() == id);
    Ok((!found.is_empty()).then(|| found.swap_remove(numbered.unwrap_or(0))))
}

fn missing(call: &Call) -> Problem {
    Problem::not_found(format!("no event {} was received", call.path(0)))
}
