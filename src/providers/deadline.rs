//! Until when a dispute can be answered, from the event that told of it.

use serde_json::Value;

use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;

/// Until when the shop can answer the dispute that an event of this provider is about; `None` if the
/// event does not say.
///
/// Stripe: <https://docs.stripe.com/api/disputes/object#dispute_object-evidence_details-due_by>.
/// PayPal: <https://developer.paypal.com/docs/api/customer-disputes/v1/#disputes_get>.
pub fn answer_due(provider: Provider, payload: &str) -> Option<Timestamp> {
    let event: Value = serde_json::from_str(payload).ok()?;
    match provider {
        Provider::Stripe => {
            let due = event.pointer("/data/object/evidence_details/due_by")?;
            Timestamp::from_unix_seconds(due.as_i64()?)
        }
        Provider::Paypal => {
            let due = event.pointer("/resource/seller_response_due_date")?;
            Timestamp::parse(due.as_str()?).ok()
        }
    }
}

/// Until when money that is held can be taken, by the event that told of it; `None` if it does not say.
///
/// Stripe: <https://docs.stripe.com/payments/place-a-hold-on-a-payment-method#auth-capture-limits>.
/// PayPal: <https://developer.paypal.com/docs/api/payments/v2/#authorizations_get> (`expiration_time`).
pub fn capture_before(provider: Provider, payload: &str) -> Option<Timestamp> {
    let event: Value = serde_json::from_str(payload).ok()?;
    match provider {
        Provider::Stripe => {
            let of_charge = "/payment_method_details/card/capture_before";
            let said =
                ["/data/object", "/data/object/latest_charge", "/data/object/charges/data/0"]
                    .iter()
                    .find_map(|object| event.pointer(&format!("{object}{of_charge}")))?;
            Timestamp::from_unix_seconds(said.as_i64()?)
        }
        Provider::Paypal => {
            let of_order = "/resource/purchase_units/0/payments/authorizations/0/expiration_time";
            let said =
                event.pointer("/resource/expiration_time").or_else(|| event.pointer(of_order));
            Timestamp::parse(said?.as_str()?).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_providers_say_until_when_a_dispute_can_be_answered() {
        let stripe = r#"{"data":{"object":{"evidence_details":{"due_by":1767920800}}}}"#;
        let paypal = include_str!(
            "../../tests/data/vectors/paypal/events/CUSTOMER.DISPUTE.RESOLVED__canceled_by_buyer.json"
        );
        for (provider, payload, expected) in [
            (Provider::Stripe, stripe, Some("2026-01-09T01:06:40.000Z")),
            (Provider::Paypal, paypal, Some("2018-07-06T13:55:58.000Z")),
            (Provider::Paypal, stripe, None),
            (Provider::Stripe, paypal, None),
            (Provider::Stripe, "no JSON", None),
            (Provider::Stripe, r#"{"data":{"object":{"evidence_details":{"due_by":null}}}}"#, None),
        ] {
            let due = answer_due(provider, payload).map(|at| at.to_string());
            assert_eq!(due.as_deref(), expected, "{provider}");
        }
    }
}
