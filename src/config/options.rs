//! The daemon's settings as they can be said: flags and variables, unchecked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use log::LevelFilter;

use super::Mode;
use crate::domain::time::Timestamp;
use crate::providers::paypal::certificate::CertificateHost;

/// Which database a command works on.
#[derive(Args, Clone, Debug)]
pub struct DatabaseOption {
    /// The database file [default: payhookd.db, under systemd $STATE_DIRECTORY/payhookd.db].
    #[arg(long, value_name = "FILE", env = "PAYHOOKD_DB")]
    pub db: Option<PathBuf>,
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

    /// Which money this daemon is about: live or test [default: live, or test if every key that is
    /// set is a test key].
    #[arg(long, value_parser = parse_mode, env = "PAYHOOKD_MODE")]
    pub mode: Option<Mode>,

    /// How old or how far ahead a Stripe signature may be, in seconds; `off` for any age.
    #[arg(long, value_name = "SECONDS", default_value = "300", env = "PAYHOOKD_STRIPE_TOLERANCE")]
    pub stripe_tolerance: ToleranceOption,

    /// How PayPal's webhooks are proved: here with PayPal's certificate, or by asking PayPal's API.
    #[arg(long, value_enum, default_value = "offline", env = "PAYHOOKD_PAYPAL_VERIFY")]
    pub paypal_verify: VerifyBy,

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

    /// Base URL of Stripe's API, for tests and staging.
    #[arg(long, value_name = "URL", env = "PAYHOOKD_STRIPE_API_BASE")]
    pub stripe_api_base: Option<String>,

    /// Base URL of PayPal's API, for tests and staging.
    #[arg(long, value_name = "URL", env = "PAYHOOKD_PAYPAL_API_BASE")]
    pub paypal_api_base: Option<String>,

    /// PEM certificates to trust for PayPal's signing certificate in place of the bundled DigiCert
    /// roots.
    #[arg(long, value_name = "FILE", env = "PAYHOOKD_PAYPAL_CERT_ROOTS")]
    pub paypal_cert_roots: Option<PathBuf>,

    /// Fetch PayPal's signing certificates from this host instead (HOST or HOST:PORT), for tests and staging;
    /// plain HTTP on loopback.
    #[arg(long, value_name = "HOST", value_parser = parse_cert_host, env = "PAYHOOKD_PAYPAL_CERT_HOST")]
    pub paypal_cert_host: Option<CertificateHost>,

    /// For tests: a clock that stands still. There is no variable for it, so that nothing but a
    /// command line can ask for it.
    #[arg(long, hide = true, value_parser = parse_instant)]
    pub unsafe_test_clock: Option<Timestamp>,

    /// For tests: a file that names a fault of the database. No variable either.
    #[arg(long, hide = true)]
    pub unsafe_test_faults: Option<PathBuf>,
}

/// How PayPal's webhooks are proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifyBy {
    /// Here, with PayPal's certificate.
    Offline,
    /// By asking PayPal's API about each.
    Postback,
}

/// The variables that begin with `PAYHOOKD_`, so that a misspelt one is noticed.
pub const VARIABLES: &[&str] = &[
    "PAYHOOKD_ADMIN_LISTEN",
    "PAYHOOKD_API_TOKEN",
    "PAYHOOKD_API_TOKEN_FILE",
    "PAYHOOKD_DB",
    "PAYHOOKD_LISTEN",
    "PAYHOOKD_LOG_LEVEL",
    "PAYHOOKD_MAX_BODY",
    "PAYHOOKD_MAX_CONNECTIONS",
    "PAYHOOKD_MODE",
    "PAYHOOKD_PAYPAL_API_BASE",
    "PAYHOOKD_PAYPAL_CERT_HOST",
    "PAYHOOKD_PAYPAL_CERT_ROOTS",
    "PAYHOOKD_PAYPAL_VERIFY",
    "PAYHOOKD_STRIPE_API_BASE",
    "PAYHOOKD_STRIPE_TOLERANCE",
];

/// `live` or `test`.
pub fn parse_mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).ok_or_else(|| "give live or test".to_owned())
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

fn parse_instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}
