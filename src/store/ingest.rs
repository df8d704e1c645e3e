//! An event arrives: found or new, matched or orphan, applied once, in one transaction.

use std::time::Instant;

use super::chain::LinkKind;
use super::database::Batch;
use super::facts::{self, Payment};
use super::matching::{Holder, Holders};
use super::references::{self, Realm};
use super::transactions::{self, Refolded};
use super::webhook_logs::{self, Known};
use super::{StoreError, orphans, raising};
use crate::domain::event::{Content, Event, Provider, Source};
use crate::domain::orphan::OrphanKind;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, Status};

words! {
    /// What became of an event: the `status` column of `webhook_logs`.
    Outcome {
        /// Applied to a transaction.
        Processed = "processed",
        /// Kept; not a type that is acted on.
        Ignored = "ignored",
        /// Kept and remembered; no transaction is registered for its payment.
        Orphan = "orphan",
        /// Kept; it could not be understood.
        Failed = "failed",
    }
}

/// One genuine request, read and ready to be kept.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// What it says.
    pub event: Event,
    /// Its body, byte for byte, but for U+FFFD where it was no UTF-8.
    pub payload: String,
    /// SHA-256 of the body as it came.
    pub payload_sha256: [u8; 32],
    /// JSON object of its headers, without signatures.
    pub headers: String,
    /// By what it was proved: a label.
    pub proof: String,
    /// PayPal's id of this delivery.
    pub transmission_id: Option<Box<str>>,
    /// How it came.
    pub source: Source,
    /// When it came, UTC.
    pub received_at: Timestamp,
    /// The same on the clock that measures durations.
    pub arrived: Instant,
}

/// What was done with a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// A new event, or one that could not be understood when it came before.
    New(Applied),
    /// An event that is known; only its deliveries were counted.
    Duplicate {
        /// The transaction that it was applied to when it was new.
        transaction_id: Option<i64>,
    },
    /// Known under its id with another body: nothing was changed.
    Refused(Refusal),
}

/// What became of an event, and what a person should know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What became of it.
    pub outcome: Outcome,
    /// The transaction it was applied to.
    pub transaction_id: Option<i64>,
    /// The status of the transaction or orphan afterwards.
    pub status: Option<Status>,
    /// Why its payment is an orphan, if it is one.
    pub orphan: Option<OrphanKind>,
    /// Set if with this event the amount turned out not to be what the shop expects.
    pub wrong_amount: Option<AmountCheck>,
    /// With this event money came for a transaction that the shop had closed.
    pub late_money: bool,
}

impl Applied {
    /// An event that is kept and speaks of no payment.
    pub(super) fn kept(outcome: Outcome) -> Self {
        Self {
            outcome,
            transaction_id: None,
            status: None,
            orphan: None,
            wrong_amount: None,
            late_money: false,
        }
    }
}

impl From<&Content> for Outcome {
    /// What becomes of an event before it is matched.
    fn from(content: &Content) -> Self {
        match content {
            Content::Payments(_) => Self::Orphan,
            Content::Ignored(_) => Self::Ignored,
            Content::Failed(_) => Self::Failed,
        }
    }
}

impl Batch<'_> {
    /// Keeps an event and applies what it says.
    pub fn ingest(&self, webhook: &Webhook) -> Result<Ingested, StoreError> {
        if let Some(refusal) = self.known_transmission_of_another_body(webhook)? {
            return Ok(Ingested::Refused(refusal));
        }
        let keep = |outcome, transaction_id| {
            let log_id = webhook_logs::insert(self.connection, webhook, outcome, transaction_id)?;
            let Some(log_id) = log_id else { return Ok(None) };
            self.link_received(log_id, webhook)?;
            if let Some(transmission) = &webhook.transmission_id {
                webhook_logs::remember_transmission(self.connection, transmission, log_id, None)?;
            }
            Ok(Some(log_id))
        };
        match self.apply(&webhook.event, webhook.received_at, keep)? {
            Some(applied) => Ok(Ingested::New(applied)),
            None => self.ingest_again(webhook),
        }
    }

    /// Applies what an event says. `keep` writes its row, with what becomes of it and to which
    /// transaction it belongs, and gives the row's id; `None` from it and from here: the event is
    /// known, and nothing was changed.
    pub(super) fn apply(
        &self,
        event: &Event,
        now: Timestamp,
        keep: impl FnOnce(Outcome, Option<i64>) -> Result<Option<i64>, StoreError>,
    ) -> Result<Option<Applied>, StoreError> {
        let Content::Payments(parts) = &event.content else {
            let outcome = Outcome::from(&event.content);
            let kept = keep(outcome, None)?;
            if let (Some(_), Content::Failed(why)) = (kept, &event.content) {
                let of = (event.provider, &*event.event_type);
                raising::failed_event(self.connection, of, &event.id, why, now)?;
            }
            return Ok(kept.map(|_| Applied::kept(outcome)));
        };
        let references: &Vec<_> = &parts.iter().flat_map(|part| part.references.clone()).collect();
        let facts: &Vec<_> = &parts.iter().flat_map(|part| part.facts.clone()).collect();
        let realm = Realm { provider: event.provider, livemode: event.livemode };
        let holders = self.holders(realm, references, event.ownership)?;
        let transaction_id = holders.transaction.as_ref().map(|transaction| transaction.id);
        let outcome = if transaction_id.is_some() { Outcome::Processed } else { Outcome::Orphan };
        let Some(log_id) = keep(outcome, transaction_id)? else { return Ok(None) };
        let payment = Payment { references, facts, ownership: event.ownership };
        self.place(realm, &holders, log_id, payment, now).map(Some)
    }

    /// Makes a kept event part of the payment that its references lead to, or of a new orphan.
    fn place(
        &self,
        realm: Realm,
        holders: &Holders,
        log_id: i64,
        event: Payment<'_>,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let transaction = holders.transaction.as_ref();
        let oldest = || holders.orphans.first().copied();
        let payment = match transaction.map(|transaction| transaction.id).or_else(oldest) {
            Some(payment) => payment,
            None => transactions::next_id(self.connection)?,
        };
        for orphan in holders.orphans.iter().filter(|orphan| **orphan != payment) {
            match transaction {
                Some(_) => self.adopt(realm, *orphan, payment, now)?,
                None => self.merge(realm, *orphan, payment, now)?,
            }
        }
        let holder = match transaction {
            Some(_) => Holder::Transaction(payment),
            None => Holder::Orphan(payment),
        };
        for (reference, known) in event.references.iter().zip(&holders.known) {
            if !*known && holder.takes(reference) {
                references::learn(self.connection, realm, reference, payment)?;
            }
        }
        facts::insert(self.connection, payment, log_id, &event)?;
        let Some(transaction) = transaction else {
            let orphan = orphans::refresh(self.connection, payment, realm, self.policy, now)?;
            return Ok(Applied {
                status: orphan.status,
                orphan: Some(orphan.kind),
                ..Applied::kept(Outcome::Orphan)
            });
        };
        let Refolded { state, wrong_amount, late_money } =
            transactions::refold(self.connection, transaction, Some(log_id), now)?;
        Ok(Applied {
            outcome: Outcome::Processed,
            transaction_id: Some(transaction.id),
            status: Some(state.status),
            orphan: None,
            wrong_amount,
            late_money,
        })
    }

    /// PayPal signs no more of a body than its CRC-32: a transmission that is known must have the
    /// body it had. (Stripe signs all of it and renders one event in several versions.)
    fn known_transmission_of_another_body(
        &self,
        webhook: &Webhook,
    ) -> Result<Option<Refusal>, StoreError> {
        let Some(transmission) = &webhook.transmission_id else { return Ok(None) };
        let known = webhook_logs::transmission(self.connection, transmission)?;
        let differs = known.is_some_and(|sha256| sha256 != webhook.payload_sha256);
        Ok(differs.then_some(Refusal::ReplayedTransmissionId))
    }

    fn ingest_again(&self, webhook: &Webhook) -> Result<Ingested, StoreError> {
        let event = &webhook.event;
        let known = webhook_logs::known(self.connection, event.provider, &event.id)?;
        let known = known.ok_or_else(|| StoreError::Corrupt {
            what: "event id",
            value: event.id.clone().into_string(),
        })?;
        if webhook.source != Source::Webhook {
            return self.retry(webhook, &known);
        }
        let differs = known.payload_sha256 != webhook.payload_sha256;
        let is_doubtful = event.provider == Provider::Paypal && differs;
        if is_doubtful && known.source == Source::Webhook {
            return Ok(Ingested::Refused(Refusal::ReusedEventId));
        }
        webhook_logs::count_delivery(self.connection, known.id, webhook.received_at)?;
        if let Some(transmission) = &webhook.transmission_id {
            let sha256 = differs.then_some(webhook.payload_sha256);
            webhook_logs::remember_transmission(self.connection, transmission, known.id, sha256)?;
        }
        if is_doubtful {
            // PayPal's API writes an event otherwise than a webhook does. What it said is the better
            // proved, so that stays.
            return Ok(Ingested::Duplicate { transaction_id: known.transaction_id });
        }
        self.retry(webhook, &known)
    }

    /// What an earlier version could not understand, or did not act on, is applied when it comes
    /// again to one that does.
    fn retry(&self, webhook: &Webhook, known: &Known) -> Result<Ingested, StoreError> {
        let was_applied = matches!(known.status, Outcome::Processed | Outcome::Orphan);
        if was_applied || !matches!(webhook.event.content, Content::Payments(_)) {
            return Ok(Ingested::Duplicate { transaction_id: known.transaction_id });
        }
        let keep = |outcome, transaction_id| {
            let differs = known.payload_sha256 != webhook.payload_sha256;
            if webhook.event.provider == Provider::Paypal && differs {
                let sha256 = known.payload_sha256;
                webhook_logs::keep_transmitted(self.connection, known.id, sha256)?;
            }
            webhook_logs::replace(self.connection, known.id, webhook, outcome, transaction_id)?;
            self.link_changed(known.id, LinkKind::Replaced, None, webhook.received_at)?;
            Ok(Some(known.id))
        };
        let applied = self.apply(&webhook.event, webhook.received_at, keep)?;
        if known.status == Outcome::Failed {
            let Event { provider, event_type, .. } = &webhook.event;
            let now = webhook.received_at;
            raising::failed_event_understood(self.connection, *provider, event_type, now)?;
        }
        applied.map(Ingested::New).ok_or(StoreError::Fault)
    }
}
