//! Stripe's objects as its API gives them: what they say now, whatever led there.
//!
//! Source: Stripe API reference, "The PaymentIntent object" and those of the others.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::reading::{Reading, Source, readings};
use super::super::retrieval::{
    Asking, NotUnderstood, Question, Retrieved, RetrievedPage, question,
};
use super::api::VERSION;
use super::object::Object;
use crate::domain::fact::FactState;
use crate::domain::provider::Provider;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;
use crate::providers::lenient::{Loose, Part, objects};

readings! {
    /// How an object that was asked for is read, by the type under which it is kept; Stripe sends no
    /// events of these types.
    fn retrieved -> Object;
    "payment_intent.retrieved" => payment_intent_retrieved,
    "charge.retrieved" => charge_retrieved,
    "refund.retrieved" => refund(FactState::RefundPending),
    "dispute.retrieved" => dispute(FactState::DisputeOpen, false),
    "invoice.retrieved" => invoice_retrieved,
    "invoice_payment.retrieved" => invoice_payment_retrieved,
    "checkout.session.retrieved" => session_retrieved,
}

/// Where the object is found.
pub(in super::super) fn paths(reference: &Reference) -> Vec<String> {
    let id = &reference.value;
    let path = match reference.kind {
        ReferenceKind::PaymentIntent => {
            format!("/v1/payment_intents/{id}?expand[]=latest_charge")
        }
        ReferenceKind::Charge => format!("/v1/charges/{id}"),
        ReferenceKind::CheckoutSession => format!("/v1/checkout/sessions/{id}"),
        ReferenceKind::Invoice => format!("/v1/invoices/{id}"),
        ReferenceKind::Refund => format!("/v1/refunds/{id}"),
        ReferenceKind::Dispute => format!("/v1/disputes/{id}"),
        ReferenceKind::InvoicePayment => format!("/v1/invoice_payments/{id}"),
        _ => return Vec::new(),
    };
    vec![path]
}

/// Reads an object, or each object of a list.
pub(in super::super) fn read(
    answer: &[u8],
    asking: Asking<'_>,
) -> Result<RetrievedPage, NotUnderstood> {
    let raw: &RawValue = serde_json::from_slice(answer)
        .map_err(|_| NotUnderstood("the answer is no JSON".to_owned()))?;
    let outer = Outer::read(raw.get())?;
    let mut read = RetrievedPage::default();
    match &outer.data {
        Some(list) if outer.object.text() == Some("list") => {
            let mut last = None;
            for one in list {
                let added = Outer::read(one.get()).and_then(|outer| {
                    last = outer.id.text().map(str::to_owned);
                    add(&mut read, &outer, one.get(), asking)
                });
                read.not_understood.extend(added.err());
            }
            read.next = last.filter(|_| outer.has_more.bool() == Some(true));
        }
        _ => add(&mut read, &outer, raw.get(), asking)?,
    }
    Ok(read)
}

fn add(
    read: &mut RetrievedPage,
    outer: &Outer<'_>,
    object: &str,
    asking: Asking<'_>,
) -> Result<(), NotUnderstood> {
    let name = outer.object.text();
    let name = name.ok_or_else(|| NotUnderstood("the answer is no object".to_owned()))?;
    let event_type = format!("{name}.retrieved");
    if retrieved(&event_type).is_none() {
        return Err(NotUnderstood(format!("nothing is known of a {name}")));
    }
    // A refund does not say; the keys do.
    let livemode = outer.livemode.bool().unwrap_or(asking.livemode);
    let mut object = Retrieved::new(asking, event_type, livemode, object)?;
    let charge = outer.latest_charge.get().map_or(&outer.disputed, |charge| &charge.disputed);
    object.is_disputed = charge.bool() == Some(true);
    read.objects.push(object);
    read.more.extend(outer.more(name));
    Ok(())
}

/// PaymentIntents and, for those that have none, charges; the newest first.
pub(in super::super) fn payment_lists(from: Timestamp, until: Timestamp) -> Vec<String> {
    let (from, until) = (from.unix_seconds(), until.unix_seconds());
    let made = format!("limit=100&created[gte]={from}&created[lt]={until}");
    vec![
        format!("/v1/payment_intents?expand[]=data.latest_charge&{made}"),
        format!("/v1/charges?{made}"),
    ]
}

/// The page behind the one that ends with the object `last`.
pub(in super::super) fn next_page(path: &str, last: &str) -> String {
    let first = path.split("&starting_after=").next().unwrap_or(path);
    format!("{first}&starting_after={last}")
}

pub(in super::super) fn named_by_thin_event(payload: &str) -> Option<Reference> {
    #[derive(Deserialize)]
    struct Thin<'a> {
        #[serde(borrow, default)]
        related_object: Part<Related<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Related<'a> {
        #[serde(borrow)]
        id: Loose<'a>,
        #[serde(borrow, rename = "type")]
        object: Loose<'a>,
    }
    let thin: Thin<'_> = serde_json::from_str(payload).ok()?;
    let related = thin.related_object.get()?;
    let kind = match related.object.text()? {
        "payment_intent" => ReferenceKind::PaymentIntent,
        "charge" => ReferenceKind::Charge,
        "checkout.session" => ReferenceKind::CheckoutSession,
        "invoice" => ReferenceKind::Invoice,
        "invoice_payment" => ReferenceKind::InvoicePayment,
        "refund" => ReferenceKind::Refund,
        "dispute" => ReferenceKind::Dispute,
        _ => return None,
    };
    Some(Reference::new(kind, related.id.text()?))
}

/// The object as an event would bring it.
pub(in super::super) fn envelope(
    id: &str,
    at: Timestamp,
    livemode: bool,
    event_type: &str,
    object: &str,
) -> String {
    let seconds = at.unix_seconds();
    format!(
        "{{\"id\":\"{id}\",\"object\":\"event\",\"api_version\":\"{VERSION}\",\
         \"created\":{seconds},\"livemode\":{livemode},\"type\":\"{event_type}\",\
         \"data\":{{\"object\":{object}}}}}"
    )
}

objects! {
    /// What tells how to read an object, and what to ask for beside it.
    struct Outer<'a> {
        object: Loose<'a>,
        id: Loose<'a>,
        livemode: Loose<'a>,
        data: Option<Vec<&'a RawValue>>,
        has_more: Loose<'a>,
        disputed: Loose<'a>,
        latest_charge: Part<Disputed<'a>>,
        payment_intent: Loose<'a>,
        payment: Part<PaidWith<'a>>,
    }

    struct Disputed<'a> {
        id: Loose<'a>,
        disputed: Loose<'a>,
    }

    struct PaidWith<'a> {
        payment_intent: Loose<'a>,
    }
}

impl<'a> Outer<'a> {
    fn read(object: &'a str) -> Result<Self, NotUnderstood> {
        serde_json::from_str(object)
            .map_err(|_| NotUnderstood("the answer is no object".to_owned()))
    }

    fn more(&self, name: &str) -> Vec<Question> {
        let of = |kind, id: Option<&str>| {
            id.and_then(|id| question(Provider::Stripe, &Reference::new(kind, id)))
        };
        let list = |kind, path: &str, id: Option<&str>| {
            // Only what may stand in a path.
            id.and_then(|id| of(ReferenceKind::Charge, Some(id)).map(|_| id))
                .map(|id| Question { kind, paths: vec![format!("{path}{id}&limit=100")] })
        };
        let disputes = |id| list(ReferenceKind::Dispute, "/v1/disputes?charge=", id);
        let more = match name {
            "payment_intent" => {
                let charge = self.latest_charge.get();
                charge
                    .filter(|charge| charge.disputed.bool() == Some(true))
                    .and_then(|charge| disputes(charge.id.id()))
            }
            "charge" if self.disputed.bool() == Some(true) => disputes(self.id.id()),
            "checkout.session" => of(ReferenceKind::PaymentIntent, self.payment_intent.id()),
            "invoice" => {
                list(ReferenceKind::InvoicePayment, "/v1/invoice_payments?invoice=", self.id.id())
            }
            "invoice_payment" => {
                let payment = self.payment.get();
                of(
                    ReferenceKind::PaymentIntent,
                    payment.and_then(|payment| payment.payment_intent.id()),
                )
            }
            _ => None,
        };
        more.into_iter().collect()
    }
}
