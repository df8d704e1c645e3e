//! PayPal signs no more of a body than its CRC-32: whoever has seen one transmission can write another
//! body for it. What becomes of the two.

use serde_json::Value;

use crate::reading::dashboard::{Visitor, start_with};
use crate::support::admin::App;
use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::paypal_api::PaypalApi;
use crate::support::provider::{PAYPAL, PaypalSample, WEBHOOK_ID, at, sandbox_authority};
use crate::support::wire::Answer;
use crate::telling::issues::{last_said, said};
use payhookd::simulator::authority::NewTransmission;
use payhookd::telemetry::clock::Clock;

/// `body` with white space behind it that gives it this CRC-32. Each space that becomes a tab changes the
/// checksum in a way that is its own and adds up by XOR, so the right ones are the solution of a linear
/// system.
fn with_crc(body: &str, crc: u32) -> String {
    let blank = format!("{body}{}", " ".repeat(64)).into_bytes();
    let begin = crc32fast::hash(&blank);
    let mut basis: [Option<(u32, u64)>; 32] = [None; 32];
    let reduce = |basis: &[Option<(u32, u64)>; 32], mut vector: (u32, u64)| {
        for (bit, known) in basis.iter().enumerate() {
            if let Some((change, tabs)) = known
                && vector.0 >> bit & 1 == 1
            {
                vector = (vector.0 ^ change, vector.1 ^ tabs);
            }
        }
        vector
    };
    for place in 0..64 {
        let mut tabbed = blank.clone();
        tabbed[body.len() + place] = b'\t';
        let vector = reduce(&basis, (crc32fast::hash(&tabbed) ^ begin, 1 << place));
        if vector.0 != 0 {
            let bit = vector.0.trailing_zeros() as usize;
            // Every other vector is without this bit.
            for known in basis.iter_mut().flatten().filter(|known| known.0 >> bit & 1 == 1) {
                *known = (known.0 ^ vector.0, known.1 ^ vector.1);
            }
            basis[bit] = Some(vector);
        }
    }
    let (left, tabs) = reduce(&basis, (begin ^ crc, 0));
    assert_eq!(left, 0, "sixty-four places are enough");
    let behind = (0..64).map(|place| if tabs >> place & 1 == 1 { '\t' } else { ' ' });
    let forged: String = body.chars().chain(behind).collect();
    assert_eq!(crc32fast::hash(forged.as_bytes()), crc);
    forged
}

/// PayPal's genuine event about the sale of `PAY-1`, and one of ten thousand that a forger makes of it
/// for the same transmission.
struct Two {
    genuine: String,
    forged: String,
}

impl Two {
    fn new() -> Self {
        let sample = || {
            let now = Clock::SYSTEM.now().to_string();
            PaypalSample::new("PAYMENT.SALE.COMPLETED", "1").at(&now)
        };
        let genuine = sample().body();
        let forged = with_crc(&sample().amount(1_000_000).body(), crc(&genuine));
        Self { genuine, forged }
    }
}

fn crc(body: &str) -> u32 {
    crc32fast::hash(body.as_bytes())
}

const EVENT: &str = "WH-1-PAYMENT.SALE.COMPLETED";

/// A shop that expects 49.99 EUR of `PAY-1`, and PayPal's API.
struct Shop {
    certificates: Certificates,
    api: PaypalApi,
    options: Options,
}

impl Shop {
    fn new() -> Self {
        let certificates = Certificates::of_sandbox();
        let options = Options::paypal(certificates.fake.address);
        let shop = Self { certificates, api: PaypalApi::start(), options };
        shop.options.done(&["--migrate"]);
        shop
    }

    fn register(&self) {
        self.options.done(&[
            "transactions",
            "add",
            "--provider",
            "paypal",
            "--reference",
            "PAY-1",
            "--order-id",
            "B-1",
            "--amount",
            "4999",
            "--currency",
            "EUR",
            "--mode",
            "test",
        ]);
    }

    fn start(&self) -> Daemon {
        start_with(self.options.clone())
    }

    /// With the keys, and looking at once.
    fn start_asking(&self) -> Daemon {
        let options = self.api.options(self.options.clone());
        let options = options.variable("PAYHOOKD_RECONCILE_EVERY", "1h");
        start_with(options.arg("--unsafe-test-reconcile-every=100"))
    }

    /// Changes rows behind the daemon's back.
    fn sql(&self, sql: &str) {
        let sqlite = rusqlite::Connection::open(self.options.db()).expect("a database");
        sqlite.execute_batch(sql).expect("SQL");
    }

    /// PayPal's API has this event, written otherwise than a webhook is.
    fn paypal_has(&self, body: &str) {
        let event: Value = serde_json::from_str(body).expect("JSON");
        let body = serde_json::to_string_pretty(&event).expect("JSON");
        self.api.has_object(&format!("/v1/notifications/webhooks-events/{EVENT}"), body);
    }

    /// Delivers `body` with the signature of a transmission of `signed`.
    fn deliver(&self, daemon: &Daemon, transmission: &str, signed: &str, body: &str) -> Answer {
        let url = self.certificates.url("CERT-1");
        let transmission = NewTransmission {
            id: transmission,
            time: at("2024-11-23T11:52:04Z"),
            webhook_id: WEBHOOK_ID,
            cert_url: &url,
        };
        let headers = sandbox_authority().sign(signed.as_bytes(), &transmission);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        daemon.post(PAYPAL, &headers, body)
    }
}

fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{}", answer.text());
    answer.reason().expect("a reason")
}

const STATE: &str = "SELECT status, amount_received, doubtful FROM transactions";
const ISSUES: &str =
    "SELECT subject, severity, closed_at IS NULL FROM issues WHERE kind = 'doubtful_event'";

#[test]
fn a_forged_body_that_comes_first_is_told_marked_and_put_right_by_paypal() {
    let (shop, Two { genuine, forged }) = (Shop::new(), Two::new());
    shop.register();
    let daemon = shop.start();
    assert_eq!(shop.deliver(&daemon, "1", &genuine, &forged).status, 200);
    assert_eq!(daemon.database().rows(STATE), ["succeeded|1000000|0"]);

    let answer = shop.deliver(&daemon, "1", &genuine, &genuine);
    assert_eq!(refused(&answer), "replayed_transmission_id");
    assert_eq!(daemon.database().rows(STATE), ["succeeded|1000000|1"]);
    assert_eq!(daemon.database().rows(ISSUES), [format!("{EVENT}|critical|1")]);
    let said = said(daemon.options(), Some("doubtful_event"))[0].to_string();
    for named in [EVENT, "B-1", "PAY-1", "PAYPAL_CLIENT_ID"] {
        assert!(said.contains(named), "{named}: {said}");
    }
    let app = App::with_token(&daemon, crate::reading::dashboard::TOKEN);
    let shown = app.json("/api/v1/transactions/1");
    assert_eq!(shown["doubtful"], true, "{shown}");
    let last = app.json("/api/v1/changes")["data"].as_array().and_then(|all| all.last().cloned());
    let last = last.expect("a change");
    assert_eq!(last["change"], "transaction.updated");
    assert_eq!(last["transaction"]["doubtful"], true);
    assert!(Visitor::of(&daemon).page("/transactions/1").contains("doubtful"));
    let shown = shop.options.done(&["transactions", "show", "B-1"]);
    assert!(shown.contains("doubtful: "), "{shown}");
    drop(daemon);

    // PayPal does not know it yet: nothing is concluded, but that is said.
    let daemon = shop.start_asking();
    wait_until("PayPal was asked", || {
        let title = last_said(daemon.options(), "doubtful_event", "title");
        title.starts_with("PayPal knows no event ")
    });
    assert_eq!(daemon.database().rows(STATE), ["succeeded|1000000|1"]);
    drop(daemon);

    shop.paypal_has(&genuine);
    shop.sql("UPDATE doubtful_events SET ask_at = seen_at");
    let daemon = shop.start_asking();
    wait_until("it is put right", || daemon.database().rows(STATE) == ["succeeded|4999|0"]);
    let kept = "SELECT source, proof, payload LIKE '%49.99%' FROM webhook_logs";
    assert_eq!(daemon.database().rows(kept), ["catch-up|the provider's API|1"]);
    assert_eq!(daemon.database().rows(ISSUES), [format!("{EVENT}|critical|1")]);
    let title = last_said(daemon.options(), "doubtful_event", "title");
    assert!(title.starts_with("Forged, and put right"), "{title}");

    // The genuine one is taken when it comes again, the forged one never is.
    let again = shop.deliver(&daemon, "1", &genuine, &genuine);
    assert_eq!(again.text(), r#"{"received":true,"duplicate":true}"#);
    assert_eq!(refused(&shop.deliver(&daemon, "1", &genuine, &forged)), "replayed_transmission_id");
    assert_eq!(daemon.database().rows(STATE), ["succeeded|4999|0"]);
    daemon.database().assert_sound();
    drop(daemon);
    let read = shop.options.done(&["events", "replay", "--since", "2020-01-01"]);
    assert!(read.contains("0 changed"), "{read}");
    let checked = shop.options.run(&["doctor", "--verify-log"]);
    assert!(!String::from_utf8_lossy(&checked.stdout).contains("was changed"), "{checked:?}");
}

#[test]
fn a_genuine_body_that_came_first_is_confirmed_by_paypal() {
    let (shop, Two { genuine, forged }) = (Shop::new(), Two::new());
    let daemon = shop.start();
    assert_eq!(shop.deliver(&daemon, "1", &genuine, &genuine).status, 200);
    // In another transmission, of which the forger has seen the headers.
    let other = genuine.replace(EVENT, "WH-2");
    let for_other = with_crc(&forged, crc(&other));
    assert_eq!(refused(&shop.deliver(&daemon, "2", &other, &for_other)), "reused_event_id");
    assert_eq!(refused(&shop.deliver(&daemon, "1", &genuine, &forged)), "replayed_transmission_id");
    let issues = "SELECT subject, count FROM issues WHERE kind = 'doubtful_event'";
    assert_eq!(daemon.database().rows(issues), [format!("{EVENT}|2")]);
    // Whoever registers it now is told.
    shop.register();
    assert_eq!(daemon.database().rows(STATE), ["succeeded|4999|1"]);
    drop(daemon);

    shop.paypal_has(&genuine);
    let daemon = shop.start_asking();
    wait_until("it is confirmed", || daemon.database().rows(STATE) == ["succeeded|4999|0"]);
    assert_eq!(daemon.database().rows(ISSUES), [format!("{EVENT}|critical|0")]);
    let kept = "SELECT source, payload FROM webhook_logs";
    assert_eq!(daemon.database().rows(kept), [format!("webhook|{genuine}")]);
    // Nothing that a forger sends puts that in doubt again.
    assert_eq!(refused(&shop.deliver(&daemon, "1", &genuine, &forged)), "replayed_transmission_id");
    assert_eq!(daemon.database().rows(STATE), ["succeeded|4999|0"]);
    assert_eq!(daemon.database().rows(ISSUES), [format!("{EVENT}|critical|0")]);
    daemon.database().assert_sound();
}

#[test]
fn without_keys_a_person_ends_the_doubt() {
    let (shop, Two { genuine, forged }) = (Shop::new(), Two::new());
    shop.register();
    let daemon = shop.start();
    assert_eq!(shop.deliver(&daemon, "1", &genuine, &genuine).status, 200);
    assert_eq!(refused(&shop.deliver(&daemon, "1", &genuine, &forged)), "replayed_transmission_id");
    assert_eq!(daemon.database().rows(STATE), ["succeeded|4999|1"]);
    let issue = "SELECT id FROM issues WHERE kind = 'doubtful_event'";
    let issue: i64 = daemon.database().one(issue);
    daemon.options().done(&["issues", "dismiss", &issue.to_string()]);
    assert_eq!(daemon.database().rows(STATE), ["succeeded|4999|0"]);
    assert_eq!(daemon.database().rows(ISSUES), [format!("{EVENT}|critical|0")]);
    // The same forgery opens nothing again.
    assert_eq!(refused(&shop.deliver(&daemon, "1", &genuine, &forged)), "replayed_transmission_id");
    assert_eq!(daemon.database().rows(STATE), ["succeeded|4999|0"]);
    daemon.database().assert_sound();
}

#[test]
fn a_payment_that_paypal_never_told_of_is_taken_back() {
    let shop = Shop::new();
    shop.register();
    let told = Two::new().genuine;
    let mut genuine: Value = serde_json::from_str(&told).expect("JSON");
    genuine["event_type"] = "CUSTOMER.ACCOUNT-LIMITATION.ADDED".into();
    let genuine = genuine.to_string();
    let forged = with_crc(&told, crc(&genuine));
    let daemon = shop.start();
    assert_eq!(shop.deliver(&daemon, "1", &genuine, &forged).status, 200);
    assert_eq!(
        refused(&shop.deliver(&daemon, "1", &genuine, &genuine)),
        "replayed_transmission_id"
    );
    assert_eq!(daemon.database().rows(STATE), ["succeeded|4999|1"]);
    drop(daemon);
    shop.paypal_has(&genuine);
    let daemon = shop.start_asking();
    wait_until("it is taken back", || daemon.database().rows(STATE) == ["pending|0|0"]);
    let kept = "SELECT event_type, status, transaction_id FROM webhook_logs";
    assert_eq!(daemon.database().rows(kept), ["CUSTOMER.ACCOUNT-LIMITATION.ADDED|ignored|-"]);
    assert_eq!(daemon.database().count("transaction_events"), 0);
    daemon.database().assert_sound();
}

#[test]
fn a_transmission_whose_body_was_refused_carries_no_other() {
    let (shop, Two { genuine, .. }) = (Shop::new(), Two::new());
    let daemon = shop.start();
    for (transmission, unreadable, reason) in
        [("1", "{", "invalid_json"), ("2", "{\"no\":\"event\"}", "not_an_event")]
    {
        assert_eq!(refused(&shop.deliver(&daemon, transmission, unreadable, unreadable)), reason);
        let forged = with_crc(&genuine, crc(unreadable));
        let answer = shop.deliver(&daemon, transmission, unreadable, &forged);
        assert_eq!(refused(&answer), "replayed_transmission_id");
        assert_eq!(refused(&shop.deliver(&daemon, transmission, unreadable, unreadable)), reason);
    }
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    let known = "SELECT transmission_id, log_id FROM paypal_transmissions ORDER BY 1";
    assert_eq!(daemon.database().rows(known), ["1|-", "2|-"]);
    assert_eq!(daemon.database().rows(ISSUES), ["1|critical|1", "2|critical|1"]);
}

#[test]
fn what_a_transmission_carried_is_known_a_year_longer_than_bodies_are() {
    let (shop, Two { genuine, .. }) = (Shop::new(), Two::new());
    let daemon = shop.start();
    for transmission in ["young", "old"] {
        assert_eq!(shop.deliver(&daemon, transmission, &genuine, &genuine).status, 200);
    }
    drop(daemon);
    let now = Clock::SYSTEM.now();
    for (transmission, days) in [("young", 400), ("old", 500)] {
        let then = now.minus(std::time::Duration::from_secs(days * 86_400));
        shop.sql(&format!(
            "UPDATE paypal_transmissions SET received_at = '{then}'
             WHERE transmission_id = '{transmission}'"
        ));
    }
    shop.options.done(&["prune", "--keep-payloads", "90d"]);
    let known = "SELECT transmission_id FROM paypal_transmissions";
    assert_eq!(shop.options.database().rows(known), ["young"]);
}
