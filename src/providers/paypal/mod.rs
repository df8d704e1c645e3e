//! PayPal: transmissions signed with a certificate, and the events they prove.

pub mod api;
pub mod certificate;
pub mod event;
mod resource;
pub mod sample;
pub mod transmission;

use crate::domain::time::Timestamp;

words! {
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
