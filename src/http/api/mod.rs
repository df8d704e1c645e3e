//! The API of the admin listener: JSON for the shop's app.
//!
//! [`ROUTES`] is all of it: a request is looked up there, its parameters are checked against it,
//! and the OpenAPI document is tested against it. Reading goes through a few connections of its
//! own, writing through the writer; neither blocks the threads that serve webhooks.

mod call;
mod changes;
mod deliveries;
mod events;
mod issues;
mod orphans;
pub(in crate::http) mod problem;
pub(in crate::http) mod query;
pub(in crate::http) mod routes;
mod subscriptions;
mod transactions;
mod wait;

use std::sync::Arc;

use futures_util::Stream;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Buf, Filter};

use self::call::Call;
use self::problem::Problem;
use self::query::Query;
use super::connections::Slot;
use super::{Routes, typed};

pub use call::{Api, Endpoint, MAX_BODY};
pub use problem::{CONTENT_TYPE as PROBLEM_TYPE, Kind as ProblemKind};
pub use query::{LARGEST_PAGE, LONGEST_WAIT, USUAL_PAGE};
pub use routes::{ROUTES, Route};

/// The OpenAPI document.
const DOCUMENT: &str = include_str!("openapi.json");

/// What the API answers; passes over every path that does not begin with `/api`.
pub(super) fn routes(api: Arc<Api>) -> Routes {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::path("api")
        .and(warp::method())
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Arc<Slot>>())
        .and(warp::body::stream())
        .then(move |method, path: FullPath, query: String, headers, slot: Arc<Slot>, body| {
            let api = Arc::clone(&api);
            async move {
                let answered = api.answer(&method, path.as_str(), &query, &headers, &slot, body);
                let mut response = answered.await.unwrap_or_else(Problem::into_response);
                // It is about money, and may be another in a moment.
                let no_store = HeaderValue::from_static("no-store");
                response.headers_mut().insert(header::CACHE_CONTROL, no_store);
                response
            }
        })
        .boxed()
}

impl Api {
    async fn answer(
        self: &Arc<Self>,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        slot: &Slot,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Response, Problem> {
        let (route, path) = routes::find(method, path)?;
        let query = Query::parse(query, route.parameters)?;
        let mut read = Vec::new();
        if route.takes_body {
            if !is_json(headers) {
                return Err(Problem::not_json());
            }
            read = self.bodies.read(super::content_length(headers), body).await?.bytes;
        }
        slot.answering();
        (route.handler)(self, Call { path, query, body: read }).await
    }
}

async fn document(_: &Arc<Api>, _: Call) -> Result<Response, Problem> {
    Ok(typed(StatusCode::OK, "application/json", DOCUMENT))
}

/// Whether the body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = said.and_then(|said| said.split(';').next());
    media_type.is_some_and(|said| said.trim().eq_ignore_ascii_case("application/json"))
}
