//! A request that was looked up, and what every operation answers with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;
use warp::http::StatusCode;
use warp::reply::Response;

use super::problem::Problem;
use super::query::{Query, positive};
use super::wait::Waiters;
use crate::domain::records::Page;
use crate::http::body::Bodies;
use crate::http::typed;
use crate::providers::rules::Rules;
use crate::store::{Job, List, Reader, Readers, Store, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::tasks::Tasks;
use crate::telemetry::throttle::Throttle;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

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
    pub(super) endpoint: Endpoint,
    pub(super) waiters: Waiters,
    pub(super) bodies: Bodies,
    /// Lines about what failed.
    trouble: Throttle,
}

/// A request that was looked up: the operation, and what was said to it.
#[derive(Debug)]
pub(super) struct Call {
    /// The parts of the path that stand for something, in order.
    pub(super) path: Vec<String>,
    pub(super) query: Query,
    /// Empty for an operation that takes none.
    pub(super) body: Vec<u8>,
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

    /// Reads, where it may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.endpoint.readers.read(work).await.map_err(|error| self.failed(&error))
    }

    /// Writes in the writer's next commit, whether or not whoever asked has gone.
    pub(super) async fn write<J>(&self, job: J) -> Result<J::Done, Problem>
    where
        J: Job + Send + 'static,
        J::Done: Send,
    {
        let now = self.endpoint.clock.now();
        self.endpoint.store.run(job, now).await.map_err(|error| self.failed(&error))
    }

    /// Says it in the log, and what of it is told outside.
    pub(super) fn failed(&self, error: &StoreError) -> Problem {
        if let Some(left_out) = self.trouble.pass(Instant::now()) {
            Line::error("API request failed").with("left_out", left_out).with("err", error).emit();
        }
        Problem::from(error)
    }
}

impl Call {
    /// A part of the path that stands for something; the route says which there are.
    pub(super) fn path(&self, place: usize) -> &str {
        self.path.get(place).map_or("", |part| part)
    }

    /// The number of the `what` that the path is about.
    pub(super) fn number(&self, what: &str) -> Result<i64, Problem> {
        positive(self.path(0)).ok_or_else(|| self.missing(what))
    }

    /// There is no `what` of this number.
    pub(super) fn missing(&self, what: &str) -> Problem {
        Problem::not_found(format!("there is no {what} {}", self.path(0)))
    }
}

pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    typed(status, "application/json", body.to_string())
}

/// The `what` that the path is about, put into JSON on a thread that may block.
pub(super) async fn shown(
    api: &Api,
    call: &Call,
    what: &str,
    shape: fn(&Reader, i64) -> Result<Option<Value>, StoreError>,
) -> Result<Response, Problem> {
    let number = call.number(what)?;
    let text = api.read(move |reader| Ok(shape(reader, number)?.map(|shown| shown.to_string())));
    let text = text.await?.ok_or_else(|| call.missing(what))?;
    Ok(typed(StatusCode::OK, "application/json", text))
}

/// A page of what passes the filter; its cursor is the number of the last row.
pub(super) async fn listed<F: List + Send + 'static>(
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
