//! What a shop may say of a transaction, checked: the same for the HTTP API, an import and a flag.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::records::NewTransaction;
use crate::domain::reference::{LONGEST_ID, Reference, is_id};
use crate::domain::transaction::Expected;
use crate::providers::reference_kind;

/// The fields of a registration, in the order in which they are checked.
pub const FIELDS: &[&str] =
    &["provider", "reference", "order_id", "amount", "currency", "partial", "livemode", "metadata"];

/// What is wrong with a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The field that is wrong; `None` if it is no JSON object at all.
    pub field: Option<String>,
    /// What to do about it.
    pub detail: String,
}

impl Mistake {
    pub(super) fn of(field: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), detail: detail.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

/// Reads a registration; `livemode` is of those that do not say which money they are about.
///
/// Unknown fields and fields that stand twice are refused: what is misspelt would silently not be
/// checked against the money that comes.
pub fn parse(json: &[u8], livemode: bool) -> Result<NewTransaction, Mistake> {
    let fields = Fields::read(json, FIELDS)?;
    let provider = fields.required("provider", provider)?;
    let reference = fields.required("reference", reference)?;
    let order_id = fields.text("order_id", id)?;
    let amount = fields.amount()?;
    let currency = fields.text("currency", currency)?;
    if amount.is_some() && currency.is_none() {
        return Err(Mistake::of("currency", "missing beside amount"));
    }
    let partial = fields.flag("partial")?.unwrap_or(false);
    let livemode = fields.flag("livemode")?.unwrap_or(livemode);
    let metadata = match fields.given("metadata") {
        None => Map::new().into(),
        Some(object @ Value::Object(_)) => object.clone(),
        Some(_) => return Err(Mistake::of("metadata", METADATA)),
    };
    Ok(NewTransaction {
        provider,
        reference: Reference::new(reference_kind(provider, &reference), reference),
        order_id,
        expected: Expected { amount, currency, partial },
        livemode,
        metadata: metadata.to_string(),
    })
}

/// A whole number, also where it is written with an empty fraction (`4999.0`), as some languages do;
/// anything else is none.
pub fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_number()?.to_string().strip_suffix(".0")?.parse().ok())
}

/// `stripe` or `paypal`.
pub fn provider(text: &str) -> Result<Provider, String> {
    Provider::parse(text).ok_or_else(|| "give stripe or paypal".to_owned())
}

/// An id of a provider or of the shop.
pub fn id(text: &str) -> Result<String, String> {
    if !is_id(text) {
        return Err(format!("give 1 to {LONGEST_ID} characters, none of them a control character"));
    }
    Ok(text.to_owned())
}

/// A provider's id of a payment, as the provider writes it: with a space before or behind it no event
/// would ever match it.
pub fn reference(text: &str) -> Result<String, String> {
    let id = id(text)?;
    if id.trim() != id {
        return Err("give it without the space before or behind it".to_owned());
    }
    Ok(id)
}

/// Minor units.
pub fn amount(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(amount) if amount >= 0 => Ok(amount),
        _ => Err(AMOUNT.to_owned()),
    }
}

/// A three-letter code.
pub fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).map_err(|error| error.to_string())
}

/// A JSON object, as the text that is kept.
pub fn metadata(text: &str) -> Result<String, String> {
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("{METADATA}: {error}"))?;
    Ok(Value::Object(object).to_string())
}

const AMOUNT: &str = "give minor units, a whole number: 4999 for 49.99 EUR";
const METADATA: &str = "give a JSON object such as {\"cart\":7}";

/// The pairs of a JSON object as they stand in it, so that one that stands twice is seen.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Those of an object that may have these.
    pub(super) fn read(json: &[u8], known: &[&str]) -> Result<Self, Mistake> {
        let fields: Self = serde_json::from_slice(json).map_err(|error| Mistake {
            field: None,
            detail: format!("not a JSON object: {error}"),
        })?;
        for (place, (name, _)) in fields.0.iter().enumerate() {
            if !known.contains(&&**name) {
                let known = known.join(", ");
                return Err(Mistake::of(name, format!("no such field: there are {known}")));
            }
            if fields.0[..place].iter().any(|(before, _)| before == name) {
                return Err(Mistake::of(name, "given twice"));
            }
        }
        Ok(fields)
    }

    fn given(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// `null` says as much as nothing.
    fn value(&self, name: &str) -> Option<&Value> {
        self.given(name).filter(|value| !value.is_null())
    }

    /// Minor units.
    pub(super) fn amount(&self) -> Result<Option<i64>, Mistake> {
        let Some(value) = self.value("amount") else { return Ok(None) };
        let amount = whole(value).filter(|amount| *amount >= 0);
        amount.map(Some).ok_or_else(|| Mistake::of("amount", AMOUNT))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Mistake> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Mistake::of(name, "give true or false")),
        }
    }

    pub(super) fn text<T>(
        &self,
        name: &str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Mistake> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Mistake::of(name, "give text in quotes"))?;
        parse(text).map(Some).map_err(|detail| Mistake::of(name, detail))
    }

    pub(super) fn required<T>(
        &self,
        name: &str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<T, Mistake> {
        self.text(name, parse)?.ok_or_else(|| Mistake::of(name, "missing"))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    // One too many is enough to refuse it.
                    if pairs.len() > FIELDS.len() {
                        return Err(de::Error::custom("too many fields"));
                    }
                    pairs.push(pair);
                }
                Ok(Fields(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(json: &str) -> String {
        parse(json.as_bytes(), true).expect_err(json).to_string()
    }

    #[test]
    fn a_whole_number_may_be_written_with_an_empty_fraction() {
        for (json, expected) in [
            ("4999", Some(4999)),
            ("4999.0", Some(4999)),
            ("-1.0", Some(-1)),
            ("49.99", None),
            ("1e30", None),
            ("9223372036854775808", None),
            ("\"4999\"", None),
            ("null", None),
        ] {
            let value: Value = serde_json::from_str(json).expect("JSON");
            assert_eq!(whole(&value), expected, "{json}");
        }
    }

    #[test]
    fn a_registration_is_read_and_what_it_leaves_out_is_the_daemons() {
        let json = r#"{"provider":"stripe","reference":"pi_1","order_id":null,"amount":0,
                       "currency":"eur","metadata":{"cart":[1,2]}}"#;
        let new = parse(json.as_bytes(), false).expect("a registration");
        assert_eq!((new.livemode, new.order_id.as_deref()), (false, None));
        assert_eq!(new.expected.amount, Some(0));
        assert_eq!(new.expected.currency.map(|code| code.to_string()), Some("EUR".to_owned()));
        assert_eq!(new.metadata, r#"{"cart":[1,2]}"#);
    }

    #[test]
    fn every_mistake_names_its_field() {
        let with = |more: &str| format!(r#"{{"provider":"stripe","reference":"pi_1"{more}}}"#);
        for (json, field) in [
            (r#"{"reference":"pi_1"}"#.to_owned(), "provider: missing"),
            (r#"{"provider":"klarna","reference":"x"}"#.to_owned(), "provider: give"),
            (r#"{"provider":7,"reference":"x"}"#.to_owned(), "provider: give text"),
            (r#"{"provider":"stripe","reference":null}"#.to_owned(), "reference: missing"),
            (r#"{"provider":"stripe","reference":""}"#.to_owned(), "reference: give 1 to 255"),
            (
                r#"{"provider":"stripe","reference":"pi_1 "}"#.to_owned(),
                "reference: give it without the space",
            ),
            (
                r#"{"provider":"stripe","reference":"\u00a0pi_1"}"#.to_owned(),
                "reference: give it without the space",
            ),
            (with(r#","order_id":"a\u0007""#), "order_id: give"),
            (with(&format!(r#","order_id":"{}""#, "x".repeat(256))), "order_id: give"),
            (with(r#","amount":-1,"currency":"EUR""#), "amount: give minor units"),
            (with(r#","amount":49.99,"currency":"EUR""#), "amount: give minor units"),
            (with(r#","amount":"4999","currency":"EUR""#), "amount: give minor units"),
            (with(r#","amount":9223372036854775808,"currency":"EUR""#), "amount: give"),
            (with(r#","amount":1"#), "currency: missing beside amount"),
            (with(r#","currency":"euro""#), "currency: not a three-letter"),
            (with(r#","livemode":"yes""#), "livemode: give true or false"),
            (with(r#","partial":1"#), "partial: give true or false"),
            (with(r#","metadata":[]"#), "metadata: give a JSON object"),
            (with(r#","metadata":null"#), "metadata: give a JSON object"),
            (with(r#","amont":1"#), "amont: no such field"),
            (with(r#","livemode":true,"livemode":false"#), "livemode: given twice"),
            ("[]".to_owned(), "not a JSON object"),
            ("pi_1".to_owned(), "not a JSON object"),
            (format!("{{{}}}", vec![r#""a":1"#; 99].join(",")), "not a JSON object: too many"),
        ] {
            let said = mistake(&json);
            assert!(said.starts_with(field), "{json}: {said}");
        }
        let longest = with(&format!(r#","order_id":"{}""#, "€".repeat(255)));
        assert!(parse(longest.as_bytes(), true).is_ok());
    }
}
