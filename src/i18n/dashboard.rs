//! What the dashboard says, in each of its languages.
//!
//! A text is written once, with both languages beside each other; one that is missing does not
//! compile. Each page has its texts in a file here.

/// Texts by name: `name: type = English, French;`.
macro_rules! texts {
    ($(#[$about:meta])* $name:ident { $($field:ident: $type:ty = $english:expr, $french:expr;)+ }) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)+
        }

        impl $name {
            pub(crate) const ENGLISH: Self = Self { $($field: $english,)+ };
            pub(crate) const FRENCH: Self = Self { $($field: $french,)+ };
        }
    };
}

mod common;
mod deliveries;
mod domain;
mod entry;
mod events;
mod issues;
mod orphans;
mod overview;
mod transactions;

use crate::domain::language::Language;
use common::Common;
use deliveries::Deliveries;
use entry::Entry;
use events::Events;
use issues::Issues;
use orphans::Orphans;
use overview::Overview;
use transactions::Transactions;

/// A text that says always the same.
pub(crate) type Text = &'static str;

/// Everything that is said in one language.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) language: Language,
    /// What stands on every page, and what values are written with.
    pub(crate) common: Common,
    /// Logging in, and what went wrong.
    pub(crate) entry: Entry,
    pub(crate) overview: Overview,
    pub(crate) issues: Issues,
    pub(crate) orphans: Orphans,
    pub(crate) transactions: Transactions,
    pub(crate) events: Events,
    pub(crate) deliveries: Deliveries,
}

impl Words {
    /// In this language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        }
    }

    /// In the language that the browser likes best of ours; English if it likes none.
    pub(crate) fn liked(accept_language: &str) -> &'static Self {
        let mut best = (Language::English, 0.0);
        for range in accept_language.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
            let primary = tag.trim().split('-').next().unwrap_or("").to_ascii_lowercase();
            let Some(language) = Language::parse(&primary) else { continue };
            if weight.is_some_and(|weight: f32| weight > best.1) {
                best = (language, weight.unwrap_or(0.0));
            }
        }
        Self::of(best.0)
    }
}

static ENGLISH: Words = Words {
    language: Language::English,
    common: Common::ENGLISH,
    entry: Entry::ENGLISH,
    overview: Overview::ENGLISH,
    issues: Issues::ENGLISH,
    orphans: Orphans::ENGLISH,
    transactions: Transactions::ENGLISH,
    events: Events::ENGLISH,
    deliveries: Deliveries::ENGLISH,
};

static FRENCH: Words = Words {
    language: Language::French,
    common: Common::FRENCH,
    entry: Entry::FRENCH,
    overview: Overview::FRENCH,
    issues: Issues::FRENCH,
    orphans: Orphans::FRENCH,
    transactions: Transactions::FRENCH,
    events: Events::FRENCH,
    deliveries: Deliveries::FRENCH,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_answered_in_the_language_that_it_likes_best() {
        for (accept, expected) in [
            ("", Language::English),
            ("fr", Language::French),
            ("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", Language::French),
            ("de, fr;q=0.7, en;q=0.3", Language::French),
            ("en-GB,fr;q=0.9", Language::English),
            ("fr;q=0, en;q=0.1", Language::English),
            ("de", Language::English),
            (";;;,q=,fr;q=nan", Language::English),
        ] {
            assert_eq!(Words::liked(accept).language, expected, "{accept}");
        }
    }
}
