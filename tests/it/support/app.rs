//! The shop's app: checks who tells it of changes, and remembers what it was told.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::support::daemon::{Options, wait_until};
use crate::support::fake::{Asked, Fake, Reply};
use payhookd::telemetry::clock::Clock;

/// What the daemon signs with.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Script = Box<dyn Fn(&Told) -> Reply + Send>;

/// A running app.
pub(crate) struct App {
    /// Where it listens.
    pub(crate) fake: Fake,
    script: Arc<Mutex<Script>>,
}

/// One message as it came; its signature was genuine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// `webhook-id`.
    pub(crate) message_id: String,
    /// The body, byte for byte.
    pub(crate) text: String,
    /// The body.
    pub(crate) body: Value,
}

impl Told {
    /// Reads a message that was signed with this secret, now.
    pub(crate) fn verified(asked: &Asked, secret: &str) -> Result<Self, String> {
        let header = |name: &str| asked.header(name).ok_or_else(|| format!("no {name}"));
        let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
        let seconds: i64 = timestamp.parse().map_err(|_| format!("timestamp {timestamp}"))?;
        if (Clock::SYSTEM.now().unix_seconds() - seconds).abs() > 300 {
            return Err(format!("timestamp {timestamp} is not now"));
        }
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(&asked.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        if !header("webhook-signature")?.split(' ').any(|signature| signature == expected) {
            return Err(format!("signature of {id}"));
        }
        let text = asked.text().to_owned();
        let body = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(Self { message_id: id.to_owned(), text, body })
    }

    /// `transaction.succeeded` and the like.
    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().expect("a type")
    }

    /// The reference that the transaction was registered with.
    pub(crate) fn reference(&self) -> &str {
        self.body["data"]["reference"].as_str().expect("a reference")
    }

    /// The version of the transaction.
    pub(crate) fn version(&self) -> i64 {
        self.body["data"]["version"].as_i64().expect("a version")
    }
}

impl App {
    /// Starts an app that takes everything.
    pub(crate) fn start() -> Self {
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(|_| Reply::ok("taken"))));
        let of_fake = Arc::clone(&script);
        let fake = Fake::start(move |asked| match Told::verified(asked, SECRET) {
            Ok(told) => (of_fake.lock().expect("no panic"))(&told),
            Err(error) => Reply::Answer(401, None, error),
        });
        Self { fake, script }
    }

    /// What it does from now on with a message that is genuine.
    pub(crate) fn says(&self, script: impl Fn(&Told) -> Reply + Send + 'static) {
        *self.script.lock().expect("no panic") = Box::new(script);
    }

    /// Takes everything from now on.
    pub(crate) fn recovers(&self) {
        self.says(|_| Reply::ok("taken"));
    }

    /// A daemon for Stripe that tells this app; attempts follow each other at once.
    pub(crate) fn options(&self) -> Options {
        self.and_tells(Options::stripe())
    }

    /// The same of any daemon.
    pub(crate) fn and_tells(&self, options: Options) -> Options {
        options
            .variable("PAYHOOKD_NOTIFY_URL", format!("http://{}/changes?shop=1", self.fake.address))
            .variable("PAYHOOKD_NOTIFY_SECRET", SECRET)
            .arg("--unsafe-test-backoff=10")
    }

    /// Everything that it was told so far, in order; all of it was genuine.
    pub(crate) fn told(&self) -> Vec<Told> {
        let asked = self.fake.asked();
        let told = asked.iter().map(|asked| {
            assert_eq!((&*asked.method, &*asked.path), ("POST", "/changes?shop=1"));
            Told::verified(asked, SECRET).expect("a genuine message")
        });
        told.collect()
    }

    /// The versions that it was told of the transaction with this reference, in order.
    pub(crate) fn versions(&self, reference: &str) -> Vec<i64> {
        let told = self.told().into_iter().filter(|told| told.reference() == reference);
        told.map(|told| told.version()).collect()
    }
}

/// Registers `pi_<name>` over 49.99 EUR for each name, as the shop does beside a running daemon.
pub(crate) fn add(options: &Options, names: &[&str]) {
    let line = |name: &&str| {
        format!(
            r#"{{"provider":"stripe","reference":"pi_{name}","order_id":"order {name}","amount":4999,"currency":"EUR","metadata":{{"cart":7}}}}"#
        )
    };
    let lines = names.iter().map(line).collect::<Vec<_>>().join("\n");
    let output = options.run_with_input(&["transactions", "import", "-"], &lines);
    assert!(output.status.success(), "{output:?}");
}

/// Waits until every delivery of a database has this status.
pub(crate) fn wait_until_all(options: &Options, status: &str) {
    let database = options.database();
    let others = format!("SELECT count(*) FROM deliveries WHERE status <> '{status}'");
    wait_until(&format!("all are {status}"), || {
        database.count("deliveries") > 0 && database.one::<i64>(&others) == 0
    });
}
