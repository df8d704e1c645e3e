//! Which pages there are, which forms, what may be said to each, and who answers.

use std::pin::Pin;

use warp::http::Method;
use warp::reply::Response;

use super::page::Failure;
use super::sessions::CSRF;
use super::visit::{Dashboard, Guest, Visit};
use super::{
    deliveries, event, events, issues, login, orphan, orphans, overview, subscriptions,
    transaction, transactions,
};
use crate::http::api::query::decode;
use crate::http::api::routes::parts;

/// What a handler answers.
type Answered<'a> = Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + 'a>>;

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handler {
    /// Whoever asks.
    Anybody(fn(&Dashboard, &Guest<'_>) -> Result<Response, Failure>),
    /// Somebody who is logged in.
    Visitor(for<'a> fn(&'a Dashboard, &'a Visit) -> Answered<'a>),
}

/// One page or form.
#[derive(Debug)]
pub(super) struct Route {
    method: &'static str,
    path: &'static str,
    /// The parameters of a page, the fields of a form.
    pub(super) names: &'static [&'static str],
    pub(super) handler: Handler,
}

/// A row a line: the method, the path, what may be said, who answers.
macro_rules! routes {
    ($($method:ident $path:literal $names:expr => $handler:path;)+) => {
        &[
            // Whoever is not logged in.
            Route { method: "GET", path: "/login", names: &["next"], handler: Handler::Anybody(login::form) },
            Route { method: "POST", path: "/login", names: &["token", "next"], handler: Handler::Anybody(login::begin) },
            $(Route {
                method: stringify!($method),
                path: $path,
                names: $names,
                handler: Handler::Visitor(|dashboard, visit| Box::pin($handler(dashboard, visit))),
            },)+
        ]
    };
}

/// All of the dashboard.
const ROUTES: &[Route] = routes! {
    POST "/logout" &[CSRF] => login::end;
    GET "/" &[] => overview::show;
    GET "/issues" issues::NAMES => issues::list;
    POST "/issues/{id}/dismiss" &[CSRF, "next"] => issues::dismiss;
    GET "/orphans" &["kind", "resolved", "cursor"] => orphans::list;
    GET "/orphans/{id}" &["q"] => orphan::show;
    POST "/orphans/{id}/attach" &[CSRF, "transaction", "note"] => orphan::attach;
    POST "/orphans/{id}/dismiss" &[CSRF, "reason"] => orphan::dismiss;
    POST "/orphans/{id}/foreign" &[CSRF, "note"] => orphan::mark_foreign;
    GET "/transactions" transactions::NAMES => transactions::list;
    GET "/transactions/{id}" &[] => transaction::show;
    POST "/transactions/{id}/close" &[CSRF, "even_if_paid"] => transaction::close;
    POST "/transactions/{id}/reopen" &[CSRF] => transaction::reopen;
    GET "/subscriptions" subscriptions::NAMES => subscriptions::list;
    GET "/subscriptions/{id}" &["cursor"] => subscriptions::show;
    POST "/subscriptions/{id}/end" &[CSRF] => subscriptions::end;
    POST "/subscriptions/{id}/reopen" &[CSRF] => subscriptions::reopen;
    GET "/events" events::NAMES => events::list;
    GET "/events/{id}" &[] => event::show;
    GET "/events/{id}/payload" &[] => event::payload;
    GET "/events/{id}/replay" &[] => event::preview;
    POST "/events/{id}/replay" &[CSRF] => event::replay;
    GET "/deliveries" deliveries::NAMES => deliveries::list;
    // Before the one below, which it would be taken for.
    GET "/deliveries/retry" &["since"] => deliveries::ask;
    POST "/deliveries/retry" &[CSRF, "since"] => deliveries::retry_many;
    GET "/deliveries/{id}" &[] => deliveries::show;
    POST "/deliveries/{id}/retry" &[CSRF] => deliveries::retry;
};

/// Why there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteError {
    /// There is no such page.
    NotFound,
    /// There is, but not for this method.
    Method(&'static str),
}

/// The route of a request, and the parts of its path that stand for something, decoded.
pub(super) fn find(
    method: &Method,
    path: &str,
) -> Result<(&'static Route, Vec<String>), RouteError> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let mut error = RouteError::NotFound;
    for route in ROUTES {
        let Some(parts) = parts(route.path, path) else { continue };
        if route.method == method {
            let decoded: Option<Vec<_>> = parts.into_iter().map(decode).collect();
            return decoded.map(|decoded| (route, decoded)).ok_or(RouteError::NotFound);
        }
        error = RouteError::Method(route.method);
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_ours_and_every_form_is_of_a_session() {
        for route in ROUTES {
            assert!(super::super::links::is_ours(route.path), "{}", route.path);
            let needs = route.method == "POST" && matches!(route.handler, Handler::Visitor(_));
            assert_eq!(route.names.contains(&CSRF), needs, "{}", route.path);
        }
        for other in ["/api/v1/events", "/metrics", "/readyz", "/apis", "", "x"] {
            assert!(!super::super::links::is_ours(other), "{other}");
        }
    }
}
