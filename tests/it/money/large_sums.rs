//! Genuine events may say any number: amounts as large as a number can be, and sums of them, break
//! nothing of what a person looks at, and are told for what they are.

use serde_json::{Value, json};

use crate::reading::dashboard::{TOKEN, Visitor, start_with};
use crate::support::daemon::{Options, wait_until};
use crate::support::provider::StripeSample;
use crate::support::shop::register;
use crate::support::wire::Connection;
use payhookd::telemetry::clock::Clock;

const MOST: i64 = i64::MAX;
const DECIMAL: &str = "92233720368547758.07";
const GROUPED: &str = "92,233,720,368,547,758.07";

#[test]
fn sums_that_are_too_large_are_told_as_the_largest_amount_everywhere() {
    let options = Options::stripe().arg("--orphan-grace=0");
    options.done(&["--migrate"]);
    register(&options, ["a", "b", "c"].map(|name| (name.to_owned(), MOST)));
    let daemon = start_with(options.clone());
    for name in ["a", "b", "orphan1", "orphan2"] {
        let paid = StripeSample::new("payment_intent.succeeded", name).amount(MOST);
        assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
        let disputed = StripeSample::new("charge.dispute.created", name)
            .parent(&format!("ch_{name}"))
            .object(&format!("dp_{name}"))
            .amount(MOST);
        assert_eq!(daemon.deliver_stripe(disputed.body()).status, 200);
        let refund = json!({
            "id": format!("evt_refund_{name}"), "object": "event", "type": "refund.created",
            "livemode": true, "created": 1_764_000_000, "data": {"object": {
                "id": format!("re_{name}"), "object": "refund", "amount": MOST, "currency": "eur",
                "charge": format!("ch_{name}"), "payment_intent": format!("pi_{name}"),
                "status": "succeeded",
            }},
        });
        assert_eq!(daemon.deliver_stripe(refund.to_string()).status, 200);
    }
    // Two disputes about one payment, which together are about more than any amount.
    let more = StripeSample::new("charge.dispute.created", "a")
        .id("evt_more")
        .parent("ch_a")
        .object("dp_more")
        .amount(MOST);
    assert_eq!(daemon.deliver_stripe(more.body()).status, 200);
    let noticed = "SELECT count(*) FROM orphan_transactions WHERE alerted_at IS NOT NULL";
    wait_until("both orphans are noticed", || daemon.database().one::<i64>(noticed) == 2);
    let sums = "SELECT amount_received, amount_refunded FROM transactions WHERE id < 3";
    assert_eq!(daemon.database().rows(sums), [format!("{MOST}|{MOST}"), format!("{MOST}|{MOST}")]);

    let visitor = Visitor::of(&daemon);
    let overview = visitor.page("/");
    let marked = format!("≥ {GROUPED}");
    assert!(overview.matches(&marked).count() >= 4, "{overview}");
    let orphan: i64 = daemon.database().one("SELECT min(id) FROM orphan_transactions");
    for path in [
        "/transactions",
        "/transactions/1",
        "/orphans",
        "/events",
        "/issues",
        "/events/1",
        "/deliveries",
    ] {
        visitor.page(path);
    }
    assert!(visitor.page(&format!("/orphans/{orphan}")).contains(GROUPED));
    let bearer = format!("Bearer {TOKEN}");
    for path in ["/metrics", "/api/v1/transactions", "/api/v1/orphans"] {
        let headers = [("authorization", &*bearer)];
        let answer = Connection::open(daemon.admin).request("GET", path, &headers, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }

    let now = Clock::SYSTEM.now().to_string();
    let report = options.done(&["report", "--day", &now[..10], "--time-zone", "Etc/UTC"]);
    assert!(report.contains(&format!("≥ {DECIMAL} EUR in 2 payments")), "{report}");
    let report = options.done(&["report", "--day", &now[..10], "--time-zone", "Etc/UTC", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["money"][0]["received"], MOST, "{report}");

    let books = options.folder().join("books");
    let all = ["export", "all", "--output", books.to_str().expect("a name")];
    let output = options.run(&all);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(&format!("received ≥ {DECIMAL} − refunded ≥ {DECIMAL} = 0.00 EUR")),
        "{said}"
    );
    let transactions = std::fs::read_to_string(books.join("transactions.csv")).expect("a book");
    assert_eq!(transactions.matches(DECIMAL).count(), 7, "{transactions}");

    for command in ["transactions", "orphans", "events", "issues"] {
        options.done(&[command, "list"]);
    }
    options.done(&["transactions", "show", "1"]);
    options.done(&["orphans", "show", &orphan.to_string()]);
    daemon.database().assert_proved();
}
