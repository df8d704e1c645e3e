//! Orders, and the payments that were their like in v1. One may hold the parts of several shop
//! orders, and tells what became of each part.

use std::borrow::Cow;

use super::super::super::reading::{Reading, Source};
use super::super::super::rules::Rules;
use super::amount::{Amount, sum};
use super::{PurchaseUnit, Resource, Transaction, UNKNOWN_STATUS, order_ids};
use crate::domain::event::Content;
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::ReferenceKind;

/// A purchase unit of an order or a transaction of a payment.
struct Piece<'r> {
    amount: Option<&'r Amount<'r>>,
    order_ids: Vec<Cow<'r, str>>,
    /// Its captures, sales, authorizations and refunds.
    inside: Vec<(ReferenceKind, &'r Resource<'r>)>,
}

impl Resource<'_> {
    /// Of a type that says nothing by itself.
    pub(in super::super) fn order_said(&self, source: &Source<'_>) -> Reading {
        match self.ordered() {
            Some(state) => self.order(source, state),
            None => Ok(Content::Ignored("an order whose status says nothing".into())),
        }
    }

    /// As the API gives it.
    pub(in super::super) fn order_retrieved(&self, source: &Source<'_>) -> Reading {
        self.order(source, self.ordered().ok_or(UNKNOWN_STATUS)?)
    }

    /// What became of it, by what it says itself, if that is understood.
    fn ordered(&self) -> Option<FactState> {
        match &*self.word()? {
            "created" | "saved" => Some(FactState::Created),
            "payer_action_required" => Some(FactState::RequiresAction),
            "approved" => Some(FactState::Approved),
            "completed" => Some(FactState::OrderCompleted),
            "voided" => Some(FactState::Canceled),
            _ => None,
        }
    }

    /// By what the type says; of a completed one its captures say what money moved.
    pub(in super::super) fn order(&self, source: &Source<'_>, state: FactState) -> Reading {
        // An approval that was reversed names its order so.
        let id = self.id.text().or_else(|| self.order_id.text());
        let id = id.ok_or("resource.id and resource.order_id are missing")?;
        let pieces: Vec<Piece<'_>> =
            self.purchase_units.iter().map(|unit| unit.piece(source.rules)).collect();
        let whole = source.fact(ReferenceKind::Order, id, state);
        self.in_parts(source, &whole, "purchase_units.amount", &pieces)
    }

    /// A v1 payment that the buyer approved and the shop has still to execute, unless it says less.
    pub(in super::super) fn payment_created(&self, source: &Source<'_>) -> Reading {
        let state = match self.word() {
            None => FactState::Approved,
            Some(_) => self.agreed().unwrap_or(FactState::Created),
        };
        self.payment_in(source, state)
    }

    /// As the API gives it. That a payment was approved it says for ever; its sales tell the rest.
    pub(in super::super) fn payment_retrieved(&self, source: &Source<'_>) -> Reading {
        self.payment_in(source, self.agreed().ok_or(UNKNOWN_STATUS)?)
    }

    /// What became of a v1 payment, by what it says itself, if that is understood.
    fn agreed(&self) -> Option<FactState> {
        match &*self.word()? {
            "created" => Some(FactState::Created),
            "approved" => Some(FactState::Approved),
            "failed" => Some(FactState::AttemptFailed),
            _ => None,
        }
    }

    fn payment_in(&self, source: &Source<'_>, state: FactState) -> Reading {
        let id = self.own_id()?;
        let pieces: Vec<Piece<'_>> =
            self.transactions.iter().map(|transaction| transaction.piece(source.rules)).collect();
        let whole = source.fact(ReferenceKind::Payment, id, state);
        self.in_parts(source, &whole, "transactions.amount", &pieces)
    }

    /// `whole` is what is said of the order; of each shop order in it that and its own pieces count.
    fn in_parts(
        &self,
        source: &Source<'_>,
        whole: &Fact,
        field: &str,
        pieces: &[Piece<'_>],
    ) -> Reading {
        let groups = by_shop_order(pieces);
        let mut parts = Vec::new();
        for group in &groups {
            let own_order_ids = match groups.len() {
                1 => self.order_ids(source.rules),
                // They would tie the one shop order to the other.
                _ => Vec::new(),
            };
            let mut references =
                self.provider_ids(whole.object, &whole.object_id).and_order_ids(&own_order_ids);
            let mut facts = vec![Fact {
                amount: sum(field, group.iter().filter_map(|piece| piece.amount))?,
                object_at: self.updated_at(),
                ..whole.clone()
            }];
            for piece in group {
                for (kind, object) in &piece.inside {
                    references = references.and(*kind, object.id.id());
                }
                references = references.and_order_ids(&piece.order_ids);
                facts.extend(piece.facts(source));
            }
            parts.push(references.part(facts));
        }
        Ok(Content::Payments(parts))
    }
}

impl PurchaseUnit<'_> {
    fn piece(&self, rules: &Rules) -> Piece<'_> {
        let mut inside = Vec::new();
        if let Some(payments) = self.payments.get() {
            let kinds = [
                (ReferenceKind::Capture, &payments.captures),
                (ReferenceKind::Authorization, &payments.authorizations),
                (ReferenceKind::Refund, &payments.refunds),
            ];
            for (kind, objects) in kinds {
                inside.extend(objects.iter().map(|object| (kind, object)));
            }
        }
        Piece {
            amount: self.amount.get().or_else(|| self.gross_amount.get()),
            order_ids: order_ids(rules, [&self.custom_id], [&self.invoice_id]),
            inside,
        }
    }
}

impl Transaction<'_> {
    fn piece(&self, rules: &Rules) -> Piece<'_> {
        let mut inside = Vec::new();
        for related in self.related_resources.iter() {
            let kinds = [
                (ReferenceKind::Sale, related.sale.get()),
                (ReferenceKind::Authorization, related.authorization.get()),
                (ReferenceKind::Capture, related.capture.get()),
                (ReferenceKind::Refund, related.refund.get()),
            ];
            inside.extend(kinds.into_iter().filter_map(|(kind, object)| Some((kind, object?))));
        }
        Piece {
            amount: self.amount.get(),
            order_ids: order_ids(rules, [&self.custom], [&self.invoice_number]),
            inside,
        }
    }
}

impl Piece<'_> {
    /// What it says of all that is inside it.
    fn facts(&self, source: &Source<'_>) -> Vec<Fact> {
        let taken = |kind| matches!(kind, ReferenceKind::Capture | ReferenceKind::Sale);
        let mut parents = self.inside.iter().filter(|(kind, _)| taken(*kind));
        let only_parent = match (parents.next(), parents.next()) {
            (Some((_, only)), None) => only.id.id(),
            _ => None,
        };
        let of = |(kind, object): &(ReferenceKind, &Resource<'_>)| match kind {
            ReferenceKind::Refund => object.embedded_refund(source, only_parent),
            kind => object.embedded_payment(source, *kind),
        };
        self.inside.iter().filter_map(of).collect()
    }
}

/// The pieces of each shop order: those that share one of its ids. Pieces of which no two name
/// different ones are all of one.
fn by_shop_order<'p, 'r>(pieces: &'p [Piece<'r>]) -> Vec<Vec<&'p Piece<'r>>> {
    let share = |one: &Piece<'_>, other: &Piece<'_>| {
        one.order_ids.iter().any(|id| other.order_ids.contains(id))
    };
    let mut groups: Vec<Vec<&Piece<'_>>> = Vec::new();
    for piece in pieces {
        let (near, far): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.iter().any(|other| share(piece, other)));
        groups = far;
        groups.push(near.into_iter().flatten().chain([piece]).collect());
    }
    let named = groups.iter().filter(|group| group.iter().any(|one| !one.order_ids.is_empty()));
    if named.count() < 2 {
        return vec![pieces.iter().collect()];
    }
    groups
}
