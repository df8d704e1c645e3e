//! Which pages there are, which forms, and what may be said to each.

use warp::http::Method;

use crate::http::api::routes::{decode, parts};

/// What a request asks the dashboard for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The form to log in.
    LogIn,
    /// The same, filled in.
    BeginSession,
    /// Log out.
    EndSession,
    /// How things stand.
    Overview,
    /// Problems that a person should know of.
    ListIssues,
    /// Say that one knows of an issue.
    DismissIssue,
    /// Payments that match nothing.
    ListOrphans,
    /// One of them.
    ShowOrphan,
    /// Say that it belongs to a transaction.
    AttachOrphan,
    /// Say that there is nothing to do about it.
    DismissOrphan,
    /// Say that it is another's.
    DisownOrphan,
    /// What the shop expects, and what became of it.
    ListTransactions,
    /// One of them.
    ShowTransaction,
    /// Say that no money is expected for it any more.
    CloseTransaction,
    /// Say that it is after all.
    ReopenTransaction,
    /// What the providers sent.
    ListEvents,
    /// One of them.
    ShowEvent,
    /// Its body, byte for byte.
    DownloadPayload,
    /// What reading it again would change.
    PreviewReplay,
    /// Read it again.
    ReplayEvent,
    /// What the shop's app is told.
    ListDeliveries,
    /// One of them.
    ShowDelivery,
    /// Tell the app again.
    RetryDelivery,
    /// How many were given up.
    CountDead,
    /// Tell the app all of those again.
    RetryDead,
}

/// One page or form.
#[derive(Debug)]
pub(super) struct Route {
    method: &'static str,
    path: &'static str,
    /// The parameters of a page, the fields of a form.
    pub(super) names: &'static [&'static str],
    pub(super) action: Action,
}

/// The field of every form that only a page of the same session can fill.
pub(super) const CSRF: &str = "csrf";

/// All of the dashboard.
const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/login", names: &["next"], action: Action::LogIn },
    Route {
        method: "POST",
        path: "/login",
        names: &["token", "next"],
        action: Action::BeginSession,
    },
    Route { method: "POST", path: "/logout", names: &[CSRF], action: Action::EndSession },
    Route { method: "GET", path: "/", names: &[], action: Action::Overview },
    Route {
        method: "GET",
        path: "/issues",
        names: super::issues::NAMES,
        action: Action::ListIssues,
    },
    Route {
        method: "POST",
        path: "/issues/{id}/dismiss",
        names: &[CSRF, "next"],
        action: Action::DismissIssue,
    },
    Route {
        method: "GET",
        path: "/orphans",
        names: &["kind", "resolved", "cursor"],
        action: Action::ListOrphans,
    },
    Route { method: "GET", path: "/orphans/{id}", names: &["q"], action: Action::ShowOrphan },
    Route {
        method: "POST",
        path: "/orphans/{id}/attach",
        names: &[CSRF, "transaction", "note"],
        action: Action::AttachOrphan,
    },
    Route {
        method: "POST",
        path: "/orphans/{id}/dismiss",
        names: &[CSRF, "reason"],
        action: Action::DismissOrphan,
    },
    Route {
        method: "POST",
        path: "/orphans/{id}/foreign",
        names: &[CSRF, "note"],
        action: Action::DisownOrphan,
    },
    Route {
        method: "GET",
        path: "/transactions",
        names: super::transactions::NAMES,
        action: Action::ListTransactions,
    },
    Route {
        method: "GET",
        path: "/transactions/{id}",
        names: &[],
        action: Action::ShowTransaction,
    },
    Route {
        method: "POST",
        path: "/transactions/{id}/close",
        names: &[CSRF],
        action: Action::CloseTransaction,
    },
    Route {
        method: "POST",
        path: "/transactions/{id}/reopen",
        names: &[CSRF],
        action: Action::ReopenTransaction,
    },
    Route {
        method: "GET",
        path: "/events",
        names: super::events::NAMES,
        action: Action::ListEvents,
    },
    Route { method: "GET", path: "/events/{id}", names: &[], action: Action::ShowEvent },
    Route {
        method: "GET",
        path: "/events/{id}/payload",
        names: &[],
        action: Action::DownloadPayload,
    },
    Route { method: "GET", path: "/events/{id}/replay", names: &[], action: Action::PreviewReplay },
    Route {
        method: "POST",
        path: "/events/{id}/replay",
        names: &[CSRF],
        action: Action::ReplayEvent,
    },
    Route {
        method: "GET",
        path: "/deliveries",
        names: super::deliveries::NAMES,
        action: Action::ListDeliveries,
    },
    // Before the one below, which it would be taken for.
    Route {
        method: "GET",
        path: "/deliveries/retry",
        names: &["since"],
        action: Action::CountDead,
    },
    Route {
        method: "POST",
        path: "/deliveries/retry",
        names: &[CSRF, "since"],
        action: Action::RetryDead,
    },
    Route { method: "GET", path: "/deliveries/{id}", names: &[], action: Action::ShowDelivery },
    Route {
        method: "POST",
        path: "/deliveries/{id}/retry",
        names: &[CSRF],
        action: Action::RetryDelivery,
    },
];

/// The first parts of the paths that are the dashboard's.
const PARTS: &[&str] =
    &["", "assets", "deliveries", "events", "issues", "login", "logout", "orphans", "transactions"];

/// Whether a path is the dashboard's, be there a page or not.
pub(super) fn is_ours(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
    path.starts_with('/') && PARTS.contains(&first)
}

/// Why there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Astray {
    /// There is no such page.
    NotFound,
    /// There is, but not for this method.
    Method(&'static str),
}

/// The route of a request, and the parts of its path that stand for something, decoded.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Astray> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let mut astray = Astray::NotFound;
    for route in ROUTES {
        let Some(parts) = parts(route.path, path) else { continue };
        if route.method == method {
            let decoded: Option<Vec<_>> = parts.into_iter().map(decode).collect();
            return decoded.map(|decoded| (route, decoded)).ok_or(Astray::NotFound);
        }
        astray = Astray::Method(route.method);
    }
    Err(astray)
}

/// Whether a path is that of a page, to go there after logging in.
pub(super) fn is_page(path: &str) -> bool {
    let known = path.split('?').next().unwrap_or("");
    let clean = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    clean && find(&Method::GET, known).is_ok_and(|(route, _)| route.action != Action::LogIn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_are_gone_to_after_logging_in() {
        assert!(is_page("/") && is_page("/orphans/7?a=b"));
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/login",
            "/logout",
            "/a",
        ] {
            assert!(!is_page(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn every_route_is_ours_and_every_form_is_of_a_session() {
        for route in ROUTES {
            assert!(is_ours(route.path), "{}", route.path);
            let needs = route.method == "POST" && route.action != Action::BeginSession;
            assert_eq!(route.names.contains(&CSRF), needs, "{}", route.path);
        }
        for other in ["/api/v1/events", "/metrics", "/readyz", "/apis", "", "x"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
