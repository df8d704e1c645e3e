//! `doubtful_events`: events of PayPal's for which two bodies came with a genuine signature.
//!
//! PayPal signs no more of a body than its CRC-32, so one of the two is forged, and which is not to be
//! seen. What came first stays; the transactions that it speaks of are *doubtful* until PayPal itself is
//! asked.

use rusqlite::named_params;

use super::matching::Begin;
use super::replay::says_the_same;
use super::{raise, transmissions};
use crate::domain::event::{Content, Source};
use crate::domain::issue::Doubt;
use crate::domain::records::{LinkKind, Outcome, Transaction, Verdict, Webhook, WebhookLog};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, StoredFact};
use crate::store::tables::references::Realm;
use crate::store::tables::rows::{execute, first};
use crate::store::tables::{transactions, watched, webhook_logs};

impl Batch<'_> {
    /// Another body came than the one of the stored event `log_id`, or of a transmission whose body was
    /// refused, under a genuine signature. What PayPal's API has told is in no doubt, and neither is what
    /// PayPal was asked about.
    pub(crate) fn doubt(
        &self,
        webhook: &Webhook,
        refusal: Refusal,
        log_id: Option<i64>,
    ) -> Result<(), StoreError> {
        let now = webhook.received_at;
        let Some(log_id) = log_id else {
            let transmission = webhook.transmission_id.as_deref().unwrap_or_default();
            let (event_id, doubt) = (&webhook.event.id, Doubt::Refused);
            let known_by = Some(transmission);
            return raise::doubtful_event(self.connection, event_id, known_by, &[], doubt, now);
        };
        let log = self.event(log_id)?.ok_or(StoreError::Fault)?;
        if log.source != Source::Webhook {
            return Ok(());
        }
        let sql = "INSERT INTO doubtful_events (log_id, reason, seen_at, ask_at)
                 VALUES (:log_id, :reason, :now, :now) ON CONFLICT (log_id) DO NOTHING";
        let parameters = named_params! {
            ":log_id": log_id,
            ":reason": refusal.as_str(),
            ":now": now.to_string(),
        };
        execute(self.connection, sql, parameters)?;
        if !self.is_open(log_id)? {
            return Ok(());
        }
        let transactions = self.look_again(log_id, now)?;
        let (of, doubt) = (&log.event_id, Doubt::Seen);
        raise::doubtful_event(self.connection, of, None, &transactions, doubt, now)
    }

    fn is_open(&self, log_id: i64) -> Result<bool, StoreError> {
        let sql = "SELECT settled_at IS NULL FROM doubtful_events WHERE log_id = :id";
        let found = first(self.connection, sql, named_params! { ":id": log_id })?;
        Ok(found.unwrap_or(false))
    }

    /// Derives again what is true of the transactions of an event, and gives them.
    fn look_again(&self, log_id: i64, now: Timestamp) -> Result<Vec<Transaction>, StoreError> {
        let mut transactions = Vec::new();
        for payment in facts::holders(self.connection, log_id)? {
            if transactions::exists(self.connection, payment)? {
                self.refold(payment, Some(log_id), now)?;
                transactions.push(self.transaction(payment)?);
            }
        }
        Ok(transactions)
    }

    /// PayPal says that it has no such event as the doubtful `log`.
    pub(crate) fn doubtful_is_unknown(
        &self,
        log: &WebhookLog,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.is_open(log.id)? {
            return Ok(());
        }
        let transactions = self.look_again(log.id, now)?;
        let (of, doubt) = (&log.event_id, Doubt::Unknown);
        raise::doubtful_event(self.connection, of, None, &transactions, doubt, now)
    }

    /// PayPal was asked about the doubtful event `log`, and `told` is what it says. If that is what is
    /// kept, the doubt is over; otherwise it is put in the place of what is kept. `None`: nothing is in
    /// doubt any more.
    pub(crate) fn settle_doubtful(
        &self,
        log: &WebhookLog,
        told: &Webhook,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError> {
        if !self.is_open(log.id)? {
            return Ok(None);
        }
        let stored = facts::of_event(self.connection, log.id)?;
        let is_same = *log.event_type == *told.event.event_type
            && match &told.event.content {
                Content::Payments(_) => says_the_same(&stored, &told.event)?,
                other => stored.is_empty() && Outcome::from(other) == log.status,
            };
        let verdict = if is_same { Verdict::Confirmed } else { Verdict::Replaced };
        self.settle_doubt(log.id, verdict, now)?;
        let mut concerned = facts::holders(self.connection, log.id)?;
        if verdict == Verdict::Replaced {
            self.put_in_place(log, &stored, told, now)?;
        }
        concerned.extend(facts::holders(self.connection, log.id)?);
        concerned.sort_unstable();
        concerned.dedup();
        let mut transactions = Vec::new();
        for payment in concerned {
            if transactions::exists(self.connection, payment)? {
                self.refold(payment, Some(log.id), now)?;
                transactions.push(self.transaction(payment)?);
            }
        }
        match verdict {
            Verdict::Confirmed | Verdict::Accepted => {
                raise::doubt_is_over(self.connection, &log.event_id, verdict, now)?;
            }
            Verdict::Replaced => {
                let (of, doubt) = (&log.event_id, Doubt::Replaced);
                raise::doubtful_event(self.connection, of, None, &transactions, doubt, now)?;
            }
        }
        Ok(Some(verdict))
    }

    /// A person has looked at the doubtful event with this id: what is kept of it, if anything, stands.
    pub(crate) fn accept_doubtful(&self, event_id: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "SELECT log_id FROM doubtful_events JOIN webhook_logs ON webhook_logs.id = log_id
                 WHERE settled_at IS NULL AND event_id = :event_id";
        let log_id = first(self.connection, sql, named_params! { ":event_id": event_id })?;
        if let Some(log_id) = log_id {
            self.settle_doubt(log_id, Verdict::Accepted, now)?;
            self.look_again(log_id, now)?;
        }
        raise::doubt_is_over(self.connection, event_id, Verdict::Accepted, now)
    }

    fn settle_doubt(
        &self,
        log_id: i64,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE doubtful_events SET settled_at = :now, verdict = :verdict, ask_at = NULL
                 WHERE log_id = :log_id";
        let parameters = named_params! {
            ":log_id": log_id,
            ":now": now.to_string(),
            ":verdict": verdict.as_str(),
        };
        execute(self.connection, sql, parameters)?;
        Ok(())
    }

    /// What PayPal says goes the way of an event that is read again, and its body is kept instead.
    fn put_in_place(
        &self,
        log: &WebhookLog,
        stored: &[StoredFact],
        told: &Webhook,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let before = self.take_back(log, stored)?;
        // What they carried was not the event.
        transmissions::forget_of(self.connection, log.id)?;
        let keep = |outcome, transaction_id| {
            webhook_logs::replace(self.connection, log.id, told, outcome, transaction_id)?;
            Ok(Some(log.id))
        };
        let arrival = watched::arrival(self.connection, log.id)?;
        self.apply(&told.event, &before, now, keep)?.ok_or(StoreError::Fault)?;
        self.link_changed(log.id, LinkKind::Replaced, Some(&arrival), now)?;
        if !matches!(told.event.content, Content::Payments(_)) {
            // Nothing of it is left that would lead to what it was tied to.
            let begin = Begin { payments: before.was_in, ids: before.ids, ..Begin::default() };
            self.settle(Realm::of(&told.event), begin, now)?;
        }
        Ok(())
    }

    /// Notes when PayPal is asked about a doubtful event again; `None`: not.
    pub(crate) fn doubtful_asked(
        &self,
        log_id: i64,
        ask_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE doubtful_events SET ask_at = :ask_at WHERE log_id = :log_id";
        let parameters = named_params! {
            ":log_id": log_id,
            ":ask_at": ask_at.map(|at| at.to_string()),
        };
        execute(self.connection, sql, parameters)?;
        Ok(())
    }
}
