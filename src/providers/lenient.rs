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

/// Structs of the fields that are read of an object; any of them may be absent.
macro_rules! objects {
    ($($(#[$of_struct:meta])* $visibility:vis struct $name:ident<$borrowed:lifetime> {
        $($(#[$of_field:meta])* $field:ident: $kind:ty,)*
    })*) => {$(
        $(#[$of_struct])*
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        $visibility struct $name<$borrowed> {
            $($(#[$of_field])* #[serde(borrow)] $field: $kind,)*
        }
    )*};
}
pub(super) use objects;

/// What is made of a value of each of JSON's types: unless said otherwise, nothing.
trait Lenient<'de>: Default {
    /// Of `null`, a truth value, a number or text.
    fn of_scalar(_: Loose<'de>) -> Self {
        Self::default()
    }

    fn of_number_out_of_range<E: Error>() -> Result<Self, E> {
        Ok(Self::default())
    }

    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    /// To be called by `deserialize`.
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything(PhantomData))
    }
}

struct Anything<T>(PhantomData<T>);

/// 2⁶³.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

impl<'de, T: Lenient<'de>> Visitor<'de> for Anything<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::of_scalar(Loose::Nothing))
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::of_scalar(Loose::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::of_scalar(Loose::Int(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => T::of_number_out_of_range(),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        match value.abs() < TOO_LARGE {
            true => Ok(T::of_scalar(Loose::Fraction(value))),
            false => T::of_number_out_of_range(),
        }
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<T, E> {
        Ok(T::of_scalar(Loose::Text(Cow::Borrowed(value))))
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::of_scalar(Loose::Text(Cow::Owned(value.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::of_object(object)
    }
}

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
        Loose::read(deserializer)
    }
}

impl<'de> Lenient<'de> for Loose<'de> {
    fn of_scalar(scalar: Self) -> Self {
        scalar
    }

    /// An amount that is too large is not one that is not said.
    fn of_number_out_of_range<E: Error>() -> Result<Self, E> {
        Err(E::custom("a number out of range"))
    }

    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut id, mut is_known) = (None, false);
        while let Some(key) = object.next_key::<Cow<'de, str>>()? {
            if key != "id" {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            if std::mem::replace(&mut is_known, true) {
                return Err(A::Error::duplicate_field("id"));
            }
            if let Loose::Text(text) = object.next_value()? {
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
        Self::read(deserializer)
    }
}

impl<'de, T: Deserialize<'de>> Lenient<'de> for Part<T> {
    fn of_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|part| Self(Some(part)))
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
        Expandable::read(deserializer)
    }
}

impl<'de, T: Deserialize<'de>> Lenient<'de> for Expandable<'de, T> {
    fn of_scalar(scalar: Loose<'de>) -> Self {
        match scalar {
            Loose::Text(id) => Self::Id(id),
            _ => Self::Nothing,
        }
    }

    fn of_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Self::Whole(Box::new(object)))
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
        Map::read(deserializer)
    }
}

impl<'de> Lenient<'de> for Map<'de> {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut entries: Vec<(Cow<'de, str>, Loose<'de>)> = Vec::new();
        while let Some(entry) = object.next_entry()? {
            entries.push(entry);
        }
        let mut names: Vec<&str> = entries.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        match names.windows(2).any(|two| two[0] == two[1]) {
            true => Err(A::Error::custom("a name stands twice")),
            false => Ok(Self(entries)),
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
        Self::read(deserializer)
    }
}

impl<'de, T: Deserialize<'de>> Lenient<'de> for List<T> {
    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Part<T>>()? {
            items.extend(item.0);
        }
        Ok(Self(items))
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
mod tests;
