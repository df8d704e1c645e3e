//! What the words of the database mean, for a person.

use super::Words;
use crate::domain::event::{Provider, ReferenceKind};
use crate::domain::language::Language::{English, French};
use crate::domain::transaction::Status;
use crate::i18n::explain::french;

impl Words {
    /// A provider's name, the same everywhere.
    pub(crate) fn provider(&self, provider: Provider) -> &'static str {
        match provider {
            Provider::Stripe => "Stripe",
            Provider::Paypal => "PayPal",
        }
    }

    /// Which money.
    pub(crate) fn mode(&self, livemode: bool) -> &'static str {
        match (self.language, livemode) {
            (English, true) => "live",
            (English, false) => "test",
            (French, true) => "réel",
            (French, false) => "test",
        }
    }

    /// Where a payment stands.
    pub(crate) fn status(&self, status: Status) -> &'static str {
        match (self.language, status) {
            (English, Status::Pending) => "pending",
            (English, Status::RequiresAction) => "requires action",
            (English, Status::Processing) => "processing",
            (English, Status::Authorized) => "authorized",
            (English, Status::Failed) => "failed",
            (English, Status::Canceled) => "canceled",
            (English, Status::Succeeded) => "succeeded",
            (English, Status::PartiallyRefunded) => "partially refunded",
            (English, Status::Refunded) => "refunded",
            (English, Status::Disputed) => "disputed",
            (English, Status::ChargedBack) => "charged back",
            (French, status) => french::status(status),
        }
    }

    /// What an id names.
    pub(crate) fn reference(&self, kind: ReferenceKind) -> &'static str {
        match (self.language, kind) {
            (_, ReferenceKind::PaymentIntent) => "PaymentIntent",
            (_, ReferenceKind::CheckoutSession) => "Checkout Session",
            (_, ReferenceKind::InvoicePayment) => "InvoicePayment",
            (English, ReferenceKind::Charge) => "charge",
            (English, ReferenceKind::Invoice) => "invoice",
            (English, ReferenceKind::CashBalance) => "cash balance",
            (English, ReferenceKind::Order) => "PayPal order",
            (English, ReferenceKind::Authorization) => "authorization",
            (English, ReferenceKind::Capture) => "capture",
            (English, ReferenceKind::Sale) => "sale",
            (English, ReferenceKind::Payment) => "payment",
            (English, ReferenceKind::Refund) => "refund",
            (English, ReferenceKind::Dispute) => "dispute",
            (English, ReferenceKind::FraudWarning) => "early fraud warning",
            (English, ReferenceKind::Review) => "review",
            (English, ReferenceKind::Subscription) => "subscription",
            (English, ReferenceKind::OrderId) => "order",
            (English, ReferenceKind::ClientReference) => "client reference",
            (English, ReferenceKind::Other) => "id",
            (French, kind) => french::object(kind),
        }
    }
}
