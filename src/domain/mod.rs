//! What payhookd decides, as functions from values to values.
//!
//! Nothing here reads a clock, a file, a socket or a random number, and nothing here knows JSON,
//! SQL or HTTP; some values say by `serde` which parts and words they are kept as. An instant is an argument named `now`; a provider's own words stay in
//! [`crate::providers`].

/// An enum whose values have one public word each, the same in the database, the logs, the command
/// line and the API.
macro_rules! string_enum {
    (
        $(#[$about:meta])*
        $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The public word for this value.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value that `word` stands for; exact, lower case.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// The error says which words there are.
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::parse(word).ok_or_else(|| format!("give one of {}", [$($word,)+].join(", ")))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub mod amount_search;
pub mod app_outage;
pub mod change;
pub mod delivery;
pub mod discrepancy;
pub mod endpoint;
pub mod event;
pub mod fact;
pub mod issue;
pub mod language;
pub mod lookup_schedule;
pub mod matching;
pub mod merchant_action;
pub mod money;
pub mod orphan;
pub mod paid;
pub mod provider;
pub mod records;
pub mod reference;
pub mod refusal;
pub mod refusal_pattern;
pub mod retention;
pub mod secret;
pub mod silence;
pub mod subscription;
pub mod time;
pub mod transaction;
pub mod zone;
