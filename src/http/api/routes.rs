//! Every path of the API, what can be done with it, and with which parameters.

use warp::http::Method;

use super::problem::Problem;
use percent_encoding::percent_decode_str;

/// Something that can be asked of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Register a transaction.
    Register,
    /// Transactions, newest first.
    ListTransactions,
    /// One transaction with its history; may wait for a change.
    ShowTransaction,
    /// The same, by an id of the provider's.
    ShowTransactionByReference,
    /// Every change of every transaction, in the order of commits; may wait for one.
    ListChanges,
    /// Events, newest first.
    ListEvents,
    /// One event with its payload.
    ShowEvent,
    /// Orphans, newest first.
    ListOrphans,
    /// One orphan.
    ShowOrphan,
    /// The shop expects no money for a transaction any more.
    CloseTransaction,
    /// It does after all.
    ReopenTransaction,
    /// Read a stored event again.
    ReplayEvent,
    /// Say what an orphan is.
    ResolveOrphan,
    /// What the shop's app is told, newest first.
    ListDeliveries,
    /// One delivery with its attempts.
    ShowDelivery,
    /// Tell the app again.
    RetryDelivery,
    /// Problems, newest first.
    ListIssues,
    /// One problem.
    ShowIssue,
    /// A person knows of a problem.
    DismissIssue,
    /// The OpenAPI document.
    Document,
}

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
    /// What it asks for.
    pub operation: Operation,
}

/// The whole API.
pub const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: "/api/v1/transactions",
        parameters: &[],
        takes_body: true,
        operation: Operation::Register,
    },
    Route {
        method: "GET",
        path: "/api/v1/transactions",
        parameters: &[
            "status",
            "provider",
            "order_id",
            "livemode",
            "created_after",
            "created_before",
            "updated_after",
            "updated_before",
            "amount_check",
            "dispute_status",
            "limit",
            "cursor",
        ],
        takes_body: false,
        operation: Operation::ListTransactions,
    },
    Route {
        method: "GET",
        path: "/api/v1/transactions/{id}",
        parameters: &["wait", "version"],
        takes_body: false,
        operation: Operation::ShowTransaction,
    },
    Route {
        method: "GET",
        path: "/api/v1/transactions/by-reference/{provider}/{reference}",
        parameters: &["livemode", "wait", "version"],
        takes_body: false,
        operation: Operation::ShowTransactionByReference,
    },
    Route {
        method: "GET",
        path: "/api/v1/changes",
        parameters: &["after", "wait", "limit"],
        takes_body: false,
        operation: Operation::ListChanges,
    },
    Route {
        method: "GET",
        path: "/api/v1/events",
        parameters: &[
            "provider",
            "status",
            "event_type",
            "livemode",
            "received_after",
            "received_before",
            "transaction_id",
            "source",
            "limit",
            "cursor",
        ],
        takes_body: false,
        operation: Operation::ListEvents,
    },
    Route {
        method: "GET",
        path: "/api/v1/events/{id}",
        parameters: &[],
        takes_body: false,
        operation: Operation::ShowEvent,
    },
    Route {
        method: "GET",
        path: "/api/v1/orphans",
        parameters: &["provider", "livemode", "kind", "resolved", "limit", "cursor"],
        takes_body: false,
        operation: Operation::ListOrphans,
    },
    Route {
        method: "GET",
        path: "/api/v1/orphans/{id}",
        parameters: &[],
        takes_body: false,
        operation: Operation::ShowOrphan,
    },
    Route {
        method: "POST",
        path: "/api/v1/transactions/{id}/close",
        parameters: &[],
        takes_body: false,
        operation: Operation::CloseTransaction,
    },
    Route {
        method: "POST",
        path: "/api/v1/transactions/{id}/reopen",
        parameters: &[],
        takes_body: false,
        operation: Operation::ReopenTransaction,
    },
    Route {
        method: "POST",
        path: "/api/v1/events/{id}/replay",
        parameters: &["dry_run"],
        takes_body: false,
        operation: Operation::ReplayEvent,
    },
    Route {
        method: "POST",
        path: "/api/v1/orphans/{id}/resolve",
        parameters: &[],
        takes_body: true,
        operation: Operation::ResolveOrphan,
    },
    Route {
        method: "GET",
        path: "/api/v1/deliveries",
        parameters: &["status", "transaction_id", "limit", "cursor"],
        takes_body: false,
        operation: Operation::ListDeliveries,
    },
    Route {
        method: "GET",
        path: "/api/v1/deliveries/{id}",
        parameters: &[],
        takes_body: false,
        operation: Operation::ShowDelivery,
    },
    Route {
        method: "POST",
        path: "/api/v1/deliveries/{id}/retry",
        parameters: &[],
        takes_body: false,
        operation: Operation::RetryDelivery,
    },
    Route {
        method: "GET",
        path: "/api/v1/issues",
        parameters: &["status", "kind", "limit", "cursor"],
        takes_body: false,
        operation: Operation::ListIssues,
    },
    Route {
        method: "GET",
        path: "/api/v1/issues/{id}",
        parameters: &[],
        takes_body: false,
        operation: Operation::ShowIssue,
    },
    Route {
        method: "POST",
        path: "/api/v1/issues/{id}/dismiss",
        parameters: &[],
        takes_body: false,
        operation: Operation::DismissIssue,
    },
    Route {
        method: "GET",
        path: "/api/v1/openapi.json",
        parameters: &[],
        takes_body: false,
        operation: Operation::Document,
    },
];

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

/// The text that is percent-encoded (RFC 3986); `None` if it is not UTF-8.
pub(in crate::http) fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(String::from)
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
        let found =
            |path: &str| find(&Method::GET, path).map(|(route, parts)| (route.operation, parts));
        let Ok((operation, parts)) = found("/api/v1/transactions/by-reference/stripe/a%2Fb") else {
            panic!("a path");
        };
        assert_eq!(operation, Operation::ShowTransactionByReference);
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
