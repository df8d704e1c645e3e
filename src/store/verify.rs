//! Whether the log of events is as it was written: the check of its chain.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use sha2::{Digest, Sha256};

use super::StoreError;
use super::chain::{Hash, Head, Link, LinkKind, fact_columns, hash_of_row};
use super::read::Reader;

/// What the check of the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Events that were looked at.
    pub events: u64,
    /// Of them, those that were there before the chain was.
    pub taken_over: u64,
    /// Changes of them that were made by payhookd and are links of the chain themselves: another
    /// rendering, other facts, personal fields removed.
    pub changes: u64,
    /// Events whose body was removed; its hash is left.
    pub without_body: u64,
    /// When the chain began, as it says, UTC; `None` if its first link is gone.
    pub begun_at: Option<String>,
    /// Its end: what a later check may be told to expect.
    pub head: Head,
    /// What is wrong, in the order of the log; at most a hundred of them.
    pub faults: Vec<LogFault>,
    /// How many there are in all.
    pub fault_count: u64,
}

/// As many faults are kept as anybody would read.
const FAULTS_KEPT: usize = 100;

/// One thing that is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// An event's row is gone.
    #[error("event {0} was removed")]
    Removed(i64),
    /// A row is not what it was, in a column that never changes.
    #[error("event {0} was changed: it is not what was received")]
    Changed(i64),
    /// A body is not the one that came.
    #[error("the body of event {0} was changed: it has another hash")]
    BodyChanged(i64),
    /// A row stands there that was not received.
    #[error("event {0} was added by something else than payhookd: the chain does not know it")]
    Added(i64),
    /// Links are missing.
    #[error(
        "the links from {first} to {last} of the chain were removed, and with them any trace of \
             their events"
    )]
    LinksRemoved {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// A link is not the one that followed the one before it.
    #[error("the chain is broken at link {link}{}: it does not follow from the links before it",
            .log_id.map(|id| format!(", of event {id}")).unwrap_or_default())]
    Broken {
        /// The link.
        link: i64,
        /// The event that it is of.
        log_id: Option<i64>,
    },
    /// The chain is not the one that was noted elsewhere.
    #[error(
        "the chain had another link {0} when its head was noted: what is before it was changed \
             and the chain made anew"
    )]
    OtherHead(i64),
    /// The chain is shorter than it was.
    #[error(
        "the chain had {noted} links when its head was noted, and has {left} now: the newest \
             events were removed"
    )]
    CutOff {
        /// Links that were noted.
        noted: i64,
        /// Links that there are.
        left: i64,
    },
}

impl Reader {
    /// Reads the whole log and follows its chain: whether any row was changed, removed or added since
    /// it was written, whether the bodies that are kept have the hash they came with, and, if the head
    /// of some time is `expected`, whether the log has grown from there.
    ///
    /// It reads in pieces and pauses after each for as long as that took: the log beside the database
    /// can be emptied only while nobody reads, and whoever writes shall have the disk, too.
    pub fn verify_log(&self, expected: Option<Head>) -> Result<LogProof, StoreError> {
        let mut check = Check::new(expected);
        loop {
            // What one piece reads is of one moment; between two the daemon tidies up behind us.
            let began = Instant::now();
            let moment = self.connection.unchecked_transaction()?;
            let links = check.links(&moment)?;
            if links < PIECE {
                check.end(&moment)?;
                return Ok(check.proof);
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
    expected: Option<Head>,
    /// The last event that was looked at.
    log_id: i64,
    /// What was found so far.
    proof: LogProof,
}

impl Check {
    fn new(expected: Option<Head>) -> Self {
        let proof = LogProof {
            events: 0,
            taken_over: 0,
            changes: 0,
            without_body: 0,
            begun_at: None,
            head: Head::NONE,
            faults: Vec::new(),
            fault_count: 0,
        };
        Self { expected, log_id: i64::MIN, proof }
    }

    fn found(&mut self, fault: LogFault) {
        self.proof.fault_count += 1;
        if self.proof.faults.len() < FAULTS_KEPT {
            self.proof.faults.push(fault);
        }
    }

    /// Follows the next links; how many they were.
    fn links(&mut self, moment: &Connection) -> Result<i64, StoreError> {
        let mut select = moment.prepare_cached(
            "SELECT id, log_id, kind, made_at, detail, facts, chain FROM webhook_log_chain
             WHERE id > :after ORDER BY id LIMIT :piece",
        )?;
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
        let text = |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
        let id: i64 = row.get("id")?;
        let facts: Hash = row.get("facts")?;
        let chain: Hash = row.get("chain")?;
        let link = Link {
            log_id: row.get("log_id")?,
            kind: text("kind")?.unwrap_or_default(),
            made_at: text("made_at")?,
            detail: text("detail")?,
            facts: &facts,
        };
        let next = self.proof.head.link + 1;
        if id != next {
            self.found(LogFault::LinksRemoved { first: next, last: id - 1 });
        }
        let kind = LinkKind::parse(link.kind);
        if kind == Some(LinkKind::Begun) {
            self.proof.begun_at = link.made_at.map(str::to_owned);
        } else if id == next && link.chain(&self.proof.head.chain, id) != chain {
            self.found(LogFault::Broken { link: id, log_id: link.log_id });
        }
        // What follows is judged by what stands here, so that each fault is told once.
        self.proof.head = Head { link: id, chain };
        if self.expected.is_some_and(|expected| expected.link == id && expected.chain != chain) {
            self.found(LogFault::OtherHead(id));
        }
        if let (Some(LinkKind::Received | LinkKind::TakenOver), Some(log_id)) = (kind, link.log_id)
        {
            self.proof.taken_over += u64::from(kind == Some(LinkKind::TakenOver));
            self.event(moment, log_id, &facts)?;
        } else if kind != Some(LinkKind::Begun) {
            self.proof.changes += 1;
        }
        Ok(())
    }

    /// Looks at the event of its first link, and at whatever stands before it without one.
    fn event(&mut self, moment: &Connection, log_id: i64, facts: &Hash) -> Result<(), StoreError> {
        let newest: Option<Hash> = moment
            .prepare_cached(
                "SELECT facts FROM webhook_log_chain
                 WHERE log_id = :log_id AND made_at IS NOT NULL ORDER BY id DESC LIMIT 1",
            )?
            .query_row(named_params! { ":log_id": log_id }, |row| row.get("facts"))
            .optional()?;
        let facts = newest.as_ref().unwrap_or(facts);
        let mut select = moment.prepare_cached(concat!(
            "SELECT ",
            fact_columns!(),
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
            if hash_of_row(row)? != *facts {
                self.found(LogFault::Changed(id));
            } else if !self.has_its_body(row)? {
                self.found(LogFault::BodyChanged(id));
            }
        }
        if !is_there {
            self.found(LogFault::Removed(log_id));
        }
        self.log_id = self.log_id.max(log_id);
        Ok(())
    }

    /// Whether the body, if it is kept, is the one that came.
    fn has_its_body(&mut self, row: &Row<'_>) -> Result<bool, StoreError> {
        let payload = row.get_ref("payload")?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let Some(payload) = payload else {
            self.proof.without_body += 1;
            return Ok(true);
        };
        let redacted: Option<Hash> = row.get("redacted_sha256")?;
        let hash = match redacted {
            Some(redacted) => redacted,
            None => row.get("payload_sha256")?,
        };
        Ok(<Hash>::from(Sha256::digest(payload)) == hash)
    }

    /// Looks at what is left when there are no more links, in the same moment.
    fn end(&mut self, moment: &Connection) -> Result<(), StoreError> {
        let mut select =
            moment.prepare_cached("SELECT id FROM webhook_logs WHERE id > :after ORDER BY id")?;
        let mut rows = select.query(named_params! { ":after": self.log_id })?;
        while let Some(row) = rows.next()? {
            self.found(LogFault::Added(row.get("id")?));
        }
        let noted = self.expected.map(|expected| expected.link);
        if let Some(noted) = noted.filter(|noted| *noted > self.proof.head.link) {
            self.found(LogFault::CutOff { noted, left: self.proof.head.link });
        }
        Ok(())
    }
}
