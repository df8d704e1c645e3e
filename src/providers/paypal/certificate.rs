//! PayPal's signing certificate: where it may come from, and when it is trusted.
//!
//! Source: PayPal, "Integrate webhooks", the certificate code of its SDKs, and the public leaves
//! of 2015 to 2026: RSA-2048, one subject alternative name, issued by DigiCert, served without
//! the intermediate.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::Environment;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// The longest certificate URL that PayPal's own verification API accepts.
const MAX_URL: usize = 500;
const CERTIFICATE_PATH: &str = "/v1/notifications/certs/";

impl Environment {
    /// The one name in the certificates of this environment.
    pub fn certificate_name(self) -> &'static str {
        match self {
            Self::Live => "messageverificationcerts.paypal.com",
            Self::Sandbox => "messageverificationcerts.sandbox.paypal.com",
        }
    }

    fn of_api_host(host: &str) -> Option<Self> {
        match host {
            "api.paypal.com" | "api-m.paypal.com" => Some(Self::Live),
            "api.sandbox.paypal.com" | "api-m.sandbox.paypal.com" => Some(Self::Sandbox),
            _ => None,
        }
    }
}

/// A host from which certificates are fetched instead of PayPal's: for tests and staging.
///
/// Certificate URLs on this host are accepted beside PayPal's, and both are fetched from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateHost {
    scheme: &'static str,
    authority: Box<str>,
}

impl CertificateHost {
    /// `HOST[:PORT]`, optionally with `http://` or `https://` before it. Plain HTTP is for
    /// loopback only, and is what a loopback host without a scheme gets.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, authority)) => (Some(scheme), authority),
            None => (None, text),
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(allowed) {
            return None;
        }
        let loopback = is_loopback(authority);
        let scheme = match scheme {
            Some("https") => "https",
            None if !loopback => "https",
            Some("http") | None if loopback => "http",
            _ => return None,
        };
        Some(Self { scheme, authority: authority.into() })
    }

    fn serves(&self, scheme: &str, authority: &str) -> bool {
        authority == &*self.authority && (scheme == "https" || scheme == self.scheme)
    }
}

/// Whether `HOST[:PORT]` is this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A certificate URL that may be fetched. It comes from an unproved request, so nothing but
/// exactly PayPal's form passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateUrl {
    /// The URL as it stands in the header; the key under which the certificate is kept.
    pub url: Box<str>,
    /// Where to fetch it: `url`, or the same path on the [`CertificateHost`].
    pub fetch_from: Box<str>,
    /// The last segment of its path.
    pub id: Box<str>,
    /// The environment that the host belongs to; `None` for a [`CertificateHost`].
    pub environment: Option<Environment>,
}

impl CertificateUrl {
    /// Checks scheme, exact host, path and characters; no user, port, query or fragment.
    pub fn parse(url: &str, host: Option<&CertificateHost>) -> Result<Self, Refusal> {
        let refused = || Refusal::CertUrlRefused;
        if url.len() > MAX_URL {
            return Err(refused());
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(refused)?;
        let slash = rest.find('/').ok_or_else(refused)?;
        let (authority, path) = rest.split_at(slash);
        let id = path.strip_prefix(CERTIFICATE_PATH).ok_or_else(refused)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || !id.bytes().all(allowed) {
            return Err(refused());
        }
        let environment = Environment::of_api_host(authority).filter(|_| scheme == "https");
        let overridden = host.is_some_and(|host| host.serves(scheme, authority));
        if environment.is_none() && !overridden {
            return Err(refused());
        }
        let fetch_from = match host {
            // A URL that names the host itself says which scheme to use.
            Some(_) if overridden => url.to_owned(),
            Some(host) => format!("{}://{}{path}", host.scheme, host.authority),
            None => url.to_owned(),
        };
        Ok(Self { url: url.into(), fetch_from: fetch_from.into(), id: id.into(), environment })
    }
}

/// A signing certificate as it was served, not yet trusted.
#[derive(Clone)]
pub struct Certificate {
    /// The last segment of its URL: a label for people.
    pub id: Box<str>,
    leaf: CertificateDer<'static>,
    served_with: Vec<CertificateDer<'static>>,
}

impl Certificate {
    /// The first certificate of `pem`, with any others as further intermediates.
    pub fn parse(id: &str, pem: &[u8]) -> Result<Self, Refusal> {
        let mut chain = read_pem(pem).map_err(|_| Refusal::CertUntrusted)?.into_iter();
        let leaf = chain.next().ok_or(Refusal::CertUntrusted)?;
        Ok(Self { id: id.into(), leaf, served_with: chain.collect() })
    }

    /// Whether `signature` over `message` was made with this certificate's key, by this algorithm. Says
    /// nothing about trust.
    pub fn signed(&self, message: &[u8], signature: &[u8], algorithm: Algorithm) -> bool {
        let algorithm = match algorithm {
            Algorithm::Rsa => webpki::ring::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ecdsa => webpki::ring::ECDSA_P256_SHA256,
        };
        EndEntityCert::try_from(&self.leaf)
            .is_ok_and(|leaf| leaf.verify_signature(algorithm, message, signature).is_ok())
    }
}

/// How a transmission is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA of at least 2048 bits, PKCS #1 v1.5, SHA-256, as PayPal signs.
    Rsa,
    /// ECDSA on P-256, SHA-256, as the [test authority](crate::simulator::authority) signs. Whoever signs so needs
    /// a certificate that is trusted as any other.
    Ecdsa,
}

impl Algorithm {
    /// By what the header calls it.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rsa, Self::Ecdsa].into_iter().find(|one| one.name() == name)
    }

    /// What the header calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "SHA256withRSA",
            Self::Ecdsa => "SHA256withECDSA",
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.id)
    }
}

/// The roots that a signing certificate must lead to, and the intermediates that are at hand.
#[derive(Clone)]
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    intermediates: Vec<CertificateDer<'static>>,
}

/// A file of trusted certificates that holds none, or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// No PEM certificate in it.
    #[error("holds no PEM certificate")]
    Empty,
    /// A PEM section is broken, or no certificate.
    #[error("holds something that is no certificate")]
    NotACertificate,
}

impl Trust {
    /// DigiCert's two roots and two intermediates that PayPal's certificates are known to use.
    /// The older root is no longer in public root lists, and PayPal serves the leaf alone, so
    /// both must be here.
    pub fn bundled() -> Result<Self, TrustError> {
        let mut trust = Self::from_pem(
            concat!(
                include_str!("certificates/root_DigiCertHighAssuranceEVRootCA.pem"),
                "\n",
                include_str!("certificates/root_DigiCertGlobalRootG2.pem"),
            )
            .as_bytes(),
        )?;
        trust.intermediates = bundled_intermediates()?;
        Ok(trust)
    }

    /// Every certificate of `pem` is trusted in place of the bundled roots. Intermediates may
    /// stand in it too; the bundled ones stay at hand to build paths with.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrustError> {
        let certificates = read_pem(pem)?;
        if certificates.is_empty() {
            return Err(TrustError::Empty);
        }
        let anchors = certificates.iter().map(|certificate| {
            let anchor = anchor_from_trusted_cert(certificate);
            anchor.map(|anchor| anchor.to_owned()).map_err(|_| TrustError::NotACertificate)
        });
        Ok(Self {
            anchors: anchors.collect::<Result<_, _>>()?,
            intermediates: bundled_intermediates()?,
        })
    }

    /// Checks the path to a root at `now`, the usage and the name; says which environment the
    /// certificate signs for.
    pub fn check(&self, certificate: &Certificate, now: Timestamp) -> Result<Environment, Refusal> {
        let leaf = EndEntityCert::try_from(&certificate.leaf).map_err(refusal)?;
        let since_epoch = now.since(Timestamp::EPOCH);
        let at_hand: Vec<_> =
            certificate.served_with.iter().chain(&self.intermediates).cloned().collect();
        leaf.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.anchors,
            &at_hand,
            UnixTime::since_unix_epoch(since_epoch),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map_err(refusal)?;
        let named = |environment: &&Environment| {
            ServerName::try_from(environment.certificate_name())
                .is_ok_and(|name| leaf.verify_is_valid_for_subject_name(&name).is_ok())
        };
        Environment::ALL.iter().find(named).copied().ok_or(Refusal::WrongEnvironment)
    }

    /// The first instant, to the second and within ten years, at which a certificate that is trusted
    /// `now` is trusted no more: it or one on its path ends then.
    pub fn valid_until(
        &self,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        self.check(certificate, now)?;
        // The path is checked by one library alone, which does not say until when it holds. Being
        // trusted ends once, so that halving finds it.
        let (mut trusted, mut ended) = (0, 10 * 366 * 86_400);
        while ended - trusted > 1 {
            let middle = (trusted + ended) / 2;
            match self.check(certificate, now.plus(Duration::from_secs(middle))) {
                Ok(_) => trusted = middle,
                Err(_) => ended = middle,
            }
        }
        Ok(now.plus(Duration::from_secs(ended)))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({} roots)", self.anchors.len())
    }
}

fn bundled_intermediates() -> Result<Vec<CertificateDer<'static>>, TrustError> {
    read_pem(
        concat!(
            include_str!("certificates/int_DigiCertSHA2ExtendedValidationServerCA.pem"),
            "\n",
            include_str!("certificates/int_DigiCertEVRSACAG2.pem"),
        )
        .as_bytes(),
    )
}

fn read_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| TrustError::NotACertificate)
}

fn refusal(error: webpki::Error) -> Refusal {
    match error {
        webpki::Error::CertExpired { .. } => Refusal::CertExpired,
        webpki::Error::CertNotValidYet { .. } => Refusal::CertNotYetValid,
        _ => Refusal::CertUntrusted,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn vectors(text: &str) -> Vec<Value> {
        let file: Value = serde_json::from_str(text).expect("JSON");
        file["cases"].as_array().expect("cases").clone()
    }

    #[test]
    fn only_paypals_own_certificate_urls_pass() {
        let cases = vectors(include_str!("../../../tests/data/vectors/paypal/cert_urls.json"));
        assert!(cases.len() > 20);
        for case in cases {
            let url = case["url"].as_str().expect("a URL");
            let environment = CertificateUrl::parse(url, None).ok().and_then(|url| url.environment);
            assert_eq!(
                environment == Some(Environment::Live),
                case["accept_live"] == true,
                "{case}"
            );
            assert_eq!(
                environment == Some(Environment::Sandbox),
                case["accept_sandbox"] == true,
                "{case}"
            );
        }
    }

    #[test]
    fn another_host_serves_both_its_own_urls_and_paypals() {
        let host = CertificateHost::parse("127.0.0.1:8089").expect("a host");
        let paypals = "https://api.paypal.com/v1/notifications/certs/CERT-1";
        let url = CertificateUrl::parse(paypals, Some(&host)).expect("PayPal's form");
        assert_eq!(&*url.fetch_from, "http://127.0.0.1:8089/v1/notifications/certs/CERT-1");
        assert_eq!(url.environment, Some(Environment::Live));
        for own in ["http", "https"] {
            let own = format!("{own}://127.0.0.1:8089/v1/notifications/certs/CERT-1");
            let url = CertificateUrl::parse(&own, Some(&host)).expect("the host's own");
            assert_eq!(*url.fetch_from, *own);
            assert_eq!(url.environment, None);
            assert!(CertificateUrl::parse(&own, None).is_err());
        }
        for other in ["http://127.0.0.1:80/", "https://127.0.0.1:8089.evil.example/"] {
            let other = format!("{other}v1/notifications/certs/CERT-1");
            assert!(CertificateUrl::parse(&other, Some(&host)).is_err(), "{other}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for (text, scheme) in [
            ("localhost", Some("http")),
            ("[::1]:80", Some("http")),
            ("127.0.0.89:80", Some("http")),
            ("[::2]:80", Some("https")),
            ("https://localhost:1", Some("https")),
            ("certs.staging.example", Some("https")),
            ("http://certs.staging.example", None),
            ("127.0.0.1.evil.example", Some("https")),
            ("ftp://localhost", None),
            ("a/b", None),
            ("", None),
        ] {
            assert_eq!(CertificateHost::parse(text).map(|host| host.scheme), scheme, "{text}");
        }
    }

    fn pem(path: &Value) -> Vec<u8> {
        let path = path.as_str().expect("a path");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors/paypal/");
        std::fs::read(format!("{folder}{path}")).expect("a PEM file")
    }

    #[test]
    fn every_certificate_path_is_decided_as_webpki_decides_it() {
        let cases = vectors(include_str!("../../../tests/data/vectors/paypal/chain_cases.json"));
        assert!(cases.len() > 10);
        for case in cases {
            let all = |field: &str| -> Vec<u8> {
                case[field].as_array().expect("a list").iter().flat_map(pem).collect()
            };
            let trust = Trust {
                intermediates: read_pem(&all("intermediates")).expect("PEM"),
                ..Trust::from_pem(&all("roots")).expect("roots")
            };
            let certificate = Certificate::parse("leaf", &pem(&case["leaf"])).expect("PEM");
            let at = Timestamp::parse(case["at"].as_str().expect("a time")).expect("a time");
            let checked = trust.check(&certificate, at);
            let name = case["name"].as_str().expect("a name");
            match case["expect"].as_str().expect("an expectation") {
                "ok" => {
                    assert_eq!(checked.map(Environment::certificate_name), Ok(name), "{case}");
                    let until = trust.valid_until(&certificate, at).expect("trusted");
                    let second = Duration::from_secs(1);
                    assert!(trust.check(&certificate, until.minus(second)).is_ok(), "{case}");
                    assert!(trust.check(&certificate, until).is_err(), "{case}");
                }
                "wrong_name" => assert!(
                    checked.is_ok_and(|environment| environment.certificate_name() != name),
                    "{case}"
                ),
                "expired" => assert_eq!(checked, Err(Refusal::CertExpired), "{case}"),
                "not_yet_valid" => assert_eq!(checked, Err(Refusal::CertNotYetValid), "{case}"),
                "unknown_issuer" | "rejected" => {
                    assert_eq!(checked, Err(Refusal::CertUntrusted), "{case}");
                }
                other => panic!("unknown expectation {other}"),
            }
        }
    }

    #[test]
    fn the_bundled_roots_are_read() {
        let trust = Trust::bundled().expect("certificates");
        assert_eq!((trust.anchors.len(), trust.intermediates.len()), (2, 2));
        assert_eq!(Trust::from_pem(b"").err(), Some(TrustError::Empty));
    }

    proptest! {
        #[test]
        fn any_url_is_accepted_or_refused(url in ".*", host in ".*") {
            let _ = CertificateUrl::parse(&url, CertificateHost::parse(&host).as_ref());
        }
    }
}
