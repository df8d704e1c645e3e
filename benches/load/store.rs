//! The store without HTTP: what has to stand in a database before a run, and how fast it goes.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::events::{Template, amount};
use payhookd::domain::event::Source;
use payhookd::domain::provider::Provider;
use payhookd::domain::records::{Ingested, NewTransaction, Outcome, Webhook};
use payhookd::domain::reference::Reference;
use payhookd::domain::time::Timestamp;
use payhookd::domain::transaction::Expected;
use payhookd::providers::reference_kind;
use payhookd::providers::stripe::event::read;
use payhookd::providers::stripe::signature::{SigningSecrets, sign};
use payhookd::store::{Database, IngestAll, RegisterAll};
use payhookd::telemetry::clock::Clock;

/// Registers the pending transactions that the events of the range will settle, each with the ids
/// of `template.ids(number)` and [`events::amount`](crate::events::amount), test money. Makes the
/// database if it is missing.
pub(crate) fn register(db: &Path, template: &Template, range: Range<u64>) {
    let mut database = Database::open(db).expect("the database opens");
    let numbers: Vec<u64> = range.collect();
    for some in numbers.chunks(1_000) {
        let new = some
            .iter()
            .map(|number| {
                let ids = template.ids(*number);
                NewTransaction {
                    provider: Provider::Stripe,
                    reference: Reference::new(
                        reference_kind(Provider::Stripe, &ids.payment_intent),
                        ids.payment_intent,
                    ),
                    order_id: Some(ids.order),
                    expected: Expected {
                        amount: Some(amount().minor),
                        currency: Some(amount().currency),
                        partial: false,
                    },
                    livemode: false,
                    metadata: "{}".to_owned(),
                }
            })
            .collect();
        let register = RegisterAll { new, whole: false };
        let registered = database.run(&register, Clock::SYSTEM.now());
        registered.expect("transactions are registered");
    }
}

/// Stores the events of the range as received at `now`, `batch` of them in a commit, and gives events
/// a second. Proving and reading them is not part of the time.
pub(crate) fn bare_loop(
    db: &Path,
    template: &Template,
    range: Range<u64>,
    batch: usize,
    now: Timestamp,
) -> f64 {
    let mut database = Database::open(db).expect("the database opens");
    let mut template = template.clone();
    let numbers: Vec<u64> = range.collect();
    let mut storing = std::time::Duration::ZERO;
    // In slices, so that a million events are not all in memory.
    for slice in numbers.chunks(batch.max(1) * 64) {
        let webhooks: Vec<Webhook> =
            slice.iter().map(|number| webhook(&mut template, *number, now)).collect();
        let chunks = webhooks.chunks(batch.max(1));
        let jobs: Vec<_> = chunks.map(|some| IngestAll { webhooks: some.to_vec() }).collect();
        let began = Instant::now();
        for job in &jobs {
            let stored = database.run(job, now);
            let applied = |ingested: &Ingested| matches!(ingested, Ingested::New(one) if one.outcome == Outcome::Processed);
            assert!(stored.expect("events are stored").iter().all(applied), "each is applied");
        }
        storing += began.elapsed();
    }
    numbers.len() as f64 / storing.as_secs_f64()
}

fn webhook(template: &mut Template, number: u64, now: Timestamp) -> Webhook {
    template.set(number);
    genuine(template.body().to_vec(), now)
}

/// An event with this body as it is given to the store.
pub(crate) fn genuine(payload: Vec<u8>, now: Timestamp) -> Webhook {
    let header = sign(&payload, SECRET, now);
    let secrets = SigningSecrets::new([SECRET]);
    let verified = secrets.verify(&payload, Some(&header), None, now).expect("it is genuine");
    let event =
        read(&verified, &payhookd::providers::rules::Rules::default()).expect("it is an event");
    Webhook {
        event,
        payload_sha256: Sha256::digest(&payload).into(),
        headers: HEADERS.to_owned(),
        proof: "secret 1".to_owned(),
        transmission_id: None,
        source: Source::Webhook,
        received_at: now,
        arrived: Instant::now(),
        payload: String::from_utf8(payload).expect("it is text"),
    }
}

const SECRET: &str = "whsec_bare_of_the_benchmark_daemon";
/// What is kept of the headers that the load sends.
const HEADERS: &str = r#"{"content-type":"application/json; charset=utf-8","user-agent":"Stripe/1.0 (+https://stripe.com/docs/webhooks)"}"#;
