//! The parts that run beside the listeners until the daemon stops: threads and background tasks.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::sync::watch::Receiver;

use super::retention::keep_tidy;
use super::systemd::stay_alive;
use super::watch::{
    Known, announce_others, count_from_before, keep_counting, log_issues, mark_now_and_then,
    note_broken_tasks, raise_due_orphans,
};
use crate::alerts::{self, AlertWorker};
use crate::clients::api::Stop;
use crate::clients::apis::Apis;
use crate::clients::app::App;
use crate::clients::command::Program;
use crate::config::{AlertTarget, Config, Mode, NotifyTarget, PaypalVerify};
use crate::domain::language::Language;
use crate::monitor::Monitor;
use crate::notify::{Notifier, Target};
use crate::providers::endpoints::Wanted;
use crate::reconcile::worker::{Settings, Worker};
use crate::store::{Reader, Readers, Store, StoreError, WalWatch};
use crate::telemetry::line::Line;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::refusals::Refusals;
use crate::telemetry::tasks::Tasks;

/// The settings, and the handles that every part shares.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) readers: Readers,
    pub(super) refusals: Arc<Refusals>,
    pub(super) metrics: Arc<Metrics>,
}

/// Where webhooks are to go, as far as it is known here.
pub(in crate::cli) fn wanted_endpoint(config: &Config) -> Wanted {
    let webhook_ids = config.paypal.as_ref().map(|paypal| paypal.webhook_ids.clone());
    Wanted {
        public_url: config.public_url.clone(),
        webhook_ids: webhook_ids.unwrap_or_default(),
        livemode: config.mode == Mode::Live,
    }
}

impl Parts {
    /// Notifies the shop's app, if that is wanted.
    pub(super) fn notifier(&self) -> io::Result<Option<Notifier>> {
        let Some(notify) = &self.config.notify else { return Ok(None) };
        let target = match &notify.target {
            NotifyTarget::Url { url, keys } => {
                Target::App(App::new(url.clone(), keys.clone(), notify.limit))
            }
            NotifyTarget::Command(path) => {
                Target::Program(Program::new(path.clone(), notify.limit))
            }
        };
        let (store, readers) = (self.store.clone(), self.readers.clone());
        Notifier::start(target, notify.schedule, store, readers, self.config.clock).map(Some)
    }

    /// Looks for missed events of the providers whose webhooks are received here, if their keys are set.
    pub(super) fn reconciler(&self, apis: &Arc<Apis>, stop: Stop) -> io::Result<Option<Worker>> {
        let config = &self.config;
        let Some(every) = config.reconcile_every else { return Ok(None) };
        let mut providers = Vec::new();
        for provider in config.providers() {
            match apis.can_ask(provider) {
                Ok(()) => providers.push(provider),
                Err(error) => Line::info("events that are missed will not be found")
                    .with("provider", provider)
                    .with("err", &error)
                    .emit(),
            }
        }
        let settings = Settings {
            db: config.db.clone(),
            livemode: config.mode == Mode::Live,
            rules: config.rules.clone(),
            clock: config.clock,
            every,
            patience: config.api.patience,
            endpoint: wanted_endpoint(config),
        };
        Worker::start(settings, &providers, apis, stop, &self.metrics).map(Some)
    }

    /// Keeps every background task but that of the statistics.
    pub(super) fn keep_tasks(&self, tasks: &mut Tasks, known: Known, stop: &Receiver<bool>) {
        tokio::spawn(count_from_before(self.readers.clone(), Arc::clone(&self.metrics)));
        let parts = self.clone();
        tasks.keep("commits of others", move || {
            let reader = Reader::open(&parts.config.db)?;
            Ok::<_, StoreError>(announce_others(reader, parts.store.commits().clone()))
        });
        let known = Arc::new(Mutex::new(known));
        let health = Arc::clone(tasks.health());
        self.keep(tasks, "watchdog", |parts| stay_alive(parts.store));
        self.keep(tasks, "issue log", move |parts| log_issues(parts.readers, Arc::clone(&known)));
        self.keep(tasks, "due orphans", raise_due_orphans);
        self.keep(tasks, "task issues", move |parts| note_broken_tasks(Arc::clone(&health), parts));
        self.keep(tasks, "retention", keep_tidy);
        self.keep(tasks, "mark", |parts| mark_now_and_then(parts.store));
        let parts = self.clone();
        tasks.keep("monitor", move || parts.monitor().map(Monitor::run));
        for target in &self.config.alerts.targets {
            let (parts, target, stop) = (self.clone(), target.clone(), stop.clone());
            tasks.keep_to_its_end(format!("alerts {}", target.name), move || {
                Ok::<_, Infallible>(parts.alerts(&target, stop.clone()).run())
            });
        }
    }

    /// Keeps the task that counts for pages, by the readers of those.
    pub(super) fn keep_counting(&self, tasks: &mut Tasks, readers: &Readers) {
        let readers = readers.clone();
        self.keep(tasks, "statistics", move |parts| {
            keep_counting(readers.clone(), parts.config.clock)
        });
    }

    /// Keeps a task that needs nothing that could fail.
    fn keep<T: Future<Output = ()> + Send + 'static>(
        &self,
        tasks: &mut Tasks,
        name: &'static str,
        begin: impl Fn(Self) -> T + Send + 'static,
    ) {
        let parts = self.clone();
        tasks.keep(name, move || Ok::<_, Infallible>(begin(parts.clone())));
    }

    fn monitor(&self) -> Result<Monitor, StoreError> {
        let config = &self.config;
        let trust = config.paypal.as_ref().and_then(|paypal| match &paypal.verify {
            PaypalVerify::Offline { trust, .. } => Some(trust.clone()),
            PaypalVerify::Postback => None,
        });
        Ok(Monitor {
            reader: Reader::open(&config.db)?,
            store: self.store.clone(),
            refusals: Arc::clone(&self.refusals),
            metrics: Arc::clone(&self.metrics),
            clock: config.clock,
            every: config.lookout,
            providers: config.providers(),
            livemode: config.mode == Mode::Live,
            trust,
            db: config.db.clone(),
            log: WalWatch::open(&config.db)?,
            faults: config.faults.clone(),
        })
    }

    fn alerts(&self, target: &AlertTarget, stop: Receiver<bool>) -> AlertWorker {
        let config = &self.config;
        AlertWorker {
            target: Arc::new(alerts::Target::from(target)),
            schedule: config.alerts.schedule,
            readers: self.readers.clone(),
            store: self.store.clone(),
            clock: config.clock,
            zone: config.time_zone.clone(),
            language: config.language.unwrap_or(Language::English),
            dashboard_url: config.dashboard_url.clone(),
            livemode: config.mode == Mode::Live,
            daily_report: config.daily_report,
            owed: None,
            db: config.db.clone(),
            stop,
        }
    }
}
