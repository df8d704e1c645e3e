//! Which payhookd this is.

/// The version, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was made of, abbreviated; empty in a debug build, and where nobody could tell.
pub const COMMIT: &str = env!("PAYHOOKD_BUILD_COMMIT");

/// Both, and the day of the commit: `0.1.0 (abc1234 2026-11-25)`.
pub const BUILD: &str = env!("PAYHOOKD_BUILD");
