//! What the browser keeps from the dashboard, with a real one: scripts and sites of others.

use serde_json::json;

use crate::reading::browser_flows::log_in;
use crate::support::browser::{Browser, Scripts};
use crate::support::browser_shop::Shop;
use crate::support::fake::{Fake, Reply};

#[test]
fn the_browser_runs_and_loads_nothing_that_is_not_the_pages_own() {
    let shop = Shop::new();
    let elsewhere = Fake::start(|_| Reply::ok("window.ran = 1"));
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    log_in(&browser);
    let inject = "
        const element = (name, values) =>
            document.body.append(Object.assign(document.createElement(name), values));
        window.violated = [];
        document.addEventListener('securitypolicyviolation', violation => {
            window.violated = [...new Set([...window.violated, violation.effectiveDirective])].sort();
        });
        element('script', {textContent: 'window.inline = 1'});
        element('script', {src: arguments[0]});
        element('img', {src: arguments[0]});
        element('style', {textContent: 'body { color: red }'});
        fetch(arguments[0]).catch(() => null);";
    let address = json!(format!("http://{}/", elsewhere.address));
    browser.run(inject, std::slice::from_ref(&address));
    let refused = json!(["connect-src", "img-src", "script-src-elem", "style-src-elem"]);
    browser.wait("all of it refused", || {
        (browser.run("return window.violated", &[]) == refused).then_some(())
    });
    let ran = "return [window.inline, window.ran]";
    assert_eq!(browser.run(ran, &[]), json!([null, null]));
    assert_eq!(elsewhere.asked().len(), 0);
    assert!(browser.console().iter().all(|line| line.contains("Content Security Policy")));
    // Without the policy all of it happens: what was seen is the policy's work.
    browser.devtools("Page.setBypassCSP", &json!({"enabled": true}));
    browser.open("/");
    browser.run(inject, &[address]);
    browser.wait("all of it done", || (browser.run(ran, &[]) == json!([1, 1])).then_some(()));
}

#[test]
fn no_other_site_sends_its_forms_or_shows_it_in_a_frame() {
    let shop = Shop::new();
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    log_in(&browser);
    assert_eq!(browser.run("return document.cookie", &[]), "", "scripts see no cookie");
    let orphan = format!("/orphans/{}", shop.ids("orphan_transactions")[0]);
    let (to, admin) = (orphan.clone(), shop.daemon.admin);
    let elsewhere = Fake::start(move |_| {
        let page = format!(
            "<!doctype html><iframe src='http://{admin}/'></iframe>
             <form method=post action='http://{admin}{to}/dismiss'>
             <input name=reason value=stolen><button>Win</button></form>"
        );
        Reply::Answer(200, Some(("content-type", "text/html".to_owned())), page)
    });
    // Another port of the same site, which gets the cookie sent along, and another site.
    for host in ["127.0.0.1", "localhost"] {
        browser.visit(&format!("http://{host}:{}/", elsewhere.address.port()));
        browser.wait("the frame refused", || {
            let said = browser.console();
            said.iter().any(|line| line.contains("frame-ancestors")).then_some(())
        });
        browser.click("form button");
        browser.shows("h1", "This form was rejected");
        assert_eq!(shop.daemon.database().count("orphan_transactions WHERE note = 'stolen'"), 0);
    }
    // The same form of its own page is taken.
    browser.open(&orphan);
    browser.type_into("#reason", "stolen");
    browser.click("form[action$='/dismiss'] button");
    browser.shows("[role=status]", "Done.");
}
