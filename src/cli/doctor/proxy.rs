//! Whether the public URL leads to the daemon: an unsigned webhook is posted to it, which nobody but
//! the daemon refuses in the daemon's words.

use serde_json::Value;

use super::installation::Patient;
use super::{Check, Finding};
use crate::clients::probe::{Answer, Probe, Silence};
use crate::config::Config;
use crate::domain::provider::Provider;

const CHECK: Check = Check("proxy");
/// As large as providers' events get; a proxy must let it through.
const PROBE_BYTES: usize = 256 * 1024;

/// Posts an unsigned webhook for each provider to `public_url`, and asks it for what should not be
/// seen from outside.
pub(super) fn check(patient: &Patient, public_url: &str) -> Vec<Finding> {
    let base = public_url.trim_end_matches('/');
    if !["http://", "https://"].iter().any(|scheme| base.starts_with(scheme)) {
        return vec![
            CHECK.fail(format!("{base} is no URL"), "give one such as https://shop.example"),
        ];
    }
    let mut findings = Vec::new();
    if base.starts_with("http://") && !base.starts_with("http://127.0.0.1:") {
        findings.push(CHECK.warn(
            format!("{base} is without TLS, which the providers demand"),
            "let the proxy have a certificate, and give https:// here and in the dashboards",
        ));
    }
    let probe = Probe::new();
    let config = patient.config.as_ref();
    let bytes = config.map_or(PROBE_BYTES, |config| config.max_body.min(PROBE_BYTES));
    for provider in config.map_or_else(|| Provider::ALL.to_vec(), Config::providers) {
        let url = format!("{base}/accounts/webhooks/{provider}/");
        findings.push(judge(&url, probe.post(&url, &vec![b' '; bytes])));
    }
    findings.extend(exposure(base));
    findings
}

fn judge(url: &str, answer: Result<Answer, Silence>) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        Err(silence) => return unreached(url, &silence),
    };
    let Answer { status, .. } = answer;
    let said = answer.json();
    let error = said.as_ref().and_then(|said| said["error"].as_str());
    if let (400, Some("refused")) = (status, error) {
        return CHECK.ok(format!("{url} leads to payhookd, which refused an unsigned probe"));
    }
    let (what, remedy) = if error.is_some_and(is_ours) {
        of_ours(status, error.unwrap_or_default())
    } else {
        of_others(&answer)
    };
    CHECK.fail(format!("{url}: {what}"), remedy)
}

/// The words of the public listener's other answers.
fn is_ours(error: &str) -> bool {
    [
        "not found",
        "method not allowed",
        "the body is too large",
        "the body came too slowly",
        "the body broke off",
        "too many large bodies at once",
        "the signature can't be checked now",
        "the event can't be kept now",
    ]
    .contains(&error)
        || error.ends_with(" is not configured")
}

/// Payhookd answered, but not as it should.
fn of_ours(status: u16, error: &str) -> (String, &'static str) {
    match status {
        404 => (
            "payhookd is reached, but at another path: the proxy changes it".to_owned(),
            "nginx: no path behind the address, `proxy_pass http://127.0.0.1:8080;`. Caddy: \
             `handle`, not `handle_path`",
        ),
        405 => (
            "payhookd is reached, but the proxy makes another request of a POST".to_owned(),
            "let the proxy forward requests as they are",
        ),
        413 => (
            "payhookd refuses a body of ordinary size".to_owned(),
            "raise PAYHOOKD_MAX_BODY, and restart it",
        ),
        _ if error.ends_with(" is not configured") => (
            format!("payhookd is reached, but {error} there"),
            "restart the daemon if its settings have changed since its start: systemctl restart \
             payhookd",
        ),
        _ => (
            format!("payhookd is reached, but says: {error}"),
            "journalctl -u payhookd -p warning -e",
        ),
    }
}

/// Not payhookd answered.
fn of_others(answer: &Answer) -> (String, &'static str) {
    let status = answer.status;
    let who = match &answer.server {
        Some(server) => format!("not payhookd but {server} answers {status}"),
        None => format!("somebody else than payhookd answers {status}"),
    };
    match status {
        200..=299 => (
            format!("{who}: the providers take that for received, and their events are lost"),
            "forward /accounts/webhooks/ to payhookd's public listener: README, Run it",
        ),
        300..=399 => (
            format!(
                "{who}, a redirect to {}: the providers follow none",
                answer.location.as_deref().unwrap_or("nowhere")
            ),
            "let the proxy forward this path without a redirect, or give the place that it leads \
             to in the dashboards",
        ),
        401 | 403 | 407 | 429 => (
            format!("{who}: a password, a firewall or a protection against robots is before it"),
            "leave /accounts/webhooks/ out of it: webhooks are verified by their signature",
        ),
        404 | 410 => (
            format!("{who}: the path is not forwarded"),
            "forward /accounts/webhooks/ to payhookd's public listener: README, Run it",
        ),
        405 => (
            format!("{who}: the path leads to something that takes no POST"),
            "forward /accounts/webhooks/ to payhookd's public listener: README, Run it",
        ),
        413 => (
            format!("{who}: bodies as large as events are refused"),
            "nginx: `client_max_body_size 1m;`. Caddy: no `request_body` with a smaller `max_size`",
        ),
        502..=504 => (
            format!("{who}: it does not reach payhookd"),
            "see whether the daemon runs and listens where the proxy forwards to: systemctl status \
             payhookd.socket payhookd",
        ),
        _ => (who, "look at the proxy's error log; README, Run it, shows what it needs"),
    }
}

fn unreached(url: &str, silence: &Silence) -> Finding {
    let remedy = match silence {
        Silence::Name => "set the name's A and AAAA records to this machine's addresses",
        Silence::Tls(_) => {
            "give the proxy a valid certificate for this name, with its intermediates: certbot \
             renew, or caddy's log"
        }
        Silence::Late | Silence::Refused | Silence::Other(_) => {
            "see whether the proxy runs, and whether a firewall lets port 443 through: ss -ltn"
        }
    };
    CHECK.fail(format!("{url}: {silence}"), remedy)
}

/// The admin listener must not be seen from outside.
fn exposure(base: &str) -> Option<Finding> {
    let url = format!("{base}/readyz");
    // On a connection of its own: who refused a body unread may be closing the one that it came on.
    let said = Probe::new().get(&url).ok()?.json()?;
    said.get("ready").and_then(Value::as_bool)?;
    Some(CHECK.fail(
        format!("{url} leads to the admin listener, which is for this machine alone"),
        "forward nothing but /accounts/webhooks/, and to the public listener",
    ))
}
