//! The built daemon on real sockets with a real database file: what its users rely on.

mod app;
mod certificates;
mod daemon;
mod database;
mod fake;
mod provider;
mod random;
mod shop;
mod wire;

mod answers;
mod cli;
mod config;
mod crash;
mod deliveries;
mod faults;
mod flood;
mod lifecycle;
mod log;
mod matching;
mod migrations;
mod notify;
mod paypal;
mod postback;
mod program;
mod scenarios;
mod send;
mod stripe;
