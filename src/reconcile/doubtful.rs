//! What PayPal itself says of an event for which two bodies came.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::objects::{AskError, Asker};
use crate::clients::api::ApiError;
use crate::domain::event::Source;
use crate::domain::lookup_schedule;
use crate::domain::provider::Provider;
use crate::domain::records::{DueAsk, Verdict, Webhook, WebhookLog};
use crate::providers;
use crate::providers::paypal::api;
use crate::providers::retrieval::NotUnderstood;
use crate::store::{Database, Reader, SettleDoubtful, StoreError};
use crate::telemetry::line::Line;

/// Asks PayPal for the event that is due and lets its answer decide. `Some`: the API can't be asked now,
/// and the event is due again. Blocks.
pub(super) fn decide(
    reader: &Reader,
    database: &mut Database,
    asker: &Asker<'_>,
    due: &DueAsk,
) -> Result<Option<ApiError>, StoreError> {
    let Some(log) = reader.get::<WebhookLog>(due.id)? else { return Ok(None) };
    let told = match ask(asker, &log) {
        Err(AskError::Api(error)) if AskError::Api(error.clone()).is_of_the_api() => {
            return Ok(Some(error));
        }
        told => told,
    };
    let now = asker.clock.now();
    let next = lookup_schedule::next(due.reason, None, due.since, now);
    let verdict = database.run(
        &SettleDoubtful {
            log: Box::new(log.clone()),
            told: told.as_ref().ok().cloned().map(Box::new),
            is_unknown: told.as_ref().is_err_and(AskError::is_not_found),
            ask_at: next,
        },
        now,
    )?;
    let line = match (&told, verdict) {
        (Err(error), _) => Line::warn("lookup of a doubtful event failed").with("err", error),
        (_, Some(Verdict::Replaced)) => {
            Line::error("a doubtful event was forged: what PayPal says was put in its place")
        }
        _ => Line::info("a doubtful event was confirmed by PayPal"),
    };
    line.with("event_id", &log.event_id).with_some("transaction_id", log.transaction_id).emit();
    Ok(None)
}

/// The event as PayPal's API has it.
fn ask(asker: &Asker<'_>, log: &WebhookLog) -> Result<Webhook, AskError> {
    let path = api::event_path(&log.event_id).ok_or(AskError::NothingToAsk)?;
    let answer = asker.apis.paypal()?.get(&path, &[])?;
    let not_understood = |what: String| NotUnderstood(what);
    let verified = api::event(&answer).map_err(|error| not_understood(error.to_string()))?;
    let event = providers::read(Provider::Paypal, &verified, log.livemode, asker.rules)
        .map_err(|refusal| not_understood(refusal.to_string()))?;
    if *event.id != *log.event_id {
        return Err(not_understood(format!("it is event {}", event.id)).into());
    }
    let payload = String::from_utf8(verified.payload().to_vec())
        .map_err(|_| not_understood("it is no text".to_owned()))?;
    Ok(Webhook {
        event,
        payload_sha256: Sha256::digest(&payload).into(),
        payload,
        headers: "{}".to_owned(),
        proof: verified.proof().to_string(),
        transmission_id: None,
        source: Source::CatchUp,
        received_at: asker.clock.now(),
        arrived: Instant::now(),
    })
}
