//! Starting and stopping.

use std::path::PathBuf;

use rustix::process::Signal;

use crate::support::daemon::{Options, wait_until};
use crate::support::provider::{STRIPE, stripe_event, stripe_signature};

#[test]
fn what_was_acknowledged_is_there_after_a_stop_and_a_start() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    assert_eq!(daemon.deliver_stripe(&body).text(), r#"{"received":true}"#);
    let options = daemon.options().clone();
    let ended = daemon.terminate();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.log.contains("msg=stopped"), "{}", ended.log);
    assert!(ended.log.contains("outcome=SIGTERM"), "{}", ended.log);

    let daemon = options.start();
    let again = daemon.deliver_stripe(&body);
    assert_eq!(again.text(), r#"{"received":true,"duplicate":true}"#);
    assert_eq!(daemon.database().count("webhook_logs"), 1);
    daemon.database().assert_proved();
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let daemon = Options::stripe().start();
    for number in 0..20 {
        let body = stripe_event("payment_intent.processing", &number.to_string());
        assert_eq!(daemon.deliver_stripe(&body).status, 200);
    }
    let options = daemon.options().clone();
    assert!(!daemon.kill().status.success());
    options.database().assert_proved();
    assert_eq!(options.database().count("webhook_logs"), 20);
    assert_eq!(options.start().get("/healthz").status, 200);
}

#[test]
fn a_request_that_is_under_way_is_answered_before_the_end() {
    let daemon = Options::stripe().start();
    let body = stripe_event("payment_intent.succeeded", "1");
    let signature = stripe_signature(body.as_bytes());
    let (first, second) = body.split_at(body.len() / 2);
    let mut idle = daemon.connect();
    assert_eq!(idle.request("GET", "/healthz", &[], "").status, 200);
    let mut connection = daemon.connect();
    connection.send(format!(
        "POST {STRIPE} HTTP/1.1\r\nhost: payhookd\r\nstripe-signature: {signature}\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    // Now the request is being read.
    assert_eq!(connection.answer().status, 100);
    connection.send(first);
    daemon.signal(Signal::INT);
    assert!(idle.is_closed());
    connection.send(second);
    assert_eq!(connection.answer().text(), r#"{"received":true}"#);
    assert!(connection.is_closed());
    let options = daemon.options().clone();
    let ended = daemon.wait();
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        ended.log.contains("webhooks=1") && ended.log.contains("outcome=SIGINT"),
        "{}",
        ended.log
    );
    // The log of the database was emptied, so the file is all there is.
    assert!(!PathBuf::from(format!("{}-wal", options.db().display())).exists());
    assert_eq!(options.database().count("webhook_logs"), 1);
}

#[test]
fn connections_that_have_ended_leave_nothing_open() {
    let daemon = Options::stripe().start();
    let folder = format!("/proc/{}/fd", daemon.pid());
    // Of files the daemon opens some more by itself in its first moments.
    let is_socket = |entry: &std::fs::DirEntry| {
        let file = std::fs::read_link(entry.path());
        file.is_ok_and(|file| file.to_string_lossy().starts_with("socket:"))
    };
    let open = || {
        let entries = std::fs::read_dir(&folder).expect("Linux");
        entries.filter_map(Result::ok).filter(is_socket).count()
    };
    assert_eq!(daemon.get("/healthz").status, 200);
    let before = open();
    let many: Vec<_> = (0..200)
        .map(|number| {
            let mut connection = daemon.connect();
            match number % 3 {
                0 => connection.send("POST "),
                1 => assert_eq!(connection.request("GET", "/healthz", &[], "").status, 200),
                _ => {}
            }
            connection
        })
        .collect();
    wait_until("all are open", || open() >= before + 150);
    drop(many);
    wait_until("all are closed", || open() <= before);
}

#[test]
fn nobody_is_turned_away_because_others_keep_connections_open() {
    let daemon = Options::stripe().arg("--max-connections=16").start();
    let mut idle: Vec<_> = (0..40).map(|_| daemon.connect()).collect();
    let body = stripe_event("payment_intent.succeeded", "1");
    assert_eq!(daemon.deliver_stripe(&body).text(), r#"{"received":true}"#);
    // The oldest had to go.
    assert!(idle[0].is_closed());
}

#[test]
fn a_daemon_that_is_stopped_as_soon_as_it_listens_ends_well() {
    for _ in 0..20 {
        let ended = Options::stripe().start().terminate();
        assert!(ended.status.success(), "{ended:?}");
        assert!(ended.log.contains("msg=stopped"), "{}", ended.log);
    }
}
