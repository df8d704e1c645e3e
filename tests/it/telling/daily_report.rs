//! The daily report: about the day that was, once for each day and target, late rather than never.

use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::StripeSample;
use crate::support::shop::register;
use crate::support::smtp::MailServer;

/// A daemon of a shop in Paris whose clock stands still.
fn at(options: &Options, clock: &str) -> Options {
    options.clone().clock(clock).arg("--stripe-tolerance=off")
}

fn options() -> Options {
    Options::stripe().variable("PAYHOOKD_TIME_ZONE", "Europe/Paris").arg("--orphan-grace=0")
}

/// The same that sends its report at eight in the morning.
fn reporting(options: &Options, told: &Fake) -> Options {
    options
        .clone()
        .variable("PAYHOOKD_ALERT_URL", format!("json+http://{}/", told.address))
        .variable("PAYHOOKD_DAILY_REPORT", "08:00")
}

fn pay(daemon: &Daemon, name: &str) {
    let paid = StripeSample::new("payment_intent.succeeded", name);
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
}

/// The reports that a target was sent, whether it took them or not.
fn reports(told: &Fake) -> Vec<Value> {
    let bodies = told.asked().into_iter();
    let bodies = bodies.map(|asked| serde_json::from_slice::<Value>(&asked.body).expect("JSON"));
    bodies.filter(|body| body["type"] == "report").collect()
}

fn kept(options: &Options) -> Vec<String> {
    let kept = "SELECT day, status, attempts FROM daily_reports ORDER BY id";
    options.database().rows(kept)
}

/// A payment that nobody knows is told after whatever was due before it, so that what was not sent
/// until then is not sent.
fn is_quiet(daemon: &Daemon, told: &Fake, name: &str) {
    pay(daemon, name);
    let payment = format!("Stripe pi_{name}");
    wait_until("its alert comes", || told.asked().iter().any(|one| one.text().contains(&payment)));
}

/// A day on which something of everything happened, seen from the next.
fn busy_day(options: &Options) {
    register(options, [("a".to_owned(), 4999), ("b".to_owned(), 4999), ("c".to_owned(), 4999)]);
    let daemon = at(options, "2026-11-23T22:59:59Z").start();
    pay(&daemon, "c");
    drop(daemon);
    // The day begins in Paris.
    let daemon = at(options, "2026-11-23T23:00:00Z").start();
    pay(&daemon, "a");
    pay(&daemon, "b");
    pay(&daemon, "lost");
    pay(&daemon, "found");
    let dispute = StripeSample::new("charge.dispute.created", "b").parent("ch_b").amount(1000);
    assert_eq!(daemon.deliver_stripe(dispute.body()).status, 200);
    let refund = json!({
        "id": "evt_refund", "object": "event", "type": "refund.created", "livemode": true,
        "created": 1_764_000_000, "data": {"object": {
            "id": "re_1", "object": "refund", "amount": 500, "currency": "eur", "charge": "ch_a",
            "payment_intent": "pi_a", "status": "succeeded",
        }},
    });
    assert_eq!(daemon.deliver_stripe(refund.to_string()).status, 200);
    let unknown = json!({
        "id": "evt_unknown", "object": "event", "type": "shop.moved", "livemode": true,
        "created": 1_764_000_000, "data": {"object": {"id": "x"}},
    });
    assert_eq!(daemon.deliver_stripe(unknown.to_string()).status, 200);
    let unreadable = json!({ "id": "evt_bad", "type": "charge.succeeded", "livemode": true });
    assert_eq!(daemon.deliver_stripe(unreadable.to_string()).status, 200);
    let noticed = "SELECT count(*) FROM orphan_transactions WHERE alerted_at IS NOT NULL";
    wait_until("both orphans are noticed", || daemon.database().one::<i64>(noticed) == 2);
    let found = json!({ "provider": "stripe", "reference": "pi_found" });
    assert_eq!(App::of(&daemon).register(&found).status, 201);
    drop(daemon);
    // The day is over.
    let daemon = at(options, "2026-11-24T23:00:00Z").start();
    pay(&daemon, "later");
    wait_until("it is noticed too", || daemon.database().one::<i64>(noticed) == 3);
    drop(daemon);
}

#[test]
fn the_day_before_is_told_once_at_its_time() {
    let told = Fake::start(|_| Reply::ok("ok"));
    let options = options();
    options.done(&["--migrate"]);
    busy_day(&options);
    let reporting = reporting(&options, &told);
    let daemon = at(&reporting, "2026-11-25T07:00:00Z").start();
    wait_until("it is told and kept", || kept(&reporting) == ["2026-11-24|sent|1"]);
    is_quiet(&daemon, &told, "quiet");
    drop(daemon);
    // Not again after another start, nor until the next day's time has come.
    for (clock, name) in [("2026-11-25T07:00:00Z", "same"), ("2026-11-26T06:59:59.999Z", "before")]
    {
        let daemon = at(&reporting, clock).start();
        is_quiet(&daemon, &told, name);
    }
    assert_eq!(reports(&told).len(), 1);
    let daemon = at(&reporting, "2026-11-26T07:00:00Z").start();
    let both = ["2026-11-24|sent|1", "2026-11-25|sent|1"];
    wait_until("the next is told", || kept(&reporting) == both);
    drop(daemon);

    let [first, second] = &reports(&told)[..] else { panic!("two reports") };
    assert_eq!(first["day"], "2026-11-24");
    assert_eq!(first["from"], "2026-11-23T23:00:00.000Z");
    assert_eq!(first["to"], "2026-11-24T23:00:00.000Z");
    assert_eq!(
        first["money"],
        json!([{
            "livemode": true, "currency": "EUR", "received": 14_997, "payments": 3, "refunded": 500,
            "refunds": 1, "disputed": 1000, "disputes": 1,
        }])
    );
    // What was found since is counted where it belongs now.
    assert_eq!(first["events"], json!({"processed": 5, "orphan": 1, "ignored": 1, "failed": 1}));
    let orphans = &first["orphans"];
    assert_eq!([&orphans["came"], &orphans["matched"], &orphans["dismissed"]], [2, 1, 0]);
    assert_eq!(orphans["open"][0]["number"], 2);
    assert_eq!(orphans["open"][0]["amount"], 9998);
    let text = first["text"].as_str().expect("a text");
    for line in [
        "2026-11-24 (Europe/Paris)",
        "Received: 149.97 EUR in 3 payments",
        "Refunded: 5.00 EUR in 1 refund",
        "Disputed: 10.00 EUR in 1 dispute",
        "Events: 5 of 8 matched; 1 unmatched; 1 ignored; 1 failed",
        "Orphans: 2 new, 1 matched, 0 dismissed; 2 open: 99.98 EUR, the oldest since 2026-11-24 00:00",
        "Open issues: 4",
        "Last events: Stripe (live) 2026-11-25 00:00",
        "This report comes every day at 08:00. If it does not come, check payhookd: the daemon, its \
         machine or the connection is down.",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
    let head = first["log_head"].as_str().expect("a head");
    options.done(&["doctor", "--verify-log", "--expect-head", head]);
    assert_eq!(second["day"], "2026-11-25");
    assert_eq!(second["money"], json!([]));
    assert_eq!(second["orphans"]["came"], 3);

    // The command says the same of any day.
    let printed = options.done(&["report", "--day", "2026-11-24", "--time-zone", "Europe/Paris"]);
    assert!(printed.contains("\nReceived: 149.97 EUR in 3 payments\n"), "{printed}");
    assert!(!printed.contains("comes every day"), "{printed}");
    let days_before = options.done(&["report", "--day", "2026-11-23", "--time-zone=Europe/Paris"]);
    assert!(days_before.contains("\nReceived: 49.99 EUR in 1 payment\n"), "{days_before}");
    let same = options.done(&["report", "--day=2026-11-24", "--time-zone=Europe/Paris", "--json"]);
    let same: Value = serde_json::from_str(&same).expect("JSON");
    for member in ["money", "events", "from", "to", "type"] {
        assert_eq!(same[member], first[member], "{member}");
    }
}

#[test]
fn of_days_that_were_missed_the_last_is_told_and_a_new_target_hears_of_it_too() {
    let (told, another) = (Fake::start(|_| Reply::ok("ok")), Fake::start(|_| Reply::ok("ok")));
    let one = reporting(&options(), &told);
    drop(at(&one, "2026-11-24T12:00:00Z").start());
    let daemon = at(&one, "2026-11-24T12:00:00Z").start();
    wait_until("the first is told", || kept(&one) == ["2026-11-23|sent|1"]);
    drop(daemon);
    let both = [&told, &another].map(|fake| format!("json+http://{}/", fake.address)).join(",");
    let two = one.clone().variable("PAYHOOKD_ALERT_URL", both);
    let daemon = at(&two, "2026-11-29T12:00:00Z").start();
    wait_until("both are told", || {
        let sent = "SELECT count(*) FROM daily_reports WHERE status = 'sent'";
        two.database().one::<i64>(sent) == 3
    });
    drop(daemon);
    let days = |fake: &Fake| -> Vec<Value> {
        reports(fake).iter().map(|report| report["day"].clone()).collect()
    };
    assert_eq!(days(&told), ["2026-11-23", "2026-11-28"]);
    assert_eq!(days(&another), ["2026-11-28"]);
}

#[test]
fn one_that_is_not_taken_is_tried_again_also_after_a_crash_and_given_up() {
    let told = Fake::start(|_| Reply::Answer(503, None, String::new()));
    let without = options();
    let options = reporting(&without, &told);
    told.hold();
    let daemon = at(&options, "2026-11-25T12:00:00Z").start();
    wait_until("it is under way", || reports(&told).len() == 1);
    daemon.kill();
    assert_eq!(kept(&options), ["2026-11-24|pending|0"]);
    told.release();
    let daemon = at(&options, "2026-11-25T12:00:00Z").arg("--unsafe-test-backoff=0").start();
    wait_until("it is given up", || kept(&options) == ["2026-11-24|dead|10"]);
    let log = daemon.terminate().log;
    assert_eq!(reports(&told).len(), 11);
    assert!(log.contains("level=error msg=\"daily report\" target=json-"), "{log}");
    assert!(log.contains("day=2026-11-24 outcome=dead status=503 attempt=10"), "{log}");
    let said = options.database().rows("SELECT last_error FROM daily_reports");
    assert_eq!(said, ["the target answered 503"]);

    // Whoever wants no more reports is not sent what is owed.
    let daemon = at(&options, "2026-11-26T12:00:00Z").start();
    let tried = "SELECT count(*) FROM daily_reports WHERE day = '2026-11-25' AND attempts = 1";
    wait_until("the next failed", || options.database().one::<i64>(tried) == 1);
    drop(daemon);
    drop(at(&without, "2026-11-26T12:00:00Z").start());
    assert_eq!(kept(&options), ["2026-11-24|dead|10", "2026-11-25|dropped|1"]);
}

#[test]
fn it_is_mailed_too_in_the_language_of_the_shop() {
    let server = MailServer::start("250 ok");
    let options = options()
        .variable("PAYHOOKD_ALERT_EMAIL", "owner@shop.example")
        .variable("PAYHOOKD_SMTP_URL", format!("smtp://{}", server.address))
        .variable("PAYHOOKD_DAILY_REPORT", "08:00")
        .variable("PAYHOOKD_LANGUAGE", "fr");
    let daemon = at(&options, "2026-11-25T12:00:00Z").start();
    wait_until("it is kept", || kept(&options) == ["2026-11-24|sent|1"]);
    drop(daemon);
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    // As RFC 2045 writes what is not ASCII.
    let words = ["Re=C3=A7u=C2=A0: rien", "Rembours=C3=A9=C2=A0: rien", "chaque jour =C3=A0 08:00"];
    assert!(words.iter().all(|words| letters[0].text.contains(words)), "{}", letters[0].text);
}

#[test]
fn what_can_not_be_sent_or_told_is_said() {
    let options = Options::stripe().variable("PAYHOOKD_DAILY_REPORT", "08:00");
    let refused = options.run(&[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--daily-report: nobody is there to send it to"), "{said}");
    let refused = options.run(&["--daily-report", "8 o'clock"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("give a time of day from 00:00 to 23:59, such as 08:00"), "{said}");
    options.done(&["--migrate"]);
    for (day, words) in [
        ("2026-02-30", "--day 2026-02-30: not a date: give one such as 2026-11-24"),
        ("2999-01-01", "--day 2999-01-01: has not begun in UTC"),
    ] {
        let refused = options.run(&["report", "--day", day, "--time-zone", "UTC"]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(words), "{said}");
    }
    let printed = options.done(&["report"]);
    assert!(printed.contains("\nReceived: nothing\n"), "{printed}");
}
