//! `daily_reports`: the report of a day that is owed to a target of alerts, once.

use rusqlite::named_params;

use crate::domain::delivery::Next;
use crate::domain::issue::AlertStatus;
use crate::domain::records::DueReport;
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::families::Due;
use crate::store::read::reader::Reader;
use crate::store::tables::rows::{all, execute, record};

impl Batch<'_> {
    /// Drops the reports that are owed to targets that nobody is told by any more, or to all if none
    /// are wanted.
    pub(crate) fn set_daily_reports(&self, wanted: bool, now: Timestamp) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE daily_reports SET status = 'dropped', next_attempt_at = NULL, finished_at = :now
             WHERE status = 'pending'
               AND (NOT :wanted OR target_id IN (SELECT id FROM alert_targets WHERE NOT active))",
            named_params! { ":wanted": wanted, ":now": now.to_string() },
        )?;
        Ok(())
    }

    /// Owes a target the report of a day, unless it was owed before.
    pub(crate) fn owe_report(
        &self,
        target: &str,
        day: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO daily_reports (target_id, day, status, attempts, next_attempt_at)
                 SELECT id, :day, 'pending', 0, :now FROM alert_targets WHERE name = :target
                 ON CONFLICT (target_id, day) DO NOTHING";
        execute(
            self.connection,
            sql,
            named_params! { ":target": target, ":day": day, ":now": now.to_string() },
        )?;
        Ok(())
    }

    /// Keeps what became of an attempt to send a report. `failure` says in words why it was not taken.
    pub(crate) fn record_report(
        &self,
        id: i64,
        next: Next,
        failure: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (status, again_at) = match next {
            Next::Delivered => (AlertStatus::Sent, None),
            Next::Again(at) => (AlertStatus::Pending, Some(at)),
            Next::Dead => (AlertStatus::Dead, None),
        };
        let sql = "UPDATE daily_reports
                 SET status = :status, attempts = attempts + 1, next_attempt_at = :again_at,
                     last_error = :last_error, finished_at = :finished_at
                 WHERE id = :id AND status = 'pending'";
        let parameters = named_params! {
            ":id": id,
            ":status": status.as_str(),
            ":again_at": again_at.map(|at| at.to_string()),
            ":last_error": failure,
            ":finished_at": again_at.is_none().then(|| now.to_string()),
        };
        execute(self.connection, sql, parameters)?;
        Ok(())
    }
}

/// The reports to a target, by its name, the oldest day first.
impl Due for DueReport {
    type Whose<'w> = &'w str;

    fn due(
        reader: &Reader,
        target: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let sql = "SELECT id, day, attempts FROM daily_reports
             WHERE target_id = (SELECT id FROM alert_targets WHERE name = :target)
               AND next_attempt_at <= :now
             ORDER BY day LIMIT :limit";
        let parameters =
            named_params! { ":target": target, ":now": now.to_string(), ":limit": limit };
        Ok((all(&reader.connection, sql, parameters)?, None))
    }
}

record! { DueReport { id, day, attempts } }
