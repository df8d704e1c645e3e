//! What retention removes.

/// What one step of pruning did, or all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events whose body and headers were removed.
    pub events: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Events that are old enough but were left whole, because something about them is open.
    pub unsettled: u64,
    /// Refused requests that were removed.
    pub rejected: u64,
    /// Issues that were over and were removed.
    pub issues: u64,
}

impl Pruned {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            bytes: self.bytes + other.bytes,
            unsettled: self.unsettled + other.unsettled,
            rejected: self.rejected + other.rejected,
            issues: self.issues + other.issues,
        }
    }

    /// Whether nothing was removed.
    pub fn is_nothing(self) -> bool {
        self.events == 0 && self.rejected == 0 && self.issues == 0
    }
}
