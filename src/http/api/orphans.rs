//! Payments that no transaction is registered for.

use std::sync::Arc;

use serde_json::{Map, Value};
use warp::reply::Response;

use super::call::{Api, Call, listed, shown};
use super::problem::Problem;
use crate::domain::orphan::OrphanKind;
use crate::domain::provider::Provider;
use crate::domain::records::{Decision, OrphanFilter, Settled};
use crate::json::registration::whole;
use crate::json::rows;
use crate::store::{Reader, ResolveOrphan, StoreError};

/// A page of orphans: the open ones that concern this shop, unless others are asked for.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = OrphanFilter {
        provider: query.word("provider", Provider::ALL, Provider::parse)?,
        livemode: query.flag("livemode")?,
        kind: query.word("kind", OrphanKind::ALL, OrphanKind::parse)?,
        resolved: Some(query.flag("resolved")?.unwrap_or(false)),
    };
    listed(api, filter, query.page()?, rows::orphan).await
}

/// One orphan, open or resolved.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    shown(api, &call, ORPHAN, orphan).await
}

fn orphan(reader: &Reader, id: i64) -> Result<Option<Value>, StoreError> {
    Ok(reader.get(id)?.as_ref().map(rows::orphan))
}

/// Says what an orphan is: part of a transaction, another's, or nothing to see to. Answers with the orphan.
pub(super) async fn resolve(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let id = call.number(ORPHAN)?;
    let decision = decision(&call.body)?;
    match api.write(ResolveOrphan { id, decision }).await? {
        Settled::Done(_) => shown(api, &call, ORPHAN, orphan).await,
        Settled::NoOrphan => Err(call.missing(ORPHAN)),
        Settled::NoTransaction => {
            Err(Problem::field("transaction_id", "there is no such transaction"))
        }
        Settled::Already(_) => Err(Problem::contradiction(format!(
            "orphan {id} was resolved before: see /api/v1/orphans/{id}"
        ))),
        Settled::OfAnotherKind => Err(Problem::contradiction(format!(
            "orphan {id} can't be part of that transaction: one is live and the other test money, \
             or they are of two providers, or its money is late and has its transaction"
        ))),
        Settled::HasTransaction => Err(Problem::contradiction(format!(
            "orphan {id} is late money of a transaction of this shop, not another's"
        ))),
    }
}

fn decision(body: &[u8]) -> Result<Decision, Problem> {
    let fields: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| Problem::invalid(format!("not a JSON object: {error}")))?;
    let known = ["transaction_id", "note", "dismiss", "foreign"];
    if let Some(unknown) = fields.keys().find(|name| !known.contains(&&***name)) {
        let detail = format!("no such field; there are {}", known.join(", "));
        return Err(Problem::field(unknown, detail));
    }
    let text = |name: &str| -> Result<Option<String>, Problem> {
        match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if (1..=LONGEST).contains(&text.chars().count()) => {
                Ok(Some(text.clone()))
            }
            Some(_) => Err(Problem::field(name, format!("give text of 1 to {LONGEST} characters"))),
        }
    };
    let is_foreign = match fields.get("foreign") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return Err(Problem::field("foreign", "give true or false")),
    };
    let transaction = fields.get("transaction_id").filter(|id| !id.is_null());
    match (transaction, text("dismiss")?, is_foreign, text("note")?) {
        (None, Some(why), false, None) => Ok(Decision::Dismiss(why)),
        (None, None, true, note) => Ok(Decision::MarkForeign { note }),
        (Some(id), None, false, note) => {
            let id = whole(id).filter(|id| *id > 0);
            let wrong = || Problem::field("transaction_id", "give the number of a transaction");
            Ok(Decision::Attach { transaction_id: id.ok_or_else(wrong)?, note })
        }
        _ => Err(Problem::invalid(
            "give one of transaction_id or foreign, with or without a note, or dismiss with the \
             reason",
        )),
    }
}

const ORPHAN: &str = "orphan";
/// The most characters of a reason or a note.
const LONGEST: usize = 1_000;
