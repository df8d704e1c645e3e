//! Reconciliation while webhooks did not come, fetched from the providers' lists of events.
//!
//! Each event of the list goes the way of a webhook: the same reading, the same matching, the same
//! fold, the same notifications. One that is known changes nothing.
//!
//! A list is read in windows of time, the oldest first, so that the shop's app hears of things in
//! their order. A window that holds more than a page is made narrower; only one of a minute is read
//! page by page. Behind each window it is noted up to when nothing is missed, so whatever breaks off
//! goes on there. (Stripe's cursors would do for Stripe, but one that is thirty days old leads
//! nowhere, and an event that shows late stands behind it.)

pub mod discrepancies;
mod doubtful;
pub mod endpoints;
mod id_set;
pub mod objects;
mod pages;
mod windows;
pub mod worker;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use self::pages::Page;
use self::windows::{Window, Windows};
use crate::clients::api::ApiError;
use crate::clients::apis::Apis;
use crate::domain::event::{Content, Event, Source};
use crate::domain::issue::{Finding, IssueData, IssueKind, NewIssue, Severity, Trigger};
use crate::domain::provider::Provider;
use crate::domain::records::{Applied, Cause, Found, Ingested, Outcome, Webhook, WebhookLog};
use crate::domain::time::Timestamp;
use crate::providers::rules::Rules;
use crate::providers::{self, Verified};
use crate::store::{BeginRun, Database, DryRun, EndRun, IngestAll, NoteRun, Reader, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;

/// So far behind what is covered a run begins: the providers' lists show some events late and not in
/// their order, and their clocks are not ours. Events that are seen again cost one look each.
const OVERLAP: Duration = Duration::from_secs(2 * 60 * 60);

/// A database without events has missed none. To look back this far shows whether the keys are good.
const FIRST_LOOK: Duration = Duration::from_secs(60);

/// Both providers' lists reach back thirty days; PayPal refuses to be asked for more.
pub const KEPT_BY_PROVIDERS: Duration = Duration::from_secs(30 * 24 * 60 * 60 - 15 * 60);

/// Events in one commit: few enough that a webhook never waits long for it.
const IN_ONE_COMMIT: usize = 25;

/// After so many runs that failed a person is told; one may fail for many a reason.
const FAILURES_TOLD: i64 = 3;

/// What to look for.
#[derive(Clone, Debug)]
pub struct Run<'r> {
    /// Whose events.
    pub provider: Provider,
    /// Why.
    pub cause: Cause,
    /// From when on; `None` for what may have been missed.
    pub since: Option<Timestamp>,
    /// Only to see what would come of it: nothing is changed.
    pub dry_run: bool,
    /// Which money PayPal's list is about.
    pub livemode: bool,
    /// How events are read.
    pub rules: &'r Rules,
    /// Tells the time.
    pub clock: Clock,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// From when on it looked, UTC.
    pub since: Timestamp,
    /// What it found, by the day (UTC, `2026-11-23`) on which events happened.
    pub days: BTreeMap<String, Found>,
    /// Whether it came to the end of the list.
    pub ended: Result<(), RunError>,
}

impl Report {
    /// What it found in all.
    pub fn total(&self) -> Found {
        let mut total = Found::default();
        self.days.values().for_each(|found| total += *found);
        total
    }
}

/// Why a run did not come to the end of the list. What it found by then is kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// The provider did not answer as it should.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// What was found can't be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list has no end.
    #[error("{0}'s list of events has more pages than any should: it goes on in the next run")]
    Endless(Provider),
}

/// What somebody may want to see of a run while it goes on.
#[derive(Debug)]
pub enum Step<'s> {
    /// It has come so far.
    Window {
        /// From when on it looks.
        since: Timestamp,
        /// Up to when it has looked.
        done: Timestamp,
        /// Up to when it will look.
        until: Timestamp,
    },
    /// An event that was missed.
    Missed {
        /// What it says.
        event: &'s Event,
        /// What became of it.
        applied: &'s Applied,
    },
}

/// Fetches what was missed and applies it. Blocks.
pub fn run(
    (reader, database): (&Reader, &mut Database),
    apis: &Apis,
    run: &Run<'_>,
    observe: &mut dyn FnMut(&Step<'_>),
) -> Result<Report, StoreError> {
    let now = run.clock.now();
    let oldest = now.minus(KEPT_BY_PROVIDERS);
    let covered = reader.covered_until(run.provider)?;
    let begin = covered.map_or_else(|| now.minus(FIRST_LOOK), |until| until.minus(OVERLAP));
    let since = run.since.unwrap_or(begin).max(oldest).min(now);
    let closes_gap = run.since.is_none() || covered.is_none_or(|until| since <= until.max(oldest));
    let number = match run.dry_run {
        true => None,
        false => {
            let begin = BeginRun { provider: run.provider, cause: run.cause, since };
            Some(database.run(&begin, now)?)
        }
    };
    let report = Report { since, days: BTreeMap::new(), ended: Ok(()) };
    let mut course = Course {
        reader,
        database,
        apis,
        run,
        observe,
        number,
        closes_gap,
        not_kept: None,
        seen_before: HashSet::new(),
        report,
    };
    course.report.ended = course.follow(Windows::new(since, now));
    course.end()?;
    Ok(course.report)
}

/// A run on its way.
struct Course<'c> {
    reader: &'c Reader,
    database: &'c mut Database,
    apis: &'c Apis,
    run: &'c Run<'c>,
    observe: &'c mut dyn FnMut(&Step<'_>),
    /// `None` if it is only to see what would come of it.
    number: Option<i64>,
    /// Whether nothing is missed any more behind a window that was passed.
    closes_gap: bool,
    /// Why an event could not be kept, if one could not.
    not_kept: Option<StoreError>,
    /// Events at the end of the window before, which may come again at the beginning of this one.
    seen_before: HashSet<Box<str>>,
    report: Report,
}

impl Course<'_> {
    fn follow(&mut self, mut windows: Windows) -> Result<(), RunError> {
        let mut pages = 0;
        while let Some(window) = windows.current() {
            let mut page = Page::first(self.apis, self.run.provider, window)?;
            if page.leads_on() && windows.narrow() {
                continue;
            }
            let events = page.events().len();
            let mut at_end = HashSet::new();
            self.keep(&page, window, &mut at_end)?;
            while let Some(next) = page.next(self.apis, window)? {
                page = next;
                pages += 1;
                if pages > MOST_PAGES {
                    return Err(RunError::Endless(self.run.provider));
                }
                self.keep(&page, window, &mut at_end)?;
            }
            self.seen_before = at_end;
            self.passed(window, windows.until)?;
            windows.pass(events);
        }
        // What could be kept is. The rest is tried again in the next run.
        self.not_kept.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Keeps the events of a page that are not known.
    fn keep(
        &mut self,
        page: &Page,
        window: Window,
        at_end: &mut HashSet<Box<str>>,
    ) -> Result<(), RunError> {
        let mut missed = Vec::new();
        for verified in page.events() {
            let Some(webhook) = self.read(&verified) else { continue };
            if self.seen_before.contains(&webhook.event.id) {
                continue;
            }
            let is_at_end = |at: Timestamp| at >= window.until.minus(pages::EDGE);
            if webhook.event.occurred_at.is_some_and(is_at_end) {
                at_end.insert(webhook.event.id.clone());
            }
            if self.is_known(&webhook.event)? {
                self.count(&webhook.event, None);
            } else {
                missed.push(webhook);
            }
        }
        for some in missed.chunks(IN_ONE_COMMIT) {
            match self.ingest(some) {
                Ok(ingested) => self.tell(some, &ingested),
                Err(error) if error.is_of_the_database() => return Err(error.into()),
                Err(_) => self.keep_each(some)?,
            }
        }
        Ok(())
    }

    /// One event that can't be kept does not keep the others away.
    fn keep_each(&mut self, some: &[Webhook]) -> Result<(), RunError> {
        for one in some {
            match self.ingest(std::slice::from_ref(one)) {
                Ok(ingested) => self.tell(std::slice::from_ref(one), &ingested),
                Err(error) if error.is_of_the_database() => return Err(error.into()),
                Err(error) => {
                    Line::error("a missed event was not kept")
                        .with("provider", one.event.provider)
                        .with("event_id", &one.event.id)
                        .with("err", &error)
                        .emit();
                    self.not_kept.get_or_insert(error);
                }
            }
        }
        Ok(())
    }

    /// `None` if it is no event at all.
    fn read(&self, verified: &Verified<'_>) -> Option<Webhook> {
        let provider = self.run.provider;
        let read = providers::read(provider, verified, self.run.livemode, self.run.rules);
        let payload = String::from_utf8(verified.payload().to_vec()).map_err(|_| "not text");
        match (read, payload) {
            (Ok(event), Ok(payload)) => Some(Webhook {
                event,
                payload_sha256: Sha256::digest(&payload).into(),
                payload,
                headers: "{}".to_owned(),
                proof: verified.proof().to_string(),
                transmission_id: None,
                source: Source::CatchUp,
                received_at: self.run.clock.now(),
                arrived: Instant::now(),
            }),
            (read, _) => {
                Line::warn("something in the list of events is no event")
                    .with("provider", provider)
                    .with_some("err", read.err())
                    .emit();
                None
            }
        }
    }

    /// Whether nothing would come of it: it was applied, or it says nothing that could be.
    fn is_known(&self, event: &Event) -> Result<bool, StoreError> {
        let stored = self.reader.find::<WebhookLog>(&event.id)?;
        let is_it =
            |one: &&WebhookLog| one.provider == event.provider && *one.event_id == *event.id;
        let outcome = stored.iter().find(is_it).map(|one| one.status);
        let says_something = matches!(event.content, Content::Payments(_));
        Ok(match outcome {
            None => false,
            Some(Outcome::Processed | Outcome::Orphan) => true,
            Some(Outcome::Ignored | Outcome::Failed) => !says_something,
        })
    }

    fn ingest(&mut self, some: &[Webhook]) -> Result<Vec<Ingested>, StoreError> {
        let (all, now) = (IngestAll { webhooks: some.to_vec() }, self.run.clock.now());
        match self.run.dry_run {
            true => self.database.run(&DryRun(all), now),
            false => self.database.run(&all, now),
        }
    }

    fn tell(&mut self, some: &[Webhook], ingested: &[Ingested]) {
        for (webhook, ingested) in some.iter().zip(ingested) {
            let event = &webhook.event;
            match ingested {
                Ingested::New(applied) => {
                    self.count(event, Some(applied.outcome));
                    (self.observe)(&Step::Missed { event, applied });
                }
                // A webhook brought it just now.
                Ingested::Duplicate { .. } | Ingested::Refused(_) => self.count(event, None),
            }
        }
    }

    fn count(&mut self, event: &Event, outcome: Option<Outcome>) {
        let day = event.occurred_at.map(|at| at.to_string().chars().take(DATE).collect());
        let day = day.unwrap_or_else(|| "unknown".to_owned());
        self.report.days.entry(day).or_default().count(outcome);
    }

    fn passed(&mut self, window: Window, until: Timestamp) -> Result<(), StoreError> {
        if let Some(number) = self.number {
            let (provider, found) = (self.run.provider, self.report.total());
            let covers = self.closes_gap && self.not_kept.is_none();
            let covered = covers.then_some((provider, window.until));
            self.database.run(&NoteRun { number, found, covered }, self.run.clock.now())?;
        }
        (self.observe)(&Step::Window { since: self.report.since, done: window.until, until });
        Ok(())
    }

    /// Notes what the run came to, for a person and for the next one.
    fn end(&mut self) -> Result<(), StoreError> {
        let Some(number) = self.number else { return Ok(()) };
        let (provider, found, now) = (self.run.provider, self.report.total(), self.run.clock.now());
        let finding = match self.report.ended.as_ref().err() {
            None => (Finding::Good(IssueKind::Reconcile, provider.as_str().to_owned(), None), 0),
            Some(error) => {
                let is_lasting = matches!(error, RunError::Api(ApiError::Unauthorized { .. }));
                let data = IssueData::Reconcile { provider, error: error.to_string() };
                let (severity, trigger) = (Severity::Warning, Trigger::Lasts);
                let bad = Finding::Bad(NewIssue { data, severity, trigger });
                (bad, if is_lasting { 0 } else { FAILURES_TOLD })
            }
        };
        let error = self.report.ended.as_ref().err().map(RunError::to_string);
        self.database.run(&EndRun { number, provider, found, error, finding }, now)
    }
}

/// Characters of a date in the text form of an instant.
const DATE: usize = 10;
/// Pages behind the first ones in one run: a million events.
const MOST_PAGES: u32 = 10_000;
