//! What is said of payments, whatever comes and in whichever order.

pub(crate) mod attempts;
pub(crate) mod discrepancies;
pub(crate) mod doubtful;
pub(crate) mod endpoints;
pub(crate) mod field;
pub(crate) mod histories;
pub(crate) mod large_sums;
pub(crate) mod localstripe;
pub(crate) mod matching;
pub(crate) mod merchant_action;
pub(crate) mod objects;
pub(crate) mod orphans;
pub(crate) mod reconcile;
pub(crate) mod replay;
pub(crate) mod subscription_issues;
pub(crate) mod subscriptions;
