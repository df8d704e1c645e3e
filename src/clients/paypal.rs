//! PayPal's API, as one app with its keys sees it.
//!
//! Source: PayPal, Webhooks Management API v1, "List event notifications", and "Idempotency".

use std::sync::Arc;

use super::api::{ApiAnswer, ApiError, Asked, Caller, LARGEST, Looked};
use super::keys::PaypalKeys;
use super::oauth::Tokens;
use super::postback::Postback;
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::providers::paypal::api::{EVENTS, EventPage, fault};

/// PayPal's API. Nothing of it shows the keys.
#[derive(Debug)]
pub struct Paypal {
    tokens: Arc<Tokens>,
    caller: Caller,
}

impl Paypal {
    pub(super) fn new(keys: PaypalKeys, caller: Caller) -> Self {
        Self { tokens: Arc::new(Tokens::new(keys)), caller }
    }

    /// Proves webhooks by asking, with the tokens that are at hand here.
    pub fn postback(&self) -> Postback {
        Postback::new(Arc::clone(&self.tokens))
    }

    /// What stands at a path such as `/v2/payments/captures/3C679366HH908993F`. Blocks.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, ApiError> {
        self.ask(path, query).map(|answer| answer.body)
    }

    /// What stands at a path, with its query if it has one, and when. Blocks.
    pub fn look(&self, path: &str) -> Result<Looked, ApiError> {
        self.ask(path, &[]).map(|answer| self.caller.looked(answer))
    }

    fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<ApiAnswer, ApiError> {
        self.call(&format!("GET {path}"), |token| {
            let request = self.caller.agent().get(self.url(path));
            request
                .query_pairs(query.iter().copied())
                .header("authorization", format!("Bearer {token}"))
                .call()
                .and_then(|answer| ApiAnswer::read(answer, LARGEST))
        })
    }

    /// Posts JSON. Made twice with the same `request_id` it is done once, so that it can be asked
    /// again. Blocks.
    pub fn post(&self, path: &str, json: &str, request_id: &str) -> Result<Vec<u8>, ApiError> {
        self.call(&format!("POST {path}"), |token| {
            let request = self.caller.agent().post(self.url(path));
            request
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
                .header("paypal-request-id", request_id)
                .send(json)
                .and_then(|answer| ApiAnswer::read(answer, LARGEST))
        })
        .map(|answer| answer.body)
    }

    /// The events of the app's webhooks that were created from `from` to `until`, both included; of
    /// those the first `limit` at most. The page's `next` leads to the others. Blocks.
    pub fn events(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<EventPage, ApiError> {
        let (from, until, limit) = (from.to_string(), until.to_string(), limit.to_string());
        let query = [("start_time", &*from), ("end_time", &*until), ("page_size", &*limit)];
        self.page(self.get(EVENTS, &query)?)
    }

    /// The page that another one's `next` names. Blocks.
    pub fn next_events(&self, next: &str) -> Result<EventPage, ApiError> {
        self.page(self.get(next, &[])?)
    }

    fn page(&self, answer: Vec<u8>) -> Result<EventPage, ApiError> {
        EventPage::read(&answer).map_err(|error| ApiError::Unexpected {
            provider: Provider::Paypal,
            asked: format!("GET {EVENTS}"),
            what: error.to_string(),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.tokens.api_base())
    }

    fn call(
        &self,
        name: &str,
        once: impl Fn(&str) -> Result<ApiAnswer, ureq::Error>,
    ) -> Result<ApiAnswer, ApiError> {
        let asked = Asked {
            // A query of PayPal's own making is no name.
            name: name.split('?').next().unwrap_or(name),
            wrong_key: "it does not know PAYPAL_CLIENT_ID with PAYPAL_CLIENT_SECRET: copy both \
                        again from the app in PayPal's developer dashboard, and mind whether it \
                        is the live or the sandbox app",
            weak_key: "the app of PAYPAL_CLIENT_ID may not read this: give it the permission in \
                       PayPal's developer dashboard, under the app's features",
            secrets: &[self.tokens.secret()],
            fault,
        };
        self.caller.call(&asked, || self.tokens.with(self.caller.agent(), &once))
    }
}
