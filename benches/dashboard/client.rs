//! The daemon under measurement, and who talks to it meanwhile.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::pages::percentile;
use crate::story::{Payment, Step};
use payhookd::domain::provider::Provider;
use payhookd::providers::stripe::signature;
use payhookd::telemetry::clock::Clock;

/// payhookd, running; killed if it is dropped before it is stopped.
pub(crate) struct Daemon {
    /// `http://127.0.0.1:…` for the providers.
    public: String,
    /// The same for the shop.
    pub(crate) admin: String,
    child: Child,
}

impl Daemon {
    /// Starts it on `db`, and waits until it says where it listens.
    pub(crate) fn start(db: &Path) -> io::Result<Self> {
        let log = db.with_extension("log");
        let child = Command::new(env!("CARGO_BIN_EXE_payhookd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--db"])
            .arg(db)
            .env_clear()
            .env("STRIPE_WEBHOOK_SECRET", SECRET)
            .env("PAYHOOKD_API_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut daemon = Self { public: String::new(), admin: String::new(), child };
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let said = fs::read_to_string(&log)?;
            let complete = said.rsplit_once('\n').map_or("", |(complete, _)| complete);
            let told = |key: &str| {
                let mut words = complete.split_whitespace();
                words.find_map(|word| word.strip_prefix(key)).map(|at| format!("http://{at}"))
            };
            if let Some((public, admin)) = told("listen=").zip(told("admin_listen=")) {
                (daemon.public, daemon.admin) = (public, admin);
                return Ok(daemon);
            }
            if let Some(status) = daemon.child.try_wait()? {
                return Err(io::Error::other(format!("payhookd ended at once ({status}): {said}")));
            }
            thread::sleep(POLL);
        }
        Err(io::Error::other("payhookd did not say where it listens"))
    }

    /// Has it end by SIGTERM.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.ok_or_else(|| io::Error::other("no process id"))?, Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("payhookd: {status}"))) }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing to do if it has ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Registers payments and sends the events that settle them, at a steady pace, until it is told to
/// stop. Gives a sentence about it.
pub(crate) fn send_webhooks(daemon: &Daemon, stop: &AtomicBool) -> io::Result<String> {
    let agent = agent();
    let began = Instant::now();
    // Numbers that no run before had.
    let start = Clock::SYSTEM.now().unix_millis().unsigned_abs() / 10;
    let payments = (start..).map(Payment::new);
    let mut taken = Vec::new();
    for payment in payments.filter(|one| one.provider == Provider::Stripe && one.livemode) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        register(&agent, daemon, &payment)?;
        for step in [Step::Charged, Step::Succeeded] {
            let now = Clock::SYSTEM.now();
            let Some((.., body)) = payment.event(step, now) else { continue };
            let sent = Instant::now();
            agent
                .post(format!("{}/accounts/webhooks/stripe/", daemon.public))
                .header("stripe-signature", signature::sign(body.as_bytes(), SECRET, now))
                .send(body)
                .map_err(io::Error::other)?;
            taken.push(sent.elapsed());
        }
        thread::sleep(PACE);
    }
    let rate = taken.len() as f64 / began.elapsed().as_secs_f64();
    taken.sort_unstable();
    Ok(format!(
        "{} webhooks were answered, {rate:.0} a second, each in {:.1} ms at the median and {:.1} ms \
         at the 99th percentile",
        taken.len(),
        percentile(&taken, 0.5),
        percentile(&taken, 0.99),
    ))
}

fn register(agent: &ureq::Agent, daemon: &Daemon, payment: &Payment) -> io::Result<()> {
    let body = serde_json::json!({
        "provider": "stripe", "reference": payment.reference, "order_id": payment.order,
        "amount": payment.money.minor, "currency": payment.money.currency.as_str(),
    });
    agent
        .post(format!("{}/api/v1/transactions", daemon.admin))
        .header("authorization", format!("Bearer {TOKEN}"))
        .content_type("application/json")
        .send(body.to_string())
        .map_err(io::Error::other)?;
    Ok(())
}

/// Keeps its connections, and takes every status below 400 for an answer.
pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0);
    config.build().new_agent()
}

/// The API token of the daemon.
pub(crate) const TOKEN: &str = "the-token-of-the-benchmark-daemon";
const SECRET: &str = "whsec_dashboard_of_the_benchmark";
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);
/// Between one payment and the next.
const PACE: Duration = Duration::from_millis(25);
