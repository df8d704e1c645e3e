//! The API: who may come in, what can be registered, and what is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;

use serde_json::{Value, json};

use crate::support::admin::{App, TRANSACTIONS, problem};
use crate::support::daemon::{Options, wait_until};
use crate::support::provider::{StripeSample, stripe_event};
use crate::support::wire::Connection;

fn payment() -> Value {
    json!({
        "provider": "stripe", "reference": "pi_1", "order_id": "A-1001", "amount": 4999,
        "currency": "EUR", "metadata": { "cart": [1, 2] },
    })
}

#[test]
fn a_token_is_made_at_the_first_start_and_kept() {
    let options = Options::stripe();
    let file = options.folder().join("api-token");
    let daemon = options.start();
    let token = fs::read_to_string(&file).expect("a token");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(token.trim_end().len() >= 43, "{token}");
    assert!(token.trim_end().bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
    assert_eq!(App::of(&daemon).get(TRANSACTIONS).status, 200);
    assert!(!daemon.log().contains(token.trim_end()));
    daemon.terminate();

    // Others may be meant to read it, but should be.
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("another mode");
    let daemon = options.start();
    assert_eq!(fs::read_to_string(&file).expect("a token"), token);
    assert_eq!(App::of(&daemon).get(TRANSACTIONS).status, 200);
    daemon.wait_for_line("every user of this machine can read the API token");
    assert_ne!(Options::stripe().start().options().db(), options.db());
}

#[test]
fn everything_for_programs_but_readyz_wants_the_token() {
    let daemon = Options::stripe().start();
    let right = fs::read_to_string(daemon.options().folder().join("api-token")).expect("a token");
    let right = format!("Bearer {}", right.trim_end());
    let long = format!("Bearer {}", "x".repeat(10_000));
    let wrong = right.to_ascii_uppercase();
    for path in ["/api", TRANSACTIONS, "/api/v1/openapi.json", "/nowhere", "/metrics"] {
        for says in [None, Some(""), Some("Bearer"), Some("Basic eDp5"), Some(&*long), Some(&wrong)]
        {
            let headers: Vec<_> = says.map(|says| ("authorization", says)).into_iter().collect();
            let answer = Connection::open(daemon.admin).request("GET", path, &headers, "");
            problem(&answer, 401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{path} {says:?}");
        }
        let headers = [("authorization", &*right), ("authorization", &*right)];
        let answer = Connection::open(daemon.admin).request("GET", path, &headers, "");
        problem(&answer, 401);
    }
    assert_eq!(daemon.get_admin("/readyz").status, 200);
    let answer = Connection::open(daemon.admin).request("POST", TRANSACTIONS, &[], "{}");
    problem(&answer, 401);
    assert_eq!(daemon.database().count("transactions"), 0);
    daemon.wait_for_line("msg=\"refused: without the API token\"");
    // The providers' listener has no API, with the token or without.
    assert_eq!(daemon.request("GET", TRANSACTIONS, &[("authorization", &right)], "").status, 404);
}

#[test]
fn the_token_is_given_by_a_variable_a_file_or_a_credential() {
    let daemon = Options::stripe().variable("PAYHOOKD_API_TOKEN", "0123456789abcdef").start();
    let app = App::with_token(&daemon, "0123456789abcdef");
    assert_eq!(app.get(TRANSACTIONS).status, 200);
    problem(&App::with_token(&daemon, "0123456789abcdeg").get(TRANSACTIONS), 401);
    assert!(!daemon.options().folder().join("api-token").exists());

    let options = Options::stripe();
    options.file("PAYHOOKD_API_TOKEN", "of-systemd-1234567\n");
    let daemon =
        options.clone().variable("CREDENTIALS_DIRECTORY", options.folder().display()).start();
    assert_eq!(App::with_token(&daemon, "of-systemd-1234567").get(TRANSACTIONS).status, 200);

    // A file that is named is read, or made.
    let options = Options::stripe();
    let elsewhere = options.folder().join("elsewhere");
    let by_flag = options.clone().arg("--api-token-file").arg(elsewhere.display());
    by_flag.start().terminate();
    let token = fs::read_to_string(&elsewhere).expect("a token");
    let by_variable = options.variable("PAYHOOKD_API_TOKEN_FILE", elsewhere.display());
    let daemon = by_variable.start();
    assert_eq!(App::with_token(&daemon, token.trim_end()).get(TRANSACTIONS).status, 200);
}

#[test]
fn a_token_that_is_none_is_refused_at_start() {
    let token = "with space 01234567";
    let output = Options::stripe().variable("PAYHOOKD_API_TOKEN", token).start_refused();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("PAYHOOKD_API_TOKEN") && said.contains("one word"), "{said}");
    assert!(!said.contains(token), "{said}");
    for (token, about) in
        [("sh0rt-012", "shorter than 10"), ("your-api-token-comes-here", "a placeholder")]
    {
        let output = Options::stripe().variable("PAYHOOKD_API_TOKEN", token).start_refused();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("PAYHOOKD_API_TOKEN ") && said.contains(about), "{said}");
        assert!(!said.contains(token), "{said}");
    }
    for (content, about) in [
        (&b""[..], "is empty"),
        (b"\n", "is empty"),
        (b"two words 0123456789\n", "one word"),
        (b"sh0rt\n", "shorter than 10"),
        (b"xxxxxxxxxxxxxxxxxxxxxxxx\n", "a placeholder"),
        (b"\xff\xfe0123456789abcdef", "is not text"),
    ] {
        let options = Options::stripe();
        let file = options.file("api-token", content);
        let said = options.start_refused();
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains("api-token") && said.contains(about), "{said}");
        assert_eq!(fs::read(file).expect("the file is left as it is"), content);
    }
    let options = Options::stripe().arg("--api-token-file").arg("no/such/folder");
    let said = String::from_utf8_lossy(&options.start_refused().stderr).into_owned();
    assert!(said.contains("no/such/folder can't be made"), "{said}");
    let both = options.clone().variable("PAYHOOKD_API_TOKEN", "0123456789abcdef");
    options.file("PAYHOOKD_API_TOKEN", "0123456789abcdef");
    let credential = options.variable("CREDENTIALS_DIRECTORY", both.folder().display());
    for twice in [both, credential] {
        let said = String::from_utf8_lossy(&twice.start_refused().stderr).into_owned();
        assert!(said.contains("are both set"), "{said}");
    }
}

#[test]
fn a_transaction_is_registered_once() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let created = app.register(&payment());
    assert_eq!((created.status, created.header("location")), (201, Some("/api/v1/transactions/1")));
    let again = app.register(&payment());
    assert_eq!((again.status, again.header("location")), (200, None));
    assert_eq!(again.json(), created.json());
    // What the command line shows is the same.
    let shown = daemon.options().done(&["transactions", "list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown).expect("JSON"), created.json());

    let before = daemon.database().snapshot();
    for (field, other) in [
        ("order_id", json!("A-1002")),
        ("order_id", json!(null)),
        ("amount", json!(5000)),
        ("currency", json!("USD")),
        ("metadata", json!({})),
    ] {
        let mut body = payment();
        body[field] = other;
        let conflict = problem(&app.register(&body), 409);
        assert_eq!(conflict["transaction_id"], 1, "{field}");
        assert_eq!(conflict["type"], "urn:payhookd:problem:conflict");
    }
    assert_eq!(daemon.database().snapshot(), before);
    // It is real money unless something else is said; test money is another transaction.
    let mut test = payment();
    test["livemode"] = json!(false);
    assert_eq!(app.register(&test).status, 201);
    daemon.wait_for_line("msg=transaction provider=stripe transaction_id=1 outcome=existing");
    daemon.database().assert_proved();
}

#[test]
fn what_came_before_is_adopted_and_shown_in_the_answer() {
    let daemon = Options::stripe().start();
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let created = App::of(&daemon).register(&payment());
    assert_eq!(created.status, 201);
    let transaction = created.json();
    assert_eq!(transaction["status"], "succeeded");
    assert_eq!((&transaction["amount_check"], &transaction["version"]), (&json!("ok"), &json!(2)));
}

#[test]
fn thirty_two_at_once_are_one_transaction() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let together = Barrier::new(32);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..32)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    app.register(&payment())
                })
            })
            .collect();
        requests.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[..31], [200; 31]);
    assert_eq!(statuses[31], 201);
    assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
    assert_eq!(daemon.database().count("transactions"), 1);
    assert_eq!(daemon.database().count("transaction_changes"), 1);
}

#[test]
fn every_mistake_in_a_registration_names_its_field() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    for (field, value) in [
        ("provider", json!(null)),
        ("provider", json!("klarna")),
        ("reference", json!("")),
        ("reference", json!("x".repeat(10_000))),
        ("reference", json!("pi_\u{1b}[2J")),
        ("order_id", json!(7)),
        ("order_id", json!("a\u{0}")),
        ("amount", json!(-1)),
        ("amount", json!(49.99)),
        ("amount", json!(1e300)),
        ("amount", json!("4999")),
        ("currency", json!("€€€")),
        ("currency", json!(null)),
        ("livemode", json!("yes")),
        ("metadata", json!([])),
        ("amont", json!(1)),
        ("\u{202e}\u{0}", json!(1)),
    ] {
        let mut body = payment();
        body[field] = value;
        let answer = app.register(&body);
        assert_eq!(problem(&answer, 400)["field"], field, "{}", answer.text());
    }
    for body in [
        &b""[..],
        b"[]",
        b"null",
        b"{",
        b"\"provider\"",
        b"{\"provider\":\"stripe\",\"reference\":\"pi_\xff\"}",
        b"{\"provider\":\"stripe\",\"reference\":\"pi_\\ud800\"}",
        b"{\"provider\":\"stripe\",\"reference\":\"1\",\"amount\":1e999,\"currency\":\"EUR\"}",
        "[".repeat(60_000).as_bytes(),
        format!("{{\"metadata\":{}", "{\"a\":".repeat(10_000)).as_bytes(),
    ] {
        problem(&app.post(TRANSACTIONS, body), 400);
    }
    let twice = r#"{"provider":"stripe","reference":"pi_1","reference":"pi_2"}"#;
    assert_eq!(problem(&app.post(TRANSACTIONS, twice), 400)["field"], "reference");
    assert_eq!(daemon.database().count("transactions"), 0);
}

#[test]
fn bodies_are_bounded_and_said_to_be_json() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let body = payment().to_string();
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/jsonl")],
    ] {
        problem(&app.request("POST", TRANSACTIONS, headers, &body), 415);
    }
    let mut large = payment();
    large["metadata"] = json!({ "text": "x".repeat(64 * 1024) });
    problem(&app.register(&large), 413);
    assert_eq!(daemon.database().count("transactions"), 0);
    large["metadata"] = json!({ "text": "x".repeat(60 * 1024) });
    assert_eq!(app.register(&large).status, 201);
    let with_charset = [("content-type", "Application/JSON; charset=utf-8")];
    let other = r#"{"provider":"stripe","reference":"pi_2"}"#;
    assert_eq!(app.request("POST", TRANSACTIONS, &with_charset, other).status, 201);
}

#[test]
fn paths_and_methods_that_are_not_there_are_problems() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/transactions",
        "/api/v1/transactions/",
        "/api/v1/transactions/0",
        "/api/v1/transactions/1",
        "/api/v1/transactions/-1",
        "/api/v1/transactions/1e3",
        "/api/v1/transactions/99999999999999999999",
        "/api/v1/transactions/by-reference/stripe/pi_9",
        "/api/v1/events/evt_9",
        "/api/v1/events/%00%1b",
        "/api/v1/orphans/9",
        "/api/v1/orphans/x",
        "/api/v1/transactions/1/../../../../etc/passwd",
    ] {
        let answer = app.get(path);
        assert_eq!(problem(&answer, 404)["type"], "urn:payhookd:problem:not-found", "{path}");
    }
    let long = "x".repeat(10_000);
    for (path, field) in [
        ("/api/v1/transactions/by-reference/klarna/pi_1".to_owned(), "provider"),
        (format!("/api/v1/transactions/by-reference/stripe/{long}"), "reference"),
        ("/api/v1/transactions/by-reference/stripe/%0a".to_owned(), "reference"),
    ] {
        assert_eq!(problem(&app.get(&path), 400)["field"], field);
    }
    for path in ["/api/v1/transactions/%ff", "/api/v1/events/%80", "/api/v1/events/%e2%82"] {
        problem(&app.get(path), 400);
    }
    assert_eq!(app.get(&format!("/api/v1/events/{long}")).status, 404);
    for (method, path, allowed) in [
        ("DELETE", TRANSACTIONS, "POST, GET"),
        ("PUT", "/api/v1/transactions/1", "GET"),
        ("POST", "/api/v1/changes", "GET"),
        ("PATCH", "/api/v1/openapi.json", "GET"),
    ] {
        let answer = app.request(method, path, &[], "{}");
        problem(&answer, 405);
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
}

#[test]
fn parameters_that_are_not_known_or_not_right_are_named() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let long = "x".repeat(10_000);
    for (path, field) in [
        ("/api/v1/transactions?staus=failed", "staus"),
        ("/api/v1/transactions?status=", "status"),
        ("/api/v1/transactions?status=paid", "status"),
        ("/api/v1/transactions?status=pending,", "status"),
        ("/api/v1/transactions?status=pending&status=%ff", "status"),
        ("/api/v1/transactions?provider=stripe&provider=stripe", "provider"),
        ("/api/v1/transactions?livemode=1", "livemode"),
        ("/api/v1/transactions?created_after=yesterday", "created_after"),
        ("/api/v1/transactions?updated_before=2026-11-24T00:00:00+01:00", "updated_before"),
        ("/api/v1/transactions?amount_check=fine", "amount_check"),
        ("/api/v1/transactions?dispute_status=lost%20it", "dispute_status"),
        ("/api/v1/transactions?limit=0", "limit"),
        ("/api/v1/transactions?limit=201", "limit"),
        ("/api/v1/transactions?limit=1e1", "limit"),
        ("/api/v1/transactions?limit=99999999999999999999", "limit"),
        ("/api/v1/transactions?cursor=-1", "cursor"),
        ("/api/v1/transactions?cursor=", "cursor"),
        ("/api/v1/transactions?order_id=%00", "order_id"),
        (&format!("/api/v1/transactions?order_id={long}"), "order_id"),
        ("/api/v1/transactions/1?wait=0", "wait"),
        ("/api/v1/transactions/1?wait=61", "wait"),
        ("/api/v1/transactions/1?version=0", "version"),
        ("/api/v1/transactions/by-reference/stripe/pi_1?livemode=", "livemode"),
        ("/api/v1/changes?after=never", "after"),
        ("/api/v1/changes?after=01", "after"),
        ("/api/v1/events?status=succeeded", "status"),
        ("/api/v1/events?transaction_id=pi_1", "transaction_id"),
        ("/api/v1/orphans?resolved=yes", "resolved"),
        ("/api/v1/events/1?payload=true", "payload"),
        ("/api/v1/openapi.json?x", "x"),
    ] {
        let answer = app.get(path);
        assert_eq!(problem(&answer, 400)["field"], field, "{path}");
    }
    let unknown = problem(&app.get("/api/v1/orphans?a=1&provider=stripe&b=2"), 400);
    let detail = unknown["detail"].as_str().expect("text");
    assert!(detail.contains("a, b") && detail.contains("resolved"), "{detail}");
}

#[test]
fn a_database_that_is_held_is_503_and_nothing_is_lost_in_between() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let other = rusqlite::Connection::open(daemon.options().db()).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let busy = app.register(&payment());
    problem(&busy, 503);
    assert!(busy.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()));
    // Those who only read do not notice.
    assert_eq!(app.json(TRANSACTIONS)["data"], json!([]));
    other.execute_batch("ROLLBACK").expect("the lock is given back");
    assert_eq!(app.register(&payment()).status, 201);
}

#[test]
fn whoever_goes_away_before_the_answer_can_ask_again() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    // The writer is held up until the sender has gone.
    let other = rusqlite::Connection::open(daemon.options().db()).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let token = fs::read_to_string(daemon.options().folder().join("api-token")).expect("a token");
    let authorization = format!("Bearer {}", token.trim_end());
    let mut connection = Connection::open(daemon.admin);
    let headers = [("authorization", &*authorization), ("content-type", "application/json")];
    connection.send_request("POST", TRANSACTIONS, &headers, payment().to_string());
    drop(connection);
    other.execute_batch("ROLLBACK").expect("the lock is given back");
    // Whether it was read before the end is the sender's risk; what is registered is so once.
    let registered = app.register(&payment());
    assert!([200, 201].contains(&registered.status));
    assert_eq!(daemon.database().count("transactions"), 1);
    let sample = StripeSample::new("payment_intent.succeeded", "1");
    assert_eq!(daemon.deliver_stripe(sample.body()).status, 200);
    let status = || app.json("/api/v1/transactions/1")["status"].clone();
    wait_until("the payment has succeeded", || status() == "succeeded");
}

#[test]
fn what_a_person_decides_is_done_over_http_too() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let registered = app.register(&json!({"provider": "stripe", "reference": "cs_1"})).json();
    let id = registered["id"].to_string();
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    let inbox = app.json("/api/v1/orphans");
    assert_eq!((&inbox["data"][0]["kind"], &inbox["data"][1]), (&json!("early"), &json!(null)));
    let resolve = format!("/api/v1/orphans/{}/resolve", inbox["data"][0]["id"]);
    let resolved = app.post(&resolve, format!(r#"{{"transaction_id":{id}}}"#)).json();
    assert_eq!(resolved["resolution"], "matched");
    assert_eq!(resolved["resolved_by"], "person");
    let one = format!("/api/v1/transactions/{id}");
    assert_eq!(app.json(&one)["status"], "succeeded");
    // It is paid, which is asked back; and what was there before is not late.
    let refused = app.request("POST", &format!("{one}/close"), &[], "");
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("even_if_paid=true"), "{}", refused.text());
    let closed = app.request("POST", &format!("{one}/close?even_if_paid=true"), &[], "").json();
    assert!(closed["closed_at"].is_string(), "{closed}");
    assert_eq!(app.json("/api/v1/orphans")["data"], json!([]));
    app.request("POST", &format!("{one}/reopen"), &[], "");
    assert_eq!(app.json(&one)["closed_at"], json!(null));
    let history = app.json(&one)["history"].clone();
    let names: Vec<_> = history.as_array().expect("changes").iter().map(|c| &c["change"]).collect();
    assert_eq!(
        names,
        [
            "transaction.registered",
            "transaction.succeeded",
            "transaction.closed",
            "transaction.reopened"
        ]
    );
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2"));
    let resolve =
        format!("/api/v1/orphans/{}/resolve", app.json("/api/v1/orphans")["data"][0]["id"]);
    for wrong in [r#"{"foreign":7}"#, r#"{"foreign":false}"#, r#"{"foreign":true,"dismiss":"x"}"#] {
        assert_eq!(app.post(&resolve, wrong).status, 400, "{wrong}");
    }
    let foreign = app.post(&resolve, r#"{"foreign":true,"note":"the other shop"}"#).json();
    assert_eq!(
        (&foreign["kind"], &foreign["resolution"]),
        (&json!("foreign"), &json!("dismissed"))
    );
    let before = daemon.database().snapshot();
    let event = "/api/v1/events/evt_1_payment_intent.succeeded";
    let replayed = app.request("POST", &format!("{event}/replay?dry_run=true"), &[], "").json();
    assert_eq!(replayed["result"], "same");
    assert_eq!(daemon.database().snapshot(), before);
    let explained = app.json(event)["explanation"].to_string();
    assert!(explained.contains("because a person attached its payment"), "{explained}");
}

#[test]
fn metrics_tell_the_outcome() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    assert_eq!(daemon.post(crate::support::provider::STRIPE, &[], "{}").status, 400);
    let answer = app.get("/metrics");
    let content_type = answer.header("content-type").unwrap_or_default();
    assert!(content_type.starts_with("application/openmetrics-text"), "{content_type}");
    let text = answer.text();
    for line in [
        "payhookd_webhooks_total{provider=\"stripe\",class=\"payment\",outcome=\"orphan\"} 1",
        "payhookd_webhooks_total{provider=\"stripe\",class=\"payment\",outcome=\"duplicate\"} 1",
        "payhookd_refused_total{provider=\"stripe\",reason=\"missing_header\"} 1",
        "payhookd_orphans_open{kind=\"early\"} 1",
        "payhookd_webhook_duration_seconds_count 2",
        "payhookd_events_failed 0",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
    }
    assert!(text.contains("payhookd_disk_free_bytes "), "{text}");
    assert_eq!(daemon.get_admin("/metrics").status, 401);
}

#[test]
fn what_is_not_checked_is_said_at_registration() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let unsaid = json!({"provider": "stripe", "reference": "pi_2"});
    let warning = json!("no amount was registered: what is paid is not checked");
    for status in [201, 200] {
        let answer = app.register(&unsaid);
        assert_eq!((answer.status, &answer.json()["warning"]), (status, &warning));
        let answer = app.register(&payment());
        assert_eq!((answer.status, &answer.json()["warning"]), (status, &Value::Null));
    }
    for name in ["1", "2"] {
        daemon.deliver_stripe(stripe_event("payment_intent.succeeded", name));
    }
    let shown = |name: &str| app.json(&format!("/api/v1/transactions/by-reference/stripe/{name}"));
    assert_eq!(
        (&shown("pi_1")["paid"], &shown("pi_1")["amount_check"]),
        (&json!(true), &json!("ok"))
    );
    let unchecked = shown("pi_2");
    assert_eq!((&unchecked["status"], &unchecked["paid"]), (&json!("succeeded"), &json!(false)));
    assert_eq!(unchecked["warning"], Value::Null);
    let printed = daemon.options().done(&["transactions", "show", "pi_2"]);
    assert!(printed.contains("amount not checked: none was registered"), "{printed}");
}

#[test]
fn whether_a_shop_takes_deposits_is_one_of_the_facts() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let mut deposits = payment();
    deposits["partial"] = json!(true);
    let created = app.register(&deposits);
    assert_eq!((created.status, &created.json()["partial"]), (201, &json!(true)));
    assert_eq!(app.register(&deposits).status, 200);
    assert_eq!(app.register(&payment()).status, 409);
    let changes = app.json("/api/v1/changes");
    assert_eq!(changes["data"][0]["transaction"]["partial"], json!(true));
    let options = daemon.options();
    let add = ["transactions", "add", "--provider", "stripe", "--reference", "pi_2", "--json"];
    let more = ["--amount", "4999", "--currency", "EUR", "--partial"];
    let added: Value =
        serde_json::from_str(&options.done(&[&add[..], &more].concat())).expect("JSON");
    assert_eq!(added["partial"], json!(true));
    let csv = "provider,reference,amount,currency,partial\nstripe,pi_2,4999,EUR,true\nstripe,pi_3,4999,EUR,\n";
    let output = options.run_with_input(&["transactions", "import", "-"], csv);
    assert!(output.status.success(), "{output:?}");
    let rows = "SELECT reference, partial FROM transactions ORDER BY id";
    assert_eq!(daemon.database().rows(rows), ["pi_1|1", "pi_2|1", "pi_3|0"]);
    let printed = options.done(&["transactions", "show", "pi_1"]);
    assert!(printed.contains("the shop takes deposits"), "{printed}");
}

#[test]
fn money_in_another_currency_is_shown_everywhere() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    assert_eq!(app.register(&payment()).status, 201);
    daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1"));
    let sqlite = rusqlite::Connection::open(daemon.options().db()).expect("the database");
    sqlite
        .execute_batch(
            r#"UPDATE transactions SET other_money = '[{"currency":"USD","received":5400,"refunded":400}]';
               UPDATE transaction_changes
               SET other_money = '[{"currency":"USD","received":5400,"refunded":400}]'
               WHERE version = 2;"#,
        )
        .expect("as if it had come");
    let dollars = json!([{"currency": "USD", "received": 5400, "refunded": 400}]);
    let shown = app.json("/api/v1/transactions/1");
    assert_eq!(shown["other_money"], dollars);
    assert_eq!(shown["history"][1]["other_money"], dollars);
    assert_eq!(shown["history"][1]["before"]["other_money"], json!([]));
    assert_eq!(app.json("/api/v1/changes")["data"][1]["transaction"]["other_money"], dollars);
    assert_eq!(app.json("/api/v1/transactions")["data"][0]["other_money"], dollars);

    let options = daemon.options();
    let printed = options.done(&["transactions", "show", "1"]);
    assert!(
        printed.contains("in another currency: 54.00 USD received, 4.00 USD refunded"),
        "{printed}"
    );
    let exported = |book: &str| -> Vec<Value> {
        let printed = options.done(&["export", book, "--format", "jsonl"]);
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let entries: Vec<_> = exported("transactions")
        .iter()
        .map(|one| json!([one["id"], one["amount"], one["net_decimal"], one["received_currency"]]))
        .collect();
    assert_eq!(entries, [json!([1, 4999, "49.99", "EUR"]), json!([1, null, "50.00", "USD"])]);
    let refunds = exported("refunds");
    let refunds: Vec<_> = refunds.iter().map(|one| (&one["amount"], &one["currency"])).collect();
    assert_eq!(refunds, [(&json!(400), &json!("USD"))]);
}
