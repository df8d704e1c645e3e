//! How often a shop's events come, learned from those that came, and when their absence is strange.
//!
//! What is learned is how sure an event is within each hour of the week: a shop that sleeps at night and
//! on Sundays is not missed then, and a busy one is missed within the hour.

use std::time::Duration;

use super::time::Timestamp;

/// The rhythm of a shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Rhythm {
    /// For each hour of the week, how strange it is that nothing comes in it: the negative logarithm of
    /// how likely that is. Those of hours that follow each other add up.
    strange: Vec<f64>,
}

/// Hours of a week.
const WEEK: i64 = 168;
/// So many weeks are looked back on.
pub const WEEKS: i64 = 8;
/// Before so many weeks nothing is known of a rhythm.
const FEWEST_WEEKS: i64 = 2;
/// Nor of one with fewer events.
const FEWEST_EVENTS: u64 = 100;
/// A silence is strange that comes by chance once in ten thousand times.
const STRANGE: f64 = 9.2;
/// A payment brings a handful of events at once, so so many of them are one sign of life.
const BURST: f64 = 10.0;

impl Rhythm {
    /// Learns from the number of events in each hour that had some, numbered since 1970, of which
    /// `until` is the last that is looked at. `None` for a shop that has no rhythm yet: fewer than two
    /// weeks, or fewer than a hundred events in the last eight.
    pub fn learned(hours: &[(i64, u64)], until: i64) -> Option<Self> {
        let began = until - WEEKS * WEEK;
        let hours = || hours.iter().filter(|(hour, _)| (began + 1..=until).contains(hour));
        let first = hours().map(|(hour, _)| *hour).min()?;
        let weeks = (until - first + 1) / WEEK;
        let events: u64 = hours().map(|(_, events)| events).sum();
        if weeks < FEWEST_WEEKS || events < FEWEST_EVENTS {
            return None;
        }
        // Of each hour of the week, as many times as there are whole weeks back from `until`.
        let mut seen = vec![Vec::new(); 168];
        for (hour, events) in hours().filter(|(hour, _)| *hour > until - weeks * WEEK) {
            seen[of_week(*hour)].push(*events);
        }
        #[expect(clippy::cast_precision_loss, reason = "a few weeks, and events of an hour")]
        let strange = seen.iter().map(|events| {
            let active = (events.len() as f64).min(weeks as f64);
            let certain = active / (weeks as f64 + 1.0);
            let least = match i64::try_from(events.len()) {
                Ok(times) if times == weeks => events.iter().min().copied().unwrap_or(0) as f64,
                _ => 0.0,
            };
            (-(1.0 - certain).ln()).max(least / BURST)
        });
        Some(Self { strange: strange.collect() })
    }

    /// Whether it is strange that nothing came after `last` until `now`.
    pub fn is_silent(&self, last: Timestamp, now: Timestamp) -> bool {
        self.strangeness(last, now) >= STRANGE
    }

    /// How strange it is that nothing came between two instants; more for a longer stretch.
    fn strangeness(&self, from: Timestamp, until: Timestamp) -> f64 {
        let mut sum = 0.0;
        let mut at = from;
        while at < until {
            let next = end_of_hour(at).min(until);
            sum += self.strange[of_week(hour_of(at))] * next.since(at).as_secs_f64() / 3_600.0;
            // A year of it is strange enough.
            if sum >= STRANGE {
                break;
            }
            at = next;
            if at.since(from) > LONGEST {
                break;
            }
        }
        sum
    }
}

/// Nobody needs to look at a longer silence hour by hour.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The number of the hour since 1970 that an instant is in.
pub fn hour_of(at: Timestamp) -> i64 {
    at.unix_seconds().div_euclid(3_600)
}

fn end_of_hour(at: Timestamp) -> Timestamp {
    let next = Timestamp::from_unix_seconds((hour_of(at) + 1) * 3_600);
    next.unwrap_or_else(|| at.plus(Duration::from_secs(3_600)))
}

fn of_week(hour: i64) -> usize {
    usize::try_from(hour.rem_euclid(WEEK)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Monday the 5th of October 2026, midnight.
    const MONDAY: i64 = 1_791_158_400 / 3_600;

    fn at(hour: i64, minutes: i64) -> Timestamp {
        Timestamp::from_unix_seconds(hour * 3_600 + minutes * 60).expect("in range")
    }

    /// So many events in each hour that `opens` says, for so many weeks, and the rhythm of that.
    fn rhythm(weeks: i64, events: u64, opens: impl Fn(i64, i64) -> bool) -> Option<Rhythm> {
        let hours: Vec<(i64, u64)> = (0..weeks * WEEK)
            .filter(|hour| opens(hour % WEEK / 24, hour % 24))
            .map(|hour| (MONDAY + hour, events))
            .collect();
        Rhythm::learned(&hours, MONDAY + weeks * WEEK - 1)
    }

    #[test]
    fn a_shop_without_a_rhythm_is_never_silent() {
        let always = |_, _| true;
        assert_eq!(rhythm(1, 100, always), None);
        assert_eq!(rhythm(8, 5, |day, hour| day == 0 && hour == 9), None);
        assert_eq!(rhythm(0, 5, always), None);
        assert_eq!(Rhythm::learned(&[], MONDAY), None);
        assert!(rhythm(2, 1, always).is_some());
        // What is older than eight weeks is forgotten.
        let old: Vec<_> = (0..8 * WEEK).map(|hour| (MONDAY + hour, 9)).collect();
        assert_eq!(Rhythm::learned(&old, MONDAY + 16 * WEEK), None);
    }

    #[test]
    fn a_shop_is_missed_by_its_own_rhythm() {
        // Every hour of every day; a shop of office hours; a busy one.
        let steady = rhythm(8, 5, |_, _| true).expect("a rhythm");
        let office =
            rhythm(8, 5, |day, hour| day < 5 && (9..18).contains(&hour)).expect("a rhythm");
        let busy = rhythm(8, 400, |_, _| true).expect("a rhythm");
        let new = rhythm(2, 5, |_, _| true).expect("a rhythm");
        let monday = MONDAY + 8 * WEEK;
        let friday = monday + 4 * 24;
        for (case, rhythm, from, until, silent) in [
            ("three hours", &steady, (monday, 0), (monday + 3, 0), false),
            ("five hours", &steady, (monday, 0), (monday + 5, 0), true),
            ("the weekend", &office, (friday + 17, 30), (friday + 3 * 24 + 9, 30), false),
            ("a day in the week", &office, (monday + 17, 30), (monday + 24 + 15, 0), true),
            ("a night", &office, (monday + 17, 30), (monday + 24 + 10, 0), false),
            ("ten minutes", &busy, (monday, 0), (monday, 10), false),
            ("twenty minutes", &busy, (monday, 0), (monday, 20), true),
            ("five hours, new", &new, (monday, 0), (monday + 5, 0), false),
            ("ten hours, new", &new, (monday, 0), (monday + 10, 0), true),
            ("nothing", &busy, (monday, 0), (monday, 0), false),
            ("backwards", &busy, (monday, 30), (monday, 0), false),
        ] {
            let (from, until) = (at(from.0, from.1), at(until.0, until.1));
            assert_eq!(rhythm.is_silent(from, until), silent, "{case}");
        }
    }

    proptest! {
        #[test]
        fn the_longer_a_silence_the_stranger(
            hours in proptest::collection::vec((0..2 * WEEK, 1..50_u64), 0..400),
            from in 0..1000_i64,
            one in 0..10_000_i64,
            more in 0..10_000_i64,
        ) {
            let hours: Vec<_> = hours.into_iter().map(|(hour, events)| (MONDAY + hour, events)).collect();
            let Some(rhythm) = Rhythm::learned(&hours, MONDAY + 2 * WEEK) else { return Ok(()) };
            let from = at(MONDAY + 2 * WEEK + from, 0);
            let after = |minutes: i64| Timestamp::from_unix_seconds(from.unix_seconds() + minutes * 60).expect("a time");
            let short = rhythm.is_silent(from, after(one));
            prop_assert!(!short || rhythm.is_silent(from, after(one + more)));
        }

        #[test]
        fn an_hour_in_which_nothing_ever_came_is_never_missed(
            hours in proptest::collection::vec((0..8 * WEEK, 1..50_u64), 100..400),
            gap in 0..100_i64,
        ) {
            // Nothing from `gap` on for two days of each week.
            let quiet = |hour: &(i64, u64)| !(gap..gap + 48).contains(&(hour.0 % WEEK));
            let hours: Vec<_> = hours.into_iter().filter(quiet).map(|(hour, events)| (MONDAY + hour, events)).collect();
            let Some(rhythm) = Rhythm::learned(&hours, MONDAY + 8 * WEEK - 1) else { return Ok(()) };
            let start = MONDAY + 8 * WEEK + gap;
            prop_assert!(!rhythm.is_silent(at(start, 0), at(start + 48, 0)));
        }
    }
}
