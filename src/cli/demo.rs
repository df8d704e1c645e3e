//! `payhookd demo`: a shop's day, sent to a daemon that is thrown away afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use log::LevelFilter;
use tokio::sync::oneshot;

use super::serve::systemd::Sockets;
use super::serve::{self, ServeError};
use super::table::Table;
use super::{CommandError, printed};
use crate::clients;
use crate::clients::keys::{ApiConfig, RetryPolicy};
use crate::clients::sender::Sender;
use crate::clients::standard_webhooks::NotifyKeys;
use crate::config::{
    AlertConfig, ApiToken, Config, MONITOR_EVERY, Mode, NotifyConfig, NotifyTarget, PaypalConfig,
    PaypalVerify, StripeConfig,
};
use crate::domain::delivery::Schedule;
use crate::domain::money::{Currency, Money, Total};
use crate::domain::provider::Provider;
use crate::domain::records::{
    EventFilter, OrphanFilter, Page, Registered, Transaction, TransactionFilter,
};
use crate::domain::retention::Keep;
use crate::domain::secret::Secret;
use crate::domain::zone::Zone;
use crate::providers::paypal::Environment;
use crate::providers::paypal::certificate::{CertificateHost, Trust};
use crate::providers::rules::Rules;
use crate::simulator::authority::{TestAuthority, serve_certificate};
use crate::simulator::day::{Day, Delivery, Forgery, Register};
use crate::simulator::random;
use crate::simulator::signer::{Signer, endpoint};
use crate::store::{self, Database, Reader};
use crate::telemetry::clock::Clock;
use crate::telemetry::writer::Logger;

/// `payhookd demo`
#[derive(Args, Debug)]
pub struct Demo {
    /// Leave when the day is over.
    #[arg(long)]
    exit: bool,
    /// Show the daemon's log, a line for each webhook, on standard error.
    #[arg(long)]
    log: bool,
}

/// Runs the demo.
pub fn run(demo: &Demo) -> Result<(), CommandError> {
    let folder = Folder::make()?;
    let level = if demo.log { LevelFilter::Info } else { LevelFilter::Off };
    let logger = Logger::start(level, false)?;
    let ended = demo.run_in(&folder.0);
    drop(logger);
    ended
}

impl Demo {
    fn run_in(&self, folder: &Path) -> Result<(), CommandError> {
        let now = Clock::SYSTEM.now();
        say("making secrets and a certificate authority for this run …")?;
        let authority = TestAuthority::make(Environment::Sandbox, now, now.plus(ONE_DAY))?;
        let certificates = serve_certificate(authority.leaf_pem().to_owned(), ANY_PORT)?;
        let stripe_secret = Secret::new(format!("whsec_{}", random::letters(32)?));
        let webhook_id = random::letters(17)?.to_ascii_uppercase();
        let token = random::letters(24)?;
        let keys = NotifyKeys::parse([&*format!("whsec_{}", random::letters(32)?)])
            .map_err(|error| CommandError::Said(format!("the demo's app: {error}")))?;
        let db = folder.join("payhookd.db");
        let trust = Trust::from_pem(authority.root_pem().as_bytes());
        let config = Config {
            listen: ANY_PORT,
            admin_listen: ANY_PORT,
            db: db.clone(),
            mode: Mode::Test,
            stripe: Some(StripeConfig {
                signing_secrets: vec![stripe_secret.clone()],
                tolerance: Some(Duration::from_secs(300)),
            }),
            paypal: Some(PaypalConfig {
                webhook_ids: vec![webhook_id.clone()],
                environment: Environment::Sandbox,
                verify: PaypalVerify::Offline {
                    trust: trust.map_err(|error| CommandError::Said(error.to_string()))?,
                    roots_pem: None,
                    certificate_host: CertificateHost::parse(&certificates.address().to_string()),
                },
                max_age: None,
            }),
            api: ApiConfig { stripe: None, paypal: None, patience: RetryPolicy::STANDARD },
            reconcile_every: None,
            public_url: None,
            rules: Rules::default(),
            orphan_grace: GRACE,
            time_zone: Zone::system(),
            notify: Some(NotifyConfig {
                target: NotifyTarget::Url {
                    url: format!("http://{}/", crate::simulator::app::start()?),
                    keys,
                },
                limit: clients::app::LIMIT,
                schedule: Schedule::STANDARD,
            }),
            lookout: MONITOR_EVERY,
            alerts: AlertConfig { targets: Vec::new(), schedule: Schedule::STANDARD },
            daily_report: None,
            api_token: ApiToken::Given(Secret::new(token.clone())),
            keep: Keep::default(),
            language: None,
            admin_hosts: Vec::new(),
            max_body: 1024 * 1024,
            max_connections: 256,
            clock: Clock::SYSTEM,
            faults: None,
            warnings: Vec::new(),
        };
        let signers = [
            Signer::Stripe(stripe_secret),
            Signer::Paypal { authority: Box::new(authority), webhook_id },
        ];

        let (tell_stop, stop) = oneshot::channel::<()>();
        let (tell_listening, listening) = mpsc::channel();
        let daemon = std::thread::spawn(move || {
            let until_told = || async {
                // Told, or nobody is left to tell.
                let _ = stop.await;
                Ok("the demo")
            };
            serve::run_with(&config, Sockets::default(), until_told, |addresses| {
                // Whoever waited for it may have gone.
                let _ = tell_listening.send(addresses);
            })
        });
        let done = match listening.recv() {
            Ok(addresses) => self.day(&db, addresses, &signers, &token),
            // The daemon has ended; it says why below.
            Err(_) => Ok(()),
        };
        drop(tell_stop);
        let served = daemon.join().unwrap_or(Err(ServeError::WriterEnded)).map_err(Box::new);
        done?;
        Ok(served?)
    }

    fn day(
        &self,
        db: &Path,
        addresses: serve::Listening,
        signers: &[Signer; 2],
        token: &str,
    ) -> Result<(), CommandError> {
        let base = format!("http://{}", addresses.public);
        let day = Day::new(Clock::SYSTEM.now())?;
        register(db, &day, Register::Before)?;
        say(&format!(
            "sending {} deliveries of {} events, {} of them forged, to {base} …",
            day.deliveries.len(),
            day.events(),
            day.forged(),
        ))?;
        let answers = send(&base, &day, signers)?;
        register(db, &day, Register::After)?;
        report(db, &day, &answers)?;
        let as_planned = check(db, &day);
        if self.exit {
            return as_planned;
        }
        let looking_around = format!(
            "\nThe daemon stays up until Ctrl-C. Look around in a browser:\n  http://{admin}/  log in \
             with {token}\nor in another terminal:\n  payhookd transactions list --db {db}\n  \
             payhookd events list --db {db}\n  curl http://{admin}/readyz",
            db = db.display(),
            admin = addresses.admin,
        );
        until_interrupted(|| say(&looking_around))?;
        as_planned
    }
}

/// Any free port of this machine.
const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const ONE_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Long enough for the shop that registers late, short enough to see what is told of orphans.
const GRACE: Duration = Duration::from_secs(10);

/// The folder of one run; it goes with the run.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, CommandError> {
        let name = format!("payhookd-demo-{}", random::letters(10)?);
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("payhookd: {} is left behind: {error}", self.0.display());
        }
    }
}

fn say(text: &str) -> Result<(), CommandError> {
    printed(writeln!(io::stdout(), "{text}"))
}

/// What a shop does before it sends the buyer to the provider, and what some do later.
fn register(db: &Path, day: &Day, when: Register) -> Result<(), CommandError> {
    let mut database = Database::open(db)?;
    for new in day.registrations(when) {
        let register = store::Register { new };
        let registered = database.run(&register, Clock::SYSTEM.now())?;
        if !matches!(registered, Registered::Created(_)) {
            return Err(CommandError::Said(format!(
                "not registered: {}",
                register.new.reference.value
            )));
        }
    }
    Ok(())
}

/// How often each status was answered, genuine and forged apart.
type Answers = BTreeMap<(bool, u16), u32>;

fn send(base: &str, day: &Day, signers: &[Signer; 2]) -> Result<Answers, CommandError> {
    let sender = Sender::new();
    let mut answers = Answers::new();
    for delivery in &day.deliveries {
        let Some(signer) = signers.iter().find(|one| one.provider() == delivery.provider) else {
            continue;
        };
        let (headers, body) = signed(delivery, signer)?;
        let url = endpoint(base, delivery.provider);
        let answer = sender.post(&url, &headers, body.as_bytes())?;
        *answers.entry((delivery.forgery.is_some(), answer.status)).or_default() += 1;
    }
    Ok(answers)
}

type Signed = (Vec<(&'static str, String)>, String);

/// Signs a delivery as its provider does, then spoils what a forger would spoil.
fn signed(delivery: &Delivery, signer: &Signer) -> Result<Signed, CommandError> {
    let now = Clock::SYSTEM.now();
    let body = delivery.body.clone();
    let genuine = |body: &str, at| signer.sign(body.as_bytes(), at);
    Ok(match delivery.forgery {
        None => (genuine(&body, now)?, body),
        Some(Forgery::AnotherBody) => {
            let headers = genuine(&body, now)?;
            (headers, body.replacen("49", "94", 1) + " ")
        }
        Some(Forgery::NoSignature) => (Vec::new(), body),
        Some(Forgery::AnotherSecret) => {
            let secret = Secret::new(format!("whsec_{}", random::letters(32)?));
            (Signer::Stripe(secret).sign(body.as_bytes(), now)?, body)
        }
        Some(Forgery::Old) => {
            let long_ago = now.unix_seconds() - 3_600;
            let long_ago = crate::domain::time::Timestamp::from_unix_seconds(long_ago);
            (genuine(&body, long_ago.unwrap_or(now))?, body)
        }
    })
}

fn report(db: &Path, day: &Day, answers: &Answers) -> Result<(), CommandError> {
    let reader = Reader::open(db)?;
    let mut output = io::stdout().lock();
    let mut table = Table::new(&["answered", ">genuine", ">forged"]);
    let mut statuses: Vec<u16> = answers.keys().map(|(_, status)| *status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        let times = |forged| answers.get(&(forged, status)).copied().unwrap_or(0).to_string();
        table.row(vec![status.to_string(), times(false), times(true)]);
    }
    printed(writeln!(output))?;
    printed(table.print(&mut output, ""))?;

    let mut table = Table::new(&["events", ">number", ">deliveries"]);
    let mut outcomes: BTreeMap<&str, (u32, i64)> = BTreeMap::new();
    for event in reader.list(&EventFilter::default(), ALL)?.rows {
        let numbers = outcomes.entry(event.status.as_str()).or_default();
        *numbers = (numbers.0 + 1, numbers.1 + event.delivery_count);
    }
    for (outcome, (events, deliveries)) in outcomes {
        table.row(vec![outcome.to_owned(), events.to_string(), deliveries.to_string()]);
    }
    printed(writeln!(output))?;
    printed(table.print(&mut output, ""))?;

    // One currency a provider in this shop, so that sums mean something.
    let mut statuses: BTreeMap<(Provider, String), (u32, Total, Total)> = BTreeMap::new();
    for transaction in reader.list(&TransactionFilter::default(), ALL)?.rows {
        let key = (transaction.provider, transaction.state.status.to_string());
        let sums = statuses.entry(key).or_default();
        sums.0 += 1;
        sums.1.add(transaction.state.amount_received);
        sums.2.add(transaction.state.amount_refunded);
    }
    let mut table = Table::new(&["transactions", "status", ">number", ">received", ">refunded"]);
    for ((provider, status), (number, received, refunded)) in statuses {
        let money = |sum: Total| text(provider, sum.minor(), day.currency);
        table.row(vec![
            provider.to_string(),
            status,
            number.to_string(),
            money(received),
            money(refunded),
        ]);
    }
    printed(writeln!(output))?;
    printed(table.print(&mut output, ""))?;

    let mut table = Table::new(&["orphans", "reference", "order id", "status", ">amount"]);
    for orphan in reader.list(&OrphanFilter::INBOX, ALL)?.rows {
        table.row(vec![
            orphan.provider.to_string(),
            orphan.reference,
            orphan.order_id.unwrap_or_default(),
            orphan.status.map(|status| status.to_string()).unwrap_or_default(),
            orphan
                .amount
                .map(|minor| text(orphan.provider, minor, day.currency))
                .unwrap_or_default(),
        ]);
    }
    printed(writeln!(output))?;
    printed(table.print(&mut output, "no orphans"))?;

    let mut table = Table::new(&["refused", "why", ">number"]);
    for (provider, reason, number) in reader.rejected(None)? {
        table.row(vec![provider, reason, number.to_string()]);
    }
    printed(writeln!(output))?;
    printed(table.print(&mut output, "nothing was refused"))
}

fn text(provider: Provider, minor: i64, currency: Currency) -> String {
    format!("{} {currency}", Money { minor, currency }.to_decimal(provider))
}

/// Whether every payment ended as the day was planned.
fn check(db: &Path, day: &Day) -> Result<(), CommandError> {
    let reader = Reader::open(db)?;
    let mut wrong = Vec::new();
    for (reference, planned) in day.planned() {
        let status = match planned.registered {
            true => reader.find::<Transaction>(reference)?.first().map(|one| one.state.status),
            false => {
                let orphans = reader.list(&OrphanFilter::INBOX, ALL)?.rows;
                orphans.iter().find(|one| one.reference == reference).and_then(|one| one.status)
            }
        };
        if status != Some(planned.status) {
            wrong.push(format!(
                "{reference} is {}, not {}",
                status.map_or("unknown", |status| status.as_str()),
                planned.status
            ));
        }
    }
    if wrong.is_empty() {
        return say(&format!(
            "\nall {} payments ended as they were planned",
            day.planned().count()
        ));
    }
    Err(CommandError::Said(format!("the day did not end as planned:\n  {}", wrong.join("\n  "))))
}

/// Whoever is told that it goes on can end it: `tell` is called when that is so.
fn until_interrupted(tell: impl FnOnce() -> Result<(), CommandError>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let interrupted = {
        let _inside = runtime.enter();
        serve::until_signalled()
    };
    tell()?;
    runtime.block_on(interrupted)?;
    Ok(())
}

/// A day has some hundred rows.
const ALL: Page = Page { before: None, limit: 100_000 };
