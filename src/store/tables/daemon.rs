//! `daemon`: what the daemon was told when it last started.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::orphan::Policy;
use crate::domain::time::Timestamp;

pub(crate) fn started(
    connection: &Connection,
    policy: Policy,
    rules: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO daemon (id, livemode, version, started_at, rules, orphan_grace)
         VALUES (1, :livemode, :version, :now, :rules, :orphan_grace)
         ON CONFLICT (id) DO UPDATE SET livemode = excluded.livemode,
             version = excluded.version, started_at = excluded.started_at,
             rules = excluded.rules, orphan_grace = excluded.orphan_grace",
        named_params! {
            ":livemode": policy.livemode,
            ":version": env!("CARGO_PKG_VERSION"),
            ":now": now.to_string(),
            ":rules": rules,
            ":orphan_grace": i64::try_from(policy.grace.as_secs()).unwrap_or(i64::MAX),
        },
    )?;
    Ok(())
}

/// Notes whether an app is to be told of what changes from now on; whether that is new.
pub(crate) fn set_notifies(connection: &Connection, notifies: bool) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE daemon SET notifies = :notifies WHERE notifies <> :notifies",
        named_params! { ":notifies": notifies },
    )?;
    Ok(changed > 0)
}

/// What the daemon was told when it last started, and how events are to be read, in JSON; `None` before
/// the first start.
pub(crate) fn last_start(connection: &Connection) -> rusqlite::Result<Option<(Policy, String)>> {
    connection
        .query_row("SELECT livemode, orphan_grace, rules FROM daemon WHERE id = 1", [], |row| {
            let seconds: i64 = row.get("orphan_grace")?;
            let grace = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            Ok((Policy { livemode: row.get("livemode")?, grace }, row.get("rules")?))
        })
        .optional()
}
