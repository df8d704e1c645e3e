//! People are told of issues where they look: once, in few messages, and of nothing that a crash came
//! in between.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::{Asked, Fake, Reply};
use crate::support::provider::{SECRET, StripeSample};
use crate::support::shop::register;
use crate::support::smtp::MailServer;
use crate::telling::lookout::{openings, wait_until_told};
use crate::telling::program::assert_has_no_setting;
use payhookd::domain::time::Timestamp;
use payhookd::telemetry::clock::Clock;

/// A target that takes everything.
fn target() -> Fake {
    Fake::start(|_| Reply::ok("ok"))
}

/// A daemon for Stripe that tells these of an orphan at once.
fn options(urls: &[String]) -> Options {
    Options::stripe()
        .variable("PAYHOOKD_ALERT_URL", urls.join(","))
        .variable("PAYHOOKD_TIME_ZONE", "Europe/Paris")
        .arg("--orphan-grace=0")
}

fn url(form: &str, fake: &Fake) -> String {
    format!("{form}+http://{}/T0/secret", fake.address)
}

fn pay(daemon: &Daemon, name: &str) {
    let paid = StripeSample::new("payment_intent.succeeded", name);
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
}

/// The texts of what a target that takes JSON was told.
fn texts(target: &Fake) -> Vec<String> {
    let text = |asked: &Asked| {
        let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
        body["text"].as_str().expect("a text").to_owned()
    };
    target.asked().iter().map(text).collect()
}

fn all_are_done(options: &Options) -> bool {
    options.database().one::<i64>("SELECT count(*) FROM alerts WHERE status = 'pending'") == 0
}

/// Long after all that a message waits for, and so soon that nobody doubts the clock.
fn days_later() -> Timestamp {
    Clock::SYSTEM.now().plus(Duration::from_secs(3 * 86_400))
}

/// Waits until nothing is owed any more.
fn settle(options: &Options) {
    let database = options.database();
    wait_until("something is owed", || database.count("alerts") > 0);
    wait_until("all is told", || all_are_done(options));
}

#[test]
fn each_form_is_told_once_in_its_own_words() {
    let forms = ["slack", "discord", "ntfy", "json"];
    let targets: Vec<Fake> = forms.iter().map(|_| target()).collect();
    let urls: Vec<String> = forms.iter().zip(&targets).map(|(form, one)| url(form, one)).collect();
    let options = options(&urls).variable("PAYHOOKD_DASHBOARD_URL", "https://pay.shop.example/");
    let daemon = options.start();
    let hostile = "<!channel> @everyone\u{2028}to: evil *b*";
    let paid = StripeSample::new("payment_intent.succeeded", "1").order(hostile);
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    settle(&options);
    // What is known is not told again, nor after another start.
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    let log = daemon.terminate().log;
    let daemon = options.start();
    pay(&daemon, "2");
    wait_until("each is told of it", || targets.iter().all(|fake| fake.asked().len() > 1));
    settle(&options);
    for fake in &targets {
        let asked = fake.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked.iter().all(|asked| asked.method == "POST" && asked.path == "/T0/secret"));
    }
    let first: Vec<Asked> = targets.iter().map(|fake| fake.asked().remove(0)).collect();
    let body =
        |place: usize| -> Value { serde_json::from_slice(&first[place].body).expect("JSON") };

    let (slack, discord, told) = (body(0), body(1), body(3));
    let text = &slack["blocks"][0]["text"];
    assert_eq!(text["type"], "plain_text");
    let words = text["text"].as_str().expect("text");
    assert!(
        words.starts_with("🟠 Payment without a transaction: 49.99 EUR, order <!ch"),
        "{words}"
    );
    assert!(
        words.contains("How to fix: register its transaction") && words.contains("(Europe/Paris)")
    );
    assert!(slack["text"].as_str().is_some_and(|text| text.contains("&lt;!channel&gt;")));
    assert_eq!(discord["allowed_mentions"], json!({ "parse": [] }));
    let content = discord["content"].as_str().expect("text");
    assert!(content.contains(r"\<\!channel\> \@everyone") && !content.contains("@everyone *b*"));
    assert_eq!(first[2].header("title"), Some("payhookd"));
    assert_eq!(first[2].header("priority"), Some("4"));
    assert_eq!(first[2].text().lines().count(), 6, "{}", first[2].text());
    // One click leads to it, here and at the provider.
    let (here, at_stripe) =
        ("https://pay.shop.example/orphans/1", "https://dashboard.stripe.com/payments/pi_1");
    let buttons = &slack["blocks"][1]["elements"];
    assert_eq!((&buttons[0]["url"], &buttons[1]["url"]), (&json!(here), &json!(at_stripe)));
    assert_eq!(discord["components"][0]["components"][0]["url"], here);
    assert!(content.ends_with(&format!("[Open at Stripe](<{at_stripe}>)")), "{content}");
    let actions = format!("view, Open in payhookd, {here}; view, Open at Stripe, {at_stripe}");
    assert_eq!(first[2].header("actions"), Some(&*actions));
    assert_eq!(told["issues"][0]["links"], json!([here, at_stripe]));
    assert_eq!(told["type"], "alert");
    assert_eq!(told["issues"][0]["kind"], "orphan");
    assert_eq!(told["issues"][0]["news"], "opened");
    // Where they are is told nobody.
    for said in [log, daemon.terminate().log] {
        assert!(said.contains("msg=alert target=slack-") && !said.contains("secret"), "{said}");
    }
    let names = options.database().rows("SELECT name FROM alert_targets").join(" ");
    assert!(!names.contains("secret") && !names.contains("127.0"), "{names}");
}

#[test]
fn wrong_and_late_money_and_an_app_that_is_not_told_are_told_once_each() {
    let (told, app) = (target(), Fake::start(|_| Reply::Answer(410, None, "gone".to_owned())));
    let options = options(&[url("json", &told)])
        .variable("PAYHOOKD_NOTIFY_URL", format!("http://{}/", app.address))
        .variable("PAYHOOKD_NOTIFY_SECRET", crate::support::app::SECRET);
    let daemon = options.start();
    register(&options, [("less".to_owned(), 5000), ("late".to_owned(), 4999)]);
    options.done(&["transactions", "close", "pi_late"]);
    let kinds = ["amount_mismatch", "late_money", "dead_letter"];
    pay(&daemon, "less");
    pay(&daemon, "late");
    for kind in kinds {
        wait_until_told(&options, &told, kind);
    }
    // The same again, more of it, and another start.
    pay(&daemon, "less");
    pay(&daemon, "late");
    let failed = StripeSample::new("payment_intent.payment_failed", "less");
    assert_eq!(daemon.deliver_stripe(failed.body()).status, 200);
    drop(daemon);
    let daemon = options.start();
    pay(&daemon, "orphan");
    wait_until_told(&options, &told, "orphan");
    for kind in kinds {
        assert_eq!(openings(&told, kind), 1, "{kind}");
    }
}

#[test]
fn what_opens_together_is_one_message_and_its_end_is_told_an_hour_later() {
    let told = target();
    let options = options(&[url("json", &told)]);
    register(&options, [("1".to_owned(), 5000), ("2".to_owned(), 5000)]);
    let at = |time: &str| {
        let daemon =
            options.clone().clock(format!("2026-11-23T{time}Z")).arg("--stripe-tolerance=off");
        daemon.start()
    };
    told.hold();
    let daemon = at("12:00:00");
    pay(&daemon, "0");
    wait_until("the first is under way", || told.asked().len() == 1);
    pay(&daemon, "1");
    pay(&daemon, "2");
    told.release();
    wait_until("all are told", || all_are_done(&options) && told.asked().len() == 2);
    assert!(texts(&told)[0].contains("Stripe pi_0"), "{:?}", texts(&told));
    let together = &texts(&told)[1];
    assert!(together.contains("Stripe pi_1") && together.contains("Stripe pi_2"), "{together}");

    // It is over, comes again, and is over, within the hour: one message says so, after it.
    let orphan = json!({ "provider": "stripe", "reference": "pi_0" });
    assert_eq!(App::of(&daemon).register(&orphan).status, 201);
    assert_eq!(
        options.database().rows("SELECT next_attempt_at FROM alerts WHERE status = 'pending'"),
        ["2026-11-23T13:00:00.000Z"]
    );
    drop(daemon);
    let daemon = at("12:59:59.999");
    daemon.wait_for_line("msg=started");
    drop(daemon);
    assert_eq!(told.asked().len(), 2);
    let daemon = at("13:00:00");
    wait_until("its end is told", || told.asked().len() == 3);
    let end = texts(&told).remove(2);
    assert!(end.starts_with("✅ Closed: Payment without a transaction"), "{end}");
    assert!(end.contains("It belongs to transaction 4."), "{end}");
    settle(&options);
    drop(daemon);
    assert_eq!(told.asked().len(), 3);
}

#[test]
fn what_repeats_an_issue_is_counted_and_told_with_the_next_message() {
    let told = target();
    let options = options(&[url("json", &told)]);
    let unreadable = |event_id: &str| {
        json!({ "id": event_id, "type": "payment_intent.succeeded", "livemode": true }).to_string()
    };
    let daemon = options.start();
    assert_eq!(daemon.deliver_stripe(unreadable("evt_1")).status, 200);
    settle(&options);
    for event_id in ["evt_2", "evt_3"] {
        assert_eq!(daemon.deliver_stripe(unreadable(event_id)).status, 200);
    }
    drop(daemon);
    let daemon = options.start();
    daemon.wait_for_line("msg=started");
    assert!(all_are_done(&options));
    // A day later it happens again.
    drop(daemon);
    let later = options.clone().clock(days_later()).arg("--stripe-tolerance=off").start();
    assert_eq!(later.deliver_stripe(unreadable("evt_4")).status, 200);
    wait_until("that is told", || told.asked().len() == 2);
    settle(&options);
    let texts = texts(&told);
    assert!(texts[0].contains("Not understood: Stripe event payment_intent.succeeded"));
    assert!(texts[1].starts_with("🟠 Again: ") && texts[1].contains(", 4 times"), "{texts:?}");
}

#[test]
fn what_nobody_was_told_of_needs_no_end_and_what_a_person_knows_no_message() {
    let told = Fake::start(|_| Reply::Answer(503, None, String::new()));
    let options = options(&[url("json", &told)]);
    register(&options, [("2".to_owned(), 5000)]);
    let daemon = options.clone().arg("--unsafe-test-backoff=60000").start();
    pay(&daemon, "1");
    pay(&daemon, "2");
    wait_until("both are tried", || {
        options.database().one::<i64>("SELECT count(*) FROM alerts WHERE attempts > 0") == 2
    });
    let tries = told.asked().len();
    let orphan = json!({ "provider": "stripe", "reference": "pi_1" });
    assert_eq!(App::of(&daemon).register(&orphan).status, 201);
    let mismatch = "SELECT id FROM issues WHERE kind = 'amount_mismatch'";
    let mismatch: i64 = options.database().one(mismatch);
    options.done(&["issues", "dismiss", &mismatch.to_string()]);
    drop(daemon);
    let daemon = options.clone().clock(days_later()).start();
    wait_until("nothing is owed", || all_are_done(&options));
    let dropped = "SELECT count(*) FROM alerts WHERE status = 'dropped'";
    assert_eq!(options.database().one::<i64>(dropped), 2);
    assert_eq!(told.asked().len(), tries);
    drop(daemon);
}

#[test]
fn a_crash_between_commit_and_message_loses_no_alert() {
    let told = target();
    told.hold();
    let options = options(&[url("json", &told)]);
    let daemon = options.start();
    pay(&daemon, "1");
    wait_until("it is under way", || told.asked().len() == 1);
    daemon.kill();
    // And one that was committed and never tried.
    register(&options, [("2".to_owned(), 5000)]);
    told.release();
    let daemon = options.start();
    settle(&options);
    let after = texts(&told);
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(after[1].contains("Stripe pi_1"), "{after:?}");
    drop(daemon);
}

#[test]
fn a_target_that_fails_is_tried_again_and_given_up_and_keeps_no_other_waiting() {
    let broken = Fake::start(|_| Reply::Answer(404, None, "no_team".to_owned()));
    let told = target();
    let options = options(&[url("slack", &broken), url("json", &told)]);
    let daemon = options.clone().arg("--unsafe-test-backoff=10").start();
    pay(&daemon, "1");
    daemon.wait_for_line("outcome=dead");
    settle(&options);
    assert_eq!(broken.asked().len(), 10);
    assert_eq!(told.asked().len(), 1);
    let kept = "SELECT status, attempts, last_error FROM alerts ORDER BY status";
    assert_eq!(options.database().rows(kept), ["dead|10|the target answered 404", "sent|1|-"]);
    // Until a person knows of it.
    let of_target = |dead: &str| {
        let metrics = App::of(&daemon).get("/metrics");
        let lines = metrics.text().lines().filter(|line| line.starts_with("payhookd_alerts"));
        let lines: Vec<_> = lines.filter_map(|line| line.rsplit_once(' ')).collect();
        let of = |form: &str, rest: &str| {
            let is_of = |(series, _): &&(&str, &str)| {
                series.contains(&format!("{{target=\"{form}-")) && series.ends_with(rest)
            };
            lines.iter().find(is_of).expect("a series").1.to_owned()
        };
        for form in ["slack", "json"] {
            assert_eq!(of(form, "status=\"pending\"}"), "0", "{lines:?}");
        }
        assert_eq!(of("slack", "status=\"dead\"}"), dead, "{lines:?}");
        assert_eq!(of("json", "status=\"dead\"}"), "0", "{lines:?}");
        assert_eq!(lines.len(), 6, "{lines:?}");
    };
    of_target("1");
    options.done(&["issues", "dismiss", "1"]);
    of_target("0");
}

#[test]
fn a_new_target_is_told_of_what_is_open_and_one_that_is_gone_of_nothing() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = options.start();
    pay(&daemon, "1");
    daemon.wait_for_line("msg=issue ");
    drop(daemon);
    // No rows without targets.
    assert_eq!(options.database().count("alerts"), 0);
    let (told, held) = (target(), target());
    held.hold();
    let both = options
        .clone()
        .variable("PAYHOOKD_ALERT_URL", format!("{},{}", url("json", &told), url("json", &held)));
    let daemon = both.start();
    wait_until("it is told", || texts(&told).len() == 1);
    assert!(texts(&told)[0].contains("Stripe pi_1"));
    // What was told and not kept would be told again.
    let kept = "SELECT count(*) FROM alerts WHERE status = 'sent'";
    wait_until("that is kept", || options.database().one::<i64>(kept) == 1);
    drop(daemon);
    let daemon = options.variable("PAYHOOKD_ALERT_URL", url("json", &told)).start();
    let status = "SELECT name LIKE 'json-%', active, status FROM alerts
                  JOIN alert_targets ON alert_targets.id = target_id ORDER BY status";
    assert_eq!(daemon.database().rows(status), ["1|0|dropped", "1|1|sent"]);
}

#[test]
fn a_test_message_goes_to_each_target_and_says_what_came_of_it() {
    let (told, broken) = (target(), Fake::start(|_| Reply::Answer(403, None, String::new())));
    let test = |urls: String| -> Output {
        Options::new().variable("PAYHOOKD_ALERT_URL", urls).run(&["alerts", "test"])
    };
    let output = test(url("json", &told));
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("  sent (200)"), "{output:?}");
    assert_eq!(texts(&told), ["This is what `payhookd alerts test` sends: alerts arrive here."]);
    let output = test(format!("{},{}", url("slack", &broken), url("json", &told)));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("not sent: the target answered 403") && said.contains("sent (200)"));
    assert!(!format!("{output:?}").contains("secret"), "{output:?}");
    for (urls, words) in [
        ("", "no alert target"),
        ("https://hooks.slack.com/x y", "white space"),
        ("hooks.slack.com/services/secret", "not an http or https URL"),
    ] {
        let output = test(urls.to_owned());
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words) && !said.contains("secret"), "{said}");
    }
}

#[test]
fn mail_is_sent_once_and_a_sender_writes_no_header_of_it() {
    let server = MailServer::start("250 ok");
    let options = Options::stripe()
        .variable("PAYHOOKD_ALERT_EMAIL", "owner@shop.example,till@shop.example")
        .variable("PAYHOOKD_SMTP_URL", format!("smtp://{}", server.address))
        .arg("--orphan-grace=0");
    let daemon = options.start();
    let hostile = "A-1\r\nBcc: evil@example.org\r\n\r\nbody";
    let paid = StripeSample::new("payment_intent.succeeded", "1").order(hostile);
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    settle(&options);
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    let log = daemon.terminate().log;
    drop(options.start());
    let letters = server.letters();
    let mut to: Vec<&str> = letters.iter().map(|letter| &*letter.to[0]).collect();
    to.sort_unstable();
    assert_eq!(to, ["<owner@shop.example>", "<till@shop.example>"], "{letters:?}");
    let (headers, _) = letters[0].text.split_once("\n\n").expect("headers and body");
    assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
    for header in ["From: owner@shop.example", "Auto-Submitted: auto-generated", "Subject: "] {
        assert!(headers.lines().any(|line| line.starts_with(header)), "{header} in {headers}");
    }
    assert!(log.contains("target=mail-") && !log.contains("shop.example"), "{log}");
}

#[test]
fn mail_goes_through_a_server_or_sendmail_and_says_what_came_of_it() {
    let refusing = MailServer::start("550 5.1.1 <owner@shop.example> unknown");
    let test = |options: Options| {
        let options = options.variable("PAYHOOKD_ALERT_EMAIL", "owner@shop.example");
        let output = options.run(&["alerts", "test"]);
        let said =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
        (output.status.code(), said.concat())
    };
    let server = format!("smtp://{}", refusing.address);
    let (code, said) = test(Options::new().variable("PAYHOOKD_SMTP_URL", server));
    assert_eq!(code, Some(1));
    assert!(said.contains("not sent: the mail server answered 550"), "{said}");
    assert!(!said.contains("shop.example"), "{said}");

    // The sendmail that is found first.
    let options = Options::new();
    let program =
        options.file("sendmail", "#!/bin/sh\nenv > with; echo \"$@\" > sent; cat >> sent\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, executable).expect("a program");
    let path = format!("{}:/usr/bin:/bin", options.folder().display());
    let sent = options.folder().join("sent");
    let options = options.variable("PATH", path).variable("STRIPE_WEBHOOK_SECRET", SECRET);
    let (code, said) = test(options.clone());
    assert_eq!(code, Some(0), "{said}");
    let sent = std::fs::read_to_string(sent).expect("what was sent");
    assert!(sent.starts_with("-i -f owner@shop.example -- owner@shop.example\n"), "{sent}");
    assert!(sent.contains("Subject: [payhookd] payhookd: a test"), "{sent}");
    let environment = options.folder().join("with");
    let environment = std::fs::read_to_string(environment).expect("its environment");
    assert!(environment.contains("PATH="), "{environment}");
    assert_has_no_setting(&environment);

    for (url, words) in [
        ("smtp://mail.shop.example?tls=none", "not the URL of a mail server"),
        ("https://mail.shop.example", "not the URL of a mail server"),
    ] {
        let (code, said) = test(Options::new().variable("PAYHOOKD_SMTP_URL", url));
        assert_eq!(code, Some(1));
        assert!(said.contains(words), "{said}");
    }
}
