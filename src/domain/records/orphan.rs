//! A payment that matches nothing.

use std::time::Duration;

use super::Transaction;
use crate::domain::money::{Currency, Total};
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::transaction::Status;

string_enum! {
    /// How an orphan ended: the `resolution` column.
    Resolution {
        /// It belongs to a transaction.
        Matched = "matched",
        /// A person, or the return of the money, said that there is nothing to do.
        Dismissed = "dismissed",
    }
}

string_enum! {
    /// Who ended it: the `resolved_by` column.
    By {
        /// An event or a registration showed it.
        Payhookd = "payhookd",
        /// Somebody said so.
        Person = "person",
    }
}

/// One row of `orphan_transactions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Row id.
    pub id: i64,
    /// At whom the payment was made.
    pub provider: Provider,
    /// Stripe Connect's account that it was made to, where that is not the shop's own.
    pub account: Option<String>,
    /// Why it is one.
    pub kind: OrphanKind,
    /// What it is about.
    pub about: OrphanAbout,
    /// The transactions that its ids lead to, where it is applied to none of them because of that.
    pub candidates: Vec<i64>,
    /// The provider's id that names the payment best.
    pub reference: String,
    /// The shop's own id, if the events carry one.
    pub order_id: Option<String>,
    /// The provider's id of the subscription that it is a payment of.
    pub subscription: Option<String>,
    /// The event that was received last.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// The status that a transaction would have; `None` if the events claim none, as a refund alone.
    pub status: Option<Status>,
    /// Minor units received or, before that, asked for.
    pub amount: Option<i64>,
    /// The currency of `amount`.
    pub currency: Option<String>,
    /// Real money.
    pub livemode: bool,
    /// When its first event was received, UTC.
    pub first_seen_at: Timestamp,
    /// When its last event was received, UTC.
    pub last_seen_at: Timestamp,
    /// From when on a person is to know of it, UTC; `None`: never.
    pub alert_at: Option<Timestamp>,
    /// When it was matched or dismissed, UTC.
    pub resolved_at: Option<Timestamp>,
    /// How it ended.
    pub resolution: Option<Resolution>,
    /// Who ended it.
    pub resolved_by: Option<By>,
    /// The transaction that it was matched with or, of late money, that the shop had closed.
    pub transaction_id: Option<i64>,
    /// What a person said of it.
    pub note: Option<String>,
}

/// The orphans of one mode, subject, provider and currency that a person is to see to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOrphans {
    /// At whom the payments were made.
    pub provider: Provider,
    /// Real money.
    pub livemode: bool,
    /// What they are about.
    pub about: OrphanAbout,
    /// `None`: their events tell of no amount.
    pub currency: Option<Currency>,
    /// How many there are.
    pub number: i64,
    /// What they add up to, in minor units.
    pub sum: Total,
    /// When the oldest of them was first seen, UTC.
    pub oldest: Timestamp,
}

/// What became of the orphan inbox in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrphanFigures {
    /// Orphans that outlasted their grace then.
    pub came: i64,
    /// Those of all times that came to belong to a transaction then.
    pub matched: i64,
    /// Those of all times that a person dismissed then.
    pub dismissed: i64,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Newest first.
    pub rows: Vec<Transaction>,
    /// Where the next page begins: the `before` of it; `None` if there is none.
    pub next: Option<i64>,
    /// More ids begin like this than are looked at.
    pub cut: bool,
}

/// A transaction that an orphan may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The transaction.
    pub transaction: Transaction,
    /// It has the order id that the orphan's events carry.
    pub same_order: bool,
    /// The shop expects the amount that was paid.
    pub same_amount: bool,
    /// How long before or after the orphan's first event it was registered.
    pub apart: Duration,
}

impl Candidate {
    pub(crate) fn new(transaction: Transaction, orphan: &Orphan) -> Self {
        let (at, seen) = (transaction.created_at, orphan.first_seen_at);
        let currency = transaction.expected.currency.as_ref().map(Currency::as_str);
        Self {
            same_order: orphan.order_id.is_some() && transaction.order_id == orphan.order_id,
            same_amount: orphan.amount.is_some()
                && (transaction.expected.amount, currency)
                    == (orphan.amount, orphan.currency.as_deref()),
            apart: at.since(seen).max(seen.since(at)),
            transaction,
        }
    }

    /// The less, the likelier.
    pub(crate) fn rank(&self) -> (bool, bool, Duration) {
        (!self.same_order, !self.same_amount, self.apart)
    }
}

/// What a person says of an orphan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is part of this transaction.
    Attach {
        /// The transaction.
        transaction_id: i64,
        /// Why, in the person's words.
        note: Option<String>,
    },
    /// There is nothing to do about it: why, in the person's words.
    Dismiss(String),
    /// It is another's who uses the same account.
    MarkForeign {
        /// Why, in the person's words.
        note: Option<String>,
    },
}
