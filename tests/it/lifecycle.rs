//! Starting and stopping.

use crate::daemon::Options;
use crate::provider::stripe_event;

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
    daemon.database().assert_sound();
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
    options.database().assert_sound();
    assert_eq!(options.database().count("webhook_logs"), 20);
    assert_eq!(options.start().get("/healthz").status, 200);
}
