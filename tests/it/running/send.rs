//! `send` and `demo`: what a person tries first.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::daemon::Options;
use crate::support::provider::WEBHOOK_ID;
use crate::support::wire::Connection;

#[test]
fn a_demo_sends_a_day_through_the_real_verification_and_leaves_nothing_behind() {
    let options = Options::new();
    let temporary = options.folder().join("tmp");
    std::fs::create_dir(&temporary).expect("a folder");
    let shown = options.clone().variable("TMPDIR", temporary.display()).done(&["demo", "--exit"]);
    assert!(shown.contains("all 172 payments ended as they were planned"), "{shown}");
    for word in ["processed", "ignored", "orphan", "failed", "disputed", "refunded"] {
        assert!(shown.contains(word), "{word} is missing:\n{shown}");
    }
    assert!(shown.lines().any(|line| line.starts_with("400") && line.ends_with(" 24")), "{shown}");
    let left = std::fs::read_dir(&temporary).expect("the folder").count();
    assert_eq!(left, 0, "something is left in the temporary folder");
    assert!(!options.db().exists(), "the demo touched the shop's own database");
}

#[test]
fn a_demo_says_where_its_dashboard_is_and_what_to_log_in_with() {
    let options = Options::new();
    let mut demo = options.binary();
    demo.arg("demo").env("TMPDIR", options.folder()).stdout(Stdio::piped());
    let mut demo = demo.spawn().expect("a demo");
    let lines = BufReader::new(demo.stdout.take().expect("its output")).lines();
    let mut lines = lines.map(|line| line.expect("text"));
    let line = lines.find(|line| line.contains("log in with")).expect("the dashboard");
    let (url, token) = line.trim().split_once("  log in with ").expect("a token");
    let admin = url.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = Connection::open(admin.parse().expect("an address"));
    let form = format!("token={token}");
    connection.send(format!(
        "POST /login HTTP/1.1\r\nhost: {admin}\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    ));
    let answer = connection.answer();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    kill_process(Pid::from_child(&demo), Signal::TERM).expect("it is running");
    // Its output is read to the end, so that it is not told that nobody listens.
    lines.for_each(drop);
    assert!(demo.wait().expect("its end").success());
    let left = std::fs::read_dir(options.folder()).expect("the folder");
    let left = left.map(|entry| entry.expect("an entry").file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("demo")));
}

#[test]
fn stripe_events_are_sent_signed_with_the_configured_secret() {
    let options = Options::stripe();
    let daemon = options.start();
    let url = format!("http://{}", daemon.public);
    let send = |more: &[&str]| {
        let mut args = vec!["send", "stripe", "--url", &*url];
        args.extend(more);
        options.run(&args)
    };
    let template = "payment_intent.succeeded";
    let sent = send(&["--template", template, "--count", "5", "--duplicate", "2", "--shuffle"]);
    let said = String::from_utf8_lossy(&sent.stdout).into_owned();
    assert!(sent.status.success(), "{sent:?}");
    assert!(said.contains("5 × 200 {\"received\":true}"), "{said}");
    assert!(said.contains("10 × 200 {\"received\":true,\"duplicate\":true}"), "{said}");

    let file = options.file("event.json", r#"{"id":"evt_file","object":"event","type":"x"}"#);
    let sent = send(&["--file", &file.display().to_string()]);
    assert!(sent.status.success(), "{sent:?}");
    assert!(options.done(&["events", "show", "evt_file"]).contains("ignored"));

    let unknown = send(&["--template", "payment_intent.suceeded"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains(template), "{unknown:?}");

    let another =
        options.clone().variable("STRIPE_WEBHOOK_SECRET", "whsec_another_of_the_integration_tests");
    let refused = another.run(&["send", "stripe", "--url", &url, "--template", template]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("bad_signature"), "{refused:?}");
}

#[test]
fn paypal_events_are_sent_signed_by_an_authority_that_is_made_for_it() {
    let options = Options::new().variable("PAYPAL_WEBHOOK_ID", WEBHOOK_ID);
    let folder = options.folder().join("authority").display().to_string();
    // A free port of an address that no other test uses.
    let address = TcpListener::bind("127.0.0.89:0").and_then(|free| free.local_addr());
    let address = address.expect("a free port").to_string();
    let send = |url: &str| {
        let template = "PAYMENT.CAPTURE.COMPLETED";
        options.run(&[
            "send",
            "paypal",
            "--url",
            url,
            "--authority",
            &folder,
            "--authority-listen",
            &address,
            "--template",
            template,
            "--reference",
            "5O190127TN364715T",
            "--count",
            "2",
        ])
    };
    // Nobody listens yet; the authority is made all the same, and it is said how to go on.
    let made = send("http://127.0.0.89:1");
    assert_eq!(made.status.code(), Some(1));
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(said.contains("--paypal-cert-roots") && said.contains("no answer from"), "{said}");

    let daemon = options
        .clone()
        .variable("PAYHOOKD_MODE", "test")
        .arg("--paypal-cert-roots")
        .arg(format!("{folder}/root.pem"))
        .arg("--paypal-cert-host")
        .arg(&address)
        .start();
    let sent = send(&format!("http://{}", daemon.public));
    assert!(sent.status.success(), "{sent:?}");
    let orphans = options.done(&["orphans", "list", "--json"]);
    assert_eq!(orphans.lines().count(), 1, "both are about one order: {orphans}");
    assert!(orphans.contains("5O190127TN364715T"), "{orphans}");
}
