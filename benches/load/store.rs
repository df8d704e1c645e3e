//! The store without HTTP: what has to stand in a database before a run, and how fast it goes.

use std::ops::Range;
use std::path::Path;

use crate::events::Template;

/// Registers the pending transactions that the events of the range will settle, each with the ids
/// of `template.ids(number)` and [`events::amount`](crate::events::amount), test money. Makes the
/// database if it is missing.
pub(crate) fn register(db: &Path, template: &Template, range: Range<u64>) {
    let _ = (db, template, range);
    todo!()
}

/// Stores the events of the range, `batch` of them in a commit, and gives events a second.
pub(crate) fn bare_loop(db: &Path, template: &Template, range: Range<u64>, batch: usize) -> f64 {
    let _ = (db, template, range, batch);
    todo!()
}
