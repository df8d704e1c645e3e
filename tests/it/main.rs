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
mod backup;
mod cli;
mod config;
mod crash;
mod deliveries;
mod faults;
mod flood;
mod handover;
mod lifecycle;
mod log;
mod matching;
mod migrations;
mod notify;
mod orphans;
mod paypal;
mod postback;
mod program;
mod replay;
mod scenarios;
mod send;
mod stripe;
