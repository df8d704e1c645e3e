//! payhookd receives Stripe and PayPal webhooks for small shops.

pub mod authority;
#[macro_use]
pub mod domain;
pub mod providers;
