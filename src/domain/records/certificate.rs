//! A certificate of PayPal's that is kept.

use crate::domain::time::Timestamp;

/// A certificate as it was served.
#[derive(Clone, Debug)]
pub struct StoredCertificate {
    /// The URL that deliveries name it by.
    pub url: String,
    /// PEM text.
    pub pem: String,
    /// When it was fetched, UTC.
    pub fetched_at: Timestamp,
}
