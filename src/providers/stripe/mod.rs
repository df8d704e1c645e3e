//! Stripe: the `Stripe-Signature` scheme and the events it proves.

pub mod api;
pub mod event;
mod object;
pub mod sample;
pub mod signature;
