//! The daemon's looks beside its work: commits of other processes, orphans that nobody
//! registered, issues, threads that must not end, and what there is to say of refusals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior};

use super::parts::Parts;
use super::{Lost, broke_off};
use crate::cli::{CommandError, said};
use crate::domain::issue::{Finding, IssueData, IssueKind, NewIssue, Severity, Trigger};
use crate::domain::provider::Provider;
use crate::domain::records::{Issue, IssueFilter, Orphan, Page};
use crate::domain::refusal::Refusal;
use crate::i18n::issues::Audience;
use crate::notify::Notifier;
use crate::reconcile::worker::Worker;
use crate::store::{
    CommitSignal, NoteFindings, RaiseDueOrphans, Reader, Readers, Store, StoreError, Writer,
};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::refusals::Refusals;
use crate::telemetry::tasks::TaskHealth;

/// Looks that are so far apart, also after one that took long.
fn looks(every: Duration) -> Interval {
    let mut looks = tokio::time::interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

/// Announces the commits of other processes, the command line's. (Ours are by themselves, sooner;
/// that they are seen here again costs those who listen one look.)
pub(super) async fn announce_others(mut reader: Reader, commits: CommitSignal) {
    let mut looks = looks(Duration::from_millis(500));
    let mut seen = None;
    loop {
        looks.tick().await;
        // Only what one connection says can be compared.
        let looked = tokio::task::spawn_blocking(move || (reader.data_version(), reader));
        let Ok((version, back)) = looked.await else { return };
        reader = back;
        match version {
            Ok(version) if seen == Some(version) => {}
            Ok(version) => {
                seen = Some(version);
                commits.announce();
            }
            Err(error) => Line::debug("data version not read").with("err", &error).emit(),
        }
    }
}

/// Counts what happened lately before anybody asks for it, and so often that little is left to count
/// when somebody does.
pub(super) async fn keep_counting(readers: Readers, clock: Clock) {
    let mut looks = looks(Duration::from_secs(60));
    loop {
        looks.tick().await;
        if let Err(error) = readers.with_statistics(clock.now(), |_, _| Ok(())).await {
            Line::debug("statistics not counted").with("err", &error).emit();
        }
    }
}

/// When the last event came is known also after a start.
pub(super) async fn count_from_before(readers: Readers, metrics: Arc<Metrics>) {
    match readers.read(Reader::sight).await {
        Ok(sight) => {
            for (provider, livemode, at) in sight.last_events {
                metrics.received(provider, livemode, at);
            }
        }
        Err(error) => Line::debug("last events not read").with("err", &error).emit(),
    }
}

/// Raises an issue for each orphan for which the shop had its time to register a transaction.
pub(super) async fn raise_due_orphans(Parts { config, readers, store, .. }: Parts) {
    let mut looks = looks(Duration::from_secs(1));
    loop {
        looks.tick().await;
        let now = config.clock.now();
        // Asked of a reader first: the writer is for those who have something to write.
        let due = readers.read(move |reader| reader.due::<Orphan>((), now, 1)).await;
        let raised = match due {
            Ok((due, _)) if due.is_empty() => continue,
            Ok(_) => store.run(RaiseDueOrphans {}, now).await,
            Err(error) => Err(error),
        };
        if let Err(error) = raised {
            // It is tried again in a second; whatever ails the database is told elsewhere.
            Line::debug("orphans not looked at").with("err", &error).emit();
        }
    }
}

/// Writes a line for each issue that opens, has news or is over from now on, whoever commits it.
pub(super) async fn log_issues(readers: Readers, known: Arc<Mutex<Known>>) {
    let mut looks = looks(Duration::from_secs(1));
    loop {
        looks.tick().await;
        let mut known = known.lock().await;
        let before = known.clone();
        match readers.read(move |reader| log_changed_issues(reader, before)).await {
            Ok(now) => *known = now,
            Err(error) => Line::debug("issues not read").with("err", &error).emit(),
        }
    }
}

/// The issues of which a line was written.
#[derive(Clone)]
pub(super) struct Known {
    newest: i64,
    /// Those that last, with their news.
    open: BTreeMap<i64, i64>,
}

impl Known {
    /// Those from before the start. One line tells how many of them are open.
    pub(super) fn from_before(reader: &Reader) -> Result<Self, StoreError> {
        let open = reader.open_issues(None)?;
        if !open.is_empty() {
            Line::warn("issues are open: see `payhookd issues list`")
                .with("count", open.len())
                .emit();
        }
        let open = open.iter().map(|issue| (issue.id, issue.news)).collect();
        let newest = reader.list(&IssueFilter::default(), Page { before: None, limit: 1 })?;
        Ok(Self { newest: newest.rows.first().map_or(0, |issue| issue.id), open })
    }
}

fn log_changed_issues(reader: &Reader, mut known: Known) -> Result<Known, StoreError> {
    let mut before = std::mem::take(&mut known.open);
    for issue in reader.open_issues(Some(known.newest))? {
        if before.remove(&issue.id).is_none_or(|news| news < issue.news) {
            log_issue(&issue);
        }
        known.newest = known.newest.max(issue.id);
        if issue.closed_at.is_none() {
            known.open.insert(issue.id, issue.news);
        }
    }
    for id in before.into_keys() {
        if let Some(issue) = reader.get::<Issue>(id)? {
            log_issue(&issue);
        }
    }
    Ok(known)
}

fn log_issue(issue: &Issue) {
    let line = match (issue.closed_at, issue.severity) {
        (None, Severity::Warning | Severity::Critical) => Line::warn("issue"),
        _ => Line::info("issue"),
    };
    let (said, _) = issue.texts(Audience::PLAIN);
    line.with("issue_id", issue.id)
        .with("kind", issue.kind)
        .with("subject", &issue.subject)
        .with("status", issue.status())
        .with("severity", issue.severity)
        .with("count", issue.count)
        .with("title", &said.title)
        .with("detail", &said.detail)
        .with("remedy", &said.remedy)
        .emit();
}

/// Says what the throttle of refusals left out; returns if a thread ends, or the database is lost.
pub(super) async fn watch_over(
    store: &Store,
    writer: &Writer,
    (notifier, reconciler): (Option<&Notifier>, Option<&Worker>),
    refusals: &Refusals,
) -> CommandError {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    let mut seconds: u64 = 0;
    loop {
        every_second.tick().await;
        if writer.has_ended() {
            let Some(loss) = store.report().loss else {
                return said(
                    "the writer thread has ended: see the log; nothing that was acknowledged is lost",
                );
            };
            tokio::time::sleep(SAYS_WHY).await;
            return Lost(loss).into();
        }
        if store.report().loss.is_some() {
            // So that the writer finds out, if nobody else has anything to write.
            let _ = tokio::time::timeout(Duration::from_secs(1), store.probe()).await;
        }
        if notifier.is_some_and(Notifier::has_ended) {
            return said(
                "the notifier thread has ended: see the log; what is owed to the app is still owed",
            );
        }
        if reconciler.is_some_and(Worker::has_ended) {
            return broke_off("reconcile");
        }
        seconds += 1;
        if seconds.is_multiple_of(10) {
            tell_left_out(refusals);
        }
    }
}

/// Opens an issue for each task that broke off, and closes it when the task is well again, also one that
/// an earlier daemon opened before it ended.
pub(super) async fn note_broken_tasks(health: Arc<TaskHealth>, parts: Parts) {
    let Parts { config, readers, store, .. } = parts;
    let mut looks = looks(Duration::from_secs(1));
    let mut told: Option<BTreeSet<String>> = None;
    loop {
        looks.tick().await;
        let Some(before) = &told else {
            match readers.read(|reader| reader.open_issues(None)).await {
                Ok(open) => {
                    let of_tasks = open.into_iter().filter(|one| one.kind == IssueKind::Task);
                    told = Some(of_tasks.map(|issue| issue.subject).collect());
                }
                Err(error) => Line::debug("issues not read").with("err", &error).emit(),
            }
            continue;
        };
        let broken: BTreeSet<String> =
            health.broken().iter().map(|name| name.to_string()).collect();
        let bad = broken.difference(before).map(|name| {
            let data = IssueData::Task { task: name.clone() };
            let (severity, trigger) = (Severity::Critical, Trigger::Happened);
            Finding::Bad(NewIssue { data, severity, trigger })
        });
        let good = before.iter().filter(|name| health.is_well(name));
        let good = good.map(|name| Finding::Good(IssueKind::Task, name.clone(), None));
        let findings: Vec<Finding> = bad.chain(good).collect();
        if findings.is_empty() {
            continue;
        }
        match store.run(NoteFindings { findings }, config.clock.now()).await {
            Ok(()) => {
                let lasting = before.iter().filter(|name| !health.is_well(name)).cloned();
                told = Some(lasting.chain(broken).collect());
            }
            Err(error) => Line::debug("tasks not noted").with("err", &error).emit(),
        }
    }
}

/// Marks the database's file anew, so that a copy of it from before can be told from it.
pub(super) async fn mark_now_and_then(store: Store) {
    let mut looks = looks(Duration::from_secs(60));
    looks.reset();
    loop {
        looks.tick().await;
        if let Err(error) = store.probe().await {
            Line::debug("not marked").with("err", &error).emit();
        }
    }
}

/// How long whoever asks is still told why nothing is taken any more.
const SAYS_WHY: Duration = Duration::from_secs(5);

/// One line for each reason, with how often it was the reason since the start.
pub(super) fn tell_counts(refusals: &Refusals) {
    for provider in Provider::ALL {
        for refusal in Refusal::ALL {
            let count = refusals.counted(*provider, *refusal);
            if count > 0 {
                Line::info("refused total")
                    .with("provider", provider)
                    .with("outcome", refusal)
                    .with("count", count)
                    .emit();
            }
        }
    }
}

pub(super) fn tell_left_out(refusals: &Refusals) {
    let left_out = refusals.take_left_out();
    if left_out > 0 {
        Line::warn("refused").with("left_out", left_out).emit();
    }
}
