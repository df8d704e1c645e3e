//! What became of a payment: a pure function of the set of facts about it.
//!
//! There is no machine that walks from status to status as events arrive. Each object of the
//! provider (a PaymentIntent, a charge, a refund, a dispute, …) is a *register* that keeps the
//! fact with the greatest key; sums and status are derived from all registers. Keys never contain
//! the time of arrival, so every order of the same events, with any repeats, ends in one state.
//!
//! Money is added up over payments, each currency by itself (`sums`, `bills`, `refunds`). The status
//! is that of `unpaid` until money came; then refunds and `disputes` tell.

pub mod aftermath;
pub mod attempts;
mod bills;
mod disputes;
mod payments;
pub mod refunds;
mod sums;
mod unpaid;

use std::collections::BTreeMap;

use super::fact::{Fact, FactState};
use super::money::Currency;
use super::provider::Provider;
use super::reference::ReferenceKind;
use super::time::Timestamp;
use payments::Sum;

string_enum! {
    /// The public status of a transaction.
    Status {
        /// Known, nothing attempted.
        Pending = "pending",
        /// The buyer (3-D Secure, a bank transfer) or the shop (an approved order) must act.
        RequiresAction = "requires_action",
        /// Money under way, outcome open.
        Processing = "processing",
        /// Held, not captured.
        Authorized = "authorized",
        /// The last attempt failed; it may still succeed.
        Failed = "failed",
        /// Will not happen.
        Canceled = "canceled",
        /// Money received.
        Succeeded = "succeeded",
        /// Money received, part of it given back.
        PartiallyRefunded = "partially_refunded",
        /// All of it given back.
        Refunded = "refunded",
        /// A chargeback or a case is open.
        Disputed = "disputed",
        /// Lost, at least partly.
        ChargedBack = "charged_back",
    }
}

string_enum! {
    /// Where disputes about a transaction stand; beside the status, because an inquiry takes no
    /// money and a won dispute gives it back.
    DisputeStatus {
        /// There was none.
        None = "none",
        /// The bank asks; no money was taken.
        Inquiry = "inquiry",
        /// The question ended without a chargeback.
        InquiryClosed = "inquiry_closed",
        /// Open: the money is withheld.
        Open = "open",
        /// Closed for the shop.
        Won = "won",
        /// Closed for the buyer.
        Lost = "lost",
        /// Resolved before it became a chargeback.
        Prevented = "prevented",
        /// Closed with an outcome that the provider does not tell.
        Closed = "closed",
    }
}

string_enum! {
    /// Whether what was received is what the shop expected.
    AmountCheck {
        /// Nothing was received yet, or the shop did not say what it expects.
        Unknown = "unknown",
        /// As expected.
        Ok = "ok",
        /// Less.
        Underpaid = "underpaid",
        /// More.
        Overpaid = "overpaid",
        /// In another currency.
        WrongCurrency = "wrong_currency",
    }
}

impl AmountCheck {
    /// Whether the shop must be told: it received something else than it expects.
    pub fn is_wrong(self) -> bool {
        matches!(self, Self::Underpaid | Self::Overpaid | Self::WrongCurrency)
    }
}

/// What the shop said that it expects, when it registered the transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Minor units, as the provider counts them.
    pub amount: Option<i64>,
    /// The currency of `amount`.
    pub currency: Option<Currency>,
    /// The shop takes deposits: payments that are found by the order id alone and are less than
    /// `amount` add up.
    pub partial: bool,
}

/// What is true of a transaction, as far as the facts tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The public status.
    pub status: Status,
    /// Minor units of `currency` that were taken, before refunds.
    pub amount_received: i64,
    /// Minor units of `currency` that went back by refunds, at most `amount_received`.
    pub amount_refunded: i64,
    /// The currency of the money received; before that the expected one.
    pub currency: Option<Currency>,
    /// Where disputes stand.
    pub dispute_status: DisputeStatus,
    /// Whether the amount is what the shop expected.
    pub amount_check: AmountCheck,
    /// The provider's time of the fact that decided `status`; `None` while no fact speaks for it.
    pub status_changed_at: Option<Timestamp>,
    /// The event that holds the provider's newest object.
    pub latest_event_id: Option<Box<str>>,
    /// Money in other currencies than `currency`, each currency once, in their alphabetical order.
    pub other_money: Vec<OtherMoney>,
    /// Whether two bodies came for one of its events, of which one is forged. Facts say nothing of that:
    /// [`fold`] leaves it `false`, and whoever knows the events sets it.
    pub doubtful: bool,
}

impl State {
    /// Minor units that were taken and did not go back, by currency; none of them zero.
    pub fn held(&self) -> BTreeMap<Currency, i64> {
        let own =
            self.currency.map(|currency| (currency, self.amount_received - self.amount_refunded));
        let other = self.other_money.iter().map(|one| (one.currency, one.received - one.refunded));
        own.into_iter().chain(other).filter(|(_, minor)| *minor > 0).collect()
    }
}

/// Money of a transaction in a currency beside the one that it is reckoned in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherMoney {
    /// The currency of both amounts.
    pub currency: Currency,
    /// Minor units that were taken, before refunds.
    pub received: i64,
    /// Minor units that went back by refunds, at most `received`.
    pub refunded: i64,
}

/// What a payment has come to so far, before anything went back: by it a payment is judged that is led to
/// its transaction by nothing better than an order id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Takings {
    /// Minor units that were taken, by currency; none of them zero.
    pub taken: BTreeMap<Currency, i64>,
    /// Minor units that are held and not taken, by currency; none of them zero.
    pub held: BTreeMap<Currency, i64>,
}

/// The state that follows from `facts`.
///
/// `facts` is read as a set: their order and repeats change nothing.
pub fn fold<'f>(
    provider: Provider,
    expected: Expected,
    facts: impl IntoIterator<Item = &'f Fact>,
) -> State {
    let all: Vec<&Fact> = facts.into_iter().collect();
    let told = told(all.iter().copied());
    let disputes = disputes::registers(provider, &told);
    let sums = sums::of(provider, &all, &disputes);
    let currency = money_currency(provider, &expected, &told, &sums);
    let main = currency.and_then(|currency| sums.get(&currency)).copied().unwrap_or_default();
    let paid = paid_at(provider, &told, !sums.is_empty());
    let (status, status_changed_at) = match paid {
        Some(paid_at) => after_payment(paid_at, &sums, &disputes),
        None => before_payment(provider, &told),
    };
    let other_money = other_money(&sums, currency);
    let received = Received { currency, main, other_money: &other_money };
    State {
        status,
        amount_received: main.received,
        amount_refunded: main.refunded,
        currency,
        dispute_status: disputes::worst(&disputes),
        amount_check: match paid {
            Some(_) => received.check(&expected, &told),
            None => AmountCheck::Unknown,
        },
        status_changed_at,
        latest_event_id: all
            .iter()
            .max_by_key(|fact| (fact.occurred_at, settledness(fact.state), &fact.event_id))
            .map(|fact| fact.event_id.clone()),
        other_money,
        doubtful: false,
    }
}

/// What was taken and what is held by `facts`, which are read as a set.
pub fn takings<'f>(provider: Provider, facts: impl IntoIterator<Item = &'f Fact>) -> Takings {
    let told = told(facts);
    let sums = sums::of(provider, &told, &[]);
    let taken: BTreeMap<Currency, i64> =
        sums.into_iter().map(|(currency, sum)| (currency, sum.received)).collect();
    let held = unpaid::held(provider, &told, &taken);
    Takings { taken, held }
}

/// The newest fact about each dispute among `facts`, and where they stand together: the dispute status
/// of [`fold`].
pub fn disputes(provider: Provider, facts: &[&Fact]) -> (Vec<Fact>, DisputeStatus) {
    let disputes = disputes::registers(provider, &told(facts.iter().copied()));
    let status = disputes::worst(&disputes);
    (disputes.into_iter().cloned().collect(), status)
}

/// From a contradiction nothing is concluded; its event still holds an object.
fn told<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<&'f Fact> {
    facts.into_iter().filter(|fact| fact.state != FactState::Conflict).collect()
}

/// When the money was taken, if it was. Success is absorbing: nothing takes it back to an earlier
/// status.
fn paid_at(provider: Provider, facts: &[&Fact], has_money: bool) -> Option<Timestamp> {
    let is_money = |fact: &Fact| {
        has_money && takes_money(provider, fact.object) && fact.captured.is_some_and(|sum| sum > 0)
    };
    let says_paid = |fact: &&&Fact| match fact.state {
        FactState::Succeeded if fact.object == ReferenceKind::PaymentIntent => true,
        FactState::NoPayment => true,
        // Nothing was due, or a balance of the buyer's paid it.
        FactState::InvoicePaid if fact.captured == Some(0) => true,
        _ => is_money(fact),
    };
    facts.iter().filter(says_paid).map(|fact| fact.occurred_at).min()
}

fn after_payment(
    paid_at: Timestamp,
    sums: &BTreeMap<Currency, Sum>,
    disputes: &[&Fact],
) -> (Status, Option<Timestamp>) {
    let newest = |state: FactState| {
        disputes.iter().filter(|fact| fact.state == state).map(|fact| fact.occurred_at).max()
    };
    if let Some(at) = newest(FactState::DisputeOpen) {
        return (Status::Disputed, Some(at));
    }
    if let Some(at) = newest(FactState::DisputeLost) {
        return (Status::ChargedBack, Some(at));
    }
    let gave_back = || sums.values().filter(|sum| sum.refunded > 0);
    if gave_back().next().is_none() {
        return (Status::Succeeded, Some(paid_at));
    }
    let refunded_at = gave_back().filter_map(|sum| sum.refunded_at).max().or(Some(paid_at));
    // Of money in several currencies all has gone back when all of each has.
    match sums.values().all(|sum| sum.refunded >= sum.received) {
        true => (Status::Refunded, refunded_at),
        false => (Status::PartiallyRefunded, refunded_at),
    }
}

fn before_payment(provider: Provider, facts: &[&Fact]) -> (Status, Option<Timestamp>) {
    let decided = match provider {
        Provider::Stripe => unpaid::stripe(facts),
        Provider::Paypal => unpaid::paypal(facts),
    };
    match decided {
        Some((status, at)) => (status, Some(at)),
        None => (Status::Pending, None),
    }
}

/// One register per object: the fact with the greatest key. Every key ends in the fact itself,
/// whose order begins with time and event, so that only equal facts tie.
fn registers<'f, K: Ord>(
    facts: impl Iterator<Item = &'f Fact>,
    key: impl Fn(&'f Fact) -> K,
) -> BTreeMap<&'f str, &'f Fact> {
    let mut registers: BTreeMap<&str, &Fact> = BTreeMap::new();
    for fact in facts {
        let register = registers.entry(&fact.object_id).or_insert(fact);
        if key(fact) > key(register) {
            *register = fact;
        }
    }
    registers
}

/// When the object was last changed, as far as the fact tells.
fn changed_at(fact: &Fact) -> Timestamp {
    fact.object_at.unwrap_or(fact.occurred_at)
}

/// The objects that take money.
fn is_payment(provider: Provider, object: ReferenceKind) -> bool {
    use ReferenceKind::{Capture, Charge, PaymentIntent, Sale};
    match provider {
        Provider::Stripe => matches!(object, PaymentIntent | Charge),
        Provider::Paypal => matches!(object, Capture | Sale),
    }
}

/// The objects that take money, and those that tell only that they were paid.
fn takes_money(provider: Provider, object: ReferenceKind) -> bool {
    use ReferenceKind::{CheckoutSession, Invoice, InvoicePayment};
    let is_bill = matches!(object, CheckoutSession | Invoice | InvoicePayment);
    is_payment(provider, object) || (provider == Provider::Stripe && is_bill)
}

/// The expected currency if any money came in it, otherwise that of the newest money, otherwise
/// the expected one, otherwise the newest that was named at all.
fn money_currency(
    provider: Provider,
    expected: &Expected,
    facts: &[&Fact],
    sums: &BTreeMap<Currency, Sum>,
) -> Option<Currency> {
    if expected.currency.is_some_and(|currency| sums.contains_key(&currency)) {
        return expected.currency;
    }
    let currency = |fact: &Fact| fact.amount.map(|amount| amount.currency);
    let is_money = |fact: &Fact| {
        fact.captured.is_some_and(|sum| sum > 0)
            && takes_money(provider, fact.object)
            && currency(fact).is_some_and(|currency| sums.contains_key(&currency))
    };
    // What a payment says of its own money outweighs what a bill says.
    let money = facts
        .iter()
        .copied()
        .filter(|fact| is_money(fact))
        .max_by_key(|fact| (is_payment(provider, fact.object), *fact));
    let named = || facts.iter().copied().filter(|fact| fact.amount.is_some()).max();
    money.and_then(currency).or(expected.currency).or_else(|| named().and_then(currency))
}

fn other_money(sums: &BTreeMap<Currency, Sum>, main: Option<Currency>) -> Vec<OtherMoney> {
    let others = sums.iter().filter(|(currency, _)| Some(**currency) != main);
    let money = |(currency, sum): (&Currency, &Sum)| OtherMoney {
        currency: *currency,
        received: sum.received,
        refunded: sum.refunded,
    };
    others.map(money).collect()
}

/// All money of a transaction, as it is compared with what was expected.
struct Received<'m> {
    currency: Option<Currency>,
    main: Sum,
    other_money: &'m [OtherMoney],
}

impl Received<'_> {
    /// Something is to be checked once the payment was made, be it of nothing.
    fn check(&self, expected: &Expected, facts: &[&Fact]) -> AmountCheck {
        let Some(amount) = expected.amount else { return AmountCheck::Unknown };
        // Nothing is nothing in every currency.
        if self.main.received > 0 && expected.currency != self.currency {
            return self.check_converted(amount, expected, facts);
        }
        let check = self.compare(amount);
        match (self.has_more_besides(), check) {
            (false, _) => check,
            (true, AmountCheck::Underpaid) => AmountCheck::WrongCurrency,
            (true, _) => AmountCheck::Overpaid,
        }
    }

    fn compare(&self, amount: i64) -> AmountCheck {
        let kept = self.main.received.saturating_sub(self.main.refunded);
        match self.main.received < amount {
            true => AmountCheck::Underpaid,
            // A surplus that went back is none.
            false if kept > amount => AmountCheck::Overpaid,
            false => AmountCheck::Ok,
        }
    }

    /// Money in another currency counts until it has gone back.
    fn has_more_besides(&self) -> bool {
        self.other_money.iter().any(|money| money.received > money.refunded)
    }

    /// The buyer paid in a currency of his own what the session asks in the shop's.
    fn check_converted(&self, amount: i64, expected: &Expected, facts: &[&Fact]) -> AmountCheck {
        let is_of_all = |fact: &Fact| {
            fact.object == ReferenceKind::CheckoutSession
                && fact.captured == Some(self.main.received)
                && fact.amount.map(|amount| amount.currency) == self.currency
        };
        let in_shop_money = |fact: &Fact| {
            let money = fact.shop_money.filter(|_| is_of_all(fact))?;
            (Some(money.currency) == expected.currency).then_some((fact.occurred_at, money.minor))
        };
        let converted = facts.iter().filter_map(|fact| in_shop_money(fact)).max();
        match converted.filter(|_| !self.has_more_besides()) {
            None => AmountCheck::WrongCurrency,
            Some((_, minor)) if minor < amount => AmountCheck::Underpaid,
            Some((_, minor)) if minor > amount => AmountCheck::Overpaid,
            Some(_) => AmountCheck::Ok,
        }
    }
}

/// Which of two facts of one second holds the newer object.
fn settledness(state: FactState) -> u8 {
    match state {
        // They say nothing of the payment's own course.
        FactState::Created
        | FactState::Conflict
        | FactState::FraudWarning
        | FactState::ReviewOpened
        | FactState::ReviewClosed => 0,
        FactState::RequiresAction | FactState::InvoiceRequiresAction | FactState::Approved => 1,
        FactState::Processing
        | FactState::AttemptFailed
        | FactState::InvoiceAttemptFailed
        | FactState::Authorized => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests;
