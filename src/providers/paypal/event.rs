//! PayPal's event JSON read into an [`Event`].
//!
//! Source: PayPal, "Webhook event names", the Payments v1 and v2 references and recorded
//! deliveries. Key order, number formats and links vary and are sometimes wrong in samples;
//! `resource.id` is what counts.

use serde::Deserialize;

use super::super::Verified;
use super::super::loose::{self, List, Loose, Part};
use super::super::reading::{Reading, References, Source};
use crate::domain::event::{Content, Event, Provider, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Money;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// Reads a proved payload. `livemode` is what it was proved for: nothing inside an event says
/// whether its money is real.
///
/// What is no event (no JSON, no `id`) is refused. An event whose type is not acted on is
/// [`Content::Ignored`], one whose resource lacks what its type promises is [`Content::Failed`].
pub fn read(payload: &Verified<'_>, livemode: bool) -> Result<Event, Refusal> {
    let envelope: Envelope<'_> = loose::parse(payload.payload())?;
    let id = envelope.id.text().ok_or(Refusal::NotAnEvent)?;
    let event_type = envelope.event_type.text().unwrap_or("");
    let occurred_at = envelope.create_time.text().and_then(|text| Timestamp::parse(text).ok());
    Ok(Event {
        provider: Provider::Paypal,
        id: id.into(),
        event_type: event_type.into(),
        // Absent means 1.0.
        api_version: Some(envelope.resource_version.text().unwrap_or("1.0").into()),
        livemode,
        occurred_at,
        content: envelope.content(id, event_type, occurred_at),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    event_type: Loose<'a>,
    #[serde(borrow)]
    resource_version: Loose<'a>,
    #[serde(borrow)]
    create_time: Loose<'a>,
    #[serde(borrow)]
    resource: Part<Resource<'a>>,
}

/// The union of the fields that are read of any resource.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource<'a> {
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
struct SupplementaryData<'a> {
    #[serde(borrow)]
    related_ids: Part<RelatedIds<'a>>,
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
struct Link<'a> {
    #[serde(borrow)]
    rel: Loose<'a>,
    #[serde(borrow)]
    href: Loose<'a>,
}

impl Envelope<'_> {
    fn content(&self, id: &str, event_type: &str, occurred_at: Option<Timestamp>) -> Content {
        let reading = match event_type {
            "PAYMENT.SALE.COMPLETED" => Resource::sale_completed,
            "PAYMENT.SALE.PENDING" => Resource::sale_pending,
            "PAYMENT.SALE.DENIED" => Resource::sale_denied,
            "PAYMENT.SALE.REFUNDED" => Resource::sale_refunded,
            "PAYMENT.CAPTURE.COMPLETED" => Resource::capture_completed,
            "PAYMENT.CAPTURE.DENIED" => Resource::capture_denied,
            "" => return Content::Failed("event_type is missing".into()),
            _ => return Content::Ignored("not a type that is acted on".into()),
        };
        let Some(resource) = self.resource.get() else {
            return Content::Failed("resource is missing".into());
        };
        let Some(occurred_at) = occurred_at else {
            return Content::Failed("create_time is missing or not a time".into());
        };
        match reading(resource, &Source { event_id: id, occurred_at }) {
            Ok(content) => content,
            Err(error) => Content::Failed(error.into()),
        }
    }
}

impl Resource<'_> {
    fn sale_completed(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Sale, self.completed())
    }

    /// The type wins over the state: real pending sales have come with state `completed`.
    fn sale_pending(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Sale, FactState::Processing)
    }

    fn sale_denied(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Sale, FactState::AttemptFailed)
    }

    fn capture_completed(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Capture, self.completed())
    }

    fn capture_denied(&self, source: &Source<'_>) -> Reading {
        self.payment(source, ReferenceKind::Capture, FactState::AttemptFailed)
    }

    /// Of a completed event whose resource says something less final nothing is concluded.
    fn completed(&self) -> FactState {
        let state = self.state.text().or_else(|| self.status.text()).unwrap_or("completed");
        match &*state.to_ascii_lowercase() {
            "completed" | "partially_refunded" | "refunded" => FactState::Succeeded,
            _ => FactState::Conflict,
        }
    }

    fn payment(&self, source: &Source<'_>, object: ReferenceKind, state: FactState) -> Reading {
        let id = self.own_id()?;
        let amount = self.money("amount", self.amount.get())?;
        if amount.minor < 0 {
            return Err("resource.amount: a negative amount".to_owned());
        }
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

    /// A v1 refund: its resource type says sale, its amount is negative.
    fn sale_refunded(&self, source: &Source<'_>) -> Reading {
        let id = self.own_id()?;
        let amount = self.money("amount", self.amount.get())?.abs();
        let total = self.total_refunded_amount.get();
        let total = total.map(|total| self.money("total_refunded_amount", Some(total)));
        let state = match self.state.text() {
            Some("pending") => FactState::RefundPending,
            Some("failed") => FactState::RefundFailed,
            Some("canceled" | "cancelled") => FactState::RefundCanceled,
            _ => FactState::RefundSucceeded,
        };
        let sale = self.sale_id.id().or_else(|| self.linked("/payments/sale/"));
        let parent = sale.or_else(|| self.parent_payment.id());
        let references = self.references(ReferenceKind::Refund, id).and(ReferenceKind::Sale, sale);
        Ok(references.with(Fact {
            amount: Some(amount),
            refunded: total.transpose()?.map(|total| total.abs().minor),
            parent_id: parent.map(Into::into),
            object_at: self.updated_at(),
            ..source.fact(ReferenceKind::Refund, id, state)
        }))
    }

    fn references(&self, object: ReferenceKind, id: &str) -> References {
        let related = self.supplementary_data.get().and_then(|data| data.related_ids.get());
        let order = related.and_then(|ids| ids.order_id.id());
        let authorization = related.and_then(|ids| ids.authorization_id.id());
        let mut references = References::new(object, id)
            .and(ReferenceKind::Payment, self.parent_payment.id())
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

    /// The id at the end of the link that leads up to the parent, if its path is of this kind.
    fn linked(&self, path: &str) -> Option<&str> {
        let leads_up = |link: &&Link<'_>| {
            matches!(link.rel.text(), Some("up" | "sale" | "parent_payment" | "order"))
        };
        self.links.iter().filter(leads_up).find_map(|link| {
            let id = link.href.text()?.split_once(path)?.1;
            let id = id.split(['/', '?', '#']).next()?;
            Some(id).filter(|id| !id.is_empty())
        })
    }

    fn own_id(&self) -> Result<&str, String> {
        self.id.text().ok_or_else(|| "resource.id is missing".to_owned())
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.update_time.text().and_then(|text| Timestamp::parse(text).ok())
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

#[cfg(test)]
mod tests;
