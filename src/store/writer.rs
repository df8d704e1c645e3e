//! The writer thread: everything that waits in its queue becomes one commit, and only then is
//! anybody told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::certificates::StoredCertificate;
use super::ingest::{Batch, Database, Ingested, Webhook};
use super::rejected_requests::RejectedRequest;
use super::{StoreError, faults};
use crate::logfmt::Line;

/// Webhooks that may wait for the writer. One connection has one at a time, so this is above what
/// a shop's providers open; beyond it they are asked to come again.
const QUEUE: usize = 2_048;

/// Webhooks in one commit. Batches grow by themselves with the load, from one when it is idle;
/// beyond some hundred nothing is gained and the first ones wait for the last.
const BATCH: usize = 256;

/// The daemon's handle on the writer. Clones share it; when the last one is gone the writer
/// commits what is queued, empties the log and ends.
#[derive(Clone, Debug)]
pub struct Store {
    queue: mpsc::Sender<Command>,
    counters: Arc<Counters>,
}

/// What the writer did with one webhook, and how long it took.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// What was done.
    pub ingested: Ingested,
    /// How long it waited for the writer.
    pub queued: Duration,
    /// From the beginning of its batch until the commit was on the disk.
    pub committed: Duration,
}

/// What the writer did until it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterReport {
    /// Commits made.
    pub commits: u64,
    /// Webhooks in them.
    pub webhooks: u64,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    webhooks: AtomicU64,
}

enum Command {
    Ingest(Box<Ingest>),
    Reject(RejectedRequest),
    SaveCertificate(StoredCertificate),
    Probe(oneshot::Sender<Result<(), StoreError>>),
}

struct Ingest {
    webhook: Webhook,
    queued: Instant,
    answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

impl Store {
    /// Starts the writer on a database that is open.
    pub fn start(database: Database, faults: Option<&Path>) -> std::io::Result<(Self, Writer)> {
        let (queue, commands) = mpsc::channel(QUEUE);
        let counters = Arc::new(Counters::default());
        let faults = faults::Faults::new(faults);
        let of_thread = Arc::clone(&counters);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || write(database, commands, &of_thread, &faults))?;
        Ok((Self { queue, counters: Arc::clone(&counters) }, Writer { thread, counters }))
    }

    /// Keeps an event and applies it; returns after the commit is on the disk.
    pub async fn ingest(&self, webhook: Webhook) -> Result<Receipt, StoreError> {
        let (answer, answered) = oneshot::channel();
        let ingest = Ingest { webhook, queued: Instant::now(), answer };
        self.queue.try_send(Command::Ingest(Box::new(ingest))).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Closed(_) => StoreError::Stopped,
        })?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    /// Keeps a refused request among the latest, if the writer has room for it. Nobody waits for
    /// this, and it may be dropped: `false`.
    pub fn reject(&self, request: RejectedRequest) -> bool {
        // Refusals must not take the room of webhooks.
        let room = self.queue.capacity() > QUEUE / 2;
        room && self.queue.try_send(Command::Reject(request)).is_ok()
    }

    /// Keeps a certificate for the next start, if the writer has room for it: `false` if not.
    pub fn save_certificate(&self, certificate: StoredCertificate) -> bool {
        self.queue.try_send(Command::SaveCertificate(certificate)).is_ok()
    }

    /// Makes a commit that changes nothing.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Command::Probe(answer)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Closed(_) => StoreError::Stopped,
        })?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    /// What the writer did until now.
    pub fn report(&self) -> WriterReport {
        self.counters.report()
    }
}

/// The running writer thread.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<()>,
    counters: Arc<Counters>,
}

impl Writer {
    /// Whether the thread has ended; while a [`Store`] is left that is a fault.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until everything queued is committed; every [`Store`] must be dropped before.
    pub fn join(self) -> Result<WriterReport, StoreError> {
        self.thread.join().map_err(|_| StoreError::Fault)?;
        Ok(self.counters.report())
    }
}

impl Counters {
    fn report(&self) -> WriterReport {
        WriterReport {
            commits: self.commits.load(Ordering::Relaxed),
            webhooks: self.webhooks.load(Ordering::Relaxed),
        }
    }
}

fn write(
    mut database: Database,
    mut commands: mpsc::Receiver<Command>,
    counters: &Counters,
    faults: &faults::Faults,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while commands.blocking_recv_many(&mut batch, BATCH) > 0 {
        faults.apply(&database);
        commit(&mut database, std::mem::take(&mut batch), counters);
        batch.reserve(BATCH);
    }
    if let Err(error) = database.checkpoint() {
        Line::warn("checkpoint failed").with("err", &error).emit();
    }
}

/// All of them in one commit; if one of them can't be applied, each in a commit of its own, so that
/// it does not spoil the others.
fn commit(database: &mut Database, commands: Vec<Command>, counters: &Counters) {
    let began = Instant::now();
    let together = database.batch(|batch| {
        commands.iter().map(|command| execute(batch, command)).collect::<Result<Vec<_>, _>>()
    });
    match together {
        Ok(done) => {
            let committed = began.elapsed();
            counters.commits.fetch_add(1, Ordering::Relaxed);
            for (command, done) in commands.into_iter().zip(done) {
                answer(command, began, Ok((done, committed)), counters);
            }
        }
        Err(error) if error.is_of_the_database() => {
            for command in commands {
                answer(command, began, Err(error.clone()), counters);
            }
        }
        Err(_) => {
            for command in commands {
                let began = Instant::now();
                let alone = database.batch(|batch| execute(batch, &command));
                counters.commits.fetch_add(1, Ordering::Relaxed);
                answer(command, began, alone.map(|done| (done, began.elapsed())), counters);
            }
        }
    }
}

/// What a webhook came to; nothing for the other commands.
fn execute(batch: &Batch<'_>, command: &Command) -> Result<Option<Ingested>, StoreError> {
    match command {
        Command::Ingest(ingest) => batch.ingest(&ingest.webhook).map(Some),
        Command::Reject(request) => batch.reject(request).map(|()| None),
        Command::SaveCertificate(certificate) => batch.save_certificate(certificate).map(|()| None),
        Command::Probe(_) => batch.touch().map(|()| None),
    }
}

/// Whoever waited may have gone; then there is nobody to tell.
fn answer(
    command: Command,
    began: Instant,
    done: Result<(Option<Ingested>, Duration), StoreError>,
    counters: &Counters,
) {
    match command {
        Command::Ingest(ingest) => {
            counters.webhooks.fetch_add(1, Ordering::Relaxed);
            let receipt = done.and_then(|(ingested, committed)| {
                let ingested = ingested.ok_or(StoreError::Fault)?;
                Ok(Receipt { ingested, queued: began - ingest.queued, committed })
            });
            drop(ingest.answer.send(receipt));
        }
        Command::Probe(answer) => drop(answer.send(done.map(|_| ()))),
        Command::Reject(_) | Command::SaveCertificate(_) => {
            if let Err(error) = done {
                Line::debug("not kept").with("err", &error).emit();
            }
        }
    }
}
