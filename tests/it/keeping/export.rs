//! The shop's books: complete, exact, and none at all rather than wrong ones.

use std::fs;

use rusqlite::Connection as Sqlite;

use crate::support::daemon::Options;
use crate::support::provider::StripeSample;

/// A refund as Stripe tells of it.
fn refund(name: &str, id: &str, amount: i64, status: &str, created: i64) -> String {
    format!(
        r#"{{"id":"evt_{id}_{status}","object":"event","api_version":"2025-12-15.clover","created":{created},
            "data":{{"object":{{"id":"{id}","object":"refund","amount":{amount},"charge":"ch_{name}",
            "currency":"eur","payment_intent":"pi_{name}","reason":"requested_by_customer",
            "status":"{status}"}}}},"livemode":true,"type":"refund.updated"}}"#
    )
}

/// 2024-11-24T09:00:00Z
const REFUNDED: i64 = 1_732_438_800;

/// Two payments of euros, one of them refunded in part, one of yen that is disputed, and an orphan.
fn shop() -> Options {
    let options = Options::stripe();
    let daemon = options.start();
    for (name, order, currency) in
        [("a", "A-1", "EUR"), ("b", "=1+2\",\"x", "EUR"), ("c", "C-3", "JPY"), ("d", "D-4", "EUR")]
    {
        let reference = format!("pi_{name}");
        options.done(&[
            "transactions",
            "add",
            "--provider",
            "stripe",
            "--reference",
            &reference,
            "--order-id",
            order,
            "--amount",
            "4999",
            "--currency",
            currency,
        ]);
    }
    for name in ["a", "b", "orphan"] {
        let event = StripeSample::new("payment_intent.succeeded", name);
        assert_eq!(daemon.deliver_stripe(event.body()).status, 200);
    }
    let yen =
        StripeSample::new("payment_intent.succeeded", "c").body().replace("\"eur\"", "\"jpy\"");
    assert_eq!(daemon.deliver_stripe(yen).status, 200);
    let dispute = StripeSample::new("charge.dispute.created", "c").parent("ch_c");
    let dispute = dispute.at("2024-12-01T10:00:00Z").body().replace("\"eur\"", "\"jpy\"");
    assert_eq!(daemon.deliver_stripe(dispute).status, 200);
    for event in [
        refund("a", "re_1", 1000, "succeeded", REFUNDED),
        refund("a", "re_2", 500, "succeeded", REFUNDED + 60),
        refund("a", "re_2", 500, "failed", REFUNDED + 86_400),
    ] {
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    options
}

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn transactions_stand_in_minor_units_and_as_decimal_text() {
    let options = shop();
    let output = options.run(&["export", "transactions", "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let entries = lines(&String::from_utf8(output.stdout).expect("text"));
    let amounts = |place: usize| {
        let names = [
            "amount_received",
            "amount_received_decimal",
            "amount_refunded_decimal",
            "net",
            "net_decimal",
        ];
        names.map(|name| entries[place][name].to_string()).join(" ")
    };
    assert_eq!(amounts(0), r#"4999 "49.99" "10.00" 3999 "39.99""#);
    assert_eq!(amounts(2), r#"4999 "4999" "0" 4999 "4999""#);
    assert_eq!(entries[1]["order_id"], "=1+2\",\"x");
    assert_eq!(entries[3]["received_currency"], serde_json::Value::Null);
    assert_eq!(entries.len(), 4);
    let said = String::from_utf8(output.stderr).expect("text");
    let expected = "from the beginning until before now\n\
                    transactions: 1 at stripe, no money\n\
                    transactions: 2 at stripe, received 99.98 − refunded 10.00 = 89.98 EUR\n\
                    transactions: 1 at stripe, received 4999 − refunded 0 = 4999 JPY\n";
    assert_eq!(said, expected);
}

#[test]
fn a_spreadsheet_takes_nothing_in_it_for_a_formula() {
    let options = shop();
    let printed = options.done(&["export", "transactions"]);
    let heading = printed.lines().next().expect("a heading");
    assert!(heading.starts_with("id,provider,reference,order_id,livemode,status,"), "{heading}");
    let row = printed.lines().nth(2).expect("the second");
    assert!(
        row.starts_with(r#"2,stripe,pi_b,"'=1+2"",""x",1,succeeded,none,ok,4999,49.99,EUR,"#),
        "{row}"
    );
    // A refund that failed comes back: a number of ours, with its sign.
    let refunds = options.done(&["export", "refunds"]);
    let amounts: Vec<Vec<&str>> =
        refunds.lines().skip(1).map(|row| row.split(',').skip(6).take(4).collect()).collect();
    assert_eq!(
        amounts,
        [
            ["re_1", "1000", "10.00", "EUR"],
            ["re_2", "500", "5.00", "EUR"],
            ["re_2", "-500", "-5.00", "EUR"],
        ]
    );
}

#[test]
fn a_span_is_that_of_the_days_where_the_shop_is() {
    let options = shop();
    // By the provider's clock.
    for (from, to, ids) in [
        ("2024-11-24", "2024-11-25", &["re_1", "re_2"][..]),
        ("2024-11-25", "2024-11-26", &["re_2"]),
        ("2024-11-24T09:00:00Z", "2024-11-24T09:01:00Z", &["re_1"]),
        ("2024-12-01", "2024-12-31", &[]),
    ] {
        let printed =
            options.done(&["export", "refunds", "--format", "jsonl", "--from", from, "--to", to]);
        let found: Vec<_> = lines(&printed).iter().map(|one| one["refund_id"].clone()).collect();
        assert_eq!(found, ids, "{from} to {to}");
    }
    let sqlite = Sqlite::open(options.db()).expect("a database");
    let late = "UPDATE transactions SET created_at = '2024-10-31T23:30:00.000Z' WHERE id = 1";
    sqlite.execute(late, []).expect("SQL");
    let november = |zone: &str| {
        let span = ["--from", "2024-11-01", "--to", "2024-12-01", "--time-zone", zone];
        let args = [&["export", "transactions", "--format", "jsonl"], &span[..]].concat();
        lines(&options.done(&args)).len()
    };
    assert_eq!((november("UTC"), november("Europe/Paris")), (0, 1));
    for wrong in [&["--from", "soon"][..], &["--from", "2024-11-02", "--to", "2024-11-02"]] {
        let output = options.run(&[&["export", "refunds"], wrong].concat());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
}

#[test]
fn all_books_of_one_moment_make_a_folder() {
    let options = shop();
    let folder = options.folder().join("books");
    let path = folder.display().to_string();
    let said = options.done(&["export", "all", "--output", &path]);
    assert!(said.contains("\nrefunds: 3 at stripe, refunded 10.00 EUR\n"), "{said}");
    assert!(said.contains("\ndisputes: 1 at stripe, 4999 JPY\n"), "{said}");
    assert!(said.ends_with("\norphans: 1 at stripe, 49.99 EUR\n"), "{said}");
    let mut names: Vec<_> =
        fs::read_dir(&folder).expect("it").map(|file| file.expect("a file").file_name()).collect();
    names.sort();
    assert_eq!(names, ["disputes.csv", "orphans.csv", "refunds.csv", "transactions.csv"]);
    let disputes = fs::read_to_string(folder.join("disputes.csv")).expect("it");
    let row = disputes.lines().nth(1).expect("a dispute");
    assert!(
        row.starts_with("dp_c,2024-12-01T10:00:00.000Z,3,stripe,pi_c,C-3,open,4999,4999,JPY,"),
        "{row}"
    );

    let again = options.run(&["export", "all", "--output", &path]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"), "{again:?}");
    let nowhere = options.run(&["export", "all"]);
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("name a folder"), "{nowhere:?}");
}

#[test]
fn books_that_do_not_balance_are_not_written() {
    for (tamper, book, why) in [
        (
            "UPDATE transactions SET amount_refunded = 999 WHERE id = 1",
            "transactions",
            "do not say what their last change says: number 1",
        ),
        (
            "UPDATE transactions SET amount_refunded = 999 WHERE id = 1;
             UPDATE transaction_changes SET amount_refunded = 999
             WHERE transaction_id = 1 AND version = (SELECT version FROM transactions WHERE id = 1);
             DELETE FROM transaction_changes WHERE transaction_id = 2 AND version = 1;
             UPDATE transaction_changes SET amount_refunded = 7
             WHERE transaction_id = 2 AND version = 2;",
            "refunds",
            "number 2",
        ),
        (
            "UPDATE transactions SET dispute_status = 'won' WHERE id = 3;
             UPDATE transaction_changes SET dispute_status = 'won' WHERE transaction_id = 3;",
            "disputes",
            "won in transaction 3, whose events say open",
        ),
    ] {
        let options = shop();
        let sqlite = Sqlite::open(options.db()).expect("a database");
        sqlite.pragma_update(None, "foreign_keys", false).expect("a pragma");
        sqlite.execute_batch(tamper).expect("SQL");
        let file = options.folder().join("book.csv");
        let path = file.display().to_string();
        let output = options.run(&["export", book, "--output", &path]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{said}");
        let left: Vec<_> = fs::read_dir(options.folder())
            .expect("it")
            .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("book"))
            .collect();
        assert_eq!(left, Vec::<String>::new());
        let printed = options.run(&["export", book]);
        assert_eq!((printed.status.code(), printed.stdout), (Some(1), vec![]));
    }
}
