//! The admin listener: for the shop's own box.

use std::sync::Arc;

use warp::Filter;
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;

use super::api::problem::Problem;
use super::api::{self, Api};
use super::token::Token;
use super::{Routes, answer, method_not_allowed, not_found, unavailable};
use crate::http::refusals::Throttle;
use crate::logfmt::Line;
use crate::store::Store;

/// What the admin listener answers: `/readyz` says whether commits work; everything else wants the
/// token.
pub fn routes(store: Store, token: Token, api: Arc<Api>) -> Routes {
    let trouble = Arc::new(Throttle::new(1, std::time::Duration::from_secs(60)));
    let readyz = warp::path("readyz").and(warp::path::end()).and(warp::method()).then(
        move |method: Method| {
            let (store, trouble) = (store.clone(), Arc::clone(&trouble));
            async move {
                if method != Method::GET && method != Method::HEAD {
                    return method_not_allowed("GET, HEAD");
                }
                ready(&store, &trouble).await
            }
        },
    );
    let other = warp::any().map(not_found);
    readyz.or(without(token)).unify().or(api::routes(api)).unify().or(other).unify().boxed()
}

/// Answers whoever does not say the token; passes over the others.
fn without(token: Token) -> Routes {
    let token = Arc::new(token);
    let refused = Arc::new(Throttle::new(10, std::time::Duration::from_secs(10)));
    warp::header::headers_cloned()
        .and(warp::path::full())
        .and_then(move |headers: HeaderMap, path: FullPath| {
            let knows = token.is_in(&headers);
            let refused = Arc::clone(&refused);
            async move {
                if knows {
                    return Err(warp::reject());
                }
                if let Some(left_out) = refused.pass(std::time::Instant::now()) {
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

async fn ready(store: &Store, trouble: &Throttle) -> Response {
    match store.probe().await {
        Ok(()) => answer(StatusCode::OK, r#"{"ready":true}"#),
        Err(error) => {
            if trouble.pass(std::time::Instant::now()).is_some() {
                Line::error("not ready").with("err", &error).emit();
            }
            unavailable(r#"{"ready":false,"reason":"commits do not work: see the log"}"#, "5")
        }
    }
}
