//! The `Stripe-Signature` header.
//!
//! Source: Stripe, "Resolve webhook signature verification errors", and the webhook modules and
//! tests of its SDKs. The header is a list of `key=value`; `t` is the Unix second at which this
//! delivery was signed, each `v1` an HMAC-SHA-256 over `t`, a full stop and the raw body.

use std::fmt;
use std::time::Duration;

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::super::{Proof, Verified};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// The request header that carries the signature, in lower case.
pub const HEADER: &str = "stripe-signature";

/// How old or how far in the future a signature may be; `None` for any age.
pub type Tolerance = Option<Duration>;

/// The signing secrets of this endpoint: several while one is being rolled.
#[derive(Clone)]
pub struct SigningSecrets(Vec<Hmac<Sha256>>);

impl SigningSecrets {
    /// Takes each secret as it stands, `whsec_` included: unlike in the Standard Webhooks scheme
    /// the key is the text itself, not what its base64 decodes to.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        Self(secrets.into_iter().map(key).collect())
    }

    /// Proves `payload` by its signature header.
    ///
    /// The signature is checked before its age, so that a forger learns nothing from the answer
    /// and "too old" always means a genuine event. The age is bounded on both sides; exactly
    /// `tolerance` passes.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use payhookd::domain::refusal::Refusal;
    /// use payhookd::domain::time::Timestamp;
    /// use payhookd::providers::stripe::signature::{SigningSecrets, sign};
    ///
    /// let signed_at = Timestamp::parse("2026-11-23T11:52:03Z").unwrap();
    /// let header = sign(b"{}", "whsec_new", signed_at);
    /// // While a secret is rolled both are configured.
    /// let secrets = SigningSecrets::new(["whsec_old", "whsec_new"]);
    /// let verify = |payload, now| {
    ///     secrets.verify(payload, Some(&header), Some(Duration::from_secs(300)), now).map(|_| ())
    /// };
    /// assert_eq!(verify(b"{}", signed_at), Ok(()));
    /// assert_eq!(verify(b"{} ", signed_at), Err(Refusal::BadSignature));
    /// let later = signed_at.plus(Duration::from_secs(301));
    /// assert_eq!(verify(b"{}", later), Err(Refusal::TimestampTooOld));
    /// ```
    pub fn verify<'a>(
        &self,
        payload: &'a [u8],
        header: Option<&str>,
        tolerance: Tolerance,
        now: Timestamp,
    ) -> Result<Verified<'a>, Refusal> {
        let header = header.map(str::trim).filter(|header| !header.is_empty());
        let header = SignatureHeader::parse(header.ok_or(Refusal::MissingHeader)?)?;
        if payload.is_empty() {
            return Err(Refusal::EmptyPayload);
        }
        let secret = self.matching(payload, &header).ok_or(Refusal::BadSignature)?;
        if let Some(tolerance) = tolerance {
            let age = i128::from(now.unix_millis()) - i128::from(header.signed_at) * 1000;
            let tolerance = i128::try_from(tolerance.as_millis()).unwrap_or(i128::MAX);
            if age > tolerance {
                return Err(Refusal::TimestampTooOld);
            }
            if age < -tolerance {
                return Err(Refusal::TimestampTooNew);
            }
        }
        Ok(Verified { payload, proof: Proof::StripeSecret(secret + 1) })
    }

    /// The place of the secret that made one of the header's signatures. All are compared, each
    /// in constant time.
    fn matching(&self, payload: &[u8], header: &SignatureHeader<'_>) -> Option<usize> {
        let mut matching = None;
        for (place, secret) in self.0.iter().enumerate() {
            let expected = mac(secret, header.signed_at_text, payload);
            for signature in &header.signatures {
                if expected == *signature {
                    matching = Some(place);
                }
            }
        }
        matching
    }
}

impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecrets({} hidden)", self.0.len())
    }
}

/// The header Stripe would send for `payload`, signed with `secret` at `signed_at`.
pub fn sign(payload: &[u8], secret: &str, signed_at: Timestamp) -> String {
    let signed_at = signed_at.unix_seconds().to_string();
    let signature = mac(&key(secret), &signed_at, payload).into_bytes();
    let mut header = format!("t={signed_at},v1=");
    for byte in signature {
        header.push_str(&format!("{byte:02x}"));
    }
    header
}

/// When a well-formed header says that it was made; that is proved only if its signature is.
pub fn signed_at(header: &str) -> Option<Timestamp> {
    Timestamp::from_unix_seconds(SignatureHeader::parse(header.trim()).ok()?.signed_at)
}

type Signature = CtOutput<Hmac<Sha256>>;

fn key(secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length")
}

fn mac(key: &Hmac<Sha256>, signed_at: &str, payload: &[u8]) -> Signature {
    key.clone().chain_update(signed_at).chain_update(".").chain_update(payload).finalize()
}

/// What a well-formed header says, before anything is believed.
struct SignatureHeader<'h> {
    /// As it stands in the header, because that is what was signed.
    signed_at_text: &'h str,
    /// Unix seconds.
    signed_at: i64,
    /// Each `v1` that could be one.
    signatures: Vec<Signature>,
}

impl<'h> SignatureHeader<'h> {
    /// Items are trimmed, because an intermediary may fold header lines. Every item has exactly
    /// one `=`; a `v1` that is not 32 bytes of hexadecimal is passed over, because another may be
    /// good; other schemes, among them the deliberately false `v0`, are never accepted.
    fn parse(header: &'h str) -> Result<Self, Refusal> {
        let mut signed_at_text = None;
        let mut has_scheme = false;
        let mut signatures = Vec::new();
        for item in header.split(',') {
            let (key, value) = item.trim().split_once('=').ok_or(Refusal::MalformedHeader)?;
            if value.contains('=') {
                return Err(Refusal::MalformedHeader);
            }
            match key {
                "t" if signed_at_text.is_some() => return Err(Refusal::MalformedHeader),
                "t" => signed_at_text = Some(value),
                "v1" => {
                    has_scheme = true;
                    signatures.extend(decode_hex(value).map(|bytes| Signature::new(bytes.into())));
                }
                _ => {}
            }
        }
        let signed_at_text = signed_at_text.ok_or(Refusal::MalformedHeader)?;
        let digits = signed_at_text.bytes().all(|byte| byte.is_ascii_digit());
        let signed_at = signed_at_text.parse().ok().filter(|t| digits && *t > 0);
        let signed_at: i64 = signed_at.ok_or(Refusal::MalformedHeader)?;
        if !has_scheme {
            return Err(Refusal::NoSignatures);
        }
        Ok(Self { signed_at_text, signed_at, signatures })
    }
}

fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Every vector, none of which our own code signed.
    #[test]
    fn every_published_and_derived_vector_is_decided_as_it_says() {
        let file = include_str!("../../../tests/data/vectors/stripe/signatures.json");
        let file: Value = serde_json::from_str(file).expect("JSON");
        let vectors = file["vectors"].as_array().expect("vectors");
        assert!(vectors.len() >= 57);
        for vector in vectors {
            let secrets = vector["secrets"].as_array().expect("secrets");
            let secrets =
                SigningSecrets::new(secrets.iter().map(|secret| secret.as_str().expect("text")));
            let payload = match vector["payload"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => {
                    STANDARD.decode(vector["payload_base64"].as_str().expect("b64")).expect("b64")
                }
            };
            let now = Timestamp::from_unix_seconds(vector["now"].as_i64().expect("now"));
            let outcome = secrets
                .verify(
                    &payload,
                    vector["header"].as_str(),
                    vector["tolerance"].as_u64().map(Duration::from_secs),
                    now.expect("in range"),
                )
                .and_then(|verified| {
                    // The published samples are events of any kind; here only JSON matters.
                    crate::providers::lenient::parse::<Value>(verified.payload()).map(|_| ())
                });
            let expected = match vector["expect"].as_str() {
                Some("valid") => Ok(()),
                _ => Err(vector["reason"].as_str().expect("a reason")),
            };
            assert_eq!(outcome.map_err(Refusal::as_str), expected, "{}", vector["id"]);
        }
    }

    #[test]
    fn the_age_is_bounded_to_the_millisecond_on_both_sides() {
        let secrets = SigningSecrets::new(["whsec_a"]);
        let signed_at = Timestamp::from_unix_seconds(1_700_000_000).expect("in range");
        let header = sign(b"{}", "whsec_a", signed_at);
        let at = |millis: i64| {
            let now = Timestamp::from_unix_millis(signed_at.unix_millis() + millis);
            let tolerance = Some(Duration::from_secs(300));
            secrets.verify(b"{}", Some(&header), tolerance, now.expect("in range")).map(|_| ())
        };
        assert_eq!(at(300_000), Ok(()));
        assert_eq!(at(300_001), Err(Refusal::TimestampTooOld));
        assert_eq!(at(-300_000), Ok(()));
        assert_eq!(at(-300_001), Err(Refusal::TimestampTooNew));
    }

    #[test]
    fn the_proof_names_the_place_of_the_secret_and_nothing_hides_in_debug() {
        let secrets = SigningSecrets::new(["whsec_old", "whsec_new"]);
        let now = Timestamp::from_unix_seconds(1_700_000_000).expect("in range");
        let header = sign(b"{}", "whsec_new", now);
        let verified = secrets.verify(b"{}", Some(&header), None, now).expect("genuine");
        assert_eq!(verified.proof(), &Proof::StripeSecret(2));
        assert!(!format!("{secrets:?}").contains("whsec"));
    }

    proptest! {
        #[test]
        fn any_header_is_parsed_or_refused(header in ".*", payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let now = Timestamp::from_unix_seconds(1_700_000_000).expect("in range");
            let secrets = SigningSecrets::new(["whsec_a"]);
            prop_assert!(secrets.verify(&payload, Some(&header), None, now).is_err());
        }

        #[test]
        fn header_like_text_is_parsed_or_refused(header in "(t=[0-9+-]{0,22}|v[01]=[0-9a-f]{0,70}|,|=| ){0,8}") {
            let now = Timestamp::from_unix_seconds(1_700_000_000).expect("in range");
            let secrets = SigningSecrets::new(["whsec_a"]);
            prop_assert!(secrets.verify(b"[]", Some(&header), None, now).is_err());
        }
    }
}
