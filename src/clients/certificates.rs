//! PayPal's signing certificates, fetched once and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use ureq::Agent;

use crate::domain::records::StoredCertificate;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::providers::paypal::certificate::{Certificate, CertificateUrl, Trust};
use crate::store::{KeepCertificate, Store};
use crate::telemetry::line::Line;
use crate::telemetry::throttle::Allowance;

/// A certificate is fetched again after this time.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// If PayPal can't be reached then, the old one serves on for this long, counted from its fetch.
const USABLE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// After a fetch that failed, the same URL is left alone for this long; …
const PAUSE: Duration = Duration::from_secs(5);
/// … for this long if PayPal says that there is nothing. What is genuine is sent for three days.
const PAUSE_NOTHING: Duration = Duration::from_secs(10 * 60);
/// PayPal has a few certificates at a time.
const KEPT: usize = 32;
/// The URL of an unproved request names what is fetched, so of names that are not known only so many
/// are fetched in a minute, …
const FETCHES_A_MINUTE: u32 = 60;
/// … and so many at once. Certificates that are known, and old, wait behind none of these.
const FETCHES: usize = 4;
const FETCHES_OF_KNOWN: usize = 2;
/// How long a webhook waits until one more may be fetched …
const TURN: Duration = Duration::from_secs(5);
/// … and for others that wait for the same certificate. PayPal waits for half a minute.
const TURN_OF_SAME: Duration = Duration::from_secs(15);
/// When more are remembered as failed, those whose pause is over are forgotten. More than the bounds
/// above let fail in the longest pause, so that it is seldom looked.
const FAILURES: usize = 2048;
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
    known: RwLock<HashMap<Box<str>, KnownCertificate>>,
    /// One lock for each URL that is being fetched or failed lately.
    fetching: Mutex<HashMap<Box<str>, Turn>>,
    permits: Semaphore,
    permits_of_known: Semaphore,
    allowance: Allowance,
    store: Store,
}

/// Held by whoever fetches; keeps how the last fetch failed.
type Turn = Arc<tokio::sync::Mutex<Option<Failure>>>;

#[derive(Clone, Debug)]
struct KnownCertificate {
    certificate: Arc<Certificate>,
    fetched_at: Timestamp,
}

#[derive(Debug)]
struct Failure {
    at: Instant,
    pause: Duration,
    what: NoCertificate,
}

impl Failure {
    fn new(pause: Duration, what: NoCertificate) -> Self {
        Self { at: Instant::now(), pause, what }
    }

    fn lasts(&self) -> bool {
        self.at.elapsed() < self.pause
    }
}

/// Why there is no certificate from a fetch.
enum NotFetched {
    /// It failed, which is remembered of the URL.
    Failed(Failure),
    /// It was not tried, because of others: that says nothing of the URL.
    NotTried(&'static str),
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
            let known = KnownCertificate { certificate: Arc::new(certificate), fetched_at };
            Some((stored.url.into_boxed_str(), known))
        });
        Self {
            agent: super::agent(roots),
            trust,
            known: RwLock::new(known.collect()),
            fetching: Mutex::default(),
            permits: Semaphore::new(FETCHES),
            permits_of_known: Semaphore::new(FETCHES_OF_KNOWN),
            allowance: Allowance::per_minute(FETCHES_A_MINUTE),
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
        let turn = self.turn(url);
        let locked = tokio::time::timeout(TURN_OF_SAME, turn.lock()).await;
        let mut failure = locked.map_err(|_| unavailable(url, "others wait for it"))?;
        let known = self.known(url);
        if let Some(known) = known.as_ref().filter(|known| now.since(known.fetched_at) < FRESH) {
            return Ok(Arc::clone(&known.certificate));
        }
        let what = match failure.as_ref().filter(|failure| failure.lasts()) {
            Some(failure) => failure.what.clone(),
            None => match self.fetch(url, known.is_some(), now).await {
                Ok(certificate) => {
                    self.lock_fetching().remove(&url.url);
                    return Ok(certificate);
                }
                Err(NotFetched::Failed(failed)) => failure.insert(failed).what.clone(),
                Err(NotFetched::NotTried(why)) => {
                    drop(failure);
                    self.leave(url, &turn);
                    unavailable(url, why)
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

    fn known(&self, url: &CertificateUrl) -> Option<KnownCertificate> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&url.url).cloned()
    }

    fn lock_fetching(&self) -> MutexGuard<'_, HashMap<Box<str>, Turn>> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, url: &CertificateUrl) -> Turn {
        let mut fetching = self.lock_fetching();
        if fetching.len() >= FAILURES && !fetching.contains_key(&url.url) {
            // Those that nobody waits for and whose pause is over.
            fetching.retain(|_, turn| {
                Arc::strong_count(turn) > 1
                    || turn
                        .try_lock()
                        .is_ok_and(|failure| failure.as_ref().is_some_and(Failure::lasts))
            });
        }
        Arc::clone(fetching.entry(url.url.clone()).or_default())
    }

    /// Forgets a URL of which nothing is to be remembered, if nobody else waits for it.
    fn leave(&self, url: &CertificateUrl, turn: &Turn) {
        let mut fetching = self.lock_fetching();
        // Whoever asks for it takes it from there.
        if Arc::strong_count(turn) == 2 && turn.try_lock().is_ok_and(|failure| failure.is_none()) {
            fetching.remove(&url.url);
        }
    }

    /// Fetches it when its turn comes, if that is soon. One that is `known` waits for no other's.
    async fn fetch(
        &self,
        url: &CertificateUrl,
        known: bool,
        now: Timestamp,
    ) -> Result<Arc<Certificate>, NotFetched> {
        if !known && self.allowance.take(&url.url, Instant::now()).is_none() {
            return Err(NotFetched::NotTried("too many unknown certificates are asked for"));
        }
        let permits = if known { &self.permits_of_known } else { &self.permits };
        let permit = tokio::time::timeout(TURN, permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(NotFetched::NotTried("too many certificates are fetched at once"));
        };
        let agent = self.agent.clone();
        let fetch_from = url.fetch_from.clone();
        let began = Instant::now();
        let fetched = tokio::task::spawn_blocking(move || fetch_pem(&agent, &fetch_from)).await;
        let fetched =
            fetched.unwrap_or_else(|_| Err((PAUSE, "the fetch was broken off".to_owned())));
        let line = |line: Line| {
            line.with("provider", "paypal")
                .with("certificate", &url.id)
                .with("dur_ms", began.elapsed().as_millis())
        };
        let pem = fetched.map_err(|(pause, reason)| {
            line(Line::warn("certificate not fetched")).with("err", &reason).emit();
            NotFetched::Failed(Failure::new(pause, unavailable(url, &reason)))
        })?;
        let trusted = Certificate::parse(&url.id, pem.as_bytes()).and_then(|certificate| {
            self.trust.check(&certificate, now).map(|environment| (certificate, environment))
        });
        let (certificate, environment) = trusted.map_err(|refusal| {
            line(Line::error("certificate not trusted")).with("err", refusal).emit();
            NotFetched::Failed(Failure::new(PAUSE, NoCertificate::Refused(refusal)))
        })?;
        line(Line::info("certificate fetched")).with("environment", environment).emit();
        let certificate = Arc::new(certificate);
        self.keep(url, KnownCertificate { certificate: Arc::clone(&certificate), fetched_at: now });
        let url_text = url.url.clone().into_string();
        let certificate_kept = StoredCertificate { url: url_text, pem, fetched_at: now };
        if !self.store.offer(KeepCertificate { certificate: certificate_kept }, now) {
            Line::warn("certificate not stored").with("certificate", &url.id).emit();
        }
        Ok(certificate)
    }

    fn keep(&self, url: &CertificateUrl, known: KnownCertificate) {
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

/// PEM text; or for how long to leave the URL alone, and why.
fn fetch_pem(agent: &Agent, url: &str) -> Result<String, (Duration, String)> {
    let trouble = |reason: String| (PAUSE, reason);
    let answer = agent.get(url).call().map_err(|error| trouble(error.to_string()))?;
    let status = answer.status();
    if status != 200 {
        let pause = if matches!(status.as_u16(), 404 | 410) { PAUSE_NOTHING } else { PAUSE };
        return Err((pause, format!("answered {status}")));
    }
    let bytes = super::body(answer, LARGEST).map_err(|error| trouble(error.to_string()))?;
    let pem = String::from_utf8(bytes).map_err(|_| trouble("not text".to_owned()))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(trouble("not a PEM certificate".to_owned()));
    }
    Ok(pem)
}

fn unavailable(url: &CertificateUrl, reason: &str) -> NoCertificate {
    NoCertificate::Unavailable(Unavailable { id: url.id.clone(), reason: reason.to_owned() })
}
