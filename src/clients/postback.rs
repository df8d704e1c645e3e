//! PayPal's own word on whether a transmission is genuine.
//!
//! Source: PayPal, Webhooks Management API, `verify-webhook-signature`.

use std::sync::Arc;

use ureq::Agent;

use super::api::{Answer, Broken};
use super::oauth::{self, Tokens};
use crate::providers::paypal::transmission::Confirmation;

/// Answers are a few hundred bytes.
const LARGEST: u64 = 64 * 1024;

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
        let answer = asked.map_err(|broken| match broken {
            Broken::NoAnswer(error) => Undecided(error.to_string()),
            Broken::NoToken(answer) => {
                Undecided(format!("{} answered {}", oauth::ASKED, answer.status))
            }
            Broken::NotGranted => Undecided(format!("{} granted no token", oauth::ASKED)),
        })?;
        if answer.status != 200 {
            return Err(Undecided(format!("verify-webhook-signature answered {}", answer.status)));
        }
        Confirmation::read(&answer.body).map_err(|error| Undecided(error.to_string()))
    }

    fn post(&self, request: &str, token: &str) -> Result<Answer, ureq::Error> {
        self.agent
            .post(format!("{}/v1/notifications/verify-webhook-signature", self.tokens.api_base()))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .send(request)
            .and_then(|answer| Answer::read(answer, LARGEST))
    }
}
