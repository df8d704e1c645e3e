//! Those who wait for a change, and the one task that wakes them.
//!
//! However many wait, the database is looked at once after a commit, and only those are woken
//! whose transaction changed. Whoever is woken looks for himself: a call in vain does no harm, a
//! call that is missing would, so a waiter is enrolled *before* he looks for the last time.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::store::Readers;
use crate::telemetry::line::Line;
use crate::telemetry::tasks::Tasks;

/// As many changes as are told apart in one look; if there were more, everybody is woken.
const MOST: u32 = 1_000;
/// As many may wait at once. Connections on which somebody waits are not closed to make room.
const WAITERS: usize = 1_024;
/// The least time between two looks: under load many commits become one look.
const PAUSE: Duration = Duration::from_millis(50);
/// After a look that failed.
const AGAIN: Duration = Duration::from_millis(500);

/// Those who wait.
#[derive(Debug)]
pub(super) struct Waiters {
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Shared {
    /// By the transaction they wait for.
    of_transactions: Mutex<HashMap<i64, watch::Sender<()>>>,
    /// The id of the last change that was seen, for those who wait for any.
    of_all: watch::Sender<i64>,
    /// There is somebody again.
    somebody: Notify,
    room: Arc<Semaphore>,
}

impl Waiters {
    /// Starts the task; it ends when the daemon stops.
    pub(super) fn start(
        tasks: &mut Tasks,
        readers: Readers,
        commits: watch::Receiver<()>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let shared = Arc::new(Shared {
            of_transactions: Mutex::default(),
            of_all: watch::Sender::new(0),
            somebody: Notify::new(),
            room: Arc::new(Semaphore::new(WAITERS)),
        });
        let (woken, stopped) = (Arc::clone(&shared), stop.clone());
        tasks.keep_to_its_end("waiters", move || {
            let task = wake(Arc::clone(&woken), readers.clone(), commits.clone(), stopped.clone());
            Ok::<_, Infallible>(task)
        });
        Self { shared, stop }
    }

    /// Enrols somebody who waits for changes of one transaction; `None` if too many wait.
    pub(super) fn of_transaction(&self, id: i64) -> Option<Waiter> {
        let room = Arc::clone(&self.shared.room).try_acquire_owned().ok()?;
        let woken =
            self.shared.lock().entry(id).or_insert_with(|| watch::Sender::new(())).subscribe();
        self.shared.somebody.notify_one();
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        Some(Waiter { id, woken: Some(woken), shared, stop, _room: room })
    }

    /// Enrols somebody who waits for any change; `None` if too many wait.
    pub(super) fn of_all(&self) -> Option<AnyWaiter> {
        let room = Arc::clone(&self.shared.room).try_acquire_owned().ok()?;
        let last = self.shared.of_all.subscribe();
        self.shared.somebody.notify_one();
        Some(AnyWaiter { last, stop: self.stop.clone(), _room: room })
    }
}

/// Somebody who waits for changes of one transaction, until he is dropped.
#[derive(Debug)]
pub(super) struct Waiter {
    id: i64,
    /// `None` only while it is dropped.
    woken: Option<watch::Receiver<()>>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
    _room: OwnedSemaphorePermit,
}

impl Waiter {
    /// Whether the transaction may have changed; `false` once the time is up or the daemon stops.
    pub(super) async fn woken(&mut self, until: Instant) -> bool {
        let Some(woken) = &mut self.woken else { return false };
        tokio::select! {
            woken = woken.changed() => woken.is_ok(),
            () = tokio::time::sleep_until(until) => false,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.shared.lock();
        // Within the lock, so that of two who leave at once the second sees that he is the last.
        self.woken = None;
        if waiting.get(&self.id).is_some_and(|woken| woken.receiver_count() == 0) {
            waiting.remove(&self.id);
        }
    }
}

/// Somebody who waits for any change, until he is dropped.
#[derive(Debug)]
pub(super) struct AnyWaiter {
    last: watch::Receiver<i64>,
    stop: watch::Receiver<bool>,
    _room: OwnedSemaphorePermit,
}

impl AnyWaiter {
    /// Whether there may be a new change; `false` once the time is up or the daemon stops.
    pub(super) async fn woken(&mut self, until: Instant) -> bool {
        tokio::select! {
            changed = self.last.changed() => changed.is_ok(),
            () = tokio::time::sleep_until(until) => false,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<i64, watch::Sender<()>>> {
        self.of_transactions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nobody_waits(&self) -> bool {
        self.of_all.receiver_count() == 0 && self.lock().is_empty()
    }

    /// Wakes those whom these changes, newest first, concern.
    fn wake(&self, changes: &[(i64, i64)]) {
        let Some((last, _)) = changes.first() else { return };
        let waiting = self.lock();
        if u32::try_from(changes.len()).is_ok_and(|found| found < MOST) {
            let changed: BTreeSet<i64> = changes.iter().map(|(_, id)| *id).collect();
            for woken in changed.iter().filter_map(|id| waiting.get(id)) {
                woken.send_replace(());
            }
        } else {
            for woken in waiting.values() {
                woken.send_replace(());
            }
        }
        drop(waiting);
        self.of_all.send_replace(*last);
    }
}

/// Looks after each commit, as long as somebody waits.
async fn wake(
    shared: Arc<Shared>,
    readers: Readers,
    mut commits: watch::Receiver<()>,
    mut stop: watch::Receiver<bool>,
) {
    let mut seen = 0;
    loop {
        let idle = shared.nobody_waits();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            // What was committed while nobody waited is looked through first.
            () = shared.somebody.notified(), if idle => {}
            changed = commits.changed(), if !idle => if changed.is_err() { return },
        }
        let changes = look(&readers, seen).await;
        seen = changes.first().map_or(seen, |(last, _)| *last);
        shared.wake(&changes);
        tokio::time::sleep(PAUSE).await;
    }
}

/// The changes after the one that was seen last, newest first. A look that fails is made again: the
/// signal that led to it does not come twice.
async fn look(readers: &Readers, seen: i64) -> Vec<(i64, i64)> {
    loop {
        match readers.read(move |reader| reader.changed_since(seen, MOST)).await {
            Ok(changes) => return changes,
            Err(error) => Line::debug("changes not read").with("err", &error).emit(),
        }
        tokio::time::sleep(AGAIN).await;
    }
}
