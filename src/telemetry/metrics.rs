//! What is counted and measured while the daemon runs, as Prometheus reads it.
//!
//! The headline is the outcome: money events that were applied, that are orphans, that are ignored.
//! What the database knows better than a counter (open orphans, unfinished deliveries) is asked of it
//! when somebody reads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::refusals::Refusals;
use crate::domain::provider::Provider;
use crate::domain::records::{Outcome, StoreHealth};
use crate::domain::refusal::{NotTaken, Refusal};
use crate::domain::time::Timestamp;
use crate::version::{COMMIT, VERSION};

type Labels<const N: usize> = [(&'static str, &'static str); N];
type TargetLabels = Vec<(&'static str, String)>;

/// The daemon's counters and histograms.
pub struct Metrics {
    registry: Registry,
    webhooks: Family<Labels<3>, Counter>,
    not_taken: Family<Labels<2>, Counter>,
    last_event: Family<Labels<2>, Gauge>,
    last_look: Gauge,
    caught_up: Family<Labels<2>, Counter>,
    reconcile_failures: Family<Labels<1>, Counter>,
    reconcile_interval: Family<Labels<1>, Gauge>,
    seconds: Histogram,
    commit_seconds: Histogram,
    batch: Histogram,
    refusals: Arc<Refusals>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// What is measured at the moment of reading, beside what the database knows.
#[derive(Clone, Debug)]
pub struct Gauges {
    /// Now, UTC.
    pub now: Timestamp,
    /// Webhooks that wait for the writer.
    pub queue_depth: usize,
    /// How often each background task broke off.
    pub task_breaks: Vec<(Arc<str>, u64)>,
    /// Bytes that are free where the database is, if the system tells.
    pub disk_free_bytes: Option<u64>,
}

impl Metrics {
    /// Nothing counted yet; what is refused is counted by `refusals`.
    pub fn new(refusals: Arc<Refusals>) -> Self {
        let mut registry = Registry::with_prefix("payhookd");
        let webhooks = Family::<Labels<3>, Counter>::default();
        registry.register(
            "webhooks",
            "Genuine webhooks that were acknowledged, by outcome: processed, orphan, ignored, \
             failed or duplicate",
            webhooks.clone(),
        );
        let not_taken = Family::<Labels<2>, Counter>::default();
        registry.register(
            "webhooks_not_taken",
            "Requests that were neither acknowledged nor refused for good, by reason: they come again",
            not_taken.clone(),
        );
        // What never happened yet is nothing, and not unknown: otherwise the first time is no increase.
        for provider in Provider::ALL {
            let provider = ("provider", provider.as_str());
            for class in CLASSES {
                for outcome in Outcome::ALL.iter().map(|it| it.as_str()).chain([DUPLICATE]) {
                    let labels = [provider, ("class", class), ("outcome", outcome)];
                    drop(webhooks.get_or_create(&labels));
                }
            }
            for reason in NotTaken::ALL {
                drop(not_taken.get_or_create(&[provider, ("reason", reason.as_str())]));
            }
        }
        let caught_up = Family::<Labels<2>, Counter>::default();
        registry.register(
            "caught_up_events",
            "Events that no webhook had brought and that were fetched, by outcome: processed, \
             orphan, ignored or failed",
            caught_up.clone(),
        );
        let reconcile_failures = Family::<Labels<1>, Counter>::default();
        registry.register(
            "reconcile_failures",
            "Attempts to fetch missed events that did not come to their end",
            reconcile_failures.clone(),
        );
        let reconcile_interval = Family::<Labels<1>, Gauge>::default();
        registry.register_with_unit(
            "reconcile_interval",
            "How often missed events are fetched, of each provider of which they are",
            Unit::Seconds,
            reconcile_interval.clone(),
        );
        for provider in Provider::ALL {
            let provider = ("provider", provider.as_str());
            for outcome in Outcome::ALL {
                drop(caught_up.get_or_create(&[provider, ("outcome", outcome.as_str())]));
            }
            drop(reconcile_failures.get_or_create(&[provider]));
        }
        let last_event = Family::default();
        registry.register_with_unit(
            "last_event_timestamp",
            "When the last genuine event was received, Unix time",
            Unit::Seconds,
            last_event.clone(),
        );
        let last_look = Gauge::default();
        registry.register_with_unit(
            "monitor_last_look_timestamp",
            "When the monitor last looked for what no event tells, Unix time",
            Unit::Seconds,
            last_look.clone(),
        );
        // From a tenth of a millisecond to three seconds.
        let durations = || Histogram::new(exponential_buckets(0.000_1, 2.0, 16));
        let (seconds, commit_seconds) = (durations(), durations());
        registry.register_with_unit(
            "webhook_duration",
            "From the arrival of a webhook until its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register_with_unit(
            "commit_duration",
            "From the beginning of a commit until it is on the disk",
            Unit::Seconds,
            commit_seconds.clone(),
        );
        let batch = Histogram::new(exponential_buckets(1.0, 2.0, 9));
        registry.register("commit_webhooks", "Webhooks in one commit", batch.clone());
        let build = [("version", VERSION), ("commit", COMMIT)];
        registry.register("build", "Which payhookd this is", Info::new(build));
        Self {
            registry,
            webhooks,
            not_taken,
            last_event,
            last_look,
            caught_up,
            reconcile_failures,
            reconcile_interval,
            seconds,
            commit_seconds,
            batch,
            refusals,
        }
    }

    /// A webhook was acknowledged. `outcome` is one of a few words, never a sender's.
    pub fn webhook(
        &self,
        provider: Provider,
        event_type: &str,
        outcome: &'static str,
        took: Duration,
    ) {
        let labels =
            [("provider", provider.as_str()), ("class", class(event_type)), ("outcome", outcome)];
        self.webhooks.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// A request was sent away to come again.
    pub fn not_taken(&self, provider: Provider, reason: NotTaken) {
        let labels = [("provider", provider.as_str()), ("reason", reason.as_str())];
        self.not_taken.get_or_create(&labels).inc();
    }

    /// A commit of so many webhooks is on the disk.
    pub fn committed(&self, webhooks: usize, took: Duration) {
        if webhooks > 0 {
            self.commit_seconds.observe(took.as_secs_f64());
            // A commit has some hundred of them at most.
            self.batch.observe(f64::from(u32::try_from(webhooks).unwrap_or(u32::MAX)));
        }
    }

    /// A genuine event of this mode was received then, or earlier than another that was.
    pub fn received(&self, provider: Provider, livemode: bool, at: Timestamp) {
        let mode = if livemode { "live" } else { "test" };
        let gauge =
            self.last_event.get_or_create(&[("provider", provider.as_str()), ("mode", mode)]);
        if gauge.get() < at.unix_seconds() {
            gauge.set(at.unix_seconds());
        }
    }

    /// The monitor has looked, and what it found is kept.
    pub fn looked(&self, at: Timestamp) {
        self.last_look.set(at.unix_seconds());
    }

    /// An event that was missed was fetched.
    pub fn caught_up(&self, provider: Provider, outcome: Outcome) {
        let labels = [("provider", provider.as_str()), ("outcome", outcome.as_str())];
        self.caught_up.get_or_create(&labels).inc();
    }

    /// Missed events of this provider are fetched so often from now on.
    pub fn reconciles(&self, provider: Provider, every: Duration) {
        let seconds = i64::try_from(every.as_secs()).unwrap_or(i64::MAX);
        self.reconcile_interval.get_or_create(&[("provider", provider.as_str())]).set(seconds);
    }

    /// An attempt to fetch missed events failed.
    pub fn reconcile_failed(&self, provider: Provider) {
        self.reconcile_failures.get_or_create(&[("provider", provider.as_str())]).inc();
    }

    /// How many requests were sent away for this reason since the start.
    pub fn counted_not_taken(&self, provider: Provider, reason: NotTaken) -> u64 {
        let labels = [("provider", provider.as_str()), ("reason", reason.as_str())];
        self.not_taken.get(&labels).map_or(0, |counter| counter.get())
    }

    /// When the last genuine webhook of this mode was received, to the second; `None` if none is known.
    pub fn last_event(&self, provider: Provider, livemode: bool) -> Option<Timestamp> {
        let mode = if livemode { "live" } else { "test" };
        let gauge = self.last_event.get(&[("provider", provider.as_str()), ("mode", mode)])?;
        Timestamp::from_unix_seconds(gauge.get())
    }

    /// All of it, in Prometheus' text form (OpenMetrics 1.0).
    pub fn text(&self, sight: &StoreHealth, gauges: Gauges) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode_registry(&mut text, &self.registry);
        let _ = encode_registry(&mut text, &self.now(sight, gauges));
        let _ = encode_eof(&mut text);
        text
    }

    fn now(&self, sight: &StoreHealth, gauges: Gauges) -> Registry {
        let mut registry = Registry::with_prefix("payhookd");
        let refused = Family::<Labels<2>, Counter>::default();
        registry.register(
            "refused",
            "Requests that were refused for good, by reason",
            refused.clone(),
        );
        for provider in Provider::ALL {
            for refusal in Refusal::ALL {
                let labels = [("provider", provider.as_str()), ("reason", refusal.as_str())];
                let count = self.refusals.counted(*provider, *refusal);
                refused.get_or_create(&labels).inc_by(count);
            }
        }
        let reconciled = Family::<Labels<1>, Gauge>::default();
        registry.register_with_unit(
            "last_reconciled_timestamp",
            "When missed events were last fetched to the end, Unix time",
            Unit::Seconds,
            reconciled.clone(),
        );
        for (provider, at) in &sight.last_reconciled {
            reconciled.get_or_create(&[("provider", provider.as_str())]).set(at.unix_seconds());
        }
        let age = |since: Option<Timestamp>| {
            let seconds = since.map_or(0, |since| gauges.now.since(since).as_secs());
            i64::try_from(seconds).unwrap_or(i64::MAX)
        };
        let alerts = Family::<TargetLabels, Gauge>::default();
        registry.register(
            "alerts",
            "Alerts that a target is still to be told, and open issues that it was given up to tell it",
            alerts.clone(),
        );
        let waiting = Family::<TargetLabels, Gauge>::default();
        registry.register_with_unit(
            "alerts_oldest_age",
            "Since the oldest open issue opened that a target was never told of",
            Unit::Seconds,
            waiting.clone(),
        );
        for owed in &sight.alerts {
            let target = ("target", owed.target.clone());
            for (status, count) in [("pending", owed.pending), ("dead", owed.dead)] {
                let labels = vec![target.clone(), ("status", status.to_owned())];
                alerts.get_or_create(&labels).set(count);
            }
            waiting.get_or_create(&vec![target]).set(age(owed.oldest));
        }
        let breaks = Family::<TargetLabels, Counter>::default();
        registry.register(
            "task_breaks",
            "Times that a background task broke off and was begun again",
            breaks.clone(),
        );
        for (task, count) in &gauges.task_breaks {
            breaks.get_or_create(&vec![("task", task.to_string())]).inc_by(*count);
        }
        let mut gauge = |name: &str, help: &str, unit: Option<Unit>, value: i64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(value);
            match unit {
                Some(unit) => registry.register_with_unit(name, help, unit, gauge),
                None => registry.register(name, help, gauge),
            }
        };
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let queue = i64::try_from(gauges.queue_depth).unwrap_or(i64::MAX);
        gauge("queue_depth", "Webhooks that wait for the writer", None, queue);
        gauge(
            "database",
            "Size of the database file",
            Some(Unit::Bytes),
            bytes(sight.database_bytes),
        );
        gauge("wal", "Size of the log beside it", Some(Unit::Bytes), bytes(sight.wal_bytes));
        if let Some(free) = gauges.disk_free_bytes {
            gauge("disk_free", "Free where the database is", Some(Unit::Bytes), bytes(free));
        }
        gauge(
            "orphans_oldest_age",
            "Since the first event of the oldest open orphan that concerns this shop",
            Some(Unit::Seconds),
            age(sight.oldest_orphan),
        );
        gauge(
            "deliveries_oldest_age",
            "Since the change that the shop's app has waited for longest",
            Some(Unit::Seconds),
            age(sight.oldest_delivery),
        );
        gauge(
            "app_outage",
            "Since the first failed attempt to notify the shop's app, if it takes no notification; else 0",
            Some(Unit::Seconds),
            age(sight.app_outage),
        );
        if let Some(fetched_at) = sight.newest_certificate {
            gauge(
                "paypal_certificate_age",
                "Since PayPal's newest signing certificate was fetched",
                Some(Unit::Seconds),
                age(Some(fetched_at)),
            );
        }
        gauge(
            "events_failed",
            "Kept events that could not be understood",
            None,
            sight.failed_events,
        );
        for (name, help, label, counts) in [
            ("orphans_open", "Open orphans, by kind", "kind", &sight.orphans),
            ("issues_open", "Open issues that nobody dismissed, by kind", "kind", &sight.issues),
            ("deliveries", "Deliveries that are pending or dead", "status", &sight.deliveries),
        ] {
            let family = Family::<Labels<1>, Gauge>::default();
            registry.register(name, help, family.clone());
            for (word, count) in counts {
                family.get_or_create(&[(label, word)]).set(*count);
            }
        }
        registry
    }
}

/// What a webhook that is known already comes to.
pub const DUPLICATE: &str = "duplicate";

/// What an event may be about.
const CLASSES: [&str; 4] = ["payment", "refund", "dispute", "other"];

/// What an event type is about: one of [`CLASSES`], because types are the sender's.
fn class(event_type: &str) -> &'static str {
    let lower = event_type.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    if has("refund") || has("revers") {
        "refund"
    } else if has("dispute") {
        "dispute"
    } else if ["payment", "charge", "checkout", "invoice"].iter().any(|part| has(part)) {
        "payment"
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests;
