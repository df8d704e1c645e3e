//! What the daemon looks at beside its work: commits of other processes, orphans that nobody
//! registered, threads that must not end, and what there is to say of refusals.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::ServeError;
use crate::clock::Clock;
use crate::domain::event::Provider;
use crate::domain::refusal::Refusal;
use crate::http::refusals::Refusals;
use crate::logfmt::Line;
use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::store::{Bell, Orphan, Reader, Store, Writer};

/// Rings for the commits of other processes, the command line's. (Ours ring by themselves, sooner;
/// that they are seen here again costs those who listen one look.)
pub(super) async fn ring_for_others(reader: Reader, bell: Bell) {
    let mut looks = tokio::time::interval(Duration::from_millis(500));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        looks.tick().await;
        match reader.data_version() {
            Ok(version) if seen == Some(version) => {}
            Ok(version) => {
                seen = Some(version);
                bell.ring();
            }
            Err(error) => Line::debug("data version not read").with("err", &error).emit(),
        }
    }
}

/// When the last event came is known also after a start.
pub(super) fn count_from_before(reader: &Reader, metrics: &Metrics) {
    match reader.last_events() {
        Ok(last) => {
            for (provider, livemode, at) in last {
                metrics.received(provider, livemode, at);
            }
        }
        Err(error) => Line::debug("last events not read").with("err", &error).emit(),
    }
}

/// Tells of each orphan for which the shop had its time to register a transaction.
pub(super) async fn tell_of_orphans(reader: Reader, store: Store, clock: Clock) {
    let mut looks = tokio::time::interval(Duration::from_secs(1));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let now = clock.now();
        // Asked of a reader first: the writer is for those who have something to write.
        let taken = match reader.has_due_orphans(now) {
            Ok(false) => continue,
            Ok(true) => store.run(move |batch| batch.take_due_orphans(now)).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(due) => due.iter().for_each(tell_of_orphan),
            // It is tried again in a second; whatever ails the database is told elsewhere.
            Err(error) => Line::debug("orphans not looked at").with("err", &error).emit(),
        }
    }
}

fn tell_of_orphan(orphan: &Orphan) {
    Line::warn("orphan")
        .with("orphan_id", orphan.id)
        .with("kind", orphan.kind)
        .with("provider", orphan.provider)
        .with("reference", &orphan.reference)
        .with_some("order_id", orphan.order_id.as_deref())
        .with_some("status", orphan.status)
        .with_some("amount", orphan.amount)
        .with_some("currency", orphan.currency.as_deref())
        .with_some("transaction_id", orphan.transaction_id)
        .with("first_seen_at", orphan.first_seen_at)
        .with("meaning", orphan.kind.meaning())
        .emit();
}

/// Says what the throttle of refusals left out; returns if a thread ends.
pub(super) async fn watch_over(
    writer: &Writer,
    notifier: Option<&Notifier>,
    refusals: &Refusals,
) -> ServeError {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    let mut seconds: u64 = 0;
    loop {
        every_second.tick().await;
        if writer.has_ended() {
            return ServeError::WriterEnded;
        }
        if notifier.is_some_and(Notifier::has_ended) {
            return ServeError::NotifierEnded;
        }
        seconds += 1;
        if seconds.is_multiple_of(10) {
            tell_left_out(refusals);
        }
    }
}

/// One line for each reason, with how often it was the reason since the start.
pub(super) fn tell_counts(refusals: &Refusals) {
    for provider in Provider::ALL {
        for refusal in Refusal::ALL {
            let count = refusals.counted(*provider, *refusal);
            if count > 0 {
                Line::info("refused in all")
                    .with("provider", provider)
                    .with("outcome", refusal)
                    .with("count", count)
                    .emit();
            }
        }
    }
}

pub(super) fn tell_left_out(refusals: &Refusals) {
    let left_out = refusals.take_left_out();
    if left_out > 0 {
        Line::warn("refused").with("left_out", left_out).emit();
    }
}
