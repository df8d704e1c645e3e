//! Problems that a person should know of: each opens in the commit that it is born in, is counted
//! while it lasts, and closes by itself.

use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::app;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::Reply;
use crate::support::provider::StripeSample;
use crate::support::shop::register;

/// Kind, subject, whether it is over, and how often it happened.
fn issues(options: &Options) -> Vec<String> {
    let issues = "SELECT kind, subject, closed_at IS NOT NULL, count FROM issues ORDER BY id";
    options.database().rows(issues)
}

/// What is said of every issue, or of those of a kind, the oldest first.
pub(crate) fn said(options: &Options, kind: Option<&str>) -> Vec<Value> {
    let of_kind = kind.map(|kind| format!("--kind={kind}"));
    let list = ["issues", "list", "--all", "--json", "--limit=200"].into_iter();
    let listed = options.done(&list.chain(of_kind.as_deref()).collect::<Vec<_>>());
    let mut said: Vec<Value> =
        listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    said.reverse();
    said
}

/// A text of the newest issue of a kind: its `title`, `detail` or `remedy`.
pub(crate) fn last_said(options: &Options, kind: &str, part: &str) -> String {
    let last = said(options, Some(kind)).pop().expect("an issue");
    last[part].as_str().expect("text").to_owned()
}

fn deliver(daemon: &Daemon, samples: &[StripeSample]) {
    for sample in samples {
        assert_eq!(daemon.deliver_stripe(sample.body()).status, 200);
    }
}

/// What can't be read, under this id.
fn unreadable(event_id: &str) -> String {
    json!({ "id": event_id, "type": "payment_intent.succeeded", "livemode": true }).to_string()
}

#[test]
fn an_orphan_is_an_issue_from_the_end_of_its_grace_until_its_transaction_is_registered() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = options.start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1").order("A-1001")]);
    wait_until("it is an issue", || !issues(&options).is_empty());
    assert_eq!(issues(&options), ["orphan|1|0|1"]);
    let alerted = "SELECT count(*) FROM orphan_transactions, issues
                   WHERE alerted_at = opened_at AND issues.subject = orphan_transactions.id";
    assert_eq!(options.database().one::<i64>(alerted), 1, "in one commit");

    let listed = options.done(&["issues", "list"]);
    assert!(listed.contains("49.99 EUR, order A-1001, Stripe pi_1"), "{listed}");
    let shown = options.done(&["issues", "show", "1"]);
    assert!(shown.contains("payhookd orphans resolve 1 --transaction"), "{shown}");
    let metrics = App::of(&daemon).get("/metrics");
    let metrics = metrics.text();
    assert!(metrics.contains("payhookd_issues_open{kind=\"orphan\"} 1\n"), "{metrics}");

    let registered = json!({ "provider": "stripe", "reference": "pi_1" });
    assert_eq!(App::of(&daemon).register(&registered).status, 201);
    assert_eq!(issues(&options), ["orphan|1|1|1"]);
    daemon.wait_for_line("status=closed");
    let shown = options.done(&["issues", "show", "1", "--json"]);
    assert!(shown.contains("It belongs to transaction 2."), "{shown}");
    assert!(options.done(&["issues", "list"]).starts_with("no issues"));
    assert!(options.done(&["issues", "list", "--all"]).contains("closed"));
    // Nothing is wrong any more, and another that comes is another.
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "2")]);
    wait_until("it is an issue", || issues(&options).len() == 2);
}

#[test]
fn money_that_is_late_or_wrong_is_an_issue_in_the_commit_that_brings_it() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 5000), ("2".to_owned(), 4999)]);
    let daemon = options.start();
    options.done(&["transactions", "close", "2"]);
    let paid = |name| StripeSample::new("payment_intent.succeeded", name);
    deliver(&daemon, &[paid("1"), paid("2")]);
    assert_eq!(issues(&options), ["amount_mismatch|1|0|1", "late_money|3|0|1"]);
    let detail = last_said(&options, "amount_mismatch", "detail");
    assert_eq!(detail, "Expected 50.00 EUR, received 49.99 EUR.");
    let remedy = last_said(&options, "late_money", "remedy");
    assert!(remedy.contains("payhookd transactions reopen 2"), "{remedy}");
    // Again is the same.
    deliver(&daemon, &[paid("1"), paid("2")]);
    assert_eq!(issues(&options), ["amount_mismatch|1|0|1", "late_money|3|0|1"]);

    options.done(&["transactions", "reopen", "2"]);
    assert_eq!(issues(&options), ["amount_mismatch|1|0|1", "late_money|3|1|1"]);
    // A person knows: it lasts, and nobody needs to see it.
    options.done(&["issues", "dismiss", "1"]);
    assert!(options.done(&["issues", "list"]).starts_with("no issues"));
    assert_eq!(issues(&options)[0], "amount_mismatch|1|0|1");
    for (id, words) in [("2", "issue 2 is over"), ("9", "no issue has the number 9")] {
        let refused = options.run(&["issues", "dismiss", id]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_dispute_is_an_issue_until_it_is_decided() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    let dispute = StripeSample::new("charge.dispute.created", "1").reference("pi_1").parent("ch_1");
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1"), dispute.clone()]);
    assert_eq!(issues(&options), ["dispute|1|0|1"]);
    let mut won: Value = serde_json::from_str(&dispute.id("evt_won").body()).expect("JSON");
    won["type"] = "charge.dispute.closed".into();
    won["data"]["object"]["status"] = "won".into();
    assert_eq!(daemon.deliver_stripe(won.to_string()).status, 200);
    assert_eq!(issues(&options), ["dispute|1|1|1"]);
    assert_eq!(last_said(&options, "dispute", "detail"), "It was won.");
}

#[test]
fn failed_events_of_a_type_are_one_issue_until_all_of_them_are_understood() {
    let options = Options::stripe();
    let daemon = options.start();
    for event_id in ["evt_1", "evt_2", "evt_2"] {
        assert_eq!(daemon.deliver_stripe(unreadable(event_id)).status, 200);
    }
    let failed = "failed_event|stripe payment_intent.succeeded";
    assert_eq!(issues(&options), [format!("{failed}|0|2")]);
    let understood = |event_id| StripeSample::new("payment_intent.succeeded", "1").id(event_id);
    deliver(&daemon, &[understood("evt_1")]);
    assert_eq!(issues(&options), [format!("{failed}|0|2")]);
    deliver(&daemon, &[understood("evt_2")]);
    assert_eq!(issues(&options), [format!("{failed}|1|2")]);
}

#[test]
fn notifications_that_are_given_up_are_one_issue_until_they_are_retried() {
    let shop = app::App::start();
    shop.says(|_| Reply::Answer(410, None, String::new()));
    let options = shop.options();
    let daemon = options.start();
    app::add(&options, &["1", "2"]);
    wait_until("both are given up", || issues(&options) == ["dead_letter|app|0|2"]);
    let detail = last_said(&options, "dead_letter", "detail");
    assert!(detail.contains("given up: 2.") && detail.contains("answered 410"), "{detail}");
    shop.recovers();
    let retry = |id| options.done(&["deliveries", "retry", id]);
    retry("1");
    assert_eq!(issues(&options), ["dead_letter|app|0|2"]);
    retry("2");
    assert_eq!(issues(&options), ["dead_letter|app|1|2"]);
    drop(daemon);
}

#[test]
fn what_a_sender_writes_stays_within_its_line() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = options.start();
    let hostile = "A-1\u{2028}level=error msg=forged \u{202e}";
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1").order(hostile)]);
    let line = daemon.wait_for_line("msg=issue ");
    assert!(line.contains("order A-1\\u{2028}level=error"), "{line}");
    assert!(!daemon.log().lines().any(|line| line.starts_with("level=error")));
    let listed = options.done(&["issues", "list"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(!listed.contains(['\u{2028}', '\u{202e}']), "{listed:?}");
}

#[test]
fn a_surplus_that_was_refunded_is_over() {
    let options = Options::stripe();
    register(&options, [("1".to_owned(), 4999)]);
    let daemon = options.start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1").amount(6000)]);
    assert_eq!(issues(&options), ["amount_mismatch|1|0|1"]);
    for (refund, amount, closed) in [("re_1", 1000, 0), ("re_2", 1, 1)] {
        let event = json!({
            "id": format!("evt_{refund}"), "object": "event", "type": "refund.updated",
            "created": 1_732_449_123, "livemode": true, "data": { "object": {
                "id": refund, "object": "refund", "amount": amount, "currency": "eur",
                "status": "succeeded", "payment_intent": "pi_1", "charge": "ch_1",
                "created": 1_732_449_120,
            } },
        });
        assert_eq!(daemon.deliver_stripe(event.to_string()).status, 200);
        assert_eq!(issues(&options), [format!("amount_mismatch|1|{closed}|1")], "{refund}");
    }
}

#[test]
fn what_a_newer_version_keeps_is_shown_as_it_stands_and_not_lost() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = options.start();
    deliver(&daemon, &[StripeSample::new("payment_intent.succeeded", "1")]);
    wait_until("it is an issue", || issues(&options) == ["orphan|1|0|1"]);
    let newer = r#"{"is":"eclipse","moon":7}"#;
    let sqlite = rusqlite::Connection::open(options.db()).expect("a database");
    sqlite.execute("UPDATE issues SET data = ?1", [newer]).expect("written");
    let shown = options.done(&["issues", "show", "1"]);
    assert!(shown.contains("orphan: 1\n") && shown.contains(newer), "{shown}");
    let data = || options.database().one::<String>("SELECT data FROM issues");
    options.done(&["issues", "dismiss", "1"]);
    assert_eq!(data(), newer);
    let registered = json!({ "provider": "stripe", "reference": "pi_1" });
    assert_eq!(App::of(&daemon).register(&registered).status, 201);
    assert_eq!(issues(&options), ["orphan|1|1|1"]);
    assert_eq!(data(), newer);
    assert_eq!(last_said(&options, "orphan", "detail"), "It belongs to transaction 2.");
    // So is an ending that only a newer version knows; that it ended is told all the same.
    sqlite.execute("UPDATE issues SET ending = ?1", [newer]).expect("written");
    assert!(last_said(&options, "orphan", "detail").contains(newer));
}
