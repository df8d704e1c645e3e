//! A database of the size that is asked for, made through the store as the daemon would have made it.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::story::{Payment, Random, Step};
use payhookd::domain::delivery::{Next, NoAnswer};
use payhookd::domain::event::Source;
use payhookd::domain::issue::{self, Finding, IssueData, NewIssue, Severity, Trigger};
use payhookd::domain::money::Money;
use payhookd::domain::orphan::{OrphanKind, Policy};
use payhookd::domain::provider::Provider;
use payhookd::domain::records::{Attempt, DueMessage, NewTransaction, Webhook};
use payhookd::domain::reference::Reference;
use payhookd::domain::time::Timestamp;
use payhookd::domain::transaction::Expected;
use payhookd::providers::rules::Rules;
use payhookd::providers::{read_again, reference_kind};
use payhookd::store::{
    Batch, Database, IngestAll, Job, NoteFindings, Reader, RecordAttempts, Register, SetTargets,
    StoreError,
};
use payhookd::telemetry::clock::Clock;

/// How much of it there is to be.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) events: u64,
    pub(crate) transactions: u64,
}

/// Over how long the events are spread.
const DAYS: u64 = 90;
const DAY: u64 = 86_400_000;
const BATCH: usize = 2_000;

/// One step of one payment, by when it happens.
type Due = (u64, u64, Step);

/// Makes the database at `path`, which does not exist.
pub(crate) fn make(path: &Path, size: Size) -> io::Result<()> {
    let began = Instant::now();
    let now = Clock::SYSTEM.now();
    let first = now.minus(Duration::from_millis(DAYS * DAY));
    let schedule = schedule(size);
    let mut database = Database::open(path).map_err(io::Error::other)?;
    let policy = Policy { livemode: true, grace: Duration::from_secs(120) };
    database.started(policy, &Rules::default().to_json(), first).map_err(io::Error::other)?;
    let targets = SetTargets { notifies: true, alerts: Vec::new(), daily_report: false };
    database.run(&targets, first).map_err(io::Error::other)?;
    let reader = Reader::open(path).map_err(io::Error::other)?;
    let mut random = Random(7);
    for (number, some) in schedule.chunks(BATCH).enumerate() {
        commit(&mut database, first, some).map_err(io::Error::other)?;
        let until = some.last().map_or(first, |(at, ..)| first.plus(Duration::from_millis(*at)));
        // The last are left to the daemon.
        if (number + 1) * BATCH < schedule.len() {
            deliver(&mut database, &reader, until, &mut random).map_err(io::Error::other)?;
        }
        if number % 50 == 49 {
            let done = number * BATCH * 100 / schedule.len();
            eprintln!("seeding: {done} % after {} s", began.elapsed().as_secs());
        }
    }
    mended(&mut database, first, size.events / 10).map_err(io::Error::other)?;
    database.checkpoint().map_err(io::Error::other)?;
    eprintln!("seeded in {} s", began.elapsed().as_secs());
    Ok(())
}

/// Every step of every payment, in the order in which they happen.
fn schedule(size: Size) -> Vec<Due> {
    let span = DAYS * DAY - 60_000;
    let mut due: Vec<Due> = Vec::new();
    let mut events = 0;
    for number in 0..size.transactions {
        let mut random = Random(number ^ 0x5eed);
        // Shops sell at day, and more at some hours than at others.
        let day = number * DAYS / size.transactions.max(1);
        let hour = (random.below(14) + random.below(11)) * 3_600_000;
        let at = (day * DAY + hour + random.below(3_600_000)).min(span);
        let mut add = |after: u64, step: Step| {
            if at + after <= span {
                due.push((at + after, number, step));
                events += u64::from(step != Step::Registered);
            }
        };
        match random.below(1_000) {
            // Nobody registers it.
            0..4 => {}
            // The webhook is faster than the shop.
            4..30 => add(4_000, Step::Registered),
            _ => add(0, Step::Registered),
        }
        match random.below(1_000) {
            // The buyer went away.
            0..60 => continue,
            60..100 => {
                add(1_000, Step::Created);
                add(2_000, Step::Failed);
                continue;
            }
            100..101 => add(1_000, Step::Broken),
            _ => {}
        }
        add(1_000, Step::Created);
        add(2_000, Step::Charged);
        add(2_500, Step::Succeeded);
        match random.below(1_000) {
            0..30 => add(random.below(10 * DAY), Step::Refunded),
            30..50 => add(random.below(20 * DAY), Step::PartlyRefunded),
            50..53 => add(random.below(30 * DAY), Step::Disputed),
            _ => {}
        }
    }
    // The rest are events that nobody acts on, such as a shop gets that subscribed to all.
    let mut random = Random(11);
    let mut nth = 0_u64;
    while events < size.events && size.transactions > 0 {
        let number = random.below(size.transactions);
        let day = number * DAYS / size.transactions;
        let at = (day * DAY + random.below(DAY)).min(span);
        due.push((at, number, Step::Unrelated(u16::try_from(nth % 9_000).unwrap_or(0))));
        events += 1;
        nth += 1;
    }
    due.sort_unstable();
    due
}

fn commit(database: &mut Database, first: Timestamp, some: &[Due]) -> Result<(), StoreError> {
    let rules = Rules::default();
    let all = Together(|batch: &Batch<'_>| {
        for (at, number, step) in some {
            let at = first.plus(Duration::from_millis(*at));
            let payment = Payment::new(*number);
            match webhook(&payment, *step, at, &rules) {
                Some(webhook) => {
                    IngestAll { webhooks: vec![webhook] }.execute(batch, at)?;
                }
                None => {
                    Register { new: registration(&payment) }.execute(batch, at)?;
                }
            }
        }
        Ok(())
    });
    database.run(&all, first)
}

/// Several jobs in one transaction.
struct Together<F>(F);

impl<F: Fn(&Batch<'_>) -> Result<(), StoreError>> Job for Together<F> {
    type Done = ();

    fn execute(&self, batch: &Batch<'_>, _now: Timestamp) -> Result<(), StoreError> {
        self.0(batch)
    }
}

/// So many problems that are over, a minute apart; one in ten thousand is of a rare kind.
fn mended(database: &mut Database, first: Timestamp, number: u64) -> Result<(), StoreError> {
    let numbers: Vec<u64> = (0..number).collect();
    for some in numbers.chunks(BATCH) {
        let all = Together(|batch: &Batch<'_>| {
            for number in some {
                let id = number.cast_signed();
                let data = match number % 10_000 {
                    0 => IssueData::OtherTime {
                        provider: Provider::Stripe,
                        count: 3,
                        now: first,
                        evidence: None,
                    },
                    _ => IssueData::Orphan {
                        id,
                        why: OrphanKind::Early,
                        about: payhookd::domain::orphan::OrphanAbout::Payment,
                        answer_by: None,
                        payment: issue::Payment {
                            provider: Provider::Stripe,
                            money: Money::from_stripe(4_999, "EUR").ok(),
                            order_id: Some(number.to_string()),
                            reference: format!("pi_over_{number}"),
                        },
                    },
                };
                let new =
                    NewIssue { data, severity: Severity::Warning, trigger: Trigger::Happened };
                let at = first.plus(Duration::from_secs(number * 60));
                let (kind, subject) = (new.data.kind(), new.data.subject());
                NoteFindings { findings: vec![Finding::Bad(new)] }.execute(batch, at)?;
                let findings = vec![Finding::Good(kind, subject, None)];
                NoteFindings { findings }.execute(batch, at.plus(Duration::from_secs(600)))?;
            }
            Ok(())
        });
        database.run(&all, first)?;
    }
    Ok(())
}

/// What the shop says of a payment; of every twentieth it expects another amount than is paid.
fn registration(payment: &Payment) -> NewTransaction {
    let odd = payment.order.ends_with("77");
    NewTransaction {
        provider: payment.provider,
        reference: Reference::new(
            reference_kind(payment.provider, &payment.reference),
            payment.reference.clone(),
        ),
        order_id: Some(payment.order.clone()),
        expected: Expected {
            amount: Some(payment.money.minor + i64::from(odd) * 500),
            currency: Some(payment.money.currency),
            partial: false,
        },
        livemode: payment.livemode,
        metadata: "{}".to_owned(),
    }
}

fn webhook(payment: &Payment, step: Step, at: Timestamp, rules: &Rules) -> Option<Webhook> {
    let (id, _, payload) = payment.event(step, at)?;
    let event = read_again(payment.provider, &payload, payment.livemode, &id, rules);
    Some(Webhook {
        event: event.expect("it is an event"),
        payload_sha256: Sha256::digest(payload.as_bytes()).into(),
        headers: HEADERS.to_owned(),
        proof: "secret 1".to_owned(),
        transmission_id: (payment.provider == Provider::Paypal).then(|| format!("t-{id}").into()),
        source: Source::Webhook,
        received_at: at,
        // Between one and eleven milliseconds ago.
        arrived: Instant::now()
            - Duration::from_micros(1_000 + Random(at.unix_millis().unsigned_abs()).below(10_000)),
        payload,
    })
}

/// Tells the app all that is due; it fails now and then, and for some it fails for good.
fn deliver(
    database: &mut Database,
    reader: &Reader,
    now: Timestamp,
    random: &mut Random,
) -> Result<(), StoreError> {
    loop {
        let (due, _) = reader.due::<DueMessage>((), now, 1_000)?;
        if due.is_empty() {
            return Ok(());
        }
        let attempts = due.iter().map(|message| {
            let latency = Duration::from_millis(5 + random.below(60));
            let (code, next) = match random.below(1_000) {
                0..4 => (Err(NoAnswer::Timeout), Next::Dead),
                4..14 => (Ok(500), Next::Again(now.plus(Duration::from_secs(300)))),
                _ => (Ok(200), Next::Delivered),
            };
            let failed = next != Next::Delivered;
            Attempt {
                delivery_id: message.delivery_id,
                attempted_at: now,
                ended_at: now.plus(latency),
                latency,
                code,
                answer: if failed { "Internal Server Error".repeat(20) } else { "ok".to_owned() },
                failure: failed.then(|| "the app answered 500".to_owned()),
                next,
            }
        });
        let attempts = attempts.collect();
        database.run(&RecordAttempts { attempts }, now)?;
    }
}

const HEADERS: &str = r#"{"content-type":"application/json; charset=utf-8","user-agent":"Stripe/1.0 (+https://stripe.com/docs/webhooks)"}"#;
