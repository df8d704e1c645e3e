//! The keys of the providers' APIs.

use crate::clients::api::RetryPolicy;
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
