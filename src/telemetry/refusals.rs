//! Counting what is refused, and saying so without being drowned.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::throttle::Throttle;
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::refusal_pattern::{RefusalClass, RefusalTally};
use crate::domain::time::Timestamp;

/// How often each provider's requests were refused, by reason, since the start; and what of them tells the
/// provider from a stranger.
#[derive(Debug)]
pub struct Refusals {
    counts: Vec<AtomicU64>,
    tallies: Mutex<BTreeMap<(Provider, RefusalClass), RefusalTally>>,
    throttle: Throttle,
}

impl Refusals {
    /// Nothing refused yet.
    pub fn new() -> Self {
        let cells = Provider::ALL.len() * Refusal::ALL.len();
        Self {
            counts: (0..cells).map(|_| AtomicU64::new(0)).collect(),
            tallies: Mutex::default(),
            throttle: Throttle::new(100, Duration::from_millis(100)),
        }
    }

    /// Counts one. `Some` if it shall be written down, with how many before it were not.
    pub fn count(&self, provider: Provider, refusal: Refusal) -> Option<u64> {
        self.counts[Self::cell(provider, refusal)].fetch_add(1, Ordering::Relaxed);
        self.throttle.pass(Instant::now())
    }

    /// Notes one of a class that came now: what event it claims to be, and when it was signed if that is proved.
    pub fn note(
        &self,
        provider: Provider,
        class: RefusalClass,
        event_id: Option<&str>,
        signed_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.entry((provider, class)).or_default().count(event_id, signed_at, now);
    }

    /// Those of a provider and class that are remembered.
    pub fn tally(&self, provider: Provider, class: RefusalClass) -> RefusalTally {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.get(&(provider, class)).cloned().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

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
