//! What PayPal's API answers, read.
//!
//! Source: PayPal, Webhooks Management API v1, "List event notifications", and "API responses".

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::Verified;
use super::super::api::{NotAPage, from_api, words};
use crate::providers::lenient::{Loose, objects};

/// Where events are listed; those of the last thirty days.
pub const EVENTS: &str = "/v1/notifications/webhooks-events";

/// Where one event is, if its id may stand in a path.
pub fn event_path(id: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = !id.is_empty() && !id.starts_with('.') && id.bytes().all(is_plain);
    is_name.then(|| format!("{EVENTS}/{id}"))
}

/// The event that stood there, to the byte.
pub fn event(answer: &[u8]) -> Result<Verified<'_>, NotAPage> {
    serde_json::from_slice(answer).map(from_api).map_err(|_| NotAPage)
}

/// A page of the list of events.
#[derive(Debug)]
pub struct EventPage {
    events: Vec<Box<RawValue>>,
    /// Path and query of the next one, if there is one.
    pub next: Option<String>,
}

impl EventPage {
    /// Reads an answer. Of the link to the next page only path and query are taken, and only if it
    /// is of this list: PayPal names hosts there that are not the one that was asked, and no other
    /// host is to be told a token.
    pub fn read(answer: &[u8]) -> Result<Self, NotAPage> {
        let list: List<'_> = serde_json::from_slice(answer).map_err(|_| NotAPage)?;
        if list.events.is_none() && list.links.is_empty() && list.count != Loose::Int(0) {
            return Err(NotAPage);
        }
        let next = list.links.iter().find(|link| link.rel.text() == Some("next"));
        let next = match next.and_then(|link| link.href.text()) {
            None => None,
            Some(href) => Some(path_and_query(href).ok_or(NotAPage)?),
        };
        Ok(Self { events: list.events.unwrap_or_default(), next })
    }

    /// The events as PayPal's API gave them, each to the byte.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = Verified<'_>> + ExactSizeIterator {
        self.events.iter().map(|event| from_api(event))
    }
}

fn path_and_query(href: &str) -> Option<String> {
    let path = match href.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => href,
    };
    let query = path.strip_prefix(EVENTS)?;
    let is_plain = query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (query.starts_with('?') && is_plain).then(|| path.to_owned())
}

/// What an answer that is an error says is wrong.
pub fn fault(answer: &[u8]) -> Option<String> {
    let fault: Fault<'_> = serde_json::from_slice(answer).ok()?;
    let name = fault.name.text().or_else(|| fault.error.text());
    let message = fault.message.text().or_else(|| fault.error_description.text());
    // PayPal's support asks for it.
    let debug_id = fault.debug_id.text().map(|id| format!("debug id {id}"));
    words([name, message, debug_id.as_deref()])
}

#[derive(Deserialize)]
struct List<'a> {
    events: Option<Vec<Box<RawValue>>>,
    #[serde(borrow, default)]
    count: Loose<'a>,
    #[serde(borrow, default)]
    links: Vec<Link<'a>>,
}

objects! {
    struct Link<'a> {
        href: Loose<'a>,
        rel: Loose<'a>,
    }

    struct Fault<'a> {
        name: Loose<'a>,
        message: Loose<'a>,
        debug_id: Loose<'a>,
        error: Loose<'a>,
        error_description: Loose<'a>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(href: &str) -> Result<Option<String>, NotAPage> {
        let links =
            serde_json::json!([{"rel": "self", "href": "/"}, {"rel": "next", "href": href}]);
        let answer = serde_json::json!({ "events": [], "count": 0, "links": links });
        EventPage::read(answer.to_string().as_bytes()).map(|page| page.next)
    }

    #[test]
    fn only_the_list_itself_is_followed_and_never_to_another_host() {
        let path = "/v1/notifications/webhooks-events?page_size=1&start_id=WH-1%2B";
        for href in [
            path.to_owned(),
            format!("https://api.paypal.com{path}"),
            format!("https://elsewhere.example{path}"),
        ] {
            assert_eq!(next(&href), Ok(Some(path.to_owned())), "{href}");
        }
        for href in [
            "https://api.paypal.com",
            "https://api.paypal.com/v1/notifications/webhooks-events",
            "https://api.paypal.com/v1/notifications/webhooks-events/../x?a=1",
            "https://api.paypal.com/v1/oauth2/token?x",
            "//elsewhere.example/v1/notifications/webhooks-events?x",
            "/v1/notifications/webhooks-events?a b",
            "/v1/notifications/webhooks-events?a#b",
            "@elsewhere.example/v1/notifications/webhooks-events?x",
        ] {
            assert_eq!(next(href), Err(NotAPage), "{href}");
        }
    }

    #[test]
    fn an_event_is_asked_for_by_what_may_stand_in_a_path() {
        for id in ["WH-2W7266712B616591M-36507203HX6402335", "WH-1.a_b"] {
            assert_eq!(event_path(id), Some(format!("{EVENTS}/{id}")));
        }
        for id in
            ["", ".", "..", "../x", "WH-1/x", "WH-1?x", "WH-1#x", "WH-1%2e", "WH-1~00", "WH 1"]
        {
            assert_eq!(event_path(id), None, "{id}");
        }
    }

    #[test]
    fn a_page_gives_its_events_to_the_byte() {
        let page = EventPage::read(br#"{"events":[{"id":"WH-1", "a":[ ]}],"count":1,"links":[]}"#);
        let page = page.expect("a page");
        let events: Vec<_> = page.events().map(|event| event.payload().to_vec()).collect();
        assert_eq!(events, [br#"{"id":"WH-1", "a":[ ]}"#]);
        assert_eq!(page.next, None);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        assert!(EventPage::read(br#"{"count":0}"#).is_ok());
        for answer in ["", "<html>", "[]", "{}", r#"{"name":"X"}"#, r#"{"events":{}}"#] {
            assert!(EventPage::read(answer.as_bytes()).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_fault_is_said_in_paypals_words() {
        let fault = |answer: &str| fault(answer.as_bytes());
        assert_eq!(
            fault(r#"{"name":"VALIDATION_ERROR","message":"Bad.","debug_id":"d1"}"#).as_deref(),
            Some("VALIDATION_ERROR: Bad.: debug id d1")
        );
        assert_eq!(
            fault(r#"{"error":"invalid_client","error_description":"No."}"#).as_deref(),
            Some("invalid_client: No.")
        );
        assert_eq!(fault("{}"), None);
        let long = serde_json::json!({ "message": "\u{e4}".repeat(900) }).to_string();
        assert_eq!(fault(&long).map(|text| text.chars().count()), Some(200));
    }
}
