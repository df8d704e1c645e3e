//! What becomes of a notification to the shop's app after each attempt to deliver it.

use std::time::Duration;

use super::time::Timestamp;

string_enum! {
    /// Where a delivery stands.
    DeliveryStatus {
        /// Still to be made.
        Pending = "pending",
        /// The app took it.
        Delivered = "delivered",
        /// Given up, until a person has it retried.
        Dead = "dead",
    }
}

string_enum! {
    /// Why an attempt brought no answer at all.
    NoAnswer {
        /// It took too long.
        Timeout = "timeout",
        /// There is no such host, nobody listens there, or the way is barred.
        Connect = "connect",
        /// The connection can't be secured.
        Tls = "tls",
        /// The connection ended before the answer.
        Closed = "closed",
        /// What came is no answer.
        Protocol = "protocol",
        /// The command can't be started.
        Start = "start",
        /// The command was ended by a signal.
        Killed = "killed",
        /// We failed.
        Fault = "fault",
    }
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The app has it.
    Taken,
    /// The app wants no more of it.
    Gone,
    /// The app does not have it.
    NotTaken {
        /// It asked to be left alone for so long.
        wait: Option<Duration>,
    },
}

/// What follows for the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is delivered.
    Delivered,
    /// It is tried again then.
    Again(Timestamp),
    /// It is given up.
    Dead,
}

/// When attempts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// In place of every delay, for a test.
    fixed: Option<Duration>,
}

impl Schedule {
    /// At once, and nine times more in three days.
    pub const STANDARD: Self = Self { fixed: None };

    /// As many attempts, all of them this far from each other.
    pub fn fixed(delay: Duration) -> Self {
        Self { fixed: Some(delay) }
    }

    /// What follows from the last of `attempts` attempts. `chance` spreads the deliveries that
    /// failed together: any number, evenly distributed.
    pub fn next(self, said: Said, attempts: u32, now: Timestamp, chance: u32) -> Next {
        let wait = match said {
            Said::Taken => return Next::Delivered,
            Said::Gone => return Next::Dead,
            Said::NotTaken { wait } => wait.unwrap_or_default().min(LONGEST_WAIT),
        };
        let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(delay) = DELAYS.get(place) else { return Next::Dead };
        let delay = self.fixed.unwrap_or_else(|| spread(*delay, chance));
        Next::Again(now.plus(delay.max(wait)))
    }
}

/// Between nine and eleven tenths of it.
fn spread(delay: Duration, chance: u32) -> Duration {
    delay.mul_f64(0.9 + 0.2 * f64::from(chance) / f64::from(u32::MAX))
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// From each attempt to the one after it, 71 hours and 35 minutes in all. The steps are those that
/// the Standard Webhooks specification proposes, the last one shortened.
const DELAYS: [Duration; 9] = [
    Duration::from_secs(5),
    minutes(5),
    minutes(30),
    minutes(2 * 60),
    minutes(5 * 60),
    minutes(10 * 60),
    minutes(14 * 60),
    minutes(20 * 60),
    minutes(20 * 60),
];

/// However long the app asks to be left alone.
const LONGEST_WAIT: Duration = minutes(24 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Said = Said::NotTaken { wait: None };

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-23T11:52:03.250Z").expect("a time")
    }

    fn rounded(at: Timestamp) -> u64 {
        at.since(now()).as_secs_f64().round() as u64
    }

    fn seconds_after(attempts: u32, chance: u32) -> Option<u64> {
        match Schedule::STANDARD.next(FAILED, attempts, now(), chance) {
            Next::Again(at) => Some(rounded(at)),
            Next::Dead => None,
            Next::Delivered => panic!("it failed"),
        }
    }

    #[test]
    fn an_answer_ends_it_or_not() {
        for attempts in [1, 5, 10, u32::MAX] {
            let next = |said| Schedule::STANDARD.next(said, attempts, now(), 7);
            assert_eq!(next(Said::Taken), Next::Delivered);
            assert_eq!(next(Said::Gone), Next::Dead);
        }
    }

    #[test]
    fn ten_attempts_are_made_in_about_three_days() {
        let middle: Vec<_> =
            (1..).map_while(|attempts| seconds_after(attempts, u32::MAX / 2)).collect();
        assert_eq!(middle, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 72_000]);
        for chance in [0, u32::MAX] {
            let all: u64 = (1..).map_while(|attempts| seconds_after(attempts, chance)).sum();
            assert!((64..=79).contains(&(all / 3600)), "{all}");
        }
        assert_eq!(seconds_after(u32::MAX, 0), None);
    }

    #[test]
    fn chance_moves_an_attempt_by_a_tenth_at_most() {
        assert_eq!(seconds_after(2, 0), Some(270));
        assert_eq!(seconds_after(2, u32::MAX), Some(330));
    }

    #[test]
    fn an_app_is_left_alone_as_long_as_it_asks_but_not_for_ever() {
        for (attempts, asked, expected) in
            [(1, 60, 60), (1, 1, 5), (3, 60, 1620), (1, 1_000_000, 86_400)]
        {
            let said = Said::NotTaken { wait: Some(Duration::from_secs(asked)) };
            let next = Schedule::STANDARD.next(said, attempts, now(), 0);
            let Next::Again(at) = next else { panic!("{next:?}") };
            assert_eq!(rounded(at), expected, "{attempts} {asked}");
        }
        let said = Said::NotTaken { wait: Some(Duration::from_secs(60)) };
        assert_eq!(Schedule::STANDARD.next(said, 10, now(), 0), Next::Dead);
    }

    #[test]
    fn a_fixed_schedule_has_as_many_attempts() {
        let fixed = Schedule::fixed(Duration::from_millis(20));
        for attempts in 1..=9 {
            let expected = Next::Again(now().plus(Duration::from_millis(20)));
            assert_eq!(fixed.next(FAILED, attempts, now(), 9), expected);
        }
        assert_eq!(fixed.next(FAILED, 10, now(), 9), Next::Dead);
    }
}
