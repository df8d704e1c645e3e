//! The API and the dashboard.

pub(crate) mod api;
pub(crate) mod browser_access;
pub(crate) mod browser_flows;
pub(crate) mod browser_guard;
pub(crate) mod browser_hostile;
pub(crate) mod dashboard;
pub(crate) mod dashboard_issues;
pub(crate) mod dashboard_overview;
pub(crate) mod dashboard_pages;
pub(crate) mod dashboard_subscriptions;
pub(crate) mod listing;
pub(crate) mod openapi;
pub(crate) mod waiting;
