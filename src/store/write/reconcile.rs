//! `reconcile_progress` and `reconcile_runs`: up to when nothing is missed, and who looked.

use rusqlite::named_params;

use crate::domain::provider::Provider;
use crate::domain::records::{Cause, Found};
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::reader::Reader;
use crate::store::tables::rows::{all, execute, insert, instant, one};

/// Runs that are kept of each provider: some weeks of every hour.
const KEPT: i64 = 1_000;

impl Reader {
    /// When what each provider may have sent in vain was last fetched to the end: when that began, UTC.
    pub(crate) fn last_reconciled(&self) -> Result<Vec<(Provider, Timestamp)>, StoreError> {
        let sql = "SELECT provider, started_at FROM reconcile_runs WHERE id IN
                 (SELECT max(id) FROM reconcile_runs WHERE outcome = 'done' GROUP BY provider)";
        all(&self.connection, sql, [])
    }

    /// Up to when all events of this provider are here, UTC: what was noted last or, if nothing was
    /// yet, when the first of them came, because any may be missing behind it. `None` without any.
    pub fn covered_until(&self, provider: Provider) -> Result<Option<Timestamp>, StoreError> {
        instant(
            &self.connection,
            "SELECT coalesce(
                 (SELECT covered_until FROM reconcile_progress WHERE provider = :provider),
                 (SELECT received_at FROM webhook_logs INDEXED BY webhook_logs_listing
                  WHERE provider = :provider ORDER BY id LIMIT 1))",
            named_params! { ":provider": provider.as_str() },
        )
    }
}

impl Batch<'_> {
    /// Notes that somebody begins to look for events that were created from `since` on; gives the
    /// number of the run.
    pub(crate) fn begin_run(
        &self,
        provider: Provider,
        cause: Cause,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        insert! {
            self.connection, "reconcile_runs";
            provider: provider.as_str(),
            cause: cause.as_str(),
            since: since.to_string(),
            started_at: now.to_string(),
            seen: 0,
            known: 0,
            applied: 0,
            orphaned: 0,
            ignored: 0,
            failed: 0,
        }?;
        let id = self.connection.last_insert_rowid();
        // The newest one that was done stays, however long none was since.
        let sql = "DELETE FROM reconcile_runs
                 WHERE id <= :id - :kept AND id NOT IN
                     (SELECT max(id) FROM reconcile_runs WHERE outcome = 'done' GROUP BY provider)";
        execute(self.connection, sql, named_params! { ":id": id, ":kept": KEPT })?;
        Ok(id)
    }

    /// Notes what a run has found so far.
    pub(crate) fn note_found(&self, run: i64, found: &Found) -> Result<(), StoreError> {
        let sql = "UPDATE reconcile_runs
                 SET seen = :seen, known = :known, applied = :applied, orphaned = :orphaned,
                     ignored = :ignored, failed = :failed
                 WHERE id = :run";
        let parameters = named_params! {
            ":run": run,
            ":seen": found.seen,
            ":known": found.known,
            ":applied": found.applied,
            ":orphaned": found.orphaned,
            ":ignored": found.ignored,
            ":failed": found.failed,
        };
        execute(self.connection, sql, parameters)?;
        Ok(())
    }

    /// Notes that all events of a provider that were created before `until` are here; that it was
    /// later already stays.
    pub(crate) fn cover(&self, provider: Provider, until: Timestamp) -> Result<(), StoreError> {
        insert! {
            self.connection, "reconcile_progress", " ON CONFLICT (provider) DO UPDATE SET covered_until = max(covered_until, excluded.covered_until)";
            provider: provider.as_str(),
            covered_until: until.to_string(),
        }?;
        Ok(())
    }

    /// Notes that a run has ended: to the end of the list, or with this error.
    pub(crate) fn end_run(
        &self,
        run: i64,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE reconcile_runs SET ended_at = :now, outcome = :outcome, error = :error
                 WHERE id = :run";
        let parameters = named_params! {
            ":run": run,
            ":now": now.to_string(),
            ":outcome": if error.is_some() { "failed" } else { "done" },
            ":error": error,
        };
        execute(self.connection, sql, parameters)?;
        Ok(())
    }

    /// How many runs have failed since the last one that was done.
    pub(crate) fn failed_runs(&self, provider: Provider) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM reconcile_runs
             WHERE provider = :provider AND outcome = 'failed' AND id > ifnull(
                 (SELECT max(id) FROM reconcile_runs
                  WHERE provider = :provider AND outcome = 'done'), 0)";
        one(self.connection, sql, named_params! { ":provider": provider.as_str() })
    }
}
