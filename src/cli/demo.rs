//! `payhookd demo`: a shop's day, sent to a daemon that is thrown away afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use log::LevelFilter;
use tokio::sync::oneshot;

use super::serve::{self, systemd::Sockets};
use super::table::{Column, maybe, money, write};
use super::{CommandError, printed, said, say};
use crate::clients::sender::Sender;
use crate::config::Config;
use crate::config::options::ServeOptions;
use crate::domain::money::Total;
use crate::domain::provider::Provider;
use crate::domain::records::{
    EventFilter, Orphan, OrphanFilter, Page, Registered, Transaction, TransactionFilter,
};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::providers::paypal::Environment;
use crate::simulator::app;
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

impl Demo {
    /// Runs the demo.
    pub fn run(&self) -> Result<(), CommandError> {
        let folder = Folder::make()?;
        let level = if self.log { LevelFilter::Info } else { LevelFilter::Off };
        let logger = Logger::start(level, false)?;
        let ended = self.run_in(&folder.0);
        drop(logger);
        ended
    }

    fn run_in(&self, folder: &Path) -> Result<(), CommandError> {
        let now = Clock::SYSTEM.now();
        say("making secrets and a certificate authority for this run …")?;
        let authority = TestAuthority::make(Environment::Sandbox, now, now.plus(A_YEAR))?;
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let certificates = serve_certificate(authority.leaf_pem().to_owned(), any_port)?;
        let db = folder.join("payhookd.db");
        let roots = folder.join("roots.pem");
        fs::write(&roots, authority.root_pem())?;
        let stripe_secret = format!("whsec_{}", random::letters(32)?);
        let webhook_id = random::letters(17)?.to_ascii_uppercase();
        let token = random::letters(24)?;
        // What the environment says is for another daemon.
        let variables = [
            ("STRIPE_WEBHOOK_SECRET", stripe_secret.clone()),
            ("PAYPAL_WEBHOOK_ID", webhook_id.clone()),
            ("PAYHOOKD_API_TOKEN", token.clone()),
            ("PAYHOOKD_NOTIFY_SECRET", format!("whsec_{}", random::letters(32)?)),
            ("PAYHOOKD_NOTIFY_URL", format!("http://{}/", app::start()?)),
            ("PAYHOOKD_DB", db.display().to_string()),
            ("PAYHOOKD_MODE", "test".to_owned()),
            ("PAYHOOKD_LISTEN", ANY_PORT.to_owned()),
            ("PAYHOOKD_ADMIN_LISTEN", ANY_PORT.to_owned()),
            ("PAYHOOKD_MAX_CONNECTIONS", "256".to_owned()),
            // Long enough for the shop that registers late, short enough to see an issue of an orphan.
            ("PAYHOOKD_ORPHAN_GRACE", "10s".to_owned()),
            ("PAYHOOKD_RECONCILE_EVERY", "off".to_owned()),
            ("PAYHOOKD_PAYPAL_CERT_ROOTS", roots.display().to_string()),
            ("PAYHOOKD_PAYPAL_CERT_HOST", certificates.address().to_string()),
        ];
        let variables: Vec<_> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let options = ServeOptions::read(&variables, &[])?;
        let config = Config::new(&options, &variables)?;
        let signers = [
            Signer::Stripe(Secret::new(stripe_secret)),
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
        let served =
            daemon.join().unwrap_or_else(|_| Err(said("the daemon of the demo broke off")));
        done?;
        served
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
        say(format!(
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
        until_interrupted(|| say(looking_around))?;
        as_planned
    }
}

/// Any free port of this machine.
const ANY_PORT: &str = "127.0.0.1:0";
const A_YEAR: Duration = Duration::from_secs(365 * 86_400);

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

/// Registers transactions, as a shop does before it sends the buyer to the provider, and what some do later.
fn register(db: &Path, day: &Day, when: Register) -> Result<(), CommandError> {
    let mut database = Database::open(db)?;
    for new in day.registrations(when) {
        let register = store::Register { new };
        let registered = database.run(&register, Clock::SYSTEM.now())?;
        if !matches!(registered, Registered::Created(_)) {
            return Err(said(format!("not registered: {}", register.new.reference.value)));
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
            let long_ago = Timestamp::from_unix_seconds(long_ago);
            (genuine(&body, long_ago.unwrap_or(now))?, body)
        }
    })
}

fn report(db: &Path, day: &Day, answers: &Answers) -> Result<(), CommandError> {
    let reader = Reader::open(db)?;
    let mut statuses: BTreeMap<u16, [u32; 2]> = BTreeMap::new();
    for ((forged, status), times) in answers {
        statuses.entry(*status).or_default()[usize::from(*forged)] += times;
    }
    show::<(u16, [u32; 2])>(
        &[
            ("answered", |(status, _)| status.to_string()),
            (">genuine", |(_, [genuine, _])| genuine.to_string()),
            (">forged", |(_, [_, forged])| forged.to_string()),
        ],
        statuses,
        "",
    )?;

    let mut outcomes: BTreeMap<&str, (u32, i64)> = BTreeMap::new();
    for event in reader.list(&EventFilter::default(), ALL)?.rows {
        let numbers = outcomes.entry(event.status.as_str()).or_default();
        *numbers = (numbers.0 + 1, numbers.1 + event.delivery_count);
    }
    show::<(&str, (u32, i64))>(
        &[
            ("events", |(outcome, _)| (*outcome).to_owned()),
            (">number", |(_, (events, _))| events.to_string()),
            (">deliveries", |(_, (_, deliveries))| deliveries.to_string()),
        ],
        outcomes,
        "",
    )?;

    // One currency a provider in this shop, so that sums mean something.
    type Sums = (u32, [Total; 2]);
    let mut sums: BTreeMap<(Provider, &str), Sums> = BTreeMap::new();
    for Transaction { provider, state, .. } in reader.list(&TransactionFilter::default(), ALL)?.rows
    {
        let (number, [received, refunded]) =
            sums.entry((provider, state.status.as_str())).or_default();
        *number += 1;
        received.add(state.amount_received);
        refunded.add(state.amount_refunded);
    }
    let text = |provider, total: Total| money(provider, Some(total.minor()), Some(day.currency));
    let rows = sums.into_iter().map(|((provider, status), (number, sums))| {
        (provider, status, number, sums.map(|sum| text(provider, sum)))
    });
    show::<(Provider, &str, u32, [String; 2])>(
        &[
            ("transactions", |(provider, ..)| provider.to_string()),
            ("status", |(_, status, ..)| (*status).to_owned()),
            (">number", |(.., number, _)| number.to_string()),
            (">received", |(.., [received, _])| received.clone()),
            (">refunded", |(.., [_, refunded])| refunded.clone()),
        ],
        rows,
        "",
    )?;

    let rows = reader.list(&OrphanFilter::INBOX, ALL)?.rows.into_iter().map(|orphan| {
        let amount = money(orphan.provider, orphan.amount, Some(day.currency));
        (orphan, amount)
    });
    show::<(Orphan, String)>(
        &[
            ("orphans", |(orphan, _)| orphan.provider.to_string()),
            ("reference", |(orphan, _)| orphan.reference.clone()),
            ("order id", |(orphan, _)| maybe(orphan.order_id.as_ref())),
            ("status", |(orphan, _)| maybe(orphan.status)),
            (">amount", |(_, amount)| amount.clone()),
        ],
        rows,
        "no orphans",
    )?;

    show::<(String, String, i64)>(
        &[
            ("refused", |(provider, ..)| provider.clone()),
            ("why", |(_, reason, _)| reason.clone()),
            (">number", |(.., number)| number.to_string()),
        ],
        reader.rejected(None)?,
        "nothing was refused",
    )
}

/// Prints a table below an empty line.
fn show<R>(
    columns: &[Column<R>],
    rows: impl IntoIterator<Item = R>,
    nothing: &str,
) -> Result<(), CommandError> {
    say("")?;
    let rows: Vec<R> = rows.into_iter().collect();
    printed(write(&mut io::stdout().lock(), columns, &rows, nothing))
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
        return say(format!("\nall {} payments ended as they were planned", day.planned().count()));
    }
    Err(said(format!("the day did not end as planned:\n  {}", wrong.join("\n  "))))
}

/// Waits for an interrupt; `tell` is called as soon as one would end the wait.
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
