//! Stored events read again: by code that understands more, or by rules that were changed.

use super::ingest::Before;
use super::raise;
use crate::domain::event::{Content, Event};
use crate::domain::records::{Applied, LinkKind, Outcome, Replayed, Transaction, WebhookLog};
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said, StoredFact};
use crate::store::tables::{transactions, webhook_logs};

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
        let stored = facts::of_event(self.connection, log.id)?;
        if !matches!(event.content, Content::Payments(_)) {
            return match &event.content {
                Content::Ignored(why) | Content::Failed(why) if !stored.is_empty() => {
                    Ok(Replayed::LessThanBefore(why.clone()))
                }
                _ => self.replay_kept(log, event, now),
            };
        }
        if says_the_same(&stored, event)? && log.account.as_deref() == event.account.as_deref() {
            return Ok(Replayed::Same);
        }
        let before = self.take_back(log, &stored)?;
        let keep = |outcome, transaction_id| {
            webhook_logs::reread(self.connection, log.id, event, outcome, transaction_id)?;
            Ok(Some(log.id))
        };
        let applied = self.apply(event, &before, now, keep)?.ok_or(StoreError::Fault)?;
        self.link_changed(log.id, LinkKind::Reread, None, now)?;
        if log.status == Outcome::Failed {
            let (provider, event_type) = (log.provider, &*log.event_type);
            raise::failed_event_understood(self.connection, provider, event_type, now)?;
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
        webhook_logs::reread(self.connection, log.id, event, outcome, None)?;
        let reads_the_same = *log.event_type == *event.event_type
            && log.occurred_at == event.occurred_at
            && log.account.as_deref() == event.account.as_deref();
        if !reads_the_same {
            self.link_changed(log.id, LinkKind::Reread, None, now)?;
        }
        let of = (log.provider, &*log.event_type);
        match (&event.content, log.status) {
            (Content::Failed(why), was) if was != Outcome::Failed => {
                raise::failed_event(self.connection, of, &log.event_id, why, now)?;
            }
            (Content::Ignored(_), Outcome::Failed) => {
                raise::failed_event_understood(self.connection, of.0, of.1, now)?;
            }
            _ => {}
        }
        Ok(Replayed::Changed(Applied::kept(outcome)))
    }

    /// Removes what an event said of payments, but for what another rendering of it said.
    pub(in crate::store) fn take_back(
        &self,
        log: &WebhookLog,
        stored: &[StoredFact],
    ) -> Result<Before, StoreError> {
        let mut before = Before::default();
        for payment in facts::holders(self.connection, log.id)? {
            before.was_in.push(payment);
            for said in Said::of(&facts::of(self.connection, payment)?)? {
                if said.log_id == log.id && !said.is_of_other_rendering {
                    let ids = said.references.iter();
                    let ids = ids.map(|one| (one.kind.identifies_payment(), one.value.clone()));
                    before.ids.extend(ids);
                    facts::remove(self.connection, payment, &said)?;
                }
            }
            let attached = stored.iter().any(|one| one.matched_by.as_deref() == Some("person"));
            if attached && transactions::exists(self.connection, payment)? {
                before.attached = Some(payment);
            }
        }
        Ok(before)
    }
}

/// Whether an event says what is stored of it, by the rendering that is kept.
pub(in crate::store) fn says_the_same(
    stored: &[StoredFact],
    event: &Event,
) -> Result<bool, StoreError> {
    let mut said: Vec<Said> = Said::of(stored)?;
    said.retain(|one| !one.is_of_other_rendering);
    said.sort_by_key(|one| one.ordinal);
    said.dedup_by_key(|one| one.ordinal);
    let again = Said::of_event(event);
    Ok(said.len() == again.len()
        && said.iter().zip(&again).all(|(one, other)| {
            one.ordinal == other.ordinal
                && one.references == other.references
                && one.facts == other.facts
                && one.ownership == other.ownership
        }))
}
