//! The file of the database: opened, locked, migrated, watched, copied, put back.

pub(super) mod backup;
pub(super) mod checkpoint;
pub(super) mod integrity;
pub(super) mod known_head;
pub(super) mod lock;
pub(super) mod open_file;
pub(super) mod paced_file;
pub(super) mod rescue;
pub(super) mod restore;
pub(super) mod schema;
pub(super) mod wal;
