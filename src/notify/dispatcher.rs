//! Gives what is due to the senders, and keeps what came of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as jobs};
use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::TryRng;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use super::SENDERS;
use crate::clients::Reply;
use crate::domain::delivery::{Next, Schedule};
use crate::domain::records::{Attempt, DueMessage};
use crate::domain::time::Timestamp;
use crate::store::{Reader, RecordAttempts, Store, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;

/// An attempt that a sender made.
pub(super) struct Tried {
    pub(super) message: DueMessage,
    pub(super) attempted_at: Timestamp,
    pub(super) latency: Duration,
    /// `None` if it was broken off because the daemon stops.
    pub(super) reply: Option<Reply>,
}

/// The thread that knows what is under way. It alone reads what is due, so no two messages of one
/// transaction are ever under way at once.
pub(super) struct Dispatcher {
    reader: Reader,
    store: Store,
    schedule: Schedule,
    clock: Clock,
    jobs: jobs::Sender<DueMessage>,
    tried: mpsc::UnboundedReceiver<Tried>,
    bell: watch::Receiver<()>,
    stop: watch::Receiver<bool>,
    stopping: Arc<AtomicBool>,
    /// Transactions of which a message is under way, or is done and not kept yet.
    busy: HashSet<i64>,
    /// What came of attempts and is not kept yet.
    unkept: Vec<(DueMessage, Attempt)>,
    /// Only to wait for several things at once.
    runtime: Runtime,
}

impl Dispatcher {
    pub(super) fn new(
        reader: Reader,
        store: Store,
        schedule: Schedule,
        clock: Clock,
        (jobs, tried): (jobs::Sender<DueMessage>, mpsc::UnboundedReceiver<Tried>),
        stop: watch::Receiver<bool>,
        stopping: Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            bell: store.bell().listen(),
            reader,
            store,
            schedule,
            clock,
            jobs,
            tried,
            stop,
            stopping,
            busy: HashSet::new(),
            unkept: Vec::new(),
            runtime: Builder::new_current_thread().enable_time().build()?,
        })
    }

    /// Until it is told to stop.
    pub(super) fn run(mut self) {
        // An error: nobody is left to tell us to stop.
        while !*self.stop.borrow() && self.stop.has_changed().is_ok() {
            match self.round() {
                Ok(longest) => self.wait(longest),
                Err(error) => {
                    Line::error("notifications wait").with("err", &error).emit();
                    self.pause();
                }
            }
        }
        self.stopping.store(true, Ordering::Release);
        self.wait_for_the_last();
        if let Err(error) = self.keep() {
            Line::warn("an attempt is not kept and will be made again").with("err", &error).emit();
        }
    }

    /// One look at everything; how long nothing more is to be done, unless something comes.
    fn round(&mut self) -> Result<Duration, StoreError> {
        // Before the look: whatever is committed after it rings again.
        self.bell.mark_unchanged();
        while let Ok(tried) = self.tried.try_recv() {
            self.take(tried);
        }
        self.keep()?;
        let now = self.clock.now();
        // Those that are under way are due until they are kept.
        let most = if self.busy.len() < SENDERS { SENDERS as u32 } else { 0 };
        let (due, next) = self.reader.due::<DueMessage>((), now, most)?;
        for message in due {
            if self.busy.len() < SENDERS && self.busy.insert(message.transaction.id) {
                // The senders end after us.
                let _ = self.jobs.send(message);
            }
        }
        Ok(next.map_or(LONGEST_WAIT, |next| next.since(now).min(LONGEST_WAIT)))
    }

    fn take(&mut self, tried: Tried) {
        let Tried { message, attempted_at, latency, reply } = tried;
        let Some(reply) = reply else { return };
        let ended_at = attempted_at.plus(latency);
        let attempts = message.attempts_of_schedule.saturating_add(1);
        let attempt = Attempt {
            delivery_id: message.delivery_id,
            attempted_at,
            ended_at,
            latency,
            code: reply.code,
            answer: reply.answer,
            failure: reply.failure,
            next: self.schedule.next(reply.said, attempts, ended_at, chance()),
        };
        self.unkept.push((message, attempt));
    }

    fn record(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.run(RecordAttempts { attempts }, self.clock.now()))
    }

    /// Everything that came, in one commit; if one of them can't be kept, each in a commit of its
    /// own, so that it does not hold up the others.
    fn keep(&mut self) -> Result<(), StoreError> {
        let attempts = self.unkept.iter().map(|(_, attempt)| attempt.clone()).collect::<Vec<_>>();
        if attempts.is_empty() {
            return Ok(());
        }
        let together = self.record(attempts);
        let later = |error: &StoreError| {
            matches!(error, StoreError::QueueFull | StoreError::Stopped)
                || error.is_of_the_database()
        };
        if together.as_ref().is_err_and(later) {
            return together;
        }
        for (message, attempt) in std::mem::take(&mut self.unkept) {
            let kept = together.clone().or_else(|_| self.record(vec![attempt.clone()]));
            match kept {
                Ok(()) => {
                    self.busy.remove(&message.transaction.id);
                    tell(&message, &attempt);
                }
                // It stays under way until the next start: else it would be sent without end.
                Err(error) => Line::error("an attempt is not kept")
                    .with("delivery", message.delivery_id)
                    .with("err", &error)
                    .emit(),
            }
        }
        Ok(())
    }

    /// Until something is committed or tried, or the time is over, or it is told to stop.
    fn wait(&mut self, longest: Duration) {
        let Self { runtime, tried, bell, stop, .. } = self;
        let came = runtime.block_on(async {
            tokio::select! {
                _ = stop.changed() => None,
                tried = tried.recv() => tried,
                Ok(()) = bell.changed() => None,
                () = tokio::time::sleep(longest.max(SHORTEST_WAIT)) => None,
            }
        });
        if let Some(tried) = came {
            self.take(tried);
        }
    }

    /// Whatever comes: the database can't be used.
    fn pause(&mut self) {
        let Self { runtime, stop, .. } = self;
        // Over is over, whichever it was.
        let _ = runtime.block_on(async { tokio::time::timeout(PAUSE, stop.changed()).await });
    }

    /// What is as good as done shall not have to be done again.
    fn wait_for_the_last(&mut self) {
        let under_way = self.busy.len().saturating_sub(self.unkept.len());
        let Self { runtime, tried, .. } = self;
        let last = runtime.block_on(async {
            let deadline = tokio::time::Instant::now() + GRACE;
            let mut last = Vec::new();
            while last.len() < under_way {
                match tokio::time::timeout_at(deadline, tried.recv()).await {
                    Ok(Some(tried)) => last.push(tried),
                    _ => break,
                }
            }
            last
        });
        for tried in last {
            self.take(tried);
        }
    }
}

/// One line for each attempt.
fn tell(message: &DueMessage, attempt: &Attempt) {
    let (line, outcome, next_at) = match attempt.next {
        Next::Delivered => (Line::info("notified"), "delivered", None),
        Next::Again(at) => (Line::warn("not notified"), "again", Some(at)),
        Next::Dead => (Line::error("not notified"), "dead", None),
    };
    line.with("delivery", message.delivery_id)
        .with("message_id", &message.message_id)
        .with("type", &message.change.change)
        .with("transaction_id", message.transaction.id)
        .with("version", message.transaction.version)
        .with("outcome", outcome)
        .with_some("status", attempt.code.ok())
        .with("attempt", message.attempts.saturating_add(1))
        .with_some("next_at", next_at)
        .with("dur_ms", attempt.latency.as_millis())
        .with_some("err", attempt.failure.as_deref())
        .emit();
}

/// Without randomness nothing is spread, which harms nobody else.
fn chance() -> u32 {
    SysRng.try_next_u32().unwrap_or(u32::MAX / 2)
}

/// After the database could not be used.
const PAUSE: Duration = Duration::from_secs(2);
/// The clock may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The resolution of what is due.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// What answers within this time at a stop is kept.
const GRACE: Duration = Duration::from_millis(250);
