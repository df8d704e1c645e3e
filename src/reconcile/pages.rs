//! One page after another of either provider's list of events.

use std::time::Duration;

use super::windows::Window;
use crate::clients::api::ApiError;
use crate::clients::apis::Apis;
use crate::domain::provider::Provider;
use crate::providers::{Verified, paypal, stripe};

/// What both providers give at once at most. Fewer are asked for where events are so large that an
/// answer would be too.
const LARGEST: u32 = 100;

/// By so much windows overlap: Stripe knows whole seconds, and PayPal does not say whether their ends
/// belong to them.
pub(super) const EDGE: Duration = Duration::from_secs(1);

/// Some of the events of a window.
pub(super) enum Page {
    Stripe { page: stripe::api::EventPage, limit: u32 },
    Paypal(paypal::api::EventPage),
}

impl Page {
    /// The newest events of a window.
    pub(super) fn first(apis: &Apis, provider: Provider, window: Window) -> Result<Self, ApiError> {
        let mut limit = LARGEST;
        loop {
            match Self::ask(apis, provider, window, limit) {
                Err(ApiError::TooLarge { .. }) if limit > 1 => limit /= 2,
                asked => return asked,
            }
        }
    }

    fn ask(apis: &Apis, provider: Provider, window: Window, limit: u32) -> Result<Self, ApiError> {
        let Window { from, until } = window;
        Ok(match provider {
            Provider::Stripe => {
                let page = apis.stripe()?.events(from, until.plus(EDGE), limit, None)?;
                Self::Stripe { page, limit }
            }
            Provider::Paypal => {
                Self::Paypal(apis.paypal()?.events(from.minus(EDGE), until, limit)?)
            }
        })
    }

    /// Whether the window holds more events.
    pub(super) fn leads_on(&self) -> bool {
        match self {
            Self::Stripe { page, .. } => page.has_more,
            Self::Paypal(page) => page.next.is_some(),
        }
    }

    /// The page behind this one; `None` if it is the last.
    pub(super) fn next(&self, apis: &Apis, window: Window) -> Result<Option<Self>, ApiError> {
        match self {
            Self::Stripe { page, limit } => {
                let Some(last) = page.last_id().filter(|_| page.has_more) else { return Ok(None) };
                let Window { from, until } = window;
                let page = apis.stripe()?.events(from, until.plus(EDGE), *limit, Some(&last))?;
                Ok(Some(Self::Stripe { page, limit: *limit }))
            }
            Self::Paypal(page) => {
                let Some(next) = &page.next else { return Ok(None) };
                apis.paypal()?.next_events(next).map(Self::Paypal).map(Some)
            }
        }
    }

    /// Its events, the oldest first.
    pub(super) fn events(&self) -> Vec<Verified<'_>> {
        match self {
            Self::Stripe { page, .. } => page.events().rev().collect(),
            Self::Paypal(page) => page.events().rev().collect(),
        }
    }
}
