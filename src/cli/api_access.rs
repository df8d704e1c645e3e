//! What a command needs that asks the providers' APIs.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, rules, said};
use crate::clients::api::Stop;
use crate::clients::apis::Apis;
use crate::clients::keys::ApiConfig;
use crate::config::options::{ApiOptions, DatabaseOption, parse_instant, parse_mode};
use crate::config::{Mode, ProcessEnv, variables};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::providers::rules::Rules;
use crate::reconcile::objects::Asker;
use crate::store::Reader;
use crate::telemetry::clock::Clock;

/// Where the database and the APIs are, and which money it is about.
#[derive(Args, Debug)]
pub struct AskOptions {
    #[command(flatten)]
    database: DatabaseOption,
    /// Which money it is about: live or test [default: the daemon's, or what the keys say].
    #[arg(long, value_parser = parse_mode, env = "PAYHOOKD_MODE")]
    mode: Option<Mode>,
    #[command(flatten)]
    api: ApiOptions,
    /// For tests: a clock that stands still.
    #[arg(long, hide = true, value_parser = parse_instant)]
    unsafe_test_clock: Option<Timestamp>,
}

/// The same, opened.
pub(super) struct Access {
    variables: Vec<(String, String)>,
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
        let variables = variables();
        let around = ProcessEnv { variables: &variables, read: |path| std::fs::read(path) };
        let (config, mode) = ApiConfig::new(&self.api, self.mode.or(of_daemon), around)?;
        let rules = reader.as_ref().map(rules).transpose()?.unwrap_or_default();
        let clock = self.unsafe_test_clock.map_or(Clock::SYSTEM, Clock::stopped_at);
        let apis = Apis::new(&config, &Stop::new(), clock);
        Ok(Access { variables, path, apis, livemode: mode == Mode::Live, rules, clock })
    }
}

impl Access {
    /// Where other settings are.
    pub(super) fn around(&self) -> ProcessEnv<'_> {
        ProcessEnv { variables: &self.variables, read: |path| std::fs::read(path) }
    }

    /// Asks for objects.
    pub(super) fn asker(&self) -> Asker<'_> {
        let Self { apis, livemode, rules, clock, .. } = self;
        Asker { apis, livemode: *livemode, rules, clock: *clock }
    }

    /// The one that was named, or each whose keys are set.
    pub(super) fn providers(&self, named: Option<Provider>) -> Result<Vec<Provider>, CommandError> {
        if let Some(provider) = named {
            self.apis.can_ask(provider).map_err(|error| said(error.to_string()))?;
            return Ok(vec![provider]);
        }
        let can_ask = |provider: &Provider| self.apis.can_ask(*provider).is_ok();
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
