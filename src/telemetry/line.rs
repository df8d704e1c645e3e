//! Log lines: one for each unit of work, `key=value` or JSON, whatever a sender puts into a value.

use std::fmt::{Display, Write};
use std::sync::OnceLock;

use log::Level;

use super::clock::Clock;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// One JSON object a line instead of `key=value`. Its values are text, but for whole numbers.
    pub json: bool,
    /// For systemd's journal: the priority in front, as sd-daemon(3) has it, and no time, which the
    /// journal knows better.
    pub journal: bool,
}

static FORMAT: OnceLock<Format> = OnceLock::new();

impl Format {
    /// From now on lines are written so; the first who says it is heard.
    pub(crate) fn set(self) {
        let _ = FORMAT.set(self);
    }

    fn get() -> Self {
        FORMAT.get().copied().unwrap_or_default()
    }
}

/// One line under construction. It begins with `time`, `level` and `msg`; keys follow in the order
/// in which they are added.
#[derive(Debug)]
#[must_use = "a line is written by `emit`"]
pub struct Line {
    format: Format,
    level: Level,
    msg: String,
    /// The keys after the first three, each with what separates it from the one before.
    rest: String,
}

impl Line {
    /// A line that wakes someone.
    pub fn error(msg: &str) -> Self {
        Self::new(Format::get(), Level::Error, msg)
    }

    /// A line that will wake someone if it repeats.
    pub fn warn(msg: &str) -> Self {
        Self::new(Format::get(), Level::Warn, msg)
    }

    /// A line of the ordinary course of things.
    pub fn info(msg: &str) -> Self {
        Self::new(Format::get(), Level::Info, msg)
    }

    /// A line for us.
    pub fn debug(msg: &str) -> Self {
        Self::new(Format::get(), Level::Debug, msg)
    }

    fn new(format: Format, level: Level, msg: &str) -> Self {
        Self { format, level, msg: msg.to_owned(), rest: String::with_capacity(256) }
    }

    /// Adds a key and its value, which is cut off after 300 characters. In `key=value` one that is
    /// not a plain word is quoted and escaped.
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        push(&mut self.rest, self.format, key, value);
        self
    }

    /// Adds the key if there is a value.
    pub fn with_some(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The same line, as a warning.
    pub fn warning(mut self) -> Self {
        self.level = Level::Warn;
        self
    }

    /// Hands the line to the log.
    pub fn emit(self) {
        log::log!(target: "payhookd", self.level, "{}", self.text());
    }

    /// The line as it is written.
    pub(crate) fn text(&self) -> String {
        let (name, priority) = match self.level {
            Level::Error => ("error", 3),
            Level::Warn => ("warn", 4),
            Level::Info => ("info", 6),
            Level::Debug | Level::Trace => ("debug", 7),
        };
        let mut first = String::with_capacity(64 + self.msg.len() + self.rest.len());
        if !self.format.journal {
            push(&mut first, self.format, "time", Clock::SYSTEM.now());
        }
        push(&mut first, self.format, "level", name);
        push(&mut first, self.format, "msg", &self.msg);
        first.push_str(&self.rest);
        // Each key came with what separates it from the one before it.
        first.remove(0);
        if self.format.json {
            first.insert(0, '{');
            first.push('}');
        }
        if self.format.journal {
            first.insert_str(0, &format!("<{priority}>"));
        }
        first
    }
}

fn push(line: &mut String, format: Format, key: &str, value: impl Display) {
    if format.json {
        line.push_str(",\"");
        line.push_str(key);
        line.push_str("\":");
        push_json(line, &without_addresses(value.to_string()));
        return;
    }
    line.push(' ');
    line.push_str(key);
    line.push('=');
    let start = line.len();
    // Writing to a String does not fail.
    let _ = write!(line, "{value}");
    if line[start..].contains('@') {
        let value = line.split_off(start);
        line.push_str(&without_addresses(value));
    }
    if !is_plain(&line[start..]) {
        let value = line.split_off(start);
        push_quoted(line, &value);
    }
}

/// The text without e-mail addresses: whoever uses a buyer's as order id shall not find it in the log.
fn without_addresses(text: String) -> String {
    if !text.contains('@') {
        return text;
    }
    let is_name =
        |it: char| !it.is_whitespace() && !it.is_control() && !"<>()[],;:/\"'=".contains(it);
    let is_domain = |it: char| it.is_alphanumeric() || it == '.' || it == '-';
    let (mut shown, mut rest) = (String::with_capacity(text.len()), &*text);
    while let Some((before, after)) = rest.split_once('@') {
        let kept = before.trim_end_matches(is_name);
        let left = after.trim_start_matches(is_domain);
        if kept.len() < before.len() && left.len() < after.len() {
            shown.extend([kept, "(e-mail)"]);
            rest = left;
        } else {
            shown.extend([before, "@"]);
            rest = after;
        }
    }
    shown + rest
}

/// A whole number that every reader of JSON takes exactly is one; all else is text.
fn push_json(line: &mut String, value: &str) {
    let is_number = value.len() <= 15 && value.parse::<u64>().is_ok_and(|n| n.to_string() == value);
    if is_number {
        line.push_str(value);
        return;
    }
    line.push('"');
    for (written, character) in value.chars().enumerate() {
        if written == LONGEST {
            line.push('…');
            break;
        }
        match character {
            '"' | '\\' => line.extend(['\\', character]),
            other if is_obeyed(other) => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
            other => line.push(other),
        }
    }
    line.push('"');
}

/// As much of a value as is written.
const LONGEST: usize = 300;

fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'=';
    !value.is_empty() && value.len() <= LONGEST && value.bytes().all(plain)
}

fn push_quoted(line: &mut String, value: &str) {
    line.push('"');
    for (written, character) in value.chars().enumerate() {
        if written == LONGEST {
            line.push('…');
            break;
        }
        match character {
            '"' | '\\' => line.extend(['\\', character]),
            '\n' => line.push_str("\\n"),
            other if is_obeyed(other) => line.extend(other.escape_unicode()),
            other => line.push(other),
        }
    }
    line.push('"');
}

/// Whether a terminal or a viewer would act on a character instead of showing it: control
/// characters, ends of lines, and those that turn the direction of text and so hide what follows.
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(value: &str) -> String {
        let line = Line::info("m").with("k", value);
        line.text().split_once(" k=").expect("the key").1.to_owned()
    }

    #[test]
    fn values_are_quoted_when_they_must_be() {
        for (given, written) in [
            ("evt_1", "evt_1"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a=b", "\"a=b\""),
            ("a\"b\\", "\"a\\\"b\\\\\""),
            ("a\nmsg=forged", "\"a\\nmsg=forged\""),
            ("\u{1b}[31m", "\"\\u{1b}[31m\""),
            ("\u{202e}abc", "\"\\u{202e}abc\""),
            ("a\u{2028}b", "\"a\\u{2028}b\""),
            ("€", "\"€\""),
        ] {
            assert_eq!(value(given), written);
        }
    }

    #[test]
    fn addresses_of_people_are_not_written() {
        for (given, written) in [
            ("buyer@shop.example", "(e-mail)"),
            ("order of Jos\u{e9}.K+1@shop.example, paid", "order of (e-mail), paid"),
            ("a@b c@d", "(e-mail) (e-mail)"),
            ("<a@b>", "<(e-mail)>"),
            ("https://user:pass@host/", "https://user:(e-mail)/"),
            ("a@b@c", "(e-mail)@c"),
            ("@", "@"),
            ("at @ sea", "at @ sea"),
            ("a@\nb", "a@\nb"),
        ] {
            assert_eq!(without_addresses(given.to_owned()), written, "{given}");
        }
        assert_eq!(value("buyer@shop.example"), "(e-mail)");
        assert_eq!(json("buyer@shop.example").1["k"], "(e-mail)");
    }

    fn json(value: &str) -> (String, serde_json::Value) {
        let format = Format { json: true, journal: true };
        let line = Line::new(format, Level::Warn, "m").with("k", value).text();
        let object = line.strip_prefix("<4>").expect("the priority").to_owned();
        let parsed = serde_json::from_str(&object).expect("JSON");
        (object, parsed)
    }

    #[test]
    fn numbers_are_numbers_in_json() {
        for (given, read) in [
            ("17", serde_json::json!(17)),
            ("017", serde_json::json!("017")),
            ("-1", serde_json::json!("-1")),
            ("9007199254740993", serde_json::json!("9007199254740993")),
            ("", serde_json::json!("")),
        ] {
            let (_, parsed) = json(given);
            assert_eq!(parsed, serde_json::json!({"level": "warn", "msg": "m", "k": read}));
        }
    }

    #[test]
    fn the_journal_is_told_the_priority_and_no_time() {
        let format = Format { json: false, journal: true };
        let line = Line::new(format, Level::Error, "no disk").with("k", 1).text();
        assert_eq!(line, "<3>level=error msg=\"no disk\" k=1");
        let line = Line::new(format, Level::Info, "m").warning().text();
        assert_eq!(line, "<4>level=warn msg=m");
    }

    #[test]
    fn long_values_are_cut_off() {
        assert!(value(&"x".repeat(10_000)).chars().count() < 310);
    }

    proptest! {
        #[test]
        fn every_value_but_an_address_is_read_from_json_as_it_was(given in any::<String>()) {
            let given = given.replace('@', "");
            let (object, parsed) = json(&given);
            prop_assert!(!object.chars().any(is_obeyed));
            if parsed["k"].is_string() && given.chars().count() <= LONGEST {
                prop_assert_eq!(parsed["k"].as_str(), Some(&*given));
            }
        }

        #[test]
        fn no_value_ends_its_line_or_its_quotes(given in any::<String>()) {
            let written = value(&given);
            prop_assert!(!written.chars().any(char::is_control));
            if let Some(inner) = written.strip_prefix('"') {
                let inner = inner.strip_suffix('"').expect("a closing quote");
                prop_assert!(!inner.replace("\\\\", "").replace("\\\"", "").contains('"'));
            } else {
                prop_assert!(!written.contains([' ', '"', '=']));
            }
        }
    }
}
