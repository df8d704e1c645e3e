//! Sums over a period.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Outcome, Transaction};
use crate::domain::fact::Fact;
use crate::domain::money::{Currency, Total};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{DisputeStatus, disputes};

/// A stretch of time, of real or of test money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From when on; `None`: from the beginning.
    pub from: Option<Timestamp>,
    /// Until before when; `None`: until now.
    pub to: Option<Timestamp>,
    /// Real money.
    pub livemode: bool,
}

impl Span {
    /// Whether `at` lies in it.
    pub fn has(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// Rows and minor units of one provider and currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: i64,
    /// What came in or, of disputes and orphans, what they are about.
    pub amount: Total,
    /// What went back.
    pub refunded: Total,
}

/// Sums by provider and currency; without a currency there is no amount. Two providers may count one
/// currency in different units, so they are never added.
pub type Sums = BTreeMap<(Provider, Option<Currency>), Sum>;

/// Money that went back, or that came back to the shop after all: one change of `amount_refunded`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundMade {
    /// Row id in `transaction_changes`.
    pub change_id: i64,
    /// By the provider's clock; the time of the commit, if no event tells.
    pub occurred_at: Timestamp,
    /// Row id of the transaction.
    pub transaction_id: i64,
    /// At whom the payment was made.
    pub provider: Provider,
    /// The provider's id of the payment.
    pub reference: String,
    /// The shop's own id.
    pub order_id: Option<String>,
    /// The provider's id of the refund, if its event is about one.
    pub refund_id: Option<String>,
    /// Minor units; negative if a refund failed.
    pub amount: i64,
    /// The currency of `amount`.
    pub currency: Option<Currency>,
    /// The provider's code for why.
    pub reason: Option<String>,
    /// The event that told of it.
    pub event_id: Option<String>,
}

/// A dispute as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeRaised {
    /// The transaction that it is about.
    pub transaction: Transaction,
    /// When it was first told of, by the provider's clock.
    pub opened_at: Timestamp,
    /// The newest fact about it.
    pub fact: Fact,
}

impl DisputeRaised {
    /// Where it stands.
    pub fn status(&self) -> DisputeStatus {
        disputes(self.transaction.provider, &[&self.fact]).1
    }
}

/// What happened in a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Money by whether it is real, and its currency.
    pub money: BTreeMap<(bool, Currency), MoneyFigures>,
    /// Events that were received then, of real and test money, by what has become of them since.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How long they took, from arrival to row.
    pub processing: Histogram,
    /// Changes made then of which the app was to be told, by what has become of that since.
    pub deliveries: DeliveryFigures,
}

/// Sums of one currency, in its minor units as Stripe counts them, by when payhookd learned of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoneyFigures {
    /// What came in, before refunds.
    pub received: Total,
    /// What went back by refunds.
    pub refunded: Total,
    /// What disputes that were opened then are about; a dispute that was won later stays in it.
    pub disputed: Total,
    /// How many payments got their first money.
    pub payments: u64,
    /// How often money went back.
    pub refunds: u64,
    /// How many payments came to be disputed.
    pub disputes: u64,
}

/// How many notifications are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFigures {
    /// The app took them.
    pub delivered: u64,
    /// Still to be made.
    pub pending: u64,
    /// Given up.
    pub dead: u64,
}

/// How many durations there are of each length; lengths are told apart to an eighth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u8, u64>);

impl MoneyFigures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.received = self.received.and(other.received);
        self.refunded = self.refunded.and(other.refunded);
        self.disputed = self.disputed.and(other.disputed);
        self.payments += other.payments;
        self.refunds += other.refunds;
        self.disputes += other.disputes;
    }
}

impl Histogram {
    pub(crate) fn count(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        *self.0.entry(slot(micros)).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (slot, number) in &other.0 {
            *self.0.entry(*slot).or_default() += number;
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.values().sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A duration that so many percent of them do not exceed, at most an eighth too long; `None` if
    /// there are none.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let wanted = (self.len() * u64::from(percent.min(100))).div_ceil(100).max(1);
        let mut so_far = 0;
        self.0.iter().find_map(|(slot, number)| {
            so_far += number;
            (so_far >= wanted).then(|| Duration::from_micros(end_of_slot(*slot)))
        })
    }
}

/// Eight slots for each power of two, one for each of the smallest numbers.
fn slot(micros: u64) -> u8 {
    if micros < 8 {
        return u8::try_from(micros).unwrap_or(0);
    }
    let power = micros.ilog2() - 3;
    let eighth = (micros >> power) - 8;
    u8::try_from(8 + u64::from(power) * 8 + eighth).unwrap_or(u8::MAX)
}

/// The largest number of a slot.
fn end_of_slot(slot: u8) -> u64 {
    let slot = u64::from(slot);
    if slot < 8 {
        return slot;
    }
    let (power, eighth) = ((slot - 8) / 8, (slot - 8) % 8);
    8_u64
        .saturating_add(eighth)
        .saturating_add(1)
        .checked_shl(u32::try_from(power).unwrap_or(63))
        .map_or(u64::MAX, |end| end - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_of_durations_are_an_eighth_wide() {
        let mut before = 0;
        for micros in (0..100_000).chain([1 << 20, 60_000_000, 1 << 30]) {
            let end = end_of_slot(slot(micros));
            assert!(end >= micros && end - micros <= micros / 8, "{micros} is counted as {end}");
            assert!(end >= before, "{micros}");
            before = end;
        }
        assert_eq!(slot(u64::MAX), u8::MAX);
    }
}
