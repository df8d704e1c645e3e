//! Links to a list with other filters than now.

use maud::{Markup, html};

use super::page::Failure;
use crate::http::api::query::Query;
use crate::i18n::Words;
use crate::i18n::dashboard::transactions::Transactions;

/// The filters of a list as they are now.
#[derive(Debug)]
pub(super) struct Filters {
    path: &'static str,
    said: Vec<(&'static str, String)>,
}

impl Filters {
    /// Of the list at `path`, as they are said. A value is cut after so many bytes that links which
    /// repeat it stay short.
    pub(super) fn of(
        path: &'static str,
        names: &[&'static str],
        said: &Query,
    ) -> Result<Self, Failure> {
        let mut filters = Self { path, said: Vec::new() };
        for name in names {
            let value = said.get(name, |text| Ok(beginning(text.trim(), LONGEST).to_owned()))?;
            filters
                .said
                .extend(value.filter(|value| !value.is_empty()).map(|value| (*name, value)));
        }
        Ok(filters)
    }

    /// What is said of this one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.said.iter().find(|(said, _)| *said == name).map(|(_, value)| &**value)
    }

    /// Whether any of these is said.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    /// The list as it is filtered now, from its beginning.
    pub(super) fn path(&self) -> String {
        path(self.path, self.said.iter().map(|(name, value)| (*name, &**value)))
    }

    /// The list with this filter in place of what is said of it now. Another beginning of the time has
    /// no end.
    pub(super) fn with(&self, name: &'static str, value: Option<&str>) -> String {
        let goes = |said: &str| said == name || (name == "since" && said == "until");
        let others = self.said.iter().filter(|(said, _)| !goes(said));
        let others = others.map(|(name, value)| (*name, &**value));
        path(self.path, others.chain(value.map(|value| (name, value))))
    }

    /// Every value that can be chosen, and that it does not matter. `values` are the value and the
    /// text of each.
    pub(super) fn choice(
        &self,
        label: &str,
        any: &str,
        name: &'static str,
        values: &[(&str, &str)],
    ) -> Markup {
        let now = self.get(name);
        let current = |is: bool| is.then_some("true");
        html! {
            ul.filters aria-label=(label) {
                li { a href=(self.with(name, None)) aria-current=[current(now.is_none())] { (any) } }
                @for (value, text) in values {
                    li {
                        a href=(self.with(name, Some(value))) aria-current=[current(now == Some(*value))] {
                            (text)
                        }
                    }
                }
            }
        }
    }

    /// What is said, as fields of a form that says these anew.
    pub(super) fn fields_beside(&self, names: &[&str]) -> Markup {
        html! {
            @for (name, value) in self.said.iter().filter(|(said, _)| !names.contains(said)) {
                input type="hidden" name=(name) value=(value);
            }
        }
    }

    /// Links that each take a period that ends now, or any.
    pub(super) fn lately(&self, label: &str, texts: &Transactions) -> Markup {
        let [hour, day, week, month] = texts.lately;
        let periods = [("1h", hour), ("24h", day), ("7d", week), ("30d", month)];
        self.choice(label, texts.any_time, "since", &periods)
    }

    /// A form for the first and the last day that are wanted.
    pub(super) fn days(&self, words: &Words) -> Markup {
        let texts = &words.transactions;
        // What is no date, such as `2d`, is chosen by a link.
        let day = |name: &str| self.get(name).filter(|said| said.len() == "2026-11-23".len());
        html! {
            form.card method="get" action=(self.path) {
                (self.fields_beside(&["since", "until"]))
                div.row {
                    div {
                        label for="since" { (texts.first_day) }
                        input #since type="date" name="since" value=[day("since")];
                    }
                    div {
                        label for="until" { (texts.last_day) }
                        input #until type="date" name="until" value=[day("until")];
                    }
                    button { (texts.days_button) }
                }
            }
        }
    }
}

/// A path of ours with parameters.
pub(super) fn path<'p>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'static str, &'p str)>,
) -> String {
    let mut text = path.to_owned();
    for (place, (name, value)) in parameters.into_iter().enumerate() {
        text.push(if place == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    text.push(char::from(byte));
                }
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    text
}

/// As many whole characters of it as fit so many bytes.
fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Bytes of a value that links repeat. Ids that are longer are found by their beginning.
const LONGEST: usize = 100;

/// The first parts of the paths that are the dashboard's.
const PARTS: &[&str] = &[
    "",
    "assets",
    "deliveries",
    "events",
    "issues",
    "login",
    "logout",
    "orphans",
    "subscriptions",
    "transactions",
];

/// Whether a path is the dashboard's, be there a page or not.
pub(super) fn is_ours(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
    path.starts_with('/') && PARTS.contains(&first)
}

/// Whether a path is one of the dashboard's pages, to go there after logging in.
pub(super) fn is_page(path: &str) -> bool {
    let clean = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let known = path.split('?').next().unwrap_or("");
    let first = known.split('/').nth(1).unwrap_or("");
    clean
        && is_ours(known)
        && !["assets", "login", "logout"].contains(&first)
        && !known.contains("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(said: &str) -> Filters {
        let said =
            Query::parse(said, &["q", "status", "since", "until", "cursor"]).expect("a query");
        Filters::of("/list", &["q", "status", "since", "until"], &said).expect("filters")
    }

    #[test]
    fn a_link_changes_one_filter_and_keeps_the_others() {
        let now = filters("q=A%261&status=failed&cursor=7");
        assert_eq!(now.path(), "/list?q=A%261&status=failed");
        assert_eq!(now.with("status", Some("a b")), "/list?q=A%261&status=a%20b");
        assert_eq!(now.with("q", None), "/list?status=failed");
        assert_eq!(filters("q=+&status=").path(), "/list");
        let days = filters("since=2026-11-01&until=2026-11-30&q=a");
        assert_eq!(days.with("since", Some("1h")), "/list?q=a&since=1h");
        assert_eq!(days.with("q", None), "/list?since=2026-11-01&until=2026-11-30");
    }

    #[test]
    fn what_is_said_is_cut_between_characters() {
        let long = filters(&format!("q={}", "%C3%A9".repeat(10_000)));
        assert_eq!(long.get("q").map(str::len), Some(100));
        assert_eq!(beginning("aé", 2), "a");
    }

    #[test]
    fn only_pages_of_ours_are_gone_to_after_logging_in() {
        assert!(is_page("/") && is_page("/orphans/7?a=b"));
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/login",
            "/logout",
            "/a",
        ] {
            assert!(!is_page(elsewhere), "{elsewhere}");
        }
    }
}
