//! All that makes events up: a certificate authority for tests, sample events of both providers, a signer, the
//! day of the demo's shop.

pub mod app;
pub mod authority;
pub mod day;
pub mod paypal;
pub mod random;
pub mod sample;
pub mod signer;
pub mod stripe;
pub mod template;

use crate::domain::provider::Provider;

/// The body of a sample event; `None` if there is no sample of its type.
pub fn event(provider: Provider, sample: &sample::Sample<'_>) -> Option<String> {
    match provider {
        Provider::Stripe => stripe::event(sample),
        Provider::Paypal => paypal::event(sample),
    }
}

/// Why nothing could be made up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulatorError {
    /// The system has no randomness to give.
    #[error(transparent)]
    NoChance(#[from] random::NoChance),
    /// There is no sample of a type of events.
    #[error("there is no sample of {0}")]
    NoSample(String),
    /// An amount is in no currency.
    #[error("the currency: {0}")]
    Currency(String),
}
