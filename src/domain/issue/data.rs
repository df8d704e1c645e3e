//! What is known of an issue, as it is kept: ids, amounts, counts and times, and no sentence. What a
//! person reads is made of it when it is shown, in their language and time zone.
//!
//! A variant or a field that was released keeps its name and its meaning: rows hold them for a year.

use serde::{Deserialize, Serialize};

use super::subscription::{EndedSubscription, UnknownSubscription, subscription_subject};
use super::{IssueKind, Payment};
use crate::domain::endpoint::Fault;
use crate::domain::merchant_action::MerchantAction;
use crate::domain::money::Money;
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::provider::Provider;
use crate::domain::records::Loss;
use crate::domain::refusal_pattern::{Evidence, Likely};
use crate::domain::retention::ClockDoubt;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus};

/// A problem, with all that is known of it. It holds no secret, payload or e-mail address, and may hold
/// what a sender wrote. Reasons that an app, a provider or the system gave are in English.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum IssueData {
    /// A payment that no transaction is registered for.
    Orphan {
        /// The orphan.
        id: i64,
        /// Why it is one.
        why: OrphanKind,
        /// What it is about.
        #[serde(default = "payment")]
        about: OrphanAbout,
        /// The payment.
        payment: Payment,
        /// Of a dispute, until when it can be answered, if that is known.
        #[serde(default)]
        answer_by: Option<Timestamp>,
    },
    /// Money for a transaction that the shop had closed.
    LateMoney {
        /// The orphan.
        id: i64,
        /// The transaction, if it is known.
        transaction_id: Option<i64>,
        /// The payment.
        payment: Payment,
    },
    /// Other money than the shop expects.
    AmountMismatch {
        /// The transaction.
        transaction_id: i64,
        /// The payment.
        payment: Payment,
        /// In which way it is other.
        check: AmountCheck,
        /// What the shop expects.
        expected: Option<Money>,
        /// What came, each currency once.
        received: Vec<Money>,
    },
    /// A buyer or their bank wants money back.
    Dispute {
        /// The transaction.
        transaction_id: i64,
        /// The payment.
        payment: Payment,
        /// Whether a bank asks, or the money is withheld.
        status: DisputeStatus,
        /// Until when it can be answered, if that is known.
        answer_by: Option<Timestamp>,
        /// That is soon.
        is_urgent: bool,
    },
    /// A PayPal order that was approved and is not captured.
    UncapturedOrder {
        /// The transaction.
        transaction_id: i64,
        /// The payment.
        payment: Payment,
        /// When the buyer approved it.
        approved_at: Timestamp,
    },
    /// A payment that PayPal holds.
    MerchantAction {
        /// The transaction.
        transaction_id: i64,
        /// The payment.
        payment: Payment,
        /// What the shop has to do there.
        action: MerchantAction,
    },
    /// A payment that is authorized and not captured lapses.
    Authorization {
        /// The transaction.
        transaction_id: i64,
        /// The payment.
        payment: Payment,
        /// When it lapses.
        lapses_at: Timestamp,
        /// It is lost then; else PayPal may refuse to capture it.
        for_good: bool,
    },
    /// A refund that failed, or is under way for too long.
    Refund {
        /// The transaction.
        transaction_id: i64,
        /// The payment.
        payment: Payment,
        /// The provider's id of the refund.
        refund_id: String,
        /// How much, if that is known.
        money: Option<Money>,
        /// It failed.
        failed: bool,
        /// Since when, by the provider's clock.
        since: Timestamp,
        /// The provider's code of why it failed.
        reason: Option<String>,
    },
    /// The issuer of a card warns that a payment is fraud.
    FraudWarning {
        /// The transaction.
        transaction_id: i64,
        /// The payment.
        payment: Payment,
        /// When the issuer said so, by the provider's clock.
        at: Timestamp,
    },
    /// A payout failed or was canceled.
    Payout {
        /// Who pays out.
        provider: Provider,
        /// The provider's id of the payout.
        payout_id: String,
        /// How much, if that is known.
        money: Option<Money>,
        /// It was taken back before it was sent.
        canceled: bool,
        /// Why it failed, in the provider's words.
        reason: Option<String>,
        /// When it did, by the provider's clock.
        #[serde(default)]
        at: Option<Timestamp>,
    },
    /// The shop's app refuses notifications, or is out of reach.
    App {
        /// When the first attempt of those failed.
        since: Timestamp,
        /// About how many transactions it was not notified.
        transactions: i64,
        /// How many notifications wait.
        pending: i64,
        /// What came of the last attempt, in words.
        failure: Option<String>,
    },
    /// Genuine events that could not be understood.
    FailedEvent {
        /// Who sent them.
        provider: Provider,
        /// Their type.
        event_type: String,
        /// The last of them.
        event_id: String,
        /// Why it was not understood.
        why: String,
    },
    /// Changes that the shop's app was not told of.
    DeadLetter {
        /// How many.
        number: i64,
        /// The last of them.
        delivery_id: i64,
        /// What came of its last attempt; `None`: no answer.
        failure: Option<String>,
    },
    /// Webhooks with wrong signatures.
    RefusedSignatures {
        /// Whose webhooks they seem to be.
        provider: Provider,
        /// What they are likely to mean.
        likely: Likely,
        /// How many came in the last hour.
        count: u64,
        /// When the first of them came, if the secret was likely rolled.
        since: Option<Timestamp>,
        /// When the last genuine one came, if the secret was likely rolled.
        genuine_at: Option<Timestamp>,
        /// Why they are believed to be the provider's; without it they may be anybody's.
        #[serde(default)]
        evidence: Option<Evidence>,
    },
    /// Nothing comes.
    Silence {
        /// From whom.
        provider: Provider,
        /// When the last event came.
        last_at: Timestamp,
    },
    /// There is little room.
    Disk {
        /// Mebibytes that are free.
        free: u64,
        /// All of them.
        total: u64,
    },
    /// Somebody reads of one moment without an end.
    HeldWal {
        /// Mebibytes of the log.
        size: u64,
    },
    /// A background task of the daemon broke off, and was begun again.
    Task {
        /// Its name.
        task: String,
    },
    /// The database's files were lost under the daemon.
    Database {
        /// How.
        loss: Loss,
        /// What was saved of them.
        rescue: Rescue,
    },
    /// The log of events does not go on from the head that was known of it.
    EventLog {
        /// That head.
        known: String,
        /// The file that it stands in.
        file: String,
    },
    /// PayPal's webhooks can't be proved.
    NoProof {
        /// How many came in the last hour.
        count: u64,
        /// Whether they are proved by certificates here; else PayPal's API is asked.
        by_certificate: bool,
        /// Why they are believed to be PayPal's.
        #[serde(default)]
        evidence: Option<Evidence>,
    },
    /// PayPal's newest certificate ends soon.
    CertificateEnds {
        /// When.
        at: Timestamp,
    },
    /// Genuine signatures are of another time than this machine's.
    OtherTime {
        /// Who signed.
        provider: Provider,
        /// How many came in the last hour.
        count: u64,
        /// This machine's time when it was last seen.
        now: Timestamp,
        /// Why they are believed to be the provider's, and now.
        #[serde(default)]
        evidence: Option<Evidence>,
    },
    /// This machine's clock does not fit the events.
    MachineClock {
        /// In which way.
        doubt: ClockDoubt,
        /// When the last event came.
        latest_at: Timestamp,
    },
    /// A webhook endpoint is not set up as it should be.
    Endpoint {
        /// Whose it is.
        provider: Provider,
        /// What is wrong, the worst first.
        faults: Vec<Fault>,
    },
    /// Missed events can't be fetched.
    Reconcile {
        /// From whom.
        provider: Provider,
        /// Why not.
        error: String,
    },
    /// The provider knows nothing of a payment.
    Discrepancy {
        /// The transaction.
        transaction_id: i64,
        /// Who knows nothing.
        provider: Provider,
        /// The payment's id.
        reference: String,
    },
    /// Two bodies came for an event of PayPal's.
    DoubtfulEvent {
        /// The event.
        event_id: String,
        /// Where nothing was kept, the id of the transmission.
        transmission_id: Option<String>,
        /// What is known of them.
        doubt: Doubt,
        /// Its transactions: their ids and payments.
        transactions: Vec<(i64, Payment)>,
    },
    /// Payments of a subscription that the shop has not registered.
    UnknownSubscription(UnknownSubscription),
    /// Payments of a subscription that the shop had ended.
    EndedSubscription(EndedSubscription),
}

/// What was saved of a database whose files were lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Rescue {
    /// All, in its place.
    PutBack,
    /// All: the log was written into the file.
    Completed,
    /// All, in this copy.
    Beside {
        /// Its path.
        copy: String,
    },
    /// It could not be saved.
    Failed {
        /// Why not.
        error: String,
        /// What is left of it.
        aside: Vec<String>,
    },
}

string_enum! {
    /// What is known of two bodies that came for one event.
    Doubt {
        /// What came first is applied.
        Seen = "seen",
        /// What came first was refused, and so is what came now.
        Refused = "refused",
        /// PayPal says that it has no such event.
        Unknown = "unknown",
        /// PayPal says otherwise than what had come first, and that is applied now.
        Replaced = "replaced",
    }
}

/// What an issue about the shop's app is about.
pub const APP: &str = "app";
/// What issues about the database are about.
pub const DATABASE: &str = "database";
/// What the issue about the database's file is about.
pub const FILE: &str = "file";
/// What the issue of this machine's own clock is about; those that signatures showed are about a provider.
pub const MACHINE: &str = "machine";

impl IssueData {
    /// What is wrong.
    pub fn kind(&self) -> IssueKind {
        match self {
            Self::Orphan { .. } => IssueKind::Orphan,
            Self::LateMoney { .. } => IssueKind::LateMoney,
            Self::AmountMismatch { .. } => IssueKind::AmountMismatch,
            Self::Dispute { .. } => IssueKind::Dispute,
            Self::UncapturedOrder { .. } => IssueKind::UncapturedOrder,
            Self::MerchantAction { .. } => IssueKind::MerchantAction,
            Self::Authorization { .. } => IssueKind::Authorization,
            Self::Refund { .. } => IssueKind::Refund,
            Self::FraudWarning { .. } => IssueKind::FraudWarning,
            Self::Payout { .. } => IssueKind::Payout,
            Self::App { .. } => IssueKind::App,
            Self::FailedEvent { .. } => IssueKind::FailedEvent,
            Self::DeadLetter { .. } => IssueKind::DeadLetter,
            Self::RefusedSignatures { .. } => IssueKind::RefusedSignatures,
            Self::Silence { .. } => IssueKind::Silence,
            Self::Disk { .. } => IssueKind::Disk,
            Self::HeldWal { .. } => IssueKind::HeldWal,
            Self::Task { .. } => IssueKind::Task,
            Self::Database { .. } => IssueKind::Database,
            Self::EventLog { .. } => IssueKind::EventLog,
            Self::NoProof { .. } | Self::CertificateEnds { .. } => IssueKind::Certificate,
            Self::OtherTime { .. } | Self::MachineClock { .. } => IssueKind::Clock,
            Self::Endpoint { .. } => IssueKind::Endpoint,
            Self::Reconcile { .. } => IssueKind::Reconcile,
            Self::Discrepancy { .. } => IssueKind::Discrepancy,
            Self::DoubtfulEvent { .. } => IssueKind::DoubtfulEvent,
            Self::UnknownSubscription(_) => IssueKind::UnknownSubscription,
            Self::EndedSubscription(_) => IssueKind::EndedSubscription,
        }
    }

    /// What it is about, by the rule of its kind.
    pub fn subject(&self) -> String {
        match self {
            Self::Orphan { id, .. } | Self::LateMoney { id, .. } => id.to_string(),
            Self::AmountMismatch { transaction_id, .. }
            | Self::Dispute { transaction_id, .. }
            | Self::UncapturedOrder { transaction_id, .. }
            | Self::MerchantAction { transaction_id, .. }
            | Self::Authorization { transaction_id, .. }
            | Self::FraudWarning { transaction_id, .. }
            | Self::Discrepancy { transaction_id, .. } => transaction_id.to_string(),
            Self::FailedEvent { provider, event_type, .. } => failed_subject(*provider, event_type),
            Self::Refund { refund_id, .. } => shortened(refund_id),
            Self::Payout { payout_id, .. } => shortened(payout_id),
            Self::App { .. } | Self::DeadLetter { .. } => APP.to_owned(),
            Self::RefusedSignatures { provider, .. }
            | Self::Silence { provider, .. }
            | Self::OtherTime { provider, .. }
            | Self::Endpoint { provider, .. }
            | Self::Reconcile { provider, .. } => provider.to_string(),
            Self::NoProof { .. } | Self::CertificateEnds { .. } => Provider::Paypal.to_string(),
            Self::Disk { .. } | Self::HeldWal { .. } | Self::EventLog { .. } => DATABASE.to_owned(),
            Self::Task { task } => task.clone(),
            Self::Database { .. } => FILE.to_owned(),
            Self::MachineClock { .. } => MACHINE.to_owned(),
            Self::DoubtfulEvent { event_id, transmission_id, .. } => {
                shortened(transmission_id.as_deref().unwrap_or(event_id))
            }
            Self::UnknownSubscription(of) => subscription_subject(of.provider, &of.reference),
            Self::EndedSubscription(of) => of.subscription_id.to_string(),
        }
    }
}

/// What orphans of rows from before are about.
fn payment() -> OrphanAbout {
    OrphanAbout::Payment
}

/// What the issue of events of this type is about.
pub fn failed_subject(provider: Provider, event_type: &str) -> String {
    format!("{provider} {}", shortened(event_type))
}

/// A sender's text, no longer than a line of a message bears.
pub fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut beginning: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        beginning.push('…');
    }
    beginning
}

const LONGEST: usize = 100;
