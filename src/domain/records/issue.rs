//! An issue, as it is kept.

use crate::domain::issue::{IssueKind, Severity, Texts};
use crate::domain::time::Timestamp;

/// One row of `issues`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Row id; grows in the order of opening.
    pub id: i64,
    /// What is wrong.
    pub kind: IssueKind,
    /// What it is about, by the rule of its kind.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// One line, in English as are the two below; may hold what a sender wrote.
    pub title: String,
    /// What else is known; may hold what a sender wrote.
    pub detail: String,
    /// The command or click that mends it.
    pub remedy: String,
    /// The same in French; `None` for one from a version that spoke English only.
    pub french: Option<Texts>,
    /// When it opened, UTC.
    pub opened_at: Timestamp,
    /// When it was last seen, UTC.
    pub last_seen_at: Timestamp,
    /// How often it happened, from 1.
    pub count: i64,
    /// Grows with all of it that is worth a message, from 1.
    pub news: i64,
    /// When a person said that they know, UTC.
    pub dismissed_at: Option<Timestamp>,
    /// When it was over, UTC.
    pub closed_at: Option<Timestamp>,
}

/// What saying that one knows of an issue came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dismissed {
    /// No more is told of it until it is worse, or happens again.
    Done,
    /// There is no such issue.
    Unknown,
    /// It was over before. Nothing was changed.
    Closed,
}
