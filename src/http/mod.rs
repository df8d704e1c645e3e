//! The only place that speaks HTTP to those who come in: two listeners, each bounded in
//! connections, headers, bodies and time.

pub mod admin;
pub mod api;
mod body;
mod connections;
pub mod dashboard;
mod room;
pub mod token;
pub mod verify;
pub mod webhooks;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use warp::reply::Response;

use self::connections::{Connections, LONGEST_IDLE, Peer, Slot, Watched};
use crate::telemetry::line::Line;

/// What a listener answers with.
pub type Routes = BoxedFilter<(Response,)>;

/// A request's headers, all of them, in bytes. Stripe's are about 500, PayPal's about 1,200.
const MAX_HEADERS: usize = 16 * 1024;
/// What is in flight when the daemon is told to stop has this long to end.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// Who is connected when the daemon is told to stop, and says nothing, has this long to send a last
/// request.
const LAST_REQUEST_WITHIN: Duration = Duration::from_secs(1);

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Serves one listener until `stop` turns true, then lets what is in flight end.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    max_connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let connections = Connections::new(max_connections);
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = every_second.tick() => {
                connections.close_slow();
                continue;
            }
            () = told(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let slot = connections.open();
                let who = (Peer(peer.ip()), slot);
                tokio::spawn(serve_connection(stream, who, routes.clone(), stop.clone()));
            }
            Err(error) => {
                // Out of descriptors, mostly: closing somebody helps, spinning does not.
                Line::error("accept failed").with("err", &error).emit();
                connections.close_longest_waiting();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(STOP_WITHIN, connections.all_closed()).await.is_err() {
        Line::warn("connections cut off at stop").with("count", connections.count()).emit();
    }
}

async fn serve_connection(
    stream: TcpStream,
    (peer, slot): (Peer, Arc<Slot>),
    routes: Routes,
    mut stop: watch::Receiver<bool>,
) {
    // An answer is one small packet; it shall not wait for another. A socket that refuses this is
    // about to fail anyway.
    let _ = stream.set_nodelay(true);
    let answer = TowerToHyperService::new(warp::service(routes));
    let of_requests = Arc::clone(&slot);
    let stops = stop.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let slot = Arc::clone(&of_requests);
        let stops = stops.clone();
        request.extensions_mut().insert(Arc::clone(&slot));
        request.extensions_mut().insert(peer);
        let answered = answer.call(request);
        async move {
            let mut answer = answered.await;
            if let (Ok(answer), true) = (&mut answer, *stops.borrow()) {
                // It is the last on this connection.
                answer.headers_mut().insert(header::CONNECTION, CLOSE);
            }
            slot.answered();
            answer
        }
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&slot)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(LONGEST_IDLE)
        .max_header_size(MAX_HEADERS)
        .max_buf_size(MAX_HEADERS + 16 * 1024)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    tokio::select! {
        // What has come is read before anything is closed.
        biased;
        // The sender went away, or broke the protocol: hyper has answered what there is to answer.
        _ = connection.as_mut() => {}
        () = slot.told_to_close() => {}
        () = told(&mut stop) => {
            // A connection without a request would be closed at once, with the request under way, and
            // its proxy would tell the provider that nobody is there. So whoever sends one more is told
            // with the answer that it was the last.
            if tokio::time::timeout(LAST_REQUEST_WITHIN, connection.as_mut()).await.is_err() {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
    slot.closed();
}

/// Returns when the daemon is told to stop, or when nobody is left to tell it.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A JSON answer of which every byte is ours.
fn answer(status: StatusCode, json: &'static str) -> Response {
    typed(status, "application/json", json)
}

fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// How long the body is said to be.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, r#"{"error":"not found"}"#)
}

fn method_not_allowed(allowed: &'static str) -> Response {
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, r#"{"error":"method not allowed"}"#);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn unavailable(json: &'static str, retry_after: &'static str) -> Response {
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, json);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(retry_after));
    response
}
