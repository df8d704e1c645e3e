//! The provider's own object inside an event, for a person to look at.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;

/// The object that an event is about, as it stands in its payload; `None` if there is none.
pub fn of_event(provider: Provider, payload: &str) -> Option<Box<RawValue>> {
    let field = |text: &str, name: &str| -> Option<Box<RawValue>> {
        let mut fields: std::collections::HashMap<String, Box<RawValue>> =
            serde_json::from_str(text).ok()?;
        fields.remove(name)
    };
    match provider {
        Provider::Stripe => field(field(payload, "data")?.get(), "object"),
        Provider::Paypal => field(payload, "resource"),
    }
}

/// Until when the shop can answer the dispute that an event is about, if it says so.
///
/// Stripe: `evidence_details.due_by` in seconds. PayPal: `seller_response_due_date`.
pub fn dispute_deadline(provider: Provider, payload: &str) -> Option<Timestamp> {
    let object: Value = serde_json::from_str(of_event(provider, payload)?.get()).ok()?;
    match provider {
        Provider::Stripe => {
            Timestamp::from_unix_seconds(object["evidence_details"]["due_by"].as_i64()?)
        }
        Provider::Paypal => Timestamp::parse(object["seller_response_due_date"].as_str()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_found_as_it_stands() {
        let stripe = r#"{"data":{"object":{"b":1.50,"a":2}}}"#;
        let object = of_event(Provider::Stripe, stripe).expect("an object");
        assert_eq!(object.get(), r#"{"b":1.50,"a":2}"#);
        assert!(of_event(Provider::Paypal, stripe).is_none());
        for broken in ["", "[]", "{}", r#"{"data":7}"#, r#"{"data":{}}"#] {
            assert!(of_event(Provider::Stripe, broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn a_dispute_tells_its_deadline() {
        let at = Timestamp::parse("2026-12-01T10:00:00Z").expect("a time");
        let seconds = at.unix_seconds();
        for (provider, payload, deadline) in [
            (
                Provider::Stripe,
                format!(r#"{{"data":{{"object":{{"evidence_details":{{"due_by":{seconds}}}}}}}}}"#),
                Some(at),
            ),
            (
                Provider::Stripe,
                r#"{"data":{"object":{"evidence_details":{"due_by":null}}}}"#.to_owned(),
                None,
            ),
            (
                Provider::Paypal,
                r#"{"resource":{"seller_response_due_date":"2026-12-01T10:00:00.000Z"}}"#
                    .to_owned(),
                Some(at),
            ),
            (Provider::Paypal, r#"{"resource":{"dispute_id":"PP-D-1"}}"#.to_owned(), None),
        ] {
            assert_eq!(dispute_deadline(provider, &payload), deadline, "{payload}");
        }
    }
}
