//! The keys of the providers' APIs, and where those are.

use std::net::IpAddr;
use std::time::Duration;

use hyper::Uri;

use super::options::ApiOptions;
use super::{Checks, ConfigError, Mode};
use crate::clients::keys::{ApiConfig, PaypalKeys, RetryPolicy, StripeKeys};
use crate::domain::secret::Secret;
use crate::providers::paypal::Environment;

impl ApiConfig {
    /// Checks flags and environment of a command that asks the APIs; also gives the mode. That is
    /// `mode`, the daemon's, and keys of the other are a mistake; or else what the keys say.
    pub fn new(
        options: &ApiOptions,
        mode: Option<Mode>,
        variables: &[(String, String)],
    ) -> Result<(Self, Mode), ConfigError> {
        let checked = Checks::run(variables, |checks| {
            let mode = checks.mode(mode);
            (checks.api(options, mode), mode)
        });
        Ok(checked?.0)
    }
}

impl Checks<'_> {
    /// The API keys that say which mode they are for: name and mode.
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
            match Environment::parse(environment) {
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

    /// The mode that is given, else that of the keys; keys of another are a mistake.
    pub(super) fn mode(&mut self, given: Option<Mode>) -> Mode {
        let keys = self.api_keys();
        let said_by = |mode: Mode| {
            let names = keys.iter().filter(|(_, said)| *said == mode).map(|(name, _)| *name);
            names.collect::<Vec<_>>().join(", ")
        };
        if let Some(mode) = given {
            let other = if mode == Mode::Live { Mode::Test } else { Mode::Live };
            if keys.iter().any(|(_, said)| *said == other) {
                self.mistake(format!(
                    "PAYHOOKD_MODE is {mode}, but {} says {other}: live and test mode can't be \
                     mixed; set keys of one kind",
                    said_by(other)
                ));
            }
            return mode;
        }
        let (live, test) = (said_by(Mode::Live), said_by(Mode::Test));
        if !live.is_empty() && !test.is_empty() {
            self.mistake(format!(
                "{live} says live, but {test} says test: live and test mode can't be mixed; set \
                 keys of one kind"
            ));
        }
        if live.is_empty() && !test.is_empty() { Mode::Test } else { Mode::Live }
    }

    pub(crate) fn api(&mut self, options: &ApiOptions, mode: Mode) -> ApiConfig {
        let stripe_base = self.base("--stripe-api-base", options.stripe_api_base.as_deref());
        let paypal_base = self.base("--paypal-api-base", options.paypal_api_base.as_deref());
        let stripe = self.secret("STRIPE_SECRET_KEY").map(|secret_key| StripeKeys {
            api_base: stripe_base.unwrap_or_else(|| "https://api.stripe.com".to_owned()),
            secret_key: Secret::new(secret_key),
        });
        let client_id = self.secret("PAYPAL_CLIENT_ID");
        let client_secret = self.secret("PAYPAL_CLIENT_SECRET");
        let paypal = match (client_id, client_secret) {
            (Some(client_id), Some(client_secret)) => Some(PaypalKeys {
                api_base: paypal_base.unwrap_or_else(|| {
                    match mode {
                        Mode::Live => "https://api-m.paypal.com",
                        Mode::Test => "https://api-m.sandbox.paypal.com",
                    }
                    .to_owned()
                }),
                client_id,
                client_secret: Secret::new(client_secret),
            }),
            (None, None) => None,
            (id, _) => {
                let (set, unset) = match id {
                    Some(_) => ("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET"),
                    None => ("PAYPAL_CLIENT_SECRET", "PAYPAL_CLIENT_ID"),
                };
                self.warn(format!("{set} is set without {unset}: PayPal's API can't be asked"));
                None
            }
        };
        let mut patience = RetryPolicy::STANDARD;
        let of_test = |millis: Option<u64>, usual| millis.map_or(usual, Duration::from_millis);
        patience.call = of_test(options.unsafe_test_api_limit, patience.call);
        patience.pause = of_test(options.unsafe_test_api_pause, patience.pause);
        ApiConfig { stripe, paypal, patience }
    }

    /// Keys are sent there, so nobody on the way may read them.
    fn base(&mut self, flag: &str, given: Option<&str>) -> Option<String> {
        let given = given.filter(|given| !given.is_empty())?;
        let base: Option<Uri> = given.parse().ok();
        let scheme = base.as_ref().and_then(Uri::scheme_str);
        let authority = base.as_ref().and_then(Uri::authority).map(|it| (it.as_str(), it.host()));
        match (scheme, authority) {
            (Some("https"), Some((authority, _))) if !authority.contains('@') => {}
            (Some("http"), Some((authority, host)))
                if is_loopback(host) && !authority.contains('@') => {}
            _ => self.mistake(format!(
                "{flag}: neither an https URL nor one of this machine: give one such as \
                 http://127.0.0.1:12111"
            )),
        }
        Some(given.trim_end_matches('/').to_owned())
    }

    /// The URL that the providers must be able to reach: their endpoints are compared with it.
    pub(crate) fn public_url(&mut self, given: Option<&str>) -> Option<String> {
        self.web_url("--public-url", "https://shop.example", given)
    }

    /// Alerts link to it.
    pub(crate) fn dashboard_url(&mut self, given: Option<&str>) -> Option<String> {
        self.web_url("--dashboard-url", "https://payhookd.shop.example", given)
    }

    fn web_url(&mut self, option: &str, example: &str, given: Option<&str>) -> Option<String> {
        let given = given.filter(|given| !given.is_empty())?;
        let url: Option<Uri> = given.parse().ok();
        let is_web =
            |url: &Uri| matches!(url.scheme_str(), Some("https" | "http")) && url.query().is_none();
        if !url.as_ref().is_some_and(is_web) {
            self.mistake(format!("{option}: no URL: give one such as {example}"));
        }
        Some(given.trim_end_matches('/').to_owned())
    }
}

/// Whether a host is this machine by its name or number.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
