//! Stripe's and PayPal's protocols: bytes and header text in, domain values out.
//!
//! A provider's names of headers, fields and events stand in this module and nowhere else. There
//! is no I/O here: certificates are fetched by [`crate::clients`].

pub mod api;
pub mod deadline;
pub mod endpoints;
pub mod lenient;
pub mod object;
pub mod pages;
pub mod payer;
pub mod payouts;
pub mod paypal;
mod reading;
pub mod redact;
pub mod retrieval;
pub mod rules;
pub mod stripe;
pub mod unreadable;

use std::fmt;

use self::rules::Rules;
use serde::Deserialize;

use crate::domain::event::Event;
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;
use crate::domain::refusal::Refusal;

/// A payload whose origin is proved. Nothing outside [`crate::providers`] can make one, so what
/// asks for a `Verified` cannot be reached by a forger.
#[derive(Debug)]
pub struct Verified<'a> {
    payload: &'a [u8],
    proof: Proof,
}

impl<'a> Verified<'a> {
    /// The exact bytes that were proved.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// For a test of what is read.
    #[cfg(test)]
    pub(crate) fn in_test(payload: &'a [u8]) -> Self {
        Self { payload, proof: Proof::PaypalPostback(1) }
    }

    /// By what they were proved.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }
}

/// By what a payload was proved: a label for a person, never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The Stripe signing secret at this place (from 1) in the configured list.
    StripeSecret(usize),
    /// The PayPal certificate with this id, for the configured webhook id at this place (from 1).
    PaypalCertificate {
        /// The last segment of the certificate's URL.
        certificate: Box<str>,
        /// Place of the webhook id in the configured list, from 1.
        webhook_id: usize,
    },
    /// The PayPal certificate with this id, for the webhook id of PayPal's public simulator.
    PaypalSimulator(Box<str>),
    /// PayPal's own verification API, for the webhook id at this place (from 1).
    PaypalPostback(usize),
    /// It came from the provider's API, which was asked for it.
    Api,
    /// It was proved when it was received, and has been kept since.
    Kept,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StripeSecret(place) => write!(f, "secret {place}"),
            Self::PaypalCertificate { certificate, webhook_id } => {
                write!(f, "certificate {certificate}, webhook id {webhook_id}")
            }
            Self::PaypalSimulator(certificate) => {
                write!(f, "certificate {certificate}, the simulator's webhook id")
            }
            Self::Api => f.write_str("the provider's API"),
            Self::Kept => f.write_str("kept as proved"),
            Self::PaypalPostback(place) => write!(f, "postback, webhook id {place}"),
        }
    }
}

/// Reads a proved payload. `livemode` is what it was proved for, where it does not say so itself.
///
/// Refused is only what is no JSON object with an id. What can't be read for another reason, or not be
/// kept as it is, is [`Content::Failed`](crate::domain::event::Content::Failed).
pub fn read(
    provider: Provider,
    payload: &Verified<'_>,
    livemode: bool,
    rules: &Rules,
) -> Result<Event, Refusal> {
    match read_strictly(provider, payload, livemode, rules) {
        Ok(event) => Ok(unreadable::fit(event, payload)),
        Err(_) => unreadable::event(provider, payload, livemode, rules),
    }
}

/// The same, and refused is whatever can't be read, or not in one way only.
fn read_strictly(
    provider: Provider,
    payload: &Verified<'_>,
    livemode: bool,
    rules: &Rules,
) -> Result<Event, Refusal> {
    match provider {
        Provider::Stripe => stripe::event::read(payload, rules),
        Provider::Paypal => paypal::event::read(payload, livemode, rules),
    }
}

/// Reads an event that was proved when it was received and has been kept since, as this version of
/// payhookd and these rules read it. `event_id` is the id it was kept under, `livemode` what it was
/// proved for.
pub fn read_again(
    provider: Provider,
    payload: &str,
    livemode: bool,
    event_id: &str,
    rules: &Rules,
) -> Result<Event, Refusal> {
    let simulated = event_id.contains(paypal::event::SIMULATED);
    let proof = if simulated { Proof::PaypalSimulator("kept".into()) } else { Proof::Kept };
    let verified = Verified { payload: payload.as_bytes(), proof };
    read(provider, &verified, livemode, rules)
}

/// The id of the event that a payload claims to be, before anything is proved; `None` for a large one, so that a
/// forger's costs little.
pub fn claimed_id(payload: &[u8]) -> Option<&str> {
    #[derive(Deserialize)]
    struct Claimed<'a> {
        id: &'a str,
    }
    let payload = Some(payload).filter(|payload| payload.len() <= MOST_UNPROVED)?;
    let claimed: Claimed<'_> = serde_json::from_slice(payload).ok()?;
    Some(claimed.id).filter(|id| id.len() <= LONGEST_ID)
}

/// Bytes of a payload that is looked into unproved, and of an id in it.
const MOST_UNPROVED: usize = 64 * 1024;
const LONGEST_ID: usize = 128;

/// The types of events that are acted on.
pub fn acted_on(provider: Provider) -> &'static [&'static str] {
    match provider {
        Provider::Stripe => stripe::acted_on(),
        Provider::Paypal => paypal::acted_on(),
    }
}

/// What an id that a shop registers names, by its form. PayPal's ids have no prefix but for the old
/// payments and the subscriptions.
pub fn reference_kind(provider: Provider, reference: &str) -> ReferenceKind {
    let prefixes: &[(&str, ReferenceKind)] = match provider {
        Provider::Stripe => &[
            ("pi_", ReferenceKind::PaymentIntent),
            ("ch_", ReferenceKind::Charge),
            ("py_", ReferenceKind::Charge),
            ("cs_", ReferenceKind::CheckoutSession),
            ("in_", ReferenceKind::Invoice),
            ("re_", ReferenceKind::Refund),
            ("pyr_", ReferenceKind::Refund),
            ("dp_", ReferenceKind::Dispute),
            ("du_", ReferenceKind::Dispute),
            ("inpay_", ReferenceKind::InvoicePayment),
            ("sub_", ReferenceKind::Subscription),
        ],
        Provider::Paypal => &[
            ("PAY-", ReferenceKind::Payment),
            ("PAYID-", ReferenceKind::Payment),
            ("I-", ReferenceKind::Subscription),
            ("B-", ReferenceKind::Subscription),
        ],
    };
    let kind = prefixes.iter().find(|(prefix, _)| reference.starts_with(prefix));
    kind.map_or(ReferenceKind::Other, |(_, kind)| *kind)
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests;
