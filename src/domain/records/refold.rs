//! What another reading of all facts would change.

/// What the check of the transactions found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refolding {
    /// Transactions that were looked at.
    pub transactions: u64,
    /// Those that are not what their events and changes say; at most a hundred of them.
    pub differing: Vec<Differing>,
    /// How many there are in all.
    pub differing_count: u64,
}

/// A transaction that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transaction {id}: {} differ from what its events and changes say", .columns.join(", "))]
pub struct Differing {
    /// Its number.
    pub id: i64,
    /// The columns that differ.
    pub columns: Vec<&'static str>,
}
