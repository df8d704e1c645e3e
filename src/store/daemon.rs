//! `daemon`: what the daemon said when it last started.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::time::Timestamp;

pub(super) fn started(
    connection: &Connection,
    livemode: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO daemon (id, livemode, version, started_at)
         VALUES (1, :livemode, :version, :now)
         ON CONFLICT (id) DO UPDATE SET livemode = excluded.livemode,
             version = excluded.version, started_at = excluded.started_at",
        named_params! {
            ":livemode": livemode,
            ":version": env!("CARGO_PKG_VERSION"),
            ":now": now.to_string(),
        },
    )?;
    Ok(())
}

/// Notes whether an app is to be told of what changes from now on; whether that is new.
pub(super) fn set_notifies(connection: &Connection, notifies: bool) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE daemon SET notifies = :notifies WHERE notifies <> :notifies",
        named_params! { ":notifies": notifies },
    )?;
    Ok(changed > 0)
}

/// Which money the daemon was about when it last started, if it ever did.
pub(super) fn livemode(connection: &Connection) -> rusqlite::Result<Option<bool>> {
    connection
        .query_row("SELECT livemode FROM daemon WHERE id = 1", [], |row| row.get("livemode"))
        .optional()
}
