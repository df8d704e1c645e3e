//! What the daemon itself has found to be wrong and is not over.

use std::cmp::Reverse;

use super::patient::Patient;
use super::{Finding, roughly};
use crate::domain::issue::{IssueStatus, Severity};
use crate::store::{Issue, Reader, StoreError};

const CHECK: &str = "issues";
/// As many are shown; who has more is helped by the list.
const SHOWN: usize = 20;

/// A finding for each open issue, the worst first. One that a person has dismissed is none.
pub(super) fn check(patient: &Patient, reader: &Reader) -> Result<Vec<Finding>, StoreError> {
    let mut issues = reader.open_issues()?;
    issues.retain(|issue| issue.status() == IssueStatus::Open);
    if issues.is_empty() {
        return Ok(vec![Finding::ok(CHECK, "none is open")]);
    }
    issues.sort_by_key(|issue| (Reverse(issue.severity), issue.id));
    let of_issue = |issue: &Issue| {
        let since = roughly(patient.now.since(issue.opened_at));
        let what = format!("{}, for {since}", issue.title);
        match issue.severity {
            Severity::Critical => Finding::fail(CHECK, what, &*issue.remedy),
            Severity::Warning | Severity::Notice => Finding::warn(CHECK, what, &*issue.remedy),
        }
    };
    let mut findings: Vec<Finding> = issues.iter().take(SHOWN).map(of_issue).collect();
    if issues.len() > SHOWN {
        let more = format!("{} more are open", issues.len() - SHOWN);
        findings.push(Finding::warn(CHECK, more, "payhookd issues list"));
    }
    Ok(findings)
}
