//! Plays Stripe's API: it lists the events it has, page by page, gives the objects it has, and refuses
//! what Stripe would refuse.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::support::daemon::Options;
use crate::support::fake::{Asked, Fake, Reply, parameters};

/// The key that it knows.
pub(crate) const KEY: &str = "sk_live_integration_tests_of_payhookd";

/// The one that it knows for test money.
pub(crate) const TEST_KEY: &str = "sk_test_integration_tests_of_payhookd";

/// A running fake of the API.
pub(crate) struct StripeApi {
    fake: Fake,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The body of each event.
    events: Vec<String>,
    objects: BTreeMap<String, String>,
    /// PaymentIntents with their charges, and charges without one.
    payments: Vec<Value>,
    /// Webhook endpoints; `None`: the key may not see them.
    endpoints: Option<Vec<Value>>,
    /// No page has more events, whatever is asked for.
    largest_page: Option<usize>,
    /// What the next calls get instead of their answer, the first one first.
    troubles: Vec<Option<Reply>>,
}

impl StripeApi {
    /// Without events.
    pub(crate) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let of_script = Arc::clone(&state);
        let fake = Fake::start(move |asked| of_script.lock().expect("no panic").answer(asked));
        Self { fake, state }
    }

    /// The daemon or command asks this API with the right key.
    pub(crate) fn options(&self, options: Options) -> Options {
        options.variable("STRIPE_SECRET_KEY", KEY).variable("PAYHOOKD_STRIPE_API_BASE", self.base())
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
        self.lock().objects.insert(path.to_owned(), body.into());
    }

    /// It has these webhook endpoints and no others.
    pub(crate) fn endpoints(&self, endpoints: impl Into<Vec<Value>>) {
        self.lock().endpoints = Some(endpoints.into());
    }

    /// It has this PaymentIntent in its list, and its charge in that of charges; or this charge.
    pub(crate) fn lists_payment(&self, payment: Value) {
        self.lock().payments.push(payment);
    }

    /// No page has more events than this.
    pub(crate) fn largest_page(&self, events: usize) {
        self.lock().largest_page = Some(events);
    }

    /// The next calls get these instead of their answer; `None` is the answer.
    pub(crate) fn troubles(&self, troubles: impl IntoIterator<Item = Option<Reply>>) {
        self.lock().troubles = troubles.into_iter().collect();
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.fake.asked()
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
        if !self.troubles.is_empty()
            && let Some(trouble) = self.troubles.remove(0)
        {
            return trouble;
        }
        let key = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if key != Some(KEY) && key != Some(TEST_KEY) {
            return fault(401, None, "Invalid API Key provided: sk_live_***");
        }
        if asked.header("stripe-version") != Some("2025-12-15.clover") {
            return fault(400, None, "no version");
        }
        let path = asked.path.split('?').next().unwrap_or_default();
        match (&*asked.method, path) {
            ("GET", "/v1/events") => self.events(&parameters(&asked.path)),
            ("GET", "/v1/payment_intents" | "/v1/charges") => self.payments(asked),
            (method, "/v1/webhook_endpoints") => self.at_endpoints(method, asked),
            ("GET", _) => match self.objects.get(path) {
                Some(object) => Reply::ok(object.clone()),
                None => fault(404, Some("resource_missing"), "No such object"),
            },
            _ => fault(405, None, "not here"),
        }
    }

    fn events(&self, asked: &[(String, String)]) -> Reply {
        page(&self.events, self.largest_page, asked)
    }

    fn at_endpoints(&mut self, method: &str, asked: &Asked) -> Reply {
        let Some(endpoints) = &mut self.endpoints else {
            return fault(403, None, "The provided key does not have the required permissions");
        };
        if method == "GET" {
            return Reply::ok(
                json!({ "object": "list", "data": endpoints, "has_more": false }).to_string(),
            );
        }
        let form = parameters(&format!("?{}", asked.text()));
        let value =
            |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, it)| it.clone());
        let types: Vec<String> = form
            .iter()
            .filter(|(name, _)| name == "enabled_events[]")
            .map(|(_, value)| value.clone())
            .collect();
        let (Some(url), false, Some(key)) =
            (value("url"), types.is_empty(), asked.header("idempotency-key"))
        else {
            return fault(400, Some("parameter_missing"), "Missing required param");
        };
        let made = json!({
            "id": format!("we_{}", endpoints.len() + 1), "object": "webhook_endpoint", "url": url,
            "status": "enabled", "enabled_events": types, "api_version": value("api_version"),
            "livemode": true,
        });
        let mut told = made.clone();
        told["secret"] = json!(format!("whsec_made_{}", key.len()));
        endpoints.push(made);
        Reply::ok(told.to_string())
    }

    fn payments(&self, asked: &Asked) -> Reply {
        let of_charges = asked.path.starts_with("/v1/charges");
        let mut parameters = parameters(&asked.path);
        let expanded = ("expand[]".to_owned(), "data.latest_charge".to_owned());
        let is_expanded = parameters.contains(&expanded);
        parameters.retain(|one| *one != expanded);
        let listed = self.payments.iter().filter_map(|payment| {
            let is_charge = payment["object"] == "charge";
            let mut one = match (of_charges, is_charge) {
                (true, true) | (false, false) => payment.clone(),
                (true, false) => payment["latest_charge"].clone(),
                (false, true) => Value::Null,
            };
            if !is_expanded && !of_charges {
                one["latest_charge"] = payment["latest_charge"]["id"].clone();
            }
            (!one.is_null()).then(|| one.to_string())
        });
        page(&listed.collect::<Vec<_>>(), self.largest_page, &parameters)
    }
}

/// A page, newest first, and whether there are more.
fn page(bodies: &[String], largest_page: Option<usize>, asked: &[(String, String)]) -> Reply {
    let mut listed: Vec<(i64, String, &str)> = Vec::new();
    for body in bodies {
        let event: Value = serde_json::from_str(body).expect("JSON");
        let created = event["created"].as_i64().expect("a time");
        listed.push((created, event["id"].as_str().expect("an id").to_owned(), body));
    }
    // Those of one second stand in any order; Stripe's do too.
    listed.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut limit = 10;
    for (name, value) in asked {
        let number = value.parse::<i64>();
        match (&**name, number) {
            ("created[gte]", Ok(from)) => listed.retain(|(created, ..)| *created >= from),
            ("created[lt]", Ok(until)) => listed.retain(|(created, ..)| *created < until),
            ("limit", Ok(number @ 1..=100)) => limit = usize::try_from(number).expect("small"),
            ("starting_after", _) => {
                let Some(place) = listed.iter().position(|(_, id, _)| id == value) else {
                    return fault(400, Some("resource_missing"), "No such event");
                };
                listed.drain(..=place);
            }
            _ => return fault(400, Some("parameter_unknown"), name),
        }
    }
    let limit = limit.min(largest_page.unwrap_or(limit));
    let has_more = listed.len() > limit;
    let page: Vec<&str> = listed.iter().take(limit).map(|(.., body)| *body).collect();
    Reply::ok(format!(
        "{{\n  \"object\": \"list\",\n  \"data\": [{}],\n  \"has_more\": {has_more},\n  \
             \"url\": \"/v1\"\n}}",
        page.join(",\n")
    ))
}

/// An error as Stripe says it.
pub(crate) fn fault(status: u16, code: Option<&str>, message: &str) -> Reply {
    let error = json!({ "code": code, "message": message, "type": "invalid_request_error" });
    Reply::Answer(status, None, json!({ "error": error }).to_string())
}
