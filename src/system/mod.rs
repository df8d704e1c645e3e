//! Services of the operating system.

pub mod files;
