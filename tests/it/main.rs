//! The built daemon on real sockets with a real database file: what its users rely on.

mod daemon;
mod database;
mod provider;
mod random;
mod shop;
mod wire;

mod crash;
mod faults;
mod flood;
mod lifecycle;
mod migrations;
