//! Disputes, which may be about several payments.

use super::super::super::reading::{Reading, References, Source};
use super::amount::asked;
use super::{DisputedTransaction, Resource, UNKNOWN_STATUS, order_ids};
use crate::domain::event::{Content, Part};
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::ReferenceKind;

impl Resource<'_> {
    /// Of a type that says that a case is under way: so it is, unless it says that it is resolved.
    pub(in super::super) fn dispute_open(&self, source: &Source<'_>) -> Reading {
        self.dispute(source, self.disputed().unwrap_or(FactState::DisputeOpen))
    }

    /// Of a type that says that the case is resolved: so it is, unless it says that it is under way
    /// again.
    pub(in super::super) fn dispute_resolved(&self, source: &Source<'_>) -> Reading {
        let state = match self.word() {
            None => self.outcome(),
            Some(_) => self.disputed().unwrap_or(FactState::DisputeClosed),
        };
        self.dispute(source, state)
    }

    /// That something changed does not say what: without a status that is known nothing is concluded, so
    /// that a decided case is not opened again by silence.
    pub(in super::super) fn dispute_updated(&self, source: &Source<'_>) -> Reading {
        self.dispute(source, self.disputed().unwrap_or(FactState::Conflict))
    }

    /// As the API gives it.
    pub(in super::super) fn dispute_retrieved(&self, source: &Source<'_>) -> Reading {
        self.dispute(source, self.disputed().ok_or(UNKNOWN_STATUS)?)
    }

    /// How the case stands, by what it says itself, if that is understood. A case that was resolved
    /// may be opened again by an appeal. PayPal holds the money of an inquiry too.
    fn disputed(&self) -> Option<FactState> {
        match &*self.word()? {
            "resolved" => Some(self.outcome()),
            "open"
            | "waiting_for_buyer_response"
            | "waiting_for_seller_response"
            | "under_review"
            | "other" => Some(FactState::DisputeOpen),
            _ => None,
        }
    }

    /// For whom a resolved case was resolved, if it says so. The money of a lost one moves by a refund
    /// or a reversal of its own.
    fn outcome(&self) -> FactState {
        match self.outcome_code() {
            Some("RESOLVED_BUYER_FAVOUR" | "ACCEPTED") => FactState::DisputeLost,
            Some(
                "RESOLVED_SELLER_FAVOUR"
                | "CANCELED_BY_BUYER"
                | "DENIED"
                // PayPal paid the buyer; the shop keeps the money.
                | "RESOLVED_WITH_PAYOUT",
            ) => FactState::DisputeWon,
            _ => FactState::DisputeClosed,
        }
    }

    fn outcome_code(&self) -> Option<&str> {
        self.dispute_outcome.get().and_then(|outcome| outcome.outcome_code.text())
    }

    fn dispute(&self, source: &Source<'_>, state: FactState) -> Reading {
        let id = self.dispute_id.text().or_else(|| self.id.text());
        let id = id.ok_or("resource.dispute_id is missing")?;
        let amount = self.dispute_amount.get();
        let amount = amount.map(|amount| asked("dispute_amount", Some(amount))).transpose()?;
        let case = Fact {
            amount,
            object_at: self.updated_at(),
            reason: self.outcome_code().or_else(|| self.reason.text()).map(Into::into),
            ..source.fact(ReferenceKind::Dispute, id, state)
        };
        let mut parts: Vec<Part> = Vec::new();
        for transaction in self.disputed_transactions.iter() {
            let part = transaction.part(source, &case);
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        if parts.is_empty() {
            parts.push(References::new(ReferenceKind::Dispute, id).part(vec![case]));
        }
        Ok(Content::Payments(parts))
    }
}

impl DisputedTransaction<'_> {
    /// What the case says of this one payment.
    fn part(&self, source: &Source<'_>, case: &Fact) -> Part {
        // A capture's id or a sale's: PayPal does not tell, and no two objects share an id.
        let taken = self.seller_transaction_id.id();
        References::new(case.object, &case.object_id)
            .and(ReferenceKind::Capture, taken)
            .and_order_ids(&order_ids(source.rules, [&self.custom], [&self.invoice_number]))
            .part(vec![Fact { parent_id: taken.map(Into::into), ..case.clone() }])
    }
}
