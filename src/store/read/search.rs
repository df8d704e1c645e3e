//! Transactions by whatever a person knows of them: an order, an id of the provider, a number, an
//! amount.
//!
//! What is looked through is bounded, so that a search costs the same however many there are.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::named_params;

use super::families::Search;
use super::listing::{TRANSACTIONS, transaction_conditions};
use super::reader::Reader;
use super::statistics::last_before;
use crate::domain::amount_search::SoughtAmount;
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::records::{
    Candidate, Listed, Orphan, Page, Searched, Transaction, TransactionFilter,
};
use crate::store::error::StoreError;
use crate::store::tables::rows::{all, select};
use crate::store::tables::transactions::transaction_columns;

/// The transactions that pass the filter and have something that the text may mean: an id of theirs, the
/// shop's or the provider's, that begins so; their number; their amount, as `49.99` or in minor units.
impl Search for (&str, &TransactionFilter) {
    type Found = Searched;

    fn search(&self, reader: &Reader, page: Page) -> Result<Searched, StoreError> {
        let (text, filter) = *self;
        let mut found = BTreeSet::new();
        let cut = reader.with_prefix(text, filter, &mut found)?;
        found.extend(text.parse::<i64>().ok());
        // Of a price that many pay only the newest are looked at; the next page begins there.
        let floor = reader.of_amount(text, page.before, &mut found)?;
        let found: Vec<i64> =
            found.into_iter().filter(|id| floor.is_none_or(|at| *id >= at)).collect();
        let mut conditions = transaction_conditions(filter);
        conditions.and(
            "id IN (SELECT value FROM json_each(?))",
            Some(serde_json::json!(found).to_string()),
        );
        let Listed::<Transaction> { rows, more } = reader.page(TRANSACTIONS, conditions, page)?;
        let next = if more { rows.last().map(|last| last.id) } else { floor };
        Ok(Searched { rows, next, cut })
    }
}

impl Reader {
    /// Transactions of an open orphan's provider and mode that it may belong to, the likeliest first, at
    /// most `limit`: those with something that `text` may mean, as a search finds them; without it those
    /// with its order id, and those that are unpaid, of its amount, and registered within two weeks of
    /// its first event.
    pub fn candidates(
        &self,
        orphan: &Orphan,
        text: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let found = match text {
            Some(text) => {
                let filter = TransactionFilter {
                    provider: Some(orphan.provider),
                    livemode: Some(orphan.livemode),
                    ..TransactionFilter::default()
                };
                self.search(&(text, &filter), Page { before: None, limit })?.rows
            }
            None => self.likely(orphan)?,
        };
        let mut candidates: Vec<Candidate> =
            found.into_iter().map(|transaction| Candidate::new(transaction, orphan)).collect();
        candidates.sort_by_key(Candidate::rank);
        candidates.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(candidates)
    }

    fn likely(&self, orphan: &Orphan) -> Result<Vec<Transaction>, StoreError> {
        let mut found = Vec::new();
        if let Some(order_id) = &orphan.order_id {
            let sql = select!(
                transaction_columns,
                " FROM transactions WHERE id IN
                     (SELECT transaction_id FROM transaction_references
                      WHERE provider = :provider AND livemode = :livemode AND value = :value
                            AND (shared = 0 OR standing = 'registered'))
                 ORDER BY id DESC LIMIT :limit"
            );
            let parameters = named_params! {
                ":provider": orphan.provider.as_str(),
                ":livemode": orphan.livemode,
                ":value": order_id,
                ":limit": LIMIT,
            };
            found.extend(all::<Transaction>(&self.connection, sql, parameters)?);
        }
        if let Some((amount, currency)) = orphan.amount.zip(orphan.currency.as_ref()) {
            let id_before = |instant| {
                last_before(
                    &self.connection,
                    "SELECT id, created_at FROM transactions WHERE id > :id ORDER BY id LIMIT 1",
                    "SELECT max(id) FROM transactions",
                    instant,
                )
            };
            let sql = select!(
                transaction_columns,
                " FROM transactions INDEXED BY transactions_amount
                 WHERE amount = :amount AND id > :after AND id <= :until
                   AND provider = :provider AND livemode = :livemode AND currency = :currency
                   AND amount_received = 0 AND closed_at IS NULL
                 ORDER BY id DESC LIMIT :limit"
            );
            let parameters = named_params! {
                ":amount": amount,
                ":after": id_before(orphan.first_seen_at.minus(NEAR))?,
                ":until": id_before(orphan.first_seen_at.plus(NEAR))?,
                ":provider": orphan.provider.as_str(),
                ":livemode": orphan.livemode,
                ":currency": currency,
                ":limit": LIMIT,
            };
            for transaction in all::<Transaction>(&self.connection, sql, parameters)? {
                if !found.iter().any(|one| one.id == transaction.id) {
                    found.push(transaction);
                }
            }
        }
        Ok(found)
    }

    /// Adds the transactions of which an id begins so; whether there are more.
    fn with_prefix(
        &self,
        text: &str,
        filter: &TransactionFilter,
        found: &mut BTreeSet<i64>,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT r.transaction_id FROM transaction_references r
             JOIN transactions t ON t.id = r.transaction_id
             WHERE r.provider = :provider AND r.livemode = :livemode
               AND r.value >= :first AND r.value < :end
               AND (r.shared = 0 OR r.standing = 'registered')
             ORDER BY r.value DESC LIMIT :limit";
        let mut cut = false;
        // Ids are told apart by case, but whoever types one may not mind.
        let spellings = BTreeSet::from([text.to_owned(), text.to_uppercase()]);
        for provider in
            Provider::ALL.iter().filter(|one| filter.provider.is_none_or(|it| it == **one))
        {
            for livemode in [true, false] {
                if filter.livemode.is_some_and(|wanted| wanted != livemode) {
                    continue;
                }
                for first in spellings.iter().filter(|first| !first.is_empty()) {
                    let parameters = named_params! {
                        ":provider": provider.as_str(),
                        ":livemode": livemode,
                        ":first": first,
                        ":end": format!("{first}{}", char::MAX),
                        ":limit": LIMIT,
                    };
                    let ids: Vec<i64> = all(&self.connection, sql, parameters)?;
                    cut |= ids.len() >= LOOKED_AT;
                    found.extend(ids);
                }
            }
        }
        Ok(cut)
    }

    /// Adds the newest transactions of this amount below `before`; the id down to which all are there,
    /// if there are more.
    fn of_amount(
        &self,
        text: &str,
        before: Option<i64>,
        found: &mut BTreeSet<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let Some(sought) = SoughtAmount::parse(text) else { return Ok(None) };
        let mut floor = None;
        for minor in sought.minors() {
            for sql in [
                "SELECT id, provider, currency FROM transactions
                 WHERE amount = :minor AND id < :before ORDER BY id DESC LIMIT :limit",
                "SELECT id, provider, ifnull(received_currency, currency) FROM transactions
                 WHERE amount_received = :minor AND amount_received > 0
                   AND amount_received IS NOT amount AND id < :before
                 ORDER BY id DESC LIMIT :limit",
            ] {
                let parameters = named_params! {
                    ":minor": minor,
                    ":before": before.unwrap_or(i64::MAX),
                    ":limit": LIMIT,
                };
                let rows: Vec<(i64, Provider, Option<Currency>)> =
                    all(&self.connection, sql, parameters)?;
                if rows.len() >= LOOKED_AT {
                    floor = floor.max(rows.last().map(|(id, ..)| *id));
                }
                let of_amount = rows.into_iter().filter(|(_, provider, currency)| {
                    currency.is_none_or(|currency| sought.is(Money { minor, currency }, *provider))
                });
                found.extend(of_amount.map(|(id, ..)| id));
            }
        }
        Ok(floor)
    }
}

/// Rows of one kind that one search looks at.
const LOOKED_AT: usize = 1_000;
const LIMIT: i64 = 1_000;
/// How far from an orphan a transaction may have been registered that nothing but its amount speaks
/// for.
const NEAR: Duration = Duration::from_secs(14 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::orphan::{OrphanAbout, OrphanKind};
    use crate::domain::records::NewTransaction;
    use crate::domain::reference::Reference;
    use crate::domain::time::Timestamp;
    use crate::domain::transaction::{Expected, Status};
    use crate::providers::reference_kind;
    use crate::store::engine::Database;

    const PAGE: Page = Page { before: None, limit: 10 };

    fn new(reference: &str, order_id: &str, minor: i64, currency: &str) -> NewTransaction {
        NewTransaction {
            provider: Provider::Stripe,
            reference: Reference::new(reference_kind(Provider::Stripe, reference), reference),
            order_id: Some(order_id.to_owned()),
            expected: Expected {
                amount: Some(minor),
                currency: Some(Currency::parse(currency).expect("a code")),
                partial: false,
            },
            livemode: true,
            metadata: "{}".to_owned(),
        }
    }

    /// Registered a minute after each other.
    fn shop(of: &[NewTransaction]) -> (tempfile::TempDir, Reader) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let mut database = Database::open(&path).expect("a database");
        let mut now = at("2026-11-23T10:00:00Z");
        database
            .batch(|batch| {
                for new in of {
                    batch.register(new, now)?;
                    now = now.plus(Duration::from_secs(60));
                }
                Ok(())
            })
            .expect("registered");
        (folder, Reader::open(&path).expect("a reader"))
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn a_transaction_is_found_by_whatever_is_known_of_it() {
        let (_folder, reader) = shop(&[
            new("pi_1", "A-1001", 4999, "EUR"),
            new("pi_2", "A-1002", 49_990, "KWD"),
            new("pi_3", "A-2001", 4999, "JPY"),
            new("pi_4", "4999", 100, "EUR"),
        ]);
        let all = TransactionFilter::default();
        let yen = TransactionFilter { statuses: vec![Status::Refunded], ..all.clone() };
        for (text, filter, expected) in [
            ("A-1001", &all, &[1][..]),
            ("a-1001", &all, &[1]),
            ("A-1", &all, &[2, 1]),
            ("A-", &all, &[3, 2, 1]),
            ("pi_3", &all, &[3]),
            ("2", &all, &[2]),
            ("49.99", &all, &[2, 1]),
            ("49.99 EUR", &all, &[1]),
            ("4999", &all, &[4, 3, 1]),
            ("A-1001", &yen, &[]),
            ("%", &all, &[]),
            ("", &all, &[]),
        ] {
            let found = reader.search(&(text, filter), PAGE).expect("searched");
            let ids: Vec<i64> = found.rows.iter().map(|one| one.id).collect();
            assert_eq!((&*ids, found.next, found.cut), (expected, None, false), "{text}");
        }
    }

    #[test]
    fn what_many_pay_is_found_page_by_page_and_what_begins_alike_is_cut() {
        let of: Vec<_> = (0..2_300)
            .map(|number| new(&format!("pi_{number}"), &format!("A-{number}"), 4999, "EUR"))
            .collect();
        let (_folder, reader) = shop(&of);
        let all = TransactionFilter::default();
        let (mut seen, mut page) = (Vec::new(), Page { before: None, limit: 100 });
        loop {
            let found = reader.search(&("49.99", &all), page).expect("searched");
            seen.extend(found.rows.iter().map(|one| one.id));
            match found.next {
                Some(next) => page.before = Some(next),
                None => break,
            }
        }
        assert!(
            seen.iter().copied().eq((1..=2_300).rev()),
            "each once, newest first: {}",
            seen.len()
        );
        let found = reader.search(&("A-", &all), page).expect("searched");
        assert!(found.cut);
    }

    #[test]
    fn an_orphans_order_id_says_more_than_its_amount_and_its_amount_more_than_its_time() {
        let (_folder, reader) = shop(&[
            new("pi_1", "A-1001", 4999, "EUR"),
            new("pi_2", "A-1002", 5000, "EUR"),
            new("pi_3", "A-1003", 4999, "USD"),
            new("pi_4", "A-1004", 4999, "EUR"),
        ]);
        let orphan = Orphan {
            subscription: None,
            id: 9,
            provider: Provider::Stripe,
            account: None,
            candidates: Vec::new(),
            kind: OrphanKind::Early,
            about: OrphanAbout::Payment,
            reference: "pi_9".to_owned(),
            order_id: Some("A-1002".to_owned()),
            event_id: "evt_9".to_owned(),
            event_type: "payment_intent.succeeded".to_owned(),
            status: Some(Status::Succeeded),
            amount: Some(4999),
            currency: Some("EUR".to_owned()),
            livemode: true,
            first_seen_at: at("2026-11-23T10:03:00Z"),
            last_seen_at: at("2026-11-23T10:03:00Z"),
            alert_at: None,
            resolved_at: None,
            resolution: None,
            resolved_by: None,
            transaction_id: None,
            note: None,
        };
        let ids = |orphan: &Orphan| -> Vec<i64> {
            let candidates = reader.candidates(orphan, None, 10).expect("looked for");
            candidates.iter().map(|one| one.transaction.id).collect()
        };
        assert_eq!(ids(&orphan), [2, 4, 1]);
        let other_mode = Orphan { livemode: false, ..orphan.clone() };
        assert!(ids(&other_mode).is_empty());
        let much_later = Orphan { first_seen_at: at("2026-12-24T10:00:00Z"), ..orphan };
        assert_eq!(ids(&much_later), [2]);
    }
}
