//! PayPal's own word on a webhook: whether its transmission is genuine, and what its event says.
//!
//! Source: PayPal, Webhooks Management API, `verify-webhook-signature` and "Show event notification
//! details".

use std::sync::Arc;

use ureq::Agent;

use super::api::{ApiAnswer, Broken};
use super::oauth::Tokens;
use crate::clients::api::ASKED;
use crate::providers::paypal::transmission::Confirmation;

/// Answers are a few hundred bytes.
const LARGEST: u64 = 64 * 1024;
/// Events are a few thousand.
const LARGEST_EVENT: u64 = 1024 * 1024;

/// PayPal did not say yes or no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("PayPal's API did not decide: {0}")]
pub struct Undecided(String);

/// PayPal's API as one app sees it. A webhook waits for it, so it is asked once and several at a
/// time, unlike what waits for nobody.
#[derive(Debug)]
pub struct Postback {
    agent: Agent,
    tokens: Arc<Tokens>,
}

impl Postback {
    pub(super) fn new(tokens: Arc<Tokens>) -> Self {
        Self { agent: super::agent(None), tokens }
    }

    /// Asks about one transmission, whose [`postback`](crate::providers::paypal::transmission::postback)
    /// body this is. `None` if PayPal says that it is not genuine. Blocks.
    pub fn ask(&self, request: &str) -> Result<Option<Confirmation>, Undecided> {
        let asked = self.tokens.with(&self.agent, |token| self.post(request, token));
        let answer = asked.map_err(undecided)?;
        if answer.status != 200 {
            return Err(Undecided(format!("verify-webhook-signature answered {}", answer.status)));
        }
        Confirmation::read(&answer.body).map_err(|error| Undecided(error.to_string()))
    }

    /// The event at this path of PayPal's API, as it gives it; `None` if there is none. Blocks.
    pub fn event(&self, path: &str) -> Result<Option<Vec<u8>>, Undecided> {
        let get = |token: &str| {
            self.agent
                .get(format!("{}{path}", self.tokens.api_base()))
                .header("authorization", format!("Bearer {token}"))
                .call()
                .and_then(|answer| ApiAnswer::read(answer, LARGEST_EVENT))
        };
        let answer = self.tokens.with(&self.agent, get).map_err(undecided)?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(Undecided(format!("GET {path} answered {status}"))),
        }
    }

    fn post(&self, request: &str, token: &str) -> Result<ApiAnswer, ureq::Error> {
        self.agent
            .post(format!("{}/v1/notifications/verify-webhook-signature", self.tokens.api_base()))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .send(request)
            .and_then(|answer| ApiAnswer::read(answer, LARGEST))
    }
}

fn undecided(broken: Broken) -> Undecided {
    Undecided(match broken {
        Broken::NoAnswer(error) => error.to_string(),
        Broken::NoToken(answer) => format!("{} answered {}", ASKED, answer.status),
        Broken::NotGranted => format!("{} granted no token", ASKED),
    })
}
