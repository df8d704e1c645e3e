//! Texts of the dashboard: a file for each page.

pub(crate) mod common;
pub(crate) mod deliveries;
pub(crate) mod entry;
pub(crate) mod events;
pub(crate) mod issues;
pub(crate) mod orphans;
pub(crate) mod overview;
pub(crate) mod subscriptions;
pub(crate) mod transactions;
