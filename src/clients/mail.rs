//! Mail to people: through a server, or the sendmail of this machine.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::iter::successors;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};
use rustix::thread::no_new_privs;
use rustls::CertificateError;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use webpki::anchor_from_trusted_cert;

use super::message::Message;
use super::{Reply, command};
use crate::domain::delivery::{NoAnswer, Said};
use crate::domain::secret::Secret;

/// How long sendmail may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take for each of its answers: the last one comes when it has looked for spam,
/// and a letter that was not waited for long enough is sent twice.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where mail goes, and how.
pub struct Mail {
    from: Mailbox,
    to: Mailbox,
    via: Via,
}

/// How mail goes.
#[derive(Clone)]
pub enum Via {
    /// Through this server.
    Smtp(Box<SmtpTransport>),
    /// By this program.
    Sendmail(PathBuf),
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name or its address, which its certificate must be for.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// What keeps others from reading and writing along.
    pub security: Security,
    /// A name and a password, if it wants them.
    pub login: Option<(String, Secret)>,
}

/// What keeps others from reading and writing along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything else is said (RFC 3207), or nothing is.
    StartTls,
    /// That it is on this machine.
    None,
}

/// Whom a server's certificate must come from, in place of the public roots.
#[derive(Clone)]
pub struct Roots(Vec<Certificate>);

/// Why a file holds no roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds no certificate, or something that is none")]
pub struct NotRoots;

impl Roots {
    /// Every certificate of `pem` is trusted.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NotRoots> {
        let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let all = all.ok().filter(|all| !all.is_empty()).ok_or(NotRoots)?;
        let certificate = |der: CertificateDer<'_>| {
            anchor_from_trusted_cert(&der).map_err(|_| NotRoots)?;
            Certificate::from_der(der.to_vec()).map_err(|_| NotRoots)
        };
        Ok(Self(all.into_iter().map(certificate).collect::<Result<_, _>>()?))
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} roots", self.0.len())
    }
}

/// TLS can't be used with a server, because certificates are for no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate is for such a name")]
pub struct NotAName;

impl Via {
    /// Through this server, whose certificate must come from `roots` or else the public ones.
    pub fn server(server: &Server, roots: Option<&Roots>) -> Result<Self, NotAName> {
        let parameters = || {
            ServerName::try_from(&*server.host).map_err(|_| NotAName)?;
            let mut builder = TlsParameters::builder(server.host.clone());
            if let Some(roots) = roots {
                builder = builder.certificate_store(CertificateStore::None);
                for root in &roots.0 {
                    builder = builder.add_root_certificate(root.clone());
                }
            }
            builder.build().map_err(|_| NotAName)
        };
        let tls = match server.security {
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::StartTls => Tls::Required(parameters()?),
            Security::None => Tls::None,
        };
        // Dangerous is what it is called until TLS is set.
        let mut transport = SmtpTransport::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(PATIENCE));
        if let Some((name, password)) = &server.login {
            let login = Credentials::new(name.clone(), password.reveal().to_owned());
            transport = transport.credentials(login);
        }
        Ok(Self::Smtp(Box::new(transport.build())))
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Mail {
    /// From one address to another.
    pub fn new(from: Mailbox, to: Mailbox, via: Via) -> Self {
        Self { from, to, via }
    }

    /// Sends a message. Blocks.
    pub fn send(&self, message: &Message) -> Reply {
        let Ok(letter) = self.letter(message) else {
            return Reply::none(NoAnswer::Fault, "the mail could not be written".to_owned());
        };
        match &self.via {
            Via::Smtp(server) => match server.send(&letter) {
                Ok(_) => taken(250),
                Err(error) => not_taken(&error),
            },
            Via::Sendmail(program) => match in_place_of_sendmail(&letter) {
                Some(reply) => reply,
                None => self.pipe(program, &letter.formatted()),
            },
        }
    }

    /// The subject is encoded as headers are, so nothing in it begins another one.
    fn letter(&self, message: &Message) -> Result<lettre::Message, lettre::error::Error> {
        let mut letter = lettre::Message::builder()
            .from(self.from.clone())
            .to(self.to.clone())
            .subject(format!("[payhookd] {}", message.subject))
            .header(ContentType::TEXT_PLAIN)
            .body(format!("{}\n", message.text))?;
        // Nobody's absence shall answer it (RFC 3834).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        letter.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(letter)
    }

    fn pipe(&self, program: &Path, letter: &[u8]) -> Reply {
        let failed = |why, error: &dyn fmt::Display| {
            Reply::none(why, format!("sendmail could not be run: {error}"))
        };
        let mut command = command::program(program);
        command.args(["-i", "-f", self.from.email.as_ref(), "--", self.to.email.as_ref()]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return failed(NoAnswer::Start, &error),
        };
        // One that does not read it all says so by its exit code.
        let _ = child.stdin.take().map(|mut stdin| stdin.write_all(letter));
        let began = Instant::now();
        loop {
            match child.try_wait() {
                Ok(None) if began.elapsed() < LIMIT => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Ok(None) => {
                    // It is over either way.
                    let _ = child.kill();
                    let _ = child.wait();
                    return failed(NoAnswer::Timeout, &"it took too long");
                }
                Ok(Some(status)) => {
                    return match status.code() {
                        Some(0) => taken(0),
                        Some(code) => refused(code, "sendmail ended with"),
                        None => failed(NoAnswer::Killed, &"it was killed"),
                    };
                }
                Err(error) => return failed(NoAnswer::Fault, &error),
            }
        }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail (hidden)")
    }
}

/// What the mail server of this machine says, where sendmail would be of no use and there is one. Postfix
/// and others let sendmail write into their queue by a right that comes with the program, and whoever runs
/// it under `NoNewPrivileges=` does not get that.
fn in_place_of_sendmail(letter: &lettre::Message) -> Option<Reply> {
    if !no_new_privs().unwrap_or(false) {
        return None;
    }
    let host = Ipv4Addr::LOCALHOST.to_string();
    let here = Server { host, port: smtp::SMTP_PORT, security: Security::None, login: None };
    let Ok(Via::Smtp(server)) = Via::server(&here, None) else { return None };
    let reply = match server.send(letter) {
        Ok(_) => taken(250),
        Err(error) => not_taken(&error),
    };
    (reply.code != Err(NoAnswer::Connect)).then_some(reply)
}

fn taken(code: i32) -> Reply {
    Reply { code: Ok(code), said: Said::Taken, answer: String::new(), failure: None }
}

fn refused(code: i32, words: &str) -> Reply {
    let said = Said::NotTaken { wait: None };
    Reply { code: Ok(code), said, answer: String::new(), failure: Some(format!("{words} {code}")) }
}

/// What a server says may hold addresses, so only its code is told.
fn not_taken(error: &smtp::Error) -> Reply {
    if let Some(code) = error.status() {
        let code = u16::from(code);
        let mut reply = refused(i32::from(code), "the mail server answered");
        if let (Some(words), Some(meaning)) = (&mut reply.failure, meaning(code)) {
            words.push_str(meaning);
        }
        return reply;
    }
    let of_connection = successors(error.source(), |error| (*error).source())
        .find_map(|error| error.downcast_ref::<io::Error>());
    if let Some(error) = of_connection {
        let (why, words) = broken(error);
        return Reply::none(why, words);
    }
    match error.source().filter(|_| error.is_client()) {
        // Words of the client's own, such as that there is no STARTTLS.
        Some(words) => {
            Reply::none(NoAnswer::Protocol, format!("the mail server can't be used: {words}"))
        }
        None => {
            let why = NoAnswer::Protocol;
            Reply::none(why, format!("no answer from the mail server: {why}"))
        }
    }
}

/// What a code means of RFC 4954, which speaks of names and passwords alone.
fn meaning(code: u16) -> Option<&'static str> {
    match code {
        530 => Some(": it wants a name and a password"),
        534 | 535 => Some(": it does not take this name and password"),
        _ => None,
    }
}

/// Why a connection came to nothing.
fn broken(error: &io::Error) -> (NoAnswer, String) {
    use io::ErrorKind;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(error) = inner {
        let words = format!("no secure connection to the mail server: {}", insecure(error));
        return (NoAnswer::Tls, words);
    }
    let why = match error.kind() {
        // The second is what a socket says whose time to wait is over.
        ErrorKind::TimedOut | ErrorKind::WouldBlock => NoAnswer::Timeout,
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => NoAnswer::Closed,
        _ => {
            let words = format!("no connection to the mail server: {error}");
            return (NoAnswer::Connect, words);
        }
    };
    (why, format!("no answer from the mail server: {why}"))
}

/// What is wrong with TLS, and what to do if it is right.
fn insecure(error: &rustls::Error) -> String {
    let wrong = match error {
        rustls::Error::InvalidCertificate(wrong) => wrong,
        rustls::Error::InvalidMessage(_) => {
            return "it does not speak TLS there: smtps:// is for TLS from the first byte, smtp:// \
                    for STARTTLS"
                .to_owned();
        }
        error => return error.to_string(),
    };
    let words = match wrong {
        // The second is of an authority that only has the name of one that is trusted.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate comes from nobody who is trusted: if it is your own, set \
             --smtp-cert-roots"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, by this machine's clock"
        }
        other => return format!("its certificate can't be used: {other}"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_over_is_told_from_a_connection_that_is_refused() {
        for (kind, expected) in [
            (io::ErrorKind::WouldBlock, NoAnswer::Timeout),
            (io::ErrorKind::TimedOut, NoAnswer::Timeout),
            (io::ErrorKind::ConnectionReset, NoAnswer::Closed),
            (io::ErrorKind::ConnectionRefused, NoAnswer::Connect),
        ] {
            assert_eq!(broken(&kind.into()).0, expected, "{kind}");
        }
    }
}
