//! The daemon: where all parts meet, and the order in which they start and stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

use super::api_token::{self, TokenError};
use crate::clients::certificates::Certificates;
use crate::clients::postback::Postback;
use crate::config::options::ServeOptions;
use crate::config::{
    self, Config, ConfigError, Mode, PaypalConfig, PaypalVerify, Secret, Surroundings,
};
use crate::domain::event::Provider;
use crate::domain::refusal::Refusal;
use crate::http::api::{Api, Endpoint};
use crate::http::refusals::Refusals;
use crate::http::token::Token;
use crate::http::webhooks::{Endpoints, PaypalEndpoint, PaypalProof, StripeEndpoint};
use crate::http::{self, admin, webhooks};
use crate::logfmt::Line;
use crate::logger::Logger;
use crate::providers::paypal::transmission::WebhookIds;
use crate::providers::stripe::signature::SigningSecrets;
use crate::store::{Bell, Database, Reader, Readers, Store, StoreError, StoredCertificate, Writer};

/// Why the daemon did not start, or not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What was set can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no API token.
    #[error(transparent)]
    Token(#[from] TokenError),
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
    let variables = config::variables();
    let around = Surroundings { variables: &variables, read: |path| std::fs::read(path) };
    let config = Config::new(options, around)?;
    let logger = Logger::start(options.log_level)?;
    let ran = run_with(&config, until_signalled, |_| {});
    drop(logger);
    ran
}

/// Runs the daemon until `stop` returns. `listening` is told the addresses that were chosen.
pub fn run_with<Stop: Future<Output = std::io::Result<&'static str>>>(
    config: &Config,
    stop: impl FnOnce() -> Stop,
    listening: impl FnOnce(Listening),
) -> Result<(), ServeError> {
    let began = Instant::now();
    let descriptors = raise_descriptors();
    for warning in &config.warnings {
        Line::warn(warning).emit();
    }
    let mut database = Database::open(&config.db)?;
    database.batch(|batch| batch.started(config.mode == Mode::Live, config.clock.now()))?;
    let certificates = database.certificates()?;
    let token = api_token::load(&config.api_token)?;
    let (store, writer) = Store::start(database, config.faults.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()?;
    let stopped = runtime.block_on(async {
        let public = listen(config.listen, "--listen")?;
        let admin = listen(config.admin_listen, "--admin-listen")?;
        let addresses = Listening { public: public.local_addr()?, admin: admin.local_addr()? };
        Line::info("started")
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("listen", addresses.public)
            .with("admin_listen", addresses.admin)
            .with("db", config.db.display())
            .with("mode", config.mode)
            .with("stripe", if config.stripe.is_some() { "on" } else { "off" })
            .with("paypal", if config.paypal.is_some() { "on" } else { "off" })
            .with("descriptors", descriptors)
            .with("dur_ms", began.elapsed().as_millis())
            .emit();
        listening(addresses);
        serve(config, &token, store, &writer, certificates, (public, admin), stop()).await
    });
    // Ends what still runs on threads of its own; a fetch of a certificate may take its time.
    runtime.shutdown_timeout(Duration::from_millis(100));
    // All handles on the store are gone with the runtime, so the writer commits what is left.
    let report = writer.join()?;
    Line::info("stopped")
        .with("webhooks", report.webhooks)
        .with("commits", report.commits)
        .with_some("outcome", stopped.as_ref().ok())
        .emit();
    stopped.map(|_| ())
}

/// Serves both listeners; says what ended it.
async fn serve(
    config: &Config,
    token: &Secret,
    store: Store,
    writer: &Writer,
    certificates: Vec<StoredCertificate>,
    (public, admin): (TcpListener, TcpListener),
    stop: impl Future<Output = std::io::Result<&'static str>>,
) -> Result<&'static str, ServeError> {
    let (tell, told) = watch::channel(false);
    tokio::spawn(ring_for_others(Reader::open(&config.db)?, store.bell().clone()));
    let refusals = Arc::new(Refusals::new());
    let endpoints = endpoints(config, &store, certificates, Arc::clone(&refusals));
    let webhooks = tokio::spawn(http::serve(
        public,
        webhooks::routes(endpoints),
        config.max_connections,
        told.clone(),
    ));
    let api = Api::start(Endpoint {
        readers: Readers::open(&config.db)?,
        store: store.clone(),
        clock: config.clock,
        livemode: config.mode == Mode::Live,
        stop: told.clone(),
    });
    let routes = admin::routes(store, Token::new(token.reveal()), api);
    let admin = tokio::spawn(http::serve(admin, routes, config.max_connections, told));
    let ended = tokio::select! {
        signal = stop => Ok(signal?),
        () = watch_over(writer, &refusals) => Err(ServeError::WriterEnded),
    };
    // Nobody listens any more only if both servers have ended.
    let _ = tell.send(true);
    for server in [webhooks, admin] {
        if let Err(error) = server.await {
            Line::error("a listener broke off").with("err", &error).emit();
        }
    }
    tell_left_out(&refusals);
    tell_counts(&refusals);
    ended
}

/// Rings for the commits of other processes, the command line's. (Ours ring by themselves, sooner;
/// that they are seen here again costs those who listen one look.)
async fn ring_for_others(reader: Reader, bell: Bell) {
    let mut looks = tokio::time::interval(Duration::from_millis(500));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        looks.tick().await;
        match reader.data_version() {
            Ok(version) if seen == Some(version) => {}
            Ok(version) => {
                seen = Some(version);
                bell.ring();
            }
            Err(error) => Line::debug("data version not read").with("err", &error).emit(),
        }
    }
}

/// Says what the throttle of refusals left out; returns if the writer ends.
async fn watch_over(writer: &Writer, refusals: &Refusals) {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    let mut seconds: u64 = 0;
    loop {
        every_second.tick().await;
        if writer.has_ended() {
            return;
        }
        seconds += 1;
        if seconds.is_multiple_of(10) {
            tell_left_out(refusals);
        }
    }
}

/// One line for each reason, with how often it was the reason since the start.
fn tell_counts(refusals: &Refusals) {
    for provider in Provider::ALL {
        for refusal in Refusal::ALL {
            let count = refusals.counted(*provider, *refusal);
            if count > 0 {
                Line::info("refused in all")
                    .with("provider", provider)
                    .with("outcome", refusal)
                    .with("count", count)
                    .emit();
            }
        }
    }
}

fn tell_left_out(refusals: &Refusals) {
    let left_out = refusals.take_left_out();
    if left_out > 0 {
        Line::warn("refused").with("left_out", left_out).emit();
    }
}

fn endpoints(
    config: &Config,
    store: &Store,
    certificates: Vec<StoredCertificate>,
    refusals: Arc<Refusals>,
) -> Endpoints {
    let stripe = config.stripe.as_ref().map(|stripe| StripeEndpoint {
        secrets: SigningSecrets::new(stripe.signing_secrets.iter().map(|secret| secret.reveal())),
        tolerance: stripe.tolerance,
    });
    let paypal =
        config.paypal.as_ref().map(|paypal| paypal_endpoint(config, paypal, store, certificates));
    Endpoints {
        store: store.clone(),
        clock: config.clock,
        stripe,
        paypal,
        refusals,
        max_body: config.max_body,
    }
}

fn paypal_endpoint(
    config: &Config,
    paypal: &PaypalConfig,
    store: &Store,
    stored: Vec<StoredCertificate>,
) -> PaypalEndpoint {
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
        PaypalVerify::Postback { api_base, client_id, client_secret } => PaypalProof::Postback {
            api: Arc::new(Postback::new(
                api_base.clone(),
                client_id.clone(),
                client_secret.clone(),
            )),
            permits: Semaphore::new(POSTBACKS),
        },
    };
    PaypalEndpoint {
        ids: WebhookIds::new(paypal.webhook_ids.iter().map(String::as_str), paypal.environment),
        livemode: config.mode == Mode::Live,
        proof,
    }
}

fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, ServeError> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // What a stopped daemon leaves in TIME_WAIT shall not keep the next one from its address.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|source| ServeError::Listen { address, flag, source })
}

/// Returns when the process is asked to end; says by which signal.
pub async fn until_signalled() -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
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
const POSTBACKS: usize = 8;
