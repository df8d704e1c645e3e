//! What became of a payment: a pure function of the set of facts about it.
//!
//! There is no machine that walks from status to status as events arrive. Each object of the
//! provider (a PaymentIntent, a charge, a refund, a dispute, …) is a *register* that keeps the
//! fact with the greatest key; sums and status are derived from all registers. Keys never contain
//! the time of arrival, so every order of the same events, with any repeats, ends in one state.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Provider, ReferenceKind};
use super::fact::{Fact, FactState};
use super::money::Currency;
use super::time::Timestamp;

words! {
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

words! {
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

words! {
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

/// The state that follows from `facts`.
///
/// `facts` is read as a set: their order and repeats change nothing.
pub fn fold<'f>(
    provider: Provider,
    expected: Expected,
    facts: impl IntoIterator<Item = &'f Fact>,
) -> State {
    let all: Vec<&Fact> = facts.into_iter().collect();
    // From a contradiction nothing is concluded; its event still holds an object.
    let told: Vec<&Fact> =
        all.iter().copied().filter(|fact| fact.state != FactState::Conflict).collect();
    let currency = money_currency(provider, &expected, &told);
    let books = Books { provider, currency, facts: &told };

    let amount_received = books.captured();
    let amount_refunded = books.refunded().min(amount_received);
    let disputes = books.disputes();
    let dispute_status = worst_dispute(&disputes);
    let paid = books.paid(amount_received);
    let (status, status_changed_at) = match paid {
        Some(paid_at) => books.after_payment(paid_at, amount_received, amount_refunded, &disputes),
        None => books.before_payment(),
    };
    State {
        status,
        amount_received,
        amount_refunded,
        currency,
        dispute_status,
        amount_check: check_amount(&expected, currency, amount_received, paid.is_some()),
        status_changed_at,
        latest_event_id: all
            .iter()
            .max_by_key(|fact| (fact.occurred_at, settledness(fact.state), &fact.event_id))
            .map(|fact| fact.event_id.clone()),
        other_money: Vec::new(),
    }
}

/// The newest fact about each dispute among `facts`, and where they stand together: the dispute status
/// of [`fold`].
pub fn disputes(provider: Provider, facts: &[&Fact]) -> (Vec<Fact>, DisputeStatus) {
    let told: Vec<&Fact> =
        facts.iter().copied().filter(|fact| fact.state != FactState::Conflict).collect();
    let disputes = Books { provider, currency: None, facts: &told }.disputes();
    let status = worst_dispute(&disputes);
    (disputes.into_iter().cloned().collect(), status)
}

/// The facts of one transaction, and what they are summed in.
struct Books<'f> {
    provider: Provider,
    currency: Option<Currency>,
    facts: &'f [&'f Fact],
}

impl<'f> Books<'f> {
    fn of(&self, object: ReferenceKind) -> impl Iterator<Item = &'f Fact> {
        self.facts.iter().copied().filter(move |fact| fact.object == object)
    }

    /// What was taken. Several objects report the same money, so kinds are compared by maximum
    /// and never added; only payments of one kind add up.
    fn captured(&self) -> i64 {
        let most = |kinds: &[ReferenceKind]| {
            kinds.iter().map(|kind| self.taken_by(&[*kind])).max().unwrap_or(0)
        };
        match self.provider {
            Provider::Stripe => match most(payments(self.provider)) {
                0 => most(bills(self.provider)),
                direct => direct,
            },
            // A v1 sale and a v2 capture of one payment carry one id, so they are one entry here.
            Provider::Paypal => self.taken_by(payments(self.provider)),
        }
    }

    /// The sum over objects of these kinds of the most that each is known to have taken.
    fn taken_by(&self, kinds: &[ReferenceKind]) -> i64 {
        let mut taken: BTreeMap<&str, i64> = BTreeMap::new();
        for fact in self.facts.iter().filter(|fact| kinds.contains(&fact.object)) {
            if let Some(captured) = fact.captured.filter(|_| self.counts(fact)) {
                let entry = taken.entry(&fact.object_id).or_default();
                *entry = (*entry).max(captured);
            }
        }
        taken.into_values().fold(0, i64::saturating_add)
    }

    fn counts(&self, fact: &Fact) -> bool {
        fact.amount.is_some_and(|amount| Some(amount.currency) == self.currency)
    }

    /// What went back, per charge, capture or sale: the larger of what the single refunds add up
    /// to and what the parent's running total says, because either may have been missed.
    fn refunded(&self) -> i64 {
        let refunds =
            registers(self.of(ReferenceKind::Refund), |fact| (refund_rank(fact.state), fact));
        let mut parents: BTreeMap<&str, ParentRefunds<'f>> = BTreeMap::new();
        for fact in self.facts.iter().filter(|fact| fact.refunded.is_some() && self.counts(fact)) {
            let parent = match fact.object {
                ReferenceKind::Refund => fact.parent_id.as_deref().unwrap_or(""),
                _ => &fact.object_id,
            };
            parents.entry(parent).or_default().totals.push(fact);
        }
        for refund in refunds.into_values().filter(|refund| self.counts(refund)) {
            let parent = refund.parent_id.as_deref().unwrap_or("");
            parents.entry(parent).or_default().refunds.push(refund);
            let undone = self.of(ReferenceKind::Refund).filter(|fact| {
                fact.object_id == refund.object_id && refund_rank(fact.state) == UNDONE
            });
            // What is told of it again later is no failure of then.
            if let Some(first) = undone.map(|fact| fact.occurred_at).min() {
                parents.entry(parent).or_default().undone_at.insert(&refund.object_id, first);
            }
        }
        parents
            .into_values()
            .map(|parent| parent.refunded(self.provider))
            .fold(0, i64::saturating_add)
    }

    fn disputes(&self) -> Vec<&'f Fact> {
        let disputes = self.of(ReferenceKind::Dispute);
        match self.provider {
            Provider::Stripe => registers(disputes, |fact| (dispute_rank(fact.state), fact)),
            // A PayPal case may be reopened by appeal, so its own time leads.
            Provider::Paypal => registers(disputes, |fact| {
                let changed_at = fact.object_at.unwrap_or(fact.occurred_at);
                (changed_at, fact.state != FactState::DisputeOpen, fact)
            }),
        }
        .into_values()
        .collect()
    }

    /// When the money was taken, if it was. Success is absorbing: nothing takes it back to an
    /// earlier status.
    fn paid(&self, captured: i64) -> Option<Timestamp> {
        let says_paid = |fact: &&&Fact| match fact.state {
            FactState::Succeeded if fact.object == ReferenceKind::PaymentIntent => true,
            FactState::NoPayment => true,
            // Nothing was due, or a balance of the buyer's paid it.
            FactState::InvoicePaid if fact.captured == Some(0) => true,
            _ => captured > 0 && self.counts(fact) && fact.captured.is_some_and(|sum| sum > 0),
        };
        self.facts.iter().filter(says_paid).map(|fact| fact.occurred_at).min()
    }

    fn after_payment(
        &self,
        paid_at: Timestamp,
        received: i64,
        refunded: i64,
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
        let refunded_at = || {
            let refunds = self.facts.iter().filter(|fact| {
                matches!(
                    fact.state,
                    FactState::RefundPending
                        | FactState::RefundSucceeded
                        | FactState::RefundSnapshot
                )
            });
            refunds.map(|fact| fact.occurred_at).max().or(Some(paid_at))
        };
        match refunded {
            0 => (Status::Succeeded, Some(paid_at)),
            all if all >= received => (Status::Refunded, refunded_at()),
            _ => (Status::PartiallyRefunded, refunded_at()),
        }
    }

    fn before_payment(&self) -> (Status, Option<Timestamp>) {
        let decided = match self.provider {
            Provider::Stripe => self.stripe_before_payment(),
            Provider::Paypal => self.paypal_before_payment(),
        };
        match decided {
            Some((status, at)) => (status, Some(at)),
            None => (Status::Pending, None),
        }
    }

    /// The PaymentIntent decides; without one the charge, else the session, else the invoice.
    fn stripe_before_payment(&self) -> Option<(Status, Timestamp)> {
        // A charge with a PaymentIntent speaks of an attempt of it, and feeds its register.
        let intent_of = |fact: &'f Fact| match fact.object {
            ReferenceKind::PaymentIntent => Some(&*fact.object_id),
            ReferenceKind::Charge => fact.parent_id.as_deref(),
            _ => None,
        };
        let mut intents: BTreeMap<&str, &Fact> = BTreeMap::new();
        for fact in self.facts {
            let Some(intent) = intent_of(fact) else { continue };
            let register = intents.entry(intent).or_insert(fact);
            if intent_key(fact) > intent_key(register) {
                *register = fact;
            }
        }
        let charge = || {
            let charges = self.of(ReferenceKind::Charge);
            still_open(registers(charges, |fact| (attempt_rank(fact.state), fact)))
        };
        let session = || {
            let sessions = self.of(ReferenceKind::CheckoutSession);
            still_open(registers(sessions, |fact| (session_rank(fact.state), fact)))
        };
        let invoice = || self.of(ReferenceKind::Invoice).max();
        let fact = still_open(intents).or_else(charge).or_else(session).or_else(invoice)?;
        Some((unpaid_status(fact.state)?, fact.occurred_at))
    }

    fn paypal_before_payment(&self) -> Option<(Status, Timestamp)> {
        use ReferenceKind::{Authorization, Capture, Order, Payment, Sale};
        let attempts = self.of(Capture).chain(self.of(Sale));
        let attempts: Vec<&Fact> =
            registers(attempts, |fact| (attempt_rank(fact.state), fact)).into_values().collect();
        let holds = self.of(Authorization);
        let holds: Vec<&Fact> =
            registers(holds, |fact| (hold_rank(fact.state), fact)).into_values().collect();
        let newest = |facts: &[&Fact], state: FactState| {
            facts.iter().filter(|fact| fact.state == state).map(|fact| fact.occurred_at).max()
        };
        let order = || {
            let orders = self.of(Order).chain(self.of(Payment));
            still_open(registers(orders, |fact| (order_rank(fact.state), fact)))
                .and_then(|fact| Some((unpaid_status(fact.state)?, fact.occurred_at)))
        };
        let with = |status: Status| move |at: Timestamp| (status, at);
        newest(&attempts, FactState::Processing)
            .map(with(Status::Processing))
            .or_else(|| newest(&holds, FactState::Authorized).map(with(Status::Authorized)))
            .or_else(|| newest(&attempts, FactState::AttemptFailed).map(with(Status::Failed)))
            .or_else(|| newest(&holds, FactState::AttemptFailed).map(with(Status::Failed)))
            .or_else(|| newest(&holds, FactState::Canceled).map(with(Status::Canceled)))
            .or_else(order)
    }
}

/// What is known of the refunds of one charge, capture or sale.
#[derive(Default)]
struct ParentRefunds<'f> {
    /// The register of each refund.
    refunds: Vec<&'f Fact>,
    /// When each that failed or was cancelled was first said to have.
    undone_at: BTreeMap<&'f str, Timestamp>,
    /// Facts that carry a running total.
    totals: Vec<&'f Fact>,
}

impl ParentRefunds<'_> {
    fn refunded(&self, provider: Provider) -> i64 {
        use FactState::{RefundCanceled, RefundFailed, RefundPending, RefundSucceeded};
        let amount = |fact: &&Fact| fact.amount.map_or(0, |money| money.minor);
        let sum = |facts: &mut dyn Iterator<Item = i64>| facts.fold(0, i64::saturating_add);
        let made = |fact: &&&Fact| matches!(fact.state, RefundPending | RefundSucceeded);
        let undone = |fact: &&&Fact| matches!(fact.state, RefundFailed | RefundCanceled);

        let single = sum(&mut self.refunds.iter().filter(made).map(amount));
        let total = match provider {
            Provider::Stripe => self
                .totals
                .iter()
                .max_by_key(|fact| (fact.occurred_at, fact.refunded, **fact))
                .map_or(0, |total| {
                    let since = |fact: &&&Fact| {
                        let undone_at = self.undone_at.get(&*fact.object_id);
                        undone_at.is_some_and(|at| *at >= total.occurred_at)
                    };
                    let returned = self.refunds.iter().filter(undone).filter(since).map(amount);
                    total.refunded.unwrap_or(0).saturating_sub(sum(&mut { returned }))
                }),
            // PayPal's running total counts completed refunds only and never falls.
            Provider::Paypal => self
                .totals
                .iter()
                .filter(|fact| fact.state == RefundSucceeded)
                .filter_map(|fact| fact.refunded)
                .max()
                .map_or(0, |total| {
                    let returned = self.refunds.iter().filter(undone).map(amount);
                    total.saturating_sub(sum(&mut { returned }))
                }),
        };
        single.max(total).max(0)
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

/// Of several objects that could each become the payment, the newest that was not cancelled.
fn still_open<'f>(registers: BTreeMap<&'f str, &'f Fact>) -> Option<&'f Fact> {
    registers.into_values().max_by_key(|fact| (fact.state != FactState::Canceled, *fact))
}

/// The objects that take money.
fn payments(provider: Provider) -> &'static [ReferenceKind] {
    match provider {
        Provider::Stripe => &[ReferenceKind::PaymentIntent, ReferenceKind::Charge],
        Provider::Paypal => &[ReferenceKind::Capture, ReferenceKind::Sale],
    }
}

/// The objects that tell only that they were paid. Conversion, credits and money paid out of band
/// make their amounts differ from what a payment received, so they speak only where none does.
fn bills(provider: Provider) -> &'static [ReferenceKind] {
    use ReferenceKind::{CheckoutSession, Invoice, InvoicePayment};
    match provider {
        Provider::Stripe => &[CheckoutSession, Invoice, InvoicePayment],
        Provider::Paypal => &[],
    }
}

/// The expected currency if any money came in it, otherwise that of the newest money, otherwise
/// the expected one, otherwise the newest that was named at all.
fn money_currency(provider: Provider, expected: &Expected, facts: &[&Fact]) -> Option<Currency> {
    let named = || facts.iter().copied().filter(|fact| fact.amount.is_some());
    let received = |kinds: &[ReferenceKind]| -> BTreeSet<&Fact> {
        let taken = |fact: &&Fact| fact.captured.is_some_and(|amount| amount > 0);
        named().filter(taken).filter(|fact| kinds.contains(&fact.object)).collect()
    };
    let mut money = received(payments(provider));
    if money.is_empty() {
        money = received(bills(provider));
    }
    let currency = |fact: &Fact| fact.amount.map(|amount| amount.currency);
    if expected.currency.is_some() && money.iter().any(|fact| currency(fact) == expected.currency) {
        return expected.currency;
    }
    let newest = money.last().and_then(|fact| currency(fact));
    newest.or(expected.currency).or_else(|| named().max().and_then(currency))
}

/// Something is to be checked once the payment was made, be it of nothing.
fn check_amount(
    expected: &Expected,
    currency: Option<Currency>,
    received: i64,
    is_paid: bool,
) -> AmountCheck {
    let Some(amount) = expected.amount.filter(|_| is_paid) else {
        return AmountCheck::Unknown;
    };
    // Nothing is nothing in every currency.
    if received > 0 && expected.currency != currency {
        return AmountCheck::WrongCurrency;
    }
    match received.cmp(&amount) {
        std::cmp::Ordering::Less => AmountCheck::Underpaid,
        std::cmp::Ordering::Equal => AmountCheck::Ok,
        std::cmp::Ordering::Greater => AmountCheck::Overpaid,
    }
}

/// What a shop must see first when there is more than one dispute.
fn worst_dispute(disputes: &[&Fact]) -> DisputeStatus {
    disputes
        .iter()
        .map(|fact| match fact.state {
            FactState::DisputeOpen => (7, DisputeStatus::Open),
            FactState::DisputeLost => (6, DisputeStatus::Lost),
            FactState::DisputeInquiry => (5, DisputeStatus::Inquiry),
            FactState::DisputePrevented => (4, DisputeStatus::Prevented),
            FactState::DisputeWon => (3, DisputeStatus::Won),
            FactState::DisputeClosed => (2, DisputeStatus::Closed),
            FactState::DisputeInquiryClosed => (1, DisputeStatus::InquiryClosed),
            _ => (0, DisputeStatus::None),
        })
        .max()
        .map_or(DisputeStatus::None, |(_, status)| status)
}

fn unpaid_status(state: FactState) -> Option<Status> {
    match state {
        FactState::Created => Some(Status::Pending),
        FactState::RequiresAction | FactState::InvoiceRequiresAction | FactState::Approved => {
            Some(Status::RequiresAction)
        }
        // A completed order has been captured; its captures say what money moved.
        FactState::Processing | FactState::OrderCompleted => Some(Status::Processing),
        FactState::Authorized => Some(Status::Authorized),
        FactState::AttemptFailed | FactState::InvoiceAttemptFailed => Some(Status::Failed),
        FactState::Canceled => Some(Status::Canceled),
        _ => None,
    }
}

/// Success outranks a cancellation, which outranks everything else; among the rest time decides,
/// and within one second (Stripe's resolution) the step that comes later in a payment's life.
fn intent_key(fact: &Fact) -> (u8, Timestamp, u8, &Fact) {
    let rank = match (fact.object, fact.state) {
        (ReferenceKind::PaymentIntent, FactState::Succeeded) => 2,
        (ReferenceKind::PaymentIntent, FactState::Canceled) => 1,
        _ => 0,
    };
    let step = match fact.state {
        FactState::Created => 0,
        FactState::RequiresAction => 2,
        FactState::Processing => 3,
        FactState::AttemptFailed => 4,
        FactState::Authorized => 5,
        FactState::Canceled => 6,
        _ => 7,
    };
    (rank, fact.occurred_at, step, fact)
}

/// A charge, capture or sale never leaves success, and failure only for success.
fn attempt_rank(state: FactState) -> u8 {
    match state {
        FactState::Succeeded | FactState::RefundSnapshot => 2,
        FactState::AttemptFailed | FactState::Canceled => 1,
        _ => 0,
    }
}

fn hold_rank(state: FactState) -> u8 {
    match state {
        FactState::Canceled => 4,
        FactState::Succeeded => 3,
        FactState::AttemptFailed => 1,
        _ => 0,
    }
}

fn order_rank(state: FactState) -> u8 {
    match state {
        FactState::OrderCompleted => 4,
        FactState::Canceled => 3,
        FactState::Approved => 2,
        FactState::RequiresAction => 1,
        _ => 0,
    }
}

fn session_rank(state: FactState) -> u8 {
    match state {
        FactState::Succeeded | FactState::NoPayment => 3,
        FactState::AttemptFailed | FactState::Canceled => 2,
        _ => 1,
    }
}

/// The rank of a refund that came to nothing.
const UNDONE: u8 = 3;

/// A refund that failed or was cancelled is final, also after it had succeeded.
fn refund_rank(state: FactState) -> u8 {
    match state {
        FactState::RefundFailed | FactState::RefundCanceled => UNDONE,
        FactState::RefundSucceeded => 2,
        _ => 0,
    }
}

/// An inquiry may escalate to a chargeback; a chargeback ends once.
fn dispute_rank(state: FactState) -> u8 {
    match state {
        FactState::DisputeWon
        | FactState::DisputeLost
        | FactState::DisputePrevented
        | FactState::DisputeClosed => 3,
        FactState::DisputeOpen => 2,
        FactState::DisputeInquiryClosed => 1,
        _ => 0,
    }
}

/// Which of two facts of one second holds the newer object.
fn settledness(state: FactState) -> u8 {
    match state {
        FactState::Created => 0,
        FactState::RequiresAction | FactState::Approved => 1,
        FactState::Processing | FactState::AttemptFailed | FactState::Authorized => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests;
