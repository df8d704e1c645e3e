//! Alerts that are owed, and the daily report.

use super::Issue;
use crate::domain::delivery::Next;

/// A message whose next attempt is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAlert {
    /// Row id.
    pub id: i64,
    /// Attempts made.
    pub attempts: u32,
    /// What it tells of, as it stands.
    pub issue: Issue,
    /// How much of its news the target was told; `None` for nothing.
    pub told: Option<i64>,
}

/// What became of an attempt to send a message, or of the message without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The target was told so much of the issue's news, or did not take it.
    Tried {
        /// How much.
        news: i64,
        /// What follows.
        next: Next,
        /// Why it failed, in words; `None` if it did not.
        failure: Option<String>,
    },
    /// There was nothing left to say.
    Dropped,
}

impl Sent {
    /// Whether the target took it.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Tried { next: Next::Delivered, .. })
    }
}

/// A report whose next attempt is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueReport {
    /// Row id.
    pub id: i64,
    /// The date of the day that it is about, in the shop's time zone.
    pub day: String,
    /// Attempts made.
    pub attempts: u32,
}
