//! Where the providers send webhooks to, by their own lists of it, and whether that is as payhookd
//! needs it.
//!
//! Source: Stripe API reference, "The Webhook Endpoint object"; PayPal, Webhooks Management API v1,
//! "List webhooks".

use serde::Deserialize;
use serde_json::{Value, json};

use super::acted_on;
use super::lenient::{List, Loose, objects};
use super::retrieval::NotUnderstood;
use super::stripe::api::VERSION;
use crate::domain::endpoint::{Fault, Flaw};
use crate::domain::provider::Provider;

/// A webhook endpoint as the provider has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The provider's id of it. At PayPal this is the webhook id.
    pub id: String,
    /// Where webhooks are sent to.
    pub url: String,
    /// Whether any are. PayPal disables none.
    pub is_enabled: bool,
    /// The types of events that are sent; `*` is all.
    pub types: Vec<String>,
    /// The version in which events are rendered; `None` for that of the account, or at PayPal.
    pub api_version: Option<String>,
    /// Real money, if it says so.
    pub livemode: Option<bool>,
}

/// What is known here of the endpoint that should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where the providers reach this machine, such as `https://shop.example`.
    pub public_url: Option<String>,
    /// The configured webhook ids of PayPal.
    pub webhook_ids: Vec<String>,
    /// Real money.
    pub livemode: bool,
}

/// The path at which a provider's webhooks are received.
pub fn webhook_path(provider: Provider) -> &'static str {
    match provider {
        Provider::Stripe => "/accounts/webhooks/stripe/",
        Provider::Paypal => "/accounts/webhooks/paypal/",
    }
}

/// Where a provider lists endpoints, and where one is made.
pub fn api_path(provider: Provider) -> &'static str {
    match provider {
        Provider::Stripe => "/v1/webhook_endpoints",
        Provider::Paypal => "/v1/notifications/webhooks",
    }
}

/// Path and query of a provider's list of endpoints; neither allows more than fit on one page.
pub fn list(provider: Provider) -> String {
    match provider {
        Provider::Stripe => format!("{}?limit=100", api_path(provider)),
        Provider::Paypal => api_path(provider).to_owned(),
    }
}

/// Reads a provider's list.
pub fn read(provider: Provider, answer: &[u8]) -> Result<Vec<Endpoint>, NotUnderstood> {
    let listed: EndpointList<'_> = serde_json::from_slice(answer)
        .map_err(|_| NotUnderstood("the answer is no list of endpoints".to_owned()))?;
    let list = match provider {
        Provider::Stripe => listed.data,
        Provider::Paypal => listed.webhooks,
    };
    let list = list.ok_or_else(|| NotUnderstood("the answer lists no endpoints".to_owned()))?;
    Ok(list.iter().filter_map(One::endpoint).collect())
}

/// The types that an endpoint must send. Some of PayPal's are in no list of what an app is offered.
pub fn needed(provider: Provider) -> impl Iterator<Item = &'static str> {
    let types = acted_on(provider).iter().copied();
    types.filter(|one| !one.starts_with("PAYMENT.REFUND.") && *one != "CHECKOUT.ORDER.VOIDED")
}

/// The endpoint that is this daemon's, as far as that can be told.
pub fn ours<'e>(
    provider: Provider,
    endpoints: &'e [Endpoint],
    wanted: &Wanted,
) -> Option<&'e Endpoint> {
    let by_id = |one: &&Endpoint| wanted.webhook_ids.contains(&one.id);
    if provider == Provider::Paypal && !wanted.webhook_ids.is_empty() {
        return endpoints.iter().find(by_id);
    }
    let here: Vec<&Endpoint> =
        endpoints.iter().filter(|one| wanted.leads_here(provider, &one.url)).collect();
    // One that is switched off beside one that is on is an old one.
    here.iter().find(|one| one.is_enabled).or_else(|| here.first()).copied()
}

/// What is wrong.
pub fn judge(provider: Provider, endpoints: &[Endpoint], wanted: &Wanted) -> Vec<Fault> {
    let flaws = match ours(provider, endpoints, wanted) {
        None => vec![missing(provider, endpoints, wanted)],
        Some(ours) => flaws(provider, ours, wanted),
    };
    let fault = |flaw| Fault { provider, public_url: wanted.public_url.clone(), flaw };
    flaws.into_iter().map(fault).collect()
}

fn missing(provider: Provider, endpoints: &[Endpoint], wanted: &Wanted) -> Flaw {
    if provider == Provider::Paypal && !wanted.webhook_ids.is_empty() {
        return Flaw::UnknownId;
    }
    let path = webhook_path(provider).trim_end_matches('/');
    match endpoints.iter().find(|one| one.url.trim_end_matches('/').ends_with(path)) {
        Some(other) => Flaw::OnlyElsewhere { url: other.url.clone() },
        None => Flaw::Missing,
    }
}

fn flaws(provider: Provider, ours: &Endpoint, wanted: &Wanted) -> Vec<Flaw> {
    let id = || ours.id.clone();
    let mut flaws = Vec::new();
    if !wanted.leads_here(provider, &ours.url) {
        flaws.push(Flaw::Elsewhere { id: id(), url: ours.url.clone() });
    }
    if !ours.is_enabled {
        flaws.push(Flaw::Disabled { id: id() });
    }
    if ours.livemode.is_some_and(|livemode| livemode != wanted.livemode) {
        flaws.push(Flaw::WrongMode { id: id(), livemode: wanted.livemode });
    }
    let missing = ours.missing_types(provider);
    if !missing.is_empty() {
        let missing = missing.into_iter().map(str::to_owned).collect();
        flaws.push(Flaw::Types { id: id(), missing });
    }
    if let Some(version) = ours.api_version.as_deref().filter(|one| date(one) > date(VERSION)) {
        let (version, known) = (version.to_owned(), VERSION.to_owned());
        flaws.push(Flaw::Version { id: id(), version, known });
    }
    flaws
}

/// What a version begins with: `2025-12-15.clover`. Whether one is newer is told by it.
fn date(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

impl Endpoint {
    /// The types that it should send and does not.
    pub fn missing_types(&self, provider: Provider) -> Vec<&'static str> {
        if self.types.iter().any(|one| one == "*") {
            return Vec::new();
        }
        needed(provider).filter(|one| self.types.iter().all(|sent| sent != one)).collect()
    }
}

impl Wanted {
    /// Whether webhooks that are sent there come here, as far as that can be told.
    pub fn leads_here(&self, provider: Provider, url: &str) -> bool {
        let url = url.trim_end_matches('/');
        let path = webhook_path(provider).trim_end_matches('/');
        match &self.public_url {
            None => url.ends_with(path),
            Some(base) => {
                url.eq_ignore_ascii_case(&format!("{}{path}", base.trim_end_matches('/')))
            }
        }
    }
}

/// What is posted to a provider's API so that it sends webhooks to `url`: pairs of a form for Stripe.
pub fn stripe_form(url: &str) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("url", url.to_owned()),
        ("api_version", VERSION.to_owned()),
        ("description", "payhookd".to_owned()),
    ];
    form.extend(needed(Provider::Stripe).map(|one| ("enabled_events[]", one.to_owned())));
    form
}

/// The same for PayPal: JSON, and all types, because those that an app is offered differ.
pub fn paypal_json(url: &str) -> String {
    json!({ "url": url, "event_types": [{ "name": "*" }] }).to_string()
}

/// What is to be put into the configuration once an endpoint is made: the name of the setting and its
/// value, which for Stripe is secret.
pub fn setting(provider: Provider, answer: &[u8]) -> Result<(&'static str, String), NotUnderstood> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let (name, field) = match provider {
        Provider::Stripe => ("STRIPE_WEBHOOK_SECRET", "secret"),
        Provider::Paypal => ("PAYPAL_WEBHOOK_ID", "id"),
    };
    let value = answer[field].as_str().filter(|value| !value.is_empty());
    let missing = || NotUnderstood(format!("the answer has no {field}"));
    Ok((name, value.ok_or_else(missing)?.to_owned()))
}

objects! {
    struct EndpointList<'a> {
        data: Option<List<One<'a>>>,
        webhooks: Option<List<One<'a>>>,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct One<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    url: Loose<'a>,
    #[serde(borrow)]
    status: Loose<'a>,
    #[serde(borrow)]
    api_version: Loose<'a>,
    livemode: Loose<'a>,
    enabled_events: Vec<String>,
    #[serde(borrow)]
    event_types: List<Type<'a>>,
}

objects! {
    struct Type<'a> {
        name: Loose<'a>,
    }
}

impl One<'_> {
    fn endpoint(&self) -> Option<Endpoint> {
        let named = self.event_types.iter().filter_map(|one| one.name.text());
        let types = self.enabled_events.iter().map(String::as_str).chain(named);
        Some(Endpoint {
            id: self.id.text()?.to_owned(),
            url: self.url.text()?.to_owned(),
            is_enabled: self.status.text() != Some("disabled"),
            types: types.map(str::to_owned).collect(),
            api_version: self.api_version.text().map(str::to_owned),
            livemode: self.livemode.bool(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint {
            id: "we_1".to_owned(),
            url: url.to_owned(),
            is_enabled: true,
            types: vec!["*".to_owned()],
            api_version: None,
            livemode: Some(true),
        }
    }

    fn wanted(public_url: Option<&str>) -> Wanted {
        Wanted {
            public_url: public_url.map(str::to_owned),
            webhook_ids: Vec::new(),
            livemode: true,
        }
    }

    fn flaws(endpoints: &[Endpoint], wanted: &Wanted) -> Vec<&'static str> {
        let faults = judge(Provider::Stripe, endpoints, wanted);
        faults.iter().map(|fault| fault.flaw.as_str()).collect()
    }

    const HERE: &str = "https://shop.example/accounts/webhooks/stripe/";

    #[test]
    fn the_endpoint_is_found_by_its_url() {
        let known = wanted(Some("https://shop.example/"));
        assert_eq!(flaws(&[endpoint(HERE)], &known).len(), 0);
        assert_eq!(flaws(&[endpoint(HERE.trim_end_matches('/'))], &known).len(), 0);
        assert_eq!(flaws(&[endpoint(HERE)], &wanted(None)).len(), 0);
        assert_eq!(flaws(&[], &known), ["missing"]);
        assert_eq!(flaws(&[endpoint("https://shop.example/other")], &known), ["missing"]);
        let old = endpoint("https://old.example/accounts/webhooks/stripe/");
        assert_eq!(flaws(std::slice::from_ref(&old), &known), ["elsewhere"]);
        assert_eq!(flaws(&[old, endpoint(HERE)], &known).len(), 0);
    }

    #[test]
    fn each_flaw_is_found() {
        let known = wanted(Some("https://shop.example"));
        let with = |change: fn(&mut Endpoint)| {
            let mut one = endpoint(HERE);
            change(&mut one);
            flaws(&[one], &known)
        };
        assert_eq!(with(|one| one.is_enabled = false), ["disabled"]);
        assert_eq!(with(|one| one.livemode = Some(false)), ["wrong_mode"]);
        assert_eq!(with(|one| one.types = vec!["charge.succeeded".to_owned()]), ["types"]);
        assert_eq!(
            with(|one| one.types = needed(Provider::Stripe).map(str::to_owned).collect()).len(),
            0
        );
        for (version, known) in [
            ("2027-01-01.fern", false),
            ("2026-01-28.clover", false),
            (VERSION, true),
            ("2020-08-27", true),
        ] {
            let one = Endpoint { api_version: Some(version.to_owned()), ..endpoint(HERE) };
            let expected: &[&str] = if known { &[] } else { &["version"] };
            assert_eq!(flaws(&[one], &wanted(None)), expected, "{version}");
        }
        // One that is off beside one that is on is an old one.
        let off = Endpoint { is_enabled: false, ..endpoint(HERE) };
        assert_eq!(flaws(&[off, endpoint(HERE)], &known).len(), 0);
    }

    #[test]
    fn paypals_is_found_by_its_id() {
        let of = |id: &str| Wanted { webhook_ids: vec![id.to_owned()], ..wanted(None) };
        let list = json!({ "webhooks": [{
            "id": "WH1", "url": "https://shop.example/accounts/webhooks/paypal/",
            "event_types": [{ "name": "PAYMENT.CAPTURE.COMPLETED" }, { "name": "*" }],
        }] });
        let endpoints = read(Provider::Paypal, list.to_string().as_bytes()).expect("a list");
        assert_eq!(judge(Provider::Paypal, &endpoints, &of("WH1")), []);
        let faults = judge(Provider::Paypal, &endpoints, &of("WH2"));
        assert_eq!(faults[0].flaw, Flaw::UnknownId);
        let moved = Wanted { public_url: Some("https://new.example".to_owned()), ..of("WH1") };
        assert_eq!(judge(Provider::Paypal, &endpoints, &moved)[0].flaw.as_str(), "elsewhere");
        assert!(needed(Provider::Paypal).any(|one| one == "PAYMENT.CAPTURE.COMPLETED"));
        assert!(read(Provider::Paypal, b"{}").is_err());
    }
}
