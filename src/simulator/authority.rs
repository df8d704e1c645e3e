//! A certificate authority of its own that stands in for PayPal's where events are sent to a
//! daemon for a try: the demonstration, `send paypal`, staging and tests.
//!
//! Nothing that receives webhooks uses it. A daemon accepts what is signed here only after
//! somebody told it to trust this authority's root in place of the bundled ones, and then by the
//! same checks as any other transmission. The root's own key is thrown away as soon as the one
//! signing certificate is made, so that a root left in a configuration can vouch for nothing else.

use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SigningKey,
};
use time::OffsetDateTime;

use crate::domain::time::Timestamp;
use crate::providers::paypal::certificate::{Algorithm, Certificate, Trust};
use crate::providers::paypal::transmission::{header, message};
use crate::providers::paypal::{Environment, whole_seconds};
use crate::system::files;

/// A root, one signing certificate that it issued, and that certificate's key.
pub struct TestAuthority {
    root_pem: String,
    leaf_pem: String,
    key: KeyPair,
}

/// What is signed beside the payload: the fields of one transmission.
#[derive(Clone, Copy, Debug)]
pub struct NewTransmission<'a> {
    /// A UUID.
    pub id: &'a str,
    /// When it is sent; PayPal tells whole seconds.
    pub time: Timestamp,
    /// The id of the webhook that it is sent to.
    pub webhook_id: &'a str,
    /// Where the receiver finds the signing certificate.
    pub cert_url: &'a str,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// No certificate could be made, for example of a time that X.509 cannot tell.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{} is not {expected}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// The files of two authorities are mixed.
    #[error("{KEY} in {} is not the key of {LEAF}", directory.display())]
    OtherKey {
        /// Where they are.
        directory: PathBuf,
    },
}

impl TestAuthority {
    /// Makes a root and a certificate that signs for `environment`, both valid from `not_before`
    /// to `not_after`.
    pub fn make(
        environment: Environment,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let (not_before, not_after) = (x509_time(not_before)?, x509_time(not_after)?);
        let mut root = CertificateParams::default();
        (root.not_before, root.not_after) = (not_before, not_after);
        root.distinguished_name.push(DnType::CommonName, "payhookd test authority");
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_key = KeyPair::generate()?;
        let root_pem = root.self_signed(&root_key)?.pem();

        let name = environment.certificate_name();
        let mut leaf = CertificateParams::new([name.to_owned()])?;
        (leaf.not_before, leaf.not_after) = (not_before, not_after);
        leaf.distinguished_name.push(DnType::CommonName, name);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf_pem = leaf.signed_by(&key, &Issuer::new(root, root_key))?.pem();
        Ok(Self { root_pem, leaf_pem, key })
    }

    /// The root: what a receiver has to trust.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The signing certificate: what a receiver has to find at the certificate URL.
    pub fn leaf_pem(&self) -> &str {
        &self.leaf_pem
    }

    /// The path of a certificate URL for the signing certificate, in PayPal's form. Another
    /// certificate has another path, because receivers keep certificates by their URL.
    pub fn certificate_path(&self) -> String {
        format!(
            "/v1/notifications/certs/CERT-test-{:08x}",
            crc32fast::hash(self.leaf_pem.as_bytes())
        )
    }

    /// Writes `root.pem`, `leaf.pem` and `key.pem` into `directory`, which is made if it is
    /// missing. Each file is replaced as a whole; only its owner may read the key.
    pub fn save(&self, directory: &Path) -> Result<(), AuthorityError> {
        let write = |name: &str, text: &str, mode| {
            let path = directory.join(name);
            files::replace(&path, text.as_bytes(), mode)
                .map_err(|source| AuthorityError::Write { path, source })
        };
        make_folder(directory)
            .map_err(|source| AuthorityError::Write { path: directory.to_owned(), source })?;
        write(KEY, &self.key.serialize_pem(), 0o600)?;
        write(LEAF, &self.leaf_pem, 0o644)?;
        write(ROOT, &self.root_pem, 0o644)
    }

    /// Reads what [`save`](Self::save) wrote. Files of two authorities are refused.
    pub fn load(directory: &Path) -> Result<Self, AuthorityError> {
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read_to_string(&path).map_err(|source| AuthorityError::Read { path, source })
        };
        let is_not =
            |name: &str, expected| AuthorityError::Content { path: directory.join(name), expected };
        let (root_pem, leaf_pem, key) = (read(ROOT)?, read(LEAF)?, read(KEY)?);
        Trust::from_pem(root_pem.as_bytes()).map_err(|_| is_not(ROOT, "a PEM certificate"))?;
        let leaf = Certificate::parse(LEAF, leaf_pem.as_bytes())
            .map_err(|_| is_not(LEAF, "a PEM certificate"))?;
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)
            .map_err(|_| is_not(KEY, "an ECDSA key in PKCS #8 PEM"))?;
        let authority = Self { root_pem, leaf_pem, key };
        if !leaf.signed(LEAF.as_bytes(), &authority.signature(LEAF), Algorithm::Ecdsa) {
            return Err(AuthorityError::OtherKey { directory: directory.to_owned() });
        }
        Ok(authority)
    }

    /// The five headers, name and value, with which PayPal would send `payload`.
    pub fn sign(
        &self,
        payload: &[u8],
        transmission: &NewTransmission<'_>,
    ) -> [(&'static str, String); 5] {
        let time = whole_seconds(transmission.time);
        let crc32 = crc32fast::hash(payload);
        let message = message(transmission.id, &time, transmission.webhook_id, crc32);
        [
            (header::ID, transmission.id.to_owned()),
            (header::TIME, time),
            (header::CERT_URL, transmission.cert_url.to_owned()),
            (header::AUTH_ALGO, Algorithm::Ecdsa.name().to_owned()),
            (header::SIGNATURE, STANDARD.encode(self.signature(&message))),
        ]
    }

    /// ECDSA on P-256, SHA-256.
    fn signature(&self, message: &str) -> Vec<u8> {
        self.key.sign(message.as_bytes()).expect("a key that was taken can sign")
    }
}

impl fmt::Debug for TestAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestAuthority(key hidden)")
    }
}

/// Serves a certificate on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct CertificateServer {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Answers every GET request to `address` with `leaf_pem`, one connection after the other. Meant
/// for the loopback interface, where the one who sends is the one who runs the receiver.
pub fn serve_certificate(leaf_pem: String, address: SocketAddr) -> io::Result<CertificateServer> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let stopping = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopping);
    let thread = thread::Builder::new().name("certificate".to_owned()).spawn(move || {
        for connection in listener.incoming() {
            if stop.load(Ordering::Acquire) {
                return;
            }
            // Whoever asked sees the broken connection; the next one is served all the same.
            let _ = connection.and_then(|connection| answer(connection, &leaf_pem));
        }
    })?;
    Ok(CertificateServer { address, stopping, thread: Some(thread) })
}

impl CertificateServer {
    /// The address that it listens on, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for CertificateServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // The thread waits for a connection; without one it is left behind rather than joined.
        let woken = TcpStream::connect_timeout(&self.address, PATIENCE).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            // A panic of the thread has been reported by its own hook.
            let _ = thread.join();
        }
    }
}

fn answer(mut connection: TcpStream, leaf_pem: &str) -> io::Result<()> {
    let request = read_head(&mut connection)?;
    let response = if request.starts_with(b"GET ") {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-pem-file\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{leaf_pem}",
            leaf_pem.len()
        )
    } else {
        "HTTP/1.1 405 Method Not Allowed\r\nallow: GET\r\ncontent-length: 0\r\n\
         connection: close\r\n\r\n"
            .to_owned()
    };
    connection.set_write_timeout(Some(PATIENCE))?;
    connection.write_all(response.as_bytes())
}

/// The request line and the headers, however they arrive, within bounds of time and size.
fn read_head(connection: &mut TcpStream) -> io::Result<Vec<u8>> {
    let until = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        connection.set_read_timeout(Some(left))?;
        match connection.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => head.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(head)
}

fn x509_time(time: Timestamp) -> Result<OffsetDateTime, rcgen::Error> {
    OffsetDateTime::from_unix_timestamp(time.unix_seconds()).map_err(|_| rcgen::Error::Time)
}

/// The root is for a daemon that is another user's, perhaps.
fn make_folder(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    fs::set_permissions(directory, Permissions::from_mode(0o755))
}

const ROOT: &str = "root.pem";
const LEAF: &str = "leaf.pem";
const KEY: &str = "key.pem";
/// How long the certificate server waits for a request, and its end for the server.
const PATIENCE: Duration = Duration::from_secs(2);
const MAX_HEAD: usize = 16 * 1024;

#[cfg(test)]
mod tests;
