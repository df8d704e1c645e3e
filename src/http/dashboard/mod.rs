//! The dashboard: what the shop's people see in a browser.
//!
//! Pages are written here, on the server, and need no script; the little that there is keeps a page
//! as it is now. Whoever knows the API token logs in with it (`sessions`); `guard` keeps other
//! sites out. A page is one file: it reads, then writes HTML that maud escapes. What it says stands
//! in [`i18n`](crate::i18n), in every language.

mod assets;
mod attempts;
mod candidates;
mod charts;
mod deliveries;
mod dispatch;
mod event;
mod events;
mod format;
mod guard;
mod issues;
mod links;
mod login;
mod orphan;
mod orphans;
mod overview;
mod page;
mod pretty_json;
mod routes;
mod sessions;
mod subscriptions;
mod timeline;
mod transaction;
mod transactions;
mod visit;

pub(super) use dispatch::routes;
pub use visit::{Dashboard, DashboardDeps};
