//! The payhookd binary.
fn main() {}
