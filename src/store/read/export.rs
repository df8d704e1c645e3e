//! Rows for the shop's books, all of one moment, and the sums that they must come to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::named_params;

use super::families::{Entered, Summed};
use super::reader::Reader;
use crate::domain::fact::Fact;
use crate::domain::money::{Currency, Total};
use crate::domain::records::{DisputeRaised, Orphan, RefundMade, Span, Sum, Sums, Transaction};
use crate::domain::transaction::{OtherMoney, disputes};
use crate::store::error::StoreError;
use crate::store::file::checkpoint::Debt;
use crate::store::tables::orphans::orphan_columns;
use crate::store::tables::rows::{Columns, Record, all, select};
use crate::store::tables::transactions::transaction_columns;
use crate::store::tables::{facts, other_money};

impl Reader {
    /// Runs `work`, all of whose reading is of one moment. If that is long, it does not rest: the longer it is, the
    /// more there is to be made up for after it.
    pub fn at_one_moment<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let moment = self.connection.unchecked_transaction().map_err(StoreError::from)?;
        let done = work(self);
        let debt = Debt::of(Path::new(self.connection.path().unwrap_or_default()));
        drop(moment);
        if let Some(debt) = debt {
            debt.pay();
        }
        done
    }

    /// Transactions, at most ten, whose last change does not say what they say.
    pub fn out_of_step(&self, livemode: bool) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT t.id FROM transactions t LEFT JOIN transaction_changes c
                 ON c.transaction_id = t.id AND c.version = t.version
             WHERE t.livemode = :livemode
               AND (c.amount_received IS NOT t.amount_received OR
                    c.amount_refunded IS NOT t.amount_refunded OR
                    c.other_money IS NOT t.other_money OR
                    c.dispute_status IS NOT t.dispute_status)
             ORDER BY t.id LIMIT 10";
        all(&self.connection, sql, named_params! { ":livemode": livemode })
    }

    fn disputes_of(&self, transaction: Transaction) -> Result<Vec<DisputeRaised>, StoreError> {
        let stored = facts::of(&self.connection, transaction.id)?;
        let facts: Vec<&Fact> = stored.iter().map(|stored| &stored.fact).collect();
        let (newest, status) = disputes(transaction.provider, &facts);
        if status != transaction.state.dispute_status {
            return Err(StoreError::Corrupt {
                what: "dispute status",
                value: format!(
                    "{} in transaction {}, whose events say {status}",
                    transaction.state.dispute_status, transaction.id
                ),
            });
        }
        let opened_at = |fact: &Fact| {
            let of_it = facts
                .iter()
                .filter(|one| one.object == fact.object && one.object_id == fact.object_id);
            of_it.map(|one| one.occurred_at).min().unwrap_or(fact.occurred_at)
        };
        let raised = newest.into_iter().map(|fact| DisputeRaised {
            transaction: transaction.clone(),
            opened_at: opened_at(&fact),
            fact,
        });
        Ok(raised.collect())
    }

    fn each_row<T: Record, E: From<StoreError>>(
        &self,
        sql: &str,
        span: &Span,
        mut each: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare(sql).map_err(StoreError::from)?;
        let mut rows = match statement.parameter_count() {
            1 => statement.query(named_params! { ":livemode": span.livemode }),
            _ => statement.query(named_params! {
                ":livemode": span.livemode,
                ":from": span.from.map(|at| at.to_string()),
                ":to": span.to.map(|at| at.to_string()),
            }),
        }
        .map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            each(T::of(row)?)?;
        }
        Ok(())
    }

    fn summed(&self, sql: &str, span: &Span) -> Result<Sums, StoreError> {
        let mut sums = Sums::new();
        self.each_row(sql, span, |(provider, currency, rows, amount, refunded)| {
            sums.insert((provider, currency), Sum { rows, amount, refunded });
            Ok::<_, StoreError>(())
        })?;
        Ok(sums)
    }
}

impl Entered for Transaction {
    fn each<E: From<StoreError>>(
        reader: &Reader,
        span: &Span,
        mut each: impl FnMut(&Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = select!(
            transaction_columns,
            " FROM transactions WHERE livemode = :livemode
                  AND (:from IS NULL OR created_at >= :from) AND (:to IS NULL OR created_at < :to)
              ORDER BY id"
        );
        reader.each_row(sql, span, |transaction| each(&transaction))
    }
}

impl Summed for Transaction {
    fn sums(reader: &Reader, span: &Span) -> Result<Sums, StoreError> {
        reader.summed(
            "SELECT provider, currency, count(*), money_sum(received), money_sum(refunded)
             FROM (SELECT provider, livemode, created_at, received_currency AS currency,
                          amount_received AS received, amount_refunded AS refunded
                   FROM transactions
                   UNION ALL
                   SELECT provider, livemode, created_at, other.value ->> 'currency',
                          other.value ->> 'received', other.value ->> 'refunded'
                   FROM transactions, json_each(other_money) AS other)
             WHERE livemode = :livemode
               AND (:from IS NULL OR created_at >= :from) AND (:to IS NULL OR created_at < :to)
             GROUP BY 1, 2",
            span,
        )
    }
}

/// Every change of what was refunded.
impl Entered for RefundMade {
    fn each<E: From<StoreError>>(
        reader: &Reader,
        span: &Span,
        mut each: impl FnMut(&Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "
            SELECT c.id, ifnull(l.occurred_at, c.changed_at), t.id, t.provider, t.reference, t.order_id,
                   f.object_id, f.reason, l.event_id,
                   ifnull(p.received_currency, t.received_currency), ifnull(p.amount_refunded, 0),
                   p.other_money,
                   ifnull(c.received_currency, t.received_currency), c.amount_refunded, c.other_money
            FROM transaction_changes c JOIN transactions t ON t.id = c.transaction_id
            LEFT JOIN transaction_changes p
                ON p.transaction_id = c.transaction_id AND p.version = c.version - 1
            LEFT JOIN webhook_logs l ON l.id = c.log_id
            LEFT JOIN transaction_events f
                ON f.transaction_id = c.transaction_id AND f.log_id = c.log_id AND f.ordinal =
                   (SELECT min(ordinal) FROM transaction_events g
                    WHERE g.transaction_id = c.transaction_id AND g.log_id = c.log_id
                      AND g.object = 'refund')
            WHERE t.livemode = :livemode AND (c.amount_refunded <> ifnull(p.amount_refunded, 0) OR
                   c.other_money IS NOT p.other_money)
            ORDER BY c.id";
        reader.each_row(sql, span, |Refunds(refunds)| refunds.iter().try_for_each(&mut each))
    }
}

/// Of all times.
impl Summed for RefundMade {
    fn sums(reader: &Reader, span: &Span) -> Result<Sums, StoreError> {
        let all = Span { from: None, to: None, ..*span };
        let mut sums = Transaction::sums(reader, &all)?;
        sums.retain(|_, sum| sum.refunded != Total::default());
        for sum in sums.values_mut() {
            (sum.rows, sum.amount) = (0, Total::default());
        }
        Ok(sums)
    }
}

/// An error if a transaction says something else of its disputes than its events do.
impl Entered for DisputeRaised {
    fn each<E: From<StoreError>>(
        reader: &Reader,
        span: &Span,
        mut each: impl FnMut(&Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = select!(
            transaction_columns,
            " FROM transactions WHERE livemode = :livemode AND dispute_status <> 'none'
              ORDER BY id"
        );
        reader.each_row(sql, span, |transaction| {
            for dispute in reader.disputes_of(transaction)? {
                if span.has(dispute.opened_at) {
                    each(&dispute)?;
                }
            }
            Ok(())
        })
    }
}

impl Entered for Orphan {
    fn each<E: From<StoreError>>(
        reader: &Reader,
        span: &Span,
        mut each: impl FnMut(&Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = select!(
            orphan_columns,
            " FROM orphan_transactions WHERE livemode = :livemode
                  AND (:from IS NULL OR first_seen_at >= :from)
                  AND (:to IS NULL OR first_seen_at < :to)
              ORDER BY id"
        );
        reader.each_row(sql, span, |orphan| each(&orphan))
    }
}

impl Summed for Orphan {
    fn sums(reader: &Reader, span: &Span) -> Result<Sums, StoreError> {
        reader.summed(
            "SELECT provider, currency, count(*), money_sum(amount), 0
             FROM orphan_transactions WHERE livemode = :livemode
               AND (:from IS NULL OR first_seen_at >= :from)
               AND (:to IS NULL OR first_seen_at < :to)
             GROUP BY 1, 2",
            span,
        )
    }
}

/// One of each currency of which other money was refunded than before.
struct Refunds(Vec<RefundMade>);

impl Record for Refunds {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let one = RefundMade {
            change_id: columns.next()?,
            occurred_at: columns.next()?,
            transaction_id: columns.next()?,
            provider: columns.next()?,
            reference: columns.next()?,
            order_id: columns.next()?,
            refund_id: columns.next()?,
            amount: 0,
            currency: None,
            reason: columns.next()?,
            event_id: columns.next()?,
        };
        let mut refunded = || {
            let (currency, refunded) = columns.next()?;
            let other: Vec<OtherMoney> = columns.next()?;
            Ok::<_, StoreError>(other_money::by_currency(currency, 0, refunded, &other))
        };
        let (before, after) = (refunded()?, refunded()?);
        let currencies: BTreeSet<Option<Currency>> =
            before.keys().chain(after.keys()).copied().collect();
        let of = |all: &BTreeMap<Option<Currency>, (i64, i64)>, currency| {
            all.get(&currency).map_or(0, |(_, refunded)| *refunded)
        };
        let made = currencies.into_iter().map(|currency| RefundMade {
            amount: of(&after, currency).saturating_sub(of(&before, currency)),
            currency,
            ..one.clone()
        });
        Ok(Self(made.filter(|refund| refund.amount != 0).collect()))
    }
}
