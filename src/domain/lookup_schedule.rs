//! When a provider's API is asked about a payment whose events do not suffice: seldom, each time
//! later, and not for ever.

use std::time::Duration;

use super::time::Timestamp;
use super::transaction::Status;

string_enum! {
    /// Why it is asked.
    Reason {
        /// The outcome of a transaction has been open for long.
        Undecided = "undecided",
        /// A payment lacks the id that would lead to its transaction.
        Unlinked = "unlinked",
        /// An event contradicts itself, and nothing was concluded from it.
        Contradiction = "contradiction",
        /// A dispute was decided, and no event says how.
        Untold = "untold",
        /// An event names its object and does not bring it.
        Thin = "thin",
        /// Two bodies came for an event of PayPal's, and one of them is forged.
        Doubtful = "doubtful",
    }
}

impl Reason {
    /// Those about which is asked within seconds, because somebody may wait.
    pub const URGENT: &[Self] = &[Self::Thin, Self::Doubtful];
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A buyer pays, or has gone, within the hour; a provider has given up to send its webhooks after
/// three days.
const BY_BUYER: &[Duration] = &[HOUR, DAY, DAY.saturating_mul(4)];
/// A bank transfer takes days, a direct debit up to two weeks.
const BY_BANK: &[Duration] =
    &[HOUR, DAY, DAY.saturating_mul(4), DAY.saturating_mul(8), DAY.saturating_mul(15)];
/// A card is held for a week, PayPal holds for 29 days, and 31 is the longest hold there is.
const HELD: &[Duration] = &[DAY.saturating_mul(8), DAY.saturating_mul(30), DAY.saturating_mul(32)];
/// The event that would tell is mostly on its way.
const OF_EVENT: &[Duration] = &[MINUTE.saturating_mul(5), HOUR, DAY, DAY.saturating_mul(4)];

/// How long an undecided transaction is nobody's business at the least.
pub const PATIENCE: Duration = HOUR;
/// The same for one whose money is held.
pub const PATIENCE_HELD: Duration = HELD[0];
/// The same for a payment whose event does not suffice.
pub const PATIENCE_EVENT: Duration = OF_EVENT[0];

/// When it is asked next, at `now`, if nothing has changed since `since`; `None`: not again.
pub fn next(
    reason: Reason,
    status: Option<Status>,
    since: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let after = match (reason, status) {
        (Reason::Undecided, Some(Status::Authorized)) => HELD,
        (Reason::Undecided, Some(Status::Processing)) => BY_BANK,
        (Reason::Undecided, _) => BY_BUYER,
        _ => OF_EVENT,
    };
    after.iter().map(|after| since.plus(*after)).find(|at| *at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_for_ever() {
        let since = Timestamp::EPOCH;
        for reason in Reason::ALL {
            for status in [None, Some(Status::Processing), Some(Status::Authorized)] {
                let mut now = since;
                let mut asked = 0;
                while let Some(at) = next(*reason, status, since, now) {
                    assert!(at > now);
                    now = at;
                    asked += 1;
                }
                assert!((1..=5).contains(&asked), "{reason}: {asked}");
                assert!(now <= since.plus(DAY.saturating_mul(32)), "{reason}");
            }
        }
    }

    #[test]
    fn what_was_missed_is_asked_once_and_not_made_up_for() {
        let now = Timestamp::EPOCH.plus(DAY.saturating_mul(2));
        let then = next(Reason::Undecided, Some(Status::Pending), Timestamp::EPOCH, now);
        assert_eq!(then, Some(Timestamp::EPOCH.plus(DAY.saturating_mul(4))));
    }
}
