//! What PayPal's resources say of a payment.
//!
//! Source: PayPal, the Payments v1 and v2, Orders v2 and Customer Disputes v1 references and recorded
//! deliveries. Links are sometimes wrong in samples; `resource.id` is what counts.

use std::borrow::Cow;

use self::amount::Amount;
use super::super::reading::{Reading, References, Source, readings};
use super::super::rules::{OrderIdSource, Rules};
use crate::domain::event::{Content, Ownership};
use crate::domain::fact::FactState;
use crate::domain::reference::ReferenceKind;
use crate::domain::time::Timestamp;
use crate::providers::lenient::{List, Loose, Part, objects};

mod amount;
mod authorization;
mod capture;
mod dispute;
mod order;
mod refund;

objects! {
    /// The union of the fields that are read of any resource.
    pub(super) struct Resource<'a> {
        id: Loose<'a>,
        /// v1.
        state: Loose<'a>,
        /// v2.
        status: Loose<'a>,
        status_details: Part<StatusDetails<'a>>,
        reason_code: Loose<'a>,
        amount: Part<Amount<'a>>,
        total_refunded_amount: Part<Amount<'a>>,
        parent_payment: Loose<'a>,
        sale_id: Loose<'a>,
        capture_id: Loose<'a>,
        billing_agreement_id: Loose<'a>,
        supplementary_data: Part<SupplementaryData<'a>>,
        update_time: Loose<'a>,
        links: List<Link<'a>>,
        custom_id: Loose<'a>,
        custom: Loose<'a>,
        invoice_id: Loose<'a>,
        invoice_number: Loose<'a>,
        seller_payable_breakdown: Part<Breakdown<'a>>,
        order_id: Loose<'a>,
        purchase_units: List<PurchaseUnit<'a>>,
        transactions: List<Transaction<'a>>,
        dispute_id: Loose<'a>,
        dispute_amount: Part<Amount<'a>>,
        dispute_outcome: Part<DisputeOutcome<'a>>,
        disputed_transactions: List<DisputedTransaction<'a>>,
        reason: Loose<'a>,
    }

    struct Breakdown<'a> {
        total_refunded_amount: Part<Amount<'a>>,
    }

    /// One part of a v2 order.
    struct PurchaseUnit<'a> {
        amount: Part<Amount<'a>>,
        /// In old samples.
        gross_amount: Part<Amount<'a>>,
        custom_id: Loose<'a>,
        invoice_id: Loose<'a>,
        payments: Part<UnitPayments<'a>>,
    }

    struct UnitPayments<'a> {
        captures: List<Resource<'a>>,
        authorizations: List<Resource<'a>>,
        refunds: List<Resource<'a>>,
    }

    /// One part of a v1 payment.
    struct Transaction<'a> {
        amount: Part<Amount<'a>>,
        custom: Loose<'a>,
        invoice_number: Loose<'a>,
        related_resources: List<RelatedResource<'a>>,
    }

    struct RelatedResource<'a> {
        sale: Part<Resource<'a>>,
        authorization: Part<Resource<'a>>,
        capture: Part<Resource<'a>>,
        refund: Part<Resource<'a>>,
    }

    struct DisputeOutcome<'a> {
        outcome_code: Loose<'a>,
    }

    struct DisputedTransaction<'a> {
        seller_transaction_id: Loose<'a>,
        custom: Loose<'a>,
        invoice_number: Loose<'a>,
    }

    struct StatusDetails<'a> {
        reason: Loose<'a>,
    }

    pub(super) struct SupplementaryData<'a> {
        related_ids: Part<RelatedIds<'a>>,
    }
}

impl SupplementaryData<'_> {
    pub(super) fn order_id(&self) -> Option<&str> {
        self.related_ids.get()?.order_id.id()
    }

    pub(super) fn capture_id(&self) -> Option<&str> {
        self.related_ids.get()?.capture_id.id()
    }
}

objects! {
    struct RelatedIds<'a> {
        order_id: Loose<'a>,
        authorization_id: Loose<'a>,
        capture_id: Loose<'a>,
    }

    pub(super) struct Link<'a> {
        rel: Loose<'a>,
        href: Loose<'a>,
    }
}

readings! {
    /// The types of events that are acted on.
    TYPES;
    /// How the resource of an event of this type is read.
    fn reading -> Resource;
    "CHECKOUT.ORDER.APPROVED" => order(FactState::Approved),
    "CHECKOUT.ORDER.COMPLETED" => order(FactState::OrderCompleted),
    "CHECKOUT.ORDER.VOIDED" | "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => order(FactState::Canceled),
    "PAYMENTS.PAYMENT.CREATED" => payment_created,
    "PAYMENT.AUTHORIZATION.CREATED" => authorization_created,
    "PAYMENT.AUTHORIZATION.VOIDED" => payment(ReferenceKind::Authorization, FactState::Canceled),
    "PAYMENT.CAPTURE.PENDING" => payment(ReferenceKind::Capture, FactState::Processing),
    "PAYMENT.CAPTURE.COMPLETED" => completed_payment(ReferenceKind::Capture),
    "PAYMENT.CAPTURE.DENIED" | "PAYMENT.CAPTURE.DECLINED" =>
        payment(ReferenceKind::Capture, FactState::AttemptFailed),
    "PAYMENT.CAPTURE.REFUNDED" | "PAYMENT.SALE.REFUNDED" => refund(None, None),
    "PAYMENT.CAPTURE.REVERSED" | "PAYMENT.SALE.REVERSED" => refund(Some(FactState::RefundSucceeded), Some(REVERSAL)),
    "PAYMENT.REFUND.PENDING" => refund(Some(FactState::RefundPending), None),
    "PAYMENT.REFUND.COMPLETED" => refund(Some(FactState::RefundSucceeded), None),
    "PAYMENT.REFUND.FAILED" => refund(Some(FactState::RefundFailed), None),
    "PAYMENT.REFUND.CANCELLED" => refund(Some(FactState::RefundCanceled), None),
    // The type wins over the state: real pending sales have come with state `completed`.
    "PAYMENT.SALE.PENDING" => payment(ReferenceKind::Sale, FactState::Processing),
    "PAYMENT.SALE.COMPLETED" => completed_payment(ReferenceKind::Sale),
    "PAYMENT.SALE.DENIED" => payment(ReferenceKind::Sale, FactState::AttemptFailed),
    "CUSTOMER.DISPUTE.CREATED" => dispute_open,
    "CUSTOMER.DISPUTE.UPDATED" => dispute_updated,
    "CUSTOMER.DISPUTE.RESOLVED" => dispute_resolved,
}

readings! {
    /// How the resource of a type is read that is understood where it comes, but asked for by nobody:
    /// rare ones and the predecessors of others.
    fn rare -> Resource;
    "CHECKOUT.ORDER.PROCESSED" | "CHECKOUT.ORDER.SAVED" => order_said,
    "RISK.DISPUTE.CREATED" => dispute_open,
}

impl Resource<'_> {
    /// Whose the payment is, by the invoice ids that it carries.
    pub(super) fn ownership(&self, content: &Content, rules: &Rules) -> Ownership {
        let own = [&self.invoice_id, &self.invoice_number].into_iter();
        let units = self.purchase_units.iter().map(|unit| &unit.invoice_id);
        let parts = self.transactions.iter().map(|part| &part.invoice_number);
        let disputed = self.disputed_transactions.iter().map(|one| &one.invoice_number);
        let all = own.chain(units).chain(parts).chain(disputed);
        rules.by_invoice(content, all.filter_map(Loose::label))
    }

    /// What it is said to be, in small letters: the status of v2, the state of v1.
    fn word(&self) -> Option<String> {
        let said = self.status.text().or_else(|| self.state.text());
        said.map(str::to_ascii_lowercase)
    }

    /// The provider's own ids that it carries, its own first.
    fn provider_ids(&self, object: ReferenceKind, id: &str) -> References {
        let related = self.supplementary_data.get().and_then(|data| data.related_ids.get());
        let order = related.and_then(|ids| ids.order_id.id());
        let authorization = related.and_then(|ids| ids.authorization_id.id());
        References::new(object, id)
            .and(
                ReferenceKind::Payment,
                self.parent_payment.id().or_else(|| self.linked("/payments/payment/")),
            )
            .and(ReferenceKind::Order, order.or_else(|| self.linked("/checkout/orders/")))
            .and(
                ReferenceKind::Authorization,
                authorization.or_else(|| self.linked("/payments/authorizations/")),
            )
            .and(ReferenceKind::Subscription, self.billing_agreement_id.id())
    }

    /// The shop's own order ids that stand in the resource itself.
    fn order_ids(&self, rules: &Rules) -> Vec<Cow<'_, str>> {
        order_ids(rules, [&self.custom_id, &self.custom], [&self.invoice_id, &self.invoice_number])
    }

    /// All ids that it carries, its own first.
    fn references(&self, source: &Source<'_>, object: ReferenceKind, id: &str) -> References {
        self.provider_ids(object, id).and_order_ids(&self.order_ids(source.rules))
    }

    fn linked(&self, path: &str) -> Option<&str> {
        linked(&self.links, path)
    }

    fn own_id(&self) -> Result<&str, String> {
        self.id.text().ok_or_else(|| "resource.id is missing".to_owned())
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.update_time.text().and_then(|text| Timestamp::parse(text).ok())
    }

    /// PayPal's own word for why: of a pending payment what it waits for.
    fn reason_said(&self) -> Option<Box<str>> {
        let details = self.status_details.get().and_then(|details| details.reason.text());
        self.reason_code.text().or(details).map(Into::into)
    }
}

/// The shop's own order ids, each once, from the fields in which it says that it keeps them. v1 says
/// `custom` and `invoice_number` where v2 says `custom_id` and `invoice_id`.
fn order_ids<'l, const N: usize>(
    rules: &Rules,
    customs: [&'l Loose<'_>; N],
    invoices: [&'l Loose<'_>; N],
) -> Vec<Cow<'l, str>> {
    let sources = [(OrderIdSource::CustomId, customs), (OrderIdSource::InvoiceId, invoices)];
    let taken = sources.into_iter().filter(|(source, _)| rules.takes_order_id_from(*source));
    let mut ids = Vec::new();
    for id in taken.flat_map(|(_, fields)| fields).filter_map(Loose::label) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// The id at the end of the link that leads up to the parent, if its path is of this kind.
pub(super) fn linked<'l>(links: &'l List<Link<'_>>, path: &str) -> Option<&'l str> {
    let leads_up = |link: &&Link<'_>| {
        matches!(link.rel.text(), Some("up" | "sale" | "capture" | "parent_payment" | "order"))
    };
    links.iter().filter(leads_up).find_map(|link| {
        let id = link.href.text()?.split_once(path)?.1;
        let id = id.split(['/', '?', '#']).next()?;
        Some(id).filter(|id| !id.is_empty())
    })
}

/// The id of the capture at the end of the link that leads up to it, in either version.
pub(super) fn linked_capture<'l>(links: &'l List<Link<'_>>) -> Option<&'l str> {
    linked(links, "/payments/captures/").or_else(|| linked(links, "/payments/capture/"))
}

/// The reason of a refund that the shop did not make; a v1 reversal often does not say of what.
const REVERSAL: &str = "reversal";

const UNKNOWN_STATUS: &str = "resource.status is missing or unknown";
