//! The built daemon on real sockets with a real database file: what its users rely on.

mod daemon;
mod database;
mod fake;
mod provider;
mod wire;

mod lifecycle;
mod paypal;
mod postback;
mod stripe;
