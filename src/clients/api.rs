//! How a provider's API is asked: politely, patiently and with an end.
//!
//! One call at a time for each provider. What the provider is too busy for is asked again as late as
//! it says; what got no answer, after a pause of chance that grows. Nothing here is on the way of an
//! answer to a webhook.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;

use super::wait;
use crate::clients::keys::RetryPolicy;
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::telemetry::clock::Clock;

/// Answers that are read are no larger: a page of a hundred events is some hundred KiB.
pub(super) const LARGEST: u64 = 16 * 1024 * 1024;

/// Why an API gave no answer that can be used. What it holds can be shown: there is no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The keys are not set.
    #[error("{provider}'s API can't be asked: {remedy}")]
    NotConfigured {
        /// Whose.
        provider: Provider,
        /// What to set.
        remedy: &'static str,
    },
    /// The keys are wrong, or may not do this.
    #[error("{provider} answered {status} to {asked}: {remedy}")]
    Unauthorized {
        /// Whose.
        provider: Provider,
        /// 401 or 403.
        status: u16,
        /// Method and path.
        asked: String,
        /// Which key it is, and what to do.
        remedy: &'static str,
    },
    /// The provider wants to be asked later than we wait.
    #[error("{provider} is asked too often{}", later(*.wait))]
    RateLimited {
        /// Whose.
        provider: Provider,
        /// How long it wants to be left alone, if it says so.
        wait: Option<Duration>,
    },
    /// No answer, or one that says that the provider itself has trouble, several times.
    #[error("{provider}'s API can't be reached ({why})")]
    Unreachable {
        /// Whose.
        provider: Provider,
        /// What happened the last time.
        why: String,
    },
    /// There is no such object.
    #[error("{provider} knows nothing at {asked}")]
    NotFound {
        /// Whose.
        provider: Provider,
        /// Method and path.
        asked: String,
    },
    /// The answer is larger than is read.
    #[error("{provider}'s answer to {asked} is larger than {} MiB", LARGEST >> 20)]
    TooLarge {
        /// Whose.
        provider: Provider,
        /// Method and path.
        asked: String,
    },
    /// An answer that nobody expected.
    #[error("{provider}'s answer to {asked} is not understood: {what}")]
    Unexpected {
        /// Whose.
        provider: Provider,
        /// Method and path.
        asked: String,
        /// What was wrong with it.
        what: String,
    },
    /// payhookd is stopping, so nobody waits any more.
    #[error("broken off, because payhookd is stopping")]
    Stopped,
}

impl ApiError {
    /// Whether the next question, about whatever, would come to the same.
    pub fn is_of_all(&self) -> bool {
        !matches!(
            self,
            Self::NotFound { .. }
                | Self::TooLarge { .. }
                | Self::Unexpected { .. }
                | Self::Unauthorized { status: 403, .. }
        )
    }
}

fn later(wait: Option<Duration>) -> String {
    wait.map(|wait| format!(", and wants to be left alone for {} s", wait.as_secs()))
        .unwrap_or_default()
}

/// What stands at a path, and when.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The answer's body.
    pub body: Vec<u8>,
    /// By the clock of the API or, if it does not tell, ours.
    pub at: Timestamp,
}

/// How those that wait are told to stop. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Nobody is told yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every wait, now and later.
    pub fn tell(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether it was told.
    pub fn is_told(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long; `false` if it was told before that. Blocks.
    pub fn wait(&self, how_long: Duration) -> bool {
        let told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(told, how_long, |told| !*told);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Makes the calls to one provider.
pub(super) struct Caller {
    provider: Provider,
    agent: Agent,
    patience: RetryPolicy,
    /// Whoever has it may call; until when nobody may, because the provider said so.
    turn: Mutex<Option<Instant>>,
    stop: Stop,
    clock: Clock,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.provider)
    }
}

impl Caller {
    pub(super) fn new(provider: Provider, patience: RetryPolicy, stop: Stop, clock: Clock) -> Self {
        let agent = super::settings(None).timeout_global(Some(patience.call)).build().new_agent();
        Self { provider, agent, patience, turn: Mutex::new(None), stop, clock }
    }

    /// What calls are made with.
    pub(super) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Makes a call, again and again until it comes to something that will not change. `asked` names
    /// it; `once` makes it once. Blocks.
    pub(super) fn call(
        &self,
        asked: &Asked<'_>,
        once: impl Fn() -> Result<ApiAnswer, Broken>,
    ) -> Result<ApiAnswer, ApiError> {
        let mut not_before = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempt = 1;
        loop {
            if let Some(left) = not_before.map(|then| then.duration_since(Instant::now())) {
                if left > self.patience.longest {
                    return Err(self.rate_limited(Some(left)));
                }
                self.wait(left)?;
            }
            let failed = match self.judge(asked, once()) {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            *not_before = failed.wait.and_then(|wait| Instant::now().checked_add(wait));
            let too_long = failed.wait.is_some_and(|wait| wait > self.patience.longest);
            if !failed.again || too_long || attempt >= self.patience.attempts {
                return Err(failed.error);
            }
            self.wait(self.patience.pause(attempt, failed.wait))?;
            attempt += 1;
        }
    }

    /// The answer as somebody who looks at an object needs it.
    pub(super) fn looked(&self, answer: ApiAnswer) -> Looked {
        Looked { at: answer.date.unwrap_or_else(|| self.clock.now()), body: answer.body }
    }

    fn wait(&self, how_long: Duration) -> Result<(), ApiError> {
        if self.stop.wait(how_long) { Ok(()) } else { Err(ApiError::Stopped) }
    }

    fn rate_limited(&self, wait: Option<Duration>) -> ApiError {
        ApiError::RateLimited { provider: self.provider, wait }
    }

    /// A good answer; else what is wrong, and whether it may be better the next time.
    fn judge(
        &self,
        asked: &Asked<'_>,
        answer: Result<ApiAnswer, Broken>,
    ) -> Result<ApiAnswer, Failed> {
        let provider = self.provider;
        let at = asked.name.to_owned();
        match answer {
            Ok(answer) => self.judge_status(asked, answer),
            Err(Broken::NoToken(answer)) => {
                let of_token = Asked { name: ASKED, ..*asked };
                let failed = self.judge_status(&of_token, answer);
                // Not that there is no such object.
                failed.map_err(|failed| match failed.error {
                    ApiError::NotFound { provider, asked } => {
                        let what = "status 404".to_owned();
                        Failed::for_good(ApiError::Unexpected { provider, asked, what })
                    }
                    _ => failed,
                })
            }
            Err(Broken::NotGranted) => {
                let (asked, what) = (ASKED.to_owned(), "there is no token in it".to_owned());
                Err(Failed::for_good(ApiError::Unexpected { provider, asked, what }))
            }
            Err(Broken::NoAnswer(ureq::Error::BodyExceedsLimit(_))) => {
                Err(Failed::for_good(ApiError::TooLarge { provider, asked: at }))
            }
            Err(Broken::NoAnswer(error)) => {
                let why = error.to_string();
                Err(Failed::for_now(ApiError::Unreachable { provider, why }, None))
            }
        }
    }

    fn judge_status(&self, asked: &Asked<'_>, answer: ApiAnswer) -> Result<ApiAnswer, Failed> {
        let provider = self.provider;
        let at = asked.name.to_owned();
        let status = answer.status;
        let unexpected = || {
            let what = match (asked.fault)(&answer.body) {
                // An answer may repeat what it was asked with.
                Some(fault) if !asked.secrets.iter().any(|secret| fault.contains(secret)) => {
                    format!("{status}, {fault}")
                }
                _ => format!("status {status}"),
            };
            ApiError::Unexpected { provider, asked: at.clone(), what }
        };
        let wait = answer.retry_after.as_deref().and_then(|text| wait(text, self.clock.now()));
        let failed = match status {
            200..=299 => return Ok(answer),
            300..=399 => {
                let what = format!("{status}, which leads elsewhere and is not followed");
                Failed::for_good(ApiError::Unexpected { provider, asked: at, what })
            }
            401 | 403 => {
                let remedy = if status == 401 { asked.wrong_key } else { asked.weak_key };
                Failed::for_good(ApiError::Unauthorized { provider, status, asked: at, remedy })
            }
            404 => Failed::for_good(ApiError::NotFound { provider, asked: at }),
            429 => Failed::for_now(self.rate_limited(wait), wait),
            // 409: another call holds the object.
            408 | 409 | 425 => Failed::for_now(unexpected(), wait),
            500.. => {
                let why = format!("it answered {status}");
                Failed::for_now(ApiError::Unreachable { provider, why }, wait)
            }
            _ => Failed::for_good(unexpected()),
        };
        let again = answer.should_retry.unwrap_or(failed.again);
        Err(Failed { again, ..failed })
    }
}

/// Why a call came to no answer.
pub(super) enum Broken {
    /// The provider did not answer.
    NoAnswer(ureq::Error),
    /// It granted no token, but answered this.
    NoToken(ApiAnswer),
    /// It granted a token without one.
    NotGranted,
}

impl From<ureq::Error> for Broken {
    fn from(error: ureq::Error) -> Self {
        Self::NoAnswer(error)
    }
}

/// What a call is, for those who are told that it failed.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Method and path.
    pub(super) name: &'a str,
    /// What to do if the provider does not know the key.
    pub(super) wrong_key: &'static str,
    /// What to do if the key may not do this.
    pub(super) weak_key: &'static str,
    /// What is never shown.
    pub(super) secrets: &'a [&'a str],
    /// What a body says is wrong.
    pub(super) fault: fn(&[u8]) -> Option<String>,
}

struct Failed {
    error: ApiError,
    again: bool,
    wait: Option<Duration>,
}

impl Failed {
    fn for_good(error: ApiError) -> Self {
        Self { error, again: false, wait: None }
    }

    fn for_now(error: ApiError, wait: Option<Duration>) -> Self {
        Self { error, again: true, wait }
    }
}

/// An answer, read to its end.
pub(super) struct ApiAnswer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// When it was given, by the provider's own clock.
    date: Option<Timestamp>,
    /// When to ask again, as the header says it.
    retry_after: Option<String>,
    /// Whether to ask again: Stripe says so itself, whatever the status.
    should_retry: Option<bool>,
}

impl ApiAnswer {
    /// Of no more than `limit` bytes.
    pub(super) fn read(
        answer: ureq::http::Response<ureq::Body>,
        limit: u64,
    ) -> Result<Self, ureq::Error> {
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let date = header("date").and_then(super::date);
        let retry_after = header("retry-after").map(str::to_owned);
        let should_retry = header("stripe-should-retry").and_then(|value| value.parse().ok());
        let status = answer.status().as_u16();
        Ok(Self { status, date, retry_after, should_retry, body: super::body(answer, limit)? })
    }
}

/// That, for those who are told that it failed.
pub(super) const ASKED: &str = "POST /v1/oauth2/token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_never_end_before_the_provider_wants() {
        let patience = RetryPolicy::STANDARD;
        for attempt in 1..40 {
            let most = patience.pause * (1 << (attempt - 1).min(10));
            assert!(patience.pause(attempt, None) <= most, "{attempt}");
            let asked_for = Duration::from_secs(7);
            let pause = patience.pause(attempt, Some(asked_for));
            assert!((asked_for..=asked_for + most).contains(&pause), "{attempt}: {pause:?}");
        }
    }

    #[test]
    fn whoever_waits_is_told_to_stop() {
        let stop = Stop::new();
        assert!(stop.wait(Duration::ZERO));
        let of_thread = stop.clone();
        let waiting = std::thread::spawn(move || of_thread.wait(Duration::from_secs(3_600)));
        stop.tell();
        assert!(!waiting.join().expect("no panic"));
        assert!(stop.is_told() && !stop.wait(Duration::from_secs(3_600)));
    }
}
