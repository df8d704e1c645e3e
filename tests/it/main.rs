//! The built daemon on real sockets with a real database file: what its users rely on.

mod certificates;
mod daemon;
mod database;
mod fake;
mod provider;
mod wire;

mod answers;
mod cli;
mod config;
mod lifecycle;
mod log;
mod matching;
mod paypal;
mod postback;
mod stripe;
