//! Every page for everybody: held against axe-core's rules in each theme, language and width.

use std::fmt::Write;

use serde_json::json;

use crate::reading::browser_flows::log_in;
use crate::support::browser::{self, Browser, Scripts};
use crate::support::browser_shop::Shop;

/// How a page is looked at: width and height, theme, language.
const LOOKS: &[(u32, u32, &str, &str)] = &[
    (1280, 800, "light", "en"),
    (1280, 800, "dark", "fr"),
    (320, 640, "light", "fr"),
    (320, 640, "dark", "en"),
];

#[test]
fn no_page_keeps_anybody_out() {
    let Some(axe) = browser::axe() else { return };
    let shop = Shop::new();
    let Some(browser) = Browser::start(&shop.daemon, Scripts::Run) else { return };
    let mut faults = String::new();
    let mut check = |path: &str| {
        for (width, height, theme, language) in LOOKS {
            browser.resize(*width, *height);
            browser.prefer(theme);
            browser.speak(language);
            browser.open(path);
            assert_eq!(browser.run("return document.documentElement.lang", &[]), *language);
            let too_wide = browser.run(TOO_WIDE, &[]);
            if too_wide != 0 {
                writeln!(faults, "{path} ({width}, {language}): {too_wide} too wide")
                    .expect("text");
            }
            browser.run(&axe, &[]);
            for fault in browser.run_async(AXE, &[]).as_array().expect("faults") {
                let look = format!("{width}, {theme}, {language}");
                writeln!(faults, "{path} ({look}): {fault}").expect("a text takes all");
            }
        }
    };
    check("/login");
    log_in(&browser);
    shop.pages(&browser).iter().for_each(|path| check(path));
    assert!(faults.is_empty(), "{faults}");

    // It finds what there is to be found.
    browser.run(
        "const image = document.createElement('img');
         image.src = document.querySelector('link[rel=icon]').href;
         document.getElementById('main').append(image);",
        &[],
    );
    let found = browser.run_async(AXE, &[]);
    assert_eq!(found.as_array().map(|faults| faults[0]["rule"].clone()), Some(json!("image-alt")));
}

/// How far a page goes beyond its window to the right.
const TOO_WIDE: &str =
    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

/// The faults that axe-core calls serious or critical.
const AXE: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, {resultTypes: ['violations']}).then(found => done(found.violations
        .filter(fault => fault.impact === 'serious' || fault.impact === 'critical')
        .map(fault => ({
            rule: fault.id,
            help: fault.help,
            at: fault.nodes.map(node => node.html + ' ' + node.failureSummary),
        }))), error => done([String(error)]));";
