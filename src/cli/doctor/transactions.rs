//! Whether the transactions are what their events say.

use super::{Check, Finding};
use crate::cli::CommandError;
use crate::store::Reader;

const CHECK: Check = Check("transactions");
/// At most so many are shown; whoever has more has other troubles.
const TOLD: usize = 20;

/// Folds all of them again, in pieces, so that nobody who writes is held up.
pub(super) fn check(reader: &Reader) -> Result<Vec<Finding>, CommandError> {
    let found = reader.refold_all()?;
    if found.differing_count == 0 {
        let what = format!("{} are what their events say", found.transactions);
        return Ok(vec![CHECK.ok(what)]);
    }
    let told = found.differing.iter().take(TOLD);
    let mut findings: Vec<Finding> = told
        .map(|one| {
            let show = format!("payhookd transactions show {}", one.id);
            let remedy = format!("compare it with a copy from before: {show}, with --db FILE");
            CHECK.fail(one.to_string(), remedy)
        })
        .collect();
    let more = found.differing_count.saturating_sub(TOLD as u64);
    if more > 0 {
        let remedy = "go back to a copy: docs/data.md, Backup";
        findings.push(CHECK.fail(format!("{more} more of this kind"), remedy));
    }
    Ok(findings)
}
