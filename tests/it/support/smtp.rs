//! A mail server of this machine: in the clear or over TLS, for everybody or for one with a name and a
//! password. It takes everything, or refuses it, and remembers what it heard.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A letter as it came.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// To whom, by the envelope.
    pub(crate) to: Vec<String>,
    /// Headers and body.
    pub(crate) text: String,
}

/// What a server heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// Everything that was taken, in order.
    pub(crate) letters: Vec<Letter>,
    /// Every line that came in the clear, in order, without letters.
    pub(crate) clear: Vec<String>,
    /// Every name and password that came, in order.
    pub(crate) logins: Vec<(String, String)>,
}

/// How a server behaves.
#[derive(Clone)]
pub(crate) struct Rules {
    /// What it answers to every recipient but `gone@shop.example`: `250 ok`, `550 no such user`.
    pub(crate) to_recipients: &'static str,
    /// How it is secured.
    pub(crate) secured: Secured,
    /// The name and password that it wants, and how they are to be said: `PLAIN` or `LOGIN`.
    pub(crate) login: Option<(&'static str, &'static str, &'static str)>,
}

/// How a server is secured.
#[derive(Clone)]
pub(crate) enum Secured {
    /// It is not.
    Never,
    /// It speaks TLS from the first byte.
    AtOnce(Arc<ServerConfig>),
    /// It speaks TLS when it is asked to, and takes nothing before.
    WhenAsked(Arc<ServerConfig>),
    /// It offers to, and then doesn't.
    Refused,
}

/// A running server; it ends with the test.
pub(crate) struct MailServer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

impl MailServer {
    /// In the clear, for everybody.
    pub(crate) fn start(to_recipients: &'static str) -> Self {
        Self::with(Rules { to_recipients, secured: Secured::Never, login: None })
    }

    /// By these rules.
    pub(crate) fn with(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let of_thread = Arc::clone(&heard);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // Whoever sent may be gone, or may not trust us.
                let _ = Session { rules: &rules, heard: &of_thread }.serve(connection);
            }
        });
        Self { address, heard }
    }

    /// Everything that it heard.
    pub(crate) fn heard(&self) -> Heard {
        self.heard.lock().expect("no panic").clone()
    }

    /// Everything that was taken, in order.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.heard().letters
    }
}

/// One connection.
struct Session<'a> {
    rules: &'a Rules,
    heard: &'a Mutex<Heard>,
}

impl Session<'_> {
    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        let tls = |config: &Arc<ServerConfig>, connection| {
            let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            Ok::<_, io::Error>(StreamOwned::new(session, connection))
        };
        match &self.rules.secured {
            Secured::Never | Secured::Refused => {
                self.greet(&mut connection)?;
                self.talk(&mut connection, true).map(drop)
            }
            Secured::AtOnce(config) => {
                let mut secured = tls(config, connection)?;
                self.greet(&mut secured)?;
                self.talk(&mut secured, false).map(drop)
            }
            Secured::WhenAsked(config) => {
                self.greet(&mut connection)?;
                match self.talk(&mut connection, true)? {
                    End::Gone => Ok(()),
                    End::Tls => self.talk(&mut tls(config, connection)?, false).map(drop),
                }
            }
        }
    }

    fn greet(&self, stream: &mut impl Write) -> io::Result<()> {
        say(stream, "220 mail.shop.example")
    }

    fn talk(&self, stream: &mut (impl Read + Write), is_clear: bool) -> io::Result<End> {
        let mut is_known = self.rules.login.is_none();
        let must_be_secured = is_clear && matches!(self.rules.secured, Secured::WhenAsked(_));
        let mut to = Vec::new();
        while let Some(line) = read(stream)? {
            if is_clear {
                self.heard().clear.push(line.clone());
            }
            let answer = match line.split(' ').next().unwrap_or_default() {
                "EHLO" => self.offers(is_clear),
                "STARTTLS" if must_be_secured => {
                    say(stream, "220 go on")?;
                    return Ok(End::Tls);
                }
                "STARTTLS" => "454 not now".to_owned(),
                "QUIT" => {
                    say(stream, "221 bye")?;
                    return Ok(End::Gone);
                }
                _ if must_be_secured => "530 STARTTLS first".to_owned(),
                "AUTH" => {
                    is_known = self.learns(stream, &line)?;
                    let answer = if is_known { "235 welcome" } else { "535 5.7.8 wrong password" };
                    answer.to_owned()
                }
                _ if !is_known => "530 who are you".to_owned(),
                "RCPT" if line.contains("gone@shop.example") => "550 5.1.1 unknown".to_owned(),
                "RCPT" => {
                    to.push(line.trim_start_matches("RCPT TO:").to_owned());
                    self.rules.to_recipients.to_owned()
                }
                "DATA" => {
                    say(stream, "354 go on")?;
                    let mut text = String::new();
                    while let Some(line) = read(stream)?.filter(|line| line != ".") {
                        text.push_str(&line);
                        text.push('\n');
                    }
                    self.heard().letters.push(Letter { to: std::mem::take(&mut to), text });
                    "250 taken".to_owned()
                }
                _ => "250 ok".to_owned(),
            };
            say(stream, &answer)?;
        }
        Ok(End::Gone)
    }

    /// What it answers to whoever says hello.
    fn offers(&self, is_clear: bool) -> String {
        let mut lines = vec!["mail.shop.example".to_owned()];
        if is_clear && matches!(self.rules.secured, Secured::WhenAsked(_) | Secured::Refused) {
            lines.push("STARTTLS".to_owned());
        }
        lines.extend(self.rules.login.map(|(_, _, mechanism)| format!("AUTH {mechanism}")));
        let last = lines.pop().expect("a line");
        let before: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        format!("{before}250 {last}")
    }

    /// Hears a name and a password; whether they are right.
    fn learns(&self, stream: &mut (impl Read + Write), line: &str) -> io::Result<bool> {
        let text = |encoded: &str| {
            let bytes = STANDARD.decode(encoded).map_err(io::Error::other)?;
            String::from_utf8(bytes).map_err(io::Error::other)
        };
        let mut asked = |question: &str| -> io::Result<String> {
            say(stream, &format!("334 {}", STANDARD.encode(question)))?;
            text(&read(stream)?.unwrap_or_default())
        };
        let words: Vec<&str> = line.split(' ').collect();
        let (name, password) = match words[..] {
            ["AUTH", "PLAIN", encoded] => {
                let all = text(encoded)?;
                let mut parts = all.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            ["AUTH", "LOGIN"] => (asked("Username:")?, asked("Password:")?),
            _ => return Ok(false),
        };
        let is_right = self.rules.login.is_some_and(|(right_name, right, mechanism)| {
            words[1] == mechanism && right_name == name && right == password
        });
        self.heard().logins.push((name, password));
        Ok(is_right)
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().expect("no panic")
    }
}

/// How a part of a conversation ended.
enum End {
    Gone,
    Tls,
}

fn say(stream: &mut impl Write, answer: &str) -> io::Result<()> {
    stream.write_all(format!("{answer}\r\n").as_bytes())?;
    stream.flush()
}

/// One line, byte by byte, so that nothing behind it is taken; `None` at the end.
fn read(stream: &mut impl Read) -> io::Result<Option<String>> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte)? > 0 {
        match byte {
            [b'\n'] => return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned())),
            [other] => line.push(other),
        }
    }
    Ok(None)
}

/// An authority that issues certificates to mail servers.
pub(crate) struct MailAuthority {
    issuer: Issuer<'static, KeyPair>,
    root_pem: String,
}

impl MailAuthority {
    /// A new one that nobody trusts yet.
    pub(crate) fn new() -> Self {
        Self::named("authority of the shop")
    }

    /// The same, of this name.
    pub(crate) fn named(name: &str) -> Self {
        let mut root = CertificateParams::default();
        root.distinguished_name = DistinguishedName::new();
        root.distinguished_name.push(DnType::CommonName, name);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root_pem = root.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(root, key), root_pem }
    }

    /// What one has to trust.
    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// What a server of this name or address needs; its certificate expires at the end of that year.
    pub(crate) fn issue(&self, name: &str, until: i32) -> Arc<ServerConfig> {
        let mut leaf = CertificateParams::new([name.to_owned()]).expect("a name");
        leaf.not_before = date_time_ymd(2000, 1, 1);
        leaf.not_after = date_time_ymd(until, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let leaf = leaf.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key);
        Arc::new(config.expect("a certificate and its key"))
    }
}
