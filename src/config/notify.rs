//! How the shop's app is notified of changes: a URL and secrets, or a program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::Uri;

use super::Checks;
use super::api::is_loopback;
use super::options::ServeOptions;
use crate::clients::standard_webhooks::NotifyKeys;
use crate::clients::{app, command};
use crate::domain::delivery::Schedule;

/// The target of notifications, and when attempts are made.
#[derive(Clone, Debug)]
pub struct NotifyConfig {
    /// The app or a program.
    pub target: NotifyTarget,
    /// How long one attempt may take.
    pub limit: Duration,
    /// When attempts are made.
    pub schedule: Schedule,
}

/// The target of notifications.
#[derive(Clone, Debug)]
pub enum NotifyTarget {
    /// The app at a URL.
    Url {
        /// Where messages are posted.
        url: String,
        /// The keys that sign them.
        keys: NotifyKeys,
    },
    /// A program.
    Command(PathBuf),
}

impl NotifyTarget {
    /// Its name in the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Url { .. } => "url",
            Self::Command(_) => "command",
        }
    }
}

impl Checks<'_> {
    pub(super) fn notify(&mut self, options: &ServeOptions) -> Option<NotifyConfig> {
        let secrets = self.list(SECRET);
        let url = options.notify_url.as_deref().filter(|url| !url.is_empty());
        let (target, limit) = match (url, &options.notify_command) {
            (None, None) => {
                if !secrets.is_empty() {
                    self.warn(format!(
                        "{SECRET} is set, but no --notify-url: the app is not notified"
                    ));
                }
                return None;
            }
            (Some(_), Some(_)) => {
                self.mistake("--notify-url and --notify-command are both set: remove one of them");
                return None;
            }
            (Some(url), None) => (self.url(url, &secrets)?, app::LIMIT),
            (None, Some(path)) => (self.command(path)?, command::LIMIT),
        };
        let limit = options.unsafe_test_notify_limit.map_or(limit, Duration::from_millis);
        Some(NotifyConfig { target, limit, schedule: schedule(options) })
    }

    fn url(&mut self, url: &str, secrets: &[String]) -> Option<NotifyTarget> {
        let parsed = url.parse::<Uri>().ok();
        let authority = parsed.as_ref().and_then(Uri::authority);
        match (parsed.as_ref().and_then(Uri::scheme_str), authority) {
            (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
                self.mistake(
                    "--notify-url: a name or password in it, which every user of the machine could \
                     read: leave it out; the app knows a message by its signature",
                );
            }
            (Some("https"), Some(_)) => {}
            (Some("http"), Some(authority)) => {
                if !is_loopback(authority.host()) {
                    self.warn(
                        "--notify-url is plain http to another host: whoever is on the way can \
                         read and hold back messages",
                    );
                }
            }
            _ => self.mistake(
                "--notify-url: not an http or https URL: give one such as \
                 http://127.0.0.1:8000/payhookd/",
            ),
        }
        if secrets.is_empty() {
            self.mistake(format!(
                "--notify-url needs a secret to sign with: set {SECRET} to the output of \
                 `echo whsec_$(openssl rand -base64 32)`, here and in the app"
            ));
            return None;
        }
        match NotifyKeys::parse(secrets.iter().map(String::as_str)) {
            Ok(keys) => Some(NotifyTarget::Url { url: url.to_owned(), keys }),
            Err(error) => {
                self.mistake(format!(
                    "{SECRET}: {error}: make one with `echo whsec_$(openssl rand -base64 32)`"
                ));
                None
            }
        }
    }

    fn command(&mut self, path: &Path) -> Option<NotifyTarget> {
        if path.is_absolute() && path.is_file() {
            return Some(NotifyTarget::Command(path.to_owned()));
        }
        self.mistake(format!(
            "--notify-command: {} is not the absolute path of a file: give one such as \
             /usr/local/bin/order-changed",
            path.display()
        ));
        None
    }
}

/// When attempts are made to notify the app, or people.
pub(super) fn schedule(options: &ServeOptions) -> Schedule {
    let fixed = options.unsafe_test_backoff.map(Duration::from_millis);
    fixed.map_or(Schedule::STANDARD, Schedule::fixed)
}

const SECRET: &str = "PAYHOOKD_NOTIFY_SECRET";
