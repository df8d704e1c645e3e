//! Arguments that several commands take, each with one text, and the one way of doing what they say.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::table::Shown;
use super::{CommandError, printed, said};
use crate::config::options::DatabaseOption;
use crate::config::{Mode, database_path};
use crate::domain::provider::Provider;
use crate::domain::records::{Page, Transaction};
use crate::domain::time::Timestamp;
use crate::store::{Database, DryRun, Find, Job, List, Reader, StoreError};
use crate::telemetry::clock::Clock;

/// Where systemd has the state of the package's service.
pub(super) const OF_SERVICE: &str = "/var/lib/payhookd";

impl DatabaseOption {
    /// The database that is meant: else the service's, if there is none in the working directory.
    pub(super) fn path(&self) -> PathBuf {
        let state_directory = std::env::var("STATE_DIRECTORY").ok();
        let path = database_path(self.db.as_deref(), state_directory.as_deref());
        let is_said = self.db.is_some() || path.is_absolute();
        // Only root can look into the service's folder, but everybody sees that it is there.
        if is_said || path.exists() || Path::new(OF_SERVICE).symlink_metadata().is_err() {
            return path;
        }
        Path::new(OF_SERVICE).join(path)
    }

    /// A reader of it, which must exist.
    pub(super) fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.path())
    }

    /// A writer of it. A file that is not there is an error, not a new database.
    pub(super) fn writer(&self) -> Result<Database, StoreError> {
        let path = self.path();
        drop(Reader::open(&path)?);
        Database::open(&path)
    }

    /// Does one job in it, which must exist; a daemon that runs sees it done.
    pub(super) fn run<J: Job>(&self, job: &J) -> Result<J::Done, StoreError> {
        self.writer()?.run(job, Clock::SYSTEM.now())
    }
}

/// Does a job; as a dry run it says what would come of it, and changes nothing.
pub(super) fn run_or_try<J: Job>(
    database: &mut Database,
    job: J,
    dry_run: bool,
    now: Timestamp,
) -> Result<J::Done, StoreError> {
    match dry_run {
        true => database.run(&DryRun(job), now),
        false => database.run(&job, now),
    }
}

/// Text or JSON.
#[derive(Args, Clone, Copy, Debug)]
pub struct JsonOption {
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// Nothing is changed.
#[derive(Args, Clone, Copy, Debug)]
pub struct DryRunOption {
    /// Change nothing; say what would be changed.
    #[arg(long)]
    pub dry_run: bool,
}

/// Live or test mode, for a command that acts as the daemon does.
#[derive(Args, Clone, Copy, Debug)]
pub struct ModeOption {
    /// Live or test mode [default: the daemon's].
    #[arg(long, env = "PAYHOOKD_MODE")]
    pub mode: Option<Mode>,
}

impl ModeOption {
    /// The one that is given, else that of the daemon on this database, else live.
    pub(super) fn is_live(self, database: &DatabaseOption) -> Result<bool, CommandError> {
        match self.mode {
            Some(mode) => Ok(mode == Mode::Live),
            None if database.path().exists() => {
                let start = database.reader()?.last_start()?;
                Ok(start.is_none_or(|(policy, _)| policy.livemode))
            }
            None => Ok(true),
        }
    }
}

/// Whose payments or events are listed.
#[derive(Args, Debug)]
pub struct Whose {
    /// Only this provider's: stripe or paypal.
    #[arg(long)]
    pub provider: Option<Provider>,
    /// Only those of live or of test mode.
    #[arg(long)]
    mode: Option<Mode>,
}

impl Whose {
    /// As filters of the store have it.
    pub(super) fn livemode(&self) -> Option<bool> {
        self.mode.map(|mode| mode == Mode::Live)
    }
}

/// The page of a list.
#[derive(Args, Debug)]
pub struct Listing {
    #[command(flatten)]
    database: DatabaseOption,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    output: JsonOption,
}

impl Listing {
    /// Prints the newest rows that pass the filter; `nothing` if none does.
    pub(super) fn print<F: List>(
        &self,
        filter: &F,
        shown: &Shown<F::Row>,
        nothing: &str,
    ) -> Result<(), CommandError> {
        let page = Page { before: None, limit: self.limit };
        let listed = self.database.reader()?.list(filter, page)?;
        shown.print(&listed.rows, self.output.json, nothing)
    }
}

/// One record, or each that an id means.
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    pub(super) database: DatabaseOption,
    /// Its number.
    pub(super) id: String,
    #[command(flatten)]
    pub(super) output: JsonOption,
}

impl Show {
    /// Prints each record by `print`.
    pub(super) fn each<T: Find>(
        &self,
        noun: Noun,
        print: impl Fn(&Reader, &T, &mut dyn Write) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let reader = self.database.reader()?;
        let found = noun.find(&reader, &self.id)?;
        let mut output = io::stdout().lock();
        found.iter().try_for_each(|one| printed(print(&reader, one, &mut output)))
    }
}

/// Records as messages call them: what has no such id, and the commands that list those that have.
#[derive(Clone, Copy)]
pub(super) struct Noun(pub(super) &'static str, pub(super) &'static str);

impl Noun {
    pub(super) const DELIVERY: Self =
        Self("delivery has the number or id", "`payhookd deliveries list`");
    pub(super) const EVENT: Self = Self("event has the number or id", "`payhookd events list`");
    pub(super) const ISSUE: Self = Self("issue has the number", "`payhookd issues list --all`");
    pub(super) const ORPHAN: Self =
        Self("orphan has the number or id", "`payhookd orphans list --all`");
    pub(super) const TRANSACTION: Self = Self(
        "transaction has the number, id or order id",
        "`payhookd transactions list` and `payhookd orphans list`",
    );

    /// The error that none has this id.
    pub(super) fn unknown(self, id: impl Display) -> CommandError {
        let Self(record, lists) = self;
        said(format!("no {record} {id}: see {lists}"))
    }

    /// All records that `id` means, at least one.
    pub(super) fn find<T: Find>(self, reader: &Reader, id: &str) -> Result<Vec<T>, CommandError> {
        let found = reader.find(id)?;
        if found.is_empty() { Err(self.unknown(format_args!("{id:?}"))) } else { Ok(found) }
    }
}

/// The one that is left of what `id` means; `what` they are, and `number` tells them apart.
pub(super) fn only<T>(
    mut found: Vec<T>,
    id: &str,
    what: &str,
    number: impl Fn(&T) -> i64,
) -> Result<T, CommandError> {
    let numbers: Vec<String> = found.iter().map(|one| number(one).to_string()).collect();
    match found.pop() {
        Some(one) if found.is_empty() => Ok(one),
        _ => Err(said(format!(
            "{id:?} means several {what}: give the number of one of them, {}",
            numbers.join(", ")
        ))),
    }
}

/// The one transaction that `id` means: its number, any id of the provider's that is known for it, or
/// the shop's order id.
pub(super) fn one_transaction(reader: &Reader, id: &str) -> Result<Transaction, CommandError> {
    only(Noun::TRANSACTION.find(reader, id)?, id, "transactions", |one: &Transaction| one.id)
}
