//! An event arrives: found or new, matched or orphan, applied once, in one transaction.

use super::matching::{Begin, NewSaid, Placed};
use super::refold::Refolded;
use super::{raise, thin_events, transmissions};
use crate::domain::event::{Content, Event, Source};
use crate::domain::provider::Provider;
use crate::domain::records::{Applied, Ingested, LinkKind, Outcome, Webhook};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::providers::payouts;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::tables::facts::{self, Said};
use crate::store::tables::references::Realm;
use crate::store::tables::watched;
use crate::store::tables::webhook_logs::{self, KnownEvent};

/// What is known of an event that is read again: where what it said was, and to which transaction a
/// person had attached that.
#[derive(Default)]
pub(crate) struct Before {
    pub(crate) was_in: Vec<i64>,
    /// The ids that it carried, and whether each identifies a payment: nobody else may have them.
    pub(crate) ids: Vec<(bool, Box<str>)>,
    pub(crate) attached: Option<i64>,
}

impl Before {
    fn is_nothing(&self) -> bool {
        self.was_in.is_empty() && self.attached.is_none()
    }

    fn then(&self, said: Said) -> NewSaid {
        NewSaid { said, was_in: self.was_in.clone(), attached: self.attached }
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

impl Applied {
    fn placed(transaction_id: Option<i64>, placed: Placed) -> Self {
        if let (Some(id), Some(refolded)) = (transaction_id, placed.refolded) {
            return Self::to(id, refolded);
        }
        let outcome = if transaction_id.is_some() { Outcome::Processed } else { Outcome::Orphan };
        Self {
            transaction_id,
            status: placed.orphan.and_then(|(_, status)| status),
            orphan: placed.orphan.map(|(kind, _)| kind),
            ..Self::kept(outcome)
        }
    }

    fn to(transaction_id: i64, refolded: Refolded) -> Self {
        let Refolded { state, wrong_amount, late_money } = refolded;
        Self {
            transaction_id: Some(transaction_id),
            status: Some(state.status),
            wrong_amount,
            late_money,
            ..Self::kept(Outcome::Processed)
        }
    }
}

impl Batch<'_> {
    /// Keeps an event and applies what it says.
    pub(crate) fn ingest(&self, webhook: &Webhook) -> Result<Ingested, StoreError> {
        if let Some(known) = self.known_transmission_of_another_body(webhook)? {
            let refusal = Refusal::ReplayedTransmissionId;
            self.doubt(webhook, refusal, known.log_id)?;
            return Ok(Ingested::Refused(refusal));
        }
        let keep = |outcome, transaction_id| {
            let log_id = webhook_logs::insert(self.connection, webhook, outcome, transaction_id)?;
            let Some(log_id) = log_id else { return Ok(None) };
            self.link_received(log_id, webhook)?;
            self.remember_transmission(webhook, log_id)?;
            Ok(Some(log_id))
        };
        match self.apply(&webhook.event, &Before::default(), webhook.received_at, keep)? {
            Some(applied) => {
                self.note_payout(webhook)?;
                Ok(Ingested::New(applied))
            }
            None => self.ingest_again(webhook),
        }
    }

    /// A payout is no payment, but one that does not arrive is for a person to know.
    fn note_payout(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let Event { provider, event_type, livemode, account, .. } = &webhook.event;
        if *livemode != self.policy.livemode || account.is_some() {
            return Ok(());
        }
        match payouts::read(*provider, event_type, &webhook.payload) {
            Some(payout) => {
                let ended = (payout, webhook.event.occurred_at);
                raise::payout(self.connection, *provider, ended, webhook.received_at)
            }
            None => Ok(()),
        }
    }

    /// Applies what an event says. `keep` writes its row, with what becomes of it and to which
    /// transaction it belongs, and gives the row's id; `None` from it and from here: the event is
    /// known, and nothing was changed.
    pub(crate) fn apply(
        &self,
        event: &Event,
        before: &Before,
        now: Timestamp,
        keep: impl FnOnce(Outcome, Option<i64>) -> Result<Option<i64>, StoreError>,
    ) -> Result<Option<Applied>, StoreError> {
        let Content::Payments(parts) = &event.content else {
            let outcome = Outcome::from(&event.content);
            let kept = keep(outcome, None)?;
            let Some(log_id) = kept else { return Ok(None) };
            match &event.content {
                Content::Failed(_) if thin_events::is_thin(event) => {
                    if self.is_thin_event_told(event, log_id, now)? {
                        return Ok(Some(Applied::kept(Outcome::Ignored)));
                    }
                }
                Content::Failed(why) => {
                    let of = (event.provider, &*event.event_type);
                    raise::failed_event(self.connection, of, &event.id, why, now)?;
                }
                Content::Ignored(_) | Content::Payments(_) => {}
            }
            return Ok(Some(Applied::kept(outcome)));
        };
        let applied = self.apply_payments(event, before, now, keep)?;
        self.thin_events_are_told(event, parts, now)?;
        Ok(applied)
    }

    fn apply_payments(
        &self,
        event: &Event,
        before: &Before,
        now: Timestamp,
        keep: impl FnOnce(Outcome, Option<i64>) -> Result<Option<i64>, StoreError>,
    ) -> Result<Option<Applied>, StoreError> {
        let realm = Realm::of(event);
        let mut said = Said::of_event(event);
        if let ([only], true) = (said.as_mut_slice(), before.is_nothing()) {
            if let Some(sure) = self.surely_of(realm, only)? {
                let transaction_id = sure.transaction.id;
                let kept = keep(Outcome::Processed, Some(transaction_id))?;
                let Some(log_id) = kept else { return Ok(None) };
                only.log_id = log_id;
                let refolded = self.add(realm, &sure, only, now)?;
                return Ok(Some(Applied::to(transaction_id, refolded)));
            }
            if let Some(like) = self.like_an_attempt(realm, only)? {
                let to = like.transaction.as_ref().map(|transaction| transaction.id);
                let outcome = if to.is_some() { Outcome::Processed } else { Outcome::Orphan };
                let Some(log_id) = keep(outcome, to)? else { return Ok(None) };
                only.log_id = log_id;
                let placed = self.add_attempt(realm, &like, only, now)?;
                return Ok(Some(Applied::placed(to, placed)));
            }
        }
        let new = said.into_iter().map(|said| before.then(said)).collect();
        let begin = Begin { ids: before.ids.clone(), new, ..Begin::default() };
        let plan = self.plan(realm, begin)?;
        let transaction_id = plan.new_in.first().copied();
        let outcome = if transaction_id.is_some() { Outcome::Processed } else { Outcome::Orphan };
        let Some(log_id) = keep(outcome, transaction_id)? else { return Ok(None) };
        let placed = self.carry_out(realm, plan, Some(log_id), now)?;
        Ok(Some(Applied::placed(transaction_id, placed)))
    }

    /// PayPal signs no more of a body than its CRC-32: a transmission that is known must have the
    /// body it had. (Stripe signs all of it and renders one event in several versions.)
    fn known_transmission_of_another_body(
        &self,
        webhook: &Webhook,
    ) -> Result<Option<transmissions::KnownTransmission>, StoreError> {
        let Some(transmission) = &webhook.transmission_id else { return Ok(None) };
        let known = transmissions::known(self.connection, transmission)?;
        Ok(known.filter(|known| known.payload_sha256 != webhook.payload_sha256))
    }

    fn remember_transmission(&self, webhook: &Webhook, log_id: i64) -> Result<(), StoreError> {
        let Some(id) = &webhook.transmission_id else { return Ok(()) };
        let Webhook { payload_sha256, received_at, .. } = webhook;
        let log_id = Some(log_id);
        Ok(transmissions::remember(self.connection, id, *payload_sha256, log_id, *received_at)?)
    }

    fn ingest_again(&self, webhook: &Webhook) -> Result<Ingested, StoreError> {
        let event = &webhook.event;
        let known = webhook_logs::known(self.connection, event.provider, &event.id)?;
        let known = known.ok_or_else(|| StoreError::Corrupt {
            what: "event id",
            value: event.id.clone().into_string(),
        })?;
        if known.account.as_deref() != event.account.as_deref() {
            return self.ingest(&of_other_account(webhook));
        }
        if webhook.source != Source::Webhook {
            return self.retry(webhook, &known);
        }
        let differs = known.payload_sha256 != webhook.payload_sha256;
        let is_doubtful = event.provider == Provider::Paypal && differs;
        if is_doubtful && known.source == Source::Webhook {
            self.doubt(webhook, Refusal::ReusedEventId, Some(known.id))?;
            return Ok(Ingested::Refused(Refusal::ReusedEventId));
        }
        webhook_logs::count_delivery(self.connection, known.id, webhook.received_at)?;
        self.remember_transmission(webhook, known.id)?;
        if is_doubtful {
            // PayPal's API writes an event otherwise than a webhook does. What it said is the better
            // proved, so that stays.
            return Ok(Ingested::Duplicate { transaction_id: known.transaction_id });
        }
        if matches!(known.status, Outcome::Processed | Outcome::Orphan) && differs {
            self.add_rendering(event, &known, webhook.received_at)?;
        }
        self.retry(webhook, &known)
    }

    /// Two endpoints of two API versions get one event in two renderings: what this one says and the
    /// first does not is added. Its body is not kept.
    fn add_rendering(
        &self,
        event: &Event,
        known: &KnownEvent,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let realm = Realm::of(event);
        let stored = facts::of_event(self.connection, known.id)?;
        let mut ordinal = stored.iter().map(|one| one.ordinal + 1).max().unwrap_or_default();
        let mut ids = Vec::new();
        for one in &stored {
            ids.extend(one.references()?);
        }
        let mut new = Vec::new();
        for mut said in Said::of_event(event) {
            let is_known = said.references.iter().all(|one| ids.contains(one))
                && said.facts.iter().all(|fact| stored.iter().any(|one| one.fact == *fact));
            if is_known {
                continue;
            }
            said.ordinal = ordinal;
            said.is_of_other_rendering = true;
            ordinal = said.end();
            new.push(Before::default().then(said));
        }
        if new.is_empty() {
            return Ok(());
        }
        let plan = self.plan(realm, Begin { new, ..Begin::default() })?;
        self.carry_out(realm, plan, Some(known.id), now)?;
        self.link_changed(known.id, LinkKind::Rendering, None, now)
    }

    /// What an earlier version could not understand, or did not act on, is applied when it comes
    /// again to one that does.
    fn retry(&self, webhook: &Webhook, known: &KnownEvent) -> Result<Ingested, StoreError> {
        let was_applied = matches!(known.status, Outcome::Processed | Outcome::Orphan);
        if was_applied || !matches!(webhook.event.content, Content::Payments(_)) {
            return Ok(Ingested::Duplicate { transaction_id: known.transaction_id });
        }
        let keep = |outcome, transaction_id| {
            webhook_logs::replace(self.connection, known.id, webhook, outcome, transaction_id)?;
            Ok(Some(known.id))
        };
        let arrival = watched::arrival(self.connection, known.id)?;
        let applied = self.apply(&webhook.event, &Before::default(), webhook.received_at, keep)?;
        let now = webhook.received_at;
        self.link_changed(known.id, LinkKind::Replaced, Some(&arrival), now)?;
        if known.status == Outcome::Failed {
            let Event { provider, event_type, .. } = &webhook.event;
            let now = webhook.received_at;
            raise::failed_event_understood(self.connection, *provider, event_type, now)?;
        }
        applied.map(Ingested::New).ok_or(StoreError::Fault)
    }
}

/// Ids are unique within one account of Stripe Connect. An event whose id another account's has is kept
/// under its account's id and its own.
fn of_other_account(webhook: &Webhook) -> Webhook {
    let mut webhook = webhook.clone();
    let event = &mut webhook.event;
    let account = event.account.as_deref().unwrap_or("own");
    event.id = format!("{account}/{}", event.id).into();
    if let Content::Payments(parts) = &mut event.content {
        for fact in parts.iter_mut().flat_map(|part| &mut part.facts) {
            fact.event_id = event.id.clone();
        }
    }
    webhook
}
