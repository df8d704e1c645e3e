//! Authorizations: money that is held.

use super::super::super::reading::{Reading, Source};
use super::{Resource, UNKNOWN_STATUS};
use crate::domain::fact::FactState;
use crate::domain::reference::ReferenceKind;

impl Resource<'_> {
    /// The type says that it was made, which is a hold unless the resource says that it is none, or
    /// not yet. What nobody understands is no hold.
    pub(in super::super) fn authorization_created(&self, source: &Source<'_>) -> Reading {
        let state = match self.word() {
            None => FactState::Authorized,
            Some(_) => self.held().unwrap_or(FactState::Conflict),
        };
        self.payment(source, ReferenceKind::Authorization, state)
    }

    /// As the API gives it.
    pub(in super::super) fn authorization_retrieved(&self, source: &Source<'_>) -> Reading {
        let state = self.held().ok_or(UNKNOWN_STATUS)?;
        self.payment(source, ReferenceKind::Authorization, state)
    }

    /// What became of it, by what it says itself, if that is understood.
    pub(super) fn held(&self) -> Option<FactState> {
        match &*self.word()? {
            "created" | "authorized" | "partially_captured" => Some(FactState::Authorized),
            "captured" => Some(FactState::Succeeded),
            "voided" | "expired" => Some(FactState::Canceled),
            "denied" => Some(FactState::AttemptFailed),
            "pending" => Some(FactState::Processing),
            _ => None,
        }
    }
}
