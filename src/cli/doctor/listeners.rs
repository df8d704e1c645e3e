//! Whether a daemon answers where it is to listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;

use super::installation::Patient;
use super::{Check, Finding};
use crate::clients::probe::{Answer, Probe, Silence};

const CHECK: Check = Check("listeners");

/// Asks both listeners how the daemon is.
pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    let Some(options) = &patient.options else { return Vec::new() };
    let probe = Probe::new();
    let public = format!("http://{}/healthz", reachable(options.listen));
    let admin = format!("http://{}/readyz", reachable(options.admin_listen));
    vec![
        judge("public", &public, probe.get(&public), |said| {
            (said["status"] == "ok").then(|| Ok("it accepts webhooks".to_owned()))
        }),
        judge("admin", &admin, probe.get(&admin), |said| {
            let reason = said["reason"].as_str()?.to_owned();
            Some(if said["ready"].as_bool()? { Ok(reason) } else { Err(reason) })
        }),
    ]
}

/// `read` says what a daemon's answer means; `None` if it is not a daemon's.
fn judge(
    name: &str,
    url: &str,
    answer: Result<Answer, Silence>,
    read: impl Fn(&Value) -> Option<Result<String, String>>,
) -> Finding {
    match answer {
        Ok(answer) => match answer.json().as_ref().and_then(read) {
            Some(Ok(said)) => CHECK.ok(format!("{name}: {url} says that {said}")),
            Some(Err(reason)) => CHECK.fail(
                format!("{name}: {url} says that the daemon is not ready: {reason}"),
                "journalctl -u payhookd -p warning -e",
            ),
            None => CHECK.fail(
                format!("{name}: another program answers at {url} (status {})", answer.status),
                "see which one (ss -ltnp), and give payhookd another address: payhookd.socket, or \
                 --listen and --admin-listen",
            ),
        },
        Err(Silence::Late) => CHECK.fail(
            format!("{name}: {url} takes the connection and does not answer: the daemon is not up"),
            "systemctl status payhookd; journalctl -u payhookd -e",
        ),
        Err(silence) => CHECK.fail(
            format!("{name}: no daemon at {url}: {silence}"),
            "systemctl start payhookd.socket payhookd.service; if it listens elsewhere, say where \
             (PAYHOOKD_LISTEN, PAYHOOKD_ADMIN_LISTEN)",
        ),
    }
}

/// A daemon that listens on every address is reached at this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
