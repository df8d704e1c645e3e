//! A bad minute: a forger who has seen one transmission, senders that only drip, and a scanner, all at
//! once. Whoever is genuine gets through, each event counts once, and nothing else does.
//!
//! It goes on for a few seconds; `PAYHOOKD_ADVERSARY_SECONDS` says how many.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::{
    PAYPAL, PaypalSample, SECRET, STRIPE, StripeSample, stripe_signature, transmission,
};
use crate::support::random::Random;
use crate::support::wire::{Answer, Connection};
use payhookd::providers::stripe::signature;
use payhookd::telemetry::clock::Clock;

/// Senders that drip a body of this size.
const SLOW: usize = 64;
const BODY: usize = 64 * 1024;

#[test]
fn a_forger_slow_senders_and_a_scanner_change_nothing_and_keep_nobody_out() {
    let certificates = Certificates::of_sandbox();
    let cert_url = certificates.url("CERT-1");
    let options = Options::paypal(certificates.fake.address)
        .variable("STRIPE_WEBHOOK_SECRET", SECRET)
        .variable("PAYHOOKD_MODE", "test");
    let daemon = options.start();
    for provider in [["paypal", "ORDER-victim"], ["stripe", "pi_victim"]] {
        let [provider, reference] = provider;
        options.done(&[
            "transactions",
            "add",
            "--provider",
            provider,
            "--reference",
            reference,
            "--amount",
            "4999",
            "--currency",
            "EUR",
            "--mode",
            "test",
        ]);
    }
    // What the forger has seen.
    let seen = PaypalSample::new("PAYMENT.CAPTURE.COMPLETED", "seen").body();
    assert_eq!(daemon.deliver_paypal(&seen, &cert_url).status, 200);
    assert!(victims(&daemon).iter().all(|row| row == "pending|0"));

    let over = AtomicBool::new(false);
    let mut genuine = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| until(&over, Forger::new(&daemon, &seen, &certificates)));
        scope.spawn(|| until(&over, Dripping::new(&daemon)));
        scope.spawn(|| until(&over, Scanner::new(&daemon)));
        // The threads end also when a delivery fails.
        let ended = Ended(&over);
        let end = Instant::now() + seconds();
        while Instant::now() < end {
            deliver(&daemon, genuine, &cert_url);
            genuine += 1;
        }
        drop(ended);
    });

    assert!(victims(&daemon).iter().all(|row| row == "pending|0"), "{:?}", victims(&daemon));
    let database = daemon.database();
    // The one that was seen, and each that is genuine, once.
    let received = "SELECT count(*) FROM webhook_logs WHERE event_id GLOB '*genuine[0-9]*'";
    assert_eq!(database.one::<i64>(received), genuine);
    assert_eq!(database.count("webhook_logs"), genuine + 1);
    database.assert_sound();
    let ended = daemon.terminate();
    assert!(!ended.log.contains("panicked"), "{}", ended.log);
}

fn seconds() -> Duration {
    let seconds = std::env::var("PAYHOOKD_ADVERSARY_SECONDS").ok();
    Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(5))
}

fn victims(daemon: &Daemon) -> Vec<String> {
    daemon.database().rows("SELECT status, amount_received FROM transactions ORDER BY id")
}

/// One genuine event, which is taken as fast as a provider wants it, or when it comes again.
fn deliver(daemon: &Daemon, number: i64, cert_url: &str) {
    let name = format!("genuine{number}");
    let once = || match number % 2 {
        0 => {
            let sample = StripeSample::new("payment_intent.succeeded", &name).test_money();
            daemon.deliver_stripe(sample.body())
        }
        _ => daemon.deliver_paypal(
            &PaypalSample::new("PAYMENT.CAPTURE.COMPLETED", &name).body(),
            cert_url,
        ),
    };
    let answer = once();
    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
}

/// One who goes on until it is over.
trait Adversary {
    fn act(&mut self);
}

fn until(over: &AtomicBool, mut adversary: impl Adversary) {
    while !over.load(Ordering::Relaxed) {
        adversary.act();
    }
}

struct Ended<'o>(&'o AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Knows one genuine transmission, and can make a body of the same CRC-32.
struct Forger<'d> {
    daemon: &'d Daemon,
    seen: &'d str,
    url: String,
    unknown: String,
    random: Random,
    connection: Connection,
}

impl<'d> Forger<'d> {
    fn new(daemon: &'d Daemon, seen: &'d str, certificates: &Certificates) -> Self {
        Self {
            daemon,
            seen,
            url: certificates.url("CERT-1"),
            unknown: certificates.url("CERT-unknown-"),
            random: Random::from_clock(),
            connection: daemon.connect(),
        }
    }

    fn paypal(&mut self, body: &str, headers: &[(&'static str, String)]) -> Answer {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        self.connection.request("POST", PAYPAL, &headers, body)
    }
}

impl Adversary for Forger<'_> {
    fn act(&mut self) {
        // As `deliver_paypal` names it.
        let known = format!("{}{}", self.seen, self.url);
        let known = format!("{:08x}", crc32fast::hash(known.as_bytes()));
        let number = self.random.next();
        let victim = PaypalSample::new("PAYMENT.CAPTURE.COMPLETED", "victim").body();
        let forged = with_crc(&victim, crc32fast::hash(self.seen.as_bytes()), number);
        let genuine = transmission(self.seen, &known, &self.url);
        let answer = self.paypal(&forged, &genuine);
        assert_eq!(answer.status, 400, "{}", answer.text());
        // As it was seen: known already.
        let seen = self.seen.to_owned();
        assert_eq!(self.paypal(&seen, &genuine).status, 200);
        // By another name, and by a certificate that nobody has.
        let mut renamed = transmission(self.seen, &known, &self.url);
        for (name, value) in &mut renamed {
            if *name == "paypal-transmission-id" {
                *value = format!("{number:016x}");
            }
        }
        assert_eq!(self.paypal(&forged, &renamed).status, 400);
        let unknown =
            transmission(&victim, &format!("{number:016x}"), &format!("{}{number}", self.unknown));
        assert_ne!(self.paypal(&victim, &unknown).status, 200);

        let victim = StripeSample::new("payment_intent.succeeded", "victim").test_money().body();
        let now = Clock::SYSTEM.now();
        for header in [
            stripe_signature(self.seen.as_bytes()),
            signature::sign(victim.as_bytes(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx", now),
            signature::sign(victim.as_bytes(), "", now),
        ] {
            let answer = self.daemon.post(STRIPE, &[("stripe-signature", &header)], &victim);
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
    }
}

/// `body` with one field more, chosen so that it has this CRC-32: the case of each of its letters is a bit
/// of an equation, because a CRC is linear.
fn with_crc(body: &str, crc: u32, number: u64) -> String {
    const LETTERS: usize = 64;
    let lower = |letters: &str| format!("{{\"pad\":\"{number:016x}{letters}\",{}", &body[1..]);
    let plain = "a".repeat(LETTERS);
    let crc_of = |letters: &str| crc32fast::hash(lower(letters).as_bytes());
    let base = crc_of(&plain);
    // Each row: what a set of letters, written large, changes.
    let mut rows: Vec<(u32, u64)> = (0..LETTERS)
        .map(|place| {
            let mut letters = plain.clone();
            letters.replace_range(place..=place, "A");
            (crc_of(&letters) ^ base, 1 << place)
        })
        .collect();
    let (mut wanted, mut chosen) = (base ^ crc, 0_u64);
    for bit in 0..u32::BITS {
        let mask = 1 << bit;
        let Some(place) = rows.iter().position(|(change, _)| change & mask != 0) else { continue };
        let (change, set) = rows.swap_remove(place);
        for row in rows.iter_mut().filter(|row| row.0 & mask != 0) {
            *row = (row.0 ^ change, row.1 ^ set);
        }
        if wanted & mask != 0 {
            (wanted, chosen) = (wanted ^ change, chosen ^ set);
        }
    }
    let letters: String =
        (0..LETTERS).map(|place| if chosen >> place & 1 == 1 { 'A' } else { 'a' }).collect();
    let forged = lower(&letters);
    assert_eq!(crc32fast::hash(forged.as_bytes()), crc);
    forged
}

/// Many that announce a large body, and let it drip.
struct Dripping<'d> {
    daemon: &'d Daemon,
    senders: Vec<TcpStream>,
}

impl<'d> Dripping<'d> {
    fn new(daemon: &'d Daemon) -> Self {
        Self { daemon, senders: Vec::new() }
    }
}

impl Adversary for Dripping<'_> {
    fn act(&mut self) {
        self.senders.retain_mut(|sender| sender.write_all(&[b' '; 200]).is_ok());
        while self.senders.len() < SLOW {
            let Ok(mut sender) = TcpStream::connect(self.daemon.public) else { break };
            let head = format!(
                "POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\ncontent-length: {BODY}\r\n\r\n"
            );
            if sender
                .set_nonblocking(true)
                .and_then(|()| sender.write_all(head.as_bytes()))
                .is_err()
            {
                break;
            }
            self.senders.push(sender);
        }
        // Two kilobytes a second each.
        sleep(Duration::from_millis(100));
    }
}

/// Asks for what is often left open.
struct Scanner<'d> {
    daemon: &'d Daemon,
    random: Random,
}

impl<'d> Scanner<'d> {
    fn new(daemon: &'d Daemon) -> Self {
        Self { daemon, random: Random::from_clock() }
    }
}

impl Adversary for Scanner<'_> {
    fn act(&mut self) {
        const METHODS: [&str; 7] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"];
        const PATHS: [&str; 12] = [
            "/.env",
            "/wp-login.php",
            "/../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/api/v1/transactions",
            "/dashboard",
            "/metrics",
            "/accounts/webhooks/stripe/../../admin",
            "//",
            "/?x=%00",
            "/%ff",
            "/accounts/webhooks/paypal/",
        ];
        let method = METHODS[self.random.index(METHODS.len())];
        let path = PATHS[self.random.index(PATHS.len())];
        let mut connection = self.daemon.connect();
        connection.send_request(method, path, &[("x-forwarded-for", "127.0.0.1")], "");
        // To HEAD no body comes, whatever is said of its length.
        if method != "HEAD" {
            let status = connection.answer().status;
            assert!((400..500).contains(&status), "{method} {path}: {status}");
        }
        let mut connection = self.daemon.connect();
        let noise: Vec<u8> =
            (0..200).map(|_| u8::try_from(self.random.below(256)).expect("a byte")).collect();
        // It may be closed at once.
        let _ = connection.try_send(noise);
    }
}
