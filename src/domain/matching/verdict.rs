//! Where each claim belongs, by the graph.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Own};
use super::{Claim, Decision, Doubt, MatchedBy, Verdict};
use crate::domain::event::Ownership;
use crate::domain::fact::Fact;
use crate::domain::provider::Provider;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::transaction::{Expected, takings};

/// Where ids of one rank lead.
enum Lead {
    Nowhere,
    One(i64, MatchedBy),
    Several(BTreeSet<i64>),
}

impl<'g> Graph<'g> {
    pub(super) fn decide(&self) -> Vec<Decision> {
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
                            let said = self.said_in(area, None);
                            if self.is_of_subscription(&said) {
                                continue;
                            }
                            if let Lead::One(id, by) = self.led(&said) {
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
        if self.is_of_subscription(&whole) {
            return Lead::Nowhere;
        }
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

    /// Whether these ids name a subscription that the shop registered: then the shop's own ids, which
    /// are the same each time, lead nowhere.
    fn is_of_subscription(&self, ids: &[&Reference]) -> bool {
        let mut named = ids.iter().filter(|one| one.kind == ReferenceKind::Subscription);
        named.any(|one| self.registry.subscriptions.contains_key(&one.value))
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

/// What speaks of money that went back, or of a question about it: never of the payment itself.
pub(in crate::domain) fn is_about_a_payment(kind: ReferenceKind) -> bool {
    use ReferenceKind::{CashBalance, Dispute, FraudWarning, Refund, Review};
    matches!(kind, Refund | Dispute | FraudWarning | Review | CashBalance)
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
