//! Payouts: the provider sends the shop's balance to its bank. They are no payments; what matters is one that did
//! not arrive.
//!
//! Stripe: <https://docs.stripe.com/api/payouts/object>. PayPal pays out by itself, and sends no such events.

use serde_json::Value;

use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;

/// What an event says of a payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// The provider's id.
    pub id: String,
    /// How much, if it says.
    pub money: Option<Money>,
    /// What became of it.
    pub state: PayoutState,
    /// Why it failed, in the provider's words.
    pub reason: Option<String>,
}

/// What became of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutState {
    /// It arrived, as far as the provider knows.
    Paid,
    /// The bank sent it back.
    Failed,
    /// It was taken back before it was sent.
    Canceled,
}

/// What a genuine event of this type says of a payout; `None` if it is about none that ended.
pub fn read(provider: Provider, event_type: &str, payload: &str) -> Option<Payout> {
    let state = match (provider, event_type) {
        (Provider::Stripe, "payout.paid") => PayoutState::Paid,
        (Provider::Stripe, "payout.failed") => PayoutState::Failed,
        (Provider::Stripe, "payout.canceled") => PayoutState::Canceled,
        _ => return None,
    };
    let event: Value = serde_json::from_str(payload).ok()?;
    let object = event.pointer("/data/object")?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let currency = text("currency").and_then(|code| Currency::parse(&code).ok());
    let minor = object.get("amount").and_then(Value::as_i64);
    Some(Payout {
        id: text("id")?,
        money: minor.zip(currency).map(|(minor, currency)| Money { minor, currency }),
        state,
        reason: text("failure_message").or_else(|| text("failure_code")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_that_failed_says_how_much_and_why() {
        let payload = r#"{"data":{"object":{"id":"po_1","object":"payout","amount":120400,"currency":"eur",
            "failure_code":"account_closed","failure_message":"The bank account has been closed."}}}"#;
        let payout = read(Provider::Stripe, "payout.failed", payload).expect("a payout");
        assert_eq!((&*payout.id, payout.state), ("po_1", PayoutState::Failed));
        assert_eq!(payout.money.map(|money| money.minor), Some(120_400));
        assert_eq!(payout.reason.as_deref(), Some("The bank account has been closed."));
        assert_eq!(read(Provider::Stripe, "payout.created", payload), None);
        assert_eq!(read(Provider::Stripe, "payout.failed", "no JSON"), None);
    }
}
