//! The writer thread: everything that waits in its queue becomes one commit, and only then is
//! anybody told.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use super::faults;
use super::queue::{Command, Given, Ingest, Probe, Prune, Queued, Receipt};
use super::retention::Round;
use crate::domain::records::{Head, Ingested, Loss, Pruned, Webhook};
use crate::domain::retention::Cutoff;
use crate::domain::time::Timestamp;
use crate::store::engine::{Batch, Database, Job};
use crate::store::error::StoreError;
use crate::store::file::open_file::OpenFile;
use crate::store::file::rescue::{Rescued, rescue};
use crate::telemetry::line::Line;

/// Webhooks that may wait for the writer. One connection has one at a time, so this is above what
/// a shop's providers open; beyond it they are asked to come again.
const QUEUE: usize = 2_048;

/// Webhooks in one commit. Batches grow by themselves with the load, from one when it is idle;
/// beyond some hundred nothing is gained and the first ones wait for the last.
const BATCH: usize = 256;

/// How long pruning lets others go first, and how often it looks whether there are any.
const LONGEST_YIELD: Duration = Duration::from_millis(250);
const YIELD: Duration = Duration::from_millis(2);

/// The daemon's handle on the writer. Clones share it; when the last one is gone the writer
/// commits what is queued, empties the log and ends.
#[derive(Clone, Debug)]
pub struct Store {
    queue: mpsc::Sender<Queued>,
    counters: Arc<Counters>,
    commits: CommitSignal,
    watched: Option<Arc<OpenFile>>,
}

/// Says that something may have been committed, to those who wait for it, and no more than that: whoever
/// wakes looks into the database. Signals that nobody has heard yet become one.
#[derive(Clone, Debug)]
pub struct CommitSignal(watch::Sender<()>);

impl CommitSignal {
    fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes everybody who has subscribed.
    pub fn announce(&self) {
        self.0.send_replace(());
    }

    /// Hears every signal from now on.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

/// What the writer did until now, or until it ended.
#[derive(Clone, Debug, Default)]
pub struct WriterReport {
    /// Commits made.
    pub commits: u64,
    /// Webhooks in them.
    pub webhooks: u64,
    /// How many webhooks and others wait for it.
    pub queued: usize,
    /// How the files of the database were lost, if they were. The writer finds out with the next commit,
    /// this also without one.
    pub loss: Option<Loss>,
    /// The end of the log of events; `None` while it runs, and if it could not be read.
    pub log_head: Option<Head>,
    /// What could be rescued of files that were lost.
    pub rescued: Option<Rescued>,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    webhooks: AtomicU64,
}

impl Store {
    /// Starts the writer on a database that is open. `observe` is told of each commit: how many
    /// webhooks were in it, and how long it took until it was on the disk.
    pub fn start(
        database: Database,
        faults: Option<&Path>,
        observe: impl Fn(usize, Duration) + Send + 'static,
    ) -> std::io::Result<(Self, Writer)> {
        let (queue, queued) = mpsc::channel(QUEUE);
        let counters = Arc::new(Counters::default());
        let faults = faults::Faults::new(faults);
        let (of_thread, commits) = (Arc::clone(&counters), CommitSignal::new());
        let watched = database.watched().cloned();
        let commits_of_thread = commits.clone();
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            let observers = Observers { counters: &of_thread, observe: &observe };
            write(database, queued, &observers, &commits_of_thread, &faults)
        })?;
        let store = Self { queue, counters: Arc::clone(&counters), commits, watched };
        Ok((store, Writer { thread, counters }))
    }

    /// The signal that is given after each commit.
    pub fn commits(&self) -> &CommitSignal {
        &self.commits
    }

    /// Keeps an event and applies it; returns after the commit is on the disk.
    pub async fn ingest(&self, webhook: Webhook) -> Result<Receipt, StoreError> {
        let (answer, answered) = oneshot::channel();
        let ingest = Ingest { webhook, queued: Instant::now(), answer };
        self.send(Command::Event(Box::new(ingest)))?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    /// Has a job done if the writer has room for it. Nobody waits for it, and it may be dropped: `false`.
    pub fn offer<J>(&self, job: J, now: Timestamp) -> bool
    where
        J: Job + Send + 'static,
        J::Done: Send,
    {
        // What may be dropped must not take the room of webhooks.
        let room = self.queue.capacity() > QUEUE / 2;
        room && self.give(job, now, None).is_ok()
    }

    /// Has a job done in the writer's next commit; returns after that is on the disk. It is done again if that
    /// commit had to be taken back for the sake of another's failure. `now`: UTC.
    pub async fn run<J>(&self, job: J, now: Timestamp) -> Result<J::Done, StoreError>
    where
        J: Job + Send + 'static,
        J::Done: Send,
    {
        let (answer, answered) = oneshot::channel();
        self.give(job, now, Some(answer))?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    fn give<J>(
        &self,
        job: J,
        now: Timestamp,
        answer: Option<oneshot::Sender<Result<J::Done, StoreError>>>,
    ) -> Result<(), StoreError>
    where
        J: Job + Send + 'static,
        J::Done: Send,
    {
        let result = RefCell::new(None);
        self.send(Command::Job(Box::new(Given { job, now, result, answer })))
    }

    /// Makes a commit that changes nothing but the mark of the file.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Command::Job(Box::new(Probe(answer))))?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    /// Does the next small step of a [`Round`] of pruning as soon as nothing else waits for the writer,
    /// and after a while in any case. What it did, and how far the round has come then.
    pub async fn prune(&self, cutoff: Cutoff, round: Round) -> Result<(Pruned, Round), StoreError> {
        let waiting = Instant::now();
        while self.queued() > 0 && waiting.elapsed() < LONGEST_YIELD {
            tokio::time::sleep(YIELD).await;
        }
        let (answer, answered) = oneshot::channel();
        self.queue(Queued::Prune(Prune { cutoff, round, answer }))?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    fn send(&self, command: Command) -> Result<(), StoreError> {
        self.queue(Queued::Command(command))
    }

    fn queue(&self, queued: Queued) -> Result<(), StoreError> {
        self.queue.try_send(queued).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Closed(_) => StoreError::Stopped,
        })
    }

    fn queued(&self) -> usize {
        QUEUE - self.queue.capacity()
    }

    /// What the writer did until now, and how it stands.
    pub fn report(&self) -> WriterReport {
        let loss = self.watched.as_ref().and_then(|file| file.loss());
        WriterReport { queued: self.queued(), loss, ..self.counters.report() }
    }
}

/// The running writer thread.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<End>,
    counters: Arc<Counters>,
}

/// How the writer ended: see [`WriterReport`].
#[derive(Debug, Default)]
struct End {
    log_head: Option<Head>,
    lost: Option<(Loss, Rescued)>,
}

impl Writer {
    /// Whether the thread has ended; while a [`Store`] is left that is a fault.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until everything queued is committed; every [`Store`] must be dropped before.
    pub fn join(self) -> Result<WriterReport, StoreError> {
        let End { log_head, lost } = self.thread.join().map_err(|_| StoreError::Fault)?;
        let (loss, rescued) = lost.unzip();
        Ok(WriterReport { log_head, loss, rescued, ..self.counters.report() })
    }
}

impl Counters {
    fn report(&self) -> WriterReport {
        WriterReport {
            commits: self.commits.load(Ordering::Relaxed),
            webhooks: self.webhooks.load(Ordering::Relaxed),
            ..WriterReport::default()
        }
    }
}

/// Who hears of what the writer does.
struct Observers<'o> {
    counters: &'o Counters,
    observe: &'o dyn Fn(usize, Duration),
}

impl Observers<'_> {
    fn committed(&self, commands: &[Command], took: Duration) {
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        let webhooks = commands.iter().filter(|one| matches!(one, Command::Event(_)));
        (self.observe)(webhooks.count(), took);
    }
}

fn write(
    mut database: Database,
    mut queue: mpsc::Receiver<Queued>,
    observers: &Observers<'_>,
    commits: &CommitSignal,
    faults: &faults::Faults,
) -> End {
    let mut received = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut received, BATCH) > 0 {
        faults.apply(&database);
        let (mut commands, mut prunes) = (Vec::with_capacity(received.len()), Vec::new());
        for queued in received.drain(..) {
            match queued {
                Queued::Command(command) => commands.push(command),
                Queued::Prune(prune) => prunes.push(prune),
            }
        }
        if !commands.is_empty() {
            commit(&mut database, commands, observers);
            commits.announce();
        }
        for Prune { cutoff, round, answer } in prunes {
            drop(answer.send(database.prune(&cutoff, round)));
        }
        if database.watched().is_some_and(|file| file.loss().is_some()) {
            break;
        }
    }
    // Also if nobody has written since.
    if let Some(file) = database.watched().cloned()
        && let Some(loss) = file.loss()
    {
        return lose(database, &file, loss, queue);
    }
    let log_head = database.log_head();
    // If the chain was broken, that was raised.
    if let Err(error) = database.note_head() {
        Line::warn("the head of the log is not kept").with("err", &error).emit();
    }
    if let Err(error) = database.checkpoint() {
        Line::warn("checkpoint failed").with("err", &error).emit();
    }
    End { log_head: log_head.ok(), lost: None }
}

/// Rescues what there is, while whoever has something to write is turned away at once.
fn lose(database: Database, file: &OpenFile, loss: Loss, queue: mpsc::Receiver<Queued>) -> End {
    Line::error(
        "the database is lost, nothing is acknowledged any more, what was is being rescued",
    )
    .with("db", file.path().display())
    .with("err", loss.said())
    .emit();
    // Without a thread the queue ends, and everybody is turned away as well.
    let turning = std::thread::Builder::new().name("turning away".to_owned());
    drop(turning.spawn(move || turn_away(queue, loss)));
    let log_head = database.log_head().ok();
    End { log_head, lost: Some((loss, rescue(database.into_connection(), file, loss))) }
}

/// Until every [`Store`] is gone.
fn turn_away(mut queue: mpsc::Receiver<Queued>, loss: Loss) {
    let (began, counters) = (Instant::now(), Counters::default());
    while let Some(queued) = queue.blocking_recv() {
        match queued {
            Queued::Command(command) => {
                answer(command, began, Err(StoreError::Lost(loss)), &counters)
            }
            Queued::Prune(Prune { answer, .. }) => {
                drop(answer.send(Err(StoreError::Lost(loss))));
            }
        }
    }
}

/// All of them in one commit; if one of them can't be applied, each in a commit of its own, so that
/// it does not spoil the others.
fn commit(database: &mut Database, commands: Vec<Command>, observers: &Observers<'_>) {
    let counters = observers.counters;
    let began = Instant::now();
    let together = database.batch(|batch| {
        commands.iter().map(|command| execute(batch, command)).collect::<Result<Vec<_>, _>>()
    });
    match together {
        Ok(done) => {
            let committed = began.elapsed();
            observers.committed(&commands, committed);
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
                observers.committed(std::slice::from_ref(&command), began.elapsed());
                answer(command, began, alone.map(|done| (done, began.elapsed())), counters);
            }
        }
    }
}

/// What a webhook came to; nothing for the other commands.
fn execute(batch: &Batch<'_>, command: &Command) -> Result<Option<Ingested>, StoreError> {
    match command {
        Command::Event(ingest) => batch.ingest(&ingest.webhook).map(Some),
        Command::Job(job) => job.execute(batch).map(|()| None),
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
        Command::Event(ingest) => {
            counters.webhooks.fetch_add(1, Ordering::Relaxed);
            let receipt = done.and_then(|(ingested, committed)| {
                let ingested = ingested.ok_or(StoreError::Fault)?;
                Ok(Receipt { ingested, queued: began - ingest.queued, committed })
            });
            drop(ingest.answer.send(receipt));
        }
        Command::Job(job) => job.answer(done.map(|_| ())),
    }
}

#[cfg(test)]
mod tests;
