//! Sample events, in the form and with the fields that PayPal would send.
//!
//! Source: recorded deliveries and PayPal's webhook simulator. A sample is proved like any other
//! event: whoever sends it signs it with the key of a certificate that the receiver trusts.

pub use super::sample::Sample;
use super::template::{Slot, fill};
use crate::domain::money::Money;
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::providers::paypal::whole_seconds;

/// The types that there are samples of. The last is one that payhookd does not act on.
pub const TYPES: &[&str] = &[
    "PAYMENT.SALE.COMPLETED",
    "PAYMENT.SALE.DENIED",
    "PAYMENT.SALE.PENDING",
    "PAYMENT.SALE.REFUNDED",
    "PAYMENT.CAPTURE.COMPLETED",
    "PAYMENT.CAPTURE.DENIED",
    "CHECKOUT.ORDER.APPROVED",
];

/// The sample's body; `None` if there is no sample of its type.
pub fn event(sample: &Sample<'_>) -> Option<String> {
    let (kind, state, said) = match sample.event_type {
        "PAYMENT.SALE.COMPLETED" => (&SALE, "completed", "Payment completed for"),
        "PAYMENT.SALE.DENIED" => (&SALE, "denied", "Payment denied for"),
        "PAYMENT.SALE.PENDING" => (&SALE, "pending", "Payment pending for"),
        "PAYMENT.SALE.REFUNDED" => (&REFUND, "completed", "Payment refunded:"),
        "PAYMENT.CAPTURE.COMPLETED" => (&CAPTURE, "COMPLETED", "Payment completed for"),
        "PAYMENT.CAPTURE.DENIED" => (&CAPTURE, "DECLINED", "Payment denied for"),
        "CHECKOUT.ORDER.APPROVED" => (&ORDER, "APPROVED", "An order has been approved by buyer:"),
        _ => return None,
    };
    let summary = format!("{said} {} {}", decimal(sample.amount), sample.amount.currency);
    Some(fill(
        &compact(include_str!("samples/paypal/event.json")),
        &[
            ("event_id", Slot::Text(sample.event_id)),
            ("event_type", Slot::Text(sample.event_type)),
            ("host", Slot::Text(sample.host())),
            ("occurred_at", Slot::Text(&sample.occurred_at.to_string())),
            ("resource", Slot::Json(sample.resource(kind, state))),
            ("resource_type", Slot::Text(kind.resource_type)),
            ("resource_version", Slot::Json(kind.resource_version.to_owned())),
            ("summary", Slot::Text(&summary)),
        ],
    ))
}

impl Sample<'_> {
    fn resource(&self, kind: &Kind, state: &str) -> String {
        let currency = self.amount.currency;
        let fee = Money { minor: self.amount.minor / 100 * FEE_PERCENT, currency };
        let net = Money { minor: self.amount.minor - fee.minor, currency };
        let amount = match kind.gives_back {
            true => Money { minor: -self.amount.abs().minor, currency },
            false => self.amount,
        };
        let custom = self.order_id.map(|order_id| field(kind.custom, order_id));
        let pending = (state == "pending")
            .then_some(r#""reason_code":"RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION","#);
        let sale_id = self.parent_id.map(|sale| field("sale_id", sale));
        let sale_link = self.parent_id.map(|sale| {
            let link = r#",{"href":"https://${host}/v1/payments/sale/${sale}","rel":"sale","method":"GET"}"#;
            fill(link, &[("host", Slot::Text(self.host())), ("sale", Slot::Text(sale))])
        });
        let began = self.occurred_at.unix_seconds() - SECONDS_TO_PAY;
        let began = Timestamp::from_unix_seconds(began).unwrap_or(self.occurred_at);
        fill(
            &compact(kind.template),
            &[
                ("amount", Slot::Text(&decimal(amount))),
                ("began", Slot::Text(&whole_seconds(began))),
                ("currency", Slot::Text(currency.as_str())),
                ("custom", Slot::Json(custom.unwrap_or_default())),
                ("fee", Slot::Text(&decimal(fee))),
                ("host", Slot::Text(self.host())),
                ("net", Slot::Text(&decimal(net))),
                ("object_id", Slot::Text(self.object_id)),
                ("reason_code", Slot::Json(pending.unwrap_or_default().to_owned())),
                ("reference", Slot::Text(self.reference)),
                ("sale_id", Slot::Json(sale_id.unwrap_or_default())),
                ("sale_link", Slot::Json(sale_link.unwrap_or_default())),
                ("state", Slot::Text(state)),
                ("updated", Slot::Text(&whole_seconds(self.occurred_at))),
            ],
        )
    }

    fn host(&self) -> &'static str {
        if self.livemode { "api.paypal.com" } else { "api.sandbox.paypal.com" }
    }
}

/// What the events of one kind of object have in common.
struct Kind {
    template: &'static str,
    resource_type: &'static str,
    /// The whole field; version 1 goes without saying.
    resource_version: &'static str,
    /// The field that carries the shop's own order id.
    custom: &'static str,
    /// Whether the money goes back, which version 1 says with a negative amount.
    gives_back: bool,
}

const SALE: Kind = Kind {
    template: include_str!("samples/paypal/sale.json"),
    resource_type: "sale",
    resource_version: "",
    custom: "custom",
    gives_back: false,
};
const REFUND: Kind =
    Kind { template: include_str!("samples/paypal/refund.json"), gives_back: true, ..SALE };
const CAPTURE: Kind = Kind {
    template: include_str!("samples/paypal/capture.json"),
    resource_type: "capture",
    resource_version: r#""resource_version":"2.0","#,
    custom: "custom_id",
    gives_back: false,
};
const ORDER: Kind = Kind {
    template: include_str!("samples/paypal/order.json"),
    resource_type: "checkout-order",
    ..CAPTURE
};

/// A template on one line, as PayPal writes its JSON.
fn compact(template: &str) -> String {
    let line: String = template.lines().map(str::trim).collect();
    line.replace("\": ", "\":").replace(", \"", ",\"")
}

/// A text field and the comma after it.
fn field(name: &str, text: &str) -> String {
    fill(r#""${name}":"${text}","#, &[("name", Slot::Text(name)), ("text", Slot::Text(text))])
}

fn decimal(amount: Money) -> String {
    amount.to_decimal(Provider::Paypal)
}

const FEE_PERCENT: i64 = 3;
/// The object is this much older than what happened to it.
const SECONDS_TO_PAY: i64 = 7;

#[cfg(test)]
mod tests {
    use super::super::sample::tests::{first, keeps_odd_text};
    use super::*;
    use crate::domain::event::{Content, Event};
    use crate::domain::fact::FactState;
    use crate::domain::reference::ReferenceKind;
    use crate::providers::Verified;
    use crate::providers::paypal::event;
    use crate::providers::rules::Rules;

    fn sample(event_type: &str) -> Sample<'_> {
        Sample {
            event_id: "WH-SAMPLE",
            event_type,
            occurred_at: Timestamp::parse("2026-11-23T11:52:03.250Z").expect("a time"),
            reference: "PAY-SAMPLE",
            object_id: "SALE-SAMPLE",
            parent_id: None,
            amount: Money::parse_paypal("49.99", "EUR").expect("an amount"),
            order_id: Some("A-1001"),
            livemode: false,
        }
    }

    fn read(sample: &Sample<'_>) -> Event {
        let body = event(sample).expect("a sample of this type");
        assert!(!body.contains('\n') && !body.contains("\": "), "{body}");
        let verified = Verified::in_test(body.as_bytes());
        event::read(&verified, sample.livemode, &Rules::default()).expect("an event")
    }

    #[test]
    fn every_payment_sample_says_what_was_asked_for() {
        use ReferenceKind::{Capture, Order, Payment, Sale};
        for (event_type, own, parent, state) in [
            ("PAYMENT.SALE.COMPLETED", Sale, Payment, FactState::Succeeded),
            ("PAYMENT.SALE.DENIED", Sale, Payment, FactState::AttemptFailed),
            ("PAYMENT.SALE.PENDING", Sale, Payment, FactState::Processing),
            ("PAYMENT.CAPTURE.COMPLETED", Capture, Order, FactState::Succeeded),
            ("PAYMENT.CAPTURE.DENIED", Capture, Order, FactState::AttemptFailed),
        ] {
            let sample = sample(event_type);
            let event = read(&sample);
            assert_eq!((&*event.id, &*event.event_type), (sample.event_id, event_type));
            assert_eq!(event.occurred_at, Some(sample.occurred_at));
            let version = if own == Sale { "1.0" } else { "2.0" };
            assert_eq!(event.api_version.as_deref(), Some(version), "{event_type}");
            let (ids, fact) = first(event);
            let named = format!("{own} SALE-SAMPLE, {parent} PAY-SAMPLE, order_id A-1001");
            assert_eq!(ids, named, "{event_type}");
            assert_eq!((fact.state, fact.amount), (state, Some(sample.amount)), "{event_type}");
            let reason = "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION";
            let pending = (state == FactState::Processing).then_some(reason);
            assert_eq!(fact.reason.as_deref(), pending, "{event_type}");
        }
    }

    #[test]
    fn a_refund_names_its_payment_and_the_sale_if_told() {
        let sample = Sample {
            object_id: "REFUND-SAMPLE",
            parent_id: Some("SALE-SAMPLE"),
            ..sample("PAYMENT.SALE.REFUNDED")
        };
        assert!(event(&sample).is_some_and(|body| body.contains(r#""total":"-49.99""#)));
        let (ids, refund) = first(read(&sample));
        assert_eq!(
            ids,
            "refund REFUND-SAMPLE, payment PAY-SAMPLE, order_id A-1001, sale SALE-SAMPLE"
        );
        assert_eq!(
            (refund.state, refund.amount),
            (FactState::RefundSucceeded, Some(sample.amount))
        );
        assert_eq!(refund.parent_id.as_deref(), Some("SALE-SAMPLE"));
        let (_, alone) = first(read(&Sample { parent_id: None, ..sample }));
        assert_eq!(alone.parent_id.as_deref(), Some("PAY-SAMPLE"));
    }

    #[test]
    fn a_currency_without_decimals_is_written_without_them() {
        let amount = Money::parse_paypal("4900", "JPY").expect("an amount");
        let sample = Sample { amount, ..sample("PAYMENT.CAPTURE.COMPLETED") };
        assert!(event(&sample).is_some_and(|body| body.contains(r#""value":"4900""#)));
        assert_eq!(first(read(&sample)).1.amount, Some(amount));
    }

    #[test]
    fn there_is_a_sample_of_every_type_and_of_no_other() {
        for event_type in TYPES {
            let live = Sample { livemode: true, order_id: None, ..sample(event_type) };
            let content = read(&live).content;
            assert!(matches!(content, Content::Payments(_)), "{event_type}: {content:?}");
            let sandbox = |sample| event(sample).is_some_and(|body| body.contains("sandbox"));
            assert!(!sandbox(&live) && sandbox(&sample(event_type)), "{event_type}");
        }
        assert_eq!(event(&sample("PAYMENT.SALE.REVERSED")), None);
    }

    #[test]
    fn text_of_any_kind_keeps_its_place() {
        keeps_odd_text(TYPES, sample, read);
    }
}
