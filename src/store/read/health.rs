//! How the shop's affairs stand, in numbers.

use std::path::Path;

use rusqlite::named_params;

use super::reader::Reader;
use crate::domain::issue::IssueKind;
use crate::domain::orphan::OrphanKind;
use crate::domain::provider::Provider;
use crate::domain::records::{OwedAlerts, StoreHealth, StoredCertificate};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::certificates;
use crate::store::tables::rows::{all, instant, one, record};

/// Bytes that are free for the database at `path`, if the system tells.
pub fn disk_free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

record! { OwedAlerts { target, pending, dead, oldest, report_is_dead, last_error } }

impl Reader {
    /// How the shop's affairs stand.
    pub fn sight(&self) -> Result<StoreHealth, StoreError> {
        let path = self.connection.path().unwrap_or_default().to_owned();
        let bytes = |file: String| std::fs::metadata(file).map_or(0, |file| file.len());
        Ok(StoreHealth {
            orphans: self.count_each(
                "SELECT count(*) FROM orphan_transactions WHERE resolved_at IS NULL AND kind = ?1",
                OrphanKind::ALL.iter().map(|kind| kind.as_str()),
            )?,
            oldest_orphan: instant(
                &self.connection,
                "SELECT min(first_seen_at) FROM orphan_transactions
                 WHERE resolved_at IS NULL AND alert_at IS NOT NULL",
                [],
            )?,
            issues: self.count_each(
                "SELECT count(*) FROM issues
                 WHERE closed_at IS NULL AND dismissed_at IS NULL AND kind = ?1",
                IssueKind::ALL.iter().map(|kind| kind.as_str()),
            )?,
            deliveries: vec![
                (
                    "pending",
                    self.count("SELECT count(*) FROM deliveries WHERE status = 'pending'")?,
                ),
                ("dead", self.count("SELECT count(*) FROM deliveries WHERE status = 'dead'")?),
            ],
            // With the + by the index of the pending ones, not through all the delivered ones before.
            oldest_delivery: instant(
                &self.connection,
                "SELECT changed_at FROM transaction_changes WHERE id =
                     (SELECT min(+change_id) FROM deliveries WHERE status = 'pending')",
                [],
            )?,
            app_outage: instant(
                &self.connection,
                "SELECT data ->> '$.since' FROM issues WHERE kind = 'app' AND closed_at IS NULL",
                [],
            )?,
            alerts: self.owed_alerts()?,
            failed_events: self
                .count("SELECT count(*) FROM webhook_logs WHERE status = 'failed'")?,
            newest_certificate: instant(
                &self.connection,
                "SELECT max(fetched_at) FROM paypal_certificates",
                [],
            )?,
            last_events: self.last_events()?,
            last_reconciled: self.last_reconciled()?,
            database_bytes: bytes(path.clone()),
            wal_bytes: bytes(path + "-wal"),
        })
    }

    fn owed_alerts(&self) -> Result<Vec<OwedAlerts>, StoreError> {
        let sql = "SELECT name,
                 (SELECT count(*) FROM alerts
                  WHERE target_id = target.id AND next_attempt_at IS NOT NULL) AS pending,
                 (SELECT count(*) FROM issues WHERE closed_at IS NULL AND dismissed_at IS NULL
                      AND (SELECT status FROM alerts
                           WHERE issue_id = issues.id AND target_id = target.id
                           ORDER BY id DESC LIMIT 1) = 'dead') AS dead,
                 (SELECT min(opened_at) FROM issues WHERE closed_at IS NULL AND dismissed_at IS NULL
                      AND EXISTS (SELECT 1 FROM alerts
                                  WHERE issue_id = issues.id AND target_id = target.id)
                      AND NOT EXISTS (SELECT 1 FROM alerts
                                      WHERE issue_id = issues.id AND target_id = target.id
                                        AND status = 'sent')) AS oldest,
                 ifnull((SELECT status FROM daily_reports WHERE target_id = target.id
                         ORDER BY day DESC LIMIT 1) = 'dead', 0) AS report_is_dead,
                 (SELECT last_error FROM
                      (SELECT last_error, finished_at FROM alerts
                       WHERE target_id = target.id AND status = 'dead'
                       UNION ALL
                       SELECT last_error, finished_at FROM daily_reports
                       WHERE target_id = target.id AND status = 'dead')
                  ORDER BY finished_at DESC LIMIT 1) AS last_error
             FROM alert_targets AS target WHERE active ORDER BY name";
        all(&self.connection, sql, [])
    }

    /// From two indexes: the rows themselves fill a thousand pages of the file.
    fn last_events(&self) -> Result<Vec<(Provider, bool, Timestamp)>, StoreError> {
        let sql = "SELECT provider, livemode, max(received_at) FROM
                 (SELECT id, provider, livemode, received_at
                  FROM webhook_logs INDEXED BY webhook_logs_listing ORDER BY id DESC LIMIT 2000) newest
             WHERE NOT EXISTS (SELECT 1 FROM webhook_logs other INDEXED BY webhook_logs_not_sent
                               WHERE other.id = newest.id AND source <> 'webhook')
             GROUP BY 1, 2";
        all(&self.connection, sql, [])
    }

    /// How many of the kept refused requests came since then, or in all, by provider and reason.
    pub fn rejected(
        &self,
        since: Option<Timestamp>,
    ) -> Result<Vec<(String, String, i64)>, StoreError> {
        let sql = "SELECT provider, reason, count(*) FROM rejected_requests
             WHERE :since IS NULL OR received_at >= :since
             GROUP BY provider, reason ORDER BY provider, reason";
        let since = since.map(|since| since.to_string());
        all(&self.connection, sql, named_params! { ":since": since })
    }

    /// PayPal's certificates as they are kept.
    pub fn certificates(&self) -> Result<Vec<StoredCertificate>, StoreError> {
        certificates::all(&self.connection)
    }

    fn count(&self, sql: &str) -> Result<i64, StoreError> {
        one(&self.connection, sql, [])
    }

    /// As many as `sql` counts for each word.
    fn count_each(
        &self,
        sql: &str,
        words: impl Iterator<Item = &'static str>,
    ) -> Result<Vec<(&'static str, i64)>, StoreError> {
        words.map(|word| Ok((word, one(&self.connection, sql, [word])?))).collect()
    }
}
