//! The admin listener: for the shop's own box.

use std::sync::Arc;

use warp::Filter;
use warp::http::{Method, StatusCode};
use warp::reply::Response;

use super::{Routes, answer, method_not_allowed, not_found, unavailable};
use crate::http::refusals::Throttle;
use crate::logfmt::Line;
use crate::store::Store;

/// What the admin listener answers: `/readyz` says whether commits work.
pub fn routes(store: Store) -> Routes {
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
    readyz.or(other).unify().boxed()
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
