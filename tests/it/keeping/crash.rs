//! The process ends at any moment, and what it acknowledged is there, once.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::database::Database;
use crate::support::provider::{STRIPE, StripeSample, stripe_signature};
use crate::support::random::Random;
use crate::support::shop::register;
use crate::support::wire::{Answer, Connection};

const KILLS: usize = 60;
const SENDERS: usize = 6;
const EVENTS: usize = 6_000;

#[test]
fn killed_at_any_moment_it_has_every_acknowledged_event_once() {
    let mut random = Random::from_clock();
    let options = Options::stripe();
    register_all(&options);
    let mut tally = Tally::default();
    for kill in 0..KILLS {
        if kill % 10 == 9 {
            kill_while_it_starts(&options, Duration::from_micros(random.below(60_000)));
        }
        let daemon = options.start();
        let after = Duration::from_micros(5_000 + random.below(75_000));
        let ended = under_load(daemon, &mut random, &mut tally, |daemon, _| {
            // Not waiting for luck: any moment will do.
            std::thread::sleep(after);
            daemon.kill()
        });
        assert!(!ended.status.success());
        tally.check(&options.database());
    }
    options.database().assert_proved();

    let daemon = options.start();
    let mut connection = daemon.connect();
    let mut unanswered = 0;
    for number in 0..tally.begun() {
        if tally.acknowledged(number) == 0 {
            unanswered += 1;
            let answer = deliver(&mut connection, number);
            tally.add(number, answer.is_some());
        }
    }
    assert!(unanswered > 0, "no kill came while a webhook waited for its answer");
    assert!(daemon.terminate().status.success());
    let database = options.database();
    tally.check(&database);
    tally.check_that_all_are_there(&database);
    database.assert_proved();
    println!("{} events, {unanswered} not answered at first", tally.begun());
}

#[test]
fn killed_while_it_makes_its_database_it_starts_again() {
    let mut random = Random::from_clock();
    for _ in 0..12 {
        let options = Options::stripe();
        kill_while_it_starts(&options, Duration::from_micros(random.below(50_000)));
        let daemon = options.start();
        assert!(deliver(&mut daemon.connect(), 0).is_some());
        assert_eq!(daemon.database().count("orphan_transactions"), 1);
    }
}

#[test]
fn told_to_stop_under_load_it_answers_or_closes_and_keeps_what_it_answered() {
    let mut random = Random::from_clock();
    let options = Options::stripe();
    register_all(&options);
    let mut tally = Tally::default();
    let ended = under_load(options.start(), &mut random, &mut tally, |daemon, answered| {
        wait_until("some are answered", || answered.load(Ordering::Relaxed) >= 100);
        daemon.signal(Signal::TERM);
        daemon.wait()
    });
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.log.contains("msg=stopped"), "{}", ended.log);

    let mut log = options.db().as_os_str().to_owned();
    log.push("-wal");
    let length = std::fs::metadata(log).map_or(0, |log| log.len());
    assert_eq!(length, 0, "all of the log is copied into the database");
    let database = options.database();
    tally.check(&database);
    database.assert_proved();
}

/// Sends to a daemon over several connections until `end` has ended it.
fn under_load<T>(
    daemon: Daemon,
    random: &mut Random,
    tally: &mut Tally,
    end: impl FnOnce(Daemon, &AtomicUsize) -> T,
) -> T {
    let next = AtomicUsize::new(tally.begun());
    let answered = AtomicUsize::new(0);
    let senders: Vec<(Connection, Random)> =
        (0..SENDERS).map(|_| (daemon.connect(), Random::new(random.next()))).collect();
    let (ended, sent) = std::thread::scope(|scope| {
        let threads: Vec<_> = senders
            .into_iter()
            .map(|(connection, random)| scope.spawn(|| send(connection, random, &next, &answered)))
            .collect();
        let ended = end(daemon, &answered);
        let sent = threads.into_iter().map(|thread| thread.join().expect("a sender"));
        (ended, sent.flatten().collect::<Vec<_>>())
    });
    for (number, acknowledged) in sent {
        tally.add(number, acknowledged);
    }
    ended
}

/// Delivers one event after another, now and then one that was delivered before, until the
/// connection ends; which ones, and whether each was acknowledged.
fn send(
    mut connection: Connection,
    mut random: Random,
    next: &AtomicUsize,
    answered: &AtomicUsize,
) -> Vec<(usize, bool)> {
    let mut sent: Vec<(usize, bool)> = Vec::new();
    loop {
        let number = match sent.len() {
            0 => next.fetch_add(1, Ordering::Relaxed),
            before if random.below(20) == 0 => sent[random.index(before)].0,
            _ => next.fetch_add(1, Ordering::Relaxed),
        };
        assert!(number < EVENTS, "more events are sent than there are transactions for");
        let acknowledged = deliver(&mut connection, number).is_some();
        sent.push((number, acknowledged));
        if !acknowledged {
            return sent;
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// `None` if the connection ends without an answer.
fn deliver(connection: &mut Connection, number: usize) -> Option<Answer> {
    let body = event(number).body();
    let signature = stripe_signature(body.as_bytes());
    connection.send_request("POST", STRIPE, &[("stripe-signature", &signature)], &body);
    let answer = connection.answer_or_end()?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Some(answer)
}

fn kill_while_it_starts(options: &Options, after: Duration) {
    let mut daemon = options
        .binary()
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    // Not waiting for luck: any moment will do.
    std::thread::sleep(after);
    daemon.kill().expect("a child");
    daemon.wait().expect("a child");
}

fn register_all(options: &Options) {
    let matched = (0..EVENTS).filter(|number| !is_orphan(*number));
    register(options, matched.map(|number| (name(number), amount(number))));
}

/// One in twenty-three is about a payment that no transaction is registered for.
fn is_orphan(number: usize) -> bool {
    number % 23 == 5
}

fn name(number: usize) -> String {
    format!("n{number}")
}

fn amount(number: usize) -> i64 {
    1_000 + i64::try_from(number).expect("small")
}

fn event(number: usize) -> StripeSample {
    StripeSample::new("payment_intent.succeeded", &name(number)).amount(amount(number))
}

/// How often each event was sent, and how often that was acknowledged.
#[derive(Default)]
struct Tally(Vec<(i64, i64)>);

impl Tally {
    /// Every event with a smaller number was sent, or its sender was cut off before.
    fn begun(&self) -> usize {
        self.0.len()
    }

    fn add(&mut self, number: usize, acknowledged: bool) {
        if self.0.len() <= number {
            self.0.resize(number + 1, (0, 0));
        }
        self.0[number].0 += 1;
        self.0[number].1 += i64::from(acknowledged);
    }

    fn acknowledged(&self, number: usize) -> i64 {
        self.0[number].1
    }

    /// Every acknowledged event is there; every event that is there was sent, is counted as often
    /// as it was acknowledged or sent, and has had all of its effect, once.
    fn check(&self, database: &Database) {
        let numbers: HashMap<String, usize> =
            (0..self.begun()).map(|number| (format!("pi_{}", name(number)), number)).collect();
        let mut found = vec![false; self.begun()];
        for row in database.rows(EFFECT) {
            let (reference, effect) = row.split_once('|').expect("columns");
            let number = *numbers.get(reference).unwrap_or_else(|| panic!("never sent: {row}"));
            let (deliveries, effect) = effect.split_once('|').expect("columns");
            let (sent, acknowledged) = self.0[number];
            let deliveries: i64 = deliveries.parse().expect("a count");
            assert!((acknowledged.max(1)..=sent).contains(&deliveries), "{row}");
            let whole = match is_orphan(number) {
                true => format!("orphan|1|succeeded|{}|-|-|0", amount(number)),
                false => format!("processed|1|succeeded|{}|ok|2|2", amount(number)),
            };
            assert_eq!(effect, whole, "{row}");
            assert!(!std::mem::replace(&mut found[number], true), "twice: {row}");
        }
        for (number, (_, acknowledged)) in self.0.iter().enumerate() {
            assert!(found[number] || *acknowledged == 0, "acknowledged and lost: {number}");
        }
    }

    /// Nothing is missing, and nothing is there that no event led to.
    fn check_that_all_are_there(&self, database: &Database) {
        let count = |count: usize| i64::try_from(count).expect("small");
        let orphans = count((0..self.begun()).filter(|number| is_orphan(*number)).count());
        let events = count(self.begun());
        let transactions = database.count("transactions");
        assert_eq!(database.count("webhook_logs"), events);
        assert_eq!(database.count("transaction_events"), events);
        assert_eq!(database.count("orphan_transactions"), orphans);
        assert_eq!(database.count("transaction_changes"), transactions + events - orphans);
        let pending = "SELECT count(*) FROM transactions WHERE status = 'pending' AND version = 1";
        assert_eq!(database.one::<i64>(pending), transactions - (events - orphans));
    }
}

/// What each event that is there has led to.
const EFFECT: &str = "
    SELECT json_extract(l.payload, '$.data.object.id'), l.delivery_count, l.status,
           (SELECT count(*) FROM transaction_events e WHERE e.log_id = l.id AND e.transaction_id = p.id),
           p.status, p.amount, p.amount_check, p.version,
           (SELECT count(*) FROM transaction_changes c WHERE c.transaction_id = p.id)
    FROM webhook_logs l LEFT JOIN
         (SELECT id, reference, status, amount_received AS amount, amount_check, version
          FROM transactions
          UNION ALL
          SELECT id, reference, status, amount, NULL, NULL FROM orphan_transactions) p
         ON p.reference = json_extract(l.payload, '$.data.object.id')
            AND p.id IS ifnull(l.transaction_id, p.id)";
