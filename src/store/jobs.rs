//! What the store is asked to do. Each job is done in one transaction: all of it is committed, with an fsync,
//! or nothing.
//!
//! The daemon gives a job to [`Store::run`](super::Store::run), a command to
//! [`Database::run`](super::Database::run); `now` is the instant that both give along.

use super::engine::{Batch, Job};
use super::error::StoreError;
use super::write::{read_again, redaction, replay};
use crate::domain::issue::Finding;
use crate::domain::provider::Provider;
use crate::domain::records::{
    Asked, Attempt, Cause, Closed, Decision, Dismissed, Forgotten, Found, Ingested, Kept, Many,
    NewSubscription, NewTransaction, ReadAgain, Registered, RejectedRequest, Replayable, Reread,
    Retried, Sent, Settled, StoredCertificate, Subscribed, Subscription, Transaction, Verdict,
    Webhook, WebhookLog,
};
use crate::domain::time::Timestamp;
use crate::providers::redact::Extent;
use crate::providers::retrieval::Retrieved;
use crate::providers::rules::Rules;

/// Jobs by name, with what each needs to know and what comes of it.
macro_rules! jobs {
    ($(
        $(#[$about:meta])*
        $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* } -> $done:ty
            => |$job:ident, $batch:ident, $now:ident| $work:expr;
    )+) => {$(
        $(#[$about])*
        #[derive(Debug)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl Job for $name {
            type Done = $done;

            fn execute(&self, $batch: &Batch<'_>, $now: Timestamp) -> Result<$done, StoreError> {
                let $job = self;
                $work
            }
        }
    )+};
}

jobs! {
    /// Registers a transaction; the same again changes nothing.
    Register {
        /// What the shop expects.
        new: NewTransaction,
    } -> Registered => |job, batch, now| batch.register(&job.new, now);

    /// Registers many, in their order.
    RegisterAll {
        /// What the shop expects.
        new: Vec<NewTransaction>,
        /// Nothing is kept if one of them conflicts.
        whole: bool,
    } -> Vec<Registered> => |job, batch, now| batch.register_all(&job.new, job.whole, now);

    /// Registers a subscription; the same again changes nothing.
    Subscribe {
        /// What the shop says of it.
        new: NewSubscription,
    } -> Subscribed => |job, batch, now| batch.subscribe(&job.new, now);

    /// No more is to be paid of a subscription, or is after all. `None`: there is no such subscription.
    EndSubscription {
        /// The subscription.
        id: i64,
        /// Whether it has ended.
        ended: bool,
    } -> Option<Subscription> => |job, batch, now| batch.end_subscription(job.id, job.ended, now);

    /// The shop expects no money any more.
    CloseTransaction {
        /// The transaction.
        id: i64,
        /// It is known that it holds money.
        even_if_paid: bool,
    } -> Closed => |job, batch, now| batch.close(job.id, job.even_if_paid, now);

    /// The shop expects money after all. `None`: there is no such transaction.
    ReopenTransaction {
        /// The transaction.
        id: i64,
    } -> Option<Transaction> => |job, batch, now| batch.reopen(job.id, now);

    /// A person says what an orphan is.
    ResolveOrphan {
        /// The orphan.
        id: i64,
        /// What the person says.
        decision: Decision,
    } -> Settled => |job, batch, now| match &job.decision {
        Decision::Attach { transaction_id, note } => {
            batch.attach(job.id, *transaction_id, note.as_deref(), now)
        }
        Decision::Dismiss(why) => batch.dismiss(job.id, why, now),
        Decision::MarkForeign { note } => batch.mark_foreign(job.id, note.as_deref(), now),
    };

    /// Raises an issue for each orphan for which the shop had its time.
    RaiseDueOrphans {} -> () => |_job, batch, now| batch.raise_due_orphans(now);

    /// Keeps and applies events that came by another way than a webhook.
    IngestAll {
        /// The events.
        webhooks: Vec<Webhook>,
    } -> Vec<Ingested> => |job, batch, _now| job.webhooks.iter().map(|one| batch.ingest(one)).collect();

    /// Reads stored events again and applies what they say now in place of what they said. Those that are not
    /// there are left out.
    Replay {
        /// Row ids of the events.
        ids: Vec<i64>,
        /// How events are read.
        rules: Rules,
    } -> Vec<Reread> => |job, batch, now| replay::read_all(batch, &job.ids, &job.rules, now);

    /// What replaying an event would come to, and its transaction before and after; nothing is changed. `None`:
    /// there is no such event.
    PreviewReplay {
        /// Row id of the event.
        id: i64,
        /// How events are read.
        rules: Rules,
    } -> Option<Replayable> => |job, batch, now| replay::preview(batch, job.id, &job.rules, now);

    /// Replays the next events that an earlier version read by other rules. `None`: none is left.
    ReplayOutdated {
        /// How many at most.
        at_once: usize,
        /// How events are read.
        rules: Rules,
    } -> Option<ReadAgain> => |job, batch, now| read_again::step(batch, job.at_once, &job.rules, now);

    /// What [`ReplayOutdated`] would come to; nothing is changed, nor read if there are more than `most` events.
    PreviewOutdated {
        /// How many events at most.
        most: usize,
        /// How events are read.
        rules: Rules,
    } -> Option<ReadAgain> => |job, batch, now| read_again::preview(batch, job.most, &job.rules, now);

    /// Takes what is personal out of stored events, and from the file. Those that are not there are left out.
    ForgetEvents {
        /// Row ids of the events.
        ids: Vec<i64>,
        /// With what the shop itself wrote, which these rules find; else only what is the buyer's.
        of_shop: Option<Rules>,
    } -> Vec<Forgotten> => |job, batch, now| {
        batch.overwrite_what_is_removed()?;
        let extent = job.of_shop.as_ref().map_or(Extent::Buyer, Extent::AndShop);
        let each = job.ids.iter().map(|id| redaction::forget_event(batch, *id, extent, now));
        Ok(each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    };

    /// Takes every value out of the metadata that the shop registered a transaction with: their paths.
    ForgetMetadata {
        /// The transaction.
        transaction_id: i64,
    } -> Vec<String> => |job, batch, _now| {
        batch.overwrite_what_is_removed()?;
        redaction::forget_metadata(batch, job.transaction_id)
    };

    /// Keeps what became of attempts to notify the shop's app.
    RecordAttempts {
        /// The attempts, in their order.
        attempts: Vec<Attempt>,
    } -> () => |job, batch, _now| job.attempts.iter().try_for_each(|one| batch.record_attempt(one));

    /// Has a delivery made again.
    RetryDelivery {
        /// The delivery.
        id: i64,
    } -> Retried => |job, batch, now| batch.retry_delivery(job.id, now);

    /// Has the next of many deliveries made again: their row ids, ascending; empty when none is left.
    RetryDeliveries {
        /// Which.
        which: Many,
        /// Those with greater row ids.
        after: i64,
        /// How many at most.
        at_once: u32,
    } -> Vec<i64> => |job, batch, now| {
        batch.retry_deliveries(job.which, job.after, job.at_once, now)
    };

    /// Notes whom the daemon notifies and alerts from now on. Whether that the app is notified has changed.
    SetTargets {
        /// Whether the shop's app is notified of changes.
        notifies: bool,
        /// The names of whoever is told of issues.
        alerts: Vec<String>,
        /// Whether they get a report each day.
        daily_report: bool,
    } -> bool => |job, batch, now| {
        batch.set_alert_targets(&job.alerts, now)?;
        batch.set_daily_reports(job.daily_report, now)?;
        batch.set_notifies(job.notifies, now)
    };

    /// Raises and closes issues.
    NoteFindings {
        /// What was found, in its order.
        findings: Vec<Finding>,
    } -> () => |job, batch, now| batch.note_findings(&job.findings, now);

    /// A person says that they know of an issue.
    DismissIssue {
        /// The issue.
        id: i64,
    } -> Dismissed => |job, batch, now| batch.dismiss_issue(job.id, now);

    /// Keeps what became of alerts, by their row ids.
    RecordAlerts {
        /// Row id of each and what became of it.
        outcomes: Vec<(i64, Sent)>,
    } -> () => |job, batch, now| batch.record_alerts(&job.outcomes, now);

    /// Owes a target the report of a day, once.
    OweReport {
        /// The target's name.
        target: String,
        /// The day, as `2026-11-23`.
        day: String,
    } -> () => |job, batch, now| batch.owe_report(&job.target, &job.day, now);

    /// Keeps what became of an attempt to send a report.
    RecordReport {
        /// Row id of the report.
        id: i64,
        /// Where it stands then.
        next: crate::domain::delivery::Next,
        /// Why it was not taken.
        failure: Option<String>,
    } -> () => |job, batch, now| batch.record_report(job.id, job.next, job.failure.as_deref(), now);

    /// Begins a run of reconciliation: its number.
    BeginRun {
        /// Whose events are fetched.
        provider: Provider,
        /// Why.
        cause: Cause,
        /// From when on, UTC.
        since: Timestamp,
    } -> i64 => |job, batch, now| batch.begin_run(job.provider, job.cause, job.since, now);

    /// Notes what a run has found until now.
    NoteRun {
        /// Its number.
        number: i64,
        /// What was found.
        found: Found,
        /// Until when nothing of this provider is missing any more, UTC.
        covered: Option<(Provider, Timestamp)>,
    } -> () => |job, batch, _now| {
        batch.note_found(job.number, &job.found)?;
        job.covered.map_or(Ok(()), |(provider, until)| batch.cover(provider, until))
    };

    /// Ends a run.
    EndRun {
        /// Its number.
        number: i64,
        /// Whose events it fetched.
        provider: Provider,
        /// What was found.
        found: Found,
        /// Why it failed.
        error: Option<String>,
        /// The issue that it opens or closes, and after how many failures one after another.
        finding: (Finding, i64),
    } -> () => |job, batch, now| {
        batch.note_found(job.number, &job.found)?;
        batch.end_run(job.number, job.error.as_deref(), now)?;
        let (finding, failures) = &job.finding;
        let is_due = *failures == 0 || batch.failed_runs(job.provider)? >= *failures;
        if is_due { batch.note_findings(std::slice::from_ref(finding), now) } else { Ok(()) }
    };

    /// Keeps objects that the provider was asked for, and applies what they say that is news.
    KeepObjects {
        /// The objects.
        found: Vec<Retrieved>,
        /// How events are read.
        rules: Rules,
    } -> Vec<Kept> => |job, batch, now| batch.keep_objects(&job.found, &job.rules, now);

    /// The same for a lookup that was due, and when it is due again.
    SettleLookup {
        /// What was asked, and what came of it.
        asked: Asked,
        /// The objects.
        found: Vec<Retrieved>,
        /// How events are read.
        rules: Rules,
        /// Whether the provider knows the payment.
        finding: Option<Finding>,
    } -> Vec<Kept> => |job, batch, now| {
        let kept = batch.keep_objects(&job.found, &job.rules, now)?;
        batch.settle_lookup(&job.asked, kept.first(), now)?;
        batch.note_findings(job.finding.as_slice(), now)?;
        Ok(kept)
    };

    /// What PayPal's API says of an event for which two bodies came decides. `None`: it said nothing, and is asked
    /// again, or not any more.
    SettleDoubtful {
        /// The stored event.
        log: Box<WebhookLog>,
        /// The event as the API has it.
        told: Option<Box<Webhook>>,
        /// The API does not know it.
        is_unknown: bool,
        /// When it is asked again, UTC.
        ask_at: Option<Timestamp>,
    } -> Option<Verdict> => |job, batch, now| match &job.told {
        Some(told) => batch.settle_doubtful(&job.log, told, now),
        None => {
            if job.is_unknown {
                batch.doubtful_is_unknown(&job.log, now)?;
            }
            batch.doubtful_asked(job.log.id, job.ask_at).map(|()| None)
        }
    };

    /// Another body that comes with this transmission of PayPal's is refused from now on.
    RememberRefused {
        /// The transmission.
        transmission_id: Box<str>,
        /// SHA-256 of the body that was refused.
        payload_sha256: [u8; 32],
    } -> () => |job, batch, now| {
        batch.remember_refused(&job.transmission_id, job.payload_sha256, now)
    };

    /// Keeps a refused request among the latest.
    KeepRejected {
        /// The request.
        request: RejectedRequest,
    } -> () => |job, batch, _now| batch.reject(&job.request);

    /// Keeps a certificate, in place of an older one of the same URL.
    KeepCertificate {
        /// The certificate.
        certificate: StoredCertificate,
    } -> () => |job, batch, _now| batch.save_certificate(&job.certificate);
}
