//! Mail goes to the server that it is meant for, over TLS, and neither a letter nor a password to any other.

use crate::support::daemon::{Options, wait_until};
use crate::support::provider::StripeSample;
use crate::support::smtp::{Heard, MailAuthority, MailServer, Rules, Secured};

/// A name and a password full of what means something in a URL, and the same as they stand in one.
const NAME: &str = "shop@shop.example";
const PASSWORD: &str = "p@ss:w/rd#50% ä";
const LOGIN: &str = "shop%40shop.example:p%40ss%3Aw%2Frd%2350%25%20%C3%A4";

/// This machine under an address that is not known as its own: what goes there is secured as if it left.
const ELSEWHERE: &str = "0.0.0.0";

fn rules(secured: Secured, mechanism: &'static str) -> Rules {
    Rules { to_recipients: "250 ok", secured, login: Some((NAME, PASSWORD, mechanism)) }
}

/// Mail goes to somebody through the server at this URL, of which `host` stands for its port.
fn options(scheme: &str, host: &str, server: &MailServer) -> Options {
    Options::stripe()
        .variable("PAYHOOKD_ALERT_EMAIL", "owner@shop.example")
        .variable(
            "PAYHOOKD_SMTP_URL",
            format!("{scheme}://{LOGIN}@{host}:{}", server.address.port()),
        )
        .arg("--orphan-grace=0")
}

/// The same; certificates of this authority are trusted.
fn trusting(options: Options, authority: &MailAuthority) -> Options {
    let roots = options.file("roots.pem", authority.root_pem());
    options.variable("PAYHOOKD_SMTP_CERT_ROOTS", roots.display())
}

/// What `alerts test` ends with and says.
fn test(options: &Options) -> (Option<i32>, String) {
    let output = options.run(&["alerts", "test"]);
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    let said = said.concat();
    assert_tells_no_secret(&said);
    (output.status.code(), said)
}

fn assert_tells_no_secret(said: &str) {
    for secret in [NAME, PASSWORD, LOGIN, "p%40ss", "c2hvcEBz", "AHNob3BAc", "cEBzczp3"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

/// Nobody was told anything but who says hello.
fn assert_nothing_was_told(heard: &Heard, case: &str) {
    assert!(heard.letters.is_empty() && heard.logins.is_empty(), "{case}: {heard:?}");
    for line in &heard.clear {
        let is_told = ["AUTH", "MAIL", "RCPT", "DATA"].iter().any(|word| line.starts_with(word));
        assert!(!is_told, "{case}: {heard:?}");
        assert_tells_no_secret(line);
    }
}

#[test]
fn a_letter_and_a_password_go_over_tls() {
    let authority = MailAuthority::new();
    let at_once = |host| Secured::AtOnce(authority.issue(host, 2999));
    let when_asked = |host| Secured::WhenAsked(authority.issue(host, 2999));
    for (scheme, host, secured) in [
        ("smtps", "localhost", at_once("localhost")),
        ("smtps", "127.0.0.1", at_once("127.0.0.1")),
        ("smtps", ELSEWHERE, at_once(ELSEWHERE)),
        ("smtp", ELSEWHERE, when_asked(ELSEWHERE)),
    ] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let case = format!("{scheme} {host} {mechanism}");
            let server = MailServer::with(rules(secured.clone(), mechanism));
            let options = trusting(options(scheme, host, &server), &authority);
            let (code, said) = test(&options);
            assert_eq!(code, Some(0), "{case}: {said}");
            let heard = server.heard();
            assert_eq!(heard.letters.len(), 1, "{case}: {heard:?}");
            assert_eq!(heard.letters[0].to, ["<owner@shop.example>"]);
            assert_eq!(heard.logins, [(NAME.to_owned(), PASSWORD.to_owned())], "{case}");
            let clear: Vec<_> = heard.clear.iter().map(|line| &line[..4]).collect();
            let expected: &[&str] = if scheme == "smtp" { &["EHLO", "STAR"] } else { &[] };
            assert_eq!(clear, expected, "{case}");
        }
    }
}

#[test]
fn the_daemon_mails_an_alert_over_starttls() {
    let authority = MailAuthority::new();
    let secured = Secured::WhenAsked(authority.issue(ELSEWHERE, 2999));
    let server = MailServer::with(rules(secured, "PLAIN"));
    let daemon = trusting(options("smtp", ELSEWHERE, &server), &authority).start();
    let paid = StripeSample::new("payment_intent.succeeded", "1");
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    wait_until("it is told", || !server.letters().is_empty());
    assert!(server.letters()[0].text.contains("Stripe pi_1"), "{:?}", server.letters());
    let line = daemon.wait_for_line("msg=alert ");
    assert!(line.contains("outcome=sent status=250"), "{line}");
    assert_tells_no_secret(&daemon.terminate().log);
}

#[test]
fn an_address_that_is_gone_keeps_no_mail_from_the_others() {
    let server = MailServer::start("250 ok");
    let addresses = "gone@shop.example,owner@shop.example,till@shop.example,owner@shop.example";
    let options = options("smtp", "localhost", &server)
        .variable("PAYHOOKD_ALERT_EMAIL", addresses)
        .variable("PAYHOOKD_SMTP_URL", format!("smtp://localhost:{}", server.address.port()));
    let daemon = options.start();
    let paid = StripeSample::new("payment_intent.succeeded", "1");
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    let line = daemon.wait_for_line("outcome=again");
    assert!(line.contains("status=550"), "{line}");
    wait_until("the others have it", || server.letters().len() == 2);
    let letters = server.letters();
    let mut to: Vec<_> = letters.iter().flat_map(|letter| letter.to.clone()).collect();
    to.sort_unstable();
    assert_eq!(to, ["<owner@shop.example>", "<till@shop.example>"], "{letters:?}");
    // Nobody is told who else is.
    for letter in &letters {
        let line = format!("To: {}", letter.to[0].trim_matches(['<', '>']));
        assert!(letter.text.lines().any(|it| it == line), "{letter:?}");
    }
    let (code, said) = test(&options);
    assert_eq!(code, Some(1));
    assert!(said.ends_with("payhookd: 1 of 3 were not reached\n"), "{said}");
    assert_eq!(said.matches("  sent (250)").count(), 2, "{said}");
}

#[test]
fn on_this_machine_nothing_need_be_secured() {
    let authority = MailAuthority::new();
    for host in ["127.0.0.1", "localhost"] {
        for secured in [Secured::Never, Secured::Refused] {
            let server = MailServer::with(rules(secured, "PLAIN"));
            let (code, said) = test(&options("smtp", host, &server));
            assert_eq!(code, Some(0), "{said}");
            let heard = server.heard();
            assert_eq!(heard.letters.len(), 1, "{heard:?}");
            assert!(!heard.clear.contains(&"STARTTLS".to_owned()), "{heard:?}");
        }
    }
    // One that insists on STARTTLS is to be reached over TLS from the first byte.
    let secured = Secured::WhenAsked(authority.issue("localhost", 2999));
    let server = MailServer::with(rules(secured, "PLAIN"));
    let (code, said) = test(&trusting(options("smtp", "localhost", &server), &authority));
    assert_eq!(code, Some(1));
    assert!(said.contains("the mail server answered 530"), "{said}");
    assert!(server.letters().is_empty());
}

#[test]
fn a_server_that_may_be_another_is_told_nothing() {
    let authority = MailAuthority::new();
    let (other, namesake) = (MailAuthority::named("another authority"), MailAuthority::new());
    let no_roots = |options: Options| options;
    let roots = |options| trusting(options, &authority);
    type Trust<'a> = &'a dyn Fn(Options) -> Options;
    for (issuer, name, until, trust, words) in [
        (
            &authority,
            "mail.shop.example",
            2999,
            &roots as Trust<'_>,
            "its certificate is for another name",
        ),
        (&other, ELSEWHERE, 2999, &roots, "nobody who is trusted"),
        (&namesake, ELSEWHERE, 2999, &roots, "nobody who is trusted"),
        (&authority, ELSEWHERE, 2999, &no_roots, "nobody who is trusted"),
        (&authority, ELSEWHERE, 2020, &roots, "its certificate has expired"),
    ] {
        let config = issuer.issue(name, until);
        for (scheme, secured) in
            [("smtps", Secured::AtOnce(config.clone())), ("smtp", Secured::WhenAsked(config))]
        {
            let server = MailServer::with(rules(secured, "PLAIN"));
            let (code, said) = test(&trust(options(scheme, ELSEWHERE, &server)));
            assert_eq!(code, Some(1), "{words}: {said}");
            let expected = "not sent: no secure connection to the mail server: ";
            assert!(said.contains(expected) && said.contains(words), "{words}: {said}");
            assert_nothing_was_told(&server.heard(), words);
        }
    }
}

#[test]
fn a_server_without_tls_is_told_nothing() {
    for (scheme, secured, words) in [
        // Who stands in between takes the offer away, or the answer to it.
        ("smtp", Secured::Never, "STARTTLS is not supported"),
        ("smtp", Secured::Refused, "the mail server answered 454"),
        ("smtps", Secured::Never, "it does not speak TLS there"),
    ] {
        let server = MailServer::with(rules(secured, "PLAIN"));
        let (code, said) = test(&options(scheme, ELSEWHERE, &server));
        assert_eq!(code, Some(1), "{words}: {said}");
        assert!(said.contains(words), "{words}: {said}");
        assert_nothing_was_told(&server.heard(), words);
    }
}

#[test]
fn a_wrong_password_is_told_by_its_code_and_no_secret_by_anything() {
    let authority = MailAuthority::new();
    let secured = Secured::AtOnce(authority.issue("localhost", 2999));
    for mechanism in ["PLAIN", "LOGIN"] {
        let login = Some((NAME, "another", mechanism));
        let server =
            MailServer::with(Rules { to_recipients: "250 ok", secured: secured.clone(), login });
        let options = trusting(options("smtps", "localhost", &server), &authority);
        let (code, said) = test(&options);
        assert_eq!(code, Some(1));
        let words = "the mail server answered 535: it does not take this name and password";
        assert!(said.contains(words), "{said}");
        let daemon = options.clone().arg("--log-level=debug").start();
        let paid = StripeSample::new("payment_intent.succeeded", "1");
        assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
        let line = daemon.wait_for_line("outcome=again");
        assert!(line.contains("status=535") && line.contains(words), "{line}");
        let kept = "SELECT last_error FROM alerts";
        wait_until("that is kept", || options.database().rows(kept) == [words]);
        assert_tells_no_secret(&daemon.terminate().log);
        let heard = server.heard();
        assert!(heard.letters.is_empty() && heard.logins.len() == 2, "{heard:?}");
    }
}

#[test]
fn a_name_and_a_password_go_only_where_they_can() {
    let authority = MailAuthority::new();
    let secured = Secured::AtOnce(authority.issue("localhost", 2999));
    // It wants them, and has none.
    let server = MailServer::with(rules(secured.clone(), "PLAIN"));
    let url = format!("smtps://localhost:{}", server.address.port());
    let without = options("smtps", "localhost", &server).variable("PAYHOOKD_SMTP_URL", url);
    let (code, said) = test(&trusting(without, &authority));
    assert_eq!(code, Some(1));
    assert!(said.contains("answered 530: it wants a name and a password"), "{said}");
    // It has them, and nobody asks for any.
    let server = MailServer::with(Rules { to_recipients: "250 ok", secured, login: None });
    let (code, said) = test(&trusting(options("smtps", "localhost", &server), &authority));
    assert_eq!(code, Some(1));
    assert!(said.contains("the mail server can't be used: "), "{said}");
    assert!(server.letters().is_empty());
}

#[test]
fn roots_that_are_none_are_a_mistake() {
    let server = MailServer::start("250 ok");
    for (content, words) in [
        ("", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate"),
    ] {
        let options = options("smtps", "localhost", &server);
        let roots = options.file("roots.pem", content);
        let (code, said) = test(&options.variable("PAYHOOKD_SMTP_CERT_ROOTS", roots.display()));
        assert_eq!(code, Some(1));
        assert!(said.contains("--smtp-cert-roots") && said.contains(words), "{said}");
    }
    let options = options("smtps", "localhost", &server);
    let missing = options.folder().join("missing.pem");
    let refused = options.variable("PAYHOOKD_SMTP_CERT_ROOTS", missing.display()).start_refused();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--smtp-cert-roots") && said.contains("can't be read"), "{said}");
    assert_tells_no_secret(&said);
}
