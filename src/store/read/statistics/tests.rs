use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::domain::event::Source;
use crate::domain::orphan::Policy;
use crate::domain::records::{NewTransaction, Webhook};
use crate::domain::reference::Reference;
use crate::domain::transaction::Expected;
use crate::providers::rules::Rules;
use crate::providers::{read_again, reference_kind};
use crate::store::engine::Database;

/// A database, and statistics that are asked for after every step.
struct Shop {
    folder: tempfile::TempDir,
    database: Database,
    followed: Statistics,
    now: Timestamp,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut database = Database::open(&folder.path().join("shop.db")).expect("a database");
        let now = Timestamp::parse("2026-11-23T10:00:00Z").expect("a time");
        let policy = Policy { livemode: true, grace: Duration::from_secs(120) };
        database.started(policy, "{}", now).expect("started");
        database.batch(|batch| batch.set_notifies(true, Timestamp::EPOCH)).expect("an app");
        Self { folder, database, followed: Statistics::default(), now }
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.folder.path().join("shop.db")).expect("a reader")
    }

    /// What is counted step by step is what is counted in one go.
    fn follow(&mut self) {
        let reader = self.reader();
        assert!(self.followed.catch_up(&reader, self.now).expect("counted"));
        let mut anew = Statistics::default();
        assert!(anew.catch_up(&reader, self.now).expect("counted"));
        assert_eq!(self.all(&self.followed), self.all(&anew));
        let since = Statistics::since(&reader, self.now.minus(Statistics::REACH));
        assert_eq!(self.all(&since.expect("counted")), self.all(&anew));
    }

    fn all(&self, statistics: &Statistics) -> Figures {
        let mut all = statistics.between(self.now.minus(Statistics::REACH)..self.now.plus(DAY));
        all.outcomes.retain(|_, events| *events > 0);
        // Both of one currency: what was taken back is nothing.
        all.money.retain(|_, figures| *figures != MoneyFigures::default());
        all
    }

    fn register(&mut self, reference: &str, minor: i64) {
        let provider = match reference.starts_with("pi_") {
            true => Provider::Stripe,
            false => Provider::Paypal,
        };
        let new = NewTransaction {
            provider,
            reference: Reference::new(reference_kind(provider, reference), reference),
            order_id: None,
            expected: Expected {
                amount: Some(minor),
                currency: Some(Currency::parse("HUF").expect("a code")),
                partial: false,
            },
            livemode: true,
            metadata: "{}".to_owned(),
        };
        let now = self.now;
        self.database.batch(|batch| batch.register(&new, now)).expect("registered");
        self.follow();
    }

    fn stripe(&mut self, event_type: &str, object: &Value) {
        let id = format!("evt_{}_{}", self.now.unix_millis(), object["id"].as_str().unwrap_or(""));
        let body = json!({
            "id": id, "object": "event", "created": self.now.unix_seconds(), "livemode": true,
            "type": event_type, "data": { "object": object },
        });
        self.ingest(Provider::Stripe, &id, body.to_string());
    }

    fn ingest(&mut self, provider: Provider, id: &str, payload: String) {
        let event = read_again(provider, &payload, true, id, &Rules::default()).expect("an event");
        let webhook = Webhook {
            event,
            payload,
            payload_sha256: [0; 32],
            headers: "{}".to_owned(),
            proof: "secret 1".to_owned(),
            transmission_id: None,
            source: Source::Webhook,
            received_at: self.now,
            arrived: Instant::now(),
        };
        self.database.batch(|batch| batch.ingest(&webhook)).expect("kept");
        self.follow();
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn intent(id: &str, received: i64) -> Value {
    json!({
        "id": id, "object": "payment_intent", "amount": received, "amount_received": received,
        "currency": "huf", "status": "succeeded", "latest_charge": format!("ch_{id}"),
    })
}

#[test]
fn every_step_is_counted_once_and_at_its_time() {
    let mut shop = Shop::new();
    shop.register("pi_1", 150_000);
    shop.stripe("payment_intent.succeeded", &intent("pi_1", 150_000));
    // Before the shop has registered it, so that the event is an orphan's for now.
    shop.stripe("payment_intent.succeeded", &intent("pi_2", 70_000));
    let open = shop.reader().open_orphans().expect("read");
    assert_eq!((open.len(), open[0].number, open[0].sum), (1, 1, 70_000.into()));
    assert_eq!(shop.all(&shop.followed).outcomes[&Outcome::Orphan], 1);
    shop.now = shop.now.plus(DAY);
    shop.register("pi_2", 70_000);
    assert_eq!(shop.reader().open_orphans().expect("read"), []);
    shop.stripe("customer.updated", &json!({ "id": "cus_1" }));
    shop.stripe("payment_intent.succeeded", &json!({ "object": "payment_intent" }));
    let refund = json!({
        "id": "re_1", "object": "refund", "amount": 50_000, "currency": "huf",
        "charge": "ch_pi_1", "payment_intent": "pi_1", "status": "succeeded",
    });
    shop.stripe("refund.created", &refund);
    let dispute = json!({
        "id": "du_1", "object": "dispute", "amount": 60_000, "currency": "huf",
        "charge": "ch_pi_2", "payment_intent": "pi_2", "status": "needs_response",
        "reason": "fraudulent",
    });
    shop.stripe("charge.dispute.created", &dispute);
    // PayPal counts forints without decimals.
    shop.register("ORDER1", 900);
    let capture = json!({
        "id": "WH-1", "create_time": shop.now.to_string(), "resource_version": "2.0",
        "event_type": "PAYMENT.CAPTURE.COMPLETED",
        "resource": {
            "id": "CAPTURE1", "amount": { "currency_code": "HUF", "value": "900" },
            "status": "COMPLETED",
            "supplementary_data": { "related_ids": { "order_id": "ORDER1" } },
        },
    });
    shop.ingest(Provider::Paypal, "WH-1", capture.to_string());

    let key = (true, Currency::parse("HUF").expect("a code"));
    let all = shop.all(&shop.followed);
    assert_eq!(
        all.money[&key],
        MoneyFigures {
            received: 310_000.into(),
            refunded: 50_000.into(),
            disputed: 60_000.into(),
            payments: 3,
            refunds: 1,
            disputes: 1,
        }
    );
    let outcomes: Vec<_> = all.outcomes.into_iter().collect();
    assert_eq!(outcomes, [(Outcome::Processed, 5), (Outcome::Ignored, 1), (Outcome::Failed, 1)]);
    assert_eq!(all.processing.len(), 7);
    assert!(all.processing.percentile(50) <= all.processing.percentile(99));
    assert_eq!((all.deliveries.pending, all.deliveries.delivered), (8, 0));

    let first_day = shop.followed.between(shop.now.minus(DAY)..shop.now);
    assert_eq!(first_day.money[&key].received, 150_000.into());
    assert_eq!(first_day.deliveries.pending, 2);

    // What is older than they go back falls out.
    shop.now = shop.now.plus(Statistics::REACH);
    shop.follow();
    assert_eq!(shop.all(&shop.followed).money[&key].received, 160_000.into());
    let long_ago = shop.now.minus(Statistics::REACH).minus(DAY);
    let since = Statistics::since(&shop.reader(), long_ago).expect("counted");
    let of_all_time = since.between(long_ago..shop.now.plus(DAY));
    assert_eq!(of_all_time.money[&key].received, 310_000.into());
}
