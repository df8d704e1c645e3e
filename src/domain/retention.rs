//! How long what is received is kept whole.

use std::time::Duration;

use super::time::Timestamp;
use super::transaction::{DisputeStatus, Status};

/// How long bodies, refused requests and issues that are over are kept; `None`: for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Bodies and headers of settled events.
    pub payloads: Option<Duration>,
    /// Rows of `rejected_requests`.
    pub rejected: Option<Duration>,
    /// Issues, since they were over.
    pub issues: Option<Duration>,
}

/// The same as instants: what was received, or over, before is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoff {
    /// Of bodies and headers of settled events.
    pub payloads: Option<Timestamp>,
    /// Of refused requests.
    pub rejected: Option<Timestamp>,
    /// Of issues that are over.
    pub issues: Option<Timestamp>,
    /// Of what PayPal's transmissions carried.
    pub transmissions: Option<Timestamp>,
    /// What was received later than now was received by a clock that was wrong.
    pub now: Timestamp,
}

/// What body a transmission carried is known so much longer than bodies are: whoever has seen one may
/// come with another.
const LONGER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Keep {
    /// Seen from `now`.
    pub fn cutoff(self, now: Timestamp) -> Cutoff {
        Cutoff {
            payloads: self.payloads.map(|keep| now.minus(keep)),
            rejected: self.rejected.map(|keep| now.minus(keep)),
            issues: self.issues.map(|keep| now.minus(keep)),
            transmissions: self.payloads.map(|keep| now.minus(keep + LONGER)),
            now,
        }
    }
}

/// Whether nothing is open about a payment for which the bodies of its events could be needed: no
/// money is under way or held, and no dispute or inquiry is open.
pub fn is_settled(status: Status, dispute: DisputeStatus) -> bool {
    let money_is_under_way =
        matches!(status, Status::Processing | Status::Authorized | Status::Disputed);
    !money_is_under_way && !matches!(dispute, DisputeStatus::Open | DisputeStatus::Inquiry)
}
