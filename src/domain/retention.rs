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

impl Cutoff {
    /// The same, seen from a few days after the latest event at most: a clock that is ahead must not make
    /// everything old. `None`: there is no event.
    pub fn held_back(self, latest: Option<Timestamp>) -> Self {
        let Some(latest) = latest else { return self };
        let ahead = self.now.since(latest.plus(AFTER_LATEST));
        let earlier = |at: Option<Timestamp>| at.map(|at| at.minus(ahead));
        Self {
            payloads: earlier(self.payloads),
            rejected: earlier(self.rejected),
            issues: earlier(self.issues),
            transmissions: earlier(self.transmissions),
            now: self.now.minus(ahead),
        }
    }
}

string_enum! {
    /// What a clock says that can't be right, or nobody can tell.
    ClockDoubt {
        /// Far after the latest event: it is ahead, or nothing came for long.
        Ahead = "ahead",
        /// Before the latest event.
        Behind = "behind",
    }
}

impl ClockDoubt {
    /// Of a clock that says `now` when the latest event came at `latest`.
    pub fn of(now: Timestamp, latest: Timestamp) -> Option<Self> {
        if now.since(latest) > LONGEST_QUIET {
            return Some(Self::Ahead);
        }
        (latest.since(now) > A_DAY).then_some(Self::Behind)
    }
}

/// So long after the latest event things go on becoming old.
const AFTER_LATEST: Duration = Duration::from_secs(7 * 86_400);
/// Without an event for so long a person is asked what time it is.
const LONGEST_QUIET: Duration = Duration::from_secs(60 * 86_400);
const A_DAY: Duration = Duration::from_secs(86_400);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn nothing_becomes_old_by_a_clock_that_is_ahead() {
        let keep = Keep { payloads: Some(90 * DAY), rejected: Some(30 * DAY), issues: None };
        let latest = at("2026-11-23T12:00:00Z");
        let now = at("2026-11-24T12:00:00Z");
        let right = keep.cutoff(now);
        assert_eq!(right.held_back(Some(latest)), right);
        assert_eq!(right.held_back(None), right);
        let ahead = keep.cutoff(at("2031-11-24T12:00:00Z")).held_back(Some(latest));
        assert_eq!(ahead, keep.cutoff(latest.plus(7 * DAY)));
        assert_eq!(ahead.held_back(Some(latest)), ahead);
    }

    #[test]
    fn a_clock_that_is_far_from_the_latest_event_is_doubted() {
        let latest = at("2026-11-23T12:00:00Z");
        for (now, doubt) in [
            (latest.plus(60 * DAY), None),
            (latest.plus(61 * DAY), Some(ClockDoubt::Ahead)),
            (latest.minus(DAY), None),
            (latest.minus(2 * DAY), Some(ClockDoubt::Behind)),
        ] {
            assert_eq!(ClockDoubt::of(now, latest), doubt, "{now}");
        }
    }
}
