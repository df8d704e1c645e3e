//! payhookd receives Stripe and PayPal webhooks for small shops.

#[macro_use]
pub mod domain;
pub mod providers;
