//! When the shop's app counts as out of reach.

use std::time::Duration;

use super::issue::Severity;
use super::time::Timestamp;

/// Attempts to notify the shop's app since it last took a notification, of which none succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppOutage {
    /// When the first of them was made, UTC.
    pub since: Timestamp,
    /// How many, as far back as they are counted.
    pub attempts: i64,
    /// About how many transactions they were.
    pub transactions: i64,
    /// How many notifications wait; 0 if none of them was tried yet.
    pub pending: i64,
    /// Why the last of them failed, in words.
    pub failure: Option<String>,
}

impl AppOutage {
    /// How bad it is by `now`; `None`: one notification that fails a few times is tried again by itself.
    pub fn severity(&self, now: Timestamp) -> Option<Severity> {
        let lasts = now.since(self.since);
        // What was given up, without anything that waits, is told as such.
        match self.pending > 0 && (self.transactions >= OVER || lasts >= LONG) {
            true if lasts >= TOO_LONG => Some(Severity::Critical),
            true => Some(Severity::Warning),
            false => None,
        }
    }
}

/// So many transactions that the app was not notified of are no accident.
const OVER: i64 = 5;
/// Nor is it if nothing succeeds for so long.
const LONG: Duration = Duration::from_secs(10 * 60);
/// Then customers wait.
const TOO_LONG: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_transactions_or_ten_minutes_are_an_outage() {
        let since = Timestamp::EPOCH;
        let severity = |transactions, pending, minutes: u64| {
            let outage =
                AppOutage { since, attempts: transactions, transactions, pending, failure: None };
            outage.severity(since.plus(Duration::from_secs(minutes * 60)))
        };
        assert_eq!(severity(4, 4, 9), None);
        assert_eq!(severity(5, 5, 0), Some(Severity::Warning));
        assert_eq!(severity(1, 1, 10), Some(Severity::Warning));
        assert_eq!(severity(1, 1, 60), Some(Severity::Critical));
        assert_eq!(severity(9, 0, 60), None);
    }
}
