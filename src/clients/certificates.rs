//! PayPal's signing certificates, fetched once and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use ureq::Agent;

use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::logfmt::Line;
use crate::providers::paypal::certificate::{Certificate, CertificateUrl, Trust};
use crate::store::{Store, StoredCertificate};

/// A certificate is fetched again after this time.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// If PayPal can't be reached then, the old one serves on for this long, counted from its fetch.
const USABLE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// After a fetch that failed, the same URL is left alone for this long.
const PAUSE: Duration = Duration::from_secs(5);
/// PayPal has a few certificates at a time.
const KEPT: usize = 32;
/// The URL of an unproved request names what is fetched, so only so many at once…
const FETCHES: usize = 4;
/// … and only so many remembered as failed.
const FAILURES: usize = 256;
/// A certificate is about 2 KiB.
const LARGEST: u64 = 64 * 1024;

/// No certificate can be had now; the sender shall come again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("certificate {id}: {reason}")]
pub struct Unavailable {
    /// The last segment of its URL.
    id: Box<str>,
    reason: String,
}

/// Why a certificate can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCertificate {
    /// It can't be had now.
    Unavailable(Unavailable),
    /// It was had, and is not to be trusted.
    Refused(Refusal),
}

/// The certificates that were fetched, by URL.
#[derive(Debug)]
pub struct Certificates {
    agent: Agent,
    trust: Trust,
    known: RwLock<HashMap<Box<str>, Known>>,
    /// One lock for each URL that is being fetched or failed lately.
    fetching: Mutex<HashMap<Box<str>, Turn>>,
    permits: Semaphore,
    store: Store,
}

/// Held by whoever fetches; keeps how the last fetch failed.
type Turn = Arc<tokio::sync::Mutex<Option<Failure>>>;

#[derive(Clone, Debug)]
struct Known {
    certificate: Arc<Certificate>,
    fetched_at: Timestamp,
}

#[derive(Debug)]
struct Failure {
    at: Instant,
    what: NoCertificate,
}

impl Certificates {
    /// Begins with those that are stored. `roots` are trusted for fetching, in place of the public
    /// ones, if certificates come from a host of the operator's own.
    pub fn new(
        trust: Trust,
        roots: Option<&[u8]>,
        stored: Vec<StoredCertificate>,
        store: Store,
    ) -> Self {
        let known = stored.into_iter().filter_map(|stored| {
            let id = stored.url.rsplit('/').next().unwrap_or_default();
            let certificate = Certificate::parse(id, stored.pem.as_bytes()).ok()?;
            let fetched_at = stored.fetched_at;
            let known = Known { certificate: Arc::new(certificate), fetched_at };
            Some((stored.url.into_boxed_str(), known))
        });
        Self {
            agent: super::agent(roots),
            trust,
            known: RwLock::new(known.collect()),
            fetching: Mutex::default(),
            permits: Semaphore::new(FETCHES),
            store,
        }
    }

    /// The roots that certificates must lead to.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The certificate at `url`: the one at hand or, if it is not known or old, fetched. Whoever
    /// asks for the same URL meanwhile waits for the same fetch.
    pub async fn at(
        &self,
        url: &CertificateUrl,
        now: Timestamp,
    ) -> Result<Arc<Certificate>, NoCertificate> {
        if let Some(known) = self.known(url).filter(|known| now.since(known.fetched_at) < FRESH) {
            return Ok(known.certificate);
        }
        let turn = self.turn(url)?;
        let mut failure = turn.lock().await;
        let known = self.known(url);
        if let Some(known) = known.as_ref().filter(|known| now.since(known.fetched_at) < FRESH) {
            return Ok(Arc::clone(&known.certificate));
        }
        let paused = failure.as_ref().filter(|failure| failure.at.elapsed() < PAUSE);
        let what = match paused {
            Some(failure) => failure.what.clone(),
            None => match self.fetch(url, now).await {
                Ok(certificate) => {
                    self.lock_fetching().remove(&url.url);
                    return Ok(certificate);
                }
                Err(what) => {
                    *failure = Some(Failure { at: Instant::now(), what: what.clone() });
                    what
                }
            },
        };
        match (what, known) {
            (NoCertificate::Unavailable(_), Some(known))
                if now.since(known.fetched_at) < USABLE =>
            {
                Ok(known.certificate)
            }
            (what, _) => Err(what),
        }
    }

    fn known(&self, url: &CertificateUrl) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&url.url).cloned()
    }

    fn lock_fetching(&self) -> MutexGuard<'_, HashMap<Box<str>, Turn>> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, url: &CertificateUrl) -> Result<Turn, NoCertificate> {
        let mut fetching = self.lock_fetching();
        if fetching.len() >= FAILURES && !fetching.contains_key(&url.url) {
            // Those that nobody waits for and whose pause is over.
            fetching.retain(|_, turn| {
                Arc::strong_count(turn) > 1
                    || turn.try_lock().is_ok_and(|failure| {
                        failure.as_ref().is_some_and(|failure| failure.at.elapsed() < PAUSE)
                    })
            });
            if fetching.len() >= FAILURES {
                return Err(unavailable(url, "too many unknown certificates are asked for"));
            }
        }
        Ok(Arc::clone(fetching.entry(url.url.clone()).or_default()))
    }

    async fn fetch(
        &self,
        url: &CertificateUrl,
        now: Timestamp,
    ) -> Result<Arc<Certificate>, NoCertificate> {
        let permit = self.permits.try_acquire();
        let _permit = permit.map_err(|_| unavailable(url, "too many certificates are fetched"))?;
        let agent = self.agent.clone();
        let fetch_from = url.fetch_from.clone();
        let began = Instant::now();
        let fetched = tokio::task::spawn_blocking(move || fetch_pem(&agent, &fetch_from)).await;
        let fetched = fetched.unwrap_or_else(|_| Err("the fetch was broken off".to_owned()));
        let line = |line: Line| {
            line.with("provider", "paypal")
                .with("certificate", &url.id)
                .with("dur_ms", began.elapsed().as_millis())
        };
        let pem = fetched.map_err(|reason| {
            line(Line::warn("certificate not fetched")).with("err", &reason).emit();
            unavailable(url, &reason)
        })?;
        let trusted = Certificate::parse(&url.id, pem.as_bytes()).and_then(|certificate| {
            self.trust.check(&certificate, now).map(|environment| (certificate, environment))
        });
        let (certificate, environment) = trusted.map_err(|refusal| {
            line(Line::error("certificate not trusted")).with("err", refusal).emit();
            NoCertificate::Refused(refusal)
        })?;
        line(Line::info("certificate fetched")).with("environment", environment).emit();
        let certificate = Arc::new(certificate);
        self.keep(url, Known { certificate: Arc::clone(&certificate), fetched_at: now });
        let stored = StoredCertificate { url: url.url.clone().into_string(), pem, fetched_at: now };
        if !self.store.save_certificate(stored) {
            Line::warn("certificate not stored").with("certificate", &url.id).emit();
        }
        Ok(certificate)
    }

    fn keep(&self, url: &CertificateUrl, known: Known) {
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            let oldest = all.iter().min_by_key(|(_, known)| known.fetched_at);
            if let Some(oldest) = oldest.map(|(url, _)| url.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(url.url.clone(), known);
    }
}

fn fetch_pem(agent: &Agent, url: &str) -> Result<String, String> {
    let answer = agent.get(url).call().map_err(|error| error.to_string())?;
    let status = answer.status();
    if status != 200 {
        return Err(format!("answered {status}"));
    }
    let bytes = super::body(answer, LARGEST).map_err(|error| error.to_string())?;
    let pem = String::from_utf8(bytes).map_err(|_| "not text".to_owned())?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err("not a PEM certificate".to_owned());
    }
    Ok(pem)
}

fn unavailable(url: &CertificateUrl, reason: &str) -> NoCertificate {
    NoCertificate::Unavailable(Unavailable { id: url.id.clone(), reason: reason.to_owned() })
}
