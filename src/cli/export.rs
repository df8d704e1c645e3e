//! `payhookd export`: the shop's books as files that add up, or no file.

use std::fs::DirBuilder;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::arguments::ModeOption;
use super::ledger::{Book, Cell, Entry};
use super::{CommandError, printed, said};
use crate::config::options::{DatabaseOption, SinceOption, parse_zone};
use crate::domain::money::{Money, Total};
use crate::domain::records::{Span, Sums};
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::store::{Reader, SteadyFile};
use crate::system::files;
use crate::system::files::Draft;
use crate::telemetry::clock::Clock;

/// `export`
#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    database: DatabaseOption,
    /// The books: transactions (by when they were registered), refunds (by when they happened), disputes (by
    /// when they began), orphans (by when their first event came), or all.
    #[arg(value_parser = books())]
    what: &'static [Book],
    /// From when on: a date, a time such as 2026-11-23T11:52:03Z, or how long ago.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when; a date is not itself part of it.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The time zone in which dates begin, such as Europe/Paris.
    #[arg(long, value_name = "NAME", default_value = "UTC", value_parser = parse_zone)]
    time_zone: Zone,
    #[command(flatten)]
    mode: ModeOption,
    /// How it is written.
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// The file to write, which must not exist; for all a folder. Without it standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With the names in the first line.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

impl Export {
    /// Does it. What it comes to is said on standard output or, if the entries are there, on standard
    /// error.
    pub fn run(&self) -> Result<(), CommandError> {
        super::give_way();
        let reader = self.database.reader()?;
        let span = self.span()?;
        let mut told = Vec::new();
        reader.at_one_moment(|reader| match (&self.output, self.what) {
            (None, [book]) => {
                // To see that they balance before anything is printed.
                let sums = book.read(reader, &span, |_| Ok(()))?;
                tell(&mut told, *book, &sums);
                let mut output = Output::new(io::stdout().lock(), *book, self.format)?;
                let printing = book.read(reader, &span, |entry| output.entry(entry));
                printed(printing.and_then(|_| output.end()))
            }
            (None, _) => Err(said("all are several files: name a folder for them with --output")),
            (Some(file), [book]) => {
                Ok(self.write(reader, &span, *book, file, &mut told)?.keep()?)
            }
            (Some(folder), books) => {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                let mut drafts = Vec::new();
                for book in books {
                    let file = folder.join(format!("{book}.{}", self.format.suffix()));
                    drafts.push(self.write(reader, &span, *book, &file, &mut told)?);
                }
                // Not before all of them balance.
                Ok(drafts.into_iter().try_for_each(Draft::keep)?)
            }
        })?;
        let end = |at: Option<Timestamp>, none: &str| {
            at.map_or_else(|| none.to_owned(), |at| at.to_string())
        };
        told.insert(
            0,
            format!(
                "from {} until before {}",
                end(span.from, "the beginning"),
                end(span.to, "now")
            ),
        );
        let told = told.join("\n") + "\n";
        printed(match self.output {
            Some(_) => io::stdout().lock().write_all(told.as_bytes()),
            None => io::stderr().lock().write_all(told.as_bytes()),
        })
    }

    fn span(&self) -> Result<Span, CommandError> {
        let now = Clock::SYSTEM.now();
        let at = |flag: &str, text: &Option<String>| -> Result<Option<Timestamp>, CommandError> {
            let Some(text) = text else { return Ok(None) };
            if let Some(midnight) = self.time_zone.midnight(text).filter(|_| text.len() == DATE) {
                return Ok(Some(midnight));
            }
            let since: Result<SinceOption, _> = text.parse();
            let since = since.map_err(|error| said(format!("{flag} {text}: {error}")))?;
            Ok(Some(since.at(now)))
        };
        let (from, to) = (at("--from", &self.from)?, at("--to", &self.to)?);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(said("--to is not later than --from: nothing lies between them"));
        }
        Ok(Span { from, to, livemode: self.mode.is_live(&self.database)? })
    }

    /// Writes a book beside the file that it will be.
    fn write(
        &self,
        reader: &Reader,
        span: &Span,
        book: Book,
        file: &Path,
        told: &mut Vec<String>,
    ) -> Result<Draft, CommandError> {
        if file.exists() {
            return Err(said(format!("{} exists already: name a new file", file.display())));
        }
        // Its owner's alone: whose orders these are is nobody else's business.
        let draft = Draft::create(file)
            .map_err(|error| said(format!("{}: {error}", files::part_of(file).display())))?;
        let steady = SteadyFile::new(draft.file().try_clone()?);
        let mut output = Output::new(BufWriter::new(steady), book, self.format)?;
        let sums = book.read(reader, span, |entry| output.entry(entry))?;
        output.end()?;
        tell(told, book, &sums);
        Ok(draft)
    }
}

/// The books of one name, or `all`.
fn books() -> impl TypedValueParser<Value = &'static [Book]> {
    let names = Book::ALL.iter().map(|book| book.as_str()).chain(["all"]);
    PossibleValuesParser::new(names).map(|name| {
        let place = Book::ALL.iter().position(|book| book.as_str() == name);
        place.map_or(Book::ALL, |place| &Book::ALL[place..=place])
    })
}

impl Format {
    fn suffix(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// A line for each provider and currency.
fn tell(told: &mut Vec<String>, book: Book, sums: &Sums) {
    if sums.is_empty() {
        told.push(format!("{book}: none"));
    }
    for ((provider, currency), sum) in sums {
        let decimal = |total: Total| match currency {
            Some(currency) => {
                let money = Money { minor: total.minor(), currency: *currency };
                format!("{}{}", total.mark(), money.to_decimal(*provider))
            }
            None => total.to_string(),
        };
        let code = currency.as_ref().map_or("", |currency| currency.as_str());
        let amounts = match (book, currency) {
            (_, None) => "no money".to_owned(),
            (Book::Transactions, _) => format!(
                "received {} − refunded {} = {} {code}",
                decimal(sum.amount),
                decimal(sum.refunded),
                decimal(sum.amount.less(sum.refunded))
            ),
            (Book::Refunds, _) => format!("refunded {} {code}", decimal(sum.refunded)),
            (Book::Disputes | Book::Orphans, _) => format!("{} {code}", decimal(sum.amount)),
        };
        told.push(format!("{book}: {} at {provider}, {amounts}", sum.rows));
    }
}

/// Entries as they are written.
enum Output<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> Output<W> {
    fn new(writer: W, book: Book, format: Format) -> Result<Self, CommandError> {
        match format {
            Format::Jsonl => Ok(Self::Jsonl(writer)),
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(writer);
                csv.write_record(book.headings()).map_err(of_csv)?;
                Ok(Self::Csv(Box::new(csv)))
            }
        }
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), CommandError> {
        match self {
            Self::Csv(csv) => {
                let cells = entry.iter().map(|(_, cell)| spreadsheet_cell(cell));
                csv.write_record(cells).map_err(of_csv)
            }
            Self::Jsonl(writer) => {
                let object: serde_json::Map<String, Value> =
                    entry.iter().map(|(name, cell)| ((*name).to_owned(), json(cell))).collect();
                Ok(writeln!(writer, "{}", Value::Object(object))?)
            }
        }
    }

    fn end(self) -> Result<(), CommandError> {
        match self {
            Self::Csv(mut csv) => csv.flush()?,
            Self::Jsonl(mut writer) => writer.flush()?,
        }
        Ok(())
    }
}

fn of_csv(error: csv::Error) -> CommandError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => said(format!("{other:?}")),
    }
}

/// A spreadsheet takes text that begins so for a formula, and ids and notes are whatever others chose:
/// an apostrophe in front makes it text. Numbers are ours and stay as they are.
fn spreadsheet_cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => {
            format!("'{text}")
        }
        Cell::Text(text) | Cell::Decimal(text) => text.clone(),
        Cell::Whole(number) => number.to_string(),
        Cell::Nothing => String::new(),
    }
}

fn json(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) | Cell::Decimal(text) => text.as_str().into(),
        Cell::Whole(number) => (*number).into(),
        Cell::Nothing => Value::Null,
    }
}

/// Characters of a date.
const DATE: usize = "2026-11-23".len();
