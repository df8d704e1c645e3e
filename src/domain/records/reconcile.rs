//! One run of reconciliation.

use super::Outcome;

string_enum! {
    /// Why what was missed is fetched: the `cause` column of `reconcile_runs`.
    Cause {
        /// The daemon started after a gap.
        Start = "start",
        /// It was time.
        Schedule = "schedule",
        /// A person said so.
        Command = "command",
    }
}

/// What was found in a provider's list of events, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Events in the list.
    pub seen: i64,
    /// Of them, those that were here.
    pub known: i64,
    /// Of the others, those that were applied to a transaction.
    pub applied: i64,
    /// Those whose payment is an orphan.
    pub orphaned: i64,
    /// Those whose type is not acted on.
    pub ignored: i64,
    /// Those that could not be understood.
    pub failed: i64,
}

impl Found {
    /// Those that were missed.
    pub fn new_events(&self) -> i64 {
        self.seen - self.known
    }

    /// Counts an event; `None`: it was known.
    pub fn count(&mut self, outcome: Option<Outcome>) {
        self.seen += 1;
        *match outcome {
            None => &mut self.known,
            Some(Outcome::Processed) => &mut self.applied,
            Some(Outcome::Orphan) => &mut self.orphaned,
            Some(Outcome::Ignored) => &mut self.ignored,
            Some(Outcome::Failed) => &mut self.failed,
        } += 1;
    }
}

impl std::ops::AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.known += other.known;
        self.applied += other.applied;
        self.orphaned += other.orphaned;
        self.ignored += other.ignored;
        self.failed += other.failed;
    }
}
