//! An event: as it comes, as it is kept, what became of it.

use std::time::Instant;

use super::{Orphan, Transaction};
use crate::domain::event::{Event, Ownership, Source};
use crate::domain::fact::Fact;
use crate::domain::orphan::OrphanKind;
use crate::domain::provider::Provider;
use crate::domain::reference::Reference;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Status};

string_enum! {
    /// What became of an event: the `status` column of `webhook_logs`.
    Outcome {
        /// Applied to a transaction.
        Processed = "processed",
        /// Kept; not a type that is acted on.
        Ignored = "ignored",
        /// Kept and remembered; no transaction is registered for its payment.
        Orphan = "orphan",
        /// Kept; it could not be understood.
        Failed = "failed",
    }
}

/// One genuine request, read and ready to be kept.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// What it says.
    pub event: Event,
    /// Its body, byte for byte, but for U+FFFD where it was no UTF-8.
    pub payload: String,
    /// SHA-256 of the body as it came.
    pub payload_sha256: [u8; 32],
    /// JSON object of its headers, without signatures.
    pub headers: String,
    /// By what it was proved: a label.
    pub proof: String,
    /// PayPal's id of this delivery.
    pub transmission_id: Option<Box<str>>,
    /// How it came.
    pub source: Source,
    /// When it came, UTC.
    pub received_at: Timestamp,
    /// The same on the clock that measures durations.
    pub arrived: Instant,
}

/// What was done with a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// A new event, or one that could not be understood when it came before.
    New(Applied),
    /// An event that is known; only its deliveries were counted.
    Duplicate {
        /// The transaction that it was applied to when it was new.
        transaction_id: Option<i64>,
    },
    /// Known under its id with another body: nothing was changed.
    Refused(Refusal),
}

/// What became of an event, and what a person should know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What became of it.
    pub outcome: Outcome,
    /// The transaction it was applied to.
    pub transaction_id: Option<i64>,
    /// The status of the transaction or orphan afterwards.
    pub status: Option<Status>,
    /// Why its payment is an orphan, if it is one.
    pub orphan: Option<OrphanKind>,
    /// Set if with this event the amount turned out not to be what the shop expects.
    pub wrong_amount: Option<AmountCheck>,
    /// With this event money came for a transaction that the shop had closed.
    pub late_money: bool,
}

impl Applied {
    /// An event that is kept and speaks of no payment.
    pub fn kept(outcome: Outcome) -> Self {
        Self {
            outcome,
            transaction_id: None,
            status: None,
            orphan: None,
            wrong_amount: None,
            late_money: false,
        }
    }
}

/// One row of `webhook_logs`.
#[derive(Clone, Debug)]
pub struct WebhookLog {
    /// Row id; grows in the order of first receipt.
    pub id: i64,
    /// Whose event.
    pub provider: Provider,
    /// Stripe Connect's account that it is of, where it is not the shop's own.
    pub account: Option<String>,
    /// The provider's id.
    pub event_id: String,
    /// The provider's name of what happened.
    pub event_type: String,
    /// The version in which it was rendered.
    pub api_version: Option<String>,
    /// Real money.
    pub livemode: bool,
    /// By the provider's clock.
    pub occurred_at: Option<Timestamp>,
    /// First delivery, UTC.
    pub received_at: Timestamp,
    /// Last delivery, UTC.
    pub last_received_at: Timestamp,
    /// How often it was delivered.
    pub delivery_count: i64,
    /// What became of it.
    pub status: Outcome,
    /// Why it was ignored or failed.
    pub error: Option<String>,
    /// Microseconds from the arrival of the first delivery to its row.
    pub processing_us: i64,
    /// The transaction it was applied to.
    pub transaction_id: Option<i64>,
    /// By what it was proved.
    pub proof: String,
    /// How it came.
    pub source: Source,
    /// JSON object of the request's headers, without signatures.
    pub headers: Option<String>,
    /// The body, byte for byte; `None` once removed. Lists leave it out.
    pub payload: Option<String>,
}

/// What an event said, where it went and why, and what that changed.
#[derive(Clone, Debug)]
pub struct EventDetail {
    /// What it was read as; empty if it speaks of no payment.
    pub facts: Vec<Fact>,
    /// Every id that it carries.
    pub references: Vec<Reference>,
    /// Whose the payment is, by the shop's rule.
    pub ownership: Ownership,
    /// The transaction that it was applied to, and how it was found.
    pub matched: Option<(Transaction, Matched)>,
    /// The orphan that it belongs to.
    pub orphan: Option<Orphan>,
    /// All transactions of which it tells something: mostly one, but a dispute may be about several.
    pub transactions: Vec<i64>,
    /// Of an orphan: what each id would lead to.
    pub leads: Vec<Lead>,
    /// The changes of the transaction that it caused.
    pub changes: Vec<CausedChange>,
    /// When personal fields were last removed from it, UTC.
    pub redacted_at: Option<Timestamp>,
}

/// By what an event was found to belong to its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// It carries the id that the shop registered.
    Registered(Reference),
    /// It carries an id that another event, this one, tied to the transaction.
    Learned(Reference, String),
    /// It carries the shop's order id, which no other transaction has.
    OrderId(Reference),
    /// A person said so.
    Person,
    /// The ids that led here are not there any more.
    Untold,
}

/// What one id of an orphan's event leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The id.
    pub reference: Reference,
    /// The transactions that have it: none, or, of an order id, several.
    pub transactions: Vec<i64>,
    /// The transactions of the other mode that have it.
    pub other_mode: Vec<i64>,
}

/// One change of a transaction: the state after it, and before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CausedChange {
    /// `transaction.succeeded` and the like.
    pub change: String,
    /// Before and after; before the first there was nothing.
    pub status: (Option<Status>, Status),
    /// Minor units received, before and after.
    pub received: (i64, i64),
    /// Minor units refunded, before and after.
    pub refunded: (i64, i64),
    /// Before and after.
    pub dispute_status: (DisputeStatus, DisputeStatus),
}

/// What reading an event again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It says what it said: nothing was changed.
    Same,
    /// It is read differently now and was applied anew.
    Changed(Applied),
    /// It was understood before and is not any more: what it said then stays.
    LessThanBefore(Box<str>),
}

/// What was found so far.
#[derive(Clone, Debug)]
pub struct FoundEvents {
    /// Newest first, without their payloads.
    pub rows: Vec<WebhookLog>,
    /// Where the search goes on: the `before` of the next page; `None` if that was all.
    pub next: Option<i64>,
    /// Nothing later was left out, but what is older was not looked at; `None` if the page is full,
    /// or if that was all.
    pub looked_back_to: Option<Timestamp>,
}

/// A request that was refused. Nothing of its content is kept: it may be anything.
#[derive(Clone, Debug)]
pub struct RejectedRequest {
    /// When it came, UTC.
    pub received_at: Timestamp,
    /// Whose endpoint it came to.
    pub provider: Provider,
    /// Why it was refused.
    pub reason: Refusal,
    /// The size of its body.
    pub payload_bytes: usize,
    /// Its `User-Agent`, at most [`USER_AGENT_CHARS`] characters.
    pub user_agent: Option<String>,
}

/// As much of a `User-Agent` as is kept.
pub const USER_AGENT_CHARS: usize = 200;

string_enum! {
    /// What PayPal, or a person, said of a doubtful event.
    Verdict {
        /// What was kept.
        Confirmed = "confirmed",
        /// Something else, which was put in its place.
        Replaced = "replaced",
        /// A person has looked: what was kept stands.
        Accepted = "accepted",
    }
}
