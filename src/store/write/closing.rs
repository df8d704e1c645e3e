//! What the shop or a person says of a payment after it was registered or became an orphan.

use super::matching::Begin;
use super::{late_money, orphans};
use crate::domain::matching::Standing;
use crate::domain::orphan::OrphanKind;
use crate::domain::records::{By, Closed, Settled, Transaction};
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said};
use crate::store::tables::references::{self, Realm};
use crate::store::tables::{self, transactions, webhook_logs};
use crate::store::write::refold;

impl Batch<'_> {
    /// The shop expects no money for this transaction any more: should some come, a person is told. One that
    /// holds money is closed only if that is known.
    pub(crate) fn close(
        &self,
        id: i64,
        even_if_paid: bool,
        now: Timestamp,
    ) -> Result<Closed, StoreError> {
        let Some(transaction) = transactions::get(self.connection, id)? else {
            return Ok(Closed::NoTransaction);
        };
        let is_paid = transaction.closed_at.is_none() && !transaction.state.held().is_empty();
        if is_paid && !even_if_paid {
            return Ok(Closed::IsPaid(Box::new(transaction)));
        }
        let closed = self.set_closed(id, Some(now), now)?;
        Ok(closed.map_or(Closed::NoTransaction, |closed| Closed::Done(Box::new(closed))))
    }

    /// The shop takes a [`close`](Self::close) back.
    pub(crate) fn reopen(
        &self,
        id: i64,
        now: Timestamp,
    ) -> Result<Option<Transaction>, StoreError> {
        self.set_closed(id, None, now)
    }

    fn set_closed(
        &self,
        id: i64,
        closed_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Transaction>, StoreError> {
        let Some(transaction) = transactions::get(self.connection, id)? else { return Ok(None) };
        if transaction.closed_at.is_some() != closed_at.is_some() {
            refold::close(self.connection, &transaction, closed_at, now)?;
            let transaction = self.transaction(id)?;
            late_money::sync(self.connection, &transaction, None, now)?;
        }
        Ok(Some(self.transaction(id)?))
    }

    /// A person says that this orphan belongs to this transaction. All its events are applied to
    /// it, and whatever comes with one of its ids will be.
    pub(crate) fn attach(
        &self,
        orphan: i64,
        transaction_id: i64,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let Some(found) = tables::orphans::get(self.connection, orphan)? else {
            return Ok(Settled::NoOrphan);
        };
        if found.resolved_at.is_some() && found.transaction_id.is_some() {
            return Ok(Settled::Already(Box::new(found)));
        }
        let Some(transaction) = transactions::get(self.connection, transaction_id)? else {
            return Ok(Settled::NoTransaction);
        };
        let is_alike = (found.provider, found.livemode)
            == (transaction.provider, transaction.livemode)
            && found.account.is_none()
            && found.kind != OrphanKind::LateMoney;
        if !is_alike {
            return Ok(Settled::OfAnotherKind);
        }
        let realm = Realm::own(found.provider, found.livemode);
        for said in Said::of(&facts::of(self.connection, orphan)?)? {
            facts::remove(self.connection, orphan, &said)?;
            facts::insert(self.connection, transaction_id, &said, Some("person"))?;
            webhook_logs::assign(self.connection, said.log_id, Some(transaction_id))?;
            for reference in &said.references {
                references::forget(self.connection, realm, reference, orphan)?;
                references::learn(
                    self.connection,
                    realm,
                    reference,
                    transaction_id,
                    Standing::Named,
                )?;
            }
        }
        orphans::matched(self.connection, orphan, transaction_id, By::Person, now)?;
        if let Some(note) = note {
            orphans::note(self.connection, orphan, note)?;
        }
        let payments = vec![transaction_id];
        self.settle(realm, Begin { payments, ..Begin::default() }, now)?;
        self.refold(transaction_id, None, now)?;
        Ok(Settled::Done(Some(Box::new(self.transaction(transaction_id)?))))
    }

    /// A person says that there is nothing to do about this orphan, and why. Its events stay, and it
    /// is adopted all the same should its transaction be registered.
    pub(crate) fn dismiss(
        &self,
        orphan: i64,
        note: &str,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        match tables::orphans::get(self.connection, orphan)? {
            None => Ok(Settled::NoOrphan),
            Some(found) if found.resolved_at.is_some() => Ok(Settled::Already(Box::new(found))),
            Some(_) => {
                orphans::dismissed(self.connection, orphan, note, By::Person, now)?;
                Ok(Settled::Done(None))
            }
        }
    }

    /// A person says that this orphan is another's who uses the same account at the provider. Nobody
    /// is told of it any more, whatever comes for it, but it is adopted all the same should its
    /// transaction be registered.
    pub(crate) fn mark_foreign(
        &self,
        orphan: i64,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        match tables::orphans::get(self.connection, orphan)? {
            None => Ok(Settled::NoOrphan),
            Some(found) if found.resolved_at.is_some() => Ok(Settled::Already(Box::new(found))),
            Some(found) if found.kind == OrphanKind::LateMoney => Ok(Settled::HasTransaction),
            Some(_) => {
                orphans::disowned(self.connection, orphan, note, now)?;
                Ok(Settled::Done(None))
            }
        }
    }

    /// Raises an issue for each open orphan of which a person is to know by `now` and that nobody was
    /// told of, a hundred at a time.
    pub(crate) fn raise_due_orphans(&self, now: Timestamp) -> Result<(), StoreError> {
        orphans::raise_due(self.connection, now)
    }
}
