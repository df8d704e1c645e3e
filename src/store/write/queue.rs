//! What waits for the writer, and whoever waits for that.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::retention::Round;
use crate::domain::records::{Ingested, Pruned, Webhook};
use crate::domain::retention::Cutoff;
use crate::domain::time::Timestamp;
use crate::store::engine::{Batch, Job};
use crate::store::error::StoreError;
use crate::telemetry::line::Line;

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

/// What becomes part of the next commit.
pub(super) enum Command {
    Event(Box<Ingest>),
    Job(Box<dyn Work>),
}

/// What waits for the writer.
pub(super) enum Queued {
    /// Part of the next commit.
    Command(Command),
    /// Has a transaction of its own, after those who came with it were answered.
    Prune(Prune),
}

pub(super) struct Prune {
    pub(super) cutoff: Cutoff,
    pub(super) round: Round,
    pub(super) answer: oneshot::Sender<Result<(Pruned, Round), StoreError>>,
}

pub(super) struct Ingest {
    pub(super) webhook: Webhook,
    pub(super) queued: Instant,
    pub(super) answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// A job, and whoever waits for it.
pub(super) trait Work: Send {
    /// May be done a second time, if the first was rolled back.
    fn execute(&self, batch: &Batch<'_>) -> Result<(), StoreError>;
    /// Tells whoever waits what it came to, or why it came to nothing.
    fn answer(self: Box<Self>, done: Result<(), StoreError>);
}

pub(super) struct Given<J: Job> {
    pub(super) job: J,
    pub(super) now: Timestamp,
    pub(super) result: RefCell<Option<J::Done>>,
    /// `None`: nobody waits.
    pub(super) answer: Option<oneshot::Sender<Result<J::Done, StoreError>>>,
}

impl<J: Job + Send> Work for Given<J>
where
    J::Done: Send,
{
    fn execute(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.result.replace(Some(self.job.execute(batch, self.now)?));
        Ok(())
    }

    fn answer(self: Box<Self>, done: Result<(), StoreError>) {
        let Self { result, answer, .. } = *self;
        match answer {
            Some(answer) => {
                let result = || result.into_inner().ok_or(StoreError::Fault);
                drop(answer.send(done.and_then(|()| result())));
            }
            None => {
                if let Err(error) = done {
                    Line::debug("not kept").with("err", &error).emit();
                }
            }
        }
    }
}

/// A look whether a commit works, and whoever waits for it.
pub(super) struct Probe(pub(super) oneshot::Sender<Result<(), StoreError>>);

impl Work for Probe {
    fn execute(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        batch.touch()
    }

    fn answer(self: Box<Self>, done: Result<(), StoreError>) {
        drop(self.0.send(done));
    }
}
