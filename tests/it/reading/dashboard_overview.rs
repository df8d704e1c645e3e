//! The dashboard's overview, without a browser.

use serde_json::json;

use crate::reading::dashboard::{TOKEN, Visitor, start, start_with};
use crate::support::admin::App as Admin;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::StripeSample;

fn deliver(daemon: &Daemon, event: &StripeSample) {
    assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
}

fn register(daemon: &Daemon, name: &str, amount: i64) {
    let answer = Admin::with_token(daemon, TOKEN).register(&json!({
        "provider": "stripe", "reference": format!("pi_{name}"), "order_id": name,
        "amount": amount, "currency": "EUR",
    }));
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// The text of a page, a space for each tag.
fn text(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text.push(' ');
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    text.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_overview_says_first_whether_anything_needs_somebody() {
    let daemon = start();
    let visitor = Visitor::of(&daemon);
    let empty = text(&visitor.page("/"));
    assert!(empty.contains("Overview Nothing needs attention."), "{empty}");
    assert!(
        empty.contains("No events yet.") && empty.contains("No payments, refunds or disputes.")
    );

    register(&daemon, "1", 1999);
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "1").amount(1999));
    let well = text(&visitor.page("/"));
    assert!(well.contains("Overview Nothing needs attention."), "{well}");
    // Nobody is told of an orphan before the shop had its time, but whoever looks sees it.
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "2").amount(123_456));
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "3").amount(544));
    let missing = text(&visitor.page("/"));
    let headline = "Overview 2 unmatched payments: 1,240.00 EUR , the oldest came";
    assert!(missing.contains(headline), "{missing}");
    assert!(!missing.contains("Nothing needs attention."), "{missing}");
}

#[test]
fn money_is_summed_by_currency_and_mode_and_problems_are_named() {
    let daemon = start_with(Options::stripe().variable("PAYHOOKD_TIME_ZONE", "Asia/Kathmandu"));
    register(&daemon, "1", 5000);
    // Ten more are asked for than come.
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "1").amount(4990));
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "t").amount(77).test_money());
    deliver(&daemon, &StripeSample::new("customer.updated", "c"));
    let visitor = Visitor::of(&daemon);
    let page = visitor.page("/");
    let shown = text(&page);
    let money = "Currency Received Refunded Disputed Payments EUR 49.90 0.00 0.00 1";
    assert_eq!(shown.matches(money).count(), 2, "today and the month: {shown}");
    assert!(shown.contains("1 open issue"), "{shown}");
    assert!(shown.contains("Open issues warning"), "{shown}");
    // What test money does at a daemon for real money concerns nobody.
    assert!(!shown.contains("unmatched") && !shown.contains("0.77"), "{shown}");
    assert!(shown.contains("Stripe, live just now") || shown.contains("Stripe, live 1 second"));
    assert!(shown.contains("Stripe, test"), "{shown}");
    for (outcome, number) in [("processed", 1), ("orphan", 1), ("ignored", 1), ("failed", 0)] {
        let legend = page.split(&format!("/events?status={outcome}\">")).nth(1).expect("a legend");
        let rest = legend.split_once("</a> ").expect("a number").1;
        assert!(rest.starts_with(&format!("{number}<")), "{outcome}: {rest:.40}");
    }
    // Each chart has its numbers in words behind it: thirty days, of which today is the first row.
    assert_eq!(page.matches("<details>").count(), 2);
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 2);
    let payments = shown.split("Payments per day").nth(1).expect("a chart");
    let table = payments.split("Day Payments").nth(1).expect("a table");
    assert_eq!(table.split_whitespace().nth(3), Some("1"), "{table:.80}");
    assert!(shown.contains("The shop’s app is not notified"), "{shown}");
    assert!(page.len() < 60_000, "{} bytes", page.len());
    assert!(!page.contains("style="), "the policy allows no style within a page");

    // The problem leads to what it is about, and is quiet once somebody says that they know.
    assert!(page.contains("<a href=\"/transactions/1\"><bdi>"), "{page}");
    let known = visitor.post("/issues/1/dismiss", &[]);
    assert_eq!((known.status, known.header("location")), (303, Some("/")));
    let quiet = text(&visitor.page("/"));
    assert!(quiet.contains("Done. No more alerts about it"), "{quiet}");
    assert!(quiet.contains("Nothing needs attention.") && quiet.contains("Open issues None."));
    assert_eq!(visitor.post("/issues/2/dismiss", &[]).status, 404);

    let french = text(visitor.get_with("/", &[("accept-language", "fr")]).text());
    assert!(french.contains("Vue d’ensemble Rien à signaler."), "{french}");
    assert!(french.contains("EUR 49,90 0,00 0,00 1"), "{french}");
}
