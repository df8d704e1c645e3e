//! The values of options, read from text. An error says what to give.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::providers::paypal::certificate::CertificateHost;

/// A time zone by its name.
pub fn parse_zone(name: &str) -> Result<Zone, String> {
    Zone::named(name).ok_or_else(|| {
        "this machine knows no such time zone: give a name such as Europe/Paris or UTC, and see \
         that tzdata is installed"
            .to_owned()
    })
}

/// The name of a host, in lower case.
pub(super) fn parse_host(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_name) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("give a host's name without a port, such as payments.example.com".to_owned()),
    }
}

/// Bytes of a body.
pub(super) fn parse_max_body(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes) if (1_024..=64 * 1024 * 1024).contains(&bytes) => Ok(bytes),
        _ => Err("give bytes from 1024 to 67108864".to_owned()),
    }
}

/// A number of connections.
pub(super) fn parse_max_connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (16..=100_000).contains(&number) => Ok(number),
        _ => Err("give a number from 16 to 100000".to_owned()),
    }
}

/// The host of PayPal's certificates.
pub(super) fn parse_cert_host(text: &str) -> Result<CertificateHost, String> {
    CertificateHost::parse(text).ok_or_else(|| {
        "give HOST or HOST:PORT, with http:// before it only for a loopback host".to_owned()
    })
}

/// A duration, or `None` for a word that means none.
pub type Limit = Option<Duration>;

/// A day or more, or `forever`.
pub(super) fn parse_keep(text: &str) -> Result<Limit, String> {
    parse_limit(text, "forever", Duration::from_secs(86_400))
        .ok_or_else(|| "give a day or more, such as 90d, or forever".to_owned())
}

/// A minute or more, or `off`.
pub(super) fn parse_every(text: &str) -> Result<Limit, String> {
    parse_limit(text, "off", Duration::from_secs(60))
        .ok_or_else(|| "give a minute or more: 30m, 1h, 1d; or off".to_owned())
}

/// Seconds from 1, or `off`.
pub(super) fn parse_tolerance(text: &str) -> Result<Limit, String> {
    match text.parse() {
        _ if text == "off" => Ok(None),
        Ok(seconds) if seconds > 0 => Ok(Some(Duration::from_secs(seconds))),
        _ => Err("give seconds from 1, such as 300, or off".to_owned()),
    }
}

fn parse_limit(text: &str, none: &str, least: Duration) -> Option<Limit> {
    match parse_duration(text) {
        _ if text == none => Some(None),
        Ok(limit) if limit >= least => Some(Some(limit)),
        _ => None,
    }
}

/// A period: seconds, or a whole number with `s`, `m`, `h` or `d`; a century at most.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("", 1)];
    let parsed = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds).filter(|seconds| *seconds <= 100 * 366 * 86_400)
    });
    let wrong = || "give seconds, or a number with a unit: 90s, 2m, 1h, 3d".to_owned();
    parsed.map(Duration::from_secs).ok_or_else(wrong)
}

/// `KEY=VALUE`.
pub(super) fn parse_entry(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err("give KEY=VALUE, such as site=shop".to_owned()),
    }
}

/// Text of at least one character, without control characters.
pub(super) fn parse_key(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains(char::is_control) {
        true => Err("give at least one character, and no control characters".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// The id of a Stripe account.
pub(super) fn parse_account(text: &str) -> Result<String, String> {
    let is_account = text.strip_prefix("acct_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    match is_account {
        true => Ok(text.to_owned()),
        false => Err("give the id of a Stripe account, which begins with acct_".to_owned()),
    }
}

/// An instant: a date, an RFC 3339 time, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinceOption {
    /// Then; a date begins at midnight UTC.
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
}

impl SinceOption {
    /// The instant, seen from `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(duration) => now.minus(duration),
        }
    }
}

impl std::str::FromStr for SinceOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let date = || Timestamp::parse(&format!("{text}T00:00:00Z"));
        if let Ok(at) = Timestamp::parse(text).or_else(|_| date()) {
            return Ok(Self::At(at));
        }
        let ago = parse_duration(text).map(Self::Ago);
        ago.map_err(|_| {
            "give a date such as 2026-11-23, a time such as 2026-11-23T11:52:03Z, or how long ago: \
             90m, 72h, 3d"
                .to_owned()
        })
    }
}

/// An RFC 3339 time.
pub fn parse_instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_a_date_or_a_duration() {
        let now = Timestamp::parse("2026-11-24T12:00:00Z").expect("a time");
        for (text, expected) in [
            ("90", "2026-11-24T11:58:30.000Z"),
            ("90s", "2026-11-24T11:58:30.000Z"),
            ("90m", "2026-11-24T10:30:00.000Z"),
            ("12h", "2026-11-24T00:00:00.000Z"),
            ("2d", "2026-11-22T12:00:00.000Z"),
            ("2026-11-23", "2026-11-23T00:00:00.000Z"),
            ("2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00.000Z"),
        ] {
            let since: SinceOption = text.parse().expect(text);
            assert_eq!(since.at(now).to_string(), expected, "{text}");
        }
        for text in ["", "d", "-2d", "2w", "yesterday", "2026-13-01", "99999999999d"] {
            assert!(text.parse::<SinceOption>().is_err(), "{text}");
        }
    }
}
