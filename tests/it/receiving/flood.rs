//! Many at once: repeats, forgeries, and connections that only wait. Genuine webhooks get through.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::provider::{PAYPAL, SECRET, STRIPE, stripe_event, stripe_signature};
use crate::support::shop::register;
use crate::support::wire::Connection;
use payhookd::domain::time::Timestamp;
use payhookd::providers::stripe::signature;
use payhookd::telemetry::clock::Clock;

#[test]
fn ten_identical_events_at_once_count_once() {
    let options = Options::stripe();
    register(&options, [("once".to_owned(), 4_999)]);
    let daemon = options.start();
    let body = stripe_event("payment_intent.succeeded", "once");
    let signature = stripe_signature(body.as_bytes());
    let together = Barrier::new(10);
    let answers: Vec<String> = std::thread::scope(|scope| {
        let deliver = || {
            let mut connection = daemon.connect();
            together.wait();
            let answer =
                connection.request("POST", STRIPE, &[("stripe-signature", &signature)], &body);
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.text().to_owned()
        };
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(deliver)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert_eq!(answers.iter().filter(|text| text.contains("duplicate")).count(), 9, "{answers:?}");

    let database = daemon.database();
    assert_eq!(database.rows("SELECT delivery_count, status FROM webhook_logs"), ["10|processed"]);
    assert_eq!(database.count("transaction_events"), 1);
    let changes = "SELECT version, change, amount_received FROM transaction_changes ORDER BY id";
    assert_eq!(
        database.rows(changes),
        ["1|transaction.registered|0", "2|transaction.succeeded|4999"]
    );
}

#[test]
fn a_hundred_thousand_forgeries_change_nothing_and_keep_nobody_out() {
    let options = Options::stripe().variable("PAYPAL_WEBHOOK_ID", "1JE4291016473214C");
    let genuine = (0..FORGED / FORGED_FOR_ONE_GENUINE).map(|number| format!("g{number}"));
    let all = genuine.chain(["victim".to_owned()]);
    register(&options, all.map(|name| (name, 4_999)));
    let daemon = options.start();
    let began = Clock::SYSTEM.now();

    let forgeries = forgeries(began);
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..FORGERS {
            let connection = daemon.connect();
            scope.spawn(|| forge(connection, &forgeries, &answered));
        }
        let mut connection = daemon.connect();
        for number in 0..FORGED / FORGED_FOR_ONE_GENUINE {
            wait_until("forgeries are answered in between", || {
                answered.load(Ordering::Relaxed) >= number * FORGED_FOR_ONE_GENUINE
            });
            pays(&mut connection, &format!("g{number}"));
        }
    });
    assert_eq!(answered.load(Ordering::Relaxed), FORGED);

    let ended = daemon.terminate();
    let seconds = Clock::SYSTEM.now().since(began).as_secs();
    let refused: Vec<&str> = ended.log.lines().filter(|line| is_refusal(line)).collect();
    // A hundred at once, then ten in a second.
    assert!(refused.len() as u64 <= 120 + 12 * seconds, "{} lines in {seconds} s", refused.len());
    assert_eq!(refused.iter().map(|line| told(line)).sum::<usize>(), FORGED);

    let database = options.database();
    database.assert_sound();
    let kept = database.count("rejected_requests");
    assert!((1..=1_000).contains(&kept), "{kept}");
    let genuine = i64::try_from(FORGED / FORGED_FOR_ONE_GENUINE).expect("small");
    assert_eq!(database.count("webhook_logs"), genuine);
    assert_eq!(database.count("transaction_events"), genuine);
    assert_eq!(database.count("transaction_changes"), genuine * 2 + 1);
    for table in ["orphan_transactions", "paypal_transmissions", "paypal_certificates"] {
        assert_eq!(database.count(table), 0, "{table}");
    }
    let victim = "SELECT status, amount_received, version FROM transactions
                  WHERE reference = 'pi_victim'";
    assert_eq!(database.rows(victim), ["pending|0|1"]);
}

#[test]
fn two_thousand_connections_that_only_wait_keep_nobody_out_and_are_closed() {
    allow_many_files();
    let options = Options::stripe();
    register(&options, (0..40).map(|number| (format!("w{number}"), 4_999)));
    let daemon = options.start();
    let body =
        format!("POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\ncontent-length: 1000\r\n\r\n{{");
    let waiting = (0..2_000).map(|number| match number % 3 {
        0 => Waiting::open(daemon.public, "", ""),
        1 => Waiting::open(daemon.public, "POST /accounts/webhooks/stripe/ HTTP/1.1\r\nx: ", "x"),
        _ => Waiting::open(daemon.public, &body, " "),
    });
    let mut waiting: Vec<Waiting> = waiting.collect();
    assert!(closed_of(&mut waiting) < 1_000, "most of them are open at once");
    genuine_get_through(&daemon, &mut waiting, 'w', 40);
    wait_until("all are closed for being slow", || all_are_closed(&mut waiting));
}

#[test]
fn more_idle_connections_than_are_allowed_keep_nobody_out() {
    allow_many_files();
    let options = Options::stripe().arg("--max-connections").arg(64);
    register(&options, (0..40).map(|number| (format!("m{number}"), 4_999)));
    let daemon = options.start();
    let idle = (0..500).map(|_| Waiting::open(daemon.public, "", ""));
    let mut idle: Vec<Waiting> = idle.collect();
    genuine_get_through(&daemon, &mut idle, 'm', 40);
    wait_until("those that waited longest have made room", || closed_of(&mut idle) >= 500 - 64);
}

/// Figures: `cargo test --test it flood::slow_senders -- --nocapture`.
#[test]
fn slow_senders_of_large_bodies_keep_no_larger_one_out() {
    let daemon = Options::stripe().start();
    let beginning = beginning_of_large(20_000);
    let open = || Waiting::open(daemon.public, &beginning, DRIP);
    let mut slow: Vec<Waiting> = (0..64).map(|_| open()).collect();
    let stop = AtomicBool::new(false);
    let (mut accepted, mut took) = (0, Vec::new());
    std::thread::scope(|scope| {
        // 2 KB a second each, and whoever is closed comes again.
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                slow.iter_mut().filter(|one| one.closed).for_each(|one| *one = open());
                slow.iter_mut().for_each(Waiting::drip);
                closed_of(&mut slow);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        for number in 0..200 {
            let padded = padded_event(&format!("s{number}"), 64 * 1024);
            let began = Instant::now();
            accepted += usize::from(daemon.deliver_stripe(&padded).status == 200);
            took.push(began.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
    });
    took.sort();
    println!(
        "64 slow senders: {accepted} of 200 bodies of 64 KiB accepted; median {:?}, slowest {:?}",
        took[100], took[199]
    );
    assert_eq!(accepted, 200);
}

#[test]
fn whoever_fills_the_memory_for_bodies_gives_way_to_whoever_comes_later() {
    let options = Options::stripe();
    register(&options, (0..40).map(|number| (format!("l{number}"), 4_999)));
    let daemon = options.start();
    // Each lacks one byte.
    let beginning = beginning_of_large(LARGE - 1);
    let mut large: Vec<Waiting> =
        (0..80).map(|_| Waiting::open(daemon.public, &beginning, "")).collect();
    wait_until("those that came first have made room", || closed_of(&mut large) >= 80 - 64);
    for number in 0..40 {
        let padded = padded_event(&format!("large{number}"), LARGE);
        assert_eq!(daemon.deliver_stripe(&padded).status, 200);
    }
    let told = large.iter().find(|one| one.closed).map(|one| one.answer.clone());
    let told = String::from_utf8(told.unwrap_or_default()).expect("text");
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("retry-after: 5"), "{told}");
    genuine_get_through(&daemon, &mut large, 'l', 40);
    wait_until("all are closed for being slow", || all_are_closed(&mut large));
}

/// Figures: `cargo test --test it flood::memory -- --nocapture`.
#[test]
fn memory_goes_back_to_the_system_after_a_flood() {
    allow_many_files();
    let daemon = Options::stripe().start();
    assert_eq!(daemon.deliver_stripe(padded_event("m", LARGE)).status, 200);
    let before = daemon.resident_kib();
    let flood: Vec<Waiting> = [(70, LARGE - 1), (3_000, 16_000)]
        .into_iter()
        .flat_map(|(count, bytes)| std::iter::repeat_n(beginning_of_large(bytes), count))
        .map(|beginning| Waiting::open(daemon.public, &beginning, ""))
        .collect();
    wait_until("it takes memory", || daemon.resident_kib() > before + 64 * 1024);
    drop(flood);
    wait_until("most of it is given back", || daemon.resident_kib() < before + 24 * 1024);
    let mebibytes = |kib: u64| kib / 1024;
    println!(
        "resident: {} MiB before, {} at the peak, {} after",
        mebibytes(before),
        mebibytes(daemon.peak_kib()),
        mebibytes(daemon.resident_kib())
    );
}

/// The largest body that is taken.
const LARGE: usize = 1024 * 1024;
/// A tenth of 2 KB.
const DRIP: &str = match std::str::from_utf8(&[b' '; 200]) {
    Ok(drip) => drip,
    Err(_) => unreachable!(),
};

/// An event with blanks behind it.
fn padded_event(name: &str, bytes: usize) -> String {
    let event = stripe_event("customer.updated", name);
    let blanks = " ".repeat(bytes - event.len());
    event + &blanks
}

/// A request with the largest body, and the first bytes of that.
fn beginning_of_large(bytes: usize) -> String {
    let head =
        format!("POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\ncontent-length: {LARGE}\r\n\r\n");
    head + &" ".repeat(bytes)
}

const FORGED: usize = 100_000;
const FORGERS: usize = 8;
const FORGED_FOR_ONE_GENUINE: usize = 100;
/// Requests that a forger sends before it reads their answers.
const AT_ONCE: usize = 25;

/// A request as it goes over the wire, and the reason with which it is refused.
struct Forgery {
    request: Vec<u8>,
    reason: &'static str,
}

/// Of each kind one.
fn forgeries(now: Timestamp) -> Vec<Forgery> {
    let victim = stripe_event("payment_intent.succeeded", "victim");
    let victim = victim.as_bytes();
    let long_ago = Timestamp::from_unix_seconds(now.unix_seconds() - 3_600).expect("in range");
    let none = now.unix_seconds().to_string();
    let zeros = "0".repeat(64);
    let stripe = |header: Option<String>, body: &[u8], reason| {
        let header = header.map(|header| ("stripe-signature", header));
        Forgery { request: request(STRIPE, header.as_slice(), body), reason }
    };
    let paypal = |headers: &[(&'static str, &str)], reason| {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        let headers: Vec<_> = headers.iter().map(owned).collect();
        Forgery { request: request(PAYPAL, &headers, b"{}"), reason }
    };
    vec![
        stripe(None, victim, "missing_header"),
        stripe(Some("genuine, really".to_owned()), b"{}", "malformed_header"),
        stripe(Some(format!("t={none},v0={zeros}")), b"{}", "no_signatures"),
        stripe(Some(format!("t={none},v1={zeros}")), b"{}", "bad_signature"),
        stripe(Some(signature::sign(victim, "whsec_guessed", now)), victim, "bad_signature"),
        stripe(Some(signature::sign(b"{}", SECRET, now)), victim, "bad_signature"),
        stripe(Some(signature::sign(victim, SECRET, long_ago)), victim, "timestamp_too_old"),
        stripe(Some(signature::sign(b"{", SECRET, now)), b"{", "invalid_json"),
        paypal(&[], "missing_header"),
        paypal(
            &[
                ("paypal-auth-algo", "SHA256withRSA"),
                ("paypal-cert-url", "https://api.paypal.com.forger.example/certs/CERT-1"),
                ("paypal-transmission-id", "69cd13f0-d67a-11e5-baa3-778b53f4ae55"),
                ("paypal-transmission-sig", "AAAA"),
                ("paypal-transmission-time", "2026-11-23T11:52:03Z"),
            ],
            "cert_url_refused",
        ),
    ]
}

fn request(path: &str, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: payhookd\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    request
}

/// Sends its share of the forgeries on one connection, some at once.
fn forge(mut connection: Connection, forgeries: &[Forgery], answered: &AtomicUsize) {
    let mut kinds = forgeries.iter().cycle();
    for _ in 0..FORGED / FORGERS / AT_ONCE {
        let now: Vec<&Forgery> = kinds.by_ref().take(AT_ONCE).collect();
        let requests: Vec<u8> =
            now.iter().flat_map(|forgery| forgery.request.iter().copied()).collect();
        connection.send(requests);
        for forgery in now {
            let answer = connection.answer();
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(answer.text().contains(forgery.reason), "{}: {answer:?}", forgery.reason);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_refusal(line: &str) -> bool {
    line.contains(r" msg=refused ") || line.contains(r#" msg="refused: "#)
}

/// How many refusals a line tells of: itself, if it is about one, and those left out before.
fn told(line: &str) -> usize {
    let left_out = line.split(" left_out=").nth(1).expect("a count");
    let left_out: usize = left_out.split(' ').next().unwrap_or_default().parse().expect("a count");
    left_out + usize::from(line.contains(" payload_bytes="))
}

fn pays(connection: &mut Connection, name: &str) {
    let body = stripe_event("payment_intent.succeeded", name);
    let signature = stripe_signature(body.as_bytes());
    let answer = connection.request("POST", STRIPE, &[("stripe-signature", &signature)], &body);
    assert_eq!((answer.status, answer.text()), (200, r#"{"received":true}"#));
}

/// Genuine webhooks, half of them on a connection of their own and half on one that is kept, are
/// answered while the others drip.
fn genuine_get_through(daemon: &Daemon, waiting: &mut [Waiting], prefix: char, count: usize) {
    let mut kept = daemon.connect();
    for number in 0..count {
        for waiting in waiting.iter_mut() {
            waiting.drip();
        }
        let name = format!("{prefix}{number}");
        match number % 2 {
            0 => pays(&mut kept, &name),
            _ => pays(&mut daemon.connect(), &name),
        }
    }
    let paid = "SELECT count(*) FROM transactions WHERE status = 'succeeded' AND version = 2";
    assert_eq!(daemon.database().one::<i64>(paid), i64::try_from(count).expect("small"));
}

fn closed_of(waiting: &mut [Waiting]) -> usize {
    waiting.iter_mut().map(Waiting::is_closed).filter(|closed| *closed).count()
}

/// All of them, though each that was not closed goes on dripping.
fn all_are_closed(waiting: &mut [Waiting]) -> bool {
    let mut all = true;
    for waiting in waiting {
        waiting.drip();
        all &= waiting.is_closed();
    }
    all
}

/// A connection that sends the beginning of something and then next to nothing.
struct Waiting {
    stream: TcpStream,
    drop: &'static str,
    /// What the other side said.
    answer: Vec<u8>,
    closed: bool,
}

impl Waiting {
    fn open(address: SocketAddr, beginning: &str, drop: &'static str) -> Self {
        let mut stream = TcpStream::connect(address).expect("somebody listens");
        stream.write_all(beginning.as_bytes()).expect("somebody reads");
        stream.set_nonblocking(true).expect("not blocking");
        Self { stream, drop, answer: Vec::new(), closed: false }
    }

    fn drip(&mut self) {
        // What happens to it then is what `is_closed` tells.
        let _ = self.stream.write(self.drop.as_bytes());
    }

    /// Whether the other side has closed it, with an answer or without.
    fn is_closed(&mut self) -> bool {
        let mut answer = [0; 512];
        while !self.closed {
            match self.stream.read(&mut answer) {
                Ok(0) => self.closed = true,
                Ok(read) => self.answer.extend_from_slice(&answer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(_) => self.closed = true,
            }
        }
        true
    }
}

/// A test may have as many files open as the system lets it.
fn allow_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let enough = maximum.is_none_or(|maximum| maximum >= 4_096);
    assert!(enough, "this test needs 4,096 open files: see `ulimit -Hn`");
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the maximum");
}
