//! What is counted of the tables.

use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;

/// What is counted of the tables. It costs the same with a million events as with ten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// Open orphans by kind; every kind once.
    pub orphans: Vec<(&'static str, i64)>,
    /// When the oldest open one that a person is to know of was first seen, UTC.
    pub oldest_orphan: Option<Timestamp>,
    /// Open issues that nobody dismissed, by kind; every kind once.
    pub issues: Vec<(&'static str, i64)>,
    /// Deliveries that are `pending`, and those that are `dead`.
    pub deliveries: Vec<(&'static str, i64)>,
    /// When the change was made that the shop's app has waited for longest, UTC.
    pub oldest_delivery: Option<Timestamp>,
    /// Since when the shop's app takes no notification, if that is more than an accident, UTC.
    pub app_outage: Option<Timestamp>,
    /// What whoever tells people of issues is still to be told.
    pub alerts: Vec<OwedAlerts>,
    /// Events that could not be understood.
    pub failed_events: i64,
    /// When PayPal's newest certificate was fetched, UTC.
    pub newest_certificate: Option<Timestamp>,
    /// When the last webhook of each provider and mode was received: provider, real money, UTC. Looked for
    /// among the newest two thousand events: to look further is to read them all.
    pub last_events: Vec<(Provider, bool, Timestamp)>,
    /// When missed events were last fetched to the end, by provider, UTC.
    pub last_reconciled: Vec<(Provider, Timestamp)>,
    /// Bytes of the database file.
    pub database_bytes: u64,
    /// Bytes of the log beside it.
    pub wal_bytes: u64,
}

/// What one target of alerts is still to be told, or will not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedAlerts {
    /// What the log calls it.
    pub target: String,
    /// Messages that are `pending`.
    pub pending: i64,
    /// Open issues that nobody dismissed whose newest message to it is `dead`.
    pub dead: i64,
    /// When the oldest of such issues was opened of which it was told nothing, UTC.
    pub oldest: Option<Timestamp>,
    /// Whether the newest daily report to it was given up.
    pub report_is_dead: bool,
    /// Why the last of what was given up was not taken, in words.
    pub last_error: Option<String>,
}
