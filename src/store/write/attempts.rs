//! A further attempt to pay, like one that came to nothing before: it belongs where that one is, and there
//! is nothing to decide anew.

use super::matching::Placed;
use super::orphans;
use crate::domain::matching::{MatchedBy, Standing};
use crate::domain::records::Transaction;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::domain::transaction::attempts::{are_attempts, is_of_attempt};
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said};
use crate::store::tables::references::{self, Realm};
use crate::store::tables::{self, transactions};
use crate::store::write::refold;

/// Where an attempt belongs, as one does that is there.
pub(crate) struct Like {
    payment: i64,
    /// `None`: an orphan's.
    pub(crate) transaction: Option<Transaction>,
    matched_by: Option<String>,
    /// The places of its ids that are not known yet.
    unknown: Vec<usize>,
    standing: Standing,
}

impl Batch<'_> {
    /// The payment that has an attempt of the same ids, but for those of the attempts themselves.
    pub(crate) fn like_an_attempt(
        &self,
        realm: Realm<'_>,
        said: &Said,
    ) -> Result<Option<Like>, StoreError> {
        if !are_attempts(&said.claim().facts) {
            return Ok(None);
        }
        let mut payment: Option<i64> = None;
        let (mut unknown, mut standing) = (Vec::new(), Standing::Tied);
        for (place, one) in said.references.iter().enumerate() {
            if !one.kind.identifies_payment() {
                continue;
            }
            match references::find(self.connection, realm, &one.value, true)?.as_slice() {
                [] => unknown.push(place),
                [only] if payment.is_none_or(|payment| payment == only.payment) => {
                    payment = Some(only.payment);
                    if only.standing == Standing::Named {
                        standing = Standing::Named;
                    }
                }
                _ => return Ok(None),
            }
        }
        let Some(payment) = payment else { return Ok(None) };
        let shared = shared_ids(said);
        if said
            .references
            .iter()
            .enumerate()
            .any(|(place, one)| unknown.contains(&place) && shared.contains(&one))
        {
            return Ok(None);
        }
        let stored = facts::counting(self.connection, payment)?;
        let by: Vec<_> = stored.iter().filter(|one| one.begins_payment()).collect();
        let there = Said::of(&stored)?;
        let like = there.iter().zip(by).find(|(other, by)| {
            let carries = |id: &str| said.references.iter().any(|one| &*one.value == id);
            let is_alike = match by.matched_by.as_deref().and_then(MatchedBy::parse) {
                Some(MatchedBy::Person) => false,
                Some(MatchedBy::Registered(id)) => carries(&id),
                _ => true,
            };
            is_alike
                && other.ownership == said.ownership
                && are_attempts(&other.claim().facts)
                && shared_ids(other) == shared
        });
        let Some((_, by)) = like else { return Ok(None) };
        Ok(Some(Like {
            payment,
            transaction: transactions::get(self.connection, payment)?,
            matched_by: by.matched_by.clone(),
            unknown,
            standing,
        }))
    }

    /// Adds an attempt to the payment that has one like it.
    pub(crate) fn add_attempt(
        &self,
        realm: Realm<'_>,
        like: &Like,
        said: &Said,
        now: Timestamp,
    ) -> Result<Placed, StoreError> {
        for place in &like.unknown {
            let reference = &said.references[*place];
            references::add(self.connection, realm, reference, like.payment, like.standing)?;
        }
        facts::insert(self.connection, like.payment, said, like.matched_by.as_deref())?;
        if let Some(transaction) = &like.transaction {
            let refolded = refold::refold(self.connection, transaction, Some(said.log_id), now)?;
            return Ok(Placed { refolded: Some(refolded), orphan: None });
        }
        let doubt = orphans::doubts(self.connection, like.payment)?;
        let orphan = like.payment;
        orphans::refresh(self.connection, orphan, realm, self.policy, doubt.as_ref(), now)?;
        let orphan = tables::orphans::get(self.connection, like.payment)?;
        Ok(Placed { refolded: None, orphan: orphan.map(|orphan| (orphan.kind, orphan.status)) })
    }
}

/// The ids that one attempt shares with the next, in one order.
fn shared_ids(said: &Said) -> Vec<&Reference> {
    let mut ids: Vec<&Reference> =
        said.references.iter().filter(|one| !is_of_attempt(one)).collect();
    ids.sort();
    ids
}
