//! The database file, the disk under it, and what it tells: certificates and the last events.

use std::fs;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::installation::Patient;
use super::{Check, Finding, roughly, size};
use crate::config::{Mode, PaypalVerify};
use crate::domain::provider::Provider;
use crate::domain::records::StoreHealth;
use crate::domain::refusal::Refusal;
use crate::http::admin::ROOM;
use crate::providers::paypal::certificate::Certificate;
use crate::store::{self, Reader, StoreError};

/// Less free than this is time to look for room.
const SCARCE: u64 = 1 << 30;
/// The log beside the database is emptied at 500 pages of 8 KiB; one that is so much larger says that
/// somebody reads without an end.
const LARGE_WAL: u64 = 256 << 20;
/// A certificate that ends so soon should have a successor by now.
const ENDS_SOON_DAYS: u64 = 14;

/// Whether the database can be used and its disk has room; a reader of it, if one can be had.
pub(super) fn check(patient: &Patient, full: bool) -> (Option<Reader>, Vec<Finding>) {
    let mut findings: Vec<Finding> = disk(&patient.db).into_iter().collect();
    let (reader, finding) = match open(patient) {
        Ok(reader) => (Some(reader), soundness(&patient.db, full)),
        Err(finding) => (None, finding),
    };
    findings.push(finding);
    (reader, findings)
}

fn disk(db: &Path) -> Option<Finding> {
    const CHECK: Check = Check("disk");
    let folder = match db.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let place = folder.display();
    // The system makes it so when the disk fails; of this root is told too, whom no mode keeps out.
    if access(db, Access::WRITE_OK) == Err(Errno::ROFS) {
        return Some(CHECK.fail(
            format!("the disk at {place} can only be read: no webhook can be kept"),
            format!(
                "dmesg says why; when that is mended: mount -o remount,rw $(stat -c %m {place})"
            ),
        ));
    }
    let free = store::disk_free(db).or_else(|| store::disk_free(folder))?;
    let bytes = fs::metadata(db).map_or(0, |file| file.len());
    Some(if free < ROOM {
        CHECK.fail(
            format!("only {} are free at {place}: webhooks will be refused", size(free)),
            format!("make room, or move the database to a larger disk: df -h {place}"),
        )
    } else if free < bytes.saturating_add(ROOM) {
        CHECK.warn(
            format!(
                "{} are free at {place} for the database, which is {} large: an upgrade copies it \
                 first, and would have no room",
                size(free),
                size(bytes)
            ),
            format!("make room: df -h {place}"),
        )
    } else if free < SCARCE {
        CHECK.warn(
            format!("{} are free at {place}", size(free)),
            format!("make room: df -h {place}"),
        )
    } else {
        CHECK.ok(format!("{} are free at {place}", size(free)))
    })
}

const CHECK: Check = Check("database");

pub(super) fn open(patient: &Patient) -> Result<Reader, Finding> {
    let db = patient.db.display();
    Reader::open(&patient.db).map_err(|error| {
        let (what, remedy) = match &error {
            StoreError::NoDatabase { .. } => (
                format!("there is no database at {db}"),
                "name it (--env-file, PAYHOOKD_DB, or `-- --db FILE`), or start the daemon, which \
                 makes it: systemctl start payhookd",
            ),
            StoreError::NoFolder { .. } => (
                format!("there is no folder for {db}"),
                "make it, for the user that the daemon runs as, or name another file (--env-file, \
                 PAYHOOKD_DB, or `-- --db FILE`)",
            ),
            StoreError::Unreachable { .. } => (
                format!("{db} can't be reached by this user"),
                "ask again as root: sudo payhookd doctor",
            ),
            StoreError::OldSchema { version, needed, .. } => (
                format!("{db} has schema version {version}, and this payhookd needs {needed}"),
                "systemctl restart payhookd, which copies and migrates it",
            ),
            StoreError::NewSchema { .. } => (
                error.to_string(),
                "install the newer payhookd again; this one can't know what is in it",
            ),
            StoreError::NotADatabase { .. } if patient.db.is_dir() => (
                format!("{db} is a folder"),
                "name the file in it: --env-file, PAYHOOKD_DB, or `-- --db FILE`",
            ),
            StoreError::NotADatabase { .. } => (
                format!("{db} is not a database"),
                "name another file; if it is damaged, go back to a copy: docs/data.md, Backup",
            ),
            StoreError::ForeignDatabase { .. } => (
                format!("{db} is a database, but not one of payhookd"),
                "name another file: --env-file, PAYHOOKD_DB, or `-- --db FILE`",
            ),
            _ => (
                format!("{db} can't be read: {error}"),
                "ask again as root: sudo payhookd doctor; if that says the same, go back to a \
                 copy: docs/data.md, Backup",
            ),
        };
        CHECK.fail(what, remedy)
    })
}

fn soundness(db: &Path, full: bool) -> Finding {
    let remedy = "go back to a copy with `payhookd restore`: docs/data.md, Backup; the providers \
                  send again what came since, for up to three days";
    let problems = match store::problems(db, full) {
        Ok(problems) => problems,
        Err(error) => return CHECK.fail(error.to_string(), remedy),
    };
    if let Some(problem) = problems.first() {
        return CHECK.fail(format!("{} is damaged: {problem}", db.display()), remedy);
    }
    let mut wal = db.as_os_str().to_owned();
    wal.push("-wal");
    let wal = fs::metadata(&wal).map_or(0, |file| file.len());
    if wal > LARGE_WAL {
        return CHECK.warn(
            format!("the log beside {} has grown to {}", db.display(), size(wal)),
            "find the program that keeps a query on the database open, and end it: lsof FILE-wal",
        );
    }
    let bytes = fs::metadata(db).map_or(0, |file| file.len());
    let checked = if full { "every row is sound" } else { "its structure is sound" };
    CHECK.ok(format!("{}, {}: {checked}", db.display(), size(bytes)))
}

/// Until when PayPal's kept certificates are trusted.
pub(super) fn check_certificates(patient: &Patient, reader: &Reader) -> Vec<Finding> {
    const CHECK: Check = Check("certificates");
    let paypal = patient.config.as_ref().and_then(|config| config.paypal.as_ref());
    let Some(PaypalVerify::Offline { trust, .. }) = paypal.map(|paypal| &paypal.verify) else {
        return Vec::new();
    };
    let again = "no need to act before a PayPal webhook is refused: a certificate that is needed is \
                 fetched again; if one is refused, upgrade payhookd";
    let stored = match reader.certificates() {
        Ok(stored) => stored,
        Err(error) => {
            return vec![CHECK.fail(error.to_string(), "payhookd doctor --full")];
        }
    };
    let Some(newest) = stored.iter().max_by_key(|stored| stored.fetched_at) else {
        return vec![CHECK.ok("none is kept yet: PayPal's first webhook brings one")];
    };
    let id = newest.url.rsplit('/').next().unwrap_or_default();
    let until = Certificate::parse(id, newest.pem.as_bytes())
        .and_then(|certificate| trust.valid_until(&certificate, patient.now));
    vec![match until {
        Ok(until) => {
            let left = until.since(patient.now);
            let what = format!("PayPal's newest, {id}, is trusted until {until}");
            match left.as_secs() / 86_400 {
                ..ENDS_SOON_DAYS => CHECK.warn(what, again),
                _ => CHECK.ok(what),
            }
        }
        Err(Refusal::CertExpired) => {
            CHECK.warn(format!("PayPal's newest, {id}, is no longer valid"), again)
        }
        Err(Refusal::CertNotYetValid) => CHECK.fail(
            format!("PayPal's newest, {id}, is not valid yet: this machine's clock is slow"),
            "timedatectl set-ntp true",
        ),
        Err(refusal) => CHECK.warn(
            format!("PayPal's newest, {id}, is not trusted with these settings: {refusal}"),
            again,
        ),
    }]
}

/// When the last genuine event of each provider came, and whether it was of the right mode.
pub(super) fn check_events(patient: &Patient, sight: &StoreHealth) -> Vec<Finding> {
    const CHECK: Check = Check("events");
    let Some(config) = &patient.config else { return Vec::new() };
    let livemode = config.mode == Mode::Live;
    let mut findings = Vec::new();
    for provider in config.providers() {
        let of = |live: bool| {
            let found = sight
                .last_events
                .iter()
                .find(|(known, mode, _)| *known == provider && *mode == live);
            found.map(|(_, _, at)| patient.now.since(*at))
        };
        findings.push(match (of(livemode), of(!livemode)) {
            (Some(ago), _) => CHECK.ok(format!("the last of {provider} came {} ago", roughly(ago))),
            (None, Some(ago)) => CHECK.warn(
                format!(
                    "{provider} has sent no event of {} mode, but one of the other {} ago",
                    config.mode,
                    roughly(ago)
                ),
                "compare PAYHOOKD_MODE with the mode in which the endpoint was made in the \
                 dashboard",
            ),
            (None, None) => CHECK.warn(
                format!("{provider} has sent no genuine event yet"),
                match provider {
                    Provider::Stripe => {
                        "make a test payment, or look at the endpoint's attempts in Stripe's \
                         dashboard, Webhooks"
                    }
                    Provider::Paypal => {
                        "make a payment, or look at the Webhooks events in PayPal's developer \
                         dashboard"
                    }
                },
            ),
        });
    }
    findings
}
