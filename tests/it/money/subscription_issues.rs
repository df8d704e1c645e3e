//! What people are told of subscriptions: payments of one that is not registered, money after the end of one, and
//! another amount than was agreed.

use crate::support::admin::App;
use crate::support::daemon::{Options, wait_until};
use crate::support::subscription::{Period, deliver, payments, sub_1, subscribe};
use crate::telling::issues::said;

fn open_issues(options: &Options) -> Vec<String> {
    options.database().rows(
        "SELECT kind, subject, count FROM issues WHERE closed_at IS NULL ORDER BY kind, subject",
    )
}

const NONE: [&str; 0] = [];

#[test]
fn another_amount_than_the_fixed_one_is_told_and_the_money_is_kept() {
    let options = Options::stripe();
    let daemon = options.start();
    let mut fixed = sub_1();
    fixed["amount"] = 999.into();
    fixed["currency"] = "EUR".into();
    subscribe(&daemon, &fixed);
    deliver(&daemon, [Period::new("1").paid(), Period::new("2").of(500).paid()]);
    let rows =
        "SELECT reference, amount, amount_received, amount_check FROM transactions ORDER BY id";
    assert_eq!(daemon.database().rows(rows), ["in_1|999|999|ok", "in_2|999|500|underpaid"]);
    assert_eq!(App::of(&daemon).json("/api/v1/transactions/1")["paid"], true);
    assert_eq!(open_issues(&options), ["amount_mismatch|2|1"]);
    let title = &said(&options, Some("amount_mismatch"))[0]["title"];
    assert_eq!(title, "Too little was paid: 9.99 EUR, order club-17, Stripe in_2");
}

#[test]
fn payments_of_an_unknown_subscription_are_one_issue_until_it_is_registered() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = options.start();
    let periods = [("1", 1), ("2", 2), ("3", 3)];
    for (number, (name, month)) in periods.into_iter().enumerate() {
        deliver(&daemon, [Period::new(name).in_month(month).paid()]);
        let alerted = "SELECT count(*) FROM orphan_transactions WHERE alerted_at IS NOT NULL";
        let all = i64::try_from(number + 1).expect("few");
        wait_until("it is told", || options.database().one::<i64>(alerted) == all);
    }
    // Of another shop's subscription, beside it.
    deliver(&daemon, [Period::new("other").paid().replace("sub_1", "sub_2")]);
    let both = ["unknown_subscription|stripe sub_1|3", "unknown_subscription|stripe sub_2|1"];
    wait_until("they are issues", || open_issues(&options) == both);
    let issue = &said(&options, Some("unknown_subscription"))[0];
    assert_eq!(
        issue["title"],
        "Payments of an unknown subscription: Stripe sub_1, 3 payments, 29.97 EUR"
    );
    let remedy = issue["remedy"].as_str().expect("text");
    let add = "payhookd subscriptions add --provider stripe --reference sub_1 --own-id";
    assert!(remedy.contains(add), "{remedy}");
    // The payments themselves stay listed.
    let listed = App::of(&daemon).json("/api/v1/orphans");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(4));
    assert_eq!(listed["data"][1]["subscription"], "sub_1");

    // One less; the issue says so.
    options.done(&["orphans", "resolve", "1", "--dismiss", "a trial of our own"]);
    let issue = &said(&options, Some("unknown_subscription"))[0];
    assert!(issue["title"].as_str().expect("text").ends_with("2 payments, 19.98 EUR"), "{issue}");
    subscribe(&daemon, &sub_1());
    assert_eq!(open_issues(&options), ["unknown_subscription|stripe sub_2|1"]);
    // The other ends with its last payment.
    options.done(&["orphans", "resolve", "4", "--foreign"]);
    assert_eq!(open_issues(&options), NONE);
}

/// The charge is told of before anything says that it is of a subscription.
#[test]
fn a_payment_that_turns_out_to_be_of_an_unknown_subscription_stands_in_its_issue() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = options.start();
    deliver(&daemon, [Period::new("1").charge()]);
    wait_until("it is an issue", || open_issues(&options) == ["orphan|1|1"]);
    deliver(&daemon, [Period::new("1").older().paid()]);
    wait_until("it is another", || {
        open_issues(&options) == ["unknown_subscription|stripe sub_1|1"]
    });
}

#[test]
fn money_after_the_end_is_a_transaction_and_an_issue() {
    let options = Options::stripe();
    let daemon = options.start();
    let id = subscribe(&daemon, &sub_1())["id"].to_string();
    deliver(&daemon, [Period::new("1").paid()]);
    let app = App::of(&daemon);
    let ended = app.post(&format!("/api/v1/subscriptions/{id}/end"), "");
    assert_eq!(ended.status, 200, "{}", ended.text());
    // One that happened before and is late is as good as any; the clock of the test is after all of them.
    deliver(&daemon, [Period::new("2").in_month(2).paid()]);
    assert_eq!(open_issues(&options), NONE);
    let after = |name| {
        let later = Period::new(name).paid();
        later.replace("\"created\":1734955000", "\"created\":4102444800")
    };
    deliver(&daemon, [after("3"), after("4")]);
    assert_eq!(payments(&daemon).len(), 4, "nothing is lost");
    assert_eq!(open_issues(&options), [format!("ended_subscription|{id}|2")]);
    let issue = &said(&options, Some("ended_subscription"))[0];
    assert_eq!(
        issue["title"],
        "Money after the end of subscription club-17: 2 payments, 19.98 EUR"
    );
    let remedy = issue["remedy"].as_str().expect("text");
    assert!(remedy.contains(&format!("`payhookd subscriptions reopen {id}`")), "{remedy}");
    // It ends when all of it went back.
    deliver(&daemon, [Period::new("3").tie(), Period::new("3").refund()]);
    let issue = &said(&options, Some("ended_subscription"))[0];
    assert!(issue["title"].as_str().expect("text").ends_with("1 payment, 9.99 EUR"), "{issue}");
    deliver(&daemon, [Period::new("4").tie(), Period::new("4").refund()]);
    assert_eq!(open_issues(&options), NONE);
    // Or when the subscription goes on after all.
    deliver(&daemon, [after("5")]);
    assert_eq!(open_issues(&options), [format!("ended_subscription|{id}|1")]);
    let said = options.done(&["subscriptions", "reopen", "club-17"]);
    assert_eq!(said, format!("subscription {id} goes on, 5 payments\n"));
    assert_eq!(open_issues(&options), NONE);
}
