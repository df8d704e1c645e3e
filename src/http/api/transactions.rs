//! Transactions: registered, listed, shown, and waited for.

use std::sync::Arc;

use tokio::time::Instant;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::call::{Api, Call, answer, listed};
use super::problem::Problem;
use super::query::positive;
use crate::domain::provider::Provider;
use crate::domain::records::{Change, Closed, Registered, Transaction, TransactionFilter};
use crate::domain::transaction::{AmountCheck, DisputeStatus, Status};
use crate::http::typed;
use crate::json::{registration, rows};
use crate::store::{CloseTransaction, Reader, Register, ReopenTransaction, StoreError};
use crate::telemetry::line::Line;

/// Registers a transaction: 201 if it is new, 200 if it is the same again, 409 if it is not.
pub(super) async fn register(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let new = registration::parse(&call.body, api.endpoint.livemode)?;
    let reference = new.reference.value.clone();
    let (store, now) = (api.endpoint.store.clone(), api.endpoint.clock.now());
    // In a task of its own, because whoever goes away takes the handler with him, but not what is
    // queued: it is committed, and its line belongs into the log.
    let registered = tokio::spawn(async move {
        let registered = store.run(Register { new }, now).await?;
        tell(&registered);
        Ok(registered)
    });
    let registered = registered.await.unwrap_or(Err(StoreError::Fault));
    match registered.map_err(|error| api.failed(&error))? {
        Registered::Created(transaction) => {
            let body = rows::registered(&transaction);
            let mut response = answer(StatusCode::CREATED, &body);
            let location = format!("/api/v1/transactions/{}", transaction.id);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            Ok(response)
        }
        Registered::Existing(transaction) => {
            Ok(answer(StatusCode::OK, &rows::registered(&transaction)))
        }
        Registered::Conflict(transaction) => Err(Problem::conflict(
            transaction.id,
            format!(
                "{reference} is registered already, with other facts: see \
                 /api/v1/transactions/{}",
                transaction.id
            ),
        )),
        Registered::Subscribed(id) => Err(Problem::contradiction(format!(
            "{reference} is registered as a subscription, whose payments become transactions by \
             themselves: see /api/v1/subscriptions/{id}"
        ))),
    }
}

/// The canonical line of a registration.
fn tell(registered: &Registered) {
    let (transaction, outcome) = match registered {
        Registered::Created(transaction) => (transaction, "created"),
        Registered::Existing(transaction) => (transaction, "existing"),
        Registered::Conflict(transaction) => (transaction, "conflict"),
        Registered::Subscribed(_) => return,
    };
    Line::info("transaction")
        .with("provider", transaction.provider)
        .with("transaction_id", transaction.id)
        .with("outcome", outcome)
        .with("status", transaction.state.status)
        .emit();
}

/// A page of transactions.
pub(super) async fn list(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let query = &call.query;
    let filter = TransactionFilter {
        statuses: query.words("status", Status::ALL, Status::parse)?,
        provider: query.word("provider", Provider::ALL, Provider::parse)?,
        order_id: query.get("order_id", registration::id)?,
        subscription_id: query.row_id("subscription_id")?,
        livemode: query.flag("livemode")?,
        created_after: query.instant("created_after")?,
        created_before: query.instant("created_before")?,
        updated_after: query.instant("updated_after")?,
        updated_before: query.instant("updated_before")?,
        amount_check: query.word("amount_check", AmountCheck::ALL, AmountCheck::parse)?,
        dispute_status: query.word("dispute_status", DisputeStatus::ALL, DisputeStatus::parse)?,
    };
    listed(api, filter, query.page()?, rows::transaction).await
}

/// One transaction by its id.
pub(super) async fn show(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let Some(id) = positive(call.path(0)) else { return Err(missing(call.path(0))) };
    show_one(api, &call, Which::Id(id)).await
}

/// One transaction by an id of the provider's.
pub(super) async fn show_by_reference(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let wrong = |name: &'static str| move |detail: String| Problem::field(name, detail);
    let which = Which::Reference {
        provider: registration::provider(call.path(0)).map_err(wrong("provider"))?,
        livemode: call.query.flag("livemode")?.unwrap_or(api.endpoint.livemode),
        reference: registration::id(call.path(1)).map_err(wrong("reference"))?,
    };
    show_one(api, &call, which).await
}

/// By what a transaction is asked for.
#[derive(Clone, Debug)]
enum Which {
    Id(i64),
    Reference { provider: Provider, livemode: bool, reference: String },
}

impl Which {
    fn find(&self, reader: &Reader) -> Result<Option<Transaction>, StoreError> {
        match self {
            Self::Id(id) => reader.get::<Transaction>(*id),
            Self::Reference { provider, livemode, reference } => {
                let payment = reader.holder(*provider, *livemode, reference)?;
                Ok(payment.map(|id| reader.get(id)).transpose()?.flatten())
            }
        }
    }
}

/// What a look at a transaction gave.
struct Look {
    id: i64,
    version: i64,
    /// As JSON; `None` if it still is at the version that is known.
    text: Option<String>,
}

/// Answers as soon as the transaction is at another version than `version` says, or, without it,
/// than it had when it was asked for; 204 if `wait` is over before that.
async fn show_one(api: &Arc<Api>, call: &Call, which: Which) -> Result<Response, Problem> {
    let wait = call.query.wait()?;
    let version = call.query.row_id("version")?;
    let first = look(api, which.clone(), version).await?;
    let Some(first) = first else { return Err(missing(call.path.join("/").as_str())) };
    let (Some(wait), true) = (wait, version.is_none() || first.text.is_none()) else {
        return Ok(first.text.map_or_else(unchanged, shown));
    };
    let known = version.unwrap_or(first.version);
    let until = Instant::now() + wait;
    // From here on it is noticed if it changes; it may have changed in between, so it is looked at
    // once more before anything is waited for.
    let waiter = api.waiters.of_transaction(first.id);
    let mut waiter = waiter.ok_or_else(Problem::too_many_wait)?;
    let mut waiting = true;
    loop {
        let Some(look) = look(api, Which::Id(first.id), Some(known)).await? else {
            return Err(missing(&first.id.to_string()));
        };
        if let Some(text) = look.text {
            return Ok(shown(text));
        }
        if !waiting {
            return Ok(unchanged());
        }
        waiting = waiter.woken(until).await;
    }
}

async fn look(api: &Arc<Api>, which: Which, known: Option<i64>) -> Result<Option<Look>, Problem> {
    api.read(move |reader| {
        let Some(transaction) = which.find(reader)? else { return Ok(None) };
        let (id, version) = (transaction.id, transaction.version);
        let text = match known {
            Some(known) if known == version => None,
            _ => {
                let changes = reader.of::<Change>(id)?;
                Some(rows::transaction_with_history(&transaction, &changes).to_string())
            }
        };
        Ok(Some(Look { id, version, text }))
    })
    .await
}

fn shown(text: String) -> Response {
    typed(StatusCode::OK, "application/json", text)
}

fn unchanged() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn missing(id: &str) -> Problem {
    Problem::not_found(format!("no transaction {id} is registered"))
}

/// The shop expects no money any more.
pub(super) async fn close(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let even_if_paid = call.query.flag("even_if_paid")?.unwrap_or(false);
    let Some(id) = positive(call.path(0)) else { return Err(missing(call.path(0))) };
    match api.write(CloseTransaction { id, even_if_paid }).await? {
        Closed::Done(transaction) => Ok(answer(StatusCode::OK, &rows::transaction(&transaction))),
        Closed::IsPaid(_) => Err(Problem::conflict(
            id,
            "it is paid: to close it means that the shop has nothing more to do for this payment and expects \
             no other. Deliver or refund first, then send ?even_if_paid=true",
        )),
        Closed::NoTransaction => Err(missing(call.path(0))),
    }
}

/// It does after all.
pub(super) async fn reopen(api: &Arc<Api>, call: Call) -> Result<Response, Problem> {
    let Some(id) = positive(call.path(0)) else { return Err(missing(call.path(0))) };
    let transaction = api.write(ReopenTransaction { id }).await?;
    let transaction = transaction.ok_or_else(|| missing(call.path(0)))?;
    Ok(answer(StatusCode::OK, &rows::transaction(&transaction)))
}
