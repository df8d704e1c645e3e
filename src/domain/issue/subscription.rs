//! What is known of the payments of a subscription, of which an issue is about all together.

use serde::{Deserialize, Serialize};

use super::shortened;
use crate::domain::money::Money;
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;

/// Payments of a subscription that the shop has not registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownSubscription {
    /// At whom it is paid.
    pub provider: Provider,
    /// The provider's id.
    pub reference: String,
    /// Those that are not resolved.
    pub payments: Payments,
}

/// Payments of a subscription that the shop had ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSubscription {
    /// The subscription.
    pub subscription_id: i64,
    /// At whom it is paid.
    pub provider: Provider,
    /// The provider's id.
    pub reference: String,
    /// The shop's own id.
    pub own_id: Option<String>,
    /// When the shop ended it.
    pub ended_at: Timestamp,
    /// Those whose money was not given back.
    pub payments: Payments,
}

/// Several payments together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payments {
    /// How many.
    pub number: i64,
    /// What they add up to, each currency once.
    pub sums: Vec<Money>,
    /// When the last of them came.
    pub last_at: Timestamp,
}

/// What the issue of payments of this subscription is about.
pub fn subscription_subject(provider: Provider, reference: &str) -> String {
    format!("{provider} {}", shortened(reference))
}
