//! What is written: each in one transaction.

pub(super) mod alerts;
pub(super) mod attempts;
pub(super) mod chain;
pub(super) mod closing;
pub(super) mod daily_reports;
pub(super) mod deliveries;
pub(super) mod doubtful;
pub(super) mod faults;
pub(super) mod ingest;
pub(super) mod issue_retention;
pub(super) mod issues;
pub(super) mod known_head;
pub(super) mod late_money;
pub(super) mod matching;
pub(super) mod object_lookups;
pub(super) mod orphans;
pub(super) mod raise;
pub(super) mod read_again;
pub(super) mod reconcile;
pub(super) mod redaction;
pub(super) mod refold;
pub(super) mod register;
pub(super) mod replay;
pub(super) mod retention;
pub(super) mod transmissions;
pub(super) mod writer;
