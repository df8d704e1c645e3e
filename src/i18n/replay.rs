//! What reading a stored event again came to, in words.

use crate::domain::language::Spoken;
use crate::domain::records::{Applied, Left, RereadResult};

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
    /// What it is now, in words; why, if it was left as it was.
    pub fn after(&self) -> Option<String> {
        match self {
            Self::Same => None,
            Self::Changed(applied) => Some(after(applied)),
            Self::Left(left) => Some(left.why().english),
        }
    }
}

fn after(applied: &Applied) -> String {
    let status = applied.status.map(|status| format!(" ({status})")).unwrap_or_default();
    match applied.transaction_id {
        Some(id) => format!("{} in transaction {id}{status}", applied.outcome),
        None => format!("{}{status}", applied.outcome),
    }
}
