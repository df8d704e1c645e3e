//! How many messages follow each other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Keeps many issues that open one after the other from becoming as many messages: after a few, those
/// that follow wait and are told together.
#[derive(Debug, Default)]
pub(super) struct Pace {
    sent: VecDeque<Instant>,
}

/// So many messages at once, then one more each time that the oldest of them is so long ago.
const BURST: usize = 5;
const WITHIN: Duration = Duration::from_secs(600);

impl Pace {
    /// How long the next message is to wait, if it is.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        self.sent.retain(|at| now.saturating_duration_since(*at) < WITHIN);
        let oldest = self.sent.front().filter(|_| self.sent.len() >= BURST)?;
        Some(WITHIN.saturating_sub(now.saturating_duration_since(*oldest)))
    }

    /// A message was taken.
    pub(super) fn sent(&mut self, now: Instant) {
        self.sent.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_issues_is_told_in_few_messages() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let second = Duration::from_secs(1);
        for number in 0..5 {
            assert_eq!(pace.wait(start + second * number), None);
            pace.sent(start + second * number);
        }
        assert_eq!(pace.wait(start + second * 100), Some(second * 500));
        assert_eq!(pace.wait(start + second * 600), None);
        pace.sent(start + second * 600);
        assert_eq!(pace.wait(start + second * 600), Some(second));
    }
}
