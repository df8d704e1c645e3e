//! The pages that are measured.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use crate::client::{Daemon, TOKEN, agent};
use crate::seed::Size;

/// What is asked for, by name; an id in braces is that of one in the middle. Pages are asked for as a
/// person who logged in, the rest as the shop's app.
const PAGES: &[(&str, &str)] = &[
    ("overview", "/"),
    ("issues", "/issues"),
    ("issues: over", "/issues?status=closed"),
    ("issues: over, of a rare kind", "/issues?status=closed&kind=clock"),
    ("orphans", "/orphans"),
    ("orphan", "/orphans/{orphan}"),
    ("transactions", "/transactions"),
    ("transactions: charged back", "/transactions?status=charged_back"),
    ("transactions: too little", "/transactions?amount_check=underpaid"),
    ("transactions: by order id", "/transactions?q=A-150000"),
    ("transactions: by its beginning", "/transactions?q=A-15"),
    ("transactions: by a common amount", "/transactions?q=49.99"),
    ("transactions: nothing found", "/transactions?q=nothing&status=failed"),
    ("transaction", "/transactions/{transaction}"),
    ("events", "/events"),
    ("events: failed", "/events?status=failed"),
    ("events: orphans'", "/events?status=orphan"),
    ("events: of no such type", "/events?event_type=no.such.type"),
    ("events: of the last week", "/events?since=7d&status=processed"),
    ("event", "/events/{event}"),
    ("event of an orphan", "/events/{orphan_event}"),
    ("event: read again?", "/events/{event}/replay"),
    ("deliveries", "/deliveries"),
    ("deliveries: given up", "/deliveries?status=dead"),
    ("delivery", "/deliveries/{event}"),
    ("deliveries: retry?", "/deliveries/retry?since=7d"),
    ("API: transactions", "/api/v1/transactions"),
    ("API: transactions, charged back", "/api/v1/transactions?status=charged_back"),
    ("API: transaction", "/api/v1/transactions/{transaction}"),
    ("API: events", "/api/v1/events"),
    ("API: events, of no such type", "/api/v1/events?event_type=no.such.type"),
    ("API: orphans", "/api/v1/orphans?resolved=false"),
    ("API: deliveries", "/api/v1/deliveries"),
    ("API: issues, open", "/api/v1/issues?status=open"),
    ("metrics", "/metrics"),
];

/// Asks for each page so many times, one after the other, and gives a table.
pub(crate) fn measure(daemon: &Daemon, size: Size, requests: usize) -> io::Result<String> {
    let agent = agent();
    let mut table = format!("{:<40}{:>8}{:>8}{:>8}{:>9}\n", "page", "p50", "p99", "max", "bytes");
    let cookie = log_in(daemon, &agent)?;
    let (orphan, orphan_event) = an_orphan(daemon, &agent)?;
    for (name, path) in PAGES {
        let path = path
            .replace("{transaction}", &(size.transactions / 2).to_string())
            .replace("{event}", &(size.events / 4).to_string())
            .replace("{orphan}", &orphan)
            .replace("{orphan_event}", &orphan_event);
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for _ in 0..requests {
            let began = Instant::now();
            let request = agent.get(format!("{}{path}", daemon.admin));
            let mut response = request
                .header("authorization", format!("Bearer {TOKEN}"))
                .header("cookie", &cookie)
                .call()
                .map_err(|error| io::Error::other(format!("{path}: {error}")))?;
            if response.status() != 200 {
                return Err(io::Error::other(format!("{path}: {}", response.status())));
            }
            bytes = response.body_mut().read_to_vec().map_err(io::Error::other)?.len();
            taken.push(began.elapsed());
        }
        taken.sort_unstable();
        let [median, late, most] = [0.5, 0.99, 1.0].map(|part| percentile(&taken, part));
        writeln!(table, "{name:<40}{median:>8.1}{late:>8.1}{most:>8.1}{bytes:>9}")
            .map_err(io::Error::other)?;
        eprintln!("{name}: {median:.1} ms");
    }
    Ok(table)
}

/// The cookie of a session.
fn log_in(daemon: &Daemon, agent: &ureq::Agent) -> io::Result<String> {
    let response = agent
        .post(format!("{}/login", daemon.admin))
        .send_form([("token", TOKEN)])
        .map_err(io::Error::other)?;
    let cookie = response.headers().get("set-cookie").and_then(|value| value.to_str().ok());
    let cookie = cookie.and_then(|value| value.split(';').next());
    Ok(cookie.ok_or_else(|| io::Error::other("logging in gave no cookie"))?.to_owned())
}

/// The numbers of an open orphan and of an event of one.
fn an_orphan(daemon: &Daemon, agent: &ureq::Agent) -> io::Result<(String, String)> {
    let first = |list: &str| -> io::Result<String> {
        let mut response = agent
            .get(format!("{}/api/v1/{list}&limit=1", daemon.admin))
            .header("authorization", format!("Bearer {TOKEN}"))
            .call()
            .map_err(io::Error::other)?;
        let text = response.body_mut().read_to_string().map_err(io::Error::other)?;
        let page: serde_json::Value = serde_json::from_str(&text)?;
        Ok(page["data"][0]["id"].to_string())
    };
    Ok((first("orphans?resolved=false")?, first("events?status=orphan")?))
}

/// Milliseconds; of the durations, which are sorted, such a part takes no longer.
pub(crate) fn percentile(sorted: &[Duration], part: f64) -> f64 {
    let place = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(place.saturating_sub(1)).map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
}
