//! Instants, and their one text form.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant in UTC with millisecond resolution.
///
/// Its text form, in the database, the logs and the API, is RFC 3339 with three decimals and `Z`:
/// `2026-11-23T11:52:03.250Z`. Text forms of instants compare as the instants do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp {
    millis: i64,
}

/// The text is not an RFC 3339 instant between the years 0 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-11-23T11:52:03Z")]
pub struct NotATime;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self { millis: 0 };

    /// Milliseconds since 1970-01-01T00:00:00Z; `None` outside the years 0 to 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        (MIN_MILLIS..=MAX_MILLIS).contains(&millis).then_some(Self { millis })
    }

    /// Seconds since 1970-01-01T00:00:00Z; `None` outside the years 0 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        Self::from_unix_millis(seconds.checked_mul(1000)?)
    }

    /// Parses RFC 3339 with any zone offset; digits beyond the millisecond are cut off.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| NotATime)?;
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(millis).ok().and_then(Self::from_unix_millis).ok_or(NotATime)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.millis
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.millis.div_euclid(1000)
    }

    /// The time from `earlier` until `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis - earlier.millis).unwrap_or(0))
    }

    /// The instant `duration` later, at most the end of the year 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self { millis: self.millis.saturating_add(millis).min(MAX_MILLIS) }
    }

    /// The instant `duration` earlier, at least the beginning of the year 0.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self { millis: self.millis.saturating_sub(millis).max(MIN_MILLIS) }
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = NotATime;

    fn try_from(text: String) -> Result<Self, NotATime> {
        Self::parse(&text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.unix_seconds();
        let time = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        // Every event is written with half a dozen of these; `write!` would take ten times as long.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [
            (0..4, i64::from(time.year())),
            (5..7, i64::from(u8::from(time.month()))),
            (8..10, i64::from(time.day())),
            (11..13, i64::from(time.hour())),
            (14..16, i64::from(time.minute())),
            (17..19, i64::from(time.second())),
            (20..23, self.millis - seconds * 1000),
        ];
        for (place, mut number) in parts {
            for digit in text[place].iter_mut().rev() {
                *digit += u8::try_from(number % 10).map_err(|_| fmt::Error)?;
                number /= 10;
            }
        }
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 0000-01-01T00:00:00.000Z, the first instant whose year has four digits.
const MIN_MILLIS: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z, the last one.
const MAX_MILLIS: i64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn offsets_and_fractions_become_utc_milliseconds() {
        for (text, expected) in [
            ("2018-08-15T12:13:29-07:00", "2018-08-15T19:13:29.000Z"),
            ("2019-02-14T21:50:07.940Z", "2019-02-14T21:50:07.940Z"),
            ("2026-10-05T12:00:00.123456789Z", "2026-10-05T12:00:00.123Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn text_that_is_no_instant_is_refused() {
        for text in ["", "2018-08-15", "2018-08-15T12:13:29", "2018-13-15T12:13:29Z", "now"] {
            assert_eq!(Timestamp::parse(text), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_kept() {
        assert_eq!(Timestamp::from_unix_millis(MAX_MILLIS + 1), None);
        assert_eq!(Timestamp::from_unix_millis(MIN_MILLIS - 1), None);
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), None);
        let end = Timestamp { millis: MAX_MILLIS };
        assert_eq!(end.plus(Duration::from_secs(1)), end);
    }

    proptest! {
        #[test]
        fn text_goes_both_ways_and_keeps_the_order(
            a in MIN_MILLIS..=MAX_MILLIS,
            b in MIN_MILLIS..=MAX_MILLIS,
        ) {
            let (a, b) = (Timestamp { millis: a }, Timestamp { millis: b });
            prop_assert_eq!(Timestamp::parse(&a.to_string()), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".*") {
            let _ = Timestamp::parse(&text);
        }
    }
}
