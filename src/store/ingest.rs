//! An event arrives: found or new, matched or orphan, applied once, in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};

use super::certificates::{self, StoredCertificate};
use super::references::{self, Realm};
use super::rejected_requests::{self, RejectedRequest};
use super::transactions::{self, Transaction};
use super::{StoreError, daemon, facts, orphans, schema, webhook_logs};
use crate::domain::event::{Content, Event, Provider, Reference};
use crate::domain::fact::Fact;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::transaction::Status;

words! {
    /// What became of an event: the `status` column of `webhook_logs`.
    Outcome {
        /// Applied to a transaction.
        Processed = "processed",
        /// Kept; not a type that is acted on.
        Ignored = "ignored",
        /// Kept and remembered; no transaction is registered for its payment.
        Orphan = "orphan",
        /// Kept; it could not be understood.
        Failed = "failed",
    }
}

/// One genuine request, read and ready to be kept.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// What it says.
    pub event: Event,
    /// Its body, byte for byte.
    pub payload: String,
    /// SHA-256 of `payload`.
    pub payload_sha256: [u8; 32],
    /// JSON object of its headers, without signatures.
    pub headers: String,
    /// By what it was proved: a label.
    pub proof: String,
    /// PayPal's id of this delivery.
    pub transmission_id: Option<Box<str>>,
    /// When it came, UTC.
    pub received_at: Timestamp,
    /// The same on the clock that measures durations.
    pub arrived: Instant,
}

/// What was done with a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// A new event.
    New {
        /// What became of it.
        outcome: Outcome,
        /// The transaction it was applied to.
        transaction_id: Option<i64>,
        /// The status of the transaction or orphan afterwards.
        status: Option<Status>,
    },
    /// An event that is known; only its deliveries were counted.
    Duplicate {
        /// The transaction that it was applied to when it was new.
        transaction_id: Option<i64>,
    },
    /// Known under its id with another body: nothing was changed.
    Refused(Refusal),
}

/// A connection that writes. One thing after another; the daemon's is owned by the thread of
/// [`Store`](super::Store), a command line's by the command.
#[derive(Debug)]
pub struct Database {
    pub(super) connection: Connection,
}

impl Database {
    /// Opens the database at `path`; creates it if it does not exist. One with migrations pending
    /// or from a newer payhookd is refused and left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open_writer(path)? })
    }

    /// Runs `work` in one transaction: all of it is committed, with an fsync, or nothing.
    pub fn batch<T>(
        &mut self,
        work: impl FnOnce(&Batch<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // A panic in here is a fault of ours; the transaction is rolled back when it is dropped.
        let done = catch_unwind(AssertUnwindSafe(|| work(&Batch { connection: &transaction })))
            .map_err(|_| StoreError::Fault)??;
        transaction.commit()?;
        Ok(done)
    }

    /// Every certificate that is kept.
    pub fn certificates(&self) -> Result<Vec<StoredCertificate>, StoreError> {
        certificates::all(&self.connection)
    }

    /// Copies the log into the file and empties it: the last thing before a stop.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// What can be done within one transaction.
#[derive(Debug)]
pub struct Batch<'c> {
    pub(super) connection: &'c Connection,
}

impl Batch<'_> {
    /// Notes that the daemon starts, and which money it is about.
    pub fn started(&self, livemode: bool, now: Timestamp) -> Result<(), StoreError> {
        Ok(daemon::started(self.connection, livemode, now)?)
    }

    /// Keeps an event and applies what it says.
    pub fn ingest(&self, webhook: &Webhook) -> Result<Ingested, StoreError> {
        if let Some(refusal) = self.known_transmission_of_another_body(webhook)? {
            return Ok(Ingested::Refused(refusal));
        }
        let event = &webhook.event;
        let ingested = match &event.content {
            Content::Payment { references, facts } => {
                let realm = Realm { provider: event.provider, livemode: event.livemode };
                self.ingest_payment(webhook, realm, references, facts)?
            }
            Content::Ignored(_) => {
                self.keep(webhook, Outcome::Ignored, None)?.map(|_| Applied::default())
            }
            Content::Failed(_) => {
                self.keep(webhook, Outcome::Failed, None)?.map(|_| Applied::default())
            }
        };
        let Some(Applied { transaction_id, status }) = ingested else {
            return self.ingest_again(webhook);
        };
        let outcome = match (&event.content, transaction_id) {
            (Content::Ignored(_), _) => Outcome::Ignored,
            (Content::Failed(_), _) => Outcome::Failed,
            (Content::Payment { .. }, Some(_)) => Outcome::Processed,
            (Content::Payment { .. }, None) => Outcome::Orphan,
        };
        Ok(Ingested::New { outcome, transaction_id, status })
    }

    /// Keeps a refused request among the latest.
    pub fn reject(&self, request: &RejectedRequest) -> Result<(), StoreError> {
        Ok(rejected_requests::insert(self.connection, request)?)
    }

    /// Keeps a certificate, in place of an older one of the same URL.
    pub fn save_certificate(&self, certificate: &StoredCertificate) -> Result<(), StoreError> {
        Ok(certificates::save(self.connection, certificate)?)
    }

    /// Writes without changing anything, to see whether that is possible.
    pub(super) fn touch(&self) -> Result<(), StoreError> {
        // Setting it, even to the value it has, writes the first page.
        let version: i64 =
            self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        Ok(self.connection.pragma_update(None, "user_version", version)?)
    }

    /// `None` if the event is known.
    fn ingest_payment(
        &self,
        webhook: &Webhook,
        realm: Realm,
        references: &[Reference],
        facts: &[Fact],
    ) -> Result<Option<Applied>, StoreError> {
        let holders = self.holders(realm, references)?;
        let transaction_id = holders.transaction.as_ref().map(|transaction| transaction.id);
        let outcome = if transaction_id.is_some() { Outcome::Processed } else { Outcome::Orphan };
        let Some(log_id) = self.keep(webhook, outcome, transaction_id)? else { return Ok(None) };

        let payment = match transaction_id.or_else(|| holders.orphans.first().copied()) {
            Some(payment) => payment,
            None => transactions::next_id(self.connection)?,
        };
        for orphan in holders.orphans.iter().filter(|orphan| **orphan != payment) {
            self.absorb(realm, *orphan, payment, transaction_id.is_some(), webhook.received_at)?;
        }
        for (reference, known) in references.iter().zip(&holders.known) {
            // An order id that an event carries does not become the order id of a transaction
            // whose shop registered another or none.
            let kept = transaction_id.is_none() || reference.kind.identifies_payment();
            if !*known && kept {
                references::learn(self.connection, realm, reference, payment)?;
            }
        }
        facts::insert(self.connection, payment, log_id, facts, references)?;
        let status = match &holders.transaction {
            Some(transaction) => {
                let now = webhook.received_at;
                transactions::refold(self.connection, transaction, Some(log_id), now)?.status
            }
            None => orphans::refresh(self.connection, payment, realm, webhook)?,
        };
        Ok(Some(Applied { transaction_id, status: Some(status) }))
    }

    /// Finds what the references mean: ids that identify a payment first, then, only if exactly
    /// one transaction has it, the shop's order id or a subscription.
    fn holders(&self, realm: Realm, references: &[Reference]) -> Result<Holders, StoreError> {
        let mut holders = Holders::default();
        let mut sharing = Vec::new();
        for reference in references {
            let found = references::find(self.connection, realm, reference)?;
            if reference.kind.identifies_payment() {
                holders.known.push(!found.is_empty());
                for payment in found {
                    // Should the event's ids lead to two transactions, its own object counts.
                    let is_found =
                        holders.transaction.as_ref().is_some_and(|one| one.id == payment);
                    if is_found || holders.orphans.contains(&payment) {
                        continue;
                    }
                    match transactions::get(self.connection, payment)? {
                        None => holders.orphans.push(payment),
                        Some(transaction) if holders.transaction.is_none() => {
                            holders.transaction = Some(transaction);
                        }
                        Some(_) => {}
                    }
                }
            } else {
                holders.known.push(false);
                sharing.push(found);
            }
        }
        for found in sharing {
            if holders.transaction.is_some() {
                break;
            }
            holders.transaction = self.only_transaction(&found)?;
        }
        holders.orphans.sort_unstable();
        Ok(holders)
    }

    fn only_transaction(&self, payments: &[i64]) -> Result<Option<Transaction>, StoreError> {
        let mut only = None;
        for payment in payments {
            let Some(transaction) = transactions::get(self.connection, *payment)? else { continue };
            if only.replace(transaction).is_some() {
                return Ok(None);
            }
        }
        Ok(only)
    }

    /// Moves all that an orphan has to the payment that it turned out to be part of.
    pub(super) fn absorb(
        &self,
        realm: Realm,
        orphan: i64,
        payment: i64,
        is_transaction: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let stored = facts::of(self.connection, orphan)?;
        let mut logs: Vec<i64> = stored.iter().map(|fact| fact.log_id).collect();
        logs.dedup();
        for log_id in logs {
            self.transfer(realm, log_id, &stored, (orphan, payment), is_transaction)?;
        }
        if is_transaction {
            orphans::matched(self.connection, orphan, payment, now)?;
        } else {
            orphans::merged(self.connection, orphan, payment)?;
        }
        Ok(())
    }

    /// Moves one event, with its facts and ids, from one payment to another.
    pub(super) fn transfer(
        &self,
        realm: Realm,
        log_id: i64,
        stored: &[facts::StoredFact],
        (from, to): (i64, i64),
        is_transaction: bool,
    ) -> Result<(), StoreError> {
        facts::transfer(self.connection, log_id, from, to)?;
        let of_event = stored.iter().filter(|fact| fact.log_id == log_id);
        for stored in of_event {
            for reference in stored.references()? {
                references::forget(self.connection, realm, &reference, from)?;
                if !is_transaction || reference.kind.identifies_payment() {
                    references::learn(self.connection, realm, &reference, to)?;
                }
            }
        }
        webhook_logs::assign(self.connection, log_id, is_transaction.then_some(to))?;
        Ok(())
    }

    pub(super) fn refold(
        &self,
        id: i64,
        cause: Option<i64>,
        now: Timestamp,
    ) -> Result<Status, StoreError> {
        let missing = || StoreError::Corrupt { what: "transaction id", value: id.to_string() };
        let transaction = transactions::get(self.connection, id)?.ok_or_else(missing)?;
        Ok(transactions::refold(self.connection, &transaction, cause, now)?.status)
    }

    /// `None` if the event is known.
    fn keep(
        &self,
        webhook: &Webhook,
        outcome: Outcome,
        transaction_id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let log_id = webhook_logs::insert(self.connection, webhook, outcome, transaction_id)?;
        if let (Some(log_id), Some(transmission)) = (log_id, &webhook.transmission_id) {
            webhook_logs::remember_transmission(self.connection, transmission, log_id)?;
        }
        Ok(log_id)
    }

    /// PayPal signs no more of a body than its CRC-32: a transmission that is known must have the
    /// body it had. (Stripe signs all of it and renders one event in several versions.)
    fn known_transmission_of_another_body(
        &self,
        webhook: &Webhook,
    ) -> Result<Option<Refusal>, StoreError> {
        let Some(transmission) = &webhook.transmission_id else { return Ok(None) };
        let known = webhook_logs::transmission(self.connection, transmission)?;
        let differs = known.is_some_and(|sha256| sha256 != webhook.payload_sha256);
        Ok(differs.then_some(Refusal::ReplayedTransmissionId))
    }

    fn ingest_again(&self, webhook: &Webhook) -> Result<Ingested, StoreError> {
        let event = &webhook.event;
        let known = webhook_logs::known(self.connection, event.provider, &event.id)?;
        let known = known.ok_or_else(|| StoreError::Corrupt {
            what: "event id",
            value: event.id.clone().into_string(),
        })?;
        if event.provider == Provider::Paypal && known.payload_sha256 != webhook.payload_sha256 {
            return Ok(Ingested::Refused(Refusal::ReusedEventId));
        }
        webhook_logs::count_delivery(self.connection, known.id, webhook.received_at)?;
        if let Some(transmission) = &webhook.transmission_id {
            webhook_logs::remember_transmission(self.connection, transmission, known.id)?;
        }
        Ok(Ingested::Duplicate { transaction_id: known.transaction_id })
    }
}

/// Where the facts of an event went.
#[derive(Default)]
struct Applied {
    /// `None`: to an orphan, or there were none.
    transaction_id: Option<i64>,
    /// The status that the payment has now.
    status: Option<Status>,
}

/// What an event's references are known to mean.
#[derive(Default)]
struct Holders {
    transaction: Option<Transaction>,
    /// Payments without a transaction, oldest first, each once.
    orphans: Vec<i64>,
    /// For each reference, whether it already stands for a payment that it identifies.
    known: Vec<bool>,
}
