//! Tells the shop's app of every change of a transaction: at least once, in order for each
//! transaction, on threads of its own.
//!
//! What is to be told stands in the database since the commit that made the change. A [`Notifier`]
//! looks for what is due, has it sent, and keeps what came of it; whatever breaks off in between is
//! sent again.

pub mod message;

mod dispatcher;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc as jobs};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use self::dispatcher::{Dispatcher, Tried};
use crate::clients::Reply;
use crate::clients::app::App;
use crate::clients::command::Program;
use crate::domain::delivery::{NoAnswer, Schedule};
use crate::domain::records::DueMessage;
use crate::store::{Reader, Store, StoreError};
use crate::telemetry::clock::Clock;

/// Messages that are under way at once. They are about different transactions, so one that the app
/// is slow with keeps only itself and one of these.
const SENDERS: usize = 8;

/// Whoever is told.
#[derive(Debug)]
pub enum Target {
    /// The app's endpoint.
    App(App),
    /// A program.
    Program(Program),
}

/// The notifier could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system refused a thread.
    #[error("the system refused a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The running threads.
#[derive(Debug)]
pub struct Notifier {
    dispatcher: JoinHandle<()>,
    tell_stop: watch::Sender<bool>,
}

impl Notifier {
    /// Starts with what is due in the database at `db`, whose writer `store` is.
    pub fn start(
        target: Target,
        schedule: Schedule,
        store: Store,
        db: &Path,
        clock: Clock,
    ) -> Result<Self, NotifyError> {
        let (give, take) = jobs::channel();
        let (tell, told) = mpsc::unbounded_channel();
        let stopping = Arc::new(AtomicBool::new(false));
        let sender = Sender {
            target: Arc::new(target),
            jobs: Arc::new(Mutex::new(take)),
            tell,
            clock,
            stopping: Arc::clone(&stopping),
        };
        for number in 1..=SENDERS {
            let sender = sender.clone();
            // They end with the process: one may still wait for an app that doesn't answer.
            std::thread::Builder::new()
                .name(format!("notify-{number}"))
                .spawn(move || sender.run())?;
        }
        let (tell_stop, stop) = watch::channel(false);
        let reader = Reader::open(db)?;
        let dispatcher =
            Dispatcher::new(reader, store, schedule, clock, (give, told), stop, stopping)?;
        let dispatcher = std::thread::Builder::new()
            .name("notify".to_owned())
            .spawn(move || dispatcher.run())?;
        Ok(Self { dispatcher, tell_stop })
    }

    /// Whether the dispatcher has ended; before [`stop`](Self::stop) that is a fault.
    pub fn has_ended(&self) -> bool {
        self.dispatcher.is_finished()
    }

    /// Stops within half a second. What is under way then stays due, and is sent again after the
    /// next start.
    pub fn stop(self) {
        self.tell_stop.send_replace(true);
        if self.dispatcher.join().is_err() {
            crate::telemetry::line::Line::error("the notifier broke off").emit();
        }
    }
}

/// Takes one message after another and tells what became of it.
#[derive(Clone)]
struct Sender {
    target: Arc<Target>,
    jobs: Arc<Mutex<jobs::Receiver<DueMessage>>>,
    tell: mpsc::UnboundedSender<Tried>,
    clock: Clock,
    stopping: Arc<AtomicBool>,
}

impl Sender {
    /// Until there is nobody to give messages or to be told.
    fn run(&self) {
        while let Some(message) = self.next() {
            let (attempted_at, began) = (self.clock.now(), Instant::now());
            let attempt = || self.attempt(&message);
            let reply = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt));
            let reply = reply.unwrap_or_else(|_| {
                Some(Reply::none(NoAnswer::Fault, "payhookd itself failed".to_owned()))
            });
            let tried = Tried { message, attempted_at, latency: began.elapsed(), reply };
            if self.tell.send(tried).is_err() {
                return;
            }
        }
    }

    fn next(&self) -> Option<DueMessage> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    /// `None` if it was broken off because the daemon stops.
    fn attempt(&self, message: &DueMessage) -> Option<Reply> {
        if self.stopping.load(Ordering::Acquire) {
            return None;
        }
        let body = message::body(&message.transaction, &message.change);
        let id = &*message.message_id;
        match &*self.target {
            Target::App(app) => Some(app.post(id, &body, self.clock.now())),
            Target::Program(program) => {
                program.run(id, &message.change.change, &body, &self.stopping)
            }
        }
    }
}
