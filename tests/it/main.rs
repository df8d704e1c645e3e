//! The built daemon on real sockets with a real database file: what its users rely on.

mod certificates;
mod daemon;
mod database;
mod fake;
mod provider;
mod wire;

mod answers;
mod lifecycle;
mod log;
mod paypal;
mod postback;
mod stripe;
