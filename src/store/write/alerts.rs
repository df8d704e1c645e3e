//! `alerts`: messages that are owed to the targets, in the same commit as what they tell of.
//!
//! A row says that a target is to hear of an issue, and from when on; what it hears is made up when the
//! message is sent, so that what happened meanwhile is told with it and what is over is not told.

use rusqlite::{Connection, named_params};

use crate::domain::delivery::Next;
use crate::domain::issue::{AlertStatus, IssueKind, alert_due};
use crate::domain::records::{DueAlert, Issue, Sent};
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::families::Due;
use crate::store::read::reader::Reader;
use crate::store::tables::issues::issue_columns;
use crate::store::tables::rows::{all, first, instant, select};

/// The newest this many rows are kept, and all that are about issues that last.
const KEPT: i64 = 10_000;

impl Batch<'_> {
    /// Notes whom people are told by from now on. A new target is told of every open issue; what was
    /// owed to one that is gone is dropped.
    pub(crate) fn set_alert_targets(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let names = serde_json::json!(names).to_string();
        let of_names = named_params! { ":names": names };
        self.connection.execute(
            "UPDATE alert_targets SET active = 0
             WHERE name NOT IN (SELECT value FROM json_each(:names))",
            of_names,
        )?;
        self.connection.execute(
            "UPDATE alerts SET status = 'dropped', next_attempt_at = NULL, finished_at = :now
             WHERE next_attempt_at IS NOT NULL
               AND target_id IN (SELECT id FROM alert_targets WHERE NOT active)",
            named_params! { ":now": now.to_string() },
        )?;
        let came = self
            .connection
            .prepare(
                "INSERT INTO alert_targets (name, active)
                 SELECT value, 1 FROM json_each(:names) WHERE true
                 ON CONFLICT (name) DO UPDATE SET active = 1 WHERE NOT active RETURNING id",
            )?
            .query_map(of_names, |row| row.get("id"))?
            .collect::<Result<Vec<i64>, _>>()?;
        let open = select!(
            issue_columns,
            " FROM issues
              WHERE closed_at IS NULL AND dismissed_at IS NULL AND severity <> 'notice' ORDER BY id"
        );
        for issue in all::<Issue>(self.connection, open, [])? {
            for target in &came {
                owe_to(self.connection, *target, issue.id, (issue.kind, &issue.subject), now)?;
            }
        }
        Ok(())
    }

    /// Keeps what became of messages.
    pub(crate) fn record_alerts(
        &self,
        alerts: &[(i64, Sent)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE alerts
             SET status = :status, news = :news, attempts = attempts + :attempts,
                 next_attempt_at = :next_attempt_at, last_error = ifnull(:last_error, last_error),
                 finished_at = :finished_at
             WHERE id = :id AND status = 'pending'",
        )?;
        for (id, sent) in alerts {
            let (status, again_at) = match sent {
                Sent::Dropped => (AlertStatus::Dropped, None),
                Sent::Tried { next: Next::Delivered, .. } => (AlertStatus::Sent, None),
                Sent::Tried { next: Next::Again(at), .. } => (AlertStatus::Pending, Some(*at)),
                Sent::Tried { next: Next::Dead, .. } => (AlertStatus::Dead, None),
            };
            let (attempts, news, failure) = match sent {
                Sent::Dropped => (0, None, None),
                Sent::Tried { news, failure, .. } => (1, Some(*news), failure.as_deref()),
            };
            let done = status != AlertStatus::Pending;
            statement.execute(named_params! {
                ":id": id,
                ":status": status.as_str(),
                ":news": news.filter(|_| status == AlertStatus::Sent),
                ":attempts": attempts,
                ":next_attempt_at": again_at.map(|at| at.to_string()),
                ":last_error": failure,
                ":finished_at": done.then(|| now.to_string()),
            })?;
        }
        Ok(())
    }
}

/// The messages of a target, by its name.
impl Due for DueAlert {
    type Whose<'w> = &'w str;

    fn due(
        reader: &Reader,
        target: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let sql = "SELECT id, attempts,
                    (SELECT max(told.news) FROM alerts told
                     WHERE told.issue_id = alerts.issue_id AND told.target_id = alerts.target_id),
                    issue_id
             FROM alerts
             WHERE next_attempt_at <= :now
               AND target_id = (SELECT id FROM alert_targets WHERE name = :target)
             ORDER BY next_attempt_at, id LIMIT :limit";
        let parameters =
            named_params! { ":target": target, ":now": now.to_string(), ":limit": limit };
        let rows: Vec<(_, _, _, i64)> = all(&reader.connection, sql, parameters)?;
        let due = rows.into_iter().map(|(id, attempts, told, issue_id)| {
            let missing = || StoreError::Corrupt { what: "issue", value: issue_id.to_string() };
            let issue = reader.get(issue_id)?.ok_or_else(missing)?;
            Ok(Self { id, attempts, issue, told })
        });
        let due = due.collect::<Result<_, StoreError>>()?;
        let next = instant(
            &reader.connection,
            "SELECT min(next_attempt_at) FROM alerts
             WHERE next_attempt_at > :now
               AND target_id = (SELECT id FROM alert_targets WHERE name = :target)",
            named_params! { ":target": target, ":now": now.to_string() },
        )?;
        Ok((due, next))
    }
}

/// Owes every target word of an issue that has news.
pub(crate) fn owe(
    connection: &Connection,
    issue_id: i64,
    kind: IssueKind,
    subject: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let targets: Vec<i64> = all(connection, "SELECT id FROM alert_targets WHERE active", [])?;
    for target in targets {
        owe_to(connection, target, issue_id, (kind, subject), now)?;
    }
    Ok(())
}

/// The same for one target: not within an hour of the last message about the same, and not twice.
fn owe_to(
    connection: &Connection,
    target: i64,
    issue_id: i64,
    (kind, subject): (IssueKind, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT alerts.id, alerts.finished_at FROM alerts JOIN issues ON issues.id = issue_id
         WHERE kind = :kind AND subject = :subject AND target_id = :target
           AND status IN ('pending', 'sent')
         ORDER BY alerts.id DESC LIMIT 1";
    let of = named_params! { ":kind": kind.as_str(), ":subject": subject, ":target": target };
    let newest: Option<(i64, Option<Timestamp>)> = first(connection, sql, of)?;
    if let Some((pending, None)) = newest {
        connection
            .prepare_cached("UPDATE alerts SET issue_id = :issue_id WHERE id = :id")?
            .execute(named_params! { ":issue_id": issue_id, ":id": pending })?;
        return Ok(());
    }
    let due = alert_due(newest.and_then(|(_, at)| at), now);
    connection
        .prepare_cached(
            "INSERT INTO alerts (target_id, issue_id, status, attempts, next_attempt_at)
             VALUES (:target, :issue_id, 'pending', 0, :due)",
        )?
        .execute(named_params! {
            ":target": target,
            ":issue_id": issue_id,
            ":due": due.to_string(),
        })?;
    forget_old(connection)
}

/// What was told of an issue that lasts is needed to know what is news.
fn forget_old(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM alerts
             WHERE id <= :last AND status <> 'pending'
               AND (SELECT closed_at IS NOT NULL FROM issues WHERE issues.id = issue_id)",
        )?
        .execute(named_params! { ":last": connection.last_insert_rowid() - KEPT })?;
    Ok(())
}
