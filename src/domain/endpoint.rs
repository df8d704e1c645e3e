//! What may be wrong with a webhook endpoint at its provider.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::provider::Provider;

/// Something that is wrong with the endpoint that should be this daemon's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Whose endpoint it is.
    pub provider: Provider,
    /// Where the providers reach this machine, such as `https://shop.example`, if that is known.
    pub public_url: Option<String>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with an endpoint; `id` is the provider's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Flaw {
    /// There is none for this daemon.
    Missing,
    /// PayPal has none with the id that is configured.
    UnknownId,
    /// There is none for this daemon, and one that sends to this place.
    OnlyElsewhere {
        /// Where it sends to.
        url: String,
    },
    /// It sends to another place.
    Elsewhere {
        /// The endpoint.
        id: String,
        /// Where it sends to.
        url: String,
    },
    /// It sends nothing.
    Disabled {
        /// The endpoint.
        id: String,
    },
    /// It is about the other kind of money.
    WrongMode {
        /// The endpoint.
        id: String,
        /// Whether it should be about real money.
        livemode: bool,
    },
    /// It does not send all types that are acted on.
    Types {
        /// The endpoint.
        id: String,
        /// Those that it does not send.
        missing: Vec<String>,
    },
    /// It renders events in a version that is not known.
    Version {
        /// The endpoint.
        id: String,
        /// That version.
        version: String,
        /// The newest that is known.
        known: String,
    },
}

impl Flaw {
    /// Whether events are lost by it, all or some.
    pub fn loses_events(&self) -> bool {
        !matches!(self, Self::Version { .. })
    }

    /// Whether all events are.
    pub fn loses_all(&self) -> bool {
        !matches!(self, Self::Types { .. } | Self::Version { .. })
    }

    /// In a word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Missing | Self::UnknownId => "missing",
            Self::OnlyElsewhere { .. } | Self::Elsewhere { .. } => "elsewhere",
            Self::Disabled { .. } => "disabled",
            Self::WrongMode { .. } => "wrong_mode",
            Self::Types { .. } => "types",
            Self::Version { .. } => "version",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
