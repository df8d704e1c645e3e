//! What PayPal's resources say of a payment.
//!
//! Source: PayPal, the Payments v1 and v2, Orders v2 and Customer Disputes v1 references and recorded
//! deliveries. Links are sometimes wrong in samples; `resource.id` is what counts.

use serde::Deserialize;

use super::super::loose::{List, Loose, Part};
use super::super::reading::{Reading, References, Source, readings};
use super::super::rules::Rules;
use crate::domain::event::{Content, Ownership, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;

/// The union of the fields that are read of any resource.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    /// v1.
    #[serde(borrow)]
    state: Loose<'a>,
    /// v2.
    #[serde(borrow)]
    status: Loose<'a>,
    #[serde(borrow)]
    status_details: Part<StatusDetails<'a>>,
    #[serde(borrow)]
    reason_code: Loose<'a>,
    #[serde(borrow)]
    amount: Part<Amount<'a>>,
    #[serde(borrow)]
    total_refunded_amount: Part<Amount<'a>>,
    #[serde(borrow)]
    parent_payment: Loose<'a>,
    #[serde(borrow)]
    sale_id: Loose<'a>,
    #[serde(borrow)]
    billing_agreement_id: Loose<'a>,
    #[serde(borrow)]
    supplementary_data: Part<SupplementaryData<'a>>,
    #[serde(borrow)]
    update_time: Loose<'a>,
    #[serde(borrow)]
    links: List<Link<'a>>,
    #[serde(borrow)]
    custom_id: Loose<'a>,
    #[serde(borrow)]
    custom: Loose<'a>,
    #[serde(borrow)]
    invoice_id: Loose<'a>,
    #[serde(borrow)]
    invoice_number: Loose<'a>,
    #[serde(borrow)]
    seller_payable_breakdown: Part<Breakdown<'a>>,
    #[serde(borrow)]
    order_id: Loose<'a>,
    #[serde(borrow)]
    purchase_units: List<PurchaseUnit<'a>>,
    #[serde(borrow)]
    transactions: List<Transaction<'a>>,
    #[serde(borrow)]
    dispute_id: Loose<'a>,
    #[serde(borrow)]
    dispute_amount: Part<Amount<'a>>,
    #[serde(borrow)]
    dispute_outcome: Part<DisputeOutcome<'a>>,
    #[serde(borrow)]
    disputed_transactions: List<DisputedTransaction<'a>>,
    #[serde(borrow)]
    reason: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Breakdown<'a> {
    #[serde(borrow)]
    total_refunded_amount: Part<Amount<'a>>,
}

/// One part of a v2 order.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PurchaseUnit<'a> {
    #[serde(borrow)]
    amount: Part<Amount<'a>>,
    /// In old samples.
    #[serde(borrow)]
    gross_amount: Part<Amount<'a>>,
    #[serde(borrow)]
    custom_id: Loose<'a>,
    #[serde(borrow)]
    invoice_id: Loose<'a>,
    #[serde(borrow)]
    payments: Part<UnitPayments<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UnitPayments<'a> {
    #[serde(borrow)]
    captures: List<Item<'a>>,
    #[serde(borrow)]
    authorizations: List<Item<'a>>,
}

/// One part of a v1 payment.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Transaction<'a> {
    #[serde(borrow)]
    amount: Part<Amount<'a>>,
    #[serde(borrow)]
    custom: Loose<'a>,
    #[serde(borrow)]
    invoice_number: Loose<'a>,
    #[serde(borrow)]
    related_resources: List<RelatedResource<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RelatedResource<'a> {
    #[serde(borrow)]
    sale: Part<Item<'a>>,
    #[serde(borrow)]
    authorization: Part<Item<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DisputeOutcome<'a> {
    #[serde(borrow)]
    outcome_code: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DisputedTransaction<'a> {
    #[serde(borrow)]
    seller_transaction_id: Loose<'a>,
    #[serde(borrow)]
    custom: Loose<'a>,
    #[serde(borrow)]
    invoice_number: Loose<'a>,
}

/// v1 says `total` and `currency`, v2 `value` and `currency_code`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Amount<'a> {
    #[serde(borrow)]
    total: Loose<'a>,
    #[serde(borrow)]
    value: Loose<'a>,
    #[serde(borrow)]
    currency: Loose<'a>,
    #[serde(borrow)]
    currency_code: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusDetails<'a> {
    #[serde(borrow)]
    reason: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SupplementaryData<'a> {
    #[serde(borrow)]
    related_ids: Part<RelatedIds<'a>>,
}

impl SupplementaryData<'_> {
    pub(super) fn order_id(&self) -> Option<&str> {
        self.related_ids.get()?.order_id.id()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RelatedIds<'a> {
    #[serde(borrow)]
    order_id: Loose<'a>,
    #[serde(borrow)]
    authorization_id: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Link<'a> {
    #[serde(borrow)]
    rel: Loose<'a>,
    #[serde(borrow)]
    href: Loose<'a>,
}

readings! {
    /// The types of events that are acted on.
    TYPES;
    /// How the resource of an event of this type is read.
    fn reading -> Resource;
    "CHECKOUT.ORDER.APPROVED" => order_approved,
    "CHECKOUT.ORDER.COMPLETED" => order_completed,
    "CHECKOUT.ORDER.VOIDED" | "CHECKOUT.PAYMENT-APPROVAL.REVERSED" => order_canceled,
    "PAYMENTS.PAYMENT.CREATED" => payment_created,
    "PAYMENT.AUTHORIZATION.CREATED" => authorization_created,
    "PAYMENT.AUTHORIZATION.VOIDED" => authorization_voided,
    "PAYMENT.CAPTURE.PENDING" => capture_pending,
    "PAYMENT.CAPTURE.COMPLETED" => capture_completed,
    "PAYMENT.CAPTURE.DENIED" | "PAYMENT.CAPTURE.DECLINED" => capture_denied,
    "PAYMENT.CAPTURE.REFUNDED" | "PAYMENT.CAPTURE.REVERSED" | "PAYMENT.REFUND.PENDING"
        | "PAYMENT.REFUND.COMPLETED" | "PAYMENT.REFUND.FAILED" | "PAYMENT.REFUND.CANCELLED"
        | "PAYMENT.SALE.REFUNDED" | "PAYMENT.SALE.REVERSED" => refund,
    "PAYMENT.SALE.PENDING" => sale_pending,
    "PAYMENT.SALE.COMPLETED" => sale_completed,
    "PAYMENT.SALE.DENIED" => sale_denied,
    "CUSTOMER.DISPUTE.CREATED" | "CUSTOMER.DISPUTE.UPDATED" | "CUSTOMER.DISPUTE.RESOLVED" =>
        dispute,
}

impl Resource<'_> {
    pub(super) fn sale_completed(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Sale, self.completed())
    }

    /// The type wins over the state: real pending sales have come with state `completed`.
    pub(super) fn sale_pending(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Sale, FactState::Processing)
    }

    pub(super) fn sale_denied(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Sale, FactState::AttemptFailed)
    }

    pub(super) fn capture_completed(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Capture, self.completed())
    }

    pub(super) fn capture_denied(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Capture, FactState::AttemptFailed)
    }

    /// As the API gives it.
    pub(super) fn capture_retrieved(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Capture, self.taken()?)
    }

    /// As the API gives it.
    pub(super) fn sale_retrieved(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Sale, self.taken()?)
    }

    /// What became of a capture or a sale, by what it says itself.
    fn taken(&self) -> Result<FactState, String> {
        match &*self.status_or_state()? {
            "completed" | "partially_refunded" | "refunded" | "reversed" => {
                Ok(FactState::Succeeded)
            }
            "pending" => Ok(FactState::Processing),
            "declined" | "denied" | "failed" => Ok(FactState::AttemptFailed),
            _ => Err(UNKNOWN_STATUS.to_owned()),
        }
    }

    /// As the API gives it.
    pub(super) fn authorization_retrieved(&self, source: &Source<'_>) -> Reading {
        let state = match &*self.status_or_state()? {
            "created" | "authorized" | "partially_captured" => FactState::Authorized,
            "captured" => FactState::Succeeded,
            "voided" | "expired" => FactState::Canceled,
            "denied" => FactState::AttemptFailed,
            "pending" => FactState::Processing,
            _ => return Err(UNKNOWN_STATUS.to_owned()),
        };
        self.payment(source, ReferenceKind::Authorization, state)
    }

    /// As the API gives it.
    pub(super) fn order_retrieved(&self, source: &Source<'_>) -> Reading {
        let state = match &*self.status_or_state()? {
            "created" | "saved" => FactState::Created,
            "payer_action_required" => FactState::RequiresAction,
            "approved" => FactState::Approved,
            "completed" => FactState::OrderCompleted,
            "voided" => FactState::Canceled,
            _ => return Err(UNKNOWN_STATUS.to_owned()),
        };
        self.order(source, state)
    }

    /// As the API gives it. That a payment was approved it says for ever; its sales tell the rest.
    pub(super) fn payment_retrieved(&self, source: &Source<'_>) -> Reading {
        let state = match &*self.status_or_state()? {
            "created" => FactState::Created,
            "approved" => FactState::Approved,
            "failed" => FactState::AttemptFailed,
            _ => return Err(UNKNOWN_STATUS.to_owned()),
        };
        self.payment_in(source, state)
    }

    fn status_or_state(&self) -> Result<String, String> {
        let said = self.status.text().or_else(|| self.state.text());
        said.map(str::to_ascii_lowercase).ok_or_else(|| UNKNOWN_STATUS.to_owned())
    }

    /// Of a completed event whose resource says something less final nothing is concluded.
    fn completed(&self) -> FactState {
        match &*self.said().to_ascii_lowercase() {
            "completed" | "partially_refunded" | "refunded" => FactState::Succeeded,
            _ => FactState::Conflict,
        }
    }

    /// The state in the words of v1, the status in those of v2.
    fn said(&self) -> &str {
        self.state.text().or_else(|| self.status.text()).unwrap_or("completed")
    }

    fn payment(&self, source: &Source<'_>, object: ReferenceKind, state: FactState) -> Reading {
        let id = self.own_id()?;
        let amount = self.asked("amount", self.amount.get())?;
        let details = self.status_details.get();
        let reason =
            self.reason_code.text().or_else(|| details.and_then(|details| details.reason.text()));
        Ok(self.references(object, id).with(Fact {
            amount: Some(amount),
            captured: (state == FactState::Succeeded).then_some(amount.minor),
            object_at: self.updated_at(),
            reason: reason.map(Into::into),
            ..source.fact(object, id, state)
        }))
    }

    /// A refund of either version, or money that PayPal took back. A v1 refund says that it is a
    /// sale and has a negative amount; a v1 reversal often does not say of what.
    pub(super) fn refund(&self, source: &Source<'_>) -> Reading {
        let id = self.own_id()?;
        let amount = self.money("amount", self.amount.get())?.abs();
        let of_capture =
            self.seller_payable_breakdown.get().and_then(|of| of.total_refunded_amount.get());
        let total = match (of_capture, self.total_refunded_amount.get()) {
            (Some(total), _) => {
                Some(self.money("seller_payable_breakdown.total_refunded_amount", Some(total)))
            }
            (None, Some(total)) => Some(self.money("total_refunded_amount", Some(total))),
            (None, None) => None,
        };
        let state = match &*self.said().to_ascii_lowercase() {
            "pending" => FactState::RefundPending,
            "failed" => FactState::RefundFailed,
            "canceled" | "cancelled" => FactState::RefundCanceled,
            _ => FactState::RefundSucceeded,
        };
        let sale = self.sale_id.id().or_else(|| self.linked("/payments/sale/"));
        let capture = self.linked("/payments/captures/");
        let parent = sale.or(capture).or_else(|| self.parent_payment.id());
        let references = self
            .references(ReferenceKind::Refund, id)
            .and(ReferenceKind::Sale, sale)
            .and(ReferenceKind::Capture, capture);
        Ok(references.with(Fact {
            amount: Some(amount),
            refunded: total.transpose()?.map(|total| total.abs().minor),
            parent_id: parent.map(Into::into),
            object_at: self.updated_at(),
            ..source.fact(ReferenceKind::Refund, id, state)
        }))
    }

    /// Whose the payment is, by the invoice ids that it carries.
    pub(super) fn ownership(&self, content: &Content, rules: &Rules) -> Ownership {
        let own = [&self.invoice_id, &self.invoice_number].into_iter();
        let units = self.purchase_units.iter().map(|unit| &unit.invoice_id);
        let parts = self.transactions.iter().map(|part| &part.invoice_number);
        let disputed = self.disputed_transactions.iter().map(|one| &one.invoice_number);
        let all = own.chain(units).chain(parts).chain(disputed);
        rules.by_invoice(content, all.filter_map(Loose::label))
    }

    pub(super) fn order_approved(&self, source: &Source<'_>) -> Reading {
        self.order(source, FactState::Approved)
    }

    /// Its captures say what money moved; here they are only named.
    pub(super) fn order_completed(&self, source: &Source<'_>) -> Reading {
        self.order(source, FactState::OrderCompleted)
    }

    pub(super) fn order_canceled(&self, source: &Source<'_>) -> Reading {
        self.order(source, FactState::Canceled)
    }

    fn order(&self, source: &Source<'_>, state: FactState) -> Reading {
        // An approval that was reversed names its order so.
        let id = self.id.text().or_else(|| self.order_id.text());
        let id = id.ok_or_else(|| "resource.id and resource.order_id are missing".to_owned())?;
        let mut references = self.references(ReferenceKind::Order, id);
        let mut amounts = Vec::new();
        for unit in self.purchase_units.iter() {
            let payments = unit.payments.get();
            for capture in payments.into_iter().flat_map(|payments| payments.captures.iter()) {
                references = references.and(ReferenceKind::Capture, capture.id.id());
            }
            for hold in payments.into_iter().flat_map(|payments| payments.authorizations.iter()) {
                references = references.and(ReferenceKind::Authorization, hold.id.id());
            }
            for own in [&unit.custom_id, &unit.invoice_id] {
                references = references.and(ReferenceKind::OrderId, own.label().as_deref());
            }
            amounts.extend(unit.amount.get().or_else(|| unit.gross_amount.get()));
        }
        Ok(references.with(Fact {
            amount: self.sum("purchase_units.amount", &amounts)?,
            object_at: self.updated_at(),
            ..source.fact(ReferenceKind::Order, id, state)
        }))
    }

    /// A v1 payment that the buyer approved and the shop has still to execute.
    pub(super) fn payment_created(&self, source: &Source<'_>) -> Reading {
        self.payment_in(source, FactState::Approved)
    }

    fn payment_in(&self, source: &Source<'_>, state: FactState) -> Reading {
        let id = self.own_id()?;
        let mut references = self.references(ReferenceKind::Payment, id);
        let mut amounts = Vec::new();
        for transaction in self.transactions.iter() {
            for related in transaction.related_resources.iter() {
                let sale = related.sale.get().and_then(|sale| sale.id.id());
                let hold = related.authorization.get().and_then(|hold| hold.id.id());
                references = references
                    .and(ReferenceKind::Sale, sale)
                    .and(ReferenceKind::Authorization, hold);
            }
            for own in [&transaction.custom, &transaction.invoice_number] {
                references = references.and(ReferenceKind::OrderId, own.label().as_deref());
            }
            amounts.extend(transaction.amount.get());
        }
        Ok(references.with(Fact {
            amount: self.sum("transactions.amount", &amounts)?,
            object_at: self.updated_at(),
            ..source.fact(ReferenceKind::Payment, id, state)
        }))
    }

    pub(super) fn authorization_created(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Authorization, FactState::Authorized)
    }

    pub(super) fn authorization_voided(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Authorization, FactState::Canceled)
    }

    pub(super) fn capture_pending(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Capture, FactState::Processing)
    }

    /// By `status`: a case that was resolved may be opened again by an appeal. The money of a lost
    /// case moves by a refund or a reversal of its own.
    pub(super) fn dispute(&self, source: &Source<'_>) -> Reading {
        let id = self.dispute_id.text().or_else(|| self.id.text());
        let id = id.ok_or_else(|| "resource.dispute_id is missing".to_owned())?;
        let outcome = self.dispute_outcome.get().and_then(|outcome| outcome.outcome_code.text());
        let state = match (self.status.text(), outcome) {
            (Some("RESOLVED"), Some("RESOLVED_BUYER_FAVOUR" | "ACCEPTED")) => {
                FactState::DisputeLost
            }
            (
                Some("RESOLVED"),
                Some(
                    "RESOLVED_SELLER_FAVOUR"
                    | "CANCELED_BY_BUYER"
                    | "DENIED"
                    // PayPal paid the buyer; the shop keeps the money.
                    | "RESOLVED_WITH_PAYOUT",
                ),
            ) => FactState::DisputeWon,
            (Some("RESOLVED"), _) => FactState::DisputeClosed,
            _ => FactState::DisputeOpen,
        };
        let mut references = References::new(ReferenceKind::Dispute, id);
        let mut parent = None;
        for transaction in self.disputed_transactions.iter() {
            // A capture's id or a sale's: PayPal does not tell, and no two objects share an id.
            let seller = transaction.seller_transaction_id.id();
            parent = parent.or(seller);
            references = references.and(ReferenceKind::Capture, seller);
            for own in [&transaction.custom, &transaction.invoice_number] {
                references = references.and(ReferenceKind::OrderId, own.label().as_deref());
            }
        }
        Ok(references.with(Fact {
            amount: Some(self.asked("dispute_amount", self.dispute_amount.get())?),
            parent_id: parent.map(Into::into),
            object_at: self.updated_at(),
            reason: outcome.or_else(|| self.reason.text()).map(Into::into),
            ..source.fact(ReferenceKind::Dispute, id, state)
        }))
    }

    /// What the parts of a payment ask for together; nothing if none says, or if they are in
    /// several currencies.
    fn sum(&self, field: &str, amounts: &[&Amount<'_>]) -> Result<Option<Money>, String> {
        let mut sum: Option<Money> = None;
        for amount in amounts {
            let part = self.money(field, Some(amount))?.abs();
            sum = match sum {
                Some(sum) if sum.currency != part.currency => return Ok(None),
                Some(sum) => Some(Money { minor: sum.minor.saturating_add(part.minor), ..sum }),
                None => Some(part),
            };
        }
        Ok(sum)
    }

    fn references(&self, object: ReferenceKind, id: &str) -> References {
        let related = self.supplementary_data.get().and_then(|data| data.related_ids.get());
        let order = related.and_then(|ids| ids.order_id.id());
        let authorization = related.and_then(|ids| ids.authorization_id.id());
        let mut references = References::new(object, id)
            .and(
                ReferenceKind::Payment,
                self.parent_payment.id().or_else(|| self.linked("/payments/payment/")),
            )
            .and(ReferenceKind::Order, order.or_else(|| self.linked("/checkout/orders/")))
            .and(
                ReferenceKind::Authorization,
                authorization.or_else(|| self.linked("/payments/authorizations/")),
            )
            .and(ReferenceKind::Subscription, self.billing_agreement_id.id());
        for own in [&self.custom_id, &self.invoice_id, &self.custom, &self.invoice_number] {
            references = references.and(ReferenceKind::OrderId, own.label().as_deref());
        }
        references
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

    /// An amount that can't be below zero: only what goes back is written with a sign.
    fn asked(&self, field: &str, amount: Option<&Amount<'_>>) -> Result<Money, String> {
        let money = self.money(field, amount)?;
        if money.minor < 0 {
            return Err(format!("resource.{field}: a negative amount"));
        }
        Ok(money)
    }

    fn money(&self, field: &str, amount: Option<&Amount<'_>>) -> Result<Money, String> {
        let missing = || format!("resource.{field} is missing");
        let amount = amount.ok_or_else(missing)?;
        let value = amount.value.label().or_else(|| amount.total.label()).ok_or_else(missing)?;
        let currency =
            amount.currency_code.text().or_else(|| amount.currency.text()).ok_or_else(missing)?;
        Money::parse_paypal(&value, currency).map_err(|error| format!("resource.{field}: {error}"))
    }
}

/// The id at the end of the link that leads up to the parent, if its path is of this kind.
pub(super) fn linked<'l>(links: &'l List<Link<'_>>, path: &str) -> Option<&'l str> {
    let leads_up = |link: &&Link<'_>| {
        matches!(link.rel.text(), Some("up" | "sale" | "parent_payment" | "order"))
    };
    links.iter().filter(leads_up).find_map(|link| {
        let id = link.href.text()?.split_once(path)?.1;
        let id = id.split(['/', '?', '#']).next()?;
        Some(id).filter(|id| !id.is_empty())
    })
}

const UNKNOWN_STATUS: &str = "resource.status is missing or unknown";
