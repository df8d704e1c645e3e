//! Payments that no transaction is registered for.

use std::sync::Arc;

use warp::http::StatusCode;
use warp::reply::Response;

use super::problem::Problem;
use super::query::positive;
use super::{Api, Call, found, page};
use crate::domain::event::Provider;
use crate::domain::orphan::OrphanKind;
use crate::http::typed;
use crate::shapes;
use crate::store::OrphanFilter;

/// A page of orphans: the open ones that concern this shop, unless others are asked for.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = OrphanFilter {
        provider: query.word("provider", Provider::ALL, Provider::parse)?,
        livemode: query.flag("livemode")?,
        kind: query.word("kind", OrphanKind::ALL, OrphanKind::parse)?,
        resolved: Some(query.flag("resolved")?.unwrap_or(false)),
    };
    let wanted = query.page()?;
    let text = api.read(move |reader| {
        let listed = reader.list_orphans(filter, wanted)?;
        Ok(page(&listed, |one| one.id, shapes::orphan))
    });
    Ok(typed(StatusCode::OK, "application/json", text.await?))
}

/// One orphan, open or resolved.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let missing = || format!("there is no orphan {}", call.path(0));
    let Some(id) = positive(call.path(0)) else { return Err(Problem::not_found(missing())) };
    let text = api.read(move |reader| {
        Ok(reader.orphan(id)?.map(|orphan| shapes::orphan(&orphan).to_string()))
    });
    found(text.await?, missing)
}
