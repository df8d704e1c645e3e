//! Whether the log of events is as it was written.

use super::installation::Patient;
use super::{Check, Finding};
use crate::cli::CommandError;
use crate::domain::records::{Continuation, Head, LinkKind, LogChange, LogProof};
use crate::store::{Reader, StoreError, known_head_file};

const CHECK: Check = Check("log");
/// At most so many are shown; whoever has more has other troubles.
const TOLD: usize = 20;

/// Reads all of it, in pieces, so that nobody who writes is held up.
pub(super) fn check(
    patient: &Patient,
    reader: &Reader,
    noted: Option<Head>,
) -> Result<Vec<Finding>, CommandError> {
    let mut findings = check_continuation(patient, reader);
    let known = match reader.continuation(&patient.db, false) {
        Ok(Continuation::Continues(head)) => Some(head),
        _ => None,
    };
    let expected: Vec<Head> = noted.into_iter().chain(known).collect();
    let proof = reader.verify_log(&expected)?;
    if proof.fault_count == 0 {
        findings.push(CHECK.ok(whole(&proof, noted)));
    }
    let remedy = "look for it in a copy from before: payhookd events show …, with --db FILE";
    let told = proof.faults.iter().take(TOLD);
    findings.extend(told.map(|fault| CHECK.fail(fault.to_string(), remedy)));
    let more = proof.fault_count.saturating_sub(TOLD as u64);
    if more > 0 {
        findings.push(CHECK.fail(format!("{more} more of this kind"), remedy));
    }
    findings.extend(proof.changes.iter().map(|change| CHECK.ok(done_on(change))));
    Ok(findings)
}

/// Whether the log goes on from its last known head; nothing if it does.
pub(super) fn check_continuation(patient: &Patient, reader: &Reader) -> Vec<Finding> {
    let file = known_head_file(&patient.db);
    let file = file.display();
    match reader.continuation(&patient.db, false) {
        Ok(Continuation::Unknown | Continuation::Continues(_)) => Vec::new(),
        Ok(Continuation::Broken(known)) => vec![CHECK.fail(format!(
                "its chain ended with {known} when the daemon last saw it, and has no such link now: it \
                 was made anew, or another database is in its place"
            ),
            format!(
                "go back to a copy: docs/data.md, Backup; if you did that yourself without `payhookd \
                 restore`, remove {file}"
            ),
        )],
        Err(StoreError::Disk(problem)) => vec![CHECK.warn(format!("its last known head can't be read: {problem}"),
            "ask again as root: sudo payhookd doctor",
        )],
        Err(error) => vec![CHECK.fail(error.to_string(), "payhookd doctor --full")],
    }
}

fn whole(proof: &LogProof, noted: Option<Head>) -> String {
    let mut said = format!("{} events are as they were written", proof.events);
    if let Some(begun_at) = &proof.begun_at {
        said += &format!(" since {begun_at}");
    }
    for (number, what) in [
        (proof.taken_over, "were there before"),
        (proof.without_body, "without their body, whose hash is kept"),
    ] {
        if number > 0 {
            said += &format!("; {number} {what}");
        }
    }
    if let Some((events, at)) = &proof.carried_over {
        said += &format!(
            "; {events} were carried over at {at} from an earlier form of the chain, which did not \
             find everything that may have been done to them before"
        );
    }
    said += &match noted {
        Some(noted) => format!("; the noted head {} is in the chain", noted.link),
        None => "; note the head elsewhere and give it with --expect-head next time, because \
                 only then a chain that was cut off or made anew is noticed"
            .to_owned(),
    };
    format!("{said}; head {}", proof.head)
}

/// A change that payhookd made itself, or somebody who knows how it does that.
fn done_on(change: &LogChange) -> String {
    let LogChange { day, kind, events } = change;
    let what = match kind {
        LinkKind::Redacted => "personal fields were removed from",
        LinkKind::Pruned => "old bodies and headers were removed from",
        LinkKind::Reread => "something else was read than before from",
        LinkKind::Rendering => "another rendering said more of",
        LinkKind::Replaced => "a rendering that could be understood took the place of",
        LinkKind::Received | LinkKind::TakenOver | LinkKind::Begun | LinkKind::Sealed => "links of",
    };
    let s = if events.len() == 1 { "event" } else { "events" };
    format!("{day}: {what} {s} {events}")
}
