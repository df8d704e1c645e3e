//! The daemon's settings as they can be said: flags and variables, unchecked.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args, Command, FromArgMatches, ValueEnum};
use log::LevelFilter;

use super::{Mode, SECRETS};
use crate::clients::alert::Form;
use crate::domain::language::Language;
use crate::domain::retention::Keep;
use crate::domain::time::Timestamp;
use crate::domain::zone::{TimeOfDay, Zone};
use crate::providers::paypal::certificate::CertificateHost;
use crate::providers::rules::OrderIdSource;

/// Which database a command works on.
#[derive(Args, Clone, Debug)]
pub struct DatabaseOption {
    /// The database file [default: payhookd.db, under systemd $STATE_DIRECTORY/payhookd.db; for
    /// commands the service's, if there is none in the working directory].
    #[arg(long, value_name = "FILE", env = "PAYHOOKD_DB")]
    pub db: Option<PathBuf>,
}

/// Where this machine is reached from outside.
#[derive(Args, Clone, Debug)]
pub struct PublicUrlOption {
    /// Where the providers reach this machine, such as `https://shop.example`: what they have
    /// registered is compared with it.
    #[arg(long, value_name = "URL", env = "PAYHOOKD_PUBLIC_URL")]
    pub public_url: Option<String>,
}

/// How the providers' APIs are asked.
#[derive(Args, Clone, Debug)]
pub struct ApiOptions {
    /// Base URL of Stripe's API, for tests and staging.
    #[arg(long, value_name = "URL", env = "PAYHOOKD_STRIPE_API_BASE")]
    pub stripe_api_base: Option<String>,

    /// Base URL of PayPal's API, for tests and staging.
    #[arg(long, value_name = "URL", env = "PAYHOOKD_PAYPAL_API_BASE")]
    pub paypal_api_base: Option<String>,

    /// For tests: milliseconds that an API may take to answer. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_api_limit: Option<u64>,

    /// For tests: milliseconds after which an API is asked again. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_api_pause: Option<u64>,
}

/// The targets through which people are notified of issues.
#[derive(Args, Clone, Debug)]
pub struct AlertOptions {
    /// Notify people of issues by posting to this URL: an incoming webhook of Slack's, a webhook of
    /// Discord's, a topic of ntfy's, or anything else that takes JSON. May be given several times. Better
    /// set PAYHOOKD_ALERT_URL, several separated by commas: such URLs are secrets.
    #[arg(long, value_name = "URL")]
    pub alert_url: Vec<String>,

    /// The form of what is posted there [default: by the host, or by a prefix such as ntfy+https://].
    #[arg(long, value_name = "FORM", env = "PAYHOOKD_ALERT_FORMAT")]
    pub alert_format: Option<Form>,

    /// Email people about issues, at this address. May be given several times, or several separated by
    /// commas; each gets emails of its own.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', env = "PAYHOOKD_ALERT_EMAIL")]
    pub alert_email: Vec<String>,

    /// The address that such mail comes from [default: the first that it goes to].
    #[arg(long, value_name = "ADDRESS", env = "PAYHOOKD_ALERT_FROM")]
    pub alert_from: Option<String>,

    /// The server that mail goes through: smtps://HOST, or smtp://HOST:587, which is secured by STARTTLS
    /// [default: the sendmail of this machine]. With a name and password set PAYHOOKD_SMTP_URL:
    /// smtps://name:password@HOST.
    #[arg(long, value_name = "URL")]
    pub smtp_url: Option<String>,

    /// PEM certificates to trust for the mail server in place of the public roots, such as that of a
    /// company's own authority.
    #[arg(long, value_name = "FILE", env = "PAYHOOKD_SMTP_CERT_ROOTS")]
    pub smtp_cert_roots: Option<PathBuf>,
}

/// Settings of the daemon. Secrets are not among them, because every user of the machine can read
/// a command line: they come from the environment or from files.
#[derive(Args, Clone, Debug)]
pub struct ServeOptions {
    /// Where the providers' webhooks come in; the reverse proxy forwards to it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "PAYHOOKD_LISTEN")]
    pub listen: SocketAddr,

    /// Where the shop's app and its people come in.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8081",
        env = "PAYHOOKD_ADMIN_LISTEN"
    )]
    pub admin_listen: SocketAddr,

    /// The database.
    #[command(flatten)]
    pub db: DatabaseOption,

    /// The file that the admin listener's token stands in; made if it does not exist [default:
    /// api-token, beside the database].
    #[arg(long, value_name = "FILE", env = "PAYHOOKD_API_TOKEN_FILE")]
    pub api_token_file: Option<PathBuf>,

    /// Live or test mode: live or test [default: live, or test if every key that is
    /// set is a test key].
    #[arg(long, env = "PAYHOOKD_MODE")]
    pub mode: Option<Mode>,

    /// How old or how far ahead a Stripe signature may be, in seconds; `off` for any age.
    #[arg(long, value_name = "SECONDS", default_value = "300", env = "PAYHOOKD_STRIPE_TOLERANCE")]
    pub stripe_tolerance: ToleranceOption,

    /// How PayPal's webhooks are verified: here with PayPal's certificate, or by asking PayPal's API.
    #[arg(long, value_enum, default_value = "offline", env = "PAYHOOKD_PAYPAL_VERIFY")]
    pub paypal_verify: VerifyBy,

    /// How old a PayPal transmission may be: 4d, or forever. PayPal sends a webhook for three days, and
    /// its signature never ends. An older one is refused or, where PayPal's API keys are set, fetched
    /// from its API instead.
    #[arg(long, value_name = "DURATION", default_value = "4d", env = "PAYHOOKD_PAYPAL_MAX_AGE")]
    pub paypal_max_age: KeepOption,

    /// The key of Stripe's metadata under which the shop keeps its own order id.
    #[arg(
        long,
        value_name = "KEY",
        default_value = "order_id",
        value_parser = parse_key,
        env = "PAYHOOKD_ORDER_ID_KEY"
    )]
    pub order_id_key: String,

    /// The fields that hold the shop's order id: metadata, client_reference_id (Stripe), invoice_id,
    /// custom_id (PayPal). Leave out those in which the shop keeps something else, such as a customer's
    /// number. May be given several times, or several separated by commas.
    #[arg(
        long,
        value_name = "FIELD",
        value_delimiter = ',',
        default_value = "metadata,client_reference_id,invoice_id,custom_id",
        env = "PAYHOOKD_ORDER_ID_FROM"
    )]
    pub order_id_from: Vec<OrderIdSource>,

    /// A Stripe account connected to this one that is the shop's own too, such as acct_1AbC. Payments of
    /// any other are another's, and kept out of the inbox. May be given several times, or several
    /// separated by commas.
    #[arg(
        long,
        value_name = "ACCOUNT",
        value_delimiter = ',',
        value_parser = parse_account,
        env = "PAYHOOKD_OWN_ACCOUNT"
    )]
    pub own_account: Vec<String>,

    /// Where several shops share one Stripe account: an entry of the metadata that every payment of
    /// this shop has. Payments without it are another's, and kept out of the inbox. May be given
    /// several times, or several separated by commas.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', env = "PAYHOOKD_OWN_METADATA")]
    pub own_metadata: Vec<MetadataOption>,

    /// Where several shops share one PayPal account: what the invoice id of every payment of this
    /// shop begins with. May be given several times, or several separated by commas.
    #[arg(
        long,
        value_name = "PREFIX",
        value_delimiter = ',',
        value_parser = parse_key,
        env = "PAYHOOKD_OWN_INVOICE_PREFIX"
    )]
    pub own_invoice_prefix: Vec<String>,

    /// How long a payment may be without a transaction before a person is notified: webhooks regularly
    /// come before the shop has committed its row. Seconds, or with a unit: 90s, 2m, 1h.
    #[arg(long, value_name = "DURATION", default_value = "2m", env = "PAYHOOKD_ORPHAN_GRACE")]
    pub orphan_grace: DurationOption,

    /// The time zone in which people are shown times and days, such as Europe/Paris [default: the
    /// system's].
    #[arg(long, value_name = "NAME", value_parser = parse_zone, env = "PAYHOOKD_TIME_ZONE")]
    pub time_zone: Option<Zone>,

    /// How long what is received is kept.
    #[command(flatten)]
    pub keep: KeepOptions,
    /// The language of the dashboard, of alerts and of the daily report: en or fr [default: the browser's,
    /// and English].
    #[arg(long, value_name = "LANGUAGE", env = "PAYHOOKD_LANGUAGE")]
    pub language: Option<Language>,

    /// A name by which browsers reach the dashboard, such as that of its reverse proxy; IP addresses
    /// and localhost need none. May be given several times, or several separated by commas.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = parse_host,
        env = "PAYHOOKD_ADMIN_HOST"
    )]
    pub admin_host: Vec<String>,

    /// The largest body that is read, in bytes.
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "1048576",
        value_parser = parse_max_body,
        env = "PAYHOOKD_MAX_BODY"
    )]
    pub max_body: usize,

    /// The most connections that are open at once, on each listener; beyond it the one that has
    /// kept us waiting longest is closed.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "4096",
        value_parser = parse_max_connections,
        env = "PAYHOOKD_MAX_CONNECTIONS"
    )]
    pub max_connections: usize,

    /// What is logged: off, error, warn, info or debug.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "PAYHOOKD_LOG_LEVEL")]
    pub log_level: LevelFilter,

    /// How log lines are written. Under systemd the journal is told their priority instead of a time.
    #[arg(long, value_enum, default_value = "logfmt", env = "PAYHOOKD_LOG_FORMAT")]
    pub log_format: LogFormat,

    /// The providers' APIs.
    #[command(flatten)]
    pub api: ApiOptions,

    /// How often events that no webhook brought are fetched from the providers whose API keys are
    /// set: 1h, 30m, 1d, or off.
    #[arg(long, value_name = "DURATION", default_value = "1h", env = "PAYHOOKD_RECONCILE_EVERY")]
    pub reconcile_every: EveryOption,

    /// Where the providers' webhooks are to go.
    #[command(flatten)]
    pub public: PublicUrlOption,

    /// PEM certificates to trust for PayPal's signing certificate in place of the bundled DigiCert
    /// roots.
    #[arg(long, value_name = "FILE", env = "PAYHOOKD_PAYPAL_CERT_ROOTS")]
    pub paypal_cert_roots: Option<PathBuf>,

    /// Fetch PayPal's signing certificates from this host instead (HOST or HOST:PORT), for tests and staging;
    /// plain HTTP on loopback.
    #[arg(long, value_name = "HOST", value_parser = parse_cert_host, env = "PAYHOOKD_PAYPAL_CERT_HOST")]
    pub paypal_cert_host: Option<CertificateHost>,

    /// Notify the shop's app of every change of a transaction with a POST to this URL, signed with
    /// PAYHOOKD_NOTIFY_SECRET.
    #[arg(long, value_name = "URL", env = "PAYHOOKD_NOTIFY_URL")]
    pub notify_url: Option<String>,

    /// Notify of every change by running this program instead, with the message on its standard input.
    #[arg(long, value_name = "FILE", env = "PAYHOOKD_NOTIFY_COMMAND")]
    pub notify_command: Option<PathBuf>,

    /// The alert targets.
    #[command(flatten)]
    pub alerts: AlertOptions,

    /// Send the same people a report of the day before, every day at this time of the shop's zone, such as
    /// 08:00: what was taken, matched, orphaned, refunded and disputed, and what is open.
    #[arg(long, value_name = "HH:MM", env = "PAYHOOKD_DAILY_REPORT")]
    pub daily_report: Option<TimeOfDay>,

    /// For tests: a clock that stands still. There is no variable for it, so that nothing but a
    /// command line can ask for it.
    #[arg(long, hide = true, value_parser = parse_instant)]
    pub unsafe_test_clock: Option<Timestamp>,

    /// For tests: the clock tells what stands in this file.
    #[arg(long, hide = true, value_name = "PATH")]
    pub unsafe_test_clock_file: Option<PathBuf>,

    /// For tests: a file that names a fault of the database. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_faults: Option<PathBuf>,

    /// For tests: milliseconds between any two attempts to notify the app or people. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_backoff: Option<u64>,

    /// For tests: milliseconds after which missed events are fetched again. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_reconcile_every: Option<u64>,

    /// For tests: milliseconds between two looks of the monitor. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_lookout: Option<u64>,

    /// For tests: milliseconds that an attempt to notify the app may take. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_notify_limit: Option<u64>,
}

/// How long what is received is kept.
#[derive(Args, Clone, Copy, Debug)]
pub struct KeepOptions {
    /// How long bodies and headers of settled events are kept: 90d, or forever. Their rows, ids and
    /// facts stay; events of open orphans, open disputes and money under way, and those that could not
    /// be understood, are kept whole.
    #[arg(long, value_name = "DURATION", default_value = "90d", env = "PAYHOOKD_KEEP_PAYLOADS")]
    pub keep_payloads: KeepOption,

    /// How long refused requests are kept, of which there are a thousand at most: 30d, or forever.
    #[arg(long, value_name = "DURATION", default_value = "30d", env = "PAYHOOKD_KEEP_REJECTED")]
    pub keep_rejected: KeepOption,

    /// How long issues are kept after they were over, and what people were told of them: 365d, or
    /// forever.
    #[arg(long, value_name = "DURATION", default_value = "365d", env = "PAYHOOKD_KEEP_ISSUES")]
    pub keep_issues: KeepOption,
}

impl From<KeepOptions> for Keep {
    fn from(options: KeepOptions) -> Self {
        Self {
            payloads: options.keep_payloads.0,
            rejected: options.keep_rejected.0,
            issues: options.keep_issues.0,
        }
    }
}

/// A day or more, or `forever`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepOption(pub Option<Duration>);

impl std::str::FromStr for KeepOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "forever" {
            return Ok(Self(None));
        }
        match text.parse() {
            Ok(DurationOption(keep)) if keep >= ONE_DAY => Ok(Self(Some(keep))),
            _ => Err("give a day or more, such as 90d, or forever".to_owned()),
        }
    }
}

const ONE_DAY: Duration = Duration::from_secs(86_400);

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `key=value`.
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// How PayPal's webhooks are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifyBy {
    /// Here, with PayPal's certificate.
    Offline,
    /// By asking PayPal's API about each.
    Postback,
}

/// The variables that begin with `PAYHOOKD_`, so that a misspelt one is noticed: those of flags, and the
/// secrets, each of which may stand in a file.
pub fn variables() -> BTreeSet<String> {
    let command = ServeOptions::augment_args(Command::new("payhookd"));
    let of_flags =
        command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned()));
    let secrets = SECRETS.iter().filter(|name| name.starts_with("PAYHOOKD_"));
    let secrets = secrets.flat_map(|name| [(*name).to_owned(), format!("{name}_FILE")]);
    of_flags.chain(secrets).collect()
}

/// A command whose flags are set by these variables where they are not given, in place of those of this
/// process.
pub fn with_variables(command: Command, variables: &[(String, String)]) -> Command {
    let set = |arg: Arg| {
        let name = arg.get_env().and_then(|name| name.to_str());
        let value =
            variables.iter().rfind(|(known, value)| Some(&**known) == name && !value.is_empty());
        let value = value.map(|(_, value)| value.clone());
        let arg = arg.env(None);
        match value {
            Some(value) => arg.default_value(value),
            None => arg,
        }
    };
    command.mut_args(set).mut_subcommands(|command| with_variables(command, variables))
}

impl ServeOptions {
    /// The settings of a daemon with these variables and flags.
    pub fn read(variables: &[(String, String)], flags: &[OsString]) -> Result<Self, clap::Error> {
        let command = Self::augment_args(Command::new("payhookd").no_binary_name(true));
        Self::from_arg_matches(&with_variables(command, variables).try_get_matches_from(flags)?)
    }
}

/// A time zone by its name.
pub fn parse_zone(name: &str) -> Result<Zone, String> {
    Zone::named(name).ok_or_else(|| {
        "this machine knows no such time zone: give a name such as Europe/Paris or UTC, and see \
         that tzdata is installed"
            .to_owned()
    })
}

fn parse_host(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_name) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("give a host's name without a port, such as payments.example.com".to_owned()),
    }
}

fn parse_max_body(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes) if (1_024..=64 * 1024 * 1024).contains(&bytes) => Ok(bytes),
        _ => Err("give bytes from 1024 to 67108864".to_owned()),
    }
}

fn parse_max_connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (16..=100_000).contains(&number) => Ok(number),
        _ => Err("give a number from 16 to 100000".to_owned()),
    }
}

fn parse_cert_host(text: &str) -> Result<CertificateHost, String> {
    CertificateHost::parse(text).ok_or_else(|| {
        "give HOST or HOST:PORT, with http:// before it only for a loopback host".to_owned()
    })
}

/// `--stripe-tolerance`: seconds, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToleranceOption(pub Option<Duration>);

impl std::str::FromStr for ToleranceOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self(None)),
            _ => match text.parse() {
                Ok(seconds) if seconds > 0 => Ok(Self(Some(Duration::from_secs(seconds)))),
                _ => Err("give seconds from 1, such as 300, or off".to_owned()),
            },
        }
    }
}

/// A stretch of time: seconds, or a whole number with `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationOption(pub Duration);

impl std::str::FromStr for DurationOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("", 1)];
        let parsed = units.iter().find_map(|(unit, seconds)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(*seconds).filter(|seconds| *seconds <= LONGEST)
        });
        let wrong = || "give seconds, or a number with a unit: 90s, 2m, 1h, 3d".to_owned();
        parsed.map(|seconds| Self(Duration::from_secs(seconds))).ok_or_else(wrong)
    }
}

/// `--reconcile-every`: a period of a minute or more, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EveryOption(pub Option<Duration>);

impl std::str::FromStr for EveryOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self(None));
        }
        match text.parse() {
            Ok(DurationOption(every)) if every >= Duration::from_secs(60) => Ok(Self(Some(every))),
            _ => Err("give a minute or more: 30m, 1h, 1d; or off".to_owned()),
        }
    }
}

/// An instant: a date, an RFC 3339 time, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinceOption {
    /// Then; a date begins at midnight UTC.
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
}

impl SinceOption {
    /// The instant, seen from `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(duration) => now.minus(duration),
        }
    }
}

impl std::str::FromStr for SinceOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let date = || Timestamp::parse(&format!("{text}T00:00:00Z"));
        if let Ok(at) = Timestamp::parse(text).or_else(|_| date()) {
            return Ok(Self::At(at));
        }
        let ago = text.parse().map(|DurationOption(duration)| Self::Ago(duration));
        ago.map_err(|_| {
            "give a date such as 2026-11-23, a time such as 2026-11-23T11:52:03Z, or how long ago: \
             90m, 72h, 3d"
                .to_owned()
        })
    }
}

/// A century: further back or ahead nothing of ours lies.
const LONGEST: u64 = 100 * 366 * 86_400;

/// `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataOption(pub (String, String));

impl std::str::FromStr for MetadataOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                Ok(Self((key.to_owned(), value.to_owned())))
            }
            _ => Err("give KEY=VALUE, such as site=shop".to_owned()),
        }
    }
}

fn parse_key(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains(char::is_control) {
        true => Err("give at least one character, and no control characters".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn parse_account(text: &str) -> Result<String, String> {
    let is_account = text.strip_prefix("acct_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    match is_account {
        true => Ok(text.to_owned()),
        false => Err("give the id of a Stripe account, which begins with acct_".to_owned()),
    }
}

/// An RFC 3339 time.
pub fn parse_instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_a_date_or_a_duration() {
        let now = Timestamp::parse("2026-11-24T12:00:00Z").expect("a time");
        for (text, expected) in [
            ("90", "2026-11-24T11:58:30.000Z"),
            ("90s", "2026-11-24T11:58:30.000Z"),
            ("90m", "2026-11-24T10:30:00.000Z"),
            ("12h", "2026-11-24T00:00:00.000Z"),
            ("2d", "2026-11-22T12:00:00.000Z"),
            ("2026-11-23", "2026-11-23T00:00:00.000Z"),
            ("2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00.000Z"),
        ] {
            let since: SinceOption = text.parse().expect(text);
            assert_eq!(since.at(now).to_string(), expected, "{text}");
        }
        for text in ["", "d", "-2d", "2w", "yesterday", "2026-13-01", "99999999999d"] {
            assert!(text.parse::<SinceOption>().is_err(), "{text}");
        }
    }
}
