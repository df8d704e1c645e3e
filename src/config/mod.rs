//! What the daemon is told: flags, environment and secret files in, one checked [`Config`] out.
//!
//! Every mistake is reported, not the first one: each names the setting and says what to do.

mod alerts;
pub mod api;
mod mail;
mod notify;
pub mod options;
mod secret;
mod token;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::secret::Secret;

pub use self::alerts::{AlertConfig, AlertTarget, AlertWay};
pub use self::notify::{NotifyConfig, NotifyTarget};
pub use crate::clients::keys::{ApiConfig, PaypalKeys, StripeKeys};

use self::options::{ServeOptions, VerifyBy};
pub use self::token::{ApiToken, token_mistake};
use crate::domain::language::Language;
use crate::domain::retention::Keep;
use crate::domain::zone::{TimeOfDay, Zone};
use crate::providers::paypal::Environment;
use crate::providers::paypal::certificate::{CertificateHost, Trust};
use crate::providers::paypal::transmission::SIMULATOR_WEBHOOK_ID;
use crate::providers::rules::Rules;
use crate::telemetry::clock::Clock;

string_enum! {
    /// Live or test mode.
    Mode {
        /// Real money.
        Live = "live",
        /// Test money.
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
    /// How the shop marks its payments.
    pub rules: Rules,
    /// How long a payment may be without a transaction before a person is told.
    pub orphan_grace: Duration,
    /// In which people are told times and days.
    pub time_zone: Zone,
    /// How the shop's app is told of changes, if it is to be.
    pub notify: Option<NotifyConfig>,
    /// Who tells people of issues.
    pub alerts: AlertConfig,
    /// When people are told of the day before, if they are.
    pub daily_report: Option<TimeOfDay>,
    /// How often is looked for what no event tells.
    pub lookout: Duration,
    /// What the admin listener wants to be told.
    pub api_token: ApiToken,
    /// How long what is received is kept.
    pub keep: Keep,
    /// The language of the dashboard and of what people are told; `None`: the browser's, and English.
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
    /// What is allowed but worth a line at every start.
    pub warnings: Vec<String>,
}

/// What Stripe's webhooks are proved by.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// The endpoint's signing secrets, at least one.
    pub signing_secrets: Vec<Secret>,
    /// How old or how far ahead a signature may be; `None` for any age.
    pub tolerance: Option<Duration>,
}

/// How long PayPal sends a webhook that is not taken: twenty-five times.
const PAYPAL_SENDS_FOR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// What PayPal's webhooks are proved by.
#[derive(Clone, Debug)]
pub struct PaypalConfig {
    /// The ids of the endpoint's webhooks, at least one.
    pub webhook_ids: Vec<String>,
    /// Real or play money.
    pub environment: Environment,
    /// How webhooks are proved.
    pub verify: PaypalVerify,
    /// How old a transmission may be; `None` for any age.
    pub max_age: Option<Duration>,
}

/// How PayPal's webhooks are proved.
#[derive(Clone, Debug)]
pub enum PaypalVerify {
    /// Here, with PayPal's certificate.
    Offline {
        /// The roots that it must lead to.
        trust: Trust,
        /// PEM text of roots given in place of the bundled ones; trusted also for fetching from
        /// `certificate_host`.
        roots_pem: Option<Vec<u8>>,
        /// Where certificates are fetched instead of at PayPal.
        certificate_host: Option<CertificateHost>,
    },
    /// By asking PayPal's API about each; its keys are set.
    Postback,
}

/// Everything that is wrong with what was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration can't be used:")?;
        for mistake in &self.0 {
            write!(f, "\n  - {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Where settings that are not flags come from; tests pass their own.
#[derive(Clone, Copy, Debug)]
pub struct ProcessEnv<'a> {
    /// Environment variables by name.
    pub variables: &'a [(String, String)],
    /// Reads a file.
    pub read: fn(&Path) -> std::io::Result<Vec<u8>>,
}

impl Config {
    /// Checks flags and environment together.
    pub fn new(options: &ServeOptions, around: ProcessEnv<'_>) -> Result<Self, ConfigError> {
        let mut checks = Checks { around, mistakes: Vec::new(), warnings: Vec::new() };
        let config = checks.config(options);
        if !checks.mistakes.is_empty() {
            return Err(ConfigError(checks.mistakes));
        }
        Ok(Self { warnings: checks.warnings, ..config })
    }
}

/// The variables that hold secrets.
pub const SECRETS: &[&str] = &[
    "PAYHOOKD_ALERT_URL",
    "PAYHOOKD_API_TOKEN",
    "PAYHOOKD_NOTIFY_SECRET",
    "PAYHOOKD_SMTP_URL",
    "PAYPAL_CLIENT_SECRET",
    "PAYPAL_WEBHOOK_ID",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
];

/// The items of one comma-separated secret, found where the daemon finds it; empty if it is not set.
pub fn secrets(name: &str, around: ProcessEnv<'_>) -> Result<Vec<Secret>, ConfigError> {
    let mut checks = Checks { around, mistakes: Vec::new(), warnings: Vec::new() };
    let items = checks.list(name);
    if checks.mistakes.is_empty() {
        Ok(items.into_iter().map(Secret::new).collect())
    } else {
        Err(ConfigError(checks.mistakes))
    }
}

/// The webhook ids of PayPal that are set.
pub fn webhook_ids(around: ProcessEnv<'_>) -> Result<Vec<String>, ConfigError> {
    let mut checks = Checks { around, mistakes: Vec::new(), warnings: Vec::new() };
    let ids = checks.list("PAYPAL_WEBHOOK_ID");
    if checks.mistakes.is_empty() { Ok(ids) } else { Err(ConfigError(checks.mistakes)) }
}

/// The environment variables that are text.
pub fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
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

struct Checks<'a> {
    around: ProcessEnv<'a>,
    mistakes: Vec<String>,
    warnings: Vec<String>,
}

impl Checks<'_> {
    fn config(&mut self, options: &ServeOptions) -> Config {
        let keys = self.api_keys();
        let mode = self.mode(options.mode, &keys);
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
        if let Some(instant) = options.unsafe_test_clock {
            self.warn(format!("--unsafe-test-clock: the clock stands still at {instant}"));
        }
        if let Some(file) = &options.unsafe_test_clock_file {
            self.warn(format!(
                "--unsafe-test-clock-file: the time is what {} says",
                file.display()
            ));
        }
        if let Some(every) = options.unsafe_test_lookout {
            self.warn(format!("--unsafe-test-lookout: the lookout looks every {every} ms"));
        }
        if options.unsafe_test_faults.is_some() {
            self.warn("--unsafe-test-faults: the database fails on demand".to_owned());
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
        let state_directory = self.variable("STATE_DIRECTORY");
        let db = database_path(options.db.db.as_deref(), state_directory.as_deref());
        let api_token = self.api_token(options, &db);
        Config {
            listen: options.listen,
            admin_listen: options.admin_listen,
            db,
            mode,
            stripe,
            paypal,
            api,
            reconcile_every: self.reconcile_every(options),
            public_url: self.public_url(options.public.public_url.as_deref()),
            rules: Rules {
                order_id_key: options.order_id_key.clone(),
                order_id_from: options.order_id_from.clone(),
                own_accounts: options.own_account.clone(),
                own_metadata: options.own_metadata.iter().map(|mark| mark.0.clone()).collect(),
                own_invoice_prefix: options.own_invoice_prefix.clone(),
            },
            orphan_grace: options.orphan_grace.0,
            time_zone: options.time_zone.clone().unwrap_or_else(Zone::system),
            notify,
            daily_report: options.daily_report,
            alerts,
            lookout: options.unsafe_test_lookout.map_or(MONITOR_EVERY, Duration::from_millis),
            api_token,
            keep: options.keep.into(),
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

    /// A setting that is looked at twice is wrong once.
    fn mistake(&mut self, mistake: impl Into<String>) {
        let mistake = mistake.into();
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<String> {
        let found = self.around.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }

    /// A secret from its variable, from the file that `…_FILE` names, or from a credential of
    /// systemd; more than one of them is a mistake, because one would silently win.
    fn secret(&mut self, name: &str) -> Option<String> {
        let file_variable = format!("{name}_FILE");
        let file = self.variable(&file_variable).map(PathBuf::from);
        let directory = self.variable("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let credential = directory.map(|directory| directory.join(name));
        let mut found = Vec::new();
        found.extend(self.variable(name).map(|value| (name.to_owned(), value)));
        if let Some(file) = file {
            match (self.around.read)(&file) {
                Ok(bytes) => {
                    let label = format!("{file_variable} ({})", file.display());
                    found.extend(self.text_of(&file, bytes).map(|text| (label, text)));
                }
                Err(error) => self.mistake(format!(
                    "{file_variable}: {} can't be read ({error}): name a file that payhookd may \
                     read",
                    file.display()
                )),
            }
        }
        if let Some(credential) = credential
            && let Ok(bytes) = (self.around.read)(&credential)
        {
            let label = format!("the credential {name}");
            found.extend(self.text_of(&credential, bytes).map(|text| (label, text)));
        }
        for (label, value) in &found {
            self.placeholders(name, label, value);
        }
        if let [(one, _), (other, _), ..] = &*found {
            let both = format!("{one} and {other} are both set: remove one of them");
            self.mistake(both);
        }
        found.into_iter().next().map(|(_, value)| value)
    }

    /// Finds placeholders and what is too short among the items of a secret that stands in `label`.
    fn placeholders(&mut self, name: &str, label: &str, value: &str) {
        let items: Vec<&str> = value.split(',').collect();
        for (place, item) in (1..).zip(&items) {
            // An empty item, or one of several words, is told of where the list is read.
            if item.is_empty() || item.contains(char::is_whitespace) {
                continue;
            }
            if let Some(mistake) = secret::secret_mistake(name, item) {
                let which =
                    if items.len() > 1 { format!(" (item {place})") } else { String::new() };
                self.mistake(format!("{label}{which}: {mistake}"));
            }
        }
    }

    /// The text of a secret file, without the line end that editors add.
    fn text_of(&mut self, file: &Path, bytes: Vec<u8>) -> Option<String> {
        let Ok(text) = String::from_utf8(bytes) else {
            self.mistake(format!("{}: not text: write the secret alone into it", file.display()));
            return None;
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            self.mistake(format!("{}: empty: write the secret into it", file.display()));
            return None;
        }
        Some(text.to_owned())
    }

    /// A comma-separated list of which every item is used.
    fn list(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.secret(name) else { return Vec::new() };
        let items: Vec<String> = value.split(',').map(str::to_owned).collect();
        if items.iter().any(|item| item.is_empty() || item.contains(char::is_whitespace)) {
            self.mistake(format!(
                "{name}: white space or an empty item in it: write it without spaces and line \
                 ends, several separated by one comma"
            ));
        }
        items
    }

    /// The API keys that say which money they are for: name and mode.
    fn api_keys(&mut self) -> Vec<(&'static str, Mode)> {
        let mut modes = Vec::new();
        for (name, prefixes) in
            [("STRIPE_PUBLISHABLE_KEY", &["pk_"][..]), ("STRIPE_SECRET_KEY", &["sk_", "rk_"][..])]
        {
            let Some(key) = self.secret(name) else { continue };
            let rest = prefixes.iter().find_map(|prefix| key.strip_prefix(prefix));
            match rest {
                Some(rest) if rest.starts_with("live_") => modes.push((name, Mode::Live)),
                Some(rest) if rest.starts_with("test_") => modes.push((name, Mode::Test)),
                _ => self.mistake(format!(
                    "{name}: does not begin with {}live_ or {}test_: copy it again from Stripe's \
                     dashboard, Developers, API keys",
                    prefixes[0], prefixes[0]
                )),
            }
        }
        if let Some(environment) = self.variable("PAYPAL_ENVIRONMENT") {
            match Environment::parse(&environment) {
                Some(Environment::Live) => modes.push(("PAYPAL_ENVIRONMENT", Mode::Live)),
                Some(Environment::Sandbox) => modes.push(("PAYPAL_ENVIRONMENT", Mode::Test)),
                None => self.mistake(
                    "PAYPAL_ENVIRONMENT: neither live nor sandbox: set one of them, or nothing to \
                     follow PAYHOOKD_MODE",
                ),
            }
        }
        modes
    }

    fn mode(&mut self, given: Option<Mode>, keys: &[(&'static str, Mode)]) -> Mode {
        let said_by = |mode: Mode| {
            let names = keys.iter().filter(|(_, said)| *said == mode).map(|(name, _)| *name);
            names.collect::<Vec<_>>().join(", ")
        };
        if let Some(mode) = given {
            let other = if mode == Mode::Live { Mode::Test } else { Mode::Live };
            if keys.iter().any(|(_, said)| *said == other) {
                self.mistake(format!(
                    "PAYHOOKD_MODE is {mode}, but {} says {other}: test and real money can't be \
                     mixed; set keys of one kind",
                    said_by(other)
                ));
            }
            return mode;
        }
        let (live, test) = (said_by(Mode::Live), said_by(Mode::Test));
        if !live.is_empty() && !test.is_empty() {
            self.mistake(format!(
                "{live} says live, but {test} says test: test and real money can't be mixed; set \
                 keys of one kind"
            ));
        }
        if live.is_empty() && !test.is_empty() { Mode::Test } else { Mode::Live }
    }

    fn stripe(&mut self, options: &ServeOptions) -> Option<StripeConfig> {
        let secrets = self.list("STRIPE_WEBHOOK_SECRET");
        if secrets.is_empty() {
            return None;
        }
        for (place, secret) in (1..).zip(&secrets) {
            if ["sk_", "rk_", "pk_"].iter().any(|prefix| secret.starts_with(prefix)) {
                self.mistake(
                    "STRIPE_WEBHOOK_SECRET: an API key, not a signing secret: copy the one that \
                     begins with whsec_ from Stripe's dashboard, Webhooks, your endpoint",
                );
            } else if !secret.starts_with("whsec_") {
                self.warn(format!(
                    "STRIPE_WEBHOOK_SECRET: secret {place} does not begin with whsec_, as Stripe's do"
                ));
            }
        }
        let tolerance = options.stripe_tolerance.0;
        if tolerance.is_none() {
            self.warn("--stripe-tolerance off: a captured request never gets too old".to_owned());
        }
        Some(StripeConfig {
            signing_secrets: secrets.into_iter().map(Secret::new).collect(),
            tolerance,
        })
    }

    fn paypal(
        &mut self,
        options: &ServeOptions,
        mode: Mode,
        api: &ApiConfig,
    ) -> Option<PaypalConfig> {
        let webhook_ids = self.list("PAYPAL_WEBHOOK_ID");
        if webhook_ids.is_empty() {
            return None;
        }
        for id in &webhook_ids {
            if id == SIMULATOR_WEBHOOK_ID {
                if options.mode == Some(Mode::Test) {
                    self.warn(
                        "PAYPAL_WEBHOOK_ID: WEBHOOK_ID is the simulator's: anybody can sign for it"
                            .to_owned(),
                    );
                } else {
                    self.mistake(
                        "PAYPAL_WEBHOOK_ID: WEBHOOK_ID is the id of PayPal's public simulator, with \
                         which anybody can sign: set your webhook's own id, or --mode test to try \
                         the simulator",
                    );
                }
            } else if id.starts_with("WH-") {
                self.mistake(
                    "PAYPAL_WEBHOOK_ID: the id of an event, not of a webhook: copy the Webhook ID \
                     (17 letters and digits) from your app in PayPal's developer dashboard",
                );
            } else if id.len() > 50 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                self.mistake(
                    "PAYPAL_WEBHOOK_ID: not letters and digits only: copy the Webhook ID from your \
                     app in PayPal's developer dashboard",
                );
            }
        }
        let environment = match mode {
            Mode::Live => Environment::Live,
            Mode::Test => Environment::Sandbox,
        };
        let verify = match options.paypal_verify {
            VerifyBy::Offline => self.offline(options)?,
            VerifyBy::Postback => self.postback(api)?,
        };
        let max_age = options.paypal_max_age.0;
        match max_age {
            None => self
                .warn("--paypal-max-age forever: a captured request never gets too old".to_owned()),
            Some(most) if most < PAYPAL_SENDS_FOR => self.warn(
                "--paypal-max-age: PayPal sends a webhook for three days; what comes late may be \
                 refused"
                    .to_owned(),
            ),
            Some(_) => {}
        }
        Some(PaypalConfig { webhook_ids, environment, verify, max_age })
    }

    fn offline(&mut self, options: &ServeOptions) -> Option<PaypalVerify> {
        let roots_pem = match &options.paypal_cert_roots {
            None => None,
            Some(file) => match (self.around.read)(file) {
                Ok(pem) => Some((file, pem)),
                Err(error) => {
                    self.mistake(format!(
                        "--paypal-cert-roots: {} can't be read ({error}): give a file of PEM \
                         certificates that payhookd may read",
                        file.display()
                    ));
                    return None;
                }
            },
        };
        let trust = match &roots_pem {
            None => Trust::bundled(),
            Some((_, pem)) => Trust::from_pem(pem),
        };
        match trust {
            Ok(trust) => Some(PaypalVerify::Offline {
                trust,
                roots_pem: roots_pem.map(|(_, pem)| pem),
                certificate_host: options.paypal_cert_host.clone(),
            }),
            Err(error) => {
                let file = options.paypal_cert_roots.as_deref().unwrap_or_else(|| Path::new(""));
                self.mistake(format!(
                    "--paypal-cert-roots: {} {error}: give a file of PEM certificates",
                    file.display()
                ));
                None
            }
        }
    }

    fn postback(&mut self, api: &ApiConfig) -> Option<PaypalVerify> {
        if api.paypal.is_none() {
            self.mistake(
                "--paypal-verify=postback asks PayPal's API: set PAYPAL_CLIENT_ID and \
                 PAYPAL_CLIENT_SECRET of the app that the webhook belongs to",
            );
            return None;
        }
        Some(PaypalVerify::Postback)
    }

    /// A misspelt setting would silently not be set.
    fn unknown_variables(&mut self) {
        let variables = self.around.variables;
        for (name, _) in variables.iter().filter(|(name, _)| name.starts_with("PAYHOOKD_")) {
            let of_tests = name.starts_with("PAYHOOKD_REQUIRE_");
            if !of_tests && !options::VARIABLES.contains(&&**name) {
                self.warn(format!("{name} is set, but payhookd has no such setting"));
            }
        }
    }
}
