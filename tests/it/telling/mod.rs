//! What the shop's app and people are told.

pub(crate) mod aftermath;
pub(crate) mod alerts;
pub(crate) mod daily_report;
pub(crate) mod deliveries;
pub(crate) mod issues;
pub(crate) mod log;
pub(crate) mod lookout;
pub(crate) mod mail;
pub(crate) mod monitoring;
pub(crate) mod month;
pub(crate) mod notify;
pub(crate) mod program;
