//! A real browser: Chromium without a window, led by chromedriver in the words of
//! [WebDriver](https://www.w3.org/TR/webdriver2/).

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::daemon::{DEADLINE, Daemon};
use crate::support::wire::Connection;

/// Whether a page may run scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    /// As most people have it.
    Run,
    /// Switched off in the browser's settings.
    Off,
}

/// A browser that has nothing in its memory; it is gone when this is dropped.
pub(crate) struct Browser {
    /// `http://127.0.0.1:…`, the daemon's admin listener.
    origin: String,
    session: String,
    connection: RefCell<Connection>,
    _driver: Driver,
    /// One at a time: they take more than anything else here.
    _alone: MutexGuard<'static, ()>,
}

/// chromedriver and the folder of its browser.
struct Driver {
    child: Child,
    /// Never closed while it runs: it writes to it.
    _stdout: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Browser {
    /// Starts one that looks at a daemon's dashboard in English. `None`, said in words, where there is
    /// no browser and none is required.
    pub(crate) fn start(daemon: &Daemon, scripts: Scripts) -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let binary = installed("chromium")?;
        let chromedriver = installed("chromedriver")?;
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().expect("a folder");
        let mut preferences = json!({"intl.accept_languages": "en"});
        if scripts == Scripts::Off {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let flags: Vec<&str> = FLAGS.iter().copied().chain([&*profile]).collect();
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {
                "binary": binary,
                "args": flags,
                "prefs": preferences,
                "perfLoggingPrefs": {"enableNetwork": true, "enablePage": false},
            },
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let (driver, address) = Driver::start(&chromedriver, folder);
        let mut browser = Self {
            origin: format!("http://{}", daemon.admin),
            session: String::new(),
            connection: RefCell::new(Connection::open(address)),
            _driver: driver,
            _alone: alone,
        };
        let session = browser.command("POST", "", &capabilities);
        browser.session = format!("/{}", session["sessionId"].as_str().expect("a session"));
        // Its own first page loads much, and is nobody's business.
        browser.visit("about:blank");
        browser.console();
        browser.requested();
        Some(browser)
    }

    /// Goes to a page of the dashboard.
    pub(crate) fn open(&self, path: &str) {
        self.visit(&format!("{}{path}", self.origin));
    }

    /// Goes anywhere.
    pub(crate) fn visit(&self, url: &str) {
        self.command("POST", "/url", &json!({"url": url}));
    }

    /// Goes back to the page before.
    pub(crate) fn back(&self) {
        self.command("POST", "/back", &json!({}));
    }

    /// Where it is: the path, with the query if there is one.
    pub(crate) fn path(&self) -> String {
        let url = self.command("GET", "/url", &Value::Null);
        let url = url.as_str().expect("a URL");
        url.strip_prefix(&*self.origin).unwrap_or_else(|| panic!("it went to {url}")).to_owned()
    }

    /// Waits until it is at this path.
    pub(crate) fn arrives_at(&self, path: &str) {
        self.wait(path, || (self.path() == path).then_some(()));
    }

    /// The text that a person sees of an element, once it is there.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.on(selector, "GET", "text", &Value::Null);
        text.as_str().expect("text").to_owned()
    }

    /// Waits until an element shows this.
    pub(crate) fn shows(&self, selector: &str, text: &str) {
        self.wait(&format!("{text:?} in {selector}"), || {
            self.text(selector).contains(text).then_some(())
        });
    }

    /// How many elements there are of a kind.
    pub(crate) fn count(&self, selector: &str) -> usize {
        let query = json!({"using": "css selector", "value": selector});
        self.command("POST", "/elements", &query).as_array().expect("elements").len()
    }

    /// Clicks on an element, once it is there.
    pub(crate) fn click(&self, selector: &str) {
        self.on(selector, "POST", "click", &json!({}));
    }

    /// Types into a field, once it is there.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.on(selector, "POST", "value", &json!({"text": text}));
    }

    /// Presses and releases keys, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        });
        let keyboard =
            json!({"type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>()});
        self.command("POST", "/actions", &json!({"actions": [keyboard]}));
    }

    /// What a function's body returns that runs in the page, bound by no policy of the page's.
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.command("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// The same of a body whose last argument is to be called with what it comes to.
    pub(crate) fn run_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.command("POST", "/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// A command to Chromium's own [developer tools](https://chromedevtools.github.io/devtools-protocol/).
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) {
        let body = json!({"cmd": command, "params": parameters});
        self.command("POST", "/goog/cdp/execute", &body);
    }

    /// The window from now on, in CSS pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// The theme of the system from now on: `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// The language of the person from now on.
    pub(crate) fn speak(&self, language: &str) {
        let agent = self.run("return navigator.userAgent", &[]);
        let parameters = json!({"userAgent": agent, "acceptLanguage": language});
        self.devtools("Emulation.setUserAgentOverride", &parameters);
    }

    /// What the console said since this was last asked.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.log("browser").into_iter();
        entries.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// The URLs that were asked for since this was last asked.
    pub(crate) fn requested(&self) -> Vec<String> {
        let entries = self.log("performance").into_iter();
        let events = entries.map(|entry| {
            let message = entry["message"].as_str().expect("an event");
            serde_json::from_str::<Value>(message).expect("JSON")["message"].take()
        });
        let sent = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = sent.map(|event| event["params"]["request"]["url"].as_str().map(str::to_owned));
        urls.map(|url| url.expect("a URL")).collect()
    }

    /// Nothing that the browser complained of, and nothing asked of anybody but the daemon.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.console(), [""; 0]);
        let requested = self.requested();
        assert!(!requested.is_empty(), "the browser says what it asks for");
        // `data:` asks nobody: the browser draws its own parts of fields with it.
        let own = |url: &&String| {
            url.starts_with(&format!("{}/", self.origin)) || url.starts_with("data:")
        };
        let elsewhere: Vec<_> = requested.iter().filter(|url| !own(url)).collect();
        assert!(elsewhere.is_empty(), "asked of others: {elsewhere:?}");
    }

    /// The value of the session's cookie.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.command("GET", "/cookie/payhookd", &Value::Null);
        cookie["value"].as_str().expect("a value").to_owned()
    }

    /// Puts a cookie into the browser for the page where it is.
    pub(crate) fn set_cookie(&self, value: &str) {
        self.command("POST", "/cookie", &json!({"cookie": {"name": "payhookd", "value": value}}));
    }

    /// Waits until there is something.
    pub(crate) fn wait<T>(&self, what: &str, mut there: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = there() {
                return found;
            }
            if began.elapsed() > DEADLINE {
                let shown = self.attempt("GET", "/source", &Value::Null);
                panic!("waited in vain for {what}; the page is {shown:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.command("POST", "/se/log", &json!({"type": kind}));
        entries.as_array().expect("entries").clone()
    }

    /// A command about the first element of a kind, once there is one that takes it.
    fn on(&self, selector: &str, method: &str, command: &str, body: &Value) -> Value {
        let query = json!({"using": "css selector", "value": selector});
        self.wait(selector, || {
            let done = self.attempt("POST", "/element", &query).and_then(|element| {
                let id = element[ELEMENT].as_str().expect("an element");
                self.attempt(method, &format!("/element/{id}/{command}"), body)
            });
            match done {
                Ok(value) => Some(value),
                // The page is being loaded, or was changed between the two.
                Err(error) if is_passing(&error) => None,
                Err(error) => panic!("{command} of {selector}: {error}"),
            }
        })
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let done = self.attempt(method, path, body);
        done.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// One command; the error is as the driver says it.
    fn attempt(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let session = &self.session;
        let mut connection = self.connection.borrow_mut();
        // The driver answers nobody who calls it by another name.
        connection.send(format!(
            "{method} /session{session}{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\
             content-type: application/json\r\n\r\n{body}",
            body.len()
        ));
        let answer = connection.answer();
        let value = answer.json()["value"].take();
        if answer.status == 200 { Ok(value) } else { Err(value) }
    }
}

impl Driver {
    /// Starts it on a port that is free, and says where. It takes any of IPv6, and ends if somebody else has
    /// the same of IPv4: then it is started again.
    fn start(program: &Path, folder: TempDir) -> (Self, SocketAddr) {
        let mut said = String::new();
        for _ in 0..10 {
            let mut child = Command::new(program)
                .arg("--port=0")
                .env("HOME", folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .expect("the driver starts");
            let mut stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
            let mut port = None;
            said.clear();
            while port.is_none() && stdout.read_line(&mut said).is_ok_and(|read| read > 0) {
                let rest = said.split_once("successfully on port ");
                let number = rest.map(|(_, rest)| rest.trim_end().trim_end_matches('.'));
                port = number.and_then(|number| number.parse::<u16>().ok());
            }
            if let Some(port) = port {
                let driver = Self { child, _stdout: stdout, folder };
                return (driver, SocketAddr::from(([127, 0, 0, 1], port)));
            }
            child.wait().expect("it has ended");
            if !said.contains("port not available") {
                break;
            }
        }
        panic!("the driver says only {said:?}");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser is of its group, and has nothing to keep. Any of them may have ended.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
        // Until the last of them is gone, files may be added.
        let began = Instant::now();
        while self.folder.path().exists() && began.elapsed() < DEADLINE {
            if std::fs::remove_dir_all(self.folder.path()).is_err() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Where something is that the tests in a browser need. `None`, said in words, if it is not there
/// and none of it is required.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    found(program, places.find(|place| place.is_file()))
}

/// [axe-core](https://github.com/dequelabs/axe-core), the checker of accessibility, as `.ci/run` installs it. `None` as of a
/// browser.
pub(crate) fn axe() -> Option<String> {
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/node_modules/axe-core/axe.min.js");
    found("axe-core", std::fs::read_to_string(file).ok())
}

fn found<T>(what: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        let required = std::env::var_os("PAYHOOKD_REQUIRE_BROWSER").is_some_and(|said| said == "1");
        assert!(!required, "{what} is not installed, and PAYHOOKD_REQUIRE_BROWSER=1 requires it");
        println!("skipped: {what} is not installed");
    }
    found
}

/// The Tab key.
pub(crate) const TAB: &str = "\u{e004}";
/// The Enter key.
pub(crate) const ENTER: &str = "\u{e007}";

/// Without a window and without a word to anybody that is not of the test.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Whether it is an error of a command that came too early. Of an element that goes with its page just
/// then, chromedriver at times passes on what the browser said, without a name for it.
fn is_passing(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default();
    PASSING.contains(&error["error"].as_str().unwrap_or_default())
        || message.contains("does not belong to the document")
}

const PASSING: &[&str] = &[
    "no such element",
    "stale element reference",
    "element not interactable",
    "element click intercepted",
];
