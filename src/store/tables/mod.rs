//! The SQL of each table, and how its rows are read. A file here imports no other room of the store.

pub(super) mod certificates;
pub(super) mod chain;
pub(super) mod changes;
pub(super) mod daemon;
pub(super) mod delivery_attempts;
pub(super) mod encoded;
pub(super) mod facts;
pub(super) mod issues;
pub(super) mod money_sum;
pub(super) mod orphans;
pub(super) mod other_money;
pub(super) mod outbox;
pub(super) mod references;
pub(super) mod rejected_requests;
pub(super) mod rows;
pub(super) mod seal;
pub(super) mod subscriptions;
pub(super) mod transactions;
pub(super) mod watched;
pub(super) mod webhook_logs;
