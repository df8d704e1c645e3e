use super::*;
use crate::domain::issue::{IssueKind, Texts};
use crate::domain::records::Details;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

/// Of a day on which nothing happened.
fn quiet() -> Report {
    Report {
        about: About {
            day: Zone::UTC.day("2026-11-24").expect("a day"),
            zone: Zone::UTC,
            language: Language::English,
            sent_at: None,
        },
        livemode: true,
        figures: Figures::default(),
        orphans: OrphanFigures::default(),
        open_orphans: Vec::new(),
        issues: Vec::new(),
        last_events: Vec::new(),
        log_head: Head { link: 7, chain: [0xab; 32] },
    }
}

fn issue(severity: Severity, title: &str) -> Issue {
    Issue {
        id: 7,
        kind: IssueKind::Orphan,
        subject: "3".to_owned(),
        severity,
        details: Details::Prose { english: Texts::new(title, "", ""), french: None },
        ending: None,
        opened_at: at("2026-11-23T11:52:03Z"),
        last_seen_at: at("2026-11-23T11:52:03Z"),
        count: 1,
        news: 1,
        dismissed_at: None,
        closed_at: None,
    }
}

#[test]
fn a_quiet_day_says_so() {
    let report = quiet();
    assert_eq!(report.headline(), "2026-11-24: nothing received, no open issue");
    assert_eq!(report.severity(), Severity::Notice);
    let head = "ab".repeat(32);
    assert_eq!(
        report.text(),
        format!(
            "2026-11-24 (UTC)\nReceived: nothing\nRefunded: nothing\nDisputed: nothing\n\
             Events: 0 of 0 matched\n\
             Orphans: 0 new, 0 matched, 0 dismissed; none open\nOpen issues: none\n\
             Last events: nothing\nLog: 7:{head}"
        )
    );
}

#[test]
fn currencies_and_test_money_are_never_added_to_others() {
    let mut report = quiet();
    for (livemode, code, received) in
        [(true, "EUR", 120_400), (true, "JPY", 5_000), (false, "EUR", 999)]
    {
        let money =
            MoneyFigures { received: received.into(), payments: 1, ..MoneyFigures::default() };
        report.figures.money.insert((livemode, currency(code)), money);
    }
    report.figures.money.entry((true, currency("EUR"))).and_modify(|money| {
        (money.refunded, money.refunds, money.payments) = (2_000.into(), 2, 24);
    });
    let orphans = |provider, livemode, code: &str, sum| OpenOrphans {
        about: OrphanAbout::Payment,
        provider,
        livemode,
        currency: Some(currency(code)),
        number: 1,
        sum: Total::from(sum),
        oldest: at("2026-11-20T11:11:00Z"),
    };
    // PayPal counts forints whole, Stripe in hundredths; test money is no business of live money.
    report.open_orphans = vec![
        orphans(Provider::Stripe, true, "HUF", 100_000),
        orphans(Provider::Paypal, true, "HUF", 500),
        orphans(Provider::Stripe, false, "EUR", 1),
    ];
    assert_eq!(report.headline(), "2026-11-24: 1204.00 EUR, 5000 JPY received, no open issue");
    let text = report.text();
    for line in [
        "Received: 1204.00 EUR in 24 payments; 5000 JPY in 1 payment",
        "Refunded: 20.00 EUR in 2 refunds",
        "Received (test): 9.99 EUR in 1 payment",
        "Orphans: 0 new, 0 matched, 0 dismissed; 2 open: 1500.00 HUF, the oldest since \
         2026-11-20 11:11",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
    assert_eq!(report.json()["orphans"]["open"][1]["amount"], 50_000);
}

#[test]
fn it_speaks_french() {
    let mut report = quiet();
    report.about.language = Language::French;
    report.about.sent_at = "08:00".parse().ok();
    let money = MoneyFigures { received: 4_999.into(), payments: 2, ..MoneyFigures::default() };
    report.figures.money.insert((true, currency("EUR")), money);
    report.figures.outcomes.insert(Outcome::Processed, 2);
    let mut spoken = issue(Severity::Warning, "Orphan");
    spoken.details = Details::Prose {
        english: Texts::new("Orphan", "", ""),
        french: Some(Texts::new("Orphelin", "", "")),
    };
    report.issues = vec![spoken, issue(Severity::Notice, "In English only")];
    assert_eq!(report.headline(), "2026-11-24\u{a0}: 49,99\u{a0}EUR reçu, 2 problèmes ouverts");
    let text = report.text();
    for line in [
        "Reçu\u{a0}: 49,99\u{a0}EUR en 2 paiements",
        "Remboursé\u{a0}: rien",
        "Événements\u{a0}: 2 sur 2 rattachés",
        "🟠 Orphelin",
        "🔵 In English only",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
    assert!(text.contains("chaque jour à 08:00"), "{text}");
    // What a program is told is the same in every language.
    assert_eq!(report.json()["issues"][0]["title"], "Orphan");
}

#[test]
fn what_is_open_is_named_and_a_sender_writes_no_line_of_it() {
    let mut report = quiet();
    report.issues = (0..12).map(|_| issue(Severity::Warning, "Orphan\nReceived: 1")).collect();
    report.issues.insert(0, issue(Severity::Critical, "Disk"));
    let text = report.text();
    assert_eq!(report.headline(), "2026-11-24: nothing received, 13 open issues");
    assert_eq!(report.severity(), Severity::Critical);
    assert!(text.contains("\nOpen issues: 13\n🔴 Disk\n🟠 Orphan\u{fffd}Received: 1\n"), "{text}");
    assert!(text.contains("\nand 3 more: `payhookd issues list`\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("Received:")).count(), 1);
}
