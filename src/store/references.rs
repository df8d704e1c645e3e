//! `transaction_references`: which ids mean which payment.

use rusqlite::{Connection, named_params};

use crate::domain::event::{Provider, Reference};

/// Ids are compared within one provider and one mode: test money never meets real money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    pub(super) provider: Provider,
    pub(super) livemode: bool,
}

/// The payments that this id is known to mean: at most one, unless it is one that several share.
pub(super) fn find(
    connection: &Connection,
    realm: Realm,
    reference: &Reference,
) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT transaction_id FROM transaction_references
         WHERE provider = :provider AND livemode = :livemode AND value = :value
           AND (scope = 0) = :identifies",
    )?;
    let parameters = named_params! {
        ":provider": realm.provider.as_str(),
        ":livemode": realm.livemode,
        ":value": &*reference.value,
        ":identifies": reference.kind.identifies_payment(),
    };
    statement.query_map(parameters, |row| row.get("transaction_id"))?.collect()
}

/// Notes that `reference` means this payment. One that identifies another payment stays there:
/// `false`.
pub(super) fn learn(
    connection: &Connection,
    realm: Realm,
    reference: &Reference,
    transaction_id: i64,
) -> rusqlite::Result<bool> {
    let scope = if reference.kind.identifies_payment() { 0 } else { transaction_id };
    let learned = connection
        .prepare_cached(
            "INSERT INTO transaction_references
                 (provider, livemode, value, scope, kind, transaction_id)
             VALUES (:provider, :livemode, :value, :scope, :kind, :transaction_id)
             ON CONFLICT (provider, livemode, value, scope) DO NOTHING",
        )?
        .execute(named_params! {
            ":provider": realm.provider.as_str(),
            ":livemode": realm.livemode,
            ":value": &*reference.value,
            ":scope": scope,
            ":kind": reference.kind.as_str(),
            ":transaction_id": transaction_id,
        })?;
    Ok(learned == 1)
}

/// Forgets that `reference` means this payment.
pub(super) fn forget(
    connection: &Connection,
    realm: Realm,
    reference: &Reference,
    transaction_id: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM transaction_references
             WHERE provider = :provider AND livemode = :livemode AND value = :value
               AND scope = :scope AND transaction_id = :transaction_id",
        )?
        .execute(named_params! {
            ":provider": realm.provider.as_str(),
            ":livemode": realm.livemode,
            ":value": &*reference.value,
            ":scope": if reference.kind.identifies_payment() { 0 } else { transaction_id },
            ":transaction_id": transaction_id,
        })?;
    Ok(())
}
