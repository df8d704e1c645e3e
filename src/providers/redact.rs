//! Which fields of a payload tell of the person who paid, and how they are taken out.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::rules::Rules;
use crate::domain::provider::Provider;

/// A payload without what is personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impersonal {
    /// Byte for byte as it was, but for the values that were taken out: in place of text stands
    /// [`REMOVED`], in place of a number `null`.
    pub payload: String,
    /// The paths of those values, such as `data.object.billing_details.email`.
    pub paths: Vec<String>,
}

/// What stands in place of a text.
pub const REMOVED: &str = "[removed]";

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub enum Extent<'r> {
    /// What the buyer or the bank told the provider.
    Buyer,
    /// The shop's own words too: metadata and descriptions, but not the entries by which these rules
    /// find the payment's order and whose it is.
    AndShop(&'r Rules),
}

/// Takes what is personal out of a payload. One that is no JSON is left as it is: nobody can say what is
/// in it.
pub fn impersonal(provider: Provider, payload: &str, extent: Extent<'_>) -> Impersonal {
    let personal = match provider {
        Provider::Stripe => STRIPE,
        Provider::Paypal => PAYPAL,
    };
    take_out(payload, personal, extent, Where::Outside)
}

/// Takes every value out of JSON that the shop alone has written.
pub fn emptied(json: &str) -> Impersonal {
    take_out(json, &[], Extent::Buyer, Where::Personal)
}

/// Parts of Stripe's objects, by the end of their path: <https://docs.stripe.com/api/charges/object>,
/// and the other objects there.
const STRIPE: &[&[&str]] = &[
    &["billing_details"],
    &["shipping"],
    &["shipping_details"],
    &["collected_information"],
    &["customer_details"],
    &["customer"],
    &["customer_address"],
    &["customer_email"],
    &["customer_name"],
    &["customer_phone"],
    &["customer_shipping"],
    &["customer_tax_ids"],
    &["custom_fields"],
    &["receipt_email"],
    &["receipt_number"],
    &["receipt_url"],
    &["hosted_invoice_url"],
    &["invoice_pdf"],
    &["payment_method_details"],
    &["payment_method"],
    &["source"],
    &["sources"],
    &["evidence"],
    &["billing_zip"],
    &["ip_address"],
    &["ip_address_location"],
    &["session"],
    &["client_ip"],
    // A customer's own events.
    &["data", "object", "email"],
    &["data", "object", "name"],
    &["data", "object", "phone"],
    &["data", "object", "address"],
    &["data", "object", "tax_ids"],
    &["previous_attributes", "email"],
    &["previous_attributes", "name"],
    &["previous_attributes", "phone"],
    &["previous_attributes", "address"],
];

/// Parts of PayPal's resources, by the end of their path: <https://developer.paypal.com/api/rest/>.
const PAYPAL: &[&[&str]] = &[
    &["payer"],
    &["payer_info"],
    &["payment_source"],
    &["shipping"],
    &["shipping_address"],
    &["shipping_info"],
    &["billing_address"],
    &["billing_info"],
    &["buyer"],
    &["subscriber"],
    &["customer"],
    &["messages"],
    &["communication_details"],
    &["evidences"],
    &["supporting_info"],
    &["note"],
    &["note_to_payer"],
    &["note_to_payee"],
    &["payer_note"],
    &["credit_card"],
    &["ip_address"],
];

/// The shop's own words, where they are asked for.
const OF_SHOP: &[&str] =
    &["metadata", "description", "statement_descriptor", "statement_descriptor_suffix"];

/// Within a personal part these say what it is and how much, and not whose.
const LASTING: &[&str] = &[
    "id",
    "object",
    "type",
    "payment_method",
    "status",
    "amount",
    "amount_authorized",
    "amount_captured",
    "amount_requested",
    "currency",
    "currency_code",
];

/// What these refer to is personal; if it is not there itself, the provider's id of it is all there is,
/// and stays as every id does.
const IDS: &[&str] = &["customer", "payment_method", "source"];

/// Deeper than any event is; what lies deeper is not looked at.
const DEEPEST: usize = 100;

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Outside,
    /// Within a part that is personal.
    Personal,
    /// Within the shop's own words, which are not asked for.
    OfShop,
}

fn take_out(payload: &str, personal: &[&[&str]], extent: Extent<'_>, begin: Where) -> Impersonal {
    let mut search = Search { payload, personal, extent, path: Vec::new(), found: BTreeMap::new() };
    if let Ok(all) = serde_json::from_str(payload) {
        search.look(all, begin);
    }
    let mut impersonal =
        Impersonal { payload: String::with_capacity(payload.len()), paths: Vec::new() };
    let mut from = 0;
    for (start, Found { end, path, instead }) in search.found {
        impersonal.payload.push_str(&payload[from..start]);
        impersonal.payload.push_str(instead);
        impersonal.paths.push(path);
        from = end;
    }
    impersonal.payload.push_str(&payload[from..]);
    impersonal
}

struct Search<'p> {
    payload: &'p str,
    personal: &'p [&'p [&'p str]],
    extent: Extent<'p>,
    /// Keys, and places in lists as `[0]`.
    path: Vec<String>,
    /// By where in the payload they begin.
    found: BTreeMap<usize, Found>,
}

struct Found {
    end: usize,
    path: String,
    instead: &'static str,
}

impl<'p> Search<'p> {
    fn look(&mut self, value: &'p RawValue, place: Where) {
        let text = value.get();
        if self.path.len() > DEEPEST {
            return;
        }
        match text.as_bytes().first() {
            Some(b'{') => {
                let Ok(Entries(entries)) = serde_json::from_str(text) else { return };
                for (key, value) in entries {
                    let is_plain = !value.get().starts_with(['{', '[']);
                    let lasting = match place {
                        Where::Personal => LASTING,
                        Where::Outside | Where::OfShop => IDS,
                    };
                    let lasts = is_plain && lasting.contains(&&*key);
                    self.path.push(key);
                    if !lasts {
                        self.look(value, self.within(place));
                    }
                    self.path.pop();
                }
            }
            Some(b'[') => {
                let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) else { return };
                for (number, item) in items.into_iter().enumerate() {
                    self.path.push(format!("[{number}]"));
                    self.look(item, place);
                    self.path.pop();
                }
            }
            Some(b'"')
                if place == Where::Personal || (place == Where::Outside && is_email(text)) =>
            {
                self.found(text, INSTEAD_OF_TEXT);
            }
            Some(b'-' | b'0'..=b'9') if place == Where::Personal => self.found(text, "null"),
            _ => {}
        }
    }

    /// Where the value stands that the path leads to, when what it stands in stands in `outer`.
    fn within(&self, outer: Where) -> Where {
        if outer != Where::Outside {
            return match (outer, self.extent) {
                (Where::Personal, Extent::AndShop(rules)) if self.finds_the_order(rules) => {
                    Where::OfShop
                }
                _ => outer,
            };
        }
        let keys: Vec<&str> =
            self.path.iter().map(String::as_str).filter(|key| !key.starts_with('[')).collect();
        if self.personal.iter().any(|end| keys.ends_with(end)) {
            return Where::Personal;
        }
        match (keys.last().is_some_and(|key| OF_SHOP.contains(key)), self.extent) {
            (false, _) => Where::Outside,
            (true, Extent::AndShop(_)) => Where::Personal,
            (true, Extent::Buyer) => Where::OfShop,
        }
    }

    /// Whether this is the entry of the metadata that says which order, or whose, the payment is.
    fn finds_the_order(&self, rules: &Rules) -> bool {
        let [.., map, key] = &*self.path else { return false };
        let marks = rules.own_metadata.iter().map(|(key, _)| key);
        map == "metadata" && (*key == rules.order_id_key || { marks }.any(|mark| mark == key))
    }

    fn found(&mut self, text: &'p str, instead: &'static str) {
        let Range { start, end } = place(self.payload, text);
        if text == instead || start == end {
            return;
        }
        let path = self.path.join(".").replace(".[", "[");
        self.found.insert(start, Found { end, path, instead });
    }
}

/// [`REMOVED`] as JSON has it.
const INSTEAD_OF_TEXT: &str = "\"[removed]\"";

/// Where in `all` a part of it lies.
fn place(all: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - all.as_ptr().addr();
    start..start + part.len()
}

/// Whether JSON text looks like an e-mail address, wherever a provider has put it.
fn is_email(text: &str) -> bool {
    let text = text.trim_matches('"');
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_plain = |part: &str| !part.is_empty() && !part.contains([' ', '@', '/', '\\']);
    is_plain(name) && is_plain(host) && host.contains('.') && !host.ends_with('.')
}

/// Every entry of an object, also one whose key was there before.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfEntries)
    }
}

struct OfEntries;

impl<'de> Visitor<'de> for OfEntries {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry::<String, &RawValue>()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::providers::read_again;
    use crate::providers::vectors::Vector;

    fn paths(provider: Provider, payload: &str) -> Vec<String> {
        impersonal(provider, payload, Extent::Buyer).paths
    }

    #[test]
    fn what_the_buyer_told_goes_and_the_rest_stays_byte_for_byte() {
        let payload = r#"{ "id":"evt_1", "data" : {"object":{"id":"ch_1","amount":  4999,
            "billing_details":{"email":"j@example.com","name":"J. \"Jo\" Doe","phone":null,
                "address":{"city":"Łódź","country":"PL"}},
            "metadata":{"order_id":"A-1","who":"j@example.com"},"note":"ask k.roe@example.org",
            "customer":"cus_1","payment_method_details":{"type":"card","card":{"last4":"4242",
                "exp_month":12,"fingerprint":"Xt5EWLLDS7FJjR1c"}},"other":["k.roe@example.org", 1.50]}}}"#;
        let impersonal = impersonal(Provider::Stripe, payload, Extent::Buyer);
        let expected = r#"{ "id":"evt_1", "data" : {"object":{"id":"ch_1","amount":  4999,
            "billing_details":{"email":"[removed]","name":"[removed]","phone":null,
                "address":{"city":"[removed]","country":"[removed]"}},
            "metadata":{"order_id":"A-1","who":"j@example.com"},"note":"ask k.roe@example.org",
            "customer":"cus_1","payment_method_details":{"type":"card","card":{"last4":"[removed]",
                "exp_month":null,"fingerprint":"[removed]"}},"other":["[removed]", 1.50]}}}"#;
        assert_eq!(impersonal.payload, expected);
        let of_object = |path: &str| format!("data.object.{path}");
        let expected = [
            "billing_details.email",
            "billing_details.name",
            "billing_details.address.city",
            "billing_details.address.country",
            "payment_method_details.card.last4",
            "payment_method_details.card.exp_month",
            "payment_method_details.card.fingerprint",
            "other[0]",
        ];
        assert_eq!(impersonal.paths, expected.map(of_object));
        assert_eq!(paths(Provider::Stripe, &impersonal.payload), Vec::<String>::new());
    }

    #[test]
    fn the_words_of_the_shop_go_where_that_is_asked_for_but_not_its_order() {
        let payload = r#"{"data":{"object":{"description":"For J. Doe","metadata":
            {"order_id":"A-1","site":"shop","name":"J. Doe"}}}}"#;
        let rules = Rules {
            own_metadata: vec![("site".to_owned(), "shop".to_owned())],
            ..Rules::default()
        };
        assert_eq!(paths(Provider::Stripe, payload), Vec::<String>::new());
        let asked = impersonal(Provider::Stripe, payload, Extent::AndShop(&rules)).paths;
        assert_eq!(asked, ["data.object.description", "data.object.metadata.name"]);
        assert_eq!(emptied(r#"{"name":"J.","basket":17,"ok":true}"#).paths, ["name", "basket"]);
    }

    #[test]
    fn a_payer_at_paypal_goes_and_the_order_stays() {
        let payload = r#"{"resource":{"custom_id":"A-1","invoice_id":"I-1","payer":{"payer_id":"X",
            "email_address":"j@example.com","name":{"given_name":"J"}},"purchase_units":[{"shipping":
            {"address":{"postal_code":"75001"}}}],"payment_source":{"paypal":{"account_id":"Y"}}}}"#;
        let expected = [
            "resource.payer.payer_id",
            "resource.payer.email_address",
            "resource.payer.name.given_name",
            "resource.purchase_units[0].shipping.address.postal_code",
            "resource.payment_source.paypal.account_id",
        ];
        assert_eq!(paths(Provider::Paypal, payload), expected);
    }

    /// Whatever is taken out of a recorded event, it says the same of its payment as before, and no
    /// address is left in it.
    #[test]
    fn recorded_events_say_the_same_without_what_is_personal() {
        let rules = Rules::default();
        for provider in [Provider::Stripe, Provider::Paypal] {
            for vector in Vector::all(provider) {
                let payload = String::from_utf8(vector.payload()).expect("text");
                for extent in [Extent::Buyer, Extent::AndShop(&rules)] {
                    let without = impersonal(provider, &payload, extent).payload;
                    let read = |text: &str| {
                        let id = vector.event["id"].as_str().unwrap_or_default();
                        read_again(provider, text, false, id, &rules)
                    };
                    assert_eq!(read(&without), read(&payload), "{}", vector.name);
                    let left: Value = serde_json::from_str(&without).expect("JSON");
                    for path in
                        ["billing_details", "payer", "buyer", "customer_details", "payer_info"]
                    {
                        let part = find(&left, path).map(Value::to_string).unwrap_or_default();
                        assert!(!part.contains('@'), "{}: {path}: {part}", vector.name);
                    }
                }
            }
        }
    }

    fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
        match value {
            Value::Object(map) => {
                map.get(key).or_else(|| map.values().find_map(|one| find(one, key)))
            }
            Value::Array(items) => items.iter().find_map(|item| find(item, key)),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn any_text_is_left_or_stays_json(text in ".*", key in "payer|note|x", value in ".*") {
            prop_assert_eq!(&impersonal(Provider::Paypal, &text, Extent::Buyer).payload.is_empty(), &text.is_empty());
            let json = serde_json::json!({"resource": {key.clone(): {"k": value.clone()}}, "z": value});
            let without = impersonal(Provider::Paypal, &json.to_string(), Extent::Buyer).payload;
            let read: Value = serde_json::from_str(&without).expect("JSON");
            let is_personal = key != "x" || is_email(&serde_json::json!(value).to_string());
            let expected = if is_personal { REMOVED } else { &value };
            prop_assert_eq!(read["resource"][&key]["k"].as_str(), Some(expected));
        }
    }
}
