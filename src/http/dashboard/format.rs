//! Values as people read them: amounts, times, ids.

use maud::{Markup, html};

use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::i18n::Words;

/// Who reads, where, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typeset<'a> {
    pub(super) words: &'static Words,
    pub(super) zone: &'a Zone,
    pub(super) now: Timestamp,
}

impl Typeset<'_> {
    /// `1,234.50 EUR`, `1 234,50 EUR`: with the decimals that the provider has for the currency.
    pub(super) fn money(self, provider: Provider, minor: i64, currency: Currency) -> String {
        format!("{}\u{a0}{currency}", self.decimal(provider, minor, currency))
    }

    /// An amount whose currency may not be known.
    pub(super) fn money_in(
        self,
        provider: Provider,
        minor: i64,
        currency: Option<Currency>,
    ) -> String {
        match currency {
            Some(currency) => self.money(provider, minor, currency),
            None => self.number(minor),
        }
    }

    /// The same where the currency stands elsewhere.
    pub(super) fn decimal(self, provider: Provider, minor: i64, currency: Currency) -> String {
        self.grouped(&Money { minor, currency }.to_decimal(provider))
    }

    /// The same of an amount as it is stored; what is no currency is shown as it is.
    pub(super) fn amount(self, provider: Provider, minor: i64, currency: &str) -> String {
        match Currency::parse(currency) {
            Ok(currency) => self.money(provider, minor, currency),
            Err(_) => format!("{minor} {currency}"),
        }
    }

    /// A whole number.
    pub(super) fn number(self, number: i64) -> String {
        self.grouped(&number.to_string())
    }

    /// Decimal text with its thousands set apart.
    fn grouped(self, decimal: &str) -> String {
        let common = &self.words.common;
        let (sign, digits) = match decimal.strip_prefix('-') {
            Some(digits) => ("\u{2212}", digits),
            None => ("", decimal),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut text = sign.to_owned();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                text.push(common.thousands);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(common.point);
            text.push_str(fraction);
        }
        text
    }

    /// How long ago, with the time itself on hover.
    pub(super) fn ago(self, at: Timestamp) -> Markup {
        html! {
            time datetime=(at) title=(format!("{} · {}", self.clock(at), utc(at))) { (self.age(at)) }
        }
    }

    /// The time in the shop's zone, with UTC on hover.
    pub(super) fn time(self, at: Timestamp) -> Markup {
        html! { time datetime=(at) title=(utc(at)) { (self.clock(at)) } }
    }

    /// A sentence with its instants as times of the shop.
    pub(super) fn with_times(self, sentence: &str) -> Markup {
        let mut parts = Vec::new();
        let mut rest = sentence;
        while let Some((before, at, after)) = first_instant(rest) {
            parts.push((before, Some(at)));
            rest = after;
        }
        parts.push((rest, None));
        html! {
            @for (text, at) in parts {
                (text)
                @if let Some(at) = at { (self.time(at)) }
            }
        }
    }

    /// How long ago in its greatest unit.
    pub(super) fn age(self, at: Timestamp) -> String {
        let common = &self.words.common;
        if at > self.now {
            let ahead = at.since(self.now).as_secs();
            return if ahead < 2 { common.just_now } else { common.ahead }.to_owned();
        }
        let seconds = i64::try_from(self.now.since(at).as_secs()).unwrap_or(i64::MAX);
        match seconds {
            ..=1 => common.just_now.to_owned(),
            2..60 => (common.seconds_ago)(seconds),
            60..3_600 => (common.minutes_ago)(seconds / 60),
            // Two days by the hour: "yesterday" would be too vague for money.
            3_600..172_800 => (common.hours_ago)(seconds / 3_600),
            _ => (common.days_ago)(seconds / 86_400),
        }
    }

    /// `23 Nov 2026, 12:52:03`
    fn clock(self, at: Timestamp) -> String {
        let clock = self.zone.clock(at);
        let (hour, minute, second) = (clock.hour(), clock.minute(), clock.second());
        format!("{}, {hour:02}:{minute:02}:{second:02}", self.day(at))
    }

    /// `23 Nov 2026`
    pub(super) fn day(self, at: Timestamp) -> String {
        let clock = self.zone.clock(at);
        let month = usize::try_from(clock.month()).ok().and_then(|month| month.checked_sub(1));
        let month = month.and_then(|month| self.words.common.months.get(month)).unwrap_or(&"");
        format!("{} {month} {}", clock.day(), clock.year())
    }
}

/// What stands before the first instant in a text, the instant, and what stands after it.
fn first_instant(text: &str) -> Option<(&str, Timestamp, &str)> {
    let begins = text.match_indices('T').filter_map(|(place, _)| place.checked_sub(10));
    begins.into_iter().find_map(|begin| {
        let end = begin + "2026-11-23T11:52:03.250Z".len();
        let instant = text.get(begin..end).filter(|instant| instant.ends_with('Z'))?;
        Some((text.get(..begin)?, Timestamp::parse(instant).ok()?, text.get(end..)?))
    })
}

/// An id in few characters; in up to a hundred on hover and to whoever has it read out.
pub(super) fn id(text: &str) -> Markup {
    let length = text.chars().count();
    if length <= LONGEST_ID {
        return html! { code { bdi { (text) } } };
    }
    let head: String = text.chars().take(LONGEST_ID - 7).collect();
    let tail: String = text.chars().skip(length - 6).collect();
    html! { code title=(shortened(text, 100)) { bdi { (head) "…" (tail) } } }
}

/// An id in few characters, where many stand below each other and each leads to the whole of it.
pub(super) fn brief(text: &str) -> Markup {
    html! { code { bdi { (shortened(text, LONGEST_ID)) } } }
}

/// Text of ours in which commands stand between backticks.
pub(super) fn with_commands(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // The last backtick of an odd number begins nothing.
    let commands = (parts.len() - 1) / 2 * 2;
    html! {
        @for (place, part) in parts.iter().enumerate() {
            @if place % 2 == 1 && place < commands {
                code { (part) }
            } @else {
                @if place > commands { "`" }
                (part)
            }
        }
    }
}

/// Text of a sender's in so many characters at most.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text of a sender's that takes so many bytes of HTML at most.
pub(super) fn fitting(text: &str, most: usize) -> String {
    let mut bytes = 0;
    let end = text.char_indices().find(|(_, one)| {
        bytes += one.len_utf8() + escape(*one);
        bytes > most
    });
    match end {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many bytes more a character takes in HTML.
pub(super) fn escape(character: char) -> usize {
    match character {
        '"' => 5,
        '&' => 4,
        '<' | '>' => 3,
        _ => 0,
    }
}

/// `2026-11-23 11:52:03.250 UTC`
fn utc(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.trim_end_matches('Z').replace('T', " "))
}

/// Longer ids are shortened. Stripe's have 27 characters.
const LONGEST_ID: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::language::Language;

    const UTC: &Zone = &Zone::UTC;

    fn typeset(language: Language, zone: &Zone) -> Typeset<'_> {
        let now = Timestamp::parse("2026-11-24T12:00:00Z").expect("a time");
        Typeset { words: Words::of(language), zone, now }
    }

    #[test]
    fn amounts_are_written_as_the_language_writes_them() {
        let (english, french) = (typeset(Language::English, UTC), typeset(Language::French, UTC));
        for (provider, minor, currency, in_english, in_french) in [
            (Provider::Stripe, 4999, "EUR", "49.99\u{a0}EUR", "49,99\u{a0}EUR"),
            (
                Provider::Stripe,
                123_456_789,
                "USD",
                "1,234,567.89\u{a0}USD",
                "1\u{202f}234\u{202f}567,89\u{a0}USD",
            ),
            (
                Provider::Stripe,
                -100_000,
                "JPY",
                "\u{2212}100,000\u{a0}JPY",
                "\u{2212}100\u{202f}000\u{a0}JPY",
            ),
            (Provider::Stripe, 1_500, "KWD", "1.500\u{a0}KWD", "1,500\u{a0}KWD"),
            (Provider::Paypal, 1_500, "HUF", "1,500\u{a0}HUF", "1\u{202f}500\u{a0}HUF"),
            (Provider::Paypal, 5, "<b>", "5 <b>", "5 <b>"),
        ] {
            assert_eq!(english.amount(provider, minor, currency), in_english);
            assert_eq!(french.amount(provider, minor, currency), in_french);
        }
    }

    #[test]
    fn times_are_those_of_the_shop() {
        let paris = Zone::named("Europe/Paris").expect("a zone");
        let at = Timestamp::parse("2026-07-01T22:30:05.250Z").expect("a time");
        assert_eq!(
            typeset(Language::English, &paris).time(at).into_string(),
            "<time datetime=\"2026-07-01T22:30:05.250Z\" title=\"2026-07-01 22:30:05.250 UTC\">\
             2 Jul 2026, 00:30:05</time>"
        );
        assert_eq!(typeset(Language::French, &paris).day(at), "2 juil. 2026");
    }

    #[test]
    fn instants_in_a_sentence_are_times_of_the_shop() {
        let sentence = "éT<b> at 2026-07-01T22:30:05.250Z; and T2026-07-01T22:30:05.250Z.";
        let shown = typeset(Language::English, UTC).with_times(sentence).into_string();
        let time = "<time datetime=\"2026-07-01T22:30:05.250Z\" \
                    title=\"2026-07-01 22:30:05.250 UTC\">1 Jul 2026, 22:30:05</time>";
        assert_eq!(shown, format!("éT&lt;b&gt; at {time}; and T{time}."));
        let none = typeset(Language::English, UTC).with_times("T 2026-13-01T22:30:05.250Z");
        assert_eq!(none.into_string(), "T 2026-13-01T22:30:05.250Z");
    }

    #[test]
    fn an_age_is_told_in_its_greatest_unit() {
        let english = typeset(Language::English, UTC);
        let french = typeset(Language::French, UTC);
        for (at, in_english, in_french) in [
            ("2026-11-24T12:00:00Z", "just now", "à l’instant"),
            ("2026-11-24T11:59:59Z", "just now", "à l’instant"),
            ("2026-11-24T11:59:30Z", "30 seconds ago", "il y a 30 secondes"),
            ("2026-11-24T11:59:00Z", "1 minute ago", "il y a 1 minute"),
            ("2026-11-24T10:00:00Z", "2 hours ago", "il y a 2 heures"),
            ("2026-11-22T12:00:00Z", "2 days ago", "il y a 2 jours"),
            ("2026-11-24T13:00:00Z", "in the future", "dans le futur"),
        ] {
            let at = Timestamp::parse(at).expect("a time");
            assert_eq!((&*english.age(at), &*french.age(at)), (in_english, in_french));
        }
    }

    #[test]
    fn commands_stand_out() {
        for (text, expected) in [
            ("", ""),
            ("a `b <c>`; d", "a <code>b &lt;c&gt;</code>; d"),
            ("`a` or `b`", "<code>a</code> or <code>b</code>"),
            ("a `b", "a `b"),
            ("`a` b `c…", "<code>a</code> b `c…"),
        ] {
            assert_eq!(with_commands(text).into_string(), expected, "{text}");
        }
    }

    #[test]
    fn ids_of_any_length_and_letters_are_shortened() {
        assert_eq!(id("pi_1").into_string(), "<code><bdi>pi_1</bdi></code>");
        assert_eq!(id("<i>").into_string(), "<code><bdi>&lt;i&gt;</bdi></code>");
        let long = id(&"é\"".repeat(10_000)).into_string();
        assert!(long.len() < 1_500 && !long.contains("\"\""), "{long}");
        assert_eq!(shortened("äöü", 2), "äö…");
        for (text, fits) in [("äöü", "äö…"), ("<<", "<…"), ("\"&", "…"), ("abcd", "abcd")]
        {
            assert_eq!(fitting(text, 5), fits);
        }
    }
}
