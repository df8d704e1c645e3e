//! Everything that a person is told, in English and French: one catalogue, `Words`.
//!
//! A text stands in it once, with both languages beside each other: `texts!` lists texts by name, `names!`
//! gives the values of an enum their names. A text that is missing in a language and a value that has no
//! name do not compile. Texts know no logic: whoever speaks decides which is said, with which values.

/// A group of texts by name: `name: type = English, French;`. One that holds values is a function.
macro_rules! texts {
    (
        $(#[$about:meta])*
        $group:ident { $($(#[$doc:meta])* $name:ident: $type:ty = $english:expr, $french:expr;)+ }
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) struct $group {
            $($(#[$doc])* pub(crate) $name: $type,)+
        }

        impl $group {
            pub(crate) const ENGLISH: Self = Self { $($name: $english,)+ };
            pub(crate) const FRENCH: Self = Self { $($name: $french,)+ };
        }
    };
}

/// Names of the values of enums, as methods of [`Words`]: `value = English, French;`.
macro_rules! names {
    ($($(#[$about:meta])* $name:ident: $type:ident { $($value:ident = $english:expr, $french:expr;)+ })+) => {
        impl Words {
            $($(#[$about])*
            pub(crate) fn $name(&self, value: $type) -> Text {
                match value {
                    $($type::$value => match self.language {
                        Language::English => $english,
                        Language::French => $french,
                    },)+
                }
            })+
        }
    };
}

pub(crate) mod alerts;
pub(crate) mod dashboard;
pub mod explain;
pub mod issues;
mod names;
mod replay;

use crate::domain::language::Language;
use alerts::{Alerts, Report};
use dashboard::common::Common;
use dashboard::deliveries::Deliveries;
use dashboard::entry::Entry;
use dashboard::events::Events;
use dashboard::issues::Issues;
use dashboard::orphans::Orphans;
use dashboard::overview::Overview;
use dashboard::subscriptions::Subscriptions;
use dashboard::transactions::Transactions;
use explain::{Explain, Leads};
use replay::Replay;

/// A text that says always the same.
pub(crate) type Text = &'static str;

texts! {
    /// Everything that is said in one language.
    Words {
        language: Language = Language::English, Language::French;
        common: Common = Common::ENGLISH, Common::FRENCH;
        entry: Entry = Entry::ENGLISH, Entry::FRENCH;
        overview: Overview = Overview::ENGLISH, Overview::FRENCH;
        issues: Issues = Issues::ENGLISH, Issues::FRENCH;
        orphans: Orphans = Orphans::ENGLISH, Orphans::FRENCH;
        transactions: Transactions = Transactions::ENGLISH, Transactions::FRENCH;
        subscriptions: Subscriptions = Subscriptions::ENGLISH, Subscriptions::FRENCH;
        events: Events = Events::ENGLISH, Events::FRENCH;
        deliveries: Deliveries = Deliveries::ENGLISH, Deliveries::FRENCH;
        explain: Explain = Explain::ENGLISH, Explain::FRENCH;
        leads: Leads = Leads::ENGLISH, Leads::FRENCH;
        replay: Replay = Replay::ENGLISH, Replay::FRENCH;
        alerts: Alerts = Alerts::ENGLISH, Alerts::FRENCH;
        report: Report = Report::ENGLISH, Report::FRENCH;
    }
}

impl Words {
    /// In this language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &Self::ENGLISH,
            Language::French => &Self::FRENCH,
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

    /// Live or test, of money.
    pub(crate) fn mode(&self, livemode: bool) -> Text {
        if livemode { self.common.live } else { self.common.test }
    }
}

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
