//! `payhookd transactions import`: a shop's existing payments, all of them or none.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::arguments::ModeOption;
use super::progress::Bar;
use super::{CommandError, said, say};
use crate::config::options::DatabaseOption;
use crate::domain::records::{NewTransaction, Registered, Transaction};
use crate::json::registration::{self, Mistake};
use crate::store::{Database, Reader, RegisterAll};
use crate::telemetry::clock::Clock;

/// `transactions import`
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    database: DatabaseOption,
    /// The file, JSON lines or CSV; - for standard input.
    file: PathBuf,
    #[command(flatten)]
    mode: ModeOption,
}

/// As many lines are written in one commit, so that all are or none is; a running daemon waits less
/// than a second for it.
const IN_ONE_COMMIT: usize = 20_000;
/// Of a longer file so many at once: few enough that a running daemon never waits long.
const LINES_AT_ONCE: usize = 500;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line of the file and its number.
type Numbered = (u64, NewTransaction);

/// How many lines were registered.
#[derive(Default)]
struct Written {
    created: u64,
    existing: u64,
    /// Only registering shows that two lines mean one payment.
    conflicts: Vec<String>,
}

impl Import {
    /// Registers every line, or none.
    pub fn run(&self) -> Result<(), CommandError> {
        let lines = self.read()?;
        let mut database = Database::open(&self.database.path())?;
        let mut bar = Bar::new();
        let whole = lines.len() <= IN_ONE_COMMIT;
        let at_once = if whole { IN_ONE_COMMIT } else { LINES_AT_ONCE };
        let (mut written, mut done) = (Written::default(), 0);
        for some in lines.chunks(at_once) {
            let new = some.iter().map(|(_, new)| new.clone()).collect();
            let registered = database.run(&RegisterAll { new, whole }, Clock::SYSTEM.now())?;
            for ((number, new), registered) in some.iter().zip(registered) {
                match registered {
                    Registered::Created(_) => written.created += 1,
                    Registered::Existing(_) => written.existing += 1,
                    Registered::Conflict(transaction) => {
                        let conflict = conflict(&new.reference.value, &transaction);
                        written.conflicts.push(format!("line {number}: {conflict}"));
                    }
                    Registered::Subscribed(id) => {
                        let taken = subscribed(&new.reference.value, id);
                        written.conflicts.push(format!("line {number}: {taken}"));
                    }
                }
            }
            done += some.len();
            if !whole {
                bar.show(done, lines.len(), &format!("{done} of {}", lines.len()));
            }
        }
        if whole && !written.conflicts.is_empty() {
            return Err(nothing(written.conflicts));
        }
        bar.end();
        let Written { created, existing, conflicts } = written;
        say(format!("{created} registered, {existing} were already"))?;
        match conflicts.is_empty() {
            true => Ok(()),
            false => Err(said(format!("not registered:\n  {}", shortened(conflicts)))),
        }
    }

    /// Reads and checks all of it before anything is written.
    fn read(&self) -> Result<Vec<Numbered>, CommandError> {
        let mut input = Vec::new();
        let read = match self.file.as_os_str() == "-" {
            true => io::stdin().read_to_end(&mut input),
            false => File::open(&self.file).and_then(|mut file| file.read_to_end(&mut input)),
        };
        read.map_err(|error| said(format!("{} can't be read: {error}", self.file.display())))?;
        // What a spreadsheet or an editor puts in front of UTF-8.
        let input = input.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&input);
        let livemode = self.mode.is_live(&self.database)?;
        let mut lines = Vec::new();
        let mut mistakes = Vec::new();
        let mut take = |number: u64, line: Result<NewTransaction, Mistake>| match line {
            Ok(new) => lines.push((number, new)),
            Err(mistake) => mistakes.push(format!("line {number}: {mistake}")),
        };
        let first = input.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(first, None | Some(b'{' | b'[')) {
            for (number, line) in (1..).zip(input.lines()) {
                let line = line?;
                if !line.trim().is_empty() {
                    take(number, registration::parse(line.as_bytes(), livemode));
                }
            }
        } else {
            csv_lines(input, livemode, &mut take)?;
        }
        self.conflicts(&lines, &mut mistakes)?;
        if mistakes.is_empty() { Ok(lines) } else { Err(nothing(mistakes)) }
    }

    /// Lines that contradict each other or what is registered.
    fn conflicts(
        &self,
        lines: &[Numbered],
        mistakes: &mut Vec<String>,
    ) -> Result<(), CommandError> {
        let mut seen = HashMap::with_capacity(lines.len());
        for (number, new) in lines {
            let key = (new.provider, new.livemode, &new.reference.value);
            if let Some((first, other)) = seen.insert(key, (number, new))
                && other != new
            {
                mistakes.push(format!(
                    "line {number}: the reference of line {first}, with other facts"
                ));
            }
        }
        let path = self.database.path();
        if !path.exists() {
            return Ok(());
        }
        let reader = Reader::open(&path)?;
        for (number, new) in lines {
            let holder = reader.holder(new.provider, new.livemode, &new.reference.value)?;
            let existing = holder.map(|id| reader.get::<Transaction>(id)).transpose()?.flatten();
            let is_same = |one: &Transaction| *one.reference == *new.reference.value;
            if let Some(existing) = existing.filter(|one| is_same(one) && !new.is(one)) {
                let conflict = conflict(&new.reference.value, &existing);
                mistakes.push(format!("line {number}: {conflict}"));
            }
        }
        Ok(())
    }
}

/// The heading names the keys; an empty cell is a key that is not given.
fn csv_lines(
    input: &[u8],
    livemode: bool,
    take: &mut impl FnMut(u64, Result<NewTransaction, Mistake>),
) -> Result<(), CommandError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let wrong = |error: csv::Error| said(format!("nothing was imported:\n  not CSV: {error}"));
    let heading = reader.headers().map_err(wrong)?.clone();
    let names: Vec<&str> = heading.iter().collect();
    if let Some(unknown) = names.iter().find(|name| !registration::FIELDS.contains(name)) {
        return Err(said(format!(
            "nothing was imported:\n  line 1: the heading has {unknown:?}; give some of {}",
            registration::FIELDS.join(", ")
        )));
    }
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let number = record.position().map_or(0, csv::Position::line);
        let cells = names.iter().zip(&record).filter(|(_, cell)| !cell.is_empty());
        let fields: Map<String, Value> =
            cells.map(|(name, cell)| ((*name).to_owned(), value(name, cell))).collect();
        take(number, registration::parse(Value::Object(fields).to_string().as_bytes(), livemode));
    }
    Ok(())
}

/// A cell as the JSON that it stands for; what is none is left to be refused under its name.
fn value(name: &str, cell: &str) -> Value {
    let json = matches!(name, "amount" | "partial" | "livemode" | "metadata");
    let parsed = json.then(|| serde_json::from_str(cell).ok()).flatten();
    parsed.unwrap_or_else(|| cell.into())
}

fn nothing(mistakes: Vec<String>) -> CommandError {
    said(format!("nothing was imported:\n  {}", shortened(mistakes)))
}

/// Enough to see what is wrong.
const MISTAKES_SHOWN: usize = 20;

fn shortened(mut mistakes: Vec<String>) -> String {
    let all = mistakes.len();
    mistakes.truncate(MISTAKES_SHOWN);
    if all > MISTAKES_SHOWN {
        mistakes.push(format!("… and {} more", all - MISTAKES_SHOWN));
    }
    mistakes.join("\n  ")
}

/// Why a registration contradicts this subscription.
pub(super) fn subscribed(reference: &str, subscription: i64) -> String {
    format!(
        "{reference} is registered as subscription {subscription}, whose payments become transactions by \
         themselves: see `payhookd subscriptions list`"
    )
}

/// Why a registration contradicts this transaction.
pub(super) fn conflict(reference: &str, transaction: &Transaction) -> String {
    format!(
        "{reference} is registered already, with other facts: look at \
         `payhookd transactions show {}`",
        transaction.id
    )
}
