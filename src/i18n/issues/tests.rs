use std::collections::BTreeSet;

use super::*;
use crate::domain::endpoint::{Fault, Flaw};
use crate::domain::issue::{
    Doubt, EndedSubscription, Ending, Payments, Rescue, Severity, UnknownSubscription,
};
use crate::domain::merchant_action::MerchantAction;
use crate::domain::money::Currency;
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::records::{Loss, Verdict};
use crate::domain::refusal_pattern::{Evidence, Likely};
use crate::domain::retention::ClockDoubt;
use crate::domain::transaction::{AmountCheck, DisputeStatus};

const FRENCH: Audience<'static> = Audience { language: Language::French, zone: &UTC };

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

fn money(minor: i64) -> Money {
    Money { minor, currency: Currency::parse("EUR").expect("a currency") }
}

fn payment() -> Payment {
    Payment {
        provider: Provider::Paypal,
        money: Some(money(4999)),
        order_id: Some("A-1".to_owned()),
        reference: "ORDER-1".to_owned(),
    }
}

/// Of each sort of problem, with each of the words that change what is said.
fn samples() -> Vec<IssueData> {
    let noon = at("2026-11-23T12:00:00Z");
    let (transaction_id, provider) = (17, Provider::Stripe);
    let text = str::to_owned;
    let mut all = vec![
        IssueData::LateMoney { id: 18, transaction_id: None, payment: payment() },
        IssueData::LateMoney { id: 18, transaction_id: Some(17), payment: payment() },
        IssueData::UncapturedOrder { transaction_id, payment: payment(), approved_at: noon },
        IssueData::FailedEvent {
            provider,
            event_type: text("charge.failed"),
            event_id: text("evt_1"),
            why: text("no id"),
        },
        IssueData::DeadLetter { number: 2, delivery_id: 9, failure: Some(text("answered 410")) },
        IssueData::DeadLetter { number: 2, delivery_id: 9, failure: None },
        IssueData::Silence { provider, last_at: noon },
        IssueData::Authorization {
            transaction_id,
            payment: payment(),
            lapses_at: noon,
            for_good: true,
        },
        IssueData::Authorization {
            transaction_id,
            payment: payment(),
            lapses_at: noon,
            for_good: false,
        },
        IssueData::FraudWarning { transaction_id, payment: payment(), at: noon },
        IssueData::App {
            since: noon,
            transactions: 5,
            pending: 7,
            failure: Some(text("answered 503")),
        },
        IssueData::App { since: noon, transactions: 5, pending: 7, failure: None },
        IssueData::Disk { free: 17, total: 4000 },
        IssueData::HeldWal { size: 170 },
        IssueData::Task { task: text("monitor") },
        IssueData::EventLog { known: text("7:abab"), file: text("/shop.db.head") },
        IssueData::NoProof { count: 3, by_certificate: true, evidence: None },
        IssueData::CertificateEnds { at: noon },
        IssueData::Reconcile { provider, error: text("the API answered 401") },
        IssueData::Discrepancy { transaction_id, provider, reference: text("pi_1") },
    ];
    let evidence = [
        Evidence::Retried { event_id: text("evt_1"), attempts: 4, first_at: noon, last_at: noon },
        Evidence::Listed { event_id: text("evt_1") },
        Evidence::Silence { last_at: noon },
        Evidence::Offset { seconds: 600 },
        Evidence::Offset { seconds: -600 },
    ];
    for evidence in evidence.map(Some) {
        let (likely, count, at) = (Likely::RolledSecret, 3, Some(noon));
        all.push(IssueData::NoProof { count, by_certificate: false, evidence: evidence.clone() });
        all.push(IssueData::OtherTime { provider, count, now: noon, evidence: evidence.clone() });
        all.push(IssueData::RefusedSignatures {
            provider,
            likely,
            count,
            since: at,
            genuine_at: at,
            evidence,
        });
    }
    for (flag, reason) in [(true, Some(text("expired"))), (false, None)] {
        all.push(IssueData::Refund {
            transaction_id,
            payment: payment(),
            refund_id: text("re_1"),
            money: Some(money(4999)),
            failed: flag,
            since: noon,
            reason: reason.clone(),
        });
        let (payout_id, money, canceled) = (text("po_1"), Some(money(4999)), flag);
        all.push(IssueData::Payout { provider, payout_id, money, canceled, reason, at: None });
    }
    all.extend(OrphanAbout::ALL.iter().flat_map(|about| {
        [None, Some(noon)].map(|answer_by| IssueData::Orphan {
            id: 18,
            why: OrphanKind::LateLink,
            about: *about,
            payment: payment(),
            answer_by,
        })
    }));
    all.extend(OrphanKind::ALL.iter().map(|why| IssueData::Orphan {
        id: 18,
        why: *why,
        about: OrphanAbout::Payment,
        answer_by: None,
        payment: Payment { money: None, ..payment() },
    }));
    all.extend(AmountCheck::ALL.iter().map(|check| IssueData::AmountMismatch {
        transaction_id,
        payment: payment(),
        check: *check,
        expected: Some(money(5000)),
        received: vec![money(4999), money(1)],
    }));
    let disputes = DisputeStatus::ALL.iter().flat_map(|status| {
        [(None, false), (Some(noon), false), (Some(noon), true)].map(|(answer_by, is_urgent)| {
            let (payment, status) = (payment(), *status);
            IssueData::Dispute { transaction_id, payment, status, answer_by, is_urgent }
        })
    });
    all.extend(disputes);
    all.extend(MerchantAction::ALL.iter().map(|action| IssueData::MerchantAction {
        transaction_id,
        payment: payment(),
        action: *action,
    }));
    let signatures = Provider::ALL.iter().zip([Some(noon), None]).flat_map(|(provider, at)| {
        Likely::ALL.iter().map(move |likely| IssueData::RefusedSignatures {
            provider: *provider,
            likely: *likely,
            count: 20,
            since: at,
            genuine_at: at,
            evidence: None,
        })
    });
    all.extend(signatures);
    let clocks = ClockDoubt::ALL.iter();
    all.extend(clocks.map(|doubt| IssueData::MachineClock { doubt: *doubt, latest_at: noon }));
    let rescues = [
        Rescue::PutBack,
        Rescue::Completed,
        Rescue::Beside { copy: text("/shop.db.rescued-1") },
        Rescue::Failed { error: text("no room"), aside: vec![text("/shop.db.lost-1")] },
    ];
    let lost = rescues.into_iter().zip(Loss::ALL);
    all.extend(lost.map(|(rescue, loss)| IssueData::Database { loss: *loss, rescue }));
    let id = text("we_1");
    let flaws = [
        Flaw::Missing,
        Flaw::UnknownId,
        Flaw::OnlyElsewhere { url: text("https://old.example") },
        Flaw::Elsewhere { id: id.clone(), url: text("https://old.example") },
        Flaw::Disabled { id: id.clone() },
        Flaw::WrongMode { id: id.clone(), livemode: true },
        Flaw::Types { id: id.clone(), missing: vec![text("charge.failed")] },
        Flaw::Version { id, version: text("2030-01-01"), known: text("2026-01-01") },
    ];
    let faults = flaws.map(|flaw| Fault { provider, public_url: None, flaw });
    all.extend(faults.iter().map(|fault| IssueData::Endpoint {
        provider,
        faults: vec![fault.clone(), faults[0].clone()],
    }));
    all.extend(Doubt::ALL.iter().map(|doubt| IssueData::DoubtfulEvent {
        event_id: text("WH-1"),
        transmission_id: None,
        doubt: *doubt,
        transactions: vec![(17, payment())],
    }));
    all.extend([1, 3].map(|number| {
        let payments = Payments { number, sums: vec![money(999)], last_at: noon };
        let reference = text("sub_1");
        IssueData::UnknownSubscription(UnknownSubscription { provider, reference, payments })
    }));
    all.extend([None, Some(text("club-17"))].map(|own_id| {
        IssueData::EndedSubscription(EndedSubscription {
            subscription_id: 3,
            provider,
            reference: text("sub_1"),
            own_id,
            ended_at: noon,
            payments: Payments { number: 2, sums: vec![money(999)], last_at: noon },
        })
    }));
    all
}

fn issue(details: Details) -> Issue {
    Issue {
        id: 7,
        kind: IssueKind::Silence,
        subject: "stripe".to_owned(),
        severity: Severity::Warning,
        details,
        ending: None,
        opened_at: at("2026-11-23T12:00:00Z"),
        last_seen_at: at("2026-11-23T12:00:00Z"),
        count: 1,
        news: 1,
        dismissed_at: None,
        closed_at: None,
    }
}

#[test]
fn every_problem_is_told_in_both_languages() {
    let samples = samples();
    let kinds: BTreeSet<IssueKind> = samples.iter().map(IssueData::kind).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), IssueKind::ALL);
    for data in &samples {
        let (english, french) = (texts(data, Audience::PLAIN), texts(data, FRENCH));
        let pairs = [
            (&english.title, &french.title),
            (&english.detail, &french.detail),
            (&english.remedy, &french.remedy),
        ];
        for (english, french) in pairs {
            let is_command = english.starts_with('`') && english.ends_with('`');
            assert!(
                !english.is_empty() && (is_command || english != french),
                "{data:?}: {english}"
            );
            assert!(!english.contains(['{', '}']) && !french.contains(['{', '}']), "{french}");
            // In French a space stands before a colon, and in English none.
            let space = |text: &str| text.contains("\u{a0}:");
            assert!(!space(english) && !french.contains(" :"), "{english} {french}");
        }
    }
}

#[test]
fn data_comes_back_from_json_as_it_was() {
    for data in samples() {
        let kept = serde_json::to_string(&data).expect("JSON");
        assert_eq!(serde_json::from_str::<IssueData>(&kept).expect("data"), data, "{kept}");
    }
    // What was released is read for as long as rows are kept.
    let kept = r#"{"is":"orphan","id":18,"why":"early","payment":{"provider":"paypal",
        "money":{"minor":4999,"currency":"EUR"},"order_id":"A-1","reference":"ORDER-1"}}"#;
    let orphan = IssueData::Orphan {
        id: 18,
        why: OrphanKind::Early,
        about: OrphanAbout::Payment,
        payment: payment(),
        answer_by: None,
    };
    assert_eq!(serde_json::from_str::<IssueData>(kept).expect("data"), orphan);
}

#[test]
fn a_time_is_told_in_the_zone_of_whoever_reads() {
    let paris = Zone::named("Europe/Paris").expect("a zone");
    let issue = issue(Details::Data(IssueData::Silence {
        provider: Provider::Stripe,
        last_at: at("2026-11-23T11:52:03Z"),
    }));
    for (language, zone, title) in [
        (Language::English, &Zone::UTC, "Nothing has come from Stripe since 2026-11-23 11:52 UTC"),
        (Language::French, &paris, "Rien n’est arrivé de Stripe depuis le 2026-11-23 12:52"),
    ] {
        let (said, spoken) = issue.texts(Audience { language, zone });
        assert_eq!((said.title.as_str(), spoken), (title, language));
    }
}

#[test]
fn how_it_ended_takes_the_place_of_the_detail_in_both_languages() {
    let decided = DisputeStatus::ALL.iter().map(|status| Ending::Decided { status: *status });
    let believed = Verdict::ALL.iter().map(|verdict| Ending::Believed { verdict: *verdict });
    let others = [
        Ending::Matched { transaction_id: 17 },
        Ending::Merged { orphan_id: 17 },
        Ending::EventsWentElsewhere,
        Ending::Foreign,
        Ending::Disowned,
        Ending::NothingToDo,
        Ending::MoneyWentBack,
        Ending::CapturedOrLapsed,
    ];
    let prose = Details::Prose { english: Texts::new("One", "two", "three"), french: None };
    for how in decided.chain(believed).chain(others) {
        let kept = serde_json::to_string(&how).expect("JSON");
        assert_eq!(serde_json::from_str::<Ending>(&kept).expect("an ending"), how, "{kept}");
        let over = |details| Issue { ending: Some(how), ..issue(details) };
        let data = over(Details::Data(samples()[0].clone()));
        let (english, french) = (data.texts(Audience::PLAIN).0, data.texts(FRENCH).0);
        assert!(english.detail != french.detail && english.detail.ends_with('.'), "{how:?}");
        // Of a row in English only it is said in English.
        let (said, language) = over(prose.clone()).texts(FRENCH);
        assert_eq!((said.title.as_str(), said.detail), ("One", english.detail));
        assert_eq!(language, Language::English);
    }
}

#[test]
fn what_a_newer_version_knows_is_shown_as_it_stands() {
    let newer = issue(Details::Unknown(r#"{"is":"eclipse","moon":7}"#.to_owned()));
    let (english, french) = (newer.texts(Audience::PLAIN).0, newer.texts(FRENCH).0);
    assert_eq!(english.title, "silence: stripe");
    assert!(english.detail.contains(r#"{"is":"eclipse","moon":7}"#), "{}", english.detail);
    assert!(french.detail.contains(r#"{"is":"eclipse","moon":7}"#), "{}", french.detail);
    let long = issue(Details::Unknown("é".repeat(10_000)));
    assert!(long.texts(FRENCH).0.detail.chars().count() < 400);
}
