//! Which payment belongs to which transaction: a pure function of what events say and of what the
//! shop registered, in whatever order they came.
//!
//! Identity is a graph. Its nodes are the provider's objects, of which those of one payment are one
//! node (a PaymentIntent with its charges and refunds, a capture with its refunds and disputes); an
//! event that names another node (an order, an invoice, a session) links the two. A match is
//! unanimous: all ids of one rank lead to one transaction, or nothing is concluded.

use std::collections::{BTreeMap, BTreeSet};

use super::event::Ownership;
use super::fact::Fact;
use super::provider::Provider;
use super::reference::{Reference, ReferenceKind};
use super::transaction::{Expected, takings};

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

/// Objects that are of one payment wherever they name each other.
fn is_of_payment(kind: ReferenceKind) -> bool {
    use ReferenceKind::{
        Capture, CashBalance, Charge, FraudWarning, PaymentIntent, Refund, Review, Sale,
    };
    matches!(
        kind,
        PaymentIntent | Charge | Refund | Capture | Sale | FraudWarning | Review | CashBalance
    )
}

/// What speaks of money that went back, or of a question about it: never of the payment itself.
fn is_about_a_payment(kind: ReferenceKind) -> bool {
    use ReferenceKind::{CashBalance, Dispute, FraudWarning, Refund, Review};
    matches!(kind, Refund | Dispute | FraudWarning | Review | CashBalance)
}

fn is_one_object(own: ReferenceKind, other: ReferenceKind) -> bool {
    if is_of_payment(own) || own == ReferenceKind::Dispute {
        return is_of_payment(other);
    }
    // A session that was recovered goes on in another.
    own == ReferenceKind::CheckoutSession && other == ReferenceKind::CheckoutSession
}

/// An order or v1 payment, which may have parts of several orders of the shop.
fn has_units(kind: ReferenceKind) -> bool {
    matches!(kind, ReferenceKind::Order | ReferenceKind::Payment)
}

/// Of several ways to one transaction the best counts, whichever is found first.
fn lead(to: &mut BTreeMap<i64, MatchedBy>, transaction: i64, by: MatchedBy) {
    match to.get(&transaction) {
        Some(known) if *known <= by => {}
        _ => {
            to.insert(transaction, by);
        }
    }
}

/// Sets of numbers that turned out to be one.
struct Union(Vec<usize>);

impl Union {
    fn new(size: usize) -> Self {
        Self((0..size).collect())
    }

    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    fn root(&self, mut of: usize) -> usize {
        while self.0[of] != of {
            of = self.0[of];
        }
        of
    }

    /// The smaller stays, so that the outcome does not depend on the order of joining.
    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}

struct Graph<'g> {
    provider: Provider,
    claims: &'g [Claim<'g>],
    registry: &'g Registry,
    /// The node of each claim.
    node_of: Vec<usize>,
    /// The nodes that a claim names beside its own.
    names: Vec<Vec<usize>>,
    /// What the shop or a person said of each node.
    own: BTreeMap<usize, Own>,
    /// The invoices of payments that pay several.
    invoices: BTreeMap<usize, BTreeSet<usize>>,
    /// Nodes about which nothing was said, linked through each other.
    areas: Union,
    /// Areas with the shared payments between them: what is of none of them is one orphan.
    groups: Union,
    /// All that is linked.
    linked: Union,
}

/// What was said of one node itself.
struct Own {
    transactions: BTreeSet<i64>,
    by: MatchedBy,
}

/// Where ids of one rank lead.
enum Lead {
    Nowhere,
    One(i64, MatchedBy),
    Several(BTreeSet<i64>),
}

impl<'g> Graph<'g> {
    fn of(provider: Provider, claims: &'g [Claim<'g>], registry: &'g Registry) -> Self {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut nodes = Union::new(0);
        let mut node_of = Vec::with_capacity(claims.len());
        for claim in claims {
            let own = claim.references.first().map(|first| first.kind);
            let mut home: Option<usize> = None;
            let ids = claim.references.iter().filter(|one| one.kind.identifies_payment());
            for (place, reference) in ids.enumerate() {
                let node = *numbers.entry(&reference.value).or_insert_with(|| nodes.add());
                let is_own = place == 0 && own == Some(reference.kind);
                if is_own || own.is_some_and(|own| is_one_object(own, reference.kind)) {
                    match home {
                        Some(home) => nodes.join(home, node),
                        None => home = Some(node),
                    }
                }
            }
            node_of.push(home);
        }
        // A dispute that does not say of what belongs to the payment of which another event says it.
        let mut of_dispute: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        let disputes = |claim: &'g Claim<'g>| {
            let first = claim.references.first();
            first.filter(|first| first.kind == ReferenceKind::Dispute).map(|first| &*first.value)
        };
        for (claim, home) in claims.iter().zip(&node_of) {
            if let (Some(dispute), Some(home)) = (disputes(claim), home) {
                of_dispute.entry(dispute).or_default().insert(nodes.root(*home));
            }
        }
        let mut alone: BTreeMap<&str, usize> = BTreeMap::new();
        let node_of: Vec<usize> = claims
            .iter()
            .zip(node_of)
            .map(|(claim, home)| match (home, disputes(claim)) {
                (Some(home), _) => nodes.root(home),
                (None, Some(dispute)) => {
                    match of_dispute.get(dispute).filter(|homes| homes.len() == 1) {
                        Some(homes) => homes.iter().next().copied().unwrap_or_default(),
                        None => *alone.entry(dispute).or_insert_with(|| nodes.add()),
                    }
                }
                (None, None) => nodes.add(),
            })
            .collect();
        let names = |claim: &Claim<'_>, home: usize| -> Vec<usize> {
            let ids = claim.references.iter().filter(|one| one.kind.identifies_payment());
            let nodes = ids.filter_map(|one| numbers.get(&*one.value)).map(|one| nodes.root(*one));
            let other: BTreeSet<usize> = nodes.filter(|node| *node != home).collect();
            other.into_iter().collect()
        };
        let names = claims.iter().zip(&node_of).map(|(claim, home)| names(claim, *home)).collect();
        let mut graph = Self {
            provider,
            claims,
            registry,
            names,
            own: BTreeMap::new(),
            invoices: BTreeMap::new(),
            areas: Union::new(nodes.0.len()),
            groups: Union::new(nodes.0.len()),
            linked: Union::new(nodes.0.len()),
            node_of,
        };
        for (value, node) in &numbers {
            if let Some(registered) = registry.references.get(*value) {
                let own = graph.own.entry(nodes.root(*node)).or_insert_with(|| Own {
                    transactions: BTreeSet::new(),
                    by: MatchedBy::Registered((*value).into()),
                });
                own.transactions.extend(registered);
            }
        }
        graph.share(&numbers, &nodes);
        graph.attach();
        graph.link();
        graph
    }

    /// What a person attached takes the rest of its payment along, unless the shop said where that is.
    fn attach(&mut self) {
        for (claim, node) in self.claims.iter().zip(&self.node_of) {
            let Some(attached) = claim.attached else { continue };
            if self.invoices.contains_key(node) {
                continue;
            }
            let own = self
                .own
                .entry(*node)
                .or_insert_with(|| Own { transactions: BTreeSet::new(), by: MatchedBy::Person });
            if own.by == MatchedBy::Person {
                own.transactions.insert(attached);
            }
        }
    }

    /// Finds the payments that pay several invoices, of which each has a part.
    fn share(&mut self, numbers: &BTreeMap<&str, usize>, nodes: &Union) {
        let mut invoices: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for claim in self.claims {
            let nodes_of = |is: fn(ReferenceKind) -> bool| -> BTreeSet<usize> {
                let ids = claim.references.iter().filter(|one| is(one.kind));
                let found = ids.filter_map(|one| numbers.get(&*one.value));
                found.map(|node| nodes.root(*node)).collect()
            };
            let billed = nodes_of(|kind| kind == ReferenceKind::Invoice);
            for payment in nodes_of(is_of_payment) {
                invoices.entry(payment).or_default().extend(&billed);
            }
        }
        let own = &self.own;
        invoices.retain(|payment, billed| billed.len() > 1 && !own.contains_key(payment));
        self.invoices = invoices;
    }

    fn link(&mut self) {
        for (home, names) in self.node_of.iter().zip(&self.names) {
            for name in names {
                self.linked.join(*home, *name);
                let is_open = |node: &usize| {
                    !self.own.contains_key(node) && !self.invoices.contains_key(node)
                };
                if is_open(home) && is_open(name) {
                    self.areas.join(*home, *name);
                }
                if !self.own.contains_key(home) && !self.own.contains_key(name) {
                    self.groups.join(*home, *name);
                }
            }
        }
    }

    fn decide(&self) -> Vec<Decision> {
        let by_area = self.by_area();
        let mut verdicts: Vec<Verdict> =
            (0..self.claims.len()).map(|claim| self.verdict(claim, &by_area)).collect();
        self.doubt_what_falls_short(&mut verdicts);
        for (claim, verdict) in self.claims.iter().zip(&mut verdicts) {
            if let Verdict::Belongs(to) = verdict {
                self.say_by_what(claim, to);
            }
        }
        let said = self.said_of_all_linked();
        let mut decisions = Vec::with_capacity(verdicts.len());
        for (claim, verdict) in verdicts.into_iter().enumerate() {
            let is_tied = matches!(&verdict, Verdict::Belongs(to) if to.len() == 1 && to.values()
                .all(|by| matches!(by, MatchedBy::Registered(_) | MatchedBy::Tied(_))));
            let is_sure =
                is_tied && said.get(&self.linked.root(self.node_of[claim])) == Some(&true);
            decisions.push(Decision { verdict, is_sure });
        }
        decisions
    }

    /// Tells what carries the registered id itself from what others tie to it.
    fn say_by_what(&self, claim: &Claim<'_>, to: &mut BTreeMap<i64, MatchedBy>) {
        for (transaction, by) in to {
            let (MatchedBy::Registered(id) | MatchedBy::Tied(id)) = &*by else { continue };
            let registered = self.registry.references.iter();
            let of_transaction = registered.filter(|(_, having)| having.contains(transaction));
            let ids: Vec<&Box<str>> = of_transaction.map(|(id, _)| id).collect();
            let carried = claim.references.iter().find(|one| ids.contains(&&one.value));
            *by = match carried.filter(|one| one.kind.identifies_payment()) {
                Some(carried) => MatchedBy::Registered(carried.value.clone()),
                None => MatchedBy::Tied(id.clone()),
            };
        }
    }

    /// For all that is linked, whether one transaction alone was said of it and nothing is shared.
    fn said_of_all_linked(&self) -> BTreeMap<usize, bool> {
        let mut said: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
        for (node, own) in &self.own {
            said.entry(self.linked.root(*node)).or_default().extend(&own.transactions);
        }
        let mut said: BTreeMap<usize, bool> =
            said.into_iter().map(|(root, transactions)| (root, transactions.len() == 1)).collect();
        for shared in self.invoices.keys() {
            said.insert(self.linked.root(*shared), false);
        }
        said
    }

    /// The transactions that were said of the nodes around each area.
    fn by_area(&self) -> BTreeMap<usize, BTreeMap<i64, MatchedBy>> {
        let mut around: BTreeMap<usize, BTreeMap<i64, MatchedBy>> = BTreeMap::new();
        let mut note = |open: usize, said: usize| {
            let Some(own) = self.own.get(&said) else { return };
            if self.own.contains_key(&open) || self.invoices.contains_key(&open) {
                return;
            }
            let by = match &own.by {
                MatchedBy::Registered(id) => MatchedBy::Tied(id.clone()),
                by => by.clone(),
            };
            let around = around.entry(self.areas.root(open)).or_default();
            for transaction in &own.transactions {
                lead(around, *transaction, by.clone());
            }
        };
        for (home, names) in self.node_of.iter().zip(&self.names) {
            for name in names {
                note(*home, *name);
                note(*name, *home);
            }
        }
        around
    }

    fn verdict(
        &self,
        claim: usize,
        by_area: &BTreeMap<usize, BTreeMap<i64, MatchedBy>>,
    ) -> Verdict {
        if let Some(attached) = self.claims[claim].attached {
            return Verdict::Belongs(BTreeMap::from([(attached, MatchedBy::Person)]));
        }
        let node = self.node_of[claim];
        if let Some(own) = self.own.get(&node) {
            return self.by_own(claim, node, own);
        }
        if let Some(invoices) = self.invoices.get(&node) {
            return self.by_invoices(claim, node, invoices, by_area);
        }
        let area = self.areas.root(node);
        match by_area.get(&area) {
            Some(around) if around.len() == 1 => Verdict::Belongs(around.clone()),
            Some(around) if !around.is_empty() => {
                let doubt = Doubt::Ambiguous(around.keys().copied().collect());
                Verdict::Orphan { group: self.groups.root(area), doubt: Some(doubt) }
            }
            _ => match self.by_order(claim, area) {
                Lead::One(transaction, by) => Verdict::Belongs(BTreeMap::from([(transaction, by)])),
                Lead::Several(ids) => Verdict::Orphan {
                    group: self.groups.root(area),
                    doubt: Some(Doubt::Ambiguous(ids)),
                },
                Lead::Nowhere => Verdict::Orphan { group: self.groups.root(area), doubt: None },
            },
        }
    }

    /// What was said of the object itself counts, unless the same event names another of which
    /// something else was said.
    fn by_own(&self, claim: usize, node: usize, own: &Own) -> Verdict {
        let mut said = own.transactions.clone();
        if own.by != MatchedBy::Person {
            for name in &self.names[claim] {
                said.extend(self.own.get(name).into_iter().flat_map(|other| &other.transactions));
            }
        }
        match (said.len(), said.first()) {
            (1, Some(only)) => Verdict::Belongs(BTreeMap::from([(*only, own.by.clone())])),
            _ => Verdict::Orphan { group: node, doubt: Some(Doubt::Ambiguous(said)) },
        }
    }

    /// A payment of several invoices is of each of their transactions. Of what went back of it, or is
    /// disputed, nobody knows of which.
    fn by_invoices(
        &self,
        claim: usize,
        node: usize,
        invoices: &BTreeSet<usize>,
        by_area: &BTreeMap<usize, BTreeMap<i64, MatchedBy>>,
    ) -> Verdict {
        let mut to: BTreeMap<i64, MatchedBy> = BTreeMap::new();
        for invoice in invoices {
            match self.own.get(invoice) {
                Some(own) => {
                    let by = match &own.by {
                        MatchedBy::Registered(id) => MatchedBy::Tied(id.clone()),
                        by => by.clone(),
                    };
                    for id in &own.transactions {
                        lead(&mut to, *id, by.clone());
                    }
                }
                None => {
                    let area = self.areas.root(*invoice);
                    match by_area.get(&area) {
                        Some(around) => {
                            around.iter().for_each(|(id, by)| lead(&mut to, *id, by.clone()));
                        }
                        None => {
                            if let Lead::One(id, by) = self.led(&self.said_in(area, None)) {
                                lead(&mut to, id, by);
                            }
                        }
                    }
                }
            }
        }
        let first = self.claims[claim].references.first();
        if to.is_empty() {
            return Verdict::Orphan { group: self.groups.root(node), doubt: None };
        }
        if to.len() > 1 && first.is_some_and(|first| is_about_a_payment(first.kind)) {
            let doubt = Doubt::Ambiguous(to.into_keys().collect());
            return Verdict::Orphan { group: self.groups.root(node), doubt: Some(doubt) };
        }
        Verdict::Belongs(to)
    }

    /// Where the shop's own ids lead.
    fn by_order(&self, claim: usize, area: usize) -> Lead {
        let in_area = || self.claims_in(area);
        if in_area().map(|one| self.claims[one].ownership).max() == Some(Ownership::Foreign) {
            return Lead::Nowhere;
        }
        let whole = self.said_in(area, None);
        if !self.has_several_units(area) {
            return self.led(&whole);
        }
        let first = self.claims[claim].references.first().map(|first| first.kind);
        let own = match first {
            // Each event of the order says of each unit whose it is.
            Some(kind) if has_units(kind) => self.claims[claim].references.iter().collect(),
            _ => self.said_in(area, Some(self.node_of[claim])),
        };
        if own.iter().any(|one| one.kind == ReferenceKind::OrderId) {
            return self.led(&own);
        }
        self.led(&whole)
    }

    fn claims_in(&self, area: usize) -> impl Iterator<Item = usize> {
        (0..self.claims.len()).filter(move |claim| {
            let node = self.node_of[*claim];
            !self.own.contains_key(&node)
                && !self.invoices.contains_key(&node)
                && self.areas.root(node) == area
        })
    }

    /// The ids by which the claims of an area lead to orders, or those that are said of one node of it.
    /// What a refund or dispute says counts only while nothing is known of its payment.
    fn said_in(&self, area: usize, node: Option<usize>) -> Vec<&'g Reference> {
        let is_about = |claim: usize| {
            self.claims[claim].references.first().is_some_and(|one| is_about_a_payment(one.kind))
        };
        let knows_payment = self.claims_in(area).any(|claim| !is_about(claim));
        let is_said_of = |claim: usize| match node {
            None => true,
            Some(node) => self.node_of[claim] == node || self.names[claim].contains(&node),
        };
        let counted = self.claims_in(area).filter(|claim| !(knows_payment && is_about(*claim)));
        counted
            .filter(|claim| is_said_of(*claim))
            .flat_map(|claim| self.claims[claim].references)
            .filter(|one| !one.kind.identifies_payment())
            .collect()
    }

    /// Whether a PayPal order has parts that the shop knows as several orders.
    fn has_several_units(&self, area: usize) -> bool {
        if self.provider != Provider::Paypal {
            return false;
        }
        let mut said: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
        for claim in self.claims_in(area) {
            let references = self.claims[claim].references;
            if references.first().is_some_and(|one| is_about_a_payment(one.kind)) {
                continue;
            }
            let ids = references.iter().filter(|one| one.kind == ReferenceKind::OrderId);
            let ids: BTreeSet<&str> = ids.map(|one| &*one.value).collect();
            if !ids.is_empty() {
                said.insert(ids);
            }
        }
        let apart = said.iter().any(|one| said.iter().any(|other| one.is_disjoint(other)));
        apart && self.claims_in(area).any(|claim| self.names_units(claim))
    }

    fn names_units(&self, claim: usize) -> bool {
        self.claims[claim].references.iter().any(|one| has_units(one.kind))
    }

    /// Where these ids lead: an explicit order id silences a vague one, both a subscription.
    fn led(&self, ids: &[&Reference]) -> Lead {
        use ReferenceKind::{ClientReference, OrderId, Subscription};
        let of = |kind: ReferenceKind| ids.iter().filter(move |one| one.kind == kind);
        let rank = match (of(OrderId).next(), of(ClientReference).next()) {
            (Some(_), _) => OrderId,
            (None, Some(_)) => ClientReference,
            (None, None) => Subscription,
        };
        for kind in [rank, Subscription] {
            let mut led: BTreeMap<i64, MatchedBy> = BTreeMap::new();
            for one in of(kind) {
                let value = one.value.clone();
                let by = match kind {
                    Subscription => MatchedBy::Subscription(value),
                    _ => MatchedBy::OrderId(value),
                };
                for id in self.registry.shared.get(&one.value).into_iter().flatten() {
                    lead(&mut led, *id, by.clone());
                }
            }
            match led.len() {
                0 => {}
                1 => return led.pop_first().map_or(Lead::Nowhere, |(id, by)| Lead::One(id, by)),
                _ => return Lead::Several(led.into_keys().collect()),
            }
        }
        Lead::Nowhere
    }

    /// Anybody who opens an order in the browser may write another order's number on a cent: what an
    /// order id alone leads to a transaction is judged by all that its payment has taken.
    fn doubt_what_falls_short(&self, verdicts: &mut [Verdict]) {
        let mut led: BTreeMap<(usize, i64), Vec<usize>> = BTreeMap::new();
        for (claim, verdict) in verdicts.iter().enumerate() {
            let Verdict::Belongs(to) = verdict else { continue };
            for (transaction, by) in to {
                if matches!(by, MatchedBy::OrderId(_)) {
                    let area = self.areas.root(self.node_of[claim]);
                    led.entry((area, *transaction)).or_default().push(claim);
                }
            }
        }
        for ((area, transaction), claims) in led {
            let Some(expected) = self.registry.expected.get(&transaction) else { continue };
            let facts = claims.iter().flat_map(|claim| self.claims[*claim].facts.iter().copied());
            let facts: Vec<&Fact> = facts.collect();
            if !falls_short(self.provider, expected, &facts) {
                continue;
            }
            for claim in claims {
                let doubt = Some(Doubt::Mismatch(transaction));
                verdicts[claim] = Verdict::Orphan { group: self.groups.root(area), doubt };
            }
        }
    }
}

/// Whether these facts of one payment tell of money, taken or held, that is less than expected or in
/// another currency.
fn falls_short(provider: Provider, expected: &Expected, facts: &[&Fact]) -> bool {
    let (Some(amount), Some(currency)) = (expected.amount, expected.currency) else {
        return false;
    };
    if expected.partial {
        return false;
    }
    let in_shop_money = facts.iter().filter_map(|fact| fact.shop_money);
    if in_shop_money.into_iter().any(|money| money.currency == currency && money.minor >= amount) {
        return false;
    }
    let takings = takings(provider, facts.iter().copied());
    let money =
        if takings.taken.values().any(|minor| *minor > 0) { takings.taken } else { takings.held };
    money.values().any(|minor| *minor > 0)
        && money.get(&currency).copied().unwrap_or_default() < amount
}

#[cfg(test)]
mod tests {
    use super::*;

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
