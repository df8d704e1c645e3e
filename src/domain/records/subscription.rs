//! A subscription that the shop registered.

use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;

/// One row of `subscriptions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Row id; grows in the order of registration.
    pub id: i64,
    /// At whom it is paid.
    pub provider: Provider,
    /// Real money.
    pub livemode: bool,
    /// The provider's id: `sub_…`, `I-…`.
    pub reference: String,
    /// The shop's own id.
    pub own_id: Option<String>,
    /// What each payment of it comes to, in minor units, if that is fixed.
    pub amount: Option<i64>,
    /// The currency of `amount`.
    pub currency: Option<Currency>,
    /// When it was registered, UTC.
    pub created_at: Timestamp,
    /// When the shop said that no more is to be paid of it, UTC.
    pub ended_at: Option<Timestamp>,
    /// Transactions that are payments of it.
    pub payments: i64,
}

/// What a shop says of a subscription that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubscription {
    /// At whom it is paid.
    pub provider: Provider,
    /// Real money.
    pub livemode: bool,
    /// The provider's id.
    pub reference: String,
    /// The shop's own id.
    pub own_id: Option<String>,
    /// What each payment of it comes to, if that is fixed.
    pub amount: Option<i64>,
    /// The currency of `amount`.
    pub currency: Option<Currency>,
}

impl NewSubscription {
    /// Whether the same was said of a subscription with this id.
    pub fn is(&self, existing: &Subscription) -> bool {
        (&existing.own_id, existing.amount, existing.currency)
            == (&self.own_id, self.amount, self.currency)
    }
}

/// What became of the registration of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscribed {
    /// It is new; its payments that had come are its transactions now.
    Created(Subscription),
    /// It was registered before with the same facts.
    Existing(Subscription),
    /// It was registered before with other facts: this. Nothing was changed.
    Conflict(Subscription),
}

/// Which subscriptions; every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionFilter {
    /// At whom they are paid.
    pub provider: Option<Provider>,
    /// Real money.
    pub livemode: Option<bool>,
    /// The provider's id, or the shop's own.
    pub id: Option<String>,
    /// Those that have ended, or those that have not.
    pub ended: Option<bool>,
}

/// The subscription that a transaction is a payment of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfSubscription {
    /// Its number.
    pub id: i64,
    /// The provider's id.
    pub reference: String,
    /// The shop's own id.
    pub own_id: Option<String>,
    /// When it ended, UTC.
    pub ended_at: Option<Timestamp>,
}
