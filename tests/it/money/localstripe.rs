//! localstripe, an imitation of Stripe that others wrote, driven by Stripe's own client: what it sends,
//! lists and tells is applied like Stripe's. Where both are not installed nothing is tested;
//! `.ci/run` sees to it that they are.
//!
//! It sends webhooks of payments that succeeded or failed, and lists them. Of refunds and releases it
//! makes no events, so those are found by asking for the payment itself. It can't list payments by
//! the time at which they were made, so discrepancies are not compared with it.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::provider::{SECRET, STRIPE};

const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000341";

struct LocalStripe {
    process: Child,
    python: String,
    base: String,
}

impl LocalStripe {
    /// `None` where it is not installed.
    fn start(options: &Options) -> Option<Self> {
        let python = python()?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a port").port();
        let process = Command::new(&python)
            .args(["-m", "localstripe", "--from-scratch", "--port", &port.to_string()])
            .current_dir(options.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let local = Self { process, python, base: format!("http://127.0.0.1:{port}") };
        let address = format!("127.0.0.1:{port}");
        wait_until("localstripe listens", || std::net::TcpStream::connect(&address).is_ok());
        Some(local)
    }

    /// Something that a shop does there.
    fn does(&self, what: &[&str]) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/localstripe_shop.py");
        let output = Command::new(&self.python).arg(script).arg(&self.base).args(what).output();
        let Output { status, stdout, stderr } = output.expect("it runs");
        assert!(status.success(), "{what:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).expect("text").trim().to_owned()
    }

    /// Webhooks go to this daemon from now on.
    fn sends_to(&self, daemon: &Daemon) {
        self.does(&["webhooks", &format!("http://{}{STRIPE}", daemon.public), SECRET]);
    }

    /// Webhooks go nowhere from now on.
    fn sends_nowhere(&self) {
        self.does(&["webhooks", "http://127.0.0.1:1/", SECRET]);
    }
}

impl Drop for LocalStripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Python that has both, if there is one: the one beside a `localstripe` that is found.
fn python() -> Option<String> {
    let beside = |folder: std::path::PathBuf| {
        let python = folder.join("python3");
        folder.join("localstripe").exists().then(|| python.display().to_string())
    };
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).filter_map(beside);
    candidates.into_iter().find(|python| {
        let both = Command::new(python).args(["-c", "import localstripe, stripe"]).output();
        both.is_ok_and(|output| output.status.success())
    })
}

fn states(options: &Options) -> Vec<String> {
    let all =
        "SELECT reference || ' ' || status || ' ' || amount_received || ' ' || amount_refunded
               FROM transactions ORDER BY id";
    options.database().rows(all)
}

#[test]
fn what_localstripe_did_not_send_is_found() {
    let options = Options::stripe()
        .variable("STRIPE_SECRET_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc")
        .variable("PAYHOOKD_RECONCILE_EVERY", "off");
    let Some(local) = LocalStripe::start(&options) else {
        println!("skipped: localstripe and Stripe's client for Python are not installed");
        return;
    };
    let options = options.variable("PAYHOOKD_STRIPE_API_BASE", &local.base);
    let daemon = options.start();
    let register = |reference: &str| {
        options.done(&[
            "transactions",
            "add",
            "--provider",
            "stripe",
            "--reference",
            reference,
            "--amount",
            "4999",
            "--currency",
            "EUR",
        ]);
    };

    // Its webhooks are proved and applied.
    local.sends_to(&daemon);
    let sent = local.does(&["pay", GOOD]);
    register(&sent);
    wait_until("its webhook is applied", || {
        states(&options) == [format!("{sent} succeeded 4999 0")]
    });

    // Then they are dropped.
    local.sends_nowhere();
    let missed = local.does(&["pay", GOOD]);
    let declined = local.does(&["pay", DECLINED]);
    let released = local.does(&["hold"]);
    for reference in [&missed, &declined, &released] {
        register(reference);
    }
    local.does(&["cancel", &released]);
    local.does(&["refund", &sent, "1000"]);

    // What it lists as events.
    let before = options.database().snapshot();
    options.done(&["reconcile", "--dry-run"]);
    assert_eq!(options.database().snapshot(), before);
    options.done(&["reconcile"]);
    let after_events = [
        format!("{sent} succeeded 4999 0"),
        format!("{missed} succeeded 4999 0"),
        format!("{declined} failed 0 0"),
        format!("{released} pending 0 0"),
    ];
    assert_eq!(states(&options), after_events);

    // What it tells of each payment.
    for reference in [&sent, &missed, &declined, &released] {
        let told = options.done(&["reconcile", "--object", reference, "--json"]);
        let told: Value = serde_json::from_str(told.lines().next().expect("a line")).expect("JSON");
        assert_eq!(told["outcome"], "processed", "{told}");
    }
    let after_objects = [
        format!("{sent} partially_refunded 4999 1000"),
        format!("{missed} succeeded 4999 0"),
        format!("{declined} failed 0 0"),
        format!("{released} canceled 0 0"),
    ];
    assert_eq!(states(&options), after_objects);

    // All of it again changes nothing.
    let rows = options.database().count("transaction_events");
    options.done(&["reconcile"]);
    options.done(&["reconcile", "--object", &sent]);
    assert_eq!(options.database().count("transaction_events"), rows);
    assert_eq!(states(&options), after_objects);
    daemon.database().assert_proved();
}
