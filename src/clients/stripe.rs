//! Stripe's API, as the holder of one secret key sees it.
//!
//! Source: Stripe API reference, "Authentication", "Versioning", "Pagination", "List all events" and
//! "Idempotent requests".

use super::api::{ApiAnswer, ApiError, Asked, Broken, Caller, LARGEST, Looked};
use super::keys::StripeKeys;
use crate::domain::provider::Provider;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::providers::stripe::api::{EVENTS, EventPage, VERSION, fault};

/// Stripe's API. Nothing of it shows the key.
#[derive(Debug)]
pub struct Stripe {
    api_base: String,
    key: Secret,
    caller: Caller,
}

impl Stripe {
    pub(super) fn new(keys: StripeKeys, caller: Caller) -> Self {
        let StripeKeys { api_base, secret_key } = keys;
        Self { api_base, key: secret_key, caller }
    }

    /// What stands at a path such as `/v1/charges/ch_1`, in the [version](VERSION) that is asked
    /// for. Blocks.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, ApiError> {
        self.ask(path, query).map(|answer| answer.body)
    }

    /// What stands at a path, with its query if it has one, and when. Blocks.
    pub fn look(&self, path: &str) -> Result<Looked, ApiError> {
        self.ask(path, &[]).map(|answer| self.caller.looked(answer))
    }

    fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<ApiAnswer, ApiError> {
        self.call(&format!("GET {path}"), || {
            let request = self.caller.agent().get(format!("{}{path}", self.api_base));
            let answer = request
                .query_pairs(query.iter().copied())
                .header("authorization", self.authorization())
                .header("stripe-version", VERSION)
                .call()?;
            Ok(ApiAnswer::read(answer, LARGEST)?)
        })
    }

    /// Posts a form. Made twice with the same `idempotency_key` it is done once, so that it can be
    /// asked again. Blocks.
    pub fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        idempotency_key: &str,
    ) -> Result<Vec<u8>, ApiError> {
        self.call(&format!("POST {path}"), || {
            let request = self.caller.agent().post(format!("{}{path}", self.api_base));
            let answer = request
                .header("authorization", self.authorization())
                .header("stripe-version", VERSION)
                .header("idempotency-key", idempotency_key)
                .send_form(form.iter().copied())?;
            Ok(ApiAnswer::read(answer, LARGEST)?)
        })
        .map(|answer| answer.body)
    }

    /// The events that were created in `[from, until)`, to the second, newest first; of those the
    /// first `limit` (1 to 100) at most, or those behind the event `after`. Blocks.
    pub fn events(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
        after: Option<&str>,
    ) -> Result<EventPage, ApiError> {
        let (from, until) = (from.unix_seconds().to_string(), until.unix_seconds().to_string());
        let limit = limit.to_string();
        let mut query =
            vec![("created[gte]", &*from), ("created[lt]", &*until), ("limit", &*limit)];
        query.extend(after.map(|after| ("starting_after", after)));
        let answer = self.get(EVENTS, &query)?;
        EventPage::read(&answer).map_err(|error| ApiError::Unexpected {
            provider: Provider::Stripe,
            asked: format!("GET {EVENTS}"),
            what: error.to_string(),
        })
    }

    fn call(
        &self,
        name: &str,
        once: impl Fn() -> Result<ApiAnswer, Broken>,
    ) -> Result<ApiAnswer, ApiError> {
        let asked = Asked {
            name: name.split('?').next().unwrap_or(name),
            wrong_key: "it does not know the key in STRIPE_SECRET_KEY: copy it again from \
                        Stripe's dashboard, Developers, API keys",
            weak_key: "the key in STRIPE_SECRET_KEY may not read this: give the restricted key the \
                       right in Stripe's dashboard, Developers, API keys",
            secrets: &[self.key.reveal()],
            fault,
        };
        self.caller.call(&asked, once)
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.key.reveal())
    }
}
