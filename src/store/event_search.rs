//! A search through events that costs the same however many there are.

use rusqlite::named_params;

use super::listing::{EventFilter, Listed, Page, event_query};
use super::read::Reader;
use super::webhook_logs::WebhookLog;
use super::{Columns, StoreError};
use crate::domain::time::Timestamp;

/// What was found so far.
#[derive(Clone, Debug)]
pub struct FoundEvents {
    /// Newest first, without their payloads.
    pub rows: Vec<WebhookLog>,
    /// Where the search goes on: the `before` of the next page; `None` if that was all.
    pub next: Option<i64>,
    /// Nothing later was left out, but what is older was not looked at; `None` if the page is full,
    /// or if that was all.
    pub looked_back_to: Option<Timestamp>,
}

impl Reader {
    /// A page of the events that pass the filter, among the newest 150,000 below it: what is
    /// rare is found by going on.
    pub fn search_events(
        &self,
        filter: &EventFilter,
        page: Page,
    ) -> Result<FoundEvents, StoreError> {
        let (query, mut conditions) = event_query(filter);
        let newest: Option<i64> = self
            .connection
            .prepare_cached("SELECT max(id) FROM webhook_logs")?
            .query_row([], |row| row.get(0))?;
        let newest = newest.unwrap_or(0);
        let from = page.before.map_or(newest, |before| before.saturating_sub(1).min(newest));
        // Those of one transaction are known without looking through others.
        let floor = match filter.transaction_id {
            Some(_) => 0,
            None => from.saturating_sub(LOOKED_AT).max(0),
        };
        conditions.and("id > ?", Some(floor));
        let Listed { rows, more } = self.page(query, conditions, page, WebhookLog::from_row)?;
        if more || floor == 0 {
            let next = rows.last().filter(|_| more).map(|last| last.id);
            return Ok(FoundEvents { rows, next, looked_back_to: None });
        }
        Ok(FoundEvents { rows, next: Some(floor + 1), looked_back_to: self.received_after(floor)? })
    }

    /// When the first event after this one was received.
    fn received_after(&self, id: i64) -> Result<Option<Timestamp>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT received_at FROM webhook_logs INDEXED BY webhook_logs_listing
             WHERE id > :id ORDER BY id LIMIT 1",
        )?;
        let mut rows = statement.query(named_params! { ":id": id })?;
        rows.next()?.map(|row| Columns::of(row).instant()).transpose()
    }
}

/// Events that one page looks through at most: about ten milliseconds.
const LOOKED_AT: i64 = 150_000;
