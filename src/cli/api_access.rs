//! Access to the providers' APIs for commands.

use std::path::PathBuf;

use clap::Args;

use super::arguments::ModeOption;
use super::{CommandError, installation, rules, said};
use crate::clients::api::Stop;
use crate::clients::apis::Apis;
use crate::clients::keys::ApiConfig;
use crate::config::options::{ApiOptions, DatabaseOption, PublicUrlOption, parse_instant};
use crate::config::{Mode, Variables, secrets};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::providers::endpoints::Wanted;
use crate::providers::rules::Rules;
use crate::reconcile::objects::Asker;
use crate::store::Reader;
use crate::telemetry::clock::Clock;

/// Where the database and the APIs are, and live or test mode.
#[derive(Args, Debug)]
pub struct AskOptions {
    #[command(flatten)]
    database: DatabaseOption,
    #[command(flatten)]
    mode: ModeOption,
    #[command(flatten)]
    api: ApiOptions,
    /// For tests: a clock that stands still.
    #[arg(long, hide = true, value_parser = parse_instant)]
    unsafe_test_clock: Option<Timestamp>,
}

/// The providers that are asked.
#[derive(Args, Debug)]
pub struct ProviderOption {
    /// Only this provider: stripe or paypal [default: each whose API keys are set].
    #[arg(long)]
    pub(super) provider: Option<Provider>,
}

/// [`AskOptions`], opened.
pub(super) struct Access {
    pub(super) variables: Variables,
    pub(super) path: PathBuf,
    pub(super) apis: Apis,
    pub(super) livemode: bool,
    pub(super) rules: Rules,
    pub(super) clock: Clock,
}

impl AskOptions {
    /// Reads the keys, and what the daemon noted.
    pub(super) fn open(&self) -> Result<Access, CommandError> {
        let path = self.database.path();
        let reader = path.exists().then(|| Reader::open(&path)).transpose()?;
        let of_daemon = reader.as_ref().map(Reader::last_start).transpose()?.flatten();
        let is_live = of_daemon.map(|(policy, _)| policy.livemode);
        let of_daemon = is_live.map(|is_live| if is_live { Mode::Live } else { Mode::Test });
        let variables = installation::variables()?;
        let mode = self.mode.mode.or(of_daemon);
        let (config, mode) = ApiConfig::new(&self.api, mode, &variables)?;
        let rules = reader.as_ref().map(rules).transpose()?.unwrap_or_default();
        let clock = self.unsafe_test_clock.map_or(Clock::SYSTEM, Clock::stopped_at);
        let apis = Apis::new(&config, &Stop::new(), clock);
        Ok(Access { variables, path, apis, livemode: mode == Mode::Live, rules, clock })
    }
}

impl Access {
    /// Where webhooks are to go, as far as it is known here.
    pub(super) fn wanted_endpoint(
        &self,
        public_url: &PublicUrlOption,
    ) -> Result<Wanted, CommandError> {
        let webhook_ids = secrets("PAYPAL_WEBHOOK_ID", &self.variables)?;
        Ok(Wanted {
            public_url: public_url.public_url.clone(),
            webhook_ids: webhook_ids.iter().map(|id| id.reveal().to_owned()).collect(),
            livemode: self.livemode,
        })
    }

    /// Asks for objects.
    pub(super) fn asker(&self) -> Asker<'_> {
        let Self { apis, livemode, rules, clock, .. } = self;
        Asker { apis, livemode: *livemode, rules, clock: *clock }
    }
}

impl ProviderOption {
    /// The one that was named, or each whose keys are set.
    pub(super) fn of(&self, access: &Access) -> Result<Vec<Provider>, CommandError> {
        if let Some(provider) = self.provider {
            access.apis.can_ask(provider)?;
            return Ok(vec![provider]);
        }
        let can_ask = |provider: &Provider| access.apis.can_ask(*provider).is_ok();
        let providers: Vec<_> = Provider::ALL.iter().copied().filter(can_ask).collect();
        if providers.is_empty() {
            return Err(said(
                "no provider can be asked: set STRIPE_SECRET_KEY, or PAYPAL_CLIENT_ID and \
                 PAYPAL_CLIENT_SECRET, as for the daemon",
            ));
        }
        Ok(providers)
    }
}
