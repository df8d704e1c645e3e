//! What the daemon refuses to start with, and what it warns of.

use std::os::unix::fs::PermissionsExt;

use crate::support::daemon::Options;
use crate::support::provider::{SECRET, stripe_event};

/// What was said on the way to exit code 1.
fn refused(options: &Options) -> String {
    let output = options.start_refused();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!options.db().exists(), "a database was made before the settings were checked");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn all_mistakes_are_told_at_once_and_each_names_its_variable() {
    let options = Options::new()
        .variable("STRIPE_WEBHOOK_SECRET", "sk_live_key")
        .variable("STRIPE_SECRET_KEY", "whsec_wrong_place")
        .variable("STRIPE_PUBLISHABLE_KEY", "pk_live_4eC39HqLyjWDarjtT1zdp7dc")
        .variable("PAYPAL_ENVIRONMENT", "production")
        .variable("PAYPAL_WEBHOOK_ID", "WH-2W7266712B616591M,8PT597110X687430A,has space,a-b")
        .variable("PAYPAL_CLIENT_SECRET_FILE", "nowhere")
        .arg("--paypal-verify=postback")
        .arg("--mode=test");
    let said = refused(&options);
    for (variable, about) in [
        ("STRIPE_WEBHOOK_SECRET: ", "an API key"),
        ("STRIPE_SECRET_KEY: ", "sk_live_"),
        ("PAYHOOKD_MODE is test", "STRIPE_PUBLISHABLE_KEY says live"),
        ("PAYPAL_ENVIRONMENT: ", "neither live nor sandbox"),
        ("PAYPAL_WEBHOOK_ID: ", "white space"),
        ("PAYPAL_WEBHOOK_ID: ", "the id of an event"),
        ("PAYPAL_WEBHOOK_ID: ", "letters and digits"),
        ("PAYPAL_CLIENT_SECRET_FILE: ", "can't be read"),
        ("--paypal-verify=postback", "PAYPAL_CLIENT_ID"),
    ] {
        let line = said.lines().any(|line| line.contains(variable) && line.contains(about));
        assert!(line, "{variable}{about} in\n{said}");
    }
    for secret in ["sk_live_key", "whsec_wrong_place", "pk_live_4eC39HqLyjWDarjtT1zdp7dc"] {
        assert!(!said.contains(secret), "{secret} in\n{said}");
    }
}

#[test]
fn a_daemon_for_neither_provider_does_not_start() {
    let said = refused(&Options::new());
    assert!(said.contains("STRIPE_WEBHOOK_SECRET") && said.contains("PAYPAL_WEBHOOK_ID"), "{said}");
    let empty =
        Options::new().variable("STRIPE_WEBHOOK_SECRET", "").variable("PAYPAL_WEBHOOK_ID", "");
    assert!(refused(&empty).contains("neither provider is configured"));
}

#[test]
fn keys_of_test_and_real_money_are_not_mixed() {
    let keys = |publishable: &str, secret: &str, paypal: &str| {
        Options::stripe()
            .variable("STRIPE_PUBLISHABLE_KEY", publishable)
            .variable("STRIPE_SECRET_KEY", secret)
            .variable("PAYPAL_ENVIRONMENT", paypal)
    };
    for (options, one, other) in [
        (
            keys("pk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", ""),
            "STRIPE_PUBLISHABLE_KEY",
            "STRIPE_SECRET_KEY",
        ),
        (
            keys("pk_test_4eC39HqLyjWDarjtT1zdp7dc", "rk_live_4eC39HqLyjWDarjtT1zdp7dc", ""),
            "STRIPE_PUBLISHABLE_KEY",
            "STRIPE_SECRET_KEY",
        ),
        (
            keys("pk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sandbox"),
            "STRIPE_PUBLISHABLE_KEY",
            "PAYPAL_ENVIRONMENT",
        ),
        (
            keys("", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "live"),
            "STRIPE_SECRET_KEY",
            "PAYPAL_ENVIRONMENT",
        ),
        (
            keys("", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "").arg("--mode=live"),
            "STRIPE_SECRET_KEY",
            "PAYHOOKD_MODE",
        ),
        (
            keys("", "", "live").variable("PAYHOOKD_MODE", "test"),
            "PAYPAL_ENVIRONMENT",
            "PAYHOOKD_MODE",
        ),
    ] {
        let said = refused(&options);
        assert!(said.contains(one) && said.contains(other), "{said}");
        assert!(said.contains("can't be mixed"), "{said}");
    }
}

#[test]
fn the_mode_follows_the_keys() {
    for (name, value, mode) in [
        ("STRIPE_SECRET_KEY", "", "mode=live"),
        ("STRIPE_SECRET_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "mode=test"),
        ("STRIPE_SECRET_KEY", "rk_live_4eC39HqLyjWDarjtT1zdp7dc", "mode=live"),
        ("PAYPAL_ENVIRONMENT", "sandbox", "mode=test"),
        ("PAYHOOKD_MODE", "test", "mode=test"),
    ] {
        let daemon = Options::stripe().variable(name, value).start();
        assert!(daemon.log().contains(mode), "{name}={value}: {}", daemon.log());
    }
}

#[test]
fn a_secret_may_stand_in_a_file_or_be_a_credential_of_systemd() {
    let options = Options::new();
    let file = options.file("secret", format!("{SECRET}\n"));
    let by_variable = options.clone().variable("STRIPE_WEBHOOK_SECRET_FILE", file.display());
    let body = stripe_event("payment_intent.succeeded", "1");
    assert_eq!(by_variable.start().deliver_stripe(&body).status, 200);

    let options = Options::new();
    options.file("STRIPE_WEBHOOK_SECRET", SECRET);
    let credential = options.clone().variable("CREDENTIALS_DIRECTORY", options.folder().display());
    assert_eq!(credential.start().deliver_stripe(&body).status, 200);
}

#[test]
fn a_secret_that_is_set_twice_empty_or_unreadable_is_a_mistake() {
    let options = Options::new();
    let file = options.file("secret", SECRET);
    let both = options
        .variable("STRIPE_WEBHOOK_SECRET", SECRET)
        .variable("STRIPE_WEBHOOK_SECRET_FILE", file.display());
    let said = refused(&both);
    assert!(said.contains("STRIPE_WEBHOOK_SECRET and STRIPE_WEBHOOK_SECRET_FILE"), "{said}");

    let options = Options::new();
    options.file("STRIPE_WEBHOOK_SECRET", SECRET);
    let folder = options.folder().display().to_string();
    let both =
        options.variable("STRIPE_WEBHOOK_SECRET", SECRET).variable("CREDENTIALS_DIRECTORY", folder);
    assert!(refused(&both).contains("are both set"));

    for content in [&b"\n"[..], b"", b"whsec_\xff\n"] {
        let options = Options::new();
        let file = options.file("secret", content);
        let said = refused(&options.variable("STRIPE_WEBHOOK_SECRET_FILE", file.display()));
        assert!(said.contains(&*file.to_string_lossy()), "{said}");
    }
    let said = refused(&Options::new().variable("STRIPE_WEBHOOK_SECRET_FILE", "nowhere"));
    assert!(said.contains("STRIPE_WEBHOOK_SECRET_FILE: nowhere can't be read"), "{said}");
    for secret in ["whsec_a,", ",whsec_a", "whsec_a, whsec_b", "whsec_a ", "whsec_a\n"] {
        let said = refused(&Options::new().variable("STRIPE_WEBHOOK_SECRET", secret));
        assert!(said.contains("STRIPE_WEBHOOK_SECRET: white space or an empty item"), "{said}");
    }
}

/// Settings as they stand in instructions, and half a secret: whoever guesses it would be believed.
#[test]
fn a_placeholder_or_part_of_a_secret_does_not_start() {
    let paypal = |name: &str, value: &str| {
        let whole =
            "AZDxjDScFpQtjWTOUtWKbyN_bDt4OgqaF4eYXlewfBP4-8aqX3PiV8e1GWU6liB2CUXlkA59kJXE7M6R";
        let options = Options::stripe()
            .variable("PAYPAL_CLIENT_ID", whole)
            .variable("PAYPAL_CLIENT_SECRET", whole);
        options.variable(name, value)
    };
    for (options, name, about) in [
        ("whsec_…", "a placeholder"),
        ("whsec_...", "a placeholder"),
        ("whsec_", "a placeholder"),
        ("x", "a placeholder"),
        ("your_secret_here", "a placeholder"),
        ("whsec_your_secret_goes_right_in_here", "a placeholder"),
        ("whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "a placeholder"),
        ("${STRIPE_WEBHOOK_SECRET}", "a placeholder"),
        ("whsec_4eC39HqLy", "so short that it can be guessed"),
        ("passwd-12", "so short that it can be guessed"),
    ]
    .map(|(secret, about)| {
        let name = "STRIPE_WEBHOOK_SECRET";
        (Options::new().variable(name, secret), name, about)
    })
    .into_iter()
    .chain([
        (paypal("PAYPAL_CLIENT_SECRET", "…"), "PAYPAL_CLIENT_SECRET", "a placeholder"),
        (paypal("PAYPAL_WEBHOOK_ID", "XXXXXXXXXXXXXXXXX"), "PAYPAL_WEBHOOK_ID", "a placeholder"),
        (paypal("STRIPE_SECRET_KEY", "sk_live_…"), "STRIPE_SECRET_KEY", "a placeholder"),
        (paypal("PAYHOOKD_NOTIFY_SECRET", "whsec_…"), "PAYHOOKD_NOTIFY_SECRET", "a placeholder"),
    ]) {
        let said = refused(&options);
        let line = said.lines().find(|line| line.contains(&format!("{name}: {about}")));
        assert!(line.is_some_and(|line| line.contains("copy") || line.contains("make")), "{said}");
        assert!(!said.contains("4eC39HqLy") && !said.contains("passwd"), "{said}");
    }

    let second = Options::new().variable("STRIPE_WEBHOOK_SECRET", format!("{SECRET},whsec_…"));
    let said = refused(&second);
    assert!(said.contains("STRIPE_WEBHOOK_SECRET (item 2): a placeholder"), "{said}");

    // Wherever it stands, that is what is named.
    let options = Options::new();
    let file = options.file("secret", "whsec_…\n");
    let said = refused(&options.variable("STRIPE_WEBHOOK_SECRET_FILE", file.display()));
    let named = format!("STRIPE_WEBHOOK_SECRET_FILE ({}): a placeholder", file.display());
    assert!(said.contains(&named), "{said}");
    let options = Options::new();
    options.file("STRIPE_WEBHOOK_SECRET", "whsec_short");
    let folder = options.folder().display().to_string();
    let said = refused(&options.variable("CREDENTIALS_DIRECTORY", folder));
    assert!(said.contains("the credential STRIPE_WEBHOOK_SECRET: so short"), "{said}");
}

#[test]
fn the_simulators_webhook_id_needs_an_explicit_test_mode() {
    let options = Options::new().variable("PAYPAL_WEBHOOK_ID", "WEBHOOK_ID");
    let implied = options.clone().variable("PAYPAL_ENVIRONMENT", "sandbox");
    for options in [&options, &options.clone().arg("--mode=live"), &implied] {
        let said = refused(options);
        assert!(
            said.contains("PAYPAL_WEBHOOK_ID: WEBHOOK_ID is the id of PayPal's public simulator"),
            "{said}"
        );
    }
    let daemon = options.arg("--mode=test").start();
    daemon.wait_for_line("anybody can sign for it");
}

#[test]
fn what_is_meant_for_tests_or_misspelt_is_warned_of() {
    let options = Options::stripe();
    let daemon = options
        .variable("STRIPE_WEBHOOK_SECRET", format!("{SECRET},another_of_the_integration_tests"))
        .variable("PAYHOOKD_MAX_BODI", "1")
        .variable("PAYHOOKD_PAYPAL_CERT_HOST", "127.0.0.1:1")
        .arg("--stripe-api-base=http://127.0.0.1:1")
        .arg("--paypal-api-base=http://127.0.0.1:1")
        .arg("--stripe-tolerance=off")
        .clock("2024-11-23T11:52:03Z")
        .start();
    let log = daemon.terminate().log;
    for what in [
        "STRIPE_WEBHOOK_SECRET: secret 2 does not begin with whsec_",
        "PAYHOOKD_MAX_BODI is set, but payhookd has no such setting",
        "--paypal-cert-host is set",
        "--stripe-api-base is set",
        "--paypal-api-base is set",
        "--stripe-tolerance off",
        "--unsafe-test-clock",
    ] {
        let warned = log.lines().any(|line| line.contains("level=warn") && line.contains(what));
        assert!(warned, "{what} in\n{log}");
    }
    let quiet = Options::stripe().start().terminate().log;
    assert!(!quiet.contains("level=warn"), "{quiet}");
}

#[test]
fn a_setting_that_can_not_be_read_is_a_mistake_of_usage() {
    for args in [
        &["--mode=real"][..],
        &["--listen=here"],
        &["--max-body=0"],
        &["--max-body=1000000000000"],
        &["--max-connections=1"],
        &["--stripe-tolerance=-1"],
        &["--stripe-tolerance=0"],
        &["--paypal-verify=never"],
        &["--paypal-cert-host=http://example.com"],
        &["--unsafe-test-clock=noon"],
        &["--no-such-flag"],
        &["no-such-command"],
        &["transactions"],
        &["transactions", "add"],
        &["--migrate", "transactions", "list"],
    ] {
        let output = Options::stripe().run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
    let output = Options::stripe().variable("PAYHOOKD_MODE", "real").run(&[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    for args in [&["--help"][..], &["--version"], &["transactions", "add", "--help"]] {
        let output = Options::new().run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{args:?}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("unsafe"), "{args:?}");
    }
}

#[test]
fn an_address_that_is_taken_is_named_with_its_flag() {
    let running = Options::stripe().start();
    let taken = running.public.to_string();
    for (flag, other) in [("--listen", "--admin-listen"), ("--admin-listen", "--listen")] {
        let args = [flag, &taken, other, "127.0.0.1:0"];
        let output = Options::stripe().run(&args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(said.contains(&taken) && said.contains(&format!("with {flag}")), "{said}");
    }
}

#[test]
fn the_database_is_for_its_owner_alone() {
    let daemon = Options::stripe().start();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", daemon.options().db().display());
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// A file's bytes, to see whether anything touched it.
fn bytes(options: &Options) -> Vec<u8> {
    std::fs::read(options.db()).expect("a file")
}

/// Every way to use the database is refused, says this, and leaves the file as it is.
fn assert_left_alone(options: &Options, said: &[&str]) {
    let before = bytes(options);
    let add = ["transactions", "add", "--provider", "stripe", "--reference", "pi_1"];
    for args in [&[][..], &["--migrate"], &["transactions", "list"], &["events", "list"], &add] {
        let mut all = vec!["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        all.extend(args);
        let output = options.run(if args.len() > 1 { args } else { &all });
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        let text = String::from_utf8(output.stderr).expect("text");
        for said in said {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(text.contains(&*options.db().to_string_lossy()), "{text}");
        assert!(bytes(options) == before, "{args:?} touched it");
    }
    // A reader can't remove the empty log and the index that SQLite gave it.
    for entry in std::fs::read_dir(options.folder()).expect("a folder") {
        let entry = entry.expect("an entry");
        let length = entry.metadata().expect("a file").len();
        match entry.path().extension().and_then(|extension| extension.to_str()) {
            Some("db" | "db-shm") => {}
            Some("db-wal") => assert_eq!(length, 0, "the log holds something"),
            _ => panic!("{entry:?} was left behind"),
        }
    }
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let options = Options::stripe();
    let connection = rusqlite::Connection::open(options.db()).expect("a database");
    connection.execute_batch("CREATE TABLE django_migrations (id INTEGER)").expect("SQL");
    drop(connection);
    assert_left_alone(&options, &["not one of payhookd", "--db"]);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let options = Options::stripe();
    options.file("payhookd.db", "Dear diary, ".repeat(1_000));
    assert_left_alone(&options, &["not a database"]);
}

#[test]
fn a_database_of_a_newer_payhookd_is_left_alone() {
    let options = Options::stripe();
    options.done(&["--migrate"]);
    let connection = rusqlite::Connection::open(options.db()).expect("a database");
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')";
    connection.execute_batch(newer).expect("SQL");
    drop(connection);
    assert_left_alone(&options, &["schema version 999", "newer payhookd"]);
}

#[test]
fn migrating_says_what_it_did() {
    let options = Options::new();
    let said = options.done(&["--migrate"]);
    assert!(said.starts_with("applied V1__receive"), "{said}");
    let said = options.done(&["--migrate"]);
    assert_eq!(said, format!("{} is up to date\n", options.db().display()));
    let beside = std::fs::read_dir(options.folder()).expect("a folder").count();
    assert_eq!(beside, 1, "a copy of what was up to date");
    let stripe = options.variable("STRIPE_WEBHOOK_SECRET", SECRET);
    let body = stripe_event("payment_intent.succeeded", "1");
    assert_eq!(stripe.start().deliver_stripe(body).status, 200);
}

#[test]
fn the_database_stands_where_it_is_told_to() {
    let options = Options::stripe();
    let listen = |options: &Options| options.clone().start().terminate();
    let named = options.folder().join("named.db");
    listen(&options.clone().arg("--db").arg(named.display()));
    assert!(named.exists() && !options.db().exists());

    let state = options.folder().join("state");
    std::fs::create_dir(&state).expect("a folder");
    listen(&options.clone().without("PAYHOOKD_DB").variable("STATE_DIRECTORY", state.display()));
    assert!(state.join("payhookd.db").exists());

    // Else in the folder that it is started in.
    listen(&options.clone().without("PAYHOOKD_DB"));
    assert!(options.db().exists());
}

const NOTIFY_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn an_app_that_can_not_be_told_is_refused() {
    let url = "--notify-url=http://127.0.0.1:9/";
    let other = |secret: &str| format!("{NOTIFY_SECRET},{secret}");
    for (arg, secret, about) in [
        (url, "", "needs a secret to sign with: set PAYHOOKD_NOTIFY_SECRET"),
        (url, &*other("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"), "does not begin with whsec_"),
        (url, &*other("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL*"), "is not base64"),
        (url, "whsec_c2hvcnQ=", "shorter than 24 bytes"),
        (url, &*other(" whsec_c2hvcnQ="), "white space"),
        ("--notify-url=127.0.0.1:8000", NOTIFY_SECRET, "not an http or https URL"),
        ("--notify-url=ftp://shop.example/", NOTIFY_SECRET, "not an http or https URL"),
        ("--notify-url=/changes", NOTIFY_SECRET, "not an http or https URL"),
        ("--notify-url=https://me:pw@shop.example/", NOTIFY_SECRET, "a name or password in it"),
        ("--notify-command=bin/sh", "", "is not the absolute path of a file"),
        ("--notify-command=/nowhere/told", "", "is not the absolute path of a file"),
        ("--notify-command=/", "", "is not the absolute path of a file"),
    ] {
        let options = Options::stripe().arg(arg).variable("PAYHOOKD_NOTIFY_SECRET", secret);
        let said = refused(&options);
        assert!(said.contains(about), "{arg} {secret}: {said}");
        assert!(!said.contains("LaLaSw") && !said.contains("pw@"), "{said}");
    }
    let both = Options::stripe()
        .arg(url)
        .variable("PAYHOOKD_NOTIFY_SECRET", NOTIFY_SECRET)
        .variable("PAYHOOKD_NOTIFY_COMMAND", "/bin/sh");
    assert!(refused(&both).contains("--notify-url and --notify-command are both set"));
}

#[test]
fn an_app_is_told_safely_or_with_a_warning() {
    let plain = "is plain http to another host";
    for (url, warns) in [
        ("http://127.0.0.1:9/told", false),
        ("http://[::1]:9/told?shop=1", false),
        ("http://localhost:9", false),
        ("https://shop.example/told", false),
        ("http://10.0.0.5/told", true),
        ("http://127.0.0.1.shop.example/told", true),
    ] {
        let options = Options::stripe().variable("PAYHOOKD_NOTIFY_URL", url);
        let file = options.file("told", format!("{NOTIFY_SECRET}\n"));
        let daemon = options.variable("PAYHOOKD_NOTIFY_SECRET_FILE", file.display()).start();
        assert_eq!(daemon.log().contains(plain), warns, "{url}: {}", daemon.log());
        assert!(daemon.log().contains(" notify=url "), "{}", daemon.log());
        assert_eq!(daemon.log().contains("level=warn"), warns, "{url}: {}", daemon.log());
    }
    let credentials = Options::stripe();
    let file = credentials.file("PAYHOOKD_NOTIFY_SECRET", NOTIFY_SECRET);
    let directory = file.parent().expect("a folder").display();
    let by_credential = credentials.clone().variable("CREDENTIALS_DIRECTORY", directory);
    by_credential.arg("--notify-url=http://127.0.0.1:9/").start();
    let test =
        credentials.arg("--unsafe-test-backoff=5").arg("--unsafe-test-notify-limit=5").start();
    for flag in ["--unsafe-test-backoff: ", "--unsafe-test-notify-limit: "] {
        assert!(test.log().contains(flag), "{}", test.log());
    }
    assert!(test.log().contains(" notify=off "), "{}", test.log());
}

#[test]
fn a_time_zone_is_one_that_this_machine_knows() {
    let daemon = Options::stripe().variable("PAYHOOKD_TIME_ZONE", "America/New_York").start();
    daemon.wait_for_line("time_zone=America/New_York");
    let refused = Options::stripe().arg("--time-zone=Europe/Atlantis").start_refused();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("knows no such time zone"), "{said}");
}
