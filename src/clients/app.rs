//! The shop's app: told of changes over HTTP.

use std::io::Read;
use std::time::Duration;

use ureq::Agent;

use super::standard_webhooks::NotifyKeys;
use super::{Reply, wait};
use crate::domain::delivery::{NoAnswer, Said};
use crate::domain::time::Timestamp;

/// How long one attempt may take, all of it.
pub const LIMIT: Duration = Duration::from_secs(15);
/// How long of that the connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The app's endpoint for notifications.
#[derive(Debug)]
pub struct App {
    agent: Agent,
    url: String,
    keys: NotifyKeys,
}

impl App {
    /// The endpoint at `url`, whose app checks signatures by one of `keys`. One attempt takes
    /// `limit` at most.
    pub fn new(url: String, keys: NotifyKeys, limit: Duration) -> Self {
        Self { agent: agent(limit), url, keys }
    }

    /// Posts a message as it is, signed for this attempt. Blocks.
    pub fn post(&self, message_id: &str, body: &str, now: Timestamp) -> Reply {
        let sent = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", message_id)
            .header("webhook-timestamp", now.unix_seconds().to_string())
            .header("webhook-signature", self.keys.sign(message_id, now, body))
            .send(body);
        reply(sent, now, "the app", |_, error| format!("no answer from the app: {error}"))
    }
}

/// A client for messages now and then, each of which may take `limit`.
pub(super) fn agent(limit: Duration) -> Agent {
    super::settings(None)
        .timeout_global(Some(limit))
        .timeout_connect(Some(limit.min(CONNECT)))
        // A kept connection that the app has just closed would look like an app that is down.
        .max_idle_connections(0)
        .build()
        .new_agent()
}

/// What came of a message to `whom`. `none` says in words that nothing was answered.
pub(super) fn reply(
    sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    now: Timestamp,
    whom: &str,
    none: impl FnOnce(NoAnswer, &ureq::Error) -> String,
) -> Reply {
    match sent {
        Ok(answer) => read(answer, now, whom),
        Err(error) => {
            let why = no_answer(&error);
            Reply::none(why, none(why, &error))
        }
    }
}

/// The status alone decides; an answer that breaks off behind it is an answer.
fn read(answer: ureq::http::Response<ureq::Body>, now: Timestamp, whom: &str) -> Reply {
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let said = match status {
        200..=299 => Said::Taken,
        410 => Said::Gone,
        429 | 503 => Said::NotTaken { wait: retry_after.and_then(|text| wait(text, now)) },
        // Also 3xx: whoever redirects a signed message would get it for another host.
        _ => Said::NotTaken { wait: None },
    };
    let mut beginning = Vec::new();
    let mut body = answer.into_body().into_reader().take(super::KEPT as u64);
    // What came before it broke off is kept.
    let _ = body.read_to_end(&mut beginning);
    Reply {
        code: Ok(i32::from(status)),
        said,
        answer: super::beginning(&beginning),
        failure: (said != Said::Taken).then(|| format!("{whom} answered {status}")),
    }
}

fn no_answer(error: &ureq::Error) -> NoAnswer {
    use std::io::ErrorKind;
    match error {
        ureq::Error::Timeout(_) => NoAnswer::Timeout,
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => NoAnswer::Connect,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => NoAnswer::Tls,
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => NoAnswer::Timeout,
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => NoAnswer::Closed,
            // So a certificate that is not trusted comes.
            ErrorKind::InvalidData => NoAnswer::Tls,
            _ => NoAnswer::Connect,
        },
        _ => NoAnswer::Protocol,
    }
}
