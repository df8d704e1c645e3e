//! The time zone in which a person is told times and days.
//!
//! The database, the API and the log speak UTC ([`Timestamp`]); a zone comes in where a person reads.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};

use super::time::Timestamp;

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
        self.instant(date.parse::<Date>().ok()?.at(0, 0, 0, 0))
    }

    /// When a clock there shows this; where clocks are set back the first time, and where they are set
    /// forward as late as if they were not.
    fn instant(&self, clock: DateTime) -> Option<Timestamp> {
        let instant = self.0.to_timestamp(clock).ok()?;
        Timestamp::from_unix_millis(instant.as_millisecond())
    }

    /// The day of this date there, such as `2026-11-23`; `None` if it is no date.
    pub fn day(&self, date: &str) -> Option<Day> {
        let date: Date = date.parse().ok()?;
        Some(Day {
            date: date.to_string(),
            begins: self.instant(date.at(0, 0, 0, 0))?,
            ends: self.instant(date.tomorrow().ok()?.at(0, 0, 0, 0))?,
        })
    }

    /// The last day there that was over when a clock last showed this time of day; `None` at the ends
    /// of time.
    pub fn day_before(&self, time: TimeOfDay, now: Timestamp) -> Option<Day> {
        let today = self.clock(now).date();
        let is_past = self.instant(today.to_datetime(time.0)).is_some_and(|at| at <= now);
        let shown_on = if is_past { today } else { today.yesterday().ok()? };
        self.day(&shown_on.yesterday().ok()?.to_string())
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

/// A day of the calendar in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// `2026-11-23`
    pub date: String,
    /// Its first instant.
    pub begins: Timestamp,
    /// The first instant of the next day.
    pub ends: Timestamp,
}

impl Day {
    /// From its beginning until before its end.
    pub fn span(&self) -> Range<Timestamp> {
        self.begins..self.ends
    }
}

/// What a clock shows at a moment of every day: `08:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay(Time);

impl FromStr for TimeOfDay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = Time::strptime("%H:%M", text).ok().filter(|_| text.len() == 5);
        time.map(Self).ok_or("give a time of day from 00:00 to 23:59, such as 08:00")
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
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
    fn a_report_is_about_the_day_before_the_clock_showed_its_time() {
        let paris = Zone::named("Europe/Paris").expect("a zone");
        let time = |text: &str| text.parse::<TimeOfDay>().expect("a time of day");
        for (now, shown, date) in [
            // 07:59:59 and 08:00 in Paris.
            ("2026-11-25T06:59:59.999Z", "08:00", "2026-11-23"),
            ("2026-11-25T07:00:00Z", "08:00", "2026-11-24"),
            ("2026-11-25T22:59:59Z", "08:00", "2026-11-24"),
            // Midnight in Paris is one o'clock before.
            ("2026-11-24T23:00:00Z", "00:00", "2026-11-24"),
            ("2026-11-24T22:59:59Z", "23:59", "2026-11-23"),
            // 02:30 is shown by no clock on the day on which clocks are set forward.
            ("2026-03-29T01:29:59Z", "02:30", "2026-03-27"),
            ("2026-03-29T01:30:00Z", "02:30", "2026-03-28"),
            // And twice on the day on which they are set back: the first time counts.
            ("2026-10-25T00:29:59Z", "02:30", "2026-10-23"),
            ("2026-10-25T00:30:00Z", "02:30", "2026-10-24"),
            ("2026-10-25T01:29:59Z", "02:30", "2026-10-24"),
        ] {
            let day = paris.day_before(time(shown), at(now)).map(|day| day.date);
            assert_eq!(day.as_deref(), Some(date), "{shown} at {now}");
        }
        assert_eq!(Zone::UTC.day_before(time("08:00"), at("0000-01-01T00:00:00Z")), None);
        let long = paris.day("2026-10-25").expect("a day");
        assert_eq!(
            (long.begins, long.ends),
            (at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"))
        );
        assert_eq!(paris.day("2026-10-32"), None);
        assert_eq!(time("08:05").to_string(), "08:05");
        for wrong in ["", "8:00", "24:00", "08:60", "08:00:00", "0800", "08:00 ", "eight"] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
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
