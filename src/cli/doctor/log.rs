//! Whether the log of events is as it was written.

use super::Finding;
use crate::cli::CommandError;
use crate::store::{Head, LogProof, Reader};

const CHECK: &str = "log";
/// What is said of them; whoever has more has other troubles.
const TOLD: usize = 20;

/// Reads all of it, in pieces, so that nobody who writes is held up.
pub(super) fn check(reader: &Reader, expected: Option<Head>) -> Result<Vec<Finding>, CommandError> {
    let proof = reader.verify_log(expected)?;
    if proof.fault_count == 0 {
        return Ok(vec![Finding::ok(CHECK, whole(&proof, expected))]);
    }
    let remedy = "look for it in a copy from before: payhookd events show …, with --db FILE";
    let told = proof.faults.iter().take(TOLD);
    let mut findings: Vec<Finding> =
        told.map(|fault| Finding::fail(CHECK, fault.to_string(), remedy)).collect();
    let more = proof.fault_count - findings.len() as u64;
    if more > 0 {
        findings.push(Finding::fail(CHECK, format!("{more} more of this kind"), remedy));
    }
    Ok(findings)
}

fn whole(proof: &LogProof, expected: Option<Head>) -> String {
    let mut said = format!("{} events are as they were written", proof.events);
    if let Some(begun_at) = &proof.begun_at {
        said += &format!(" since {begun_at}");
    }
    for (number, what) in [
        (proof.taken_over, "were there before"),
        (proof.without_body, "without their body, whose hash is kept"),
        (proof.changes, "changes by payhookd itself, each in the chain"),
    ] {
        if number > 0 {
            said += &format!("; {number} {what}");
        }
    }
    said += &match expected {
        Some(noted) => format!("; the noted head {} is in the chain", noted.link),
        None => "; note the head elsewhere and give it with --expect-head next time, because \
                 only then a cut-off end is noticed"
            .to_owned(),
    };
    format!("{said}; head {}", proof.head)
}
