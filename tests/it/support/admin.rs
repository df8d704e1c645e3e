//! The shop's app: speaks to the admin listener, with the token.

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::wire::{Answer, Connection};

/// Who knows the token of a daemon.
pub(crate) struct App {
    address: SocketAddr,
    authorization: String,
}

impl App {
    /// Finds the token in the file that the daemon made.
    pub(crate) fn of(daemon: &Daemon) -> Self {
        let file = daemon.options().folder().join("api-token");
        let token = std::fs::read_to_string(file).expect("the file of the token");
        Self::with_token(daemon, token.trim_end())
    }

    /// Says this token.
    pub(crate) fn with_token(daemon: &Daemon, token: &str) -> Self {
        Self { address: daemon.admin, authorization: format!("Bearer {token}") }
    }

    /// Sends a request on a connection of its own and does not wait for the answer.
    pub(crate) fn begin(&self, path: &str) -> Connection {
        let mut connection = Connection::open(self.address);
        connection.send_request("GET", path, &[("authorization", &self.authorization)], "");
        connection
    }

    /// One request on a connection of its own.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let mut all = vec![("authorization", &*self.authorization)];
        all.extend_from_slice(headers);
        Connection::open(self.address).request(method, path, &all, body)
    }

    /// GET
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.begin(path).answer()
    }

    /// GET of something that is there.
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        answer.json()
    }

    /// POST of a body that is said to be JSON.
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.request("POST", path, &[("content-type", "application/json")], body)
    }

    /// Registers a transaction.
    pub(crate) fn register(&self, body: &Value) -> Answer {
        self.post(TRANSACTIONS, body.to_string())
    }
}

/// The collection of transactions.
pub(crate) const TRANSACTIONS: &str = "/api/v1/transactions";

/// Whether the answer is a problem with this status, and what it says.
pub(crate) fn problem(answer: &Answer, status: u16) -> Value {
    let said = answer.text();
    assert_eq!(answer.status, status, "{said}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{said}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{said}");
    for key in ["type", "title", "detail"] {
        assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {said}");
    }
    problem
}
