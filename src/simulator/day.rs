//! What happens in the demo's shop on one day, and how each payment must end.

use std::time::Duration;

use super::sample::Sample;
use super::{SimulatorError, random};
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::records::NewTransaction;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{Expected, Status};
use crate::providers::reference_kind;

/// A day: payments, and the deliveries about them in the order in which they come.
pub(crate) struct Day {
    payments: Vec<Payment>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) currency: Currency,
}

/// When the shop registers a payment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Register {
    /// Before it sends the buyer away.
    Before,
    /// Only after the events came.
    After,
    /// Never: another site on the same account, or a fault of the shop.
    Never,
}

/// How a payment must end.
pub(crate) struct Planned {
    pub(crate) status: Status,
    pub(crate) registered: bool,
}

/// One request to the daemon.
pub(crate) struct Delivery {
    pub(crate) provider: Provider,
    pub(crate) body: String,
    pub(crate) forgery: Option<Forgery>,
}

/// What a forger tries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// A genuine signature for other bytes.
    AnotherBody,
    /// None at all.
    NoSignature,
    /// A signing secret that is not the shop's.
    AnotherSecret,
    /// A request captured an hour ago.
    Old,
}

struct Payment {
    provider: Provider,
    reference: String,
    object: String,
    order_id: String,
    amount: i64,
    register: Register,
    ends: Status,
}

/// The story of one kind of payment: how often it is told, the event types in their order, whether
/// each event is about a step of its own of the refund or dispute, and how it ends.
struct Plot {
    provider: Provider,
    times: usize,
    register: Register,
    types: &'static [&'static str],
    ends: Status,
}

const PLOTS: &[Plot] = &[
    Plot {
        provider: Provider::Stripe,
        times: 60,
        register: Register::Before,
        types: &["payment_intent.succeeded"],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Stripe,
        times: 15,
        register: Register::Before,
        types: &[
            "payment_intent.payment_failed",
            "payment_intent.requires_action",
            "payment_intent.succeeded",
        ],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Stripe,
        times: 8,
        register: Register::Before,
        types: &["payment_intent.payment_failed"],
        ends: Status::Failed,
    },
    Plot {
        provider: Provider::Stripe,
        times: 10,
        register: Register::Before,
        types: &["payment_intent.processing", "payment_intent.succeeded"],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Stripe,
        times: 4,
        register: Register::Before,
        types: &["payment_intent.requires_action", "payment_intent.canceled"],
        ends: Status::Canceled,
    },
    Plot {
        provider: Provider::Stripe,
        times: 2,
        register: Register::Before,
        types: &["payment_intent.succeeded", "charge.dispute.created"],
        ends: Status::Disputed,
    },
    Plot {
        provider: Provider::Stripe,
        times: 6,
        register: Register::After,
        types: &["payment_intent.succeeded"],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Stripe,
        times: 3,
        register: Register::Never,
        types: &["payment_intent.succeeded"],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Paypal,
        times: 40,
        register: Register::Before,
        types: &["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Paypal,
        times: 6,
        register: Register::Before,
        types: &["PAYMENT.CAPTURE.DENIED"],
        ends: Status::Failed,
    },
    Plot {
        provider: Provider::Paypal,
        times: 8,
        register: Register::Before,
        types: &["PAYMENT.SALE.PENDING", "PAYMENT.SALE.COMPLETED"],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Paypal,
        times: 5,
        register: Register::Before,
        types: &["PAYMENT.SALE.COMPLETED", "PAYMENT.SALE.REFUNDED"],
        ends: Status::Refunded,
    },
    Plot {
        provider: Provider::Paypal,
        times: 3,
        register: Register::After,
        types: &["PAYMENT.SALE.COMPLETED"],
        ends: Status::Succeeded,
    },
    Plot {
        provider: Provider::Paypal,
        times: 2,
        register: Register::Never,
        types: &["PAYMENT.CAPTURE.COMPLETED"],
        ends: Status::Succeeded,
    },
];

/// Every so many events one comes twice, as when an answer was lost.
const REPEATED: usize = 12;

impl Day {
    /// Makes up a day that ends at `now`. Deliveries come in any order: providers promise none.
    pub(crate) fn new(now: Timestamp) -> Result<Self, SimulatorError> {
        let currency =
            Currency::parse("EUR").map_err(|error| SimulatorError::Currency(error.to_string()))?;
        let mut day = Self { payments: Vec::new(), deliveries: Vec::new(), currency };
        let mut at = now.unix_seconds() - 24 * 60 * 60;
        for plot in PLOTS {
            for _ in 0..plot.times {
                let payment = plot.payment(day.payments.len())?;
                for event_type in plot.types {
                    at += 60;
                    let occurred_at = Timestamp::from_unix_seconds(at).unwrap_or(now);
                    let body = day.event(&payment, event_type, occurred_at)?;
                    day.deliver(plot.provider, body);
                }
                day.payments.push(payment);
            }
        }
        day.add_what_is_no_payment(now)?;
        let repeated: Vec<Delivery> = day
            .deliveries
            .iter()
            .step_by(REPEATED)
            .map(|one| Delivery { provider: one.provider, body: one.body.clone(), forgery: None })
            .collect();
        day.deliveries.extend(repeated);
        day.add_forgeries(now)?;
        random::shuffle(&mut day.deliveries)?;
        Ok(day)
    }

    /// What the shop registers at this time.
    pub(crate) fn registrations(&self, when: Register) -> impl Iterator<Item = NewTransaction> {
        self.payments.iter().filter(move |payment| payment.register == when).map(|payment| {
            NewTransaction {
                provider: payment.provider,
                reference: Reference::new(
                    reference_kind(payment.provider, &payment.reference),
                    &*payment.reference,
                ),
                order_id: Some(payment.order_id.clone()),
                expected: Expected {
                    amount: Some(payment.amount),
                    currency: Some(self.currency),
                    partial: false,
                },
                livemode: false,
                metadata: "{}".to_owned(),
            }
        })
    }

    /// Each payment's reference and how it must end.
    pub(crate) fn planned(&self) -> impl Iterator<Item = (&str, Planned)> {
        self.payments.iter().map(|payment| {
            let registered = payment.register != Register::Never;
            (&*payment.reference, Planned { status: payment.ends, registered })
        })
    }

    /// How many different genuine events there are.
    pub(crate) fn events(&self) -> usize {
        let genuine = self.deliveries.iter().filter(|one| one.forgery.is_none());
        genuine.map(|one| &one.body).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// How many deliveries are forged.
    pub(crate) fn forged(&self) -> usize {
        self.deliveries.iter().filter(|one| one.forgery.is_some()).count()
    }

    fn deliver(&mut self, provider: Provider, body: String) {
        self.deliveries.push(Delivery { provider, body, forgery: None });
    }

    /// Events that payhookd keeps but does not act on, and one that nobody can understand.
    fn add_what_is_no_payment(&mut self, now: Timestamp) -> Result<(), SimulatorError> {
        for _ in 0..30 {
            let payment = Payment::new(Provider::Stripe, 0, Register::Never, Status::Pending)?;
            let body = self.event(&payment, "customer.updated", now)?;
            self.deliver(Provider::Stripe, body);
        }
        let id = random::letters(24)?;
        self.deliver(
            Provider::Stripe,
            format!(
                r#"{{"id":"evt_{id}","object":"event","type":"payment_intent.succeeded","data":{{}}}}"#
            ),
        );
        Ok(())
    }

    fn add_forgeries(&mut self, now: Timestamp) -> Result<(), SimulatorError> {
        use Forgery::{AnotherBody, AnotherSecret, NoSignature, Old};
        for (provider, event_type, forgeries) in [
            (
                Provider::Stripe,
                "payment_intent.succeeded",
                &[AnotherBody, NoSignature, AnotherSecret, Old][..],
            ),
            (Provider::Paypal, "PAYMENT.CAPTURE.COMPLETED", &[AnotherBody, NoSignature][..]),
        ] {
            for (number, forgery) in forgeries.iter().cycle().take(12).enumerate() {
                let payment = Payment::new(provider, number, Register::Never, Status::Pending)?;
                let body = self.event(&payment, event_type, now)?;
                self.deliveries.push(Delivery { provider, body, forgery: Some(*forgery) });
            }
        }
        Ok(())
    }

    fn event(
        &self,
        payment: &Payment,
        event_type: &str,
        occurred_at: Timestamp,
    ) -> Result<String, SimulatorError> {
        let amount = Money { minor: payment.amount, currency: self.currency };
        // What happens to a payment later is an object of its own.
        let (event_id, is_later, later, occurred_at) = match payment.provider {
            Provider::Stripe => (
                format!("evt_{}", random::letters(24)?),
                event_type.starts_with("charge.dispute"),
                format!("dp_{}", random::letters(24)?),
                occurred_at,
            ),
            Provider::Paypal => (
                format!("WH-{}-{}", paypal_id()?, paypal_id()?),
                event_type.ends_with("REFUNDED"),
                paypal_id()?,
                occurred_at.plus(Duration::from_millis(250)),
            ),
        };
        let sample = Sample {
            event_id: &event_id,
            event_type,
            occurred_at,
            reference: &payment.reference,
            object_id: if is_later { &later } else { &payment.object },
            parent_id: is_later.then_some(&*payment.object),
            amount,
            order_id: Some(&*payment.order_id),
            livemode: false,
        };
        let body = super::event(payment.provider, &sample);
        body.ok_or_else(|| SimulatorError::NoSample(event_type.to_owned()))
    }
}

impl Plot {
    fn payment(&self, number: usize) -> Result<Payment, SimulatorError> {
        let mut payment = Payment::new(self.provider, number, self.register, self.ends)?;
        if self.types.iter().any(|event_type| event_type.starts_with("PAYMENT.SALE")) {
            payment.reference = format!("PAYID-{}", random::letters(24)?.to_ascii_uppercase());
        }
        Ok(payment)
    }
}

impl Payment {
    fn new(
        provider: Provider,
        number: usize,
        register: Register,
        ends: Status,
    ) -> Result<Self, SimulatorError> {
        let (reference, object) = match provider {
            Provider::Stripe => {
                (format!("pi_{}", random::letters(24)?), format!("ch_{}", random::letters(24)?))
            }
            Provider::Paypal => (paypal_id()?, paypal_id()?),
        };
        // Prices of a shop: 4.90 to 94.90.
        let amount = 490 + 1_000 * i64::try_from(number % 10).unwrap_or(0);
        let order_id = format!("A-{}", 1_001 + number);
        Ok(Self { provider, reference, object, order_id, amount, register, ends })
    }
}

fn paypal_id() -> Result<String, SimulatorError> {
    Ok(random::letters(17)?.to_ascii_uppercase())
}
