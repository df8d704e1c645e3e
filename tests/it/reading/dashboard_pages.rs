//! The dashboard's pages of transactions, events and deliveries, without a browser.

use serde_json::{Value, json};

use crate::reading::dashboard::{TOKEN, Visitor, start, start_with};
use crate::support::admin::App as Admin;
use crate::support::app::{self, wait_until_all};
use crate::support::daemon::{Daemon, Options};
use crate::support::fake::Reply;
use crate::support::provider::StripeSample;

/// No page is larger.
const MOST_BYTES: usize = 60_000;

fn register(daemon: &Daemon, name: &str, order_id: &str, amount: i64) -> i64 {
    let answer = Admin::with_token(daemon, TOKEN).register(&json!({
        "provider": "stripe", "reference": format!("pi_{name}"), "order_id": order_id,
        "amount": amount, "currency": "EUR",
    }));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_i64().expect("an id")
}

fn deliver(daemon: &Daemon, event: &StripeSample) {
    assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
}

/// The ids of the rows of a list, from top to bottom.
fn rows(page: &str, of: &str) -> Vec<i64> {
    let row = format!("<tr id=\"{of}-");
    page.split(&row)
        .skip(1)
        .map(|part| part.split('"').next().expect("an end").parse().expect("an id"))
        .collect()
}

#[test]
fn transactions_are_found_by_what_is_known_of_them() {
    let daemon = start();
    let (first, second, third) = (
        register(&daemon, "1", "A-1001", 4999),
        register(&daemon, "2", "A-1002", 700),
        register(&daemon, "3", "B-1", 5000),
    );
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "1"));
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "3"));
    let visitor = Visitor::of(&daemon);
    for (query, expected) in [
        ("", vec![third, second, first]),
        ("?q=A-1001", vec![first]),
        ("?q=a-10", vec![second, first]),
        ("?q=pi_2", vec![second]),
        ("?q=49.99", vec![third, first]),
        ("?q=7%2C00+EUR", vec![second]),
        ("?q=%25", vec![]),
        ("?status=succeeded", vec![third, first]),
        ("?status=pending&provider=stripe", vec![second]),
        ("?amount_check=underpaid", vec![third]),
        ("?provider=paypal", vec![]),
        ("?livemode=true&since=1h", vec![third, second, first]),
        ("?since=2036-01-01", vec![]),
        ("?since=2020-01-01&until=2036-01-01", vec![third, second, first]),
        ("?until=2020-01-01", vec![]),
        ("?q=A&status=succeeded", vec![first]),
        (&*format!("?cursor={second}"), vec![first]),
    ] {
        let page = visitor.page(&format!("/transactions{query}"));
        assert_eq!(rows(&page, "transaction"), expected, "{query}");
    }
    let found = visitor.page("/transactions?q=A-10&status=pending");
    assert!(found.contains("value=\"A-10\"") && found.contains("too little"), "{found}");
    // A link to another status keeps what was searched for.
    assert!(found.contains("href=\"/transactions?q=A-10&amp;status=failed\""), "{found}");
    assert!(found.contains("name=\"status\" value=\"pending\""), "{found}");
    let nothing = visitor.page("/transactions?q=nothing");
    assert!(nothing.contains("No transactions found."), "{nothing}");
    for wrong in ["?status=paid", "?since=yesterday", "?until=1h", "?strange=1"] {
        assert_eq!(visitor.get(&format!("/transactions{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn an_orphan_is_attached_to_a_transaction_that_it_may_belong_to() {
    let daemon = start();
    let event = StripeSample::new("payment_intent.succeeded", "paid");
    deliver(&daemon, &event);
    let likely = register(&daemon, "1", "A-1001", 4999);
    let other = register(&daemon, "2", "A-1002", 700);
    let visitor = Visitor::of(&daemon);
    let page = visitor.page("/orphans/1");
    let (_, offered) = page.split_once("id=\"candidates\"").expect("candidates");
    assert!(offered.contains("same amount") && !offered.contains("same order"), "{offered}");
    assert!(offered.contains(&format!("name=\"transaction\" value=\"{likely}\"")), "{offered}");
    assert!(!offered.contains(&format!("value=\"{other}\"")), "{offered}");

    let likely = likely.to_string();
    assert_eq!(visitor.post("/orphans/1/attach", &[("transaction", &likely)]).status, 303);
    let state = "SELECT id, status, amount_received FROM transactions ORDER BY id LIMIT 1";
    assert_eq!(daemon.database().rows(state), [format!("{likely}|succeeded|4999")]);
    assert!(!visitor.page("/orphans/1").contains("id=\"candidates\""));
}

#[test]
fn a_day_is_one_of_the_shop() {
    // In Auckland it is the 24th already.
    let options = Options::stripe().clock("2026-11-23T11:52:03Z");
    let daemon = start_with(options.variable("PAYHOOKD_TIME_ZONE", "Pacific/Auckland"));
    let id = register(&daemon, "1", "A-1001", 4999);
    let visitor = Visitor::of(&daemon);
    for (query, expected) in [
        ("since=2026-11-24&until=2026-11-24", vec![id]),
        ("since=2026-11-25", vec![]),
        ("until=2026-11-23", vec![]),
    ] {
        let page = visitor.page(&format!("/transactions?{query}"));
        assert_eq!(rows(&page, "transaction"), expected, "{query}");
    }
    let page = visitor.page("/transactions?since=2026-11-24");
    assert!(page.contains("name=\"since\" value=\"2026-11-24\""), "{page}");
}

#[test]
fn a_transaction_tells_how_it_came_to_stand_so() {
    let daemon = start();
    let id = register(&daemon, "1", "A-1001", 4999);
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "1"));
    let dispute = StripeSample::new("charge.dispute.created", "1").parent("ch_1").amount(3000);
    deliver(&daemon, &dispute.at("2024-11-24T09:00:00Z"));
    let visitor = Visitor::of(&daemon);
    let path = format!("/transactions/{id}");
    let page = visitor.page(&path);
    for part in [
        "A-1001",
        "49.99\u{a0}EUR",
        "dispute open",
        // The dispute: its amount, and a deadline that is over.
        "30.00\u{a0}EUR",
        "<span class=\"tag bad\">passed</span>",
        "href=\"/events/1\"",
        "href=\"/events/2\"",
        "ch_1",
        "&quot;evidence_details&quot;: {",
        "href=\"/events/2/payload\"",
        "https://dashboard.stripe.com/payments/pi_1",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("<details><summary>"), "folded: {page}");

    assert_eq!(visitor.get(&format!("{path}/close")).status, 405);
    assert!(page.contains("name=\"even_if_paid\""), "it is paid");
    let closed_at = "SELECT closed_at IS NULL FROM transactions";
    assert_eq!(visitor.post(&format!("{path}/close"), &[]).status, 303);
    assert_eq!(daemon.database().rows(closed_at), ["1"]);
    assert!(visitor.page(&path).contains("It is paid, so it stays open."));
    let closed = visitor.post(&format!("{path}/close"), &[("even_if_paid", "yes")]);
    assert_eq!((closed.status, closed.header("location")), (303, Some(&*path)));
    assert_eq!(daemon.database().rows(closed_at), ["0"]);
    assert!(visitor.page(&path).contains("The transaction is closed."));
    assert_eq!(visitor.post(&format!("{path}/reopen"), &[]).status, 303);
    assert_eq!(daemon.database().rows(closed_at), ["1"]);
    for missing in ["/transactions/99", "/transactions/x"] {
        assert_eq!(visitor.get(missing).status, 404, "{missing}");
    }
    assert_eq!(visitor.post("/transactions/99/close", &[]).status, 404);
}

#[test]
fn events_are_listed_explained_and_downloaded() {
    let daemon = start();
    let id = register(&daemon, "1", "A-1001", 4999);
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "1"));
    deliver(&daemon, &StripeSample::new("customer.updated", "2"));
    deliver(&daemon, &StripeSample::new("payment_intent.succeeded", "3"));
    let thin = r#"{"id":"evt_thin","object":"v2.core.event","type":"v1.payment_intent.succeeded"}"#;
    assert_eq!(daemon.deliver_stripe(thin).status, 200);
    let visitor = Visitor::of(&daemon);
    for (query, expected) in [
        ("", vec![4, 3, 2, 1]),
        ("?status=failed", vec![4]),
        ("?status=orphan", vec![3]),
        ("?status=ignored", vec![2]),
        ("?status=processed", vec![1]),
        ("?event_type=payment_intent.succeeded", vec![3, 1]),
        ("?provider=paypal", vec![]),
        ("?livemode=true&status=orphan", vec![3]),
        (&*format!("?transaction_id={id}"), vec![1]),
        ("?since=1h&cursor=3", vec![2, 1]),
        ("?since=2036-01-01", vec![]),
        ("?until=2020-01-01", vec![]),
        ("?since=2020-01-01&until=2036-01-01&status=ignored", vec![2]),
    ] {
        let page = visitor.page(&format!("/events{query}"));
        assert_eq!(rows(&page, "event"), expected, "{query}");
    }

    let sample = StripeSample::new("payment_intent.succeeded", "1").body();
    let page = visitor.page("/events/1");
    for part in [
        "Stripe sent this live payment_intent.succeeded at",
        "with which the shop registered it",
        "It changed the transaction: status pending → succeeded",
        &format!("href=\"/transactions/{id}\""),
        "&quot;object&quot;: &quot;event&quot;",
        "Of the request, without signatures",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(visitor.page("/events/3").contains("href=\"/orphans/"));
    let french = visitor.get_with("/events/1", &[("accept-language", "fr")]);
    for part in ["Il appartient à la transaction", "statut en attente → réussi", "49,99\u{a0}EUR"]
    {
        assert!(french.text().contains(part), "{part} in {}", french.text());
    }

    let download = visitor.get("/events/1/payload");
    assert_eq!((download.status, download.text()), (200, &*sample));
    assert_eq!(download.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(download.header("x-content-type-options"), Some("nosniff"));
    let disposition = download.header("content-disposition").expect("a name");
    assert_eq!(disposition, "attachment; filename=\"event-1.json\"");
    assert_eq!(visitor.get("/events/9/payload").status, 404);
}

#[test]
fn an_event_is_read_again_after_a_look_at_what_would_change() {
    let options = Options::stripe();
    let daemon = start_with(options.clone());
    let id = register(&daemon, "other", "C-1", 4999);
    let event = StripeSample::new("payment_intent.succeeded", "1").order("C-1").body();
    deliver_text(&daemon, &event.replace("\"order_id\"", "\"cart\""));
    drop(daemon);

    // The shop notices that it keeps its order ids elsewhere.
    let daemon = start_with(options.arg("--order-id-key").arg("cart"));
    let visitor = Visitor::of(&daemon);
    let before = daemon.database().snapshot();
    let preview = visitor.page("/events/1/replay");
    for part in ["It would be", "applied", "no transaction", "succeeded"] {
        assert!(preview.contains(part), "{part} in {preview}");
    }
    assert!(preview.contains(&format!("href=\"/transactions/{id}\"")), "{preview}");
    assert_eq!(daemon.database().snapshot(), before, "a look changes nothing");

    let replayed = visitor.post("/events/1/replay", &[]);
    assert_eq!((replayed.status, replayed.header("location")), (303, Some("/events/1")));
    assert!(visitor.page("/events/1").contains("Replayed: applied."));
    let state = "SELECT status, amount_received FROM transactions";
    assert_eq!(daemon.database().rows(state), ["succeeded|4999"]);
    assert!(visitor.page("/events/1/replay").contains("Nothing: the result is the same."));
    assert_eq!(visitor.get("/events/9/replay").status, 404);
    assert_eq!(visitor.post("/events/9/replay", &[]).status, 404);
    daemon.database().assert_sound();
}

fn deliver_text(daemon: &Daemon, body: &str) {
    assert_eq!(daemon.deliver_stripe(body).status, 200);
}

#[test]
fn deliveries_that_were_given_up_are_counted_and_retried() {
    let shop = app::App::start();
    shop.says(|_| Reply::Answer(410, None, "<b>gone</b>".to_owned()));
    let daemon = start_with(shop.options());
    for name in ["1", "2", "3"] {
        register(&daemon, name, &format!("A-{name}"), 4999);
    }
    wait_until_all(daemon.options(), "dead");
    let visitor = Visitor::of(&daemon);
    let list = visitor.page("/deliveries?status=dead");
    assert_eq!(rows(&list, "delivery"), [3, 2, 1]);
    assert!(list.contains("Failed: 3.") && list.contains("href=\"/deliveries/retry\""), "{list}");
    let one = visitor.page("/deliveries/1");
    for part in ["transaction.registered", "failed", ">410<", "&lt;b&gt;gone&lt;/b&gt;"] {
        assert!(one.contains(part), "{part} in {one}");
    }
    let of_one = visitor.page("/deliveries?transaction_id=2");
    assert_eq!(rows(&of_one, "delivery"), [2]);

    shop.recovers();
    let retried = visitor.post("/deliveries/1/retry", &[]);
    assert_eq!((retried.status, retried.header("location")), (303, Some("/deliveries/1")));
    crate::support::daemon::wait_until("one is delivered", || {
        daemon.database().count("deliveries WHERE status = 'delivered'") == 1
    });

    // The number comes first, and only then are they retried.
    let later = visitor.page("/deliveries/retry?since=2036-01-01");
    assert!(later.contains("Failed: 0.") && !later.contains("Retry all"), "{later}");
    let asked = visitor.page("/deliveries/retry?since=1h");
    assert!(asked.contains("Failed: 2.") && asked.contains("Retry all"), "{asked}");
    assert_eq!(daemon.database().count("deliveries WHERE status = 'dead'"), 2);
    let (_, rest) = asked.split_once("name=\"since\" value=\"").expect("the moment");
    let since = rest.split('"').next().expect("a value");
    let none = visitor.post("/deliveries/retry", &[("since", "2036-01-01T00:00:00Z")]);
    assert_eq!(none.status, 303);
    assert!(visitor.page("/deliveries").contains("Queued for retry: 0."));
    assert_eq!(visitor.post("/deliveries/retry", &[("since", "yesterday")]).status, 400);
    let all = visitor.post("/deliveries/retry", &[("since", since)]);
    assert_eq!((all.status, all.header("location")), (303, Some("/deliveries?status=pending")));
    assert!(visitor.page("/deliveries").contains("Queued for retry: 2."));
    wait_until_all(daemon.options(), "delivered");
    assert_eq!(visitor.get("/deliveries/99").status, 404);
    assert_eq!(visitor.post("/deliveries/99/retry", &[]).status, 404);
}

/// What nobody means well with: markup, quotes, text from right to left, and ten thousand
/// characters of each.
fn hostile() -> String {
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{202e}شيك&amp;\u{0}%00\\"
        .repeat(130)
}

#[test]
fn whatever_a_sender_writes_is_text_and_no_page_is_large() {
    let shop = app::App::start();
    shop.says(|_| Reply::Answer(410, None, hostile()));
    let daemon = start_with(shop.options());
    for number in 0..60 {
        let name = number.to_string();
        register(&daemon, &name, &format!("A-{name}"), 4999);
        let event = StripeSample::new("payment_intent.succeeded", &name).body();
        let mut body: Value = serde_json::from_str(&event).expect("JSON");
        body["data"]["object"]["description"] = json!(hostile());
        deliver_text(&daemon, &body.to_string());
    }
    let padding = "x".repeat(1_000_000);
    let large = StripeSample::new("customer.updated", "large").body();
    deliver_text(
        &daemon,
        &large.replacen("\"object\"", &format!("\"{padding}\": 1, \"object\""), 1),
    );
    wait_until_all(daemon.options(), "dead");
    // What an id, a reason or an answer may be is not bounded by what our own API lets in.
    let sqlite = rusqlite::Connection::open(daemon.options().db()).expect("the database");
    for column in [
        "transactions.order_id",
        "transactions.reference",
        "webhook_logs.event_id",
        "webhook_logs.event_type",
        "webhook_logs.api_version",
        "webhook_logs.error",
        "webhook_logs.proof",
        "webhook_logs.headers",
        "deliveries.last_error",
        "delivery_attempts.answer",
        "transaction_events.object_id",
        "transaction_events.reason",
    ] {
        let (table, column) = column.split_once('.').expect("a table");
        // Still each another.
        let sql = format!("UPDATE {table} SET {column} = ?1 || rowid WHERE true");
        let sql = match table {
            "transaction_events" => sql.replace("rowid", "log_id"),
            _ => sql,
        };
        sqlite.execute(&sql, [hostile()]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let metadata = json!({ hostile(): hostile() }).to_string();
    sqlite.execute("UPDATE transactions SET metadata = ?1", [metadata]).expect("metadata");
    drop(sqlite);

    let visitor = Visitor::of(&daemon);
    let long: String = hostile().bytes().map(|byte| format!("%{byte:02x}")).take(2_000).collect();
    for path in [
        "/transactions",
        "/transactions/1",
        "/events",
        "/events/1",
        "/events/61",
        "/events/1/replay",
        "/deliveries",
        "/deliveries/1",
        "/deliveries/retry",
        "/events?transaction_id=1",
        &format!("/transactions?q={long}"),
        &format!("/events?event_type={long}"),
    ] {
        for language in ["en", "fr"] {
            let answer = visitor.get_with(path, &[("accept-language", language)]);
            let page = answer.text();
            let shown = &path[..path.len().min(60)];
            assert_eq!(answer.status, 200, "{shown}: {page}");
            assert!(page.len() <= MOST_BYTES, "{shown} has {} bytes", page.len());
            for markup in ["<script>", "<img", "onerror=alert(1)>", "'><"] {
                assert!(!page.contains(markup), "{markup} in {shown}");
            }
        }
    }
    assert!(visitor.page("/transactions").contains("&lt;script&gt;"), "it is shown, as text");
    // All of it is there for whoever wants it.
    assert!(visitor.get("/events/61/payload").text().len() > 1_000_000);
}
