//! What Stripe's objects say of a payment.
//!
//! Source: Stripe API reference, "Types of events" and the object of each. `data.object` is the
//! object as it was when the event was made.

use std::borrow::Cow;

use super::super::reading::{Reading, Source, readings};
use super::super::rules::{OrderIdSource, Rules};
use crate::domain::event::{Content, Ownership};
use crate::domain::fact::FactState;
use crate::domain::money::Money;
use crate::providers::lenient::{Expandable, List, Loose, Map, Part, objects};

mod cash;
mod charge;
mod dispute;
mod invoice;
mod notice;
mod payment_intent;
mod period;
mod refund;
mod session;

objects! {
    /// The union of the fields that are read of any object.
    pub(super) struct Object<'a> {
        id: Loose<'a>,
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
        mode: Loose<'a>,
        refunds: Part<IdList<'a>>,
        payment: Part<InvoicePaid<'a>>,
        payment_status: Loose<'a>,
        client_reference_id: Loose<'a>,
        failure_code: Loose<'a>,
        failure_reason: Loose<'a>,
        currency: Loose<'a>,
        payment_intent: Loose<'a>,
        charge: Loose<'a>,
        latest_charge: Expandable<'a, Self>,
        charges: Part<IdList<'a>>,
        invoice: Loose<'a>,
        subscription: Loose<'a>,
        parent: Part<InvoiceParent<'a>>,
        cancellation_reason: Loose<'a>,
        reason: Loose<'a>,
        last_payment_error: Part<PaymentError<'a>>,
        metadata: Map<'a>,
        /// Of an invoice, until 2025-03-31.basil.
        subscription_details: Part<SubscriptionDetails<'a>>,
        open: Loose<'a>,
        attempted: Loose<'a>,
        created: Loose<'a>,
        disputed: Loose<'a>,
        fraud_type: Loose<'a>,
        refunded: Loose<'a>,
        /// What a dispute moved; the shop's own currency may be another than the dispute's.
        balance_transactions: List<BalanceTransaction<'a>>,
        /// Of an invoice, where the API was asked for them; each is an InvoicePayment.
        payments: Part<Payments<'a>>,
        amount_requested: Loose<'a>,
        /// Of an invoice.
        lines: Part<period::Lines<'a>>,
        /// Of a session that took the place of one that had expired: the id of that.
        recovered_from: Loose<'a>,
        /// Of a session until 2025-03-31.basil.
        currency_conversion: Part<CurrencyConversion<'a>>,
        /// Of a change of a customer's cash balance.
        #[serde(rename = "type")]
        kind: Loose<'a>,
        net_amount: Loose<'a>,
        applied_to_payment: Part<CashOf<'a>>,
        unapplied_from_payment: Part<CashOf<'a>>,
        refunded_from_payment: Part<CashOf<'a>>,
    }

    struct BalanceTransaction<'a> {
        amount: Loose<'a>,
        currency: Loose<'a>,
    }

    struct Payments<'a> {
        data: List<Object<'a>>,
    }

    /// What the shop's own currency makes of an amount that the buyer pays in another.
    struct CurrencyConversion<'a> {
        amount_total: Loose<'a>,
        source_currency: Loose<'a>,
    }

    /// The payment or refund that a change of a cash balance is about.
    struct CashOf<'a> {
        payment_intent: Loose<'a>,
        refund: Loose<'a>,
    }

    /// Until 2022-11-15 a PaymentIntent carries its charges, and the oldest events name them only there;
    /// a charge carries its refunds.
    struct IdList<'a> {
        data: List<Item<'a>>,
    }

    struct Item<'a> {
        id: Loose<'a>,
    }

    /// What an InvoicePayment was paid with.
    struct InvoicePaid<'a> {
        payment_intent: Loose<'a>,
        charge: Loose<'a>,
    }

    /// Since 2025-03-31.basil the subscription of an invoice stands here.
    struct InvoiceParent<'a> {
        subscription_details: Part<SubscriptionDetails<'a>>,
    }

    struct SubscriptionDetails<'a> {
        subscription: Loose<'a>,
        metadata: Map<'a>,
    }

    struct PaymentError<'a> {
        code: Loose<'a>,
        decline_code: Loose<'a>,
    }
}

readings! {
    /// The types of events that are acted on.
    TYPES;
    /// How the object of an event of this type is read.
    fn reading -> Object;
    "payment_intent.created" => unfinished(FactState::Created, None),
    "payment_intent.requires_action" | "payment_intent.partially_funded" =>
        unfinished(FactState::RequiresAction, None),
    "payment_intent.processing" => unfinished(FactState::Processing, None),
    "payment_intent.amount_capturable_updated" => payment_intent_authorized,
    "payment_intent.payment_failed" => payment_intent_failed,
    "payment_intent.succeeded" => payment_intent_succeeded,
    "payment_intent.canceled" => payment_intent_canceled,
    "charge.pending" | "charge.succeeded" | "charge.captured" | "charge.failed"
        | "charge.updated" => charge,
    "charge.expired" => charge_expired,
    "charge.refunded" => charge_refunded,
    "refund.created" | "refund.updated" | "charge.refund.updated" => refund(FactState::RefundPending),
    "refund.failed" => refund(FactState::RefundFailed),
    "charge.dispute.created" | "charge.dispute.updated"
        | "charge.dispute.funds_reinstated" => dispute(FactState::DisputeOpen, false),
    "charge.dispute.funds_withdrawn" => dispute(FactState::DisputeOpen, true),
    "charge.dispute.closed" => dispute(FactState::DisputeClosed, false),
    "invoice.paid" | "invoice.payment_succeeded" => invoice_paid,
    "invoice.payment_failed" => invoice_failed,
    "invoice.payment_action_required" => invoice_requires_action,
    "invoice.voided" => invoice_voided,
    "invoice.marked_uncollectible" => invoice_uncollectible,
    "invoice_payment.paid" => invoice_payment_paid,
    "checkout.session.completed" => session_completed,
    "checkout.session.async_payment_succeeded" => session_paid,
    "checkout.session.async_payment_failed" => session(FactState::AttemptFailed),
    "checkout.session.expired" => session(FactState::Canceled),
    "customer_cash_balance_transaction.created" => cash_balance_changed,
    "radar.early_fraud_warning.created" | "radar.early_fraud_warning.updated" => fraud_warning,
    "review.opened" | "review.closed" => review,
}

impl Object<'_> {
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

    /// What the charge, or without one the PaymentIntent, is called that this object is about.
    fn charge_or_intent(&self) -> Option<&str> {
        self.charge.id().or_else(|| self.payment_intent.id())
    }

    /// Whose PaymentIntent or else charge this object names as its payment.
    fn intent_or_charge(&self) -> Option<&str> {
        self.payment_intent.id().or_else(|| self.charge.id())
    }

    fn money(&self, field: &str, minor: Option<i64>) -> Result<Money, String> {
        let minor =
            minor.ok_or_else(|| format!("data.object.{field} is missing or not an integer"))?;
        let currency =
            self.currency.text().ok_or_else(|| "data.object.currency is missing".to_owned())?;
        Money::from_stripe(minor, currency)
            .map_err(|error| format!("data.object.{field} and currency: {error}"))
    }

    /// A number of minor units that is said, and never below nothing.
    fn not_negative(field: &str, minor: Option<i64>) -> Result<Option<i64>, String> {
        match minor {
            Some(..0) => Err(format!("data.object.{field} is negative")),
            said => Ok(said),
        }
    }
}
