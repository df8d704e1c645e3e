//! What is asked of the operating system.

pub mod files;
