//! The admin listener: for the shop's own box.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use warp::Filter;
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;

use super::api::problem::Problem;
use super::api::{self, Api};
use super::dashboard::{self, Dashboard};
use super::token::Token;
use super::{Routes, answer, method_not_allowed, not_found, typed, unavailable};
use crate::domain::app_outage::AppOutage;
use crate::domain::records::{DueMessage, Loss};
use crate::domain::time::Timestamp;
use crate::store::{Reader, Readers, Store, StoreError, disk_free};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::metrics::{Gauges, Metrics};
use crate::telemetry::tasks::TaskHealth;
use crate::telemetry::throttle::Throttle;

/// What the admin listener answers: `/readyz` says whether commits work; the dashboard wants people
/// to log in; everything else wants the token.
pub fn routes(
    token: Arc<Token>,
    api: Arc<Api>,
    dashboard: Arc<Dashboard>,
    gauged: Gauged,
) -> Routes {
    let gauged = Arc::new(gauged);
    let of_readyz = Arc::clone(&gauged);
    let metrics = warp::path("metrics").and(warp::path::end()).and(warp::method()).then(
        move |method: Method| {
            let gauged = Arc::clone(&gauged);
            async move {
                match method {
                    Method::GET => gauged.answer().await,
                    _ => method_not_allowed("GET"),
                }
            }
        },
    );
    let health = Arc::new(Health::new());
    let readyz = warp::path("readyz").and(warp::path::end()).and(warp::method()).then(
        move |method: Method| {
            let (gauged, health) = (Arc::clone(&of_readyz), Arc::clone(&health));
            async move {
                if method != Method::GET && method != Method::HEAD {
                    return method_not_allowed("GET, HEAD");
                }
                health.answer(gauged).await
            }
        },
    );
    let other = warp::any().map(not_found);
    readyz
        .or(dashboard::routes(dashboard))
        .unify()
        .or(without(token))
        .unify()
        .or(metrics)
        .unify()
        .or(api::routes(api))
        .unify()
        .or(other)
        .unify()
        .boxed()
}

/// What `/metrics` needs.
#[derive(Debug)]
pub struct Gauged {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where the rest is read.
    pub readers: Readers,
    /// Whose queue is measured.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// The database file.
    pub db: PathBuf,
    /// Whether the shop's app is to be told of changes.
    pub notifies: bool,
    /// The daemon's background tasks.
    pub tasks: Arc<TaskHealth>,
}

/// Less than this much room on the disk is trouble soon: SQLite needs some for every commit.
pub const ROOM: u64 = 64 * 1024 * 1024;
/// What is due this long and was not tried says that nobody tries.
const STUCK_AFTER: Duration = Duration::from_secs(300);

/// What `/readyz` answers. Anybody may ask, and to find out costs a commit: so it is found out at most
/// once a second, for all who ask meanwhile.
#[derive(Debug)]
struct Health {
    found: tokio::sync::Mutex<Option<(Instant, Readiness)>>,
    trouble: Throttle,
}

/// What a ready daemon answers.
const READY: &str =
    r#"{"ready":true,"reason":"commits work, the disk has room, and nothing that is due waits"}"#;

/// How long what was found is answered.
const FOUND_FOR: Duration = Duration::from_secs(1);

/// `Ok` if webhooks can be taken and the app is notified of them, with since when it takes no notification; else
/// the answer's body.
type Readiness = Result<Option<Timestamp>, &'static str>;

impl Health {
    fn new() -> Self {
        Self { found: Default::default(), trouble: Throttle::new(1, Duration::from_secs(60)) }
    }

    async fn answer(self: Arc<Self>, gauged: Arc<Gauged>) -> Response {
        // In a task of its own: whoever goes away before the answer would have the next one ask anew.
        let of_task = Arc::clone(&gauged);
        let asked = tokio::spawn(async move {
            let gauged = of_task;
            let mut found = self.found.lock().await;
            match *found {
                Some((at, readiness)) if at.elapsed() < FOUND_FOR => readiness,
                _ => {
                    let readiness = gauged.readiness(&self.trouble).await;
                    *found = Some((Instant::now(), readiness));
                    readiness
                }
            }
        });
        match asked.await {
            Ok(Ok(app_outage)) => ready(&gauged.tasks.broken(), app_outage),
            Ok(Err(reason)) => unavailable(reason, "5"),
            Err(_) => unavailable(r#"{"ready":false,"reason":"a fault: see the log"}"#, "5"),
        }
    }
}

/// Webhooks are taken; what else there is to say does not change that.
fn ready(broken: &[Arc<str>], app_outage: Option<Timestamp>) -> Response {
    let reason = match (broken, app_outage) {
        ([], None) => return answer(StatusCode::OK, READY),
        ([], Some(_)) => {
            "webhooks are taken, but the shop's app refuses notifications or is out of reach"
        }
        _ => "webhooks are taken, but background tasks broke off: see the log",
    };
    let broken: Vec<&str> = broken.iter().map(|name| &**name).collect();
    let body = json!({
        "ready": true,
        "reason": reason,
        "broken_tasks": broken,
        "app_outage_since": app_outage.map(|since| since.to_string()),
    });
    typed(StatusCode::OK, "application/json", body.to_string())
}

impl Gauged {
    async fn readiness(&self, trouble: &Throttle) -> Readiness {
        if let Err(error) = self.store.probe().await {
            if trouble.pass(Instant::now()).is_some() {
                Line::error("not ready").with("err", &error).emit();
            }
            return Err(match error {
                StoreError::Lost(loss) => lost(loss),
                _ => r#"{"ready":false,"reason":"commits do not work: see the log"}"#,
            });
        }
        if disk_free(&self.db).is_some_and(|bytes| bytes < ROOM) {
            return Err(
                r#"{"ready":false,"reason":"the disk of the database is nearly full: make room"}"#,
            );
        }
        if self.is_stuck().await {
            return Err(
                r#"{"ready":false,"reason":"the shop's app is not notified any more: see the log"}"#,
            );
        }
        Ok(self.app_outage().await)
    }

    /// Whoever can't read now finds out by other ways.
    async fn app_outage(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let outage = self.readers.read(move |reader| reader.due::<AppOutage>((), now, 1)).await;
        outage.ok()?.0.first().map(|outage| outage.since)
    }

    /// Without a target nothing is due, and whoever can't read now finds out by other ways. A message that
    /// makes no sense is due, and keeps the others back.
    async fn is_stuck(&self) -> bool {
        let before = self.clock.now().minus(STUCK_AFTER);
        let due = move |reader: &Reader| reader.due::<DueMessage>((), before, 1);
        self.notifies
            && match self.readers.read(due).await {
                Ok((due, _)) => !due.is_empty(),
                Err(error) => matches!(error, StoreError::Corrupt { .. }),
            }
    }

    async fn answer(&self) -> Response {
        let sight = match self.readers.read(Reader::sight).await {
            Ok(sight) => sight,
            Err(error) => {
                Line::warn("metrics not read").with("err", &error).emit();
                return unavailable(r#"{"error":"the database is busy"}"#, "5");
            }
        };
        let gauges = Gauges {
            now: self.clock.now(),
            queue_depth: self.store.report().queued,
            task_breaks: self.tasks.breaks(),
            disk_free_bytes: disk_free(&self.db),
        };
        let text = self.metrics.text(&sight, gauges);
        typed(StatusCode::OK, OPENMETRICS, text)
    }
}

/// [`Loss::said`], and what follows.
fn lost(loss: Loss) -> &'static str {
    match loss {
        Loss::Removed => {
            r#"{"ready":false,"reason":"the database's file was removed or moved away: payhookd puts it back and ends, see the log"}"#
        }
        Loss::Replaced => {
            r#"{"ready":false,"reason":"another file stands in the place of the database's: payhookd ends, see the log"}"#
        }
        Loss::Overwritten => {
            r#"{"ready":false,"reason":"the database's file was written over: payhookd ends, see the log"}"#
        }
        Loss::LogRemoved => {
            r#"{"ready":false,"reason":"the log beside the database's file (-wal, -shm) was removed: payhookd ends, see the log"}"#
        }
    }
}

/// The media type of the text that Prometheus reads.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers whoever does not say the token; passes over the others.
fn without(token: Arc<Token>) -> Routes {
    let refused = Arc::new(Throttle::new(10, Duration::from_secs(10)));
    warp::header::headers_cloned()
        .and(warp::path::full())
        .and_then(move |headers: HeaderMap, path: FullPath| {
            let knows = token.is_in(&headers);
            let refused = Arc::clone(&refused);
            async move {
                if knows {
                    return Err(warp::reject());
                }
                if let Some(left_out) = refused.pass(Instant::now()) {
                    Line::warn("refused: without the API token")
                        .with("path", path.as_str())
                        .with("left_out", left_out)
                        .emit();
                }
                Ok(Problem::unauthorized().into_response())
            }
        })
        .boxed()
}
