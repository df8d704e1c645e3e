//! `payhookd issues`: problems that a person should know of.

use clap::{Args, Subcommand};

use super::arguments::{Listing, Noun, Show};
use super::table::{Shown, maybe, write_fields};
use super::{CommandError, printed, said, say};
use crate::config::options::DatabaseOption;
use crate::domain::issue::{IssueKind, IssueStatus};
use crate::domain::records::{Dismissed, Issue, IssueFilter};
use crate::i18n::issues::Audience;
use crate::json::rows;
use crate::store::DismissIssue;

/// Commands about issues.
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
    /// Say that you know: nobody is notified of it until it gets worse or happens again.
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

/// `issues dismiss`
#[derive(Args, Debug)]
pub struct Dismiss {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number.
    id: i64,
}

impl Issues {
    /// Does what was said.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::List(list) => {
                let status = (!list.all).then_some(IssueStatus::Open);
                let filter = IssueFilter { status, kind: list.kind };
                list.listing.print(&filter, &ISSUES, "no issues: nothing is wrong that is known")
            }
            Self::Show(show) => print(show),
            Self::Dismiss(Dismiss { database, id }) => {
                match database.run(&DismissIssue { id: *id })? {
                    Dismissed::Done => {
                        say(format!("issue {id} is dismissed until it gets worse or happens again"))
                    }
                    Dismissed::Unknown => Err(Noun::ISSUE.unknown(id)),
                    Dismissed::Closed => Err(said(format!("issue {id} is over"))),
                }
            }
        }
    }
}

const ISSUES: Shown<Issue> = Shown {
    columns: &[
        (">id", |issue| issue.id.to_string()),
        ("severity", |issue| issue.severity.to_string()),
        ("kind", |issue| issue.kind.to_string()),
        ("opened", |issue| issue.opened_at.to_string()),
        ("last seen", |issue| issue.last_seen_at.to_string()),
        (">times", |issue| issue.count.to_string()),
        ("status", |issue| issue.status().to_string()),
        ("what", |issue| issue.texts(Audience::PLAIN).0.title),
    ],
    json: rows::issue,
};

fn print(show: &Show) -> Result<(), CommandError> {
    let reader = show.database.reader()?;
    let number = show.id.parse().ok();
    let issue = number.map(|number| reader.get::<Issue>(number)).transpose()?.flatten();
    let issue = issue.ok_or_else(|| Noun::ISSUE.unknown(&show.id))?;
    if show.output.json {
        return say(rows::issue(&issue));
    }
    let (said, _) = issue.texts(Audience::PLAIN);
    let fields = [
        ("issue", issue.id.to_string()),
        ("what", said.title),
        ("detail", said.detail),
        ("how to fix", said.remedy),
        ("kind", format!("{}: {}", issue.kind, issue.kind.meaning())),
        ("subject", issue.subject.clone()),
        ("severity", issue.severity.to_string()),
        ("status", issue.status().to_string()),
        ("opened", issue.opened_at.to_string()),
        ("last seen", issue.last_seen_at.to_string()),
        ("times", issue.count.to_string()),
        ("dismissed", maybe(issue.dismissed_at)),
        ("closed", maybe(issue.closed_at)),
    ];
    printed(write_fields(&mut std::io::stdout().lock(), &fields))
}
