//! `payhookd endpoints`: where the providers send webhooks to.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api_access::{Access, AskOptions};
use super::table::Table;
use super::{CommandError, print_json, printed, said};
use crate::config::options::PublicUrlOption;
use crate::config::webhook_ids;
use crate::domain::provider::Provider;
use crate::i18n::issues::Audience;
use crate::providers::endpoints::{
    self, Endpoint, Wanted, api_path, judge, ours, paypal_json, stripe_form, webhook_path,
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
    /// Only this provider's: stripe or paypal [default: of each whose API keys are set].
    #[arg(long)]
    provider: Option<Provider>,
    /// Print a JSON line for each.
    #[arg(long)]
    json: bool,
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
        let wanted = Wanted {
            public_url: self.public_url.public_url.clone(),
            webhook_ids: webhook_ids(access.around())?,
            livemode: access.livemode,
        };
        let mut found = Vec::new();
        let mut faults = Vec::new();
        for provider in access.providers(self.provider)? {
            let listed = seen(&access, provider)?;
            faults.extend(judge(provider, &listed, &wanted));
            let id = ours(provider, &listed, &wanted).map(|one| one.id.clone());
            found.extend(listed.into_iter().map(|one| {
                let is_ours = id.as_ref() == Some(&one.id);
                (provider, one, is_ours)
            }));
        }
        match self.json {
            true => {
                print_json(found.iter().map(|(provider, one, ours)| shape(*provider, one, *ours)))?
            }
            false => {
                let mut table =
                    Table::new(&["provider", "id", "url", "status", "version", ">types", "ours"]);
                found
                    .iter()
                    .for_each(|(provider, one, ours)| table.row(row(*provider, one, *ours)));
                printed(table.print(&mut io::stdout().lock(), "no webhook endpoints"))?;
            }
        }
        for fault in &faults {
            let (what, remedy) = fault.said(Audience::PLAIN);
            writeln!(io::stderr(), "{}: {what}\n    {remedy}", fault.flaw)?;
        }
        match faults.len() {
            0 => Ok(()),
            1 => Err(said("one thing is wrong")),
            wrong => Err(said(format!("{wrong} things are wrong"))),
        }
    }
}

impl Create {
    fn run(&self) -> Result<(), CommandError> {
        let access = self.asking.open()?;
        access.providers(Some(self.provider))?;
        let url = self.full_url(access.livemode)?;
        let there = seen(&access, self.provider)?;
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
        let made = made.map_err(|error| said(error.to_string()))?;
        let (name, value) = endpoints::setting(self.provider, &made).map_err(|error| {
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
        printed(writeln!(io::stdout(), "{name}={value}"))
    }

    fn full_url(&self, livemode: bool) -> Result<String, CommandError> {
        let path = webhook_path(self.provider);
        let given = self.url.trim_end_matches('/');
        let host = given.strip_prefix("https://").or_else(|| {
            // Test money may go anywhere.
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

fn seen(access: &Access, provider: Provider) -> Result<Vec<Endpoint>, CommandError> {
    list(&access.apis, provider).map_err(|error| said(error.to_string()))
}

fn shape(provider: Provider, one: &Endpoint, is_ours: bool) -> Value {
    json!({
        "provider": provider.as_str(),
        "id": one.id,
        "url": one.url,
        "enabled": one.is_enabled,
        "api_version": one.api_version,
        "livemode": one.livemode,
        "types": one.types,
        "missing_types": one.missing_types(provider),
        "ours": is_ours,
    })
}

fn row(provider: Provider, one: &Endpoint, is_ours: bool) -> Vec<String> {
    let all = one.types.iter().any(|one| one == "*");
    vec![
        provider.to_string(),
        one.id.clone(),
        one.url.clone(),
        if one.is_enabled { "enabled" } else { "disabled" }.to_owned(),
        one.api_version.clone().unwrap_or_default(),
        if all { "all".to_owned() } else { one.types.len().to_string() },
        if is_ours { "yes" } else { "" }.to_owned(),
    ]
}
