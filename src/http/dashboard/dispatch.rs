//! From a request to its page: who asks, whether the form is ours, who answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::Stream;
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Buf, Filter};

use super::links::is_ours;
use super::page::{Failure, see};
use super::routes::{self, Handler, Route, RouteError};
use super::sessions::{CSRF, Session};
use super::visit::{Dashboard, Guest, Visit};
use super::{assets, attempts, guard};
use crate::http::Routes;
use crate::http::api::problem::Problem;
use crate::http::api::query::Query;
use crate::http::connections::{Peer, Slot};
use crate::i18n::Words;

/// The header of a page that asks what it looks like now.
const LIVE: &str = "x-payhookd-live";

/// What the dashboard answers; passes over every path that is not one of its own.
pub(in crate::http) fn routes(dashboard: Arc<Dashboard>) -> Routes {
    let ours = warp::path::full().and_then(|path: FullPath| async move {
        if is_ours(path.as_str()) { Ok(path) } else { Err(warp::reject()) }
    });
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    ours.and(warp::method())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::ext::get::<Arc<Slot>>())
        .and(warp::body::stream())
        .then(
            move |path: FullPath,
                  method,
                  query: String,
                  headers,
                  peer: Peer,
                  slot: Arc<Slot>,
                  body| {
                let dashboard = Arc::clone(&dashboard);
                async move {
                    let words = dashboard.words(&headers);
                    let from = attempts::sender(peer.0, &headers);
                    let (path, query) = (path.as_str(), &*query);
                    let asked = Asked { method, path, query, headers: &headers, from };
                    let answered = dashboard.answer(words, asked, &slot, body).await;
                    let mut response =
                        answered.unwrap_or_else(|failure| failure.into_response(words));
                    guard::protect(&mut response);
                    response
                }
            },
        )
        .boxed()
}

/// A request without its body.
struct Asked<'a> {
    method: Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    from: IpAddr,
}

impl Dashboard {
    async fn answer(
        &self,
        words: &'static Words,
        asked: Asked<'_>,
        slot: &Slot,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Response, Failure> {
        let headers = asked.headers;
        if let Some(host) = guard::stranger(headers, &self.hosts) {
            return Err(Failure::Stranger(host.to_owned()));
        }
        let is_form = asked.method == Method::POST;
        if !is_form && let Some(asset) = assets::find(asked.path) {
            return Ok(asset);
        }
        let (route, path) =
            routes::find(&asked.method, asked.path).map_err(|error| match error {
                RouteError::NotFound => Failure::NotFound,
                RouteError::Method(allowed) => Failure::Method(allowed),
            })?;
        let said = if is_form {
            self.form(route, headers, body).await?
        } else {
            Query::parse(asked.query, route.names)?
        };
        slot.answering();
        let handler = match route.handler {
            Handler::Visitor(handler) => handler,
            Handler::Anybody(handler) => {
                return handler(self, &Guest { words, said, headers, from: asked.from });
            }
        };
        let is_live = headers.contains_key(LIVE);
        let session =
            guard::cookie(headers).and_then(|id| self.sessions.find(id, Instant::now(), !is_live));
        let Some(session) = session else { return Ok(to_log_in(&asked, is_form, is_live)) };
        if is_form && !is_of(&session, &said)? {
            return Err(Failure::Forged);
        }
        let (now, headers) = (self.clock.now(), headers.clone());
        let visit = Visit { session, words, now, is_live, path, said, headers };
        handler(self, &visit).await
    }

    /// Reads a form that stood on a page of ours.
    async fn form(
        &self,
        route: &Route,
        headers: &HeaderMap,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Query, Failure> {
        if !guard::is_of_ours(headers) {
            return Err(Failure::Forged);
        }
        let body = self.bodies.read(crate::http::content_length(headers), body).await;
        let bytes = body.map_err(Problem::from)?.bytes;
        let text = String::from_utf8(bytes).map_err(|_| Problem::invalid("not UTF-8"))?;
        Ok(Query::parse(&text, route.names)?)
    }
}

/// To log in first, and come back where that is possible.
fn to_log_in(asked: &Asked<'_>, is_form: bool, is_live: bool) -> Response {
    if is_live {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return response;
    }
    if is_form || asked.path == "/" {
        return see("/login");
    }
    let query = if asked.query.is_empty() { "" } else { "?" };
    let next: String = format!("{}{query}{}", asked.path, asked.query)
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    see(&format!("/login?next={next}"))
}

/// Whether the form is one of this session's.
fn is_of(session: &Session, said: &Query) -> Result<bool, Failure> {
    let csrf = said.get(CSRF, |text| Ok(text.to_owned()))?;
    Ok(csrf.is_some_and(|csrf| session.wrote(&csrf)))
}
