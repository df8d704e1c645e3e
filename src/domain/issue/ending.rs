//! How an issue ended, as it is kept: data, and no sentence.

use serde::{Deserialize, Serialize};

use crate::domain::records::Verdict;
use crate::domain::transaction::DisputeStatus;

/// How an issue ended, where more is known than that it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Ending {
    /// The payment belongs to a transaction.
    Matched {
        /// Which.
        transaction_id: i64,
    },
    /// The payment is part of another orphan.
    Merged {
        /// Which.
        orphan_id: i64,
    },
    /// The payment's events went elsewhere.
    EventsWentElsewhere,
    /// The payment concerns nobody here.
    Foreign,
    /// A person said that the payment is another's.
    Disowned,
    /// A person said that there is nothing to do.
    NothingToDo,
    /// The money went back.
    MoneyWentBack,
    /// The dispute was decided.
    Decided {
        /// How.
        status: DisputeStatus,
    },
    /// The order was captured, canceled, or has lapsed.
    CapturedOrLapsed,
    /// What was kept of a doubtful event stands.
    Believed {
        /// Who says so.
        verdict: Verdict,
    },
}
