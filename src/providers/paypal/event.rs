//! PayPal's event JSON read into an [`Event`].
//!
//! Source: PayPal, "Webhook event names", the Payments v1 and v2 references and recorded
//! deliveries. Key order, number formats and links vary and are sometimes wrong in samples;
//! `resource.id` is what counts.

use super::super::reading::Source;
use super::super::rules::Rules;
use super::super::{Proof, Verified};
use super::resource::{Resource, rare, reading};
use super::retrieval::retrieved;
use crate::domain::event::{Content, Event, Ownership};
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::providers::lenient::{self, Loose, Part, objects};

/// Stands between the id and the checksum of a simulated event. PayPal's simulator gives its samples
/// one id for many bodies, so that only both together name one of them.
pub const SIMULATED: char = '~';

/// The id under which a simulated event is kept.
pub(in super::super) fn simulated_id(id: &str, payload: &[u8]) -> String {
    format!("{id}{SIMULATED}{:08x}", crc32fast::hash(payload))
}

/// Reads a proved payload. `livemode` is what it was proved for: nothing inside an event says
/// whether its money is real.
///
/// What is no event (no JSON, no `id`) is refused. An event whose type is not acted on is
/// [`Content::Ignored`], one whose resource lacks what its type promises is [`Content::Failed`].
pub fn read(payload: &Verified<'_>, livemode: bool, rules: &Rules) -> Result<Event, Refusal> {
    let envelope: Envelope<'_> = lenient::parse_once(payload.payload())?;
    let id = envelope.id.text().ok_or(Refusal::NotAnEvent)?;
    let id = match payload.proof() {
        Proof::PaypalSimulator(_) => simulated_id(id, payload.payload()),
        _ => id.to_owned(),
    };
    let event_type = envelope.event_type.text().unwrap_or("");
    let occurred_at = envelope.create_time.text().and_then(|text| Timestamp::parse(text).ok());
    let content = envelope.content(&id, event_type, occurred_at, rules);
    let resource = envelope.resource.get();
    Ok(Event {
        provider: Provider::Paypal,
        id: id.as_str().into(),
        event_type: event_type.into(),
        // Absent means 1.0.
        account: None,
        api_version: Some(envelope.resource_version.text().unwrap_or("1.0").into()),
        livemode,
        occurred_at,
        ownership: resource.map_or(Ownership::Unsaid, |one| one.ownership(&content, rules)),
        content,
    })
}

objects! {
    struct Envelope<'a> {
        id: Loose<'a>,
        event_type: Loose<'a>,
        resource_version: Loose<'a>,
        create_time: Loose<'a>,
        resource: Part<Resource<'a>>,
    }
}

impl Envelope<'_> {
    fn content(
        &self,
        id: &str,
        event_type: &str,
        occurred_at: Option<Timestamp>,
        rules: &Rules,
    ) -> Content {
        if event_type.is_empty() {
            return Content::Failed("event_type is missing".into());
        }
        let reading = reading(event_type).or_else(|| rare(event_type));
        let Some(reading) = reading.or_else(|| retrieved(event_type)) else {
            return Content::Ignored("not a type that is acted on".into());
        };
        let Some(resource) = self.resource.get() else {
            return Content::Failed("resource is missing".into());
        };
        let Some(occurred_at) = occurred_at else {
            return Content::Failed("create_time is missing or not a time".into());
        };
        match reading(resource, &Source { rules, event_id: id, occurred_at }) {
            Ok(content) => content,
            Err(error) => Content::Failed(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
