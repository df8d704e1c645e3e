//! Stored events read again: by code that understands more, or by rules that were changed.

use super::ingest::Before;
use super::{raise, thin_events};
use crate::domain::event::{Content, Event};
use crate::domain::records::{
    Applied, Left, LinkKind, Outcome, Replayable, Replayed, Reread, RereadResult, Transaction,
    WebhookLog,
};
use crate::domain::time::Timestamp;
use crate::providers;
use crate::providers::rules::Rules;
use crate::providers::unreadable::NO_TEXT;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said, StoredFact};
use crate::store::tables::{transactions, webhook_logs};

/// Reads the stored event with this row id again and applies what it says now in place of what it
/// said. `None`: there is no such event.
pub(crate) fn read_again(
    batch: &Batch<'_>,
    id: i64,
    rules: &Rules,
    now: Timestamp,
) -> Result<Option<Reread>, StoreError> {
    let Some(log) = batch.event(id)? else { return Ok(None) };
    let before = before(batch, &log)?;
    let result = again(batch, &log, rules, now)?;
    let WebhookLog { event_id, event_type, .. } = log;
    Ok(Some(Reread { id, event_id, event_type, before, result }))
}

/// Each of these that is there.
pub(crate) fn read_all(
    batch: &Batch<'_>,
    ids: &[i64],
    rules: &Rules,
    now: Timestamp,
) -> Result<Vec<Reread>, StoreError> {
    let each = ids.iter().map(|id| read_again(batch, *id, rules, now));
    Ok(each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// What reading an event again would come to; all of it is taken back.
pub(crate) fn preview(
    batch: &Batch<'_>,
    id: i64,
    rules: &Rules,
    now: Timestamp,
) -> Result<Option<Replayable>, StoreError> {
    let find = |id: Option<i64>| id.map_or(Ok(None), |id| batch.find_transaction(id));
    batch.dry_run(|batch| {
        let Some(log) = batch.event(id)? else { return Ok(None) };
        let before = find(log.transaction_id)?;
        let Some(reread) = read_again(batch, id, rules, now)? else { return Ok(None) };
        let after = match &reread.result {
            RereadResult::Changed(applied) => applied.transaction_id,
            RereadResult::Same | RereadResult::Left(_) => log.transaction_id,
        };
        Ok(Some(Replayable { reread, before, after: find(after)? }))
    })
}

fn again(
    batch: &Batch<'_>,
    log: &WebhookLog,
    rules: &Rules,
    now: Timestamp,
) -> Result<RereadResult, StoreError> {
    let Some(payload) = &log.payload else {
        return Ok(RereadResult::Left(Left::Removed));
    };
    // Of bytes that were no text, nobody knows any more what they were.
    if log.error.as_deref().is_some_and(|why| why.starts_with(NO_TEXT)) {
        return Ok(RereadResult::Same);
    }
    let event =
        match providers::read_again(log.provider, payload, log.livemode, &log.event_id, rules) {
            Ok(event) => event,
            Err(refusal) => return Ok(RereadResult::Left(Left::Unreadable(refusal.to_string()))),
        };
    Ok(match batch.replay(log, &event, now)? {
        Replayed::Same => RereadResult::Same,
        Replayed::Changed(applied) => RereadResult::Changed(applied),
        Replayed::LessThanBefore(why) => RereadResult::Left(Left::LessThanBefore(why)),
    })
}

fn before(batch: &Batch<'_>, log: &WebhookLog) -> Result<String, StoreError> {
    Ok(match log.transaction_id {
        Some(id) => {
            let found = batch.find_transaction(id)?;
            let status = found.map(|one| format!(" ({})", one.state.status)).unwrap_or_default();
            format!("{} in transaction {id}{status}", log.status)
        }
        None => log.status.to_string(),
    })
}

impl Batch<'_> {
    /// The transaction with this id.
    pub(crate) fn find_transaction(&self, id: i64) -> Result<Option<Transaction>, StoreError> {
        transactions::get(self.connection, id)
    }

    /// The stored event with this row id, with its payload.
    pub(crate) fn event(&self, id: i64) -> Result<Option<WebhookLog>, StoreError> {
        webhook_logs::get(self.connection, id)
    }

    /// Puts what `event`, the stored event `log` read again, says in place of what it said before.
    /// It goes through the same matching and the same fold as when it came; what it said before
    /// is taken back first, so that nothing counts twice.
    pub(crate) fn replay(
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
        let is_thin = matches!(event.content, Content::Failed(_)) && thin_events::is_thin(event);
        if is_thin
            && log.status == Outcome::Ignored
            && self.is_thin_event_told(event, log.id, now)?
        {
            return Ok(Replayed::Same);
        }
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
            (Content::Failed(why), was) if was != Outcome::Failed && !is_thin => {
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
    pub(crate) fn take_back(
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
pub(crate) fn says_the_same(stored: &[StoredFact], event: &Event) -> Result<bool, StoreError> {
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
