//! The hash chain of the event log: its head, and what a check of it finds.

use std::fmt;
use std::str::FromStr;

use super::Numbers;

/// SHA-256.
pub type Hash = [u8; 32];

string_enum! {
    /// What a link of the chain stands for: the `kind` column.
    LinkKind {
        /// An event came.
        Received = "received",
        /// It was there before the chain was.
        TakenOver = "taken_over",
        /// The first link.
        Begun = "begun",
        /// What stands before it was made by the rules of an earlier version.
        Sealed = "sealed",
        /// It came again in another rendering, and was understood.
        Replaced = "replaced",
        /// Another rendering of it said more.
        Rendering = "rendering",
        /// Something else was read from it.
        Reread = "reread",
        /// Personal fields were removed from it.
        Redacted = "redacted",
        /// Bodies and headers of old events were removed.
        Pruned = "pruned",
    }
}

/// The end of the chain at some time. Whoever keeps it elsewhere can tell later whether anything
/// before it was changed or removed, even by somebody who made the chain after it anew.
///
/// Its text form is the number of its link and 64 hexadecimal digits: `1742:9f86d0…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last link; links count from 1.
    pub link: i64,
    /// What binds it to all before it.
    pub chain: Hash,
}

impl Head {
    /// Before any link.
    pub const NONE: Self = Self { link: 0, chain: [0; 32] };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.link, hex(&self.chain))
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (link, hex) = text.trim().split_once(':')?;
            let link = link.parse().ok().filter(|link| *link >= 1)?;
            Some(Self { link, chain: unhex(hex)? })
        };
        parse().ok_or_else(|| {
            "give a head as the log lines say it: the number of a link, a colon, 64 hexadecimal \
             digits"
                .to_owned()
        })
    }
}

/// What the check of the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Events that were looked at.
    pub events: u64,
    /// Of them, those that were there before the chain was.
    pub taken_over: u64,
    /// Of them, those that were carried over from an earlier form of the chain, and when: what was done
    /// to them before that is proved by its weaker rules only.
    pub carried_over: Option<(u64, String)>,
    /// Changes that were made by payhookd and are links of the chain themselves, by day. Whoever has
    /// the file can make them too, so a person compares them with what was done.
    pub changes: Vec<LogChange>,
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

/// Events that were changed in one way on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChange {
    /// The day, UTC: `2026-11-23`.
    pub day: String,
    /// In which way.
    pub kind: LinkKind,
    /// Which: row ids.
    pub events: Numbers,
}

/// One thing that is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// An event's row is gone.
    #[error("event {0} was removed")]
    Removed(i64),
    /// A row is not what it was, in a column that never changes, or what was read from it is not.
    #[error("event {0} was changed: it is not what was received, or does not say what it said")]
    Changed(i64),
    /// The same, before the chain had its present form.
    #[error("event {0} was changed before it was carried over into this form of the chain")]
    ChangedBefore(i64),
    /// A body is not the one that came.
    #[error("the body of event {0} was changed: it has another hash")]
    BodyChanged(i64),
    /// A body is gone, and no link says so.
    #[error("the body of event {0} was removed by something else than payhookd")]
    BodyRemoved(i64),
    /// A row stands there that was not received.
    #[error("event {0} was added by something else than payhookd: the chain does not know it")]
    Added(i64),
    /// A link says what no payhookd says.
    #[error(
        "link {link}, of event {log_id}, was made by something else than payhookd: it puts \
             something else in the place of what came"
    )]
    Forged {
        /// The link.
        link: i64,
        /// The event that it is of.
        log_id: i64,
    },
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
    /// It does not begin as a chain does.
    #[error("the chain has lost its beginning: nothing before it is proved")]
    Unsealed,
    /// What was noted of events from before was changed.
    #[error("what the chain says of events from before link {0} was changed")]
    SealBroken(i64),
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

/// How the chain stands to its last known head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// None is known.
    Unknown,
    /// It goes on from there.
    Continues(Head),
    /// It does not, or nobody can tell: what is kept is no head.
    Broken(String),
}

/// In hexadecimal digits, lower case.
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What [`hex`] made; `None` of anything else.
pub fn unhex(text: &str) -> Option<Hash> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, place) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head { link: 1742, chain: Sha256::digest("payhookd").into() };
        assert_eq!(head.to_string().parse(), Ok(head));
        let hex = "0".repeat(64);
        let signed = format!("1:+{}", "0".repeat(63));
        for text in
            ["", "1742", ":", "0:", "1:ab", &format!("0:{hex}"), &format!("1:{hex}0"), &signed]
        {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
    }
}
