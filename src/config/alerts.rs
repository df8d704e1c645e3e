//! The targets through which people are notified of issues.

use hyper::Uri;
use lettre::message::Mailbox;
use sha2::{Digest, Sha256};

use super::api::is_loopback;
use super::options::AlertOptions;
use super::{Checks, ConfigError};
use crate::clients::alert::Form;
use crate::clients::mail::Via;
use crate::domain::delivery::Schedule;
use crate::domain::secret::Secret;

/// The alert targets, and when attempts are made.
#[derive(Clone, Debug)]
pub struct AlertConfig {
    /// All of them; maybe none.
    pub targets: Vec<AlertTarget>,
    /// When attempts are made.
    pub schedule: Schedule,
}

/// One target.
#[derive(Clone, Debug)]
pub struct AlertTarget {
    /// Its name in the log: its form and a fingerprint.
    pub name: String,
    /// How it is reached.
    pub way: AlertWay,
}

/// How a target is reached.
#[derive(Clone, Debug)]
pub enum AlertWay {
    /// Messages of this form are posted to this URL.
    Url(Form, Secret),
    /// Mail is sent.
    Mail {
        /// From this address.
        from: Mailbox,
        /// To this one.
        to: Mailbox,
        /// How.
        via: Via,
    },
}

impl AlertConfig {
    /// Checks flags and environment of a command that sends alerts.
    pub fn new(
        options: &AlertOptions,
        variables: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let checked = Checks::run(variables, |checks| checks.alerts(options, Schedule::STANDARD));
        Ok(checked?.0)
    }
}

impl Checks<'_> {
    pub(super) fn alerts(&mut self, options: &AlertOptions, schedule: Schedule) -> AlertConfig {
        let mut targets: Vec<AlertTarget> = Vec::new();
        let urls: Vec<String> =
            self.list(URL).into_iter().chain(options.alert_url.clone()).collect();
        if options.alert_url.iter().any(|url| form(url).is_some_and(|(form, _)| is_bearer(form))) {
            self.warn(format!(
                "--alert-url: who knows this URL can write there, and every user of the machine \
                 can read a command line: set {URL} instead"
            ));
        }
        for url in &urls {
            let Some(target) = self.alert_url(url, options.alert_format) else { continue };
            if targets.iter().all(|known| known.name != target.name) {
                targets.push(target);
            }
        }
        targets.extend(self.mail(options));
        AlertConfig { targets, schedule }
    }

    /// The URL is a secret: no mistake repeats it.
    fn alert_url(&mut self, text: &str, format: Option<Form>) -> Option<AlertTarget> {
        let Some((form, url)) = form(text) else {
            self.mistake(format!(
                "{URL}: one of them is not an http or https URL: give one such as \
                 https://hooks.slack.com/services/…, or with its form before it: \
                 ntfy+https://push.shop.example/payments"
            ));
            return None;
        };
        let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        if url.starts_with("http:") && !host.is_some_and(|host| is_loopback(&host)) {
            self.warn(format!(
                "{URL}: one of them is plain http to another host: whoever is on the way can read \
                 and hold back alerts"
            ));
        }
        let form = format.unwrap_or(form);
        let name = fingerprint(form.as_str(), &url);
        Some(AlertTarget { name, way: AlertWay::Url(form, Secret::new(url)) })
    }
}

/// The form of the messages that a URL takes, by its prefix or else its host, and the URL without the
/// prefix; `None` if it is none.
fn form(text: &str) -> Option<(Form, String)> {
    let said = Form::ALL
        .iter()
        .find_map(|form| Some((*form, text.strip_prefix(form.as_str())?.strip_prefix('+')?)));
    let url = said.map_or(text, |(_, url)| url);
    let uri: Uri = url.parse().ok()?;
    let host = uri.host().filter(|_| matches!(uri.scheme_str(), Some("http" | "https")))?;
    let form = match host {
        "hooks.slack.com" => Form::Slack,
        "discord.com" | "discordapp.com" => Form::Discord,
        "ntfy.sh" => Form::Ntfy,
        _ => Form::Json,
    };
    Some((said.map_or(form, |(said, _)| said), url.to_owned()))
}

/// Whether knowing the URL is enough to write there.
fn is_bearer(form: Form) -> bool {
    matches!(form, Form::Slack | Form::Discord)
}

/// Tells targets of one form apart without telling anything of them.
pub(super) fn fingerprint(form: &str, secret: &str) -> String {
    let digest = Sha256::digest(secret);
    let beginning: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{form}-{beginning}")
}

const URL: &str = "PAYHOOKD_ALERT_URL";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_follows_from_the_prefix_or_the_host() {
        for (text, expected) in [
            ("https://hooks.slack.com/services/T/B/x", Some((Form::Slack, 0))),
            ("https://discord.com/api/webhooks/1/x", Some((Form::Discord, 0))),
            ("https://ntfy.sh/shop", Some((Form::Ntfy, 0))),
            ("ntfy+https://push.shop.example/shop", Some((Form::Ntfy, 5))),
            ("slack+http://127.0.0.1:9/hook", Some((Form::Slack, 6))),
            ("json+https://hooks.slack.com/x", Some((Form::Json, 5))),
            ("https://shop.example/alerts", Some((Form::Json, 0))),
            ("http://hooks.slack.com.evil.example/", Some((Form::Json, 0))),
            ("ftp://shop.example/", None),
            ("slack+shop", None),
            ("teams+https://shop.example/", None),
            ("", None),
        ] {
            let expected = expected.map(|(form, prefix)| (form, text[prefix..].to_owned()));
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn a_fingerprint_tells_apart_and_tells_nothing() {
        let one = fingerprint("slack", "https://hooks.slack.com/services/T/B/x");
        assert_eq!(one.len(), "slack-".len() + 8);
        assert_ne!(one, fingerprint("slack", "https://hooks.slack.com/services/T/B/y"));
    }
}
