//! Mail about issues: from whom, to whom, and how it goes.

use std::path::{Path, PathBuf};

use hyper::Uri;
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;

use super::Checks;
use super::alerts::{AlertTarget, AlertWay, fingerprint};
use super::api::is_loopback;
use super::options::AlertOptions;
use crate::clients::mail::{Roots, Security, Server, Via};
use crate::domain::secret::Secret;

impl Checks<'_> {
    /// Each address is a target of its own, so that one that is gone keeps no mail from the others.
    pub(super) fn mail(&mut self, options: &AlertOptions) -> Vec<AlertTarget> {
        let before = self.mistakes.len();
        let server = self.mail_server(options);
        let is_wrong = self.mistakes.len() > before;
        if options.alert_email.is_empty() {
            if server.is_some() {
                self.warn(format!("{SMTP} is set, but no --alert-email: no mail is sent"));
            }
            return Vec::new();
        }
        let mut to: Vec<(String, Mailbox)> = Vec::new();
        for address in &options.alert_email {
            let name = fingerprint("mail", address);
            let mailbox = self.mailbox("--alert-email", address);
            if to.iter().all(|(known, _)| *known != name) {
                to.extend(mailbox.map(|mailbox| (name, mailbox)));
            }
        }
        let from = match &options.alert_from {
            Some(address) => self.mailbox("--alert-from", address),
            // Most servers take mail from an address that is theirs only.
            None => to.first().map(|(_, mailbox)| mailbox.clone()),
        };
        let via = match server {
            Some(via) => Some(via),
            None if is_wrong => None,
            None => {
                let found = sendmail(self.variable("PATH"));
                if found.is_none() {
                    self.mistake(format!(
                        "--alert-email: no sendmail on this machine: set {SMTP}, such as \
                         smtps://name:password@mail.shop.example"
                    ));
                }
                found.map(Via::Sendmail)
            }
        };
        let (Some(from), Some(via)) = (from, via) else { return Vec::new() };
        let target = |(name, to)| {
            let way = AlertWay::Mail { from: from.clone(), to, via: via.clone() };
            AlertTarget { name, way }
        };
        to.into_iter().map(target).collect()
    }

    /// From the flag, or else the secret.
    fn mail_server(&mut self, options: &AlertOptions) -> Option<Via> {
        let secret = self.secret(SMTP);
        let roots = self.mail_roots(options.smtp_cert_roots.as_deref());
        let url = match (&options.smtp_url, secret) {
            (Some(_), Some(_)) => {
                self.mistake(format!("--smtp-url and {SMTP} are both set: remove one of them"));
                return None;
            }
            (Some(url), None) if url.contains('@') => {
                self.mistake(format!(
                    "--smtp-url: a name and password in it, which every user of the machine could \
                     read: set {SMTP} instead"
                ));
                return None;
            }
            (Some(url), None) => url.clone(),
            (None, Some(url)) => url,
            (None, None) => {
                if roots.is_some() {
                    self.warn(format!("{ROOTS} is set, but no {SMTP}: no server needs them"));
                }
                return None;
            }
        };
        let via = server(&url).map(|server| Via::server(&server, roots.as_ref()));
        let Some(Ok(via)) = via else {
            self.mistake(format!(
                "{SMTP}: not the URL of a mail server: give one such as \
                 smtps://name:password@mail.shop.example or smtp://mail.shop.example:587; in name \
                 and password write %40 for @, %3A for :, %2F for /, %23 for # and %25 for %"
            ));
            return None;
        };
        Some(via)
    }

    fn mail_roots(&mut self, file: Option<&Path>) -> Option<Roots> {
        let file = file?;
        let wrong = match std::fs::read(file) {
            Ok(pem) => match Roots::from_pem(&pem) {
                Ok(roots) => return Some(roots),
                Err(error) => error.to_string(),
            },
            Err(error) => format!("can't be read ({error})"),
        };
        self.mistake(format!(
            "{ROOTS}: {} {wrong}: give a file of PEM certificates that payhookd may read",
            file.display()
        ));
        None
    }

    fn mailbox(&mut self, flag: &str, address: &str) -> Option<Mailbox> {
        let mailbox = address.parse().ok();
        if mailbox.is_none() {
            self.mistake(format!(
                "{flag}: not an email address: give one such as owner@shop.example"
            ));
        }
        mailbox
    }
}

/// The server at an `smtps://` or `smtp://` URL, if it is one, which may have a name and a password in it. Plain SMTP
/// is secured by STARTTLS before anything is said, unless the server is this machine.
fn server(url: &str) -> Option<Server> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let host = authority.host();
    let (security, usual_port) = match uri.scheme_str() {
        Some("smtps") => (Security::Tls, 465),
        Some("smtp") if is_loopback(host) => (Security::None, 25),
        Some("smtp") => (Security::StartTls, 587),
        _ => return None,
    };
    // What follows a # is not part of a Uri.
    let is_more = uri.query().is_some() || !matches!(uri.path(), "" | "/") || url.contains('#');
    if host.is_empty() || is_more {
        return None;
    }
    let (login, place) = match authority.as_str().rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, authority.as_str()),
    };
    let port = match place.strip_prefix(host).and_then(|port| port.strip_prefix(':')) {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None => usual_port,
    };
    let decoded = |text: &str| {
        // What is not encoded rightly may be meant otherwise.
        let is_digits =
            |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        let decoded = percent_decode_str(text).decode_utf8().ok();
        let decoded = decoded.filter(|_| text.split('%').skip(1).all(is_digits));
        decoded.filter(|text| !text.is_empty()).map(String::from)
    };
    let login = match login {
        Some(login) => {
            let (name, password) = login.split_once(':')?;
            Some((decoded(name)?, Secret::new(decoded(password)?)))
        }
        None => None,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(Server { host, port, security, login })
}

/// Where the sendmail of this machine is, if it has one.
fn sendmail(path: Option<&str>) -> Option<PathBuf> {
    let folders = path.unwrap_or_default().split(':').chain(["/usr/sbin", "/usr/lib"]);
    folders.map(|folder| Path::new(folder).join("sendmail")).find(|file| file.is_file())
}

const SMTP: &str = "PAYHOOKD_SMTP_URL";
const ROOTS: &str = "--smtp-cert-roots";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_server_is_spoken_to_follows_from_its_url() {
        for (url, host, port, security) in [
            ("smtps://mail.shop.example", "mail.shop.example", 465, Security::Tls),
            ("smtps://mail.shop.example:4650/", "mail.shop.example", 4650, Security::Tls),
            ("smtps://localhost", "localhost", 465, Security::Tls),
            ("smtp://mail.shop.example", "mail.shop.example", 587, Security::StartTls),
            ("smtp://192.0.2.1:25", "192.0.2.1", 25, Security::StartTls),
            ("smtp://[2001:db8::1]", "2001:db8::1", 587, Security::StartTls),
            ("smtp://localhost.shop.example", "localhost.shop.example", 587, Security::StartTls),
            ("smtp://127.0.0.1:1@mail.shop.example", "mail.shop.example", 587, Security::StartTls),
            ("smtp://localhost", "localhost", 25, Security::None),
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, Security::None),
            ("smtp://[::1]:2525/", "::1", 2525, Security::None),
        ] {
            let found = server(url).map(|it| (it.host, it.port, it.security));
            assert_eq!(found, Some((host.to_owned(), port, security)), "{url}");
        }
    }

    #[test]
    fn a_name_and_a_password_stand_in_it_encoded() {
        for (url, expected) in [
            ("smtps://mail.shop.example", None),
            ("smtps://shop%40shop.example:a%3Ab%2Fc@mail.shop.example", Some("a:b/c")),
            ("smtps://shop%40shop.example:a:b@mail.shop.example:465", Some("a:b")),
        ] {
            let login = server(url).expect(url).login;
            let expected = expected.map(|it| ("shop@shop.example".to_owned(), it.to_owned()));
            let login = login.map(|(name, password)| (name, password.reveal().to_owned()));
            assert_eq!(login, expected, "{url}");
        }
        for url in [
            "",
            "mail.shop.example",
            "https://mail.shop.example",
            "smtps://",
            "smtps://:465",
            "smtps://mail.shop.example:",
            "smtps://mail.shop.example:0",
            "smtps://mail.shop.example:65536",
            "smtps://mail.shop.example/shop",
            "smtps://mail.shop.example?tls=none",
            "smtps://name@mail.shop.example",
            "smtps://name:@mail.shop.example",
            "smtps://:password@mail.shop.example",
            "smtps://name:50%@mail.shop.example",
            "smtps://name:a/b@mail.shop.example",
            "smtps://name:1#2@mail.shop.example",
        ] {
            assert!(server(url).is_none(), "{url}");
        }
    }
}
