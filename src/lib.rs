//! payhookd receives Stripe's and PayPal's webhooks for a shop that runs on one box.
//!
//! One idea carries it: **a transaction's state is a pure function of the set of facts that its
//! events carry.** What decides is a function from values to values ([`domain`], [`providers`]);
//! what touches the world is thin and lives at the edges.
//!
//! # The rooms
//!
//! Each imports only what stands below it; a test holds that (`tests/it/running/house.rs`).
//!
//! | room | what |
//! |---|---|
//! | [`cli`] | the commands, one a file; [`cli::serve`] wires the daemon |
//! | [`http`] | the two listeners: [`http::webhooks`] for the providers, [`http::api`] and [`http::dashboard`] behind the other |
//! | [`monitor`] | the checks of each minute: silence, refusals, room on the disk, the clock |
//! | [`reconcile`] | fetches what no webhook brought, and looks up single objects |
//! | [`alerts`] | tells people of issues, and each day of the day before |
//! | [`notify`] | tells the shop's app what changed |
//! | [`config`] | flags, environment and files into one checked configuration |
//! | [`clients`] | every outgoing call, with its keys |
//! | [`store`] | what is kept, and the only SQL: the file, the tables, reading, writing |
//! | [`simulator`] | all that makes events up: a certificate authority for tests, samples, the demo's day |
//! | [`json`] | a registration read, a row written |
//! | [`i18n`] | everything that a person is told, in English and French |
//! | [`telemetry`] | the log, the metrics, the refused requests, the clock |
//! | [`system`] | files that are written whole or not at all |
//! | [`providers`] | the two protocols and nothing else: bytes in, proof and events out |
//! | [`domain`] | values, decisions, and the [records](domain::records) that are kept |
//!
//! # Where to look for
//!
//! - how a refund is read: `providers/stripe/object/refund.rs`, `providers/paypal/resource/refund.rs`; how it
//!   counts: `domain/transaction/refunds.rs`;
//! - to which transaction an event belongs: [`domain::matching`] decides, `store/write/matching.rs` carries it out;
//! - when a notification is tried again: [`domain::delivery`];
//! - a sentence for the shopkeeper: [`i18n`];
//! - what one commit does: `store/write/`, a file for each thing that is done.
//!
//! # The way of a webhook
//!
//! 1. [`http::webhooks`] reads a bounded body as bytes. Nothing is parsed yet.
//! 2. [`http::verify`] has the provider's module verify it ([`providers::stripe::signature`],
//!    [`providers::paypal::transmission`]): only a [`providers::Verified`] can be read. What is not
//!    genuine is refused with 400; what can't be verified now is answered 503.
//! 3. The provider's module reads it into a [`domain::event::Event`]: facts and references,
//!    *ignored*, or *failed* with a reason. All three are kept.
//! 4. [`store::Store::ingest`] hands it to the writer thread, which applies everything that waits in
//!    one transaction: the event's row, the payment that its references mean or an orphan, the
//!    facts, the [fold](domain::transaction::fold) of all of them, the change and the notification
//!    that is owed for it; then it commits.
//! 5. Only then is it answered 200.
//! 6. [`notify`] finds what is owed, tells the shop's app, and keeps what came of it; so does [`alerts`]
//!    with what people are to know.
//!
//! Registering a transaction, over [HTTP](http::api) or on the command line, is read by
//! [`json::registration`] and goes through the same matching and the same fold; so does a stored event that
//! is replayed. What no webhook brought is fetched by [`reconcile`] and goes the same way.
//! [`i18n::explain`] says what became of an event and why.
//!
//! # What is deliberately absent
//!
//! - No clock below [`telemetry::clock`]: an instant is an argument named `now`.
//! - No provider's field name outside [`providers`], no SQL outside [`store`], no status code outside
//!   [`http`] and [`clients`].
//! - No network call while a transaction is open, and none on the way to an answer unless a PayPal
//!   certificate is missing (or every webhook is asked about, because the operator chose that).
//! - No trait with one implementation.
//!
//! Async exists at the sockets only; the writer, the notifier and every call to others block, on
//! threads of their own.

#[macro_use]
pub mod domain;
pub mod i18n;
pub mod providers;
pub mod store;
pub mod system;
pub mod telemetry;

pub mod alerts;
pub mod clients;
pub mod config;
pub mod http;
pub mod json;
pub mod monitor;
pub mod notify;
pub mod reconcile;
pub mod simulator;
pub mod version;

pub mod cli;
