//! `transaction_references`: which ids are known of which payment.

use rusqlite::{Connection, named_params};

use super::rows::{all, execute, record};
use crate::domain::event::Event;
use crate::domain::matching::Standing;
use crate::domain::provider::Provider;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::store::error::StoreError;

/// Ids are compared within one provider, one mode and one account: test money never meets real money,
/// nor a connected account's the shop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Realm<'a> {
    pub(crate) provider: Provider,
    pub(crate) livemode: bool,
    /// Stripe Connect's account, where it is not the shop's own; else empty.
    pub(crate) account: &'a str,
}

impl<'e> Realm<'e> {
    /// Where the payments of an event are.
    pub(crate) fn of(event: &'e Event) -> Self {
        let account = event.account.as_deref().unwrap_or_default();
        Self { provider: event.provider, livemode: event.livemode, account }
    }
}

impl Realm<'static> {
    /// Where the shop's own payments are.
    pub(crate) fn own(provider: Provider, livemode: bool) -> Self {
        Self { provider, livemode, account: "" }
    }
}

/// A payment that has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Having {
    /// The transaction's id, or the orphan's.
    pub(crate) payment: i64,
    pub(crate) kind: ReferenceKind,
    pub(crate) standing: Standing,
}

record! { Having { payment, kind, standing } }

/// The payments that have this id: mostly one, unless it is an id that several share.
pub(crate) fn find(
    connection: &Connection,
    realm: Realm<'_>,
    value: &str,
    identifies: bool,
) -> Result<Vec<Having>, StoreError> {
    let sql = "SELECT transaction_id, kind, standing FROM transaction_references
         WHERE provider = :provider AND livemode = :livemode AND value = :value
           AND shared = :shared AND account = :account";
    let parameters = named_params! {
        ":provider": realm.provider.as_str(),
        ":livemode": realm.livemode,
        ":value": value,
        ":shared": !identifies,
        ":account": realm.account,
    };
    all(connection, sql, parameters)
}

/// What [`learn`] and [`add`] have in common, up to what they do with a row that is there.
macro_rules! insert_reference {
    () => {
        "INSERT INTO transaction_references
             (provider, livemode, value, shared, account, transaction_id, kind, standing)
         VALUES
             (:provider, :livemode, :value, :shared, :account, :payment, :kind, :standing)
         ON CONFLICT (provider, livemode, value, shared, account, transaction_id) DO UPDATE"
    };
}
/// Notes that this payment has an id, and what that means. What the shop registered stays so.
pub(crate) fn learn(
    connection: &Connection,
    realm: Realm<'_>,
    reference: &Reference,
    payment: i64,
    standing: Standing,
) -> rusqlite::Result<()> {
    let sql = concat!(
        insert_reference!(),
        " SET standing = excluded.standing, kind = excluded.kind
          WHERE standing <> 'registered'
            AND (standing <> excluded.standing OR kind <> excluded.kind)"
    );
    save(connection, sql, realm, reference, payment, standing)
}

/// Notes one id more of a payment. Where two events name it as two kinds, the later in the alphabet
/// stays, whichever came first.
pub(crate) fn add(
    connection: &Connection,
    realm: Realm<'_>,
    reference: &Reference,
    payment: i64,
    standing: Standing,
) -> rusqlite::Result<()> {
    let sql = concat!(
        insert_reference!(),
        " SET kind = excluded.kind WHERE standing <> 'registered' AND kind < excluded.kind"
    );
    save(connection, sql, realm, reference, payment, standing)
}

fn save(
    connection: &Connection,
    sql: &str,
    realm: Realm<'_>,
    reference: &Reference,
    payment: i64,
    standing: Standing,
) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(named_params! {
        ":provider": realm.provider.as_str(),
        ":livemode": realm.livemode,
        ":value": &*reference.value,
        ":shared": !reference.kind.identifies_payment(),
        ":account": realm.account,
        ":payment": payment,
        ":kind": reference.kind.as_str(),
        ":standing": standing.as_str(),
    })?;
    Ok(())
}

/// Forgets that the shop registered a payment with this id.
pub(crate) fn unregister(
    connection: &Connection,
    realm: Realm<'_>,
    value: &str,
    payment: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM transaction_references
             WHERE provider = :provider AND livemode = :livemode AND value = :value
               AND shared = 0 AND account = :account AND transaction_id = :payment
               AND standing = 'registered'",
        )?
        .execute(named_params! {
            ":provider": realm.provider.as_str(),
            ":livemode": realm.livemode,
            ":value": value,
            ":account": realm.account,
            ":payment": payment,
        })?;
    Ok(())
}

/// Forgets that this payment has an id, unless the shop said so.
pub(crate) fn forget(
    connection: &Connection,
    realm: Realm<'_>,
    reference: &Reference,
    payment: i64,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM transaction_references
             WHERE provider = :provider AND livemode = :livemode AND value = :value
               AND shared = :shared AND account = :account AND transaction_id = :payment
               AND standing <> 'registered'";
    let parameters = named_params! {
        ":provider": realm.provider.as_str(),
        ":livemode": realm.livemode,
        ":value": &*reference.value,
        ":shared": !reference.kind.identifies_payment(),
        ":account": realm.account,
        ":payment": payment,
    };
    execute(connection, sql, parameters)?;
    Ok(())
}
