//! The command line: what can be said, and nothing of what is done.

pub mod alerts;
pub mod api_access;
pub mod api_token;
pub mod arguments;
pub mod backup;
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
pub mod subscriptions;
pub mod table;
pub mod transactions;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;

use crate::config::options::ServeOptions;
use crate::providers::rules::Rules;
use crate::store::Reader;
use crate::telemetry::writer;
use crate::version::BUILD;

/// Receives Stripe and PayPal webhooks, verifies and keeps them, and keeps a shop's transactions
/// true.
///
/// Without a command it runs the daemon.
#[derive(Debug, Parser)]
#[command(name = "payhookd", version = BUILD, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The command.
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
    /// The payments that the shop expects, and their outcome.
    #[command(subcommand, after_help = STATUSES)]
    Transactions(transactions::Transactions),
    /// Subscriptions whose payments become transactions by themselves.
    #[command(subcommand)]
    Subscriptions(subscriptions::Subscriptions),
    /// The genuine events that were received.
    #[command(subcommand)]
    Events(events::Events),
    /// Try it: a throw-away database and secrets, and a shop's day of genuinely signed events.
    ///
    /// Some hundred events of both providers, signed with secrets and a certificate authority made
    /// for this run, are sent over HTTP through the real verification: payments, failures and
    /// retries, refunds, a dispute, repeats and forgeries. A table shows their outcome. The
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
    /// is not is applied once, and the shop's app is notified. The daemon does the same by itself
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
    /// Look at everything that an installation needs, and say how to fix what is wrong.
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
    /// Take what is personal about one payment out of its events: names, addresses, email, telephone, IP
    /// addresses, cards and accounts, and the headers they came with.
    ///
    /// In place of each value stands `[removed]`; what was removed and when is noted in the log, whose
    /// verification (doctor --verify-log) goes on. Amounts, statuses and the shop's order id stay. Copies made
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
    Completions(manual::Completions),
    /// Print the man page, or write those of all commands.
    #[command(after_help = "Example:\n  payhookd manual | man -l -")]
    Manual(manual::Manual),
    /// Notifications of the shop's app.
    #[command(subcommand)]
    Deliveries(deliveries::Deliveries),
    /// Problems that a person should know of: they open, repeat quietly, and close by themselves.
    #[command(subcommand)]
    Issues(issues::Issues),
    /// Test and inspect alert targets.
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// A day: events, their outcome, and what is open, as --daily-report sends it.
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

/// The meaning of the words in a list of transactions.
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
which of them), if only one has it. Never by amount, email or time, never between test and live. What finds none becomes an orphan: one
for each payment, not for each event. Registering its transaction adopts it, however late.";

/// Does what was said. Exit codes: 0 done, 1 failed; 2, for what can't be said, is clap's; those of the
/// daemon's own are [`serve`]'s.
pub fn run(cli: Cli) -> ExitCode {
    // Whatever is written is its owner's alone, also what SQLite writes; but man pages are for everybody.
    if !matches!(cli.command, Some(Command::Manual(_))) {
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
    }
    let is_daemon = matches!(cli.command, None | Some(Command::Serve(_))) && !cli.migrate;
    let Err(error) = done(cli) else { return ExitCode::SUCCESS };
    // What ends a service is what its people look for: the journal's priority of errors.
    let priority = if writer::is_journal() { "<3>" } else { "" };
    for line in format!("payhookd: {error}").lines() {
        // If standard error is closed too, the exit code is all that is left to say.
        let _ = writeln!(io::stderr(), "{priority}{line}");
    }
    ExitCode::from(if is_daemon { serve::exit_status(&error) } else { 1 })
}

fn done(mut cli: Cli) -> Result<(), CommandError> {
    if cli.command.as_ref().is_some_and(Command::has_settings_of_service) {
        cli = installation::with_settings_of_service(cli)?;
    }
    let Some(command) = cli.command else {
        return match cli.migrate {
            true => migrate::run(&cli.serve.db),
            false => serve::run(&cli.serve),
        };
    };
    match command {
        Command::Serve(options) => serve::run(&options),
        Command::Transactions(transactions) => transactions.run(),
        Command::Subscriptions(subscriptions) => subscriptions.run(),
        Command::Events(events) => events.run(),
        Command::Demo(demo) => demo.run(),
        Command::Send(send) => send.run(),
        Command::Orphans(orphans) => orphans.run(),
        Command::Discrepancies(discrepancies) => discrepancies.run(),
        Command::Endpoints(endpoints) => endpoints.run(),
        Command::Reconcile(reconcile) => reconcile.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Forget(forget) => forget.run(),
        Command::Export(export) => export.run(),
        Command::Prune(prune) => prune.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Completions(completions) => completions.run(),
        Command::Manual(manual) => manual.run(),
        Command::Deliveries(deliveries) => deliveries.run(),
        Command::Issues(issues) => issues.run(),
        Command::Alerts(alerts) => alerts.run(),
        Command::Report(report) => report.run(),
    }
}

/// Why a command failed: words for a person, which say what to do. Few are told apart, by
/// the type inside.
pub type CommandError = Box<dyn Error + Send + Sync>;

/// An error of these words.
fn said(words: impl Into<String>) -> CommandError {
    words.into().into()
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

/// A command that reads much gives way to the daemon and its providers. Only for commands that do not write:
/// whoever holds the database must not be made to wait himself.
fn give_way() {
    // A system that refuses has its reasons, and it works all the same.
    let _ = rustix::process::nice(10);
}

/// Prints a line.
fn say(line: impl Display) -> Result<(), CommandError> {
    printed(writeln!(io::stdout(), "{line}"))
}

/// A closed pipe is a normal end: whoever read has seen enough.
fn printed<E: Into<CommandError>>(result: Result<(), E>) -> Result<(), CommandError> {
    result.map_err(Into::into).or_else(|error| {
        let is_closed = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
        if error.downcast_ref().is_some_and(is_closed) { Ok(()) } else { Err(error) }
    })
}

/// The error that `wrong` things were found, each of which is printed already.
fn wrong(wrong: usize) -> Result<(), CommandError> {
    match wrong {
        0 => Ok(()),
        1 => Err(said("one thing is wrong")),
        wrong => Err(said(format!("{wrong} things are wrong"))),
    }
}
