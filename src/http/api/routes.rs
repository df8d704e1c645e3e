//! Every path of the API, what can be done with it, with which parameters, and by whom.

use std::pin::Pin;
use std::sync::Arc;

use warp::http::Method;
use warp::reply::Response;

use super::call::{Api, Call};
use super::problem::Problem;
use super::query::decode;
use super::{changes, deliveries, document, events, issues, orphans, subscriptions, transactions};

/// What a handler answers.
type Answered<'a> = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send + 'a>>;

/// One row of [`ROUTES`].
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path; a part in braces stands for anything.
    pub path: &'static str,
    /// The parameters that its query may have.
    pub parameters: &'static [&'static str],
    /// Whether it takes a JSON object.
    pub takes_body: bool,
    /// Who answers.
    pub(super) handler: for<'a> fn(&'a Arc<Api>, Call) -> Answered<'a>,
}

/// A row a line: the method, the path, the parameters, `json` if it takes a body, the handler.
macro_rules! routes {
    ($($method:ident $path:literal [$($parameter:literal),* $(,)?] $($body:ident)? => $handler:path;)+) => {
        &[$(Route {
            method: stringify!($method),
            path: $path,
            parameters: &[$($parameter),*],
            takes_body: routes!(@ $($body)?),
            handler: |api, call| Box::pin($handler(api, call)),
        },)+]
    };
    (@ json) => { true };
    (@) => { false };
}

/// The whole API.
pub const ROUTES: &[Route] = routes! {
    POST "/api/v1/transactions" [] json => transactions::register;
    GET "/api/v1/transactions" [
        "status", "provider", "order_id", "subscription_id", "livemode", "created_after", "created_before",
        "updated_after", "updated_before", "amount_check", "dispute_status", "limit", "cursor",
    ] => transactions::list;
    GET "/api/v1/transactions/{id}" ["wait", "version"] => transactions::show;
    GET "/api/v1/transactions/by-reference/{provider}/{reference}" ["livemode", "wait", "version"] => transactions::show_by_reference;
    POST "/api/v1/subscriptions" [] json => subscriptions::register;
    GET "/api/v1/subscriptions" [
        "provider", "id", "livemode", "ended", "limit", "cursor",
    ] => subscriptions::list;
    GET "/api/v1/subscriptions/{id}" [] => subscriptions::show;
    POST "/api/v1/subscriptions/{id}/end" [] => subscriptions::end;
    POST "/api/v1/subscriptions/{id}/reopen" [] => subscriptions::reopen;
    GET "/api/v1/changes" ["after", "wait", "limit"] => changes::list;
    GET "/api/v1/events" [
        "provider", "status", "event_type", "livemode", "received_after", "received_before",
        "transaction_id", "source", "limit", "cursor",
    ] => events::list;
    GET "/api/v1/events/{id}" [] => events::show;
    GET "/api/v1/orphans" [
        "provider", "livemode", "kind", "resolved", "limit", "cursor",
    ] => orphans::list;
    GET "/api/v1/orphans/{id}" [] => orphans::show;
    POST "/api/v1/transactions/{id}/close" ["even_if_paid"] => transactions::close;
    POST "/api/v1/transactions/{id}/reopen" [] => transactions::reopen;
    POST "/api/v1/events/{id}/replay" ["dry_run"] => events::replay;
    POST "/api/v1/orphans/{id}/resolve" [] json => orphans::resolve;
    GET "/api/v1/deliveries" ["status", "transaction_id", "limit", "cursor"] => deliveries::list;
    GET "/api/v1/deliveries/{id}" [] => deliveries::show;
    POST "/api/v1/deliveries/{id}/retry" [] => deliveries::retry;
    GET "/api/v1/issues" ["status", "kind", "limit", "cursor"] => issues::list;
    GET "/api/v1/issues/{id}" [] => issues::show;
    POST "/api/v1/issues/{id}/dismiss" [] => issues::dismiss;
    GET "/api/v1/openapi.json" [] => document;
};

/// The route of a request, and the parts of its path that stand for something, decoded.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Problem> {
    let mut allowed = Vec::new();
    for route in ROUTES {
        let Some(parts) = parts(route.path, path) else { continue };
        if route.method == method.as_str() {
            let decoded: Option<Vec<_>> = parts.into_iter().map(decode).collect();
            let decoded = decoded
                .ok_or_else(|| Problem::invalid("the path is not UTF-8 in percent-encoding"))?;
            return Ok((route, decoded));
        }
        allowed.push(route.method);
    }
    if allowed.is_empty() {
        return Err(Problem::not_found("no such path: see /api/v1/openapi.json"));
    }
    Err(Problem::method_not_allowed(allowed.join(", ")))
}

/// The parts of a path that stand where the pattern has braces; `None` if it is another path.
pub(in crate::http) fn parts<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut parts = Vec::new();
    let (mut expected, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(parts),
            (Some(expected), Some(part)) if expected.starts_with('{') && !part.is_empty() => {
                parts.push(part);
            }
            (Some(expected), Some(part)) if expected == part => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_part_by_part() {
        let found = |path: &str| find(&Method::GET, path).map(|(route, parts)| (route.path, parts));
        let Ok((pattern, parts)) = found("/api/v1/transactions/by-reference/stripe/a%2Fb") else {
            panic!("a path");
        };
        assert_eq!(pattern, "/api/v1/transactions/by-reference/{provider}/{reference}");
        assert_eq!(parts, ["stripe", "a/b"]);
        for path in [
            "/api",
            "/api/v1",
            "/api/v1/",
            "/api/v1/transactions/",
            "/api/v1/transactions/1/",
            "/api/v1//transactions",
            "/api/v1/transactions/by-reference/stripe",
            "/api/v1/transactions/%ff",
            "/api/v2/transactions",
        ] {
            assert!(found(path).is_err(), "{path}");
        }
        assert!(find(&Method::DELETE, "/api/v1/transactions").is_err());
    }
}
