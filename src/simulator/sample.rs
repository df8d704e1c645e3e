//! A sample event of either provider: what it is about.

use crate::domain::money::Money;
use crate::domain::time::Timestamp;

/// What a sample event is about.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The event's id, `evt_…` or `WH-…`.
    pub event_id: &'a str,
    /// One of [`stripe::TYPES`](super::stripe::TYPES) or [`paypal::TYPES`](super::paypal::TYPES).
    pub event_type: &'a str,
    /// When it happened; Stripe tells whole seconds.
    pub occurred_at: Timestamp,
    /// What the shop keeps. At Stripe the PaymentIntent, `pi_…`, or for an invoice its subscription,
    /// `sub_…`; any other value is left out there, because an invoice does not name its PaymentIntent. At
    /// PayPal the order of a capture, the `PAY-…` of a sale or refund.
    pub reference: &'a str,
    /// The object beside the reference: at Stripe a payment's charge `ch_…`, or the dispute `dp_…`, the
    /// invoice `in_…`, the customer `cus_…`; at PayPal the sale, capture or refund. A payment that has not
    /// been tried has no charge, and a PayPal order is its own reference.
    pub object_id: &'a str,
    /// The charge that a dispute is about, the sale that a refund is of; without it the event names its
    /// `reference` alone.
    pub parent_id: Option<&'a str>,
    /// What was paid, asked for or disputed; of a refund what was given back, not negative.
    pub amount: Money,
    /// The shop's own order id: in Stripe's metadata (a dispute does not carry it), as PayPal's `custom` or
    /// `custom_id`.
    pub order_id: Option<&'a str>,
    /// Real money or test money; in an event of PayPal's only the hosts of its links tell.
    pub livemode: bool,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::fact::Fact;

    /// The ids, each with its kind, and the first fact of the first payment.
    pub(in super::super) fn first(event: Event) -> (String, Fact) {
        let part = &event.content.parts()[0];
        let ids = part.references.iter().map(|one| format!("{} {}", one.kind, one.value));
        (ids.collect::<Vec<String>>().join(", "), part.facts[0].clone())
    }

    /// Whether text that would end a field, or begin a template's, stays in its place.
    pub(in super::super) fn keeps_odd_text(
        types: &[&str],
        sample: fn(&str) -> Sample<'_>,
        read: fn(&Sample<'_>) -> Event,
    ) {
        let odd = "\"${amount}\n\u{1}\\\u{e9}";
        for event_type in types {
            let sample = Sample {
                event_id: odd,
                reference: odd,
                object_id: odd,
                parent_id: Some(odd),
                order_id: Some(odd),
                ..sample(event_type)
            };
            assert_eq!(&*read(&sample).id, odd, "{event_type}");
        }
    }
}
