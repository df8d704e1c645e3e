mod recorded;
pub(super) mod said;

use std::collections::BTreeSet;

use serde_json::Value;

use super::vectors;
use crate::domain::event::{Content, Event};
use crate::domain::fact::Fact;
use crate::domain::provider::Provider;
use crate::domain::transaction::{Expected, State, fold};

/// The scenarios of which every event is acted on.
const COVERED: &[&str] = &[
    "paypal.authorized_then_voided",
    "paypal.declined_then_completed",
    "paypal.dispute_lost_reversal",
    "paypal.order_capture_pending_completed",
    "paypal.partial_refunds",
    "paypal.v1_sale_pending_completed_refunded",
    "stripe.authorized_then_canceled",
    "stripe.checkout_async_succeeded",
    "stripe.dispute_won",
    "stripe.failed_retry_succeeded",
    "stripe.inquiry_closed",
    "stripe.invoice_basil_link",
    "stripe.partial_refunds",
    "stripe.refund_failed_later",
    "stripe.same_second_processing_succeeded",
];

/// Events of one payment, and what must be true at their end in whatever order they arrive.
#[test]
fn every_order_of_a_scenario_ends_as_it_says() {
    let covered: BTreeSet<String> =
        vectors::scenarios().iter().filter_map(|name| check(name)).collect();
    let named = COVERED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(covered, named, "name here what is newly covered");
}

/// The scenario's name, if every event of it is acted on.
fn check(name: &str) -> Option<String> {
    let scenario = vectors::read(&format!("scenarios/{name}.json"));
    let provider = Provider::parse(scenario["provider"].as_str()?).expect("a provider");
    let recorded = scenario["events"].as_array().expect("events");
    let events: Vec<Event> =
        recorded.iter().map(|event| said::read_json(provider, event)).collect();
    if events.iter().any(|event| matches!(event.content, Content::Ignored(_))) {
        return None;
    }
    assert!(are_one_payment(&events), "{name}: some event shares no id with the others");

    let facts: Vec<Vec<&Fact>> = events.iter().map(|event| facts(event).collect()).collect();
    let after = |order: &[Vec<&Fact>]| {
        let facts = order.iter().flatten().copied();
        fold(provider, Expected::default(), facts)
    };
    for (place, status) in
        scenario["status_after_each"].as_array().into_iter().flatten().enumerate()
    {
        let state = after(&facts[..=place]);
        assert_eq!(Some(state.status.as_str()), status.as_str(), "{name}, event {place}");
    }
    permute(&mut facts.clone(), facts.len(), &mut |order| {
        check_end(name, &after(order), &scenario["expect"]);
        let twice: Vec<Vec<&Fact>> = order.iter().chain(order.iter().rev()).cloned().collect();
        assert_eq!(after(&twice), after(&facts), "{name}");
    });
    Some(name.to_owned())
}

fn check_end(name: &str, state: &State, expect: &Value) {
    assert_eq!(Some(state.status.as_str()), expect["status"].as_str(), "{name}");
    assert_eq!(Some(state.amount_received), expect["captured_minor"].as_i64(), "{name}");
    assert_eq!(Some(state.amount_refunded), expect["refunded_minor"].as_i64(), "{name}");
    assert_eq!(Some(state.dispute_status.as_str()), expect["dispute"].as_str(), "{name}");
}

fn facts(event: &Event) -> impl Iterator<Item = &Fact> {
    assert!(!event.content.parts().is_empty(), "{}: {:?}", event.id, event.content);
    event.content.facts()
}

/// Whether the ids of the events lead from each of them to every other.
fn are_one_payment(events: &[Event]) -> bool {
    let ids = |event: &Event| -> BTreeSet<Box<str>> {
        let references = event.content.parts().iter().flat_map(|part| &part.references);
        let payment = references.filter(|reference| reference.kind.identifies_payment());
        payment.map(|reference| reference.value.clone()).collect()
    };
    let mut apart: Vec<BTreeSet<Box<str>>> = events.iter().map(ids).collect();
    let mut known = apart.pop().unwrap_or_default();
    // As many rounds as there are events reach even the last of a chain.
    for _ in events {
        let (near, far) = apart.into_iter().partition(|ids| !known.is_disjoint(ids));
        apart = far;
        known.extend(Vec::into_iter(near).flatten());
    }
    apart.is_empty()
}

/// Heap's algorithm over the first `length` items.
fn permute<T>(order: &mut [T], length: usize, check: &mut impl FnMut(&[T])) {
    if length <= 1 {
        return check(order);
    }
    for i in 0..length {
        permute(order, length - 1, check);
        let other = if length.is_multiple_of(2) { i } else { 0 };
        order.swap(other, length - 1);
    }
}
