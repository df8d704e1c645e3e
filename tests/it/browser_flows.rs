//! What people do in the dashboard, with a real browser.

use serde_json::json;

use crate::admin::App;
use crate::browser::{Browser, ENTER, Scripts, TAB};
use crate::daemon::{Daemon, Options};
use crate::dashboard::{TOKEN, start_with};
use crate::fake::{Fake, Reply};
use crate::provider::StripeSample;

/// A daemon with two orphans and a transaction that nobody has paid.
pub(crate) fn shop() -> Daemon {
    let daemon = start_with(Options::stripe());
    for name in ["1", "2"] {
        pay(&daemon, name);
    }
    let registered = App::with_token(&daemon, TOKEN).register(&json!({
        "provider": "stripe", "reference": "pi_other", "order_id": "A-1", "amount": 4999,
        "currency": "EUR",
    }));
    assert_eq!(registered.status, 201);
    daemon
}

/// A payment that matches nothing.
fn pay(daemon: &Daemon, name: &str) {
    let event = StripeSample::new("payment_intent.succeeded", name).body();
    assert_eq!(daemon.deliver_stripe(event).status, 200);
}

/// Logs in and is at the overview.
pub(crate) fn log_in(browser: &Browser) {
    browser.open("/login");
    browser.type_into("#token", TOKEN);
    browser.click("form[action='/login'] button");
    browser.arrives_at("/");
}

fn log_out(browser: &Browser) {
    browser.click("form[action='/logout'] button");
    browser.arrives_at("/login");
}

/// Attaches the first orphan and dismisses the second.
fn resolve(browser: &Browser, daemon: &Daemon) {
    browser.click("a[href='/orphans']");
    browser.arrives_at("/orphans");
    browser.click("a[href='/orphans/1']");
    browser.arrives_at("/orphans/1");
    browser.type_into("#transaction", "A-2");
    browser.click("form[action='/orphans/1/attach'] button");
    browser.shows("[role=alert]", "No transaction has “A-2”.");
    browser.type_into("#transaction", "A-1");
    browser.type_into("#note", "the buyer paid twice");
    browser.click("form[action='/orphans/1/attach'] button");
    browser.shows("[role=status]", "Done.");
    browser.shows("#state", "the buyer paid twice");

    browser.open("/orphans/2");
    browser.type_into("#reason", "a trial");
    browser.click("form[action='/orphans/2/dismiss'] button");
    browser.shows("#state", "a trial");
    assert_eq!(
        daemon.database().rows("SELECT resolution, note FROM orphan_transactions ORDER BY id"),
        ["matched|the buyer paid twice", "dismissed|a trial"]
    );
    browser.click("a[href='/orphans']");
    browser.shows("#orphans", "Nothing to see to.");
}

#[test]
fn people_log_in_resolve_orphans_and_log_out() {
    let daemon = shop();
    let Some(browser) = Browser::start(&daemon, Scripts::Run) else { return };
    browser.open("/orphans/1");
    browser.arrives_at("/login?next=/orphans/1");
    browser.type_into("#token", "something else");
    browser.click("form[action='/login'] button");
    browser.shows("[role=alert]", "That is not the token.");
    // The refusal itself is what the browser complains of.
    let refused = browser.console();
    assert!(refused.len() == 1 && refused[0].contains("403"), "{refused:?}");
    browser.type_into("#token", TOKEN);
    browser.click("form[action='/login'] button");
    browser.arrives_at("/orphans/1");
    browser.shows("h1", "49.99");
    browser.click("a.brand");
    browser.arrives_at("/");
    browser.shows("#main", "Stripe, live");

    resolve(&browser, &daemon);

    let cookie = browser.cookie();
    log_out(&browser);
    browser.open("/orphans/1");
    browser.arrives_at("/login?next=/orphans/1");
    browser.set_cookie(&cookie);
    browser.open("/");
    browser.arrives_at("/login");
    browser.assert_clean();
}

#[test]
fn all_of_it_is_done_without_scripts() {
    let daemon = shop();
    let Some(browser) = Browser::start(&daemon, Scripts::Off) else { return };
    log_in(&browser);
    resolve(&browser, &daemon);
    log_out(&browser);
    // They are really off: the browser didn't even ask for ours.
    assert!(browser.requested().iter().all(|url| !url.ends_with(".js")));
}

#[test]
fn all_of_it_is_done_by_the_keyboard() {
    let daemon = shop();
    let Some(browser) = Browser::start(&daemon, Scripts::Run) else { return };
    browser.open("/orphans");
    // The field has the focus already.
    browser.press(TOKEN);
    browser.press(ENTER);
    browser.arrives_at("/orphans");
    browser.press(TAB);
    assert_eq!(focused(&browser), "a.skip");
    assert_eq!(browser.run("return document.activeElement.getBoundingClientRect().x", &[]), 0);
    browser.press(ENTER);
    assert_eq!(focused(&browser), "main");
    tab_to(&browser, "/orphans/2");
    browser.press(ENTER);
    browser.arrives_at("/orphans/2");
    tab_to(&browser, "reason");
    browser.press("a trial");
    browser.press(ENTER);
    browser.shows("[role=status]", "Done.");
    assert_eq!(daemon.database().count("orphan_transactions WHERE note = 'a trial'"), 1);
}

/// What has the focus: its address or name, or what it is.
fn focused(browser: &Browser) -> String {
    let focused = browser.run(
        "const e = document.activeElement;
         return e.matches('.skip') ? 'a.skip' : e.getAttribute('href') || e.name || e.localName;",
        &[],
    );
    focused.as_str().expect("a name").to_owned()
}

/// Presses Tab until something has the focus; each stop is seen to be one.
fn tab_to(browser: &Browser, wanted: &str) {
    for _ in 0..100 {
        browser.press(TAB);
        let outline = "return getComputedStyle(document.activeElement).outlineStyle";
        assert_ne!(browser.run(outline, &[]), "none", "{} is not seen", focused(browser));
        if focused(browser) == wanted {
            return;
        }
    }
    panic!("Tab never comes to {wanted}");
}

#[test]
fn the_page_changes_under_whoever_looks_and_leaves_them_in_peace() {
    let daemon = shop();
    for number in 3..40 {
        pay(&daemon, &number.to_string());
    }
    let Some(browser) = Browser::start(&daemon, Scripts::Run) else { return };
    log_in(&browser);
    browser.open("/orphans");
    browser.resize(1_000, 500);
    let look = "return [window.mine, document.activeElement.getAttribute('href')]";
    let place = || {
        let row = "return document.getElementById('orphan-20').getBoundingClientRect().top";
        browser.run(row, &[]).as_f64().expect("a place")
    };
    browser.run(
        "window.mine = 1;
         const link = document.querySelector('#orphan-20 a');
         link.focus({preventScroll: true});
         link.scrollIntoView({block: 'center', behavior: 'instant'});",
        &[],
    );
    let before = place();
    pay(&daemon, "new");
    browser.wait("the new orphan", || (browser.count("#orphan-41") == 1).then_some(()));
    assert_eq!(browser.run(look, &[]), json!([1, "/orphans/20"]));
    // A browser rounds where it scrolls to; a row is many times as high.
    assert!((place() - before).abs() < 2.0, "{} was at {before}", place());

    browser.open("/orphans/1");
    browser.run("window.mine = 1", &[]);
    browser.type_into("#note", "half a sen");
    let dismissed = App::with_token(&daemon, TOKEN)
        .post("/api/v1/orphans/1/resolve", json!({"dismiss": "elsewhere"}).to_string());
    assert_eq!(dismissed.status, 200, "{}", dismissed.text());
    browser.shows("#state", "elsewhere");
    browser.press("tence");
    let typed = browser.run("return [window.mine, document.getElementById('note').value]", &[]);
    assert_eq!(typed, json!([1, "half a sentence"]));
    browser.assert_clean();
}

#[test]
fn the_browser_runs_and_loads_nothing_that_is_not_the_pages_own() {
    let daemon = shop();
    let elsewhere = Fake::start(|_| Reply::ok("window.ran = 1"));
    let Some(browser) = Browser::start(&daemon, Scripts::Run) else { return };
    log_in(&browser);
    let inject = "
        const [address, done] = arguments;
        const violations = [];
        const element = (name, values) =>
            document.body.append(Object.assign(document.createElement(name), values));
        document.addEventListener('securitypolicyviolation', violation => {
            violations.push(violation.effectiveDirective);
        });
        element('script', {textContent: 'window.ran = 1'});
        element('script', {src: address});
        element('img', {src: address});
        element('style', {textContent: 'body { color: red }'});
        element('a', {href: 'javascript:window.ran = 1'});
        document.body.lastChild.click();
        fetch(address).catch(() => null).finally(() => setTimeout(() =>
            done([window.ran === undefined, [...new Set(violations)].sort()]), 100));";
    let address = json!(format!("http://{}/", elsewhere.address));
    assert_eq!(
        browser.run_async(inject, std::slice::from_ref(&address)),
        json!([true, ["connect-src", "img-src", "script-src-elem", "style-src-elem"],])
    );
    assert_eq!(elsewhere.asked().len(), 0);
    assert!(browser.console().iter().all(|line| line.contains("Content Security Policy")));
    // Without the policy all of it happens: what was seen is the policy's work.
    browser.devtools("Page.setBypassCSP", &json!({"enabled": true}));
    browser.open("/");
    assert_eq!(browser.run_async(inject, &[address])[0], false);
    assert!(!elsewhere.asked().is_empty());
}
