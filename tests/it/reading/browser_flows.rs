//! What people do in the dashboard, with a real browser.

use serde_json::json;

use crate::reading::dashboard::{TOKEN, start_with};
use crate::support::app::wait_until_all;
use crate::support::browser::{Browser, ENTER, Scripts, TAB};
use crate::support::browser_shop::Shop;
use crate::support::daemon::Options;
use crate::support::provider::StripeSample;
use crate::support::wire::Connection;

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
fn resolve(browser: &Browser, shop: &Shop) {
    let orphans = shop.ids("orphan_transactions");
    browser.click("a[href='/orphans']");
    browser.arrives_at("/orphans");
    let first = format!("/orphans/{}", orphans[0]);
    browser.click(&format!("a[href='{first}']"));
    browser.arrives_at(&first);
    let attach = format!("form.card[action='{first}/attach'] button");
    browser.type_into("#transaction", "A-2");
    browser.click(&attach);
    browser.shows("[role=alert]", "No transaction has “A-2”.");
    browser.type_into("#transaction", "order-due");
    browser.type_into("#note", "the buyer paid twice");
    browser.click(&attach);
    browser.shows("[role=status]", "Done.");
    browser.shows("#state", "the buyer paid twice");

    let second = format!("/orphans/{}", orphans[1]);
    browser.open(&second);
    browser.type_into("#reason", "a trial");
    browser.click(&format!("form[action='{second}/dismiss'] button"));
    browser.shows("#state", "a trial");
    assert_eq!(
        shop.daemon.database().rows("SELECT resolution, note FROM orphan_transactions ORDER BY id"),
        ["matched|the buyer paid twice", "dismissed|a trial", "-|-"]
    );
    browser.click("a[href='/orphans']");
    browser.arrives_at("/orphans");
    browser.shows("#orphans", "PayPal");
    assert_eq!(browser.count(&format!("#orphan-{}", orphans[0])), 0);
}

#[test]
fn people_log_in_resolve_orphans_and_log_out() {
    let shop = Shop::new();
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    browser.open("/transactions/1");
    browser.arrives_at("/login?next=/transactions/1");
    browser.type_into("#token", "something else");
    browser.click("form[action='/login'] button");
    browser.shows("[role=alert]", "Wrong token.");
    // The refusal itself is what the browser complains of.
    let refused = browser.console();
    assert!(refused.len() == 1 && refused[0].contains("403"), "{refused:?}");
    browser.type_into("#token", TOKEN);
    browser.click("form[action='/login'] button");
    browser.arrives_at("/transactions/1");
    browser.shows("h1", "49.99");
    browser.shows("#state", "order-paid");
    browser.click("a.brand");
    browser.arrives_at("/");
    browser.shows("#main", "Stripe, test");

    resolve(&browser, &shop);

    let cookie = browser.cookie();
    log_out(&browser);
    // What was seen is not kept for whoever comes next.
    browser.back();
    browser.arrives_at("/login?next=/orphans");
    browser.open("/orphans");
    browser.arrives_at("/login?next=/orphans");
    browser.set_cookie(&cookie);
    browser.open("/");
    browser.arrives_at("/login");
    browser.assert_clean();
}

#[test]
fn an_orphan_is_attached_to_what_is_offered() {
    let shop = Shop::new();
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    log_in(&browser);
    let orphan = format!("/orphans/{}", shop.ids("orphan_transactions")[0]);
    browser.open(&orphan);
    browser.shows("#candidates", "order-due");
    browser.click("#candidates form[action$='/attach'] button");
    browser.shows("[role=status]", "Done.");
    assert_eq!(browser.count("#candidates"), 0);
    let due = "SELECT status FROM transactions WHERE order_id = 'order-due'";
    assert_eq!(shop.daemon.database().rows(due), ["succeeded"]);
    browser.assert_clean();
}

#[test]
fn an_event_is_read_again_when_its_preview_was_seen() {
    let options = Options::stripe();
    let daemon = start_with(options.clone());
    let registered = crate::support::admin::App::with_token(&daemon, TOKEN).register(&json!({
        "provider": "stripe", "reference": "pi_other", "order_id": "C-1", "amount": 4999,
        "currency": "EUR",
    }));
    assert_eq!(registered.status, 201);
    let event = StripeSample::new("payment_intent.succeeded", "1").order("C-1").body();
    assert_eq!(daemon.deliver_stripe(event.replace("\"order_id\"", "\"cart\"")).status, 200);
    drop(daemon);
    // The shop notices that it keeps its order ids elsewhere.
    let daemon = start_with(options.arg("--order-id-key").arg("cart"));
    let Some(browser) = Browser::start(&daemon, Scripts::Run) else { return };
    log_in(&browser);
    browser.click("a[href='/events']");
    browser.click("a[href='/events/1']");
    browser.click("a[href='/events/1/replay']");
    browser.shows("#main", "It would be applied");
    browser.click("form[action='/events/1/replay'] button");
    browser.arrives_at("/events/1");
    browser.shows("[role=status]", "Replayed: applied.");
    let transaction = registered.json()["id"].to_string();
    browser.click(&format!("a[href='/transactions/{transaction}']"));
    browser.shows("#state", "succeeded");
    let state = "SELECT status, amount_received FROM transactions";
    assert_eq!(daemon.database().rows(state), ["succeeded|4999"]);
    browser.assert_clean();
}

#[test]
fn the_app_is_told_again_of_one_change_and_of_all_that_were_given_up() {
    let shop = Shop::new();
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    log_in(&browser);
    shop.app.recovers();
    browser.click("a[href='/deliveries']");
    browser.click("a[href='/deliveries/1']");
    browser.shows("#state", "failed");
    browser.shows("#state", "410");
    browser.click("form[action='/deliveries/1/retry'] button");
    browser.shows("[role=status]", "Done.");
    browser.shows("#state", "200");
    let left = shop.daemon.database().count("deliveries WHERE status = 'dead'");
    assert!(left > 1);
    browser.open("/deliveries");
    browser.click("a[href='/deliveries/retry']");
    browser.shows("#number", &format!("Failed: {left}."));
    browser.click("form[action='/deliveries/retry'] button");
    browser.arrives_at("/deliveries?status=pending");
    browser.shows("[role=status]", &format!("Queued for retry: {left}."));
    wait_until_all(shop.daemon.options(), "delivered");
    browser.assert_clean();
}

#[test]
fn all_of_it_is_done_without_scripts() {
    let shop = Shop::new();
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Off) else { return };
    log_in(&browser);
    resolve(&browser, &shop);
    shop.app.recovers();
    browser.open("/deliveries/1");
    browser.click("form[action='/deliveries/1/retry'] button");
    browser.shows("[role=status]", "Done.");
    browser.open("/events/1/replay");
    browser.click("form[action='/events/1/replay'] button");
    browser.shows("[role=status]", "Done.");
    browser.open("/issues");
    browser.click("#issues form[action$='/dismiss'] button");
    browser.shows("[role=status]", "No more alerts about it");
    browser.arrives_at("/issues");
    browser.open("/transactions/2");
    browser.click("form[action='/transactions/2/close'] input[name=even_if_paid]");
    browser.click("form[action='/transactions/2/close'] button");
    browser.shows("[role=status]", "The transaction is closed.");
    browser.open("/transactions");
    browser.type_into("input[name=q]", "order-paid");
    browser.press(ENTER);
    browser.arrives_at("/transactions?q=order-paid");
    assert_eq!((browser.count("#transaction-1"), browser.count("#transaction-2")), (1, 0));
    log_out(&browser);
    // They are really off: the browser didn't even ask for ours.
    assert!(browser.requested().iter().all(|url| !url.ends_with(".js")));
}

#[test]
fn all_of_it_is_done_by_the_keyboard() {
    let shop = Shop::new();
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
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
    let orphan = format!("/orphans/{}", shop.ids("orphan_transactions")[1]);
    tab_to(&browser, &orphan);
    browser.press(ENTER);
    browser.arrives_at(&orphan);
    tab_to(&browser, "reason");
    browser.press("a trial");
    browser.press(ENTER);
    browser.shows("[role=status]", "Done.");
    assert_eq!(shop.daemon.database().count("orphan_transactions WHERE note = 'a trial'"), 1);

    tab_to(&browser, "/issues");
    browser.press(ENTER);
    browser.arrives_at("/issues");
    browser.shows("#issues", "The shop's app does not know of changes");
    let shown = browser.count("#issues li");
    // The worst leads to what it is about; after that one says that one knows.
    tab_to(&browser, "/deliveries?status=dead");
    browser.press(TAB);
    let described = "return document.getElementById(
        document.activeElement.getAttribute('aria-describedby')).textContent";
    let first = "return document.querySelector('#issues li b').textContent";
    assert_eq!(browser.run(described, &[]), browser.run(first, &[]), "the worst is first");
    browser.press(ENTER);
    browser.shows("[role=status]", "No more alerts about it");
    assert_eq!(browser.path(), "/issues");
    assert_eq!(browser.count("#issues li"), shown - 1);
    let known = "issues WHERE dismissed_at IS NOT NULL AND kind = 'dead_letter'";
    assert_eq!(shop.daemon.database().count(known), 1);
    browser.assert_clean();
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
    let shop = Shop::new();
    for number in 0..40 {
        shop.is_paid(&number.to_string());
    }
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    log_in(&browser);
    browser.open("/orphans");
    browser.resize(1_000, 500);
    let orphans = shop.ids("orphan_transactions");
    let row = json!(format!("orphan-{}", orphans[20]));
    let place = || {
        let place = "return document.getElementById(arguments[0]).getBoundingClientRect().top";
        browser.run(place, std::slice::from_ref(&row)).as_f64().expect("a place")
    };
    browser.run(
        "window.mine = 1;
         const link = document.querySelector(`#${arguments[0]} a`);
         link.focus({preventScroll: true});
         link.scrollIntoView({block: 'center', behavior: 'instant'});",
        std::slice::from_ref(&row),
    );
    let before = place();
    shop.is_paid("new");
    let new = shop.ids("orphan_transactions").pop().expect("an orphan");
    browser.shows(&format!("#orphan-{new}"), "pi_new");
    let kept = "return [window.mine, document.activeElement.getAttribute('href')]";
    assert_eq!(browser.run(kept, &[]), json!([1, format!("/orphans/{}", orphans[20])]));
    // A browser rounds where it scrolls to; a row is many times as high.
    assert!((place() - before).abs() < 2.0, "{} was at {before}", place());

    let first = &orphans[0];
    browser.open(&format!("/orphans/{first}"));
    browser.run("window.mine = 1", &[]);
    browser.type_into("#note", "half a sen");
    let dismissed = shop.api().post(
        &format!("/api/v1/orphans/{first}/resolve"),
        json!({"dismiss": "elsewhere"}).to_string(),
    );
    assert_eq!(dismissed.status, 200, "{}", dismissed.text());
    browser.shows("#state", "elsewhere");
    browser.press("tence");
    let typed = browser.run("return [window.mine, document.getElementById('note').value]", &[]);
    assert_eq!(typed, json!([1, "half a sentence"]));
    browser.assert_clean();

    // The session ends in another tab.
    let csrf = browser.run("return document.querySelector('[name=csrf]').value", &[]);
    let fields = format!("csrf={}", csrf.as_str().expect("a value"));
    let cookie = format!("payhookd={}", browser.cookie());
    let ended = Connection::open(shop.daemon.admin).request(
        "POST",
        "/logout",
        &[("cookie", &cookie), ("content-type", "application/x-www-form-urlencoded")],
        fields,
    );
    assert_eq!(ended.status, 303);
    browser.arrives_at(&format!("/login?next=/orphans/{first}"));
}
