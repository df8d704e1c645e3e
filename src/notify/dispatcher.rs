//! Gives what is due to the senders, and keeps what came of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as jobs};
use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::TryRng;
use tokio::sync::{mpsc, watch};

use super::SENDERS;
use crate::clients::Reply;
use crate::domain::delivery::{Next, Schedule};
use crate::domain::records::{Attempt, DueMessage};
use crate::domain::time::Timestamp;
use crate::store::{Readers, RecordAttempts, Store, StoreError};
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

/// The task that knows what is under way. It alone reads what is due, so no two messages of one
/// transaction are ever under way at once.
pub(super) struct Dispatcher {
    readers: Readers,
    store: Store,
    schedule: Schedule,
    clock: Clock,
    jobs: jobs::Sender<DueMessage>,
    tried: mpsc::UnboundedReceiver<Tried>,
    commits: watch::Receiver<()>,
    stop: watch::Receiver<bool>,
    stopping: Arc<AtomicBool>,
    /// Transactions of which a message is under way, or is done and not kept yet.
    busy: HashSet<i64>,
    /// What came of attempts and is not kept yet.
    unkept: Vec<(DueMessage, Attempt)>,
}

impl Dispatcher {
    pub(super) fn new(
        readers: Readers,
        store: Store,
        schedule: Schedule,
        clock: Clock,
        (jobs, tried): (jobs::Sender<DueMessage>, mpsc::UnboundedReceiver<Tried>),
        stop: watch::Receiver<bool>,
        stopping: Arc<AtomicBool>,
    ) -> Self {
        Self {
            commits: store.commits().subscribe(),
            readers,
            store,
            schedule,
            clock,
            jobs,
            tried,
            stop,
            stopping,
            busy: HashSet::new(),
            unkept: Vec::new(),
        }
    }

    /// Until it is told to stop.
    pub(super) async fn run(mut self) {
        // An error: nobody is left to tell us to stop.
        while !*self.stop.borrow() && self.stop.has_changed().is_ok() {
            match self.round().await {
                Ok(longest) => self.wait(longest).await,
                Err(error) => {
                    Line::error("notifications wait").with("err", &error).emit();
                    // Whatever comes: the database can't be used.
                    let _ = tokio::time::timeout(PAUSE, self.stop.changed()).await;
                }
            }
        }
        self.stopping.store(true, Ordering::Release);
        self.wait_for_the_last().await;
        if let Err(error) = self.keep().await {
            Line::warn("an attempt is not kept and will be made again").with("err", &error).emit();
        }
    }

    /// One look at everything; how long nothing more is to be done, unless something comes.
    async fn round(&mut self) -> Result<Duration, StoreError> {
        // Before the look: whatever is committed after it is announced again.
        self.commits.mark_unchanged();
        while let Ok(tried) = self.tried.try_recv() {
            self.take(tried);
        }
        self.keep().await?;
        let now = self.clock.now();
        // Those that are under way are due until they are kept.
        let most = if self.busy.len() < SENDERS { SENDERS as u32 } else { 0 };
        let (due, next) =
            self.readers.read(move |reader| reader.due::<DueMessage>((), now, most)).await?;
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

    async fn record(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        self.store.run(RecordAttempts { attempts }, self.clock.now()).await
    }

    /// Everything that came, in one commit; if one of them can't be kept, each in a commit of its
    /// own, so that it does not hold up the others.
    async fn keep(&mut self) -> Result<(), StoreError> {
        let attempts = self.unkept.iter().map(|(_, attempt)| attempt.clone()).collect::<Vec<_>>();
        if attempts.is_empty() {
            return Ok(());
        }
        let together = self.record(attempts).await;
        let later = |error: &StoreError| {
            matches!(error, StoreError::QueueFull | StoreError::Stopped)
                || error.is_of_the_database()
        };
        if together.as_ref().is_err_and(later) {
            return together;
        }
        for (message, attempt) in std::mem::take(&mut self.unkept) {
            let kept = match &together {
                Ok(()) => Ok(()),
                Err(_) => self.record(vec![attempt.clone()]).await,
            };
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
    async fn wait(&mut self, longest: Duration) {
        let Self { tried, commits, stop, .. } = self;
        let came = tokio::select! {
            _ = stop.changed() => None,
            tried = tried.recv() => tried,
            Ok(()) = commits.changed() => None,
            () = tokio::time::sleep(longest.max(SHORTEST_WAIT)) => None,
        };
        if let Some(tried) = came {
            self.take(tried);
        }
    }

    /// What is as good as done shall not have to be done again.
    async fn wait_for_the_last(&mut self) {
        let mut under_way = self.busy.len().saturating_sub(self.unkept.len());
        let deadline = tokio::time::Instant::now() + GRACE;
        while under_way > 0 {
            match tokio::time::timeout_at(deadline, self.tried.recv()).await {
                Ok(Some(tried)) => self.take(tried),
                _ => return,
            }
            under_way -= 1;
        }
    }
}

/// One line for each attempt.
fn tell(message: &DueMessage, attempt: &Attempt) {
    let (line, outcome, next_at) = match attempt.next {
        Next::Delivered => (Line::info("notified"), "delivered", None),
        Next::Again(at) => (Line::warn("notification failed"), "again", Some(at)),
        Next::Dead => (Line::error("notification failed"), "dead", None),
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
