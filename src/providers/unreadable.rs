//! Genuine events that can't be read as they are: kept all the same, as failed.
//!
//! The provider sends the same bytes again and again, so a refusal would never end. A body that is a
//! JSON object with an id is an event, whatever else is wrong with it; what is wrong is told to a
//! person. Nothing that is kept of it has U+0000 or half a surrogate pair, so that every database can
//! hold it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::lenient::Loose;
use super::paypal::event::simulated_id;
use super::rules::Rules;
use super::{Proof, Verified, read_strictly};
use crate::domain::event::{Content, Event, Ownership, Part};
use crate::domain::provider::Provider;
use crate::domain::reference::{LONGEST_ID, ReferenceKind, is_id};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// How the id begins under which an event is kept whose own can't be. The same body has the same.
pub const UNREADABLE: &str = "unreadable-";

/// How the reason begins where bytes were no text; what stands for them was not said by anybody, so
/// nothing is ever read from it.
pub const NO_TEXT: &str = "the body is not all text";

const ASK: &str = "look the payment up at the provider";

/// An event as it is kept whose body could not be read, or not in one way only. Refused if it is no JSON
/// object with an id.
pub(super) fn event(
    provider: Provider,
    body: &Verified<'_>,
    livemode: bool,
    rules: &Rules,
) -> Result<Event, Refusal> {
    let text = String::from_utf8_lossy(body.payload());
    let members = Members::of(&text)?;
    let id = members.last("id").and_then(Written::text).filter(|id| !id.is_empty());
    let id = id.ok_or(Refusal::NotAnEvent)?;
    let is_whole = matches!(text, Cow::Borrowed(_));
    if is_whole
        && members.is_once("id")
        && let Some(event) = read_either_way(provider, &text, livemode, rules)
    {
        return Ok(fit(Event { id: own_id(&id, body).into(), ..event }, body));
    }
    let why = why((&text, is_whole), &members);
    let is_id = members.is_once("id") && is_fit(&id);
    let id = if is_id { own_id(&id, body) } else { id_of_body(body.payload()) };
    Ok(members.failed(provider, &id, livemode, why))
}

/// The event if everything that it says can be kept, and else the same as failed.
pub(super) fn fit(mut event: Event, body: &Verified<'_>) -> Event {
    if let Content::Payments(parts) = &mut event.content {
        parts.iter_mut().for_each(leave_out_free_text);
    }
    let Some(what) = unfit(&event) else { return event };
    let why = format!("{what}; {ASK}");
    let id = if is_fit(&event.id) { event.id } else { id_of_body(body.payload()).into() };
    Event {
        id,
        event_type: kept(&event.event_type).into(),
        account: event.account.map(|account| kept(&account).into()),
        api_version: event.api_version.map(|version| kept(&version).into()),
        ownership: Ownership::Unsaid,
        content: Content::Failed(why.into()),
        ..event
    }
}

/// What of an event can't be kept as it is, in words.
fn unfit(event: &Event) -> Option<String> {
    let is_unfit = |text: &Option<Box<str>>| text.as_deref().is_some_and(|text| !is_fit(text));
    if !is_fit(&event.id) {
        return Some("its id has control characters or more than 255 characters".to_owned());
    }
    if !is_fit(&event.event_type) || is_unfit(&event.account) || is_unfit(&event.api_version) {
        return Some(
            "its type, account or version has control characters or more than 255 characters"
                .to_owned(),
        );
    }
    let kind = event.content.parts().iter().find_map(unfit_id)?;
    Some(format!("the id of a {kind} in it has control characters or more than 255 characters"))
}

/// Of what an id in it can be none. A reason is no id, but U+0000 is no text to most databases.
fn unfit_id(part: &Part) -> Option<&'static str> {
    let mut references = part.references.iter();
    if let Some(unfit) = references.find(|reference| !is_id(&reference.value)) {
        return Some(unfit.kind.as_str());
    }
    let facts = part.facts.iter().find(|fact| {
        let mut ids = [&fact.parent_id, &fact.payment_id].into_iter().flatten();
        let reason = fact.reason.as_deref().unwrap_or_default();
        !is_id(&fact.object_id) || ids.any(|id| !is_id(id)) || reason.contains('\0')
    });
    facts.map(|fact| fact.object.as_str())
}

/// Text of the shop's own that can be no id, too long or of several lines, is no order id that anybody
/// could register: it leads nowhere, and is no mistake.
fn leave_out_free_text(part: &mut Part) {
    part.references.retain(|reference| {
        let is_shops =
            matches!(reference.kind, ReferenceKind::OrderId | ReferenceKind::ClientReference);
        !is_shops || is_id(&reference.value)
    });
}

/// An event need not say its type.
fn is_fit(text: &str) -> bool {
    (text.is_empty() || is_id(text)) && !text.contains(char::REPLACEMENT_CHARACTER)
}

/// As much of a sender's text as can be kept.
fn kept(text: &str) -> String {
    let whole = |one: char| if one.is_control() { char::REPLACEMENT_CHARACTER } else { one };
    text.chars().take(LONGEST_ID).map(whole).collect()
}

/// A name that stands twice counts as often as the reader likes: the last time for us and the providers'
/// own libraries, the first time for SQLite. What both read the same is understood.
fn read_either_way(provider: Provider, text: &str, livemode: bool, rules: &Rules) -> Option<Event> {
    let FirstOfEach(first) = serde_json::from_str(text).ok()?;
    let last: Value = serde_json::from_str(text).ok()?;
    let read = |value: Value| {
        let text = value.to_string();
        let body = Verified { payload: text.as_bytes(), proof: Proof::Kept };
        read_strictly(provider, &body, livemode, rules).ok()
    };
    let first = read(first)?;
    (read(last)? == first).then_some(first)
}

/// The provider's id of the event as payhookd counts it.
fn own_id(id: &str, body: &Verified<'_>) -> String {
    match body.proof() {
        Proof::PaypalSimulator(_) => simulated_id(id, body.payload()),
        _ => id.to_owned(),
    }
}

fn id_of_body(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    let hex = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
    hex.fold(UNREADABLE.to_owned(), |id, byte| id + &byte)
}

fn why((text, is_whole): (&str, bool), members: &Members<'_>) -> String {
    if !is_whole {
        return format!("{NO_TEXT}: it has bytes that are not UTF-8; {ASK}");
    }
    if !members.is_once("id") {
        return format!("its id stands in it twice; {ASK}");
    }
    match serde_json::from_str::<Value>(text) {
        Err(error) => format!("it can't be read: {error}; {ASK}"),
        Ok(_) => format!(
            "a name stands in it twice with different values, or a number is out of range; {ASK}"
        ),
    }
}

/// A JSON object, of which only the grammar is sure.
struct Members<'a>(Vec<(Cow<'a, str>, Written<'a>)>);

/// A value as it is written.
#[derive(Clone, Copy)]
struct Written<'a>(&'a RawValue);

impl<'a> Members<'a> {
    fn of(text: &'a str) -> Result<Self, Refusal> {
        match serde_json::from_str(text) {
            Ok(members) => Ok(members),
            Err(_) if serde_json::from_str::<&RawValue>(text).is_ok() => Err(Refusal::NotAnEvent),
            Err(_) => Err(Refusal::InvalidJson),
        }
    }

    fn last(&self, name: &str) -> Option<Written<'a>> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    fn is_once(&self, name: &str) -> bool {
        self.0.iter().filter(|(known, _)| known == name).count() == 1
    }

    fn failed(&self, provider: Provider, id: &str, livemode: bool, why: String) -> Event {
        let text = |name: &str| self.last(name).and_then(Written::text);
        let named = |name: &str| text(name).map(|text| kept(&text).into());
        let (event_type, livemode, account, version) = match provider {
            Provider::Stripe => {
                let says = self.last("livemode").is_some_and(|it| it.0.get() == "true");
                ("type", says, named("account"), named("api_version"))
            }
            Provider::Paypal => {
                let version = named("resource_version").or_else(|| Some("1.0".into()));
                ("event_type", livemode, None, version)
            }
        };
        let created = self.last("created").and_then(|created| match created.loose() {
            Loose::Int(seconds) => Timestamp::from_unix_seconds(seconds),
            other => Timestamp::parse(other.text()?).ok(),
        });
        let told = || text("create_time").and_then(|text| Timestamp::parse(&text).ok());
        Event {
            provider,
            id: id.into(),
            event_type: named(event_type).unwrap_or_default(),
            account,
            api_version: version,
            livemode,
            occurred_at: created.or_else(told),
            ownership: Ownership::Unsaid,
            content: Content::Failed(why.into()),
        }
    }
}

impl Written<'_> {
    /// A text, with U+FFFD for what is none.
    fn text(self) -> Option<String> {
        let mut json = serde_json::Deserializer::from_str(self.0.get());
        json.deserialize_bytes(Bytes).ok().map(|bytes| lossy(&bytes))
    }

    fn loose(&self) -> Loose<'_> {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<Name>()? {
            members.push((Cow::Owned(name.0), Written(map.next_value()?)));
        }
        Ok(Members(members))
    }
}

/// The name of a member, which may be no text either.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes).map(|bytes| Self(lossy(&bytes)))
    }
}

/// A JSON text as bytes: serde_json gives half a surrogate pair in no other way.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(bytes.to_vec())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.as_bytes().to_vec())
    }
}

/// JSON of which the first of repeated names counts.
struct FirstOfEach(Value);

impl<'de> Deserialize<'de> for FirstOfEach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FirstVisitor).map(Self)
    }
}

struct FirstVisitor;

impl<'de> Visitor<'de> for FirstVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(FirstOfEach(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = serde_json::Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let FirstOfEach(value) = map.next_value()?;
            members.entry(name).or_insert(value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests;
