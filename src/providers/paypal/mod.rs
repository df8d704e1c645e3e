//! PayPal: transmissions signed with a certificate, and the events they prove.

pub mod api;
pub mod certificate;
pub mod event;
pub mod pending;
pub mod reporting;
mod resource;
pub(super) mod retrieval;
pub mod transmission;

use crate::domain::time::Timestamp;

string_enum! {
    /// Which of PayPal's two worlds: real money or play money.
    Environment {
        /// Real money.
        Live = "live",
        /// Play money.
        Sandbox = "sandbox",
    }
}

/// RFC 3339 to the second, as PayPal writes times everywhere but in an event's `create_time`.
pub(crate) fn whole_seconds(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or("");
    format!("{seconds}Z")
}

/// The types of events that are acted on. An endpoint that lacks one of them misses what it tells.
pub(super) fn acted_on() -> &'static [&'static str] {
    resource::TYPES
}
