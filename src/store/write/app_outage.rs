//! Whether the shop's app takes notifications: an issue from when it does not until the first that it takes.

use rusqlite::Connection;

use super::{issues, raise};
use crate::domain::app_outage::AppOutage;
use crate::domain::issue::{APP, IssueKind};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::families::Due;
use crate::store::read::reader::Reader;
use crate::store::tables::rows::{first, record};

record! { AppOutage { since, attempts, transactions, pending, failure } }

/// The attempts since the last that succeeded, if they failed; among the newest two hundred, and since an outage
/// that is known. (What was taken may be removed since; what was not stays.)
pub(crate) fn outage(connection: &Connection) -> Result<Option<AppOutage>, StoreError> {
    let sql = "WITH latest AS
             (SELECT a.id, delivery_id, attempted_at,
                     d.id IS NULL OR (d.status = 'delivered' AND d.attempts = a.attempt) AS good
              FROM delivery_attempts a LEFT JOIN deliveries d ON d.id = delivery_id
              ORDER BY a.id DESC LIMIT 200),
         failed AS
             (SELECT * FROM latest WHERE id > ifnull((SELECT max(id) FROM latest WHERE good), 0))
         SELECT min(min(attempted_at),
                    ifnull((SELECT data ->> '$.since' FROM issues
                            WHERE kind = 'app' AND closed_at IS NULL), '9')),
                count(*), count(DISTINCT transaction_id),
                (SELECT count(*) * ifnull(max(attempts) > 0, 0) FROM deliveries
                 WHERE status = 'pending'),
                (SELECT last_error FROM deliveries
                 WHERE id = (SELECT delivery_id FROM failed ORDER BY id DESC LIMIT 1))
         FROM failed JOIN deliveries ON deliveries.id = delivery_id
         HAVING count(*) > 0 AND (SELECT notifies FROM daemon)";
    first(connection, sql, [])
}

/// After an attempt that failed.
pub(crate) fn failed(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let Some(outage) = outage(connection)? else { return Ok(()) };
    match outage.severity(now) {
        Some(severity) => raise::app_outage(connection, outage, severity, now),
        None => Ok(()),
    }
}

/// After one that succeeded, or when nobody is notified any more.
pub(crate) fn ended(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    issues::close(connection, IssueKind::App, APP, None, now)
}

/// The outage of the shop's app, if there is one that counts by then; at most one.
impl Due for AppOutage {
    type Whose<'w> = ();

    fn due(
        reader: &Reader,
        (): (),
        now: Timestamp,
        _limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let outage = outage(&reader.connection)?;
        Ok((outage.into_iter().filter(|one| one.severity(now).is_some()).collect(), None))
    }
}
