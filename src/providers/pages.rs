//! Where the providers themselves show a person what an id names.

use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;

/// The address of the provider's own page for an id; `None` if it has none that an id leads to, or
/// if the id is none of the provider's form.
pub fn page(provider: Provider, livemode: bool, kind: ReferenceKind, id: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if id.is_empty() || id.len() > LONGEST || !id.bytes().all(is_plain) {
        return None;
    }
    match provider {
        Provider::Stripe => {
            let test = if livemode { "" } else { "test/" };
            let folder = match kind {
                ReferenceKind::PaymentIntent | ReferenceKind::Charge => "payments",
                ReferenceKind::CheckoutSession => "checkout/sessions",
                ReferenceKind::Invoice => "invoices",
                ReferenceKind::Subscription => "subscriptions",
                ReferenceKind::Dispute => "disputes",
                ReferenceKind::Refund => "refunds",
                ReferenceKind::Review => "radar/reviews",
                _ => return None,
            };
            Some(format!("https://dashboard.stripe.com/{test}{folder}/{id}"))
        }
        // Orders and payments are the API's alone: people see what moved money.
        Provider::Paypal => {
            let host = if livemode { "www.paypal.com" } else { "www.sandbox.paypal.com" };
            match kind {
                ReferenceKind::Capture
                | ReferenceKind::Sale
                | ReferenceKind::Authorization
                | ReferenceKind::Refund => Some(format!("https://{host}/activity/payment/{id}")),
                ReferenceKind::Dispute => Some(format!("https://{host}/resolutioncenter/{id}")),
                ReferenceKind::Subscription => {
                    Some(format!("https://{host}/billing/subscriptions/{id}"))
                }
                _ => None,
            }
        }
    }
}

/// The address of the provider's own page for an event, if it has one.
pub fn event_page(provider: Provider, livemode: bool, event_id: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_id = event_id.len() <= LONGEST && event_id.bytes().all(is_plain);
    match provider {
        Provider::Stripe if is_id && event_id.starts_with("evt_") => {
            let test = if livemode { "" } else { "test/" };
            Some(format!("https://dashboard.stripe.com/{test}events/{event_id}"))
        }
        _ => None,
    }
}

/// The address of the provider's own page of a payout, if it has one.
pub fn payout_page(provider: Provider, livemode: bool, payout_id: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_id = payout_id.len() <= LONGEST && payout_id.bytes().all(is_plain);
    match provider {
        Provider::Stripe if is_id && payout_id.starts_with("po_") => {
            let test = if livemode { "" } else { "test/" };
            Some(format!("https://dashboard.stripe.com/{test}payouts/{payout_id}"))
        }
        _ => None,
    }
}

/// The address of the page at which the provider has webhook endpoints, their secrets and attempts.
pub fn webhooks_page(provider: Provider, livemode: bool) -> String {
    match (provider, livemode) {
        (Provider::Stripe, true) => "https://dashboard.stripe.com/webhooks",
        (Provider::Stripe, false) => "https://dashboard.stripe.com/test/webhooks",
        (Provider::Paypal, true) => "https://developer.paypal.com/dashboard/applications/live",
        (Provider::Paypal, false) => "https://developer.paypal.com/dashboard/applications/sandbox",
    }
    .to_owned()
}

/// No id of a provider's has more characters.
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_the_page_that_people_know() {
        use ReferenceKind::{Capture, Charge, Order, PaymentIntent};
        for (provider, livemode, kind, id, expected) in [
            (
                Provider::Stripe,
                true,
                PaymentIntent,
                "pi_1",
                "https://dashboard.stripe.com/payments/pi_1",
            ),
            (
                Provider::Stripe,
                false,
                Charge,
                "ch_1",
                "https://dashboard.stripe.com/test/payments/ch_1",
            ),
            (
                Provider::Paypal,
                true,
                Capture,
                "2GG27",
                "https://www.paypal.com/activity/payment/2GG27",
            ),
            (
                Provider::Paypal,
                false,
                Capture,
                "2GG27",
                "https://www.sandbox.paypal.com/activity/payment/2GG27",
            ),
        ] {
            assert_eq!(page(provider, livemode, kind, id).as_deref(), Some(expected));
        }
        assert_eq!(page(Provider::Paypal, true, Order, "5O19"), None);
        assert_eq!(
            event_page(Provider::Stripe, true, "evt_1").as_deref(),
            Some("https://dashboard.stripe.com/events/evt_1")
        );
    }

    #[test]
    fn an_id_that_would_lead_elsewhere_leads_nowhere() {
        for id in
            ["", "../settings", "pi_1?x=y", "pi_1#a", "pi 1", "\"><script>", "é", &"a".repeat(256)]
        {
            assert_eq!(
                page(Provider::Stripe, true, ReferenceKind::PaymentIntent, id),
                None,
                "{id}"
            );
            assert_eq!(event_page(Provider::Stripe, true, &format!("evt_{id}/")), None, "{id}");
        }
    }
}
