//! Finding all that is tied together, from id to payment and from payment to id.

use std::collections::{BTreeMap, BTreeSet};

use super::{Begin, Plan};
use crate::domain::fact::Fact;
use crate::domain::matching::{Claim, Decision, Registry, Standing, Verdict};
use crate::domain::records::Transaction;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said};
use crate::store::tables::references::{self, Having, Realm};
use crate::store::tables::{subscriptions, transactions};
use crate::store::write::subscriptions::Decided;

/// What one event says of one payment, where it is, and where it is to be.
pub(super) struct Piece {
    pub(super) said: Said,
    pub(super) is_new: bool,
    /// The payments that have it, and by what it was matched.
    pub(super) holders: BTreeMap<i64, Option<String>>,
    pub(super) was_in: Vec<i64>,
    pub(super) attached: Option<i64>,
    pub(super) verdict: Verdict,
    pub(super) is_sure: bool,
}

impl Piece {
    fn new(said: Said) -> Self {
        Self {
            said,
            is_new: false,
            holders: BTreeMap::new(),
            was_in: Vec::new(),
            attached: None,
            verdict: Verdict::Orphan { group: 0, doubt: None },
            is_sure: false,
        }
    }
}

/// Finds all that is tied together.
pub(super) struct Gathering<'b, 'r> {
    batch: &'b Batch<'b>,
    realm: Realm<'r>,
    pieces: BTreeMap<(i64, i64), Piece>,
    payments: BTreeMap<i64, Option<Transaction>>,
    led_to: BTreeMap<i64, Transaction>,
    known: BTreeMap<(bool, Box<str>), Vec<Having>>,
    registry: Registry,
    ids: Vec<(bool, Box<str>)>,
    waiting: Vec<i64>,
}

impl<'b, 'r> Gathering<'b, 'r> {
    pub(super) fn new(batch: &'b Batch<'b>, realm: Realm<'r>) -> Self {
        Self {
            batch,
            realm,
            pieces: BTreeMap::new(),
            payments: BTreeMap::new(),
            led_to: BTreeMap::new(),
            known: BTreeMap::new(),
            registry: Registry::default(),
            ids: Vec::new(),
            waiting: Vec::new(),
        }
    }

    pub(super) fn from(&mut self, begin: Begin) -> Result<(), StoreError> {
        self.ids.extend(begin.ids);
        self.waiting.extend(begin.payments);
        for new in begin.new {
            self.waiting.extend(&new.was_in);
            self.ids.extend(ties(&new.said));
            // What an event says of itself is last, whatever its row will be.
            let key = (i64::MAX, new.said.ordinal);
            let mut piece = Piece::new(new.said);
            piece.is_new = true;
            piece.was_in = new.was_in;
            piece.attached = new.attached;
            self.pieces.insert(key, piece);
        }
        loop {
            if let Some((identifies, id)) = self.ids.pop() {
                let found = self.look_up(identifies, id)?;
                self.waiting.extend(found);
            } else if let Some(payment) = self.waiting.pop() {
                self.take(payment)?;
            } else {
                return Ok(());
            }
        }
    }

    /// The payments that have this id, if it was not looked up before.
    fn look_up(&mut self, identifies: bool, id: Box<str>) -> Result<Vec<i64>, StoreError> {
        let key = (identifies, id);
        if self.known.contains_key(&key) {
            return Ok(Vec::new());
        }
        let having = references::find(self.batch.connection, self.realm, &key.1, identifies)?;
        let registry = match identifies {
            true => &mut self.registry.references,
            false => &mut self.registry.shared,
        };
        for one in having.iter().filter(|one| one.standing == Standing::Registered) {
            registry.entry(key.1.clone()).or_default().insert(one.payment);
        }
        let payments = having.iter().map(|one| one.payment).collect();
        self.known.insert(key, having);
        Ok(payments)
    }

    fn take(&mut self, payment: i64) -> Result<(), StoreError> {
        if self.payments.contains_key(&payment) {
            return Ok(());
        }
        let connection = self.batch.connection;
        let transaction = transactions::get(connection, payment)?;
        if let Some(transaction) = &transaction {
            self.registry.expected.insert(payment, transaction.expected);
        }
        self.payments.insert(payment, transaction);
        let stored = facts::of(connection, payment)?;
        let mut by = stored.iter().filter(|one| one.begins_payment());
        for said in Said::of(&stored)? {
            let matched_by = by.next().and_then(|one| one.matched_by.clone());
            self.ids.extend(ties(&said));
            let key = (said.log_id, said.ordinal);
            let piece = self.pieces.entry(key).or_insert_with(|| Piece::new(said));
            if matched_by.as_deref() == Some("person") {
                piece.attached = Some(payment);
            }
            piece.holders.insert(payment, matched_by);
        }
        Ok(())
    }

    pub(super) fn decided(mut self) -> Result<Plan, StoreError> {
        let mut shared: BTreeSet<Box<str>> = BTreeSet::new();
        for piece in self.pieces.values() {
            let ids = piece.said.references.iter().filter(|one| !one.kind.identifies_payment());
            shared.extend(ids.map(|one| one.value.clone()));
        }
        self.find_subscriptions()?;
        for id in shared {
            self.look_up(false, id.clone())?;
            // Many may carry it, as a customer's number; it leads to those that registered it.
            let registered = self.registry.shared.get(&id).cloned().unwrap_or_default();
            for payment in registered {
                if self.registry.expected.contains_key(&payment) {
                    continue;
                }
                if let Some(found) = transactions::get(self.batch.connection, payment)? {
                    self.registry.expected.insert(payment, found.expected);
                    self.led_to.insert(payment, found);
                }
            }
        }
        let mut pieces: Vec<Piece> = self.pieces.into_values().collect();
        let claims: Vec<Claim<'_>> = pieces
            .iter()
            .map(|piece| Claim {
                references: &piece.said.references,
                facts: piece.said.facts.iter().collect::<Vec<&Fact>>(),
                ownership: piece.said.ownership,
                attached: piece.attached,
            })
            .collect();
        let subscriptions = self.registry.subscriptions.clone();
        let decided = self.batch.decide(self.realm, &claims, self.registry, &self.payments)?;
        drop(claims);
        let Decided { decisions, to_make, merging } = decided;
        let mut new_in = Vec::new();
        for (piece, Decision { verdict, is_sure }) in pieces.iter_mut().zip(decisions) {
            if let (true, Verdict::Belongs(to)) = (piece.is_new, &verdict) {
                new_in.extend(to.keys().filter(|id| !new_in.contains(*id)).collect::<Vec<_>>());
            }
            piece.verdict = verdict;
            piece.is_sure = is_sure;
        }
        Ok(Plan {
            pieces,
            payments: self.payments,
            led_to: self.led_to,
            known: self.known,
            subscriptions,
            to_make,
            merging,
            new_in,
        })
    }

    /// Those that the shop registered, of the subscriptions that are named.
    fn find_subscriptions(&mut self) -> Result<(), StoreError> {
        let named = self.pieces.values().flat_map(|piece| &piece.said.references);
        for one in named.filter(|one| one.kind == ReferenceKind::Subscription) {
            let found = subscriptions::find(self.batch.connection, self.realm, &one.value)?;
            self.registry.subscriptions.extend(found.map(|id| (one.value.clone(), id)));
        }
        Ok(())
    }
}

/// The ids by which what an event says is tied to what others say.
pub(super) fn ties(said: &Said) -> impl Iterator<Item = (bool, Box<str>)> {
    let is_tie =
        |one: &&Reference| one.kind.identifies_payment() || one.kind == ReferenceKind::Dispute;
    let ties = said.references.iter().filter(is_tie);
    ties.map(|one| (one.kind.identifies_payment(), one.value.clone()))
}
