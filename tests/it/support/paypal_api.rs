//! Plays PayPal's API: it grants tokens, lists the events it has, page by page, gives the objects it
//! has, and refuses what PayPal would refuse.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payhookd::domain::time::Timestamp;
use serde_json::{Value, json};

use crate::support::daemon::Options;
use crate::support::fake::{Asked, Fake, Reply, parameters};
use crate::support::provider::at;

/// The app that it knows.
pub(crate) const CLIENT_ID: &str = "client:id_of_the_integration_tests_of_payhookd";
/// The app's secret.
pub(crate) const CLIENT_SECRET: &str = "very=secret_of_the_integration_tests_of_payhookd";

const TOKEN: &str = "/v1/oauth2/token";
const WEBHOOKS: &str = "/v1/notifications/webhooks";
const EVENTS: &str = "/v1/notifications/webhooks-events";

/// A running fake of the API.
pub(crate) struct PaypalApi {
    fake: Fake,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    events: Vec<String>,
    objects: BTreeMap<String, String>,
    refused: BTreeMap<String, Reply>,
    /// Webhooks; `None`: there is no such list.
    webhooks: Option<Vec<Value>>,
    largest_page: Option<usize>,
    troubles: Vec<Option<Reply>>,
    /// Tokens granted so far; only the newest is good.
    granted: usize,
    withdrawn: bool,
}

impl PaypalApi {
    /// Without events.
    pub(crate) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let of_script = Arc::clone(&state);
        let fake = Fake::start(move |asked| of_script.lock().expect("no panic").answer(asked));
        Self { fake, state }
    }

    /// The daemon or command asks this API with the right keys.
    pub(crate) fn options(&self, options: Options) -> Options {
        options
            .variable("PAYPAL_CLIENT_ID", CLIENT_ID)
            .variable("PAYPAL_CLIENT_SECRET", CLIENT_SECRET)
            .variable("PAYHOOKD_PAYPAL_API_BASE", self.base())
    }

    /// Where it is.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.fake.address)
    }

    /// It has this event too, with this body.
    pub(crate) fn has(&self, body: impl Into<String>) {
        self.lock().events.push(body.into());
    }

    /// It has this object at this path.
    pub(crate) fn has_object(&self, path: &str, body: impl Into<String>) {
        let mut state = self.lock();
        state.refused.remove(path);
        state.objects.insert(path.to_owned(), body.into());
    }

    /// The app has these webhooks and no others.
    pub(crate) fn webhooks(&self, webhooks: impl Into<Vec<Value>>) {
        self.lock().webhooks = Some(webhooks.into());
    }

    /// It says this at this path.
    pub(crate) fn refuses(&self, path: &str, reply: Reply) {
        self.lock().refused.insert(path.to_owned(), reply);
    }

    /// No page has more events than this.
    pub(crate) fn largest_page(&self, events: usize) {
        self.lock().largest_page = Some(events);
    }

    /// The next calls but those for tokens get these instead of their answer; `None` is the answer.
    pub(crate) fn troubles(&self, troubles: impl IntoIterator<Item = Option<Reply>>) {
        self.lock().troubles = troubles.into_iter().collect();
    }

    /// The token that was granted is good no longer.
    pub(crate) fn withdraw_token(&self) {
        self.lock().withdrawn = true;
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.fake.asked()
    }

    /// How often a token was asked for.
    pub(crate) fn tokens(&self) -> usize {
        self.fake.count(TOKEN)
    }

    /// The server, to hold and release it.
    pub(crate) fn fake(&self) -> &Fake {
        &self.fake
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Reply {
        if (&*asked.method, &*asked.path) == ("POST", TOKEN) {
            return self.grant(asked);
        }
        if !self.troubles.is_empty()
            && let Some(trouble) = self.troubles.remove(0)
        {
            return trouble;
        }
        let token = format!("Bearer token-{}", self.granted);
        if self.withdrawn || asked.header("authorization") != Some(&token) {
            return fault(401, "invalid_token");
        }
        let path = asked.path.split('?').next().unwrap_or_default();
        if let Some(refusal) = self.refused.get(path) {
            return refusal.clone();
        }
        match (&*asked.method, path) {
            (method, WEBHOOKS) if self.webhooks.is_some() => self.at_webhooks(method, asked),
            ("GET", EVENTS) => self.events(&parameters(&asked.path)),
            ("GET", _) => match self.objects.get(path) {
                Some(object) => Reply::ok(object.clone()),
                None => fault(404, "RESOURCE_NOT_FOUND"),
            },
            _ => fault(405, "METHOD_NOT_SUPPORTED"),
        }
    }

    fn at_webhooks(&mut self, method: &str, asked: &Asked) -> Reply {
        let webhooks = self.webhooks.get_or_insert_default();
        if method == "GET" {
            return Reply::ok(json!({ "webhooks": webhooks }).to_string());
        }
        let mut made: Value = serde_json::from_slice(&asked.body).expect("JSON");
        let is_there = webhooks.iter().any(|one| one["url"] == made["url"]);
        if is_there || asked.header("paypal-request-id").is_none() {
            return fault(400, "WEBHOOK_URL_ALREADY_EXISTS");
        }
        made["id"] = json!(format!("WEBHOOK{:010}", webhooks.len() + 1));
        webhooks.push(made.clone());
        Reply::Answer(201, None, made.to_string())
    }

    fn grant(&mut self, asked: &Asked) -> Reply {
        let credentials = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        if asked.header("authorization") != Some(&format!("Basic {credentials}"))
            || asked.text() != "grant_type=client_credentials"
        {
            return Reply::Answer(401, None, json!({ "error": "invalid_client" }).to_string());
        }
        self.granted += 1;
        self.withdrawn = false;
        let token = format!("token-{}", self.granted);
        Reply::ok(json!({ "access_token": token, "expires_in": 32_400 }).to_string())
    }

    /// A page, newest first, with a link to the next one that names the host that PayPal's do.
    fn events(&self, asked: &[(String, String)]) -> Reply {
        let mut listed: Vec<(Timestamp, &str)> = Vec::new();
        for body in &self.events {
            let event: Value = serde_json::from_str(body).expect("JSON");
            listed.push((at(event["create_time"].as_str().expect("a time")), body));
        }
        listed.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        let (mut limit, mut skipped) = (10, 0);
        for (name, value) in asked {
            match (&**name, value.parse::<usize>()) {
                ("start_time", _) => listed.retain(|(created, _)| *created >= at(value)),
                ("end_time", _) => listed.retain(|(created, _)| *created <= at(value)),
                ("page_size", Ok(number @ 1..=100)) => limit = number,
                ("start_index", Ok(number)) => skipped = number,
                _ => return fault(400, "VALIDATION_ERROR"),
            }
        }
        let limit = limit.min(self.largest_page.unwrap_or(limit));
        let page: Vec<&str> =
            listed.iter().skip(skipped).take(limit).map(|(_, body)| *body).collect();
        let mut links = vec![json!({ "rel": "self", "href": "https://api.paypal.com/v1" })];
        if listed.len() > skipped + limit {
            let query: String = asked
                .iter()
                .filter(|(name, _)| name != "start_index")
                .map(|(name, value)| format!("{name}={value}&"))
                .collect();
            let next = format!("{EVENTS}?{query}start_index={}", skipped + limit);
            links.push(json!({ "rel": "next", "href": format!("https://api.paypal.com{next}") }));
        }
        Reply::ok(format!(
            "{{\"events\":[{}],\"count\":{},\"links\":{}}}",
            page.join(","),
            page.len(),
            Value::from(links)
        ))
    }
}

/// An error as PayPal says it.
pub(crate) fn fault(status: u16, name: &str) -> Reply {
    let fault = json!({ "name": name, "message": "It failed.", "debug_id": "d1" });
    Reply::Answer(status, None, fault.to_string())
}
