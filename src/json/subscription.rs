//! What a shop may say of a subscription, checked: the same for the HTTP API and a flag.

use super::registration::{Fields, Mistake, currency, id, provider};
use crate::domain::provider::Provider;
use crate::domain::records::NewSubscription;
use crate::domain::reference::ReferenceKind;
use crate::providers::reference_kind;

/// The fields of a registration, in the order in which they are checked.
pub const FIELDS: &[&str] = &["provider", "reference", "own_id", "amount", "currency", "livemode"];

/// Reads a registration, by the rules of [a transaction's](super::registration::parse).
pub fn parse(json: &[u8], livemode: bool) -> Result<NewSubscription, Mistake> {
    let fields = Fields::read(json, FIELDS)?;
    let provider = fields.required("provider", provider)?;
    let reference = fields.required("reference", super::registration::reference)?;
    let reference = self::reference(provider, &reference);
    let reference = reference.map_err(|detail| Mistake::of("reference", detail))?;
    let own_id = fields.text("own_id", id)?;
    let amount = fields.amount()?;
    let currency = fields.text("currency", currency)?;
    if amount.is_some() && currency.is_none() {
        return Err(Mistake::of("currency", "missing beside amount"));
    }
    let livemode = fields.flag("livemode")?.unwrap_or(livemode);
    Ok(NewSubscription { provider, livemode, reference, own_id, amount, currency })
}

/// The id of a subscription of this provider's: by another no payment would ever be found.
pub fn reference(provider: Provider, text: &str) -> Result<String, String> {
    if reference_kind(provider, text) == ReferenceKind::Subscription {
        return Ok(text.to_owned());
    }
    Err(match provider {
        Provider::Stripe => "give the id of a subscription of Stripe's: sub_…",
        Provider::Paypal => {
            "give the id of a subscription of PayPal's: I-… or, of an agreement, B-…"
        }
    }
    .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_read_and_every_mistake_names_its_field() {
        let json = r#"{"provider":"paypal","reference":"I-1","own_id":"club-17","amount":999,
                       "currency":"eur"}"#;
        let new = parse(json.as_bytes(), true).expect("a subscription");
        assert_eq!(
            (new.own_id.as_deref(), new.amount, new.livemode),
            (Some("club-17"), Some(999), true)
        );
        let with = |more: &str| format!(r#"{{"provider":"stripe","reference":"sub_1"{more}}}"#);
        assert!(parse(with("").as_bytes(), true).is_ok());
        for (json, said) in [
            (r#"{"provider":"stripe"}"#.to_owned(), "reference: missing"),
            (
                r#"{"provider":"stripe","reference":"pi_1"}"#.to_owned(),
                "reference: give the id of a sub",
            ),
            (
                r#"{"provider":"paypal","reference":"sub_1"}"#.to_owned(),
                "reference: give the id of a sub",
            ),
            (with(r#","amount":-1,"currency":"EUR""#), "amount: give minor units"),
            (with(r#","amount":1"#), "currency: missing beside amount"),
            (with(r#","own_id":"""#), "own_id: give 1 to 255"),
            (with(r#","order_id":"A-1""#), "order_id: no such field"),
            (with(r#","livemode":1"#), "livemode: give true or false"),
        ] {
            let mistake = parse(json.as_bytes(), true).expect_err(&json).to_string();
            assert!(mistake.starts_with(said), "{json}: {mistake}");
        }
    }
}
