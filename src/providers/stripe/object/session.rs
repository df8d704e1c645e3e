//! Checkout Sessions: the page on which a buyer pays.

use super::super::super::reading::{Reading, References, Source};
use super::super::super::rules::OrderIdSource;
use super::Object;
use crate::domain::event::Content;
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::reference::ReferenceKind;

impl Object<'_> {
    /// A completed session is paid only if it says so: a delayed method pays days later.
    pub(in super::super) fn session_completed(&self, source: &Source<'_>) -> Reading {
        self.session(
            source,
            match self.payment_status.text() {
                Some("no_payment_required") => FactState::NoPayment,
                Some("paid") => FactState::Succeeded,
                _ => FactState::Processing,
            },
        )
    }

    pub(in super::super) fn session_paid(&self, source: &Source<'_>) -> Reading {
        let contradicted = self.payment_status.text().is_some_and(|status| status != "paid");
        let state = if contradicted { FactState::Conflict } else { FactState::Succeeded };
        self.session(source, state)
    }

    /// As the API gives it.
    pub(in super::super) fn session_retrieved(&self, source: &Source<'_>) -> Reading {
        match self.status.text() {
            Some("open") => self.session(source, FactState::Created),
            Some("complete") => self.session_completed(source),
            Some("expired") => self.session(source, FactState::Canceled),
            _ => Err("data.object.status is missing or unknown".to_owned()),
        }
    }

    pub(in super::super) fn session(&self, source: &Source<'_>, state: FactState) -> Reading {
        if self.mode.text() == Some("setup") {
            return Ok(Content::Ignored(
                "a session that sets up a method and takes nothing".into(),
            ));
        }
        let id = self.own_id()?;
        let amount = self.money("amount_total", self.amount_total.int())?;
        let takes_client_reference =
            source.rules.takes_order_id_from(OrderIdSource::ClientReferenceId);
        let client_reference = self.client_reference_id.label().filter(|_| takes_client_reference);
        let references = References::new(ReferenceKind::CheckoutSession, id)
            .and(ReferenceKind::CheckoutSession, self.recovered_from.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::Invoice, self.invoice.id())
            .and(ReferenceKind::Subscription, self.subscription.id())
            .and(ReferenceKind::ClientReference, client_reference.as_deref())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(amount),
            captured: (state == FactState::Succeeded).then_some(amount.minor),
            payment_id: self.payment_intent.id().map(Into::into),
            shop_money: self.shop_money(),
            ..source.fact(ReferenceKind::CheckoutSession, id, state)
        }))
    }

    /// Until 2025-03-31.basil a session whose buyer pays in a currency of his own says what the shop asked
    /// for in its own.
    fn shop_money(&self) -> Option<Money> {
        let conversion = self.currency_conversion.get()?;
        let minor = conversion.amount_total.int()?;
        Money::from_stripe(minor, conversion.source_currency.text()?).ok()
    }
}
