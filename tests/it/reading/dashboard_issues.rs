//! The dashboard's page of issues, without a browser.

use serde_json::{Value, json};

use crate::reading::dashboard::{TOKEN, Visitor, start, start_with};
use crate::support::admin::App as Admin;
use crate::support::app::{self, wait_until_all};
use crate::support::daemon::{Daemon, Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::provider::{StripeSample, at};

/// No page is larger.
const MOST_BYTES: usize = 60_000;

/// A cent too little comes for a transaction with this name and order id.
fn is_underpaid(daemon: &Daemon, name: &str, order_id: &str) {
    let answer = Admin::with_token(daemon, TOKEN).register(&json!({
        "provider": "stripe", "reference": format!("pi_{name}"), "order_id": order_id,
        "amount": 5000, "currency": "EUR",
    }));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let paid = StripeSample::new("payment_intent.succeeded", name);
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
}

/// The issues of a page, from top to bottom.
fn issues(page: &str) -> Vec<i64> {
    page.split("<li id=\"issue-")
        .skip(1)
        .map(|part| part.split('"').next().expect("an end").parse().expect("an id"))
        .collect()
}

#[test]
fn issues_are_seen_worst_first_until_they_are_dismissed_or_over() {
    let shop = app::App::start();
    shop.says(|_| Reply::Answer(410, None, String::new()));
    let daemon = start_with(shop.and_tells(Options::stripe()));
    let visitor = Visitor::of(&daemon);
    for number in 1..=22 {
        is_underpaid(&daemon, &number.to_string(), "A-1");
    }
    wait_until_all(daemon.options(), "dead");
    let database = daemon.database();
    let app: i64 = database.one("SELECT id FROM issues WHERE kind = 'dead_letter'");
    let of_amounts = "SELECT id FROM issues WHERE kind = 'amount_mismatch' ORDER BY id DESC";
    let amounts = || -> Vec<i64> {
        database.rows(of_amounts).iter().map(|id| id.parse().expect("an id")).collect()
    };
    let amounts = amounts();

    let page = visitor.page("/issues");
    let worst_first: Vec<i64> = [app].into_iter().chain(amounts[..19].iter().copied()).collect();
    assert_eq!(issues(&page), worst_first);
    let next = format!("/issues?cursor={}", amounts[18]);
    assert!(page.contains(&format!("rel=\"next\" href=\"{next}\"")), "{page}");
    assert_eq!(issues(&visitor.page(&next)), amounts[19..]);
    assert!(page.contains("href=\"/transactions/22\"><bdi>Too little was paid"), "{page}");
    assert!(page.contains("<code>payhookd deliveries retry --dead</code>"), "{page}");
    assert!(page.contains("44 times, the last one"), "each transaction's two changes: {page}");
    assert!(page.len() < MOST_BYTES, "{} bytes", page.len());
    let overview = visitor.page("/");
    assert_eq!(issues(&overview), worst_first[..5]);
    assert!(overview.contains("23 open issues"), "{overview}");
    assert!(
        overview.contains("<a href=\"/issues\">All issues</a> <span class=\"hint\">and 18 more")
    );

    // Somebody knows, and is where they were; only pages of ours are gone to.
    let path = |id: i64| format!("/issues/{id}/dismiss");
    let kind = "/issues?kind=amount_mismatch";
    assert!(visitor.page(kind).contains("name=\"next\" value=\"/issues?kind=amount_mismatch\""));
    for (id, next, leads_to) in [(0, kind, kind), (1, "https://evil.example/", "/"), (2, "/a", "/")]
    {
        let known = visitor.post(&path(amounts[id]), &[("next", next)]);
        assert_eq!((known.status, known.header("location")), (303, Some(leads_to)));
    }
    let page = visitor.page(kind);
    assert!(page.contains("No more alerts about it until"), "{page}");
    assert_eq!(issues(&page), amounts[3..], "the app's is of another kind");
    let known = visitor.page("/issues?status=dismissed");
    assert_eq!(issues(&known), amounts[..3]);
    assert!(known.contains("· dismissed ") && !known.contains("/dismiss\""), "{known}");
    // A link to others of that kind keeps the kind.
    assert!(page.contains("href=\"/issues?kind=amount_mismatch&amp;status=closed\""), "{page}");

    shop.recovers();
    let retried = daemon.options().done(&["deliveries", "retry", "--dead"]);
    assert!(retried.contains("44"), "{retried}");
    wait_until("it is over", || issues(&visitor.page("/issues?status=closed")) == [app]);
    let over = visitor.page("/issues?status=closed");
    assert!(over.contains("· closed ") && !over.contains("deliveries retry"), "{over}");
    let late = visitor.post(&path(app), &[]);
    assert_eq!((late.status, late.header("location")), (303, Some("/")));
    assert!(visitor.page("/").contains("It is already closed."));
    assert_eq!(visitor.post(&path(999), &[]).status, 404);
}

#[test]
fn an_empty_list_of_issues_says_what_that_means() {
    let daemon = start();
    let visitor = Visitor::of(&daemon);
    for (query, english, french) in [
        ("", "No issue is open.", "Aucun problème n’est ouvert."),
        ("?status=dismissed", "None is dismissed.", "Aucun n’est écarté."),
        ("?status=closed", "None is closed yet.", "Aucun n’est encore fermé."),
        ("?kind=disk", "None of this kind.", "Aucun de ce type."),
    ] {
        let path = format!("/issues{query}");
        assert!(visitor.page(&path).contains(english), "{query}");
        let in_french = visitor.get_with(&path, &[("accept-language", "fr")]);
        assert!(in_french.text().contains(french), "{query}");
    }
    for wrong in ["?status=gone", "?kind=strange", "?cursor=-1", "?strange=1"] {
        assert_eq!(visitor.get(&format!("/issues{wrong}")).status, 400, "{wrong}");
    }
    // Beyond the end there is nothing.
    assert!(visitor.page("/issues?status=closed&cursor=7").contains("None is closed yet."));
}

#[test]
fn whatever_a_sender_writes_a_page_of_issues_stays_small() {
    let daemon = start();
    let visitor = Visitor::of(&daemon);
    for number in 0..25 {
        is_underpaid(&daemon, &format!("{number}{}", "\"".repeat(180)), &"\"&<".repeat(60));
    }
    let page = visitor.page("/issues?kind=amount_mismatch&status=open");
    assert_eq!(issues(&page).len(), 20);
    // With its style, script and icon.
    let assets: usize = ["style.css", "live.js", "icon.svg"]
        .iter()
        .map(|name| {
            let address = page.split('"').find(|part| part.ends_with(name)).expect("an address");
            visitor.page(address).len()
        })
        .sum();
    assert!(page.len() + assets < MOST_BYTES, "{} and {assets} bytes", page.len());
}

#[test]
fn issues_are_told_in_the_language_of_the_page() {
    let options = Options::stripe().arg("--orphan-grace=0");
    let daemon = start_with(options);
    let visitor = Visitor::of(&daemon);
    let in_french = |path: &str| {
        let page = visitor.get_with(path, &[("accept-language", "fr")]).text().to_owned();
        page.replace('\u{a0}', " ")
    };
    is_underpaid(&daemon, "1", "A-1");
    let paid = StripeSample::new("payment_intent.succeeded", "2").order("A-2");
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    let thin = json!({ "id": "evt_1", "type": "payment_intent.succeeded", "livemode": true });
    assert_eq!(daemon.deliver_stripe(thin.to_string()).status, 200);
    wait_until("all are seen", || issues(&visitor.page("/issues")).len() == 3);

    let page = in_french("/issues");
    for told in [
        "Trop peu a été payé : 50,00 EUR, commande A-1, Stripe pi_1",
        "Attendu 50,00 EUR, reçu 49,99 EUR.",
        "remboursez ou demandez la différence avant d’expédier ; <code>payhookd transactions show",
        "Paiement sans transaction : 49,99 EUR, commande A-2, Stripe pi_2",
        "Aucune transaction n’est enregistrée pour ce paiement : enregistrez-la",
        "Non compris : événement payment_intent.succeeded de Stripe",
        "Événement evt_1, en anglais : « ",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("lang=\"en\""), "{page}");
    assert!(in_french("/").contains("Trop peu a été payé"));
    assert!(visitor.page("/issues").contains("Too little was paid: 50.00 EUR, order A-1"));

    // It ends, in both.
    let dismissed = visitor.post("/orphans/2/dismiss", &[("reason", "a trial")]);
    assert_eq!(dismissed.status, 303);
    let over = in_french("/issues?status=closed");
    assert!(over.contains("Une personne a dit qu’il n’y a rien à faire."), "{over}");
    let over = visitor.page("/issues?status=closed");
    assert!(over.contains("A person said that there is nothing to do."), "{over}");

    // One from a version that spoke English only is told in English, and said to be.
    let path = daemon.options().db();
    let sqlite = rusqlite::Connection::open(path).expect("a database");
    let as_before = "UPDATE issues SET data = NULL, title = 'Too little was paid: 50.00 EUR',
                     detail = 'Expected 50.00 EUR, received 49.99 EUR.' WHERE kind = 'amount_mismatch'";
    assert_eq!(sqlite.execute(as_before, []).expect("written"), 1);
    let page = in_french("/issues?kind=amount_mismatch");
    assert!(page.contains("<bdi lang=\"en\">Too little was paid"), "{page}");
    assert!(page.contains("<bdi lang=\"en\">Expected 50.00 EUR"), "{page}");

    let removed = "UPDATE webhook_logs SET payload = NULL, headers = NULL WHERE id = 1";
    assert_eq!(sqlite.execute(removed, []).expect("written"), 1);
    let page = in_french("/events/1/replay");
    assert!(page.contains("il serait laissé tel quel, car :"), "{page}");
    assert!(page.contains("<bdi>son contenu a été supprimé</bdi>"), "{page}");
}

#[test]
fn an_issue_is_told_in_the_language_and_zone_of_whoever_reads_whenever_it_opened() {
    let options = Options::stripe().arg("--stripe-tolerance=off").clock("2026-11-23T12:00:00Z");
    let daemon = start_with(options.clone().arg("--language=en").arg("--time-zone=UTC"));
    let paid = StripeSample::new("payment_intent.succeeded", "1");
    let answer = Admin::with_token(&daemon, TOKEN).register(&json!({
        "provider": "stripe", "reference": "pi_1", "amount": 4999, "currency": "EUR",
    }));
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);
    let opened = StripeSample::new("charge.dispute.created", "1").reference("pi_1").parent("ch_1");
    let mut dispute: Value = serde_json::from_str(&opened.body()).expect("JSON");
    dispute["data"]["object"]["evidence_details"]["due_by"] =
        at("2026-12-01T23:30:00Z").unix_seconds().into();
    assert_eq!(daemon.deliver_stripe(dispute.to_string()).status, 200);
    let english = "It can be answered until 2026-12-01 23:30 UTC.";
    let page = Visitor::of(&daemon).page("/issues");
    assert!(page.contains(english), "{page}");
    let prose = "SELECT title || detail || remedy || ifnull(translations, '') FROM issues";
    assert_eq!(daemon.database().one::<String>(prose), "", "no sentence is kept");
    drop(daemon);

    let told = Fake::start(|_| Reply::ok("ok"));
    let french = options
        .variable("PAYHOOKD_ALERT_URL", format!("http://{}/", told.address))
        .arg("--language=fr")
        .arg("--time-zone=Europe/Paris");
    let daemon = start_with(french);
    let in_french = "On peut y répondre jusqu’au 2026-12-02 00:30.";
    let page = Visitor::of(&daemon).page("/issues").replace('\u{a0}', " ");
    assert!(page.contains("Litige : 49,99 EUR, Stripe pi_1") && page.contains(in_french), "{page}");
    wait_until("it is told", || !told.asked().is_empty());
    let body: Value = serde_json::from_slice(&told.asked()[0].body).expect("JSON");
    assert!(body["text"].as_str().is_some_and(|text| text.contains(in_french)), "{body}");
    // Programs, the command line and the log are told in English and UTC.
    let detail = body["issues"][0]["detail"].as_str().expect("text");
    assert!(detail.ends_with(english), "{detail}");
    let shown = daemon.options().done(&["issues", "show", "1"]);
    assert!(shown.contains(english), "{shown}");
    let api = Admin::with_token(&daemon, TOKEN).json("/api/v1/issues/1");
    assert!(api["detail"].as_str().is_some_and(|it| it.ends_with(english)), "{api}");

    // How it ends is data, too.
    let mut won: Value = serde_json::from_str(&opened.id("evt_won").body()).expect("JSON");
    won["type"] = "charge.dispute.closed".into();
    won["data"]["object"]["status"] = "won".into();
    assert_eq!(daemon.deliver_stripe(won.to_string()).status, 200);
    let page = Visitor::of(&daemon).page("/issues?status=closed");
    assert!(page.contains("Il a été gagné."), "{page}");
}
