//! The one place where the time is read. Below it an instant is an argument named `now`.

use std::time::SystemTime;

use crate::domain::time::Timestamp;

/// Tells the time: the system's or, in tests, always the same.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Option<Timestamp>);

impl Clock {
    /// The system's clock.
    pub const SYSTEM: Self = Self(None);

    /// A clock that stands still.
    pub fn stopped_at(instant: Timestamp) -> Self {
        Self(Some(instant))
    }

    /// The time, UTC.
    pub fn now(self) -> Timestamp {
        self.0.unwrap_or_else(|| {
            let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            // A clock before 1970 is as wrong as one at 1970.
            Timestamp::EPOCH.plus(since_epoch.unwrap_or_default())
        })
    }
}
