//! PayPal's own word on whether a transmission is genuine.
//!
//! Source: PayPal, Webhooks Management API, `verify-webhook-signature`, and OAuth 2.0 client
//! credentials.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use ureq::Agent;

use crate::config::Secret;
use crate::providers::paypal::transmission::Confirmation;

/// Answers are a few hundred bytes.
const LARGEST: u64 = 64 * 1024;
/// A token is no longer used this long before it ends.
const MARGIN: Duration = Duration::from_secs(60);

/// PayPal did not say yes or no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("PayPal's API did not decide: {0}")]
pub struct Undecided(String);

/// PayPal's API as one app sees it.
#[derive(Debug)]
pub struct Postback {
    agent: Agent,
    api_base: String,
    client_id: String,
    client_secret: Secret,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    until: Instant,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl Postback {
    /// An app's client id and secret, and where the API is, without a final slash.
    pub fn new(api_base: String, client_id: String, client_secret: Secret) -> Self {
        Self {
            agent: super::agent(None),
            api_base,
            client_id,
            client_secret,
            token: Mutex::new(None),
        }
    }

    /// Asks about one transmission, whose [`postback`](crate::providers::paypal::transmission::postback)
    /// body this is. `None` if PayPal says that it is not genuine. Blocks.
    pub fn ask(&self, request: &str) -> Result<Option<Confirmation>, Undecided> {
        let (status, answer) = self.post(request, &self.token()?)?;
        let (status, answer) = match status {
            401 => {
                // Tokens may be withdrawn before their time.
                *self.lock() = None;
                self.post(request, &self.token()?)?
            }
            _ => (status, answer),
        };
        if status != 200 {
            return Err(Undecided(format!("verify-webhook-signature answered {status}")));
        }
        Confirmation::read(&answer).map_err(|error| Undecided(error.to_string()))
    }

    fn post(&self, request: &str, token: &str) -> Result<(u16, Vec<u8>), Undecided> {
        let undecided = |error: ureq::Error| Undecided(error.to_string());
        let answer = self
            .agent
            .post(format!("{}/v1/notifications/verify-webhook-signature", self.api_base))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .send(request)
            .map_err(undecided)?;
        let status = answer.status().as_u16();
        Ok((status, super::body(answer, LARGEST).map_err(undecided)?))
    }

    /// The token at hand, or a new one. Two who find none may both fetch one; both are good.
    fn token(&self) -> Result<String, Undecided> {
        let at_hand = self.lock().clone().filter(|token| token.until > Instant::now());
        if let Some(token) = at_hand {
            return Ok(token.text);
        }
        let undecided = |error: ureq::Error| Undecided(error.to_string());
        let credentials = format!("{}:{}", self.client_id, self.client_secret.reveal());
        let answer = self
            .agent
            .post(format!("{}/v1/oauth2/token", self.api_base))
            .header("authorization", format!("Basic {}", STANDARD.encode(credentials)))
            .header("content-type", "application/x-www-form-urlencoded")
            .send("grant_type=client_credentials")
            .map_err(undecided)?;
        let status = answer.status();
        if status != 200 {
            return Err(Undecided(format!("oauth2/token answered {status}")));
        }
        let answer = super::body(answer, LARGEST).map_err(undecided)?;
        let granted: Granted = serde_json::from_slice(&answer)
            .map_err(|_| Undecided("oauth2/token answered without a token".to_owned()))?;
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or(0)).saturating_sub(MARGIN);
        let token = Token { text: granted.access_token, until: Instant::now() + lasts };
        *self.lock() = Some(token.clone());
        Ok(token.text)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}
