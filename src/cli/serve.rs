//! The daemon: where all parts meet, and the order in which they start and stop.

mod check;
mod loss;
mod retention;
pub mod systemd;
mod watch;

use crate::cli::serve::watch::note_broken_tasks;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::sync::watch::{Receiver, channel};
use tokio::task::JoinSet;

use self::watch::{
    Known, announce_others, count_from_before, keep_counting, log_issues, mark_now_and_then,
    raise_due_orphans, tell_counts, tell_left_out, watch_over,
};
use super::api_token::{self, TokenError};
use super::room;
use crate::alerts::{self, AlertWorker};
use crate::clients::api::{ApiError, Stop};
use crate::clients::apis::Apis;
use crate::clients::app::App;
use crate::clients::certificates::Certificates;
use crate::clients::command::Program;
use crate::config::options::{LogFormat, ServeOptions};
use crate::config::{
    self, Config, ConfigError, Mode, NotifyConfig, NotifyTarget, PaypalConfig, PaypalVerify,
};
use crate::domain::language::Language;
use crate::domain::orphan::Policy;
use crate::domain::provider::Provider;
use crate::domain::records::{Loss, StoredCertificate};
use crate::domain::secret::Secret;
use crate::http;
use crate::http::admin::{self, Gauged};
use crate::http::api::{Api, Endpoint};
use crate::http::dashboard::{Dashboard, DashboardDeps};
use crate::http::token::Token;
use crate::http::verify::{Asking, PaypalEndpoint, PaypalProof, StripeEndpoint};
use crate::http::webhooks::{self, Endpoints};
use crate::monitor::Monitor;
use crate::notify::{Notifier, Target};
use crate::providers::endpoints::Wanted;
use crate::providers::paypal::transmission::WebhookIds;
use crate::providers::stripe::signature::SigningSecrets;
use crate::reconcile::worker::{Settings, Worker};
use crate::simulator::random::{self, NoChance};
use crate::store::{
    self, DaemonLock, Database, Reader, Readers, SetTargets, Store, StoreError, WalWatch, Writer,
};
use crate::telemetry::line::Line;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::refusals::Refusals;
use crate::telemetry::tasks::Tasks;
use crate::telemetry::throttle::Allowance;
use crate::telemetry::writer::Logger;
use crate::version::{COMMIT, VERSION};
use systemd::Sockets;

/// Why the daemon did not start, or not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What was set can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It can't be written; says which disk it is on and what to do.
    #[error("{0}")]
    Disk(String),
    /// Its files were lost while the daemon was running.
    #[error("{}: nothing was acknowledged since then, and the log says what was rescued", .0.said())]
    Lost(Loss),
    /// There is no API token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The system has no randomness to give.
    #[error(transparent)]
    NoChance(#[from] NoChance),
    /// An address can't be listened on.
    #[error(
        "can't listen on {address}: {source}: is another payhookd running? Choose another with {flag}"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The system refused a thread, a signal or the log.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
    /// The writer ended while the daemon was running.
    #[error("the writer thread has ended: see the log; nothing that was acknowledged is lost")]
    WriterEnded,
    /// An API that is needed can't be asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A background task broke off again and again.
    #[error(
        "the background task {0:?} broke off again and again: see the log; nothing that was \
         acknowledged is lost"
    )]
    Task(Arc<str>),
    /// The notifier ended while the daemon was running.
    #[error("the notifier thread has ended: see the log; what is owed to the app is still owed")]
    NotifierEnded,
}

impl ServeError {
    /// How the process ends with it.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Lost(_) => 3,
            Self::Store(StoreError::HeldByDaemon { .. }) => 4,
            _ => 1,
        }
    }
}

/// The addresses that were chosen, once both listen.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// For the providers.
    pub public: SocketAddr,
    /// For the shop.
    pub admin: SocketAddr,
}

/// Runs the daemon until it is told to stop.
pub fn run(options: &ServeOptions) -> Result<(), ServeError> {
    let config = Config::new(options, &config::variables())?;
    let sockets = Sockets::from_environment()?;
    let logger = Logger::start(options.log_level, options.log_format == LogFormat::Json)?;
    let ran = run_with(&config, sockets, until_signalled, |_| {});
    drop(logger);
    ran.map_err(|error| match error {
        ServeError::Store(error) => match room::explained(&error, &config.db) {
            Some(explained) => ServeError::Disk(explained),
            None => error.into(),
        },
        other => other,
    })
}

/// Runs the daemon until `stop` returns, on sockets that were handed over or else on those that the
/// configuration names. `listening` is told the addresses that were chosen.
pub fn run_with<Stop: Future<Output = std::io::Result<&'static str>>>(
    config: &Config,
    sockets: Sockets,
    stop: impl FnOnce() -> Stop,
    listening: impl FnOnce(Listening),
) -> Result<(), ServeError> {
    let began = Instant::now();
    let descriptors = raise_descriptors();
    for warning in &config.warnings {
        Line::warn(warning).emit();
    }
    let had_content = std::fs::metadata(&config.db).is_ok_and(|file| file.len() > 0);
    let mut database = Database::open(&config.db)?;
    let patience = if sockets.are_handed_over() { HAND_OVER } else { Duration::ZERO };
    let lock = DaemonLock::take(&config.db, patience, config.clock.now())?;
    if had_content && !lock.is_as_it_was_left() {
        check::check(&mut database, &config.db)?;
    }
    store::remove_abandoned_copies(&config.db);
    database.watch(&config.db, random::number()?)?;
    let policy = Policy { livemode: config.mode == Mode::Live, grace: config.orphan_grace };
    database.started(policy, &config.rules.to_json(), config.clock.now())?;
    let notifies = config.notify.is_some();
    let targets = SetTargets {
        notifies,
        alerts: config.alerts.targets.iter().map(|one| one.name.clone()).collect(),
        daily_report: config.daily_report.is_some(),
    };
    if database.run(&targets, config.clock.now())? && !notifies {
        Line::warn("the app was told of changes until now, and is not from now on").emit();
    }
    let reader = Reader::open(&config.db)?;
    let (certificates, log_head) = (reader.certificates()?, reader.log_head()?);
    drop(reader);
    let token = api_token::load(&config.api_token)?;
    let refusals = Arc::new(Refusals::new());
    let metrics = Arc::new(Metrics::new(Arc::clone(&refusals)));
    let of_writer = Arc::clone(&metrics);
    let observe = move |webhooks, took| of_writer.committed(webhooks, took);
    let (store, writer) = Store::start(database, config.faults.as_deref(), observe)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()?;
    let stopped = runtime.block_on(async {
        // Heard from before anybody is told that the daemon listens.
        let stop = stop();
        let public = listen(sockets.public, config.listen, "--listen")?;
        let admin = listen(sockets.admin, config.admin_listen, "--admin-listen")?;
        let addresses = Listening { public: public.local_addr()?, admin: admin.local_addr()? };
        Line::info("started")
            .with("version", VERSION)
            .with_some("commit", Some(COMMIT).filter(|commit| !commit.is_empty()))
            .with("listen", addresses.public)
            .with("admin_listen", addresses.admin)
            .with("db", config.db.display())
            .with("mode", config.mode)
            .with("time_zone", &config.time_zone)
            .with("stripe", if config.stripe.is_some() { "on" } else { "off" })
            .with("paypal", if config.paypal.is_some() { "on" } else { "off" })
            .with("notify", config.notify.as_ref().map_or("off", |notify| notify.target.kind()))
            .with("alerts", targets.alerts.len())
            .with_some("daily_report", config.daily_report)
            .with("descriptors", descriptors)
            .with("log_head", log_head)
            .with("dur_ms", began.elapsed().as_millis())
            .emit();
        systemd::ready(&format!(
            "webhooks on {}, the shop on {}",
            addresses.public, addresses.admin
        ));
        listening(addresses);
        // Not before both listen: another daemon would tell the app of the same.
        let readers = Readers::open(&config.db)?;
        let start = |notify| start_notifier(config, notify, &store, &readers);
        let notifier = config.notify.as_ref().map(start).transpose()?;
        let running = Running {
            store,
            readers,
            writer: &writer,
            notifier: notifier.as_ref(),
            refusals,
            metrics,
        };
        let ended = serve(config, &token, running, certificates, (public, admin), stop).await;
        if let Some(notifier) = notifier {
            notifier.stop().await;
        }
        ended
    });
    // Ends what still runs on threads of its own; a fetch of a certificate may take its time.
    runtime.shutdown_timeout(Duration::from_millis(100));
    // All handles on the store are gone with the runtime, so the writer commits what is left.
    let report = writer.join()?;
    Line::info("stopped")
        .with("webhooks", report.webhooks)
        .with("commits", report.commits)
        .with_some("log_head", report.log_head.as_ref())
        .with_some("outcome", stopped.as_ref().ok())
        .emit();
    if let (Some(loss), Some(rescued)) = (report.loss, &report.rescued) {
        loss::tell(config, loss, rescued);
        return Err(ServeError::Lost(loss));
    }
    lock.leave();
    stopped.map(|_| ())
}

/// What runs before anybody is served.
struct Running<'t> {
    store: Store,
    readers: Readers,
    writer: &'t Writer,
    notifier: Option<&'t Notifier>,
    refusals: Arc<Refusals>,
    metrics: Arc<Metrics>,
}

fn start_notifier(
    config: &Config,
    notify: &NotifyConfig,
    store: &Store,
    readers: &Readers,
) -> std::io::Result<Notifier> {
    let target = match &notify.target {
        NotifyTarget::Url { url, keys } => {
            Target::App(App::new(url.clone(), keys.clone(), notify.limit))
        }
        NotifyTarget::Command(path) => Target::Program(Program::new(path.clone(), notify.limit)),
    };
    Notifier::start(target, notify.schedule, store.clone(), readers.clone(), config.clock)
}

/// Looks for missed events of the providers whose webhooks are received here, if their keys are set.
fn start_reconciler(
    config: &Config,
    apis: &Arc<Apis>,
    stop: Stop,
    metrics: &Arc<Metrics>,
) -> std::io::Result<Option<Worker>> {
    let Some(every) = config.reconcile_every else { return Ok(None) };
    let received =
        [(Provider::Stripe, config.stripe.is_some()), (Provider::Paypal, config.paypal.is_some())];
    let mut providers = Vec::new();
    for (provider, _) in received.into_iter().filter(|(_, is_received)| *is_received) {
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
    Worker::start(settings, &providers, apis, stop, metrics).map(Some)
}

/// What is known here of where webhooks are to go.
pub(super) fn wanted_endpoint(config: &Config) -> Wanted {
    let webhook_ids = config.paypal.as_ref().map(|paypal| paypal.webhook_ids.clone());
    Wanted {
        public_url: config.public_url.clone(),
        webhook_ids: webhook_ids.unwrap_or_default(),
        livemode: config.mode == Mode::Live,
    }
}

/// Serves both listeners; says what ended it.
async fn serve(
    config: &Config,
    token: &Secret,
    running: Running<'_>,
    certificates: Vec<StoredCertificate>,
    (public, admin): (TcpListener, TcpListener),
    stop: impl Future<Output = std::io::Result<&'static str>>,
) -> Result<&'static str, ServeError> {
    let (tell, told) = channel(false);
    let Running { store, readers, writer, notifier, refusals, metrics } = running;
    let clock = config.clock;
    let mut tasks = Tasks::new(told.clone());
    let known = readers.read(Known::from_before).await?;
    keep_tasks(&mut tasks, config, known, (&store, &readers), (&refusals, &metrics), &told);
    // Whoever looks at pages, who may be many, takes no turn from those tasks.
    let readers = Readers::open(&config.db)?;
    let counted = readers.clone();
    tasks.keep("statistics", move || begun(keep_counting(counted.clone(), clock)));
    let stop_asking = Stop::new();
    let apis = Arc::new(Apis::new(&config.api, &stop_asking, config.clock));
    let reconciler = start_reconciler(config, &apis, stop_asking, &metrics)?;
    let endpoints = endpoints(
        config,
        &store,
        certificates,
        Arc::clone(&refusals),
        Arc::clone(&metrics),
        &apis,
    )?;
    let mut listeners = JoinSet::new();
    listeners.spawn(http::serve(
        public,
        webhooks::routes(endpoints),
        config.max_connections,
        told.clone(),
    ));
    let api = Api::start(
        &mut tasks,
        Endpoint {
            readers: readers.clone(),
            store: store.clone(),
            clock: config.clock,
            livemode: config.mode == Mode::Live,
            rules: config.rules.clone(),
            stop: told.clone(),
        },
    );
    let token = Arc::new(Token::new(token.reveal()));
    let dashboard = Dashboard::new(DashboardDeps {
        readers: readers.clone(),
        store: store.clone(),
        clock: config.clock,
        livemode: config.mode == Mode::Live,
        rules: config.rules.clone(),
        token: Arc::clone(&token),
        language: config.language,
        zone: config.time_zone.clone(),
        hosts: config.admin_hosts.clone(),
    });
    let db = config.db.clone();
    let notifies = config.notify.is_some();
    let health = Arc::clone(tasks.health());
    let gauged =
        Gauged { metrics, readers, store: store.clone(), clock, db, notifies, tasks: health };
    let routes = admin::routes(token, api, dashboard, gauged);
    listeners.spawn(http::serve(admin, routes, config.max_connections, told));
    let ended = tokio::select! {
        signal = stop => Ok(signal?),
        error = watch_over(&store, writer, (notifier, reconciler.as_ref()), &refusals) => Err(error),
        task = tasks.gave_up() => Err(ServeError::Task(task)),
        _ = listeners.join_next() => Err(ServeError::Task("a listener".into())),
    };
    // Nobody listens any more only if both servers have ended.
    systemd::stopping();
    let _ = tell.send(true);
    while let Some(ended) = listeners.join_next().await {
        if let Err(error) = ended {
            Line::error("a listener broke off").with("err", &error).emit();
        }
    }
    tasks.end().await;
    if let Some(reconciler) = reconciler {
        reconciler.stop();
    }
    tell_left_out(&refusals);
    tell_counts(&refusals);
    ended
}

/// Everything that goes on beside the listeners until the daemon stops.
fn keep_tasks(
    tasks: &mut Tasks,
    config: &Config,
    known: Known,
    (store, readers): (&Store, &Readers),
    (refusals, metrics): (&Arc<Refusals>, &Arc<Metrics>),
    stop: &Receiver<bool>,
) {
    let (clock, keep) = (config.clock, config.keep);
    let known = Arc::new(tokio::sync::Mutex::new(known));
    let (db, commits) = (config.db.clone(), store.commits().clone());
    tasks.keep("commits of others", move || {
        Ok::<_, StoreError>(announce_others(Reader::open(&db)?, commits.clone()))
    });
    let of_task = store.clone();
    tasks.keep("watchdog", move || begun(systemd::stay_alive(of_task.clone())));
    let of_task = readers.clone();
    tasks.keep("issue log", move || begun(log_issues(of_task.clone(), Arc::clone(&known))));
    let of_task = (readers.clone(), store.clone());
    tasks.keep("due orphans", move || {
        begun(raise_due_orphans(of_task.0.clone(), of_task.1.clone(), clock))
    });
    let of_task = (Arc::clone(tasks.health()), readers.clone(), store.clone());
    tasks.keep("task issues", move || {
        let (health, readers, store) = of_task.clone();
        begun(note_broken_tasks(health, readers, store, clock))
    });
    let of_task = store.clone();
    tasks.keep("retention", move || begun(retention::keep_tidy(of_task.clone(), keep, clock)));
    let of_task = store.clone();
    tasks.keep("mark", move || begun(mark_now_and_then(of_task.clone())));
    tokio::spawn(count_from_before(readers.clone(), Arc::clone(metrics)));
    let (of_task, seen) = (store.clone(), (Arc::clone(refusals), Arc::clone(metrics)));
    let config = Arc::new(config.clone());
    let settings = Arc::clone(&config);
    tasks.keep("monitor", move || {
        let seen = (Arc::clone(&seen.0), Arc::clone(&seen.1));
        lookout(&settings, &of_task, seen).map(Monitor::run)
    });
    for target in &config.alerts.targets {
        let name = format!("alerts {}", target.name);
        let target = Arc::new(alerts::Target::from(target));
        let (config, store, stop) = (Arc::clone(&config), store.clone(), stop.clone());
        let readers = readers.clone();
        tasks.keep_to_its_end(name, move || {
            let teller = AlertWorker {
                target: Arc::clone(&target),
                schedule: config.alerts.schedule,
                readers: readers.clone(),
                store: store.clone(),
                clock: config.clock,
                zone: config.time_zone.clone(),
                language: config.language.unwrap_or(Language::English),
                daily_report: config.daily_report,
                owed: None,
                db: config.db.clone(),
                stop: stop.clone(),
            };
            begun(teller.run())
        });
    }
}

/// A task that needs nothing that could fail.
fn begun<T>(task: T) -> Result<T, std::convert::Infallible> {
    Ok(task)
}

fn lookout(
    config: &Config,
    store: &Store,
    (refusals, metrics): (Arc<Refusals>, Arc<Metrics>),
) -> Result<Monitor, StoreError> {
    let stripe = config.stripe.as_ref().map(|_| Provider::Stripe);
    let paypal = config.paypal.as_ref().map(|_| Provider::Paypal);
    let trust = config.paypal.as_ref().and_then(|paypal| match &paypal.verify {
        PaypalVerify::Offline { trust, .. } => Some(trust.clone()),
        PaypalVerify::Postback => None,
    });
    Ok(Monitor {
        reader: Reader::open(&config.db)?,
        store: store.clone(),
        refusals,
        metrics,
        clock: config.clock,
        every: config.lookout,
        providers: stripe.into_iter().chain(paypal).collect(),
        livemode: config.mode == Mode::Live,
        trust,
        db: config.db.clone(),
        log: WalWatch::open(&config.db)?,
        faults: config.faults.clone(),
    })
}

fn endpoints(
    config: &Config,
    store: &Store,
    certificates: Vec<StoredCertificate>,
    refusals: Arc<Refusals>,
    metrics: Arc<Metrics>,
    apis: &Apis,
) -> Result<Endpoints, ApiError> {
    let stripe = config.stripe.as_ref().map(|stripe| StripeEndpoint {
        secrets: SigningSecrets::new(stripe.signing_secrets.iter().map(|secret| secret.reveal())),
        tolerance: stripe.tolerance,
    });
    let paypal = config.paypal.as_ref();
    let paypal = paypal.map(|paypal| paypal_endpoint(config, paypal, store, certificates, apis));
    Ok(Endpoints {
        store: store.clone(),
        clock: config.clock,
        stripe,
        paypal: paypal.transpose()?,
        rules: config.rules.clone(),
        refusals,
        metrics,
        max_body: config.max_body,
    })
}

fn paypal_endpoint(
    config: &Config,
    paypal: &PaypalConfig,
    store: &Store,
    stored: Vec<StoredCertificate>,
    apis: &Apis,
) -> Result<PaypalEndpoint, ApiError> {
    let asking = || {
        Ok::<_, ApiError>(Arc::new(Asking {
            api: Arc::new(apis.paypal()?.postback()),
            permits: Semaphore::new(ASKED_AT_ONCE),
            allowance: Allowance::per_minute(ASKED_A_MINUTE),
        }))
    };
    let proof = match &paypal.verify {
        PaypalVerify::Offline { trust, roots_pem, certificate_host } => PaypalProof::Offline {
            certificates: Box::new(Certificates::new(
                trust.clone(),
                // PayPal's own host is trusted as every public one is.
                certificate_host.as_ref().and(roots_pem.as_deref()),
                stored,
                store.clone(),
            )),
            host: certificate_host.clone(),
        },
        PaypalVerify::Postback => PaypalProof::Postback(asking()?),
    };
    Ok(PaypalEndpoint {
        ids: WebhookIds::new(paypal.webhook_ids.iter().map(String::as_str), paypal.environment),
        livemode: config.mode == Mode::Live,
        proof,
        max_age: paypal.max_age,
        asking: asking().ok(),
    })
}

fn listen(
    handed_over: Option<std::net::TcpListener>,
    address: SocketAddr,
    flag: &'static str,
) -> Result<TcpListener, ServeError> {
    let bound = || {
        if let Some(listener) = handed_over {
            return TcpListener::from_std(listener);
        }
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // What a stopped daemon leaves in TIME_WAIT shall not keep the next one from its address.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|source| ServeError::Listen { address, flag, source })
}

/// Ends when the process is asked to end; says by which signal. Signals are heard from the call on,
/// which must be made within a runtime.
pub fn until_signalled() -> impl Future<Output = std::io::Result<&'static str>> {
    let signals = signal(SignalKind::terminate())
        .and_then(|terminate| Ok((terminate, signal(SignalKind::interrupt())?)));
    async {
        let (mut terminate, mut interrupt) = signals?;
        tokio::select! {
            _ = terminate.recv() => Ok("SIGTERM"),
            _ = interrupt.recv() => Ok("SIGINT"),
        }
    }
}

/// Raises the limit of open files as far as it goes, and says how far that is: the usual 1,024 are
/// fewer than the connections we mean to bear.
fn raise_descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok() {
        return maximum.unwrap_or(u64::MAX);
    }
    current.unwrap_or(u64::MAX)
}

/// How long a daemon that takes over sockets waits for the one before, which answers what is in flight.
const HAND_OVER: Duration = Duration::from_secs(15);
/// Connections that may wait to be accepted. With tokio's 128 a burst makes the system drop some,
/// and a sender that is dropped tries again only a second later.
const BACKLOG: u32 = 4_096;
/// Threads that serve connections: the writer, whose work limits what is taken, has a core of its own
/// where there are two. (With two threads beside it on two cores 12 % fewer events are taken.)
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores.saturating_sub(1).clamp(1, 4)
}

/// How many webhooks may ask PayPal's API at once.
const ASKED_AT_ONCE: usize = 8;
/// How many requests of strangers, and how many that come again, it is asked about in a minute. What it
/// proves the first time does not count.
const ASKED_A_MINUTE: u32 = 30;
