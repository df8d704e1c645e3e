//! What nobody means well with, in a real browser: it is text, and in nobody's way.

use serde_json::json;

use crate::reading::browser_flows::log_in;
use crate::support::browser::{Browser, Scripts};
use crate::support::browser_shop::Shop;

/// No page needs more bytes, with all that it loads.
const MOST_BYTES: u64 = 60_000;

/// Scripts, quotes, elements, entities, text from right to left, in ten thousand characters without
/// a space.
fn hostile(text: &str) -> String {
    let mean = "<script>window.ran=1;alert(1)</script>\"'`><img/src=x/onerror=\"window.ran=1\">\
                <b/class=hostile>--></title></textarea></pre>&lt;&#0;%00\\\u{202e}\u{5e9}\u{5dc}\u{202c}";
    let all: String = text.chars().chain(mean.chars().cycle()).take(10_000).collect();
    all
}

#[test]
fn whatever_anybody_says_is_text_that_stays_within_its_page() {
    let shop = Shop::in_words_of(hostile);
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    // What holds here is the pages' own doing, not their policy's.
    browser.devtools("Page.setBypassCSP", &json!({"enabled": true}));
    browser.resize(320, 640);
    log_in(&browser);
    let orphans = shop.ids("orphan_transactions");
    browser.open(&format!("/orphans/{}", orphans[1]));
    browser.run(
        "document.getElementById('reason').value = arguments[0]",
        &[hostile("a trial").chars().take(1_000).collect::<String>().into()],
    );
    browser.click("form[action$='/dismiss'] button");
    browser.shows("#state", "a trial<script>");
    browser.run(
        "document.getElementById('transaction').value = arguments[0]",
        &[hostile("A-1").into()],
    );
    browser.click("form.card[action$='/attach'] button");
    browser.shows("[role=alert]", "A-1<script>");
    browser.assert_clean();

    browser.open("/");
    let mut pages = shop.pages(&browser);
    shop.is_busy(hostile);
    for path in ["/transactions?q=", "/events?event_type=", "/login?next=/orphans?kind="] {
        let said = hostile("").chars().take(1_000).collect::<String>();
        let encoded: String = said.bytes().map(|byte| format!("%{byte:02x}")).collect();
        pages.push(format!("{path}{encoded}"));
    }
    let mut faults = Vec::new();
    for path in pages {
        let shown = &path[..path.len().min(40)];
        browser.open(&path);
        let seen = browser.run(LOOK, &[]);
        if !(seen["hostile"] == 0 && seen["ran"] == false && seen["wide"] == json!([])) {
            faults.push(format!("{shown}: {seen}"));
        }
        if seen["bytes"].as_u64().is_none_or(|bytes| bytes > MOST_BYTES) {
            faults.push(format!("{shown}: {} bytes", seen["bytes"]));
        }
        let is_of_one =
            path.ends_with(|last: char| last.is_ascii_digit()) && !path.ends_with("/999");
        if is_of_one && !path.contains('?') && seen["text"] != true {
            faults.push(format!("{shown}: not seen as text"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What came of hostile text in a page, with all that is folded opened.
const LOOK: &str = "
    document.querySelectorAll('details').forEach(one => one.open = true);
    const width = document.documentElement.clientWidth;
    const held = element => element && element !== document.body && (
        getComputedStyle(element).overflowX !== 'visible' || held(element.parentElement));
    const wide = [...document.body.querySelectorAll('*')].filter(element =>
        element.getBoundingClientRect().right > width + 1 && !held(element.parentElement));
    const loaded = [...performance.getEntriesByType('navigation'),
                    ...performance.getEntriesByType('resource')];
    return {
        ran: window.ran !== undefined,
        hostile: document.querySelectorAll('.hostile, img, script:not([src])').length,
        wide: document.documentElement.scrollWidth > width
            ? wide.slice(0, 5).map(element => element.outerHTML.slice(0, 300)) : [],
        bytes: loaded.reduce((sum, entry) => sum + entry.decodedBodySize, 0),
        text: document.body.textContent.includes('<script>'),
    };";
