//! What Stripe's API answers, read.
//!
//! Source: Stripe API reference, "List all events", "Pagination" and "Errors".

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::Verified;
use super::super::api::{NotAPage, from_api, words};
use crate::providers::lenient::{Loose, Part, objects};

/// Where events are listed; those of the last thirty days.
pub const EVENTS: &str = "/v1/events";

/// The version in which objects are asked for. (An event keeps the one it was created in.)
pub const VERSION: &str = "2025-12-15.clover";

/// A page of the list of events, newest first.
#[derive(Debug)]
pub struct EventPage {
    events: Vec<Box<RawValue>>,
    /// Whether there are older ones behind it.
    pub has_more: bool,
}

impl EventPage {
    /// Reads an answer.
    pub fn read(answer: &[u8]) -> Result<Self, NotAPage> {
        let list: List = serde_json::from_slice(answer).map_err(|_| NotAPage)?;
        Ok(Self { events: list.data, has_more: list.has_more })
    }

    /// The events as Stripe's API gave them, each to the byte.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = Verified<'_>> + ExactSizeIterator {
        self.events.iter().map(|event| from_api(event))
    }

    /// The id of the last one, behind which the next page begins.
    pub fn last_id(&self) -> Option<String> {
        let last = self.events.last()?;
        let identified: Identified = serde_json::from_str(last.get()).ok()?;
        identified.id
    }
}

/// What an answer that is an error says is wrong.
pub fn fault(answer: &[u8]) -> Option<String> {
    let answer: Failure<'_> = serde_json::from_slice(answer).ok()?;
    let error = answer.error.get()?;
    words([error.code.text().or_else(|| error.error_type.text()), error.message.text()])
}

#[derive(Deserialize)]
struct List {
    data: Vec<Box<RawValue>>,
    has_more: bool,
}

#[derive(Deserialize)]
struct Identified {
    id: Option<String>,
}

objects! {
    struct Failure<'a> {
        error: Part<Fault<'a>>,
    }

    struct Fault<'a> {
        #[serde(rename = "type")]
        error_type: Loose<'a>,
        code: Loose<'a>,
        message: Loose<'a>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_its_events_to_the_byte() {
        let answer = br#"{"object":"list","url":"/v1/events","has_more":true,"data":[
            {"id":"evt_2", "object": "event"} , {"id":"evt_1","x":1.50}]}"#;
        let page = EventPage::read(answer).expect("a page");
        let events: Vec<_> = page.events().map(|event| event.payload().to_vec()).collect();
        assert_eq!(
            events,
            [&br#"{"id":"evt_2", "object": "event"}"#[..], br#"{"id":"evt_1","x":1.50}"#]
        );
        assert!(page.has_more);
        assert_eq!(page.last_id().as_deref(), Some("evt_1"));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for answer in
            ["", "<html>", "[]", "{}", r#"{"data":[]}"#, r#"{"data":{},"has_more":false}"#]
        {
            assert!(EventPage::read(answer.as_bytes()).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_fault_is_said_in_stripes_words() {
        let fault = |answer: &str| fault(answer.as_bytes());
        assert_eq!(
            fault(r#"{"error":{"code":"parameter_unknown","message":"Received unknown parameter: x","type":"invalid_request_error"}}"#).as_deref(),
            Some("parameter_unknown: Received unknown parameter: x")
        );
        assert_eq!(fault(r#"{"error":{"type":"api_error"}}"#).as_deref(), Some("api_error"));
        assert_eq!(fault(r#"{"error":"no"}"#), None);
        assert_eq!(fault("<html>"), None);
    }
}
