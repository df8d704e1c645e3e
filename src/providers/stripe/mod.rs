//! Stripe: the `Stripe-Signature` scheme and the events it proves.

pub mod api;
pub mod event;
mod object;
pub(super) mod retrieval;
pub mod signature;

/// The types of events that are acted on. An endpoint that lacks one of them misses what it tells.
pub(super) fn acted_on() -> &'static [&'static str] {
    object::TYPES
}
