//! Which payment belongs to which transaction: a pure function of what events say and of what the
//! shop registered, in whatever order they came.
//!
//! Identity is a graph. Its nodes are the provider's objects, of which those of one payment are one
//! node (a PaymentIntent with its charges and refunds, a capture with its refunds and disputes); an
//! event that names another node (an order, an invoice, a session) links the two. A match is
//! unanimous: all ids of one rank lead to one transaction, or nothing is concluded.

mod graph;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use super::event::Ownership;
use super::fact::Fact;
use super::provider::Provider;
use super::reference::Reference;
use super::transaction::Expected;
use graph::Graph;
pub(super) use verdict::is_about_a_payment;

/// What one event says of one payment, as far as it is matched by.
#[derive(Clone, Debug)]
pub struct Claim<'c> {
    /// The ids that it carries, its own object first.
    pub references: &'c [Reference],
    /// What it says.
    pub facts: Vec<&'c Fact>,
    /// Whose the payment is, as far as the event tells.
    pub ownership: Ownership,
    /// The transaction to which a person attached it.
    pub attached: Option<i64>,
}

/// What is known of the ids that claims carry.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Transactions by the provider's id that the shop registered.
    pub references: BTreeMap<Box<str>, BTreeSet<i64>>,
    /// Transactions by the order id, or the subscription, that the shop registered.
    pub shared: BTreeMap<Box<str>, BTreeSet<i64>>,
    /// The numbers of the subscriptions that the shop registered, by the provider's id.
    pub subscriptions: BTreeMap<Box<str>, i64>,
    /// What the shop expects of each of these transactions.
    pub expected: BTreeMap<i64, Expected>,
}

string_enum! {
    /// What an id means for what comes with it: the `standing` column of
    /// `transaction_references`.
    Standing {
        /// The shop said it.
        Registered = "registered",
        /// Nothing contradicts that all with it belongs to this transaction.
        Tied = "tied",
        /// An event said it.
        Named = "named",
    }
}

/// By what a match was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchedBy {
    /// A person said so.
    Person,
    /// The event carries the id that the shop registered.
    Registered(Box<str>),
    /// Other events tie its payment to this id, which the shop registered.
    Tied(Box<str>),
    /// The shop's order id, and nothing else.
    OrderId(Box<str>),
    /// A subscription that the shop registered.
    Subscription(Box<str>),
}

impl MatchedBy {
    /// As it is stored: the word, a colon and the id.
    pub fn to_text(&self) -> String {
        match self {
            Self::Person => "person".to_owned(),
            Self::Registered(id) => format!("registered:{id}"),
            Self::Tied(id) => format!("tied:{id}"),
            Self::OrderId(id) => format!("order_id:{id}"),
            Self::Subscription(id) => format!("subscription:{id}"),
        }
    }

    /// What [`to_text`](Self::to_text) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "person" {
            return Some(Self::Person);
        }
        let (word, id) = text.split_once(':')?;
        match word {
            "registered" => Some(Self::Registered(id.into())),
            "tied" => Some(Self::Tied(id.into())),
            "order_id" => Some(Self::OrderId(id.into())),
            "subscription" => Some(Self::Subscription(id.into())),
            _ => None,
        }
    }
}

/// Why a payment that leads somewhere is not applied there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Led by its order id alone, it has taken less than this transaction expects, or another currency.
    Mismatch(i64),
    /// Ids of one rank lead to these transactions.
    Ambiguous(BTreeSet<i64>),
}

impl Doubt {
    /// The transactions that it may belong to.
    pub fn candidates(&self) -> BTreeSet<i64> {
        match self {
            Self::Mismatch(id) => BTreeSet::from([*id]),
            Self::Ambiguous(ids) => ids.clone(),
        }
    }
}

/// Where a claim belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To these transactions: to several only a payment of which each has a part, as one transfer that
    /// pays two invoices.
    Belongs(BTreeMap<i64, MatchedBy>),
    /// To none yet. Claims with the same `group` are of one orphan.
    Orphan {
        /// Any number.
        group: usize,
        /// Why it is none of the transactions that it leads to.
        doubt: Option<Doubt>,
    },
}

/// What was decided of one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where it belongs.
    pub verdict: Verdict,
    /// Whether all that could contradict it is known to agree, so that a further event that adds
    /// nothing but new ids of its own belongs there too.
    pub is_sure: bool,
}

/// Where each claim belongs. `claims` must be complete: with a claim all others that share an id with
/// it. Their order means nothing.
pub fn decide(provider: Provider, claims: &[Claim<'_>], registry: &Registry) -> Vec<Decision> {
    Graph::of(provider, claims, registry).decide()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reference::ReferenceKind;

    /// One transfer paid two invoices: one is registered, and the other has its order id.
    #[test]
    fn of_two_ways_to_one_transaction_the_better_is_told_in_every_order() {
        use ReferenceKind::{Invoice, InvoicePayment, OrderId, PaymentIntent};
        let said = |ids: &[(ReferenceKind, &str)]| -> Vec<Reference> {
            ids.iter().map(|(kind, id)| Reference::new(*kind, *id)).collect()
        };
        let events = [
            said(&[(PaymentIntent, "pi_1")]),
            said(&[(InvoicePayment, "inpay_0"), (Invoice, "in_0"), (PaymentIntent, "pi_1")]),
            said(&[(InvoicePayment, "inpay_1"), (Invoice, "in_1"), (PaymentIntent, "pi_1")]),
            said(&[(Invoice, "in_0"), (OrderId, "A-0")]),
        ];
        let mut registry = Registry::default();
        registry.references.insert("in_1".into(), BTreeSet::from([7]));
        registry.shared.insert("A-0".into(), BTreeSet::from([7]));
        let of_payment = |order: [usize; 4]| {
            let claims = order.map(|event| Claim {
                references: &events[event],
                facts: Vec::new(),
                ownership: Ownership::Unsaid,
                attached: None,
            });
            let place = order.iter().position(|event| *event == 0).expect("it is there");
            decide(Provider::Stripe, &claims, &registry)[place].verdict.clone()
        };
        let tied = Verdict::Belongs(BTreeMap::from([(7, MatchedBy::Tied("in_1".into()))]));
        for (one, two, three, four) in (0..256).map(|n| (n / 64, n / 16 % 4, n / 4 % 4, n % 4)) {
            if BTreeSet::from([one, two, three, four]).len() == 4 {
                assert_eq!(of_payment([one, two, three, four]), tied);
            }
        }
    }
}
