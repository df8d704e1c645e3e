//! The daemon: where all parts meet, and the order in which they start and stop.

mod check;
mod loss;
mod parts;
mod retention;
pub mod systemd;
mod watch;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch::channel;
use tokio::task::JoinSet;

pub(super) use self::parts::wanted_endpoint;

use self::parts::Parts;
use self::systemd::Sockets;
use self::watch::{Known, tell_counts, tell_left_out, watch_over};
use super::{CommandError, api_token, room, said};
use crate::clients::api::Stop;
use crate::clients::apis::Apis;
use crate::config::options::{LogFormat, ServeOptions};
use crate::config::{self, Config, Mode};
use crate::domain::orphan::Policy;
use crate::domain::records::{Loss, StoredCertificate};
use crate::domain::secret::Secret;
use crate::http;
use crate::http::admin::{self, Gauged};
use crate::http::api::{Api, Endpoint};
use crate::http::dashboard::{Dashboard, DashboardDeps};
use crate::http::token::Token;
use crate::notify::Notifier;
use crate::simulator::random;
use crate::store::{
    self, DaemonLock, Database, Reader, Readers, SetTargets, Store, StoreError, Writer,
};
use crate::telemetry::line::Line;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::refusals::Refusals;
use crate::telemetry::tasks::Tasks;
use crate::telemetry::writer::Logger;
use crate::version::{COMMIT, VERSION};

/// The files of the database were lost while the daemon was running.
#[derive(Debug, thiserror::Error)]
#[error("{}: nothing was acknowledged since then, and the log says what was rescued", .0.said())]
pub struct Lost(Loss);

/// The exit status of a daemon that ended with this error.
pub(super) fn exit_status(error: &CommandError) -> u8 {
    match error.downcast_ref() {
        Some(StoreError::HeldByDaemon { .. }) => 4,
        _ if error.is::<Lost>() => 3,
        _ => 1,
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
pub fn run(options: &ServeOptions) -> Result<(), CommandError> {
    let config = Config::new(options, &config::variables())?;
    let sockets = Sockets::from_environment()?;
    let logger = Logger::start(options.log_level, options.log_format == LogFormat::Json)?;
    let ran = run_with(&config, sockets, until_signalled, |_| {});
    drop(logger);
    ran.map_err(|error| room::explain(error, &config.db))
}

/// Runs the daemon until `stop` returns, on sockets that were handed over or else on those that the
/// configuration names. `listening` is told the addresses that were chosen.
pub fn run_with<Stop: Future<Output = std::io::Result<&'static str>>>(
    config: &Config,
    sockets: Sockets,
    stop: impl FnOnce() -> Stop,
    listening: impl FnOnce(Listening),
) -> Result<(), CommandError> {
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
        Line::warn("the app was notified of changes until now, and is not from now on").emit();
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
        let parts = Parts { config: Arc::new(config.clone()), store, readers, refusals, metrics };
        let notifier = parts.notifier()?;
        let threads = (&writer, notifier.as_ref());
        let ended = serve(&parts, &token, threads, certificates, (public, admin), stop).await;
        // The writer waits for all who can write.
        drop(parts);
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
        return Err(Lost(loss).into());
    }
    lock.leave();
    stopped.map(|_| ())
}

/// Serves both listeners; says what ended it.
async fn serve(
    parts: &Parts,
    token: &Secret,
    (writer, notifier): (&Writer, Option<&Notifier>),
    certificates: Vec<StoredCertificate>,
    (public, admin): (TcpListener, TcpListener),
    stop: impl Future<Output = std::io::Result<&'static str>>,
) -> Result<&'static str, CommandError> {
    let (tell, told) = channel(false);
    let Parts { config, store, refusals, metrics, .. } = parts;
    let (clock, livemode) = (config.clock, config.mode == Mode::Live);
    let mut tasks = Tasks::new(told.clone());
    parts.keep_tasks(&mut tasks, parts.readers.read(Known::from_before).await?, &told);
    // Whoever looks at pages, who may be many, takes no turn from those tasks.
    let readers = Readers::open(&config.db)?;
    parts.keep_counting(&mut tasks, &readers);
    let stop_asking = Stop::new();
    let apis = Arc::new(Apis::new(&config.api, &stop_asking, clock));
    let reconciler = parts.reconciler(&apis, stop_asking)?;
    let endpoints = webhooks::endpoints(parts, certificates, &apis)?;
    let mut listeners = JoinSet::new();
    listeners.spawn(http::serve(
        public,
        http::webhooks::routes(endpoints),
        config.max_connections,
        told.clone(),
    ));
    let api = Api::start(
        &mut tasks,
        Endpoint {
            readers: readers.clone(),
            store: store.clone(),
            clock,
            livemode,
            rules: config.rules.clone(),
            stop: told.clone(),
        },
    );
    let token = Arc::new(Token::new(token.reveal()));
    let dashboard = Dashboard::new(DashboardDeps {
        readers: readers.clone(),
        store: store.clone(),
        clock,
        livemode,
        rules: config.rules.clone(),
        token: Arc::clone(&token),
        language: config.language,
        zone: config.time_zone.clone(),
        hosts: config.admin_hosts.clone(),
    });
    let gauged = Gauged {
        metrics: Arc::clone(metrics),
        readers,
        store: store.clone(),
        clock,
        db: config.db.clone(),
        notifies: config.notify.is_some(),
        tasks: Arc::clone(tasks.health()),
    };
    let routes = admin::routes(token, api, dashboard, gauged);
    listeners.spawn(http::serve(admin, routes, config.max_connections, told));
    let ended = tokio::select! {
        signal = stop => Ok(signal?),
        error = watch_over(store, writer, (notifier, reconciler.as_ref()), refusals) => Err(error),
        task = tasks.gave_up() => Err(broke_off(&task)),
        _ = listeners.join_next() => Err(broke_off("a listener")),
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
    tell_left_out(refusals);
    tell_counts(refusals);
    ended
}

/// The error that a background task ended again and again.
fn broke_off(task: &str) -> CommandError {
    said(format!(
        "the background task {task:?} broke off again and again: see the log; nothing that was \
         acknowledged is lost"
    ))
}

fn listen(
    handed_over: Option<std::net::TcpListener>,
    address: SocketAddr,
    flag: &'static str,
) -> Result<TcpListener, CommandError> {
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
    bound().map_err(|error| {
        said(format!(
            "can't listen on {address}: {error}: is another payhookd running? Choose another with {flag}"
        ))
    })
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
