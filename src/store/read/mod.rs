//! What is read, by subject, on connections that cannot write.

pub(super) mod attention;
pub(super) mod change_feed;
pub(super) mod event_detail;
pub(super) mod event_search;
pub(super) mod export;
pub(super) mod families;
pub(super) mod health;
pub(super) mod issue_lists;
pub(super) mod listing;
mod lookups;
pub(super) mod open_orphans;
pub(super) mod overdue;
pub(super) mod reader;
pub(super) mod readers;
pub(super) mod refold_check;
pub(super) mod search;
pub(super) mod statistics;
pub(super) mod transaction_detail;
pub(super) mod verify;
