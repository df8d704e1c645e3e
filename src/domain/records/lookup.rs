//! Objects that are to be looked up at a provider's API.

use super::Applied;
use crate::domain::lookup_schedule::Reason;
use crate::domain::provider::Provider;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::domain::transaction::Status;

string_enum! {
    /// What is asked about.
    AskSubject {
        /// A transaction or an orphan.
        Payment = "payment",
        /// An event that does not suffice.
        Event = "event",
    }
}

/// Something that is due to be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAsk {
    /// What kind of thing.
    pub subject: AskSubject,
    /// Row id of it.
    pub id: i64,
    /// The transaction or orphan that it belongs to, if it does.
    pub payment: Option<i64>,
    /// The transaction's version; a change begins anew. 0 of anything else.
    pub version: i64,
    /// At whom.
    pub provider: Provider,
    /// Why.
    pub reason: Reason,
    /// The transaction's status, if it is one.
    pub status: Option<Status>,
    /// Since when it has been so.
    pub since: Timestamp,
}

/// That it was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// About what.
    pub due: DueAsk,
    /// When it is asked again; `None`: not.
    pub next_at: Option<Timestamp>,
    /// In words.
    pub result: String,
}

/// What became of an object that was asked for.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The object.
    pub object: Reference,
    /// Its event and what that came to; `None` if it says what is known.
    pub news: Option<(Box<str>, Applied)>,
}
