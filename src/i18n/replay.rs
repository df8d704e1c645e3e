//! What reading a stored event again came to, in words.

use super::{Text, Words};
use crate::domain::records::{Applied, Left, RereadResult};

texts! {
    /// Why a stored event was left as it was, as a phrase.
    Replay {
        removed: Text = "its payload was removed", "son contenu a été supprimé";
        unreadable: fn(&str) -> String = |why| format!("it can't be read: {why}"),
            |why| format!("il ne peut être lu, en anglais\u{a0}: «\u{a0}{why}\u{a0}»");
        less_than_before: fn(&str) -> String =
            |why| format!("it can no longer be processed: {why}"),
            |why| format!("il ne peut plus être traité, en anglais\u{a0}: «\u{a0}{why}\u{a0}»");
    }
}

impl Words {
    /// Why a stored event was left as it was, as a phrase.
    pub(crate) fn left(&self, left: &Left) -> String {
        match left {
            Left::Removed => self.replay.removed.to_owned(),
            Left::Unreadable(why) => (self.replay.unreadable)(why),
            Left::LessThanBefore(why) => (self.replay.less_than_before)(why),
        }
    }
}

impl RereadResult {
    /// What it is now, in words; why, if it was left as it was.
    pub fn after(&self) -> Option<String> {
        match self {
            Self::Same => None,
            Self::Changed(applied) => Some(after(applied)),
            Self::Left(left) => Some(Words::ENGLISH.left(left)),
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
