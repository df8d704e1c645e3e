//! Somebody tries stolen cards on one payment: what its last attempts cost beside its first ones.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::store::genuine;
use payhookd::domain::provider::Provider;
use payhookd::domain::records::NewTransaction;
use payhookd::domain::reference::{Reference, ReferenceKind};
use payhookd::domain::transaction::Expected;
use payhookd::store::{Database, IngestAll, Register};
use payhookd::telemetry::clock::Clock;

const ATTEMPTS: u64 = 10_000;
/// Attempts whose time is compared: the first ones, and the last.
const COMPARED: u64 = 500;
/// Attempts in a commit, as under a flood.
const BATCH: u64 = 16;

/// By what the payment is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Registered,
    ByOrderId,
    ByInvoice,
    Not,
}

/// Prints a row for each way in which such a payment is found.
pub(crate) fn run(folder: &Path) {
    println!(
        "{ATTEMPTS} attempts that fail, two events each, {BATCH} attempts a commit. Milliseconds of the\n\
         writer per event, of the first and the last {COMPARED} attempts.\n"
    );
    println!("{:<24} {:>8} {:>8} {:>8}", "the payment is", "first", "last", "times");
    for (found, name) in [
        (Found::Registered, "registered"),
        (Found::ByOrderId, "found by its order id"),
        (Found::ByInvoice, "of a registered invoice"),
        (Found::Not, "an orphan"),
    ] {
        let (first, last) = measure(&folder.join(format!("{name}.db")), found);
        println!("{name:<24} {first:>8.3} {last:>8.3} {:>8.2}", last / first);
    }
}

fn measure(db: &Path, found: Found) -> (f64, f64) {
    let mut database = Database::open(db).expect("the database opens");
    let (kind, reference) = match found {
        Found::Registered => (ReferenceKind::PaymentIntent, "pi_attempted"),
        Found::ByInvoice => (ReferenceKind::Invoice, "in_attempted"),
        Found::ByOrderId | Found::Not => (ReferenceKind::PaymentIntent, "pi_of_another"),
    };
    let new = NewTransaction {
        provider: Provider::Stripe,
        reference: Reference::new(kind, reference),
        order_id: (found == Found::ByOrderId).then(|| "A-1001".to_owned()),
        expected: Expected::default(),
        livemode: false,
        metadata: "{}".to_owned(),
    };
    database.run(&Register { new }, Clock::SYSTEM.now()).expect("it is registered");
    let (mut first, mut last) = (Duration::ZERO, Duration::ZERO);
    let numbers: Vec<u64> = (0..ATTEMPTS).collect();
    for some in numbers.chunks(usize::try_from(BATCH).expect("it is small")) {
        let now = Clock::SYSTEM.now();
        let bodies = some.iter().flat_map(|number| attempt(*number, found));
        let job = IngestAll { webhooks: bodies.map(|body| genuine(body, now)).collect() };
        let began = Instant::now();
        let stored = database.run(&job, now);
        stored.expect("events are stored");
        if some[0] < COMPARED {
            first += began.elapsed();
        } else if some[0] >= ATTEMPTS - COMPARED {
            last += began.elapsed();
        }
    }
    let an_event = |spent: Duration| spent.as_secs_f64() * 1e3 / (2 * COMPARED) as f64;
    (an_event(first), an_event(last))
}

/// The two events of one attempt.
fn attempt(number: u64, found: Found) -> [Vec<u8>; 2] {
    let mut charge = json!({
        "id": format!("ch_{number}"), "object": "charge", "amount": 4999, "amount_captured": 0,
        "amount_refunded": 0, "captured": false, "paid": false, "refunded": false, "status": "failed",
        "currency": "eur", "livemode": false, "payment_intent": "pi_attempted",
        "failure_code": "card_declined", "metadata": {"order_id": "A-1001"},
    });
    let mut intent = json!({
        "id": "pi_attempted", "object": "payment_intent", "amount": 4999, "amount_received": 0,
        "currency": "eur", "livemode": false, "status": "requires_payment_method",
        "latest_charge": format!("ch_{number}"), "metadata": {"order_id": "A-1001"},
        "last_payment_error": {"code": "card_declined", "decline_code": "generic_decline"},
    });
    if found == Found::ByInvoice {
        charge["invoice"] = json!("in_attempted");
        intent["invoice"] = json!("in_attempted");
    }
    [("charge.failed", charge), ("payment_intent.payment_failed", intent)].map(|(kind, object)| {
        let event: Value = json!({
            "id": format!("evt_{kind}_{number}"), "object": "event", "type": kind,
            "api_version": "2022-11-15", "livemode": false,
            // Several a second.
            "created": 1_770_000_000 + number / 5, "data": {"object": object},
        });
        event.to_string().into_bytes()
    })
}
