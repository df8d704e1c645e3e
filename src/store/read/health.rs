//! How the shop's affairs stand, in numbers.

use std::path::Path;

use rusqlite::{Row, named_params};

use super::reader::Reader;
use crate::domain::event::Provider;
use crate::domain::issue::IssueKind;
use crate::domain::orphan::OrphanKind;
use crate::domain::records::{Delays, OwedAlerts, Sight, StoredCertificate};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::certificates;
use crate::store::tables::rows::Columns;

/// Bytes that are free for the database at `path`, if the system tells.
pub fn disk_free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

impl Reader {
    /// How the shop's affairs stand.
    pub fn sight(&self) -> Result<Sight, StoreError> {
        let of_kind = |kind: &OrphanKind| -> Result<(&'static str, i64), StoreError> {
            let mut statement = self.connection.prepare_cached(
                "SELECT count(*) FROM orphan_transactions
                 WHERE resolved_at IS NULL AND kind = :kind",
            )?;
            let parameters = named_params! { ":kind": kind.as_str() };
            Ok((kind.as_str(), statement.query_row(parameters, |row| row.get(0))?))
        };
        let issues_of_kind = |kind: &IssueKind| -> Result<(&'static str, i64), StoreError> {
            let mut statement = self.connection.prepare_cached(
                "SELECT count(*) FROM issues
                 WHERE closed_at IS NULL AND dismissed_at IS NULL AND kind = :kind",
            )?;
            let parameters = named_params! { ":kind": kind.as_str() };
            Ok((kind.as_str(), statement.query_row(parameters, |row| row.get(0))?))
        };
        let path = self.connection.path().unwrap_or_default().to_owned();
        let bytes = |file: String| std::fs::metadata(file).map_or(0, |file| file.len());
        Ok(Sight {
            orphans: OrphanKind::ALL.iter().map(of_kind).collect::<Result<_, _>>()?,
            oldest_orphan: self.instant(
                "SELECT min(first_seen_at) FROM orphan_transactions
                 WHERE resolved_at IS NULL AND alert_at IS NOT NULL",
            )?,
            issues: IssueKind::ALL.iter().map(issues_of_kind).collect::<Result<_, _>>()?,
            deliveries: vec![
                (
                    "pending",
                    self.count("SELECT count(*) FROM deliveries WHERE status = 'pending'")?,
                ),
                ("dead", self.count("SELECT count(*) FROM deliveries WHERE status = 'dead'")?),
            ],
            // With the + by the index of the pending ones, not through all the delivered ones before.
            oldest_delivery: self.instant(
                "SELECT changed_at FROM transaction_changes WHERE id =
                     (SELECT min(+change_id) FROM deliveries WHERE status = 'pending')",
            )?,
            alerts: self.owed_alerts()?,
            failed_events: self
                .count("SELECT count(*) FROM webhook_logs WHERE status = 'failed'")?,
            newest_certificate: self.instant("SELECT max(fetched_at) FROM paypal_certificates")?,
            last_reconciled: self.all_last_reconciled()?,
            database_bytes: bytes(path.clone()),
            wal_bytes: bytes(path + "-wal"),
        })
    }

    /// What each target of alerts is still to be told, or will not be.
    pub fn owed_alerts(&self) -> Result<Vec<OwedAlerts>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name,
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
             FROM alert_targets AS target WHERE active ORDER BY name",
        )?;
        crate::store::tables::rows::collect(statement.query([])?, |row: &Row<'_>| {
            let mut columns = Columns::of(row);
            Ok(OwedAlerts {
                target: columns.value()?,
                pending: columns.value()?,
                dead: columns.value()?,
                oldest: columns.optional_instant()?,
                report_is_dead: columns.value()?,
                last_error: columns.value()?,
            })
        })
    }

    /// When the last webhook of each provider and mode was received: provider, real money, UTC.
    /// Looked for among the newest two thousand: to look further is to read the whole file.
    pub fn last_events(&self) -> Result<Vec<(Provider, bool, Timestamp)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT provider, livemode, max(received_at) FROM
                 (SELECT provider, livemode, received_at, source FROM webhook_logs
                  ORDER BY id DESC LIMIT 2000)
             WHERE source = 'webhook' GROUP BY 1, 2",
        )?;
        crate::store::tables::rows::collect(statement.query([])?, |row: &Row<'_>| {
            let mut columns = Columns::of(row);
            Ok((columns.parsed("provider", Provider::parse)?, columns.value()?, columns.instant()?))
        })
    }

    /// How long the newest webhooks took to come, by the provider's clock and by this machine's; `None`
    /// without events. At most fifty are looked at, so that a clock that was set right is right soon.
    pub fn delays(&self) -> Result<Option<Delays>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT count(*), CAST(round(1000 * min(unixepoch(received_at, 'subsec')
                 - unixepoch(occurred_at, 'subsec'))) AS INTEGER) FROM
                 (SELECT received_at, occurred_at FROM webhook_logs
                  WHERE occurred_at IS NOT NULL AND source = 'webhook'
                  ORDER BY id DESC LIMIT 50)",
        )?;
        let (events, least_ms): (i64, Option<i64>) =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(least_ms.map(|least_ms| Delays { events, least_ms }))
    }

    /// How many of the kept refused requests came since then and were refused for this reason.
    pub fn refused_since(&self, reason: Refusal, since: Timestamp) -> Result<i64, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT count(*) FROM rejected_requests
             WHERE reason = :reason AND received_at >= :since",
        )?;
        let parameters = named_params! { ":reason": reason.as_str(), ":since": since.to_string() };
        Ok(statement.query_row(parameters, |row| row.get(0))?)
    }

    /// PayPal's certificates as they are kept.
    pub fn certificates(&self) -> Result<Vec<StoredCertificate>, StoreError> {
        certificates::all(&self.connection)
    }

    fn count(&self, sql: &str) -> Result<i64, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    fn instant(&self, sql: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Columns::of(row).optional_instant()
    }
}
