//! Thin events of Stripe's, which only name their object: once what they announce is known, because the object was
//! asked for or a snapshot event told of it, there is nothing left to do. Until then they count as failed, but
//! nobody is told before there was time for that.

use rusqlite::{Connection, named_params};

use super::raise;
use crate::domain::event::{Event, Part};
use crate::domain::provider::Provider;
use crate::domain::records::WebhookLog;
use crate::domain::time::Timestamp;
use crate::providers::retrieval;
use crate::store::engine::Batch;
use crate::store::error::StoreError;
use crate::store::read::families::Due;
use crate::store::read::reader::Reader;
use crate::store::tables::rows::all;
use crate::store::tables::webhook_logs::{self, webhook_log_columns};

/// Whether an event that failed is a thin one, by its type.
pub(crate) fn is_thin(event: &Event) -> bool {
    event.provider == Provider::Stripe && event.event_type.starts_with("v1.")
}

/// Notes that nothing is left to do about a thin event.
pub(crate) fn set_aside(
    connection: &Connection,
    log_id: i64,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    webhook_logs::set_aside(connection, log_id, why)?;
    let event_type = connection
        .prepare_cached("SELECT event_type FROM webhook_logs WHERE id = :id")?
        .query_row(named_params! { ":id": log_id }, |row| row.get::<_, String>("event_type"))?;
    raise::failed_event_understood(connection, Provider::Stripe, &event_type, now)
}

impl Batch<'_> {
    /// Sets a thin event aside if what it announces is known already; whether it was.
    pub(crate) fn is_thin_event_told(
        &self,
        event: &Event,
        log_id: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let payload = webhook_logs::get(self.connection, log_id)?.and_then(|log| log.payload);
        let named = payload.as_deref().and_then(retrieval::named_by_thin_event);
        let Some(named) = named else { return Ok(false) };
        let told = self.told_of(event.provider, event.livemode, &named)?;
        let is_after =
            |at: Timestamp| event.occurred_at.is_none_or(|occurred_at| at >= occurred_at);
        let Some((_, by)) = told.into_iter().find(|(at, _)| is_after(*at)) else {
            return Ok(false);
        };
        let why = format!("a thin event: what it announces is known, see {by}");
        set_aside(self.connection, log_id, &why, now)?;
        Ok(true)
    }

    /// Sets aside the thin events of late that announced what this event says.
    pub(crate) fn thin_events_are_told(
        &self,
        event: &Event,
        parts: &[Part],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if event.provider != Provider::Stripe {
            return Ok(());
        }
        let thin = "SELECT id, occurred_at,
                    CASE WHEN json_valid(payload) THEN payload ->> '$.related_object.id' END
             FROM webhook_logs INDEXED BY webhook_logs_failed
             WHERE status = 'failed' AND id > (SELECT max(id) FROM webhook_logs) - :looked_back_on
               AND event_type LIKE 'v1.%' AND provider = 'stripe' AND livemode = :livemode";
        let parameters =
            named_params! { ":looked_back_on": LOOKED_BACK_ON, ":livemode": event.livemode };
        let waiting: Vec<(i64, Option<Timestamp>, Option<String>)> =
            all(self.connection, thin, parameters)?;
        let why = format!("a thin event: what it announces is known, see {}", event.id);
        let facts = || parts.iter().flat_map(|part| &part.facts);
        for (id, occurred_at, object_id) in waiting {
            let is_told = facts().any(|fact| {
                Some(&*fact.object_id) == object_id.as_deref()
                    && occurred_at.is_none_or(|at| fact.occurred_at >= at)
            });
            if is_told {
                set_aside(self.connection, id, &why, now)?;
            }
        }
        Ok(())
    }
}

/// So many events back a thin event may be, as its snapshot comes: those that nobody ever tells of cost nothing.
const LOOKED_BACK_ON: i64 = 2_000;

/// The thin events that were received by an instant and of which nothing more is known.
impl Due for WebhookLog {
    type Whose<'w> = ();

    fn due(
        reader: &Reader,
        (): (),
        received_by: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError> {
        let sql = concat!(
            "SELECT ",
            webhook_log_columns!(),
            ", NULL FROM webhook_logs INDEXED BY webhook_logs_failed
              WHERE status = 'failed' AND event_type LIKE 'v1.%' AND provider = 'stripe'
                AND received_at <= :received_by
              ORDER BY id DESC LIMIT :limit"
        );
        let parameters = named_params! { ":received_by": received_by.to_string(), ":limit": limit };
        Ok((all(&reader.connection, sql, parameters)?, None))
    }
}
