//! What a provider and the shop believe of the payments of a period, compared. Nothing is changed;
//! each difference comes with the command that resolves it.
//!
//! The provider's list is read page by page, and each of its payments is looked up here; then each
//! transaction that was in no list is asked for. In memory are one page, and a bit for each
//! transaction.

use std::time::Duration;

use super::id_set::IdSet;
use super::objects::{AskError, Asker, of_payment};
use crate::clients::api::ApiError;
use crate::domain::discrepancy::{DiscrepancyKind, compare, has_money, may_be_forgotten};
use crate::domain::event::Ownership;
use crate::domain::fact::Fact;
use crate::domain::money::Money;
use crate::domain::provider::Provider;
use crate::domain::records::{Page, Transaction, TransactionFilter};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{Expected, State, fold};
use crate::providers::paypal::reporting::{self, Entry};
use crate::providers::retrieval::{self, Asking, NotUnderstood, Retrieved};
use crate::store::{Reader, StoreError};

/// What to compare: payments that the provider made, and transactions that the shop registered, in
/// `[from, until)`.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// At whom.
    pub provider: Provider,
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// At whom.
    pub provider: Provider,
    /// What is different.
    pub kind: DiscrepancyKind,
    /// The provider's id of the payment.
    pub reference: String,
    /// The transaction, if the shop registered one.
    pub transaction: Option<(i64, Option<String>)>,
    /// What is known here, in words.
    pub here: String,
    /// What the provider says, in words.
    pub there: String,
    /// The command that resolves it.
    pub remedy: String,
}

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Payments of the provider's that were looked up here.
    pub listed: u64,
    /// Transactions that were asked for one by one.
    pub asked: u64,
    /// Payments that are another's who uses the same account.
    pub foreign: u64,
    /// How many differ.
    pub discrepancies: u64,
    /// What could not be compared, and why: sentences.
    pub not_compared: Vec<String>,
}

/// Why the comparison did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The API can't be asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// An answer can't be understood.
    #[error(transparent)]
    NotUnderstood(#[from] NotUnderstood),
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares, and tells each difference as it is found. Blocks.
pub fn report(
    reader: &Reader,
    asker: &Asker<'_>,
    period: Period,
    observe: &mut dyn FnMut(Discrepancy),
) -> Result<Compared, CompareError> {
    let (compared, seen) = (Compared::default(), IdSet::default());
    let mut comparison = Comparison { reader, asker, period, observe, compared, seen };
    match period.provider {
        Provider::Stripe => comparison.lists()?,
        Provider::Paypal => comparison.reports()?,
    }
    comparison.transactions()?;
    Ok(comparison.compared)
}

struct Comparison<'c> {
    reader: &'c Reader,
    asker: &'c Asker<'c>,
    period: Period,
    observe: &'c mut dyn FnMut(Discrepancy),
    compared: Compared,
    seen: IdSet,
}

/// What is known here of a payment of the provider's.
enum Here {
    Nothing,
    Orphan(i64),
    Transaction(Box<Transaction>),
}

impl Comparison<'_> {
    /// Stripe's payments, from its lists of them.
    fn lists(&mut self) -> Result<(), CompareError> {
        let Period { provider, from, until } = self.period;
        let mut not_understood = 0_usize;
        for first in retrieval::payment_lists(provider, from, until) {
            let mut next = Some(first.clone());
            while let Some(path) = next {
                let looked = self.asker.apis.look(provider, &path)?;
                let (livemode, rules) = (self.asker.livemode, self.asker.rules);
                let asking = Asking { provider, at: looked.at, livemode, rules };
                let page = retrieval::read(&path, &looked.body, asking)?;
                not_understood += page.not_understood.len();
                next = page.next.map(|last| retrieval::next_page(&first, &last));
                for payment in &page.objects {
                    self.listed(payment)?;
                }
            }
        }
        if not_understood > 0 {
            let name = provider.name();
            let sentence = format!("{not_understood} entries of {name}'s list are not understood");
            self.compared.not_compared.push(sentence);
        }
        Ok(())
    }

    fn listed(&mut self, payment: &Retrieved) -> Result<(), CompareError> {
        let is_part_of_other = payment.own.kind == ReferenceKind::Charge
            && payment.references().any(|one| one.kind == ReferenceKind::PaymentIntent);
        if is_part_of_other {
            return Ok(());
        }
        self.compared.listed += 1;
        match self.here(payment.references())? {
            Here::Transaction(transaction) => {
                self.seen.add(transaction.id);
                self.compare(&transaction, payment.facts(), payment.is_disputed());
            }
            _ if payment.ownership() == Ownership::Foreign => self.compared.foreign += 1,
            here => {
                let provider = self.period.provider;
                let theirs = fold(provider, Expected::default(), payment.facts());
                if has_money(theirs.status) {
                    let there = words(provider, &theirs);
                    let asked_for = payment.facts().find_map(|fact| fact.amount);
                    self.without_transaction(&here, &payment.own.value, asked_for, there);
                }
            }
        }
        Ok(())
    }

    /// What moved money at PayPal, if the app may see that.
    fn reports(&mut self) -> Result<(), CompareError> {
        let Period { provider, from, until } = self.period;
        let mut begin = from;
        while begin < until {
            let end = begin.plus(LONGEST_REPORT).min(until);
            let (mut page, mut pages) = (1, 1);
            while page <= pages {
                let path = reporting::path(begin, end, page);
                let report = match self.asker.apis.look(provider, &path) {
                    Ok(looked) => reporting::read(&looked.body)?,
                    Err(ApiError::Unauthorized { status: 403, .. }) => {
                        self.compared.not_compared.push(NO_REPORTS.to_owned());
                        return Ok(());
                    }
                    Err(error) => return Err(error.into()),
                };
                for entry in &report.entries {
                    self.entry(entry)?;
                }
                if report.not_understood > 0 {
                    let number = report.not_understood;
                    let sentence = format!("{number} entries of PayPal's list are not understood");
                    self.compared.not_compared.push(sentence);
                }
                (page, pages) = (page + 1, report.pages);
            }
            begin = end;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), CompareError> {
        self.compared.listed += 1;
        let capture = |id: &str| Reference::new(ReferenceKind::Capture, id);
        let ids: Vec<Reference> = [Some(&entry.id), entry.related.as_ref()]
            .into_iter()
            .flatten()
            .map(|id| capture(id))
            .collect();
        let there = match entry.is_refund {
            true => format!("{} went back", money(self.period.provider, entry.amount)),
            false => format!("{} received", money(self.period.provider, entry.amount)),
        };
        let transaction = match self.here(ids.iter())? {
            Here::Transaction(transaction) => transaction,
            here => {
                self.without_transaction(&here, &entry.id, Some(entry.amount), there);
                return Ok(());
            }
        };
        self.seen.add(transaction.id);
        let facts = self.reader.of::<Fact>(transaction.id)?;
        let of_entry = || facts.iter().filter(|fact| *fact.object_id == *entry.id);
        let is_said = if entry.is_refund {
            of_entry().next().is_some()
        } else if entry.is_settled {
            of_entry().any(|fact| fact.captured == Some(entry.amount.minor))
        } else {
            of_entry().next().is_some()
        };
        if is_said {
            return Ok(());
        }
        let kind = match of_entry().any(|fact| fact.captured.is_some()) || entry.is_refund {
            true => DiscrepancyKind::Amount,
            false => DiscrepancyKind::Status,
        };
        let here = words(transaction.provider, &transaction.state);
        self.differs(kind, &transaction, here, there);
        Ok(())
    }

    /// Every transaction of the period that was in no list.
    fn transactions(&mut self) -> Result<(), CompareError> {
        let Period { provider, from, until } = self.period;
        let filter = TransactionFilter {
            provider: Some(provider),
            livemode: Some(self.asker.livemode),
            // What is registered at the very beginning is in it.
            created_after: Some(from.minus(Duration::from_millis(1))),
            created_before: Some(until),
            ..TransactionFilter::default()
        };
        let mut page = Page { before: None, limit: AT_ONCE };
        let mut not_asked = 0_u64;
        loop {
            let listed = self.reader.list(&filter, page)?;
            for transaction in &listed.rows {
                page.before = Some(transaction.id);
                // Nobody expects anything of it.
                let is_over =
                    transaction.closed_at.is_some() && !has_money(transaction.state.status);
                if !is_over && !self.seen.has(transaction.id) && !self.ask(transaction)? {
                    not_asked += 1;
                }
            }
            if !listed.more {
                break;
            }
        }
        if not_asked > 0 {
            self.compared.not_compared.push(format!(
                "{not_asked} transactions have no id by which {} could be asked for them, or its \
                 answer is not understood",
                provider.name()
            ));
        }
        Ok(())
    }

    /// Whether the provider could be asked about it.
    fn ask(&mut self, transaction: &Transaction) -> Result<bool, CompareError> {
        let references = of_payment(self.reader, transaction.id)?;
        match self.asker.ask(transaction.provider, &references) {
            Ok(found) => {
                self.compared.asked += 1;
                let is_disputed = found.iter().any(Retrieved::is_disputed);
                let facts: Vec<Fact> = found.iter().flat_map(|one| one.facts().cloned()).collect();
                self.compare(transaction, &facts, is_disputed);
                Ok(true)
            }
            Err(error) if error.is_not_found() => {
                self.compared.asked += 1;
                let (provider, status) = (transaction.provider, transaction.state.status);
                if may_be_forgotten(provider, status) {
                    return Ok(true);
                }
                let here = words(provider, &transaction.state);
                self.differs(DiscrepancyKind::Unknown, transaction, here, "nothing".to_owned());
                Ok(true)
            }
            Err(AskError::Api(error)) => match error {
                ApiError::Unauthorized { status: 403, .. } | ApiError::Unexpected { .. } => {
                    Ok(false)
                }
                _ => Err(error.into()),
            },
            Err(AskError::NotUnderstood(_) | AskError::NothingToAsk) => Ok(false),
        }
    }

    fn here<'r>(
        &self,
        references: impl Iterator<Item = &'r Reference>,
    ) -> Result<Here, StoreError> {
        let mut found = Here::Nothing;
        for reference in references.filter(|one| one.kind.identifies_payment()) {
            let (provider, livemode) = (self.period.provider, self.asker.livemode);
            let Some(payment) = self.reader.holder(provider, livemode, &reference.value)? else {
                continue;
            };
            match self.reader.get::<Transaction>(payment)? {
                Some(transaction) => return Ok(Here::Transaction(Box::new(transaction))),
                None => found = Here::Orphan(payment),
            }
        }
        Ok(found)
    }

    fn compare<'f>(
        &mut self,
        transaction: &Transaction,
        facts: impl IntoIterator<Item = &'f Fact>,
        is_disputed: bool,
    ) {
        let provider = transaction.provider;
        let theirs = fold(provider, transaction.expected, facts);
        let ours = &transaction.state;
        let Some(kind) = compare(ours, &theirs, is_disputed) else { return };
        let here = words(provider, ours);
        let there = match (kind, transaction.expected.amount) {
            (DiscrepancyKind::Expected, Some(minor)) => {
                let currency = transaction.expected.currency;
                let expected = currency.map(|currency| money(provider, Money { minor, currency }));
                format!("the shop expects {}", expected.unwrap_or_else(|| minor.to_string()))
            }
            _ if is_disputed => format!("{}, disputed", words(provider, &theirs)),
            _ => words(provider, &theirs),
        };
        self.differs(kind, transaction, here, there);
    }

    fn differs(&mut self, kind: DiscrepancyKind, of: &Transaction, here: String, there: String) {
        let id = of.id;
        let remedy = match kind {
            DiscrepancyKind::Unknown => format!("payhookd transactions close {id}"),
            DiscrepancyKind::Expected => format!("payhookd transactions show {id}"),
            _ => format!("payhookd reconcile --object {id}"),
        };
        let reference = of.reference.clone();
        let transaction = Some((id, of.order_id.clone()));
        self.tell(Discrepancy {
            provider: of.provider,
            kind,
            reference,
            transaction,
            here,
            there,
            remedy,
        });
    }

    fn without_transaction(
        &mut self,
        here: &Here,
        reference: &str,
        amount: Option<Money>,
        there: String,
    ) {
        let provider = self.period.provider;
        let (kind, here, remedy) = match here {
            Here::Orphan(id) => (
                DiscrepancyKind::Unregistered,
                format!("orphan {id}"),
                match amount {
                    Some(Money { minor, currency }) => format!(
                        "payhookd transactions add --provider {provider} --reference {reference} \
                         --amount {minor} --currency {currency}"
                    ),
                    None => format!("payhookd orphans show {id}"),
                },
            ),
            _ => (
                DiscrepancyKind::Missed,
                "nothing".to_owned(),
                format!("payhookd reconcile --provider {provider} --object {reference}"),
            ),
        };
        let reference = reference.to_owned();
        self.tell(Discrepancy {
            provider,
            kind,
            reference,
            transaction: None,
            here,
            there,
            remedy,
        });
    }

    fn tell(&mut self, discrepancy: Discrepancy) {
        self.compared.discrepancies += 1;
        (self.observe)(discrepancy);
    }
}

fn words(provider: Provider, state: &State) -> String {
    let mut words = state.status.to_string();
    if let Some(currency) = state.currency.filter(|_| state.amount_received > 0) {
        let amount = |minor| money(provider, Money { minor, currency });
        words.push_str(&format!(", {} received", amount(state.amount_received)));
        if state.amount_refunded > 0 {
            words.push_str(&format!(", {} refunded", amount(state.amount_refunded)));
        }
    }
    words
}

fn money(provider: Provider, money: Money) -> String {
    format!("{} {}", money.to_decimal(provider), money.currency)
}

/// PayPal lists no more days at once.
const LONGEST_REPORT: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// Transactions that are read at once.
const AT_ONCE: u32 = 200;
const NO_REPORTS: &str = "payments that PayPal has and the shop has not: the app of PAYPAL_CLIENT_ID \
    may not list them; give it the permission Transaction Search in PayPal's developer dashboard";
