//! The parameters of a request: those that the operation knows, each once, each checked.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::problem::Problem;
use crate::domain::records::Page;
use crate::domain::time::Timestamp;

/// The parameters that stand in a query.
#[derive(Debug)]
pub(in crate::http) struct Query(Vec<(String, String)>);

/// The most rows of a page.
pub const LARGEST_PAGE: u32 = 200;
/// The rows of a page that is not told how many.
pub const USUAL_PAGE: u32 = 50;
/// How long an answer may be waited for, in seconds.
pub const LONGEST_WAIT: u64 = 60;
/// Parameters that may stand more than once.
const REPEATABLE: &[&str] = &["status"];

impl Query {
    /// Reads a query string. Parameters that are not `known` are refused, because a filter that is
    /// misspelt would silently let everything through; so are those that stand twice.
    pub(in crate::http) fn parse(text: &str, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut unknown = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| decode(&text.replace('+', " "));
            let name = decoded(name).ok_or_else(|| Problem::invalid(NOT_ENCODED))?;
            let value = decoded(value).ok_or_else(|| Problem::field(&name, NOT_ENCODED))?;
            if !known.contains(&&*name) {
                unknown.push(name);
                continue;
            }
            if !REPEATABLE.contains(&&*name) && pairs.iter().any(|(before, _)| *before == name) {
                return Err(Problem::field(&name, "given twice"));
            }
            pairs.push((name, value));
        }
        match unknown.first() {
            None => Ok(Self(pairs)),
            Some(first) => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let detail =
                    format!("no such parameter: {}; there are {known}", unknown.join(", "));
                Err(Problem::field(first, detail))
            }
        }
    }

    /// The value of a parameter, as `parse` reads it; it says what to give instead.
    pub(in crate::http) fn get<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Problem> {
        let Some((_, value)) = self.0.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        parse(value).map(Some).map_err(|detail| Problem::field(name, detail))
    }

    /// One of these words.
    pub(in crate::http) fn word<T: Copy + ToString>(
        &self,
        name: &str,
        all: &[T],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        self.get(name, |text| parse(text).ok_or_else(|| give_one_of(all)))
    }

    /// Any of these words: the parameter may be repeated, or list them with commas.
    pub(in crate::http) fn words<T: Copy + ToString>(
        &self,
        name: &str,
        all: &[T],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Problem> {
        let values = self.0.iter().filter(|(known, _)| known == name);
        let words = values.flat_map(|(_, value)| value.split(','));
        words
            .map(|word| parse(word).ok_or_else(|| Problem::field(name, give_one_of(all))))
            .collect()
    }

    /// `true` or `false`.
    pub(in crate::http) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.get(name, |text| text.parse().map_err(|_| "give true or false".to_owned()))
    }

    /// An RFC 3339 instant.
    pub(in crate::http) fn instant(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.get(name, |text| {
            Timestamp::parse(text).map_err(|error| format!("{error}; write + as %2B"))
        })
    }

    /// The id of a row.
    pub(in crate::http) fn row_id(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.get(name, |text| positive(text).ok_or_else(|| "give a number from 1".to_owned()))
    }

    /// `limit`
    pub(in crate::http) fn limit(&self) -> Result<u32, Problem> {
        let limit = self.get("limit", |text| match positive(text).map(u32::try_from) {
            Some(Ok(limit @ 1..=LARGEST_PAGE)) => Ok(limit),
            _ => Err(format!("give a number from 1 to {LARGEST_PAGE}")),
        })?;
        Ok(limit.unwrap_or(USUAL_PAGE))
    }

    /// `limit` and `cursor`.
    pub(in crate::http) fn page(&self) -> Result<Page, Problem> {
        let cursor = |text: &str| positive(text).ok_or("give the next_cursor of the page before");
        let before = self.get("cursor", |text| cursor(text).map_err(str::to_owned))?;
        Ok(Page { before, limit: self.limit()? })
    }

    /// `wait`
    pub(super) fn wait(&self) -> Result<Option<Duration>, Problem> {
        self.get("wait", |text| match positive(text).map(u64::try_from) {
            Some(Ok(seconds @ 1..=LONGEST_WAIT)) => Ok(Duration::from_secs(seconds)),
            _ => Err(format!("give seconds from 1 to {LONGEST_WAIT}")),
        })
    }
}

/// A number from 1, written as we write it. No id of ours has more than 18 digits.
pub(in crate::http) fn positive(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && text.len() <= 18 && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// The text that is percent-encoded (RFC 3986); `None` if it is not UTF-8.
pub(in crate::http) fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}

fn give_one_of<T: ToString>(all: &[T]) -> String {
    let words: Vec<_> = all.iter().map(ToString::to_string).collect();
    format!("give one of {}", words.join(", "))
}

const NOT_ENCODED: &str = "not UTF-8 in percent-encoding";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_known_and_stand_once() {
        let known = &["status", "limit"];
        let query = Query::parse("status=a&status=b,c&&limit=%37", known).expect("a query");
        let parse = |word: &str| (!word.is_empty()).then_some(0);
        assert_eq!(query.words("status", &[0], parse).map(|words| words.len()).ok(), Some(3));
        assert_eq!(query.limit().ok(), Some(7));
        for wrong in ["limit=1&limit=1", "limt=1", "=1", "limit=%", "limit", "limit=0", "limit=+1"]
        {
            let query = Query::parse(wrong, known);
            assert!(query.and_then(|query| query.limit()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(text in ".*") {
            let _ = Query::parse(&text, &["status", "cursor"]).map(|query| query.page());
        }
    }
}
