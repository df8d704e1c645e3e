//! The daemon's background tasks. One that ends or panics is seen, told, and begun again; one that breaks off
//! again and again ends the daemon, whose service manager starts it anew. None dies in silence.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::line::Line;

/// A task that broke off is begun again after this, doubled with each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// So many times one after another, and the daemon ends.
const MOST: u32 = 5;
/// Whoever ran so long before has not broken off again.
const CALM: Duration = Duration::from_secs(600);

/// The tasks that run until the daemon stops.
#[derive(Debug)]
pub struct Tasks {
    supervisors: JoinSet<Option<Arc<str>>>,
    health: Arc<TaskHealth>,
    stop: watch::Receiver<bool>,
}

/// Which tasks have broken off.
#[derive(Debug, Default)]
pub struct TaskHealth(Mutex<BTreeMap<Arc<str>, State>>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    breaks: u64,
    /// It broke off, and has not been calm since.
    is_broken: bool,
    /// It has run for [`CALM`] since it was begun.
    is_calm: bool,
}

impl TaskHealth {
    /// How often each has broken off since the start; zero for one that never did.
    pub fn breaks(&self) -> Vec<(Arc<str>, u64)> {
        self.lock().iter().map(|(name, state)| (Arc::clone(name), state.breaks)).collect()
    }

    /// Those that broke off and have not run for ten minutes since.
    pub fn broken(&self) -> Vec<Arc<str>> {
        self.lock()
            .iter()
            .filter(|(_, state)| state.is_broken)
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// Whether it has run for ten minutes without breaking off, or is no task of this daemon.
    pub fn is_well(&self, name: &str) -> bool {
        self.lock().get(name).is_none_or(|state| state.is_calm)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Arc<str>, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broke_off(&self, name: &Arc<str>) {
        let mut all = self.lock();
        let state = all.entry(Arc::clone(name)).or_default();
        *state = State { breaks: state.breaks + 1, is_broken: true, is_calm: false };
    }

    fn is_calm(&self, name: &Arc<str>) {
        let mut all = self.lock();
        let state = all.entry(Arc::clone(name)).or_default();
        (state.is_broken, state.is_calm) = (false, true);
    }
}

impl Tasks {
    /// None yet. `stop` turns true when the daemon stops.
    pub fn new(stop: watch::Receiver<bool>) -> Self {
        Self { supervisors: JoinSet::new(), health: Arc::default(), stop }
    }

    /// What there is to say of them.
    pub fn health(&self) -> &Arc<TaskHealth> {
        &self.health
    }

    /// Runs a task that never ends by itself; it is broken off when the daemon stops.
    pub fn keep<T, E>(
        &mut self,
        name: impl Into<Arc<str>>,
        begin: impl FnMut() -> Result<T, E> + Send + 'static,
    ) where
        T: Future<Output = ()> + Send + 'static,
        E: Display + Send,
    {
        self.supervise(name.into(), begin, true);
    }

    /// Runs a task that ends by itself when the daemon stops, which is waited for.
    pub fn keep_to_its_end<T, E>(
        &mut self,
        name: impl Into<Arc<str>>,
        begin: impl FnMut() -> Result<T, E> + Send + 'static,
    ) where
        T: Future<Output = ()> + Send + 'static,
        E: Display + Send,
    {
        self.supervise(name.into(), begin, false);
    }

    fn supervise<T, E>(
        &mut self,
        name: Arc<str>,
        mut begin: impl FnMut() -> Result<T, E> + Send + 'static,
        is_broken_off: bool,
    ) where
        T: Future<Output = ()> + Send + 'static,
        E: Display + Send,
    {
        let (health, mut stop) = (Arc::clone(&self.health), self.stop.clone());
        health.lock().entry(Arc::clone(&name)).or_default();
        self.supervisors.spawn(async move {
            // One after another; those alone that the task itself is to blame for end the daemon.
            let (mut failures, mut breaks) = (0_u32, 0_u32);
            loop {
                let began = Instant::now();
                let (why, counts) = match begin() {
                    Ok(task) => {
                        let task = AbortOnDrop(tokio::spawn(task));
                        let why = run(task, &mut stop, is_broken_off, &health, &name).await;
                        (why?, true)
                    }
                    Err(error) => (error.to_string(), false),
                };
                health.broke_off(&name);
                if began.elapsed() >= CALM {
                    (failures, breaks) = (0, 0);
                }
                failures += 1;
                breaks += u32::from(counts);
                Line::error("a background task broke off")
                    .with("task", &*name)
                    .with("attempt", failures)
                    .with("err", why)
                    .emit();
                if breaks >= MOST {
                    return Some(name);
                }
                let pause = FIRST_PAUSE * 2_u32.pow(failures.min(MOST).saturating_sub(1));
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stop.wait_for(|stop| *stop) => return None,
                }
            }
        });
    }

    /// The first task that broke off so often that the daemon must end; waits for ever if none does.
    pub async fn gave_up(&mut self) -> Arc<str> {
        loop {
            match self.supervisors.join_next().await {
                Some(Ok(Some(name))) => return name,
                Some(Ok(None)) => {}
                Some(Err(_)) => return "supervisor".into(),
                None => std::future::pending().await,
            }
        }
    }

    /// Waits for those that end by themselves; the daemon stops.
    pub async fn end(mut self) {
        while self.supervisors.join_next().await.is_some() {}
    }
}

/// Why the task ended; `None`: because the daemon stops.
async fn run(
    mut task: AbortOnDrop,
    stop: &mut watch::Receiver<bool>,
    is_broken_off: bool,
    health: &TaskHealth,
    name: &Arc<str>,
) -> Option<String> {
    let calm = tokio::time::sleep(CALM);
    tokio::pin!(calm);
    let mut is_calm = false;
    let stopping = stop.clone();
    loop {
        tokio::select! {
            ended = &mut task.0 => {
                return match ended {
                    _ if *stopping.borrow() => None,
                    Ok(()) => Some("it ended".to_owned()),
                    Err(error) => Some(error.to_string()),
                };
            }
            _ = stop.wait_for(|stop| *stop), if is_broken_off => return None,
            () = &mut calm, if !is_calm => {
                is_calm = true;
                health.is_calm(name);
            }
        }
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
    }

    #[test]
    fn a_task_that_panics_is_begun_again_and_in_the_end_given_up() {
        runtime().block_on(async {
            let (_stop, stopped) = watch::channel(false);
            let mut tasks = Tasks::new(stopped);
            let begun = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&begun);
            tasks.keep("breaks", move || {
                count.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(async { panic!("a fault") })
            });
            tasks.keep("lasts", || Ok::<_, Infallible>(std::future::pending()));
            assert_eq!(&*tasks.gave_up().await, "breaks");
            assert_eq!(begun.load(Ordering::Relaxed), MOST);
            assert_eq!(tasks.health().broken(), ["breaks".into()]);
            assert_eq!(
                tasks.health().breaks(),
                [("breaks".into(), u64::from(MOST)), ("lasts".into(), 0)]
            );
        });
    }

    #[test]
    fn what_a_task_needs_and_is_not_there_ends_no_daemon() {
        runtime().block_on(async {
            let (_stop, stopped) = watch::channel(false);
            let mut tasks = Tasks::new(stopped);
            let mut begun = 0;
            tasks.keep("waits for the disk", move || {
                begun += 1;
                let breaks = begun == 10;
                match begun {
                    0..10 => Err("the disk is full"),
                    _ => Ok(async move {
                        if !breaks {
                            std::future::pending::<()>().await;
                        }
                    }),
                }
            });
            let gave_up = tokio::time::timeout(CALM * 2, tasks.gave_up()).await;
            assert!(gave_up.is_err(), "one break alone ends no daemon");
            assert_eq!(tasks.health().broken(), []);
            assert!(tasks.health().is_well("waits for the disk"));
        });
    }

    #[test]
    fn a_task_that_runs_long_enough_is_well_again() {
        runtime().block_on(async {
            let (_stop, stopped) = watch::channel(false);
            let mut tasks = Tasks::new(stopped);
            let mut first = true;
            tasks.keep("recovers", move || {
                let breaks = std::mem::take(&mut first);
                Ok::<_, Infallible>(async move {
                    if !breaks {
                        std::future::pending::<()>().await;
                    }
                })
            });
            tokio::time::sleep(FIRST_PAUSE).await;
            assert_eq!(tasks.health().broken(), ["recovers".into()]);
            tokio::time::sleep(CALM + FIRST_PAUSE).await;
            assert_eq!(tasks.health().broken(), []);
            assert_eq!(tasks.health().breaks(), [("recovers".into(), 1)]);
        });
    }

    #[test]
    fn a_stop_breaks_off_what_never_ends_and_waits_for_what_does() {
        runtime().block_on(async {
            let (stop, stopped) = watch::channel(false);
            let mut tasks = Tasks::new(stopped.clone());
            let ended = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&ended);
            tasks.keep("never ends", || Ok::<_, Infallible>(std::future::pending()));
            tasks.keep_to_its_end("ends", move || {
                let (mut stop, count) = (stopped.clone(), Arc::clone(&count));
                Ok::<_, Infallible>(async move {
                    let _ = stop.wait_for(|stop| *stop).await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    count.fetch_add(1, Ordering::Relaxed);
                })
            });
            tokio::task::yield_now().await;
            stop.send_replace(true);
            tasks.end().await;
            assert_eq!(ended.load(Ordering::Relaxed), 1);
        });
    }
}
