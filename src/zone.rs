//! The time zone in which a person is told times and days.
//!
//! The database, the API and the log speak UTC ([`Timestamp`]); a zone comes in where a person reads.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};

use crate::domain::time::Timestamp;

/// A time zone with its rules of summer time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of this machine; UTC if it has none.
    pub fn system() -> Self {
        TimeZone::try_system().map_or(Self::UTC, Self)
    }

    /// The zone of this name in the IANA database, such as `Europe/Paris`; `None` if this machine
    /// knows none.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// When the day of this date, such as `2026-11-23`, begins; `None` if it is no date.
    pub fn midnight(&self, date: &str) -> Option<Timestamp> {
        let date: jiff::civil::Date = date.parse().ok()?;
        let begins = self.0.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        Timestamp::from_unix_millis(begins.as_millisecond())
    }

    /// A time of day as a person reads it: `2026-11-23 12:52`.
    pub fn show(&self, at: Timestamp) -> String {
        self.clock(at).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// What a clock there shows.
    pub fn clock(&self, at: Timestamp) -> DateTime {
        // Instants of ours lie between the years 0 and 9999, as jiff's do.
        let at = Instant::from_millisecond(at.unix_millis()).unwrap_or(Instant::UNIX_EPOCH);
        self.0.to_datetime(at)
    }

    /// When the day began there that `at` is in, or the one so many days before it.
    pub fn start_of_day(&self, at: Timestamp, days_before: u32) -> Timestamp {
        let date = self.clock(at).date().saturating_sub(Span::new().days(i64::from(days_before)));
        let start = date.to_zoned_datetime(self.0.clone());
        let millis = start.map(|start| start.timestamp().as_millisecond());
        millis.ok().and_then(Timestamp::from_unix_millis).unwrap_or(at)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("unnamed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn a_zone_has_summer_time() {
        let paris = Zone::named("Europe/Paris").expect("known on every machine with zones");
        assert_eq!(paris.to_string(), "Europe/Paris");
        for (utc, local) in [
            ("2026-11-23T11:52:03.250Z", "2026-11-23 12:52"),
            ("2026-07-23T22:30:00Z", "2026-07-24 00:30"),
        ] {
            let at = Timestamp::parse(utc).expect("a time");
            assert_eq!(paris.show(at), local);
            assert_eq!(Zone::UTC.show(at), format!("{} {}", &utc[..10], &utc[11..16]));
        }
        for (zone, date, begins) in [
            (&paris, "2026-11-23", Some("2026-11-22T23:00:00.000Z")),
            (&paris, "2026-07-23", Some("2026-07-22T22:00:00.000Z")),
            (&Zone::UTC, "2026-02-28", Some("2026-02-28T00:00:00.000Z")),
            (&Zone::UTC, "2026-02-29", None),
            (&Zone::UTC, "today", None),
        ] {
            let midnight = zone.midnight(date).map(|at| at.to_string());
            assert_eq!(midnight.as_deref(), begins, "{date} in {zone}");
        }
        assert_eq!(Zone::named("Europe/Atlantis"), None);
        assert_eq!(Zone::UTC.to_string(), "UTC");
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_zone() {
        let paris = Zone::named("Europe/Paris").expect("a zone");
        for (now, before, expected) in [
            ("2026-07-01T21:59:59Z", 0, "2026-06-30T22:00:00Z"),
            ("2026-07-01T22:00:00Z", 0, "2026-07-01T22:00:00Z"),
            // The clocks went back in between.
            ("2026-10-26T12:00:00Z", 0, "2026-10-25T23:00:00Z"),
            ("2026-10-26T12:00:00Z", 1, "2026-10-24T22:00:00Z"),
        ] {
            assert_eq!(paris.start_of_day(at(now), before), at(expected), "{now}");
        }
        assert_eq!(
            Zone::UTC.start_of_day(at("2026-07-01T21:59:59Z"), 30),
            at("2026-06-01T00:00:00Z")
        );
    }

    #[test]
    fn the_ends_of_time_have_days_too() {
        let kiritimati = Zone::named("Pacific/Kiritimati").expect("a zone");
        for end in [at("0000-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z")] {
            kiritimati.start_of_day(end, 40);
            kiritimati.clock(end);
        }
    }
}
