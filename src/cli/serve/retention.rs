//! Old data, which the daemon removes in steps so small that nobody waits for them.

use std::time::{Duration, Instant};

use super::parts::Parts;
use crate::domain::records::Pruned;
use crate::domain::retention::Cutoff;
use crate::store::{Round, Store, StoreError};
use crate::telemetry::line::Line;

/// A round of pruning at the start and every hour.
pub(super) async fn keep_tidy(Parts { config, store, .. }: Parts) {
    loop {
        match round(&store, &config.keep.cutoff(config.clock.now())).await {
            Ok(pruned) if pruned.is_nothing() => {}
            Ok(Pruned { events, bytes, unsettled, rejected, issues }) => Line::info("pruned")
                .with("events", events)
                .with("bytes", bytes)
                .with("unsettled", unsettled)
                .with("rejected", rejected)
                .with("issues", issues)
                .emit(),
            Err(error) => Line::warn("not pruned").with("err", &error).emit(),
        }
        tokio::time::sleep(BETWEEN_ROUNDS).await;
    }
}

async fn round(store: &Store, cutoff: &Cutoff) -> Result<Pruned, StoreError> {
    let (mut all, mut round) = (Pruned::default(), Round::default());
    while round != Round::Done {
        let began = Instant::now();
        let (pruned, next) = store.prune(*cutoff, round).await?;
        all = all.and(pruned);
        round = next;
        // A twentieth of the writer's time at most, however slow the disk is.
        tokio::time::sleep((began.elapsed() * 20).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
    Ok(all)
}

const BETWEEN_ROUNDS: Duration = Duration::from_secs(3_600);
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
