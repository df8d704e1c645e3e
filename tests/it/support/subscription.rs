//! What Stripe sends of a subscription, and what becomes of its payments.

use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::daemon::Daemon;

/// Ids of a period's objects, and the API version that its events are rendered in.
pub(crate) struct Period {
    name: &'static str,
    month: u8,
    amount: i64,
    is_older: bool,
}

impl Period {
    /// The first month, of 9.99 EUR, in the newest shape.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, month: 1, amount: 999, is_older: false }
    }

    /// Of another amount.
    pub(crate) fn of(self, amount: i64) -> Self {
        Self { amount, ..self }
    }

    /// Of another month.
    pub(crate) fn in_month(self, month: u8) -> Self {
        Self { month, ..self }
    }

    /// In the shape of before 2025-03-31, where an invoice names what paid it.
    pub(crate) fn older(self) -> Self {
        Self { is_older: true, ..self }
    }

    fn event(&self, event_type: &str, object: &Value) -> String {
        let Self { name, month, .. } = self;
        let created = 1_732_363_000 + i64::from(*month) * 2_592_000;
        let version = if self.is_older { "2022-08-01" } else { "2025-12-15.clover" };
        json!({
            "id": format!("evt_{name}_{event_type}"), "object": "event", "api_version": version,
            "created": created, "livemode": true, "type": event_type, "data": { "object": object },
        })
        .to_string()
    }

    /// Its invoice: paid, or else open after an attempt that failed.
    pub(crate) fn invoice(&self, event_type: &str) -> String {
        let Self { name, month, amount, .. } = self;
        let is_paid = event_type != "invoice.payment_failed";
        let (start, end) = (day(*month), day(*month + 1));
        let mut object = json!({
            "id": format!("in_{name}"), "object": "invoice", "amount_due": amount, "currency": "eur",
            "amount_paid": if is_paid { *amount } else { 0 }, "metadata": {},
            "status": if is_paid { "paid" } else { "open" },
            // When items were gathered, not what is paid for.
            "period_start": day(*month) - 2_592_000, "period_end": day(*month),
        });
        if self.is_older {
            object["subscription"] = "sub_1".into();
            object["payment_intent"] = format!("pi_{name}").into();
            object["charge"] = format!("ch_{name}").into();
            object["lines"] = json!({ "data": [
                { "type": "invoiceitem", "subscription": "sub_1", "period": { "start": 1, "end": end + 1 } },
                { "type": "subscription", "subscription": "sub_1", "proration": false,
                  "period": { "start": start, "end": end } },
            ]});
        } else {
            let item = json!({ "subscription": "sub_1", "proration": false });
            object["parent"] =
                json!({ "subscription_details": { "metadata": {}, "subscription": "sub_1" } });
            object["lines"] = json!({ "data": [
                { "parent": { "invoice_item_details": {} }, "period": { "start": 1, "end": end + 1 } },
                { "parent": { "subscription_item_details": item },
                  "period": { "start": start, "end": end } },
            ]});
        }
        self.event(event_type, &object)
    }

    /// Its invoice, paid.
    pub(crate) fn paid(&self) -> String {
        self.invoice("invoice.paid")
    }

    /// The charge that paid it.
    pub(crate) fn charge(&self) -> String {
        let Self { name, amount, .. } = self;
        self.event(
            "charge.succeeded",
            &json!({
                "id": format!("ch_{name}"), "object": "charge", "amount": amount, "currency": "eur",
                "amount_captured": amount, "captured": true, "status": "succeeded",
                "payment_intent": format!("pi_{name}"), "metadata": {},
            }),
        )
    }

    /// The PaymentIntent that paid it.
    pub(crate) fn intent(&self) -> String {
        let Self { name, amount, .. } = self;
        self.event(
            "payment_intent.succeeded",
            &json!({
                "id": format!("pi_{name}"), "object": "payment_intent", "amount": amount,
                "amount_received": amount, "currency": "eur", "status": "succeeded",
                "latest_charge": format!("ch_{name}"), "metadata": {},
            }),
        )
    }

    /// Ties invoice and PaymentIntent, since they do not name each other any more.
    pub(crate) fn tie(&self) -> String {
        let Self { name, amount, .. } = self;
        self.event(
            "invoice_payment.paid",
            &json!({
                "id": format!("inpay_{name}"), "object": "invoice_payment", "amount_paid": amount,
                "currency": "eur", "invoice": format!("in_{name}"), "status": "paid",
                "payment": { "type": "payment_intent", "payment_intent": format!("pi_{name}") },
            }),
        )
    }

    /// The Checkout Session that began the subscription.
    pub(crate) fn session(&self) -> String {
        let Self { name, amount, .. } = self;
        self.event(
            "checkout.session.completed",
            &json!({
                "id": format!("cs_{name}"), "object": "checkout.session", "amount_total": amount,
                "currency": "eur", "invoice": format!("in_{name}"), "mode": "subscription",
                "payment_status": "paid", "status": "complete", "subscription": "sub_1",
                "metadata": {},
            }),
        )
    }

    /// All of it, given back.
    pub(crate) fn refund(&self) -> String {
        let Self { name, amount, .. } = self;
        self.event(
            "refund.created",
            &json!({
                "id": format!("re_{name}"), "object": "refund", "amount": amount, "currency": "eur",
                "charge": format!("ch_{name}"), "payment_intent": format!("pi_{name}"),
                "status": "succeeded", "metadata": {},
            }),
        )
    }
}

/// The first day of a month, about.
fn day(month: u8) -> i64 {
    1_735_689_600 + i64::from(month - 1) * 2_678_400
}

/// Delivers events of Stripe.
pub(crate) fn deliver(daemon: &Daemon, bodies: impl IntoIterator<Item = impl AsRef<str>>) {
    for body in bodies {
        let answer = daemon.deliver_stripe(body.as_ref());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Registers a subscription, which is new.
pub(crate) fn subscribe(daemon: &Daemon, body: &Value) -> Value {
    let answer = App::of(daemon).post("/api/v1/subscriptions", body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// `sub_1`, without a fixed amount.
pub(crate) fn sub_1() -> Value {
    json!({ "provider": "stripe", "reference": "sub_1", "own_id": "club-17" })
}

/// Of each transaction that is not merged: its reference, status, money, subscription and period.
pub(crate) fn payments(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows(
        "SELECT t.reference, status, amount_received, amount_refunded, s.reference,
                substr(period_start, 1, 10)
         FROM transactions t LEFT JOIN subscriptions s ON s.id = t.subscription_id
         WHERE merged_into IS NULL ORDER BY t.reference",
    )
}
