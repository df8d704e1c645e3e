//! Payments are put where they belong: what is decided by [`decide`] is found, and saved.
//!
//! A payment has a transaction, or it is an orphan. Both have the same tables of ids and facts, so that
//! nothing is lost by a move. Whatever changes what is known, an event, a registration or a person's
//! word, all that is tied to it is decided anew, so that the order of these changes does not matter.

mod gathering;

use std::collections::{BTreeMap, BTreeSet};

use self::gathering::{Gathering, Piece};

use super::orphans;
use super::refold::Refolded;
use super::subscriptions::ToMake;
use crate::domain::matching::{Doubt, MatchedBy, Standing, Verdict};
use crate::domain::orphan::OrphanKind;
use crate::domain::records::Transaction;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::subscription::subscription_of;
use crate::domain::time::Timestamp;
use crate::domain::transaction::Status;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said};
use crate::store::tables::references::{self, Having, Realm};
use crate::store::tables::{self, transactions, webhook_logs};
use crate::store::write::refold;

/// Where to begin: everything that is tied to any of this is decided anew.
#[derive(Default)]
pub(crate) struct Begin {
    /// Ids, and whether each identifies a payment.
    pub(crate) ids: Vec<(bool, Box<str>)>,
    /// Transactions and orphans.
    pub(crate) payments: Vec<i64>,
    /// What an event says that is nowhere yet.
    pub(crate) new: Vec<NewSaid>,
}

/// What an event says that is nowhere yet.
pub(crate) struct NewSaid {
    pub(crate) said: Said,
    /// Where what it said before was.
    pub(crate) was_in: Vec<i64>,
    /// The transaction to which a person attached that.
    pub(crate) attached: Option<i64>,
}

/// All that is tied together, with what was decided of it.
pub(crate) struct Plan {
    pieces: Vec<Piece>,
    /// Those whose pieces are all here; `None`: an orphan.
    pub(crate) payments: BTreeMap<i64, Option<Transaction>>,
    /// Transactions beside them that order ids lead to.
    led_to: BTreeMap<i64, Transaction>,
    known: BTreeMap<(bool, Box<str>), Vec<Having>>,
    /// The registered subscriptions that are named.
    subscriptions: BTreeMap<Box<str>, i64>,
    /// Transactions that are to be made for payments of them.
    pub(crate) to_make: Vec<ToMake>,
    /// Those that were made, and are the payments of others.
    pub(crate) merging: BTreeMap<i64, i64>,
    /// The transactions of what is new, the first first.
    pub(crate) new_in: Vec<i64>,
}

/// What became of what is new, once a plan was carried out.
pub(crate) struct Placed {
    pub(crate) refolded: Option<Refolded>,
    pub(crate) orphan: Option<(OrphanKind, Option<Status>)>,
}

impl Batch<'_> {
    /// Decides anew where all that is tied to `begin` belongs, and puts it there. `cause` is the event
    /// that led here.
    pub(crate) fn settle(
        &self,
        realm: Realm<'_>,
        begin: Begin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let plan = self.plan(realm, begin)?;
        self.carry_out(realm, plan, None, now)?;
        Ok(())
    }

    /// Decides where all that is tied to `begin` belongs. Nothing is changed yet.
    pub(crate) fn plan(&self, realm: Realm<'_>, begin: Begin) -> Result<Plan, StoreError> {
        let mut gathering = Gathering::new(self, realm);
        gathering.from(begin)?;
        gathering.decided()
    }

    /// Puts everything where it was decided that it belongs. What is new is of the event `log_id`.
    pub(crate) fn carry_out(
        &self,
        realm: Realm<'_>,
        mut plan: Plan,
        log_id: Option<i64>,
        now: Timestamp,
    ) -> Result<Placed, StoreError> {
        for piece in plan.pieces.iter_mut().filter(|piece| piece.is_new) {
            piece.said.log_id = log_id.unwrap_or(piece.said.log_id);
        }
        self.make(realm, &mut plan, log_id, now)?;
        let targets = self.targets(&plan)?;
        self.note_subscriptions(&mut plan, &targets)?;
        let mut changed = BTreeSet::new();
        for (piece, to) in plan.pieces.iter().zip(&targets) {
            self.put(piece, to, &mut changed)?;
        }
        self.keep_references(realm, &plan, &targets)?;
        self.assign_events(&plan, &targets, &changed)?;
        self.see_to_orphans(realm, &plan, &targets, &changed, now)?;
        let mut placed = Placed { refolded: None, orphan: None };
        let here = plan.payments.iter().filter_map(|(id, one)| Some((id, one.as_ref()?)));
        for (id, transaction) in here.chain(&plan.led_to) {
            if !changed.contains(id) {
                continue;
            }
            let cause = log_id.filter(|_| plan.new_in.contains(id));
            let refolded = refold::refold(self.connection, transaction, cause, now)?;
            if plan.new_in.first() == Some(id) {
                placed.refolded = Some(refolded);
            }
        }
        self.close_merged(&plan, now)?;
        let new = plan.pieces.iter().zip(&targets).find(|(piece, _)| piece.is_new);
        if let Some((_, to)) = new.filter(|_| plan.new_in.is_empty()) {
            let orphan = to.keys().next().copied();
            let found =
                orphan.map(|id| tables::orphans::get(self.connection, id)).transpose()?.flatten();
            placed.orphan = found.map(|orphan| (orphan.kind, orphan.status));
        }
        Ok(placed)
    }

    /// For each piece the payments that are to have it, and by what. An orphan that has a part of a group
    /// keeps it; the oldest of several.
    fn targets(&self, plan: &Plan) -> Result<Vec<BTreeMap<i64, Option<MatchedBy>>>, StoreError> {
        let mut homes: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
        for piece in &plan.pieces {
            if let Verdict::Orphan { group, .. } = piece.verdict {
                let orphans = piece.holders.keys().chain(&piece.was_in);
                let orphans = orphans.filter(|id| plan.payments.get(*id) == Some(&None));
                homes.entry(group).or_default().extend(orphans);
            }
        }
        let mut taken = BTreeSet::new();
        let mut chosen: BTreeMap<usize, i64> = BTreeMap::new();
        let mut next = None;
        for (group, homes) in homes {
            let home = match homes.into_iter().find(|home| !taken.contains(home)) {
                Some(home) => home,
                None => {
                    let id = match next {
                        Some(id) => id,
                        None => transactions::next_id(self.connection)?,
                    };
                    next = Some(id + 1);
                    id
                }
            };
            taken.insert(home);
            chosen.insert(group, home);
        }
        Ok(plan
            .pieces
            .iter()
            .map(|piece| match &piece.verdict {
                Verdict::Belongs(to) => to.iter().map(|(id, by)| (*id, Some(by.clone()))).collect(),
                Verdict::Orphan { group, .. } => BTreeMap::from([(chosen[group], None)]),
            })
            .collect())
    }

    /// Notes of which registered subscriptions the shop's own transactions are payments, by what they are
    /// to have.
    fn note_subscriptions(
        &self,
        plan: &mut Plan,
        targets: &[BTreeMap<i64, Option<MatchedBy>>],
    ) -> Result<(), StoreError> {
        let mut of: BTreeMap<i64, i64> = BTreeMap::new();
        for (piece, to) in plan.pieces.iter().zip(targets) {
            let named = subscription_of(&piece.said.references, &plan.subscriptions);
            let Some(subscription) = named else { continue };
            for id in to.keys() {
                let known = of.entry(*id).or_insert(subscription);
                *known = subscription.min(*known);
            }
        }
        for (id, transaction) in &mut plan.payments {
            let Some(known) = transaction.as_ref().filter(|known| !known.made) else { continue };
            let is = of.get(id).copied();
            if is != known.subscription.as_ref().map(|one| one.id) {
                transactions::set_subscription(self.connection, *id, is)?;
                *transaction = Some(self.transaction(*id)?);
            }
        }
        Ok(())
    }

    fn put(
        &self,
        piece: &Piece,
        to: &BTreeMap<i64, Option<MatchedBy>>,
        changed: &mut BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        for holder in piece.holders.keys().filter(|holder| !to.contains_key(*holder)) {
            facts::remove(self.connection, *holder, &piece.said)?;
            changed.insert(*holder);
        }
        for (payment, by) in to {
            let by = by.as_ref().map(MatchedBy::to_text);
            match piece.holders.get(payment) {
                Some(known) if *known == by => {}
                Some(_) => facts::match_by(self.connection, *payment, &piece.said, by.as_deref())?,
                None => {
                    facts::insert(self.connection, *payment, &piece.said, by.as_deref())?;
                    changed.insert(*payment);
                }
            }
        }
        changed.extend(&piece.was_in);
        Ok(())
    }

    /// Each payment has the ids that what it has carries, and those that the shop registered.
    fn keep_references(
        &self,
        realm: Realm<'_>,
        plan: &Plan,
        targets: &[BTreeMap<i64, Option<MatchedBy>>],
    ) -> Result<(), StoreError> {
        let mut wanted: BTreeMap<(bool, &str, i64), (&Reference, Standing)> = BTreeMap::new();
        for (piece, to) in plan.pieces.iter().zip(targets) {
            for reference in &piece.said.references {
                let identifies = reference.kind.identifies_payment();
                let standing =
                    if piece.is_sure && identifies { Standing::Tied } else { Standing::Named };
                for payment in to.keys() {
                    let key = (identifies, &*reference.value, *payment);
                    let known = wanted.entry(key).or_insert((reference, standing));
                    // PayPal's disputes call a sale a capture: what it is its own event says. As
                    // `references::add` has it.
                    if reference.kind.as_str() > known.0.kind.as_str() {
                        known.0 = reference;
                    }
                    if standing == Standing::Named {
                        known.1 = Standing::Named;
                    }
                }
            }
        }
        for ((identifies, value), having) in &plan.known {
            for one in having.iter().filter(|one| plan.payments.contains_key(&one.payment)) {
                let key = (*identifies, &**value, one.payment);
                if one.standing != Standing::Registered && !wanted.contains_key(&key) {
                    let reference = Reference::new(one.kind, value.clone());
                    references::forget(self.connection, realm, &reference, one.payment)?;
                }
            }
        }
        for ((identifies, value, payment), (reference, standing)) in wanted {
            let having = plan.known.get(&(identifies, value.into()));
            let known = having.and_then(|all| all.iter().find(|one| one.payment == payment));
            let is_said = known.is_some_and(|one| {
                let is_same = one.standing == standing && one.kind == reference.kind;
                is_same || one.standing == Standing::Registered
            });
            if !is_said {
                references::learn(self.connection, realm, reference, payment, standing)?;
            }
        }
        Ok(())
    }

    /// Notes of each event to which transaction it belongs: of several the first.
    fn assign_events(
        &self,
        plan: &Plan,
        targets: &[BTreeMap<i64, Option<MatchedBy>>],
        changed: &BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let mut events: BTreeMap<i64, (bool, Option<i64>)> = BTreeMap::new();
        for (piece, to) in plan.pieces.iter().zip(targets) {
            let event = events.entry(piece.said.log_id).or_insert((false, None));
            let touched = piece.holders.keys().chain(to.keys()).any(|id| changed.contains(id));
            // What is new comes with its row, but another rendering of an event that has one.
            event.0 |= touched && (!piece.is_new || piece.said.is_of_other_rendering);
            if matches!(piece.verdict, Verdict::Belongs(_)) {
                event.1 = event.1.or_else(|| to.keys().next().copied());
            }
        }
        for (log_id, (is_touched, transaction)) in events {
            if is_touched {
                webhook_logs::assign(self.connection, log_id, transaction)?;
            }
        }
        Ok(())
    }

    fn see_to_orphans(
        &self,
        realm: Realm<'_>,
        plan: &Plan,
        targets: &[BTreeMap<i64, Option<MatchedBy>>],
        changed: &BTreeSet<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Where what each had has gone, a transaction before an orphan.
        let mut left: BTreeMap<i64, BTreeSet<(bool, i64)>> = BTreeMap::new();
        let mut doubts: BTreeMap<i64, Option<Doubt>> = BTreeMap::new();
        for (piece, to) in plan.pieces.iter().zip(targets) {
            let is_orphan = matches!(piece.verdict, Verdict::Orphan { .. });
            for before in piece.holders.keys().chain(&piece.was_in) {
                left.entry(*before).or_default().extend(to.keys().map(|id| (is_orphan, *id)));
            }
            if let Verdict::Orphan { doubt, .. } = &piece.verdict {
                for id in to.keys() {
                    let known = doubts.entry(*id).or_default();
                    *known = both(known.take(), doubt.clone());
                }
            }
        }
        for (id, doubt) in &doubts {
            if changed.contains(id) || orphans::doubts(self.connection, *id)? != *doubt {
                orphans::refresh(self.connection, *id, realm, self.policy, doubt.as_ref(), now)?;
            }
        }
        for (id, transaction) in &plan.payments {
            if transaction.is_some() || doubts.contains_key(id) {
                continue;
            }
            match left.get(id).and_then(BTreeSet::first) {
                Some((false, to)) => {
                    orphans::matched(
                        self.connection,
                        *id,
                        *to,
                        crate::domain::records::By::Payhookd,
                        now,
                    )?;
                }
                Some((true, into)) => orphans::merged(self.connection, *id, *into, now)?,
                None => orphans::remove_open(self.connection, *id, now)?,
            }
        }
        Ok(())
    }

    /// The transaction to which what an event says belongs beyond doubt: every id of it that is known is
    /// tied to this one alone. What was decided of all that it is tied to stays decided.
    pub(crate) fn surely_of(
        &self,
        realm: Realm<'_>,
        said: &Said,
    ) -> Result<Option<Sure>, StoreError> {
        let may_share = |kind: ReferenceKind| {
            matches!(kind, ReferenceKind::Invoice | ReferenceKind::InvoicePayment)
        };
        if said.references.iter().any(|one| may_share(one.kind)) {
            return Ok(None);
        }
        let mut found: Option<i64> = None;
        let (mut registered, mut unknown) = (None, Vec::new());
        for (place, one) in said.references.iter().enumerate() {
            if !one.kind.identifies_payment() {
                unknown.push(place);
                continue;
            }
            let having = references::find(self.connection, realm, &one.value, true)?;
            match having.as_slice() {
                [] => unknown.push(place),
                [only] if only.standing != Standing::Named => {
                    let is_renamed = only.standing == Standing::Tied && only.kind != one.kind;
                    if is_renamed || found.is_some_and(|found| found != only.payment) {
                        return Ok(None);
                    }
                    found = Some(only.payment);
                    if only.standing == Standing::Registered {
                        registered = Some(one.value.clone());
                    }
                }
                _ => return Ok(None),
            }
        }
        let Some(found) = found else { return Ok(None) };
        let Some(transaction) = transactions::get(self.connection, found)? else {
            return Ok(None);
        };
        let mut kinds = said.references.iter().map(|one| one.kind);
        if transaction.subscription.is_none()
            && kinds.any(|kind| kind == ReferenceKind::Subscription)
        {
            return Ok(None);
        }
        let by = match registered {
            Some(id) => MatchedBy::Registered(id),
            None => MatchedBy::Tied(transaction.reference.as_str().into()),
        };
        Ok(Some(Sure { transaction, by, unknown }))
    }

    /// Adds what an event says to the transaction that it surely belongs to.
    pub(crate) fn add(
        &self,
        realm: Realm<'_>,
        sure: &Sure,
        said: &Said,
        now: Timestamp,
    ) -> Result<Refolded, StoreError> {
        let id = sure.transaction.id;
        for place in &sure.unknown {
            let reference = &said.references[*place];
            let standing = match reference.kind.identifies_payment() {
                true => Standing::Tied,
                false => Standing::Named,
            };
            references::add(self.connection, realm, reference, id, standing)?;
        }
        facts::insert(self.connection, id, said, Some(&sure.by.to_text()))?;
        refold::refold(self.connection, &sure.transaction, Some(said.log_id), now)
    }
}

/// Where what an event says belongs beyond doubt.
pub(crate) struct Sure {
    pub(crate) transaction: Transaction,
    by: MatchedBy,
    /// The places of its ids that are not known yet, or are shared.
    unknown: Vec<usize>,
}

/// Of two doubts about one orphan, all transactions that either names.
fn both(one: Option<Doubt>, other: Option<Doubt>) -> Option<Doubt> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => {
            let mut all = one.candidates();
            all.extend(other.candidates());
            Some(Doubt::Ambiguous(all))
        }
        (one, other) => one.or(other),
    }
}
