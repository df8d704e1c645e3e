//! The command line: what it prints, what it refuses, and with which exit code.

use std::fs::File;
use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::daemon::Options;
use crate::support::provider::{StripeSample, stripe_event};

/// The JSON lines that a command prints.
fn json_lines(options: &Options, args: &[&str]) -> Vec<Value> {
    let printed = options.done(args);
    printed.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// What a command says on its way to exit code 1; nothing is printed then.
fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("text")
}

const ADD: [&str; 12] = [
    "transactions",
    "add",
    "--provider",
    "stripe",
    "--reference",
    "pi_1",
    "--order-id",
    "A-1001",
    "--amount",
    "4999",
    "--currency",
    "eur",
];

/// [`ADD`] and more.
fn add(more: &[&'static str]) -> Vec<&'static str> {
    ADD.iter().chain(more).copied().collect()
}

#[test]
fn the_same_transaction_again_is_the_same_and_another_is_a_conflict() {
    let options = Options::new();
    assert_eq!(options.done(&ADD), "transaction 1 registered: pending\n");
    assert_eq!(options.done(&ADD), "transaction 1 already registered: pending\n");
    let metadata = add(&["--metadata", "{}"]);
    assert_eq!(options.done(&metadata), "transaction 1 already registered: pending\n");
    let before = options.database().snapshot();
    for (place, other) in [(7, "A-1002"), (9, "5000"), (11, "USD")] {
        let mut args = ADD;
        args[place] = other;
        let said = failed(&options.run(&args));
        assert!(said.contains("pi_1") && said.contains("transactions show 1"), "{said}");
    }
    let said = failed(&options.run(&add(&["--metadata", r#"{"cart":7}"#])));
    assert!(said.contains("other facts"), "{said}");
    assert_eq!(options.database().snapshot(), before);
    // The other money is another transaction.
    let said = options.done(&add(&["--mode", "test"]));
    assert_eq!(said, "transaction 2 registered: pending\n");
    let by_variable = options.clone().variable("PAYHOOKD_MODE", "test");
    assert_eq!(by_variable.done(&ADD), "transaction 2 already registered: pending\n");
}

#[test]
fn what_cannot_be_registered_is_a_mistake_of_usage() {
    let options = Options::new();
    for (place, wrong) in [
        (3, "klarna"),
        (5, ""),
        (5, "pi_\n1"),
        (7, "A\u{1b}[2J"),
        (9, "-1"),
        (9, "49.99"),
        (9, "9223372036854775808"),
        (11, "euro"),
    ] {
        let mut args = ADD;
        args[place] = wrong;
        let output = options.run(&args);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
    }
    for more in [["--metadata", "[]"], ["--metadata", "cart"], ["--mode", "both"]] {
        let output = options.run(&add(&more));
        assert_eq!(output.status.code(), Some(2), "{more:?}: {output:?}");
    }
    // An amount of which currency?
    let output = options.run(&ADD[..10]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!options.db().exists());
}

#[test]
fn an_import_registers_every_line_once() {
    let options = Options::new();
    let lines = r#"
{"provider":"stripe","reference":"pi_1","order_id":"A-1","amount":4999,"currency":"EUR"}
{"provider":"paypal","reference":"PAY-1","livemode":false,"metadata":{"cart":[1,2]}}

{"provider":"stripe","reference":"cs_1"}
"#;
    let file = options.file("transactions.jsonl", lines);
    let import = ["transactions", "import", &*file.to_string_lossy()];
    assert_eq!(options.done(&import), "3 registered, 0 were already\n");
    assert_eq!(options.done(&import), "0 registered, 3 were already\n");
    // As an editor or a spreadsheet may have saved them.
    for mark in ["\u{feff}", "\u{feff}\n", "\u{feff} "] {
        options.file("transactions.jsonl", format!("{mark}{}", lines.trim_start()));
        assert_eq!(options.done(&import), "0 registered, 3 were already\n");
    }
    let rows = "SELECT provider, reference, order_id, amount, currency, livemode, metadata
                FROM transactions ORDER BY id";
    assert_eq!(
        options.database().rows(rows),
        [
            "stripe|pi_1|A-1|4999|EUR|1|{}",
            r#"paypal|PAY-1|-|-|-|0|{"cart":[1,2]}"#,
            "stripe|cs_1|-|-|-|1|{}",
        ]
    );

    // One that was broken off is run again; thousands are no trouble.
    let many: String = (0..1_200)
        .map(|number| {
            format!("{}\n", json!({ "provider": "stripe", "reference": format!("pi_{number}m") }))
        })
        .collect();
    let test = ["transactions", "import", "-", "--mode", "test"];
    let (half, _) = many[..many.len() / 2].rsplit_once('\n').expect("lines");
    let half = options.run_with_input(&test, half);
    assert!(half.status.success(), "{half:?}");
    let whole = options.run_with_input(&test, &many);
    let said = String::from_utf8_lossy(&whole.stdout).into_owned();
    assert!(said.contains(" registered, ") && !said.contains(", 0 were already"), "{said}");
    assert_eq!(
        options.database().one::<i64>("SELECT count(*) FROM transactions WHERE livemode = 0"),
        1_201
    );
}

#[test]
fn an_import_may_be_csv_with_the_keys_as_heading() {
    let options = Options::new();
    let csv = "\u{feff}reference,provider,amount,currency,order_id,livemode,metadata\r\n\
               pi_1,stripe,4999,EUR,\"A, 1001\",,\r\n\
               PAY-1 , paypal ,,,,false,\"{\"\"cart\"\":7}\"\r\n";
    let file = options.file("transactions.csv", csv);
    let import = ["transactions", "import", &*file.to_string_lossy()];
    assert_eq!(options.done(&import), "2 registered, 0 were already\n");
    assert_eq!(options.done(&import), "0 registered, 2 were already\n");
    let rows = "SELECT provider, reference, order_id, amount, currency, livemode, metadata
                FROM transactions ORDER BY id";
    assert_eq!(
        options.database().rows(rows),
        ["stripe|pi_1|A, 1001|4999|EUR|1|{}", r#"paypal|PAY-1|-|-|-|0|{"cart":7}"#]
    );
    let quoted = "\u{feff}\"reference\",\"provider\"\npi_1,stripe\n";
    let said = failed(&options.run_with_input(&["transactions", "import", "-"], quoted));
    assert!(said.contains("line 2: pi_1 is registered already"), "{said}");
    for (csv, says) in [
        ("reference,provider,price\npi_2,stripe,1\n", "line 1: the heading has \"price\""),
        ("reference,provider\npi_2,stripe\npi_3,klarna\n", "line 3: provider: give stripe"),
        ("reference,provider,amount,currency\npi_2,stripe,49.99,EUR\n", "line 2: amount: "),
        ("reference,provider\npi_2,stripe,more\n", "not CSV"),
    ] {
        let said = failed(&options.run_with_input(&["transactions", "import", "-"], csv));
        assert!(said.contains("nothing was imported") && said.contains(says), "{says} in {said}");
    }
    assert_eq!(options.database().count("transactions"), 2);
}

#[test]
fn an_import_with_mistakes_names_their_lines_and_writes_nothing() {
    let options = Options::new();
    let lines = [
        r#"{"provider":"stripe","reference":"pi_1"}"#,
        r#"{"provider":"stripe"}"#,
        "",
        r#"{"provider":"klarna","reference":"x"}"#,
        r#"{"provider":"stripe","reference":"pi_2","amount":4999}"#,
        r#"{"provider":"stripe","reference":"pi_2","amount":-1,"currency":"EUR"}"#,
        r#"{"provider":"stripe","reference":"pi_2","amount":49.99,"currency":"EUR"}"#,
        r#"{"provider":"stripe","reference":"pi_2","amont":1}"#,
        r#"{"provider":"stripe","reference":"pi_2","order_id":"a\u0007"}"#,
        "not json",
        r#"{"provider":"stripe","reference":"pi_1","order_id":"A-2"}"#,
    ];
    let input = lines.join("\n");
    let said = failed(&options.run_with_input(&["transactions", "import", "-"], &input));
    assert!(said.contains("nothing was imported"), "{said}");
    for number in [2, 4, 5, 6, 7, 8, 9, 10, 11] {
        assert!(said.contains(&format!("\n  line {number}: ")), "{number} in {said}");
    }
    assert!(said.contains("line 11: the reference of line 1, with other facts"), "{said}");
    assert!(!said.contains("line 1: ") && !said.contains("line 3: "), "{said}");
    assert!(!options.db().exists());

    // What is registered with other facts is a mistake as well.
    options.done(&ADD);
    let before = options.database().snapshot();
    let input = "{\"provider\":\"stripe\",\"reference\":\"pi_9\"}\n\
                 {\"provider\":\"stripe\",\"reference\":\"pi_1\"}\n";
    let said = failed(&options.run_with_input(&["transactions", "import", "-"], input));
    assert!(said.contains("line 2: pi_1 is registered already"), "{said}");
    assert_eq!(options.database().snapshot(), before);

    let many = "{}\n".repeat(1_000);
    let said = failed(&options.run_with_input(&["transactions", "import", "-"], &many));
    assert!(said.contains("and 980 more") && said.lines().count() < 30, "{said}");
    let said = failed(&options.run(&["transactions", "import", "nowhere.jsonl"]));
    assert!(said.contains("nowhere.jsonl can't be read"), "{said}");
}

#[test]
fn one_payment_that_is_registered_twice_is_applied_to_neither() {
    let options = Options::stripe();
    options.done(&ADD);
    let daemon = options.start();
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let input = "{\"provider\":\"stripe\",\"reference\":\"ch_1\"}\n\
                 {\"provider\":\"stripe\",\"reference\":\"pi_2\"}\n";
    let output = options.run_with_input(&["transactions", "import", "-"], input);
    assert!(output.status.success(), "{output:?}");
    // The event carries the ids of both, so that nothing tells which of them it pays.
    let registered = "SELECT reference, status FROM transactions ORDER BY id";
    assert_eq!(
        options.database().rows(registered),
        ["pi_1|pending", "ch_1|pending", "pi_2|pending"]
    );
    let orphan = "SELECT kind, json_array_length(candidates) FROM orphan_transactions";
    assert_eq!(options.database().rows(orphan), ["ambiguous|2"]);
}

#[test]
fn lists_and_single_ones_are_shown_to_people_and_programs() {
    let options = Options::stripe();
    options.done(&add(&["--metadata", r#"{"cart":7}"#]));
    let daemon = options.start();
    let succeeded = StripeSample::new("payment_intent.succeeded", "1");
    for body in [
        succeeded.body(),
        stripe_event("payment_intent.processing", "2"),
        stripe_event("customer.updated", "1"),
        succeeded.body(),
    ] {
        assert_eq!(daemon.deliver_stripe(body).status, 200);
    }

    let table = options.done(&["transactions", "list"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].contains("reference") && lines[0].contains("expected"), "{table}");
    for cell in ["stripe", "pi_1", "A-1001", "succeeded", "49.99 EUR", "0.00 EUR", "live", "ok"] {
        assert!(lines[1].contains(cell), "{cell} in {table}");
    }
    let listed = json_lines(&options, &["transactions", "list", "--json"]);
    assert_eq!(listed.len(), 1);
    for (key, value) in [
        ("id", json!(1)),
        ("provider", json!("stripe")),
        ("reference", json!("pi_1")),
        ("order_id", json!("A-1001")),
        ("amount", json!(4999)),
        ("currency", json!("EUR")),
        ("status", json!("succeeded")),
        ("amount_received", json!(4999)),
        ("amount_refunded", json!(0)),
        ("dispute_status", json!("none")),
        ("amount_check", json!("ok")),
        ("livemode", json!(true)),
        ("version", json!(2)),
        ("metadata", json!({ "cart": 7 })),
    ] {
        assert_eq!(listed[0][key], value, "{key}");
    }

    for id in ["1", "pi_1", "ch_1", "A-1001"] {
        let shown = options.done(&["transactions", "show", id]);
        assert!(shown.contains("transaction.registered") && shown.contains("the shop"), "{shown}");
        assert!(
            shown.contains("payment_intent.succeeded evt_1_payment_intent.succeeded"),
            "{shown}"
        );
        let shown = json_lines(&options, &["transactions", "show", id, "--json"]);
        assert_eq!(shown[0]["history"][1]["change"], "transaction.succeeded", "{id}");
        assert_eq!(shown[0]["history"].as_array().map(Vec::len), Some(2));
    }

    let events = json_lines(&options, &["events", "list", "--json"]);
    let of = |key: &str| events.iter().map(|event| event[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("id"), [3, 2, 1]);
    assert_eq!(of("status"), ["ignored", "orphan", "processed"]);
    assert_eq!(of("delivery_count"), [1, 1, 2]);
    assert_eq!(events[2]["transaction_id"], 1);
    assert!(events.iter().all(|event| event["payload"].is_null()));
    let table = options.done(&["events", "list", "--limit", "2"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("customer.updated") && !table.contains("evt_1_payment"), "{table}");
    for id in ["1", "evt_1_payment_intent.succeeded"] {
        let shown = json_lines(&options, &["events", "show", id, "--json"]);
        let sent: Value = serde_json::from_str(&succeeded.body()).expect("JSON");
        assert_eq!(shown[0]["payload"], sent, "{id}");
        let shown = options.done(&["events", "show", id]);
        for text in ["verified by   secret 1", "outcome       processed", "\"livemode\": true"] {
            assert!(shown.contains(text), "{text} in {shown}");
        }
    }

    let orphans = json_lines(&options, &["orphans", "list", "--json"]);
    assert_eq!(orphans.len(), 1);
    assert_eq!((&orphans[0]["reference"], &orphans[0]["amount"]), (&json!("pi_2"), &json!(4999)));
    let table = options.done(&["orphans", "list"]);
    assert!(table.contains("pi_2") && table.contains("49.99 EUR"), "{table}");
    let adopt = ["transactions", "add", "--provider", "stripe", "--reference", "pi_2"];
    assert_eq!(options.done(&adopt), "transaction 3 registered: processing\n");
    assert!(options.done(&["orphans", "list"]).starts_with("no orphans"));
    assert!(json_lines(&options, &["orphans", "list", "--json"]).is_empty());
    let all = options.done(&["orphans", "list", "--all"]);
    assert!(all.contains("matched with 3"), "{all}");
    let all = json_lines(&options, &["orphans", "list", "--all", "--json"]);
    assert_eq!((&all[0]["resolution"], &all[0]["transaction_id"]), (&json!("matched"), &json!(3)));
}

#[test]
fn what_is_not_there_is_said_and_where_to_look() {
    let options = Options::new();
    for args in [["transactions", "list"], ["events", "list"], ["orphans", "list"]] {
        let said = failed(&options.run(&args));
        assert!(said.contains("there is no database at"), "{said}");
        assert!(!options.db().exists());
    }
    options.done(&["--migrate"]);
    for (args, says) in [
        (["transactions", "list"], "no transactions yet"),
        (["events", "list"], "no events yet"),
        (["orphans", "list"], "no orphans"),
    ] {
        assert!(options.done(&args).starts_with(says));
        assert_eq!(options.done(&[args[0], args[1], "--json"]), "");
    }
    for (args, hint) in [
        (["transactions", "show", "pi_9"], "payhookd orphans list"),
        (["transactions", "show", "9"], "payhookd transactions list"),
        (["events", "show", "evt_9"], "payhookd events list"),
    ] {
        let said = failed(&options.run(&args));
        assert!(said.contains(args[2]) && said.contains(hint), "{said}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let options = Options::new();
    options.done(&ADD);
    let closed = |args: &[&str]| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = options.binary();
        let child = command.args(args).stdin(Stdio::piped()).stdout(writer).stderr(Stdio::piped());
        let mut child = child.spawn().expect("the binary starts");
        drop(command);
        let mut stdin = child.stdin.take().expect("piped");
        // Commands that do not read it may have ended.
        let _ = stdin.write_all(b"{\"provider\":\"stripe\",\"reference\":\"pi_5\"}\n");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    };
    closed(&["transactions", "list"]);
    closed(&["transactions", "list", "--json"]);
    closed(&["transactions", "show", "pi_1"]);
    closed(&["events", "list"]);
    closed(&["orphans", "list"]);
    closed(&["--migrate"]);
    closed(&ADD);
    let more = ["--amount", "4999", "--currency", "EUR"];
    let add = ["transactions", "add", "--provider", "stripe", "--reference", "pi_4"];
    closed(&[&add[..], &more].concat());
    closed(&["transactions", "import", "-"]);
    assert_eq!(options.database().count("transactions"), 3);
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let options = Options::new();
    options.done(&ADD);
    for args in [&["transactions", "list"][..], &["transactions", "show", "1", "--json"], &ADD] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has one");
        let output = options.binary().args(args).stdout(full).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"), "{output:?}");
    }
}

#[test]
fn a_terminal_obeys_nothing_that_a_sender_wrote() {
    let options = Options::stripe();
    let daemon = options.start();
    let hostile = "\\u001b[2J\\u001b]0;owned\\u0007\\u009b2J\\r\\n\\u202e\\u2066\\u007f\\u0000";
    let order = StripeSample::new("payment_intent.succeeded", "1").order("ORDER").body();
    for body in [
        order.replace("ORDER", hostile).replace("evt_1_", &format!("evt_{hostile}")),
        format!(r#"{{"id":"evt_2","type":"type {hostile}","api_version":"{hostile}"}}"#),
        "{\"id\":\"evt_3\",\"type\":\"x\",\"\u{202e}\u{9b}2J\":\"\u{9b}2J\u{202e}\"}".to_owned(),
    ] {
        assert_eq!(daemon.deliver_stripe(body).status, 200);
    }
    for args in [
        &["events", "list"][..],
        &["events", "show", "1"],
        &["events", "show", "2"],
        &["events", "show", "3"],
        &["orphans", "list"],
        &["transactions", "list"],
    ] {
        let printed = options.done(args);
        let obeyed = printed.chars().find(|character| {
            (character.is_control() && *character != '\n')
                || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(obeyed, None, "{args:?}: {printed:?}");
    }
    let listed = options.done(&["events", "list"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    // To a program it is what it is.
    let shown = json_lines(&options, &["events", "show", "1", "--json"]);
    let order_id = &shown[0]["payload"]["data"]["object"]["metadata"]["order_id"];
    assert!(order_id.as_str().is_some_and(|text| text.starts_with("\u{1b}[2J")), "{order_id}");
    let said = failed(&options.run(&["transactions", "show", "\u{1b}[2J\u{202e}"]));
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn shells_are_told_how_to_complete_a_command() {
    let options = Options::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = options.done(&["completions", shell]);
        for word in ["transactions", "orphans", "replay", "own-metadata"] {
            assert!(script.contains(word), "{word} in {shell}");
        }
    }
    let script = options.file("payhookd.bash", options.done(&["completions", "bash"]));
    let complete = format!(
        "source {}; COMP_WORDS=(payhookd transactions hi); COMP_CWORD=2; _payhookd payhookd hi \
         transactions; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let completed = std::process::Command::new("bash").args(["-c", &complete]).output();
    let completed = String::from_utf8(completed.expect("bash runs").stdout).expect("text");
    assert_eq!(completed.trim(), "history");
    assert_eq!(options.run(&["completions", "dos"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_man_page() {
    let options = Options::new();
    let main = options.done(&["manual"]);
    for word in [".TH payhookd 1", "doctor", "stripe\\-tolerance", "PAYHOOKD_LISTEN"] {
        assert!(main.contains(word), "{word} in {main}");
    }
    assert!(!main.contains("unsafe"), "what is for tests is not shown");
    let folder = options.folder().join("man");
    let manual = ["manual", "--folder", folder.to_str().expect("text")];
    assert_eq!(options.run(&manual).status.code(), Some(1), "there is no such folder");
    std::fs::create_dir(&folder).expect("a folder");
    options.done(&manual);
    for page in ["payhookd.1", "payhookd-doctor.1", "payhookd-transactions-import.1"] {
        let text = std::fs::read_to_string(folder.join(page)).expect("a page");
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
}

#[test]
fn a_binary_says_which_one_it_is() {
    let options = Options::new();
    let version = options.done(&["--version"]);
    let plain = concat!("payhookd ", env!("CARGO_PKG_VERSION"));
    // A release says its commit too.
    assert!(version.trim_end() == plain || version.starts_with(&format!("{plain} (")), "{version}");
}
