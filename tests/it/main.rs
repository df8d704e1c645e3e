//! The built daemon on real sockets with a real database file: what its users rely on.
//!
//! A folder a subject; `support` says which helper does what.

#![allow(clippy::disallowed_methods)]

mod keeping;
mod money;
mod reading;
mod receiving;
mod running;
mod support;
mod telling;
