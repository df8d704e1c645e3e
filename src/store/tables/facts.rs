//! `transaction_events`: what each event says about its payment.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::types::Value;
use rusqlite::{Connection, named_params, params_from_iter};

use super::rows::{Columns, Record, all, execute, instant, record};
use crate::domain::event::{Event, Ownership};
use crate::domain::fact::Fact;
use crate::domain::matching::Claim;
use crate::domain::money::Money;
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::subscription::Period;
use crate::domain::time::Timestamp;
use crate::domain::transaction::attempts::{are_attempts, superseded};
use crate::store::error::StoreError;

/// A fact with the event it came with.
#[derive(Clone)]
pub(crate) struct StoredFact {
    transaction_id: i64,
    pub(crate) log_id: i64,
    /// Which fact of the event.
    pub(crate) ordinal: i64,
    pub(crate) fact: Fact,
    /// Whose the payment is, by the event; said on the first fact of a payment.
    pub(crate) ownership: Ownership,
    /// By what it was matched, in the words of `MatchedBy`; on the first fact of a payment.
    pub(crate) matched_by: Option<String>,
    /// Another rendering of the event said it, whose body is not kept.
    pub(crate) is_of_other_rendering: bool,
    /// As they are stored, because most readers need only the facts.
    references: Option<String>,
}

impl StoredFact {
    /// Whether it begins what the event says of one payment.
    pub(crate) fn begins_payment(&self) -> bool {
        self.references.is_some()
    }

    /// Every id of the payment that the event carried; only on the first fact of a payment.
    pub(crate) fn references(&self) -> Result<Vec<Reference>, StoreError> {
        let Some(text) = &self.references else { return Ok(Vec::new()) };
        let corrupt = || StoreError::Corrupt { what: "references", value: text.clone() };
        parse_references(text).ok_or_else(corrupt)
    }
}

/// Every id of the payment that its events carried, each once, the oldest event's first.
pub(crate) fn references(stored: &[StoredFact]) -> Result<Vec<Reference>, StoreError> {
    let mut references = Vec::new();
    for stored in stored {
        for reference in stored.references()? {
            if !references.contains(&reference) {
                references.push(reference);
            }
        }
    }
    Ok(references)
}

/// What one event says of one payment.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) log_id: i64,
    /// Of its first fact; the others follow.
    pub(crate) ordinal: i64,
    pub(crate) references: Vec<Reference>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) ownership: Ownership,
    pub(crate) is_of_other_rendering: bool,
}

impl Said {
    /// What the facts of one payment, in their order, say: event by event.
    pub(crate) fn of(stored: &[StoredFact]) -> Result<Vec<Self>, StoreError> {
        let mut said: Vec<Self> = Vec::new();
        for one in stored {
            let continues =
                said.last().is_some_and(|last| !one.begins_payment() && last.log_id == one.log_id);
            match said.last_mut().filter(|_| continues) {
                Some(last) => last.facts.push(one.fact.clone()),
                None => said.push(Self {
                    log_id: one.log_id,
                    ordinal: one.ordinal,
                    references: one.references()?,
                    facts: vec![one.fact.clone()],
                    ownership: one.ownership,
                    is_of_other_rendering: one.is_of_other_rendering,
                }),
            }
        }
        Ok(said)
    }

    /// What an event that has no row yet says, payment by payment.
    pub(crate) fn of_event(event: &Event) -> Vec<Self> {
        let mut ordinal = 0;
        let parts = event.content.parts().iter();
        parts
            .map(|part| {
                let said = Self {
                    log_id: i64::MAX,
                    ordinal,
                    references: part.references.clone(),
                    facts: part.facts.clone(),
                    ownership: event.ownership,
                    is_of_other_rendering: false,
                };
                ordinal = said.ordinals().1;
                said
            })
            .collect()
    }

    /// As it is matched by, where no person attached it.
    pub(crate) fn claim(&self) -> Claim<'_> {
        Claim {
            references: &self.references,
            facts: self.facts.iter().collect(),
            ownership: self.ownership,
            attached: None,
        }
    }

    /// The ordinal after its last.
    pub(crate) fn end(&self) -> i64 {
        self.ordinals().1
    }

    /// The ordinals of its facts.
    fn ordinals(&self) -> (i64, i64) {
        let count = i64::try_from(self.facts.len()).unwrap_or(i64::MAX);
        (self.ordinal, self.ordinal.saturating_add(count))
    }
}

/// As many facts as are worth a look whether later ones make them needless.
const MANY: usize = 32;

record! { Fact, fact_columns {
    occurred_at, event_id, object, object_id, state = "fact", amount = "amount, currency", captured,
    refunded, refunded_all, parent_id, payment_id, shop_money = "shop_amount, shop_currency", object_at,
    reason; period
} }

/// An amount in minor units, and its currency.
impl Record for Option<Money> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (minor, currency): (Option<_>, Option<_>) = columns.next()?;
        Ok(minor.zip(currency).map(|(minor, currency)| Money { minor, currency }))
    }
}

/// Its beginning and its end.
impl Record for Option<Period> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (start, end): (Option<_>, Option<_>) = columns.next()?;
        Ok(start.zip(end).map(|(start, end)| Period { start, end }))
    }
}

/// NULL is unsaid.
impl Record for Ownership {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(columns.parsed("ownership", Self::parse)?.unwrap_or(Self::Unsaid))
    }
}

/// Every column of what an event says of a payment, wherever it is kept.
macro_rules! said_columns {
    () => {
        concat!(
            "ordinal, ",
            fact_columns!(),
            ", \"references\", ownership, rendering, period_start, period_end"
        )
    };
}

record! { StoredFact {
    transaction_id, log_id, ordinal, fact, references, ownership, is_of_other_rendering, matched_by
} }

macro_rules! select_facts {
    () => {
        concat!(
            "SELECT transaction_id, log_id, ordinal, ",
            fact_columns!(),
            ", period_start, period_end, \"references\", ownership, rendering, matched_by \
             FROM transaction_events WHERE "
        )
    };
}

/// A row of [`said_columns`].
pub(crate) type SaidRow = [Value; 22];

impl Said {
    /// Its rows, in their order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = SaidRow> {
        (self.ordinal..).zip(&self.facts).map(|(ordinal, fact)| {
            let is_first = ordinal == self.ordinal;
            let ownership = Some(self.ownership)
                .filter(|said| is_first && *said != Ownership::Unsaid)
                .map(Ownership::as_str);
            let text = |text: Option<&str>| Value::from(text.map(str::to_owned));
            let instant = |at: Option<Timestamp>| Value::from(at.map(|at| at.to_string()));
            let code = |money: Option<&Money>| text(money.map(|money| money.currency.as_str()));
            let minor = |money: Option<&Money>| Value::from(money.map(|money| money.minor));
            [
                ordinal.into(),
                instant(Some(fact.occurred_at)),
                text(Some(&fact.event_id)),
                text(Some(fact.object.as_str())),
                text(Some(&fact.object_id)),
                text(Some(fact.state.as_str())),
                minor(fact.amount.as_ref()),
                code(fact.amount.as_ref()),
                fact.captured.into(),
                fact.refunded.into(),
                fact.refunded_all.map(i64::from).into(),
                text(fact.parent_id.as_deref()),
                text(fact.payment_id.as_deref()),
                minor(fact.shop_money.as_ref()),
                code(fact.shop_money.as_ref()),
                instant(fact.object_at),
                text(fact.reason.as_deref()),
                is_first.then(|| references_text(&self.references)).into(),
                text(ownership),
                i64::from(self.is_of_other_rendering).into(),
                instant(fact.period.map(|period| period.start)),
                instant(fact.period.map(|period| period.end)),
            ]
        })
    }
}

/// Adds what an event says to a payment.
pub(crate) fn insert(
    connection: &Connection,
    transaction_id: i64,
    said: &Said,
    matched_by: Option<&str>,
) -> Result<(), StoreError> {
    if !are_attempts(&said.claim().facts) {
        revive(connection, transaction_id)?;
    }
    let mut statement = connection.prepare_cached(concat!(
        "INSERT INTO transaction_events (transaction_id, log_id, matched_by, ",
        said_columns!(),
        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ))?;
    let mut matched_by = matched_by.map(str::to_owned);
    for row in said.rows() {
        let place = [transaction_id.into(), said.log_id.into(), matched_by.take().into()];
        statement.execute(params_from_iter(place.into_iter().chain(row)))?;
    }
    Ok(())
}

/// What is kept of what an event says, once, however many payments have it; in its order. It is not
/// read as what it should be.
pub(crate) fn said_by(connection: &Connection, log_id: i64) -> rusqlite::Result<Vec<SaidRow>> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT DISTINCT ",
        said_columns!(),
        " FROM transaction_events WHERE log_id = ?1"
    ))?;
    let mut rows = statement.query([log_id])?;
    let mut said: Vec<SaidRow> = Vec::new();
    while let Some(row) = rows.next()? {
        let mut values = std::array::from_fn(|_| Value::Null);
        for (column, value) in values.iter_mut().enumerate() {
            *value = row.get(column)?;
        }
        said.push(values);
    }
    said.sort_by_key(|row| match row[0] {
        Value::Integer(ordinal) => ordinal,
        _ => i64::MAX,
    });
    Ok(said)
}

/// Every fact of a payment, in the order in which their events were first received.
pub(crate) fn of(
    connection: &Connection,
    transaction_id: i64,
) -> Result<Vec<StoredFact>, StoreError> {
    let statement = concat!(select_facts!(), "transaction_id = ?1");
    select(connection, statement, transaction_id)
}

/// The facts of a payment from which all that is true of it follows, in the same order: without the
/// attempts of which a later one tells all.
pub(crate) fn counting(
    connection: &Connection,
    transaction_id: i64,
) -> Result<Vec<StoredFact>, StoreError> {
    let statement = concat!(select_facts!(), "transaction_id = ?1 AND superseded = 0");
    let stored = select(connection, statement, transaction_id)?;
    if stored.len() < MANY {
        return Ok(stored);
    }
    let said = Said::of(&stored)?;
    let claims: Vec<Claim<'_>> = said.iter().map(Said::claim).collect();
    let superseded = superseded(&claims);
    let mut statement = connection.prepare_cached(
        "UPDATE transaction_events SET superseded = 1
         WHERE transaction_id = :transaction_id AND superseded = 0 AND log_id = :log_id
           AND ordinal >= :first AND ordinal < :end",
    )?;
    for (said, _) in said.iter().zip(superseded).filter(|(_, superseded)| *superseded) {
        let (first, end) = said.ordinals();
        statement.execute(named_params! {
            ":transaction_id": transaction_id,
            ":log_id": said.log_id,
            ":first": first,
            ":end": end,
        })?;
    }
    Ok(stored)
}

/// The facts of a payment that were known at an instant, also those that are superseded since.
pub(crate) fn known_at(
    connection: &Connection,
    transaction_id: i64,
    at: Timestamp,
) -> Result<Vec<StoredFact>, StoreError> {
    let mut stored = of(connection, transaction_id)?;
    let sql = "SELECT received_at FROM webhook_logs WHERE id = :id";
    let mut known = HashMap::new();
    for log_id in stored.iter().map(|one| one.log_id) {
        if let Entry::Vacant(place) = known.entry(log_id) {
            let received_at = instant(connection, sql, named_params! { ":id": log_id })?;
            // Of what is not kept any more nothing came after.
            place.insert(received_at.is_none_or(|received_at| received_at <= at));
        }
    }
    stored.retain(|one| known.get(&one.log_id).copied().unwrap_or(true));
    Ok(stored)
}

/// Lets every fact of a payment count again, as what else is known of it may concern any of them.
fn revive(connection: &Connection, transaction_id: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE transaction_events SET superseded = 0
             WHERE transaction_id = :transaction_id AND superseded = 1";
    execute(connection, sql, named_params! { ":transaction_id": transaction_id })?;
    Ok(())
}

/// Every fact of an event, wherever it is.
pub(crate) fn of_event(
    connection: &Connection,
    log_id: i64,
) -> Result<Vec<StoredFact>, StoreError> {
    select(connection, concat!(select_facts!(), "log_id = ?1"), log_id)
}

fn select(
    connection: &Connection,
    statement: &str,
    id: i64,
) -> Result<Vec<StoredFact>, StoreError> {
    let mut facts: Vec<StoredFact> = all(connection, statement, [id])?;
    // Not by the statement: with an ORDER BY beside the bound id SQLite prepares it anew each time, which
    // took a third of the time of an event.
    facts.sort_by_key(|one| (one.transaction_id, one.log_id, one.ordinal));
    Ok(facts)
}

/// The transactions and orphans that have something that this event says.
pub(crate) fn holders(connection: &Connection, log_id: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT DISTINCT transaction_id FROM transaction_events WHERE log_id = :log_id
         ORDER BY transaction_id";
    all(connection, sql, named_params! { ":log_id": log_id })
}

/// Takes what an event says of one payment away from it.
pub(crate) fn remove(
    connection: &Connection,
    transaction_id: i64,
    said: &Said,
) -> rusqlite::Result<()> {
    revive(connection, transaction_id)?;
    let (first, end) = said.ordinals();
    let sql = "DELETE FROM transaction_events
             WHERE transaction_id = :transaction_id AND superseded = 0 AND log_id = :log_id
               AND ordinal >= :first AND ordinal < :end";
    let parameters = named_params! {
        ":transaction_id": transaction_id,
        ":log_id": said.log_id,
        ":first": first,
        ":end": end,
    };
    execute(connection, sql, parameters)?;
    Ok(())
}

/// Notes by what what an event says was matched.
pub(crate) fn match_by(
    connection: &Connection,
    transaction_id: i64,
    said: &Said,
    matched_by: Option<&str>,
) -> rusqlite::Result<()> {
    let sql = "UPDATE transaction_events SET matched_by = :matched_by
             WHERE transaction_id = :transaction_id AND superseded IN (0, 1) AND log_id = :log_id
               AND ordinal = :ordinal AND matched_by IS NOT :matched_by";
    let parameters = named_params! {
        ":transaction_id": transaction_id,
        ":log_id": said.log_id,
        ":ordinal": said.ordinal,
        ":matched_by": matched_by,
    };
    execute(connection, sql, parameters)?;
    Ok(())
}

fn references_text(references: &[Reference]) -> String {
    let pairs: Vec<(&str, &str)> =
        references.iter().map(|reference| (reference.kind.as_str(), &*reference.value)).collect();
    serde_json::to_string(&pairs).expect("pairs of text are always JSON")
}

fn parse_references(text: &str) -> Option<Vec<Reference>> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text).ok()?;
    pairs
        .into_iter()
        .map(|(kind, value)| Some(Reference::new(ReferenceKind::parse(&kind)?, value)))
        .collect()
}

/// Whether an event of this payment is doubtful.
pub(crate) fn is_doubtful(connection: &Connection, payment: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM doubtful_events
             WHERE settled_at IS NULL AND EXISTS
                 (SELECT 1 FROM transaction_events
                  WHERE transaction_events.log_id = doubtful_events.log_id
                    AND transaction_id = :payment)",
        )?
        .exists(named_params! { ":payment": payment })
}
