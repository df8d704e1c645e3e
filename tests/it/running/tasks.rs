//! Background tasks that break off.

use crate::support::admin::App;
use crate::support::daemon::{Options, wait_until};
use crate::support::provider::stripe_event;

fn looking_often() -> Options {
    let options = Options::stripe().arg("--unsafe-test-lookout=50");
    options.arg("--unsafe-test-faults").arg("fault")
}

#[test]
fn a_monitor_that_panics_is_told_and_begun_again() {
    let options = looking_often();
    options.file("fault", "monitor panics");
    let daemon = options.start();
    daemon.wait_for_line("a background task broke off");
    let ready = daemon.get_admin("/readyz");
    assert_eq!(ready.status, 200);
    assert!(ready.text().contains(r#""broken_tasks":["monitor"]"#), "{}", ready.text());
    let breaks = r#"payhookd_task_breaks_total{task="monitor"}"#;
    let metrics = App::of(&daemon).get("/metrics").text().to_owned();
    assert!(metrics.contains(breaks) && !metrics.contains(&format!("{breaks} 0")), "{metrics}");
    // Webhooks are taken all the while.
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let issues = || options.database().rows("SELECT kind, subject FROM issues ORDER BY kind");
    wait_until("it is told", || issues() == ["task|monitor"]);
    options.file("fault", "nearly full");
    wait_until("it looks again", || issues() == ["disk|database", "task|monitor"]);
}

#[test]
fn a_task_that_breaks_off_again_and_again_ends_the_daemon() {
    let options = looking_often();
    options.file("fault", "monitor panics");
    let daemon = options.start();
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let ended = daemon.wait();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
    assert!(ended.log.contains("broke off again and again"), "{}", ended.log);
    assert_eq!(options.database().rows("SELECT status FROM webhook_logs"), ["orphan"]);
    // The next one is well, and has to show it for some time before the issue is over.
    options.file("fault", "nearly full");
    let next = options.start();
    let issues =
        || options.database().rows("SELECT kind, closed_at IS NULL FROM issues ORDER BY 1");
    wait_until("it looks", || issues() == ["disk|1", "task|1"]);
    assert!(!next.get_admin("/readyz").text().contains("broken_tasks"));
}
