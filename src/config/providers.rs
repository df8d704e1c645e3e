//! How the providers' webhooks are verified: secrets, webhook ids, certificates.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Mode;
use super::checks::Checks;
use super::options::{ServeOptions, VerifyBy};
use crate::clients::keys::ApiConfig;
use crate::domain::secret::Secret;
use crate::providers::paypal::Environment;
use crate::providers::paypal::certificate::{CertificateHost, Trust};
use crate::providers::paypal::transmission::SIMULATOR_WEBHOOK_ID;

/// How Stripe's webhooks are verified.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// The endpoint's signing secrets, at least one.
    pub signing_secrets: Vec<Secret>,
    /// How old or how far ahead a signature may be; `None` for any age.
    pub tolerance: Option<Duration>,
}

/// How long PayPal sends a webhook that is not taken: twenty-five times.
const PAYPAL_SENDS_FOR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// PayPal's webhooks: whose, and how they are verified.
#[derive(Clone, Debug)]
pub struct PaypalConfig {
    /// The ids of the endpoint's webhooks, at least one.
    pub webhook_ids: Vec<String>,
    /// Live or sandbox.
    pub environment: Environment,
    /// How webhooks are verified.
    pub verify: PaypalVerify,
    /// How old a transmission may be; `None` for any age.
    pub max_age: Option<Duration>,
}

/// The way in which PayPal's webhooks are verified.
#[derive(Clone, Debug)]
pub enum PaypalVerify {
    /// Here, with PayPal's certificate.
    Offline {
        /// The roots that it must lead to.
        trust: Trust,
        /// PEM text of roots given in place of the bundled ones; trusted also for fetching from
        /// `certificate_host`.
        roots_pem: Option<Vec<u8>>,
        /// Where certificates are fetched instead of at PayPal.
        certificate_host: Option<CertificateHost>,
    },
    /// By asking PayPal's API about each; its keys are set.
    Postback,
}

impl Checks<'_> {
    pub(super) fn stripe(&mut self, options: &ServeOptions) -> Option<StripeConfig> {
        let secrets = self.list("STRIPE_WEBHOOK_SECRET");
        if secrets.is_empty() {
            return None;
        }
        for (place, secret) in (1..).zip(&secrets) {
            if ["sk_", "rk_", "pk_"].iter().any(|prefix| secret.starts_with(prefix)) {
                self.mistake(
                    "STRIPE_WEBHOOK_SECRET: an API key, not a signing secret: copy the one that \
                     begins with whsec_ from Stripe's dashboard, Webhooks, your endpoint",
                );
            } else if !secret.starts_with("whsec_") {
                self.warn(format!(
                    "STRIPE_WEBHOOK_SECRET: secret {place} does not begin with whsec_, as Stripe's do"
                ));
            }
        }
        let tolerance = options.stripe_tolerance;
        if tolerance.is_none() {
            self.warn("--stripe-tolerance off: a captured request never gets too old");
        }
        Some(StripeConfig {
            signing_secrets: secrets.into_iter().map(Secret::new).collect(),
            tolerance,
        })
    }

    pub(super) fn paypal(
        &mut self,
        options: &ServeOptions,
        mode: Mode,
        api: &ApiConfig,
    ) -> Option<PaypalConfig> {
        let webhook_ids = self.list("PAYPAL_WEBHOOK_ID");
        if webhook_ids.is_empty() {
            return None;
        }
        for id in &webhook_ids {
            if id == SIMULATOR_WEBHOOK_ID {
                if options.mode == Some(Mode::Test) {
                    self.warn(
                        "PAYPAL_WEBHOOK_ID: WEBHOOK_ID is the simulator's: anybody can sign for it",
                    );
                } else {
                    self.mistake(
                        "PAYPAL_WEBHOOK_ID: WEBHOOK_ID is the id of PayPal's public simulator, with \
                         which anybody can sign: set your webhook's own id, or --mode test to try \
                         the simulator",
                    );
                }
            } else if id.starts_with("WH-") {
                self.mistake(
                    "PAYPAL_WEBHOOK_ID: the id of an event, not of a webhook: copy the Webhook ID \
                     (17 letters and digits) from your app in PayPal's developer dashboard",
                );
            } else if id.len() > 50 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                self.mistake(
                    "PAYPAL_WEBHOOK_ID: not letters and digits only: copy the Webhook ID from your \
                     app in PayPal's developer dashboard",
                );
            }
        }
        let environment = match mode {
            Mode::Live => Environment::Live,
            Mode::Test => Environment::Sandbox,
        };
        let verify = match options.paypal_verify {
            VerifyBy::Offline => self.offline(options)?,
            VerifyBy::Postback => self.postback(api)?,
        };
        let max_age = options.paypal_max_age;
        match max_age {
            None => self.warn("--paypal-max-age forever: a captured request never gets too old"),
            Some(most) if most < PAYPAL_SENDS_FOR => self.warn(
                "--paypal-max-age: PayPal sends a webhook for three days; what comes late may be \
                 refused",
            ),
            Some(_) => {}
        }
        Some(PaypalConfig { webhook_ids, environment, verify, max_age })
    }

    fn offline(&mut self, options: &ServeOptions) -> Option<PaypalVerify> {
        let file = options.paypal_cert_roots.as_deref();
        let trusted = match file.map(fs::read).transpose() {
            Err(error) => Err(format!("can't be read ({error})")),
            Ok(pem) => pem
                .as_deref()
                .map_or_else(Trust::bundled, Trust::from_pem)
                .map(|trust| (trust, pem))
                .map_err(|error| error.to_string()),
        };
        match trusted {
            Ok((trust, roots_pem)) => {
                let certificate_host = options.paypal_cert_host.clone();
                Some(PaypalVerify::Offline { trust, roots_pem, certificate_host })
            }
            Err(wrong) => {
                self.mistake(format!(
                    "--paypal-cert-roots: {} {wrong}: give a file of PEM certificates that payhookd \
                     may read",
                    file.unwrap_or_else(|| Path::new("")).display()
                ));
                None
            }
        }
    }

    fn postback(&mut self, api: &ApiConfig) -> Option<PaypalVerify> {
        if api.paypal.is_none() {
            self.mistake(
                "--paypal-verify=postback asks PayPal's API: set PAYPAL_CLIENT_ID and \
                 PAYPAL_CLIENT_SECRET of the app that the webhook belongs to",
            );
            return None;
        }
        Some(PaypalVerify::Postback)
    }
}
