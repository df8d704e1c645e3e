//! Log lines: `key=value`, one line per unit of work, whatever a sender puts into a value.

use std::fmt::{Display, Write};

use log::Level;

use crate::clock::Clock;

/// One line under construction. It begins with `time`, `level` and `msg`; keys follow in the order
/// in which they are added.
#[derive(Debug)]
#[must_use = "a line is written by `emit`"]
pub struct Line {
    level: Level,
    text: String,
}

impl Line {
    /// A line that wakes someone.
    pub fn error(msg: &str) -> Self {
        Self::new(Level::Error, msg)
    }

    /// A line that will wake someone if it repeats.
    pub fn warn(msg: &str) -> Self {
        Self::new(Level::Warn, msg)
    }

    /// A line of the ordinary course of things.
    pub fn info(msg: &str) -> Self {
        Self::new(Level::Info, msg)
    }

    /// A line for us.
    pub fn debug(msg: &str) -> Self {
        Self::new(Level::Debug, msg)
    }

    fn new(level: Level, msg: &str) -> Self {
        let line = Self { level, text: String::with_capacity(256) };
        let name = match level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug | Level::Trace => "debug",
        };
        line.with("time", Clock::SYSTEM.now()).with("level", name).with("msg", msg)
    }

    /// Adds `key=value`. A value that is not one plain word is quoted and escaped, and cut off
    /// after 300 characters.
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(key);
        self.text.push('=');
        let start = self.text.len();
        // Writing to a String does not fail.
        let _ = write!(self.text, "{value}");
        if !is_plain(&self.text[start..]) {
            let value = self.text.split_off(start);
            push_quoted(&mut self.text, &value);
        }
        self
    }

    /// Adds `key=value` if there is a value.
    pub fn with_some(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The same line, as a warning.
    pub fn warning(mut self) -> Self {
        self.text = self.text.replacen(" level=info ", " level=warn ", 1);
        self.level = Level::Warn;
        self
    }

    /// Hands the line to the log.
    pub fn emit(self) {
        log::log!(target: "payhookd", self.level, "{}", self.text);
    }
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
        line.text.split_once(" k=").expect("the key").1.to_owned()
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
    fn long_values_are_cut_off() {
        assert!(value(&"x".repeat(10_000)).chars().count() < 310);
    }

    proptest! {
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
