//! Problems that a person should know of.

use std::sync::Arc;

use warp::reply::Response;

use super::problem::Problem;
use super::query::positive;
use super::{Api, Call, found, listed};
use crate::domain::issue::{IssueKind, IssueStatus};
use crate::domain::records::{Dismissed, Issue, IssueFilter};
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
    let missing = || missing(call.path(0));
    let Some(id) = positive(call.path(0)) else { return Err(Problem::not_found(missing())) };
    let text = api.read(move |reader| text_of(reader, id));
    found(text.await?, missing)
}

/// A person knows of it: no more is told until it is worse or happens again. Answers with the issue.
pub(super) async fn dismiss(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let missing = || missing(call.path(0));
    let Some(id) = positive(call.path(0)) else { return Err(Problem::not_found(missing())) };
    match api.write(DismissIssue { id }).await? {
        Dismissed::Done => found(api.read(move |reader| text_of(reader, id)).await?, missing),
        Dismissed::Unknown => Err(Problem::not_found(missing())),
        Dismissed::Closed => {
            Err(Problem::contradiction(format!("issue {id} is over: see /api/v1/issues/{id}")))
        }
    }
}

fn text_of(reader: &Reader, id: i64) -> Result<Option<String>, StoreError> {
    Ok(reader.get::<Issue>(id)?.map(|issue| rows::issue(&issue).to_string()))
}

fn missing(id: &str) -> String {
    format!("there is no issue {id}")
}
