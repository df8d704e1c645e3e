//! The JSON that comes in (a registration) and goes out (a row).

pub mod registration;
pub mod rows;
