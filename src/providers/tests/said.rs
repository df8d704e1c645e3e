//! What is read of an event, in a few words.

use serde_json::Value;

use crate::domain::event::{Content, Event, Part};
use crate::domain::fact::Fact;
use crate::domain::provider::Provider;
use crate::domain::reference::Reference;
use crate::domain::refusal::Refusal;
use crate::providers::rules::Rules;
use crate::providers::{Proof, Verified, read_strictly};

/// Reads test money's `payload` as it stands.
pub(in crate::providers) fn read(
    provider: Provider,
    payload: &[u8],
    rules: &Rules,
) -> Result<Event, Refusal> {
    let proof = match provider {
        Provider::Stripe => Proof::StripeSecret(1),
        Provider::Paypal => Proof::PaypalPostback(1),
    };
    read_strictly(provider, &Verified { payload, proof }, false, rules)
}

/// What is read of a whole event by the rules of a shop that has none.
pub(in crate::providers) fn read_json(provider: Provider, event: &Value) -> Event {
    read(provider, event.to_string().as_bytes(), &Rules::default()).expect("an event")
}

/// An object that has the fields of both.
pub(in crate::providers) fn with(mut object: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("fields") {
        object[name] = value.clone();
    }
    object
}

/// What is said of each payment, if it is of payments that the event speaks.
pub(in crate::providers) fn parts(content: Content) -> Vec<Part> {
    match content {
        Content::Payments(parts) => parts,
        other => panic!("{other:?}"),
    }
}

/// The ids and the fact, where the event says one thing of one payment.
pub(in crate::providers) fn payment(content: Content) -> (Vec<Reference>, Fact) {
    let [Part { references, facts }] = parts(content).try_into().expect("one payment");
    let [fact] = facts.try_into().expect("one fact");
    (references, fact)
}

/// The ids in their order, each with its kind.
pub(in crate::providers) fn ids(references: &[Reference]) -> String {
    let ids = references.iter().map(|one| format!("{} {}", one.kind, one.value));
    ids.collect::<Vec<String>>().join(", ")
}

/// The state, what was taken and what is back: `refund_snapshot, took 70, gave back 20`.
pub(in crate::providers) fn outcome(fact: &Fact) -> String {
    let took = fact.captured.map(|minor| format!(", took {minor}"));
    let back = fact.refunded.map(|minor| format!(", gave back {minor}"));
    format!("{}{}{}", fact.state, took.unwrap_or_default(), back.unwrap_or_default())
}

/// Why the event is kept as failed.
pub(in crate::providers) fn failure(content: Content) -> Box<str> {
    match content {
        Content::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}
