//! Who paid, as far as an event tells: enough for a person to recognise a buyer of theirs.

use serde_json::Value;

use super::object::of_event;
use super::redact::REMOVED;
use crate::domain::provider::Provider;

/// What a payment's event calls its payer: a name, an e-mail address or both; `None` if it tells of
/// neither, or no longer does. A sender wrote it.
///
/// Stripe: <https://docs.stripe.com/api/charges/object>, `billing_details`, and the like of the other
/// objects. PayPal: `payer`, and the buyer of a dispute.
pub fn payer(provider: Provider, payload: &str) -> Option<String> {
    let object: Value = serde_json::from_str(of_event(provider, payload)?.get()).ok()?;
    let (names, addresses) = match provider {
        Provider::Stripe => (STRIPE_NAMES, STRIPE_ADDRESSES),
        Provider::Paypal => (PAYPAL_NAMES, PAYPAL_ADDRESSES),
    };
    let name = names.iter().find_map(|parts| said(&object, parts));
    let address = addresses.iter().find_map(|path| said(&object, &[path]));
    match (name, address) {
        (Some(name), Some(address)) => Some(format!("{name}, {address}")),
        (name, address) => name.or(address),
    }
}

/// The texts at these places, as one.
fn said(object: &Value, parts: &[&str]) -> Option<String> {
    let texts = parts.iter().filter_map(|path| object.pointer(path)?.as_str()).map(str::trim);
    let texts: Vec<_> = texts.filter(|text| !text.is_empty() && *text != REMOVED).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

const STRIPE_NAMES: &[&[&str]] = &[
    &["/billing_details/name"],
    &["/customer_details/name"],
    &["/customer_name"],
    &["/shipping/name"],
    &["/evidence/customer_name"],
];
const STRIPE_ADDRESSES: &[&str] = &[
    "/billing_details/email",
    "/customer_details/email",
    "/receipt_email",
    "/customer_email",
    "/evidence/customer_email_address",
];
const PAYPAL_NAMES: &[&[&str]] = &[
    &["/payer/name/given_name", "/payer/name/surname"],
    &["/payer/payer_info/first_name", "/payer/payer_info/last_name"],
    &["/payment_source/paypal/name/given_name", "/payment_source/paypal/name/surname"],
    &["/purchase_units/0/shipping/name/full_name"],
    &["/disputed_transactions/0/buyer/name"],
];
const PAYPAL_ADDRESSES: &[&str] = &[
    "/payer/email_address",
    "/payer/payer_info/email",
    "/payment_source/paypal/email_address",
    "/disputed_transactions/0/buyer/email",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payer_is_told_by_name_and_address_as_far_as_they_are_known() {
        let stripe = |object: &str| format!(r#"{{"data":{{"object":{object}}}}}"#);
        let paypal = |resource: &str| format!(r#"{{"resource":{resource}}}"#);
        for (provider, payload, expected) in [
            (
                Provider::Stripe,
                stripe(r#"{"billing_details":{"name":"Ann Lee","email":"ann@shop.example"}}"#),
                Some("Ann Lee, ann@shop.example"),
            ),
            (Provider::Stripe, stripe(r#"{"receipt_email":"a@b.example"}"#), Some("a@b.example")),
            (
                Provider::Stripe,
                stripe(r#"{"billing_details":{"name":"[removed]","email":null}}"#),
                None,
            ),
            (Provider::Stripe, stripe(r#"{"billing_details":7}"#), None),
            (
                Provider::Paypal,
                paypal(
                    r#"{"payer":{"name":{"given_name":"Ann","surname":" "},
                                 "email_address":"ann@b.example"}}"#,
                ),
                Some("Ann, ann@b.example"),
            ),
            (Provider::Paypal, paypal(r#"{"payer":{"name":"Ann"}}"#), None),
            (Provider::Paypal, "not JSON".to_owned(), None),
        ] {
            assert_eq!(payer(provider, &payload).as_deref(), expected, "{payload}");
        }
    }
}
