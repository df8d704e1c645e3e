//! Invoices, and the InvoicePayments that tie them to what paid them.

use super::super::super::reading::{Reading, References, Source};
use super::Object;
use crate::domain::event::Content;
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::reference::ReferenceKind;

impl Object<'_> {
    /// One whose status says something else was not paid by this event.
    pub(in super::super) fn invoice_paid(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_paid", self.amount_paid.int())?;
        match self.status.text() {
            None | Some("paid") => {
                self.invoice(source, FactState::InvoicePaid, amount, Some(amount.minor), None)
            }
            Some(_) => self.invoice(source, FactState::Conflict, amount, None, None),
        }
    }

    pub(in super::super) fn invoice_failed(&self, source: &Source<'_>) -> Reading {
        self.invoice_due(source, FactState::InvoiceAttemptFailed, None)
    }

    pub(in super::super) fn invoice_requires_action(&self, source: &Source<'_>) -> Reading {
        self.invoice_due(source, FactState::InvoiceRequiresAction, None)
    }

    /// Nothing more is to be paid of it.
    pub(in super::super) fn invoice_voided(&self, source: &Source<'_>) -> Reading {
        match self.status.text() {
            None | Some("void") => self.invoice_due(source, FactState::Canceled, None),
            Some(_) => self.invoice_due(source, FactState::Conflict, None),
        }
    }

    /// The shop does not expect to be paid, but it still may be.
    pub(in super::super) fn invoice_uncollectible(&self, source: &Source<'_>) -> Reading {
        match self.status.text() {
            None | Some("uncollectible") => {
                self.invoice_due(source, FactState::InvoiceAttemptFailed, Some("uncollectible"))
            }
            Some(_) => self.invoice_due(source, FactState::Conflict, None),
        }
    }

    /// As the API gives it: an open one that was tried has failed so far.
    pub(in super::super) fn invoice_retrieved(&self, source: &Source<'_>) -> Reading {
        match self.status.text() {
            Some("paid") => self.invoice_paid(source),
            Some("void") => self.invoice_voided(source),
            Some("uncollectible") => self.invoice_uncollectible(source),
            Some("open") if self.attempted.bool() == Some(true) => self.invoice_failed(source),
            Some("open" | "draft") => self.invoice_due(source, FactState::Created, None),
            _ => Err("data.object.status is missing or unknown".to_owned()),
        }
    }

    /// One that is not paid in full; of it parts may be.
    fn invoice_due(&self, source: &Source<'_>, state: FactState, reason: Option<&str>) -> Reading {
        let amount = self.money("amount_due", self.amount_due.int())?;
        let paid = Self::not_negative("amount_paid", self.amount_paid.int())?;
        let paid = paid.filter(|paid| *paid > 0 && state != FactState::Conflict);
        self.invoice(source, state, amount, paid, reason)
    }

    fn invoice(
        &self,
        source: &Source<'_>,
        state: FactState,
        amount: Money,
        captured: Option<i64>,
        reason: Option<&str>,
    ) -> Reading {
        let id = self.own_id()?;
        let subscription = self.subscription_id();
        let references = References::new(ReferenceKind::Invoice, id)
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::Subscription, subscription)
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        let invoice = references.part(vec![Fact {
            amount: Some(amount),
            captured,
            payment_id: self.intent_or_charge().map(Into::into),
            reason: reason.map(Into::into),
            period: subscription.and_then(|id| self.lines.get()?.period(id)),
            ..source.fact(ReferenceKind::Invoice, id, state)
        }]);
        let mut parts = vec![invoice];
        // What paid it, each beside it: no PaymentIntent of a list is an id of the invoice.
        for payment in self.payments.get().into_iter().flat_map(|payments| payments.data.iter()) {
            if let Content::Payments(more) = payment.invoice_payment_retrieved(source)? {
                parts.extend(more);
            }
        }
        Ok(Content::Payments(parts))
    }

    /// Since 2025-03-31.basil it stands in the parent.
    fn subscription_id(&self) -> Option<&str> {
        let parent = self.parent.get().and_then(|parent| parent.subscription_details.get());
        self.subscription.id().or_else(|| parent?.subscription.id())
    }

    /// The only event that ties an invoice to its PaymentIntent since 2025-03-31.basil.
    pub(in super::super) fn invoice_payment_paid(&self, source: &Source<'_>) -> Reading {
        self.invoice_payment(source, matches!(self.status.text(), None | Some("paid")))
    }

    /// As the API gives it: one that does not say that it is paid is a link and nothing more.
    pub(in super::super) fn invoice_payment_retrieved(&self, source: &Source<'_>) -> Reading {
        self.invoice_payment(source, self.status.text() == Some("paid"))
    }

    fn invoice_payment(&self, source: &Source<'_>, is_paid: bool) -> Reading {
        let id = self.own_id()?;
        let payment = self.payment.get();
        let intent = payment.and_then(|payment| payment.payment_intent.id());
        let charge = payment.and_then(|payment| payment.charge.id());
        let references = References::new(ReferenceKind::InvoicePayment, id)
            .and(ReferenceKind::Invoice, self.invoice.id())
            .and(ReferenceKind::PaymentIntent, intent)
            .and(ReferenceKind::Charge, charge);
        let (state, amount) = match is_paid {
            true => {
                let paid = self.money("amount_paid", self.amount_paid.int())?;
                (FactState::InvoicePaymentPaid, Some(paid))
            }
            false => {
                let requested = self.money("amount_requested", self.amount_requested.int());
                (FactState::Created, requested.ok())
            }
        };
        Ok(references.with(Fact {
            amount,
            captured: amount.filter(|_| is_paid).map(|amount| amount.minor),
            parent_id: self.invoice.id().map(Into::into),
            payment_id: intent.or(charge).map(Into::into),
            ..source.fact(ReferenceKind::InvoicePayment, id, state)
        }))
    }
}
