//! What both providers' APIs have in common.

use serde_json::value::RawValue;

use super::{Proof, Verified};

/// An answer is no event, or no page of a list of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no event and no list of events")]
pub struct NotAPage;

/// An event out of an API's answer; whoever gave that was asked over TLS and knew the keys.
pub(super) fn from_api(event: &RawValue) -> Verified<'_> {
    Verified { payload: event.get().as_bytes(), proof: Proof::Api }
}

/// What an API says is wrong, short enough for a log line.
pub(super) fn words<const N: usize>(parts: [Option<&str>; N]) -> Option<String> {
    let said: Vec<&str> = parts.into_iter().flatten().collect();
    let said = said.join(": ");
    (!said.is_empty()).then(|| said.chars().take(LONGEST).collect())
}

/// Characters.
const LONGEST: usize = 200;
