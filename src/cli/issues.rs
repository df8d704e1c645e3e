//! `payhookd issues`: problems that a person should know of.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::table::{Table, visible};
use super::{CommandError, Listing, print_json, printed, said};
use crate::config::options::DatabaseOption;
use crate::domain::issue::{IssueKind, IssueStatus};
use crate::domain::records::{Dismissed, Issue, IssueFilter};
use crate::i18n::issues::Audience;
use crate::json::rows;
use crate::store::{Database, DismissIssue, Reader};
use crate::telemetry::clock::Clock;

/// What can be done with issues.
#[derive(Debug, Subcommand)]
pub enum Issues {
    /// The newest open issues.
    #[command(
        after_help = "Example, what was wrong lately:\n  payhookd issues list --all --limit 20"
    )]
    List(List),
    /// One issue, and what to do about it.
    #[command(after_help = "Example:\n  payhookd issues show 17")]
    Show(Show),
    /// Say that you know: no more is told of it until it gets worse or happens again.
    ///
    /// Issues close by themselves when what they are about is over.
    #[command(after_help = "Example:\n  payhookd issues dismiss 17")]
    Dismiss(Dismiss),
}

/// `issues list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    /// Those that were dismissed or are over too.
    #[arg(long)]
    all: bool,
    /// Only those of this kind.
    #[arg(long)]
    kind: Option<IssueKind>,
}

/// `issues show`
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number.
    id: i64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `issues dismiss`
#[derive(Args, Debug)]
pub struct Dismiss {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number.
    id: i64,
}

/// Does it.
pub fn run(command: &Issues) -> Result<(), CommandError> {
    match command {
        Issues::List(list) => list.run(),
        Issues::Show(show) => show.run(),
        Issues::Dismiss(dismiss) => dismiss.run(),
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let listing = &self.listing;
        let status = (!self.all).then_some(IssueStatus::Open);
        let filter = IssueFilter { status, kind: self.kind };
        let issues = listing.rows(&filter)?;
        if listing.json {
            return print_json(issues.iter().map(rows::issue));
        }
        let mut table = Table::new(&[
            ">id",
            "severity",
            "kind",
            "opened",
            "last seen",
            ">times",
            "status",
            "what",
        ]);
        for one in &issues {
            table.row(vec![
                one.id.to_string(),
                one.severity.to_string(),
                one.kind.to_string(),
                one.opened_at.to_string(),
                one.last_seen_at.to_string(),
                one.count.to_string(),
                one.status().to_string(),
                one.texts(Audience::PLAIN).0.title,
            ]);
        }
        printed(table.print(&mut io::stdout().lock(), "no issues: nothing is wrong that is known"))
    }
}

impl Show {
    fn run(&self) -> Result<(), CommandError> {
        let issue = Reader::open(&self.database.path())?.get::<Issue>(self.id)?;
        let issue = issue.ok_or_else(|| unknown(self.id))?;
        let mut output = io::stdout().lock();
        printed(if self.json {
            writeln!(output, "{}", rows::issue(&issue))
        } else {
            show(&mut output, &issue)
        })
    }
}

impl Dismiss {
    fn run(&self) -> Result<(), CommandError> {
        let (path, id) = (self.database.path(), self.id);
        // A file that is not there is an error, not a new database.
        drop(Reader::open(&path)?);
        let now = Clock::SYSTEM.now();
        match Database::open(&path)?.run(&DismissIssue { id }, now)? {
            Dismissed::Done => {
                let words = format!("issue {id} is dismissed until it gets worse or happens again");
                printed(writeln!(io::stdout(), "{words}"))
            }
            Dismissed::Unknown => Err(unknown(id)),
            Dismissed::Closed => Err(said(format!("issue {id} is over"))),
        }
    }
}

fn show(output: &mut impl Write, issue: &Issue) -> io::Result<()> {
    let time = |at: Option<crate::domain::time::Timestamp>| {
        at.map(|at| at.to_string()).unwrap_or_default()
    };
    let (said, _) = issue.texts(Audience::PLAIN);
    for (name, value) in [
        ("issue", issue.id.to_string()),
        ("what", said.title),
        ("detail", said.detail),
        ("to do", said.remedy),
        ("kind", format!("{}: {}", issue.kind, issue.kind.meaning())),
        ("subject", issue.subject.clone()),
        ("severity", issue.severity.to_string()),
        ("status", issue.status().to_string()),
        ("opened", issue.opened_at.to_string()),
        ("last seen", issue.last_seen_at.to_string()),
        ("times", issue.count.to_string()),
        ("dismissed", time(issue.dismissed_at)),
        ("closed", time(issue.closed_at)),
    ] {
        if !value.is_empty() {
            writeln!(output, "{name:<10} {}", visible(&value))?;
        }
    }
    Ok(())
}

fn unknown(id: i64) -> CommandError {
    said(format!("no issue has the number {id}: see `payhookd issues list --all`"))
}
