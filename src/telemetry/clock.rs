//! The one place where the time is read. Below it an instant is an argument named `now`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::domain::time::Timestamp;

/// Tells the time: the system's or, in tests, always the same or what a file says.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    System,
    Stopped(Timestamp),
    File(&'static Path),
}

impl Clock {
    /// The system's clock.
    pub const SYSTEM: Self = Self(Source::System);

    /// A clock that stands still.
    pub fn stopped_at(instant: Timestamp) -> Self {
        Self(Source::Stopped(instant))
    }

    /// A clock that tells what stands in a file, as RFC 3339, so that a test can move it.
    pub fn in_file(path: PathBuf) -> Self {
        // One for as long as the process runs.
        Self(Source::File(Box::leak(path.into_boxed_path())))
    }

    /// The time, UTC.
    pub fn now(self) -> Timestamp {
        match self.0 {
            Source::System => system(),
            Source::Stopped(instant) => instant,
            Source::File(path) => {
                let text = std::fs::read_to_string(path).ok();
                text.and_then(|text| Timestamp::parse(text.trim()).ok()).unwrap_or_else(system)
            }
        }
    }
}

fn system() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // A clock before 1970 is as wrong as one at 1970.
    Timestamp::EPOCH.plus(since_epoch.unwrap_or_default())
}
