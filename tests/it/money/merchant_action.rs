//! A payment that PayPal holds until the shop does something there.

use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::certificates::Certificates;
use crate::support::daemon::Options;
use crate::telling::issues::said;

fn case() -> Vec<Value> {
    let case = include_str!("../../data/vectors/field/paypal/pending_needs_merchant.json");
    let case: Value = serde_json::from_str(case).expect("JSON");
    case["steps"].as_array().expect("steps").clone()
}

#[test]
fn what_only_the_merchant_can_do_is_told_until_the_payment_is_decided() {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address);
    let daemon = options.start();
    let url = certificates.url("CERT-1");
    let app = App::of(&daemon);
    let mut events = Vec::new();
    for step in case() {
        if let Some(register) = step.get("register") {
            let mut body = register.clone();
            body["provider"] = json!("paypal");
            body["livemode"] = json!(false);
            assert_eq!(app.register(&body).status, 201);
        } else {
            let event = &step["event"];
            assert_eq!(daemon.deliver_paypal(&event.to_string(), &url).status, 200);
            events.push(event.clone());
        }
    }
    let issues = "SELECT kind, subject, severity, count, closed_at IS NOT NULL FROM issues
                  WHERE kind = 'merchant_action' ORDER BY id";
    let open = options.database().rows(issues);
    let expected = ["accept the payment at PayPal", "confirm the e-mail", "link a bank account"];
    assert_eq!(open.len(), expected.len(), "{open:?}");
    let told = said(&options, Some("merchant_action"));
    for (((number, issue), told), remedy) in (1..).zip(&open).zip(told).zip(expected) {
        assert_eq!(*issue, format!("merchant_action|{number}|warning|1|0"));
        assert!(told["remedy"].as_str().is_some_and(|it| it.contains(remedy)), "{told}");
    }
    let statuses = options.database().rows("SELECT DISTINCT status FROM transactions");
    assert_eq!(statuses, ["processing"]);
    let shown = options.done(&["issues", "show", "1"]);
    assert!(shown.contains("After 30 days the money goes back to the buyer."), "{shown}");

    // Delivered again it is no second time, and decided it is over; an older word changes nothing.
    assert_eq!(daemon.deliver_paypal(&events[0].to_string(), &url).status, 200);
    let mut decided = events[0].clone();
    decided["id"] = json!("WH-DECIDED");
    decided["event_type"] = json!("PAYMENT.CAPTURE.COMPLETED");
    decided["create_time"] = json!("2026-11-27T10:00:01.000Z");
    decided["resource"]["status"] = json!("COMPLETED");
    decided["resource"]["update_time"] = json!("2026-11-27T10:00:00Z");
    decided["resource"]["status_details"] = Value::Null;
    let answer = daemon.deliver_paypal(&decided.to_string(), &url);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let closed: Vec<_> =
        options.database().rows(issues).into_iter().filter(|it| it.ends_with("|1|1")).collect();
    assert!(closed.len() == 1 && closed[0].starts_with("merchant_action|1|"), "{closed:?}");
}
