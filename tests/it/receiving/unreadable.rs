//! Genuine bodies that can't be read are kept, told of, and never refused for ever.

use serde_json::Value;

use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::{PAYPAL, WEBHOOK_ID, at, sandbox_authority};
use crate::support::wire::Answer;
use payhookd::simulator::authority::NewTransmission;

const RECEIVED: &str = r#"{"received":true}"#;
const DUPLICATE: &str = r#"{"received":true,"duplicate":true}"#;

fn stripe(id: &str, object: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"id":{id},"object":"event","created":1732362723,"livemode":true,
             "type":"payment_intent.succeeded","data":{{"object":{{"id":"pi_1","currency":"eur",
             "object":"payment_intent","status":"succeeded","amount":4999,{object}}}}}}}"#
    );
    latin(&body)
}

fn paypal(id: &str, resource: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"id":{id},"event_type":"PAYMENT.CAPTURE.COMPLETED","resource_version":"2.0",
             "create_time":"2024-11-23T11:52:03Z","resource":{{"id":"C1","status":"COMPLETED",
             "amount":{{"currency_code":"EUR","value":"49.99"}},{resource}}}}}"#
    );
    latin(&body)
}

/// So that `é` is a byte that is no UTF-8.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|one| u8::try_from(one).expect("Latin-1")).collect()
}

fn deliver_paypal(daemon: &Daemon, body: &[u8], transmission: &str, cert_url: &str) -> Answer {
    let transmission = NewTransmission {
        id: transmission,
        time: at("2024-11-23T11:52:04Z"),
        webhook_id: WEBHOOK_ID,
        cert_url,
    };
    let headers = sandbox_authority().sign(body, &transmission);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    daemon.post(PAYPAL, &headers, body)
}

/// Each delivered twice.
fn deliver_each(bodies: &[Vec<u8>], deliver: impl Fn(&[u8], &str) -> Answer) {
    for (number, body) in bodies.iter().enumerate() {
        for (attempt, expected) in [RECEIVED, DUPLICATE].into_iter().enumerate() {
            let answer = deliver(body, &format!("T-{number}-{attempt}"));
            let body = String::from_utf8_lossy(body);
            assert_eq!((answer.status, answer.text()), (200, expected), "{body}");
        }
    }
}

/// What holds of any number of such events, and what they are kept as.
fn assert_kept(options: &Options, bodies: usize) -> Vec<String> {
    let database = options.database();
    let failed = "SELECT count(*) FROM webhook_logs
                  WHERE status = 'failed' AND delivery_count = 2 AND json_valid(payload)";
    assert_eq!(database.one::<i64>(failed), i64::try_from(bodies).expect("few"));
    assert_eq!(database.count("webhook_logs"), i64::try_from(bodies).expect("few"));
    assert_eq!(database.count("rejected_requests"), 0);
    let clean = "SELECT count(*) FROM webhook_logs
                 WHERE instr(event_id || event_type || payload || headers || error, char(0)) > 0";
    assert_eq!(database.one::<i64>(clean), 0);
    let open = "SELECT kind, count FROM issues WHERE closed_at IS NULL";
    assert_eq!(database.rows(open), [format!("failed_event|{bodies}")]);
    database.rows("SELECT * FROM transaction_details");
    let verified = options.run(&["doctor", "--verify-log", "--json"]);
    let verified = String::from_utf8(verified.stdout).expect("text");
    let log = verified.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let log: Vec<Value> = log.filter(|finding| finding["check"] == "log").collect();
    assert!(!log.is_empty() && log.iter().all(|it| it["verdict"] == "ok"), "{verified}");
    database.rows("SELECT event_id FROM webhook_logs ORDER BY id")
}

fn assert_shown(daemon: &Daemon, ids: &[String]) {
    let options = daemon.options();
    let before = options.database().snapshot();
    for (number, id) in (1..).zip(ids) {
        let told = options.done(&["events", "show", id]);
        assert!(told.contains("look the payment up at the provider"), "{told}");
        let page = daemon.get_admin(&format!("/dashboard/events/{number}"));
        assert!([200, 303, 401, 404].contains(&page.status), "{}", page.text());
    }
    options.done(&["events", "replay", "--status", "failed"]);
    assert_eq!(options.database().snapshot(), before, "read again as before");
}

#[test]
fn a_genuine_body_of_stripes_that_can_not_be_read_is_kept_once_and_told() {
    let daemon = Options::stripe().start();
    let taken = r#""amount_received":4999"#;
    let bodies = [
        stripe(r#""evt_\ud800""#, taken),
        stripe(r#""evt_\u0000""#, taken),
        stripe(r#""evt_\u0007""#, taken),
        stripe(r#""evt_é""#, taken),
        stripe(r#""evt_1","id":"evt_2""#, taken),
        stripe(&format!(r#""{}""#, "e".repeat(256)), taken),
        stripe(r#""evt_3""#, &format!(r#"{taken},"latest_charge":"ch_\udc00""#)),
        stripe(r#""evt_4""#, &format!(r#"{taken},"latest_charge":"ch_\u0000""#)),
        stripe(r#""evt_5""#, &format!(r#"{taken},"description":"café""#)),
        stripe(r#""evt_6""#, r#""amount_received":1e400"#),
        stripe(r#""evt_7""#, &format!(r#""amount_received":{}"#, "9".repeat(400))),
        stripe(r#""evt_8""#, &format!(r#"{taken},"amount_received":5000"#)),
        stripe(r#""evt_9""#, &format!(r#"{taken},"metadata":{{"order_id":"1","order_id":"2"}}"#)),
        stripe(r#""evt_10""#, &format!(r#"{taken},"latest_charge":"ch_\u0007""#)),
        stripe(r#""evt_11""#, &format!(r#"{taken},"latest_charge":"{}""#, "c".repeat(256))),
    ];
    deliver_each(&bodies, |body, _| daemon.deliver_stripe(body));
    let ids = assert_kept(daemon.options(), bodies.len());
    assert!(ids[..6].iter().all(|id| id.starts_with("unreadable-") && id.len() == 43), "{ids:?}");
    let own = ["evt_3", "evt_4", "evt_5", "evt_6", "evt_7", "evt_8", "evt_9", "evt_10", "evt_11"];
    assert_eq!(ids[6..], own);
    assert_shown(&daemon, &ids);
}

#[test]
fn a_genuine_body_of_paypals_that_can_not_be_read_is_kept_once_and_told() {
    let certificates = Certificates::of_sandbox();
    let daemon = Options::paypal(certificates.fake.address).start();
    let url = certificates.url("CERT-1");
    let order = r#""supplementary_data":{"related_ids":{"order_id":"O1"}}"#;
    let bodies = [
        paypal(r#""WH-\ud800""#, order),
        paypal(r#""WH-\u0000""#, order),
        paypal(r#""WH-1""#, r#""custom_id":"\ud800""#),
        paypal(r#""WH-3""#, &format!(r#"{order},"note":"é""#)),
        paypal(r#""WH-4""#, &format!(r#"{order},"custom_id":1e400"#)),
        paypal(r#""WH-5""#, &format!(r#"{order},"status":"DECLINED""#)),
        paypal(r#""WH-6""#, r#""supplementary_data":{"related_ids":{"order_id":"O\u0007"}}"#),
    ];
    deliver_each(&bodies, |body, id| deliver_paypal(&daemon, body, id, &url));
    let ids = assert_kept(daemon.options(), bodies.len());
    assert!(ids[..2].iter().all(|id| id.starts_with("unreadable-")), "{ids:?}");
    assert_eq!(ids[2..], ["WH-1", "WH-3", "WH-4", "WH-5", "WH-6"]);
    assert_shown(&daemon, &ids);
}

#[test]
fn what_is_not_read_may_be_anything() {
    let daemon = Options::stripe().start();
    let more = r#""amount_received":4999,"x":"\ud800\u0000","y":1e400"#;
    assert_eq!(daemon.deliver_stripe(stripe(r#""evt_1""#, more)).status, 200);
    let kept = daemon.database().rows("SELECT event_id, status FROM webhook_logs");
    assert_eq!(kept, ["evt_1|orphan"]);
}
