//! Problems that a person should know of.

use std::sync::Arc;

use serde_json::Value;
use warp::reply::Response;

use super::call::{Api, Call, listed, shown};
use super::problem::Problem;
use crate::domain::issue::{IssueKind, IssueStatus};
use crate::domain::records::{Dismissed, IssueFilter};
use crate::json::rows;
use crate::store::{DismissIssue, Reader, StoreError};

/// A page of issues, wherever they stand unless that is asked for.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = IssueFilter {
        status: query.word("status", IssueStatus::ALL, IssueStatus::parse)?,
        kind: query.word("kind", IssueKind::ALL, IssueKind::parse)?,
    };
    listed(api, filter, query.page()?, rows::issue).await
}

/// One issue, open or over.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    shown(api, &call, ISSUE, issue).await
}

/// A person knows of it: no more is told until it is worse or happens again. Answers with the issue.
pub(super) async fn dismiss(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let id = call.number(ISSUE)?;
    match api.write(DismissIssue { id }).await? {
        Dismissed::Done => shown(api, &call, ISSUE, issue).await,
        Dismissed::Unknown => Err(call.missing(ISSUE)),
        Dismissed::Closed => {
            Err(Problem::contradiction(format!("issue {id} is over: see /api/v1/issues/{id}")))
        }
    }
}

fn issue(reader: &Reader, id: i64) -> Result<Option<Value>, StoreError> {
    Ok(reader.get(id)?.as_ref().map(rows::issue))
}

const ISSUE: &str = "issue";
