//! The `PAYPAL-TRANSMISSION-*` headers and what they sign.
//!
//! Source: PayPal, "Integrate webhooks: self verification method". Signed is
//! `transmission id|transmission time|webhook id|CRC-32 of the body`, the first two exactly as
//! they stand in the headers. Only the CRC-32 of the body is signed, so a known transmission or
//! event that comes with another body is refused where it is stored.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::{Proof, Verified};
use super::Environment;
use super::certificate::{Algorithm, Certificate};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// Names of the request headers, in lower case.
pub mod header {
    /// UUID of this delivery.
    pub const ID: &str = "paypal-transmission-id";
    /// RFC 3339 time of this delivery.
    pub const TIME: &str = "paypal-transmission-time";
    /// The signature, in base64.
    pub const SIGNATURE: &str = "paypal-transmission-sig";
    /// Where the certificate is.
    pub const CERT_URL: &str = "paypal-cert-url";
    /// The signature algorithm.
    pub const AUTH_ALGO: &str = "paypal-auth-algo";
}

/// The webhook id with which PayPal's public simulator signs. Whoever accepts it accepts forged
/// events.
pub const SIMULATOR_WEBHOOK_ID: &str = "WEBHOOK_ID";

/// A transmission time further ahead than this means that one of the clocks is wrong. How long ago it
/// may be is asked for itself ([`Transmission::is_older_than`]).
const MAX_AHEAD: Duration = Duration::from_secs(300);

/// The webhook ids of this endpoint, each with the environment whose certificate signs for it.
#[derive(Clone)]
pub struct WebhookIds(Vec<(Box<str>, Environment)>);

impl WebhookIds {
    /// Ids of webhooks registered in `environment`. The simulator signs with the live certificate
    /// whatever it simulates.
    pub fn new<'s>(ids: impl IntoIterator<Item = &'s str>, environment: Environment) -> Self {
        let with_environment = |id: &str| match id {
            SIMULATOR_WEBHOOK_ID => (id.into(), Environment::Live),
            _ => (id.into(), environment),
        };
        Self(ids.into_iter().map(with_environment).collect())
    }

    /// Whether any of them is signed for in `environment`.
    pub fn expect(&self, environment: Environment) -> bool {
        self.0.iter().any(|(_, signed_in)| *signed_in == environment)
    }

    /// The ids in the configured order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| &**id)
    }
}

impl fmt::Debug for WebhookIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookIds({})", self.0.len())
    }
}

/// The signature headers of one delivery, well-formed but not proved.
#[derive(Clone, Debug)]
pub struct Transmission<'h> {
    /// The delivery's id, as it stands in the header.
    pub id: &'h str,
    /// The delivery's time, as it stands in the header.
    pub time: &'h str,
    /// The signature, as it stands in the header.
    pub signature_text: &'h str,
    /// The certificate's URL, as it stands in the header; not to be fetched before it is checked.
    pub cert_url: &'h str,
    algorithm: Algorithm,
    signature: Vec<u8>,
}

impl<'h> Transmission<'h> {
    /// Takes the headers by name. The lengths are those that PayPal's own verification API
    /// accepts.
    pub fn from_headers(header: impl Fn(&'static str) -> Option<&'h str>) -> Result<Self, Refusal> {
        let required = |name, longest| {
            let value = header(name).filter(|value| !value.is_empty());
            let value: &str = value.ok_or(Refusal::MissingHeader)?;
            if value.len() > longest { Err(Refusal::MalformedHeader) } else { Ok(value) }
        };
        let id = required(header::ID, 50)?;
        let time = required(header::TIME, 64)?;
        let signature_text = required(header::SIGNATURE, 500)?;
        let cert_url = required(header::CERT_URL, usize::MAX)?;
        let algorithm = Algorithm::named(required(header::AUTH_ALGO, 100)?);
        let algorithm = algorithm.ok_or(Refusal::UnsupportedAlgorithm)?;
        let signature = STANDARD.decode(signature_text).map_err(|_| Refusal::MalformedSignature)?;
        Ok(Self { id, time, signature_text, cert_url, algorithm, signature })
    }

    /// Proves `payload` with a certificate that [`Trust`](super::certificate::Trust) accepted for
    /// `environment`.
    pub fn verify<'a>(
        &self,
        payload: &'a [u8],
        ids: &WebhookIds,
        certificate: &Certificate,
        environment: Environment,
        now: Timestamp,
    ) -> Result<Verified<'a>, Refusal> {
        if payload.is_empty() {
            return Err(Refusal::EmptyPayload);
        }
        if !ids.expect(environment) {
            return Err(Refusal::WrongEnvironment);
        }
        let crc = crc32fast::hash(payload);
        let signed_for = |(id, signed_in): &(Box<str>, Environment)| {
            let message = message(self.id, self.time, id, crc);
            *signed_in == environment
                && certificate.signed(message.as_bytes(), &self.signature, self.algorithm)
        };
        let place = ids.0.iter().position(signed_for).ok_or(Refusal::BadSignature)?;
        self.check_time(now)?;
        let certificate = certificate.id.clone();
        let simulated = ids.0.get(place).is_some_and(|(id, _)| **id == *SIMULATOR_WEBHOOK_ID);
        let proof = match simulated {
            true => Proof::PaypalSimulator(certificate),
            false => Proof::PaypalCertificate { certificate, webhook_id: place + 1 },
        };
        Ok(Verified { payload, proof })
    }

    /// Takes PayPal's own word, given for the webhook id at `place` (from 1) of the configured
    /// list, that this transmission of `payload` is genuine.
    pub fn confirmed<'a>(
        &self,
        payload: &'a [u8],
        _word: Confirmation,
        place: usize,
        now: Timestamp,
    ) -> Result<Verified<'a>, Refusal> {
        if payload.is_empty() {
            return Err(Refusal::EmptyPayload);
        }
        self.check_time(now)?;
        Ok(Verified { payload, proof: Proof::PaypalPostback(place) })
    }

    /// Whether it was sent longer than `most` ago, or at a time that can't be read. The signature never
    /// ends, and PayPal, which sends for three days, may keep the first time while it does.
    pub fn is_older_than(&self, most: Duration, now: Timestamp) -> bool {
        Timestamp::parse(self.time).map_or(true, |time| time < now.minus(most))
    }

    fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        match Timestamp::parse(self.time) {
            Ok(time) if time > now.plus(MAX_AHEAD) => Err(Refusal::TimestampTooNew),
            _ => Ok(()),
        }
    }
}

/// PayPal's verification API answered `SUCCESS`; made from that answer and from nothing else.
#[derive(Debug)]
pub struct Confirmation(());

impl Confirmation {
    /// Reads the body of a 200 answer of `verify-webhook-signature`: `Some` word if it is
    /// `SUCCESS`, `None` word if it is `FAILURE`, an error if it is neither.
    pub fn read(answer: &[u8]) -> Result<Option<Self>, NotAnAnswer> {
        let answer: serde_json::Value = serde_json::from_slice(answer).map_err(|_| NotAnAnswer)?;
        match answer["verification_status"].as_str() {
            Some("SUCCESS") => Ok(Some(Self(()))),
            Some("FAILURE") => Ok(None),
            _ => Err(NotAnAnswer),
        }
    }
}

/// The verification API answered something else than `SUCCESS` or `FAILURE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer without verification_status")]
pub struct NotAnAnswer;

/// The body of a request to `verify-webhook-signature`, with the payload's text spliced in:
/// written again as JSON it would no longer be what was signed.
///
/// `None` if the payload is not UTF-8 or not JSON, which PayPal never sends.
pub fn postback(
    transmission: &Transmission<'_>,
    webhook_id: &str,
    payload: &[u8],
) -> Option<String> {
    let payload: &serde_json::value::RawValue = serde_json::from_slice(payload).ok()?;
    let text = |text: &str| serde_json::Value::from(text);
    Some(format!(
        r#"{{"auth_algo":"{}","cert_url":{},"transmission_id":{},"transmission_sig":{},"transmission_time":{},"webhook_id":{},"webhook_event":{payload}}}"#,
        transmission.algorithm.name(),
        text(transmission.cert_url),
        text(transmission.id),
        text(transmission.signature_text),
        text(transmission.time),
        text(webhook_id),
    ))
}

/// What PayPal signs.
pub fn message(id: &str, time: &str, webhook_id: &str, crc32: u32) -> String {
    format!("{id}|{time}|{webhook_id}|{crc32}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::certificate::{CertificateUrl, Trust};
    use super::*;

    /// Every vector with the certificate, the clock and the environment it names, in the order of
    /// checks that a request goes through. None was signed by our own code.
    #[test]
    fn every_real_simulated_and_altered_vector_is_decided_as_it_says() {
        let file = include_str!("../../../tests/data/vectors/paypal/signatures.json");
        let file: Value = serde_json::from_str(file).expect("JSON");
        let vectors = file["vectors"].as_array().expect("vectors");
        assert!(vectors.len() >= 44);
        for vector in vectors {
            let expected = match vector["expect"].as_str() {
                Some("valid") => Ok(()),
                _ => Err(vector["reason"].as_str().expect("a reason")),
            };
            let expected = match expected {
                Err("empty_body") => Err("empty_payload"),
                // Decided where webhook ids are configured and where events are stored.
                Err("simulator_webhook_id" | "replayed_transmission_id") => Ok(()),
                other => other,
            };
            assert_eq!(decide(vector).map_err(Refusal::as_str), expected, "{}", vector["id"]);
        }
    }

    fn decide(vector: &Value) -> Result<(), Refusal> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let headers = vector["headers"].as_object().expect("headers");
        let transmission = Transmission::from_headers(|name| {
            let found = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_str())
        })?;
        let environment = Environment::parse(&text(&vector["mode"])).expect("an environment");
        let webhook_id = text(&vector["webhook_id"]);
        let ids = WebhookIds::new([&*webhook_id], environment);
        // One published delivery names a placeholder path; its certificate is given directly.
        if vector["tags"][0] != "bad_cert_url_path" {
            let url = CertificateUrl::parse(transmission.cert_url, None)?;
            if !url.environment.is_some_and(|environment| ids.expect(environment)) {
                return Err(Refusal::WrongEnvironment);
            }
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors/paypal/");
        let pem = std::fs::read(format!("{folder}{}", text(&vector["cert"]))).expect("a file");
        let certificate = Certificate::parse("leaf", &pem)?;
        let now = Timestamp::parse(&text(&vector["verify_at"])).expect("a time");
        let signs_for = Trust::bundled().expect("roots").check(&certificate, now)?;
        let body = text(&vector["body"]);
        transmission.verify(body.as_bytes(), &ids, &certificate, signs_for, now).map(|_| ())
    }

    #[test]
    fn the_signed_message_has_the_documented_form() {
        assert_eq!(
            message(
                "b2384410-f8d2-11e4-8bf3-77339302725b",
                "2015-05-12T18:14:14Z",
                "3RN13029J36659323",
                2_487_599_788
            ),
            "b2384410-f8d2-11e4-8bf3-77339302725b|2015-05-12T18:14:14Z|3RN13029J36659323|2487599788"
        );
    }

    #[test]
    fn a_postback_carries_the_payload_to_the_byte() {
        let headers = |name| {
            Some(match name {
                header::ID => "id\"1",
                header::TIME => "2015-05-12T18:14:14Z",
                header::SIGNATURE => "AAAA",
                header::CERT_URL => "https://api.paypal.com/v1/notifications/certs/C",
                _ => Algorithm::Rsa.name(),
            })
        };
        let transmission = Transmission::from_headers(headers).expect("well-formed");
        let payload = br#"{"amount":1.00,"text":"\u20ac/\/" }"#;
        let body = postback(&transmission, "WID", payload).expect("JSON");
        assert!(body.contains(std::str::from_utf8(payload).expect("UTF-8")));
        let parsed: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(parsed["transmission_id"], "id\"1");
        assert!(postback(&transmission, "WID", b"{").is_none());
    }

    #[test]
    fn only_success_confirms() {
        assert!(matches!(Confirmation::read(br#"{"verification_status":"SUCCESS"}"#), Ok(Some(_))));
        assert!(matches!(Confirmation::read(br#"{"verification_status":"FAILURE"}"#), Ok(None)));
        assert!(Confirmation::read(b"<html>").is_err());
        assert!(Confirmation::read(b"{}").is_err());
    }

    proptest! {
        #[test]
        fn any_headers_are_taken_or_refused(value in ".*") {
            let _ = Transmission::from_headers(|_| Some(&value));
        }
    }
}
