//! The open issues, and whether people are notified of them.

use std::cmp::Reverse;

use super::installation::Patient;
use super::{Check, Finding, roughly};
use crate::domain::issue::{IssueStatus, Severity};
use crate::domain::records::{Issue, OwedAlerts, StoreHealth};
use crate::i18n::issues::Audience;
use crate::store::{Reader, StoreError};

const CHECK: Check = Check("issues");
/// As many are shown; who has more is helped by the list.
const SHOWN: usize = 20;

/// A finding for each open issue, the worst first. One that a person has dismissed is none.
pub(super) fn check(patient: &Patient, reader: &Reader) -> Result<Vec<Finding>, StoreError> {
    let mut issues = reader.open_issues(None)?;
    issues.retain(|issue| issue.status() == IssueStatus::Open);
    if issues.is_empty() {
        return Ok(vec![CHECK.ok("none is open")]);
    }
    issues.sort_by_key(|issue| (Reverse(issue.severity), issue.id));
    let of_issue = |issue: &Issue| {
        let since = roughly(patient.now.since(issue.opened_at));
        let (said, _) = issue.texts(Audience::PLAIN);
        let what = format!("{}, for {since}", said.title);
        match issue.severity {
            Severity::Critical => CHECK.fail(what, said.remedy),
            Severity::Warning | Severity::Notice => CHECK.warn(what, said.remedy),
        }
    };
    let mut findings: Vec<Finding> = issues.iter().take(SHOWN).map(of_issue).collect();
    if issues.len() > SHOWN {
        let more = format!("{} more are open", issues.len() - SHOWN);
        findings.push(CHECK.warn(more, "payhookd issues list"));
    }
    Ok(findings)
}

/// A finding for each target that does not take its messages.
pub(super) fn check_alerts(sight: StoreHealth) -> Vec<Finding> {
    let not_told = |target: OwedAlerts| {
        let what = match (target.dead, target.report_is_dead) {
            (0, false) => return None,
            (0, true) => "was not sent the last daily report".to_owned(),
            (1, _) => "was not notified of an open issue".to_owned(),
            (issues, _) => format!("was not notified of {issues} open issues"),
        };
        let why = target.last_error.map_or_else(String::new, |error| format!(": {error}"));
        Some(Check("alerts").fail(format!("{} {what}{why}", target.target), TRY))
    };
    sight.alerts.into_iter().filter_map(not_told).collect()
}

const TRY: &str = "correct PAYHOOKD_ALERT_URL, or the settings of mail, and try it with `payhookd alerts \
                   test`";
