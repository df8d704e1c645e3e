//! An issue, as it is kept.

use crate::domain::issue::{Ending, IssueData, IssueKind, IssueStatus, Severity, Texts};
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
    /// What is known of it.
    pub details: Details,
    /// How it ended, where more is known than that it did.
    pub ending: Option<Ending>,
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

/// What is known of an issue, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Details {
    /// Data, of which sentences are made when they are shown.
    Data(IssueData),
    /// Sentences, of a version that kept no data.
    Prose {
        /// In English.
        english: Texts,
        /// In French; `None` for one from a version that spoke English only.
        french: Option<Texts>,
    },
    /// Data of a version that knows more than this one: its JSON.
    Unknown(String),
}

impl Issue {
    /// Where it stands.
    pub fn status(&self) -> IssueStatus {
        match (self.closed_at, self.dismissed_at) {
            (Some(_), _) => IssueStatus::Closed,
            (None, Some(_)) => IssueStatus::Dismissed,
            (None, None) => IssueStatus::Open,
        }
    }
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
