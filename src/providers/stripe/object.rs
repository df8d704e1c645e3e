//! What Stripe's objects say of a payment.
//!
//! Source: Stripe API reference, "Types of events" and the object of each. `data.object` is the
//! object as it was when the event was made.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::loose::{Expandable, List, Loose, Map, Part};
use super::super::reading::{Reading, References, Source, readings};
use super::super::rules::{OrderIdSource, Rules};
use crate::domain::event::{Content, Ownership, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;

/// The union of the fields that are read of any object.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    status: Loose<'a>,
    amount: Loose<'a>,
    amount_received: Loose<'a>,
    amount_capturable: Loose<'a>,
    amount_captured: Loose<'a>,
    amount_refunded: Loose<'a>,
    amount_paid: Loose<'a>,
    amount_due: Loose<'a>,
    amount_total: Loose<'a>,
    captured: Loose<'a>,
    #[serde(borrow)]
    mode: Loose<'a>,
    #[serde(borrow)]
    refunds: Part<Listed<'a>>,
    #[serde(borrow)]
    payment: Part<InvoicePaid<'a>>,
    #[serde(borrow)]
    payment_status: Loose<'a>,
    #[serde(borrow)]
    client_reference_id: Loose<'a>,
    #[serde(borrow)]
    failure_code: Loose<'a>,
    #[serde(borrow)]
    failure_reason: Loose<'a>,
    #[serde(borrow)]
    currency: Loose<'a>,
    #[serde(borrow)]
    payment_intent: Loose<'a>,
    #[serde(borrow)]
    charge: Loose<'a>,
    #[serde(borrow)]
    latest_charge: Expandable<'a, Self>,
    #[serde(borrow)]
    charges: Part<Listed<'a>>,
    #[serde(borrow)]
    invoice: Loose<'a>,
    #[serde(borrow)]
    subscription: Loose<'a>,
    #[serde(borrow)]
    parent: Part<InvoiceParent<'a>>,
    #[serde(borrow)]
    cancellation_reason: Loose<'a>,
    #[serde(borrow)]
    reason: Loose<'a>,
    #[serde(borrow)]
    last_payment_error: Part<PaymentError<'a>>,
    #[serde(borrow)]
    metadata: Map<'a>,
    /// Of an invoice, until 2025-03-31.basil.
    #[serde(borrow)]
    subscription_details: Part<SubscriptionDetails<'a>>,
    open: Loose<'a>,
    attempted: Loose<'a>,
    created: Loose<'a>,
    disputed: Loose<'a>,
    #[serde(borrow)]
    fraud_type: Loose<'a>,
}

/// Until 2022-11-15 a PaymentIntent carries its charges, and the oldest events name them only there;
/// a charge carries its refunds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed<'a> {
    #[serde(borrow)]
    data: List<Item<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
}

/// What an InvoicePayment was paid with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct InvoicePaid<'a> {
    #[serde(borrow)]
    payment_intent: Loose<'a>,
    #[serde(borrow)]
    charge: Loose<'a>,
}

/// Since 2025-03-31.basil the subscription of an invoice stands here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct InvoiceParent<'a> {
    #[serde(borrow)]
    subscription_details: Part<SubscriptionDetails<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubscriptionDetails<'a> {
    #[serde(borrow)]
    subscription: Loose<'a>,
    #[serde(borrow)]
    metadata: Map<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PaymentError<'a> {
    #[serde(borrow)]
    code: Loose<'a>,
    #[serde(borrow)]
    decline_code: Loose<'a>,
}

readings! {
    /// The types of events that are acted on.
    TYPES;
    /// How the object of an event of this type is read.
    fn reading -> Object;
    "payment_intent.created" => payment_intent_created,
    "payment_intent.requires_action" | "payment_intent.partially_funded" =>
        payment_intent_requires_action,
    "payment_intent.processing" => payment_intent_processing,
    "payment_intent.amount_capturable_updated" => payment_intent_authorized,
    "payment_intent.payment_failed" => payment_intent_failed,
    "payment_intent.succeeded" => payment_intent_succeeded,
    "payment_intent.canceled" => payment_intent_canceled,
    "charge.pending" | "charge.succeeded" | "charge.captured" | "charge.failed"
        | "charge.updated" => charge,
    "charge.expired" => charge_expired,
    "charge.refunded" => charge_refunded,
    "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => refund,
    "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed"
        | "charge.dispute.funds_withdrawn" | "charge.dispute.funds_reinstated" => dispute,
    "invoice.paid" | "invoice.payment_succeeded" => invoice_paid,
    "invoice.payment_failed" => invoice_failed,
    "invoice.payment_action_required" => invoice_requires_action,
    "invoice_payment.paid" => invoice_payment_paid,
    "checkout.session.completed" => session_completed,
    "checkout.session.async_payment_succeeded" => session_paid,
    "checkout.session.async_payment_failed" => session_failed,
    "checkout.session.expired" => session_expired,
    "radar.early_fraud_warning.created" | "radar.early_fraud_warning.updated" => fraud_warning,
    "review.opened" | "review.closed" => review,
}

impl Object<'_> {
    pub(super) fn payment_intent_succeeded(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_received", self.received())?;
        let contradicted = self.status.text().is_some_and(|status| status != "succeeded");
        let state = if contradicted { FactState::Conflict } else { FactState::Succeeded };
        let captured = (!contradicted).then_some(amount.minor);
        self.payment_intent(source, state, Some(amount), captured, None)
    }

    /// What was taken. Where it does not say so itself, as in imitations of Stripe, the charge does
    /// that comes with it.
    fn received(&self) -> Option<i64> {
        self.amount_received.int().or_else(|| {
            let charge = self.latest_charge.whole()?;
            let is_taken =
                charge.captured.bool() == Some(true) && charge.status.text() == Some("succeeded");
            is_taken.then(|| charge.amount_captured.int().or_else(|| charge.amount.int()))?
        })
    }

    /// As the API gives it, by its `status`. The charge that it names, if it comes with it, says what
    /// was taken and what went back; of an attempt that came to nothing the PaymentIntent itself says
    /// whether that still counts.
    pub(super) fn payment_intent_retrieved(&self, source: &Source<'_>) -> Reading {
        let said = match self.status.text() {
            Some("succeeded") => self.payment_intent_succeeded(source),
            Some("canceled") => self.payment_intent_canceled(source),
            Some("requires_capture") => self.payment_intent_authorized(source),
            Some("processing") => self.payment_intent_processing(source),
            Some("requires_action" | "requires_source_action") => {
                self.payment_intent_requires_action(source)
            }
            Some("requires_payment_method" | "requires_source")
                if self.last_payment_error.get().is_some() =>
            {
                self.payment_intent_failed(source)
            }
            Some("requires_payment_method" | "requires_source" | "requires_confirmation") => {
                self.payment_intent_created(source)
            }
            _ => Err("data.object.status is missing or unknown".to_owned()),
        }?;
        let charge = self.latest_charge.whole();
        match charge.filter(|charge| charge.captured.bool() == Some(true)) {
            Some(charge) if charge.status.text() == Some("succeeded") => {
                let of_charge = charge.charge_retrieved(source)?;
                Ok(both(said, of_charge))
            }
            _ => Ok(said),
        }
    }

    /// As the API gives it. That an attempt failed was so when it was made, whatever was tried since.
    pub(super) fn charge_retrieved(&self, source: &Source<'_>) -> Reading {
        let gave_back = self.amount_refunded.int().is_some_and(|refunded| refunded > 0);
        let created = self.created.int().and_then(Timestamp::from_unix_seconds);
        match (self.status.text(), created) {
            (Some("failed"), Some(occurred_at)) => self.charge(&Source { occurred_at, ..*source }),
            _ if gave_back => self.charge_refunded(source),
            _ => self.charge(source),
        }
    }

    /// As the API gives it: an open one that was tried has failed so far.
    pub(super) fn invoice_retrieved(&self, source: &Source<'_>) -> Reading {
        let state = match self.status.text() {
            Some("paid") => return self.invoice_paid(source),
            Some("open") if self.attempted.bool() == Some(true) => FactState::InvoiceAttemptFailed,
            Some("void") => FactState::Canceled,
            Some("open" | "draft" | "uncollectible") => FactState::Created,
            _ => return Err("data.object.status is missing or unknown".to_owned()),
        };
        let amount = self.money("amount_due", self.amount_due.int())?;
        self.invoice(source, state, amount, None)
    }

    /// As the API gives it: one that is not paid is a link and nothing more.
    pub(super) fn invoice_payment_retrieved(&self, source: &Source<'_>) -> Reading {
        if self.status.text() == Some("paid") {
            return self.invoice_payment_paid(source);
        }
        let id = self.own_id()?;
        let fact = source.fact(ReferenceKind::InvoicePayment, id, FactState::Created);
        Ok(self.invoice_payment_references(id).with(fact))
    }

    /// As the API gives it.
    pub(super) fn session_retrieved(&self, source: &Source<'_>) -> Reading {
        match self.status.text() {
            Some("open") => self.session(source, FactState::Created),
            Some("complete") => self.session_completed(source),
            Some("expired") => self.session_expired(source),
            _ => Err("data.object.status is missing or unknown".to_owned()),
        }
    }

    pub(super) fn payment_intent_failed(&self, source: &Source<'_>) -> Reading {
        let error = self.last_payment_error.get();
        let reason =
            error.and_then(|error| error.decline_code.text().or_else(|| error.code.text()));
        self.attempt(source, FactState::AttemptFailed, reason)
    }

    pub(super) fn payment_intent_canceled(&self, source: &Source<'_>) -> Reading {
        let contradicted = self.status.text().is_some_and(|status| status != "canceled");
        let state = if contradicted { FactState::Conflict } else { FactState::Canceled };
        self.attempt(source, state, self.cancellation_reason.text())
    }

    pub(super) fn payment_intent_created(&self, source: &Source<'_>) -> Reading {
        self.attempt(source, FactState::Created, None)
    }

    pub(super) fn payment_intent_authorized(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_capturable", self.amount_capturable.int())?;
        self.payment_intent(source, FactState::Authorized, Some(amount), None, None)
    }

    pub(super) fn payment_intent_processing(&self, source: &Source<'_>) -> Reading {
        self.attempt(source, FactState::Processing, None)
    }

    pub(super) fn payment_intent_requires_action(&self, source: &Source<'_>) -> Reading {
        self.attempt(source, FactState::RequiresAction, None)
    }

    /// A PaymentIntent that has taken nothing; its amount is what is asked for.
    fn attempt(&self, source: &Source<'_>, state: FactState, reason: Option<&str>) -> Reading {
        let amount = self.money("amount", self.amount.int())?;
        self.payment_intent(source, state, Some(amount), None, reason)
    }

    fn payment_intent(
        &self,
        source: &Source<'_>,
        state: FactState,
        amount: Option<Money>,
        captured: Option<i64>,
        reason: Option<&str>,
    ) -> Reading {
        let id = self.own_id()?;
        let mut references = References::new(ReferenceKind::PaymentIntent, id)
            .and(ReferenceKind::Charge, self.latest_charge_id());
        for charge in self.charges.get().into_iter().flat_map(|charges| charges.data.iter()) {
            references = references.and(ReferenceKind::Charge, charge.id.id());
        }
        let references = references
            .and(ReferenceKind::Invoice, self.invoice.id())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount,
            captured,
            reason: reason.map(Into::into),
            ..source.fact(ReferenceKind::PaymentIntent, id, state)
        }))
    }

    /// By `status`, because one dispute runs through several event types and may escalate.
    pub(super) fn dispute(&self, source: &Source<'_>) -> Reading {
        let id = self.own_id()?;
        let state = match self.status.text() {
            Some("warning_needs_response" | "warning_under_review") => FactState::DisputeInquiry,
            Some("warning_closed") => FactState::DisputeInquiryClosed,
            Some("won") => FactState::DisputeWon,
            Some("lost") => FactState::DisputeLost,
            Some("prevented") => FactState::DisputePrevented,
            Some("charge_refunded") => FactState::DisputeClosed,
            // A status of a later API version: the money is withheld until something else is said.
            _ => FactState::DisputeOpen,
        };
        let parent = self.charge.id().or_else(|| self.payment_intent.id());
        let references = References::new(ReferenceKind::Dispute, id)
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(self.money("amount", self.amount.int())?),
            parent_id: parent.map(Into::into),
            reason: self.reason.text().map(Into::into),
            ..source.fact(ReferenceKind::Dispute, id, state)
        }))
    }

    pub(super) fn invoice_paid(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_paid", self.amount_paid.int())?;
        self.invoice(source, FactState::InvoicePaid, amount, Some(amount.minor))
    }

    pub(super) fn invoice_failed(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_due", self.amount_due.int())?;
        self.invoice(source, FactState::InvoiceAttemptFailed, amount, None)
    }

    pub(super) fn invoice_requires_action(&self, source: &Source<'_>) -> Reading {
        let amount = self.money("amount_due", self.amount_due.int())?;
        self.invoice(source, FactState::InvoiceRequiresAction, amount, None)
    }

    fn invoice(
        &self,
        source: &Source<'_>,
        state: FactState,
        amount: Money,
        captured: Option<i64>,
    ) -> Reading {
        let id = self.own_id()?;
        let since_basil = self
            .parent
            .get()
            .and_then(|parent| parent.subscription_details.get())
            .and_then(|details| details.subscription.id());
        let references = References::new(ReferenceKind::Invoice, id)
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::Subscription, self.subscription.id().or(since_basil))
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(amount),
            captured,
            ..source.fact(ReferenceKind::Invoice, id, state)
        }))
    }

    /// The only event that ties an invoice to its PaymentIntent since 2025-03-31.basil.
    pub(super) fn invoice_payment_paid(&self, source: &Source<'_>) -> Reading {
        let id = self.own_id()?;
        let amount = self.money("amount_paid", self.amount_paid.int())?;
        Ok(self.invoice_payment_references(id).with(Fact {
            amount: Some(amount),
            captured: Some(amount.minor),
            ..source.fact(ReferenceKind::InvoicePayment, id, FactState::InvoicePaymentPaid)
        }))
    }

    fn invoice_payment_references(&self, id: &str) -> References {
        let payment = self.payment.get();
        References::new(ReferenceKind::InvoicePayment, id)
            .and(ReferenceKind::Invoice, self.invoice.id())
            .and(
                ReferenceKind::PaymentIntent,
                payment.and_then(|payment| payment.payment_intent.id()),
            )
            .and(ReferenceKind::Charge, payment.and_then(|payment| payment.charge.id()))
    }

    /// A completed session is paid only if it says so: a delayed method pays days later.
    pub(super) fn session_completed(&self, source: &Source<'_>) -> Reading {
        if self.payment_status.text() == Some("no_payment_required") {
            return self.session(source, FactState::NoPayment);
        }
        let paid = self.payment_status.text() == Some("paid");
        self.session(source, if paid { FactState::Succeeded } else { FactState::Processing })
    }

    pub(super) fn session_paid(&self, source: &Source<'_>) -> Reading {
        let contradicted = self.payment_status.text().is_some_and(|status| status != "paid");
        let state = if contradicted { FactState::Conflict } else { FactState::Succeeded };
        self.session(source, state)
    }

    pub(super) fn session_failed(&self, source: &Source<'_>) -> Reading {
        self.session(source, FactState::AttemptFailed)
    }

    pub(super) fn session_expired(&self, source: &Source<'_>) -> Reading {
        self.session(source, FactState::Canceled)
    }

    fn session(&self, source: &Source<'_>, state: FactState) -> Reading {
        if self.mode.text() == Some("setup") {
            return Ok(Content::Ignored(
                "a session that sets up a method and takes nothing".into(),
            ));
        }
        let id = self.own_id()?;
        let amount = self.money("amount_total", self.amount_total.int())?;
        let references = References::new(ReferenceKind::CheckoutSession, id)
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::Invoice, self.invoice.id())
            .and(ReferenceKind::Subscription, self.subscription.id())
            .and(ReferenceKind::ClientReference, self.client_reference_id.label().as_deref())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(amount),
            captured: (state == FactState::Succeeded).then_some(amount.minor),
            ..source.fact(ReferenceKind::CheckoutSession, id, state)
        }))
    }

    /// By `status` and `captured`, because the type does not tell a hold from money taken.
    pub(super) fn charge(&self, source: &Source<'_>) -> Reading {
        let state = match self.status.text() {
            Some("succeeded") if self.captured.bool() == Some(true) => FactState::Succeeded,
            Some("succeeded") => FactState::Authorized,
            Some("failed") => FactState::AttemptFailed,
            Some("pending") => FactState::Processing,
            _ => FactState::Conflict,
        };
        self.charge_in(source, state, self.failure_code.text())
    }

    /// A hold that lapsed.
    pub(super) fn charge_expired(&self, source: &Source<'_>) -> Reading {
        self.charge_in(source, FactState::Canceled, None)
    }

    /// How much went back so far; of a charge that was never captured a released hold, which is no
    /// refund.
    pub(super) fn charge_refunded(&self, source: &Source<'_>) -> Reading {
        match self.captured.bool() {
            Some(false) => self.charge_in(source, FactState::Canceled, None),
            _ => self.charge_in(source, FactState::RefundSnapshot, None),
        }
    }

    fn charge_in(&self, source: &Source<'_>, state: FactState, reason: Option<&str>) -> Reading {
        let id = self.own_id()?;
        let charged = self.money("amount", self.amount.int())?;
        let taken = matches!(state, FactState::Succeeded | FactState::RefundSnapshot);
        let captured = taken.then(|| self.amount_captured.int().unwrap_or(charged.minor).max(0));
        let refunded = captured.and_then(|captured| self.refunded(charged.minor, captured));
        let minor = match state {
            FactState::RefundSnapshot => {
                refunded.ok_or_else(|| "data.object.amount_refunded is missing".to_owned())?
            }
            _ => captured.unwrap_or(charged.minor),
        };
        let mut references = References::new(ReferenceKind::Charge, id)
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::Invoice, self.invoice.id());
        for refund in self.refunds.get().into_iter().flat_map(|refunds| refunds.data.iter()) {
            references = references.and(ReferenceKind::Refund, refund.id.id());
        }
        let references = references.and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(Money { minor, ..charged }),
            captured,
            refunded,
            parent_id: self.payment_intent.id().map(Into::into),
            reason: reason.map(Into::into),
            ..source.fact(ReferenceKind::Charge, id, state)
        }))
    }

    /// What was given back of a charge. The rest of a hold that was captured in part was released,
    /// never taken, but older API versions count it as refunded too.
    fn refunded(&self, charged: i64, captured: i64) -> Option<i64> {
        let released = charged.saturating_sub(captured).max(0);
        self.amount_refunded.int().map(|refunded| refunded.saturating_sub(released).max(0))
    }

    /// By `status`: a refund that succeeded may still fail, when the bank returns the money.
    pub(super) fn refund(&self, source: &Source<'_>) -> Reading {
        let id = self.own_id()?;
        let state = match self.status.text() {
            // A hold that was released, not money given back.
            _ if self.reason.text() == Some("expired_uncaptured_charge") => FactState::Conflict,
            Some("succeeded") => FactState::RefundSucceeded,
            Some("failed") => FactState::RefundFailed,
            Some("canceled") => FactState::RefundCanceled,
            // Also requires_action, and what a later API version may say.
            _ => FactState::RefundPending,
        };
        let parent = self.charge.id().or_else(|| self.payment_intent.id());
        let references = References::new(ReferenceKind::Refund, id)
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id())
            .and(ReferenceKind::OrderId, self.order_id(source).as_deref());
        Ok(references.with(Fact {
            amount: Some(self.money("amount", self.amount.int())?),
            parent_id: parent.map(Into::into),
            reason: self.failure_reason.text().map(Into::into),
            ..source.fact(ReferenceKind::Refund, id, state)
        }))
    }

    fn latest_charge_id(&self) -> Option<&str> {
        match &self.latest_charge {
            Expandable::Id(id) => Some(&**id).filter(|id| !id.is_empty()),
            Expandable::Whole(charge) => charge.id.text(),
            Expandable::Nothing => None,
        }
    }

    fn own_id(&self) -> Result<&str, String> {
        self.id.text().ok_or_else(|| "data.object.id is missing".to_owned())
    }

    fn order_id(&self, source: &Source<'_>) -> Option<Cow<'_, str>> {
        let rules = source.rules;
        let metadata =
            rules.takes_order_id_from(OrderIdSource::Metadata).then_some(&self.metadata)?;
        metadata.get(&rules.order_id_key)?.label()
    }

    /// Whose the payment is, by the metadata of this object or, for an invoice, of its subscription.
    pub(super) fn ownership(&self, content: &Content, rules: &Rules) -> Ownership {
        let parent = self.parent.get().and_then(|parent| parent.subscription_details.get());
        let details = parent.or_else(|| self.subscription_details.get());
        let of_subscription = details.map(|details| &details.metadata);
        rules.by_metadata(content, std::iter::once(&self.metadata).chain(of_subscription))
    }

    /// The issuer expects the buyer to say that it was not him: a refund now is cheaper than the
    /// dispute that would follow.
    pub(super) fn fraud_warning(&self, source: &Source<'_>) -> Reading {
        let reason = self.fraud_type.text();
        self.notice(source, ReferenceKind::FraudWarning, FactState::FraudWarning, reason)
    }

    /// By `open`, as the object says it for both types of event.
    pub(super) fn review(&self, source: &Source<'_>) -> Reading {
        let state = match self.open.bool() {
            Some(false) => FactState::ReviewClosed,
            _ => FactState::ReviewOpened,
        };
        self.notice(source, ReferenceKind::Review, state, self.reason.text())
    }

    /// What a person should know of a payment, and which changes nothing in it.
    fn notice(
        &self,
        source: &Source<'_>,
        object: ReferenceKind,
        state: FactState,
        reason: Option<&str>,
    ) -> Reading {
        let id = self.own_id()?;
        let parent = self.charge.id().or_else(|| self.payment_intent.id());
        let references = References::new(object, id)
            .and(ReferenceKind::Charge, self.charge.id())
            .and(ReferenceKind::PaymentIntent, self.payment_intent.id());
        Ok(references.with(Fact {
            parent_id: parent.map(Into::into),
            reason: reason.map(Into::into),
            ..source.fact(object, id, state)
        }))
    }

    fn money(&self, field: &str, minor: Option<i64>) -> Result<Money, String> {
        let minor =
            minor.ok_or_else(|| format!("data.object.{field} is missing or not an integer"))?;
        let currency =
            self.currency.text().ok_or_else(|| "data.object.currency is missing".to_owned())?;
        Money::from_stripe(minor, currency)
            .map_err(|error| format!("data.object.{field} and currency: {error}"))
    }
}

/// What two objects of one answer say together of one payment.
fn both(one: Content, other: Content) -> Content {
    let Content::Payments(mut parts) = one else { return one };
    if let (Some(part), Content::Payments(others)) = (parts.first_mut(), other) {
        for other in others {
            for reference in other.references {
                if !part.references.contains(&reference) {
                    part.references.push(reference);
                }
            }
            part.facts.extend(other.facts);
        }
    }
    Content::Payments(parts)
}
