//! Lists: what is asked for, and one page of it.

use super::Outcome;
use crate::domain::delivery::DeliveryStatus;
use crate::domain::event::Source;
use crate::domain::issue::{IssueKind, IssueStatus};
use crate::domain::orphan::OrphanKind;
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Status};

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only rows with a smaller id: the last one of the page before.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Whether there are more after them.
    pub more: bool,
}

/// Which transactions; every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// One of these; any if there are none.
    pub statuses: Vec<Status>,
    /// At whom the payment is made.
    pub provider: Option<Provider>,
    /// The shop's own id.
    pub order_id: Option<String>,
    /// The subscription that they are payments of.
    pub subscription_id: Option<i64>,
    /// Real money.
    pub livemode: Option<bool>,
    /// Registered later than this.
    pub created_after: Option<Timestamp>,
    /// Registered earlier than this.
    pub created_before: Option<Timestamp>,
    /// Last changed later than this.
    pub updated_after: Option<Timestamp>,
    /// Last changed earlier than this.
    pub updated_before: Option<Timestamp>,
    /// Whether the money is what was expected.
    pub amount_check: Option<AmountCheck>,
    /// Where disputes stand.
    pub dispute_status: Option<DisputeStatus>,
}

/// Which events; every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Whose events.
    pub provider: Option<Provider>,
    /// What became of them: one of these; any if there are none.
    pub statuses: Vec<Outcome>,
    /// The provider's name of what happened.
    pub event_type: Option<String>,
    /// Real money.
    pub livemode: Option<bool>,
    /// First received later than this.
    pub received_after: Option<Timestamp>,
    /// First received earlier than this.
    pub received_before: Option<Timestamp>,
    /// The transaction that they were applied to.
    pub transaction_id: Option<i64>,
    /// How they came.
    pub source: Option<Source>,
}

/// Which orphans; every condition that is given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrphanFilter {
    /// At whom the payment was made.
    pub provider: Option<Provider>,
    /// Real money.
    pub livemode: Option<bool>,
    /// Why they are orphans. Without it, open ones of kinds that concern nobody here (another shop's,
    /// stray test money) are left out.
    pub kind: Option<OrphanKind>,
    /// Those that are matched or dismissed; the open ones; or all, of whatever kind.
    pub resolved: Option<bool>,
}

/// Which deliveries; every condition that is given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// How they stand.
    pub status: Option<DeliveryStatus>,
    /// The transaction that changed.
    pub transaction_id: Option<i64>,
}

/// Which issues; every condition that is given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IssueFilter {
    /// Where they stand.
    pub status: Option<IssueStatus>,
    /// What is wrong.
    pub kind: Option<IssueKind>,
}

/// Issues that stand so, of this kind if one is said: of those that last the worst first, and of these the
/// newest; of those that are over the last that ended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuesByWeight {
    /// Where they stand.
    pub status: IssueStatus,
    /// What is wrong.
    pub kind: Option<IssueKind>,
}

impl OrphanFilter {
    /// What a person is to see to.
    pub const INBOX: Self =
        Self { provider: None, livemode: None, kind: None, resolved: Some(false) };
}
