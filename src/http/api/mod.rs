//! The API of the admin listener: JSON for the shop's app.
//!
//! [`ROUTES`] is all of it: a request is looked up there, its parameters are checked against it,
//! and the OpenAPI document is tested against it. Reading goes through a few connections of its
//! own, writing through the writer; neither blocks the threads that serve webhooks.

mod changes;
mod deliveries;
mod events;
mod issues;
mod orphans;
pub(in crate::http) mod problem;
pub(in crate::http) mod query;
pub(in crate::http) mod routes;
mod transactions;
mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Buf, Filter};

use self::problem::Problem;
use self::query::Query;
use self::wait::Waiters;
use super::body::Bodies;
use super::connections::Slot;
use super::{Routes, typed};
use crate::domain::records::Page;
use crate::providers::rules::Rules;
use crate::store::{Job, List, Reader, Readers, Store, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::tasks::Tasks;
use crate::telemetry::throttle::Throttle;

pub use problem::{CONTENT_TYPE as PROBLEM_TYPE, Kind as ProblemKind};
pub use query::{LARGEST_PAGE, LONGEST_WAIT, USUAL_PAGE};
pub use routes::{ROUTES, Route};

/// The largest body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The OpenAPI document.
const DOCUMENT: &str = include_str!("openapi.json");

/// What the API needs.
#[derive(Debug)]
pub struct Endpoint {
    /// Where transactions are registered.
    pub store: Store,
    /// Where everything is read.
    pub readers: Readers,
    /// What time it is.
    pub clock: Clock,
    /// Whether the daemon is about real money.
    pub livemode: bool,
    /// How events are read.
    pub rules: Rules,
    /// Turns true when the daemon stops: nobody is made to wait any more.
    pub stop: watch::Receiver<bool>,
}

/// The running API.
#[derive(Debug)]
pub struct Api {
    endpoint: Endpoint,
    waiters: Waiters,
    bodies: Bodies,
    /// Lines about what failed.
    trouble: Throttle,
}

/// A request that was looked up: the operation, and what was said to it.
#[derive(Debug)]
struct Call {
    /// The parts of the path that stand for something, in order.
    path: Vec<String>,
    query: Query,
    /// Empty for an operation that takes none.
    body: Vec<u8>,
}

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
    /// Starts what wakes those who wait.
    pub fn start(tasks: &mut Tasks, endpoint: Endpoint) -> Arc<Self> {
        let commits = endpoint.store.commits().subscribe();
        let waiters =
            Waiters::start(tasks, endpoint.readers.clone(), commits, endpoint.stop.clone());
        Arc::new(Self {
            endpoint,
            waiters,
            bodies: Bodies::new(MAX_BODY),
            trouble: Throttle::new(10, Duration::from_secs(1)),
        })
    }

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

    /// Reads, where it may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.endpoint.readers.read(work).await.map_err(|error| self.failed(&error))
    }

    /// Writes in the writer's next commit, whether or not whoever asked has gone.
    async fn write<J>(&self, job: J) -> Result<J::Done, Problem>
    where
        J: Job + Send + 'static,
        J::Done: Send,
    {
        let now = self.endpoint.clock.now();
        self.endpoint.store.run(job, now).await.map_err(|error| self.failed(&error))
    }

    /// Says it in the log, and what of it is told outside.
    fn failed(&self, error: &StoreError) -> Problem {
        if let Some(left_out) = self.trouble.pass(Instant::now()) {
            Line::error("API request failed").with("left_out", left_out).with("err", error).emit();
        }
        Problem::from(error)
    }
}

async fn document(_: &Arc<Api>, _: Call) -> Result<Response, Problem> {
    Ok(typed(StatusCode::OK, "application/json", DOCUMENT))
}

impl Call {
    /// A part of the path that stands for something; the route says which there are.
    fn path(&self, place: usize) -> &str {
        self.path.get(place).map_or("", |part| part)
    }
}

/// Whether the body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = said.and_then(|said| said.split(';').next());
    media_type.is_some_and(|said| said.trim().eq_ignore_ascii_case("application/json"))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    typed(status, "application/json", body.to_string())
}

/// An answer that was already put into text, on a thread that may block.
fn found(text: Option<String>, missing: impl FnOnce() -> String) -> Result<Response, Problem> {
    match text {
        Some(text) => Ok(typed(StatusCode::OK, "application/json", text)),
        None => Err(Problem::not_found(missing())),
    }
}

/// A page of what passes the filter; its cursor is the number of the last row.
async fn listed<F: List + Send + 'static>(
    api: &Api,
    filter: F,
    wanted: Page,
    shape: fn(&F::Row) -> Value,
) -> Result<Response, Problem> {
    let text = api.read(move |reader| {
        let listed = reader.list(&filter, wanted)?;
        let data: Vec<Value> = listed.rows.iter().map(shape).collect();
        let next = data.last().filter(|_| listed.more).map(|last| last["id"].to_string());
        Ok(json!({ "data": data, "next_cursor": next }).to_string())
    });
    Ok(typed(StatusCode::OK, "application/json", text.await?))
}
