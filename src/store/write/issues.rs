//! `issues`: problems that a person should know of.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::{Value, json};

use super::alerts;
use crate::domain::issue::{Finding, IssueKind, IssueStatus, Raise, Severity, Standing, Texts};
use crate::domain::language::{Language, Spoken};
use crate::domain::records::{Dismissed, Issue};
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::families::Get;
use crate::store::read::reader::Reader;
use crate::store::tables::issues::issue_columns;
use crate::store::tables::rows::{Columns, all};

impl Issue {
    pub(in crate::store) fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::of(row);
        Ok(Self {
            id: columns.value()?,
            kind: columns.parsed("issue kind", IssueKind::parse)?,
            subject: columns.value()?,
            severity: columns.parsed("severity", Severity::parse)?,
            title: columns.value()?,
            detail: columns.value()?,
            remedy: columns.value()?,
            french: columns.value::<Option<String>>()?.as_deref().and_then(in_french),
            opened_at: columns.instant()?,
            last_seen_at: columns.instant()?,
            count: columns.value()?,
            news: columns.value()?,
            dismissed_at: columns.optional_instant()?,
            closed_at: columns.optional_instant()?,
        })
    }

    /// What is said of it in this language, or in English, and which it is.
    pub fn texts(&self, language: Language) -> (Texts, Language) {
        match (language, &self.french) {
            (Language::French, Some(texts)) => (texts.clone(), Language::French),
            (Language::French, None) | (Language::English, _) => {
                (Texts::new(&*self.title, &*self.detail, &*self.remedy), Language::English)
            }
        }
    }

    /// Where it stands.
    pub fn status(&self) -> IssueStatus {
        match (self.closed_at, self.dismissed_at) {
            (Some(_), _) => IssueStatus::Closed,
            (None, Some(_)) => IssueStatus::Dismissed,
            (None, None) => IssueStatus::Open,
        }
    }
}

impl Batch<'_> {
    /// Raises and closes what was found, in its order.
    pub(in crate::store) fn note_findings(
        &self,
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        findings.iter().try_for_each(|finding| match finding {
            Finding::Bad(raised) => raise(self.connection, raised, now),
            Finding::Good(kind, subject, how) => {
                close(self.connection, *kind, subject, how.as_ref(), now)
            }
        })
    }

    /// A person says that they know of an issue. It stays until it is over; again is the same. Of an event
    /// in doubt it says that what is kept stands, and ends it.
    pub(in crate::store) fn dismiss_issue(
        &self,
        id: i64,
        now: Timestamp,
    ) -> Result<Dismissed, StoreError> {
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
        let sql = concat!("SELECT ", issue_columns!(), " FROM issues WHERE id = :id");
        let parameters = named_params! { ":id": number };
        Ok(all(&reader.connection, sql, parameters, Self::from_row)?.pop())
    }
}

impl Reader {
    /// Every issue that is not over, dismissed ones too, oldest first; and those that are over already
    /// but have a greater number than this.
    pub fn open_issues(&self, since: Option<i64>) -> Result<Vec<Issue>, StoreError> {
        let sql = concat!(
            "SELECT ",
            issue_columns!(),
            " FROM issues
              WHERE id IN (SELECT id FROM issues INDEXED BY issues_lasting WHERE closed_at IS NULL
                           UNION SELECT id FROM issues WHERE id > :since)
              ORDER BY id"
        );
        all(&self.connection, sql, named_params! { ":since": since }, Issue::from_row)
    }
}

/// The texts that stand in no column of their own: `{"fr":{"title":…,"detail":…,"remedy":…}}`.
fn translations(texts: &Spoken<Texts>) -> String {
    let Texts { title, detail, remedy } = &texts.french;
    let french = json!({ "title": title, "detail": detail, "remedy": remedy });
    json!({ Language::French.as_str(): french }).to_string()
}

fn in_french(translations: &str) -> Option<Texts> {
    let translations: Value = serde_json::from_str(translations).ok()?;
    let french = translations.get(Language::French.as_str())?;
    let text = |name| french.get(name)?.as_str();
    Some(Texts::new(text("title")?, text("detail")?, text("remedy")?))
}

/// Opens an issue, or counts it once more.
pub(in crate::store) fn raise(
    connection: &Connection,
    raise: &Raise,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, severity, last_seen_at, dismissed_at IS NOT NULL FROM issues
         WHERE kind = :kind AND subject = :subject AND closed_at IS NULL",
    )?;
    let mut rows = statement
        .query(named_params! { ":kind": raise.kind.as_str(), ":subject": raise.subject })?;
    match rows.next()? {
        None => open(connection, raise, now),
        Some(row) => {
            let mut columns = Columns::of(row);
            let id = columns.value()?;
            let standing = Standing {
                severity: columns.parsed("severity", Severity::parse)?,
                last_seen_at: columns.instant()?,
                dismissed: columns.value()?,
            };
            repeat(connection, id, standing, raise, now)
        }
    }
}

fn open(connection: &Connection, raise: &Raise, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO issues
                 (kind, subject, severity, title, detail, remedy, translations, opened_at,
                  last_seen_at, count, news)
             VALUES
                 (:kind, :subject, :severity, :title, :detail, :remedy, :translations, :now, :now, 1,
                  1)",
        )?
        .execute(named_params! {
            ":kind": raise.kind.as_str(),
            ":subject": raise.subject,
            ":severity": raise.severity.as_str(),
            ":title": raise.texts.english.title,
            ":detail": raise.texts.english.detail,
            ":remedy": raise.texts.english.remedy,
            ":translations": translations(&raise.texts),
            ":now": now.to_string(),
        })?;
    let id = connection.last_insert_rowid();
    alerts::owe(connection, id, raise.kind, &raise.subject, now)
}

fn repeat(
    connection: &Connection,
    id: i64,
    standing: Standing,
    raise: &Raise,
    now: Timestamp,
) -> Result<(), StoreError> {
    let raised = standing.raised(raise.severity, raise.occasion, now);
    // It stays as bad as it was until it is over, so that nobody is told twice that it got worse.
    let severity = raise.severity.max(standing.severity);
    connection
        .prepare_cached(
            "UPDATE issues
             SET severity = :severity, title = :title, detail = :detail, remedy = :remedy,
                 translations = :translations, last_seen_at = :now, count = count + :counts, news = news + :is_news,
                 dismissed_at = CASE WHEN :is_news THEN NULL ELSE dismissed_at END
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": id,
            ":severity": severity.as_str(),
            ":title": raise.texts.english.title,
            ":detail": raise.texts.english.detail,
            ":remedy": raise.texts.english.remedy,
            ":translations": translations(&raise.texts),
            ":counts": raised.counts,
            ":is_news": raised.is_news,
            ":now": now.to_string(),
        })?;
    match raised.is_news {
        true => alerts::owe(connection, id, raise.kind, &raise.subject, now),
        false => Ok(()),
    }
}

/// Notes that an issue is over, if there is one; `how` takes the place of its detail.
pub(in crate::store) fn close(
    connection: &Connection,
    kind: IssueKind,
    subject: &str,
    how: Option<&Spoken<String>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let closed: Option<i64> = connection
        .prepare_cached(
            "UPDATE issues
             SET closed_at = :now, news = news + 1, detail = ifnull(:how, detail),
                 translations = CASE
                     WHEN :how IS NULL THEN translations
                     ELSE json_set(translations, '$.fr.detail', :how_in_french)
                 END
             WHERE kind = :kind AND subject = :subject AND closed_at IS NULL RETURNING id",
        )?
        .query_row(
            named_params! {
                ":kind": kind.as_str(),
                ":subject": subject,
                ":how": how.map(|how| &how.english),
                ":how_in_french": how.map(|how| &how.french),
                ":now": now.to_string(),
            },
            |row| row.get("id"),
        )
        .optional()?;
    match closed {
        Some(id) => alerts::owe(connection, id, kind, subject, now),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_in_every_language() {
        let texts = Spoken {
            english: Texts::new("One", "two", "three"),
            french: Texts::new("Un \"é\" <b>", "deux", ""),
        };
        assert_eq!(in_french(&translations(&texts)), Some(texts.french));
        for damaged in ["", "null", "{}", r#"{"fr":{"title":"Un","remedy":""}}"#, r#"{"fr":7}"#] {
            assert_eq!(in_french(damaged), None, "{damaged}");
        }
    }
}
