//! The built daemon on real sockets with a real database file: what its users rely on.

mod app;
mod certificates;
mod daemon;
mod database;
mod document;
mod fake;
mod provider;
mod random;
mod shop;
mod wire;

mod answers;
mod api;
mod cli;
mod config;
mod crash;
mod faults;
mod flood;
mod lifecycle;
mod listing;
mod log;
mod matching;
mod migrations;
mod openapi;
mod paypal;
mod postback;
mod scenarios;
mod send;
mod stripe;
mod waiting;
