//! PayPal's objects as its API gives them: what they say now, whatever led there.
//!
//! Source: PayPal, the Orders v2, Payments v1 and v2 and Customer Disputes v1 references.

use serde_json::value::RawValue;

use super::super::reading::{Reading, Source, readings};
use super::super::retrieval::{
    Asking, NotUnderstood, Question, Retrieved, RetrievedPage, question,
};
use super::resource::{Link, Resource, SupplementaryData, linked, linked_capture};
use crate::domain::provider::Provider;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;
use crate::providers::lenient::{List, Loose, Part, objects};

readings! {
    /// How a resource that was asked for is read, by the type under which it is kept; PayPal sends no
    /// events of these types.
    fn retrieved -> Resource;
    "CHECKOUT.ORDER.RETRIEVED" => order_retrieved,
    "PAYMENTS.PAYMENT.RETRIEVED" => payment_retrieved,
    "PAYMENT.AUTHORIZATION.RETRIEVED" => authorization_retrieved,
    "PAYMENT.CAPTURE.RETRIEVED" => payment_taken(ReferenceKind::Capture),
    "PAYMENT.SALE.RETRIEVED" => payment_taken(ReferenceKind::Sale),
    "PAYMENT.REFUND.RETRIEVED" => refund(None, None),
    "CUSTOMER.DISPUTE.RETRIEVED" => dispute_retrieved,
}

const ORDERS: &str = "/v2/checkout/orders/";
const CAPTURES: &str = "/v2/payments/captures/";
const SALES: &str = "/v1/payments/sale/";
const PAYMENTS: &str = "/v1/payments/payment/";

/// Where the object may be found. Ids do not tell the old API's objects from the new one's, nor, if a
/// shop registered one, what it names.
pub(in super::super) fn paths(reference: &Reference) -> Vec<String> {
    let places: &[&str] = match reference.kind {
        ReferenceKind::Order => &[ORDERS],
        ReferenceKind::Payment => &[PAYMENTS],
        ReferenceKind::Authorization => {
            &["/v2/payments/authorizations/", "/v1/payments/authorization/"]
        }
        // A dispute calls a sale a capture, because it does not tell.
        ReferenceKind::Capture => &[CAPTURES, SALES],
        ReferenceKind::Sale => &[SALES],
        ReferenceKind::Refund => &["/v2/payments/refunds/", "/v1/payments/refund/"],
        ReferenceKind::Dispute => &["/v1/customer/disputes/"],
        ReferenceKind::Other => &[ORDERS, CAPTURES, SALES],
        _ => &[],
    };
    places.iter().map(|place| format!("{place}{}", reference.value)).collect()
}

/// Reads an object and those inside it. One inside that can't be read is left out: the outer object
/// still tells of it.
pub(in super::super) fn read(
    path: &str,
    answer: &[u8],
    asking: Asking<'_>,
) -> Result<RetrievedPage, NotUnderstood> {
    let raw: &RawValue = serde_json::from_slice(answer)
        .map_err(|_| NotUnderstood("the answer is no JSON".to_owned()))?;
    let outer: Outer<'_> = serde_json::from_str(raw.get())
        .map_err(|_| NotUnderstood("the answer is no object".to_owned()))?;
    let mut read = RetrievedPage::default();
    let mut add = |event_type: &str, object: &RawValue| {
        let object = Retrieved::new(asking, event_type.to_owned(), asking.livemode, object.get());
        object.map(|object| read.objects.push(object))
    };
    add(event_type(path)?, raw)?;
    for payments in outer.purchase_units.iter().filter_map(|unit| unit.payments.get()) {
        for (event_type, objects) in [
            ("PAYMENT.AUTHORIZATION.RETRIEVED", &payments.authorizations),
            ("PAYMENT.CAPTURE.RETRIEVED", &payments.captures),
            ("PAYMENT.REFUND.RETRIEVED", &payments.refunds),
        ] {
            objects.iter().for_each(|object| _ = add(event_type, object));
        }
    }
    for related in outer.transactions.iter().flat_map(|part| part.related_resources.iter()) {
        for (event_type, object) in [
            ("PAYMENT.SALE.RETRIEVED", related.sale),
            ("PAYMENT.AUTHORIZATION.RETRIEVED", related.authorization),
            ("PAYMENT.CAPTURE.RETRIEVED", related.capture),
            ("PAYMENT.REFUND.RETRIEVED", related.refund),
        ] {
            object.into_iter().for_each(|object| _ = add(event_type, object));
        }
    }
    read.more.extend(outer.more(path));
    Ok(read)
}

fn event_type(path: &str) -> Result<&'static str, NotUnderstood> {
    let at = |place: &str| path.starts_with(place);
    Ok(match () {
        () if at(ORDERS) => "CHECKOUT.ORDER.RETRIEVED",
        () if at(PAYMENTS) => "PAYMENTS.PAYMENT.RETRIEVED",
        () if at(CAPTURES) => "PAYMENT.CAPTURE.RETRIEVED",
        () if at(SALES) => "PAYMENT.SALE.RETRIEVED",
        () if path.contains("/payments/authorization") => "PAYMENT.AUTHORIZATION.RETRIEVED",
        () if path.contains("/payments/refund") => "PAYMENT.REFUND.RETRIEVED",
        () if path.contains("/customer/disputes/") => "CUSTOMER.DISPUTE.RETRIEVED",
        () => return Err(NotUnderstood(format!("nothing is known of {path}"))),
    })
}

/// The resource as an event would bring it.
pub(in super::super) fn envelope(
    id: &str,
    at: Timestamp,
    event_type: &str,
    resource: &str,
) -> String {
    format!(
        "{{\"id\":\"{id}\",\"event_type\":\"{event_type}\",\"create_time\":\"{at}\",\
         \"resource_version\":\"2.0\",\"resource\":{resource}}}"
    )
}

objects! {
    /// The objects that may be inside another, and what is to be asked for beside it.
    struct Outer<'a> {
        status: Loose<'a>,
        state: Loose<'a>,
        purchase_units: List<Unit<'a>>,
        transactions: List<Parts<'a>>,
        supplementary_data: Part<SupplementaryData<'a>>,
        parent_payment: Loose<'a>,
        sale_id: Loose<'a>,
        capture_id: Loose<'a>,
        links: List<Link<'a>>,
    }

    struct Unit<'a> {
        payments: Part<Payments<'a>>,
    }

    struct Payments<'a> {
        authorizations: Vec<&'a RawValue>,
        captures: Vec<&'a RawValue>,
        refunds: Vec<&'a RawValue>,
    }

    struct Parts<'a> {
        related_resources: List<Related<'a>>,
    }

    struct Related<'a> {
        sale: Option<&'a RawValue>,
        authorization: Option<&'a RawValue>,
        capture: Option<&'a RawValue>,
        refund: Option<&'a RawValue>,
    }
}

impl Outer<'_> {
    /// What went back of a capture or a sale stands only in its order or payment; of a refund only
    /// what it was a refund of.
    fn more(&self, path: &str) -> Option<Question> {
        let of = |kind, id: Option<&str>| {
            id.and_then(|id| question(Provider::Paypal, &Reference::new(kind, id)))
        };
        let said = self.status.text().or_else(|| self.state.text()).unwrap_or_default();
        let gave_back = said.to_ascii_lowercase().ends_with("refunded");
        let related = self.supplementary_data.get();
        if path.starts_with(CAPTURES) && gave_back {
            let related = related.and_then(SupplementaryData::order_id);
            return of(
                ReferenceKind::Order,
                related.or_else(|| linked(&self.links, "/checkout/orders/")),
            );
        }
        let parent = self.parent_payment.id();
        if path.starts_with(SALES) && gave_back {
            return of(ReferenceKind::Payment, parent);
        }
        if path.contains("/payments/refund") {
            let sale = || self.sale_id.id().or_else(|| linked(&self.links, "/payments/sale/"));
            let capture = || {
                let related = || related.and_then(SupplementaryData::capture_id);
                self.capture_id.id().or_else(related).or_else(|| linked_capture(&self.links))
            };
            return of(ReferenceKind::Payment, parent)
                .or_else(|| of(ReferenceKind::Sale, sale()))
                .or_else(|| of(ReferenceKind::Capture, capture()));
        }
        None
    }
}
