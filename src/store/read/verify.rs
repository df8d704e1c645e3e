//! Whether the log of events is as it was written: the check of its chain.

use std::collections::BTreeMap;
use std::time::Instant;

use rusqlite::{Connection, Row, named_params};
use serde_json::Value;

use super::reader::Reader;
use crate::domain::records::{Hash, Head, LinkKind, LogChange, LogFault, LogProof, Numbers};
use crate::store::error::StoreError;
use crate::store::tables::chain::{Link, link_columns};
use crate::store::tables::rows::select;
use crate::store::tables::seal::{Bound, Seal};
use crate::store::tables::watched::{self, Arrival, Identity, Watched, watched_columns};

/// As many faults are kept as anybody would read.
const FAULTS_KEPT: usize = 100;

impl Reader {
    /// Reads the whole log and follows its chain: whether any row was changed, removed or added since
    /// it was written, whether it still says what was read from it, whether the bodies that are kept have
    /// the hash they came with, and whether the log has grown from each of the heads that are `expected`.
    ///
    /// It reads in pieces and pauses after each for as long as that took: the log beside the database
    /// can be emptied only while nobody reads, and whoever writes shall have the disk, too.
    pub fn verify_log(&self, expected: &[Head]) -> Result<LogProof, StoreError> {
        let mut check = Check::new(expected);
        loop {
            // What one piece reads is of one moment; between two the daemon tidies up behind us.
            let began = Instant::now();
            let moment = self.connection.unchecked_transaction()?;
            let links = check.links(&moment)?;
            if links < PIECE {
                check.end(&moment)?;
                return Ok(check.done());
            }
            drop(moment);
            std::thread::sleep(began.elapsed());
        }
    }
}

/// Links that are followed in one piece.
const PIECE: i64 = 250;

/// How far the check has come.
struct Check {
    expected: Vec<Head>,
    /// The last event that was looked at.
    log_id: i64,
    /// What the seal must bind; `None` once it was met.
    bound: Option<Bound>,
    /// A link of the present form stands where only the seal may come, or there is no first link.
    is_unsealed: bool,
    /// Events without a body, and those of which a link says so.
    without_body: Numbers,
    pruned: Numbers,
    changes: BTreeMap<(String, LinkKind), Numbers>,
    /// What was found so far.
    proof: LogProof,
}

impl Check {
    fn new(expected: &[Head]) -> Self {
        let proof = LogProof {
            events: 0,
            taken_over: 0,
            carried_over: None,
            changes: Vec::new(),
            without_body: 0,
            begun_at: None,
            head: Head::NONE,
            faults: Vec::new(),
            fault_count: 0,
        };
        Self {
            expected: expected.to_vec(),
            log_id: i64::MIN,
            bound: Some(Bound::new()),
            is_unsealed: false,
            without_body: Numbers::default(),
            pruned: Numbers::default(),
            changes: BTreeMap::new(),
            proof,
        }
    }

    fn done(mut self) -> LogProof {
        self.proof.without_body = self.without_body.len();
        let changes = self.changes.into_iter();
        self.proof.changes =
            changes.map(|((day, kind), events)| LogChange { day, kind, events }).collect();
        self.proof
    }

    fn found(&mut self, fault: LogFault) {
        self.proof.fault_count += 1;
        if self.proof.faults.len() < FAULTS_KEPT {
            self.proof.faults.push(fault);
        }
    }

    /// Follows the next links; how many they were.
    fn links(&mut self, moment: &Connection) -> Result<i64, StoreError> {
        let mut select = moment.prepare_cached(select!(
            link_columns,
            " FROM webhook_log_chain WHERE id > :after ORDER BY id LIMIT :piece"
        ))?;
        let mut rows =
            select.query(named_params! { ":after": self.proof.head.link, ":piece": PIECE })?;
        let mut links = 0;
        while let Some(row) = rows.next()? {
            self.link(moment, row)?;
            links += 1;
        }
        Ok(links)
    }

    fn link(&mut self, moment: &Connection, row: &Row<'_>) -> Result<(), StoreError> {
        let id: i64 = row.get("id")?;
        let chain: Hash = row.get("chain")?;
        let link = Link::from_row(row)?;
        let kind = LinkKind::parse(link.kind);
        let next = self.proof.head.link + 1;
        if id != next {
            self.found(LogFault::LinksRemoved { first: next, last: id - 1 });
        } else if !self.follows(&link, kind, chain) {
            self.found(LogFault::Broken { link: id, log_id: link.log_id });
        }
        // What follows is judged by what stands here, so that each fault is told once.
        self.proof.head = Head { link: id, chain };
        if self.expected.iter().any(|expected| expected.link == id && expected.chain != chain) {
            self.found(LogFault::OtherHead(id));
        }
        if let Some(bound) = self.bound.as_mut().filter(|_| kind != Some(LinkKind::Sealed)) {
            bound.bind(id, &link);
            self.is_unsealed |= link.facts.is_none();
        }
        match (kind, link.log_id) {
            (Some(LinkKind::Begun), _) => self.proof.begun_at = link.made_at.map(str::to_owned),
            (Some(LinkKind::Sealed), _) => self.seal(id, &link),
            (Some(kind @ (LinkKind::Received | LinkKind::TakenOver)), Some(log_id)) => {
                self.proof.taken_over += u64::from(kind == LinkKind::TakenOver);
                self.event(moment, log_id, &link)?;
            }
            (Some(kind @ LinkKind::Pruned), None) => {
                let events = link.detail.and_then(|detail| serde_json::from_str(detail).ok());
                let events = events.as_ref().and_then(Numbers::from_json).unwrap_or_default();
                self.pruned.extend(&events);
                self.changed(kind, &link).extend(&events);
            }
            (Some(kind), Some(log_id)) if log_id <= self.log_id => {
                self.changed(kind, &link).insert(log_id);
            }
            (_, log_id) => {
                self.found(LogFault::Forged { link: id, log_id: log_id.unwrap_or_default() });
            }
        }
        Ok(())
    }

    /// Whether a link, the next one, is what follows from the one before it.
    fn follows(&self, link: &Link<'_>, kind: Option<LinkKind>, chain: Hash) -> bool {
        let Head { link: before, chain: chain_before } = self.proof.head;
        let id = before + 1;
        match kind {
            Some(LinkKind::Begun) => id == 1 && chain == [0; 32] && link.log_id.is_none(),
            _ if link.facts.is_some() => {
                self.bound.is_some() && link.chain_before_seal(&chain_before, id) == chain
            }
            _ => link.chain(&chain_before, id) == chain,
        }
    }

    /// The events that were changed as a link says, on its day.
    fn changed(&mut self, kind: LinkKind, link: &Link<'_>) -> &mut Numbers {
        let day = link.made_at.and_then(|at| at.get(..10)).unwrap_or_default().to_owned();
        self.changes.entry((day, kind)).or_default()
    }

    /// Looks at the link that binds what was noted of events from before.
    fn seal(&mut self, id: i64, link: &Link<'_>) {
        let Some(bound) = self.bound.take() else {
            return self.found(LogFault::Broken { link: id, log_id: None });
        };
        let seal = link.detail.and_then(Seal::parse);
        let Some(seal) = seal.filter(|_| link.origin == Some(bound.hash())) else {
            return self.found(LogFault::SealBroken(id));
        };
        if seal.events > 0 {
            let at = link.made_at.unwrap_or_default().to_owned();
            self.proof.carried_over = Some((seal.events, at));
        }
        // Somebody else's may name any number of them.
        let unsaid = seal.changed.len().saturating_sub(FAULTS_KEPT as u64);
        seal.changed
            .iter()
            .take(FAULTS_KEPT)
            .for_each(|id| self.found(LogFault::ChangedBefore(id)));
        self.proof.fault_count = self.proof.fault_count.saturating_add(unsaid);
        self.pruned.extend(&seal.without_body);
    }

    /// Looks at the event of its first link, and at whatever stands before it without one.
    fn event(
        &mut self,
        moment: &Connection,
        log_id: i64,
        first: &Link<'_>,
    ) -> Result<(), StoreError> {
        let link = self.proof.head.link;
        if log_id <= self.log_id {
            // It has its first link already.
            self.found(LogFault::Forged { link, log_id });
            return Ok(());
        }
        let mut select = moment.prepare_cached(select!(
            watched_columns,
            " FROM webhook_logs WHERE id > :after AND id <= :log_id ORDER BY id"
        ))?;
        let mut rows = select.query(named_params! { ":after": self.log_id, ":log_id": log_id })?;
        let mut is_there = false;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get("id")?;
            if id != log_id {
                self.found(LogFault::Added(id));
                continue;
            }
            is_there = true;
            self.proof.events += 1;
            let newest = self.newest(moment, row, first.watched())?;
            if newest != Some(watched::of_row(moment, row)?) {
                self.found(LogFault::Changed(id));
                continue;
            }
            match watched::has_its_body(row)? {
                Some(true) => {}
                Some(false) => self.found(LogFault::BodyChanged(id)),
                None => self.without_body.insert(id),
            }
        }
        if !is_there {
            self.found(LogFault::Removed(log_id));
        }
        self.log_id = log_id;
        Ok(())
    }

    /// What the newest link about an event says of it, where each follows from the one before.
    fn newest(
        &mut self,
        moment: &Connection,
        event: &Row<'_>,
        first: Option<Watched>,
    ) -> Result<Option<Watched>, StoreError> {
        let log_id: i64 = event.get("id")?;
        let identity = Identity::of_row(event)?;
        let mut newest = first;
        let mut select = moment.prepare_cached(select!(
            link_columns,
            " FROM webhook_log_chain WHERE log_id = :log_id AND made_at IS NOT NULL ORDER BY id"
        ))?;
        let mut rows = select.query(named_params! { ":log_id": log_id })?;
        while let Some(row) = rows.next()? {
            let link = Link::from_row(row)?;
            // By the rules from before the seal, in what the seal found.
            if link.facts.is_some() {
                continue;
            }
            let now = link.watched();
            let is_possible = match (newest, now) {
                (Some(before), Some(now)) => may_follow(&identity, &before, &link, &now),
                _ => false,
            };
            if !is_possible {
                self.found(LogFault::Forged { link: row.get("id")?, log_id });
            }
            newest = now;
        }
        Ok(newest)
    }

    /// Looks at what is left when there are no more links, in the same moment.
    fn end(&mut self, moment: &Connection) -> Result<(), StoreError> {
        if self.is_unsealed || self.bound.is_some() {
            self.found(LogFault::Unsealed);
        }
        let mut select =
            moment.prepare_cached("SELECT id FROM webhook_logs WHERE id > :after ORDER BY id")?;
        let mut rows = select.query(named_params! { ":after": self.log_id })?;
        while let Some(row) = rows.next()? {
            self.found(LogFault::Added(row.get("id")?));
        }
        let pruned = std::mem::take(&mut self.pruned);
        let without_body = std::mem::take(&mut self.without_body);
        for event in without_body.iter().filter(|event| !pruned.contains(*event)) {
            self.found(LogFault::BodyRemoved(event));
        }
        self.without_body = without_body;
        let left = self.proof.head.link;
        let longest = self.expected.iter().map(|expected| expected.link).max();
        if let Some(noted) = longest.filter(|noted| *noted > left) {
            self.found(LogFault::CutOff { noted, left });
        }
        Ok(())
    }
}

/// Whether a link of an event may say what it says, after what the link before it said.
fn may_follow(identity: &Identity<'_>, before: &Watched, link: &Link<'_>, now: &Watched) -> bool {
    let is_same_event = now.origin == before.origin;
    let says_the_same = (now.reading, now.says) == (before.reading, before.says);
    let has_same_body = now.body == before.body;
    match LinkKind::parse(link.kind) {
        Some(LinkKind::Redacted) => is_same_event && says_the_same,
        Some(LinkKind::Reread) => is_same_event && has_same_body,
        Some(LinkKind::Rendering) => is_same_event && has_same_body && now.says >= before.says,
        // What led to nothing may give way to what does not; it is still the same event.
        Some(LinkKind::Replaced) => {
            let was: Option<Value> =
                link.detail.and_then(|detail| serde_json::from_str(detail).ok());
            let was = was.as_ref().and_then(Arrival::from_json);
            before.says == 0
                && was.is_some_and(|was| watched::origin(identity, &was) == before.origin)
        }
        _ => false,
    }
}
