//! Issues as people look through them: what lasts, the worst first, and what is over, the last first.
//!
//! There may be many that are over and, after a bad day, many that last: whichever part is wanted is
//! found in an index, and only a page of it is read.

use rusqlite::named_params;

use super::families::List;
use super::listing::{Conditions, listed, one_more};
use super::reader::Reader;
use crate::domain::issue::{IssueKind, IssueStatus, Severity};
use crate::domain::records::{Issue, IssueFilter, IssuesByWeight, Listed, Page};
use crate::store::error::StoreError;
use crate::store::tables::issues::issue_columns;
use crate::store::tables::rows::{all, first, select};

/// Issues that last, of which the ids are found in an index that has all that is asked of them.
const LASTING: [&str; 2] = [
    select!(
        issue_columns,
        " FROM issues WHERE id IN (SELECT id FROM issues INDEXED BY issues_lasting"
    ),
    ") ORDER BY id DESC",
];

/// The same of those that are over.
const OVER: [&str; 2] = [
    select!(
        issue_columns,
        " FROM issues WHERE id IN (SELECT id FROM issues INDEXED BY issues_over"
    ),
    ") ORDER BY id DESC",
];

impl List for IssueFilter {
    type Row = Issue;

    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<Issue>, StoreError> {
        let mut conditions = Conditions::default();
        let query = match self.status {
            Some(IssueStatus::Closed) => {
                conditions.always("closed_at IS NOT NULL");
                OVER
            }
            Some(status @ (IssueStatus::Open | IssueStatus::Dismissed)) => {
                conditions.always(lasting(status));
                LASTING
            }
            None => [select!(issue_columns, " FROM issues"), ""],
        };
        conditions.and("kind = ?", self.kind.map(|one| one.as_str().to_owned()));
        reader.page(query, conditions, page)
    }
}

impl List for IssuesByWeight {
    type Row = Issue;

    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<Issue>, StoreError> {
        let Self { status, kind } = *self;
        match status {
            IssueStatus::Closed => reader.issues_over(kind, page),
            IssueStatus::Open | IssueStatus::Dismissed => reader.worst_issues(status, kind, page),
        }
    }
}

impl Reader {
    fn worst_issues(
        &self,
        status: IssueStatus,
        kind: Option<IssueKind>,
        page: Page,
    ) -> Result<Listed<Issue>, StoreError> {
        // Where the page before ended. It may have got worse since; then some are seen twice.
        let from = page.before.map(|id| self.severity_of(id)).transpose()?.flatten();
        let mut listed = Listed { rows: Vec::new(), more: false };
        for severity in Severity::ALL.iter().rev().copied() {
            if from.is_some_and(|from| severity > from) {
                continue;
            }
            let read = u32::try_from(listed.rows.len()).unwrap_or(u32::MAX);
            let before = page.before.filter(|_| from.is_none_or(|from| from == severity));
            let mut conditions = Conditions::default();
            conditions.always(lasting(status));
            conditions.and("severity = ?", Some(severity.as_str().to_owned()));
            conditions.and("kind = ?", kind.map(|one| one.as_str().to_owned()));
            let rest = Page { before, limit: page.limit.saturating_sub(read) };
            let of_severity = self.page(LASTING, conditions, rest)?;
            listed.rows.extend(of_severity.rows);
            if of_severity.more {
                listed.more = true;
                break;
            }
        }
        Ok(listed)
    }

    fn severity_of(&self, id: i64) -> Result<Option<Severity>, StoreError> {
        let sql = "SELECT severity FROM issues WHERE id = :id";
        first(&self.connection, sql, named_params! { ":id": id })
    }

    fn issues_over(
        &self,
        kind: Option<IssueKind>,
        page: Page,
    ) -> Result<Listed<Issue>, StoreError> {
        let sql = select!(
            issue_columns,
            " FROM issues WHERE id IN (
                 SELECT id FROM issues INDEXED BY issues_over
                 WHERE closed_at IS NOT NULL AND (:kind IS NULL OR kind = :kind)
                   AND (:before IS NULL OR (closed_at, id) <
                           (SELECT closed_at, id FROM issues WHERE id = :before))
                 ORDER BY closed_at DESC, id DESC LIMIT :limit)
             ORDER BY closed_at DESC, id DESC"
        );
        let parameters = named_params! {
            ":kind": kind.map(IssueKind::as_str),
            ":before": page.before,
            ":limit": one_more(page),
        };
        Ok(listed(all(&self.connection, sql, parameters)?, page))
    }
}

/// The words stand in the text so that SQLite can use the index of these words.
fn lasting(status: IssueStatus) -> &'static str {
    match status {
        IssueStatus::Dismissed => "closed_at IS NULL AND dismissed_at IS NOT NULL",
        IssueStatus::Open | IssueStatus::Closed => "closed_at IS NULL AND dismissed_at IS NULL",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::issue::{Finding, IssueData, NewIssue, Trigger};
    use crate::domain::provider::Provider;
    use crate::domain::time::Timestamp;
    use crate::store::engine::Database;

    fn at(minute: u64) -> Timestamp {
        let midnight = Timestamp::parse("2026-11-23T00:00:00Z").expect("a time");
        midnight.plus(Duration::from_secs(minute * 60))
    }

    /// Issues 1 to 9: three of each severity in turn, every second one a discrepancy; 8 and 9 are
    /// dismissed. Issues 10 to 13 are over, and ended in the order 12, 10, 11, 13.
    fn shop() -> (tempfile::TempDir, Reader) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let mut database = Database::open(&path).expect("a database");
        let new = |number: u64| NewIssue {
            data: match number.is_multiple_of(2) {
                true => IssueData::Discrepancy {
                    transaction_id: number.cast_signed(),
                    provider: Provider::Stripe,
                    reference: String::new(),
                },
                false => IssueData::FailedEvent {
                    provider: Provider::Stripe,
                    event_type: number.to_string(),
                    event_id: String::new(),
                    why: String::new(),
                },
            },
            severity: Severity::ALL[usize::try_from(number % 3).expect("small")],
            trigger: Trigger::Happened,
        };
        let kept = database.batch(|batch| {
            for number in 1..=13 {
                batch.note_findings(&[Finding::Bad(new(number))], at(number))?;
            }
            batch.dismiss_issue(8, at(20))?;
            batch.dismiss_issue(9, at(20))?;
            for (minute, number) in [(30, 12), (31, 10), (31, 11), (32, 13)] {
                let data = new(number).data;
                let over = Finding::Good(data.kind(), data.subject(), None);
                batch.note_findings(&[over], at(minute))?;
            }
            Ok(())
        });
        kept.expect("kept");
        (folder, Reader::open(&path).expect("a reader"))
    }

    /// The rows of each page of two.
    fn pages(reader: &Reader, status: IssueStatus, kind: Option<IssueKind>) -> Vec<Vec<i64>> {
        let (mut before, mut pages) = (None, Vec::new());
        loop {
            let page = Page { before, limit: 2 };
            let listed = reader.list(&IssuesByWeight { status, kind }, page).expect("read");
            pages.push(listed.rows.iter().map(|one| one.id).collect());
            before = listed.rows.last().map(|last| last.id);
            if !listed.more {
                return pages;
            }
        }
    }

    #[test]
    fn the_worst_comes_first_and_of_what_is_over_the_last() {
        use IssueStatus::{Closed, Dismissed, Open};
        let (_folder, reader) = shop();
        for (status, kind, expected) in [
            (Open, None, vec![vec![5, 2], vec![7, 4], vec![1, 6], vec![3]]),
            (Open, Some(IssueKind::Discrepancy), vec![vec![2, 4], vec![6]]),
            (Open, Some(IssueKind::Clock), vec![vec![]]),
            (Dismissed, None, vec![vec![8, 9]]),
            (Dismissed, Some(IssueKind::FailedEvent), vec![vec![9]]),
            (Closed, None, vec![vec![13, 11], vec![10, 12]]),
            (Closed, Some(IssueKind::Discrepancy), vec![vec![10, 12]]),
        ] {
            assert_eq!(pages(&reader, status, kind), expected, "{status} {kind:?}");
        }
        let counted = reader.sight().expect("counted").issues;
        assert_eq!(counted.iter().map(|(_, number)| number).sum::<i64>(), 7);
        let ids = |issues: Vec<Issue>| issues.iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(reader.open_issues(None).expect("read")), (1..=9).collect::<Vec<_>>());
        let since: Vec<i64> = (1..=9).chain([12, 13]).collect();
        assert_eq!(ids(reader.open_issues(Some(11)).expect("read")), since);
        let page = Page { before: None, limit: 3 };
        let listed = |status| {
            let filter = IssueFilter { status, kind: None };
            ids(reader.list(&filter, page).expect("read").rows)
        };
        assert_eq!(listed(None), [13, 12, 11]);
        assert_eq!(listed(Some(Open)), [7, 6, 5]);
        assert_eq!(listed(Some(Dismissed)), [9, 8]);
        assert_eq!(listed(Some(Closed)), [13, 12, 11]);
    }
}
