//! What people lost money by: every case in every order of its registrations and events, over HTTP and
//! with genuine signatures.
//!
//! The ids of a case are made anew for each order, so that one daemon has all orders of all cases in one
//! database: that none of them disturbs another is part of the proof.
//!
//! `PAYHOOKD_FIELD_CASE` runs the cases whose name contains it. Of a case with more than five steps a
//! sample of its orders is tried; with `PAYHOOKD_FIELD_ORDERS=720` all of six steps, and so many of more.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use payhookd::providers::stripe::signature;
use serde_json::{Value, json};

use crate::support::admin::{App, TRANSACTIONS};
use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::provider::{PAYPAL, SECRET, STRIPE, at, transmission};
use crate::support::random::Random;
use crate::support::wire::Connection;

/// When all of it is received: later than anything in it happened.
const NOW: &str = "2026-11-28T12:00:00Z";
/// Senders at once.
const SENDERS: usize = 4;

#[test]
fn every_case_of_stripe_ends_as_it_must_in_every_order() {
    every_case_ends_as_it_must("stripe");
}

#[test]
fn every_case_of_paypal_ends_as_it_must_in_every_order() {
    every_case_ends_as_it_must("paypal");
}

fn every_case_ends_as_it_must(provider: &str) {
    let certificates = Certificates::of_sandbox();
    let options = Options::paypal(certificates.fake.address)
        .variable("STRIPE_WEBHOOK_SECRET", SECRET)
        .arg("--mode=test")
        .clock(NOW);
    let daemon = options.start();
    let cases = cases(provider);
    assert!(!cases.is_empty(), "no case of that name");
    let mut first = 0;
    let mut tried = Vec::new();
    for case in &cases {
        let runs: Vec<Run<'_>> = orders(case)
            .into_iter()
            .enumerate()
            .map(|(number, order)| Run::new(case, first + number, order))
            .collect();
        first += runs.len();
        play(&daemon, &certificates.url("CERT-1"), &runs);
        tried.push((case, runs));
    }
    let app = App::of(&daemon);
    let left = Left::of(&app);
    let wrong: Vec<String> =
        tried.iter().filter_map(|(case, runs)| judge(&app, case, runs, &left)).collect();
    assert_eq!(wrong.join("\n"), "", "{} of {} cases are wrong", wrong.len(), cases.len());
    daemon.database().assert_proved();
}

/// One file.
struct Case {
    name: String,
    provider: &'static str,
    steps: Vec<Value>,
    /// `null`: see [`in_words`].
    expected: Value,
    open_orphans: Value,
}

fn cases(provider: &str) -> Vec<Case> {
    let provider = if provider == "stripe" { "stripe" } else { "paypal" };
    let folder = format!("{}/tests/data/field/{provider}", env!("CARGO_MANIFEST_DIR"));
    let wanted = std::env::var("PAYHOOKD_FIELD_CASE").unwrap_or_default();
    let files = std::fs::read_dir(folder).expect("a folder of cases");
    let mut cases: Vec<Case> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read(&path).expect("a case");
            let mut case: Value = serde_json::from_slice(&text).expect("JSON");
            Case {
                name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
                provider,
                steps: case["steps"].as_array().expect("steps").clone(),
                expected: case["expected"].take(),
                open_orphans: case["open_orphans"].take(),
            }
        })
        .filter(|case| case.name.contains(&wanted))
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

/// Orders of the steps of a case: all, or a sample that is always the same.
fn orders(case: &Case) -> Vec<Vec<usize>> {
    let steps = case.steps.len();
    let wanted = std::env::var("PAYHOOKD_FIELD_ORDERS").ok();
    let wanted = wanted.map(|text| text.parse().expect("PAYHOOKD_FIELD_ORDERS: a number"));
    let (all_of, sample) = wanted.map_or((120, 48), |wanted| (wanted, wanted));
    if (1..=steps).product::<usize>() <= all_of {
        return permutations(steps);
    }
    let mut random = Random::new(12);
    let mut orders: Vec<Vec<usize>> = vec![(0..steps).collect(), (0..steps).rev().collect()];
    while orders.len() < sample {
        let mut order: Vec<usize> = (0..steps).collect();
        random.shuffle(&mut order);
        orders.push(order);
    }
    orders
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for number in 0..count {
        let with_next = |order: &Vec<usize>| {
            (0..=order.len())
                .map(|place| {
                    let mut order = order.clone();
                    order.insert(place, number);
                    order
                })
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with_next).collect();
    }
    all
}

/// A case in one order, with ids of its own.
struct Run<'c> {
    case: &'c Case,
    order: Vec<usize>,
    steps: Vec<Value>,
    /// Each event is delivered twice.
    doubled: bool,
    /// All ids of the provider and of the shop in it.
    ids: BTreeSet<String>,
}

impl<'c> Run<'c> {
    fn new(case: &'c Case, number: usize, order: Vec<usize>) -> Self {
        let registered = case.steps.iter().filter_map(|step| step.get("register"));
        let said: BTreeSet<&str> = registered
            .flat_map(|one| [one["reference"].as_str(), one["order_id"].as_str()])
            .flatten()
            .collect();
        let mut ids = BTreeSet::new();
        let mut steps = case.steps.clone();
        for step in &mut steps {
            renew(step, &mut |text| {
                let renewed = renewed(text, &said, number);
                if renewed != text {
                    ids.insert(renewed.clone());
                }
                renewed
            });
        }
        Self { case, order, steps, doubled: number % 3 == 2, ids }
    }

    /// What the shop registers, in the order of the file.
    fn registrations(&self) -> impl Iterator<Item = Value> {
        let registered = self.steps.iter().filter_map(|step| step.get("register"));
        registered.map(|one| {
            let mut body = one.clone();
            body["provider"] = self.case.provider.into();
            body["livemode"] = false.into();
            body
        })
    }

    fn event_ids(&self, event_type: &str) -> Vec<&str> {
        let events = self.steps.iter().filter_map(|step| step.get("event"));
        let of_type = events.filter(|event| event["event_type"] == event_type);
        of_type.filter_map(|event| event["id"].as_str()).collect()
    }
}

/// Every text in it that is no name of a field.
fn renew(value: &mut Value, renewed: &mut impl FnMut(&str) -> String) {
    match value {
        Value::String(text) => *text = renewed(text),
        Value::Array(values) => values.iter_mut().for_each(|value| renew(value, renewed)),
        Value::Object(fields) => fields.values_mut().for_each(|value| renew(value, renewed)),
        _ => {}
    }
}

/// The same text with every id in it made the run's own, as long as an id of its kind is.
fn renewed(text: &str, said: &BTreeSet<&str>, run: usize) -> String {
    const PREFIXES: [&str; 11] =
        ["evt_", "pi_", "ch_", "re_", "cs_", "in_", "inpay_", "du_", "dp_", "pr_", "req_"];
    if PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        return format!("{text}n{run}");
    }
    if let Some(dispute) = text.strip_prefix("PP-R-") {
        return format!("PP-R-{dispute}-{run}");
    }
    let code = format!("{run:04}");
    let mut renewed = String::new();
    let mut word = String::new();
    for one in text.chars().chain(['\n']) {
        if one.is_ascii_alphanumeric() {
            word.push(one);
            continue;
        }
        // PayPal's ids, also within others and within links.
        let is_id = matches!(word.len(), 17 | 20)
            && word.chars().all(|one| one.is_ascii_uppercase() || one.is_ascii_digit());
        if is_id {
            word.replace_range(word.len() - code.len().., &code);
        }
        renewed.push_str(&word);
        renewed.push(one);
        word.clear();
    }
    renewed.pop();
    // The shop's order ids.
    if renewed == text && said.contains(text) { format!("{text}-{run}") } else { renewed }
}

/// Carries out each run, several at once.
fn play(daemon: &Daemon, cert_url: &str, runs: &[Run<'_>]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SENDERS.min(runs.len()) {
            scope.spawn(|| {
                let mut sender = Sender::new(daemon, cert_url);
                while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sender.play(run);
                }
            });
        }
    });
}

/// The providers and the shop, on connections that are kept.
struct Sender<'d> {
    app: App,
    public: Connection,
    cert_url: &'d str,
}

impl<'d> Sender<'d> {
    fn new(daemon: &Daemon, cert_url: &'d str) -> Self {
        Self { app: App::of(daemon), public: daemon.connect(), cert_url }
    }

    fn play(&mut self, run: &Run<'_>) {
        for step in &run.order {
            let step = &run.steps[*step];
            let Some(event) = step.get("event") else {
                let mut body = step["register"].clone();
                body["provider"] = run.case.provider.into();
                body["livemode"] = false.into();
                let answer = self.app.register(&body);
                assert_eq!(answer.status, 201, "{}: {}", run.case.name, answer.text());
                continue;
            };
            for _ in 0..=usize::from(run.doubled) {
                self.deliver(run, &event.to_string());
            }
        }
    }

    fn deliver(&mut self, run: &Run<'_>, body: &str) {
        let (path, headers) = match run.case.provider {
            "stripe" => {
                let signature = signature::sign(body.as_bytes(), SECRET, at(NOW));
                (STRIPE, vec![("stripe-signature", signature)])
            }
            _ => {
                let id = format!("{:08x}", crc32fast::hash(body.as_bytes()));
                (PAYPAL, transmission(body, &id, self.cert_url))
            }
        };
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        let answer = self.public.request("POST", path, &headers, body);
        assert_eq!(answer.status, 200, "{}: {}", run.case.name, answer.text());
    }
}

/// All pages of a list.
fn list(app: &App, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.json(&format!("{path}&limit=200{cursor}"));
        all.extend(page["data"].as_array().expect("a list").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// What a person is to see to when all is done.
struct Left {
    orphans: Vec<Value>,
    issues: Vec<Value>,
}

impl Left {
    /// The orphans that concern the shop, and those that it need not see.
    fn of(app: &App) -> Self {
        let mut orphans = list(app, "/api/v1/orphans?livemode=false");
        for kind in ["foreign", "wrong_environment"] {
            orphans.extend(list(app, &format!("/api/v1/orphans?resolved=false&kind={kind}")));
        }
        Self { orphans, issues: list(app, "/api/v1/issues?kind=merchant_action") }
    }
}

/// In how many orders the case ended as it must not, and in which one first.
fn judge(app: &App, case: &Case, runs: &[Run<'_>], left: &Left) -> Option<String> {
    let mut wrong = runs.iter().filter_map(|run| {
        let ended = Ended::of(app, run, left);
        let said = ended.check(app).err()?;
        Some((run, said))
    });
    let (run, said) = wrong.next()?;
    let count = 1 + wrong.count();
    Some(format!(
        "{}/{}: {count} of {} orders, first {:?}{}: {said}",
        case.provider,
        case.name,
        runs.len(),
        run.order,
        if run.doubled { " twice" } else { "" },
    ))
}

/// How a run ended.
struct Ended<'r> {
    run: &'r Run<'r>,
    /// In the order of the file.
    transactions: Vec<Value>,
    /// Those of its ids.
    orphans: Vec<&'r Value>,
    left: &'r Left,
}

impl<'r> Ended<'r> {
    fn of(app: &App, run: &'r Run<'r>, left: &'r Left) -> Self {
        let transactions = run.registrations().map(|one| {
            let reference = one["reference"].as_str().expect("a reference");
            app.json(&format!("{TRANSACTIONS}/by-reference/{}/{reference}", run.case.provider))
        });
        let is_own = |orphan: &&Value| {
            orphan["reference"].as_str().is_some_and(|reference| run.ids.contains(reference))
        };
        Self {
            run,
            transactions: transactions.collect(),
            orphans: left.orphans.iter().filter(is_own).collect(),
            left,
        }
    }

    fn check(&self, app: &App) -> Result<(), String> {
        let case = self.run.case;
        let expected = match &case.expected {
            Value::Null => return self.check_words(app),
            Value::Array(expected) => expected.clone(),
            one => vec![one.clone()],
        };
        for (place, expected) in expected.iter().enumerate() {
            for (word, value) in expected.as_object().expect("an object") {
                let field = match &**word {
                    "received" => "amount_received",
                    "refunded" => "amount_refunded",
                    "dispute" => "dispute_status",
                    "check" => "amount_check",
                    word => word,
                };
                self.field(place, field, value)?;
            }
        }
        match case.open_orphans.as_array() {
            Some(expected) => {
                let kinds: Vec<&str> =
                    expected.iter().filter_map(|orphan| orphan["kind"].as_str()).collect();
                self.orphan_kinds(&kinds)
            }
            None => self.orphan_kinds(&[]),
        }
    }

    fn field(&self, place: usize, field: &str, expected: &Value) -> Result<(), String> {
        let found = &self.transactions[place][field];
        if found == expected {
            return Ok(());
        }
        Err(format!("transaction {}: {field} is {found}, not {expected}", place + 1))
    }

    /// Status, received and refunded.
    fn state(&self, place: usize, expected: (&str, i64, i64)) -> Result<(), String> {
        self.field(place, "status", &expected.0.into())?;
        self.field(place, "amount_received", &expected.1.into())?;
        self.field(place, "amount_refunded", &expected.2.into())
    }

    fn orphan_kinds(&self, expected: &[&str]) -> Result<(), String> {
        let found: Vec<&str> = self.orphans.iter().filter_map(|one| one["kind"].as_str()).collect();
        if found == expected {
            return Ok(());
        }
        Err(format!("open orphans are {found:?}, not {expected:?}"))
    }

    fn ids(&self) -> Vec<Value> {
        let mut ids: Vec<i64> =
            self.transactions.iter().filter_map(|one| one["id"].as_i64()).collect();
        ids.sort_unstable();
        ids.into_iter().map(Value::from).collect()
    }

    /// Where figures do not tell it.
    fn check_words(&self, app: &App) -> Result<(), String> {
        match &*self.run.case.name {
            "connected-account-claims-an-order" => {
                self.state(0, ("pending", 0, 0))?;
                self.orphan_kinds(&["foreign"])?;
                match &self.orphans[0]["alert_at"] {
                    Value::Null => Ok(()),
                    told => Err(format!("another account's payment is told at {told}")),
                }
            }
            "double-payment-one-refunded" => {
                self.state(0, ("partially_refunded", 10000, 5000))?;
                self.field(0, "amount_check", &"ok".into())?;
                self.orphan_kinds(&[])
            }
            "user-id-in-client-reference-outranks-metadata-order-id" => {
                self.state(0, ("pending", 0, 0))?;
                self.state(1, ("succeeded", 2500, 0))?;
                self.orphan_kinds(&[])
            }
            "custom_is_the_customers_number" => {
                self.state(0, ("pending", 0, 0))?;
                self.state(1, ("pending", 0, 0))?;
                self.orphan_kinds(&["ambiguous"])?;
                let named = &self.orphans[0]["candidates"];
                if *named == json!(self.ids()) {
                    return Ok(());
                }
                Err(format!("the orphan names {named}, not {:?}", self.ids()))
            }
            "dispute_about_two_orders" => self.check_dispute(app),
            "pending_needs_merchant" => self.check_merchant(),
            "refund_total_in_other_currency" => {
                self.state(0, ("partially_refunded", 10000, 1000))?;
                self.field(0, "received_currency", &"USD".into())?;
                self.orphan_kinds(&[])
            }
            "refund_with_credit_note_number" => {
                self.state(0, ("succeeded", 5000, 0))?;
                self.state(1, ("refunded", 4250, 4250))?;
                self.orphan_kinds(&[])
            }
            other => Err(format!("{other}: nothing here says what is expected")),
        }
    }

    fn check_dispute(&self, app: &App) -> Result<(), String> {
        for (place, received) in [4250, 1000].into_iter().enumerate() {
            self.state(place, ("disputed", received, 0))?;
            self.field(place, "dispute_status", &"open".into())?;
        }
        self.orphan_kinds(&[])?;
        for event_id in self.run.event_ids("CUSTOMER.DISPUTE.CREATED") {
            let event = app.json(&format!("/api/v1/events/{event_id}"));
            let mut listed = event["transaction_ids"].as_array().cloned().unwrap_or_default();
            listed.sort_by_key(Value::as_i64);
            if listed != self.ids() {
                return Err(format!("the dispute is said to be of {listed:?}"));
            }
        }
        Ok(())
    }

    fn check_merchant(&self) -> Result<(), String> {
        for place in 0..self.transactions.len() {
            self.state(place, ("processing", 0, 0))?;
        }
        self.orphan_kinds(&[])?;
        for id in self.ids() {
            let is_of = |issue: &Value| issue["subject"] == *id.to_string();
            if !self.left.issues.iter().any(is_of) {
                return Err(format!("no issue says what the merchant is to do about {id}"));
            }
        }
        Ok(())
    }
}
