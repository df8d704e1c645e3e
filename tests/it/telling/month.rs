//! A month of a shop: of quiet nights, a scanner and everything that goes wrong, a person is told exactly what
//! they want to know, and of each thing when it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::admin::App as Api;
use crate::support::app::SECRET as APP_SECRET;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::{SECRET, STRIPE, at};
use crate::support::stripe_api::StripeApi;
use payhookd::domain::time::Timestamp;
use payhookd::providers::stripe::signature;

const ROLLED: &str = "whsec_0123456789abcdefghijklmnopqrstuvwxyz";
const HERE: &str = "https://shop.example/accounts/webhooks/stripe/";

/// The shop, its daemon, and everybody around it.
struct Shop {
    options: Options,
    daemon: Daemon,
    now: Timestamp,
    /// What Stripe signs with.
    secret: &'static str,
    payments: u32,
}

impl Shop {
    /// The clock goes on until then; the monitor has looked by the end.
    fn until(&mut self, time: &str) {
        let until = at(&format!("2026-11-{time}:00Z"));
        while self.now < until {
            self.now = self.now.plus(Duration::from_secs(3_600)).min(until);
            self.options.file("now", self.now.to_string());
            let seconds = self.now.unix_seconds();
            let looked = format!("payhookd_monitor_last_look_timestamp_seconds {seconds}\n");
            wait_until("the monitor looks", || {
                Api::of(&self.daemon).get("/metrics").text().contains(&looked)
            });
        }
    }

    fn send(&self, body: &str) -> u16 {
        let signature = signature::sign(body.as_bytes(), self.secret, self.now);
        self.daemon.post(STRIPE, &[("stripe-signature", &signature)], body).status
    }

    fn event(&self, id: &str, event_type: &str, object: &Value) -> String {
        json!({
            "id": id, "object": "event", "api_version": "2025-12-15.clover", "livemode": true,
            "created": self.now.unix_seconds(), "type": event_type, "data": { "object": object },
        })
        .to_string()
    }

    fn deliver(&self, id: &str, event_type: &str, object: &Value) {
        assert_eq!(self.send(&self.event(id, event_type, object)), 200);
    }

    /// A customer pays; the name of the payment, and its event.
    fn sale(&mut self) -> (String, String) {
        self.payments += 1;
        let name = self.payments.to_string();
        let new = json!({
            "provider": "stripe", "reference": format!("pi_{name}"), "order_id": format!("A-{name}"),
            "amount": 4999, "currency": "EUR", "livemode": true,
        });
        assert_eq!(Api::of(&self.daemon).register(&new).status, 201);
        let intent = json!({
            "id": format!("pi_{name}"), "object": "payment_intent", "amount": 4999, "currency": "eur",
            "status": "succeeded", "amount_received": 4999, "latest_charge": format!("ch_{name}"),
        });
        let event = self.event(&format!("evt_{name}"), "payment_intent.succeeded", &intent);
        (name, event)
    }

    fn sell(&mut self) -> String {
        let (name, event) = self.sale();
        assert_eq!(self.send(&event), 200);
        name
    }

    /// Sells each hour of the day, from nine to six.
    fn day(&mut self, day: u32) {
        for hour in 9..19 {
            self.until(&format!("{day:02}T{hour:02}:00"));
            self.sell();
        }
    }

    fn days(&mut self, days: std::ops::RangeInclusive<u32>) {
        days.for_each(|day| self.day(day));
    }

    fn restart(self, options: Options, secret: &'static str) -> Self {
        let Self { daemon, now, payments, .. } = self;
        drop(daemon);
        let daemon = options.start();
        Self { options, daemon, now, secret, payments }
    }

    fn refund(&self, id: &str, name: &str, status: &str) -> Value {
        json!({
            "id": id, "object": "refund", "amount": 4999, "currency": "eur", "charge": format!("ch_{name}"),
            "payment_intent": format!("pi_{name}"), "status": status,
        })
    }
}

fn endpoint(status: &str) -> Value {
    json!({
        "id": "we_1", "object": "webhook_endpoint", "url": HERE, "status": status, "enabled_events": ["*"],
        "api_version": null, "livemode": true,
    })
}

#[test]
fn a_month_opens_what_a_person_wants_to_know_and_closes_it() {
    let told = Fake::start(|_| Reply::ok("ok"));
    let up = Arc::new(AtomicBool::new(true));
    let is_up = Arc::clone(&up);
    let app = Fake::start(move |_| match is_up.load(Ordering::Acquire) {
        true => Reply::ok("taken"),
        false => Reply::Answer(502, None, "bad gateway".to_owned()),
    });
    let options = Options::stripe()
        .variable("PAYHOOKD_ALERT_URL", format!("http://{}/", told.address))
        .variable("PAYHOOKD_NOTIFY_URL", format!("http://{}/", app.address))
        .variable("PAYHOOKD_NOTIFY_SECRET", APP_SECRET)
        .arg("--unsafe-test-lookout=20")
        .arg("--unsafe-test-clock-file")
        .arg("now");
    options.file("now", "2026-11-01T08:00:00Z");
    let daemon = options.start();
    let now = at("2026-11-01T08:00:00Z");
    let mut shop = Shop { options, daemon, now, secret: SECRET, payments: 0 };
    shop.days(1..=2);

    // A scanner at night: a hundred forged requests, and one that was caught, again and again.
    shop.until("03T02:00");
    for number in 0..100 {
        let forged = json!({ "id": format!("evt_scan{number}"), "object": "event", "type": "x" });
        let header = signature::sign(forged.to_string().as_bytes(), "whsec_guess", shop.now);
        let answer = shop.daemon.post(STRIPE, &[("stripe-signature", &header)], forged.to_string());
        assert_eq!(answer.status, 400);
    }
    let caught = json!({ "id": "evt_1", "object": "event" }).to_string();
    let header = signature::sign(caught.as_bytes(), SECRET, at("2026-11-01T09:00:00Z"));
    for _ in 0..5 {
        assert_eq!(shop.daemon.post(STRIPE, &[("stripe-signature", &header)], &caught).status, 400);
    }
    shop.days(3..=7);

    // The app is down for an hour.
    shop.until("08T11:00");
    up.store(false, Ordering::Release);
    for minute in [0, 10, 20, 30, 40, 50] {
        shop.until(&format!("08T11:{minute:02}"));
        shop.sell();
    }
    let app_issue = "SELECT count(*) FROM issues WHERE kind = 'app' AND closed_at IS NULL";
    wait_until("the app is seen to be down", || shop.options.database().one::<i64>(app_issue) == 1);
    up.store(true, Ordering::Release);
    shop.until("08T11:55");
    shop.sell();
    wait_until("the app is up", || shop.options.database().one::<i64>(app_issue) == 0);
    shop.days(9..=11);

    // A refund fails, and is made in another way.
    shop.until("12T12:00");
    let name = shop.sell();
    shop.deliver("evt_r1", "refund.created", &shop.refund("re_1", &name, "pending"));
    shop.until("12T15:00");
    shop.deliver("evt_r2", "refund.failed", &shop.refund("re_1", &name, "failed"));
    shop.day(13);
    shop.deliver("evt_r3", "refund.created", &shop.refund("re_2", &name, "succeeded"));
    shop.day(14);

    // The issuer of a card warns of fraud, and the shop refunds.
    shop.until("15T12:00");
    let name = shop.sell();
    let warning = json!({
        "id": "issfr_1", "object": "radar.early_fraud_warning", "actionable": true,
        "charge": format!("ch_{name}"), "payment_intent": format!("pi_{name}"),
        "fraud_type": "made_with_stolen_card", "created": shop.now.unix_seconds(),
    });
    shop.until("15T14:00");
    shop.deliver("evt_w1", "radar.early_fraud_warning.created", &warning);
    shop.until("15T16:00");
    shop.deliver("evt_w2", "refund.created", &shop.refund("re_3", &name, "succeeded"));
    shop.days(16..=17);

    // A payout fails; the next one arrives.
    let payout =
        |id: &str| json!({ "id": id, "object": "payout", "amount": 120_400, "currency": "eur" });
    shop.until("18T07:00");
    shop.deliver("evt_p1", "payout.failed", &payout("po_1"));
    shop.days(18..=20);
    shop.deliver("evt_p2", "payout.paid", &payout("po_2"));
    shop.day(21);

    // Somebody rolls the secret and does not say so: Stripe repeats what is refused.
    shop.until("22T09:00");
    let (_, event) = shop.sale();
    shop.secret = ROLLED;
    for time in ["22T09:00", "22T09:05", "22T09:35", "22T10:35"] {
        shop.until(time);
        assert_eq!(shop.send(&event), 400);
    }
    let refused = "SELECT count(*) FROM issues WHERE kind = 'refused_signatures'
                   AND severity = 'critical' AND closed_at IS NULL";
    wait_until("that is told", || shop.options.database().one::<i64>(refused) == 1);
    let both = format!("{SECRET},{ROLLED}");
    let with_both = shop.options.clone().variable("STRIPE_WEBHOOK_SECRET", both);
    let mut shop = shop.restart(with_both.clone(), ROLLED);
    shop.until("22T11:00");
    assert_eq!(shop.send(&event), 200);
    for hour in 12..19 {
        shop.until(&format!("22T{hour}:00"));
        shop.sell();
    }
    shop.days(23..=25);

    // Stripe disables the endpoint, and somebody enables it.
    let api = StripeApi::start();
    api.endpoints([endpoint("enabled")]);
    let with_key = api
        .options(with_both)
        .variable("PAYHOOKD_PUBLIC_URL", "https://shop.example")
        .variable("PAYHOOKD_RECONCILE_EVERY", "1h")
        .arg("--unsafe-test-reconcile-every=100");
    let mut shop = shop.restart(with_key, ROLLED);
    shop.day(26);
    let endpoints = |closed: bool| {
        format!(
            "SELECT count(*) FROM issues WHERE kind = 'endpoint' AND (closed_at IS NOT NULL) = {closed}"
        )
    };
    api.endpoints([endpoint("disabled")]);
    wait_until("it is seen", || shop.options.database().one::<i64>(&endpoints(false)) == 1);
    api.endpoints([endpoint("enabled")]);
    wait_until("it is mended", || shop.options.database().one::<i64>(&endpoints(true)) == 1);
    shop.days(27..=30);

    let issues = "SELECT kind, subject, severity, closed_at IS NOT NULL FROM issues ORDER BY id";
    let issues = shop.options.database().rows(issues);
    println!("the issues of a month:\n{}", issues.join("\n"));
    let fraud = format!("fraud_warning|{}|warning|1", issues_subject(&issues, "fraud_warning"));
    assert_eq!(
        issues,
        [
            "refused_signatures|stripe|notice|1",
            "app|app|warning|1",
            "refund|re_1|warning|1",
            &*fraud,
            "payout|po_1|warning|1",
            "refused_signatures|stripe|critical|1",
            "endpoint|stripe|critical|1",
        ]
    );
    // Of each but the notice people are told; when, is a matter of pace.
    let owed = "SELECT count(DISTINCT issue_id) FROM alerts WHERE issue_id <> 1";
    assert_eq!(shop.options.database().one::<i64>(owed), 6);
    assert_eq!(shop.options.database().count("alerts WHERE issue_id = 1"), 0);
}

fn issues_subject(issues: &[String], kind: &str) -> String {
    let of_kind = issues.iter().find(|one| one.starts_with(kind)).expect("an issue");
    of_kind.split('|').nth(1).expect("a subject").to_owned()
}
