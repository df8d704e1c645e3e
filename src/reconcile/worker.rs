//! The daemon's runs: at its start after a gap, and then again and again, on a thread for each
//! provider.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use getrandom::SysRng;
use getrandom::rand_core::TryRng;

use super::endpoints::{self, EndpointError};
use super::objects::{self, Asker};
use super::{Report, Run, RunError, Step, run};
use crate::clients::api::{ApiError, Stop};
use crate::clients::apis::Apis;
use crate::clients::keys::RetryPolicy;
use crate::domain::event::Event;
use crate::domain::issue::IssueKind;
use crate::domain::lookup_schedule::Reason;
use crate::domain::provider::Provider;
use crate::domain::records::{Applied, Cause, DueAsk, Issue, Kept};
use crate::providers::endpoints::Wanted;
use crate::providers::rules::Rules;
use crate::store::{Database, NoteFindings, Reader, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::metrics::Metrics;

/// Who heard nothing for longer than this by the time of a start looks at once; a shorter gap the
/// providers' own retries close.
const GAP: Duration = Duration::from_secs(10 * 60);
/// So often it is seen whether an event came about which is to be asked at once.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// So often it is seen whether an endpoint that was not as it should be is fixed.
const BETWEEN_ENDPOINT_LOOKS: Duration = Duration::from_secs(5 * 60);
/// How long a stop waits for what can be broken off; a call that hangs ends with the process.
const LONGEST_STOP: Duration = Duration::from_millis(500);

/// What the runs need.
#[derive(Debug)]
pub struct Settings {
    /// The database file.
    pub db: PathBuf,
    /// Which money PayPal's list is about.
    pub livemode: bool,
    /// How events are read.
    pub rules: Rules,
    /// Tells the time.
    pub clock: Clock,
    /// From one run to the next, about.
    pub every: Duration,
    /// How long and how often a provider is asked.
    pub patience: RetryPolicy,
    /// What is known here of where webhooks are to go.
    pub endpoint: Wanted,
}

/// The running threads.
#[derive(Debug)]
pub struct Worker {
    stop: Stop,
    ended: mpsc::Receiver<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread for each of these providers, whose APIs can be asked. `apis` wait with `stop`.
    pub fn start(
        settings: Settings,
        providers: &[Provider],
        apis: &Arc<Apis>,
        stop: Stop,
        metrics: &Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let settings = Arc::new(settings);
        let (alive, ended) = mpsc::channel();
        let mut threads = Vec::new();
        for provider in providers {
            metrics.reconciles(*provider, settings.every);
            let thread = Thread {
                provider: *provider,
                settings: Arc::clone(&settings),
                apis: Arc::clone(apis),
                stop: stop.clone(),
                metrics: Arc::clone(metrics),
                _alive: alive.clone(),
            };
            let named = std::thread::Builder::new().name(format!("reconcile-{provider}"));
            threads.push(named.spawn(move || thread.work())?);
        }
        Ok(Self { stop, ended, threads })
    }

    /// Whether a thread has ended; before [`stop`](Self::stop) that is a fault.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Stops within half a second. A run goes on after the next start.
    pub fn stop(self) {
        self.stop.tell();
        // It only ever ends by all threads having ended, or too late.
        let _ = self.ended.recv_timeout(LONGEST_STOP);
    }
}

struct Thread {
    provider: Provider,
    settings: Arc<Settings>,
    apis: Arc<Apis>,
    stop: Stop,
    metrics: Arc<Metrics>,
    /// Gone when the thread is.
    _alive: mpsc::Sender<()>,
}

impl Thread {
    /// Until it is told to stop.
    fn work(&self) {
        let every = self.settings.every;
        let (mut cause, mut pause) = match self.has_gap() {
            true => (Cause::Start, Duration::ZERO),
            // Any minute, so that not every shop's daemon comes at the same.
            false => (Cause::Schedule, chance(every)),
        };
        let mut failures = 0;
        while self.rest(pause) {
            let began = Instant::now();
            let ended = catch_unwind(AssertUnwindSafe(|| self.look(cause)));
            let ended = ended.unwrap_or(Err(Failed::Fault));
            cause = Cause::Schedule;
            let error = match ended {
                Ok(()) => {
                    failures = 0;
                    pause = every - every / 10 + chance(every / 5);
                    continue;
                }
                Err(Failed::Run(RunError::Api(ApiError::Stopped))) => return,
                Err(error) => error,
            };
            failures += 1;
            pause = self.pause(failures, &error);
            self.metrics.reconcile_failed(self.provider);
            Line::warn("missed events not fetched")
                .with("provider", self.provider)
                .with("attempt", failures)
                .with("next_s", pause.as_secs())
                .with("dur_ms", began.elapsed().as_millis())
                .with("err", &error)
                .emit();
        }
    }

    /// Waits so long, and meanwhile sees to what is urgent; `false` if it was
    /// told to stop.
    fn rest(&self, pause: Duration) -> bool {
        let (mut left, mut endpoint_seen) = (pause, Instant::now());
        while left > BETWEEN_LOOKS {
            if !self.stop.wait(BETWEEN_LOOKS) {
                return false;
            }
            left -= BETWEEN_LOOKS;
            let looks_at_endpoint = endpoint_seen.elapsed() >= BETWEEN_ENDPOINT_LOOKS;
            let looked = catch_unwind(AssertUnwindSafe(|| {
                self.look_at_what_is_urgent()?;
                if looks_at_endpoint { self.look_at_open_endpoint_issue() } else { Ok(()) }
            }));
            if looks_at_endpoint {
                endpoint_seen = Instant::now();
            }
            if let Err(error) = looked.unwrap_or(Err(Failed::Fault)) {
                // The next run comes to the same, and says so.
                Line::debug("urgent events not seen to").with("err", &error).emit();
            }
        }
        self.stop.wait(left)
    }

    fn look_at_what_is_urgent(&self) -> Result<(), Failed> {
        let Settings { db, livemode, clock, .. } = &*self.settings;
        let of = (self.provider, *livemode);
        let reader = Reader::open(db)?;
        let (due, _) = reader.due::<DueAsk>((of, Reason::URGENT), clock.now(), 1)?;
        if due.is_empty() {
            return Ok(());
        }
        self.ask_for_objects(&mut Database::open(db)?, Reason::URGENT)
    }

    /// Whether neither a webhook nor a run of late shows that nothing is missed.
    fn has_gap(&self) -> bool {
        let last = || {
            let sight = Reader::open(&self.settings.db)?.sight()?;
            let webhooks = sight.last_events.into_iter().map(|(provider, _, at)| (provider, at));
            let all = webhooks.chain(sight.last_reconciled);
            let of_provider = all.filter(|(provider, _)| *provider == self.provider);
            Ok::<_, StoreError>(of_provider.map(|(_, at)| at).max())
        };
        let last = last().ok().flatten();
        last.is_none_or(|last| self.settings.clock.now().since(last) >= GAP)
    }

    /// The first failures may be over soon; a key that is wrong stays so until somebody sees to it.
    fn pause(&self, failures: u32, error: &Failed) -> Duration {
        let Settings { every, patience, .. } = &*self.settings;
        let first = patience.pause.saturating_mul(60);
        let growing = first.saturating_mul(1 << failures.saturating_sub(1).min(10));
        let pause = match error {
            Failed::Run(RunError::Api(ApiError::Unauthorized { .. })) => *every,
            Failed::Run(RunError::Api(ApiError::RateLimited { wait: Some(wait), .. })) => {
                growing.max(*wait)
            }
            _ => growing.min(*every),
        };
        pause + chance(pause / 10)
    }

    fn look(&self, cause: Cause) -> Result<(), Failed> {
        let settings = &*self.settings;
        // Not kept open in between, so that the writer's is the last connection when the daemon ends.
        let mut database = Database::open(&settings.db)?;
        let began = Instant::now();
        let to_do = Run {
            provider: self.provider,
            cause,
            since: None,
            dry_run: false,
            livemode: settings.livemode,
            rules: &settings.rules,
            clock: settings.clock,
        };
        let reader = Reader::open(&settings.db)?;
        let report = run((&reader, &mut database), &self.apis, &to_do, &mut |step| {
            if let Step::Missed { event, applied } = step {
                self.metrics.caught_up(event.provider, applied.outcome);
                tell(event, applied);
            }
        })?;
        if report.ended.is_ok() {
            self.tell_report(cause, &report, began.elapsed());
        }
        let fetched = report.ended.map_err(Failed::from);
        if fetched.as_ref().is_err_and(Failed::is_of_all) {
            return fetched;
        }
        // One of them that fails takes nothing from the others.
        let asked = self.ask_for_objects(&mut database, Reason::ALL);
        let seen = self.look_at_endpoints(&mut database);
        fetched.and(asked).and(seen)
    }

    /// Whether the endpoint is fixed, if it was not as it should be when it was looked at last.
    fn look_at_open_endpoint_issue(&self) -> Result<(), Failed> {
        let db = &self.settings.db;
        let open = Reader::open(db)?.open_issues(None)?;
        let is_of_provider = |issue: &Issue| {
            issue.kind == IssueKind::Endpoint && issue.subject == self.provider.as_str()
        };
        match open.iter().any(is_of_provider) {
            true => self.look_at_endpoints(&mut Database::open(db)?),
            false => Ok(()),
        }
    }

    /// Whether webhooks still come here.
    fn look_at_endpoints(&self, database: &mut Database) -> Result<(), Failed> {
        let Settings { endpoint, clock, .. } = &*self.settings;
        let faults = match endpoints::check(&self.apis, self.provider, endpoint) {
            Ok(faults) => faults,
            Err(EndpointError::Api(ApiError::Stopped)) => {
                return Err(RunError::Api(ApiError::Stopped).into());
            }
            // A key that may not see them is none the worse for what is more important.
            Err(error) => {
                Line::info("webhook endpoints not seen")
                    .with("provider", self.provider)
                    .with("err", error)
                    .emit();
                return Ok(());
            }
        };
        let (provider, now) = (self.provider, clock.now());
        database
            .run(&NoteFindings { findings: vec![endpoints::finding(provider, &faults)] }, now)?;
        Ok(())
    }

    /// What events do not tell, once those that were missed are here.
    fn ask_for_objects(&self, database: &mut Database, reasons: &[Reason]) -> Result<(), Failed> {
        let Settings { db, livemode, rules, clock, .. } = &*self.settings;
        let asker = Asker { apis: &self.apis, livemode: *livemode, rules, clock: *clock };
        let (tally, broken_off) =
            objects::pass(db, database, &asker, (self.provider, reasons), &mut tell_of_object)?;
        if tally.asked > 0 {
            Line::info("objects asked for")
                .with("provider", self.provider)
                .with("asked", tally.asked)
                .with("news", tally.news)
                .with("not_found", tally.not_found)
                .with("failed", tally.failed)
                .emit();
        }
        match broken_off {
            Some(error) => Err(RunError::Api(error).into()),
            None => Ok(()),
        }
    }

    fn tell_report(&self, cause: Cause, report: &Report, took: Duration) {
        let found = report.total();
        let line = match found.new_events() {
            0 => Line::info("no event was missed"),
            _ => Line::warn("missed events fetched"),
        };
        line.with("provider", self.provider)
            .with("cause", cause)
            .with("since", report.since)
            .with("seen", found.seen)
            .with("known", found.known)
            .with("applied", found.applied)
            .with("orphaned", found.orphaned)
            .with("ignored", found.ignored)
            .with("failed", found.failed)
            .with("dur_ms", took.as_millis())
            .emit();
    }
}

/// Why a run came to nothing, or not to its end.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a fault of payhookd's own")]
    Fault,
}

impl Failed {
    /// Whether nothing else would go better.
    fn is_of_all(&self) -> bool {
        match self {
            Self::Run(RunError::Api(error)) => error.is_of_all(),
            Self::Run(RunError::Endless(_)) => false,
            Self::Run(RunError::Store(_)) | Self::Store(_) | Self::Fault => true,
        }
    }
}

/// The same of an object that said something new.
fn tell_of_object(kept: &Kept) {
    let Some((event_id, applied)) = &kept.news else { return };
    Line::info("object asked for")
        .with("object", kept.object.kind)
        .with("id", &kept.object.value)
        .with("event_id", event_id)
        .with_some("transaction_id", applied.transaction_id)
        .with("outcome", applied.outcome)
        .with_some("status", applied.status)
        .emit();
}

/// The canonical line of an event that was missed.
fn tell(event: &Event, applied: &Applied) {
    Line::info("missed event")
        .with("provider", event.provider)
        .with("event_id", &event.id)
        .with("event_type", &event.event_type)
        .with_some("transaction_id", applied.transaction_id)
        .with("outcome", applied.outcome)
        .with_some("status", applied.status)
        .with_some("orphan", applied.orphan)
        .with_some("amount_check", applied.wrong_amount)
        .with_some("late_money", applied.late_money.then_some(true))
        .emit();
}

/// Anything from nothing to `most`; without chance all of it.
fn chance(most: Duration) -> Duration {
    let chance = SysRng.try_next_u32().unwrap_or(u32::MAX);
    most.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}
