//! `payhookd endpoints`: where the providers send webhooks to.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::json;

use super::api_access::{AskOptions, ProviderOption};
use super::arguments::JsonOption;
use super::table::{Shown, maybe};
use super::{CommandError, said, say, wrong};
use crate::config::options::PublicUrlOption;
use crate::domain::provider::Provider;
use crate::i18n::issues::Audience;
use crate::providers::endpoints::{
    self, Endpoint, api_path, judge, ours, paypal_json, stripe_form, webhook_path,
};
use crate::reconcile::endpoints::list;
use crate::simulator::random::uuid;

/// `endpoints`
#[derive(Debug, Subcommand)]
pub enum Endpoints {
    /// List the webhook endpoints that the providers have, and what is wrong with this daemon's; exit
    /// code 1 if anything is.
    Show(Show),
    /// Let a provider send webhooks here, and print the setting that the daemon then needs.
    ///
    /// Nothing is stored: the line that is printed goes into the daemon's settings. Stripe's is secret.
    #[command(after_help = "Example:\n  payhookd endpoints create --provider stripe \
        --url https://shop.example >> /etc/payhookd/payhookd.env")]
    Create(Create),
}

/// `endpoints show`
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    asking: AskOptions,
    #[command(flatten)]
    public_url: PublicUrlOption,
    #[command(flatten)]
    provider: ProviderOption,
    #[command(flatten)]
    output: JsonOption,
}

/// `endpoints create`
#[derive(Args, Debug)]
pub struct Create {
    #[command(flatten)]
    asking: AskOptions,
    /// At whom: stripe or paypal.
    #[arg(long)]
    provider: Provider,
    /// Where the providers reach this machine: `https://shop.example`.
    #[arg(long)]
    url: String,
    /// Make one more though there is one for this URL.
    #[arg(long)]
    another: bool,
}

impl Endpoints {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::Show(show) => show.run(),
            Self::Create(create) => create.run(),
        }
    }
}

impl Show {
    fn run(&self) -> Result<(), CommandError> {
        let access = self.asking.open()?;
        let wanted = access.wanted_endpoint(&self.public_url)?;
        let mut found = Vec::new();
        let mut faults = Vec::new();
        for provider in self.provider.of(&access)? {
            let listed = list(&access.apis, provider)?;
            faults.extend(judge(provider, &listed, &wanted));
            let id = ours(provider, &listed, &wanted).map(|one| one.id.clone());
            found.extend(listed.into_iter().map(|endpoint| {
                let is_ours = id.as_ref() == Some(&endpoint.id);
                Found { provider, endpoint, is_ours }
            }));
        }
        ENDPOINTS.print(&found, self.output.json, "no webhook endpoints")?;
        for fault in &faults {
            let (what, remedy) = fault.said(Audience::PLAIN);
            writeln!(io::stderr(), "{}: {what}\n    {remedy}", fault.flaw)?;
        }
        wrong(faults.len())
    }
}

/// An endpoint that a provider has.
struct Found {
    provider: Provider,
    endpoint: Endpoint,
    is_ours: bool,
}

const ENDPOINTS: Shown<Found> = Shown {
    columns: &[
        ("provider", |one| one.provider.to_string()),
        ("id", |one| one.endpoint.id.clone()),
        ("url", |one| one.endpoint.url.clone()),
        ("status", |one| if one.endpoint.is_enabled { "enabled" } else { "disabled" }.to_owned()),
        ("version", |one| maybe(one.endpoint.api_version.as_ref())),
        (">types", |one| match &one.endpoint.types {
            types if types.iter().any(|one| one == "*") => "all".to_owned(),
            types => types.len().to_string(),
        }),
        ("ours", |one| if one.is_ours { "yes" } else { "" }.to_owned()),
    ],
    json: |Found { provider, endpoint, is_ours }| {
        json!({
            "provider": provider.as_str(),
            "id": endpoint.id,
            "url": endpoint.url,
            "enabled": endpoint.is_enabled,
            "api_version": endpoint.api_version,
            "livemode": endpoint.livemode,
            "types": endpoint.types,
            "missing_types": endpoint.missing_types(*provider),
            "ours": is_ours,
        })
    },
};

impl Create {
    fn run(&self) -> Result<(), CommandError> {
        let access = self.asking.open()?;
        access.apis.can_ask(self.provider)?;
        let url = self.full_url(access.livemode)?;
        let there = list(&access.apis, self.provider)?;
        let same = |one: &&Endpoint| one.url.trim_end_matches('/') == url.trim_end_matches('/');
        if let Some(one) = there.iter().find(same).filter(|_| !self.another) {
            return Err(said(format!(
                "{} has the endpoint {} for {url} already: use its secret or id, or say --another",
                self.provider.name(),
                one.id
            )));
        }
        let path = api_path(self.provider);
        // The same however often this one call is made.
        let key = format!("payhookd-{}", uuid()?);
        let made = match self.provider {
            Provider::Stripe => {
                let form = stripe_form(&url);
                let form: Vec<(&str, &str)> =
                    form.iter().map(|(name, value)| (*name, &**value)).collect();
                access.apis.stripe().and_then(|stripe| stripe.post(path, &form, &key))
            }
            Provider::Paypal => {
                access.apis.paypal().and_then(|paypal| paypal.post(path, &paypal_json(&url), &key))
            }
        };
        let (name, value) = endpoints::setting(self.provider, &made?).map_err(|error| {
            said(format!(
                "{} made an endpoint for {url}, but {error}: look it up in the dashboard",
                self.provider.name()
            ))
        })?;
        writeln!(
            io::stderr(),
            "{} sends webhooks to {url} from now on. Put this into the daemon's settings (another \
             value that stands there goes behind it, with a comma) and restart it:",
            self.provider.name()
        )?;
        say(format!("{name}={value}"))
    }

    fn full_url(&self, livemode: bool) -> Result<String, CommandError> {
        let path = webhook_path(self.provider);
        let given = self.url.trim_end_matches('/');
        let host = given.strip_prefix("https://").or_else(|| {
            // Test mode may go anywhere.
            given.strip_prefix("http://").filter(|_| !livemode)
        });
        if host.is_none_or(|host| host.is_empty() || host.contains(['@', '?', '#', ' '])) {
            return Err(said(format!(
                "--url {}: give where the provider reaches this machine, such as \
                 https://shop.example",
                self.url
            )));
        }
        match given.ends_with(path.trim_end_matches('/')) {
            true => Ok(format!("{given}/")),
            false => Ok(format!("{given}{path}")),
        }
    }
}
