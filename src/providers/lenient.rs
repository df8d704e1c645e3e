//! Reading a provider's JSON without ever failing on it.
//!
//! Providers add fields and values and change the type of old ones. A field that has another type
//! than expected is read as absent; only text that is not JSON at all is an error.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::refusal::Refusal;

/// A scalar of unknown type, or an object of which only its `id` matters.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Loose<'a> {
    /// Absent, `null`, a list: nothing that is used.
    #[default]
    Nothing,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Any other number.
    Fraction(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// An object: an expanded reference.
    Object {
        /// Its `id`, if that is text.
        id: Option<Cow<'a, str>>,
    },
}

impl<'a> Loose<'a> {
    /// Text that is not empty.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// An id: text, or the `id` of an expanded object.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&**text),
            Self::Object { id } => id.as_deref(),
            _ => None,
        }
        .filter(|id| !id.is_empty())
    }

    /// A whole number.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// A truth value.
    pub fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// Text or a whole number, as text: a shop's own reference may be either.
    pub fn label(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Int(int) => Some(int.to_string().into()),
            _ => self.text().map(Cow::Borrowed),
        }
    }

    /// Text or a number, as the decimal text that was written. A fraction is given only if it has so
    /// few digits that nothing of it can have been rounded.
    pub fn decimal(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Fraction(number) => {
                let text = number.to_string();
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                (digits <= EXACT_DIGITS).then(|| text.into())
            }
            _ => self.label(),
        }
    }
}

/// As many decimal digits as every double keeps.
const EXACT_DIGITS: usize = f64::DIGITS as usize;

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

const OUT_OF_RANGE: &str = "a number out of range";
/// 2⁶³.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Loose::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Loose::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        i64::try_from(value).map(Loose::Int).map_err(|_| E::custom(OUT_OF_RANGE))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        // An amount that is too large is not one that is not said.
        match value.abs() < TOO_LARGE {
            true => Ok(Loose::Fraction(value)),
            false => Err(E::custom(OUT_OF_RANGE)),
        }
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut is_known) = (None, false);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key != "id" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if std::mem::replace(&mut is_known, true) {
                return Err(A::Error::duplicate_field("id"));
            }
            if let Loose::Text(text) = map.next_value()? {
                id = Some(text);
            }
        }
        Ok(Loose::Object { id })
    }
}

/// A part of an event: an object of known fields, or absent if it is anything else.
#[derive(Clone, Debug)]
pub struct Part<T>(Option<T>);

impl<T> Part<T> {
    /// The part, if it is there.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor(PhantomData))
    }
}

struct PartVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PartVisitor<T> {
    type Value = Part<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Part(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Part(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Part(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Part(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Part(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Part(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Part(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|part| Part(Some(part)))
    }
}

/// An id, or the whole of what it names, where that was asked for with it.
#[derive(Clone, Debug, Default)]
pub enum Expandable<'a, T> {
    /// Anything else.
    #[default]
    Nothing,
    /// The id alone.
    Id(Cow<'a, str>),
    /// The object.
    Whole(Box<T>),
}

impl<T> Expandable<'_, T> {
    /// The object, if it is there.
    pub fn whole(&self) -> Option<&T> {
        match self {
            Self::Whole(object) => Some(object),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Expandable<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpandableVisitor(PhantomData))
    }
}

struct ExpandableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ExpandableVisitor<T> {
    type Value = Expandable<'de, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Expandable::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Expandable::Nothing)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Expandable::Nothing)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Expandable::Nothing)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Expandable::Nothing)
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Expandable::Id(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Expandable::Id(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Expandable::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Expandable::Whole(Box::new(object)))
    }
}

/// An object whose names are the shop's own, read as scalars; anything else is an empty one.
#[derive(Clone, Debug, Default)]
pub struct Map<'a>(Vec<(Cow<'a, str>, Loose<'a>)>);

impl<'a> Map<'a> {
    /// What stands under this name; of several the last.
    pub fn get(&self, name: &str) -> Option<&Loose<'a>> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Map<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Part::<Entries<'a>>::deserialize(deserializer)?.0.map_or_else(Self::default, |of| of.0))
    }
}

struct Entries<'a>(Map<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor).map(|entries| Self(Map(entries)))
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<(Cow<'de, str>, Loose<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Self::Value = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        let mut names: Vec<&str> = entries.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        match names.windows(2).any(|two| two[0] == two[1]) {
            true => Err(A::Error::custom("a name stands twice")),
            false => Ok(entries),
        }
    }
}

/// A list of parts; anything but a list is an empty one.
#[derive(Clone, Debug)]
pub struct List<T>(Vec<T>);

impl<T> List<T> {
    /// Its items in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Part<T>>()? {
            items.extend(item.0);
        }
        Ok(List(items))
    }
}

/// Parses proved bytes once, with fields borrowed from them.
///
/// Not UTF-8 or not JSON: [`Refusal::InvalidJson`]. JSON that is no object:
/// [`Refusal::NotAnEvent`].
pub fn parse<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Refusal> {
    let text = text_of_object(payload)?;
    match serde_json::from_str(text) {
        Ok(parsed) => Ok(parsed),
        Err(error) if error.is_data() => parse_repetitive(text),
        Err(_) => Err(Refusal::InvalidJson),
    }
}

/// The same, but JSON in which a name that is read occurs twice in one object is
/// [`Refusal::NotAnEvent`]: another reader may read another value.
pub fn parse_once<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_str(text_of_object(payload)?).map_err(|error| match error.is_data() {
        true => Refusal::NotAnEvent,
        false => Refusal::InvalidJson,
    })
}

fn text_of_object(payload: &[u8]) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(payload).map_err(|_| Refusal::InvalidJson)?;
    if !text.trim_ascii_start().starts_with('{') {
        // A list of fields would pass for an object.
        let json = serde_json::from_str::<IgnoredAny>(text);
        return Err(if json.is_ok() { Refusal::NotAnEvent } else { Refusal::InvalidJson });
    }
    Ok(text)
}

/// JSON in which a name occurs twice in one object is an error to a typed reader but not to the
/// providers' own SDKs; read as they do, the last one counts.
fn parse_repetitive<'a, T: Deserialize<'a>>(text: &str) -> Result<T, Refusal> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| Refusal::InvalidJson)?;
    T::deserialize(value).map_err(|_| Refusal::NotAnEvent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Shape<'a> {
        #[serde(borrow)]
        id: Loose<'a>,
        #[serde(borrow)]
        part: Part<Inner<'a>>,
        #[serde(borrow)]
        list: List<Inner<'a>>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner<'a> {
        #[serde(borrow)]
        id: Loose<'a>,
    }

    #[test]
    fn a_field_of_another_type_is_absent() {
        for json in ["null", "true", "1", "-1", "1.5", "[[{}]]", "{}"] {
            let text = format!(r#"{{"id":{json},"part":{json},"list":{json}}}"#);
            let shape: Shape<'_> = parse(text.as_bytes()).expect("tolerant");
            assert_eq!(shape.id.id(), None, "{json}");
        }
    }

    #[test]
    fn an_id_may_be_text_or_an_expanded_object() {
        let text = r#"{"id":"a","part":{"id":{"x":[1],"id":"b\u00e9"}},"list":[1,{"id":"c"}]}"#;
        let shape: Shape<'_> = parse(text.as_bytes()).expect("tolerant");
        assert_eq!(shape.id.id(), Some("a"));
        assert_eq!(shape.part.get().and_then(|part| part.id.id()), Some("b\u{e9}"));
        assert_eq!(shape.list.iter().filter_map(|item| item.id.id()).collect::<Vec<_>>(), ["c"]);
    }

    #[test]
    fn a_number_is_the_decimal_that_was_written_or_none() {
        for (json, decimal) in [
            ("42.5", Some("42.5")),
            ("-0.07", Some("-0.07")),
            ("100", Some("100")),
            ("100.00", Some("100")),
            ("\"42.50\"", Some("42.50")),
            ("1234567890123.45", Some("1234567890123.45")),
            // Of so many digits the last may be another than was written.
            ("12345678901234.567", None),
            ("true", None),
            ("{}", None),
        ] {
            let text = format!(r#"{{"id":{json}}}"#);
            let shape: Shape<'_> = parse(text.as_bytes()).expect("tolerant");
            assert_eq!(shape.id.decimal().as_deref(), decimal, "{json}");
        }
    }

    #[test]
    fn the_last_of_repeated_names_counts() {
        let shape: Shape<'_> = parse(br#"{"id":"a","id":"b"}"#).expect("tolerant");
        assert_eq!(shape.id.id(), Some("b"));
    }

    #[test]
    fn what_another_reader_may_read_otherwise_is_not_read_once() {
        for json in [
            r#"{"id":"a","id":"b"}"#,
            r#"{"id":{"id":"a","id":"b"}}"#,
            r#"{"id":18446744073709551615}"#,
            r#"{"id":1e19}"#,
        ] {
            let refusal = parse_once::<Shape<'_>>(json.as_bytes()).err();
            assert_eq!(refusal, Some(Refusal::NotAnEvent), "{json}");
        }
        let map = parse_once::<Map<'_>>(br#"{"a":1,"b":2,"a":1}"#).err();
        assert_eq!(map, Some(Refusal::NotAnEvent));
        assert!(parse_once::<Shape<'_>>(br#"{"x":1e999,"x":"\ud800","id":"a"}"#).is_ok());
    }

    #[test]
    fn what_is_no_json_object_is_told_apart() {
        assert_eq!(parse::<Shape<'_>>(b"[]").err(), Some(Refusal::NotAnEvent));
        assert_eq!(parse::<Shape<'_>>(b" [\"evt_1\"]").err(), Some(Refusal::NotAnEvent));
        assert_eq!(parse::<Shape<'_>>(b"3").err(), Some(Refusal::NotAnEvent));
        assert_eq!(parse::<Shape<'_>>(b"{").err(), Some(Refusal::InvalidJson));
        assert_eq!(parse::<Shape<'_>>(b"{\"x\":\"\xff\"}").err(), Some(Refusal::InvalidJson));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Shape<'_>>(&payload);
        }
    }
}
