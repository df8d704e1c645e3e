//! A customer's cash balance: a buyer's money that lies at Stripe, paid for no payment yet.
//!
//! Source: Stripe API reference, "The Cash Balance Transaction object".

use super::super::super::reading::{Reading, References, Source};
use super::Object;
use crate::domain::event::Content;
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::ReferenceKind;

impl Object<'_> {
    /// What came to lie there, or went from there to a payment. It moves no payment's money: that of the
    /// PaymentIntent is said by its own events.
    pub(in super::super) fn cash_balance_changed(&self, source: &Source<'_>) -> Reading {
        let state = match self.kind.text() {
            Some("funded" | "unapplied_from_payment" | "refunded_from_payment") => {
                FactState::CashFunded
            }
            Some("applied_to_payment") => FactState::CashApplied,
            Some(_) => {
                return Ok(Content::Ignored(
                    "a change of a cash balance that is about no payment".into(),
                ));
            }
            None => return Err("data.object.type is missing".to_owned()),
        };
        let id = self.own_id()?;
        // What goes to a payment is below nothing.
        let amount = self.net_amount.int().and_then(i64::checked_abs);
        let payments =
            [&self.applied_to_payment, &self.unapplied_from_payment, &self.refunded_from_payment];
        let of = || payments.iter().filter_map(|payment| payment.get());
        let intent = of().find_map(|payment| payment.payment_intent.id());
        let references = References::new(ReferenceKind::CashBalance, id)
            .and(ReferenceKind::PaymentIntent, intent)
            .and(ReferenceKind::Refund, of().find_map(|payment| payment.refund.id()));
        Ok(references.with(Fact {
            amount: Some(self.money("net_amount", amount)?),
            payment_id: intent.map(Into::into),
            ..source.fact(ReferenceKind::CashBalance, id, state)
        }))
    }
}
