//! What `contrib/` offers for Prometheus and Grafana asks for nothing that the daemon does not say.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::admin::App;
use crate::support::certificates::Certificates;
use crate::support::daemon::{Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::{SECRET, paypal_event, stripe_event};
use crate::support::stripe_api::{StripeApi, TEST_KEY};

const CONTRIB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib");

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(CONTRIB).join(name)).expect("a file")
}

/// Every name of a metric of ours in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = text.split(|character| !is_part(character));
    words.filter(|word| word.starts_with("payhookd_")).map(str::to_owned).collect()
}

/// A sample's name, and its labels.
fn series(text: &str) -> BTreeSet<(String, String)> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.filter_map(|line| line.rsplit_once(' '));
    let split = |(series, _): (&str, &str)| {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        (name.to_owned(), labels.trim_end_matches('}').to_owned())
    };
    samples.map(split).collect()
}

/// All that a daemon with both providers and a target of alerts says.
fn metrics() -> String {
    let (certificates, stripe) = (Certificates::of_sandbox(), StripeApi::start());
    let told = Fake::start(|_| Reply::ok("ok"));
    let options = Options::paypal(certificates.fake.address)
        .variable("STRIPE_WEBHOOK_SECRET", SECRET)
        .variable("PAYHOOKD_MODE", "test")
        .variable("PAYHOOKD_ALERT_URL", format!("http://{}/", told.address))
        .variable("PAYHOOKD_RECONCILE_EVERY", "1h");
    let daemon = stripe.options(options).variable("STRIPE_SECRET_KEY", TEST_KEY).start();
    daemon.wait_for_line("\"no event was missed\" provider=stripe");
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let event = paypal_event("PAYMENT.CAPTURE.COMPLETED", "2");
    assert_eq!(daemon.deliver_paypal(&event, &certificates.url("CERT-1")).status, 200);
    // It is written down beside the way of the webhook.
    wait_until("the certificate is kept", || daemon.database().count("paypal_certificates") == 1);
    let answer = App::of(&daemon).get("/metrics");
    assert_eq!(answer.status, 200);
    answer.text().to_owned()
}

#[test]
fn every_metric_that_is_asked_for_is_said() {
    let said = series(&metrics());
    let said: BTreeSet<&str> = said.iter().map(|(name, _)| &**name).collect();
    for name in ["prometheus-alerts.yml", "prometheus-alerts-test.yml", "grafana-dashboard.json"] {
        let asked = names(&file(name));
        assert!(asked.len() > 8, "{name}: {asked:?}");
        for metric in asked {
            assert!(said.contains(&*metric), "{name} asks for {metric}; said are {said:#?}");
        }
    }
}

#[test]
fn every_label_that_is_asked_for_is_said() {
    let said = metrics();
    for name in ["prometheus-alerts.yml", "grafana-dashboard.json"] {
        // In JSON the quotes are escaped.
        let text = file(name).replace('\\', "");
        for part in text.split("payhookd_").skip(1) {
            let Some((metric, rest)) = part.split_once('{') else { continue };
            if !metric.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                continue;
            }
            let (matchers, _) = rest.split_once('}').expect("a closing brace");
            for matcher in matchers.split(',') {
                let (label, values) = matcher.split_once('=').expect("a matcher");
                let label = label.trim_end_matches('!');
                for value in values.trim_start_matches('~').trim_matches('"').split('|') {
                    let wanted = format!("{label}=\"{value}\"");
                    let mut known = said.lines().filter(|it| it.contains(&format!("_{metric}{{")));
                    // No live event came here.
                    let is_said = value == "live" || known.any(|it| it.contains(&wanted));
                    assert!(is_said, "{name}: payhookd_{metric} has no {wanted}");
                }
            }
        }
    }
}

#[test]
fn a_dashboard_has_panels_that_ask_for_something() {
    let dashboard: Value = serde_json::from_str(&file("grafana-dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_i64()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{panel}");
        assert!(targets.iter().all(|it| it["expr"].as_str().is_some_and(|it| !it.is_empty())));
    }
}

#[test]
fn promtool_finds_nothing_wrong() {
    let promtool =
        |args: &[&str]| Command::new("promtool").args(args).current_dir(CONTRIB).output();
    if promtool(&["--version"]).is_err() {
        println!("skipped: promtool is not installed");
        return;
    }
    for args in [
        ["check", "rules", "prometheus-alerts.yml"],
        ["test", "rules", "prometheus-alerts-test.yml"],
    ] {
        let output = promtool(&args).expect("promtool runs");
        assert!(output.status.success(), "{args:?}: {output:?}");
    }
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut input = check.stdin.take().expect("standard input is piped");
    input.write_all(older(&metrics()).as_bytes()).expect("it reads");
    drop(input);
    let output = check.wait_with_output().expect("promtool runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}{output:?}");
}

/// The older text form, which promtool reads: it says a counter's name with its suffix, and knows no
/// infos, no units and no end.
fn older(text: &str) -> String {
    let suffix = |name: &str| {
        let of_kind = |kind: &str| text.contains(&format!("# TYPE {name} {kind}\n"));
        match (of_kind("counter"), of_kind("info")) {
            (true, _) => "_total",
            (_, true) => "_info",
            _ => "",
        }
    };
    let mut older = String::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match [words.next(), words.next(), words.next(), words.next()] {
            [Some("#"), Some("EOF" | "UNIT"), ..] => continue,
            [Some("#"), Some(what), Some(name), Some(rest)] => {
                let rest = if rest == "info" { "gauge" } else { rest };
                older.push_str(&format!("# {what} {name}{} {rest}\n", suffix(name)));
            }
            _ => older.extend([line, "\n"]),
        }
    }
    older
}
