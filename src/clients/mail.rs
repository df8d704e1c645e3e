//! Mail to people: through a server, or the sendmail of this machine.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::{SmtpTransport, Transport};

use super::Reply;
use crate::alerts::message::Message;
use crate::config::MailWay;
use crate::domain::delivery::{NoAnswer, Said};

/// How long one attempt may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Where mail goes, and how.
pub struct Mail {
    from: Mailbox,
    to: Vec<Mailbox>,
    via: Via,
}

/// How mail goes.
pub enum Via {
    /// Through this server.
    Smtp(SmtpTransport),
    /// By this program.
    Sendmail(PathBuf),
}

/// What is wrong with a mail server's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of a mail server")]
pub struct NotAServer;

impl Via {
    /// The server at an `smtps://` or `smtp://` URL, which may have a name and a password in it. Plain
    /// SMTP is secured by STARTTLS before anything is said, unless the server is this machine.
    pub fn server(url: &str, is_here: bool) -> Result<Self, NotAServer> {
        let secured = match url.starts_with("smtp:") && !is_here {
            true => format!("{}?tls=required", url.trim_end_matches('/')),
            false => url.to_owned(),
        };
        let server = SmtpTransport::from_url(&secured).map_err(|_| NotAServer)?;
        Ok(Self::Smtp(server.timeout(Some(LIMIT / 3)).build()))
    }
}

impl From<&MailWay> for Via {
    fn from(config: &MailWay) -> Self {
        match config {
            MailWay::Sendmail(program) => Self::Sendmail(program.clone()),
            MailWay::Server { url, is_here } => {
                Self::server(url.reveal(), *is_here).expect("checked when it was configured")
            }
        }
    }
}

impl Mail {
    /// From one address to some.
    pub fn new(from: Mailbox, to: Vec<Mailbox>, via: Via) -> Self {
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
            Via::Sendmail(program) => self.pipe(program, &letter.formatted()),
        }
    }

    /// The subject is encoded as headers are, so nothing in it begins another one.
    fn letter(&self, message: &Message) -> Result<lettre::Message, lettre::error::Error> {
        let mut letter = lettre::Message::builder().from(self.from.clone());
        for to in &self.to {
            letter = letter.to(to.clone());
        }
        let mut letter = letter
            .subject(format!("[payhookd] {}", message.subject))
            .header(ContentType::TEXT_PLAIN)
            .body(format!("{}\n", message.text))?;
        // Nobody's absence shall answer it (RFC 3834).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        letter.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(letter)
    }

    fn pipe(&self, program: &PathBuf, letter: &[u8]) -> Reply {
        let failed = |why, error: &dyn fmt::Display| {
            Reply::none(why, format!("sendmail could not be run: {error}"))
        };
        let mut command = Command::new(program);
        command.args(["-i", "-f", self.from.email.as_ref(), "--"]);
        command.args(self.to.iter().map(|to| to.email.to_string()));
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

fn taken(code: i32) -> Reply {
    Reply { code: Ok(code), said: Said::Taken, answer: String::new(), failure: None }
}

fn refused(code: i32, words: &str) -> Reply {
    let said = Said::NotTaken { wait: None };
    Reply { code: Ok(code), said, answer: String::new(), failure: Some(format!("{words} {code}")) }
}

/// What a server says may hold addresses, so only its code is told.
fn not_taken(error: &lettre::transport::smtp::Error) -> Reply {
    if let Some(code) = error.status() {
        return refused(i32::from(u16::from(code)), "the mail server answered");
    }
    let why = if error.is_timeout() {
        NoAnswer::Timeout
    } else if error.is_tls() {
        NoAnswer::Tls
    } else if error.is_response() || error.is_client() {
        NoAnswer::Protocol
    } else {
        NoAnswer::Connect
    };
    Reply::none(why, format!("no answer from the mail server: {why}"))
}
