//! `issues`: problems that a person should know of.

use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Serialize;
use serde_json::Value;

use super::alerts;
use crate::domain::issue::{Ending, Finding, IssueKind, NewIssue, Severity, Standing, Texts};
use crate::domain::language::Language;
use crate::domain::records::{Details, Dismissed, Issue};
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::families::Get;
use crate::store::read::reader::Reader;
use crate::store::tables::issues::issue_columns;
use crate::store::tables::rows::{Columns, Record, all, first, select};

impl Record for Issue {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            kind: columns.next()?,
            subject: columns.next()?,
            severity: columns.next()?,
            details: details(columns)?,
            ending: columns.next::<Option<String>>()?.and_then(|how| ending(&how)),
            opened_at: columns.next()?,
            last_seen_at: columns.next()?,
            count: columns.next()?,
            news: columns.next()?,
            dismissed_at: columns.next()?,
            closed_at: columns.next()?,
        })
    }
}

fn details(columns: &mut Columns<'_>) -> Result<Details, StoreError> {
    let english =
        Texts::new(columns.next::<String>()?, columns.next::<String>()?, columns.next::<String>()?);
    let translations: Option<String> = columns.next()?;
    let data: Option<String> = columns.next()?;
    Ok(match data {
        Some(data) => match serde_json::from_str(&data) {
            Ok(data) => Details::Data(data),
            Err(_) => Details::Unknown(data),
        },
        None => Details::Prose { english, french: translations.as_deref().and_then(in_french) },
    })
}

/// One of a version that knows more than this says no more than that the issue is over.
fn ending(how: &str) -> Option<Ending> {
    serde_json::from_str(how).ok()
}

impl Batch<'_> {
    /// Raises and closes what was found, in its order.
    pub(crate) fn note_findings(
        &self,
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        findings.iter().try_for_each(|finding| match finding {
            Finding::Bad(new) => raise(self.connection, new, now),
            Finding::Good(kind, subject, how) => close(self.connection, *kind, subject, *how, now),
        })
    }

    /// A person says that they know of an issue. It stays until it is over; again is the same. Of an event
    /// in doubt it says that what is kept stands, and ends it.
    pub(crate) fn dismiss_issue(&self, id: i64, now: Timestamp) -> Result<Dismissed, StoreError> {
        let found: Option<(bool, String, String)> = self
            .connection
            .prepare_cached("SELECT closed_at IS NULL, kind, subject FROM issues WHERE id = :id")?
            .query_row(named_params! { ":id": id }, |row| row.try_into())
            .optional()?;
        let Some((is_open, kind, subject)) = found else { return Ok(Dismissed::Unknown) };
        if !is_open {
            return Ok(Dismissed::Closed);
        }
        self.connection
            .prepare_cached(
                "UPDATE issues SET dismissed_at = ifnull(dismissed_at, :now) WHERE id = :id",
            )?
            .execute(named_params! { ":id": id, ":now": now.to_string() })?;
        if kind == IssueKind::DoubtfulEvent.as_str() {
            // Whoever has looked decides, where nobody else does.
            self.accept_doubtful(&subject, now)?;
        }
        Ok(Dismissed::Done)
    }
}

impl Get for Issue {
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError> {
        let sql = select!(issue_columns, " FROM issues WHERE id = :id");
        let parameters = named_params! { ":id": number };
        first(&reader.connection, sql, parameters)
    }
}

impl Reader {
    /// Every issue that is not over, dismissed ones too, oldest first; and those that are over already
    /// but have a greater number than this.
    pub fn open_issues(&self, since: Option<i64>) -> Result<Vec<Issue>, StoreError> {
        let sql = select!(
            issue_columns,
            " FROM issues
              WHERE id IN (SELECT id FROM issues INDEXED BY issues_lasting WHERE closed_at IS NULL
                           UNION SELECT id FROM issues WHERE id > :since)
              ORDER BY id"
        );
        all(&self.connection, sql, named_params! { ":since": since })
    }
}

/// The texts of a row without data, `{"fr":{"title":…,"detail":…,"remedy":…}}`.
fn in_french(translations: &str) -> Option<Texts> {
    let translations: Value = serde_json::from_str(translations).ok()?;
    let french = translations.get(Language::French.as_str())?;
    let text = |name| french.get(name)?.as_str();
    Some(Texts::new(text("title")?, text("detail")?, text("remedy")?))
}

/// Opens an issue, or counts it once more.
pub(crate) fn raise(
    connection: &Connection,
    new: &NewIssue,
    now: Timestamp,
) -> Result<(), StoreError> {
    let about = (new.data.kind(), &*new.data.subject());
    let mut statement = connection.prepare_cached(
        "SELECT id, severity, last_seen_at, dismissed_at IS NOT NULL FROM issues
         WHERE kind = :kind AND subject = :subject AND closed_at IS NULL",
    )?;
    let mut rows =
        statement.query(named_params! { ":kind": about.0.as_str(), ":subject": about.1 })?;
    match rows.next()? {
        None => open(connection, about, new, now),
        Some(row) => {
            let (id, severity, last_seen_at, dismissed) = Record::of(row)?;
            let standing = Standing { severity, last_seen_at, dismissed };
            repeat(connection, (id, standing), about, new, now)
        }
    }
}

fn open(
    connection: &Connection,
    (kind, subject): (IssueKind, &str),
    new: &NewIssue,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO issues
                 (kind, subject, severity, title, detail, remedy, data, opened_at, last_seen_at, count,
                  news)
             VALUES (:kind, :subject, :severity, '', '', '', :data, :now, :now, 1, 1)",
        )?
        .execute(named_params! {
            ":kind": kind.as_str(),
            ":subject": subject,
            ":severity": new.severity.as_str(),
            ":data": to_json(&new.data)?,
            ":now": now.to_string(),
        })?;
    match new.severity {
        Severity::Notice => Ok(()),
        _ => alerts::owe(connection, connection.last_insert_rowid(), kind, subject, now),
    }
}

fn repeat(
    connection: &Connection,
    (id, standing): (i64, Standing),
    (kind, subject): (IssueKind, &str),
    new: &NewIssue,
    now: Timestamp,
) -> Result<(), StoreError> {
    let raised = standing.raised(new.severity, new.trigger, now);
    // It stays as bad as it was until it is over, so that nobody is told twice that it got worse.
    let severity = new.severity.max(standing.severity);
    connection
        .prepare_cached(
            "UPDATE issues
             SET severity = :severity, title = '', detail = '', remedy = '', translations = NULL,
                 data = :data, last_seen_at = :now, count = count + :counts, news = news + :is_news,
                 dismissed_at = CASE WHEN :is_news THEN NULL ELSE dismissed_at END
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id,
            ":severity": severity.as_str(),
            ":data": to_json(&new.data)?,
            ":counts": raised.counts,
            ":is_news": raised.is_news,
            ":now": now.to_string(),
        })?;
    match raised.is_news && severity > Severity::Notice {
        true => alerts::owe(connection, id, kind, subject, now),
        false => Ok(()),
    }
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Fault)
}

/// Notes that an issue is over, if there is one, and `how` it ended.
pub(crate) fn close(
    connection: &Connection,
    kind: IssueKind,
    subject: &str,
    how: Option<Ending>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let closed: Option<(i64, bool)> = connection
        .prepare_cached(
            "UPDATE issues SET closed_at = :now, news = news + 1, ending = :how
             WHERE kind = :kind AND subject = :subject AND closed_at IS NULL
             RETURNING id, severity <> 'notice'",
        )?
        .query_row(
            named_params! {
                ":kind": kind.as_str(),
                ":subject": subject,
                ":how": how.as_ref().map(to_json).transpose()?,
                ":now": now.to_string(),
            },
            |row| row.try_into(),
        )
        .optional()?;
    match closed {
        Some((id, true)) => alerts::owe(connection, id, kind, subject, now),
        Some((_, false)) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_french_of_a_row_without_data_is_read() {
        let kept = r#"{"fr":{"title":"Un \"é\" <b>","detail":"deux","remedy":""}}"#;
        assert_eq!(in_french(kept), Some(Texts::new("Un \"é\" <b>", "deux", "")));
        for damaged in ["", "null", "{}", r#"{"fr":{"title":"Un","remedy":""}}"#, r#"{"fr":7}"#] {
            assert_eq!(in_french(damaged), None, "{damaged}");
        }
    }
}
