//! The configuration: flags, environment and secret files in, one checked [`Config`] out.
//!
//! Every mistake is reported, not the first one: each names the setting and says what to do.

mod alerts;
pub mod api;
mod checks;
mod mail;
mod notify;
pub mod options;
mod providers;
mod secret;
mod token;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::alerts::{AlertConfig, AlertTarget, AlertWay};
pub use self::checks::{ConfigError, SECRETS, Variables, secrets, variables};
pub use self::notify::{NotifyConfig, NotifyTarget};
pub use self::providers::{PaypalConfig, PaypalVerify, StripeConfig};
pub use self::token::{ApiToken, token_mistake};
pub use crate::clients::keys::{ApiConfig, PaypalKeys, StripeKeys};

use self::checks::Checks;
use self::options::ServeOptions;
use crate::domain::language::Language;
use crate::domain::provider::Provider;
use crate::domain::retention::Keep;
use crate::domain::zone::{TimeOfDay, Zone};
use crate::providers::rules::Rules;
use crate::telemetry::clock::Clock;

string_enum! {
    /// Live or test mode.
    Mode {
        /// Live mode.
        Live = "live",
        /// Test mode.
        Test = "test",
    }
}

/// How often the monitor looks.
pub const MONITOR_EVERY: Duration = Duration::from_secs(60);

/// All that is set, checked and complete.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the providers' webhooks come in.
    pub listen: SocketAddr,
    /// Where the shop's app and people come in.
    pub admin_listen: SocketAddr,
    /// The database file.
    pub db: PathBuf,
    /// Live or test mode.
    pub mode: Mode,
    /// Stripe, if it is configured.
    pub stripe: Option<StripeConfig>,
    /// PayPal, if it is configured.
    pub paypal: Option<PaypalConfig>,
    /// How the providers' APIs are asked.
    pub api: ApiConfig,
    /// How often missed events are looked for; `None` for never.
    pub reconcile_every: Option<Duration>,
    /// Where the providers reach this machine, without a final slash.
    pub public_url: Option<String>,
    /// Where people open the dashboard, without a slash at the end; `None`: alerts have no links to it.
    pub dashboard_url: Option<String>,
    /// How the shop marks its payments.
    pub rules: Rules,
    /// How long a payment may be without a transaction before a person is notified.
    pub orphan_grace: Duration,
    /// The time zone of the times and days that people are shown.
    pub time_zone: Zone,
    /// How the shop's app is notified of changes, if it is to be.
    pub notify: Option<NotifyConfig>,
    /// The alert targets.
    pub alerts: AlertConfig,
    /// When the report of the day before is sent, if it is.
    pub daily_report: Option<TimeOfDay>,
    /// How often is looked for what no event tells.
    pub lookout: Duration,
    /// The token of the admin listener.
    pub api_token: ApiToken,
    /// How long what is received is kept.
    pub keep: Keep,
    /// The language of the dashboard and of alerts; `None`: the browser's, and English.
    pub language: Option<Language>,
    /// Names by which browsers may reach the dashboard, in lower case, beside IP addresses and
    /// `localhost`.
    pub admin_hosts: Vec<String>,
    /// The largest body that is read, in bytes.
    pub max_body: usize,
    /// The most connections that are open at once, on each listener.
    pub max_connections: usize,
    /// The system's clock, or one that stands still for a test.
    pub clock: Clock,
    /// A file that names a fault of the database, for a test.
    pub faults: Option<PathBuf>,
    /// Settings that are allowed but worth a line at every start.
    pub warnings: Vec<String>,
}

impl Config {
    /// Checks flags and environment together.
    pub fn new(
        options: &ServeOptions,
        variables: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let (config, warnings) = Checks::run(variables, |checks| checks.config(options))?;
        Ok(Self { warnings, ..config })
    }

    /// The providers whose webhooks are received.
    pub fn providers(&self) -> Vec<Provider> {
        let stripe = self.stripe.iter().map(|_| Provider::Stripe);
        stripe.chain(self.paypal.iter().map(|_| Provider::Paypal)).collect()
    }
}

/// The database that a command uses: `--db`, else the state directory of systemd, else the working
/// directory.
pub fn database_path(db: Option<&Path>, state_directory: Option<&str>) -> PathBuf {
    match (db, state_directory) {
        (Some(db), _) => db.to_owned(),
        (None, Some(directory)) if !directory.is_empty() => {
            Path::new(directory).join("payhookd.db")
        }
        _ => PathBuf::from("payhookd.db"),
    }
}

impl Checks<'_> {
    fn config(&mut self, options: &ServeOptions) -> Config {
        let mode = self.mode(options.mode);
        let api = self.api(&options.api, mode);
        let stripe = self.stripe(options);
        let paypal = self.paypal(options, mode, &api);
        let notify = self.notify(options);
        let alerts = self.alerts(&options.alerts, notify::schedule(options));
        if options.daily_report.is_some() && alerts.targets.is_empty() && self.mistakes.is_empty() {
            self.mistake(
                "--daily-report: nobody is there to send it to: set PAYHOOKD_ALERT_URL or \
                 --alert-email, or leave it out",
            );
        }
        if stripe.is_none() && paypal.is_none() && self.mistakes.is_empty() {
            self.mistake(
                "neither provider is configured: set STRIPE_WEBHOOK_SECRET (Stripe's dashboard, \
                 Webhooks, your endpoint, Signing secret) or PAYPAL_WEBHOOK_ID (PayPal's developer \
                 dashboard, your app, Webhooks, Webhook ID), or both",
            );
        }
        self.unknown_variables();
        let file = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let ms = |value: Option<u64>| value.map(|value| format!("{value} ms"));
        for (flag, given) in [
            ("clock", options.unsafe_test_clock.map(|at| at.to_string())),
            ("clock-file", file(&options.unsafe_test_clock_file)),
            ("faults", file(&options.unsafe_test_faults)),
            ("backoff", ms(options.unsafe_test_backoff)),
            ("reconcile-every", ms(options.unsafe_test_reconcile_every)),
            ("lookout", ms(options.unsafe_test_lookout)),
            ("notify-limit", ms(options.unsafe_test_notify_limit)),
            ("api-limit", ms(options.api.unsafe_test_api_limit)),
            ("api-pause", ms(options.api.unsafe_test_api_pause)),
        ] {
            let warning =
                |value| format!("--unsafe-test-{flag}: {value}, which is for tests alone");
            self.warnings.extend(given.map(warning));
        }
        for (flag, given) in [
            ("--stripe-api-base", options.api.stripe_api_base.is_some()),
            ("--paypal-api-base", options.api.paypal_api_base.is_some()),
            ("--paypal-cert-host", options.paypal_cert_host.is_some()),
        ] {
            if given {
                self.warn(format!("{flag} is set: meant for tests and staging"));
            }
        }
        if let Some(file) = &options.paypal_cert_roots {
            self.warn(format!(
                "--paypal-cert-roots is set: whoever has a key of {} can sign for PayPal",
                file.display()
            ));
        }
        let db = database_path(options.db.db.as_deref(), self.variable("STATE_DIRECTORY"));
        let api_token = self.api_token(options, &db);
        Config {
            listen: options.listen,
            admin_listen: options.admin_listen,
            db,
            mode,
            stripe,
            paypal,
            api,
            reconcile_every: options.reconcile_every.map(|every| {
                options.unsafe_test_reconcile_every.map_or(every, Duration::from_millis)
            }),
            public_url: self.public_url(options.public.public_url.as_deref()),
            dashboard_url: self.dashboard_url(options.dashboard_url.as_deref()),
            rules: Rules {
                order_id_key: options.order_id_key.clone(),
                order_id_from: options.order_id_from.clone(),
                own_accounts: options.own_account.clone(),
                own_metadata: options.own_metadata.clone(),
                own_invoice_prefix: options.own_invoice_prefix.clone(),
            },
            orphan_grace: options.orphan_grace,
            time_zone: options.time_zone.clone().unwrap_or_else(Zone::system),
            notify,
            daily_report: options.daily_report,
            alerts,
            lookout: options.unsafe_test_lookout.map_or(MONITOR_EVERY, Duration::from_millis),
            api_token,
            keep: options.keep.keep(),
            language: options.language,
            admin_hosts: options.admin_host.clone(),
            max_body: options.max_body,
            max_connections: options.max_connections,
            clock: match (options.unsafe_test_clock, &options.unsafe_test_clock_file) {
                (Some(instant), _) => Clock::stopped_at(instant),
                (None, Some(file)) => Clock::in_file(file.clone()),
                (None, None) => Clock::SYSTEM,
            },
            faults: options.unsafe_test_faults.clone(),
            warnings: Vec::new(),
        }
    }

    /// A misspelt setting would silently not be set.
    fn unknown_variables(&mut self) {
        let known = options::variables();
        let named =
            |name: &str| name.starts_with("PAYHOOKD_") && !name.starts_with("PAYHOOKD_REQUIRE_");
        let unknown =
            self.variables.iter().filter(|(name, _)| named(name) && !known.contains(name));
        let told =
            unknown.map(|(name, _)| format!("{name} is set, but payhookd has no such setting"));
        self.warnings.extend(told);
    }
}
