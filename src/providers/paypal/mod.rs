//! PayPal: transmissions signed with a certificate, and the events they prove.

pub mod certificate;
pub mod event;
pub mod sample;
pub mod transmission;

words! {
    /// Which of PayPal's two worlds: real money or play money.
    Environment {
        /// Real money.
        Live = "live",
        /// Play money.
        Sandbox = "sandbox",
    }
}
