//! `paypal_certificates`: PayPal's signing certificates as they were fetched.

use rusqlite::{Connection, named_params};

use super::rows::{self, execute, insert, record};
use crate::domain::records::StoredCertificate;
use crate::store::error::StoreError;

/// The table keeps the latest this many: PayPal has a handful at a time.
const KEPT: i64 = 32;

pub(crate) fn save(
    connection: &Connection,
    certificate: &StoredCertificate,
) -> rusqlite::Result<()> {
    insert! {
        connection, "paypal_certificates", " ON CONFLICT (url) DO UPDATE SET pem = excluded.pem, fetched_at = excluded.fetched_at";
        url: certificate.url,
        pem: certificate.pem,
        fetched_at: certificate.fetched_at.to_string(),
    }?;
    let sql = "DELETE FROM paypal_certificates WHERE url NOT IN
                 (SELECT url FROM paypal_certificates ORDER BY fetched_at DESC LIMIT :kept)";
    execute(connection, sql, named_params! { ":kept": KEPT })?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<StoredCertificate>, StoreError> {
    rows::all(connection, "SELECT url, pem, fetched_at FROM paypal_certificates", [])
}

record! { StoredCertificate { url, pem, fetched_at } }
