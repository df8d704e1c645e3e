//! The objects themselves, asked for where events do not suffice.
//!
//! What a provider's API says of an object now is one more fact, with the API's own time. It is kept
//! as an event of a type of ours and goes the way of a webhook. An answer that says what the last one
//! said adds nothing. Nobody waits for any of this.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

use super::doubtful;
use crate::clients::api::ApiError;
use crate::clients::apis::Apis;
use crate::domain::discrepancy::may_be_forgotten;
use crate::domain::issue::{Finding, IssueData, IssueKind, NewIssue, Severity, Trigger};
use crate::domain::lookup_schedule::{self, Reason};
use crate::domain::provider::Provider;
use crate::domain::records::{Asked, DueAsk, Kept, Transaction, WebhookLog};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::providers::reference_kind;
use crate::providers::retrieval::{
    self, Asking, NotUnderstood, Question, Retrieved, RetrievedPage,
};
use crate::providers::rules::Rules;
use crate::store::{Database, Reader, SettleLookup, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;

/// Asks the providers' APIs for objects.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The APIs.
    pub apis: &'a Apis,
    /// Which money their keys are about.
    pub livemode: bool,
    /// How events are read.
    pub rules: &'a Rules,
    /// Tells the time.
    pub clock: Clock,
}

/// Why there is nothing to keep.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AskError {
    /// The API gave no object.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It gave something that can't be understood.
    #[error(transparent)]
    NotUnderstood(#[from] NotUnderstood),
    /// None of the ids that are known names an object that could be asked for.
    #[error("it has no id by which the provider could be asked for it")]
    NothingToAsk,
}

impl AskError {
    /// Whether the next question would come to the same.
    pub(super) fn is_of_the_api(&self) -> bool {
        match self {
            Self::Api(error) => error.is_of_all(),
            Self::NotUnderstood(_) | Self::NothingToAsk => false,
        }
    }

    /// Whether the provider says that there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(ApiError::NotFound { .. }))
    }
}

impl Asker<'_> {
    /// The objects of a payment of which these ids are known, and those that they lead to. Blocks.
    pub fn ask(
        &self,
        provider: Provider,
        references: &[Reference],
    ) -> Result<Vec<Retrieved>, AskError> {
        let mut questions = VecDeque::from(retrieval::questions(provider, references));
        if questions.is_empty() {
            return Err(AskError::NothingToAsk);
        }
        let mut asked = BTreeSet::new();
        let mut found = Vec::new();
        let mut not_found = None;
        while let Some(question) = questions.pop_front() {
            if asked.len() >= MOST_QUESTIONS || !asked.insert(question.clone()) {
                continue;
            }
            match self.answer(provider, &question) {
                Ok(answer) => {
                    if let Some(error) = answer.not_understood.into_iter().next() {
                        return Err(error.into());
                    }
                    found.extend(answer.objects);
                    questions.extend(answer.more);
                }
                Err(error) if error.is_not_found() => not_found = not_found.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        match not_found {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// What stands at the first path at which there is something.
    fn answer(&self, provider: Provider, question: &Question) -> Result<RetrievedPage, AskError> {
        let mut not_found = AskError::NothingToAsk;
        for path in &question.paths {
            match self.apis.look(provider, path) {
                Ok(looked) => {
                    let Self { livemode, rules, .. } = *self;
                    let asking = Asking { provider, at: looked.at, livemode, rules };
                    return Ok(retrieval::read(path, &looked.body, asking)?);
                }
                Err(error @ ApiError::NotFound { .. }) => not_found = error.into(),
                Err(error) => return Err(error.into()),
            }
        }
        Err(not_found)
    }
}

/// What a pass came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Payments and events that were asked about.
    pub asked: u64,
    /// Objects that said something new.
    pub news: u64,
    /// Those of which the provider knows nothing.
    pub not_found: u64,
    /// Those of which the answer could not be used.
    pub failed: u64,
}

/// Asks about everything that is due for these reasons, and keeps what comes of it. It ends early if
/// the provider can't be asked; what is left is due again. Blocks.
pub fn pass(
    db: &Path,
    database: &mut Database,
    asker: &Asker<'_>,
    (provider, reasons): (Provider, &[Reason]),
    observe: &mut dyn FnMut(&Kept),
) -> Result<(Tally, Option<ApiError>), StoreError> {
    let reader = Reader::open(db)?;
    let mut tally = Tally::default();
    let now = asker.clock.now();
    let whose = ((provider, asker.livemode), reasons);
    for due in reader.due::<DueAsk>(whose, now, AT_ONCE)?.0 {
        if due.reason == Reason::Doubtful {
            tally.asked += 1;
            match doubtful::decide(&reader, database, asker, &due)? {
                None => continue,
                Some(error) => return Ok((tally, Some(error))),
            }
        }
        let references = references(&reader, &due)?;
        let asked = asker.ask(provider, &references);
        let (found, error) = match asked {
            Ok(found) => (found, None),
            Err(AskError::Api(error)) if AskError::Api(error.clone()).is_of_the_api() => {
                return Ok((tally, Some(error)));
            }
            Err(error) => (Vec::new(), Some(error)),
        };
        tally.asked += 1;
        match &error {
            Some(error) if error.is_not_found() => tally.not_found += 1,
            Some(_) => tally.failed += 1,
            None => {}
        }
        for kept in settle(&reader, database, asker, &due, found, error.as_ref())? {
            tally.news += u64::from(kept.news.is_some());
            observe(&kept);
        }
    }
    Ok((tally, None))
}

/// Keeps what was found, and that it was asked, in one commit.
fn settle(
    reader: &Reader,
    database: &mut Database,
    asker: &Asker<'_>,
    due: &DueAsk,
    found: Vec<Retrieved>,
    error: Option<&AskError>,
) -> Result<Vec<Kept>, StoreError> {
    let now = asker.clock.now();
    let next_at = match error {
        Some(AskError::NothingToAsk) => None,
        _ => lookup_schedule::next(due.reason, due.status, due.since, now),
    };
    let result = match error {
        Some(error) => error.to_string(),
        None => format!("{} objects", found.len()),
    };
    let asked = Asked { due: due.clone(), next_at, result };
    if let Some(error) = error.filter(|error| !matches!(error, AskError::NothingToAsk)) {
        Line::warn("object lookup failed")
            .with("provider", due.provider)
            .with("reason", due.reason)
            .with_some("payment", due.payment)
            .with("err", error)
            .emit();
    }
    // Of a dispute that is not found it does not follow that its payment is not there.
    let payment = due.payment.filter(|_| due.reason != Reason::Untold);
    let transaction = payment.map(|id| reader.get::<Transaction>(id)).transpose()?.flatten();
    let finding = transaction.and_then(|transaction| existence(&transaction, error));
    let job = SettleLookup { asked, found, rules: asker.rules.clone(), finding };
    database.run(&job, now)
}

/// A transaction of which the provider knows nothing is for a person.
fn existence(transaction: &Transaction, error: Option<&AskError>) -> Option<Finding> {
    let subject = transaction.id.to_string();
    match error {
        None => Some(Finding::Good(IssueKind::Discrepancy, subject, None)),
        Some(_) if may_be_forgotten(transaction.provider, transaction.state.status) => None,
        Some(error) if error.is_not_found() => {
            let data = IssueData::Discrepancy {
                transaction_id: transaction.id,
                provider: transaction.provider,
                reference: transaction.reference.clone(),
            };
            let (severity, trigger) = (Severity::Warning, Trigger::Lasts);
            Some(Finding::Bad(NewIssue { data, severity, trigger }))
        }
        Some(_) => None,
    }
}

/// The ids that are known of what is to be asked about.
fn references(reader: &Reader, due: &DueAsk) -> Result<Vec<Reference>, StoreError> {
    let Some(payment) = due.payment else {
        let payload = reader.get::<WebhookLog>(due.id)?.and_then(|event| event.payload);
        let named = payload.as_deref().and_then(retrieval::named_by_thin_event);
        return Ok(named.into_iter().collect());
    };
    let mut references = of_payment(reader, payment)?;
    if due.reason == Reason::Untold {
        references.retain(|reference| reference.kind == ReferenceKind::Dispute);
    }
    Ok(references)
}

/// The ids that are known of a transaction or an orphan, that which the shop registered first.
pub fn of_payment(reader: &Reader, payment: i64) -> Result<Vec<Reference>, StoreError> {
    let mut references = Vec::new();
    if let Some(transaction) = reader.get::<Transaction>(payment)? {
        let Transaction { provider, reference, .. } = transaction;
        let kind = reference_kind(provider, &reference);
        references.push(Reference::new(kind, reference));
    }
    for reference in reader.of::<Reference>(payment)? {
        // By its events it may be known what a registered id names.
        if let Some(same) = references.iter_mut().find(|known| known.value == reference.value) {
            same.kind = reference.kind;
        } else {
            references.push(reference);
        }
    }
    Ok(references)
}

/// Objects that lead to others end somewhere.
const MOST_QUESTIONS: usize = 12;
/// Of each reason in one pass: some minutes at a call a second.
const AT_ONCE: u32 = 100;
