//! Refunds of either version, and money that PayPal took back.

use super::super::super::reading::{Reading, Source};
use super::amount::money;
use super::{Resource, SupplementaryData, linked_capture};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::{Currency, Money};
use crate::domain::reference::ReferenceKind;

impl Resource<'_> {
    /// Of many types it is not told whether it was made, nor by the API's own. A v1 refund says that it is
    /// a sale and has a negative amount.
    pub(in super::super) fn refund(
        &self,
        source: &Source<'_>,
        said_by_type: Option<FactState>,
        reason: Option<&str>,
    ) -> Reading {
        let id = self.own_id()?;
        let amount = money("amount", self.amount.get())?.abs();
        let references = self
            .references(source, ReferenceKind::Refund, id)
            .and(ReferenceKind::Sale, self.refunded_sale())
            .and(ReferenceKind::Capture, self.refunded_capture());
        Ok(references.with(Fact {
            refunded: self.total_refunded(amount.currency)?,
            reason: reason.map(Into::into),
            ..self.refund_fact(source, id, self.given_back(said_by_type), Some(amount))
        }))
    }

    /// What an order or a payment says of a refund that it contains. An amount that can't be read
    /// does not keep the order from being read.
    pub(super) fn embedded_refund(
        &self,
        source: &Source<'_>,
        only_parent: Option<&str>,
    ) -> Option<Fact> {
        let amount = money("amount", self.amount.get()).ok().map(Money::abs);
        let fact = self.refund_fact(source, self.id.id()?, self.given_back(None), amount);
        let total = amount.and_then(|amount| self.total_refunded(amount.currency).ok().flatten());
        let parent_id = fact.parent_id.clone().or_else(|| only_parent.map(Into::into));
        Some(Fact { refunded: total, parent_id, ..fact })
    }

    fn refund_fact(
        &self,
        source: &Source<'_>,
        id: &str,
        state: FactState,
        amount: Option<Money>,
    ) -> Fact {
        let parent = self.refunded_sale().or_else(|| self.refunded_capture());
        Fact {
            amount,
            parent_id: parent.or_else(|| self.parent_payment.id()).map(Into::into),
            object_at: self.updated_at(),
            ..source.fact(ReferenceKind::Refund, id, state)
        }
    }

    /// Whether it was made. Where neither type nor resource tells, it is under way; where they
    /// contradict each other, the less final of both counts, and nothing where neither is.
    fn given_back(&self, said_by_type: Option<FactState>) -> FactState {
        use FactState::{Conflict, RefundCanceled, RefundFailed, RefundPending, RefundSucceeded};
        let word = self.word();
        let said = match word.as_deref() {
            None => return said_by_type.unwrap_or(RefundPending),
            Some("completed") => Some(RefundSucceeded),
            Some("pending") => Some(RefundPending),
            Some("failed") => Some(RefundFailed),
            Some("canceled" | "cancelled") => Some(RefundCanceled),
            Some(_) => None,
        };
        match (said_by_type, said) {
            (None, Some(said)) => said,
            (by_type, Some(said)) if by_type == Some(said) => said,
            (Some(RefundPending), _) | (_, Some(RefundPending)) => RefundPending,
            // In both the money is with the shop.
            (
                Some(by_type @ (RefundFailed | RefundCanceled)),
                None | Some(RefundFailed | RefundCanceled),
            ) => by_type,
            (_, None) => RefundPending,
            (Some(_), Some(_)) => Conflict,
        }
    }

    /// How much of the capture has been refunded so far, if that is told in the refund's own
    /// currency: a number of another says nothing of it.
    fn total_refunded(&self, currency: Currency) -> Result<Option<i64>, String> {
        let breakdown = self.seller_payable_breakdown.get();
        let totals = [
            (
                "seller_payable_breakdown.total_refunded_amount",
                breakdown.and_then(|of| of.total_refunded_amount.get()),
            ),
            ("total_refunded_amount", self.total_refunded_amount.get()),
        ];
        for (field, total) in totals {
            if total.is_some_and(|total| !total.is_in_another(currency)) {
                return money(field, total).map(|total| Some(total.abs().minor));
            }
        }
        Ok(None)
    }

    fn refunded_sale(&self) -> Option<&str> {
        self.sale_id.id().or_else(|| self.linked("/payments/sale/"))
    }

    fn refunded_capture(&self) -> Option<&str> {
        let related = || self.supplementary_data.get().and_then(SupplementaryData::capture_id);
        self.capture_id.id().or_else(related).or_else(|| linked_capture(&self.links))
    }
}
