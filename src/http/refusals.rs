//! Counting what is refused, and saying so without being drowned.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::event::Provider;
use crate::domain::refusal::Refusal;

/// How often each provider's requests were refused, by reason, since the start.
#[derive(Debug)]
pub struct Refusals {
    counts: Vec<AtomicU64>,
    throttle: Throttle,
}

impl Refusals {
    /// Nothing refused yet.
    pub fn new() -> Self {
        let cells = Provider::ALL.len() * Refusal::ALL.len();
        Self {
            counts: (0..cells).map(|_| AtomicU64::new(0)).collect(),
            throttle: Throttle::new(100, Duration::from_millis(100)),
        }
    }

    /// Counts one. `Some` if it shall be written down, with how many before it were not.
    pub fn count(&self, provider: Provider, refusal: Refusal) -> Option<u64> {
        self.counts[Self::cell(provider, refusal)].fetch_add(1, Ordering::Relaxed);
        self.throttle.pass(Instant::now())
    }

    /// How many were counted.
    pub fn counted(&self, provider: Provider, refusal: Refusal) -> u64 {
        self.counts[Self::cell(provider, refusal)].load(Ordering::Relaxed)
    }

    /// How many were not written down since the last that was; they count as told now.
    pub fn take_left_out(&self) -> u64 {
        self.throttle.take_left_out()
    }

    fn cell(provider: Provider, refusal: Refusal) -> usize {
        // Both enums are dense and their values in the order of `ALL`.
        provider as usize * Refusal::ALL.len() + refusal as usize
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self::new()
    }
}

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
        let mut state = self.lock();
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

    fn take_left_out(&self) -> u64 {
        std::mem::take(&mut self.lock().left_out)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    }

    #[test]
    fn every_reason_of_every_provider_is_counted_for_itself() {
        let refusals = Refusals::new();
        for provider in Provider::ALL {
            for refusal in Refusal::ALL {
                refusals.count(*provider, *refusal);
                assert_eq!(refusals.counted(*provider, *refusal), 1);
            }
        }
    }
}
