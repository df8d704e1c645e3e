//! What happened lately, counted once and kept in memory.
//!
//! To count a million rows for every look at a page would take a second each time. But
//! `transaction_changes`, `webhook_logs`, `deliveries` and `outcome_changes` only grow at their
//! ends, in the order of commits, so what came since the last look is found by id and added to what
//! was counted before. All of it is by quarters of an hour, because that is how finely the zones of
//! the world differ: the day of any shop begins with one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use rusqlite::{Connection, named_params};

use super::reader::Reader;
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::records::{Figures, Histogram, MoneyFigures, Outcome};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{DisputeStatus, OtherMoney};
use crate::store::error::StoreError;
use crate::store::tables::other_money;
use crate::store::tables::rows::{Columns, Record, all, each, first, one, record};

/// What happened in the last [`Statistics::REACH`], by quarters of an hour.
#[derive(Debug, Default)]
pub struct Statistics {
    quarters: BTreeMap<i64, Quarter>,
    /// How far it has counted; `None` before it began.
    seen: Option<CountedTo>,
    /// Deliveries that are `pending` and `dead`, by the quarter of their change.
    unfinished: BTreeMap<i64, (u64, u64)>,
}

/// How far each table was counted: the last id.
#[derive(Clone, Copy, Debug)]
struct CountedTo {
    change: i64,
    log: i64,
    outcome_change: i64,
}

#[derive(Debug, Default)]
struct Quarter {
    money: BTreeMap<(bool, Currency), MoneyFigures>,
    outcomes: BTreeMap<Outcome, u64>,
    processing: Histogram,
    deliveries: u64,
    first_delivery: Option<i64>,
}

impl Statistics {
    /// How far back they go.
    pub const REACH: Duration = Duration::from_secs(32 * 24 * 60 * 60);

    /// Counts what was committed since the last time, or a part of it; `true` if that was all.
    /// What is read must be of one moment.
    pub fn catch_up(&mut self, reader: &Reader, now: Timestamp) -> Result<bool, StoreError> {
        self.count(&reader.connection, quarter(now.minus(Self::REACH)))
    }

    /// What happened since an instant, taken for the beginning of its quarter of an hour, however long
    /// ago that is: all of it in one go. What is read must be of one moment.
    pub fn since(reader: &Reader, instant: Timestamp) -> Result<Self, StoreError> {
        let mut statistics = Self::default();
        while !statistics.count(&reader.connection, quarter(instant))? {}
        Ok(statistics)
    }

    /// Counts what was committed since the last time, or a part of it; `true` if that was all.
    fn count(&mut self, connection: &Connection, oldest: i64) -> Result<bool, StoreError> {
        let seen = match self.seen {
            Some(seen) if can_follow(connection, seen)? => seen,
            _ => {
                *self = Self::default();
                CountedTo::before(connection, start_of(oldest))?
            }
        };
        self.quarters.retain(|quarter, _| *quarter >= oldest);
        // Those of events that are counted only now say no more than the events do.
        let outcome_change = self.count_outcome_changes(connection, seen)?;
        let (change, more_changes) = self.count_changes(connection, seen.change, oldest)?;
        let (log, more_logs) = self.count_events(connection, seen.log, oldest)?;
        self.seen = Some(CountedTo { change, log, outcome_change });
        let done = !more_changes && !more_logs;
        if done {
            self.count_unfinished(connection)?;
        }
        Ok(done)
    }

    /// What happened from the beginning of a period until before its end. Both are taken
    /// for the beginning of their quarter of an hour.
    pub fn between(&self, stretch: Range<Timestamp>) -> Figures {
        let range = quarter(stretch.start)..quarter(stretch.end).max(quarter(stretch.start));
        let mut figures = Figures::default();
        for one in self.quarters.range(range.clone()).map(|(_, one)| one) {
            for (key, money) in &one.money {
                figures.money.entry(*key).or_default().add(money);
            }
            for (outcome, events) in &one.outcomes {
                *figures.outcomes.entry(*outcome).or_default() += events;
            }
            figures.processing.add(&one.processing);
            figures.deliveries.delivered += one.deliveries;
        }
        for (pending, dead) in self.unfinished.range(range).map(|(_, numbers)| numbers) {
            let deliveries = &mut figures.deliveries;
            deliveries.pending += pending;
            deliveries.dead += dead;
            deliveries.delivered = deliveries.delivered.saturating_sub(pending + dead);
        }
        figures
    }

    /// The last change that was counted, and whether there are more.
    fn count_changes(
        &mut self,
        connection: &Connection,
        after: i64,
        oldest: i64,
    ) -> Result<(i64, bool), StoreError> {
        let sql = "SELECT c.id, c.changed_at, d.id, c.transaction_id, t.provider, t.livemode,
                    c.amount_received, c.amount_refunded,
                    ifnull(c.received_currency, t.received_currency), c.dispute_status,
                    c.other_money,
                    ifnull(p.amount_received, 0), ifnull(p.amount_refunded, 0),
                    ifnull(p.received_currency, t.received_currency),
                    ifnull(p.dispute_status, 'none'), p.other_money
             FROM transaction_changes c JOIN transactions t ON t.id = c.transaction_id
             LEFT JOIN transaction_changes p
                  ON p.transaction_id = c.transaction_id AND p.version = c.version - 1
             LEFT JOIN deliveries d ON d.change_id = c.id
             WHERE c.id > :after ORDER BY c.id LIMIT :limit";
        let parameters = named_params! { ":after": after, ":limit": AT_ONCE };
        let steps: Vec<MoneyStep> = all(connection, sql, parameters)?;
        let last = steps.last().map_or(after, |step| step.change_id);
        let more = steps.len() == usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        for step in steps {
            let at = quarter(step.changed_at);
            if at < oldest {
                continue;
            }
            let disputed = match step.opens_dispute() {
                true => disputed(connection, &step)?,
                false => None,
            };
            let one = self.quarters.entry(at).or_default();
            if step.delivery_id.is_some() {
                one.deliveries += 1;
                one.first_delivery = one.first_delivery.or(step.delivery_id);
            }
            step.count(&mut one.money, disputed);
        }
        Ok((last, more))
    }

    /// The last event that was counted, and whether there are more.
    fn count_events(
        &mut self,
        connection: &Connection,
        after: i64,
        oldest: i64,
    ) -> Result<(i64, bool), StoreError> {
        let sql = "SELECT id, status, received_at, processing_us
             FROM webhook_logs INDEXED BY webhook_logs_listing
             WHERE id > :after ORDER BY id LIMIT :limit";
        let parameters = named_params! { ":after": after, ":limit": AT_ONCE };
        let (mut last, mut number) = (after, 0);
        each::<(i64, Outcome, Timestamp, i64)>(connection, sql, parameters, |row| {
            let (id, outcome, received_at, micros) = row;
            last = id;
            number += 1;
            let at = quarter(received_at);
            if at >= oldest {
                let one = self.quarters.entry(at).or_default();
                *one.outcomes.entry(outcome).or_default() += 1;
                one.processing.count(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
            }
            Ok(())
        })?;
        Ok((last, number == AT_ONCE))
    }

    /// Moves events that were counted as one outcome to the one that they have since; the last
    /// change of them.
    fn count_outcome_changes(
        &mut self,
        connection: &Connection,
        seen: CountedTo,
    ) -> Result<i64, StoreError> {
        let sql = "SELECT o.was, o.became, l.received_at
             FROM outcome_changes o JOIN webhook_logs l INDEXED BY webhook_logs_listing
                  ON l.id = o.log_id
             WHERE o.id > :after AND o.log_id <= :log ORDER BY o.id";
        let parameters = named_params! { ":after": seen.outcome_change, ":log": seen.log };
        each::<(Outcome, Outcome, Timestamp)>(connection, sql, parameters, |row| {
            let (was, became, received_at) = row;
            if let Some(one) = self.quarters.get_mut(&quarter(received_at)) {
                let before = one.outcomes.entry(was).or_default();
                *before = before.saturating_sub(1);
                *one.outcomes.entry(became).or_default() += 1;
            }
            Ok(())
        })?;
        last_outcome_change(connection)
    }

    /// Deliveries end in any order, but those that have not are found by indexes of their own.
    fn count_unfinished(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.unfinished.clear();
        let starts: Vec<(i64, i64)> = self
            .quarters
            .iter()
            .filter_map(|(quarter, one)| one.first_delivery.map(|first| (first, *quarter)))
            .collect();
        for (sql, dead) in [
            ("SELECT id FROM deliveries WHERE status = 'pending'", false),
            ("SELECT id FROM deliveries WHERE status = 'dead'", true),
        ] {
            each::<i64>(connection, sql, [], |id| {
                let place = starts.partition_point(|(first, _)| *first <= id);
                if let Some((_, quarter)) = place.checked_sub(1).and_then(|at| starts.get(at)) {
                    let numbers = self.unfinished.entry(*quarter).or_default();
                    *(if dead { &mut numbers.1 } else { &mut numbers.0 }) += 1;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl CountedTo {
    /// Everything before `oldest` is taken for seen.
    fn before(connection: &Connection, oldest: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            change: last_before(
                connection,
                "SELECT id, changed_at FROM transaction_changes WHERE id > :id ORDER BY id LIMIT 1",
                "SELECT max(id) FROM transaction_changes",
                oldest,
            )?,
            log: last_log_before(connection, oldest)?,
            outcome_change: last_outcome_change(connection)?,
        })
    }
}

/// One change of a transaction, as far as money goes.
struct MoneyStep {
    change_id: i64,
    changed_at: Timestamp,
    delivery_id: Option<i64>,
    transaction_id: i64,
    provider: Provider,
    livemode: bool,
    after: Stand,
    before: Stand,
}

/// How the money stood.
struct Stand {
    received: i64,
    refunded: i64,
    /// `None` if there was none.
    currency: Option<Currency>,
    dispute_status: DisputeStatus,
    /// What was received and refunded of each currency, this one included.
    money: BTreeMap<Option<Currency>, (i64, i64)>,
}

record! { MoneyStep {
    change_id, changed_at, delivery_id, transaction_id, provider, livemode, after, before
} }

impl Record for Stand {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (received, refunded, currency, dispute_status) = columns.next()?;
        let other: Vec<OtherMoney> = columns.next()?;
        let money = other_money::by_currency(currency, received, refunded, &other);
        Ok(Self { received, refunded, currency, dispute_status, money })
    }
}

impl MoneyStep {
    /// Whether the payment came to be disputed by it.
    fn opens_dispute(&self) -> bool {
        let takes_money = |status| {
            matches!(status, DisputeStatus::Open | DisputeStatus::Lost | DisputeStatus::Won)
        };
        takes_money(self.after.dispute_status) && !takes_money(self.before.dispute_status)
    }

    /// Adds what it changed.
    fn count(&self, money: &mut BTreeMap<(bool, Currency), MoneyFigures>, disputed: Option<Money>) {
        let (before, after) = (&self.before, &self.after);
        let of_one = |minor, currency| Money { minor, currency }.as_stripe(self.provider).minor;
        // Should the currency have turned out to be another, the one loses what the other gains.
        let currencies: BTreeSet<Currency> =
            before.money.keys().chain(after.money.keys()).filter_map(|one| *one).collect();
        for currency in currencies {
            let of_it =
                |stand: &Stand| stand.money.get(&Some(currency)).copied().unwrap_or_default();
            let ((was_received, was_refunded), (received, refunded)) =
                (of_it(before), of_it(after));
            let figures = money.entry((self.livemode, currency)).or_default();
            figures.received.add(of_one(received.saturating_sub(was_received), currency));
            figures.refunded.add(of_one(refunded.saturating_sub(was_refunded), currency));
            figures.payments += u64::from(was_received == 0 && received > 0);
            figures.refunds += u64::from(refunded > was_refunded);
        }
        if let Some(disputed) = disputed {
            let figures = money.entry((self.livemode, disputed.currency)).or_default();
            figures.disputes += 1;
            figures.disputed.add(disputed.as_stripe(self.provider).minor);
        }
    }
}

/// What the disputes about a transaction are about, as far as they say; else all that was received.
fn disputed(connection: &Connection, step: &MoneyStep) -> Result<Option<Money>, StoreError> {
    let sql = "SELECT money_sum(amount), currency FROM
             (SELECT max(amount) AS amount, currency FROM transaction_events
              WHERE transaction_id = :id AND object = 'dispute' AND amount IS NOT NULL
              GROUP BY object_id, currency)
         GROUP BY currency ORDER BY 1 DESC LIMIT 1";
    if let Some(about) = first(connection, sql, named_params! { ":id": step.transaction_id })? {
        return Ok(about);
    }
    let kept = step.after.received.saturating_sub(step.after.refunded);
    let all = |currency| Money { minor: kept, currency };
    Ok(step.after.currency.map(all))
}

/// The number of the quarter of an hour, since 1970.
fn quarter(instant: Timestamp) -> i64 {
    instant.unix_millis().div_euclid(QUARTER_MILLIS)
}

fn start_of(quarter: i64) -> Timestamp {
    Timestamp::from_unix_millis(quarter * QUARTER_MILLIS).unwrap_or(Timestamp::EPOCH)
}

/// Whether nothing of what came since was removed: the record of outcomes is bounded.
fn can_follow(connection: &Connection, seen: CountedTo) -> Result<bool, StoreError> {
    let oldest: Option<i64> = one(connection, "SELECT min(id) FROM outcome_changes", [])?;
    Ok(oldest.is_none_or(|oldest| oldest <= seen.outcome_change + 1))
}

fn last_outcome_change(connection: &Connection) -> Result<i64, StoreError> {
    one(connection, "SELECT ifnull(max(id), 0) FROM outcome_changes", [])
}

/// The id of the last event that was received before this; 0 if there is none.
pub(crate) fn last_log_before(
    connection: &Connection,
    instant: Timestamp,
) -> Result<i64, StoreError> {
    last_before(
        connection,
        "SELECT id, received_at FROM webhook_logs INDEXED BY webhook_logs_listing
         WHERE id > :id ORDER BY id LIMIT 1",
        "SELECT max(id) FROM webhook_logs",
        instant,
    )
}

/// The id of the last row before this, of a table whose ids grow with its time: about so, because
/// clocks are set and a commit has many rows. `next` gives the first row after an id.
pub(crate) fn last_before(
    connection: &Connection,
    next: &'static str,
    newest: &'static str,
    instant: Timestamp,
) -> Result<i64, StoreError> {
    let newest: Option<i64> = one(connection, newest, [])?;
    let (mut low, mut high) = (0, newest.unwrap_or(0));
    while low < high {
        let middle = low + (high - low) / 2;
        match first::<(i64, Timestamp)>(connection, next, named_params! { ":id": middle })? {
            Some((id, at)) if at < instant => low = id,
            _ => high = middle,
        }
    }
    Ok(low)
}

const QUARTER_MILLIS: i64 = 15 * 60 * 1000;
/// Rows that are counted in one go: the log of the database can't be emptied meanwhile.
const AT_ONCE: i64 = 20_000;

#[cfg(test)]
mod tests;
