//! The data: kept through crashes and faults, copied, proved, removed.

pub(crate) mod backup;
pub(crate) mod crash;
pub(crate) mod export;
pub(crate) mod faults;
pub(crate) mod files;
pub(crate) mod forget;
pub(crate) mod log_chain;
pub(crate) mod lost;
pub(crate) mod migrations;
pub(crate) mod retention;
pub(crate) mod tampering;
