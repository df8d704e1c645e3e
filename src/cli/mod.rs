//! The command line: what can be said, and nothing of what is done.

pub mod api_token;
pub mod chance;
pub mod demo;
pub mod events;
pub mod migrate;
pub mod orphans;
pub mod send;
pub mod serve;
pub mod signer;
pub mod table;
pub mod transactions;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use crate::config::options::{DatabaseOption, ServeOptions};
use crate::store::Reader;

/// Receives Stripe and PayPal webhooks, proves and keeps them, and keeps a shop's transactions
/// true.
///
/// Without a command it runs the daemon.
#[derive(Debug, Parser)]
#[command(name = "payhookd", version, args_conflicts_with_subcommands = true)]
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
    #[command(subcommand)]
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
    #[command(subcommand)]
    Orphans(orphans::Orphans),
}

/// Does what was said. Exit codes: 0 done, 1 failed; 2, for what can't be said, is clap's.
pub fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        None if cli.migrate => ended(migrate::run(&cli.serve.db)),
        None => ended(serve::run(&cli.serve)),
        Some(Command::Serve(options)) => ended(serve::run(options)),
        Some(Command::Transactions(command)) => ended(transactions::run(command)),
        Some(Command::Events(command)) => ended(events::run(command)),
        Some(Command::Demo(demo)) => ended(demo::run(demo)),
        Some(Command::Send(send)) => ended(send::run(send)),
        Some(Command::Orphans(command)) => ended(orphans::run(command)),
    }
}

fn ended<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is closed too, the exit code is all that is left to say.
            let _ = writeln!(io::stderr(), "payhookd: {error}");
            ExitCode::FAILURE
        }
    }
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
    Authority(#[from] crate::authority::AuthorityError),
    /// The daemon did not answer.
    #[error(transparent)]
    NoAnswer(#[from] crate::clients::sender::NoAnswer),
    /// The daemon of the demo did not run.
    #[error(transparent)]
    Serve(#[from] Box<serve::ServeError>),
    /// Nothing could be made up.
    #[error(transparent)]
    NoChance(#[from] chance::NoChance),
    /// Reading or printing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
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
    fn reader(&self) -> Result<Reader, CommandError> {
        Ok(Reader::open(&self.database.path())?)
    }
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
