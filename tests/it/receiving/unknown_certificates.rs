//! Strangers who name certificates that there are none of, while PayPal has a new one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::certificates::Certificates;
use crate::support::daemon::{Options, wait_until};
use crate::support::fake::Reply;
use crate::support::provider::{PAYPAL, paypal_event, sandbox_authority, transmission};
use crate::support::wire::Connection;

/// How many genuine webhooks name the new certificate, evenly over the flood.
const GENUINE: usize = 6;

/// What came of a flood.
#[derive(Debug)]
#[expect(dead_code, reason = "one is shown only")]
struct Flooded {
    /// What each genuine webhook was answered, in order.
    genuine: Vec<u16>,
    /// How long none of them was taken.
    out_for: Duration,
    /// How long all of it took.
    took: Duration,
    /// How many certificates were asked for.
    fetches: usize,
}

/// So many forged webhooks, each of which names another certificate, not faster than one after `pause`.
fn flood(forged: usize, pause: Duration, answers_after: Duration) -> Flooded {
    let certificates = Certificates::slow(answers_after);
    certificates.serve("CERT-NEW", Reply::ok(sandbox_authority().leaf_pem()));
    let daemon = Options::paypal(certificates.fake.address).start();
    let (began, sent) = (Instant::now(), AtomicUsize::new(0));
    let mut genuine = Vec::new();
    let mut out_for = Duration::ZERO;
    std::thread::scope(|scope| {
        for _ in 0..FORGERS {
            scope.spawn(|| {
                let mut connection = daemon.connect();
                let signed = transmission("{}", "forged", "");
                loop {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    if number >= forged {
                        return;
                    }
                    let due = pause * u32::try_from(number).expect("small");
                    std::thread::sleep(due.saturating_sub(began.elapsed()));
                    let name = format!("CERT-{number:08x}-fca2a594-1a5f47cb");
                    let url = certificates.url(&name);
                    let with_url = |(name, value): &(&'static str, String)| match *name {
                        "paypal-cert-url" => (*name, url.clone()),
                        _ => (*name, value.clone()),
                    };
                    let headers: Vec<_> = signed.iter().map(with_url).collect();
                    let status = post(&mut connection, &headers, "{}");
                    assert_eq!(status, 503, "{name}");
                }
            });
        }
        let mut connection = daemon.connect();
        for number in 0..GENUINE {
            wait_until("forgeries come in between", || {
                sent.load(Ordering::Relaxed) >= (number + 1) * forged / (GENUINE + 1)
            });
            genuine.push(deliver(&mut connection, "CERT-NEW", &certificates));
            if !genuine.contains(&200) {
                out_for = began.elapsed();
            }
        }
    });
    let fetches = certificates.fake.asked().len();
    Flooded { genuine, out_for, took: began.elapsed(), fetches }
}

/// The status that a genuine webhook is answered whose certificate has this name.
fn deliver(connection: &mut Connection, name: &str, certificates: &Certificates) -> u16 {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
    let body = paypal_event("PAYMENT.SALE.COMPLETED", &number);
    post(connection, &transmission(&body, &number, &certificates.url(name)), &body)
}

fn post(connection: &mut Connection, headers: &[(&'static str, String)], body: &str) -> u16 {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    connection.request("POST", PAYPAL, &headers, body).status
}

#[test]
fn names_of_no_certificate_keep_a_new_one_out_no_longer_than_once() {
    let flooded = flood(1_500, Duration::ZERO, Duration::from_millis(20));
    // Whatever comes first, the new certificate's second webhook asks for what was asked for before.
    assert_eq!(flooded.genuine[1..], [200; GENUINE - 1], "{flooded:?}");
    // Sixty of those that are not known, sixty that come again, and one of each a second.
    let most = 120 + 2 * (flooded.took.as_secs() + 1);
    assert!(flooded.fetches as u64 <= most, "{flooded:?}");
}

/// `cargo test --test it -- --ignored --nocapture new_certificate_in_a_flood`
#[test]
#[ignore = "a measurement of 45 seconds"]
fn a_new_certificate_in_a_flood_of_145_a_second() {
    let pause = Duration::from_secs(1) / 145;
    println!("{:?}", flood(45 * 145, pause, Duration::from_millis(350)));
}

const FORGERS: usize = 64;
