//! Asking a URL whether it is who it should be: one request, no second try, and the reason if there
//! is no answer.

use std::io;

use serde_json::Value;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

use crate::domain::time::Timestamp;

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// What the server calls itself.
    pub server: Option<String>,
    /// What time it is there, UTC, in whole seconds.
    pub date: Option<Timestamp>,
    /// The beginning of the body, as far as it is text.
    pub body: String,
}

impl Answer {
    /// The body, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// Nobody listens there.
    #[error("the connection is refused")]
    Refused,
    /// The name has no address.
    #[error("the name is not known")]
    Name,
    /// It took too long.
    #[error("no answer within the time")]
    Late,
    /// No secure connection, in words.
    #[error("TLS fails: {0}")]
    Tls(String),
    /// Something else, in words.
    #[error("no answer: {0}")]
    Other(String),
}

/// Asks, on a connection for each.
#[derive(Clone, Debug)]
pub struct Probe(Agent);

/// As much of a body is looked at; our own answers are a line.
const LOOKED_AT: u64 = 16 * 1024;

impl Probe {
    /// Ready to ask.
    pub fn new() -> Self {
        Self(super::agent(None))
    }

    /// GET. Blocks, five seconds at most.
    pub fn get(&self, url: &str) -> Result<Answer, Silence> {
        read(self.0.get(url).call())
    }

    /// POST of a body that is said to be JSON. Blocks, five seconds at most.
    pub fn post(&self, url: &str, body: &[u8]) -> Result<Answer, Silence> {
        read(self.0.post(url).header(header::CONTENT_TYPE, "application/json").send(body))
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

fn read(answer: Result<Response<Body>, ureq::Error>) -> Result<Answer, Silence> {
    let answer = answer.map_err(silence)?;
    let text = |name| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
    Ok(Answer {
        status: answer.status().as_u16(),
        location: text(header::LOCATION),
        server: text(header::SERVER),
        date: text(header::DATE).and_then(|date| super::date(&date)),
        // A body that is too long or breaks off is not ours, and the rest says enough.
        body: super::body(answer, LOOKED_AT)
            .map(|body| String::from_utf8_lossy(&body).into_owned())
            .unwrap_or_default(),
    })
}

fn silence(error: ureq::Error) -> Silence {
    match error {
        ureq::Error::HostNotFound => Silence::Name,
        ureq::Error::Timeout(_) => Silence::Late,
        ureq::Error::Tls(words) => Silence::Tls(words.to_owned()),
        ureq::Error::Rustls(error) => Silence::Tls(error.to_string()),
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Silence::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Silence::Late,
            // rustls speaks through the stream.
            io::ErrorKind::InvalidData => Silence::Tls(error.to_string()),
            // There is no kind of error for a name that nobody knows.
            _ if error.to_string().starts_with("failed to lookup address") => Silence::Name,
            _ => Silence::Other(error.to_string()),
        },
        other => Silence::Other(other.to_string()),
    }
}
