//! Looks now and then at what no event tells: whether webhooks come and are believed, whether there is
//! room, whether time runs out for something.
//!
//! One task, with a reader of its own, off the way of any webhook. It raises issues whose state is bad
//! and closes those whose state is good; between two looks it remembers how much was refused.

mod money;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::domain::app_outage::AppOutage;
use crate::domain::issue::{
    DATABASE, Ending, Finding, IssueData, IssueKind, MACHINE, NewIssue, Severity, Trigger,
};
use crate::domain::provider::Provider;
use crate::domain::records::{Continuation, Details, Issue, WebhookLog};
use crate::domain::refusal_pattern::{Likely, RefusalClass};
use crate::domain::retention::ClockDoubt;
use crate::domain::silence::{Rhythm, WEEKS, hour_of};
use crate::domain::time::Timestamp;
use crate::providers::paypal::certificate::{Certificate, Trust};
use crate::store::{NoteFindings, Reader, Store, StoreError, WalWatch, known_head_file};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::refusals::Refusals;

/// What the lookout needs.
#[derive(Debug)]
pub struct Monitor {
    /// Where it looks.
    pub reader: Reader,
    /// Where issues are raised.
    pub store: Store,
    /// What is refused.
    pub refusals: Arc<Refusals>,
    /// What is genuine.
    pub metrics: Arc<Metrics>,
    /// What time it is.
    pub clock: Clock,
    /// How often it looks.
    pub every: Duration,
    /// Those whose webhooks are taken.
    pub providers: Vec<Provider>,
    /// Whether the daemon is about real money.
    pub livemode: bool,
    /// What PayPal's certificates must lead to, if they are checked here.
    pub trust: Option<Trust>,
    /// The database file.
    pub db: PathBuf,
    /// Where its log is seen.
    pub log: WalWatch,
    /// A file that names faults, for a test: `nearly full`, `awake` if the daemon was not away, and
    /// `monitor panics`.
    pub faults: Option<PathBuf>,
}

/// A rhythm is learned anew so often.
const LEARNED_FOR: Duration = Duration::from_secs(3_600);
/// Below this much room there is trouble soon, and below the other now.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;
const NO_ROOM: u64 = 256 * 1024 * 1024;
/// A log that could be copied no further at so many looks in a row is held. Ten minutes: a backup or an
/// export of a large database may take as long as most of them.
const HELD_LOOKS: u32 = 10;
/// A certificate that ends so soon is told.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);

/// By then what a thin event only announces has come, or was asked for.
const SNAPSHOT_LATE: Duration = Duration::from_secs(15 * 60);
/// So many thin events are looked at.
const THIN_SEEN: u32 = 200;

/// What is remembered between two looks.
#[derive(Debug, Default)]
struct Memory {
    started_at: Option<Timestamp>,
    rhythms: BTreeMap<Provider, (Timestamp, Option<Rhythm>)>,
    /// Up to where the log could be copied, and at how many looks.
    held: Option<(i64, u32)>,
    /// That the head of the log can't be kept was said.
    said_head_is_not_kept: bool,
}

impl Monitor {
    /// Until the runtime ends.
    pub async fn run(self) {
        let mut looks = tokio::time::interval(self.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let store = self.store.clone();
        let mut all = (self, Memory::default());
        loop {
            looks.tick().await;
            let looked = tokio::task::spawn_blocking(move || {
                let (lookout, mut memory) = all;
                let now = lookout.clock.now();
                (lookout.look(&mut memory, now), now, (lookout, memory))
            });
            // It is said who ended, and begun again.
            let Ok((findings, now, back)) = looked.await else { return };
            all = back;
            let kept = match findings {
                Ok(findings) if findings.is_empty() => Ok(()),
                Ok(findings) => store.run(NoteFindings { findings }, now).await,
                Err(error) => Err(error),
            };
            match kept {
                Ok(()) => all.0.metrics.looked(now),
                Err(error) => Line::warn("the lookout could not look").with("err", &error).emit(),
            }
        }
    }

    /// Everything that is to be raised or closed.
    fn look(&self, memory: &mut Memory, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        assert!(!self.has_fault("monitor panics"), "a test asked for it");
        let mut seen = Seen { open: self.reader.open_issues(None)?, findings: Vec::new() };
        let started_at = *memory.started_at.get_or_insert(now);
        for provider in self.providers.iter().copied() {
            let last = |livemode| self.metrics.last_event(provider, livemode);
            let is_silent = match last(self.livemode) {
                Some(last) => {
                    self.look_for_silence(memory, &mut seen, (provider, last), started_at, now)?
                }
                None => false,
            };
            let genuine_at = last(true).max(last(false));
            self.look_at_refusals(&mut seen, (provider, genuine_at), is_silent, now)?;
        }
        self.look_at_thin_events(&mut seen, now)?;
        self.look_at_clock(&mut seen, now)?;
        self.look_at_certificate(&mut seen, now)?;
        self.look_at_disk(&mut seen);
        self.look_at_wal(memory, &mut seen);
        self.look_at_log(memory, &mut seen);
        self.look_at_orders(&mut seen, now)?;
        self.look_at_disputes(&mut seen, now)?;
        self.look_at_authorizations(&mut seen, now)?;
        self.look_at_refunds(&mut seen, now)?;
        self.look_at_app(&mut seen, now)?;
        Ok(seen.findings)
    }

    fn look_at_refusals(
        &self,
        seen: &mut Seen,
        (provider, genuine_at): (Provider, Option<Timestamp>),
        is_silent: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for class in RefusalClass::ALL.iter().copied() {
            let tally = self.refusals.tally(provider, class);
            let known_since = |id: &str| self.known_since(provider, id);
            let evidence = tally.evidence(class, genuine_at, is_silent, known_since)?;
            let count = tally.since_genuine(genuine_at);
            let (kind, found) = match class {
                RefusalClass::Signature => {
                    let likely = Likely::of(&tally, evidence.as_ref(), genuine_at, now);
                    let data = likely.map(|likely| {
                        let of_provider = evidence.is_some();
                        let genuine_at = genuine_at.filter(|_| of_provider);
                        let since = tally.first_since(genuine_at).filter(|_| of_provider);
                        // Of what may be anybody's every number would be news, and none is worth it.
                        let count = if of_provider { count } else { tally.in_last_hour(now) };
                        IssueData::RefusedSignatures {
                            provider,
                            likely,
                            count,
                            since,
                            genuine_at,
                            evidence: evidence.clone(),
                        }
                    });
                    (IssueKind::RefusedSignatures, data)
                }
                RefusalClass::Time => {
                    let now = tally.last_at().unwrap_or(now);
                    let data = |evidence| IssueData::OtherTime { provider, count, now, evidence };
                    (IssueKind::Clock, evidence.clone().map(Some).map(data))
                }
                RefusalClass::Certificate => {
                    let by_certificate = self.trust.is_some();
                    let data = |evidence| IssueData::NoProof { count, by_certificate, evidence };
                    (IssueKind::Certificate, evidence.clone().map(Some).map(data))
                }
            };
            match found {
                Some(data) if evidence.is_some() => seen.bad(data, Severity::Critical),
                Some(data) => {
                    let worse = seen.open(kind, provider.as_str()).is_some_and(is_critical);
                    if !worse || seen.is_over(kind, provider, genuine_at) {
                        seen.bad(data, Severity::Notice);
                    }
                }
                None => {
                    seen.is_over(kind, provider, genuine_at);
                }
            }
        }
        Ok(())
    }

    /// When an event was received and proved, or given by the provider's own list.
    fn known_since(
        &self,
        provider: Provider,
        event_id: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let known = self.reader.find::<WebhookLog>(event_id)?;
        let is_it = |log: &WebhookLog| log.provider == provider && &*log.event_id == event_id;
        Ok(known.into_iter().find(is_it).map(|log| log.received_at))
    }

    fn look_for_silence(
        &self,
        memory: &mut Memory,
        seen: &mut Seen,
        (provider, last): (Provider, Timestamp),
        started_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // While the daemon was away nothing could come.
        let from = if self.has_fault("awake") { last } else { last.max(started_at) };
        let known = memory.rhythms.get(&provider);
        if known.is_none_or(|(learned_at, _)| now.since(*learned_at) >= LEARNED_FOR) {
            let until = hour_of(last);
            let since = last.minus(Duration::from_secs(WEEKS.unsigned_abs() * 7 * 86_400));
            let hours = self.reader.events_by_hour(provider, self.livemode, since)?;
            memory.rhythms.insert(provider, (now, Rhythm::learned(&hours, until)));
        }
        let rhythm = memory.rhythms.get(&provider).and_then(|(_, rhythm)| rhythm.as_ref());
        let is_silent = rhythm.is_some_and(|rhythm| rhythm.is_silent(from, now));
        match is_silent {
            true => {
                seen.bad(IssueData::Silence { provider, last_at: last }, Severity::Warning);
            }
            false => {
                seen.is_over(IssueKind::Silence, provider, Some(last));
            }
        }
        Ok(is_silent)
    }

    /// Thin events whose objects were not asked for and whose snapshots did not come, one issue for each type.
    fn look_at_thin_events(&self, seen: &mut Seen, now: Timestamp) -> Result<(), StoreError> {
        let (events, _) = self.reader.due::<WebhookLog>((), now.minus(SNAPSHOT_LATE), THIN_SEEN)?;
        let mut types = BTreeSet::new();
        for log in events {
            if types.insert(log.event_type.clone()) {
                let data = IssueData::FailedEvent {
                    provider: log.provider,
                    event_type: log.event_type.to_string(),
                    event_id: log.event_id.to_string(),
                    why: log.error.unwrap_or_default(),
                };
                seen.bad(data, Severity::Warning);
            }
        }
        Ok(())
    }

    /// What the providers' signatures can't tell, because nothing that is signed comes.
    fn look_at_clock(&self, seen: &mut Seen, now: Timestamp) -> Result<(), StoreError> {
        let Some(latest) = self.reader.latest_event()? else { return Ok(()) };
        match ClockDoubt::of(now, latest) {
            Some(doubt) => {
                seen.bad(IssueData::MachineClock { doubt, latest_at: latest }, Severity::Warning);
            }
            None => seen.good(IssueKind::Clock, MACHINE, None),
        }
        Ok(())
    }

    /// Only while webhooks are proved at all: else that is what is told.
    fn look_at_certificate(&self, seen: &mut Seen, now: Timestamp) -> Result<(), StoreError> {
        let Some(trust) = &self.trust else { return Ok(()) };
        let subject = Provider::Paypal.as_str();
        if seen.open(IssueKind::Certificate, subject).is_some_and(is_critical) {
            return Ok(());
        }
        let stored = self.reader.certificates()?;
        let newest = stored.into_iter().max_by_key(|one| one.fetched_at);
        let Some(stored) = newest else { return Ok(()) };
        let parsed = Certificate::parse(&stored.url, stored.pem.as_bytes());
        let ends = parsed.and_then(|certificate| trust.valid_until(&certificate, now));
        match ends {
            Ok(ends) if ends.since(now) < ENDS_SOON => {
                seen.bad(IssueData::CertificateEnds { at: ends }, Severity::Warning);
            }
            Ok(_) => seen.good(IssueKind::Certificate, subject, None),
            // It is refused when it is used, and told then.
            Err(_) => {}
        }
        Ok(())
    }

    fn look_at_disk(&self, seen: &mut Seen) {
        let Some((free, total)) = self.room() else { return };
        // A small disk is nearly full when a tenth is left.
        let little = LITTLE_ROOM.min(total / 10);
        let severity = match free {
            free if free < NO_ROOM.min(total / 20) => Severity::Critical,
            free if free < little => Severity::Warning,
            // A little more than there was, so that it does not open and close all the time.
            free if free < little + little / 4 => return,
            _ => return seen.good(IssueKind::Disk, DATABASE, None),
        };
        let data = IssueData::Disk { free: mebibytes(free), total: mebibytes(total) };
        seen.bad(data, severity);
    }

    /// Whoever reads for a moment gives way to the next look.
    fn look_at_wal(&self, memory: &mut Memory, seen: &mut Seen) {
        // If the disk can't be written, that is told elsewhere.
        let Ok(log) = self.log.look() else { return };
        memory.held = log.map(|log| match memory.held {
            Some((copied, looks)) if copied == log.copied => (copied, looks.saturating_add(1)),
            _ => (log.copied, 1),
        });
        match (log, memory.held) {
            (Some(log), Some((_, HELD_LOOKS..))) => {
                seen.bad(IssueData::HeldWal { size: mebibytes(log.bytes) }, Severity::Warning);
            }
            _ => seen.good(IssueKind::HeldWal, DATABASE, None),
        }
    }

    /// Whether the log goes on from where it was last seen to end, by this daemon or one before it.
    fn look_at_log(&self, memory: &mut Memory, seen: &mut Seen) {
        match self.reader.continuation(&self.db, true) {
            Ok(Continuation::Broken(known)) => {
                let file = known_head_file(&self.db).display().to_string();
                seen.bad(IssueData::EventLog { known, file }, Severity::Critical);
            }
            Ok(_) => seen.good(IssueKind::EventLog, DATABASE, None),
            Err(error) if !memory.said_head_is_not_kept => {
                memory.said_head_is_not_kept = true;
                Line::warn("the head of the log is not kept").with("err", &error).emit();
            }
            Err(_) => {}
        }
    }

    /// Bytes that are free where the database is, and all.
    fn room(&self) -> Option<(u64, u64)> {
        let disk = rustix::fs::statvfs(&self.db).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        let free = match self.has_fault("nearly full") {
            true => 0,
            false => bytes(disk.f_bavail),
        };
        Some((free, bytes(disk.f_blocks)))
    }

    fn has_fault(&self, name: &str) -> bool {
        let fault = self.faults.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        fault.is_some_and(|fault| fault.lines().any(|line| line == name))
    }

    /// An outage lasts on without any attempt.
    fn look_at_app(&self, seen: &mut Seen, now: Timestamp) -> Result<(), StoreError> {
        for outage in self.reader.due::<AppOutage>((), now, 1)?.0 {
            if let Some(severity) = outage.severity(now) {
                seen.bad(IssueData::of_outage(outage), severity);
            }
        }
        Ok(())
    }
}

/// What is open, and what was found.
struct Seen {
    open: Vec<Issue>,
    findings: Vec<Finding>,
}

impl Seen {
    fn open(&self, kind: IssueKind, subject: &str) -> Option<&Issue> {
        self.open.iter().find(|one| one.kind == kind && one.subject == subject)
    }

    fn subjects(&self, kind: IssueKind) -> Vec<String> {
        let of_kind = self.open.iter().filter(|issue| issue.kind == kind);
        of_kind.map(|issue| issue.subject.clone()).collect()
    }

    /// Nothing is written if it is known just so.
    fn bad(&mut self, data: IssueData, severity: Severity) {
        let known = self.open(data.kind(), &data.subject());
        if known.is_none_or(|issue| {
            issue.severity < severity || !matches!(&issue.details, Details::Data(it) if *it == data)
        }) {
            let new = NewIssue { data, severity, trigger: Trigger::Lasts };
            self.findings.push(Finding::Bad(new));
        }
    }

    fn good(&mut self, kind: IssueKind, subject: &str, how: Option<Ending>) {
        if self.open(kind, subject).is_some() {
            self.findings.push(Finding::Good(kind, subject.to_owned(), how));
        }
    }

    /// What webhooks showed to be bad is good again once a genuine one has come; what was no more than
    /// worth knowing, when it has ceased. Whether that is so.
    fn is_over(
        &mut self,
        kind: IssueKind,
        provider: Provider,
        genuine_at: Option<Timestamp>,
    ) -> bool {
        let subject = provider.as_str();
        let Some(open) = self.open(kind, subject) else { return false };
        // That a certificate ends soon is looked at elsewhere.
        let is_about_webhooks = kind != IssueKind::Certificate || is_critical(open);
        let ceased = open.severity == Severity::Notice;
        // Genuine ones are known by the second.
        let is_after = |at: Timestamp| at.unix_seconds() >= open.last_seen_at.unix_seconds();
        let is_over = is_about_webhooks && (ceased || genuine_at.is_some_and(is_after));
        if is_over {
            self.good(kind, subject, None);
        }
        is_over
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

fn is_critical(issue: &Issue) -> bool {
    issue.severity == Severity::Critical
}
