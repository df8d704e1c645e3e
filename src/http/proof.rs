//! How a webhook is proved and read, from its bytes and headers: by Stripe's secret, by PayPal's
//! certificate, or by PayPal's own word.

use std::sync::Arc;
use std::time::{Duration, Instant};

use warp::http::HeaderMap;

use crate::clients::certificates::{Certificates, NoCertificate};
use crate::clients::postback::Postback;
use crate::domain::event::{Event, Provider};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::providers::paypal::certificate::{CertificateHost, CertificateUrl};
use crate::providers::paypal::transmission::{self, Transmission, WebhookIds};
use crate::providers::rules::Rules;
use crate::providers::stripe::signature::{self, SigningSecrets, Tolerance};
use crate::providers::{Verified, read};
use crate::throttle::Allowance;

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
    Postback(Box<Postbacks>),
}

/// How PayPal is asked about each webhook.
#[derive(Debug)]
pub struct Postbacks {
    /// PayPal's API.
    pub api: Arc<Postback>,
    /// How many may ask at once.
    pub permits: tokio::sync::Semaphore,
    /// How often it is asked about what is not proved.
    pub allowance: Allowance,
}

/// A request whose origin is proved and whose content is read.
pub(super) struct Proved {
    pub(super) event: Event,
    pub(super) proof: String,
    pub(super) transmission_id: Option<Box<str>>,
}

/// Why nothing was proved.
pub(super) enum Unproved {
    /// It is not genuine, or not for us.
    Refused(Refusal),
    /// That can't be known now.
    Undecided(String),
}

impl From<Refusal> for Unproved {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl StripeEndpoint {
    /// Proves and reads a webhook of Stripe's.
    pub(super) fn prove(
        &self,
        payload: &[u8],
        headers: &HeaderMap,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Proved, Unproved> {
        let header = single(headers, signature::HEADER)?;
        let verified = self.secrets.verify(payload, header, self.tolerance, now)?;
        // Whether it is real money stands in it.
        let event = read(Provider::Stripe, &verified, false, rules)?;
        Ok(Proved { event, proof: verified.proof().to_string(), transmission_id: None })
    }
}

impl PaypalEndpoint {
    /// Proves and reads a webhook of PayPal's. It may have to wait for a certificate or for PayPal's
    /// word.
    pub(super) async fn prove(
        &self,
        payload: &[u8],
        headers: &HeaderMap,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Proved, Unproved> {
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
            PaypalProof::Postback(postbacks) => {
                self.prove_by_postback(&transmission, payload, postbacks, now).await?
            }
        };
        let event = read(Provider::Paypal, &verified, self.livemode, rules)?;
        Ok(Proved {
            event,
            proof: verified.proof().to_string(),
            transmission_id: Some(transmission.id.into()),
        })
    }

    async fn prove_offline<'a>(
        &self,
        transmission: &Transmission<'_>,
        payload: &'a [u8],
        certificates: &Certificates,
        host: Option<&CertificateHost>,
        now: Timestamp,
    ) -> Result<Verified<'a>, Unproved> {
        let url = CertificateUrl::parse(transmission.cert_url, host)?;
        if url.environment.is_some_and(|environment| !self.ids.expect(environment)) {
            return Err(Refusal::WrongEnvironment.into());
        }
        let certificate = certificates.at(&url, now).await.map_err(|error| match error {
            NoCertificate::Refused(refusal) => Unproved::Refused(refusal),
            NoCertificate::Unavailable(error) => Unproved::Undecided(error.to_string()),
        })?;
        let environment = certificates.trust().check(&certificate, now)?;
        Ok(transmission.verify(payload, &self.ids, &certificate, environment, now)?)
    }

    async fn prove_by_postback<'a>(
        &self,
        transmission: &Transmission<'_>,
        payload: &'a [u8],
        Postbacks { api, permits, allowance }: &Postbacks,
        now: Timestamp,
    ) -> Result<Verified<'a>, Unproved> {
        let undecided = |error: String| Unproved::Undecided(error);
        let permit = tokio::time::timeout(POSTBACK_TURN, permits.acquire()).await;
        let _permit = permit
            .map_err(|_| undecided("too many ask PayPal's API at once".to_owned()))?
            .map_err(|error| undecided(error.to_string()))?;
        let taken = allowance.take(payload, Instant::now());
        let taken = taken.ok_or_else(|| {
            undecided("PayPal's API is asked too often about what is not proved".to_owned())
        })?;
        for (place, id) in (1..).zip(self.ids.iter()) {
            let request = transmission::postback(transmission, id, payload);
            let request = request.ok_or(Refusal::InvalidJson)?;
            let api = Arc::clone(api);
            let asked = tokio::task::spawn_blocking(move || api.ask(&request)).await;
            let word = asked
                .map_err(|error| undecided(error.to_string()))?
                .map_err(|error| undecided(error.to_string()))?;
            if let Some(word) = word {
                allowance.give_back(taken);
                return Ok(transmission.confirmed(payload, word, place, now)?);
            }
        }
        Err(Refusal::BadSignature.into())
    }
}

/// How long a webhook waits for its turn to ask PayPal's API.
const POSTBACK_TURN: Duration = Duration::from_secs(10);

/// A header that may stand once; text, if it is there.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Refusal::MalformedHeader);
    }
    value.map(|value| value.to_str().map_err(|_| Refusal::MalformedHeader)).transpose()
}
