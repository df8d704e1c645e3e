//! Stored events read again by today's code and the daemon's rules: for the command line and for the
//! HTTP API.

use crate::domain::language::Spoken;
use crate::domain::records::{Applied, Replayed, WebhookLog};
use crate::domain::time::Timestamp;
use crate::providers::read_again;
use crate::providers::rules::Rules;
use crate::providers::unreadable::NO_TEXT;
use crate::store::{Batch, StoreError};

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

impl Left {
    /// As a phrase.
    pub fn why(&self) -> Spoken<String> {
        match self {
            Self::Removed => Spoken {
                english: "its payload was removed".to_owned(),
                french: "son contenu a été supprimé".to_owned(),
            },
            Self::Unreadable(why) => Spoken {
                english: format!("it can't be read: {why}"),
                french: format!("il ne peut être lu, en anglais\u{a0}: «\u{a0}{why}\u{a0}»"),
            },
            Self::LessThanBefore(why) => Spoken {
                english: format!("it is not understood any more: {why}"),
                french: format!("il n’est plus compris, en anglais\u{a0}: «\u{a0}{why}\u{a0}»"),
            },
        }
    }
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

    /// What it is now, in words; why, if it was left as it was.
    pub fn after(&self) -> Option<String> {
        match self {
            Self::Same => None,
            Self::Changed(applied) => Some(after(applied)),
            Self::Left(left) => Some(left.why().english),
        }
    }
}

/// Reads the stored event with this row id again and applies what it says now in place of what it
/// said. `None`: there is no such event.
pub fn replay(
    batch: &Batch<'_>,
    id: i64,
    rules: &Rules,
    now: Timestamp,
) -> Result<Option<Reread>, StoreError> {
    let Some(log) = batch.event(id)? else { return Ok(None) };
    let before = before(batch, &log)?;
    let result = again(batch, &log, rules, now)?;
    let WebhookLog { event_id, event_type, .. } = log;
    Ok(Some(Reread { id, event_id, event_type, before, result }))
}

fn again(
    batch: &Batch<'_>,
    log: &WebhookLog,
    rules: &Rules,
    now: Timestamp,
) -> Result<RereadResult, StoreError> {
    let Some(payload) = &log.payload else {
        return Ok(RereadResult::Left(Left::Removed));
    };
    // Of bytes that were no text, nobody knows any more what they were.
    if log.error.as_deref().is_some_and(|why| why.starts_with(NO_TEXT)) {
        return Ok(RereadResult::Same);
    }
    let event = match read_again(log.provider, payload, log.livemode, &log.event_id, rules) {
        Ok(event) => event,
        Err(refusal) => return Ok(RereadResult::Left(Left::Unreadable(refusal.to_string()))),
    };
    Ok(match batch.replay(log, &event, now)? {
        Replayed::Same => RereadResult::Same,
        Replayed::Changed(applied) => RereadResult::Changed(applied),
        Replayed::LessThanBefore(why) => RereadResult::Left(Left::LessThanBefore(why)),
    })
}

fn before(batch: &Batch<'_>, log: &WebhookLog) -> Result<String, StoreError> {
    Ok(match log.transaction_id {
        Some(id) => {
            let found = batch.find_transaction(id)?;
            let status = found.map(|one| format!(" ({})", one.state.status)).unwrap_or_default();
            format!("{} in transaction {id}{status}", log.status)
        }
        None => log.status.to_string(),
    })
}

fn after(applied: &Applied) -> String {
    let status = applied.status.map(|status| format!(" ({status})")).unwrap_or_default();
    match applied.transaction_id {
        Some(id) => format!("{} in transaction {id}{status}", applied.outcome),
        None => format!("{}{status}", applied.outcome),
    }
}
