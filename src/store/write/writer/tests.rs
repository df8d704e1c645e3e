use std::future::poll_fn;
use std::task::Poll;

use rusqlite::Connection;

use super::*;
use crate::domain::event::{Content, Event, Ownership, Part, Source};
use crate::domain::fact::{Fact, FactState};
use crate::domain::provider::Provider;
use crate::domain::records::{Applied, Outcome};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;

fn webhook(number: usize, content: Content) -> Webhook {
    Webhook {
        event: Event {
            provider: Provider::Stripe,
            id: format!("evt_{number}").into(),
            event_type: "payment_intent.succeeded".into(),
            account: None,
            api_version: None,
            livemode: false,
            occurred_at: None,
            ownership: Ownership::Unsaid,
            content,
        },
        payload: "{}".to_owned(),
        payload_sha256: [0; 32],
        headers: "{}".to_owned(),
        proof: "secret 1".to_owned(),
        transmission_id: None,
        source: Source::Webhook,
        received_at: Timestamp::EPOCH,
        arrived: Instant::now(),
    }
}

fn ignored(number: usize) -> Webhook {
    webhook(number, Content::Ignored("for a test".into()))
}

/// What the tables refuse, whatever was read.
fn impossible(number: usize) -> Webhook {
    let event_id = format!("evt_{number}");
    let (object, state) = (ReferenceKind::PaymentIntent, FactState::Succeeded);
    let fact =
        Fact { captured: Some(-1), ..Fact::new(Timestamp::EPOCH, event_id, object, "pi_1", state) };
    let references = vec![Reference::new(object, "pi_1")];
    webhook(number, Content::Payments(vec![Part { references, facts: vec![fact] }]))
}

/// Sends webhooks while another connection holds the database, so that they all wait, then lets
/// it go.
async fn ingest_together(
    path: &Path,
    store: &Store,
    webhooks: impl Iterator<Item = Webhook>,
) -> Vec<Result<Receipt, StoreError>> {
    let other = Connection::open(path).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let mut waiting: Vec<_> = webhooks.map(|webhook| Box::pin(store.ingest(webhook))).collect();
    // Each queues up when it is first asked, or is turned away at once.
    let first: Vec<_> = poll_fn(|context| {
        Poll::Ready(waiting.iter_mut().map(|one| one.as_mut().poll(context)).collect())
    })
    .await;
    other.execute_batch("ROLLBACK").expect("the lock is given back");
    let mut answers = Vec::new();
    for (one, first) in waiting.into_iter().zip(first) {
        answers.push(match first {
            Poll::Ready(answer) => answer,
            Poll::Pending => one.await,
        });
    }
    answers
}

fn started() -> (tempfile::TempDir, std::path::PathBuf, Store, Writer) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("payhookd.db");
    let database = Database::open(&path).expect("a new database");
    let (store, writer) = Store::start(database, None, |_, _| {}).expect("a thread");
    (folder, path, store, writer)
}

#[tokio::test]
async fn one_event_that_cannot_be_kept_does_not_spoil_its_batch() {
    let (_folder, path, store, writer) = started();
    let webhooks = (0..20).map(|number| match number {
        7 => impossible(number),
        _ => ignored(number),
    });
    let answers = ingest_together(&path, &store, webhooks).await;
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(receipt) => {
                assert_eq!(receipt.ingested, Ingested::New(Applied::kept(Outcome::Ignored)),)
            }
            Err(error) => assert!(number == 7, "{number}: {error}"),
        }
    }
    drop(store);
    writer.join().expect("the writer ends well");
    let kept = "SELECT count(*), count(DISTINCT event_id) FROM webhook_logs";
    let kept = Connection::open(&path).and_then(|connection| {
        connection.query_row(kept, [], |row| Ok((row.get(0)?, row.get(1)?)))
    });
    assert_eq!(kept, Ok((19, 19)));
}

#[tokio::test]
async fn a_full_queue_turns_webhooks_away_and_loses_none_that_it_took() {
    let (_folder, path, store, writer) = started();
    let answers = ingest_together(&path, &store, (0..QUEUE + BATCH + 50).map(ignored)).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    let full = |answer: &&Result<_, _>| matches!(answer, Err(StoreError::QueueFull));
    let turned_away = answers.iter().filter(full).count();
    assert!(turned_away >= 50, "{turned_away} turned away");
    assert_eq!(taken + turned_away, answers.len());
    drop(store);
    let report = writer.join().expect("the writer ends well");
    assert_eq!(report.webhooks, taken as u64);
}
