//! The orphans that a person is to see to, summed up.

use std::ops::Range;

use rusqlite::named_params;

use super::reader::Reader;
use crate::domain::records::{OpenOrphans, OrphanFigures};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::rows::{all, one, record};

record! { OpenOrphans { livemode, about, currency, provider, number, sum, oldest } }

record! { OrphanFigures { came, matched, dismissed } }

impl Reader {
    /// What stands in the orphan inbox, by mode, subject, currency and provider.
    pub fn open_orphans(&self) -> Result<Vec<OpenOrphans>, StoreError> {
        let sql =
            "SELECT livemode, about, currency, provider, count(*), money_sum(amount), min(first_seen_at)
             FROM orphan_transactions INDEXED BY orphan_transactions_inbox
             WHERE resolved_at IS NULL AND alert_at IS NOT NULL
             GROUP BY livemode, about, currency, provider
             ORDER BY livemode DESC, about, currency, provider";
        all(&self.connection, sql, [])
    }

    /// What became of payments in the orphan inbox in a period. Reads all orphans that there ever were.
    pub fn orphans_between(&self, stretch: Range<Timestamp>) -> Result<OrphanFigures, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE alerted_at >= :from AND alerted_at < :to),
                    count(*) FILTER (WHERE resolution = 'matched'
                                       AND resolved_at >= :from AND resolved_at < :to),
                    count(*) FILTER (WHERE resolution = 'dismissed'
                                       AND resolved_at >= :from AND resolved_at < :to)
             FROM orphan_transactions WHERE alerted_at IS NOT NULL AND about = 'payment'";
        let stretch =
            named_params! { ":from": stretch.start.to_string(), ":to": stretch.end.to_string() };
        one(&self.connection, sql, stretch)
    }
}
