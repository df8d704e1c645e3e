//! The signature of a notification.
//!
//! Source: the Standard Webhooks specification, "Verifying webhook authenticity". `webhook-signature`
//! is a list, separated by spaces, of `v1,` and the base64 of an HMAC-SHA-256 over the message's id, a
//! full stop, the time of the attempt, a full stop and the body. The key is what the secret's base64
//! after `whsec_` decodes to.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::time::Timestamp;

/// The keys that each message is signed with: several while one is being rolled.
#[derive(Clone)]
pub struct NotifyKeys(Vec<Hmac<Sha256>>);

/// Text that no notification can be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASecret {
    /// It does not begin with `whsec_`.
    #[error("it does not begin with whsec_")]
    NoPrefix,
    /// It is not base64 behind that.
    #[error("what follows whsec_ is not base64")]
    NotBase64,
    /// A key of fewer bytes than the specification allows.
    #[error("its key is shorter than 24 bytes")]
    TooShort,
}

impl NotifyKeys {
    /// Reads secrets, `whsec_` and base64.
    pub fn parse<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Result<Self, NotASecret> {
        secrets.into_iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The value of `webhook-signature` for one attempt.
    ///
    /// ```
    /// use payhookd::domain::time::Timestamp;
    /// use payhookd::clients::standard_webhooks::NotifyKeys;
    ///
    /// let keys = NotifyKeys::parse(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap();
    /// let now = Timestamp::from_unix_seconds(1_614_265_330).unwrap();
    /// let signature = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", now, r#"{"test": 2432232314}"#);
    /// assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    /// ```
    pub fn sign(&self, message_id: &str, now: Timestamp, body: &str) -> String {
        let signed = format!("{message_id}.{}.{body}", now.unix_seconds());
        let one = |key: &Hmac<Sha256>| {
            let mac = key.clone().chain_update(&signed).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(mac))
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for NotifyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotifyKeys({} hidden)", self.0.len())
    }
}

fn key(secret: &str) -> Result<Hmac<Sha256>, NotASecret> {
    let encoded = secret.strip_prefix("whsec_").ok_or(NotASecret::NoPrefix)?;
    let key = STANDARD.decode(encoded).map_err(|_| NotASecret::NotBase64)?;
    if key.len() < SHORTEST_KEY {
        return Err(NotASecret::TooShort);
    }
    Ok(Hmac::new_from_slice(&key).expect("HMAC takes a key of any length"))
}

/// What the specification asks for.
const SHORTEST_KEY: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn signature(secrets: &[&str]) -> String {
        let keys = NotifyKeys::parse(secrets.iter().copied()).expect("secrets");
        let now = Timestamp::parse("2021-02-25T15:02:10.900Z").expect("a time");
        keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", now, r#"{"test": 2432232314}"#)
    }

    #[test]
    fn every_secret_gives_a_signature_in_its_turn() {
        let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        // Both by Python's hmac; the first is the one that the libraries of Standard Webhooks test.
        let by_first = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let by_other = "v1,/485aUtxlie+TIScVpHggMfqOB4so2KWb7+Gf727B44=";
        assert_eq!(signature(&[SECRET]), by_first);
        assert_eq!(signature(&[SECRET, other]), format!("{by_first} {by_other}"));
        assert_eq!(signature(&[other, SECRET]), format!("{by_other} {by_first}"));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for (secret, expected) in [
            ("", NotASecret::NoPrefix),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NotASecret::NoPrefix),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", NotASecret::NotBase64),
            ("whsec_not base64 at all, is it?", NotASecret::NotBase64),
            ("whsec_", NotASecret::TooShort),
            ("whsec_c2hvcnQ=", NotASecret::TooShort),
        ] {
            assert_eq!(NotifyKeys::parse([SECRET, secret]).err(), Some(expected), "{secret:?}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let keys = NotifyKeys::parse([SECRET, SECRET]).expect("secrets");
        assert_eq!(format!("{keys:?}"), "NotifyKeys(2 hidden)");
    }
}
