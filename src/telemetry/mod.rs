//! What the daemon says of itself: the log, the metrics, the refused requests; and the clock.

pub mod clock;
pub mod line;
pub mod metrics;
pub mod refusals;
pub mod tasks;
pub mod throttle;
pub mod writer;
