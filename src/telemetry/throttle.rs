//! Bounds on how often something is done: a burst, then one now and then.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets a burst through, then one now and then, and counts the rest.
#[derive(Debug)]
pub struct Throttle {
    burst: u32,
    every: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    passes: u32,
    refilled_at: Option<Instant>,
    left_out: u64,
}

impl Throttle {
    /// `burst` at once, then one `every` so often.
    pub fn new(burst: u32, every: Duration) -> Self {
        let state = State { passes: burst, refilled_at: None, left_out: 0 };
        Self { burst, every, state: Mutex::new(state) }
    }

    /// `Some` if this one may pass, with how many were left out since the last.
    pub fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = lock(&self.state);
        let refilled_at = *state.refilled_at.get_or_insert(now);
        let earned =
            now.saturating_duration_since(refilled_at).as_nanos() / self.every.as_nanos().max(1);
        if let Ok(earned @ 1..) = u32::try_from(earned.min(u128::from(self.burst))) {
            state.passes = state.passes.saturating_add(earned).min(self.burst);
            state.refilled_at = Some(now);
        }
        if state.passes == 0 {
            state.left_out += 1;
            return None;
        }
        state.passes -= 1;
        Some(std::mem::take(&mut state.left_out))
    }

    /// Takes back that one passed.
    pub fn give_back(&self) {
        let mut state = lock(&self.state);
        state.passes = state.passes.saturating_add(1).min(self.burst);
    }

    /// How many were left out since the last that passed; they count as told now.
    pub fn take_left_out(&self) -> u64 {
        std::mem::take(&mut lock(&self.state).left_out)
    }
}

/// Bounds what strangers can make us ask others: so many times a minute about what was never asked
/// about, and as many times again about what was. Who makes names up spends the first; what is
/// genuine comes again, and finds the second.
#[derive(Debug)]
pub struct Allowance {
    first: Throttle,
    again: Throttle,
    asked: Mutex<Asked>,
    hasher: RandomState,
}

/// For what something of an [`Allowance`] was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// For what was never asked about.
    First,
    /// For what comes again.
    Again,
}

/// Hashes of what was asked about lately. When the newer half is full it becomes the older.
#[derive(Debug, Default)]
struct Asked {
    newer: HashSet<u64>,
    older: HashSet<u64>,
}

/// As much as comes in some minutes of the worst flood; half a megabyte.
const REMEMBERED: usize = 1 << 16;

impl Allowance {
    /// `number` a minute of either.
    pub fn per_minute(number: u32) -> Self {
        let throttle = || Throttle::new(number, Duration::from_secs(60) / number.max(1));
        Self {
            first: throttle(),
            again: throttle(),
            asked: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// Whether it may be asked about `what` now; in any case it is remembered that it was wanted.
    pub fn take(&self, what: impl Hash, now: Instant) -> Option<Taken> {
        let hash = self.hasher.hash_one(what);
        let comes_again = {
            let mut asked = lock(&self.asked);
            if asked.newer.len() >= REMEMBERED {
                asked.older = std::mem::take(&mut asked.newer);
            }
            !asked.newer.insert(hash) || asked.older.contains(&hash)
        };
        if comes_again && self.again.pass(now).is_some() {
            return Some(Taken::Again);
        }
        let taken = if comes_again { Taken::Again } else { Taken::First };
        self.first.pass(now).map(|_| taken)
    }

    /// It turned out to be no stranger's. What came again counts all the same: with one genuine
    /// request anybody could make us ask for ever.
    pub fn give_back(&self, taken: Taken) {
        if taken == Taken::First {
            self.first.give_back();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_the_rest_is_counted() {
        let throttle = Throttle::new(3, Duration::from_secs(1));
        let start = Instant::now();
        let passed = (0..10).filter(|_| throttle.pass(start).is_some()).count();
        assert_eq!(passed, 3);
        assert_eq!(throttle.pass(start + Duration::from_secs(1)), Some(7));
        assert_eq!(throttle.pass(start + Duration::from_secs(1)), None);
        assert_eq!(throttle.take_left_out(), 1);
        assert_eq!(throttle.take_left_out(), 0);
        throttle.give_back();
        assert!(throttle.pass(start + Duration::from_secs(1)).is_some());
    }

    #[test]
    fn what_comes_again_has_an_allowance_of_its_own() {
        let allowance = Allowance::per_minute(60);
        let now = Instant::now();
        let taken = (0..1_000).filter(|name| allowance.take(name, now).is_some()).count();
        assert_eq!(taken, 60);
        assert_eq!(allowance.take("genuine", now), None);
        assert_eq!(allowance.take("genuine", now), Some(Taken::Again));
        let again = (0..1_000).filter(|name| allowance.take(name, now).is_some()).count();
        assert_eq!(again, 59);
        assert_eq!(allowance.take("genuine", now), None);
        allowance.give_back(Taken::Again);
        assert_eq!(allowance.take("genuine", now), None);
        allowance.give_back(Taken::First);
        assert_eq!(allowance.take("genuine", now), Some(Taken::Again));
        // A second later there is one of each.
        let later = now + Duration::from_secs(1);
        assert_eq!(allowance.take("another", later), Some(Taken::First));
        assert_eq!(allowance.take("another", later), Some(Taken::Again));
        assert_eq!(allowance.take("another", later), None);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_lately_is_long() {
        let allowance = Allowance::per_minute(1);
        let now = Instant::now();
        allowance.take("genuine", now);
        for number in 0..REMEMBERED {
            allowance.take(number, now);
        }
        assert_eq!(allowance.take("genuine", now), Some(Taken::Again));
        for number in 0..4 * REMEMBERED {
            allowance.take(number + REMEMBERED, now);
        }
        let asked = lock(&allowance.asked);
        assert!(asked.newer.len() + asked.older.len() <= 2 * REMEMBERED);
    }
}
