//! Stripe's event JSON read into an [`Event`].
//!
//! Source: Stripe API reference, "The Event object", "Types of events" and the API changelog. Few
//! fields are read, each with its fallbacks for the API versions that reach one endpoint.

use super::super::Verified;
use super::super::reading::Source;
use super::super::rules::Rules;
use super::object::{Object, reading};
use super::retrieval::retrieved;
use crate::domain::event::{Content, Event, Ownership};
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::providers::lenient::{self, Loose, Part, objects};

/// Reads a proved payload.
///
/// What is no event (no JSON, no `id`) is refused. An event whose type is not acted on is
/// [`Content::Ignored`], one whose object lacks what its type promises is [`Content::Failed`].
pub fn read(payload: &Verified<'_>, rules: &Rules) -> Result<Event, Refusal> {
    let envelope: Envelope<'_> = lenient::parse_once(payload.payload())?;
    let id = envelope.id.text().ok_or(Refusal::NotAnEvent)?;
    let event_type = envelope.event_type.text().unwrap_or("");
    let occurred_at = match &envelope.created {
        Loose::Int(seconds) => Timestamp::from_unix_seconds(*seconds),
        // Thin events carry RFC 3339.
        other => other.text().and_then(|text| Timestamp::parse(text).ok()),
    };
    let content = envelope.content(id, event_type, occurred_at, rules);
    let ownership = envelope.ownership(&content, rules);
    let account = envelope.account.text().filter(|one| !rules.is_own_account(Some(one)));
    Ok(Event {
        provider: Provider::Stripe,
        id: id.into(),
        event_type: event_type.into(),
        account: account.map(Into::into),
        api_version: envelope.api_version.text().map(Into::into),
        livemode: envelope.livemode.bool().unwrap_or(false),
        occurred_at,
        ownership,
        content,
    })
}

objects! {
    struct Envelope<'a> {
        id: Loose<'a>,
        object: Loose<'a>,
        account: Loose<'a>,
        api_version: Loose<'a>,
        created: Loose<'a>,
        livemode: Loose<'a>,
        #[serde(rename = "type")]
        event_type: Loose<'a>,
        data: Part<Data<'a>>,
    }

    struct Data<'a> {
        object: Part<Object<'a>>,
    }
}

impl Envelope<'_> {
    /// What happens in a connected account is another's, whatever its objects say, unless the shop names
    /// the account as its own.
    fn ownership(&self, content: &Content, rules: &Rules) -> Ownership {
        if !rules.is_own_account(self.account.text()) {
            return Ownership::Foreign;
        }
        let object = self.data.get().and_then(|data| data.object.get());
        object.map_or(Ownership::Unsaid, |object| object.ownership(content, rules))
    }

    fn content(
        &self,
        id: &str,
        event_type: &str,
        occurred_at: Option<Timestamp>,
        rules: &Rules,
    ) -> Content {
        if self.object.text() == Some("v2.core.event") {
            return match event_type {
                "v2.core.event_destination.ping" => Content::Ignored("a ping of Stripe's".into()),
                other if !is_acted_on_thin(other) => {
                    Content::Ignored("a thin event of a type that is not acted on".into())
                }
                _ => Content::Failed(
                    "a thin event, which carries no payment: set STRIPE_SECRET_KEY, so that its \
                     object is asked for, or set this event destination to snapshot events"
                        .into(),
                ),
            };
        }
        if event_type.is_empty() {
            return Content::Failed("type is missing".into());
        }
        if event_type.starts_with("payout.") {
            return Content::Ignored(
                "about a payout, which is no payment; one that fails is an issue".into(),
            );
        }
        let Some(reading) = reading(event_type).or_else(|| retrieved(event_type)) else {
            return Content::Ignored("not a type that is acted on".into());
        };
        let Some(object) = self.data.get().and_then(|data| data.object.get()) else {
            return Content::Failed("data.object is missing".into());
        };
        let Some(occurred_at) = occurred_at else {
            return Content::Failed("created is missing or not a time".into());
        };
        match reading(object, &Source { rules, event_id: id, occurred_at }) {
            Ok(content) => content,
            Err(error) => Content::Failed(error.into()),
        }
    }
}

/// Whether the snapshot event of a thin event's type is acted on. Thin events about objects of Stripe's v1 API have
/// its type after `v1.`; those of v2 objects are about no payment.
fn is_acted_on_thin(event_type: &str) -> bool {
    reading(event_type.strip_prefix("v1.").unwrap_or(event_type)).is_some()
}

#[cfg(test)]
mod tests;
