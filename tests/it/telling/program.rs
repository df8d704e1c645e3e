//! The shop's program is run for every change.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::app::{add, wait_until_all};
use crate::support::daemon::{Options, wait_until};
use crate::support::provider::stripe_event;

/// A daemon that runs a shell script in its folder; attempts follow each other at once.
fn options(script: &str) -> Options {
    let options = Options::stripe();
    let program = options.file("program", format!("#!/bin/sh\n{script}"));
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, executable).expect("an executable file");
    options.variable("PAYHOOKD_NOTIFY_COMMAND", program.display()).arg("--unsafe-test-backoff=10")
}

fn read(options: &Options, name: &str) -> String {
    std::fs::read_to_string(options.folder().join(name)).unwrap_or_default()
}

#[test]
fn a_program_has_the_message_on_its_standard_input_and_little_else() {
    let options = options(
        r#"cat > "$PAYHOOKD_WEBHOOK_TYPE"; env > environment; echo "$#" > arguments; echo done"#,
    )
    .variable("LC_TIME", "C")
    .variable("SHOP_DATABASE_PASSWORD", "of somebody else");
    let daemon = options.start();
    assert!(daemon.log().contains("notify=command"), "{}", daemon.log());
    add(&options, &["1"]);
    wait_until_all(&options, "delivered");
    let body: Value =
        serde_json::from_str(&read(&options, "transaction.registered")).expect("JSON");
    assert_eq!(body["data"]["reference"], "pi_1");
    assert_eq!(body["data"]["version"], 1);
    let message_id = options.database().one::<String>("SELECT message_id FROM deliveries");
    let environment = read(&options, "environment");
    let mut of_message = environment_of(&environment);
    of_message.retain(|(name, _)| name.starts_with("PAYHOOKD_"));
    let expected = [
        ("PAYHOOKD_WEBHOOK_ID", &*message_id),
        ("PAYHOOKD_WEBHOOK_TYPE", "transaction.registered"),
    ];
    assert_eq!(of_message, expected);
    let path = std::env::var("PATH").expect("a path");
    assert!(environment_of(&environment).contains(&("PATH", &path)), "{environment}");
    assert!(environment_of(&environment).contains(&("LC_TIME", "C")), "{environment}");
    assert_has_no_setting(&environment);
    assert_eq!(read(&options, "arguments"), "0\n");
    let attempt = "SELECT status_code, error, answer FROM delivery_attempts";
    assert_eq!(options.database().rows(attempt), ["0|-|done\n"]);
}

/// What `env` prints, in order.
fn environment_of(printed: &str) -> Vec<(&str, &str)> {
    let mut all: Vec<_> = printed.lines().filter_map(|line| line.split_once('=')).collect();
    all.sort_unstable();
    all
}

/// A program knows where and as whom it runs, and what it is run for.
pub(crate) fn assert_has_no_setting(environment: &str) {
    // The shell adds names of its own.
    let of_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    let of_us = ["PAYHOOKD_WEBHOOK_ID", "PAYHOOKD_WEBHOOK_TYPE"];
    let of_system = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ"];
    for (name, _) in environment_of(environment) {
        let known = [&of_shell[..], &of_us, &of_system].concat().contains(&name);
        assert!(known || name.starts_with("LC_"), "{name} in {environment}");
    }
}

#[test]
fn a_program_that_fails_is_run_again() {
    // It fails, is killed, prints without end and leaves its input unread, and succeeds at last.
    let options = options(
        r#"echo x >> runs
        case $(wc -l < runs) in
            1) echo sorry >&2; exit 3 ;;
            2) kill -9 $$ ;;
            3) while :; do echo more; done ;;
            *) exit 0 ;;
        esac"#,
    );
    let daemon = options.clone().arg("--unsafe-test-notify-limit=3000").start();
    add(&options, &["1"]);
    wait_until_all(&options, "delivered");
    let attempts =
        "SELECT attempt, status_code, error, substr(answer, 1, 5) FROM delivery_attempts";
    assert_eq!(
        options.database().rows(attempts),
        ["1|3|-|sorry", "2|-|killed|", "3|-|timeout|more\n", "4|0|-|"]
    );
    let longest = "SELECT max(length(answer)) FROM delivery_attempts";
    assert_eq!(options.database().one::<i64>(longest), 1024);
    daemon.wait_for_line("err=\"the command ended with 3\"");
}

#[test]
fn all_that_a_program_started_is_killed_with_it() {
    let options = options("sleep 1000 & echo $! > pid; wait");
    let daemon = options.clone().arg("--unsafe-test-notify-limit=3000").start();
    add(&options, &["1"]);
    let line = daemon.wait_for_line("outcome=again");
    assert!(line.contains("the command took longer than 3s"), "{line}");
    let stat = format!("/proc/{}/stat", read(&options, "pid").trim());
    wait_until("it is gone", || {
        let stat = std::fs::read_to_string(&stat);
        // Nobody may have asked for its exit status yet.
        stat.map_or(true, |stat| stat.contains(") Z ") || !stat.contains("(sleep)"))
    });
}

#[test]
fn a_program_under_way_at_a_stop_is_killed_and_run_again_after_the_start() {
    let options = options("echo x >> runs; test -e ready || exec sleep 1000");
    let daemon = options.start();
    add(&options, &["1"]);
    wait_until("it runs", || !read(&options, "runs").is_empty());
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let ended = daemon.terminate();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(options.database().rows("SELECT attempts FROM deliveries ORDER BY id"), ["0", "0"]);

    options.file("ready", "");
    let _daemon = options.start();
    wait_until_all(&options, "delivered");
    assert_eq!(read(&options, "runs"), "x\nx\nx\n");
}

#[test]
fn a_program_that_can_not_be_started_is_told_of() {
    let options = options("");
    let program: PathBuf = options.folder().join("program");
    let daemon = options.start();
    std::fs::remove_file(&program).expect("it is there");
    add(&options, &["1"]);
    let line = daemon.wait_for_line("outcome=again");
    assert!(line.contains("the command can't be started"), "{line}");
    wait_until_all(&options, "dead");
    let errors = "SELECT DISTINCT error FROM delivery_attempts";
    assert_eq!(options.database().rows(errors), ["start"]);
}
