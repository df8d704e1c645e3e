//! Rows by what is asked of them: single ones, and lists, newest first, a page at a time.
//!
//! A page begins below the last id of the page before, so rows that are added meanwhile shift
//! nothing. Queries are put together here, from conditions that are literals, because a condition
//! that is not there would keep SQLite from using an index for those that are.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::families::List;
use super::reader::Reader;
use crate::domain::delivery::DeliveryStatus;
use crate::domain::event::Source;
use crate::domain::records::{
    Delivery, DeliveryFilter, EventFilter, Listed, Orphan, OrphanFilter, Outcome, Page,
    Subscription, SubscriptionFilter, Transaction, TransactionFilter, WebhookLog,
};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::orphans::orphan_columns;
use crate::store::tables::outbox::select_deliveries;
use crate::store::tables::rows::{Record, all, select};
use crate::store::tables::subscriptions::subscription_columns;
use crate::store::tables::transactions::transaction_columns;
use crate::store::tables::webhook_logs::webhook_log_columns;

/// Events of which the ids are found in an index: two events fill a page of the file, so they are
/// searched for where all is that is asked of them.
macro_rules! searched_in {
    ($index:literal) => {
        concat!(
            "SELECT ",
            webhook_log_columns!(),
            ", NULL FROM webhook_logs WHERE id IN (SELECT id FROM webhook_logs INDEXED BY ",
            $index
        )
    };
}

impl List for TransactionFilter {
    type Row = Transaction;

    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<Transaction>, StoreError> {
        reader.page(TRANSACTIONS, transaction_conditions(self), page)
    }
}

impl List for EventFilter {
    type Row = WebhookLog;

    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<WebhookLog>, StoreError> {
        let (query, conditions) = event_query(self);
        reader.page(query, conditions, page)
    }
}

impl List for OrphanFilter {
    type Row = Orphan;

    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<Orphan>, StoreError> {
        let mut conditions = Conditions::default();
        match self.resolved {
            Some(true) => conditions.always("resolved_at IS NOT NULL"),
            Some(false) => conditions.always("resolved_at IS NULL"),
            None => {}
        }
        if self.resolved == Some(false) && self.kind.is_none() {
            conditions.always("alert_at IS NOT NULL");
        }
        conditions.and("kind = ?", self.kind.map(|one| one.as_str().to_owned()));
        conditions.and("provider = ?", self.provider.map(|one| one.as_str().to_owned()));
        conditions.and("livemode = ?", self.livemode);
        let query = [select!(orphan_columns, " FROM orphan_transactions"), ""];
        reader.page(query, conditions, page)
    }
}

impl List for SubscriptionFilter {
    type Row = Subscription;

    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<Subscription>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.and("provider = ?", self.provider.map(|one| one.as_str().to_owned()));
        conditions.and("livemode = ?", self.livemode);
        conditions.and("? IN (reference, own_id)", self.id.clone());
        match self.ended {
            Some(true) => conditions.always("ended_at IS NOT NULL"),
            Some(false) => conditions.always("ended_at IS NULL"),
            None => {}
        }
        reader.page([select!(subscription_columns, " FROM subscriptions"), ""], conditions, page)
    }
}

impl List for DeliveryFilter {
    type Row = Delivery;

    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<Delivery>, StoreError> {
        let mut conditions = Conditions::default();
        // The words stand in the text so that SQLite can use the indexes of these words.
        match self.status {
            Some(DeliveryStatus::Pending) => conditions.always("status = 'pending'"),
            Some(DeliveryStatus::Delivered) => conditions.always("status = 'delivered'"),
            Some(DeliveryStatus::Dead) => conditions.always("status = 'dead'"),
            None => {}
        }
        // Found through the changes that they tell of.
        conditions.and(
            "change_id IN (SELECT id FROM transaction_changes WHERE transaction_id = ?)",
            self.transaction_id,
        );
        let query = [
            concat!(select_deliveries!(), "WHERE d.id IN (SELECT id FROM deliveries"),
            ") ORDER BY d.id DESC",
        ];
        reader.page(query, conditions, page)
    }
}

impl Reader {
    /// `query` is what stands before the conditions, and what stands after the limit.
    pub(crate) fn page<T: Record>(
        &self,
        [select, rest]: [&'static str; 2],
        mut conditions: Conditions,
        page: Page,
    ) -> Result<Listed<T>, StoreError> {
        conditions.and("id < ?", Some(page.before.unwrap_or(i64::MAX)));
        conditions.values.push(one_more(page).into());
        let sql = format!("{select}{} ORDER BY id DESC LIMIT ?{rest}", conditions.sql);
        let values = params_from_iter(conditions.values);
        Ok(listed(all(&self.connection, &sql, values)?, page))
    }
}

/// As many rows as show whether there are more.
pub(crate) fn one_more(page: Page) -> i64 {
    i64::from(page.limit) + 1
}

pub(crate) fn listed<T>(mut rows: Vec<T>, page: Page) -> Listed<T> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Listed { rows, more }
}

/// How events that pass the filter are found.
pub(crate) fn event_query(filter: &EventFilter) -> ([&'static str; 2], Conditions) {
    let mut conditions = Conditions::default();
    let mut index = searched_in!("webhook_logs_listing");
    // Every event that was applied to a transaction left a fact there.
    conditions.and(
        "id IN (SELECT log_id FROM transaction_events WHERE transaction_id = ?)",
        filter.transaction_id,
    );
    conditions.and("transaction_id = ?", filter.transaction_id);
    conditions.and("provider = ?", filter.provider.map(|one| one.as_str().to_owned()));
    match &*filter.statuses {
        // The words stand in the text so that SQLite can use the indexes of these words.
        [Outcome::Failed] => {
            conditions.always("status = 'failed'");
            index = searched_in!("webhook_logs_failed");
        }
        [Outcome::Orphan] => {
            conditions.always("status = 'orphan'");
            index = searched_in!("webhook_logs_orphan");
        }
        several => {
            conditions.one_of("status = ?", STATUS_IN, several.iter().map(|one| one.as_str()));
        }
    }
    if let Some(source) = filter.source {
        if source != Source::Webhook {
            // In these words SQLite knows that the index has them all.
            conditions.always("source <> 'webhook'");
            index = searched_in!("webhook_logs_not_sent");
        }
        conditions.and("source = ?", Some(source.as_str().to_owned()));
    }
    conditions.and("event_type = ?", filter.event_type.clone());
    conditions.and("livemode = ?", filter.livemode);
    conditions.and("received_at > ?", text(filter.received_after));
    conditions.and("received_at < ?", text(filter.received_before));
    // Those of one transaction are known.
    let query = if filter.transaction_id.is_some() {
        [select!(webhook_log_columns, ", NULL FROM webhook_logs"), ""]
    } else {
        [index, ") ORDER BY id DESC"]
    };
    (query, conditions)
}

/// What must hold of a transaction so that it passes the filter.
pub(crate) fn transaction_conditions(filter: &TransactionFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.one_of("status = ?", STATUS_IN, filter.statuses.iter().map(|one| one.as_str()));
    conditions.and("provider = ?", filter.provider.map(|one| one.as_str().to_owned()));
    // Whoever registers an order id has it learned, so it is found without a search through all.
    conditions.and(
        "id IN (SELECT transaction_id FROM transaction_references
                WHERE provider IN ('stripe', 'paypal') AND livemode IN (0, 1) AND value = ?)",
        filter.order_id.clone(),
    );
    conditions.and("order_id = ?", filter.order_id.clone());
    conditions.and("subscription_id = ?", filter.subscription_id);
    conditions.and("livemode = ?", filter.livemode);
    conditions.and("created_at > ?", text(filter.created_after));
    conditions.and("created_at < ?", text(filter.created_before));
    conditions.and("updated_at > ?", text(filter.updated_after));
    conditions.and("updated_at < ?", text(filter.updated_before));
    conditions.and("amount_check = ?", filter.amount_check.map(|one| one.as_str().to_owned()));
    conditions.and("dispute_status = ?", filter.dispute_status.map(|one| one.as_str().to_owned()));
    conditions
}

/// All of a transaction, for [`Reader::page`].
pub(crate) const TRANSACTIONS: [&str; 2] = [select!(transaction_columns, " FROM transactions"), ""];

const STATUS_IN: &str = "status IN (SELECT value FROM json_each(?))";

fn text(instant: Option<Timestamp>) -> Option<String> {
    instant.map(|instant| instant.to_string())
}

/// Conditions that must all hold, and the values of their question marks.
#[derive(Default)]
pub(crate) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    pub(crate) fn always(&mut self, condition: &'static str) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }

    /// A condition with one question mark, if there is a value for it.
    pub(crate) fn and(&mut self, condition: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.always(condition);
            self.values.push(value.into());
        }
    }

    /// One word is compared, several are looked up.
    fn one_of<'w>(
        &mut self,
        one: &'static str,
        several: &'static str,
        words: impl Iterator<Item = &'w str>,
    ) {
        let words: Vec<_> = words.collect();
        match &*words {
            [] => {}
            [word] => self.and(one, Some((*word).to_owned())),
            words => self.and(several, Some(serde_json::json!(words).to_string())),
        }
    }
}
