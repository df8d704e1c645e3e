//! payhookd receives Stripe and PayPal webhooks for small shops.

pub mod authority;
#[macro_use]
pub mod domain;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
pub mod http;
pub mod logfmt;
pub mod logger;
pub mod providers;
pub mod store;
