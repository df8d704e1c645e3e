//! The payments of a shop, and the events that tell of each: the same for the same number.

use serde_json::{Value, json};

use payhookd::domain::money::{Currency, Money};
use payhookd::domain::provider::Provider;
use payhookd::domain::time::Timestamp;

/// SplitMix64: enough for a spread, and the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True in so many of a thousand cases.
    pub(crate) fn permille(&mut self, cases: u64) -> bool {
        self.below(1_000) < cases
    }
}

/// One payment.
pub(crate) struct Payment {
    pub(crate) provider: Provider,
    pub(crate) livemode: bool,
    pub(crate) money: Money,
    pub(crate) order: String,
    /// What the shop registers.
    pub(crate) reference: String,
    /// The charge or the capture.
    object: String,
    number: u64,
}

/// One step in the life of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The shop registers it: no event.
    Registered,
    Created,
    Failed,
    Charged,
    Succeeded,
    Refunded,
    PartlyRefunded,
    Disputed,
    /// An event that payhookd does not act on.
    Unrelated(u16),
    /// An event that lacks what its type promises.
    Broken,
}

impl Payment {
    /// The payment with this number. Ids grow with the number, as the providers' grow with time.
    pub(crate) fn new(number: u64) -> Self {
        let mut random = Random(number);
        let provider = if random.permille(300) { Provider::Paypal } else { Provider::Stripe };
        let livemode = !random.permille(50);
        let currency = match (provider, random.below(100)) {
            (_, 0..60) => "EUR",
            (_, 60..80) => "USD",
            (_, 80..92) => "GBP",
            (_, 92..97) => "JPY",
            (Provider::Stripe, _) => "KWD",
            (Provider::Paypal, _) => "CHF",
        };
        // Half of a shop's payments have one of a few prices.
        let minor = match random.below(2) {
            0 => [999, 1_999, 4_999, 9_900][usize::try_from(random.below(4)).unwrap_or(0)],
            _ => i64::try_from(100 + random.below(50_000)).unwrap_or(100),
        };
        let money = Money { minor, currency: Currency::parse(currency).expect("a currency") };
        let tail = random.next() % 100_000_000;
        let (reference, object) = match provider {
            Provider::Stripe => (
                format!("pi_3S{number:010}Q8iJW{tail:08}"),
                format!("ch_3S{number:010}Q8iJW{tail:08}"),
            ),
            Provider::Paypal => {
                (format!("{number:010}X{tail:06}"), format!("{number:010}C{tail:06}"))
            }
        };
        let order = format!("A-{:06}", 100_000 + number);
        Self { provider, livemode, money, order, reference, object, number }
    }

    /// The id, the type and the body of the event of this step, about 1 KB; `None` if it has none.
    pub(crate) fn event(&self, step: Step, at: Timestamp) -> Option<(String, String, String)> {
        let nth = match step {
            Step::Registered => return None,
            Step::Unrelated(nth) => nth + 100,
            Step::Created => 1,
            Step::Failed => 2,
            Step::Charged => 3,
            Step::Succeeded => 4,
            Step::Refunded | Step::PartlyRefunded => 5,
            Step::Disputed => 6,
            Step::Broken => 7,
        };
        Some(match self.provider {
            Provider::Stripe => self.of_stripe(step, at, nth),
            Provider::Paypal => self.of_paypal(step, at, nth),
        })
    }

    fn back(&self, step: Step) -> Money {
        let minor =
            if step == Step::PartlyRefunded { self.money.minor / 3 } else { self.money.minor };
        Money { minor, ..self.money }
    }

    fn of_stripe(&self, step: Step, at: Timestamp, nth: u16) -> (String, String, String) {
        let id = format!("evt_3S{:010}{:05}Q8iJW", at.unix_seconds(), self.number % 100_000);
        let id = format!("{id}{nth:04}");
        let (minor, currency) = (self.money.minor, self.money.currency.as_str().to_lowercase());
        let intent = |status: &str, received: i64| {
            json!({
                "id": self.reference, "object": "payment_intent", "amount": minor,
                "amount_received": received, "currency": currency, "status": status,
                "latest_charge": self.object, "metadata": { "order_id": self.order },
                "description": PADDING,
            })
        };
        let back = self.back(step).minor;
        let (event_type, object) = match step {
            Step::Created => ("payment_intent.created", intent("requires_payment_method", 0)),
            Step::Failed => ("payment_intent.payment_failed", intent("requires_payment_method", 0)),
            Step::Succeeded => ("payment_intent.succeeded", intent("succeeded", minor)),
            Step::Broken => ("payment_intent.succeeded", json!({ "object": "payment_intent" })),
            Step::Charged => (
                "charge.succeeded",
                json!({
                    "id": self.object, "object": "charge", "amount": minor,
                    "amount_captured": minor, "amount_refunded": 0, "captured": true,
                    "currency": currency, "status": "succeeded", "payment_intent": self.reference,
                    "description": PADDING,
                }),
            ),
            Step::Refunded | Step::PartlyRefunded => (
                "refund.created",
                json!({
                    "id": format!("re_3S{:010}", self.number), "object": "refund", "amount": back,
                    "charge": self.object, "currency": currency, "status": "succeeded",
                    "payment_intent": self.reference, "description": PADDING,
                }),
            ),
            Step::Disputed => (
                "charge.dispute.created",
                json!({
                    "id": format!("du_3S{:010}", self.number), "object": "dispute",
                    "amount": minor, "charge": self.object, "currency": currency,
                    "status": "needs_response", "reason": "fraudulent",
                    "payment_intent": self.reference,
                    "evidence_details": { "due_by": at.unix_seconds() + 9 * 86_400 },
                }),
            ),
            Step::Registered | Step::Unrelated(_) => (
                "customer.updated",
                json!({
                    "id": format!("cus_{:010}", self.number), "object": "customer",
                    "description": PADDING,
                }),
            ),
        };
        let body = json!({
            "id": id, "object": "event", "api_version": "2025-12-15.clover",
            "created": at.unix_seconds(), "livemode": self.livemode, "type": event_type,
            "data": { "object": object },
        });
        (id, event_type.to_owned(), body.to_string())
    }

    fn of_paypal(&self, step: Step, at: Timestamp, nth: u16) -> (String, String, String) {
        let id = format!("WH-{:010}-{:010}-{nth:04}", at.unix_seconds(), self.number);
        let of = |money: Money| {
            let value = money.to_decimal(Provider::Paypal);
            json!({ "currency_code": money.currency.as_str(), "value": value })
        };
        let host = if self.livemode { "api.paypal.com" } else { "api.sandbox.paypal.com" };
        let related = json!({ "related_ids": { "order_id": self.reference } });
        let capture = |status: &str| -> Value {
            json!({
                "id": self.object, "amount": of(self.money), "status": status,
                "custom_id": self.order, "supplementary_data": related, "note": PADDING,
            })
        };
        let (event_type, resource) = match step {
            Step::Created => (
                "CHECKOUT.ORDER.APPROVED",
                json!({
                    "id": self.reference, "status": "APPROVED",
                    "purchase_units": [{ "amount": of(self.money), "custom_id": self.order }],
                }),
            ),
            Step::Failed => ("PAYMENT.CAPTURE.DENIED", capture("DECLINED")),
            Step::Charged => ("PAYMENT.CAPTURE.PENDING", capture("PENDING")),
            Step::Succeeded => ("PAYMENT.CAPTURE.COMPLETED", capture("COMPLETED")),
            Step::Broken => ("PAYMENT.CAPTURE.COMPLETED", json!({ "status": "COMPLETED" })),
            Step::Refunded | Step::PartlyRefunded => (
                "PAYMENT.CAPTURE.REFUNDED",
                json!({
                    "id": format!("{:010}R", self.number), "amount": of(self.back(step)),
                    "status": "COMPLETED", "note_to_payer": PADDING,
                    "links": [{
                        "href": format!("https://{host}/v2/payments/captures/{}", self.object),
                        "rel": "up", "method": "GET",
                    }],
                }),
            ),
            Step::Disputed => (
                "CUSTOMER.DISPUTE.CREATED",
                json!({
                    "dispute_id": format!("PP-D-{}", self.number), "status": "OPEN",
                    "reason": "UNAUTHORISED", "dispute_amount": of(self.money),
                    "disputed_transactions": [{ "seller_transaction_id": self.object }],
                }),
            ),
            Step::Registered | Step::Unrelated(_) => {
                ("CATALOG.PRODUCT.UPDATED", json!({ "id": "PROD-1", "description": PADDING }))
            }
        };
        let body = json!({
            "id": id, "event_version": "1.0", "create_time": at.to_string(),
            "resource_type": "capture", "resource_version": "2.0", "event_type": event_type,
            "resource": resource,
        });
        (id, event_type.to_owned(), body.to_string())
    }
}

/// Real bodies are three times as large; a million of those would fill the disk.
const PADDING: &str = "What a provider says beside what is read of it: billing details, risk, \
    payment method, urls and whatever else its API version renders. It is not looked at, but has to \
    be kept byte for byte, so that it takes its room in the file and in the cache. \
    What a provider says beside what is read of it: billing details, risk, payment method, urls and \
    whatever else its API version renders. It is kept.";
