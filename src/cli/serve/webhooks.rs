//! The endpoints that webhooks come in at, made of the settings.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::parts::Parts;
use crate::clients::api::ApiError;
use crate::clients::apis::Apis;
use crate::clients::certificates::Certificates;
use crate::config::{Config, Mode, PaypalConfig, PaypalVerify};
use crate::domain::records::StoredCertificate;
use crate::http::verify::{Asking, PaypalEndpoint, PaypalProof, StripeEndpoint};
use crate::http::webhooks::Endpoints;
use crate::providers::paypal::transmission::WebhookIds;
use crate::providers::stripe::signature::SigningSecrets;
use crate::store::Store;
use crate::telemetry::throttle::Allowance;

/// How many webhooks may ask PayPal's API at once.
const ASKED_AT_ONCE: usize = 8;
/// How many requests of strangers, and how many that come again, it is asked about in a minute. What it
/// verifies the first time does not count.
const ASKED_A_MINUTE: u32 = 30;

/// The endpoints of the providers that are configured. `certificates` are those that are kept.
pub(super) fn endpoints(
    parts: &Parts,
    certificates: Vec<StoredCertificate>,
    apis: &Apis,
) -> Result<Endpoints, ApiError> {
    let Parts { config, store, refusals, metrics, .. } = parts;
    let stripe = config.stripe.as_ref().map(|stripe| StripeEndpoint {
        secrets: SigningSecrets::new(stripe.signing_secrets.iter().map(|secret| secret.reveal())),
        tolerance: stripe.tolerance,
    });
    let paypal = config.paypal.as_ref();
    let paypal = paypal.map(|paypal| paypal_endpoint(config, paypal, store, certificates, apis));
    Ok(Endpoints {
        store: store.clone(),
        clock: config.clock,
        stripe,
        paypal: paypal.transpose()?,
        rules: config.rules.clone(),
        refusals: Arc::clone(refusals),
        metrics: Arc::clone(metrics),
        max_body: config.max_body,
    })
}

fn paypal_endpoint(
    config: &Config,
    paypal: &PaypalConfig,
    store: &Store,
    stored: Vec<StoredCertificate>,
    apis: &Apis,
) -> Result<PaypalEndpoint, ApiError> {
    let asking = || {
        Ok::<_, ApiError>(Arc::new(Asking {
            api: Arc::new(apis.paypal()?.postback()),
            permits: Semaphore::new(ASKED_AT_ONCE),
            allowance: Allowance::per_minute(ASKED_A_MINUTE),
        }))
    };
    let proof = match &paypal.verify {
        PaypalVerify::Offline { trust, roots_pem, certificate_host } => PaypalProof::Offline {
            certificates: Box::new(Certificates::new(
                trust.clone(),
                // PayPal's own host is trusted as every public one is.
                certificate_host.as_ref().and(roots_pem.as_deref()),
                stored,
                store.clone(),
            )),
            host: certificate_host.clone(),
        },
        PaypalVerify::Postback => PaypalProof::Postback(asking()?),
    };
    Ok(PaypalEndpoint {
        ids: WebhookIds::new(paypal.webhook_ids.iter().map(String::as_str), paypal.environment),
        livemode: config.mode == Mode::Live,
        proof,
        max_age: paypal.max_age,
        asking: asking().ok(),
    })
}
