//! Signs events as the providers do, for `send` and `demo`.

use super::authority::{NewTransmission, TestAuthority};
use super::random::{self, NoChance};
use crate::domain::provider::Provider;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::providers::stripe::signature;

/// By what events are signed.
#[derive(Debug)]
pub enum Signer {
    /// Stripe's scheme, with an endpoint's secret.
    Stripe(Secret),
    /// PayPal's, with a test authority's certificate.
    Paypal {
        /// The authority.
        authority: Box<TestAuthority>,
        /// The webhook that events are sent to.
        webhook_id: String,
    },
}

impl Signer {
    /// Whose events it signs.
    pub fn provider(&self) -> Provider {
        match self {
            Self::Stripe(_) => Provider::Stripe,
            Self::Paypal { .. } => Provider::Paypal,
        }
    }

    /// The signature headers of a new delivery of `body`.
    pub fn sign(
        &self,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(&'static str, String)>, NoChance> {
        match self {
            Self::Stripe(secret) => {
                Ok(vec![(signature::HEADER, signature::sign(body, secret.reveal(), now))])
            }
            Self::Paypal { authority, webhook_id } => {
                let transmission = NewTransmission {
                    id: &random::uuid()?,
                    time: now,
                    webhook_id,
                    cert_url: &certificate_url(authority),
                };
                Ok(authority.sign(body, &transmission).into())
            }
        }
    }
}

/// The daemon's endpoint for a provider.
pub fn endpoint(base: &str, provider: Provider) -> String {
    format!("{}/accounts/webhooks/{provider}/", base.trim_end_matches('/'))
}

/// A URL as PayPal's sandbox would name it; a daemon with `--paypal-cert-host` fetches it there.
fn certificate_url(authority: &TestAuthority) -> String {
    format!("https://api.sandbox.paypal.com{}", authority.certificate_path())
}
