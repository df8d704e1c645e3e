//! `subscriptions`: those that the shop registered.

use rusqlite::{Connection, named_params};

use super::references::Realm;
use super::rows::{first, record, select};
use crate::domain::money::Currency;
use crate::domain::records::{NewSubscription, Subscription};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

record! { Subscription, subscription_columns {
    id, provider, livemode, reference, own_id, amount, currency, created_at, ended_at,
    payments = "(SELECT count(*) FROM transactions
                 WHERE subscription_id = subscriptions.id AND merged_into IS NULL)"
} }

/// The subscription with this number.
pub(crate) fn get(connection: &Connection, id: i64) -> Result<Option<Subscription>, StoreError> {
    let sql = select!(subscription_columns, " FROM subscriptions WHERE id = :id");
    first(connection, sql, named_params! { ":id": id })
}

/// The number of the subscription that has this id at the provider. A connected account has none.
pub(crate) fn find(
    connection: &Connection,
    realm: Realm<'_>,
    reference: &str,
) -> Result<Option<i64>, StoreError> {
    if !realm.account.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT id FROM subscriptions
         WHERE provider = :provider AND livemode = :livemode AND reference = :reference";
    let parameters = named_params! {
        ":provider": realm.provider.as_str(),
        ":livemode": realm.livemode,
        ":reference": reference,
    };
    first(connection, sql, parameters)
}

/// Adds a subscription: its number.
pub(crate) fn insert(
    connection: &Connection,
    new: &NewSubscription,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO subscriptions
                 (provider, livemode, reference, own_id, amount, currency, created_at)
             VALUES (:provider, :livemode, :reference, :own_id, :amount, :currency, :now)",
        )?
        .execute(named_params! {
            ":provider": new.provider.as_str(),
            ":livemode": new.livemode,
            ":reference": new.reference,
            ":own_id": new.own_id,
            ":amount": new.amount,
            ":currency": new.currency.as_ref().map(Currency::as_str),
            ":now": now.to_string(),
        })?;
    Ok(connection.last_insert_rowid())
}

/// Notes when a subscription ended, or that it goes on.
pub(crate) fn end(
    connection: &Connection,
    id: i64,
    ended_at: Option<Timestamp>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE subscriptions SET ended_at = :ended_at WHERE id = :id")?
        .execute(named_params! { ":id": id, ":ended_at": ended_at.map(|at| at.to_string()) })?;
    Ok(())
}
