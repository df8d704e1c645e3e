//! The daemon's settings as they can be said: flags and variables, unchecked.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args, Command, FromArgMatches, ValueEnum};
use log::LevelFilter;

pub use super::values::{Limit, SinceOption, parse_instant, parse_zone};

use super::values::{
    parse_account, parse_cert_host, parse_duration, parse_entry, parse_every, parse_host,
    parse_keep, parse_key, parse_max_body, parse_max_connections, parse_tolerance,
};
use super::{Mode, SECRETS};
use crate::clients::alert::Form;
use crate::domain::language::Language;
use crate::domain::retention::Keep;
use crate::domain::time::Timestamp;
use crate::domain::zone::{TimeOfDay, Zone};
use crate::providers::paypal::certificate::CertificateHost;
use crate::providers::rules::OrderIdSource;

/// Options, one declaration each: its help, its name and type; then the word for its value, its variable, and
/// what else clap is to know of it.
macro_rules! options {
    ($(
        $(#[$about:meta])*
        struct $name:ident {
            $(
                $(#[$help:meta])*
                $field:ident: $type:ty $(= $value:literal, $variable:literal $(, $key:ident = $more:expr)*)?;
            )*
        }
    )*) => {$(
        $(#[$about])*
        pub struct $name {
            $(
                $(#[$help])*
                $(#[arg(long, value_name = $value, env = $variable $(, $key = $more)*)])?
                pub $field: $type,
            )*
        }
    )*};
}

options! {
    /// Which database a command works on.
    #[derive(Args, Clone, Debug)]
    struct DatabaseOption {
        /// The database file [default: payhookd.db, under systemd $STATE_DIRECTORY/payhookd.db; for
        /// commands the service's, if there is none in the working directory].
        db: Option<PathBuf> = "FILE", "PAYHOOKD_DB";
    }

    /// Where this machine is reached from outside.
    #[derive(Args, Clone, Debug)]
    struct PublicUrlOption {
        /// Where the providers reach this machine, such as `https://shop.example`: what they have
        /// registered is compared with it.
        public_url: Option<String> = "URL", "PAYHOOKD_PUBLIC_URL";
    }

    /// How the providers' APIs are asked.
    #[derive(Args, Clone, Debug)]
    struct ApiOptions {
        /// Base URL of Stripe's API, for tests and staging.
        stripe_api_base: Option<String> = "URL", "PAYHOOKD_STRIPE_API_BASE";
        /// Base URL of PayPal's API, for tests and staging.
        paypal_api_base: Option<String> = "URL", "PAYHOOKD_PAYPAL_API_BASE";
        /// For tests: milliseconds that an API may take to answer. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_api_limit: Option<u64>;
        /// For tests: milliseconds after which an API is asked again. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_api_pause: Option<u64>;
    }

    /// The targets through which people are notified of issues.
    #[derive(Args, Clone, Debug)]
    struct AlertOptions {
        /// Notify people of issues by posting to this URL: an incoming webhook of Slack's, a webhook of
        /// Discord's, a topic of ntfy's, or anything else that takes JSON. May be given several times. Better
        /// set PAYHOOKD_ALERT_URL, several separated by commas: such URLs are secrets.
        #[arg(long, value_name = "URL")]
        alert_url: Vec<String>;
        /// The form of what is posted there [default: by the host, or by a prefix such as ntfy+https://].
        alert_format: Option<Form> = "FORM", "PAYHOOKD_ALERT_FORMAT";
        /// Email people about issues, at this address. May be given several times, or several separated by
        /// commas; each gets emails of its own.
        alert_email: Vec<String> = "ADDRESS", "PAYHOOKD_ALERT_EMAIL", value_delimiter = ',';
        /// The address that such mail comes from [default: the first that it goes to].
        alert_from: Option<String> = "ADDRESS", "PAYHOOKD_ALERT_FROM";
        /// The server that mail goes through: smtps://HOST, or smtp://HOST:587, which is secured by STARTTLS
        /// [default: the sendmail of this machine]. With a name and password set PAYHOOKD_SMTP_URL:
        /// smtps://name:password@HOST.
        #[arg(long, value_name = "URL")]
        smtp_url: Option<String>;
        /// PEM certificates to trust for the mail server in place of the public roots, such as that of a
        /// company's own authority.
        smtp_cert_roots: Option<PathBuf> = "FILE", "PAYHOOKD_SMTP_CERT_ROOTS";
    }

    /// Settings of the daemon. Secrets are not among them, because every user of the machine can read
    /// a command line: they come from the environment or from files.
    #[derive(Args, Clone, Debug)]
    struct ServeOptions {
        /// Where the providers' webhooks come in; the reverse proxy forwards to it.
        listen: SocketAddr = "ADDRESS", "PAYHOOKD_LISTEN", default_value = "127.0.0.1:8080";
        /// Where the shop's app and its people come in.
        admin_listen: SocketAddr = "ADDRESS", "PAYHOOKD_ADMIN_LISTEN", default_value = "127.0.0.1:8081";
        /// The database.
        #[command(flatten)]
        db: DatabaseOption;
        /// The file that the admin listener's token stands in; made if it does not exist [default:
        /// api-token, beside the database].
        api_token_file: Option<PathBuf> = "FILE", "PAYHOOKD_API_TOKEN_FILE";
        /// Live or test mode: live or test [default: live, or test if every key that is
        /// set is a test key].
        mode: Option<Mode> = "MODE", "PAYHOOKD_MODE";
        /// How old or how far ahead a Stripe signature may be, in seconds; `off` for any age.
        stripe_tolerance: Limit = "SECONDS", "PAYHOOKD_STRIPE_TOLERANCE",
            default_value = "300", value_parser = parse_tolerance;
        /// How PayPal's webhooks are verified: here with PayPal's certificate, or by asking PayPal's API.
        paypal_verify: VerifyBy = "METHOD", "PAYHOOKD_PAYPAL_VERIFY", default_value = "offline";
        /// How old a PayPal transmission may be: 4d, or forever. PayPal sends a webhook for three days, and
        /// its signature never ends. An older one is refused or, where PayPal's API keys are set, fetched
        /// from its API instead.
        paypal_max_age: Limit = "DURATION", "PAYHOOKD_PAYPAL_MAX_AGE",
            default_value = "4d", value_parser = parse_keep;
        /// The key of Stripe's metadata under which the shop keeps its own order id.
        order_id_key: String = "KEY", "PAYHOOKD_ORDER_ID_KEY",
            default_value = "order_id", value_parser = parse_key;
        /// The fields that hold the shop's order id: metadata, client_reference_id (Stripe), invoice_id,
        /// custom_id (PayPal). Leave out those in which the shop keeps something else, such as a customer's
        /// number. May be given several times, or several separated by commas.
        order_id_from: Vec<OrderIdSource> = "FIELD", "PAYHOOKD_ORDER_ID_FROM",
            value_delimiter = ',', default_value = "metadata,client_reference_id,invoice_id,custom_id";
        /// A Stripe account connected to this one that is the shop's own too, such as acct_1AbC. Payments of
        /// any other are another's, and not listed as unmatched. May be given several times, or several
        /// separated by commas.
        own_account: Vec<String> = "ACCOUNT", "PAYHOOKD_OWN_ACCOUNT",
            value_delimiter = ',', value_parser = parse_account;
        /// Where several shops share one Stripe account: an entry of the metadata that every payment of
        /// this shop has. Payments without it are another's, and not listed as unmatched. May be given
        /// several times, or several separated by commas.
        own_metadata: Vec<(String, String)> = "KEY=VALUE", "PAYHOOKD_OWN_METADATA",
            value_delimiter = ',', value_parser = parse_entry;
        /// Where several shops share one PayPal account: what the invoice id of every payment of this
        /// shop begins with. May be given several times, or several separated by commas.
        own_invoice_prefix: Vec<String> = "PREFIX", "PAYHOOKD_OWN_INVOICE_PREFIX",
            value_delimiter = ',', value_parser = parse_key;
        /// How long a payment may be without a transaction before a person is notified: webhooks regularly
        /// come before the shop has committed its row. Seconds, or with a unit: 90s, 2m, 1h.
        orphan_grace: Duration = "DURATION", "PAYHOOKD_ORPHAN_GRACE",
            default_value = "2m", value_parser = parse_duration;
        /// The time zone in which people are shown times and days, such as Europe/Paris [default: the
        /// system's].
        time_zone: Option<Zone> = "NAME", "PAYHOOKD_TIME_ZONE", value_parser = parse_zone;
        /// How long what is received is kept.
        #[command(flatten)]
        keep: KeepOptions;
        /// The language of the dashboard, of alerts and of the daily report: en or fr [default: the browser's,
        /// and English].
        language: Option<Language> = "LANGUAGE", "PAYHOOKD_LANGUAGE";
        /// A name by which browsers reach the dashboard, such as that of its reverse proxy; IP addresses
        /// and localhost need none. May be given several times, or several separated by commas.
        admin_host: Vec<String> = "NAME", "PAYHOOKD_ADMIN_HOST",
            value_delimiter = ',', value_parser = parse_host;
        /// The largest body that is read, in bytes.
        max_body: usize = "BYTES", "PAYHOOKD_MAX_BODY",
            default_value = "1048576", value_parser = parse_max_body;
        /// The most connections that are open at once, on each listener; beyond it the one that has
        /// kept us waiting longest is closed.
        max_connections: usize = "NUMBER", "PAYHOOKD_MAX_CONNECTIONS",
            default_value = "4096", value_parser = parse_max_connections;
        /// The least that is logged: off, error, warn, info or debug.
        log_level: LevelFilter = "LEVEL", "PAYHOOKD_LOG_LEVEL", default_value = "info";
        /// How log lines are written. Under systemd the journal is told their priority instead of a time.
        log_format: LogFormat = "FORMAT", "PAYHOOKD_LOG_FORMAT", default_value = "logfmt";
        /// The providers' APIs.
        #[command(flatten)]
        api: ApiOptions;
        /// How often events that no webhook brought are fetched from the providers whose API keys are
        /// set: 1h, 30m, 1d, or off.
        reconcile_every: Limit = "DURATION", "PAYHOOKD_RECONCILE_EVERY",
            default_value = "1h", value_parser = parse_every;
        /// Where the providers' webhooks are to go.
        #[command(flatten)]
        public: PublicUrlOption;
        /// PEM certificates to trust for PayPal's signing certificate in place of the bundled DigiCert
        /// roots.
        paypal_cert_roots: Option<PathBuf> = "FILE", "PAYHOOKD_PAYPAL_CERT_ROOTS";
        /// Fetch PayPal's signing certificates from this host instead (HOST or HOST:PORT), for tests and staging;
        /// plain HTTP on loopback.
        paypal_cert_host: Option<CertificateHost> = "HOST", "PAYHOOKD_PAYPAL_CERT_HOST",
            value_parser = parse_cert_host;
        /// Notify the shop's app of every change of a transaction with a POST to this URL, signed with
        /// PAYHOOKD_NOTIFY_SECRET.
        notify_url: Option<String> = "URL", "PAYHOOKD_NOTIFY_URL";
        /// Notify of every change by running this program instead, with the message on its standard input.
        notify_command: Option<PathBuf> = "FILE", "PAYHOOKD_NOTIFY_COMMAND";
        /// The alert targets.
        #[command(flatten)]
        alerts: AlertOptions;
        /// Send the same people a report of the day before, every day at this time of the shop's zone, such as
        /// 08:00: what was taken, matched, orphaned, refunded and disputed, and what is open.
        daily_report: Option<TimeOfDay> = "HH:MM", "PAYHOOKD_DAILY_REPORT";
        /// Where people open the dashboard, such as `https://payhookd.shop.example`: alerts link to it. Not a public
        /// address, if the dashboard has none.
        dashboard_url: Option<String> = "URL", "PAYHOOKD_DASHBOARD_URL";
        /// For tests: a clock that stands still. There is no variable for it, so that nothing but a
        /// command line can ask for it.
        #[arg(long, hide = true, value_parser = parse_instant)]
        unsafe_test_clock: Option<Timestamp>;
        /// For tests: the clock shows the time that stands in this file. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_clock_file: Option<PathBuf>;
        /// For tests: a file that names a fault of the database. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_faults: Option<PathBuf>;
        /// For tests: milliseconds between any two attempts to notify the app or people. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_backoff: Option<u64>;
        /// For tests: milliseconds after which missed events are fetched again. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_reconcile_every: Option<u64>;
        /// For tests: milliseconds between two looks of the monitor. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_lookout: Option<u64>;
        /// For tests: milliseconds that an attempt to notify the app may take. No variable either.
        #[arg(long, hide = true)]
        unsafe_test_notify_limit: Option<u64>;
    }

    /// How long what is received is kept.
    #[derive(Args, Clone, Copy, Debug)]
    struct KeepOptions {
        /// How long bodies and headers of settled events are kept: 90d, or forever. Their rows, ids and
        /// facts stay; events of open orphans, open disputes and money under way, and those that could not
        /// be understood, are kept whole.
        keep_payloads: Limit = "DURATION", "PAYHOOKD_KEEP_PAYLOADS",
            default_value = "90d", value_parser = parse_keep;
        /// How long refused requests are kept, of which there are a thousand at most: 30d, or forever.
        keep_rejected: Limit = "DURATION", "PAYHOOKD_KEEP_REJECTED",
            default_value = "30d", value_parser = parse_keep;
        /// How long issues are kept after they were over, and what was sent of them: 365d, or
        /// forever.
        keep_issues: Limit = "DURATION", "PAYHOOKD_KEEP_ISSUES",
            default_value = "365d", value_parser = parse_keep;
    }
}

impl KeepOptions {
    /// As the store has it.
    pub fn keep(self) -> Keep {
        let Self { keep_payloads: payloads, keep_rejected: rejected, keep_issues: issues } = self;
        Keep { payloads, rejected, issues }
    }
}

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
