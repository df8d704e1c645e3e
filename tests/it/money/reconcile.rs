//! Reconciliation is fetched from the providers' APIs: once, to its end, and beside everything else.

use serde_json::Value;

use crate::support::admin::App;
use crate::support::app;
use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::database::Database;
use crate::support::fake::{Reply, parameters};
use crate::support::paypal_api::PaypalApi;
use crate::support::provider::{PAYPAL, PaypalSample, StripeSample, vectors};
use crate::support::stripe_api::{StripeApi, TEST_KEY};

/// When the outage begins, and when it is over.
const BEFORE: &str = "2026-11-19T12:00:00Z";
const AFTER: &str = "2026-11-24T12:00:00Z";

/// Both providers, and both their APIs, for test money.
struct World {
    stripe: StripeApi,
    paypal: PaypalApi,
    certificates: Certificates,
}

impl World {
    fn new() -> Self {
        Self {
            stripe: StripeApi::start(),
            paypal: PaypalApi::start(),
            certificates: Certificates::of_sandbox(),
        }
    }

    /// A daemon's settings with an empty database, without keys of the APIs.
    fn deaf(&self) -> Options {
        Options::paypal(self.certificates.fake.address)
            .variable("STRIPE_WEBHOOK_SECRET", crate::support::provider::SECRET)
            .arg("--stripe-tolerance=off")
            .arg("--mode=test")
    }

    /// The same with keys, and impatient.
    fn options(&self) -> Options {
        self.asking(self.deaf())
    }

    fn asking(&self, options: Options) -> Options {
        self.paypal
            .options(self.stripe.options(options))
            .variable("STRIPE_SECRET_KEY", TEST_KEY)
            .arg("--unsafe-test-api-pause=1")
    }

    fn deliver(&self, daemon: &Daemon, event: &Sent) {
        let answer = match event {
            Sent::Stripe(body) => daemon.deliver_stripe(body),
            Sent::Paypal(body) => daemon.deliver_paypal(body, &self.certificates.url("CERT-1")),
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The provider's API lists it, in its own rendering.
    fn lists(&self, event: &Sent) {
        match event {
            Sent::Stripe(body) => self.stripe.has(rendered(body)),
            Sent::Paypal(body) => self.paypal.has(rendered(body)),
        }
    }
}

/// An event as its provider sends it.
enum Sent {
    Stripe(String),
    Paypal(String),
}

/// The same as the API writes it.
fn rendered(body: &str) -> String {
    let event: Value = serde_json::from_str(body).expect("JSON");
    serde_json::to_string_pretty(&event).expect("JSON")
}

fn stripe(event_type: &'static str, name: &str, at: &str) -> StripeSample {
    StripeSample::new(event_type, name).test_money().at(at)
}

fn paypal(event_type: &'static str, name: &str, at: &str) -> PaypalSample {
    PaypalSample::new(event_type, name).at(at)
}

fn register(options: &Options) {
    for (provider, reference, order_id) in [
        ("stripe", "pi_1", "A-1"),
        ("stripe", "pi_2", "A-2"),
        ("stripe", "pi_3", "A-3"),
        ("paypal", "PAY-1", "B-1"),
        ("paypal", "ORDER-2", "B-2"),
    ] {
        options.done(&[
            "transactions",
            "add",
            "--provider",
            provider,
            "--reference",
            reference,
            "--order-id",
            order_id,
            "--amount",
            "4999",
            "--currency",
            "EUR",
            "--mode",
            "test",
        ]);
    }
}

/// What happens before the outage.
fn before() -> Vec<Sent> {
    vec![
        Sent::Stripe(stripe("payment_intent.processing", "1", "2026-11-19T11:00:00Z").body()),
        Sent::Paypal(paypal("CHECKOUT.ORDER.APPROVED", "2", "2026-11-19T11:00:01Z").body()),
    ]
}

/// What happens during five days, of every kind; more than a page of it in one minute.
fn during() -> Vec<Sent> {
    let mut old = stripe("payment_intent.succeeded", "3", "2026-11-20T10:00:00Z").body();
    let mut event: Value = serde_json::from_str(&old).expect("JSON");
    // As Stripe wrote events before 2017-05-25.
    event["api_version"] = "2016-07-06".into();
    event["request"] = "req_1".into();
    old = event.to_string();
    event = serde_json::from_str(
        &stripe("charge.dispute.created", "odd", "2026-11-20T10:00:02Z").body(),
    )
    .expect("JSON");
    event["data"]["object"] = "dp_odd".into();
    let mut all = vec![
        Sent::Stripe(stripe("payment_intent.succeeded", "1", "2026-11-19T13:00:00Z").body()),
        Sent::Stripe(stripe("payment_intent.requires_action", "1", "2026-11-19T13:00:00Z").body()),
        Sent::Stripe(stripe("payment_intent.payment_failed", "2", "2026-11-19T14:00:00Z").body()),
        Sent::Stripe(old),
        Sent::Stripe(event.to_string()),
        Sent::Stripe(
            stripe("charge.dispute.created", "1", "2026-11-21T10:00:00Z").parent("ch_1").body(),
        ),
        Sent::Stripe(stripe("customer.updated", "1", "2026-11-21T11:00:00Z").body()),
        Sent::Paypal(
            paypal("PAYMENT.SALE.COMPLETED", "1", "2026-11-20T09:00:00.250Z").object("S-1").body(),
        ),
        Sent::Paypal(paypal("PAYMENT.CAPTURE.COMPLETED", "2", "2026-11-22T09:00:00.250Z").body()),
        Sent::Paypal(
            paypal("PAYMENT.SALE.REFUNDED", "1", "2026-11-23T09:00:00.250Z").parent("S-1").body(),
        ),
    ];
    for number in 0..9 {
        let name = format!("crowd{number}");
        let at = format!("2026-11-22T10:00:{:02}Z", number * 5);
        all.push(Sent::Stripe(stripe("payment_intent.succeeded", &name, &at).body()));
        all.push(Sent::Paypal(paypal("PAYMENT.SALE.COMPLETED", &name, &at).body()));
    }
    all
}

/// Everything that a shop may rely on, without numbers of rows and times of receipt.
fn truth(database: &Database) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "SELECT reference, order_id, status, amount_received, amount_refunded, dispute_status,
                amount_check, livemode, version, status_changed_at FROM transactions ORDER BY 1",
        "SELECT provider, event_id, event_type, api_version, livemode, occurred_at, status, error
         FROM webhook_logs ORDER BY 1, 2",
        "SELECT provider, event_id, ordinal, object, object_id, fact, amount, captured, refunded
         FROM transaction_events JOIN webhook_logs USING (event_id) ORDER BY 1, 2, 3",
        "SELECT reference, change, c.status, c.version, event_id FROM transaction_changes c
         JOIN transactions t ON t.id = c.transaction_id
         LEFT JOIN webhook_logs l ON l.id = c.log_id ORDER BY 1, 4",
        "SELECT provider, reference, status, amount, currency, kind, resolved_at
         FROM orphan_transactions ORDER BY 1, 2",
        "SELECT provider, value, kind FROM transaction_references ORDER BY 1, 2",
    ] {
        all.extend(database.rows(sql));
    }
    all
}

#[test]
fn after_five_days_everything_is_as_if_the_daemon_had_never_been_down() {
    let world = World::new();
    world.stripe.largest_page(3);
    world.paypal.largest_page(3);
    let never_down = world.deaf();
    let daemon = never_down.clone().clock(AFTER).start();
    register(&never_down);
    for event in before().iter().chain(&during()) {
        world.deliver(&daemon, event);
        world.lists(event);
    }
    // The list may have an event twice.
    world.lists(&during()[0]);
    drop(daemon);

    let was_down = world.deaf();
    register_and_stop(&world, &was_down);
    // Not every call is answered as it should be.
    let limited = || Some(Reply::Answer(429, Some(("retry-after", "1".to_owned())), String::new()));
    let error = || Some(Reply::Answer(503, None, "busy".to_owned()));
    world.stripe.troubles([limited(), None, error(), Some(Reply::Hang), None, Some(Reply::Close)]);
    world.paypal.troubles([Some(Reply::Close), error(), None, Some(Reply::Hang), limited()]);
    let options = world.asking(was_down).variable("PAYHOOKD_RECONCILE_EVERY", "1h").clock(AFTER);
    let options = options.arg("--unsafe-test-api-limit=2000");
    let daemon = options.start();
    daemon.wait_for_line("\"missed events fetched\" provider=stripe");
    daemon.wait_for_line("\"missed events fetched\" provider=paypal");
    assert_eq!(truth(&daemon.database()), truth(&never_down.database()));
    let by_source = "SELECT source, count(*), max(delivery_count) FROM webhook_logs GROUP BY 1";
    assert_eq!(daemon.database().rows(by_source), ["catch-up|28|1", "webhook|2|1"]);
    let proof = "SELECT DISTINCT proof FROM webhook_logs WHERE source = 'catch-up'";
    assert_eq!(daemon.database().rows(proof), ["the provider's API"]);
    let metrics = App::of(&daemon).get("/metrics");
    for line in [
        "payhookd_last_reconciled_timestamp_seconds{provider=\"stripe\"} 1795521600\n",
        "payhookd_caught_up_events_total{provider=\"paypal\",outcome=\"processed\"} 3\n",
    ] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    let missed = options.done(&["events", "list", "--source", "catch-up", "--json"]);
    assert_eq!(missed.lines().count(), 28, "{missed}");
    let listed = App::of(&daemon).json("/api/v1/events?source=webhook");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2), "{listed}");
    let shown = options.done(&["events", "show", "evt_1_payment_intent.succeeded"]);
    assert!(
        shown.contains("payhookd found this test payment_intent.succeeded in Stripe's list"),
        "{shown}"
    );
    daemon.database().assert_proved();

    // Once: nothing is left for anybody who looks again, from wherever on.
    let before = truth(&daemon.database());
    for since in ["7d", "2026-11-19"] {
        let clock = format!("--unsafe-test-clock={AFTER}");
        let args = ["reconcile", "--since", since, "--json", &clock, "--unsafe-test-api-pause=1"];
        for day in options.done(&args).lines() {
            let day: Value = serde_json::from_str(day).expect("JSON");
            assert_eq!((&day["new"], &day["seen"]), (&0.into(), &day["known"]), "{day}");
        }
    }
    assert_eq!(truth(&daemon.database()), before);
}

/// The daemon before its outage.
fn register_and_stop(world: &World, options: &Options) {
    let daemon = options.clone().clock(BEFORE).start();
    register(options);
    for event in &before() {
        world.deliver(&daemon, event);
    }
}

/// Runs `payhookd reconcile` after the outage.
fn reconcile(options: &Options, args: &[&str]) -> std::process::Output {
    let clock = format!("--unsafe-test-clock={AFTER}");
    let mut all = vec!["reconcile", &*clock, "--unsafe-test-api-pause=1"];
    all.extend(args);
    options.run(&all)
}

/// A daemon's database before the outage, and what was missed since then in both lists.
fn after_outage(world: &World) -> Options {
    let options = world.options();
    register_and_stop(world, &options);
    for event in before().iter().chain(&during()) {
        world.lists(event);
    }
    options
}

#[test]
fn a_report_tells_each_day() {
    let world = World::new();
    let options = after_outage(&world);
    let done = reconcile(&options, &["--json"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let lines = String::from_utf8(done.stdout).expect("text");
    let days: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let day = |provider: &str, day: &str| {
        let found = days.iter().find(|it| it["provider"] == provider && it["day"] == day);
        found.unwrap_or_else(|| panic!("{provider} {day}: {lines}")).clone()
    };
    let counts = |day: &Value| {
        ["seen", "known", "new", "applied", "orphaned", "ignored", "failed"]
            .map(|name| day[name].as_i64().expect("a number"))
    };
    assert_eq!(counts(&day("stripe", "2026-11-19")), [4, 1, 3, 3, 0, 0, 0]);
    assert_eq!(counts(&day("stripe", "2026-11-20")), [2, 0, 2, 1, 0, 0, 1]);
    assert_eq!(counts(&day("stripe", "2026-11-21")), [2, 0, 2, 1, 0, 1, 0]);
    assert_eq!(counts(&day("paypal", "2026-11-22")), [10, 0, 10, 1, 9, 0, 0]);

    let table = reconcile(&options, &["--since", "2026-11-01"]);
    let table = String::from_utf8(table.stdout).expect("text");
    assert!(table.contains("orphaned") && table.contains("2026-11-19"), "{table}");
    // A past that no provider keeps.
    let old = reconcile(&options, &["--since", "60d", "--provider", "paypal"]);
    assert_eq!(old.status.code(), Some(0), "{old:?}");
    assert!(String::from_utf8_lossy(&old.stderr).contains("thirty days"), "{old:?}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = World::new();
    let options = after_outage(&world);
    let everything = |options: &Options| {
        let database = options.database();
        let tables = database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'");
        let dump = |table: &String| database.rows(&format!("SELECT * FROM {table}"));
        tables.iter().map(|table| (table.clone(), dump(table))).collect::<Vec<_>>()
    };
    let before = everything(&options);
    let said = reconcile(&options, &["--dry-run"]);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let said = String::from_utf8(said.stdout).expect("text");
    assert!(said.ends_with("nothing was changed\n"), "{said}");
    let stripe = said.lines().find(|line| line.contains("stripe") && line.contains("2026-11-19"));
    let stripe: Vec<&str> = stripe.expect("a day").split_whitespace().collect();
    assert_eq!(stripe, ["stripe", "2026-11-19", "4", "1", "3", "3", "0", "0", "0"], "{said}");
    assert!(everything(&options) == before);
}

#[test]
fn a_run_that_fails_never_counts_as_done_and_the_next_goes_on_there() {
    let world = World::new();
    let options = after_outage(&world);
    let error = || Some(Reply::Answer(500, None, String::new()));
    // Two windows are read, then nothing more comes.
    world.stripe.troubles([None, None].into_iter().chain((0..5).map(|_| error())));
    let failed = reconcile(&options, &["--provider", "stripe"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("Stripe's list was not read to its end"), "{said}");
    assert!(said.contains("it answered 500"), "{said}");
    let runs = "SELECT outcome, seen > 0, error IS NOT NULL FROM reconcile_runs ORDER BY id";
    assert_eq!(options.database().rows(runs), ["failed|1|1"]);
    let covered: String = options.database().one("SELECT covered_until FROM reconcile_progress");
    assert!(("2026-11-20".."2026-11-23").contains(&&*covered), "{covered}");

    let asked = world.stripe.asked().len();
    assert_eq!(reconcile(&options, &["--provider", "stripe"]).status.code(), Some(0));
    let first = &world.stripe.asked()[asked];
    let from = parameters(&first.path).into_iter().find(|(name, _)| name == "created[gte]");
    let from: i64 = from.expect("a beginning").1.parse().expect("seconds");
    let covered_seconds = crate::support::provider::at(&covered).unix_seconds();
    assert_eq!(from, covered_seconds - 2 * 60 * 60, "{covered}");
    assert_eq!(options.database().rows(runs), ["failed|1|1", "done|1|0"]);
    let stripe = "SELECT count(*) FROM webhook_logs WHERE provider = 'stripe'";
    assert_eq!(options.database().one::<i64>(stripe), 17);
}

#[test]
fn a_daemon_killed_half_way_goes_on_after_its_next_start() {
    let world = World::new();
    let options = after_outage(&world).variable("PAYHOOKD_RECONCILE_EVERY", "1h").clock(AFTER);
    let complete = world.options();
    register(&complete);
    world.stripe.troubles([None, None, Some(Reply::Hang)]);
    world.paypal.troubles([None, Some(Reply::Hang)]);
    let daemon = options.start();
    wait_until("both hang", || {
        world.stripe.asked().len() == 3 && world.paypal.asked().len() == 1 + 2
    });
    daemon.kill();
    let done = "SELECT count(*) FROM reconcile_runs WHERE outcome IS NOT NULL";
    assert_eq!(options.database().one::<i64>(done), 0);
    options.database().assert_proved();
    world.stripe.troubles([]);
    world.paypal.troubles([]);

    let daemon = options.start();
    daemon.wait_for_line("\"missed events fetched\" provider=stripe");
    daemon.wait_for_line("\"missed events fetched\" provider=paypal");
    let other = complete.clock(AFTER).start();
    for event in before().iter().chain(&during()) {
        world.deliver(&other, event);
    }
    assert_eq!(truth(&daemon.database()), truth(&other.database()));
}

#[test]
fn webhooks_are_answered_while_both_apis_hang() {
    let world = World::new();
    world.stripe.fake().hold();
    world.paypal.fake().hold();
    let options = world.options().variable("PAYHOOKD_RECONCILE_EVERY", "1h");
    let daemon = options.start();
    wait_until("both are asked", || {
        !world.stripe.asked().is_empty() && !world.paypal.asked().is_empty()
    });
    for event in before() {
        world.deliver(&daemon, &event);
    }
    assert_eq!(daemon.database().count("webhook_logs"), 2);
    // Nobody was answered in between; nor does a stop wait for that.
    assert_eq!((world.stripe.asked().len(), world.paypal.asked().len()), (1, 1));
    let ended = daemon.terminate();
    assert!(ended.status.success(), "{}", ended.log);
}

#[test]
fn a_webhook_and_the_api_bring_the_same_event_once() {
    let world = World::new();
    let options = world.options();
    let daemon = options.clone().clock(AFTER).start();
    register(&options);
    let body = stripe("payment_intent.succeeded", "1", "2026-11-24T11:00:00Z").body();
    for turn in 0..8 {
        let event = stripe("payment_intent.succeeded", &format!("x{turn}"), "2026-11-24T11:00:00Z");
        world.lists(&Sent::Stripe(event.body()));
    }
    world.lists(&Sent::Stripe(body.clone()));
    // The run has its page, and looks what is known, while webhooks bring the same.
    let running = options.clone();
    let run =
        std::thread::spawn(move || reconcile(&running, &["--provider", "stripe", "--since", "3h"]));
    wait_until("it asks", || !world.stripe.asked().is_empty());
    world.deliver(&daemon, &Sent::Stripe(body));
    for turn in 0..8 {
        let event = stripe("payment_intent.succeeded", &format!("x{turn}"), "2026-11-24T11:00:00Z");
        world.deliver(&daemon, &Sent::Stripe(event.body()));
    }
    let run = run.join().expect("no panic");
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let database = daemon.database();
    assert_eq!(database.count("webhook_logs"), 9);
    assert_eq!(database.count("transaction_events"), 9);
    let paid = "SELECT status, amount_received, version FROM transactions WHERE reference = 'pi_1'";
    assert_eq!(database.rows(paid), ["succeeded|4999|2"]);
}

#[test]
fn a_webhook_of_paypals_that_comes_after_its_copy_from_the_api_is_taken() {
    let world = World::new();
    let options = world.options();
    register(&options);
    let body = paypal("PAYMENT.SALE.COMPLETED", "1", "2026-11-24T11:00:00Z").body();
    world.paypal.has(rendered(&body));
    let done = reconcile(&options, &["--provider", "paypal", "--since", "1d"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let daemon = options.clone().clock(AFTER).start();
    let url = world.certificates.url("CERT-1");
    let state =
        "SELECT status, amount_received, version FROM transactions WHERE reference = 'PAY-1'";
    let before = daemon.database().rows(state);
    assert_eq!(before, ["succeeded|4999|2"]);
    for _ in 0..2 {
        let answer = daemon.deliver_paypal(&body, &url);
        assert_eq!(answer.text(), r#"{"received":true,"duplicate":true}"#);
    }
    // That transmission carries this body and no other: PayPal signs no more than its checksum.
    let stored = daemon.database().one::<String>("SELECT payload FROM webhook_logs");
    assert_eq!(stored, rendered(&body));
    let transmitted = "SELECT hex(payload_sha256) FROM paypal_transmissions";
    assert_eq!(daemon.database().rows(transmitted).len(), 1);
    assert_eq!(daemon.database().rows(state), before);
    let counted = "SELECT delivery_count, source FROM webhook_logs";
    assert_eq!(daemon.database().rows(counted), ["3|catch-up"]);
    let shown = options.done(&["events", "show", "WH-1-PAYMENT.SALE.COMPLETED"]);
    assert!(shown.contains("webhooks brought it twice later"), "{shown}");

    // The other way round the copy from the API changes nothing.
    let other = paypal("PAYMENT.CAPTURE.COMPLETED", "2", "2026-11-24T11:00:01Z").body();
    assert_eq!(daemon.deliver_paypal(&other, &url).status, 200);
    let before = daemon.database().rows("SELECT * FROM webhook_logs");
    world.paypal.has(rendered(&other));
    let done = reconcile(&options, &["--provider", "paypal", "--since", "1d"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(daemon.database().rows("SELECT * FROM webhook_logs"), before);
    assert_eq!(daemon.deliver_paypal(&other, &url).status, 200);
}

#[test]
fn a_wrong_key_is_named_and_told_until_it_is_mended() {
    let world = World::new();
    let options = after_outage(&world);
    let wrong = options.clone().variable("STRIPE_SECRET_KEY", "sk_test_old_4eC39HqLyjWDarjtT1zdp7");
    let failed = reconcile(&wrong, &["--provider", "stripe"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(
        said.contains("it does not know the key in STRIPE_SECRET_KEY: copy it again"),
        "{said}"
    );
    assert!(!said.contains("sk_test_old_4eC39HqLyjWDarjtT1zdp7"), "{said}");
    let issues = "SELECT subject, closed_at IS NULL FROM issues WHERE kind = 'reconcile'";
    assert_eq!(options.database().rows(issues), ["stripe|1"]);
    assert_eq!(reconcile(&options, &["--provider", "stripe"]).status.code(), Some(0));
    assert_eq!(options.database().rows(issues), ["stripe|0"]);

    let live = options.clone().variable("STRIPE_SECRET_KEY", "sk_live_4eC39HqLyjWDarjtT1zdp7dc");
    let failed = reconcile(&live, &[]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(String::from_utf8_lossy(&failed.stderr).contains("STRIPE_SECRET_KEY says live"));
}

#[test]
fn without_keys_a_sentence_says_so() {
    let world = World::new();
    let options = world.deaf();
    let daemon = options.clone().variable("PAYHOOKD_RECONCILE_EVERY", "1h").start();
    daemon.wait_for_line("events that are missed will not be found");
    let failed = reconcile(&options, &[]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("no provider can be asked: set STRIPE_SECRET_KEY"), "{said}");
    let failed = reconcile(&options, &["--provider", "paypal"]);
    assert!(String::from_utf8_lossy(&failed.stderr).contains("set PAYPAL_CLIENT_ID"), "{failed:?}");
    let failed = reconcile(&Options::new(), &[]);
    assert!(String::from_utf8_lossy(&failed.stderr).contains("there is no database"), "{failed:?}");
}

#[test]
fn missed_events_are_looked_for_again_and_again() {
    let world = World::new();
    let options = world
        .options()
        .variable("PAYHOOKD_RECONCILE_EVERY", "1h")
        .arg("--unsafe-test-reconcile-every=100");
    let error = || Some(Reply::Answer(500, None, String::new()));
    // One run fails, and is made again.
    world.stripe.troubles((0..5).map(|_| error()));
    let now = payhookd::telemetry::clock::Clock::SYSTEM.now().to_string();
    let daemon = options.start();
    daemon.wait_for_line("\"missed events not fetched\" provider=stripe attempt=1");
    let done = "SELECT count(*) FROM reconcile_runs WHERE provider = 'stripe' AND outcome = 'done'";
    wait_until("a run is done", || daemon.database().one::<i64>(done) > 0);
    let body = stripe("payment_intent.succeeded", "1", &now).body();
    world.lists(&Sent::Stripe(body));
    wait_until("it is found", || daemon.database().count("webhook_logs") == 1);
    let failures = "payhookd_reconcile_failures_total{provider=\"stripe\"} 1\n";
    let metrics = App::of(&daemon).get("/metrics");
    assert!(metrics.text().contains(failures), "{}", metrics.text());
}

#[test]
fn a_webhook_that_comes_before_the_first_run_hides_nothing_that_was_missed() {
    let world = World::new();
    let options = after_outage(&world);
    // No run was made yet, and webhooks come again.
    let daemon = options.clone().clock(AFTER).start();
    world.deliver(&daemon, &Sent::Stripe(stripe("payment_intent.succeeded", "new", AFTER).body()));
    drop(daemon);
    assert_eq!(reconcile(&options, &["--provider", "stripe"]).status.code(), Some(0));
    let missed = "SELECT count(*) FROM webhook_logs WHERE source = 'catch-up' AND occurred_at < '2026-11-21'";
    assert!(options.database().one::<i64>(missed) > 0);
}

#[test]
fn a_part_that_was_looked_at_by_hand_closes_no_gap_before_it() {
    let world = World::new();
    let options = after_outage(&world);
    assert_eq!(reconcile(&options, &["--since", "1d"]).status.code(), Some(0));
    assert_eq!(options.database().count("reconcile_progress"), 0);
    assert_eq!(reconcile(&options, &[]).status.code(), Some(0));
    assert_eq!(options.database().count("webhook_logs"), 30);
    let covered = "SELECT DISTINCT covered_until FROM reconcile_progress";
    assert_eq!(options.database().rows(covered), ["2026-11-24T12:00:00.000Z"]);
}

/// PayPal signs no more of a body than its checksum, so a transmission that was seen must have the body
/// it had, also where that is not the body that is kept.
#[test]
fn a_transmission_seen_after_the_api_can_not_carry_another_body() {
    let vectors = vectors("paypal/signatures.json");
    let vector = |id: &str| vectors.iter().find(|vector| vector["id"] == id).expect("a vector");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (genuine, forged) = (vector("real-sandbox-2015-sale-a"), vector("forged-crc32-collision"));
    let (genuine_body, forged_body) = (text(&genuine["body"]), text(&forged["body"]));
    let certificates = Certificates::none();
    let pem = include_str!("../../data/vectors/paypal/certs/sandbox_2015_a5cafa77.pem");
    let headers = genuine["headers"].as_object().expect("headers");
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (&**name, value.as_str().expect("text"))).collect();
    let url = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("paypal-cert-url"));
    let name = url.and_then(|(_, url)| url.rsplit('/').next()).expect("a name");
    certificates.serve(name, Reply::ok(pem));
    let api = PaypalApi::start();
    api.has(rendered(&genuine_body));
    let now = text(&genuine["verify_at"]);
    let options = Options::new()
        .variable("PAYPAL_WEBHOOK_ID", text(&genuine["webhook_id"]))
        .variable("PAYHOOKD_MODE", "test")
        .variable("PAYHOOKD_PAYPAL_CERT_HOST", certificates.fake.address);
    let options = api.options(options).clock(&now);
    let daemon = options.start();
    let clock = format!("--unsafe-test-clock={now}");
    options.done(&["reconcile", "--since", "29d", &clock]);
    assert_eq!(daemon.database().count("webhook_logs"), 1);

    for _ in 0..2 {
        let answer = daemon.post(PAYPAL, &headers, &genuine_body);
        assert_eq!(answer.text(), r#"{"received":true,"duplicate":true}"#);
    }
    let before = daemon.database().snapshot();
    let answer = daemon.post(PAYPAL, &headers, &forged_body);
    assert_eq!((answer.status, &*answer.reason().expect("one")), (400, "replayed_transmission_id"));
    assert_eq!(daemon.database().snapshot(), before);
}

#[test]
fn what_a_webhook_could_not_say_is_applied_from_the_api() {
    let world = World::new();
    let options = world.options();
    let daemon = options.clone().clock(AFTER).start();
    register(&options);
    let body = paypal("PAYMENT.SALE.COMPLETED", "1", "2026-11-24T11:00:00Z").body();
    let mut event: Value = serde_json::from_str(&body).expect("JSON");
    event["resource"] = "left out".into();
    let broken = Sent::Paypal(event.to_string());
    world.deliver(&daemon, &broken);
    world.paypal.has(rendered(&body));
    let report = options.run(&["reconcile", "--unsafe-test-clock", AFTER, "--json"]);
    assert_eq!(report.status.code(), Some(0), "{report:?}");
    let state = "SELECT status, amount_received FROM transactions WHERE reference = 'PAY-1'";
    assert_eq!(daemon.database().rows(state), ["succeeded|4999"]);
    let kept = "SELECT status, source, proof FROM webhook_logs";
    assert_eq!(daemon.database().rows(kept), ["processed|catch-up|the provider's API"]);
    // Its transmission is what it was, and may come again.
    world.deliver(&daemon, &broken);
    assert_eq!(daemon.database().rows(kept), ["processed|catch-up|the provider's API"]);
    options.done(&["doctor", "--verify-log"]);
}

#[test]
fn the_shops_app_is_told_of_what_was_missed() {
    let (api, app) = (StripeApi::start(), app::App::start());
    let options = api.options(app.options()).variable("PAYHOOKD_RECONCILE_EVERY", "1h");
    app::add(&options, &["1"]);
    let now = payhookd::telemetry::clock::Clock::SYSTEM.now().to_string();
    api.has(StripeSample::new("payment_intent.succeeded", "1").at(&now).body());
    let daemon = options.start();
    wait_until("it is told", || {
        app.told().iter().any(|told| told.kind() == "transaction.succeeded")
    });
    drop(daemon);
}

#[test]
fn events_of_the_other_mode_touch_nothing() {
    let api = StripeApi::start();
    let options = api.options(Options::stripe());
    options.start().terminate();
    options.done(&[
        "transactions",
        "add",
        "--provider",
        "stripe",
        "--reference",
        "pi_1",
        "--amount",
        "4999",
        "--currency",
        "EUR",
    ]);
    let event = stripe("payment_intent.succeeded", "1", "2026-11-24T11:00:00Z");
    api.has(event.body());
    assert_eq!(reconcile(&options, &["--since", "1d"]).status.code(), Some(0));
    let database = options.database();
    assert_eq!(database.rows("SELECT status, livemode FROM transactions"), ["pending|1"]);
    let orphan = "SELECT kind, livemode FROM orphan_transactions";
    assert_eq!(database.rows(orphan), ["wrong_environment|0"]);
}

#[test]
fn runs_that_keep_failing_are_told_of_and_one_that_does_not_is_not() {
    let world = World::new();
    let options = world
        .options()
        .variable("PAYHOOKD_RECONCILE_EVERY", "1h")
        .arg("--unsafe-test-reconcile-every=100");
    let failed = || vec![Some(Reply::Answer(500, None, String::new())); 5];
    let issues = "SELECT subject, closed_at IS NULL, count FROM issues WHERE kind = 'reconcile'";
    let done = "SELECT count(*) FROM reconcile_runs WHERE provider = 'stripe' AND outcome = 'done'";
    world.stripe.troubles([failed(), failed()].concat());
    let daemon = options.start();
    wait_until("a run is done", || daemon.database().one::<i64>(done) > 0);
    assert_eq!(daemon.database().rows(issues), Vec::<String>::new());
    world.stripe.troubles([failed(), failed(), failed(), failed()].concat());
    wait_until("a person is told", || daemon.database().rows(issues) == ["stripe|1|1"]);
    wait_until("it is over", || daemon.database().rows(issues) == ["stripe|0|1"]);
}
