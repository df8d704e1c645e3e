//! Whether the providers send webhooks here, by their own lists of endpoints.

use serde_json::{Value, json};

use crate::support::daemon::{Options, wait_until};
use crate::support::paypal_api::PaypalApi;
use crate::support::stripe_api::StripeApi;
use crate::telling::issues::said;

const HERE: &str = "https://shop.example/accounts/webhooks/stripe/";

fn endpoint(id: &str, url: &str, status: &str) -> Value {
    json!({
        "id": id, "object": "webhook_endpoint", "url": url, "status": status,
        "enabled_events": ["*"], "api_version": null, "livemode": true,
    })
}

fn options(api: &StripeApi) -> Options {
    api.options(Options::stripe()).variable("PAYHOOKD_PUBLIC_URL", "https://shop.example")
}

#[test]
fn endpoints_are_shown_with_what_is_wrong() {
    let api = StripeApi::start();
    api.endpoints([
        endpoint("we_1", "https://old.example/accounts/webhooks/stripe/", "enabled"),
        endpoint("we_2", HERE, "enabled"),
    ]);
    let options = options(&api);
    let shown = options.done(&["endpoints", "show", "--json"]);
    let ours: Vec<Value> =
        shown.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&ours[0]["ours"], &ours[1]["ours"]), (&json!(false), &json!(true)));

    for (endpoints, words) in [
        (vec![], "missing: Stripe has no webhook endpoint for this daemon"),
        (vec![endpoint("we_1", HERE, "disabled")], "disabled: Stripe has disabled"),
        (
            vec![endpoint("we_1", "https://old.example/accounts/webhooks/stripe/", "enabled")],
            "elsewhere: Stripe sends webhooks to https://old.example",
        ),
        (
            {
                let mut one = endpoint("we_1", HERE, "enabled");
                one["enabled_events"] = json!(["payment_intent.succeeded"]);
                vec![one]
            },
            "types: the webhook endpoint we_1 does not send payment_intent.created",
        ),
    ] {
        api.endpoints(endpoints);
        let output = options.run(&["endpoints", "show"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(words), "{words}: {said}");
    }
    // Nothing of this makes a database.
    assert!(!options.db().exists());
}

#[test]
fn an_endpoint_is_made_once_and_its_secret_is_told_once() {
    let api = StripeApi::start();
    api.endpoints([]);
    let options = options(&api);
    let create = ["endpoints", "create", "--provider", "stripe", "--url", "https://shop.example"];
    let output = options.run(&create);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.starts_with("STRIPE_WEBHOOK_SECRET=whsec_made_"), "{stdout}");
    assert!(stdout.lines().count() == 1 && !stderr.contains("whsec_"), "{stderr}");
    // It is as payhookd needs it.
    options.done(&["endpoints", "show"]);
    let again = options.run(&create);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && said.contains("we_1"), "{said}");
    options.done(&[&create[..], &["--another"]].concat());
    for url in ["shop.example", "http://shop.example", "https://"] {
        let output = options.run(&["endpoints", "create", "--provider", "stripe", "--url", url]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("https://shop.example"), "{said}");
    }

    let api = PaypalApi::start();
    api.webhooks([]);
    let options = api.options(Options::new());
    let made = options.done(&[
        "endpoints",
        "create",
        "--provider",
        "paypal",
        "--url",
        "https://shop.example/accounts/webhooks/paypal",
    ]);
    assert_eq!(made, "PAYPAL_WEBHOOK_ID=WEBHOOK0000000001\n");
    let options = options.variable("PAYPAL_WEBHOOK_ID", "WEBHOOK0000000001");
    assert!(options.done(&["endpoints", "show"]).contains("WEBHOOK0000000001"));
    let output =
        options.variable("PAYPAL_WEBHOOK_ID", "WEBHOOK0000000002").run(&["endpoints", "show"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("PAYPAL_WEBHOOK_ID"), "{said}");
}

#[test]
fn the_daemon_opens_an_issue_of_a_disabled_endpoint_and_closes_it() {
    let api = StripeApi::start();
    api.endpoints([endpoint("we_1", HERE, "disabled")]);
    let options = options(&api)
        .variable("PAYHOOKD_RECONCILE_EVERY", "1h")
        .arg("--unsafe-test-reconcile-every")
        .arg("50");
    let _daemon = options.start();
    let title = "Stripe has disabled the webhook endpoint we_1, so nothing is sent";
    let stands = |status: &str| {
        let issues = said(&options, Some("endpoint"));
        let words = |name: &str| issues.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
        words("severity") == ["critical"]
            && words("title") == [title]
            && words("status") == [status]
    };
    wait_until("the issue is open", || stands("open"));
    api.endpoints([endpoint("we_1", HERE, "enabled")]);
    wait_until("the issue is closed", || stands("closed"));
}

#[test]
fn whoever_mends_an_endpoint_closes_its_issue_by_looking() {
    let api = StripeApi::start();
    let options = options(&api);
    options.done(&["--migrate"]);
    let closed = "SELECT closed_at IS NOT NULL FROM issues WHERE kind = 'endpoint' ORDER BY id";
    api.endpoints([endpoint("we_1", HERE, "disabled")]);
    options.done(&["reconcile", "--since", "1h"]);
    assert_eq!(options.database().rows(closed), ["0"]);
    api.endpoints([endpoint("we_1", HERE, "enabled")]);
    options.done(&["reconcile", "--since", "1h"]);
    assert_eq!(options.database().rows(closed), ["1"]);
    api.endpoints([endpoint("we_1", HERE, "disabled")]);
    options.done(&["reconcile", "--since", "1h"]);
    api.endpoints([endpoint("we_1", HERE, "enabled")]);
    assert_eq!(options.database().rows(closed), ["1", "0"]);
    options.run(&["doctor", "--online"]);
    assert_eq!(options.database().rows(closed), ["1", "1"]);
}

#[test]
fn the_doctor_asks_for_endpoints_too() {
    let api = StripeApi::start();
    let options = options(&api);
    api.endpoints([endpoint("we_1", HERE, "enabled")]);
    let look = || {
        let output = options.run(&["doctor", "--online", "--json"]);
        let lines = String::from_utf8(output.stdout).expect("text");
        let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let of_check = all.filter(|finding| finding["check"] == "endpoints");
        of_check
            .map(|finding| format!("{} {}", finding["verdict"], finding["what"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(look(), ["ok Stripe sends webhooks here"]);
    api.endpoints([]);
    assert_eq!(look(), ["fail Stripe has no webhook endpoint for this daemon"]);
}
