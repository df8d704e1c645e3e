//! What the providers would send.

use std::sync::OnceLock;

use payhookd::domain::money::{Currency, Money};
use payhookd::domain::time::Timestamp;
use payhookd::providers::paypal::Environment;
use payhookd::providers::stripe::signature;
use payhookd::simulator;
use payhookd::simulator::authority::{NewTransmission, TestAuthority};
use payhookd::simulator::sample::Sample;
use payhookd::simulator::stripe;
use payhookd::telemetry::clock::Clock;

/// The signing secret of [`Options::stripe`](crate::support::daemon::Options::stripe).
pub(crate) const SECRET: &str = "whsec_integration_tests_of_payhookd";
/// Stripe's endpoint.
pub(crate) const STRIPE: &str = "/accounts/webhooks/stripe/";
/// PayPal's endpoint.
pub(crate) const PAYPAL: &str = "/accounts/webhooks/paypal/";

/// A sample of this type about the PaymentIntent `pi_<name>` and its charge `ch_<name>`, 49.99 EUR
/// of real money, without an order id. Its own id is `evt_<name>_<type>`.
#[derive(Clone)]
pub(crate) struct StripeSample {
    event_id: String,
    event_type: &'static str,
    reference: String,
    object_id: String,
    parent_id: Option<String>,
    order_id: Option<String>,
    occurred_at: Timestamp,
    amount: i64,
    livemode: bool,
}

impl StripeSample {
    /// See the type.
    pub(crate) fn new(event_type: &'static str, name: &str) -> Self {
        let object = if event_type.contains("dispute") { "dp" } else { "ch" };
        Self {
            event_id: format!("evt_{name}_{event_type}"),
            event_type,
            reference: format!("pi_{name}"),
            object_id: format!("{object}_{name}"),
            parent_id: None,
            order_id: None,
            occurred_at: at("2024-11-23T11:52:03Z"),
            amount: 4999,
            livemode: true,
        }
    }

    /// With another event id.
    pub(crate) fn id(mut self, event_id: &str) -> Self {
        self.event_id = event_id.to_owned();
        self
    }

    /// About another PaymentIntent.
    pub(crate) fn reference(mut self, reference: &str) -> Self {
        self.reference = reference.to_owned();
        self
    }

    /// About another charge, dispute, invoice or customer.
    pub(crate) fn object(mut self, object_id: &str) -> Self {
        self.object_id = object_id.to_owned();
        self
    }

    /// A dispute of this charge.
    pub(crate) fn parent(mut self, charge: &str) -> Self {
        self.parent_id = Some(charge.to_owned());
        self
    }

    /// With the shop's order id in its metadata.
    pub(crate) fn order(mut self, order_id: &str) -> Self {
        self.order_id = Some(order_id.to_owned());
        self
    }

    /// That happened at this time.
    pub(crate) fn at(mut self, rfc3339: &str) -> Self {
        self.occurred_at = at(rfc3339);
        self
    }

    /// Of another amount, in minor units.
    pub(crate) fn amount(mut self, minor: i64) -> Self {
        self.amount = minor;
        self
    }

    /// Of test money.
    pub(crate) fn test_money(mut self) -> Self {
        self.livemode = false;
        self
    }

    /// The body.
    pub(crate) fn body(&self) -> String {
        let sample = Sample {
            event_id: &self.event_id,
            event_type: self.event_type,
            occurred_at: self.occurred_at,
            reference: &self.reference,
            object_id: &self.object_id,
            parent_id: self.parent_id.as_deref(),
            amount: eur(self.amount),
            order_id: self.order_id.as_deref(),
            livemode: self.livemode,
        };
        stripe::event(&sample).expect("a sample of this type")
    }
}

/// A body of [`StripeSample::new`] as it is.
pub(crate) fn stripe_event(event_type: &'static str, name: &str) -> String {
    StripeSample::new(event_type, name).body()
}

/// The header that Stripe would send with a body now.
pub(crate) fn stripe_signature(body: &[u8]) -> String {
    signature::sign(body, SECRET, Clock::SYSTEM.now())
}

/// The id of the webhook of [`transmission`].
pub(crate) const WEBHOOK_ID: &str = "8PT597110X687430A";

/// Stands in for the authority of PayPal's sandbox.
pub(crate) fn sandbox_authority() -> &'static TestAuthority {
    static SANDBOX: OnceLock<TestAuthority> = OnceLock::new();
    SANDBOX.get_or_init(|| authority(Environment::Sandbox))
}

/// An authority that is good for a hundred years.
pub(crate) fn authority(environment: Environment) -> TestAuthority {
    TestAuthority::make(environment, at("2020-01-01T00:00:00Z"), at("2120-01-01T00:00:00Z"))
        .expect("an authority")
}

/// The headers with which PayPal's sandbox would send a body to [`WEBHOOK_ID`].
pub(crate) fn transmission(
    body: &str,
    transmission_id: &str,
    cert_url: &str,
) -> Vec<(&'static str, String)> {
    let transmission = NewTransmission {
        id: transmission_id,
        // Any past time is good, whatever this machine's clock says.
        time: at("2024-11-23T11:52:04Z"),
        webhook_id: WEBHOOK_ID,
        cert_url,
    };
    sandbox_authority().sign(body.as_bytes(), &transmission).to_vec()
}

/// A sample of this type about the payment `PAY-<name>` (of a capture: the order `ORDER-<name>`),
/// 49.99 EUR of play money. Its own id is `WH-<name>-<type>`, its object's `<name>-<type>`.
pub(crate) struct PaypalSample {
    event_id: String,
    event_type: &'static str,
    reference: String,
    object_id: String,
    parent_id: Option<String>,
    order_id: Option<String>,
    occurred_at: Timestamp,
    amount: i64,
}

impl PaypalSample {
    /// See the type.
    pub(crate) fn new(event_type: &'static str, name: &str) -> Self {
        let payment = if event_type.contains("SALE") { "PAY" } else { "ORDER" };
        Self {
            event_id: format!("WH-{name}-{event_type}"),
            event_type,
            reference: format!("{payment}-{name}"),
            object_id: format!("{name}-{event_type}"),
            parent_id: None,
            order_id: None,
            occurred_at: at("2024-11-23T11:52:03Z"),
            amount: 4999,
        }
    }

    /// About another sale, capture or refund.
    pub(crate) fn object(mut self, object_id: &str) -> Self {
        self.object_id = object_id.to_owned();
        self
    }

    /// A refund of this sale.
    pub(crate) fn parent(mut self, sale: &str) -> Self {
        self.parent_id = Some(sale.to_owned());
        self
    }

    /// With the shop's order id.
    pub(crate) fn order(mut self, order_id: &str) -> Self {
        self.order_id = Some(order_id.to_owned());
        self
    }

    /// That happened at this time.
    pub(crate) fn at(mut self, rfc3339: &str) -> Self {
        self.occurred_at = at(rfc3339);
        self
    }

    /// Of another amount, in cents.
    pub(crate) fn amount(mut self, minor: i64) -> Self {
        self.amount = minor;
        self
    }

    /// The body.
    pub(crate) fn body(&self) -> String {
        let sample = Sample {
            event_id: &self.event_id,
            event_type: self.event_type,
            occurred_at: self.occurred_at,
            reference: &self.reference,
            object_id: &self.object_id,
            parent_id: self.parent_id.as_deref(),
            amount: eur(self.amount),
            order_id: self.order_id.as_deref(),
            livemode: false,
        };
        simulator::paypal::event(&sample).expect("a sample of this type")
    }
}

/// A body of [`PaypalSample::new`] as it is.
pub(crate) fn paypal_event(event_type: &'static str, name: &str) -> String {
    PaypalSample::new(event_type, name).body()
}

/// An instant.
pub(crate) fn at(rfc3339: &str) -> Timestamp {
    Timestamp::parse(rfc3339).expect("a time")
}

/// Cents.
pub(crate) fn eur(minor: i64) -> Money {
    Money { minor, currency: Currency::parse("EUR").expect("a currency") }
}

/// The vectors of a file beside the tests.
pub(crate) fn vectors(file: &str) -> Vec<serde_json::Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors/");
    let text = std::fs::read_to_string(format!("{folder}{file}")).expect("a file of vectors");
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    file["vectors"].as_array().expect("vectors").clone()
}
