//! Tells the shop's app of every change of a transaction: at least once, in order for each
//! transaction; the calls block, on threads of their own.
//!
//! What is to be told stands in the database since the commit that made the change. A [`Notifier`]
//! looks for what is due, has it sent, and keeps what came of it; whatever breaks off in between is
//! sent again.

pub mod message;

mod dispatcher;

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
use crate::store::{Readers, Store};
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

/// The running task and threads.
#[derive(Debug)]
pub struct Notifier {
    dispatcher: tokio::task::JoinHandle<()>,
    senders: Vec<JoinHandle<()>>,
    tell_stop: watch::Sender<bool>,
}

impl Notifier {
    /// Starts with what is due in the database that `readers` read, whose writer `store` is. Within a runtime.
    pub fn start(
        target: Target,
        schedule: Schedule,
        store: Store,
        readers: Readers,
        clock: Clock,
    ) -> std::io::Result<Self> {
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
        let mut senders = Vec::with_capacity(SENDERS);
        for number in 1..=SENDERS {
            let sender = sender.clone();
            // They end with the process: one may still wait for an app that doesn't answer.
            let thread = std::thread::Builder::new().name(format!("notify-{number}"));
            senders.push(thread.spawn(move || sender.run())?);
        }
        let (tell_stop, stop) = watch::channel(false);
        let dispatcher =
            Dispatcher::new(readers, store, schedule, clock, (give, told), stop, stopping);
        Ok(Self { dispatcher: tokio::spawn(dispatcher.run()), senders, tell_stop })
    }

    /// Whether the dispatcher or a sender has ended; before [`stop`](Self::stop) that is a fault.
    pub fn has_ended(&self) -> bool {
        self.dispatcher.is_finished() || self.senders.iter().any(JoinHandle::is_finished)
    }

    /// Stops within half a second. What is under way then stays due, and is sent again after the
    /// next start.
    pub async fn stop(self) {
        self.tell_stop.send_replace(true);
        if self.dispatcher.await.is_err() {
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
