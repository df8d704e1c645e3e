//! The order in which things come must not matter: histories of [random shops](crate::support::random_shop), each
//! in several orders of its registrations and events, must end in equal tables.
//!
//! `PAYHOOKD_HISTORIES` says how many are tried and `PAYHOOKD_SEED` which is the first, so that with
//! `PAYHOOKD_HISTORIES=1` one is tried alone; `PAYHOOKD_ORDERS` says in how many orders each. Of the
//! first that is wrong in some tables the smallest part that still is, is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::provider::at;
use crate::support::random::Random;
use crate::support::random_shop::{OWN_ACCOUNT, Step, history};
use crate::support::shop::Together;
use payhookd::domain::event::Source;
use payhookd::domain::orphan::Policy;
use payhookd::domain::provider::Provider;
use payhookd::domain::records::Webhook;
use payhookd::domain::time::Timestamp;
use payhookd::json::{registration, subscription};
use payhookd::providers::read_again;
use payhookd::providers::rules::Rules;
use payhookd::store::{Batch, Database, IngestAll, Job, Reader, Register, Subscribe};

#[test]
fn every_history_ends_the_same_in_every_order() {
    let (first, count) = (number("PAYHOOKD_SEED", 1), number("PAYHOOKD_HISTORIES", 25));
    let orders = number("PAYHOOKD_ORDERS", 6);
    let stage = Stage::new();
    let mut wrong = Vec::new();
    // One for each set of tables that are not equal.
    let mut told = BTreeMap::new();
    for seed in first..first + count {
        let history = history(seed);
        let Some((one, other)) = stage.two_that_differ(&history, seed, orders) else { continue };
        wrong.push(seed);
        let tables = stage.unequal(&history, &one, &other);
        told.entry(tables).or_insert_with(|| {
            let rest = stage.explain(&history, one, other);
            format!("\nPAYHOOKD_SEED={seed} PAYHOOKD_HISTORIES=1\n{rest}")
        });
    }
    println!("{count} histories from seed {first}, each in {orders} orders");
    assert!(
        wrong.is_empty(),
        "{} of {count} histories end differently in different orders; their seeds: {wrong:?}\n{}",
        wrong.len(),
        told.into_values().collect::<String>(),
    );
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

/// Where histories are played: each time in a new copy of an empty database.
struct Stage {
    folder: TempDir,
    empty: PathBuf,
    rules: Rules,
}

impl Stage {
    fn new() -> Self {
        // In memory where there is such a place: nothing in here is about disks.
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a folder");
        let empty = folder.path().join("empty.db");
        let rules = serde_json::json!({ "own_accounts": [OWN_ACCOUNT] }).to_string();
        let rules = Rules::from_json(&rules).expect("rules");
        let mut database = Database::open(&empty).expect("a database");
        let policy = Policy { livemode: false, ..Policy::default() };
        database.started(policy, &rules.to_json(), now(0)).expect("a start");
        database.checkpoint().expect("all of it in the file");
        Self { folder, empty, rules }
    }

    /// Two orders of a history that do not end the same.
    fn two_that_differ(
        &self,
        history: &[Step],
        seed: u64,
        orders: u64,
    ) -> Option<(Vec<usize>, Vec<usize>)> {
        let mut random = Random::new(seed);
        let straight: Vec<usize> = (0..history.len()).collect();
        let expected = self.play(history, &straight);
        for _ in 1..orders {
            let mut order = straight.clone();
            random.shuffle(&mut order);
            if self.play(history, &order) != expected {
                return Some((straight, order));
            }
        }
        None
    }

    /// In which tables they differ.
    fn unequal(&self, history: &[Step], one: &[usize], other: &[usize]) -> BTreeSet<String> {
        let (one, other) = (self.play(history, one), self.play(history, other));
        let rows = one.symmetric_difference(&other);
        rows.filter_map(|row| row.split([' ', ':']).next()).map(ToOwned::to_owned).collect()
    }

    /// Leaves out whatever can be left out of two orders that end differently, and says the rest.
    fn explain(&self, history: &[Step], mut one: Vec<usize>, mut other: Vec<usize>) -> String {
        let differ =
            |one: &[usize], other: &[usize]| self.play(history, one) != self.play(history, other);
        let mut is_smaller = true;
        while is_smaller {
            is_smaller = false;
            for step in one.clone() {
                let without = |order: &[usize]| -> Vec<usize> {
                    order.iter().copied().filter(|kept| *kept != step).collect()
                };
                let (fewer, as_few) = (without(&one), without(&other));
                if differ(&fewer, &as_few) {
                    (one, other, is_smaller) = (fewer, as_few, true);
                }
            }
        }
        // One that comes earlier in the other order than it must to make the difference moves back.
        let count = other.len();
        for place in (0..count).flat_map(|end| 1..count - end) {
            let rank = |step| one.iter().position(|known| known == step);
            if rank(&other[place - 1]) > rank(&other[place]) {
                let mut nearer = other.clone();
                nearer.swap(place - 1, place);
                if differ(&one, &nearer) {
                    other = nearer;
                }
            }
        }
        let steps = one.iter().map(|step| format!("{step}: {}\n", history[*step].told()));
        let (ended, otherwise) = (self.play(history, &one), self.play(history, &other));
        let rows = |from: &BTreeSet<String>, but: &BTreeSet<String>| {
            from.difference(but).map(|row| format!("  {row}\n")).collect::<String>()
        };
        format!(
            "{}in the order {one:?} it ends with\n{}in the order {other:?} with\n{}",
            steps.collect::<String>(),
            rows(&ended, &otherwise),
            rows(&otherwise, &ended),
        )
    }

    /// All that is in the tables after this, without row ids and the times at which it came.
    fn play(&self, history: &[Step], order: &[usize]) -> BTreeSet<String> {
        let file = tempfile::NamedTempFile::new_in(self.folder.path()).expect("a file");
        std::fs::copy(&self.empty, file.path()).expect("a copy");
        let mut database = Database::open(file.path()).expect("a database");
        let all = Together(|batch: &Batch<'_>| {
            for (second, step) in order.iter().enumerate() {
                let now = now(second);
                match &history[*step] {
                    Step::Register(body) => {
                        let new = registration::parse(body.to_string().as_bytes(), false);
                        Register { new: new.expect("a registration") }.execute(batch, now)?;
                    }
                    Step::Subscribe(body) => {
                        let new = subscription::parse(body.to_string().as_bytes(), false);
                        Subscribe { new: new.expect("a subscription") }.execute(batch, now)?;
                    }
                    Step::Event(provider, body) => {
                        let webhooks = vec![self.webhook(*provider, body, now)];
                        IngestAll { webhooks }.execute(batch, now)?;
                    }
                }
            }
            Ok(())
        });
        database.run(&all, now(0)).expect("it is stored");
        drop(database);
        let reader = Reader::open(file.path()).expect("a database");
        assert_eq!(reader.verify_log(&[]).expect("it is read").faults, []);
        assert_eq!(reader.refold_all().expect("it is read").differing, []);
        drop(reader);
        let ended = Tables::open(file.path()).dump();
        for more in ["-wal", "-shm"] {
            // They may be gone.
            let _ = std::fs::remove_file(format!("{}{more}", file.path().display()));
        }
        ended
    }

    fn webhook(&self, provider: Provider, body: &Value, now: Timestamp) -> Webhook {
        let payload = body.to_string();
        let id = body["id"].as_str().expect("an id");
        let event = read_again(provider, &payload, false, id, &self.rules).expect("an event");
        Webhook {
            event,
            payload_sha256: Sha256::digest(&payload).into(),
            payload,
            headers: "{}".to_owned(),
            proof: "secret 1".to_owned(),
            transmission_id: None,
            source: Source::Webhook,
            received_at: now,
            arrived: Instant::now(),
        }
    }
}

/// After all that happens at the providers.
fn now(second: usize) -> Timestamp {
    at(&format!("2026-12-01T10:{:02}:{:02}Z", second / 60, second % 60))
}

/// What the database holds, with the ids of rows replaced by what they stand for.
struct Tables {
    connection: Connection,
    /// Transactions by the reference that the shop registered, orphans by their events.
    names: BTreeMap<i64, String>,
    /// Which payments have a part of an event.
    holders: BTreeMap<i64, BTreeSet<i64>>,
    events: BTreeMap<i64, String>,
}

/// A row, by the names of its columns.
type Row = BTreeMap<String, Sql>;

impl Tables {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).expect("a database");
        let mut tables = Self {
            connection,
            names: BTreeMap::new(),
            holders: BTreeMap::new(),
            events: BTreeMap::new(),
        };
        for row in tables.rows("webhook_logs") {
            tables.events.insert(number_of(&row["id"]), text(&row["event_id"]));
        }
        for row in tables.rows("transaction_events") {
            let (holder, log) = (number_of(&row["transaction_id"]), number_of(&row["log_id"]));
            tables.holders.entry(log).or_default().insert(holder);
        }
        for row in tables.rows("transactions") {
            let name = format!("{} {}", text(&row["provider"]), text(&row["reference"]));
            tables.names.insert(number_of(&row["id"]), name);
        }
        for row in tables.rows("orphan_transactions").iter().filter(|row| is_open(row)) {
            let id = number_of(&row["id"]);
            let has = tables.holders.iter().filter(|(_, holders)| holders.contains(&id));
            let events: BTreeSet<&str> = has.map(|(log, _)| &*tables.events[log]).collect();
            tables.names.insert(id, format!("orphan {events:?}"));
        }
        tables
    }

    fn rows(&self, table: &str) -> Vec<Row> {
        let mut statement =
            self.connection.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
        let row = |row: &rusqlite::Row<'_>| {
            let value = |(place, name): (usize, &String)| Ok((name.clone(), row.get(place)?));
            columns.iter().enumerate().map(value).collect()
        };
        let rows = statement.query_map([], row).expect("rows");
        rows.collect::<rusqlite::Result<_>>().expect("rows")
    }

    fn name(&self, id: &Sql) -> String {
        match id {
            Sql::Integer(id) => self.names.get(id).cloned().unwrap_or_else(|| "nobody".to_owned()),
            _ => "-".to_owned(),
        }
    }

    fn dump(&self) -> BTreeSet<String> {
        let mut dump = BTreeSet::new();
        self.dump_transactions(&mut dump);
        self.dump_events(&mut dump);
        self.dump_orphans(&mut dump);
        for row in self.rows("transaction_references") {
            let rest = without(&row, &["transaction_id", "standing"]);
            // Whether it is tied or named is known or not; the outcome is the same.
            let registered = text(&row["standing"]) == "registered";
            let holder = self.name(&row["transaction_id"]);
            dump.insert(format!("reference of {holder}: {rest} registered={registered}"));
        }
        for row in self.rows("webhook_logs") {
            let log = number_of(&row["id"]);
            let holders = self.holders.get(&log).into_iter().flatten();
            let names: BTreeSet<String> =
                holders.clone().map(|id| self.name(&Sql::Integer(*id))).collect();
            if let Sql::Integer(first) = &row["transaction_id"] {
                assert!(holders.clone().any(|id| id == first), "{row:?}: it is of another");
            }
            let [id, kind, status, error, account] =
                ["event_id", "event_type", "status", "error", "account"]
                    .map(|name| text(&row[name]));
            let rest = format!("{kind} {status} error={error} account={account}");
            dump.insert(format!("event {id}: {rest} of {names:?}"));
        }
        for row in self.rows("issues").iter().filter(|row| row["closed_at"] == Sql::Null) {
            let subject = text(&row["subject"]);
            let named = subject.parse().ok().and_then(|id: i64| self.names.get(&id).cloned());
            let subject = named.unwrap_or(subject);
            dump.insert(format!("issue {} of {subject}", text(&row["kind"])));
        }
        dump
    }

    fn dump_transactions(&self, dump: &mut BTreeSet<String>) {
        // The row of one that was merged tells only that there was one.
        let is_there = |row: &Row| row["merged_into"] == Sql::Null;
        for mut row in self.rows("transactions").into_iter().filter(is_there) {
            // Without an event it is the time of the registration.
            if row["status_changed_at"] == row["created_at"] {
                row.remove("status_changed_at");
            }
            let latest = match &row["latest_log_id"] {
                Sql::Integer(log) => &*self.events[log],
                _ => "-",
            };
            let rest =
                without(&row, &["id", "created_at", "updated_at", "version", "latest_log_id"]);
            dump.insert(format!("transaction {rest} latest={latest}"));
        }
    }

    fn dump_events(&self, dump: &mut BTreeSet<String>) {
        // The references of a part stand on its first fact; `ordinal` and `rendering` tell in which
        // of two renderings of an event it came first.
        let part = ["transaction_id", "log_id", "ordinal", "rendering", "references", "matched_by"];
        let leave_out: Vec<&str> = part.into_iter().chain(["ownership"]).collect();
        let mut matches = BTreeMap::new();
        for row in self.rows("transaction_events") {
            let holder = self.name(&row["transaction_id"]);
            let event = &self.events[&number_of(&row["log_id"])];
            dump.insert(format!("fact of {holder}: {event} {}", without(&row, &leave_out)));
            let Ok(ids) = serde_json::from_str::<Vec<Value>>(&text(&row["references"])) else {
                continue;
            };
            let of_event = (holder.clone(), event.clone());
            let by = (Self::strength(&row["matched_by"]), text(&row["ownership"]));
            let known = matches.entry(of_event).or_insert_with(|| by.clone());
            if by < *known {
                *known = by;
            }
            for id in ids {
                dump.insert(format!("id in {holder}: {event} {id}"));
            }
        }
        for ((holder, event), (by, ownership)) in matches {
            dump.insert(format!("match of {holder}: {event} {by:?} {ownership}"));
        }
    }

    /// Of two renderings of an event one may carry the registered id itself.
    fn strength(matched_by: &Sql) -> (usize, String) {
        let by = text(matched_by);
        let known = ["person", "registered", "tied", "order_id", "subscription"];
        let rank = known.iter().position(|word| by.starts_with(word));
        (rank.unwrap_or(known.len()), by)
    }

    fn dump_orphans(&self, dump: &mut BTreeSet<String>) {
        for row in self.rows("orphan_transactions").iter().filter(|row| is_open(row)) {
            let name = self.name(&row["id"]);
            let candidates = serde_json::from_str::<Vec<i64>>(&text(&row["candidates"]));
            let candidates: BTreeSet<String> = candidates
                .unwrap_or_default()
                .into_iter()
                .map(|id| self.name(&Sql::Integer(id)))
                .collect();
            let is_told = row["alert_at"] != Sql::Null;
            let times = ["first_seen_at", "last_seen_at", "alert_at", "alerted_at"];
            // The latest received, and what was looked at otherwise.
            let others = ["id", "candidates", "event_id", "event_type"];
            let leave_out: Vec<&str> = times.into_iter().chain(others).collect();
            let rest = without(row, &leave_out);
            dump.insert(format!("{name}: {rest} candidates={candidates:?} told={is_told}"));
        }
    }
}

fn is_open(orphan: &Row) -> bool {
    orphan["resolved_at"] == Sql::Null
}

/// What is left of a row, but for what is NULL.
fn without(row: &Row, names: &[&str]) -> String {
    let kept =
        row.iter().filter(|(name, value)| !names.contains(&&***name) && **value != Sql::Null);
    kept.map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(" ")
}

fn number_of(value: &Sql) -> i64 {
    match value {
        Sql::Integer(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

fn text(value: &Sql) -> String {
    match value {
        Sql::Null => "-".to_owned(),
        Sql::Integer(value) => value.to_string(),
        Sql::Real(value) => value.to_string(),
        Sql::Text(value) => value.clone(),
        Sql::Blob(value) => format!("{} bytes", value.len()),
    }
}
