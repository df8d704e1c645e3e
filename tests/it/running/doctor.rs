//! `payhookd doctor`: what it finds, what it says to do, and with which exit code.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::{SECRET, StripeSample, stripe_event};
use payhookd::telemetry::clock::Clock;

/// What `doctor` finds, with these arguments, and its exit code.
fn examine(options: &Options, args: &[&str]) -> (Vec<Value>, i32) {
    let args: Vec<&str> = ["doctor", "--json"].iter().chain(args).copied().collect();
    let output = options.run(&args);
    let printed = String::from_utf8(output.stdout.clone()).expect("text");
    let findings: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert!(!findings.is_empty(), "{output:?}");
    for finding in &findings {
        let remedy = &finding["remedy"];
        assert_eq!(remedy.is_null(), finding["verdict"] == "ok", "{finding}");
        assert!(!finding.to_string().contains(SECRET), "{finding}");
    }
    (findings, output.status.code().expect("an exit code"))
}

/// The findings of one check, as verdict, what and remedy.
fn of<'f>(findings: &'f [Value], check: &str) -> Vec<[&'f str; 3]> {
    let found = findings.iter().filter(|finding| finding["check"] == check);
    let text = |value: &'f Value| value.as_str().unwrap_or_default();
    found.map(|it| [text(&it["verdict"]), text(&it["what"]), text(&it["remedy"])]).collect()
}

/// Whether a check found something with this verdict, these words and this remedy.
fn assert_found(findings: &[Value], check: &str, verdict: &str, what: &str, remedy: &str) {
    let found = of(findings, check).iter().any(|[of_verdict, of_what, of_remedy]| {
        *of_verdict == verdict && of_what.contains(what) && of_remedy.contains(remedy)
    });
    assert!(found, "{check} {verdict} {what:?} {remedy:?} in {findings:#?}");
}

/// The addresses that a daemon chose, as it would have been told them.
fn told(daemon: &Daemon) -> Options {
    let options = daemon.options().clone();
    options
        .variable("PAYHOOKD_LISTEN", daemon.public)
        .variable("PAYHOOKD_ADMIN_LISTEN", daemon.admin)
}

#[test]
fn a_daemon_that_is_well_has_nothing_wrong() {
    let daemon = Options::stripe().start();
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let public = format!("http://{}/", daemon.public);
    let (findings, code) = examine(&told(&daemon), &["--full", "--public-url", &public]);
    assert_eq!(code, 0, "{findings:#?}");
    assert_found(&findings, "configuration", "ok", "live mode; Stripe; no app", "");
    assert_found(
        &findings,
        "configuration",
        "warn",
        "nobody is notified of problems",
        "alerts test",
    );
    assert_found(&findings, "clock", "ok", "no event came before", "");
    assert_found(&findings, "database", "ok", "every row is sound", "");
    assert_found(&findings, "listeners", "ok", "public: ", "");
    assert_found(&findings, "listeners", "ok", "commits work", "");
    assert_found(&findings, "proxy", "ok", "refused an unsigned probe", "");
    assert_found(&findings, "events", "ok", "the last of stripe came", "");
    assert_eq!(of(&findings, "proxy").len(), 1, "{findings:#?}");
    // The probe was refused as any other would be, and nothing else changed.
    assert_eq!(daemon.database().count("webhook_logs"), 1);
    let refused = "SELECT reason FROM rejected_requests";
    wait_until("it is noted", || daemon.database().rows(refused) == ["missing_header"]);
}

#[test]
fn it_says_whom_problems_are_told() {
    let options = Options::stripe()
        .variable("PAYHOOKD_ALERT_URL", "ntfy+http://127.0.0.1:1/secret-topic")
        .variable("PAYHOOKD_TIME_ZONE", "Europe/Paris");
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "configuration", "ok", "and get no daily report", "");
    let (findings, _) = examine(&options.variable("PAYHOOKD_DAILY_REPORT", "08:00"), &[]);
    assert_found(&findings, "configuration", "ok", "people are notified of problems (ntfy-", "");
    assert_found(&findings, "configuration", "ok", "the day before at 08:00 (Europe/Paris)", "");
    assert!(!format!("{findings:?}").contains("secret-topic"), "{findings:?}");
}

#[test]
fn it_works_while_no_daemon_runs_and_before_the_first_start() {
    let options = Options::stripe().variable("PAYHOOKD_LISTEN", "127.0.0.1:1");
    let options = options.variable("PAYHOOKD_ADMIN_LISTEN", "127.0.0.1:1");
    let (findings, code) = examine(&options, &[]);
    assert_eq!(code, 1);
    assert_found(&findings, "database", "fail", "there is no database", "systemctl start payhookd");
    assert_found(&findings, "listeners", "fail", "refused", "systemctl start payhookd.socket");
    assert!(!options.db().exists(), "it makes none");

    options.done(&["--migrate"]);
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "database", "ok", "its structure is sound", "");
    assert_found(&findings, "events", "warn", "no genuine event yet", "Stripe's dashboard");
    // For a person the same, with the remedy below.
    let output = options.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("fail  listeners"), "{printed}");
    assert!(
        printed.contains("\n                     systemctl start payhookd.socket"),
        "{printed}"
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "payhookd: 2 things are wrong\n");
}

#[test]
fn settings_come_from_the_file_of_the_service_and_from_its_flags() {
    let daemon = Options::stripe().start();
    let db = daemon.options().db().display().to_string();
    let text = format!(
        "# the service's\nSTRIPE_WEBHOOK_SECRET=\"{SECRET}\"\nPAYHOOKD_MODE=live\n\
         PAYHOOKD_LISTEN={}\nPAYHOOKD_ADMIN_LISTEN=127.0.0.1:1\n",
        daemon.public
    );
    let bare = Options::new().without("PAYHOOKD_DB");
    let file = bare.file("payhookd.env", text);
    let private = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("a file");
    };
    let file_name = file.display().to_string();
    let admin = daemon.admin.to_string();
    let args = ["--env-file", &file_name, "--", "--db", &db, "--admin-listen", &admin];
    private(0o644);
    let (findings, code) = examine(&bare, &args);
    assert_eq!(code, 1);
    let chmod = format!("chmod o= {file_name}");
    assert_found(&findings, "configuration", "fail", "every user of this machine", &chmod);
    private(0o600);
    let (findings, code) = examine(&bare, &args);
    assert_eq!(code, 0, "{findings:#?}");
    assert_found(&findings, "configuration", "ok", &format!("from {file_name}"), "");

    let wrong = bare.file("wrong.env", "PAYHOOKD_LISTEN=everywhere\n").display().to_string();
    let (findings, _) = examine(&bare, &["--env-file", &wrong]);
    assert_found(&findings, "configuration", "fail", "invalid value 'everywhere'", "--help");

    let garbled = bare.file("garbled.env", "A=1\nexport B\n").display().to_string();
    let output = bare.run(&["doctor", "--env-file", &garbled]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2 is not NAME=VALUE"));
}

#[test]
fn settings_that_are_wrong_or_doubtful_are_named() {
    for (variables, verdict, what, remedy) in [
        (&[("STRIPE_WEBHOOK_SECRET", "sk_live_1")][..], "fail", "an API key", "whsec_"),
        (
            &[("STRIPE_SECRET_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc"), ("PAYHOOKD_MODE", "live")],
            "fail",
            "says test",
            "keys of one kind",
        ),
        (&[("STRIPE_WEBHOOK_SECRET", "whsec_short")], "fail", "can be guessed", "copy it whole"),
        (
            &[("STRIPE_WEBHOOK_SECRET", "whsec_a_short_one")],
            "warn",
            "shorter than",
            "copy it whole",
        ),
        (&[("PAYPAL_WEBHOOK_ID", "ABC123DEF456")], "warn", "not 17 characters", "copy it whole"),
        (
            &[("PAYPAL_CLIENT_ID", "AZDxjDScFpQtjWTOUtWKbyN_bDt4OgqaF4eYXlewfBP4-8")],
            "warn",
            "without PAYPAL_CLIENT_SECRET",
            "set PAYPAL_CLIENT_SECRET",
        ),
        (&[("PAYHOOKD_API_TOKEN", "short")], "fail", "can be guessed", "openssl rand"),
        (
            &[("PAYHOOKD_API_TOKEN", "a-short-token")],
            "warn",
            "can be guessed",
            "change the setting",
        ),
        (&[("PAYHOOKD_API_TOKEN", SECRET)], "fail", "are the same secret", "openssl rand"),
        (&[("PAYHOOKD_MODES", "live")], "warn", "no such setting", "change the setting"),
    ] {
        let mut options = Options::stripe();
        for (name, value) in variables {
            options = options.variable(name, value);
        }
        let (findings, code) = examine(&options, &[]);
        // Nobody runs here.
        assert_eq!(code, 1);
        assert_found(&findings, "configuration", verdict, what, remedy);
    }
}

#[test]
fn a_database_that_is_old_new_damaged_or_none_is_told_apart() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let sql = |text: &str| {
        Connection::open(options.db()).and_then(|it| it.execute_batch(text)).expect("SQL");
    };
    sql("DELETE FROM refinery_schema_history WHERE version > 3");
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "database", "fail", "schema version 3", "systemctl restart payhookd");
    sql("INSERT INTO refinery_schema_history (version, name) VALUES (1000, 'next')");
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "database", "fail", "version 1000", "install the newer payhookd");
    std::fs::remove_file(options.db()).expect("a file");

    options.done(&["--migrate"]);
    let certificates = (0..200).map(|number| format!("('x{number}', 'p', 'now')"));
    let rows = certificates.collect::<Vec<_>>().join(",");
    sql(&format!("INSERT INTO paypal_certificates VALUES {rows}; PRAGMA wal_checkpoint(TRUNCATE)"));
    let root: i64 = options
        .database()
        .one("SELECT rootpage FROM sqlite_schema WHERE name = 'paypal_certificates'");
    let mut bytes = std::fs::read(options.db()).expect("a file");
    let page = usize::try_from(root - 1).expect("a page") * 8192;
    bytes[page + 8..page + 64].fill(0x5a);
    std::fs::write(options.db(), bytes).expect("damaged");
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "database", "fail", "", "go back to a copy");

    std::fs::write(options.db(), "this is a text file, and a rather long one").expect("a file");
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "database", "fail", "is not a database", "name another file");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(options.db(), mode(0o000)).expect("its mode");
    match rustix::process::geteuid().is_root() {
        true => println!("skipped: root may read every file"),
        false => {
            let (findings, _) = examine(&options, &[]);
            assert_found(&findings, "database", "fail", "can't be reached", "ask again as root");
        }
    }
    std::fs::remove_file(options.db()).expect("a file");

    sql("CREATE TABLE theirs (id INTEGER)");
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "database", "fail", "not one of payhookd", "name another file");
    let at = |db: &Path| options.clone().variable("PAYHOOKD_DB", db.display());
    let (findings, _) = examine(&at(options.folder()), &[]);
    assert_found(&findings, "database", "fail", "is a folder", "name the file in it");
    let nowhere = at(&options.folder().join("no/such/payhookd.db"));
    let (findings, _) = examine(&nowhere, &[]);
    assert_found(&findings, "database", "fail", "there is no folder for", "make it, for the user");
    let refused = nowhere.start_refused();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("there is no folder for the database"), "{said}");
}

#[test]
fn a_disk_that_can_only_be_read_is_told() {
    let options = Options::stripe();
    let folder = options.folder().join("small");
    std::fs::create_dir(&folder).expect("a folder");
    let script = r#"mount -t tmpfs -o size=20m tmpfs "$1" && "$2" --migrate &&
                    mount -o remount,ro "$1" && "$2" doctor --json || exit 3"#;
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([folder.as_os_str(), env!("CARGO_BIN_EXE_payhookd").as_ref()])
        .env("PAYHOOKD_DB", folder.join("payhookd.db"))
        .env("STRIPE_WEBHOOK_SECRET", SECRET)
        .output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let Some(printed) = output.ok().filter(|printed| printed.contains("applied V1__receive"))
    else {
        println!("skipped: no disk can be mounted here");
        return;
    };
    let lines = printed.lines().filter(|line| line.starts_with('{'));
    let findings: Vec<Value> =
        lines.map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_found(&findings, "disk", "fail", "can only be read", "remount,rw");
}

#[test]
fn a_secret_that_can_not_be_read_is_one_mistake() {
    let options = Options::stripe()
        .variable("PAYHOOKD_ALERT_EMAIL", "owner@shop.example")
        .variable("PATH", "/nonexistent")
        .variable("PAYHOOKD_SMTP_URL_FILE", "/nonexistent/smtp");
    let (findings, _) = examine(&options, &[]);
    let mut found = of(&findings, "configuration");
    found.retain(|[verdict, ..]| *verdict == "fail");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0][1].starts_with("PAYHOOKD_SMTP_URL_FILE: /nonexistent/smtp can't be read"));
}

#[test]
fn a_name_that_nobody_knows_is_told_from_a_proxy_that_does_not_run() {
    // No resolver asks others for a label of more than 63 letters.
    let url = format!("https://{}.example", "a".repeat(64));
    let (findings, _) = examine(&Options::stripe(), &["--public-url", &url]);
    assert_found(&findings, "proxy", "fail", "", "set the name's A and AAAA records");
}

#[test]
fn a_clock_that_is_off_shows_in_the_events() {
    // The event is of now, and the daemon's clock an hour slow.
    let now = Clock::SYSTEM.now();
    let hour_ago = now.minus(Duration::from_secs(3_600));
    let options = Options::stripe().clock(hour_ago).variable("PAYHOOKD_STRIPE_TOLERANCE", "off");
    let daemon = options.start();
    let event = StripeSample::new("payment_intent.succeeded", "1").at(&now.to_string()).body();
    assert_eq!(daemon.deliver_stripe(event).status, 200);
    let (findings, code) = examine(&told(&daemon), &[]);
    assert_eq!(code, 1);
    assert_found(&findings, "clock", "fail", "before it happened", "timedatectl");
    drop(daemon);

    let daemon = options.variable("PAYHOOKD_STRIPE_TOLERANCE", "300").start();
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "2")).status, 400);
    wait_until("it is noted", || daemon.database().count("rejected_requests") > 0);
    let (findings, _) = examine(&told(&daemon), &[]);
    // It came an hour ago by the daemon's clock, and so within the last day.
    assert_found(&findings, "clock", "fail", "timestamp_too_new", "timedatectl");
}

#[test]
fn the_providers_clocks_are_asked_only_when_it_is_said() {
    let fake = Fake::start(|_| {
        let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH);
        Reply::Answer(401, Some(("date", date)), "{}".to_owned())
    });
    let base = format!("http://{}/v1", fake.address);
    let options = Options::stripe().variable("PAYHOOKD_STRIPE_API_BASE", &base);
    let options = options.variable("PAYHOOKD_PAYPAL_API_BASE", "http://127.0.0.1:1");
    examine(&options, &[]);
    assert!(fake.asked().is_empty());
    let (findings, _) = examine(&options, &["--online"]);
    assert_found(&findings, "clock", "fail", &format!("the clock of {base}"), "timedatectl");
    assert_found(&findings, "clock", "warn", "can't be asked", "curl");
    for asked in fake.asked() {
        assert_eq!((&*asked.method, &*asked.path), ("GET", "/v1/"));
        assert_eq!(asked.header("authorization"), None, "{asked:?}");
    }
}

#[test]
fn whoever_answers_in_place_of_the_daemon_is_told_apart() {
    let ours = r#"{"error":"not found"}"#;
    let location = Some(("location", "https://www.shop.example/".to_owned()));
    for (reply, what, remedy) in [
        (Reply::Answer(404, None, ours.into()), "at another path", "handle_path"),
        (Reply::Answer(404, None, "<h1>".into()), "not forwarded", "forward /accounts/webhooks/"),
        (Reply::Answer(405, None, "<h1>".into()), "takes no POST", "forward /accounts/webhooks/"),
        (Reply::Answer(301, location, String::new()), "https://www.shop.example/", "redirect"),
        (Reply::Answer(413, None, String::new()), "bodies as large", "client_max_body_size"),
        (
            Reply::Answer(413, None, r#"{"error":"the body is too large"}"#.into()),
            "ordinary size",
            "PAYHOOKD_MAX_BODY",
        ),
        (Reply::Answer(403, None, String::new()), "a firewall", "out of it"),
        (Reply::Answer(502, None, String::new()), "does not reach payhookd", "systemctl status"),
        (
            Reply::Answer(503, None, r#"{"error":"stripe is not configured"}"#.into()),
            "not configured there",
            "restart",
        ),
        (
            Reply::Answer(503, None, r#"{"error":"the event can't be kept now"}"#.into()),
            "can't be kept",
            "journalctl",
        ),
        (Reply::ok("welcome"), "their events are lost", "forward /accounts/webhooks/"),
        (
            Reply::Answer(400, None, "plain HTTP to an HTTPS port".into()),
            "answers 400",
            "error log",
        ),
        (Reply::Close, "no answer", "whether the proxy runs"),
    ] {
        let shown = format!("{reply:?}");
        let fake = Fake::start(move |_| reply.clone());
        let url = format!("http://{}", fake.address);
        let options = Options::stripe();
        let (findings, code) = examine(&options, &["--public-url", &url]);
        assert_eq!(code, 1);
        assert_eq!(of(&findings, "proxy").len(), 1, "{shown}: {findings:#?}");
        assert_found(&findings, "proxy", "fail", what, remedy);
        let asked = &fake.asked()[0];
        assert_eq!((&*asked.method, &*asked.path), ("POST", "/accounts/webhooks/stripe/"));
        assert_eq!(asked.body.len(), 256 * 1024);
        assert_eq!(asked.header("stripe-signature"), None);
    }
    let (findings, _) = examine(&Options::stripe(), &["--public-url", "http://127.0.0.1:1"]);
    assert_found(&findings, "proxy", "fail", "refused", "firewall");
    let without_tls = Options::stripe().start();
    let url = format!("https://{}", without_tls.public);
    let (findings, _) = examine(&Options::stripe(), &["--public-url", &url]);
    assert_found(&findings, "proxy", "fail", "TLS", "certificate");
    let (findings, _) = examine(&Options::stripe(), &["--public-url", "shop.example"]);
    assert_found(&findings, "proxy", "fail", "no URL", "https://shop.example");
}

#[test]
fn an_admin_listener_that_is_seen_from_outside_is_wrong() {
    let daemon = Options::stripe().start();
    let url = format!("http://{}", daemon.admin);
    let (findings, code) = examine(&told(&daemon), &["--public-url", &url]);
    assert_eq!(code, 1);
    assert_found(&findings, "proxy", "fail", "which is for this machine alone", "public listener");
}

#[test]
fn open_issues_are_findings_and_dismissed_ones_are_not() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let (findings, _) = examine(&options, &[]);
    assert_found(&findings, "issues", "ok", "none is open", "");
    let now = Clock::SYSTEM.now();
    let insert = |kind: &str, severity: &str, dismissed: &str| {
        let sql = format!(
            "INSERT INTO issues (kind, subject, severity, title, detail, remedy, opened_at,
                 last_seen_at, count, news, dismissed_at)
             VALUES ('{kind}', '1', '{severity}', 'a {kind}', '', 'mend it', '{now}', '{now}', 1, 1,
                 {dismissed})"
        );
        Connection::open(options.db()).and_then(|it| it.execute_batch(&sql)).expect("SQL");
    };
    insert("orphan", "warning", "NULL");
    insert("dead_letter", "critical", "NULL");
    insert("dispute", "critical", "'2026-11-25T00:00:00.000Z'");
    let (findings, _) = examine(&options, &[]);
    let found = of(&findings, "issues");
    let verdicts: Vec<_> = found.iter().map(|[verdict, _, remedy]| (*verdict, *remedy)).collect();
    assert_eq!(verdicts, [("fail", "mend it"), ("warn", "mend it")], "{findings:#?}");
    assert!(found[0][1].starts_with("a dead_letter, for "), "{findings:#?}");
}

#[test]
fn whoever_is_not_told_is_named_with_the_reason() {
    let gone = Fake::start(|_| Reply::Answer(410, None, String::new()));
    let options = Options::stripe()
        .variable("PAYHOOKD_ALERT_URL", format!("json+http://{}/T0/hidden", gone.address))
        .arg("--orphan-grace=0");
    let reporting = options.clone().variable("PAYHOOKD_DAILY_REPORT", "08:00");
    let dead = |table: &str| format!("SELECT count(*) FROM {table} WHERE status = 'dead'");
    let daemon = reporting.start();
    wait_until("the report is given up", || {
        daemon.database().one::<i64>(&dead("daily_reports")) == 1
    });
    let (findings, code) = examine(&told(&daemon), &[]);
    assert_eq!(code, 1);
    assert_found(&findings, "alerts", "fail", "was not sent the last daily report", "alerts test");
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    wait_until("the alert is given up", || daemon.database().one::<i64>(&dead("alerts")) == 1);
    let (findings, _) = examine(&told(&daemon), &[]);
    let what = "was not notified of an open issue: the target answered 410";
    assert_found(&findings, "alerts", "fail", what, "alerts test");
    assert!(!format!("{findings:?}").contains("hidden"), "{findings:?}");
}
