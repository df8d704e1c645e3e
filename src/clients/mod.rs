//! The only place that calls others over HTTP. Calls block, so they run on threads of their own,
//! never on the way of a webhook that could be answered without them.

pub mod certificates;
pub mod postback;
pub mod sender;

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long one call may take, all of it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client that follows nowhere, goes through no proxy and waits for nobody. `roots` are trusted
/// in place of the public ones.
fn agent(roots: Option<&[u8]>) -> Agent {
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
        .build()
        .new_agent()
}

/// The body of an answer, if it is no larger than `limit` bytes.
fn body(answer: ureq::http::Response<ureq::Body>, limit: u64) -> Result<Vec<u8>, ureq::Error> {
    answer.into_body().with_config().limit(limit).read_to_vec()
}
