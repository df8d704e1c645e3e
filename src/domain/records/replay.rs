//! What reading a stored event again came to, and what was taken out of one.

use super::{Applied, ChangedTransaction, Transaction};

/// What reading one stored event again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reread {
    /// Row id of the event.
    pub id: i64,
    /// The provider's id of it.
    pub event_id: String,
    /// The provider's name of what happened.
    pub event_type: String,
    /// What it was before, in words.
    pub before: String,
    /// What came of it.
    pub result: RereadResult,
}

/// What came of reading an event again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RereadResult {
    /// It says what it said.
    Same,
    /// It is read differently now and was applied anew.
    Changed(Applied),
    /// It was left as it was: why.
    Left(Left),
}

/// Why an event was left as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// Its payload was removed.
    Removed,
    /// Its payload is no event: why, in English.
    Unreadable(String),
    /// It was understood before and is not any more: why, in English.
    LessThanBefore(Box<str>),
}

impl RereadResult {
    /// `same`, `changed` or `left`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed(_) => "changed",
            Self::Left(_) => "left",
        }
    }
}

/// What was taken out of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Row id of the event.
    pub id: i64,
    /// The provider's id of it.
    pub event_id: String,
    /// The provider's name of what happened.
    pub event_type: String,
    /// The paths of the values that were taken out of its body.
    pub paths: Vec<String>,
    /// Whether its headers were removed.
    pub headers: bool,
    /// Whether its body had been removed before.
    pub had_no_body: bool,
}

/// What replaying an event would come to.
#[derive(Clone, Debug)]
pub struct Replayable {
    /// What comes of it.
    pub reread: Reread,
    /// The transaction that it belongs to, as it stands.
    pub before: Option<Transaction>,
    /// The transaction that it would belong to, as it would stand.
    pub after: Option<Transaction>,
}

/// What came of reading some events again that an earlier version read by other rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadAgain {
    /// How many were read again.
    pub events: usize,
    /// How many of them are read differently now.
    pub changed: usize,
    /// The transactions that changed by that, by their numbers.
    pub transactions: Vec<ChangedTransaction>,
    /// Whether more events follow.
    pub more: bool,
}
