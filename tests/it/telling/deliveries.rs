//! What is owed to the shop's app survives everything, and what was given up can be retried.

use std::collections::{BTreeMap, HashSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::app::{App, SECRET, add, wait_until_all};
use crate::support::daemon::wait_until;
use crate::support::fake::Reply;
use crate::support::provider::{StripeSample, stripe_event};
use crate::support::random::Random;

/// Pending deliveries that are due before, or not due although, it is their turn.
const OUT_OF_TURN: &str = "
    SELECT count(*) FROM deliveries d
    WHERE status = 'pending' AND (next_attempt_at IS NOT NULL) <>
        (id = (SELECT min(id) FROM deliveries e
               WHERE e.transaction_id = d.transaction_id AND e.status = 'pending'))";
const KILLS: usize = 8;
const ORDERS: usize = 6;

#[test]
fn killed_at_any_moment_it_still_tells_every_change_in_its_order() {
    let mut random = Random::from_clock();
    let app = App::start();
    let options = app.options();
    for kill in 0..KILLS {
        let daemon = options.start();
        let names: Vec<String> = (0..ORDERS).map(|order| format!("k{kill}o{order}")).collect();
        let asked = app.fake.asked().len();
        if kill % 2 == 0 {
            // Some are under way when it is killed.
            app.fake.hold();
        }
        add(&options, &names.iter().map(String::as_str).collect::<Vec<_>>());
        for name in &names {
            let event = stripe_event("payment_intent.succeeded", name);
            assert_eq!(daemon.deliver_stripe(event).status, 200);
        }
        wait_until("some are or were under way", || app.fake.asked().len() > asked);
        // Not waiting for luck: any moment will do.
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        daemon.kill();
        app.fake.release();
        assert_eq!(options.database().one::<i64>(OUT_OF_TURN), 0);
    }
    let _daemon = options.start();
    wait_until_all(&options, "delivered");

    let database = options.database();
    database.assert_sound();
    let changes = database.count("transaction_changes");
    assert_eq!(changes, i64::try_from(2 * KILLS * ORDERS).expect("small"));
    assert_eq!(database.count("deliveries"), changes);
    let mut told: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for one in app.told() {
        told.entry(one.reference().to_owned()).or_default().push(one.version());
    }
    assert_eq!(told.len(), KILLS * ORDERS);
    for (reference, versions) in told {
        assert!(versions.is_sorted(), "{reference}: {versions:?}");
        assert_eq!(HashSet::from_iter(versions), HashSet::from([1, 2]), "{reference}");
    }
    // Whatever came twice came under the same id.
    let ids: HashSet<_> = app.told().into_iter().map(|told| told.message_id).collect();
    assert_eq!(ids.len(), 2 * KILLS * ORDERS);
}

#[test]
fn what_a_command_changes_is_told_also_if_no_daemon_runs() {
    let app = App::start();
    let options = app.options();
    let without = options.clone().without("PAYHOOKD_NOTIFY_URL");

    // No daemon has ever said that there is an app.
    add(&options, &["before"]);
    options.start().terminate();
    add(&options, &["between"]);
    assert_eq!(options.database().count("deliveries"), 1);

    let daemon = options.start();
    wait_until_all(&options, "delivered");
    let output = options.done(&[
        "transactions",
        "add",
        "--provider=stripe",
        "--reference=pi_beside",
        "--amount=4999",
        "--currency=EUR",
    ]);
    assert!(output.contains("registered"), "{output}");
    wait_until("it is told", || app.told().len() == 2);
    daemon.terminate();

    // Now the daemon says that there is none.
    let daemon = without.start();
    daemon.wait_for_line("PAYHOOKD_NOTIFY_SECRET is set, but no --notify-url");
    daemon.wait_for_line("the app was notified of changes until now, and is not from now on");
    add(&options, &["after"]);
    daemon.terminate();
    let references: Vec<_> = app.told().iter().map(|told| told.reference().to_owned()).collect();
    assert_eq!(references, ["pi_between", "pi_beside"]);
    assert_eq!(options.database().count("deliveries"), 2);
}

#[test]
fn after_ten_attempts_it_is_given_up_the_next_goes_on_and_a_person_retries() {
    let app = App::start();
    app.says(|told| match told.version() {
        1 => Reply::Answer(500, None, "Internal Server Error\nat order.py".to_owned()),
        _ => Reply::ok("fine"),
    });
    let daemon = app.options().start();
    let options = daemon.options();
    add(options, &["1", "2"]);
    let line = daemon.wait_for_line("outcome=dead");
    assert!(line.contains("level=error") && line.contains("attempt=10 "), "{line}");
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    daemon.wait_for_line("outcome=delivered");
    assert_eq!(app.versions("pi_1"), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    let database = options.database();
    let dead = "SELECT count(*) FROM deliveries WHERE status = 'dead'";
    wait_until("the other is given up too", || database.one::<i64>(dead) == 2);

    let listed = options.done(&["deliveries", "list", "--status", "dead", "--json"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains(r#""last_error":"the app answered 500""#), "{listed}");
    let listed = options.done(&["deliveries", "list"]);
    assert!(listed.contains("transaction.succeeded") && listed.contains("delivered"), "{listed}");
    assert_eq!(options.done(&["deliveries", "list", "--limit=1", "--json"]).lines().count(), 1);
    assert_eq!(
        options.done(&["deliveries", "list", "--status=pending"]),
        "no pending deliveries\n"
    );
    let shown = options.done(&["deliveries", "show", "1"]);
    assert!(shown.contains("Internal Server Error") && !shown.contains("order.py"), "{shown}");
    let message_id = app.told()[0].message_id.clone();
    let shown = options.done(&["deliveries", "show", &message_id, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["attempts_made"].as_array().map(Vec::len), Some(10));
    assert_eq!(shown["attempts_made"][9]["status_code"], 500);

    // None so new.
    let retried = options.done(&["deliveries", "retry", "--dead", "--since", "2999-01-01"]);
    assert_eq!(retried, "0 deliveries are due again\n");
    app.recovers();
    let retried = options.done(&["deliveries", "retry", "--dead", "--since", "1h"]);
    assert_eq!(retried, "2 deliveries are due again\n");
    wait_until_all(options, "delivered");
    assert_eq!(app.versions("pi_2").len(), 11);
    let attempts = "SELECT attempts FROM deliveries ORDER BY id";
    assert_eq!(database.rows(attempts), ["11", "11", "1"]);

    // Also what was delivered, for an app that lost it.
    assert_eq!(options.done(&["deliveries", "retry", &message_id]), "1 delivery is due again\n");
    wait_until("it is told again", || app.told().last().map(|told| told.version()) == Some(1));
    wait_until_all(options, "delivered");
}

#[test]
fn what_can_not_be_retried_is_said() {
    let options = App::start().options();
    for (args, code, said) in [
        (&["retry", "1"][..], 1, "there is no database"),
        (&["retry", "--dead"], 1, "there is no database"),
        (&["list"], 1, "there is no database"),
        (&["retry"], 2, "--dead"),
        (&["retry", "1", "--dead"], 2, "cannot be used with"),
        (&["retry", "--pending", "--dead"], 2, "cannot be used with"),
        (&["retry", "--pending", "--since=2d"], 2, "cannot be used with"),
        (&["retry", "1", "--since=2d"], 2, "cannot be used with"),
        (&["retry", "--since=2d"], 2, "--dead"),
        (&["retry", "--dead", "--since=soon"], 2, "give a date"),
        (&["list", "--status=lost"], 2, "give one of pending, delivered, dead"),
    ] {
        let output = options.run(&[&["deliveries"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(said), "{args:?}: {stderr}");
    }
    assert!(!options.db().exists());
    options.done(&["--migrate"]);
    for id in ["1", "msg_1", "none"] {
        for command in ["retry", "show"] {
            let output = options.run(&["deliveries", command, id]);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("deliveries list"));
        }
    }
    assert!(options.done(&["deliveries", "list"]).starts_with("no deliveries: "));
    for command in ["list", "show", "retry"] {
        assert!(options.done(&["deliveries", command, "--help"]).contains("Example"), "{command}");
    }
}

#[test]
fn a_retried_one_goes_before_what_is_newer() {
    let app = App::start();
    app.says(|told| match told.version() {
        1 => Reply::Answer(410, None, String::new()),
        _ => Reply::Answer(503, Some(("retry-after", "3600".to_owned())), String::new()),
    });
    let daemon = app.options().start();
    let options = daemon.options();
    add(options, &["1"]);
    daemon.wait_for_line("outcome=dead");
    for event in [
        StripeSample::new("payment_intent.processing", "1"),
        StripeSample::new("payment_intent.succeeded", "1"),
    ] {
        assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
    }
    daemon.wait_for_line("outcome=again");
    assert_eq!(app.versions("pi_1"), [1, 2]);
    app.recovers();
    let said = options.done(&["deliveries", "retry", "3"]);
    assert_eq!(said, "1 delivery is due again, after 2, which is due now\n");
    assert_eq!(options.database().one::<i64>(OUT_OF_TURN), 0);
    wait_until("two are told", || app.versions("pi_1").len() == 4);
    assert_eq!(options.done(&["deliveries", "retry", "1"]), "1 delivery is due again\n");
    wait_until_all(options, "delivered");
    assert_eq!(app.versions("pi_1"), [1, 2, 2, 3, 1]);
}

/// The signature by the library of another language, or at least by another's standard library.
#[test]
fn the_signature_is_that_of_standard_webhooks() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verify_notification.py");
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|python| python.status.success()) {
        println!("skipped: there is no python3 here");
        return;
    }
    let app = App::start();
    let daemon = app.options().start();
    add(daemon.options(), &["1"]);
    wait_until_all(daemon.options(), "delivered");
    let asked = &app.fake.asked()[0];
    let verify = |body: &[u8]| {
        let mut python = Command::new("python3");
        python.args([script, SECRET]).stdin(Stdio::piped()).stdout(Stdio::piped());
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            python.arg(asked.header(name).expect("the header"));
        }
        let mut child = python.spawn().expect("python3 starts");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), body).expect("read");
        let output = child.wait_with_output().expect("python3 ends");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    let genuine = verify(&asked.body);
    println!("verified by {genuine}");
    assert!(["standardwebhooks", "hmac"].contains(&&*genuine), "{genuine}");
    assert_eq!(verify(&[&asked.body[..], b" "].concat()), "refused");
}

#[test]
fn what_was_taken_while_nothing_could_be_kept_is_kept_later_and_not_told_again() {
    let app = App::start();
    let options = app.options();
    let fault = options.file("fault", "");
    let daemon = options.clone().arg("--unsafe-test-faults").arg(fault.display()).start();
    app.fake.hold();
    add(&options, &["1"]);
    wait_until("it is under way", || app.told().len() == 1);
    std::fs::write(&fault, "read-only").expect("a fault");
    app.fake.release();
    let line = daemon.wait_for_line("msg=\"notifications wait\"");
    assert!(line.contains("read-only"), "{line}");
    std::fs::write(&fault, "").expect("no fault");
    wait_until_all(&options, "delivered");
    assert_eq!(app.versions("pi_1"), [1]);
}
