//! The JSON that comes in (registrations) and goes out (a row).

pub mod registration;
pub mod rows;
pub mod subscription;
