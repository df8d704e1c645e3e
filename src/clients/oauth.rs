//! PayPal's access tokens: one for all that ask its API with the same app's keys.
//!
//! Source: PayPal, "Authentication", OAuth 2.0 client credentials.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use ureq::Agent;

use super::api::{ApiAnswer, Broken};
use super::keys::PaypalKeys;

/// Where tokens are asked for.
const PATH: &str = "/v1/oauth2/token";
/// Answers are a few hundred bytes.
const LARGEST: u64 = 64 * 1024;
/// A token is no longer used this long before it ends.
const MARGIN: Duration = Duration::from_secs(60);

/// Gets tokens and keeps the one at hand.
#[derive(Debug)]
pub(super) struct Tokens {
    keys: PaypalKeys,
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

impl Tokens {
    pub(super) fn new(keys: PaypalKeys) -> Self {
        Self { keys, token: Mutex::new(None) }
    }

    /// Where the API is, without a final slash.
    pub(super) fn api_base(&self) -> &str {
        &self.keys.api_base
    }

    /// What is never shown.
    pub(super) fn secret(&self) -> &str {
        self.keys.client_secret.reveal()
    }

    /// Makes a request with a token; once more with a new one if PayPal does not know it, for tokens
    /// may be withdrawn before their time.
    pub(super) fn with(
        &self,
        agent: &Agent,
        request: impl Fn(&str) -> Result<ApiAnswer, ureq::Error>,
    ) -> Result<ApiAnswer, Broken> {
        let answer = request(&self.token(agent)?)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        *self.lock() = None;
        Ok(request(&self.token(agent)?)?)
    }

    /// The token at hand, or a new one. Two who find none may both fetch one; both are good.
    fn token(&self, agent: &Agent) -> Result<String, Broken> {
        let at_hand = self.lock().clone().filter(|token| token.until > Instant::now());
        if let Some(token) = at_hand {
            return Ok(token.text);
        }
        let credentials = format!("{}:{}", self.keys.client_id, self.secret());
        let answer = agent
            .post(format!("{}{PATH}", self.api_base()))
            .header("authorization", format!("Basic {}", STANDARD.encode(credentials)))
            .header("content-type", "application/x-www-form-urlencoded")
            .send("grant_type=client_credentials")
            .and_then(|answer| ApiAnswer::read(answer, LARGEST))?;
        if answer.status != 200 {
            return Err(Broken::NoToken(answer));
        }
        let granted: Granted =
            serde_json::from_slice(&answer.body).map_err(|_| Broken::NotGranted)?;
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or(0)).saturating_sub(MARGIN);
        let token = Token { text: granted.access_token, until: Instant::now() + lasts };
        *self.lock() = Some(token.clone());
        Ok(token.text)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}
