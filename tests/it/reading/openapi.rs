//! The OpenAPI document: it says what the daemon does, and the daemon does what it says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::admin::{App, problem};
use crate::support::daemon::{Daemon, Options};
use crate::support::document::{Checker, Document};
use crate::support::provider::{StripeSample, stripe_event};
use crate::support::random::Random;
use crate::support::shop::register;
use payhookd::domain::change;
use payhookd::domain::delivery::DeliveryStatus;
use payhookd::domain::issue::{IssueKind, IssueStatus, Severity};
use payhookd::domain::orphan::OrphanKind;
use payhookd::domain::provider::Provider;
use payhookd::domain::records::Outcome;
use payhookd::domain::reference::LONGEST_ID;
use payhookd::domain::transaction::{AmountCheck, DisputeStatus, Status};
use payhookd::http::api::{
    LARGEST_PAGE, LONGEST_WAIT, MAX_BODY, PROBLEM_TYPE, ProblemKind, ROUTES, USUAL_PAGE,
};
use payhookd::json::registration;

/// A daemon that has something of everything.
fn shop() -> Daemon {
    // Nobody listens there, so that all that is to be told waits.
    let options = Options::stripe()
        .variable("PAYHOOKD_NOTIFY_URL", "http://127.0.0.1:1/")
        .variable("PAYHOOKD_NOTIFY_SECRET", crate::support::app::SECRET);
    register(&options, [("1".to_owned(), 4999), ("2".to_owned(), 100)]);
    let daemon = options.start();
    let dispute = StripeSample::new("charge.dispute.created", "1").reference("pi_1").parent("ch_1");
    for body in [
        stripe_event("payment_intent.succeeded", "1"),
        dispute.body(),
        stripe_event("payment_intent.succeeded", "orphan"),
        stripe_event("payment_intent.succeeded", "adopted"),
        stripe_event("customer.updated", "1"),
        "{\"id\":\"evt_bad\",\"type\":\"payment_intent.succeeded\",\"livemode\":true}".to_owned(),
    ] {
        assert_eq!(daemon.deliver_stripe(body).status, 200);
    }
    let adopt =
        json!({ "provider": "stripe", "reference": "pi_adopted", "metadata": { "a": [1] } });
    assert_eq!(App::of(&daemon).register(&adopt).status, 201);
    daemon
}

#[test]
fn the_document_and_the_routes_are_the_same() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let document = Document::of(&app);
    let documented: BTreeSet<_> =
        document.operations().iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let routes: BTreeSet<_> =
        ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(documented, routes);
    for route in ROUTES {
        let operation = &document.0["paths"][route.path][route.method.to_lowercase()];
        let names = |place| -> BTreeSet<&str> {
            document.parameters(operation, place).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names("query"), route.parameters.iter().copied().collect(), "{}", route.path);
        let braces =
            route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(names("path"), braces.collect(), "{}", route.path);
        assert_eq!(operation["requestBody"].is_object(), route.takes_body, "{}", route.path);
        assert!(operation["operationId"].is_string() && operation["summary"].is_string());
    }
    // Every reference leads somewhere, and everything that can be referred to is.
    let mut references = BTreeSet::new();
    collect_references(&document.0, &mut references);
    for reference in &references {
        assert!(document.0.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
    }
    for kind in ["schemas", "parameters", "responses"] {
        for name in document.0["components"][kind].as_object().expect("components").keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(references.contains(&reference), "nothing refers to {reference}");
        }
    }
}

fn collect_references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            into.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| collect_references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}

#[test]
fn the_words_and_bounds_of_the_document_are_those_of_the_code() {
    let daemon = Options::stripe().start();
    let document = Document::of(&App::of(&daemon));
    let words = |name: &str| -> Vec<String> {
        let words = document.schema(name)["enum"].as_array().expect("words").iter();
        words.map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    fn all<T: ToString>(values: &[T]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }
    assert_eq!(words("Provider"), all(Provider::ALL));
    assert_eq!(words("Status"), all(Status::ALL));
    assert_eq!(words("DisputeStatus"), all(DisputeStatus::ALL));
    assert_eq!(words("AmountCheck"), all(AmountCheck::ALL));
    assert_eq!(words("Outcome"), all(Outcome::ALL));
    assert_eq!(words("OrphanKind"), all(OrphanKind::ALL));
    assert_eq!(words("DeliveryStatus"), all(DeliveryStatus::ALL));
    assert_eq!(words("IssueKind"), all(IssueKind::ALL));
    assert_eq!(words("IssueStatus"), all(IssueStatus::ALL));
    assert_eq!(words("Severity"), all(Severity::ALL));
    assert_eq!(words("ChangeName"), all(change::KINDS));
    let problems = document.schema("Problem")["properties"]["type"]["enum"].clone();
    let kinds = ProblemKind::ALL.iter().map(|kind| format!("urn:payhookd:problem:{kind}"));
    assert_eq!(problems, kinds.collect::<Value>());

    let new = document.schema("NewTransaction");
    let fields: BTreeSet<_> = new["properties"].as_object().expect("fields").keys().collect();
    let known: BTreeSet<_> = registration::FIELDS.iter().map(|field| (*field).to_owned()).collect();
    assert_eq!(fields, known.iter().collect());
    assert_eq!(new["properties"]["reference"]["maxLength"], LONGEST_ID);
    let parameters = &document.0["components"]["parameters"];
    let limit = &parameters["limit"]["schema"];
    assert_eq!((&limit["maximum"], &limit["default"]), (&json!(LARGEST_PAGE), &json!(USUAL_PAGE)));
    assert_eq!(parameters["wait"]["schema"]["maximum"], LONGEST_WAIT);
    let too_large = &document.0["components"]["responses"]["TooLarge"]["description"];
    let kibibytes = format!("{} KiB", MAX_BODY / 1024);
    assert!(too_large.as_str().is_some_and(|text| text.contains(&kibibytes)), "{too_large}");
}

#[test]
fn every_operation_answers_as_the_document_says() {
    let daemon = shop();
    let app = App::of(&daemon);
    let document = Document::of(&app);
    let mut checker = Checker::new(&document);
    const ONE: &str = "/api/v1/transactions/{id}";
    const BY_REFERENCE: &str = "/api/v1/transactions/by-reference/{provider}/{reference}";
    for (path, sent, status) in [
        ("/api/v1/transactions", "/api/v1/transactions?limit=2", 200),
        ("/api/v1/transactions", "/api/v1/transactions", 200),
        ("/api/v1/transactions", "/api/v1/transactions?limit=x", 400),
        (ONE, "/api/v1/transactions/1", 200),
        (ONE, "/api/v1/transactions/2?version=1", 204),
        (ONE, "/api/v1/transactions/1?wait=x", 400),
        (ONE, "/api/v1/transactions/99", 404),
        (BY_REFERENCE, "/api/v1/transactions/by-reference/stripe/pi_1", 200),
        (BY_REFERENCE, "/api/v1/transactions/by-reference/stripe/pi_2?version=1", 204),
        (BY_REFERENCE, "/api/v1/transactions/by-reference/klarna/pi_1", 400),
        (BY_REFERENCE, "/api/v1/transactions/by-reference/stripe/pi_9", 404),
        ("/api/v1/changes", "/api/v1/changes", 200),
        ("/api/v1/changes", "/api/v1/changes?after=latest", 200),
        ("/api/v1/changes", "/api/v1/changes?after=x", 400),
        ("/api/v1/changes", "/api/v1/changes?after=999", 409),
        ("/api/v1/events", "/api/v1/events?limit=200", 200),
        ("/api/v1/events", "/api/v1/events?status=x", 400),
        ("/api/v1/events/{id}", "/api/v1/events/1", 200),
        ("/api/v1/events/{id}", "/api/v1/events/evt_bad", 200),
        ("/api/v1/events/{id}", "/api/v1/events/%ff", 400),
        ("/api/v1/events/{id}", "/api/v1/events/evt_9", 404),
        ("/api/v1/orphans", "/api/v1/orphans", 200),
        ("/api/v1/orphans", "/api/v1/orphans?resolved=true", 200),
        ("/api/v1/orphans", "/api/v1/orphans?resolved=x", 400),
        ("/api/v1/openapi.json", "/api/v1/openapi.json", 200),
        ("/api/v1/openapi.json", "/api/v1/openapi.json?x=1", 400),
    ] {
        let answer = app.get(sent);
        assert_eq!(answer.status, status, "{sent}: {}", answer.text());
        checker.check("GET", path, &answer, sent);
    }
    for orphan in ["", "?resolved=true"] {
        let orphans = app.json(&format!("/api/v1/orphans{orphan}"));
        let sent = format!("/api/v1/orphans/{}", orphans["data"][0]["id"]);
        checker.check("GET", "/api/v1/orphans/{id}", &app.get(&sent), &sent);
    }
    for wrong in ["9999", "%ff"] {
        let sent = format!("/api/v1/orphans/{wrong}");
        checker.check("GET", "/api/v1/orphans/{id}", &app.get(&sent), &sent);
    }
    const REGISTER: &str = "/api/v1/transactions";
    let large = format!(r#"{{"metadata":{{"a":"{}"}}}}"#, "x".repeat(MAX_BODY));
    for (body, status) in [
        (r#"{"provider":"paypal","reference":"PAY-1"}"#, 201),
        (r#"{"provider":"paypal","reference":"PAY-1"}"#, 200),
        (r#"{"provider":"paypal","reference":"PAY-1","order_id":"other"}"#, 409),
        (r#"{"provider":"paypal"}"#, 400),
        (&large, 413),
    ] {
        let answer = app.post(REGISTER, body);
        assert_eq!(answer.status, status, "{}", answer.text());
        checker.check("POST", REGISTER, &answer, body);
    }
    checker.check("POST", REGISTER, &app.request("POST", REGISTER, &[], "{}"), "no content type");
    check_subscriptions(&app, &large, &mut checker);
    check_what_a_person_does(&app, &mut checker);
    check_issues(&daemon, &app, &mut checker);

    let stranger = App::with_token(&daemon, "wrong");
    for route in ROUTES {
        let sent = route.path.replace("{id}", "1").replace("{provider}", "stripe");
        let answer = stranger.request(route.method, &sent, &[], "");
        checker.check(route.method, route.path, &answer, &sent);
    }
    // All that the document promises was seen, but for what only a broken disk or clock shows.
    for (_, _, operation) in document.operations() {
        let id = operation["operationId"].as_str().expect("an id");
        for status in operation["responses"].as_object().expect("responses").keys() {
            let rare = ["408", "500", "503"].contains(&&**status);
            let seen = checker.seen.contains(&format!("{id} {status}"));
            assert!(seen || rare, "{id} never answered {status}");
        }
    }
}

fn check_subscriptions(app: &App, large: &str, checker: &mut Checker<'_>) {
    const ALL: &str = "/api/v1/subscriptions";
    for (body, status) in [
        (r#"{"provider":"paypal","reference":"I-1","own_id":"club-17"}"#, 201),
        (r#"{"provider":"paypal","reference":"I-1","own_id":"club-17"}"#, 200),
        (r#"{"provider":"paypal","reference":"I-1"}"#, 409),
        (r#"{"provider":"paypal","reference":"sub_1"}"#, 400),
        (large, 413),
    ] {
        let answer = app.post(ALL, body);
        assert_eq!(answer.status, status, "{}", answer.text());
        checker.check("POST", ALL, &answer, body);
    }
    checker.check("POST", ALL, &app.request("POST", ALL, &[], "{}"), "no content type");
    const ONE: &str = "/api/v1/subscriptions/{id}";
    for (path, sent, status) in [
        (ALL, "/api/v1/subscriptions?ended=false", 200),
        (ALL, "/api/v1/subscriptions?ended=x", 400),
        (ONE, "/api/v1/subscriptions/1", 200),
        (ONE, "/api/v1/subscriptions/1?x=1", 400),
        (ONE, "/api/v1/subscriptions/9", 404),
    ] {
        let answer = app.get(sent);
        assert_eq!(answer.status, status, "{sent}: {}", answer.text());
        checker.check("GET", path, &answer, sent);
    }
    for what in ["end", "reopen"] {
        let path = format!("{ONE}/{what}");
        for (id, status) in [("1", 200), ("1?x=1", 400), ("9", 404)] {
            let (number, query) = id.split_once('?').unwrap_or((id, ""));
            let sent = format!("{ALL}/{number}/{what}?{query}");
            let answer = app.post(&sent, "");
            assert_eq!(answer.status, status, "{sent}: {}", answer.text());
            checker.check("POST", &path, &answer, &sent);
        }
    }
}

fn check_issues(daemon: &Daemon, app: &App, checker: &mut Checker<'_>) {
    for (query, status) in [("", 200), ("?status=open&kind=failed_event", 200), ("?kind=x", 400)] {
        let sent = format!("/api/v1/issues{query}");
        let answer = app.get(&sent);
        assert_eq!(answer.status, status, "{sent}: {}", answer.text());
        checker.check("GET", "/api/v1/issues", &answer, &sent);
    }
    let failed = app.json("/api/v1/issues?kind=failed_event")["data"][0]["id"].to_string();
    for id in [&*failed, "999", "%ff"] {
        let sent = format!("/api/v1/issues/{id}");
        checker.check("GET", "/api/v1/issues/{id}", &app.get(&sent), &sent);
    }
    let path = "/api/v1/issues/{id}/dismiss";
    for (id, status) in [(&*failed, 200), (&failed, 200), ("999", 404), ("%ff", 400)] {
        let sent = path.replace("{id}", id);
        let answer = app.request("POST", &sent, &[], "");
        assert_eq!(answer.status, status, "{sent}: {}", answer.text());
        checker.check("POST", path, &answer, &sent);
    }
    // What it was about turns out to be understood.
    let understood = StripeSample::new("payment_intent.succeeded", "bad").id("evt_bad");
    assert_eq!(daemon.deliver_stripe(understood.body()).status, 200);
    let sent = path.replace("{id}", &failed);
    let answer = app.request("POST", &sent, &[], "");
    assert_eq!(answer.status, 409, "{}", answer.text());
    checker.check("POST", path, &answer, &sent);
}

fn check_what_a_person_does(app: &App, checker: &mut Checker<'_>) {
    let delivery = app.json("/api/v1/deliveries")["data"][0]["id"].to_string();
    let orphan = app.json("/api/v1/orphans")["data"][0]["id"].to_string();
    let path = "/api/v1/transactions/{id}/close";
    let paid = app.request("POST", "/api/v1/transactions/1/close", &[], "");
    assert_eq!(paid.status, 409, "{}", paid.text());
    checker.check("POST", path, &paid, "/api/v1/transactions/1/close");
    for (path, id, statuses) in [
        (path, "1", [200, 404, 400]),
        ("/api/v1/transactions/{id}/reopen", "1", [200, 404, 400]),
        ("/api/v1/deliveries/{id}/retry", &delivery, [200, 404, 400]),
        ("/api/v1/events/{id}/replay", "1", [200, 404, 400]),
    ] {
        for (id, status) in [id, "999", "%ff"].into_iter().zip(statuses) {
            let asked_back = if path.ends_with("/close") { "?even_if_paid=true" } else { "" };
            let sent = path.replace("{id}", id) + asked_back;
            let answer = app.request("POST", &sent, &[], "");
            assert_eq!(answer.status, status, "{sent}: {}", answer.text());
            checker.check("POST", path, &answer, &sent);
        }
    }
    let path = "/api/v1/events/{id}/replay";
    for (query, status) in [("?dry_run=true", 200), ("?dry_run=x", 400)] {
        let sent = format!("/api/v1/events/evt_bad/replay{query}");
        let answer = app.request("POST", &sent, &[], "");
        assert_eq!(answer.status, status, "{sent}: {}", answer.text());
        checker.check("POST", path, &answer, &sent);
    }
    let deliveries = ["", "?status=pending&transaction_id=1&limit=1", "?status=x"];
    for (query, status) in deliveries.into_iter().zip([200, 200, 400]) {
        let sent = format!("/api/v1/deliveries{query}");
        let answer = app.get(&sent);
        assert_eq!(answer.status, status, "{sent}: {}", answer.text());
        checker.check("GET", "/api/v1/deliveries", &answer, &sent);
    }
    for id in [&*delivery, "999", "%ff"] {
        let sent = format!("/api/v1/deliveries/{id}");
        checker.check("GET", "/api/v1/deliveries/{id}", &app.get(&sent), &sent);
    }
    let path = "/api/v1/orphans/{id}/resolve";
    let large = format!(r#"{{"dismiss":"{}"}}"#, "x".repeat(MAX_BODY));
    for (id, body, status) in [
        (&*orphan, "{}", 400),
        (&orphan, r#"{"dismiss":""}"#, 400),
        (&orphan, r#"{"dismiss":"x","transaction_id":1}"#, 400),
        (&orphan, r#"{"transaction_id":0}"#, 400),
        (&orphan, r#"{"transaction_id":999}"#, 400),
        (&orphan, r#"{"transaction":1}"#, 400),
        (&orphan, &large, 413),
        ("999", r#"{"dismiss":"x"}"#, 404),
        (&orphan, r#"{"transaction_id":2,"note":"by phone"}"#, 200),
        (&orphan, r#"{"dismiss":"x"}"#, 409),
    ] {
        let answer = app.post(&path.replace("{id}", id), body);
        assert_eq!(answer.status, status, "{body:.80}: {}", answer.text());
        checker.check("POST", path, &answer, body);
    }
    let sent = path.replace("{id}", &orphan);
    checker.check("POST", path, &app.request("POST", &sent, &[], "{}"), "no content type");
}

/// Text at the edges of what is expected, and beyond.
const HOSTILE: &[&str] = &[
    "",
    "0",
    "1",
    "2",
    "-1",
    "200",
    "201",
    "9223372036854775807",
    "9223372036854775808",
    "999999999999999999999999",
    "1.5",
    "1e5",
    "NaN",
    "true",
    "false",
    "null",
    "latest",
    "stripe",
    "paypal",
    "STRIPE",
    "pending",
    "succeeded",
    "processed",
    "pending,failed",
    ",",
    "pi_1",
    "ch_1",
    "evt_bad",
    "A-1001",
    "2026-11-24T00:00:00Z",
    "2026-11-24T00:00:00+01:00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30T00:00:00Z",
    "' OR 1=1 --",
    "%",
    "*",
    "\u{0}",
    "\n",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{7f}",
    "ä€😀",
    "../../etc/passwd",
    "a/b",
    "a b",
    "a+b",
    "a&b=c",
    "a;b",
    "#",
    "?",
    "{}",
    "[]",
    "<script>",
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn nothing_that_is_sent_leads_to_a_fault_or_an_answer_that_is_not_documented() {
    let daemon = shop();
    let app = App::of(&daemon);
    let document = Document::of(&app);
    let mut checker = Checker::new(&document);
    let mut random = Random::from_clock();
    let operations = document.operations();
    for (method, path, operation) in &operations {
        for _ in 0..120 {
            let hostile = |random: &mut Random| -> String {
                match random.below(20) {
                    0 => "x".repeat(random.index(3_000)),
                    1 => "%ff%fe".to_owned(),
                    _ => encoded(HOSTILE[random.index(HOSTILE.len())]),
                }
            };
            let mut sent = (*path).to_owned();
            for (name, _) in document.parameters(operation, "path") {
                let part = format!("x{}", hostile(&mut random));
                let part = if random.below(2) == 0 { "1".to_owned() } else { part };
                sent = sent.replace(&format!("{{{name}}}"), &part);
            }
            let mut query = Vec::new();
            for (name, _) in document.parameters(operation, "query") {
                // A wait that is right takes its time and shows nothing new here.
                if name != "wait" && random.below(3) == 0 {
                    query.push(format!("{name}={}", hostile(&mut random)));
                }
            }
            if random.below(20) == 0 {
                query.push(hostile(&mut random));
            }
            if !query.is_empty() {
                sent = format!("{sent}?{}", query.join("&"));
            }
            let answer = if method == "POST" {
                let body = registration(&mut random);
                sent = body.clone();
                app.post(path, body)
            } else {
                app.get(&sent)
            };
            assert!(answer.status < 500, "{sent}: {}", answer.text());
            checker.check(method, path, &answer, &sent);
        }
    }
    // It still does what it did.
    assert_eq!(app.json("/api/v1/transactions/1")["status"], "disputed");
    daemon.database().assert_sound();
    let ended = daemon.terminate();
    assert!(ended.status.success() && !ended.log.contains("API request failed"), "{}", ended.log);
}

/// A registration in which most fields are right.
fn registration(random: &mut Random) -> String {
    let mut body = json!({ "provider": "stripe", "reference": format!("pi_{}", random.below(50)) });
    for (field, right) in [
        ("provider", json!("paypal")),
        ("reference", json!("PAY-1")),
        ("order_id", json!("A-1001")),
        ("amount", json!(4999)),
        ("currency", json!("EUR")),
        ("livemode", json!(false)),
        ("metadata", json!({ "a": { "b": [null, true, 1.5, "\u{0}"] } })),
        ("other", json!(1)),
    ] {
        match random.below(12) {
            0 => body[field] = json!(HOSTILE[random.index(HOSTILE.len())]),
            1 => body[field] = json!(random.next()),
            2 => body[field] = json!([null, {}, [], -1, 1e300, true])[random.index(6)].clone(),
            3..8 if field != "other" => body[field] = right,
            _ => {}
        }
    }
    body.to_string()
}

#[test]
fn a_problem_is_what_the_document_says_also_where_no_operation_is() {
    let daemon = Options::stripe().start();
    let app = App::of(&daemon);
    let document = Document::of(&app);
    let mut schema = document.schema("Problem").clone();
    schema["components"] = document.0["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    for (method, path, status) in
        [("GET", "/api/v1/nowhere", 404), ("DELETE", "/api/v1/changes", 405), ("GET", "/api", 404)]
    {
        let answer = app.request(method, path, &[], "");
        assert_eq!(answer.header("content-type"), Some(PROBLEM_TYPE));
        let problem = problem(&answer, status);
        assert!(validator.is_valid(&problem), "{problem}");
    }
}

/// What others wrote to find faults by a document, where it is installed; `.ci/run` sees to that.
#[test]
fn schemathesis_finds_nothing() {
    let schemathesis = |args: &[&str], folder: &std::path::Path| {
        std::process::Command::new("schemathesis").args(args).current_dir(folder).output()
    };
    let daemon = shop();
    let folder = daemon.options().folder();
    if schemathesis(&["--version"], folder).is_err() {
        println!("skipped: schemathesis is not installed");
        return;
    }
    // A wait that is right takes its time and shows nothing new here.
    daemon.options().file("schemathesis.toml", "[parameters]\n\"query.wait\" = 1\n");
    let token = std::fs::read_to_string(folder.join("api-token")).expect("a token");
    let found = schemathesis(
        &[
            "run",
            &format!("http://{}/api/v1/openapi.json", daemon.admin),
            "--header",
            &format!("Authorization: Bearer {}", token.trim_end()),
            "--checks=all",
            "--phases=coverage,fuzzing",
            "--max-examples=10",
            "--seed=1",
            "--request-timeout=30",
        ],
        folder,
    );
    let found = found.expect("it runs");
    let said = String::from_utf8_lossy(&found.stdout);
    assert!(found.status.success(), "{said}");
    assert!(said.contains("Test cases:"), "{said}");
}
