//! The keys of the providers' APIs.

use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::TryRng;

use crate::domain::secret::Secret;

/// How the providers' APIs are asked.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Stripe's, if its key is set.
    pub stripe: Option<StripeKeys>,
    /// PayPal's, if its keys are set.
    pub paypal: Option<PaypalKeys>,
    /// How long and how often it is tried.
    pub patience: RetryPolicy,
}

/// What Stripe's API is asked with.
#[derive(Clone, Debug)]
pub struct StripeKeys {
    /// Base URL of the API, without a final slash.
    pub api_base: String,
    /// The secret or restricted key.
    pub secret_key: Secret,
}

/// What PayPal's API is asked with.
#[derive(Clone, Debug)]
pub struct PaypalKeys {
    /// Base URL of the API, without a final slash.
    pub api_base: String,
    /// The app's client id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: Secret,
}

/// How long and how often it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long one call may take, all of it.
    pub call: Duration,
    /// How often a call is made at most.
    pub attempts: u32,
    /// The pause before the second attempt is at most this; before each further one at most twice
    /// what it was.
    pub pause: Duration,
    /// Whoever wants to be left alone for longer than this is: the call ends.
    pub longest: Duration,
}

impl RetryPolicy {
    /// What both providers bear with: PayPal's slower answers take some ten seconds.
    pub const STANDARD: Self = Self {
        call: Duration::from_secs(30),
        attempts: 5,
        pause: Duration::from_secs(1),
        longest: Duration::from_secs(60),
    };

    /// How long to wait after this attempt (from 1): what the provider asked for, and a bit of
    /// chance so that not everybody comes back at once.
    pub(super) fn pause(&self, attempt: u32, asked_for: Option<Duration>) -> Duration {
        let most = self.pause.saturating_mul(1 << (attempt - 1).min(10));
        // Without chance all of the pause is waited.
        let chance = SysRng.try_next_u32().unwrap_or(u32::MAX);
        asked_for.unwrap_or_default() + most.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}
