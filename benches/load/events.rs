//! Events to send: each with ids of its own, freshly signed, made without work that would take
//! the machine away from the server.

use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use payhookd::domain::money::Money;
use payhookd::domain::time::Timestamp;
use payhookd::providers::stripe::signature;
use payhookd::simulator::stripe::{self, Sample};

/// The signing secret of every server under load.
pub(crate) const SECRET: &str = "whsec_load_of_the_benchmark_daemon";

/// How ids follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As Stripe's do: the leading characters grow with time.
    Time,
    /// Anywhere, which is the worst case for an index.
    Random,
}

impl Order {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "by time",
            Self::Random => "random",
        }
    }
}

/// The ids of one event.
pub(crate) struct Ids {
    pub(crate) event: String,
    pub(crate) payment_intent: String,
    pub(crate) charge: String,
    pub(crate) order: String,
}

impl Ids {
    /// The ids of the event with this number; the same for the same number.
    pub(crate) fn new(order: Order, number: u64) -> Self {
        Self {
            event: format!("evt_{}", tail(order, number, 1)),
            payment_intent: format!("pi_{}", tail(order, number, 2)),
            charge: format!("ch_{}", tail(order, number, 3)),
            order: format!("A-{number:09}"),
        }
    }
}

/// 24 characters: of a Stripe id by time the first 8 count up, the next 8 stand for the account
/// and the last 8 are random.
fn tail(order: Order, number: u64, kind: u64) -> String {
    let mut random = Random(number.wrapping_mul(4).wrapping_add(kind));
    let mut tail = String::with_capacity(24);
    match order {
        Order::Time => {
            tail.push_str("3S");
            let digit = |place| number / 62_u64.pow(place) % 62;
            tail.extend((0..6).rev().map(|place| base62(digit(place))));
            tail.push_str("Q8iJWBZF");
            tail.extend((0..8).map(|_| base62(random.next() % 62)));
        }
        Order::Random => tail.extend((0..24).map(|_| base62(random.next() % 62))),
    }
    tail
}

/// In the order of the characters' bytes, so that text sorts as the numbers do.
fn base62(digit: u64) -> char {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    usize::try_from(digit)
        .ok()
        .and_then(|digit| DIGITS.get(digit))
        .map_or('0', |&digit| digit.into())
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A succeeded payment of which only the ids change, all of one length, so that a body is made by
/// writing over the one before it.
#[derive(Clone)]
pub(crate) struct Template {
    order: Order,
    body: Vec<u8>,
    /// Where the ids stand: event, payment intent, charge, order.
    places: [Vec<usize>; 4],
    key: Hmac<Sha256>,
}

impl Template {
    pub(crate) fn new(order: Order) -> Self {
        // Ids that nothing else in a body looks like.
        let ids = Ids::new(Order::Random, u64::MAX >> 35);
        let body = stripe::event(&Sample {
            event_id: &ids.event,
            event_type: "payment_intent.succeeded",
            occurred_at: now(),
            reference: &ids.payment_intent,
            object_id: &ids.charge,
            parent_id: None,
            amount: amount(),
            order_id: Some(&ids.order),
            livemode: false,
        });
        let body = body.expect("a sample of this type");
        let places = [&ids.event, &ids.payment_intent, &ids.charge, &ids.order]
            .map(|id| body.match_indices(id.as_str()).map(|(place, _)| place).collect::<Vec<_>>());
        assert!(places.iter().all(|places| !places.is_empty()), "every id stands in the body");
        let key = Hmac::new_from_slice(SECRET.as_bytes()).expect("HMAC takes any key");
        let template = Self { order, body: body.into_bytes(), places, key };
        let now = now();
        let seconds = now.unix_seconds();
        let own = template.signature(seconds);
        let own = format!("t={seconds},v1={}", String::from_utf8_lossy(&own));
        assert_eq!(own, signature::sign(&template.body, SECRET, now), "both sign alike");
        template
    }

    /// The ids of the event with this number.
    pub(crate) fn ids(&self, number: u64) -> Ids {
        Ids::new(self.order, number)
    }

    /// Makes the body that of the event with this number.
    pub(crate) fn set(&mut self, number: u64) {
        let ids = self.ids(number);
        let ids = [ids.event, ids.payment_intent, ids.charge, ids.order];
        for (id, places) in ids.iter().zip(&self.places) {
            for &place in places {
                self.body[place..place + id.len()].copy_from_slice(id.as_bytes());
            }
        }
    }

    /// The body that was made last.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The `v1` of the body in hexadecimal. The key is prepared once, which the library's
    /// own signing does anew for every event.
    pub(crate) fn signature(&self, seconds: i64) -> [u8; 64] {
        let key = self.key.clone().chain_update(seconds.to_string()).chain_update(".");
        let mac = key.chain_update(&self.body).finalize().into_bytes();
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(mac) {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }
}

/// What every event says was paid.
pub(crate) fn amount() -> Money {
    Money::from_stripe(4999, "EUR").expect("an amount")
}

/// The clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus(since)
}
