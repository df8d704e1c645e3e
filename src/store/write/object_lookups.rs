//! `object_asks`: about what a provider's API is to be asked, derived from everything else that is
//! kept, and when it was.

use std::collections::BTreeSet;
use std::time::Instant;

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::domain::event::Source;
use crate::domain::lookup_schedule::{PATIENCE, PATIENCE_EVENT, PATIENCE_HELD, Reason};
use crate::domain::provider::Provider;
use crate::domain::records::{Asked, DueAsk, Ingested, Kept, Webhook};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::providers::Proof;
use crate::providers::retrieval::Retrieved;
use crate::providers::rules::Rules;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::families::Due;
use crate::store::read::reader::Reader;
use crate::store::tables::facts;
use crate::store::tables::references::{self, Realm};
use crate::store::tables::rows::{Record, insert, record};
use crate::store::write::thin_events;

record! { DueAsk { subject, id, payment, version, provider, reason, status, since } }

/// Rows that were not asked about yet, or are due again.
macro_rules! is_due {
    () => {
        " AND (asked_at IS NULL OR object_asks.version <> due_version OR next_at <= :now) "
    };
}

/// What is due for a reason.
fn query(reason: Reason) -> &'static str {
    match reason {
        Reason::Undecided => concat!(
            "SELECT 'payment', transactions.id, transactions.id, transactions.version AS due_version, provider,
                    'undecided', status, status_changed_at
             FROM transactions
             LEFT JOIN object_asks ON subject = 'payment' AND object_asks.id = transactions.id
             WHERE (status = 'pending' OR status = 'processing' OR status = 'requires_action' OR
                    status = 'authorized' OR status = 'failed')
               AND status_changed_at <= CASE status WHEN 'authorized' THEN :held_before
                                                    ELSE :before END
               AND provider = :provider AND livemode = :livemode AND closed_at IS NULL",
            is_due!(),
            "ORDER BY status_changed_at LIMIT :limit"
        ),
        Reason::Unlinked => concat!(
            "SELECT 'payment', orphan_transactions.id, orphan_transactions.id, 0 AS due_version, provider, 'unlinked', NULL,
                    first_seen_at
             FROM orphan_transactions
             LEFT JOIN object_asks ON subject = 'payment'
                                  AND object_asks.id = orphan_transactions.id
             WHERE resolved_at IS NULL AND (kind = 'late_link' OR kind = 'unlinkable')
               AND first_seen_at <= :event_before
               AND provider = :provider AND livemode = :livemode",
            is_due!(),
            "ORDER BY orphan_transactions.id LIMIT :limit"
        ),
        Reason::Contradiction => concat!(
            "SELECT 'event', conflict.log_id, conflict.transaction_id, 0 AS due_version,
                    webhook_logs.provider, 'contradiction', NULL, webhook_logs.received_at
             FROM transaction_events AS conflict
             JOIN webhook_logs ON webhook_logs.id = conflict.log_id
             LEFT JOIN object_asks ON subject = 'event' AND object_asks.id = conflict.log_id
             WHERE fact = 'conflict' AND webhook_logs.received_at <= :event_before
               AND webhook_logs.provider = :provider AND webhook_logs.livemode = :livemode
               AND NOT EXISTS (SELECT 1 FROM transaction_events AS told
                               JOIN webhook_logs AS told_log ON told_log.id = told.log_id
                               WHERE told.transaction_id = conflict.transaction_id
                                 AND told_log.source = 'object'
                                 AND told.occurred_at >= conflict.occurred_at)",
            is_due!(),
            "ORDER BY conflict.log_id LIMIT :limit"
        ),
        Reason::Untold => concat!(
            "SELECT 'payment', closed.id, closed.id, due_version, provider, 'untold', status, since
             FROM (SELECT *, version AS due_version,
                          (SELECT max(occurred_at) FROM transaction_events
                           WHERE transaction_id = transactions.id
                             AND fact = 'dispute_closed') AS since
                   FROM transactions WHERE dispute_status = 'closed') AS closed
             LEFT JOIN object_asks ON subject = 'payment' AND object_asks.id = closed.id
             WHERE since <= :event_before AND provider = :provider AND livemode = :livemode",
            is_due!(),
            "ORDER BY closed.id LIMIT :limit"
        ),
        Reason::Thin => concat!(
            "SELECT 'event', webhook_logs.id, NULL, 0 AS due_version, provider, 'thin', NULL, received_at
             FROM webhook_logs
             LEFT JOIN object_asks ON subject = 'event' AND object_asks.id = webhook_logs.id
             WHERE status = 'failed' AND event_type LIKE 'v1.%'
               AND provider = :provider AND livemode = :livemode",
            is_due!(),
            "ORDER BY webhook_logs.id LIMIT :limit"
        ),
        Reason::Doubtful => {
            "SELECT 'event', log_id, NULL, 0, provider, 'doubtful', NULL, seen_at
             FROM doubtful_events JOIN webhook_logs ON webhook_logs.id = log_id
             WHERE settled_at IS NULL AND ask_at <= :now
               AND provider = :provider AND livemode = :livemode
             ORDER BY log_id LIMIT :limit"
        }
    }
}

/// What a provider's payments of a mode are to be asked about for one of these reasons, the oldest first; at
/// most so many for each.
impl Due for DueAsk {
    type Whose<'w> = ((Provider, bool), &'w [Reason]);

    fn due(
        reader: &Reader,
        ((provider, livemode), reasons): Self::Whose<'_>,
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let mut due: Vec<Self> = Vec::new();
        for reason in reasons {
            let mut statement = reader.connection.prepare_cached(query(*reason))?;
            let mut bind =
                |name: &str, value: &dyn rusqlite::ToSql| match statement.parameter_index(name)? {
                    Some(place) => statement.raw_bind_parameter(place, value),
                    None => Ok(()),
                };
            bind(":provider", &provider.as_str())?;
            bind(":livemode", &livemode)?;
            bind(":now", &now.to_string())?;
            bind(":before", &now.minus(PATIENCE).to_string())?;
            bind(":held_before", &now.minus(PATIENCE_HELD).to_string())?;
            bind(":event_before", &now.minus(PATIENCE_EVENT).to_string())?;
            bind(":limit", &limit)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let ask = <Self as Record>::of(row)?;
                // A payment may be due for two reasons; it is asked about once in a pass.
                let same = |one: &Self| ask.payment.is_some() && one.payment == ask.payment;
                if !due.iter().any(same) {
                    due.push(ask);
                }
            }
        }
        Ok((due, None))
    }
}

impl Batch<'_> {
    /// The events that speak of this object, with their times by the provider's clock.
    pub(super) fn told_of(
        &self,
        provider: Provider,
        livemode: bool,
        object: &Reference,
    ) -> Result<Vec<(Timestamp, Box<str>)>, StoreError> {
        let realm = Realm::own(provider, livemode);
        let mut told = Vec::new();
        let identifies = object.kind.identifies_payment();
        for one in references::find(self.connection, realm, &object.value, identifies)? {
            let facts =
                facts::of(self.connection, one.payment)?.into_iter().map(|stored| stored.fact);
            let of_object = facts.filter(|fact| fact.object_id == object.value);
            told.extend(of_object.map(|fact| (fact.occurred_at, fact.event_id)));
        }
        Ok(told)
    }

    /// Notes that something was looked up, and of a thin event that its object was, so that nothing is left to do.
    pub(crate) fn settle_lookup(
        &self,
        asked: &Asked,
        first: Option<&Kept>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        insert(self.connection, asked, now)?;
        if asked.due.reason == Reason::Thin
            && let Some(Kept { object, .. }) = first
        {
            let why = format!("a thin event: its object was asked for, see {}", object.value);
            thin_events::set_aside(self.connection, asked.due.id, &why, now)?;
        }
        Ok(())
    }

    /// Keeps objects that were asked for and applies what they say, unless the newest that is known of one came
    /// from the API and says the same.
    pub(crate) fn keep_objects(
        &self,
        found: &[Retrieved],
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Vec<Kept>, StoreError> {
        found.iter().map(|one| self.keep_object(one, rules, now)).collect()
    }

    fn keep_object(
        &self,
        found: &Retrieved,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Kept, StoreError> {
        let object = found.own.clone();
        let prefix = found.id_prefix();
        let told = self.told_of(found.provider(), found.livemode(), &object)?;
        let is_same = |id: &str| id.starts_with(&prefix);
        let newest = told.iter().max_by_key(|(at, id)| (*at, is_same(id)));
        if newest.is_some_and(|(_, id)| is_same(id)) {
            return Ok(Kept { object, news: None });
        }
        let before: BTreeSet<&str> =
            told.iter().map(|(_, id)| &**id).filter(|id| is_same(id)).collect();
        let id = format!("{prefix}{}", before.len() + 1);
        let (payload, event) = found.event(&id, rules).map_err(|_| StoreError::Fault)?;
        let webhook = Webhook {
            event,
            payload_sha256: Sha256::digest(&payload).into(),
            payload,
            headers: "{}".to_owned(),
            proof: Proof::Api.to_string(),
            transmission_id: None,
            source: Source::Object,
            received_at: now,
            arrived: Instant::now(),
        };
        let news = match self.ingest(&webhook)? {
            Ingested::New(applied) => Some((webhook.event.id, applied)),
            // Another process was faster.
            Ingested::Duplicate { .. } | Ingested::Refused(_) => None,
        };
        Ok(Kept { object, news })
    }
}

fn insert(connection: &Connection, asked: &Asked, now: Timestamp) -> rusqlite::Result<()> {
    let Asked { due, next_at, result } = asked;
    insert! {
        connection, "object_asks", " ON CONFLICT (subject, id) DO UPDATE SET version = excluded.version, asked_at = excluded.asked_at, next_at = excluded.next_at, result = excluded.result";
        subject: due.subject.as_str(),
        id: due.id,
        version: due.version,
        asked_at: now.to_string(),
        next_at: next_at.map(|at| at.to_string()),
        result: result,
    }?;
    Ok(())
}
