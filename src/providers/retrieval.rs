//! Objects that a provider's API was asked for, kept as events: what an object says now is one more
//! fact about its payment, with the API's own time.

use sha2::{Digest, Sha256};

use super::rules::Rules;
use super::{Proof, Verified, paypal, stripe};
use crate::domain::event::{Content, Event, Ownership, Part};
use crate::domain::fact::Fact;
use crate::domain::provider::Provider;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;

/// What an API is to be asked: the first of these paths at which there is something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// What stands there.
    pub kind: ReferenceKind,
    /// Path and query.
    pub paths: Vec<String>,
}

/// What is known of the asking: whose API it was, when it answered, and what its keys are for.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Whose API.
    pub provider: Provider,
    /// The API's own time.
    pub at: Timestamp,
    /// Which money its keys are about.
    pub livemode: bool,
    /// How the shop marks its payments.
    pub rules: &'a Rules,
}

/// An answer, read.
#[derive(Debug, Default)]
pub struct RetrievedPage {
    /// The objects in it.
    pub objects: Vec<Retrieved>,
    /// What they say is to be asked too.
    pub more: Vec<Question>,
    /// What is wrong with those of a list that could not be understood.
    pub not_understood: Vec<NotUnderstood>,
    /// What leads to the next page of a list, if there is one.
    pub next: Option<String>,
}

/// An object that was asked for.
#[derive(Debug)]
pub struct Retrieved {
    /// The object that it is.
    pub own: Reference,
    /// The same for all answers that say the same of the payment, at whatever time.
    pub digest: String,
    /// What it says; its event's id is not chosen yet.
    content: Content,
    ownership: Ownership,
    pub(super) is_disputed: bool,
    provider: Provider,
    at: Timestamp,
    livemode: bool,
    event_type: String,
    object: String,
}

/// An answer that can't be understood; names what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(pub String);

/// What to ask about an object; `None` if there is nothing to ask, or if `reference` is no id that
/// may stand in a path.
pub fn question(provider: Provider, reference: &Reference) -> Option<Question> {
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if reference.value.is_empty() || !reference.value.bytes().all(is_id) {
        return None;
    }
    let paths = match provider {
        Provider::Stripe => stripe::retrieval::paths(reference),
        Provider::Paypal => paypal::retrieval::paths(reference),
    };
    (!paths.is_empty()).then_some(Question { kind: reference.kind, paths })
}

/// What to ask about a payment of which these ids are known: the objects from which the others can be
/// reached, if any of them is known.
pub fn questions(provider: Provider, references: &[Reference]) -> Vec<Question> {
    use ReferenceKind::{
        Authorization, Capture, Charge, CheckoutSession, Dispute, Invoice, InvoicePayment, Order,
        Other, Payment, PaymentIntent, Refund, Sale,
    };
    let tiers: &[&[ReferenceKind]] = match provider {
        Provider::Stripe => &[
            &[PaymentIntent],
            &[CheckoutSession, Invoice, InvoicePayment],
            &[Charge],
            &[Refund, Dispute],
        ],
        Provider::Paypal => {
            &[&[Order, Payment], &[Capture, Sale, Authorization, Other], &[Refund, Dispute]]
        }
    };
    let of = |kinds: &[ReferenceKind]| -> Vec<Question> {
        let chosen = references.iter().filter(|reference| kinds.contains(&reference.kind));
        chosen.filter_map(|reference| question(provider, reference)).collect()
    };
    let mut first = tiers.iter().map(|kinds| of(kinds)).find(|some| !some.is_empty());
    if provider == Provider::Paypal
        && let Some(first) = &mut first
    {
        // An order does not tell of its disputes.
        let disputes = of(&[Dispute]);
        first.extend(disputes.into_iter().filter(|one| !first.contains(one)).collect::<Vec<_>>());
    }
    first.unwrap_or_default()
}

/// The object that a thin event names; `None` if the event is none, or names none that is known.
pub fn named_by_thin_event(payload: &str) -> Option<Reference> {
    stripe::retrieval::named_by_thin_event(payload)
}

/// Where the lists of all payments begin that a provider's API gives of objects that were made in
/// `[from, until)`; none if it gives no such list.
pub fn payment_lists(provider: Provider, from: Timestamp, until: Timestamp) -> Vec<String> {
    match provider {
        Provider::Stripe => stripe::retrieval::payment_lists(from, until),
        Provider::Paypal => Vec::new(),
    }
}

/// Where the page behind the one at `path` is.
pub fn next_page(path: &str, next: &str) -> String {
    stripe::retrieval::next_page(path, next)
}

/// Reads what stood at `path`, one of a [`Question`]'s.
pub fn read(path: &str, answer: &[u8], asking: Asking<'_>) -> Result<RetrievedPage, NotUnderstood> {
    match asking.provider {
        Provider::Stripe => stripe::retrieval::read(answer, asking),
        Provider::Paypal => paypal::retrieval::read(path, answer, asking),
    }
}

impl Retrieved {
    /// Reads an object, which is JSON text, as an event of a type of ours.
    pub(super) fn new(
        asking: Asking<'_>,
        event_type: String,
        livemode: bool,
        object: &str,
    ) -> Result<Self, NotUnderstood> {
        let mut retrieved = Self {
            own: Reference::new(ReferenceKind::Other, ""),
            digest: String::new(),
            content: Content::Failed("".into()),
            ownership: Ownership::Unsaid,
            is_disputed: false,
            provider: asking.provider,
            at: asking.at,
            livemode,
            event_type,
            object: object.to_owned(),
        };
        // Before its id is chosen it has none that anybody sees.
        let (_, event) = retrieved.event("?", asking.rules)?;
        match &event.content {
            Content::Payments(parts) => {
                let first = event.content.facts().next();
                let first = first.ok_or_else(|| NotUnderstood("no fact".to_owned()))?;
                retrieved.own = Reference::new(first.object, first.object_id.clone());
                retrieved.digest = digest(parts);
            }
            Content::Ignored(why) | Content::Failed(why) => {
                return Err(NotUnderstood(format!("{}: {why}", retrieved.event_type)));
            }
        }
        retrieved.ownership = event.ownership;
        retrieved.content = event.content;
        Ok(retrieved)
    }

    /// What it says of its payment.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.content.facts()
    }

    /// Every id that it carries.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.content.parts().iter().flat_map(|part| &part.references)
    }

    /// Whose the payment is, by the shop's rule.
    pub fn ownership(&self) -> Ownership {
        self.ownership
    }

    /// Whether it says that there is a dispute, which is an object of its own.
    pub fn is_disputed(&self) -> bool {
        self.is_disputed
    }

    /// Whose it is.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Real money.
    pub fn livemode(&self) -> bool {
        self.livemode
    }

    /// How the ids of its events begin.
    pub fn id_prefix(&self) -> String {
        format!("retrieved_{}_{}_", self.own.value, self.digest)
    }

    /// The event under the id that was chosen: the payload that is kept, and what it says.
    pub fn event(&self, id: &str, rules: &Rules) -> Result<(String, Event), NotUnderstood> {
        let payload = match self.provider {
            Provider::Stripe => {
                let Self { at, livemode, event_type, object, .. } = self;
                stripe::retrieval::envelope(id, *at, *livemode, event_type, object)
            }
            Provider::Paypal => {
                paypal::retrieval::envelope(id, self.at, &self.event_type, &self.object)
            }
        };
        let verified = Verified { payload: payload.as_bytes(), proof: Proof::Api };
        let event = match self.provider {
            Provider::Stripe => stripe::event::read(&verified, rules),
            Provider::Paypal => paypal::event::read(&verified, self.livemode, rules),
        };
        let event = event.map_err(|refusal| NotUnderstood(refusal.to_string()))?;
        Ok((payload, event))
    }
}

/// What is said, without when and by which event.
fn digest(parts: &[Part]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: Option<&str>| {
        // Unlike any length: nothing is not the same as no text.
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(text.unwrap_or_default());
    };
    for reference in parts.iter().flat_map(|part| &part.references) {
        add(Some(reference.kind.as_str()));
        add(Some(&reference.value));
    }
    for fact in parts.iter().flat_map(|part| &part.facts) {
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        add(Some(fact.object.as_str()));
        add(Some(&fact.object_id));
        add(Some(fact.state.as_str()));
        add(number(fact.amount.map(|amount| amount.minor)).as_deref());
        add(fact.amount.as_ref().map(|amount| amount.currency.as_str()));
        add(number(fact.captured).as_deref());
        add(number(fact.refunded).as_deref());
        add(fact.refunded_all.map(|all| if all { "all" } else { "part" }));
        add(fact.parent_id.as_deref());
        add(fact.payment_id.as_deref());
        add(number(fact.shop_money.map(|money| money.minor)).as_deref());
        add(fact.shop_money.as_ref().map(|money| money.currency.as_str()));
        add(fact.object_at.map(|at| at.to_string()).as_deref());
        add(fact.reason.as_deref());
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::fact::FactState;
    use crate::domain::transaction::{Expected, Status, fold};
    use crate::providers::vectors::Vector;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_795_000_000 + seconds).expect("a time")
    }

    fn asking(provider: Provider, rules: &Rules, seconds: i64) -> Asking<'_> {
        Asking { provider, at: at(seconds), livemode: true, rules }
    }

    fn stripe(object: &Value) -> Result<RetrievedPage, NotUnderstood> {
        let rules = Rules::default();
        read("/v1/x", object.to_string().as_bytes(), asking(Provider::Stripe, &rules, 0))
    }

    fn paypal(path: &str, object: &Value) -> Result<RetrievedPage, NotUnderstood> {
        let rules = Rules::default();
        read(path, object.to_string().as_bytes(), asking(Provider::Paypal, &rules, 0))
    }

    fn facts(answer: &RetrievedPage) -> Vec<Fact> {
        let each = answer.objects.iter().enumerate().map(|(place, object)| {
            let (_, event) =
                object.event(&format!("e{place}"), &Rules::default()).expect("it is read again");
            match event.content {
                Content::Payments(parts) => parts.into_iter().flat_map(|part| part.facts),
                other => panic!("{other:?}"),
            }
        });
        each.flatten().collect()
    }

    fn states(answer: &RetrievedPage) -> Vec<(ReferenceKind, FactState)> {
        facts(answer).iter().map(|fact| (fact.object, fact.state)).collect()
    }

    fn intent(status: &str, more: Value) -> Value {
        let mut intent = json!({
            "id": "pi_1", "object": "payment_intent", "status": status, "amount": 4999,
            "amount_received": if status == "succeeded" { 4999 } else { 0 },
            "amount_capturable": if status == "requires_capture" { 4999 } else { 0 },
            "currency": "eur", "livemode": true, "metadata": { "order_id": "A-1" },
        });
        for (name, value) in more.as_object().expect("an object") {
            intent[name] = value.clone();
        }
        intent
    }

    #[test]
    fn a_payment_intent_is_what_its_status_says() {
        for (status, more, state) in [
            ("requires_payment_method", json!({}), FactState::Created),
            ("requires_confirmation", json!({}), FactState::Created),
            (
                "requires_payment_method",
                json!({ "last_payment_error": { "code": "card_declined" } }),
                FactState::AttemptFailed,
            ),
            ("requires_action", json!({}), FactState::RequiresAction),
            ("processing", json!({}), FactState::Processing),
            ("requires_capture", json!({}), FactState::Authorized),
            ("succeeded", json!({}), FactState::Succeeded),
            ("canceled", json!({}), FactState::Canceled),
        ] {
            let answer = stripe(&intent(status, more)).expect("it is read");
            assert_eq!(states(&answer), [(ReferenceKind::PaymentIntent, state)], "{status}");
        }
        let unknown = stripe(&intent("melted", json!({}))).expect_err("no such status");
        assert!(unknown.0.contains("status"), "{unknown}");
    }

    /// What the API says of an object is what the event said that brought the same object.
    #[test]
    fn recorded_objects_say_what_their_events_said() {
        let mut read_so_far = 0;
        for vector in Vector::all(Provider::Stripe) {
            let object = &vector.event["data"]["object"];
            let Ok(answer) = stripe(object) else { continue };
            let event = stripe_event(&vector.event);
            let [Part { facts: said, references }] = event.content.parts() else { continue };
            // A session does not say that its payment failed; the payment does.
            if vector.event_type() == "checkout.session.async_payment_failed"
                || said[0].state == FactState::Conflict
            {
                continue;
            }
            let known: Vec<&Reference> = answer.objects[0].references().collect();
            for reference in references {
                assert!(known.contains(&reference), "{}: {reference:?}", vector.name);
            }
            let now = &facts(&answer)[0];
            assert_eq!(now.object_id, said[0].object_id, "{}", vector.name);
            if vector.event_type() == "charge.updated" {
                continue;
            }
            assert_eq!(
                (now.state, now.amount, now.captured, now.refunded),
                (said[0].state, said[0].amount, said[0].captured, said[0].refunded),
                "{}",
                vector.name
            );
            read_so_far += 1;
        }
        assert!(read_so_far > 20, "only {read_so_far}");
    }

    fn stripe_event(event: &Value) -> Event {
        let payload = event.to_string();
        let verified = Verified { payload: payload.as_bytes(), proof: Proof::Api };
        stripe::event::read(&verified, &Rules::default()).expect("an event")
    }

    #[test]
    fn the_charge_inside_tells_what_went_back() {
        let charge = json!({
            "id": "ch_1", "object": "charge", "status": "succeeded", "captured": true,
            "amount": 4999, "amount_captured": 4999, "amount_refunded": 1000, "currency": "eur",
            "payment_intent": "pi_1", "disputed": true, "created": 1_794_990_000,
        });
        let answer = stripe(&intent("succeeded", json!({ "latest_charge": charge })));
        let answer = answer.expect("it is read");
        assert_eq!(
            answer.more,
            [Question {
                kind: ReferenceKind::Dispute,
                paths: vec!["/v1/disputes?charge=ch_1&limit=100".to_owned()],
            }]
        );
        let facts = facts(&answer);
        let state = fold(Provider::Stripe, Expected::default(), &facts);
        assert_eq!(state.status, Status::PartiallyRefunded);
        assert_eq!((state.amount_received, state.amount_refunded), (4999, 1000));
    }

    /// By one rule, whether it comes alone or inside its PaymentIntent.
    #[test]
    fn a_charge_asked_for_says_what_its_webhook_said() {
        let charge = |captured: i64, refunded: i64| {
            json!({
                "id": "ch_1", "object": "charge", "status": "succeeded", "captured": true,
                "amount": 100, "amount_captured": captured, "amount_refunded": refunded,
                "refunded": refunded == captured, "currency": "eur", "payment_intent": "pi_1",
                "created": 1_794_990_000, "livemode": true,
            })
        };
        for (event_type, charge) in [
            ("charge.succeeded", charge(100, 0)),
            ("charge.captured", charge(70, 0)),
            ("charge.refunded", charge(70, 20)),
            ("charge.refunded", charge(60, 60)),
        ] {
            let event = stripe_event(&json!({
                "id": "e0", "created": at(0).unix_seconds(), "type": event_type,
                "data": { "object": charge },
            }));
            let said: Vec<Fact> = event.content.facts().cloned().collect();
            assert_eq!(facts(&stripe(&charge).expect("it is read")), said, "{event_type}");
            let inside = intent("requires_capture", json!({ "latest_charge": charge }));
            let inside = facts(&stripe(&inside).expect("it is read"));
            assert_eq!(inside[1..], said, "{event_type}");
        }
    }

    /// An attempt that failed long ago is none of now.
    #[test]
    fn a_failed_charge_asked_for_late_takes_nothing_back() {
        let failed = json!({
            "id": "ch_1", "object": "charge", "status": "failed", "captured": false, "paid": false,
            "amount": 4999, "amount_captured": 0, "amount_refunded": 0, "currency": "eur",
            "payment_intent": "pi_1", "created": 1_794_990_000, "failure_code": "card_declined",
        });
        let mut all = facts(&stripe(&failed).expect("it is read"));
        let now = stripe(&intent("requires_action", json!({ "latest_charge": failed })));
        all.extend(facts(&now.expect("it is read")));
        let state = fold(Provider::Stripe, Expected::default(), &all);
        assert_eq!(state.status, Status::RequiresAction);
    }

    #[test]
    fn the_same_answer_has_the_same_digest_at_any_time() {
        let rules = Rules::default();
        let digest = |object: &Value, seconds: i64| {
            let body = object.to_string();
            let answer = read("/", body.as_bytes(), asking(Provider::Stripe, &rules, seconds));
            answer.expect("it is read").objects[0].digest.clone()
        };
        let one = intent("processing", json!({}));
        assert_eq!(digest(&one, 0), digest(&one, 3600));
        assert_eq!(digest(&one, 0), digest(&intent("processing", json!({ "x": 1 })), 0));
        assert_ne!(digest(&one, 0), digest(&intent("succeeded", json!({})), 0));
    }

    #[test]
    fn an_order_tells_its_captures_and_refunds() {
        let money = |value: &str| json!({ "value": value, "currency_code": "EUR" });
        let order = json!({
            "id": "ORDER1", "status": "COMPLETED",
            "purchase_units": [{
                "amount": money("30.00"), "custom_id": "A-1",
                "payments": {
                    "captures": [{
                        "id": "CAP1", "status": "PARTIALLY_REFUNDED", "amount": money("30.00"),
                    }],
                    "refunds": [{
                        "id": "REF1", "status": "COMPLETED", "amount": money("10.00"),
                        "links": [{ "rel": "up",
                            "href": "https://api.paypal.com/v2/payments/captures/CAP1" }],
                    }],
                },
            }],
        });
        let answer = paypal("/v2/checkout/orders/ORDER1", &order).expect("it is read");
        assert_eq!(
            states(&answer),
            [
                // What the order says of itself and of what is in it ...
                (ReferenceKind::Order, FactState::OrderCompleted),
                (ReferenceKind::Capture, FactState::Succeeded),
                (ReferenceKind::Refund, FactState::RefundSucceeded),
                // ... and what each says of itself.
                (ReferenceKind::Capture, FactState::Succeeded),
                (ReferenceKind::Refund, FactState::RefundSucceeded),
            ]
        );
        let state = fold(Provider::Paypal, Expected::default(), &facts(&answer));
        assert_eq!(state.status, Status::PartiallyRefunded);
        assert_eq!((state.amount_received, state.amount_refunded), (3000, 1000));
    }

    #[test]
    fn what_is_asked_for_beside_it() {
        let money = json!({ "total": "-17.47", "currency": "EUR" });
        let reversal = json!({ "id": "REF1", "state": "completed", "amount": money,
            "sale_id": "SALE1", "parent_payment": "PAY-1" });
        let answer = paypal("/v1/payments/refund/REF1", &reversal).expect("it is read");
        assert_eq!(answer.more[0].paths, ["/v1/payments/payment/PAY-1"]);
        let capture = json!({ "id": "CAP1", "status": "REFUNDED",
            "amount": { "value": "1.00", "currency_code": "EUR" },
            "supplementary_data": { "related_ids": { "order_id": "ORDER1" } } });
        let answer = paypal("/v2/payments/captures/CAP1", &capture).expect("it is read");
        assert_eq!(answer.more[0].paths, ["/v2/checkout/orders/ORDER1"]);

        let invoice = json!({ "id": "in_1", "object": "invoice", "status": "paid",
            "amount_paid": 100, "amount_due": 100, "currency": "eur", "livemode": true });
        let answer = stripe(&invoice).expect("it is read");
        assert_eq!(answer.more[0].paths, ["/v1/invoice_payments?invoice=in_1&limit=100"]);
        let payments = json!({ "object": "list", "data": [{ "id": "inpay_1",
            "object": "invoice_payment", "status": "paid", "amount_paid": 100, "currency": "eur",
            "invoice": "in_1", "payment": { "payment_intent": "pi_1" } }] });
        let answer = stripe(&payments).expect("it is read");
        assert_eq!(states(&answer)[0].1, FactState::InvoicePaymentPaid);
        assert_eq!(answer.more[0].paths, ["/v1/payment_intents/pi_1?expand[]=latest_charge"]);
    }

    #[test]
    fn what_may_not_stand_in_a_path_is_not_asked() {
        for id in ["", "pi_1/x", "pi_1?x", "..", "pi_1 ", "pi_ä"] {
            let reference = Reference::new(ReferenceKind::PaymentIntent, id);
            assert_eq!(question(Provider::Stripe, &reference), None, "{id}");
        }
        let order = Reference::new(ReferenceKind::OrderId, "A-1");
        assert_eq!(question(Provider::Stripe, &order), None);
    }

    #[test]
    fn what_is_no_object_is_named() {
        for answer in ["", "[]", "7", "{}", r#"{"object":"customer","id":"cus_1"}"#] {
            let rules = Rules::default();
            let read = read("/", answer.as_bytes(), asking(Provider::Stripe, &rules, 0));
            assert!(read.is_err(), "{answer}");
        }
    }
}
