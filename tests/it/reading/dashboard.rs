//! The dashboard without a browser: who is let in, what its answers allow, and what forms do.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::StripeSample;
use crate::support::wire::{Answer, Connection};

/// What the tests log in with.
pub(crate) const TOKEN: &str = "a-token-of-the-tests";

/// A daemon that people reach.
pub(crate) fn start() -> Daemon {
    start_with(Options::stripe())
}

/// The same with these options.
pub(crate) fn start_with(options: Options) -> Daemon {
    options
        .variable("PAYHOOKD_API_TOKEN", TOKEN)
        .variable("PAYHOOKD_ADMIN_HOST", "payhookd")
        .start()
}

/// Somebody with a browser that knows nothing of scripts.
pub(crate) struct Visitor {
    address: SocketAddr,
    cookie: String,
}

impl Visitor {
    /// Logs in.
    pub(crate) fn of(daemon: &Daemon) -> Self {
        let answer = post(daemon.admin, "/login", &[], &[("token", TOKEN)]);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
        let set = answer.header("set-cookie").expect("a cookie");
        let cookie = set.split(';').next().expect("a pair").to_owned();
        Self { address: daemon.admin, cookie }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("cookie", &*self.cookie)];
        all.extend_from_slice(headers);
        Connection::open(self.address).request("GET", path, &all, "")
    }

    /// A page that is there.
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text().to_owned()
    }

    /// Sends a form of this session.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf();
        let mut all = vec![("csrf", &*csrf)];
        all.extend_from_slice(fields);
        post(self.address, path, &[("cookie", &self.cookie)], &all)
    }

    fn csrf(&self) -> String {
        let page = self.page("/");
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a value").to_owned()
    }
}

pub(crate) fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    fields: &[(&str, &str)],
) -> Answer {
    let encoded =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    Connection::open(address).request("POST", path, &all, fields.join("&"))
}

#[test]
fn only_who_logs_in_sees_anything() {
    let daemon = start();
    for path in ["/", "/orphans", "/orphans/1"] {
        let answer = daemon.get_admin(path);
        assert_eq!(answer.status, 303, "{path}");
        let location = answer.header("location").expect("a location");
        assert!(location.starts_with("/login"), "{location}");
        // A page that looks again is told so, without being led elsewhere.
        let live = [("x-payhookd-live", "1")];
        assert_eq!(Connection::open(daemon.admin).request("GET", path, &live, "").status, 401);
        // The token is for programs, and the API for those who say it.
        assert_eq!(App::with_token(&daemon, TOKEN).get(path).status, 303);
    }
    assert_eq!(daemon.get_admin("/login").status, 200);
    assert_eq!(daemon.get_admin("/orphans/x/y").status, 404);

    let wrong = post(daemon.admin, "/login", &[], &[("token", "a-token-of-the-test")]);
    assert_eq!((wrong.status, wrong.header("set-cookie")), (403, None));
    assert!(wrong.text().contains("Wrong token."));

    let visitor = Visitor::of(&daemon);
    assert!(visitor.page("/").contains("No events yet."));
    // The cookie lets nobody into the API.
    assert_eq!(visitor.get("/api/v1/orphans").status, 401);
    assert_eq!(visitor.get("/metrics").status, 401);

    let csrf = visitor.csrf();
    let out = visitor.post("/logout", &[]);
    assert_eq!((out.status, out.header("location")), (303, Some("/login")));
    assert!(out.header("set-cookie").expect("a cookie").contains("Max-Age=0"));
    assert_eq!(visitor.get("/").status, 303);
    let late = post(daemon.admin, "/logout", &[("cookie", &visitor.cookie)], &[("csrf", &csrf)]);
    assert_eq!((late.status, late.header("location")), (303, Some("/login")));
    assert!(!daemon.log().contains(TOKEN));
}

#[test]
fn a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let daemon = start();
    let cookie = |headers: &[(&str, &str)]| {
        let answer = post(daemon.admin, "/login", headers, &[("token", TOKEN)]);
        answer.header("set-cookie").expect("a cookie").to_owned()
    };
    let plain = cookie(&[]);
    assert!(plain.starts_with("payhookd=") && !plain.contains("Secure"), "{plain}");
    assert!(plain.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{plain}");
    let secure = cookie(&[("x-forwarded-proto", "https")]);
    assert!(secure.starts_with("__Host-payhookd="), "{secure}");
    assert!(secure.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{secure}");
    assert_ne!(plain.split('=').nth(1), secure.split('=').nth(1));
}

#[test]
fn guessing_the_token_is_slow_for_whoever_guesses() {
    let daemon = start();
    let guess = |headers: &[(&str, &str)]| post(daemon.admin, "/login", headers, &[("token", "?")]);
    // Behind a reverse proxy, which says the address last.
    let guesser = [("x-forwarded-for", "192.0.2.9, 2001:db8::1")];
    let statuses: Vec<u16> = (0..12).map(|_| guess(&guesser).status).collect();
    assert_eq!(statuses[..10], [403; 10]);
    assert_eq!(statuses[11], 429);
    let of_same_network = guess(&[("x-forwarded-for", "2001:db8::2")]);
    assert_eq!(of_same_network.status, 429);
    assert!(of_same_network.header("retry-after").is_some());
    assert_eq!(guess(&[("x-forwarded-for", "192.0.2.9")]).status, 403);
    assert_eq!(guess(&[]).status, 403);
    // Whoever knows it is not kept out, wherever from.
    let answer = post(daemon.admin, "/login", &guesser, &[("token", TOKEN)]);
    assert!(answer.status == 303 && answer.header("set-cookie").is_some(), "{answer:?}");
    // The shop's app goes on.
    assert_eq!(App::with_token(&daemon, TOKEN).get("/api/v1/orphans").status, 200);
}

#[test]
fn every_answer_says_what_the_browser_may_do() {
    let daemon = start();
    let visitor = Visitor::of(&daemon);
    let page = visitor.page("/");
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for path in
        ["/", "/orphans", "/orphans/99", "/login", "/assets/0/style.css"].iter().chain(&assets)
    {
        let answer = visitor.get(path);
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        let is_asset = assets.contains(path);
        assert_eq!(answer.status == 200, is_asset || !path.contains("99") && !path.contains("/0/"));
        let caching = if is_asset { "public, max-age=31536000, immutable" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(caching), "{path}");
    }
}

#[test]
fn nothing_changes_by_a_form_of_another_site() {
    let daemon = start();
    assert_eq!(
        daemon.deliver_stripe(StripeSample::new("payment_intent.succeeded", "1").body()).status,
        200
    );
    let visitor = Visitor::of(&daemon);
    let csrf = visitor.csrf();
    let path = "/orphans/1/dismiss";
    let sent = |headers: &[(&str, &str)], fields: &[(&str, &str)]| {
        let mut all = vec![("cookie", &*visitor.cookie)];
        all.extend_from_slice(headers);
        let mut said = vec![("reason", "a trial")];
        said.extend_from_slice(fields);
        post(daemon.admin, path, &all, &said).status
    };
    let right = ("csrf", &*csrf);
    assert_eq!(sent(&[], &[]), 403);
    assert_eq!(sent(&[], &[("csrf", "")]), 403);
    assert_eq!(sent(&[], &[("csrf", &csrf[1..])]), 403);
    let other = Visitor::of(&daemon).csrf();
    assert_eq!(sent(&[], &[("csrf", &other)]), 403);
    assert_eq!(sent(&[("origin", "https://evil.example")], &[right]), 403);
    assert_eq!(sent(&[("origin", "null")], &[right]), 403);
    assert_eq!(sent(&[("sec-fetch-site", "cross-site")], &[right]), 403);
    let stranger = [("origin", "https://evil.example")];
    assert_eq!(post(daemon.admin, "/login", &stranger, &[("token", TOKEN)]).status, 403);
    // By GET there is nothing to do at all.
    let got = visitor.get(&format!("{path}?csrf={csrf}&reason=a"));
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
    // A name that leads here, but is none of ours.
    let mut connection = Connection::open(daemon.admin);
    connection.send("GET /login HTTP/1.1\r\nhost: rebound.example\r\n\r\n");
    let answer = connection.answer();
    assert_eq!(answer.status, 421);
    assert!(answer.text().contains("--admin-host"));
    assert_eq!(daemon.database().count("orphan_transactions WHERE resolved_at IS NOT NULL"), 0);
    assert_eq!(sent(&[("origin", "http://payhookd")], &[right]), 303);
    assert_eq!(daemon.database().count("orphan_transactions WHERE resolved_at IS NOT NULL"), 1);
}

#[test]
fn an_orphan_is_seen_attached_and_dismissed() {
    let daemon = start();
    for name in ["1", "2", "3"] {
        let event = StripeSample::new("payment_intent.succeeded", name).body();
        assert_eq!(daemon.deliver_stripe(event).status, 200);
    }
    let visitor = Visitor::of(&daemon);
    let list = visitor.page("/orphans");
    assert!(list.contains("href=\"/orphans/1\"") && list.contains("href=\"/orphans/2\""));
    let shown = visitor.page("/orphans/1");
    assert!(shown.contains("pi_1") && shown.contains("No transaction is registered"), "{shown}");
    assert!(shown.contains("https://dashboard.stripe.com/payments/pi_1"), "{shown}");

    let answer = visitor.post("/orphans/1/attach", &[("transaction", "A-1"), ("note", "")]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/orphans/1")));
    assert!(visitor.page("/orphans/1").contains("No transaction has “A-1”."));
    // It is told once.
    assert!(!visitor.page("/orphans/1").contains("No transaction has “A-1”."));

    let app = App::with_token(&daemon, TOKEN);
    let registered = app.register(&json!({
        "provider": "stripe", "reference": "pi_other", "order_id": "A-1", "amount": 4999,
        "currency": "EUR",
    }));
    assert_eq!(registered.status, 201);
    let id = registered.json()["id"].to_string();
    let said = [("transaction", "A-1"), ("note", "the buyer paid twice")];
    assert_eq!(visitor.post("/orphans/1/attach", &said).status, 303);
    let shown = visitor.page("/orphans/1");
    assert!(shown.contains(&format!("Attached to transaction {id}")), "{shown}");
    assert!(shown.contains("the buyer paid twice"), "{shown}");

    assert_eq!(visitor.post("/orphans/2/dismiss", &[("reason", " ")]).status, 303);
    assert!(visitor.page("/orphans/2").contains("Enter a reason"));
    assert_eq!(visitor.post("/orphans/2/dismiss", &[("reason", "a trial")]).status, 303);
    assert!(visitor.page("/orphans/2").contains("a trial"));
    let long = "x".repeat(1_001);
    assert_eq!(visitor.post("/orphans/3/foreign", &[("note", &long)]).status, 303);
    assert!(visitor.page("/orphans/3").contains("more than 1000 characters"));
    assert_eq!(visitor.post("/orphans/3/foreign", &[("note", "the other shop")]).status, 303);
    let shown = visitor.page("/orphans/3");
    assert!(shown.contains("Another shop’s.") && shown.contains("the other shop"), "{shown}");
    assert_eq!(
        daemon.database().rows(
            "SELECT id, kind, resolution, resolved_by, note FROM orphan_transactions ORDER BY id"
        ),
        [
            "1|early|matched|person|the buyer paid twice",
            "2|early|dismissed|person|a trial",
            "3|foreign|dismissed|person|the other shop"
        ]
    );
    assert!(visitor.page("/orphans").contains("No open orphans."));
    assert_eq!(visitor.post("/orphans/9/dismiss", &[("reason", "x")]).status, 404);
}

#[test]
fn an_orphan_tells_who_paid_and_its_transaction_is_searched_for() {
    let daemon = start();
    let mut event: Value =
        serde_json::from_str(&StripeSample::new("payment_intent.succeeded", "1").body())
            .expect("JSON");
    event["data"]["object"]["receipt_email"] = json!("<i>ann</i>@shop.example");
    assert_eq!(daemon.deliver_stripe(event.to_string()).status, 200);
    let visitor = Visitor::of(&daemon);
    let payer = "&lt;i&gt;ann&lt;/i&gt;@shop.example";
    for path in ["/orphans", "/orphans/1"] {
        let page = visitor.page(path);
        assert!(page.contains(payer) && !page.contains("<i>"), "{path}: {page}");
    }
    assert!(visitor.page("/orphans/1").contains("No likely transaction"));

    let app = App::with_token(&daemon, TOKEN);
    let ids: Vec<String> = [
        ("stripe", "pi_7", "B-7", 700),
        ("stripe", "pi_8", "B-8", 4999),
        ("paypal", "5O190127TN364715T", "B-9", 800),
    ]
    .map(|(provider, reference, order_id, amount)| {
        let registered = app.register(&json!({
            "provider": provider, "reference": reference, "order_id": order_id,
            "amount": amount, "currency": "EUR",
        }));
        assert_eq!(registered.status, 201);
        registered.json()["id"].to_string()
    })
    .into();
    let offered = |query: &str| -> Vec<String> {
        let page = visitor.page(&format!("/orphans/1{query}"));
        let links = page.split("href=\"/transactions/").skip(1);
        links.map(|rest| rest.split('"').next().expect("an end").to_owned()).collect()
    };
    // Its amount alone; what is searched for, of its provider, the likeliest first; nothing.
    assert_eq!(offered(""), ids[1..2]);
    assert_eq!(offered("?q=b-"), [&*ids[1], &ids[0]]);
    assert_eq!(offered("?q=7.00"), ids[..1]);
    assert_eq!(offered("?q=B-9"), [""; 0]);
    let none = visitor.page("/orphans/1?q=%3Cscript%3E");
    assert!(none.contains("No transaction of this provider has “&lt;script&gt;”."), "{none}");
    assert_eq!(visitor.post("/orphans/1/attach", &[("transaction", &ids[0])]).status, 303);
    assert_eq!(offered("?q=B-8"), [""; 0], "it has its transaction");
}

#[test]
fn it_speaks_the_language_that_is_set_or_liked() {
    let daemon = start();
    let visitor = Visitor::of(&daemon);
    let french = visitor.get_with("/orphans", &[("accept-language", "fr-FR,fr;q=0.9,en;q=0.5")]);
    assert!(
        french.text().contains("<html lang=\"fr\">")
            && french.text().contains("Aucun orphelin ouvert.")
    );
    assert!(visitor.page("/orphans").contains("<html lang=\"en\">"));
    let daemon = start_with(Options::stripe().variable("PAYHOOKD_LANGUAGE", "fr"));
    assert!(Visitor::of(&daemon).page("/orphans").contains("<html lang=\"fr\">"));
}

#[test]
fn what_is_not_understood_is_said_and_changes_nothing() {
    let daemon = start();
    let visitor = Visitor::of(&daemon);
    for (path, status) in [
        ("/orphans/0", 404),
        ("/orphans/x", 404),
        ("/orphans/99", 404),
        ("/orphans/%ff", 404),
        ("/orphans?kind=%3Cscript%3E", 400),
        ("/orphans?cursor=-1", 400),
        ("/orphans?strange=1", 400),
    ] {
        let answer = visitor.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains("<h1>") && !answer.text().contains("<script>"), "{path}");
    }
    let large = "x".repeat(100_000);
    assert_eq!(visitor.post("/logout", &[("csrf", &large)]).status, 413);
    let twice =
        [("cookie", &*visitor.cookie), ("content-type", "application/x-www-form-urlencoded")];
    let mut connection = Connection::open(daemon.admin);
    assert_eq!(connection.request("POST", "/logout", &twice, "csrf=a&csrf=b").status, 400);
    assert_eq!(visitor.get("/").status, 200);
    for wrong in [("PAYHOOKD_TIME_ZONE", "Mars/Olympus"), ("PAYHOOKD_LANGUAGE", "de")] {
        let output = Options::stripe().variable(wrong.0, wrong.1).start_refused();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}
