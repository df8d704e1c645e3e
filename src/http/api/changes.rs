//! The feed: every change of every transaction in the order of commits, none left out, none twice.

use std::sync::Arc;

use serde_json::json;
use tokio::time::Instant;
use warp::http::StatusCode;
use warp::reply::Response;

use super::call::{Api, Call};
use super::problem::Problem;
use super::query::positive;
use crate::http::typed;
use crate::json::rows;
use crate::store::Reader;

/// Where a reader of the feed stands.
#[derive(Clone, Copy, Debug)]
enum After {
    /// After the change with this id; 0 is before all of them.
    Change(i64),
    /// After the last one.
    Latest,
}

/// What a look at the feed gave.
enum Look {
    /// As JSON.
    Changes(String),
    /// Nothing after this change.
    Nothing(i64),
    /// The cursor is of a change that there never was here.
    Ahead,
}

/// The changes after a cursor; with `wait` held until there is one, or the time is up.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let mut after = query.get("after", after)?.unwrap_or(After::Change(0));
    let limit = query.limit()?;
    let until = query.wait()?.map(|wait| Instant::now() + wait);
    let mut waiter = match until {
        Some(_) => Some(api.waiters.of_all().ok_or_else(Problem::too_many_wait)?),
        None => None,
    };
    loop {
        let last = match api.read(move |reader| look(reader, after, limit)).await? {
            Look::Changes(text) => return Ok(typed(StatusCode::OK, "application/json", text)),
            Look::Ahead => return Err(Problem::unknown_cursor("after", AHEAD)),
            Look::Nothing(last) => last,
        };
        after = After::Change(last);
        let woken = match (&mut waiter, until) {
            (Some(waiter), Some(until)) => waiter.woken(until).await,
            _ => false,
        };
        if !woken {
            let nothing = json!({ "data": [], "next_cursor": last.to_string() }).to_string();
            return Ok(typed(StatusCode::OK, "application/json", nothing));
        }
    }
}

fn after(text: &str) -> Result<After, String> {
    match (text, positive(text)) {
        ("latest", _) => Ok(After::Latest),
        ("0", _) => Ok(After::Change(0)),
        (_, Some(id)) => Ok(After::Change(id)),
        _ => Err("give the next_cursor of the answer before, or latest".to_owned()),
    }
}

fn look(reader: &Reader, after: After, limit: u32) -> Result<Look, crate::store::StoreError> {
    let (after, limit) = match after {
        After::Change(after) => (Some(after), limit),
        After::Latest => (None, 0),
    };
    let (changes, newest) = reader.committed_after(after.unwrap_or(i64::MAX), limit)?;
    let Some(last) = changes.last() else {
        let after = after.unwrap_or(newest);
        return Ok(if after > newest { Look::Ahead } else { Look::Nothing(after) });
    };
    let data: Vec<_> = changes.iter().map(rows::committed).collect();
    let text = json!({ "data": data, "next_cursor": last.id.to_string() }).to_string();
    Ok(Look::Changes(text))
}

/// It would otherwise hear nothing until as many changes have happened again.
const AHEAD: &str = "ahead of all that was ever committed here: the database is another one, or \
                     came from a backup; begin again without after, or with latest";
