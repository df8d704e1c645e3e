//! Problems that a person should know of: they open, repeat quietly, and close by themselves.
//!
//! An *issue* is the problem, an *alert* one message about it. What an issue is about tells it from
//! others: its kind and its subject. While one is open, whatever raises it again is counted.

mod data;
mod ending;
mod payment;
mod subscription;

use std::time::Duration;

use super::time::Timestamp;
pub use data::{APP, DATABASE, Doubt, FILE, IssueData, MACHINE, Rescue, failed_subject, shortened};
pub use ending::Ending;
pub use payment::Payment;
pub use subscription::{EndedSubscription, Payments, UnknownSubscription, subscription_subject};

string_enum! {
    /// What is wrong: the `kind` column of `issues`.
    IssueKind {
        /// A payment that no transaction is registered for. Subject: the orphan's id.
        Orphan = "orphan",
        /// Money for a transaction that the shop had closed. Subject: the orphan's id.
        LateMoney = "late_money",
        /// Other money than the shop expects. Subject: the transaction's id.
        AmountMismatch = "amount_mismatch",
        /// A buyer or their bank wants money back. Subject: the transaction's id.
        Dispute = "dispute",
        /// A PayPal order that was approved and is not captured. Subject: the transaction's id.
        UncapturedOrder = "uncaptured_order",
        /// A payment that PayPal holds until the shop does something there. Subject: the transaction's id.
        MerchantAction = "merchant_action",
        /// Money that is held and not taken soon lapses. Subject: the transaction's id.
        Authorization = "authorization",
        /// A refund that failed, or is under way for too long. Subject: the refund's id.
        Refund = "refund",
        /// The issuer of a card warns that a payment is fraud. Subject: the transaction's id.
        FraudWarning = "fraud_warning",
        /// The shop's balance did not reach its bank. Subject: the payout's id.
        Payout = "payout",
        /// Genuine events that could not be understood. Subject: provider and event type.
        FailedEvent = "failed_event",
        /// The shop's app refuses notifications or is out of reach. Subject: `app`.
        App = "app",
        /// Changes that the shop's app was not told of. Subject: `app`.
        DeadLetter = "dead_letter",
        /// Requests without a good signature, in numbers. Subject: the provider.
        RefusedSignatures = "refused_signatures",
        /// No event for much longer than usual. Subject: the provider.
        Silence = "silence",
        /// The disk of the database is nearly full. Subject: `database`.
        Disk = "disk",
        /// Somebody reads of one moment of the database for so long that its log only grows. Subject:
        /// `database`.
        HeldWal = "held_wal",
        /// A background task of the daemon broke off. Subject: the task.
        Task = "task",
        /// The database's file was removed, replaced or written over. Subject: `file`.
        Database = "database",
        /// The log of events does not go on from where it was. Subject: `database`.
        EventLog = "event_log",
        /// PayPal's signing certificate can't be had or expires. Subject: `paypal`.
        Certificate = "certificate",
        /// This machine's clock is not the provider's, or does not fit the events. Subject: the provider, or
        /// `machine`.
        Clock = "clock",
        /// A webhook endpoint is not set up as it should be at the provider. Subject: the provider.
        Endpoint = "endpoint",
        /// Missed events can't be fetched from the provider. Subject: the provider.
        Reconcile = "reconcile",
        /// The provider says otherwise of a payment than its events. Subject: the transaction's id.
        Discrepancy = "discrepancy",
        /// Two bodies came for an event of PayPal's, and one of them is forged. Subject: the event's id,
        /// or that of a transmission of which nothing was kept.
        DoubtfulEvent = "doubtful_event",
        /// Payments of a subscription that the shop has not registered. Subject: provider and the
        /// subscription's id there.
        UnknownSubscription = "unknown_subscription",
        /// Payments of a subscription that the shop had ended. Subject: the subscription's number.
        EndedSubscription = "ended_subscription",
    }
}

string_enum! {
    /// How much it matters, the least first.
    Severity {
        /// Good to know; nobody is called for it.
        Notice = "notice",
        /// Somebody must act within days.
        Warning = "warning",
        /// Money or sales are being lost now.
        Critical = "critical",
    }
}

string_enum! {
    /// Where an issue stands.
    IssueStatus {
        /// It lasts.
        Open = "open",
        /// It lasts, and a person said that they know.
        Dismissed = "dismissed",
        /// It is over.
        Closed = "closed",
    }
}

impl IssueKind {
    /// One line for a person: what it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Orphan => "a payment that no transaction is registered for",
            Self::LateMoney => "money for a transaction that the shop had closed",
            Self::AmountMismatch => "the money received is not what the shop expects",
            Self::Dispute => "a buyer or their bank wants money back",
            Self::UncapturedOrder => "a PayPal order was approved and is not captured",
            Self::MerchantAction => "PayPal holds a payment until the shop does something there",
            Self::Authorization => "money that is held and not captured lapses",
            Self::Refund => "a refund failed, or is under way for too long",
            Self::FraudWarning => "the issuer of a card warns that a payment is fraud",
            Self::Payout => "a payout did not reach the bank",
            Self::App => "the shop's app refuses notifications, or is out of reach",
            Self::FailedEvent => "genuine events could not be understood",
            Self::DeadLetter => "the shop's app was not told of changes",
            Self::RefusedSignatures => "many requests come without a good signature",
            Self::Silence => "no event has come for much longer than usual",
            Self::Disk => "the disk of the database is nearly full",
            Self::HeldWal => "another program keeps the database's log from being emptied",
            Self::Task => "a background task of the daemon broke off",
            Self::Database => "the database's file was removed, replaced or written over",
            Self::EventLog => "the log of events does not go on from where it was",
            Self::Certificate => "PayPal's signing certificate can't be had, or expires",
            Self::Clock => "this machine's clock is not the provider's",
            Self::Endpoint => "a webhook is not set up at the provider as it should be",
            Self::Reconcile => "missed events can't be fetched from the provider",
            Self::Discrepancy => "the provider says otherwise of a payment than its events",
            Self::DoubtfulEvent => "two bodies came for one event of PayPal's, and one is forged",
            Self::UnknownSubscription => "payments of a subscription that is not registered",
            Self::EndedSubscription => "payments of a subscription that had ended",
        }
    }
}

impl IssueKind {
    /// The dashboard's page of what an issue of this kind and subject is about, if there is one.
    pub fn page(self, subject: &str) -> Option<String> {
        let is_number = !subject.is_empty() && subject.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Orphan | Self::LateMoney if is_number => Some(format!("/orphans/{subject}")),
            Self::AmountMismatch
            | Self::Dispute
            | Self::UncapturedOrder
            | Self::MerchantAction
            | Self::Authorization
            | Self::FraudWarning
            | Self::Discrepancy
                if is_number =>
            {
                Some(format!("/transactions/{subject}"))
            }
            Self::EndedSubscription if is_number => Some(format!("/subscriptions/{subject}")),
            Self::FailedEvent => Some("/events?status=failed".to_owned()),
            Self::App => Some("/deliveries?status=pending".to_owned()),
            Self::DeadLetter => Some("/deliveries?status=dead".to_owned()),
            _ => None,
        }
    }
}

/// Why an issue is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Something happened; again counts as once more.
    Happened,
    /// A state was looked at and still is bad; that is no second time.
    Lasts,
}

/// A problem as it is seen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIssue {
    /// What is wrong, and with what.
    pub data: IssueData,
    /// How much it matters.
    pub severity: Severity,
    /// Why it is raised.
    pub trigger: Trigger,
}

/// What was found of what an issue would be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// There is a problem.
    Bad(NewIssue),
    /// There is none: the kind, the subject, and how it ended if there is more to say than that.
    Good(IssueKind, String, Option<Ending>),
}

/// What is said of an issue. It may hold what a sender wrote, so whoever shows it escapes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// One line: what is wrong with what.
    pub title: String,
    /// What else is known, in a sentence or two; may be empty.
    pub detail: String,
    /// The command or click that mends it; commands stand between backticks.
    pub remedy: String,
}

impl Texts {
    /// These.
    pub fn new(
        title: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { title: title.into(), detail: detail.into(), remedy: remedy.into() }
    }
}

/// What there is of an issue when it is raised again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much it mattered.
    pub severity: Severity,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// Whether a person said that they know.
    pub dismissed: bool,
}

/// What raising an issue comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    /// It is counted once more.
    pub counts: bool,
    /// There is something to tell.
    pub is_news: bool,
}

impl Standing {
    /// An issue that is raised again is quiet, unless it got worse, or happened again after it was
    /// quiet for a day or after a person said that they know.
    pub fn raised(self, severity: Severity, trigger: Trigger, now: Timestamp) -> Raised {
        let happened = trigger == Trigger::Happened;
        let stirs = self.dismissed || now.since(self.last_seen_at) >= QUIET;
        Raised { counts: happened, is_news: severity > self.severity || (happened && stirs) }
    }
}

string_enum! {
    /// Where an alert stands: a message that is owed to one target about one issue.
    AlertStatus {
        /// Still to be sent.
        Pending = "pending",
        /// The target took it.
        Sent = "sent",
        /// There was nothing left to say.
        Dropped = "dropped",
        /// Given up.
        Dead = "dead",
    }
}

string_enum! {
    /// What there is to say of an issue.
    News {
        /// It opened.
        Opened = "opened",
        /// It got worse, or happened again after it was quiet.
        Again = "again",
        /// It is over.
        Closed = "closed",
    }
}

/// What is to be said of an issue to somebody who was told of it until its news numbered `told`:
/// nothing that they know, nothing that a person dismissed, and not the end of what they never heard
/// of.
pub fn news(status: IssueStatus, news: i64, told: Option<i64>) -> Option<News> {
    match (status, told) {
        (IssueStatus::Open, None) => Some(News::Opened),
        (IssueStatus::Open, Some(told)) => (told < news).then_some(News::Again),
        (IssueStatus::Closed, Some(told)) => (told < news).then_some(News::Closed),
        (IssueStatus::Closed, None) | (IssueStatus::Dismissed, _) => None,
    }
}

/// When a message about an issue may be sent that has something to tell now: at once, but not within
/// an hour of the last one about it. What happens until then is told with it.
pub fn alert_due(last_alert: Option<Timestamp>, now: Timestamp) -> Timestamp {
    last_alert.map_or(now, |last| last.plus(BETWEEN_ALERTS).max(now))
}

/// An issue that was quiet for so long is news when it happens again.
const QUIET: Duration = Duration::from_secs(24 * 3_600);
/// At most one message about an issue in this time.
pub const BETWEEN_ALERTS: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn an_issue_repeats_quietly_unless_that_is_news() {
        let seen = at("2026-11-23T12:00:00Z");
        let soon = at("2026-11-24T11:59:59.999Z");
        let late = at("2026-11-24T12:00:00Z");
        use Severity::{Critical, Warning};
        use Trigger::{Happened, Lasts};
        for (severity, dismissed, trigger, now, counts, is_news) in [
            (Warning, false, Happened, soon, true, false),
            (Warning, false, Happened, late, true, true),
            (Warning, false, Lasts, late, false, false),
            (Critical, false, Happened, soon, true, true),
            (Critical, false, Lasts, soon, false, true),
            (Warning, true, Happened, soon, true, true),
            (Warning, true, Lasts, late, false, false),
            (Critical, true, Lasts, soon, false, true),
            (Severity::Notice, false, Lasts, soon, false, false),
        ] {
            let standing = Standing { severity: Warning, last_seen_at: seen, dismissed };
            let raised = standing.raised(severity, trigger, now);
            let case = format!("{severity} {dismissed} {trigger:?} {now}");
            assert_eq!(raised, Raised { counts, is_news }, "{case}");
        }
    }

    #[test]
    fn nobody_is_told_what_they_know_or_do_not_need_to() {
        use IssueStatus::{Closed, Dismissed, Open};
        for (status, number, told, expected) in [
            (Open, 1, None, Some(News::Opened)),
            (Open, 3, None, Some(News::Opened)),
            (Open, 1, Some(1), None),
            (Open, 2, Some(1), Some(News::Again)),
            (Closed, 2, Some(1), Some(News::Closed)),
            (Closed, 2, Some(2), None),
            (Closed, 2, None, None),
            (Dismissed, 1, None, None),
            (Dismissed, 2, Some(1), None),
        ] {
            assert_eq!(news(status, number, told), expected, "{status} {number} {told:?}");
        }
    }

    #[test]
    fn an_hour_lies_between_two_messages() {
        let now = at("2026-11-23T12:00:00Z");
        assert_eq!(alert_due(None, now), now);
        assert_eq!(alert_due(Some(at("2026-11-23T11:59:00Z")), now), at("2026-11-23T12:59:00Z"));
        assert_eq!(alert_due(Some(at("2026-11-23T11:00:00Z")), now), now);
        assert_eq!(alert_due(Some(at("2026-11-22T11:00:00Z")), now), now);
    }
}
