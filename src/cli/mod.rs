//! The command line: what can be said, and nothing of what is done.

pub mod alerts;
pub mod api_access;
pub mod api_token;
pub mod backup;
pub mod closing;
pub mod completions;
pub mod deliveries;
pub mod demo;
pub mod discrepancies;
pub mod doctor;
pub mod endpoints;
pub mod events;
pub mod export;
pub mod forget;
pub mod import;
mod installation;
pub mod issues;
pub mod ledger;
mod lookup;
pub mod manual;
pub mod migrate;
pub mod orphans;
mod progress;
pub mod prune;
pub mod reconcile;
pub mod replay;
pub mod report;
pub mod restore;
mod room;
pub mod send;
pub mod serve;
pub mod table;
pub mod transactions;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rustix::fs::Mode;
use serde_json::Value;

use crate::config::options::{DatabaseOption, ServeOptions};
use crate::domain::records::{Page, Transaction};
use crate::providers::rules::Rules;
use crate::store::{List, Reader};
use crate::telemetry::writer;
use crate::version::BUILD;

/// Receives Stripe and PayPal webhooks, proves and keeps them, and keeps a shop's transactions
/// true.
///
/// Without a command it runs the daemon.
#[derive(Debug, Parser)]
#[command(name = "payhookd", version = BUILD, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Apply pending schema migrations (the database is copied first), say which, and exit.
    #[arg(long)]
    pub migrate: bool,

    /// Settings of the daemon.
    #[command(flatten)]
    pub serve: ServeOptions,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon (the same as no command).
    Serve(Box<ServeOptions>),
    /// What the shop expects, and what became of it.
    #[command(subcommand, after_help = STATUSES)]
    Transactions(transactions::Transactions),
    /// The genuine events that were received.
    #[command(subcommand)]
    Events(events::Events),
    /// Try it: a throw-away database and secrets, and a shop's day of genuinely signed events.
    ///
    /// Some hundred events of both providers, signed with secrets and a certificate authority made
    /// for this run, are sent over HTTP through the real verification: payments, failures and
    /// retries, refunds, a dispute, repeats and forgeries. A table tells what became of them. The
    /// daemon then stays up until Ctrl-C.
    Demo(demo::Demo),
    /// Sign and send test events to a running daemon.
    #[command(subcommand)]
    Send(Box<send::Send>),
    /// Payments that no transaction is registered for.
    #[command(subcommand, after_help = MATCHING)]
    Orphans(orphans::Orphans),
    /// Fetch what was missed while webhooks did not come, also while the daemon runs.
    ///
    /// The events of the providers' lists go the way of webhooks: what is known changes nothing, what
    /// is not is applied once, and the shop's app is told. The daemon does the same by itself
    /// (--reconcile-every). It needs STRIPE_SECRET_KEY, or PAYPAL_CLIENT_ID and
    /// PAYPAL_CLIENT_SECRET. Of each day it says how many events the provider has (seen), how many of
    /// them were here (known) or were missed (new), and what became of those.
    #[command(after_help = "Examples:\n  payhookd reconcile --since 72h --dry-run\n  \
        payhookd reconcile --provider stripe")]
    Reconcile(Box<reconcile::Reconcile>),
    /// Compare what the providers and the shop believe of the payments of a period.
    ///
    /// Told are payments that a provider has and the shop has not, those that the shop has and the
    /// provider has not, and those of which both say different things, each with the command that
    /// resolves it. Nothing is changed. Exit code 1 if there is any difference. What could not be
    /// compared is said on standard error.
    #[command(after_help = "Examples:\n  payhookd discrepancies --from 30d\n  \
        payhookd discrepancies --provider stripe --from 2026-11-01 --to 2026-12-01 --json")]
    Discrepancies(Box<discrepancies::Discrepancies>),
    /// The webhook endpoints that the providers have.
    #[command(subcommand)]
    Endpoints(Box<endpoints::Endpoints>),
    /// Copy the database to a file, while the daemon runs, and check the copy.
    ///
    /// `payhookd restore` goes back to it.
    #[command(after_help = "Examples:\n  payhookd backup /mnt/backup/payhookd.db\n  \
        payhookd backup /var/backups/payhookd --keep 14")]
    Backup(backup::Backing),
    /// Go back to a copy of the database, while the daemon is stopped.
    ///
    /// The copy is checked first, and stays as it is. What is in the place of the database is kept beside
    /// it. What came since the copy was made is fetched from the providers when the daemon starts, if it
    /// has their API keys.
    #[command(after_help = "Example:\n  systemctl stop payhookd.socket payhookd\n  \
        payhookd restore /var/backups/payhookd/payhookd-20261123T033000000Z.db\n  \
        systemctl start payhookd.socket payhookd")]
    Restore(restore::Restoring),
    /// Look at everything that an installation needs, and say how to mend what is wrong.
    ///
    /// Settings, secrets, clock, disk, database, certificates, listeners and the last events; with
    /// --public-url also the reverse proxy. Nothing is changed, and nobody outside this machine is
    /// asked without --public-url or --online. Works while the daemon runs and while it doesn't. Exit
    /// code 1 if something is wrong; what is only worth a look does not count.
    #[command(after_help = "Examples:\n  sudo payhookd doctor\n  \
        sudo payhookd doctor --public-url https://shop.example --online")]
    Doctor(doctor::Doctor),
    /// Write the shop's books: transactions, refunds, disputes and orphans of a period, as CSV
    /// or JSON lines.
    ///
    /// Amounts stand there in minor units and as decimal text. All is of one moment. What the entries
    /// come to is compared with the tables, and only if it is the same anything is written.
    #[command(
        after_help = "Examples:\n  payhookd export refunds --from 2026-10-01 --to 2026-11-01 \
        --time-zone Europe/Paris\n  payhookd export all --from 2026-10-01 --to 2026-11-01 --output \
        october"
    )]
    Export(export::Export),
    /// Take what is personal about one payment out of its events: names, addresses, e-mail, telephone, IP
    /// addresses, cards and accounts, and the headers they came with.
    ///
    /// In place of each value stands `[removed]`; what was removed and when is noted in the log, whose
    /// proof (doctor --verify-log) goes on. Amounts, statuses and the shop's order id stay. Copies made
    /// before have it all still.
    #[command(
        after_help = "Examples:\n  payhookd forget --reference A-1001 --dry-run\n  payhookd forget \
        --reference pi_3S8q2eL --metadata"
    )]
    Forget(forget::Forget),
    /// Remove bodies and headers of settled events that are old, and old refused requests.
    ///
    /// The daemon does this by itself every hour, so this is for doing it at once, or with --dry-run for
    /// seeing what it would do. Rows, ids, facts and hashes stay. The file does not become smaller: what
    /// follows takes the room that becomes free.
    #[command(after_help = "Example:\n  payhookd prune --keep-payloads 30d --dry-run")]
    Prune(prune::Pruning),
    /// Print what a shell needs to complete this command line.
    #[command(after_help = "Example:\n  payhookd completions bash > \
        /etc/bash_completion.d/payhookd")]
    Completions(completions::Completions),
    /// Print the man page, or write those of all commands.
    #[command(after_help = "Example:\n  payhookd manual | man -l -")]
    Manual(manual::Manual),
    /// What the shop's app is told of changes.
    #[command(subcommand)]
    Deliveries(deliveries::Deliveries),
    /// Problems that a person should know of: they open, repeat quietly, and close by themselves.
    #[command(subcommand)]
    Issues(issues::Issues),
    /// Test and inspect alert targets.
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// What came in on a day, what became of it, and what is open: what --daily-report sends.
    ///
    /// Orphans, open points, last events and the end of the log are those of now, whichever day it is.
    #[command(
        after_help = "Examples:\n  payhookd report\n  payhookd report --day 2026-11-24 --json"
    )]
    Report(report::Reporting),
}

impl Command {
    /// Whether it works on what the daemon of this machine works on. (The doctor reads the daemon's
    /// settings by itself.)
    fn has_settings_of_service(&self) -> bool {
        !matches!(
            self,
            Self::Serve(_)
                | Self::Demo(_)
                | Self::Doctor(_)
                | Self::Completions(_)
                | Self::Manual(_)
        )
    }
}

/// What the words in a list of transactions mean.
const STATUSES: &str = "\
Status, which follows from the set of events and not from their order:
  pending             known, nothing attempted
  requires_action     the buyer must act (3-D Secure, a bank transfer), or the shop must capture
  processing          money under way, outcome open
  authorized          held, not captured
  failed              the last attempt failed; it may still succeed
  canceled            will not happen
  succeeded           money received
  partially_refunded  part of it given back
  refunded            all of it given back
  disputed            a chargeback or case is open
  charged_back        it was lost

Dispute: none, inquiry (a question, no money taken), inquiry_closed, open, won, lost, prevented
(resolved before it became a chargeback), closed (the provider does not say how).

Amount, the received against the expected: ok, underpaid, overpaid, wrong_currency, unknown
(nothing was received yet, or nothing was said to be expected).";

/// How events find their transaction.
const MATCHING: &str = "\
An event belongs to the transaction that has any of the provider's ids that it carries: the one that
was registered, or one that another event of the payment brought along. Else to the transaction that
has the shop's order id that it carries (Stripe: metadata under --order-id-key, or
client_reference_id; PayPal: custom_id, invoice_id, custom, invoice_number; --order-id-from says
which of them), if only one has it. Never by amount, e-mail or time, never between test and live. What finds none becomes an orphan: one
for each payment, not for each event. Registering its transaction adopts it, however late.";

/// Does what was said. Exit codes: 0 done, 1 failed; 2, for what can't be said, is clap's; those of the
/// daemon's own are [`serve::ServeError::exit_status`]'s.
pub fn run(cli: &Cli) -> ExitCode {
    // Whatever is written is its owner's alone, also what SQLite writes; but man pages are for everybody.
    if !matches!(cli.command, Some(Command::Manual(_))) {
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
    }
    if let Some(command) = &cli.command
        && command.has_settings_of_service()
        && let Err(error) = installation::run_as_its_service()
    {
        return ended(Err(error));
    }
    match &cli.command {
        None if cli.migrate => ended(migrate::run(&cli.serve.db)),
        None => served(serve::run(&cli.serve)),
        Some(Command::Serve(options)) => served(serve::run(options)),
        Some(Command::Transactions(command)) => ended(transactions::run(command)),
        Some(Command::Events(command)) => ended(events::run(command)),
        Some(Command::Demo(demo)) => ended(demo::run(demo)),
        Some(Command::Send(send)) => ended(send::run(send)),
        Some(Command::Orphans(command)) => ended(orphans::run(command)),
        Some(Command::Discrepancies(command)) => ended(command.run()),
        Some(Command::Endpoints(command)) => ended(command.run()),
        Some(Command::Reconcile(reconcile)) => ended(reconcile.run()),
        Some(Command::Backup(backing)) => ended(backing.run()),
        Some(Command::Restore(restoring)) => ended(restoring.run()),
        Some(Command::Forget(forget)) => ended(forget.run()),
        Some(Command::Export(export)) => ended(export.run()),
        Some(Command::Prune(pruning)) => ended(pruning.run()),
        Some(Command::Doctor(doctor)) => ended(doctor.run()),
        Some(Command::Completions(completions)) => ended(completions.run()),
        Some(Command::Manual(manual)) => ended(manual.run()),
        Some(Command::Deliveries(command)) => ended(deliveries::run(command)),
        Some(Command::Issues(command)) => ended(issues::run(command)),
        Some(Command::Alerts(command)) => ended(alerts::run(command)),
        Some(Command::Report(command)) => ended(command.run()),
    }
}

fn ended<E: Display>(result: Result<(), E>) -> ExitCode {
    result.map_or_else(|error| failed(&error, 1), |()| ExitCode::SUCCESS)
}

fn served(result: Result<(), serve::ServeError>) -> ExitCode {
    result.map_or_else(|error| failed(&error, error.exit_status()), |()| ExitCode::SUCCESS)
}

fn failed(error: &impl Display, status: u8) -> ExitCode {
    // What ends a service is what its people look for: the journal's priority of errors.
    let priority = if writer::is_journal() { "<3>" } else { "" };
    for line in format!("payhookd: {error}").lines() {
        // If standard error is closed too, the exit code is all that is left to say.
        let _ = writeln!(io::stderr(), "{priority}{line}");
    }
    ExitCode::from(status)
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// What was asked for is not there, or can't be done; says what to do.
    #[error("{0}")]
    Said(String),
    /// A secret is not set as it should be.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The test authority can't be made or used.
    #[error(transparent)]
    Authority(#[from] crate::simulator::authority::AuthorityError),
    /// The daemon did not answer.
    #[error(transparent)]
    NoAnswer(#[from] crate::clients::sender::NoAnswer),
    /// The daemon of the demo did not run.
    #[error(transparent)]
    Serve(#[from] Box<serve::ServeError>),
    /// The simulator could not make something up.
    #[error(transparent)]
    Simulator(#[from] crate::simulator::SimulatorError),
    /// Nothing could be made up.
    #[error(transparent)]
    NoChance(#[from] crate::simulator::random::NoChance),
    /// Reading or printing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What went wrong, in words.
fn said(words: impl Into<String>) -> CommandError {
    CommandError::Said(words.into())
}

/// The one transaction that `id` means: its number, any id of the provider's that is known for it, or
/// the shop's order id.
fn one_transaction(reader: &Reader, id: &str) -> Result<Transaction, CommandError> {
    let mut found = reader.find::<Transaction>(id)?;
    match found.len() {
        0 => Err(said(format!(
            "no transaction has the number, id or order id {id:?}: see `payhookd transactions list`"
        ))),
        1 => Ok(found.remove(0)),
        _ => {
            let numbers: Vec<String> = found.iter().map(|one| one.id.to_string()).collect();
            Err(said(format!(
                "{id:?} means several transactions: give the number of one of them, {}",
                numbers.join(", ")
            )))
        }
    }
}

/// How the daemon reads events.
fn rules(reader: &Reader) -> Result<Rules, CommandError> {
    match reader.last_start()? {
        None => Ok(Rules::default()),
        Some((_, json)) => Rules::from_json(&json).ok_or_else(|| {
            said("the rules that the daemon noted can't be read: start it once with this version")
        }),
    }
}

/// What every list takes.
#[derive(Args, Debug)]
pub struct Listing {
    #[command(flatten)]
    database: DatabaseOption,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

impl Listing {
    /// The newest rows that pass the filter.
    fn rows<F: List>(&self, filter: &F) -> Result<Vec<F::Row>, CommandError> {
        let page = Page { before: None, limit: self.limit };
        Ok(Reader::open(&self.database.path())?.list(filter, page)?.rows)
    }
}

/// What reads much gives way to the daemon and its providers. Only for commands that do not write:
/// whoever holds the database must not be made to wait himself.
fn give_way() {
    // A system that refuses has its reasons, and it works all the same.
    let _ = rustix::process::nice(10);
}

/// A line for each.
fn print_json(mut values: impl Iterator<Item = Value>) -> Result<(), CommandError> {
    let mut output = io::stdout().lock();
    printed(values.try_for_each(|value| writeln!(output, "{value}")))
}

/// A closed pipe is a normal end: whoever read has seen enough.
fn printed(result: io::Result<()>) -> Result<(), CommandError> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
