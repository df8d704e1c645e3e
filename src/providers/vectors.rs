//! The recorded events, and what is to be read of them. For tests only.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::domain::event::{Event, Part};
use crate::domain::provider::Provider;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;

/// A recorded event and its reference reading.
pub(super) struct Vector {
    /// Its file.
    pub(super) name: String,
    /// The event.
    pub(super) event: Value,
    expected: Value,
}

impl Vector {
    /// Every recorded event of `provider`.
    pub(super) fn all(provider: Provider) -> Vec<Self> {
        let file = read("expected.json");
        let events = file["events"].as_object().expect("expected.json has events");
        events
            .iter()
            .filter(|(_, expected)| expected["provider"] == provider.as_str())
            .map(|(name, expected)| Self {
                name: name.clone(),
                event: read(name),
                expected: expected.clone(),
            })
            .collect()
    }

    /// The event's type.
    pub(super) fn event_type(&self) -> &str {
        self.text("event_type").expect("expected.json gives every type")
    }

    /// The event's bytes.
    pub(super) fn payload(&self) -> Vec<u8> {
        self.event.to_string().into_bytes()
    }

    /// Whether the envelope of `event` says what it should.
    pub(super) fn check_envelope(&self, event: &Event) {
        let name = &self.name;
        assert_eq!(Some(event.provider.as_str()), self.text("provider"), "{name}");
        assert_eq!(Some(&*event.id), self.text("event_id"), "{name}");
        assert_eq!(&*event.event_type, self.event_type(), "{name}");
        assert_eq!(event.api_version.as_deref(), self.text("api_version"), "{name}");
        assert_eq!(event.occurred_at, self.time("occurred_at"), "{name}");
        if let Some(livemode) = self.expected["livemode"].as_bool() {
            assert_eq!(event.livemode, livemode, "{name}");
        }
    }

    /// Whether `event` says of its payment what it should.
    pub(super) fn check_payment(&self, event: &Event) {
        let name = &self.name;
        let [Part { references, facts }] = event.content.parts() else {
            panic!("{name}: {:?}", event.content);
        };
        let [fact, inside @ ..] = facts.as_slice() else { panic!("{name}: no fact") };
        for inner in inside {
            let named = Reference::new(inner.object, &*inner.object_id);
            assert!(references.contains(&named), "{name}: {named:?} is inside, but not named");
        }
        let own = Reference::new(fact.object, &*fact.object_id);
        let mut expected_references = self.references();
        expected_references.insert(own.clone());
        let read_references: BTreeSet<Reference> = references.iter().cloned().collect();
        assert_eq!(read_references, expected_references, "{name}");
        assert_eq!(references.first(), Some(&own), "{name}: the event's own object is first");

        assert_eq!(Some(&*fact.object_id), self.text("object_id"), "{name}");
        assert_eq!(Some(fact.state.as_str()), self.text("fact"), "{name}");
        assert_eq!(fact.event_id, event.id, "{name}");
        assert_eq!(Some(fact.occurred_at), event.occurred_at, "{name}");
        let minor = self.expected["amount_minor"].as_i64();
        assert_eq!(fact.amount.map(|amount| amount.minor), minor, "{name}");
        if let Some(amount) = fact.amount {
            assert_eq!(Some(amount.currency.as_str()), self.text("currency"), "{name}");
            assert_eq!(Some(&*amount.to_decimal(event.provider)), self.text("amount"), "{name}");
        }
        let object = match event.provider {
            Provider::Stripe => &self.event["data"]["object"],
            Provider::Paypal => &self.event["resource"],
        };
        let taken = match fact.state.as_str() {
            "succeeded" | "invoice_paid" | "invoice_payment_paid" => minor,
            "refund_snapshot" => object["amount_captured"].as_i64(),
            _ => None,
        };
        assert_eq!(fact.captured, taken, "{name}");
        // Of a charge that failed nothing can have been given back.
        let refunded = match self.expected["total_refunded_minor"].as_i64() {
            None if fact.captured.is_some() => self.expected["amount_refunded_minor"].as_i64(),
            total => total,
        };
        assert_eq!(fact.refunded, refunded, "{name}");
        if let Some(error) = self.expected.get("error") {
            let code = error["decline_code"].as_str().or_else(|| error["code"].as_str());
            assert_eq!(fact.reason.as_deref(), code, "{name}");
        }
        if let Some(reason) = self.text("reason") {
            assert_eq!(fact.reason.as_deref(), Some(reason), "{name}");
        }
        if let Some(object_at) = self.time("object_time") {
            assert_eq!(fact.object_at, Some(object_at), "{name}");
        }
    }

    /// All the ids by which the event can be recognised.
    fn references(&self) -> BTreeSet<Reference> {
        let mut references = BTreeSet::new();
        for (name, ids) in self.expected["links"].as_object().into_iter().flatten() {
            let word = match &**name {
                "parent_payment" => "payment",
                // Disputes do not tell a sale's id from a capture's.
                "captures" | "transactions" => "capture",
                "refunds" => "refund",
                "sales" => "sale",
                other => other,
            };
            let kind = ReferenceKind::parse(word)
                .unwrap_or_else(|| panic!("{}: links.{name} has no kind", self.name));
            let ids = ids.as_array().map_or_else(|| std::slice::from_ref(ids), Vec::as_slice);
            for id in ids {
                references.insert(Reference::new(kind, id.as_str().expect("links are ids")));
            }
        }
        let refs = &self.expected["refs"];
        let own = [
            &refs["invoice_number"],
            &refs["custom"],
            &refs["invoice_id"],
            &refs["custom_id"],
            &refs["metadata"]["order_id"],
        ];
        if let Some(id) = refs["client_reference_id"].as_str() {
            references.insert(Reference::new(ReferenceKind::ClientReference, id));
        }
        for id in own.into_iter().filter_map(Value::as_str) {
            references.insert(Reference::new(ReferenceKind::OrderId, id));
        }
        references
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.expected[key].as_str()
    }

    fn time(&self, key: &str) -> Option<Timestamp> {
        self.text(key).map(|text| Timestamp::parse(text).expect("an instant"))
    }
}

/// The names of all scenarios.
pub(super) fn scenarios() -> Vec<String> {
    let files = std::fs::read_dir(folder().join("scenarios")).expect("a folder of scenarios");
    let names = files.map(|file| file.expect("a file").path());
    names.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

/// A file of the vectors.
pub(super) fn read(name: &str) -> Value {
    let text = std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors")
}

/// An event with one field taken away or changed.
pub(super) struct Damaged {
    /// The names that lead to the field.
    pub(super) path: Vec<String>,
    /// What is left of the event.
    pub(super) event: Value,
}

/// `event` with each field in turn, down to `depth` names, taken away and replaced by a value of
/// every type.
pub(super) fn damaged(event: &Value, depth: usize) -> Vec<Damaged> {
    let mut paths = Vec::new();
    collect_paths(event, depth, &mut Vec::new(), &mut paths);
    let replacements = || {
        [json!(null), json!(true), json!(-7), json!(1.5), json!("x"), json!([1]), json!({})]
            .map(Some)
            .into_iter()
            .chain([None])
    };
    let mut all = Vec::new();
    for path in paths {
        for replacement in replacements() {
            let mut event = event.clone();
            replace(&mut event, &path, replacement);
            all.push(Damaged { path: path.clone(), event });
        }
    }
    all
}

fn collect_paths(
    value: &Value,
    depth: usize,
    path: &mut Vec<String>,
    paths: &mut Vec<Vec<String>>,
) {
    for (name, inner) in value.as_object().into_iter().flatten().take_while(|_| depth > 0) {
        path.push(name.clone());
        paths.push(path.clone());
        collect_paths(inner, depth - 1, path, paths);
        path.pop();
    }
}

fn replace(value: &mut Value, path: &[String], replacement: Option<Value>) {
    let Some(object) = value.as_object_mut() else { return };
    match (path, replacement) {
        ([], _) => {}
        ([name], Some(replacement)) => {
            object.insert(name.clone(), replacement);
        }
        ([name], None) => {
            object.remove(name);
        }
        ([name, rest @ ..], replacement) => replace(&mut object[name], rest, replacement),
    }
}
