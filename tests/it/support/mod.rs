//! What the tests work with.
//!
//! | to | take |
//! |---|---|
//! | start the daemon or a command, wait, stop it, read its log | `daemon::Options`, `daemon::wait_until` |
//! | look into its database with SQL | `database::Database` |
//! | send a genuine webhook, or a forged one | `provider` |
//! | register what a shop expects | `shop::register`; many jobs at once: `shop::Together` |
//! | ask the admin listener as the shop's app | `admin::App` |
//! | be told of changes | `app`; of issues: `fake::Fake`, `smtp` |
//! | play PayPal's certificates, PayPal's API, Stripe's API | `certificates`, `paypal_api`, `stripe_api` |
//! | write HTTP byte by byte | `wire` |
//! | hold an answer against the OpenAPI document | `document` |
//! | look at the dashboard in Chromium, with a shop in which everything happened | `browser`, `browser_shop` |
//! | make up shops and histories from a seed | `random_shop`, `random` |
//! | send what Stripe sends of a subscription | `subscription` |

pub(crate) mod admin;
pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod browser_shop;
pub(crate) mod certificates;
pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod document;
pub(crate) mod fake;
pub(crate) mod paypal_api;
pub(crate) mod provider;
pub(crate) mod random;
pub(crate) mod random_shop;
mod random_subscriptions;
pub(crate) mod shop;
pub(crate) mod smtp;
pub(crate) mod stripe_api;
pub(crate) mod subscription;
pub(crate) mod wire;
