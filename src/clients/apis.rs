//! The APIs of both providers, with the keys that are set.

use crate::clients::api::ApiError;
use crate::clients::api::Caller;
use crate::clients::api::Looked;
use crate::clients::api::Stop;
use crate::clients::keys::ApiConfig;
use crate::clients::paypal::Paypal;
use crate::clients::stripe::Stripe;
use crate::domain::provider::Provider;
use crate::telemetry::clock::Clock;

/// The APIs for which keys are set.
#[derive(Debug)]
pub struct Apis {
    stripe: Option<Stripe>,
    paypal: Option<Paypal>,
}

impl Apis {
    /// Ready to ask; a wait ends when `stop` is told.
    pub fn new(config: &ApiConfig, stop: &Stop, clock: Clock) -> Self {
        let caller = |provider| Caller::new(provider, config.patience, stop.clone(), clock);
        Self {
            stripe: config.stripe.clone().map(|keys| Stripe::new(keys, caller(Provider::Stripe))),
            paypal: config.paypal.clone().map(|keys| Paypal::new(keys, caller(Provider::Paypal))),
        }
    }

    /// Stripe's.
    pub fn stripe(&self) -> Result<&Stripe, ApiError> {
        self.stripe.as_ref().ok_or(ApiError::NotConfigured {
            provider: Provider::Stripe,
            remedy: "set STRIPE_SECRET_KEY to the key of Stripe's dashboard, Developers, API keys",
        })
    }

    /// PayPal's.
    pub fn paypal(&self) -> Result<&Paypal, ApiError> {
        self.paypal.as_ref().ok_or(ApiError::NotConfigured {
            provider: Provider::Paypal,
            remedy: "set PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET of the app in PayPal's \
                     developer dashboard that the webhook belongs to",
        })
    }

    /// What stands at a path, with its query if it has one, and when. Blocks.
    pub fn look(&self, provider: Provider, path: &str) -> Result<Looked, ApiError> {
        match provider {
            Provider::Stripe => self.stripe()?.look(path),
            Provider::Paypal => self.paypal()?.look(path),
        }
    }

    /// Whether keys of this provider are set.
    pub fn can_ask(&self, provider: Provider) -> Result<(), ApiError> {
        match provider {
            Provider::Stripe => self.stripe().map(|_| ()),
            Provider::Paypal => self.paypal().map(|_| ()),
        }
    }
}
