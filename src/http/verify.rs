//! How a webhook is proved and read, from its bytes and headers: by Stripe's secret, by PayPal's
//! certificate, or by PayPal's own word.

use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use warp::http::HeaderMap;

use crate::clients::certificates::{Certificates, NoCertificate};
use crate::clients::postback::{self, Postback};
use crate::domain::event::Event;
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::providers::paypal::api;
use crate::providers::paypal::certificate::{CertificateHost, CertificateUrl};
use crate::providers::paypal::transmission::{self, Transmission, WebhookIds};
use crate::providers::rules::Rules;
use crate::providers::stripe::signature::{self, SigningSecrets, Tolerance};
use crate::providers::{Verified, read};
use crate::telemetry::throttle::{Allowance, Taken};

/// By what Stripe's webhooks are proved.
#[derive(Debug)]
pub struct StripeEndpoint {
    /// The endpoint's secrets.
    pub secrets: SigningSecrets,
    /// How old or how far ahead a signature may be.
    pub tolerance: Tolerance,
}

/// By what PayPal's webhooks are proved.
#[derive(Debug)]
pub struct PaypalEndpoint {
    /// The endpoint's webhook ids.
    pub ids: WebhookIds,
    /// Whether what they prove is real money.
    pub livemode: bool,
    /// With a certificate, or by asking.
    pub proof: PaypalProof,
    /// How old a transmission may be; `None` for any age.
    pub max_age: Option<Duration>,
    /// Where the event of an older one is asked for, if PayPal's API keys are set.
    pub asking: Option<Arc<Asking>>,
}

/// How PayPal's webhooks are proved.
#[derive(Debug)]
pub enum PaypalProof {
    /// With PayPal's certificate.
    Offline {
        /// Those at hand, and how to get others.
        certificates: Box<Certificates>,
        /// Where they are fetched instead of at PayPal.
        host: Option<CertificateHost>,
    },
    /// By asking PayPal.
    Postback(Arc<Asking>),
}

/// PayPal's API, as it may be asked on the way of a webhook.
#[derive(Debug)]
pub struct Asking {
    /// PayPal's API.
    pub api: Arc<Postback>,
    /// How many may ask at once.
    pub permits: Semaphore,
    /// How often it is asked about what is not proved.
    pub allowance: Allowance,
}

/// A request whose origin is proved and whose content is read.
pub(super) struct Genuine {
    pub(super) event: Event,
    pub(super) proof: String,
    pub(super) transmission_id: Option<Box<str>>,
    /// What PayPal's API gave in place of the body that came.
    pub(super) from_api: Option<Vec<u8>>,
}

/// Why nothing was proved.
pub(super) enum NotVerified {
    /// It is not genuine, or not for us.
    Refused(Refusal),
    /// PayPal's signature is right, and it is refused all the same.
    RefusedGenuine {
        /// Why.
        refusal: Refusal,
        /// PayPal's id of the delivery.
        transmission_id: Box<str>,
    },
    /// That can't be known now.
    Undecided(String),
}

impl From<Refusal> for NotVerified {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl StripeEndpoint {
    /// Proves and reads a webhook of Stripe's.
    pub(super) fn verify(
        &self,
        payload: &[u8],
        headers: &HeaderMap,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Genuine, NotVerified> {
        let header = single(headers, signature::HEADER)?;
        let verified = self.secrets.verify(payload, header, self.tolerance, now)?;
        // Whether it is real money stands in it.
        let event = read(Provider::Stripe, &verified, false, rules)?;
        Ok(Genuine {
            event,
            proof: verified.proof().to_string(),
            transmission_id: None,
            from_api: None,
        })
    }
}

impl PaypalEndpoint {
    /// Proves and reads a webhook of PayPal's. It may have to wait for a certificate or for PayPal's
    /// word.
    pub(super) async fn verify(
        &self,
        payload: &[u8],
        headers: &HeaderMap,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Genuine, NotVerified> {
        use transmission::header::{AUTH_ALGO, CERT_URL, ID, SIGNATURE, TIME};
        for name in [AUTH_ALGO, CERT_URL, ID, SIGNATURE, TIME] {
            single(headers, name)?;
        }
        let transmission = Transmission::from_headers(|name| headers.get(name)?.to_str().ok())?;
        if payload.is_empty() {
            return Err(Refusal::EmptyPayload.into());
        }
        let verified = match &self.proof {
            PaypalProof::Offline { certificates, host } => {
                self.prove_offline(&transmission, payload, certificates, host.as_ref(), now).await?
            }
            PaypalProof::Postback(asking) => {
                self.prove_by_postback(&transmission, payload, asking, now).await?
            }
        };
        let of_genuine = |unproved| match unproved {
            NotVerified::Refused(refusal) => {
                NotVerified::RefusedGenuine { refusal, transmission_id: transmission.id.into() }
            }
            other => other,
        };
        let event = read(Provider::Paypal, &verified, self.livemode, rules);
        let event = event.map_err(|refusal| of_genuine(refusal.into()))?;
        let proof = verified.proof().to_string();
        let mut proved = Genuine { event, proof, transmission_id: None, from_api: None };
        if self.max_age.is_some_and(|most| transmission.is_older_than(most, now)) {
            proved = self.verify_by_event(&proved.event.id, rules).await.map_err(of_genuine)?;
        }
        Ok(Genuine { transmission_id: Some(transmission.id.into()), ..proved })
    }

    async fn prove_offline<'a>(
        &self,
        transmission: &Transmission<'_>,
        payload: &'a [u8],
        certificates: &Certificates,
        host: Option<&CertificateHost>,
        now: Timestamp,
    ) -> Result<Verified<'a>, NotVerified> {
        let url = CertificateUrl::parse(transmission.cert_url, host)?;
        if url.environment.is_some_and(|environment| !self.ids.expect(environment)) {
            return Err(Refusal::WrongEnvironment.into());
        }
        let certificate = certificates.at(&url, now).await.map_err(|error| match error {
            NoCertificate::Refused(refusal) => NotVerified::Refused(refusal),
            NoCertificate::Unavailable(error) => NotVerified::Undecided(error.to_string()),
        })?;
        let environment = certificates.trust().check(&certificate, now)?;
        Ok(transmission.verify(payload, &self.ids, &certificate, environment, now)?)
    }

    async fn prove_by_postback<'a>(
        &self,
        transmission: &Transmission<'_>,
        payload: &'a [u8],
        asking: &Asking,
        now: Timestamp,
    ) -> Result<Verified<'a>, NotVerified> {
        let (_permit, taken) = asking.turn(payload).await?;
        for (place, id) in (1..).zip(self.ids.iter()) {
            let request = transmission::postback(transmission, id, payload);
            let request = request.ok_or(Refusal::InvalidJson)?;
            if let Some(word) = asking.ask(move |api| api.ask(&request)).await? {
                asking.allowance.give_back(taken);
                return Ok(transmission.confirmed(payload, word, place, now)?);
            }
        }
        Err(Refusal::BadSignature.into())
    }

    /// What PayPal's API says of the event of a transmission that is too old to be believed.
    async fn verify_by_event(&self, id: &str, rules: &Rules) -> Result<Genuine, NotVerified> {
        let refused = || NotVerified::from(Refusal::TransmissionTooOld);
        let asking = self.asking.as_ref().ok_or_else(refused)?;
        // One of PayPal's simulator has none there.
        let path = api::event_path(id).ok_or_else(refused)?;
        let (_permit, taken) = asking.turn(id).await?;
        let answer = asking.ask(move |api| api.event(&path)).await?.ok_or_else(refused)?;
        let undecided = |error: String| NotVerified::Undecided(error);
        let verified = api::event(&answer).map_err(|error| undecided(error.to_string()))?;
        let event = read(Provider::Paypal, &verified, self.livemode, rules)
            .map_err(|error| undecided(format!("PayPal's API gave no event: {error}")))?;
        if &*event.id != id {
            return Err(undecided("PayPal's API gave another event".to_owned()));
        }
        asking.allowance.give_back(taken);
        let proof = verified.proof().to_string();
        Ok(Genuine { event, proof, transmission_id: None, from_api: Some(answer) })
    }
}

impl Asking {
    /// Waits until one more may ask, about `what`.
    async fn turn(&self, what: impl Hash) -> Result<(SemaphorePermit<'_>, Taken), NotVerified> {
        let undecided = |error: &str| NotVerified::Undecided(error.to_owned());
        let permit = tokio::time::timeout(ASKING_TURN, self.permits.acquire()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(undecided("too many ask PayPal's API at once"));
        };
        let taken = self.allowance.take(what, Instant::now());
        let taken = taken
            .ok_or_else(|| undecided("PayPal's API is asked too often about what is not proved"))?;
        Ok((permit, taken))
    }

    /// Asks, which blocks, on a thread for that.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Postback) -> Result<T, postback::Undecided> + Send + 'static,
    ) -> Result<T, NotVerified> {
        let api = Arc::clone(&self.api);
        let asked = tokio::task::spawn_blocking(move || question(&api)).await;
        asked
            .map_err(|error| NotVerified::Undecided(error.to_string()))?
            .map_err(|error| NotVerified::Undecided(error.to_string()))
    }
}

/// How long a webhook waits for its turn to ask PayPal's API.
const ASKING_TURN: Duration = Duration::from_secs(10);

/// A header that may stand once; text, if it is there.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Refusal::MalformedHeader);
    }
    value.map(|value| value.to_str().map_err(|_| Refusal::MalformedHeader)).transpose()
}
