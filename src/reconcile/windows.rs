//! In what stretches of time a list of events is read.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// The widest: what a small shop's page of a hundred events holds with ease.
const WIDEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The narrowest, which is read page by page if it must be.
const NARROWEST: Duration = Duration::from_secs(60);
/// A window with no more events than this is followed by a wider one.
const FEW: usize = 50;

/// A stretch of time: `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// What is left to be read, the oldest first.
#[derive(Debug)]
pub(super) struct Windows {
    from: Timestamp,
    /// The end of the last one.
    pub(super) until: Timestamp,
    width: Duration,
}

impl Windows {
    pub(super) fn new(from: Timestamp, until: Timestamp) -> Self {
        Self { from, until, width: WIDEST }
    }

    /// The one that is to be read now; `None` if all are.
    pub(super) fn current(&self) -> Option<Window> {
        let until = self.from.plus(self.width).min(self.until);
        (self.from < until).then_some(Window { from: self.from, until })
    }

    /// Makes it narrower; `false` if it is as narrow as it gets.
    pub(super) fn narrow(&mut self) -> bool {
        let width = self.width.min(self.until.since(self.from));
        if width <= NARROWEST {
            return false;
        }
        self.width = (width / 4).max(NARROWEST);
        true
    }

    /// It was read, and had so many events on its first page.
    pub(super) fn pass(&mut self, events: usize) {
        let Some(window) = self.current() else { return };
        self.from = window.until;
        if events <= FEW {
            self.width = (self.width * 2).min(WIDEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is found, all of the time is read once and in order.
        #[test]
        fn windows_follow_one_another_to_the_end(
            from in 0_i64..10_000_000_000,
            length in 0_i64..800_000_000,
            counts in proptest::collection::vec(0_usize..200, 1..50),
        ) {
            let from = Timestamp::from_unix_millis(from).expect("a time");
            let end = from.plus(Duration::from_millis(length.unsigned_abs()));
            let mut windows = Windows::new(from, end);
            let mut counts = counts.iter().cycle();
            let mut read_until = from;
            let mut steps = 0;
            while let Some(window) = windows.current() {
                prop_assert_eq!(window.from, read_until);
                prop_assert!(window.until <= end);
                prop_assert!(window.until.since(window.from) <= WIDEST);
                let count = counts.next().copied().unwrap_or(0);
                if count > 100 && windows.narrow() {
                    let narrower = windows.current().expect("not passed");
                    prop_assert!(narrower.until <= window.until);
                } else {
                    windows.pass(count);
                    read_until = window.until;
                }
                steps += 1;
                prop_assert!(steps < 200_000);
            }
            prop_assert_eq!(read_until, end);
        }
    }
}
