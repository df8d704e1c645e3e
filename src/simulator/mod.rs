//! All that makes events up: a certificate authority for tests, sample events of both providers, a signer, the
//! day of the demo's shop.

pub mod app;
pub mod authority;
pub mod day;
pub mod paypal;
pub mod random;
pub mod signer;
pub mod stripe;
pub mod template;
