//! What is personal about one payment can be taken out, and nothing else goes with it.

use rusqlite::Connection as Sqlite;
use serde_json::Value;

use crate::support::certificates::Certificates;
use crate::support::daemon::Options;
use crate::support::provider::{PaypalSample, StripeSample};

/// A payment of J. Doe's and one of K. Roe's, each with two events.
fn shop() -> Options {
    let options = Options::stripe();
    let daemon = options.start();
    for (name, person) in [("doe", "j.doe@example.com"), ("roe", "k.roe@example.com")] {
        let reference = format!("pi_{name}");
        let order = format!("A-{name}");
        let metadata = format!(r#"{{"name":"{person}","basket":17}}"#);
        let line = format!(
            r#"{{"provider":"stripe","reference":"{reference}","order_id":"{order}","amount":4999,
                "currency":"EUR","metadata":{metadata}}}"#
        );
        let line = line.replace('\n', " ");
        let imported = options.run_with_input(&["transactions", "import", "-"], &line);
        assert_eq!(imported.status.code(), Some(0), "{imported:?}");
        for event_type in ["payment_intent.processing", "payment_intent.succeeded"] {
            let event = StripeSample::new(event_type, name).order(&order).body();
            let mut event: Value = serde_json::from_str(&event).expect("JSON");
            let object = &mut event["data"]["object"];
            object["receipt_email"] = person.into();
            object["metadata"]["gift_for"] = person.into();
            object["shipping"] = serde_json::json!({"name": person, "address": {"city": "Łódź"}});
            let answer = daemon.deliver_stripe(event.to_string());
            assert_eq!(answer.status, 200);
        }
    }
    options
}

fn everything(options: &Options) -> String {
    options.database().snapshot().join("\n")
}

const DOE: &str = "j.doe@example.com";
const ROE: &str = "k.roe@example.com";

#[test]
fn a_payment_is_forgotten_by_path_and_all_that_counts_stays() {
    let options = shop();
    let before = everything(&options);
    let said = options.done(&["forget", "--reference", "A-doe", "--dry-run"]);
    assert!(said.contains("data.object.shipping.address.city"), "{said}");
    assert!(said.contains("data.object.receipt_email"), "{said}");
    assert!(said.contains(", its headers\n"), "{said}");
    assert!(said.ends_with("would be removed from 2 events: 6 values\n"), "{said}");
    assert_eq!(everything(&options), before);

    let kept = "SELECT id, event_id, hex(payload_sha256), status, transaction_id FROM webhook_logs";
    let state = "SELECT * FROM transactions";
    let facts = "SELECT * FROM transaction_events";
    let of = |sql| options.database().rows(sql);
    let rows = [kept, state, facts].map(of);
    let done = options.done(&["forget", "--reference", "pi_doe"]);
    assert_eq!(done, said.replace("would be removed", "removed"));
    assert_eq!([kept, state, facts].map(of), rows);

    // The shop's own words were not asked for, and another's payment was not meant.
    let payloads = options.database().rows("SELECT payload FROM webhook_logs ORDER BY id");
    let payload: Value = serde_json::from_str(&payloads[0]).expect("JSON");
    let object = &payload["data"]["object"];
    assert_eq!(object["receipt_email"], "[removed]");
    assert_eq!(object["metadata"]["gift_for"], DOE);
    assert_eq!(object["metadata"]["order_id"], "A-doe");
    assert_eq!(payloads[2].matches(ROE).count(), 3);
    let said = options.done(&["forget", "--reference", "1", "--metadata"]);
    assert!(said.contains("data.object.metadata.gift_for"), "{said}");
    assert!(said.contains("the metadata that it was registered with: basket, name"), "{said}");
    assert!(!everything(&options).contains(DOE));
    assert!(everything(&options).contains(ROE));
    assert_eq!([kept, facts].map(of), [rows[0].clone(), rows[2].clone()]);

    // Again there is nothing left to remove, and nothing is noted.
    let before = everything(&options);
    let said = options.done(&["forget", "--reference", "A-doe", "--metadata"]);
    assert!(said.ends_with("removed from 2 events: 0 values\n"), "{said}");
    assert_eq!(everything(&options), before);
    options.database().assert_proved();
}

#[test]
fn the_log_says_what_was_removed_and_its_proof_goes_on() {
    let options = shop();
    options.done(&["forget", "--reference", "A-doe"]);
    let said = options.done(&["doctor", "--verify-log"]);
    let listed = ": personal fields were removed from events 1–2\n";
    assert!(said.contains(listed), "{said}");
    let links = "SELECT log_id, detail FROM webhook_log_chain WHERE kind = 'redacted'";
    let links = options.database().rows(links);
    assert!(links[0].starts_with("1|{\"headers\":true,\"paths\":[\"data.object."), "{links:?}");
    let shown = options.done(&["events", "show", "1"]);
    assert!(shown.contains("Personal data in it was removed at 20"), "{shown}");

    // It is read again as it was.
    let said = options.done(&["events", "replay", "--status", "processed"]);
    assert!(said.contains("4 replayed: 0 changed, 4 as before"), "{said}");

    // Whoever removes more than that is found out, and so is who takes it back.
    let sqlite = Sqlite::open(options.db()).expect("a database");
    for (change, found) in [
        ("payload = replace(payload, '4999', '9999')", "the body of event 2 was changed"),
        ("redacted_sha256 = NULL", "event 2 was changed"),
        ("redacted_sha256 = zeroblob(32)", "event 2 was changed"),
    ] {
        sqlite.execute_batch("SAVEPOINT change").expect("SQL");
        sqlite.execute(&format!("UPDATE webhook_logs SET {change} WHERE id = 2"), []).expect("SQL");
        sqlite.execute_batch("RELEASE change").expect("SQL");
        let output = options.run(&["doctor", "--verify-log"]);
        let said = String::from_utf8(output.stdout).expect("text");
        assert!(said.contains(found), "{change}: {said}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn what_was_removed_is_not_in_the_file_any_more() {
    let options = shop();
    options.done(&["forget", "--reference", "A-doe", "--metadata"]);
    // A daemon that starts and ends leaves no log beside the file.
    let ended = options.start().terminate();
    assert!(ended.status.success(), "{ended:?}");
    let wal = options.db().with_extension("db-wal");
    assert!(!wal.exists(), "the log beside the file is empty");
    let file = std::fs::read(options.db()).expect("the file");
    let has = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!has(DOE), "it is still in the file");
    assert!(has(ROE));
}

#[test]
fn a_paypal_orphan_can_be_forgotten_too_and_is_adopted_as_before() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address);
    let daemon = options.start();
    let event = PaypalSample::new("PAYMENT.SALE.COMPLETED", "doe").order("A-doe").body();
    let mut event: Value = serde_json::from_str(&event).expect("JSON");
    event["resource"]["payer"] = serde_json::json!({"payer_info": {"email": DOE, "payer_id": "X"}});
    let url = certificates.url("CERT-1");
    assert_eq!(daemon.deliver_paypal(&event.to_string(), &url).status, 200);
    let said = options.done(&["forget", "--reference", "PAY-doe"]);
    assert!(
        said.contains("resource.payer.payer_info.email, resource.payer.payer_info.payer_id"),
        "{said}"
    );
    assert!(!everything(&options).contains(DOE));
    options.done(&[
        "transactions",
        "add",
        "--provider",
        "paypal",
        "--reference",
        "PAY-doe",
        "--order-id",
        "A-doe",
        "--amount",
        "4999",
        "--currency",
        "EUR",
    ]);
    let state = options.database().rows("SELECT status, amount_received FROM transactions");
    assert_eq!(state, ["succeeded|4999"]);
    // PayPal may send it again: it is known by the body that came.
    let again = daemon.deliver_paypal(&event.to_string(), &url);
    assert_eq!(again.body, br#"{"received":true,"duplicate":true}"#);

    let nobody = options.run(&["forget", "--reference", "A-nobody"]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
    let said = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(said.contains("no transaction or orphan has"), "{said}");
}

#[test]
fn what_is_forgotten_is_in_no_byte_of_the_files_also_under_a_running_daemon() {
    let options = shop();
    let daemon = options.start();
    let name = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        name.starts_with("payhookd.db").then_some(name)
    };
    let holders = |text: &str| -> Vec<String> {
        let entries = std::fs::read_dir(options.folder()).expect("a folder");
        let paths = entries.map(|entry| entry.expect("a file").path());
        let holds = |path: &std::path::PathBuf| {
            let bytes = std::fs::read(path).expect("a file");
            bytes.windows(text.len()).any(|some| some == text.as_bytes())
        };
        paths.filter(holds).filter_map(name).collect()
    };
    assert!(!holders(DOE).is_empty());
    options.done(&["forget", "--reference", "A-doe", "--metadata"]);
    assert_eq!(holders(DOE), Vec::<String>::new());
    assert!(!holders(ROE).is_empty(), "another's payment was not meant");

    // Whoever reads for long keeps the log from being emptied, and that is said.
    let reader = Sqlite::open(options.db()).expect("a database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM webhook_logs").expect("a moment");
    let output = options.run(&["forget", "--reference", "A-roe", "--metadata"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("do the same again"), "{said}");
    reader.execute_batch("ROLLBACK").expect("done");
    options.done(&["forget", "--reference", "A-roe", "--metadata"]);
    assert_eq!(holders(ROE), Vec::<String>::new());
    drop(daemon);
}
