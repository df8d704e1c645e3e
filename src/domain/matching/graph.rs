//! The graph of the provider's objects, and what the shop or a person said of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Claim, MatchedBy, Registry};
use crate::domain::provider::Provider;
use crate::domain::reference::ReferenceKind;

/// Objects that are of one payment wherever they name each other.
pub(super) fn is_of_payment(kind: ReferenceKind) -> bool {
    use ReferenceKind::{
        Capture, CashBalance, Charge, FraudWarning, PaymentIntent, Refund, Review, Sale,
    };
    matches!(
        kind,
        PaymentIntent | Charge | Refund | Capture | Sale | FraudWarning | Review | CashBalance
    )
}

fn is_one_object(own: ReferenceKind, other: ReferenceKind) -> bool {
    if is_of_payment(own) || own == ReferenceKind::Dispute {
        return is_of_payment(other);
    }
    // A session that was recovered goes on in another.
    own == ReferenceKind::CheckoutSession && other == ReferenceKind::CheckoutSession
}

/// Sets of numbers that turned out to be one.
pub(super) struct Union(Vec<usize>);

impl Union {
    fn new(size: usize) -> Self {
        Self((0..size).collect())
    }

    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    pub(super) fn root(&self, mut of: usize) -> usize {
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

pub(super) struct Graph<'g> {
    pub(super) provider: Provider,
    pub(super) claims: &'g [Claim<'g>],
    pub(super) registry: &'g Registry,
    /// The node of each claim.
    pub(super) node_of: Vec<usize>,
    /// The nodes that a claim names beside its own.
    pub(super) names: Vec<Vec<usize>>,
    /// What the shop or a person said of each node.
    pub(super) own: BTreeMap<usize, Own>,
    /// The invoices of payments that pay several.
    pub(super) invoices: BTreeMap<usize, BTreeSet<usize>>,
    /// Nodes about which nothing was said, linked through each other.
    pub(super) areas: Union,
    /// Areas with the shared payments between them: what is of none of them is one orphan.
    pub(super) groups: Union,
    /// All that is linked.
    pub(super) linked: Union,
}

/// What was said of one node itself.
pub(super) struct Own {
    pub(super) transactions: BTreeSet<i64>,
    pub(super) by: MatchedBy,
}

impl<'g> Graph<'g> {
    pub(super) fn of(provider: Provider, claims: &'g [Claim<'g>], registry: &'g Registry) -> Self {
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
}
