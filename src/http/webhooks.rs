//! The public listener: a webhook's way from its bytes to the answer, after the commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::Stream;
use sha2::{Digest, Sha256};
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::reply::Response;
use warp::{Buf, Filter};

use super::body::{Bodies, BodyError};
use super::connections::Slot;
use super::verify::{Genuine, NotVerified, PaypalEndpoint, StripeEndpoint};
use super::{Routes, answer, content_length, method_not_allowed, not_found, typed, unavailable};
use crate::domain::event::Source;
use crate::domain::provider::Provider;
use crate::domain::records::{Ingested, Outcome, RejectedRequest, USER_AGENT_CHARS, Webhook};
use crate::domain::refusal::{NotTaken, Refusal};
use crate::domain::refusal_pattern::RefusalClass;
use crate::domain::time::Timestamp;
use crate::providers::claimed_id;
use crate::providers::paypal::transmission;
use crate::providers::rules::Rules;
use crate::providers::stripe::signature;
use crate::store::{KeepRejected, Receipt, RememberRefused, Store, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::metrics::{DUPLICATE, Metrics};
use crate::telemetry::refusals::Refusals;
use crate::telemetry::throttle::Throttle;

/// What the endpoints need.
#[derive(Debug)]
pub struct Endpoints {
    /// Where events are kept.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Stripe, if it is configured.
    pub stripe: Option<StripeEndpoint>,
    /// PayPal, if it is configured.
    pub paypal: Option<PaypalEndpoint>,
    /// How the shop marks its payments.
    pub rules: Rules,
    /// What was refused.
    pub refusals: Arc<Refusals>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// The largest body, in bytes.
    pub max_body: usize,
}

/// What the public listener answers.
pub fn routes(endpoints: Endpoints) -> Routes {
    let state = Arc::new(State {
        bodies: Bodies::new(endpoints.max_body),
        trouble: Throttle::new(10, Duration::from_secs(1)),
        not_configured: Throttle::new(1, Duration::from_secs(60)),
        endpoints,
    });
    let webhook = |name: &'static str, provider: Provider| {
        let state = Arc::clone(&state);
        warp::path("accounts")
            .and(warp::path("webhooks"))
            .and(warp::path(name))
            .and(warp::path::end())
            .and(warp::method())
            .and(warp::header::headers_cloned())
            .and(warp::ext::get::<Arc<Slot>>())
            .and(warp::body::stream())
            .then(move |method: Method, headers: HeaderMap, slot: Arc<Slot>, body| {
                let state = Arc::clone(&state);
                async move {
                    match method {
                        Method::POST => state.receive(provider, &headers, &slot, body).await,
                        _ => method_not_allowed("POST"),
                    }
                }
            })
    };
    let healthz =
        warp::path("healthz").and(warp::path::end()).and(warp::method()).map(|method: Method| {
            match method {
                Method::GET | Method::HEAD => answer(StatusCode::OK, r#"{"status":"ok"}"#),
                _ => method_not_allowed("GET, HEAD"),
            }
        });
    webhook("stripe", Provider::Stripe)
        .or(webhook("paypal", Provider::Paypal))
        .unify()
        .or(healthz)
        .unify()
        .or(warp::any().map(not_found))
        .unify()
        .boxed()
}

#[derive(Debug)]
struct State {
    endpoints: Endpoints,
    bodies: Bodies,
    /// Lines about webhooks that could not be taken.
    trouble: Throttle,
    not_configured: Throttle,
}

impl State {
    async fn receive(
        &self,
        provider: Provider,
        headers: &HeaderMap,
        slot: &Arc<Slot>,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Response {
        let arrived = Instant::now();
        let received_at = self.endpoints.clock.now();
        if !self.is_configured(provider) {
            return self.not_configured(provider);
        }
        let body = match self.bodies.read(content_length(headers), body).await {
            Ok(body) => body,
            Err(error) => return self.unread(provider, error),
        };
        slot.answering();

        // It may take a while, and is not known to be genuine before.
        let proved = tokio::select! {
            proved = self.verify(provider, &body.bytes, headers, received_at) => proved,
            () = body.cut() => return self.unread(provider, BodyError::NoRoom),
        };
        body.keep();
        let verified = arrived.elapsed();
        let proved = match proved {
            Ok(proved) => proved,
            Err(NotVerified::Refused(refusal)) => {
                let class = RefusalClass::of(refusal);
                self.note(provider, class, headers, &body.bytes, received_at);
                return self.refuse(provider, refusal, headers, body.bytes.len(), received_at);
            }
            Err(NotVerified::RefusedGenuine { refusal, transmission_id }) => {
                let payload_sha256 = Sha256::digest(&body.bytes).into();
                if let Err(error) =
                    self.remember(transmission_id, payload_sha256, received_at).await
                {
                    return self.not_kept(provider, &error);
                }
                return self.refuse(provider, refusal, headers, body.bytes.len(), received_at);
            }
            Err(NotVerified::Undecided(reason)) => {
                let class = Some(RefusalClass::Certificate);
                self.note(provider, class, headers, &body.bytes, received_at);
                return self.undecided(provider, &reason);
            }
        };
        let payload_bytes = body.bytes.len();
        let mut proved = proved;
        let (payload, source) = match proved.from_api {
            None => (body.bytes, Source::Webhook),
            Some(payload) => {
                // What the transmission carried is not what is kept.
                let payload_sha256 = Sha256::digest(&body.bytes).into();
                if let Some(id) = proved.transmission_id.take()
                    && let Err(error) = self.remember(id, payload_sha256, received_at).await
                {
                    return self.not_kept(provider, &error);
                }
                (payload, Source::CatchUp)
            }
        };
        let payload_sha256 = Sha256::digest(&payload).into();
        // An event that is not all text was read as failed.
        let payload = String::from_utf8(payload)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let line = Line::info("webhook")
            .with("provider", provider)
            .with("event_id", &proved.event.id)
            .with("event_type", &proved.event.event_type);
        let webhook = Webhook {
            payload_sha256,
            headers: kept_headers(headers),
            proof: proved.proof,
            transmission_id: proved.transmission_id,
            source,
            event: proved.event,
            payload,
            received_at,
            arrived,
        };
        let (store, metrics) = (self.endpoints.store.clone(), Arc::clone(&self.endpoints.metrics));
        let (livemode, event_type) = (webhook.event.livemode, webhook.event.event_type.clone());
        // In a task of its own, because a sender who goes away takes the handler with him, but not
        // what is queued: it is committed, and its line belongs into the log.
        let kept = tokio::spawn(async move {
            let receipt = store.ingest(webhook).await?;
            let took = arrived.elapsed();
            if let Some(outcome) = outcome(&receipt.ingested) {
                metrics.received(provider, livemode, received_at);
                metrics.webhook(provider, &event_type, outcome, took);
                tell(line, &receipt, outcome, verified, took);
            }
            Ok(receipt.ingested)
        });
        match kept.await.unwrap_or(Err(StoreError::Fault)) {
            Ok(Ingested::Refused(refusal)) => {
                self.refuse(provider, refusal, headers, payload_bytes, received_at)
            }
            Ok(Ingested::Duplicate { .. }) => {
                answer(StatusCode::OK, r#"{"received":true,"duplicate":true}"#)
            }
            Ok(Ingested::New { .. }) => answer(StatusCode::OK, r#"{"received":true}"#),
            Err(error) => self.not_kept(provider, &error),
        }
    }

    /// Notes what tells whether the provider sent it.
    fn note(
        &self,
        provider: Provider,
        class: Option<RefusalClass>,
        headers: &HeaderMap,
        payload: &[u8],
        received_at: Timestamp,
    ) {
        let Some(class) = class else { return };
        let signed_at = match class {
            RefusalClass::Time => {
                let header = headers.get(signature::HEADER).and_then(|header| header.to_str().ok());
                header.and_then(signature::signed_at)
            }
            RefusalClass::Signature | RefusalClass::Certificate => None,
        };
        // A probe that posts the same of its own is no repetition of Stripe's.
        let is_its_own = |id: &&str| provider != Provider::Stripe || id.starts_with("evt_");
        let event_id = claimed_id(payload).filter(is_its_own);
        self.endpoints.refusals.note(provider, class, event_id, signed_at, received_at);
    }

    /// Another body that comes with this transmission is refused from now on.
    async fn remember(
        &self,
        transmission_id: Box<str>,
        payload_sha256: [u8; 32],
        received_at: Timestamp,
    ) -> Result<(), StoreError> {
        let job = RememberRefused { transmission_id, payload_sha256 };
        self.endpoints.store.run(job, received_at).await
    }

    fn is_configured(&self, provider: Provider) -> bool {
        match provider {
            Provider::Stripe => self.endpoints.stripe.is_some(),
            Provider::Paypal => self.endpoints.paypal.is_some(),
        }
    }

    async fn verify(
        &self,
        provider: Provider,
        payload: &[u8],
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Genuine, NotVerified> {
        match (provider, &self.endpoints.stripe, &self.endpoints.paypal) {
            (Provider::Stripe, Some(stripe), _) => {
                stripe.verify(payload, headers, now, &self.endpoints.rules)
            }
            (Provider::Paypal, _, Some(paypal)) => {
                paypal.verify(payload, headers, now, &self.endpoints.rules).await
            }
            _ => Err(NotVerified::Undecided("not configured".to_owned())),
        }
    }

    fn not_configured(&self, provider: Provider) -> Response {
        self.endpoints.metrics.not_taken(provider, NotTaken::NotConfigured);
        if let Some(left_out) = self.not_configured.pass(Instant::now()) {
            Line::warn("webhook for a provider that is not configured")
                .with("provider", provider)
                .with("left_out", left_out)
                .emit();
        }
        match provider {
            Provider::Stripe => unavailable(r#"{"error":"stripe is not configured"}"#, "3600"),
            Provider::Paypal => unavailable(r#"{"error":"paypal is not configured"}"#, "3600"),
        }
    }

    fn unread(&self, provider: Provider, error: BodyError) -> Response {
        self.endpoints.metrics.not_taken(provider, error.reason());
        if let Some(left_out) = self.trouble.pass(Instant::now()) {
            Line::warn("body not read")
                .with("provider", provider)
                .with("outcome", error.reason())
                .with("left_out", left_out)
                .emit();
        }
        let mut response = match error {
            BodyError::TooLarge => {
                answer(StatusCode::PAYLOAD_TOO_LARGE, r#"{"error":"the body is too large"}"#)
            }
            BodyError::TooSlow => {
                answer(StatusCode::REQUEST_TIMEOUT, r#"{"error":"the body came too slowly"}"#)
            }
            BodyError::Broken => {
                answer(StatusCode::BAD_REQUEST, r#"{"error":"the body broke off"}"#)
            }
            BodyError::NoRoom => unavailable(r#"{"error":"too many large bodies at once"}"#, "5"),
        };
        // What is left of the body would be taken for the next request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

    fn refuse(
        &self,
        provider: Provider,
        refusal: Refusal,
        headers: &HeaderMap,
        payload_bytes: usize,
        received_at: Timestamp,
    ) -> Response {
        let endpoints = &self.endpoints;
        if let Some(left_out) = endpoints.refusals.count(provider, refusal) {
            let line = match refusal {
                Refusal::TimestampTooOld | Refusal::TimestampTooNew => Line::error(
                    "refused: the signature is genuine but its time is not: is this machine's \
                     clock off?",
                ),
                Refusal::TransmissionTooOld => Line::error(
                    "refused: PayPal's signature is genuine, but older than PayPal sends: set \
                     PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET, and PayPal is asked for its event",
                ),
                Refusal::ReplayedTransmissionId | Refusal::ReusedEventId => Line::error(
                    "refused: PayPal's signature is genuine, but it came before with another body: \
                     somebody may be forging events",
                ),
                _ => Line::warn("refused"),
            };
            line.with("provider", provider)
                .with("outcome", refusal)
                .with("payload_bytes", payload_bytes)
                .with("left_out", left_out)
                .emit();
            let user_agent = user_agent(headers);
            let reason = refusal;
            let request =
                RejectedRequest { received_at, provider, reason, payload_bytes, user_agent };
            endpoints.store.offer(KeepRejected { request }, received_at);
        }
        let body = format!(r#"{{"error":"refused","reason":"{refusal}"}}"#);
        typed(StatusCode::BAD_REQUEST, "application/json", body)
    }

    fn undecided(&self, provider: Provider, reason: &str) -> Response {
        self.endpoints.metrics.not_taken(provider, NotTaken::NotVerified);
        if let Some(left_out) = self.trouble.pass(Instant::now()) {
            Line::error("webhook not proved: the provider will send it again")
                .with("provider", provider)
                .with("left_out", left_out)
                .with("err", reason)
                .emit();
        }
        unavailable(r#"{"error":"the signature can't be checked now"}"#, "30")
    }

    fn not_kept(&self, provider: Provider, error: &StoreError) -> Response {
        self.endpoints.metrics.not_taken(provider, NotTaken::NotKept);
        if let Some(left_out) = self.trouble.pass(Instant::now()) {
            Line::error("webhook not kept: the provider will send it again")
                .with("provider", provider)
                .with("left_out", left_out)
                .with("err", error)
                .emit();
        }
        let retry_after = if error.is_of_the_database() { "60" } else { "5" };
        unavailable(r#"{"error":"the event can't be kept now"}"#, retry_after)
    }
}

/// The headers that are kept with an event. None that a signature could be made again from: with
/// one genuine request in hand, PayPal's CRC-32 lets anybody make another.
const KEPT_HEADERS: &[&str] = &[
    "content-type",
    "user-agent",
    "x-forwarded-for",
    "correlation-id",
    transmission::header::ID,
    transmission::header::TIME,
    transmission::header::CERT_URL,
    transmission::header::AUTH_ALGO,
];

fn kept_headers(headers: &HeaderMap) -> String {
    let kept: serde_json::Map<String, serde_json::Value> = KEPT_HEADERS
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.into()))
        })
        .collect();
    serde_json::Value::Object(kept).to_string()
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(value.chars().take(USER_AGENT_CHARS).collect())
}

/// What became of a webhook, in the word of the log and the metrics; `None` if it was refused, which
/// is told and counted as such.
fn outcome(ingested: &Ingested) -> Option<&'static str> {
    match ingested {
        Ingested::New(applied) => Some(applied.outcome.as_str()),
        Ingested::Duplicate { .. } => Some(DUPLICATE),
        Ingested::Refused(_) => None,
    }
}

/// The canonical line of a webhook. What a person must see at once is a warning; an orphan becomes
/// one when the shop has had its time to register it.
fn tell(line: Line, receipt: &Receipt, outcome: &'static str, verified: Duration, total: Duration) {
    let line = match &receipt.ingested {
        Ingested::New(applied) => {
            let is_wrong = applied.outcome == Outcome::Failed
                || applied.wrong_amount.is_some()
                || applied.late_money;
            if is_wrong { line.warning() } else { line }
                .with_some("transaction_id", applied.transaction_id)
                .with("outcome", outcome)
                .with_some("status", applied.status)
                .with_some("orphan", applied.orphan)
                .with_some("amount_check", applied.wrong_amount)
                .with_some("late_money", applied.late_money.then_some(true))
        }
        Ingested::Duplicate { transaction_id } => {
            line.with_some("transaction_id", *transaction_id).with("outcome", outcome)
        }
        Ingested::Refused(_) => line,
    };
    line.with("signature", "ok")
        .with("verify_us", verified.as_micros())
        .with("queue_us", receipt.queued.as_micros())
        .with("commit_us", receipt.committed.as_micros())
        .with("dur_us", total.as_micros())
        .emit();
}
