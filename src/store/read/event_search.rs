//! A search through events that costs the same however many there are.

use std::time::Duration;

use rusqlite::named_params;

use super::families::Search;
use super::listing::event_query;
use super::reader::Reader;
use super::statistics::last_log_before;
use crate::domain::records::{EventFilter, FoundEvents, Listed, Page, WebhookLog};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::rows::{instant, one};

/// The events that pass the filter, among the newest 150,000 below the page's beginning: what is rare is
/// found by going on.
impl Search for EventFilter {
    type Found = FoundEvents;

    fn search(&self, reader: &Reader, page: Page) -> Result<FoundEvents, StoreError> {
        reader.search_among(LOOKED_AT, self, page)
    }
}

impl Reader {
    fn search_among(
        &self,
        looked_at: i64,
        filter: &EventFilter,
        page: Page,
    ) -> Result<FoundEvents, StoreError> {
        let (query, mut conditions) = event_query(filter);
        let newest: Option<i64> = one(&self.connection, "SELECT max(id) FROM webhook_logs", [])?;
        // Ids grow with the time of receipt, but for what waited for its commit.
        let begins = match filter.received_before {
            Some(before) => last_log_before(&self.connection, before.plus(LONGEST_WAIT))?,
            None => newest.unwrap_or(0),
        };
        let ends = match filter.received_after {
            Some(after) => last_log_before(&self.connection, after.minus(LONGEST_WAIT))?,
            None => 0,
        };
        let from = page.before.map_or(begins, |before| before.saturating_sub(1).min(begins));
        // Those of one transaction are known without looking through others.
        let floor = match filter.transaction_id {
            Some(_) => 0,
            None => from.saturating_sub(looked_at).max(ends),
        };
        conditions.and("id <= ?", Some(from));
        conditions.and("id > ?", Some(floor));
        let Listed::<WebhookLog> { rows, more } = self.page(query, conditions, page)?;
        if more || floor <= ends {
            let next = rows.last().filter(|_| more).map(|last| last.id);
            return Ok(FoundEvents { rows, next, looked_back_to: None });
        }
        Ok(FoundEvents { rows, next: Some(floor + 1), looked_back_to: self.received_after(floor)? })
    }

    /// When the first event after this one was received.
    fn received_after(&self, id: i64) -> Result<Option<Timestamp>, StoreError> {
        instant(
            &self.connection,
            "SELECT received_at FROM webhook_logs INDEXED BY webhook_logs_listing
             WHERE id > :id ORDER BY id LIMIT 1",
            named_params! { ":id": id },
        )
    }
}

/// More than an event waits for its commit, or a clock is set by.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// Events that one page looks through at most: about ten milliseconds.
const LOOKED_AT: i64 = 150_000;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::domain::event::Source;
    use crate::domain::provider::Provider;
    use crate::domain::records::{Outcome, Webhook};
    use crate::providers::read_again;
    use crate::providers::rules::Rules;
    use crate::store::engine::Database;

    /// Twenty events, one an hour; only the first and the last failed.
    fn shop() -> (tempfile::TempDir, Reader) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let mut database = Database::open(&path).expect("a database");
        for number in 1..=20 {
            let kind = match number {
                1 | 20 => "payment_intent.succeeded",
                _ => "customer.updated",
            };
            let payload = format!(
                r#"{{"id":"evt_{number}","object":"event","created":1,"livemode":true,"type":"{kind}","data":{{"object":{{}}}}}}"#
            );
            let id = format!("evt_{number}");
            let event = read_again(Provider::Stripe, &payload, true, &id, &Rules::default());
            let webhook = Webhook {
                event: event.expect("an event"),
                payload,
                payload_sha256: [0; 32],
                headers: "{}".to_owned(),
                proof: "secret 1".to_owned(),
                transmission_id: None,
                received_at: at(number),
                arrived: Instant::now(),
                source: Source::Webhook,
            };
            database.batch(|batch| batch.ingest(&webhook)).expect("kept");
        }
        (folder, Reader::open(&path).expect("a reader"))
    }

    fn at(hour: u64) -> Timestamp {
        let midnight = Timestamp::parse("2026-11-23T00:00:00Z").expect("a time");
        midnight.plus(Duration::from_secs(hour * 3_600))
    }

    /// The rows of each page until there is none.
    fn pages(reader: &Reader, looked_at: i64, filter: &EventFilter) -> Vec<Vec<i64>> {
        let mut page = Page { before: None, limit: 2 };
        let mut pages = Vec::new();
        loop {
            let found = reader.search_among(looked_at, filter, page).expect("searched");
            assert!(found.looked_back_to.is_none() || found.next.is_some());
            pages.push(found.rows.iter().map(|one| one.id).collect());
            match found.next {
                Some(next) => page.before = Some(next),
                None => return pages,
            }
        }
    }

    #[test]
    fn what_is_rare_is_found_by_going_on() {
        let (_folder, reader) = shop();
        let failed = EventFilter { statuses: vec![Outcome::Failed], ..EventFilter::default() };
        assert_eq!(pages(&reader, 8, &failed), [vec![20], vec![], vec![1]]);
        assert_eq!(pages(&reader, 100, &failed), [vec![20, 1]]);
        let all = EventFilter::default();
        let found = pages(&reader, 8, &all).concat();
        assert!(found.into_iter().eq((1..=20).rev()), "each once");
    }

    #[test]
    fn only_the_time_that_is_wanted_is_looked_through() {
        let (_folder, reader) = shop();
        let filter = EventFilter {
            received_after: Some(at(5)),
            received_before: Some(at(8)),
            ..EventFilter::default()
        };
        assert_eq!(pages(&reader, 8, &filter), [vec![7, 6]]);
        let rare = EventFilter { event_type: Some("no.such".to_owned()), ..filter };
        assert_eq!(pages(&reader, 8, &rare), [Vec::<i64>::new()]);
    }
}
