//! The only place that calls others: over HTTP, or by running the shop's command. Calls block, so
//! they run on threads of their own, never on the way of a webhook that could be answered without
//! them.

pub mod alert;
pub mod api;
pub mod apis;
pub mod app;
pub mod certificates;
pub mod command;
pub mod keys;
pub mod mail;
pub mod message;
mod oauth;
pub mod paypal;
pub mod postback;
pub mod probe;
pub mod sender;
pub mod standard_webhooks;
pub mod stripe;

use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

use crate::domain::delivery::{NoAnswer, Said};
use crate::domain::time::Timestamp;

/// How long one call may take, all of it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client that follows nowhere, goes through no proxy and waits for nobody. `roots` are trusted
/// in place of the public ones.
fn agent(roots: Option<&[u8]>) -> Agent {
    settings(roots).build().new_agent()
}

fn settings(roots: Option<&[u8]>) -> ConfigBuilder<AgentScope> {
    let roots = roots.map(|pem| {
        let parsed = ureq::tls::parse_pem(pem).filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        parsed.collect::<Vec<Certificate<'static>>>()
    });
    let roots = match roots {
        Some(roots) if !roots.is_empty() => RootCerts::from(roots),
        _ => RootCerts::WebPki,
    };
    Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .user_agent(concat!("payhookd/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
}

/// The body of an answer, if it is no larger than `limit` bytes.
fn body(answer: ureq::http::Response<ureq::Body>, limit: u64) -> Result<Vec<u8>, ureq::Error> {
    answer.into_body().with_config().limit(limit).read_to_vec()
}

/// `Retry-After`: seconds, or a date.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(date(text)?.since(now))
}

/// The time in a header, if it is one since 1970.
fn date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::EPOCH.plus(since_epoch))
}

/// What the shop's app, or a target of alerts, said to a message.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status or exit code.
    pub code: Result<i32, NoAnswer>,
    /// What that means.
    pub said: Said,
    /// The beginning of what it answered or printed.
    pub answer: String,
    /// What went wrong, in words; `None` if nothing did.
    pub failure: Option<String>,
}

impl Reply {
    /// That there was none.
    pub fn none(why: NoAnswer, failure: String) -> Self {
        let said = Said::NotTaken { wait: None };
        Self { code: Err(why), said, answer: String::new(), failure: Some(failure) }
    }
}

/// As many bytes of an app's answer are read and kept.
const KEPT: usize = 1024;

/// Bytes of an answer as text, no longer than they are kept.
fn beginning(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    text.truncate(text.floor_char_boundary(KEPT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("2026-11-23T11:52:03.250Z").expect("a time");
        let millis = |text| wait(text, now).map(|wait| wait.as_millis());
        for (text, expected) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("Mon, 23 Nov 2026 11:53:03 GMT", Some(59_750)),
            ("Monday, 23-Nov-26 11:53:03 GMT", Some(59_750)),
            ("Mon, 23 Nov 2026 11:52:03 GMT", Some(0)),
            ("Mon, 23 Nov 1926 11:52:03 GMT", None),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(millis(text), expected, "{text:?}");
        }
        assert!(millis("18446744073709551615").is_some());
    }
}
