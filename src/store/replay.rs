//! Stored events read again: by code that understands more, or by rules that were changed.

use super::chain::LinkKind;
use super::database::Batch;
use super::facts::{self, StoredFact};
use super::ingest::{Applied, Outcome};
use super::matching::components;
use super::references::{self, Realm};
use super::transactions::{self, Transaction};
use super::webhook_logs::{self, WebhookLog};
use super::{StoreError, orphans, raising};
use crate::domain::event::{Content, Event, Reference};
use crate::domain::time::Timestamp;

/// What reading an event again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It says what it said: nothing was changed.
    Same,
    /// It is read differently now and was applied anew.
    Changed(Applied),
    /// It was understood before and is not any more: what it said then stays.
    LessThanBefore(Box<str>),
}

impl Batch<'_> {
    /// The transaction with this id.
    pub fn find_transaction(&self, id: i64) -> Result<Option<Transaction>, StoreError> {
        transactions::get(self.connection, id)
    }

    /// The stored event with this row id, with its payload.
    pub fn event(&self, id: i64) -> Result<Option<WebhookLog>, StoreError> {
        webhook_logs::get(self.connection, id)
    }

    /// Puts what `event`, the stored event `log` read again, says in place of what it said before.
    /// It goes through the same matching and the same fold as when it came; what it said before
    /// is taken back first, so that nothing counts twice.
    pub fn replay(
        &self,
        log: &WebhookLog,
        event: &Event,
        now: Timestamp,
    ) -> Result<Replayed, StoreError> {
        let holding = match log.transaction_id {
            Some(transaction_id) => Some(transaction_id),
            None => orphans::holding(self.connection, log)?,
        };
        let Content::Payments(parts) = &event.content else {
            return match (holding, &event.content) {
                (Some(_), Content::Ignored(why) | Content::Failed(why)) => {
                    Ok(Replayed::LessThanBefore(why.clone()))
                }
                _ => self.replay_kept(log, event, now),
            };
        };
        let references: &Vec<_> = &parts.iter().flat_map(|part| part.references.clone()).collect();
        let facts: &Vec<_> = &parts.iter().flat_map(|part| part.facts.clone()).collect();
        let realm = Realm { provider: log.provider, livemode: log.livemode };
        if let Some(payment) = holding {
            let stored = facts::of(self.connection, payment)?;
            let of_event: Vec<&StoredFact> =
                stored.iter().filter(|stored| stored.log_id == log.id).collect();
            let same = of_event.iter().map(|stored| &stored.fact).eq(facts)
                && of_event.first().is_some_and(|first| first.ownership == event.ownership)
                && of_event.first().map(|first| first.references()).transpose()?.as_ref()
                    == Some(references);
            if same {
                return Ok(Replayed::Same);
            }
            self.take_back(realm, payment, log.id, &stored, references)?;
        }
        let keep = |outcome, transaction_id| {
            self.reread(log, event, outcome, transaction_id, now)?;
            Ok(Some(log.id))
        };
        let applied = self.apply(event, now, keep)?.ok_or(StoreError::Fault)?;
        if log.status == Outcome::Failed {
            let (provider, event_type) = (log.provider, &*log.event_type);
            raising::failed_event_understood(self.connection, provider, event_type, now)?;
        }
        let left = holding.filter(|payment| Some(*payment) != applied.transaction_id);
        if let Some(left) = left {
            self.tidy(realm, left, log.id, now)?;
        }
        Ok(Replayed::Changed(applied))
    }

    fn replay_kept(
        &self,
        log: &WebhookLog,
        event: &Event,
        now: Timestamp,
    ) -> Result<Replayed, StoreError> {
        let outcome = Outcome::from(&event.content);
        let error = match &event.content {
            Content::Payments(_) => None,
            Content::Ignored(why) | Content::Failed(why) => Some(&**why),
        };
        if outcome == log.status && error == log.error.as_deref() {
            return Ok(Replayed::Same);
        }
        self.reread(log, event, outcome, None, now)?;
        let of = (log.provider, &*log.event_type);
        match (&event.content, log.status) {
            (Content::Failed(why), was) if was != Outcome::Failed => {
                raising::failed_event(self.connection, of, &log.event_id, why, now)?;
            }
            (Content::Ignored(_), Outcome::Failed) => {
                raising::failed_event_understood(self.connection, of.0, of.1, now)?;
            }
            _ => {}
        }
        Ok(Replayed::Changed(Applied::kept(outcome)))
    }

    /// Notes what became of an event that was read again.
    fn reread(
        &self,
        log: &WebhookLog,
        event: &Event,
        outcome: Outcome,
        transaction_id: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        webhook_logs::reread(self.connection, log.id, event, outcome, transaction_id)?;
        let is_linked =
            (&*log.event_type, log.occurred_at) == (&*event.event_type, event.occurred_at);
        if !is_linked {
            self.link_changed(log.id, LinkKind::Reread, None, now)?;
        }
        Ok(())
    }

    /// Removes what an event said of its payment, and the ids that it alone brought. Those that it
    /// still has stay where only they lead: with an orphan, which may be dismissed, and with a
    /// transaction that a person attached it to. What was attached stays attached.
    fn take_back(
        &self,
        realm: Realm,
        payment: i64,
        log_id: i64,
        stored: &[StoredFact],
        again: &[Reference],
    ) -> Result<(), StoreError> {
        let (of_event, others): (Vec<_>, Vec<_>) =
            stored.iter().partition(|stored| stored.log_id == log_id);
        facts::remove(self.connection, payment, log_id)?;
        let registered = transactions::get(self.connection, payment)?;
        let mut kept = Vec::new();
        if registered.is_none() || self.is_attached(payment, log_id, stored)? {
            kept.extend(again.iter().cloned());
        }
        for stored in others {
            kept.extend(stored.references()?);
        }
        for stored in of_event {
            for reference in stored.references()? {
                let is_registered = registered.as_ref().is_some_and(|transaction| {
                    [Some(&*transaction.reference), transaction.order_id.as_deref()]
                        .contains(&Some(&*reference.value))
                });
                if !is_registered && !kept.contains(&reference) {
                    references::forget(self.connection, realm, &reference, payment)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a person made this event, or one that is tied to it, part of the transaction.
    fn is_attached(
        &self,
        transaction_id: i64,
        log_id: i64,
        stored: &[StoredFact],
    ) -> Result<bool, StoreError> {
        let attached = orphans::attached_by_person(self.connection, transaction_id)?;
        let component = components(stored)?.into_iter().find(|one| one.logs.contains(&log_id));
        Ok(component.is_some_and(|one| attached.iter().any(|id| one.carries(id))))
    }

    /// Sees to a payment that an event has left.
    fn tidy(
        &self,
        realm: Realm,
        payment: i64,
        log_id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if transactions::exists(self.connection, payment)? {
            self.refold(payment, Some(log_id), now)?;
        } else if facts::of(self.connection, payment)?.is_empty() {
            // It may have been adopted with the event, and is a note of that now.
            orphans::remove_open(self.connection, payment, now)?;
        } else {
            orphans::refresh(self.connection, payment, realm, self.policy, now)?;
        }
        Ok(())
    }
}
