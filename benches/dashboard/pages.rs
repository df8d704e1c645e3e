//! The pages that are measured.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use crate::client::{Daemon, TOKEN, agent};
use crate::seed::Size;

/// What is asked for, by name; an id in braces is that of one in the middle.
const PAGES: &[(&str, &str)] = &[
    ("API: transactions", "/api/v1/transactions"),
    ("API: transactions, charged back", "/api/v1/transactions?status=charged_back"),
    ("API: transactions, underpaid", "/api/v1/transactions?amount_check=underpaid"),
    ("API: transactions of an order", "/api/v1/transactions?order_id=A-150000"),
    ("API: transaction", "/api/v1/transactions/{transaction}"),
    ("API: events", "/api/v1/events"),
    ("API: events, failed", "/api/v1/events?status=failed"),
    ("API: events, of no such type", "/api/v1/events?event_type=no.such.type"),
    ("API: event", "/api/v1/events/{event}"),
    ("API: orphans", "/api/v1/orphans?resolved=false"),
    ("API: deliveries", "/api/v1/deliveries"),
    ("API: deliveries, dead", "/api/v1/deliveries?status=dead"),
    ("metrics", "/metrics"),
];

/// Asks for each page so many times, one after the other, and gives a table.
pub(crate) fn measure(daemon: &Daemon, size: Size, requests: usize) -> io::Result<String> {
    let agent = agent();
    let mut table = format!("{:<40}{:>8}{:>8}{:>8}{:>9}\n", "page", "p50", "p99", "max", "bytes");
    for (name, path) in PAGES {
        let path = path
            .replace("{transaction}", &(size.transactions / 2).to_string())
            .replace("{event}", &(size.events / 2).to_string());
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for _ in 0..requests {
            let began = Instant::now();
            let request = agent.get(format!("{}{path}", daemon.admin));
            let mut response = request
                .header("authorization", format!("Bearer {TOKEN}"))
                .call()
                .map_err(|error| io::Error::other(format!("{path}: {error}")))?;
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

/// Milliseconds; of the durations, which are sorted, such a part takes no longer.
pub(crate) fn percentile(sorted: &[Duration], part: f64) -> f64 {
    let place = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(place.saturating_sub(1)).map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
}
